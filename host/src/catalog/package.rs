//! The one file that a plugin is: a WebAssembly component with its manifest and its mail templates as custom sections.
//!
//! What belongs here: writing that file, reading it, and judging what the component imports and exports. A file comes
//! from whoever uploads it, so that nothing in it is taken on trust.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use wasm_encoder::{ComponentSection, CustomSection, Encode};
use wasmparser::{BinaryReaderError, Parser, Payload, Validator};
use wit_component::ComponentEncoder;

use self::binary::{Import, Surface, core_wasi_import, outer_payloads, stripped, surface};
use super::{
    manifest::{self, Manifest},
    templates::{self, Sources, Templates},
};
use crate::domain::{Capability, ComponentHash};

mod binary;

/// The largest plugin file. A Rust plugin has 0.1 MB, one with a JavaScript engine inside up to 12 MB; the file is held
/// in memory while it is read and compiled.
pub const MAX_FILE_BYTES: usize = 16 << 20;

/// The largest manifest: it is parsed at every start and its schema is sent to every settings form.
pub const MAX_MANIFEST_BYTES: usize = 64 << 10;

/// The WIT version that this host offers.
pub const WIT_VERSION: &str = "0.1.0";

/// Interfaces that every plugin may import without asking.
const CORE_INTERFACES: &[&str] =
    &["types", "events", "facts", "clock", "random", "settings", "state", "schedule", "decision", "outbox", "budget"];

const MANIFEST: &str = "regulars:manifest";
const VERSION: &str = "regulars:wit-version";
const TEMPLATE: &str = "regulars:template/";
/// All of our sections begin like this; whatever else a compiler left is stripped.
const OURS: &str = "regulars:";

/// Why bytes are not a plugin file, or why it may not be run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the {what} has {bytes} bytes, over the limit of {limit}")]
    TooLarge { what: String, bytes: usize, limit: usize },
    #[error("not a WebAssembly component: {0}")]
    NotAComponent(String),
    #[error("a core module cannot become a plugin: {0}")]
    NotEncodable(String),
    #[error("the section {0:?} is missing: build the file with `regulars plugin build`")]
    MissingSection(&'static str),
    #[error("the section {0:?} stands there twice")]
    DuplicateSection(String),
    #[error("the section {0:?} is not UTF-8 text")]
    NotText(String),
    #[error("the plugin is built for version {found} of regulars:plugin, this host offers {known}")]
    WitVersion { found: String, known: &'static str },
    #[error(transparent)]
    Manifest(#[from] manifest::Error),
    #[error(transparent)]
    Templates(#[from] templates::Error),
    #[error("this plugin imports {0}: the sandbox has no WASI; build for wasm32-unknown-unknown")]
    Wasi(String),
    #[error("this plugin imports {0}, which this host does not offer")]
    ForeignImport(String),
    #[error(
        "this plugin imports {interface}, but its manifest does not ask for it: add {capability:?} to `capabilities`"
    )]
    UndeclaredCapability { interface: String, capability: &'static str },
    #[error("this plugin exports no regulars:plugin/handler@0.1: write `regulars_sdk::export!(handle);`")]
    MissingHandler,
}

/// A plugin file that has been read.
#[derive(Clone)]
pub struct Package {
    /// The whole file: engines skip the sections that are ours.
    pub component: Vec<u8>,
    pub manifest: Manifest,
    pub manifest_text: String,
    pub templates: Arc<Templates>,
    pub hash: ComponentHash,
}

impl fmt::Debug for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Package").field("name", &self.manifest.name).field("hash", &self.hash).finish_non_exhaustive()
    }
}

/// Makes the plugin file of a core module compiled for `wasm32-unknown-unknown`, and of the files of its folder of
/// templates.
pub fn pack(core_module: &[u8], manifest_text: &str, sources: &Sources) -> Result<Vec<u8>, Error> {
    Templates::new(&Manifest::parse(manifest_text)?.templates, sources)?;
    if let Some(import) = core_wasi_import(core_module).map_err(not_encodable)? {
        return Err(Error::Wasi(import));
    }
    let component = ComponentEncoder::default()
        .validate(true)
        .module(core_module)
        .and_then(ComponentEncoder::encode)
        .map_err(|error| Error::NotEncodable(format!("{error:#}")))?;
    let mut file = stripped(&component).map_err(not_a_component)?;
    let version = handler_version(&surface(&file).map_err(not_a_component)?).ok_or(Error::MissingHandler)?.to_owned();

    append_section(&mut file, VERSION, &version);
    append_section(&mut file, MANIFEST, manifest_text);
    for (name, source) in sources {
        append_section(&mut file, &format!("{TEMPLATE}{name}"), source);
    }
    Ok(file)
}

/// Reads a plugin file, and refuses one that is damaged, incomplete, too large or of another WIT version.
pub fn unpack(file: &[u8]) -> Result<Package, Error> {
    within(MAX_FILE_BYTES, "plugin file", file)?;
    if !Parser::is_component(file) {
        let what = if Parser::is_core_wasm(file) { "it is a core module" } else { "it is no WebAssembly at all" };
        return Err(Error::NotAComponent(what.into()));
    }
    let mut sections = our_sections(file)?;
    let found = sections.remove(VERSION).ok_or(Error::MissingSection(VERSION))?;
    if !is_known_version(&found) {
        return Err(Error::WitVersion { found, known: WIT_VERSION });
    }
    Validator::new().validate_all(file).map_err(not_a_component)?;

    let manifest_text = sections.remove(MANIFEST).ok_or(Error::MissingSection(MANIFEST))?;
    within(MAX_MANIFEST_BYTES, "manifest", manifest_text.as_bytes())?;
    let manifest = Manifest::parse(&manifest_text)?;
    let of_template = |(name, source): (String, String)| Some((name.strip_prefix(TEMPLATE)?.to_owned(), source));
    let sources: Sources = sections.into_iter().filter_map(of_template).collect();
    Ok(Package {
        templates: Arc::new(Templates::new(&manifest.templates, &sources)?),
        hash: ComponentHash::of(file),
        component: file.to_vec(),
        manifest,
        manifest_text,
    })
}

/// Tries out every mail of the plugin in every language, with the sample that its manifest gives.
pub fn check_mails(package: &Package) -> Result<(), Error> {
    Ok(package.templates.check()?)
}

/// The interfaces that the component imports, in order of their names.
///
/// Refused is every import that is not ours, and every grantable one that the manifest does not declare; so is a
/// component without a handler.
pub fn check_imports(package: &Package) -> Result<Vec<String>, Error> {
    let surface = surface(&package.component).map_err(not_a_component)?;
    for import in &surface.imports {
        check_import(import, &package.manifest.capabilities)?;
    }
    handler_version(&surface).ok_or(Error::MissingHandler)?;
    Ok(surface.imports.into_iter().map(|import| import.name).collect())
}

fn check_import(import: &Import, declared: &BTreeSet<Capability>) -> Result<(), Error> {
    if import.name.starts_with("wasi:") {
        return Err(Error::Wasi(import.name.clone()));
    }
    let foreign = || Error::ForeignImport(import.name.clone());
    let (path, version) = import.name.split_once('@').ok_or_else(foreign)?;
    let interface = path.strip_prefix("regulars:plugin/").ok_or_else(foreign)?;
    if !is_known_version(version) {
        return Err(Error::WitVersion { found: version.to_owned(), known: WIT_VERSION });
    }
    if !import.is_interface {
        return Err(foreign());
    }
    match Capability::ALL.iter().find(|capability| capability.interface() == path) {
        Some(capability) if declared.contains(capability) => Ok(()),
        Some(capability) => {
            Err(Error::UndeclaredCapability { interface: import.name.clone(), capability: capability.as_str() })
        }
        None if CORE_INTERFACES.contains(&interface) => Ok(()),
        None => Err(foreign()),
    }
}

/// Patch versions of one minor version link with each other.
fn is_known_version(version: &str) -> bool {
    let minor = |version: &str| version.rsplit_once('.').map(|(minor, _)| minor.to_owned());
    minor(version) == minor(WIT_VERSION)
}

fn within(limit: usize, what: &str, bytes: &[u8]) -> Result<(), Error> {
    if bytes.len() <= limit {
        return Ok(());
    }
    Err(Error::TooLarge { what: what.to_owned(), bytes: bytes.len(), limit })
}

fn not_a_component(error: BinaryReaderError) -> Error {
    Error::NotAComponent(error.to_string())
}

fn not_encodable(error: BinaryReaderError) -> Error {
    Error::NotEncodable(error.to_string())
}

fn append_section(component: &mut Vec<u8>, name: &str, text: &str) {
    let section = CustomSection { name: name.into(), data: text.as_bytes().into() };
    component.push(ComponentSection::id(&section));
    section.encode(component);
}

/// Our sections by name, those of the outermost component only: what is nested may come from anywhere.
fn our_sections(file: &[u8]) -> Result<BTreeMap<String, String>, Error> {
    let mut sections = BTreeMap::new();
    for payload in outer_payloads(file).map_err(not_a_component)? {
        let Payload::CustomSection(section) = payload else { continue };
        let name = section.name();
        if !name.starts_with(OURS) {
            continue;
        }
        let text = str::from_utf8(section.data()).map_err(|_| Error::NotText(name.to_owned()))?;
        if sections.insert(name.to_owned(), text.to_owned()).is_some() {
            return Err(Error::DuplicateSection(name.to_owned()));
        }
    }
    Ok(sections)
}

/// The version of the handler that the component exports, if it is one that this host can call.
fn handler_version(surface: &Surface) -> Option<&str> {
    let mut versions = surface.exports.iter().filter_map(|name| name.strip_prefix("regulars:plugin/handler@"));
    versions.find(|version| is_known_version(version))
}

#[cfg(test)]
mod tests {
    use wit_component::{StringEncoding, embed_component_metadata};
    use wit_parser::Resolve;

    use super::*;
    use crate::catalog::templates::Part;

    const WIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../plugin-sdk/wit/v0");

    /// A handler that does nothing, and asks the clock if it is told to.
    const CORE_MODULE: &str = r#"(module
        (import "regulars:plugin/clock@0.1.0" "now" (func $now (result i64)))
        (func (export "regulars:plugin/handler@0.1.0#handle")
            (param i32 i32 i32 i32 i32 i32 i64 i32) (result i32)
            (drop (call $now)) (i32.const 16))
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
        (memory (export "memory") 1)
        (@custom "producers" "\00"))"#;

    fn manifest(capabilities: &[&str]) -> String {
        format!(
            "[plugin]\nname = \"tea\"\nversion = \"1.2.3\"\ntitle = \"Tea\"\nsummary = \"Tea for all.\"\n\
             topics = [\"order.paid\"]\ncapabilities = {capabilities:?}\n[templates.cup]\nsubject = \"A cup\"\n"
        )
    }

    fn cup() -> Sources {
        [("cup.mjml", "<mjml></mjml>"), ("cup.txt", "A cup.\n")].map(|(name, text)| (name.into(), text.into())).into()
    }

    fn core_module(wat: &str) -> Vec<u8> {
        let mut module = wat::parse_str(wat).unwrap();
        let mut resolve = Resolve::default();
        let (package, _) = resolve.push_dir(WIT).unwrap();
        let world = resolve.select_world(&[package], Some("core")).unwrap();
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).unwrap();
        module
    }

    fn packed() -> Vec<u8> {
        pack(&core_module(CORE_MODULE), &manifest(&["mail"]), &cup()).unwrap()
    }

    /// A component made by hand, with these items in it and the sections that every plugin file has.
    fn by_hand(items: &str, capabilities: &[&str]) -> Vec<u8> {
        let mut file = wat::parse_str(format!("(component {items})")).unwrap();
        append_section(&mut file, VERSION, WIT_VERSION);
        append_section(&mut file, MANIFEST, &manifest(capabilities));
        append_section(&mut file, "regulars:template/cup.mjml", "<mjml></mjml>");
        append_section(&mut file, "regulars:template/cup.txt", "A cup.");
        file
    }

    const HANDLER: &str = r#"(instance $h) (export "regulars:plugin/handler@0.1.0" (instance $h))"#;

    fn imports(names: &[&str], capabilities: &[&str]) -> Result<Vec<String>, Error> {
        let imports: String = names.iter().map(|name| format!("(import {name:?} (instance))")).collect();
        check_imports(&unpack(&by_hand(&format!("{imports} {HANDLER}"), capabilities)).unwrap())
    }

    #[test]
    fn what_is_packed_is_what_comes_out() {
        let file = packed();
        let package = unpack(&file).unwrap();
        assert_eq!(package.manifest.name.as_str(), "tea");
        assert_eq!(package.manifest_text, manifest(&["mail"]));
        assert_eq!(package.templates.names().collect::<Vec<_>>(), ["cup"]);
        let source = |part| package.templates.source_of("cup", part).unwrap();
        assert_eq!((source(Part::Mjml).as_str(), source(Part::Text).as_str()), ("<mjml></mjml>", "A cup.\n"));
        assert_eq!(package.hash, ComponentHash::of(&file));
        assert_eq!(
            check_imports(&package).unwrap(),
            ["clock", "events", "types"].map(|name| format!("regulars:plugin/{name}@0.1.0"))
        );
    }

    #[test]
    fn packing_again_yields_the_same_bytes() {
        assert_eq!(packed(), packed());
    }

    #[test]
    fn no_custom_section_but_ours_stays_in_the_file_however_deep() {
        let names: BTreeSet<_> = Parser::new(0)
            .parse_all(&packed())
            .filter_map(|payload| match payload.unwrap() {
                Payload::CustomSection(section) => Some(section.name().to_owned()),
                _ => None,
            })
            .collect();
        let ours = [MANIFEST, "regulars:template/cup.mjml", "regulars:template/cup.txt", VERSION];
        assert_eq!(names, ours.into_iter().map(str::to_owned).collect());
    }

    #[test]
    fn a_module_for_wasi_or_without_a_handler_is_not_packed() {
        let wasi =
            r#"(module (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32))))"#;
        let error = pack(&wat::parse_str(wasi).unwrap(), &manifest(&[]), &cup()).unwrap_err();
        assert!(matches!(&error, Error::Wasi(import) if import == "wasi_snapshot_preview1.fd_write"), "{error}");
        let error = pack(&wat::parse_str("(module)").unwrap(), &manifest(&[]), &cup()).unwrap_err();
        assert!(matches!(error, Error::MissingHandler), "{error}");
        let error = pack(&core_module("(module)"), &manifest(&[]), &cup()).unwrap_err();
        assert!(matches!(error, Error::NotEncodable(_)), "{error}");
        let error = pack(b"tea", &manifest(&[]), &cup()).unwrap_err();
        assert!(matches!(error, Error::NotEncodable(_)), "{error}");
    }

    #[test]
    fn templates_and_manifest_must_name_each_other() {
        let error = pack(&core_module(CORE_MODULE), &manifest(&[]), &Sources::new()).unwrap_err();
        let missing = templates::Error::MissingFile { mail: "cup".into(), extension: "mjml" };
        assert!(matches!(&error, Error::Templates(error) if *error == missing), "{error}");
        let file = by_hand(HANDLER, &[]);
        let mut more = file.clone();
        append_section(&mut more, "regulars:template/mug.mjml", "<mjml></mjml>");
        assert!(unpack(&file).is_ok());
        let error = unpack(&more).unwrap_err();
        let expected = "mug.mjml belongs to no template of the manifest: add [templates.mug] with its subject";
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn what_is_no_component_is_refused_and_says_what_it_is() {
        for (bytes, what) in [
            (wat::parse_str("(module)").unwrap(), "core module"),
            (b"PK\x03\x04".to_vec(), "no WebAssembly"),
            (Vec::new(), "no WebAssembly"),
        ] {
            let error = unpack(&bytes).unwrap_err();
            assert!(matches!(error, Error::NotAComponent(_)) && error.to_string().contains(what), "{error}");
        }
    }

    #[test]
    fn a_file_cut_off_or_changed_anywhere_is_refused_or_differs_in_its_hash() {
        let file = packed();
        let hash = ComponentHash::of(&file);
        for end in (0..file.len()).step_by(7) {
            assert!(unpack(&file[..end]).is_err(), "cut at {end}");
        }
        for at in (0..file.len()).step_by(5) {
            let mut changed = file.clone();
            changed[at] ^= 0x41;
            assert!(unpack(&changed).map_or(true, |package| package.hash != hash), "changed at {at}");
        }
    }

    #[test]
    fn invalid_code_inside_a_component_is_refused_before_anything_compiles_it() {
        let error = unpack(&by_hand("(core module (func (result i32)))", &[])).unwrap_err();
        assert!(matches!(error, Error::NotAComponent(_)), "{error}");
    }

    #[test]
    fn a_file_over_the_limit_is_refused_unread() {
        let error = unpack(&vec![0; MAX_FILE_BYTES + 1]).unwrap_err();
        assert!(matches!(error, Error::TooLarge { limit: MAX_FILE_BYTES, .. }), "{error}");
    }

    #[test]
    fn a_missing_or_doubled_section_is_named() {
        let bare = wat::parse_str("(component)").unwrap();
        assert!(matches!(unpack(&bare).unwrap_err(), Error::MissingSection(VERSION)));
        let mut file = bare;
        append_section(&mut file, VERSION, WIT_VERSION);
        assert!(matches!(unpack(&file).unwrap_err(), Error::MissingSection(MANIFEST)));
        append_section(&mut file, VERSION, WIT_VERSION);
        assert!(matches!(unpack(&file).unwrap_err(), Error::DuplicateSection(name) if name == VERSION));
    }

    #[test]
    fn sections_of_a_nested_component_do_not_count_as_the_files_own() {
        let nested = wat::parse_str("(component (component (@custom \"regulars:wit-version\" \"0.1.0\")))").unwrap();
        assert!(matches!(unpack(&nested).unwrap_err(), Error::MissingSection(VERSION)));
    }

    #[test]
    fn another_wit_version_is_refused_with_both_in_the_message() {
        let mut file = wat::parse_str("(component)").unwrap();
        append_section(&mut file, VERSION, "0.2.0");
        let message = unpack(&file).unwrap_err().to_string();
        assert!(message.contains("0.2.0") && message.contains(WIT_VERSION), "{message}");
        assert!(is_known_version("0.1.7") && !is_known_version("0.10.0") && !is_known_version("1"));
    }

    #[test]
    fn declared_imports_pass_and_are_listed() {
        let names = ["regulars:plugin/mail@0.1.0", "regulars:plugin/state@0.1.3"];
        assert_eq!(imports(&names, &["mail"]).unwrap(), names);
    }

    #[test]
    fn an_import_of_an_undeclared_capability_is_refused_by_its_name() {
        for capability in Capability::ALL {
            let import = format!("{}@0.1.0", capability.interface());
            let error = imports(&[&import], &[]).unwrap_err();
            assert!(matches!(&error, Error::UndeclaredCapability { interface, .. } if *interface == import), "{error}");
        }
    }

    #[test]
    fn an_import_from_anywhere_else_is_refused_by_its_name() {
        let error = imports(&["wasi:cli/environment@0.2.0"], &[]).unwrap_err().to_string();
        assert!(error.contains("wasi:cli/environment@0.2.0") && error.contains("wasm32-unknown-unknown"), "{error}");
        for import in ["other:plugin/mail@0.1.0", "regulars:plugin/nuclear@0.1.0", "mail", "regulars:plugin/clock"] {
            let error = imports(&[import], &["mail"]).unwrap_err();
            assert!(matches!(&error, Error::ForeignImport(name) if name == import), "{error}");
        }
        let error = imports(&["regulars:plugin/clock@0.2.0"], &[]).unwrap_err();
        assert!(matches!(error, Error::WitVersion { .. }), "{error}");
        let function = format!("(import \"regulars:plugin/clock@0.1.0\" (func)) {HANDLER}");
        let error = check_imports(&unpack(&by_hand(&function, &[])).unwrap()).unwrap_err();
        assert!(matches!(error, Error::ForeignImport(_)), "{error}");
    }

    #[test]
    fn a_component_without_a_handler_is_refused() {
        for items in ["", r#"(instance $h) (export "regulars:plugin/handler@0.2.0" (instance $h))"#] {
            let error = check_imports(&unpack(&by_hand(items, &[])).unwrap()).unwrap_err();
            assert!(matches!(error, Error::MissingHandler), "{error}");
        }
    }

    #[test]
    fn the_interfaces_known_here_are_those_of_the_wit_files() {
        let mut resolve = Resolve::default();
        let (package, _) = resolve.push_dir(WIT).unwrap();
        let package = &resolve.packages[package];
        assert_eq!(package.name.version.as_ref().unwrap().to_string(), WIT_VERSION);
        let known = CORE_INTERFACES.iter().copied().chain(Capability::ALL.iter().map(|capability| capability.as_str()));
        let known: BTreeSet<_> = known.chain(["handler", "panel"]).collect();
        assert_eq!(package.interfaces.keys().map(String::as_str).collect::<BTreeSet<_>>(), known);
    }
}
