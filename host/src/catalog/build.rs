//! `regulars plugin build`: from a plugin's crate to its one file.
//!
//! What belongs here: calling cargo, finding the parts, writing the file. What the file is stands in `package`.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Stdio,
    sync::atomic::{AtomicU32, Ordering},
};

use serde::Deserialize;

use super::{
    package,
    templates::Sources,
    toolchain::{self, Toolchain},
};
use crate::domain::{ComponentHash, PluginName};

/// The cargo profile that plugins ship with, where their workspace has it.
const PROFILE: &str = "plugin";

/// The same settings for a workspace without that profile.
const RELEASE_AS_PLUGIN: &[(&str, &str)] = &[
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "s"),
    ("CARGO_PROFILE_RELEASE_LTO", "true"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1"),
    ("CARGO_PROFILE_RELEASE_PANIC", "abort"),
    ("CARGO_PROFILE_RELEASE_STRIP", "true"),
    ("CARGO_PROFILE_RELEASE_DEBUG", "false"),
];

/// Why no plugin file was made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Toolchain(#[from] toolchain::Missing),
    /// Cargo has said why on the terminal, or `detail` does.
    #[error("{action} failed{detail}")]
    Cargo { action: &'static str, detail: String },
    #[error("{0} has no library of the crate type cdylib: write `crate-type = [\"cdylib\", \"rlib\"]` under [lib]")]
    NoModule(PathBuf),
    #[error("no manifest for {package}: write {}", tried.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" or "))]
    NoManifest { package: String, tried: Vec<PathBuf> },
    #[error("cannot {action} {}: {source}", path.display())]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    #[error("{}: {source}", path.display())]
    Package { path: PathBuf, source: package::Error },
}

/// What to build.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The plugin's crate.
    pub dir: &'a Path,
    /// Its manifest, where that stands neither in the crate nor in its workspace's `manifests/plugins`.
    pub manifest: Option<&'a Path>,
    /// Where to build, if not where cargo builds.
    pub target_dir: Option<&'a Path>,
}

/// A plugin file that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    pub file: PathBuf,
    pub name: PluginName,
    pub version: String,
    pub hash: ComponentHash,
    /// The file's size.
    pub bytes: usize,
    /// The interfaces that it imports.
    pub imports: Vec<String>,
}

/// Compiles the crate, packs its component with manifest and templates, checks the imports, and writes
/// `<target>/plugins/<name>.wasm`. Cargo's progress goes to standard error.
pub fn build_plugin(request: Request<'_>) -> Result<Built, Error> {
    let dir = fs::canonicalize(request.dir).map_err(io_error("find", request.dir))?;
    let toolchain = toolchain::find_toolchain(&dir)?;
    let project = Project::of(&dir, &toolchain)?;
    let target_dir = request.target_dir.map_or_else(|| project.target_dir.clone(), Path::to_owned);

    let manifest_path = project.manifest(request.manifest)?;
    let manifest_text = fs::read_to_string(&manifest_path).map_err(io_error("read", &manifest_path))?;
    let templates = read_templates(&dir.join("templates"))?;
    let module_path = compile(&project, &toolchain, &target_dir)?;
    let module = fs::read(&module_path).map_err(io_error("read", &module_path))?;

    let at_part = |source| {
        let is_mail = matches!(source, package::Error::Templates(_));
        Error::Package { path: if is_mail { dir.clone() } else { manifest_path.clone() }, source }
    };
    let file = package::pack(&module, &manifest_text, &templates).map_err(at_part)?;
    let package = package::unpack(&file).map_err(at_part)?;
    let imports = package::check_imports(&package).map_err(at_part)?;
    package::check_mails(&package).map_err(at_part)?;

    let path = target_dir.join("plugins").join(format!("{}.wasm", package.manifest.name));
    write_if_changed(&path, &file)?;
    Ok(Built {
        file: path,
        name: package.manifest.name,
        version: package.manifest.version,
        hash: package.hash,
        bytes: file.len(),
        imports,
    })
}

/// What cargo knows of a crate.
#[derive(Debug)]
struct Project {
    dir: PathBuf,
    package: String,
    workspace: PathBuf,
    target_dir: PathBuf,
}

impl Project {
    fn of(dir: &Path, toolchain: &Toolchain) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Metadata {
            packages: Vec<Package>,
            workspace_root: PathBuf,
            target_directory: PathBuf,
        }
        #[derive(Deserialize)]
        struct Package {
            name: String,
            manifest_path: PathBuf,
        }
        const ACTION: &str = "reading the crate with `cargo metadata`";
        let failed = |detail: String| Error::Cargo { action: ACTION, detail: format!(": {detail}") };

        let manifest = dir.join("Cargo.toml");
        let mut command = toolchain.cargo();
        command.args(["metadata", "--no-deps", "--format-version", "1"]).current_dir(dir);
        let output = command.output().map_err(|error| failed(error.to_string()))?;
        if !output.status.success() {
            return Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
        }
        let metadata: Metadata = serde_json::from_slice(&output.stdout).map_err(|error| failed(error.to_string()))?;
        let package = metadata.packages.into_iter().find(|package| package.manifest_path == manifest);
        let package = package.ok_or_else(|| failed(format!("{} is no package", dir.display())))?;
        Ok(Self {
            dir: dir.to_owned(),
            package: package.name,
            workspace: metadata.workspace_root,
            target_dir: metadata.target_directory,
        })
    }

    /// The manifest that was named, or the crate's own, or the one that the workspace keeps for it.
    fn manifest(&self, named: Option<&Path>) -> Result<PathBuf, Error> {
        if let Some(named) = named {
            return Ok(named.to_owned());
        }
        let kept = self.workspace.join("manifests/plugins").join(format!("{}.toml", self.package));
        let tried = vec![self.dir.join("manifest.toml"), kept];
        match tried.iter().find(|path| path.is_file()) {
            Some(found) => Ok(found.clone()),
            None => Err(Error::NoManifest { package: self.package.clone(), tried }),
        }
    }

    fn has_plugin_profile(&self) -> bool {
        let text = fs::read_to_string(self.workspace.join("Cargo.toml")).unwrap_or_default();
        let manifest = text.parse::<toml::Table>().unwrap_or_default();
        manifest.get("profile").is_some_and(|profiles| profiles.get(PROFILE).is_some())
    }
}

/// The core module that cargo makes of the crate.
fn compile(project: &Project, toolchain: &Toolchain, target_dir: &Path) -> Result<PathBuf, Error> {
    const ACTION: &str = "compiling the plugin";
    let mut command = toolchain.cargo_build();
    // A directory of its own: two compilers in one would wait for each other, and lose each other's work.
    command
        .args(["--lib", "--message-format", "json-render-diagnostics"])
        .arg("--target-dir")
        .arg(target_dir.join("wasm"));
    if project.has_plugin_profile() {
        command.args(["--profile", PROFILE]);
    } else {
        command.arg("--release").envs(RELEASE_AS_PLUGIN.iter().copied());
    }
    let output = command
        .current_dir(&project.dir)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| Error::Cargo { action: ACTION, detail: format!(": {error}") })?;
    if !output.status.success() {
        return Err(Error::Cargo { action: ACTION, detail: String::new() });
    }
    let stdout = String::from_utf8_lossy(&output.stdout);
    module_in(&stdout, &project.dir.join("Cargo.toml")).ok_or_else(|| Error::NoModule(project.dir.join("Cargo.toml")))
}

/// The WebAssembly module among cargo's messages that this crate's own library became.
fn module_in(messages: &str, manifest: &Path) -> Option<PathBuf> {
    #[derive(Deserialize)]
    struct Artifact {
        manifest_path: PathBuf,
        filenames: Vec<PathBuf>,
    }
    // Messages of other kinds have other fields, and are passed over.
    let artifacts = messages.lines().filter_map(|line| serde_json::from_str::<Artifact>(line).ok());
    artifacts
        .filter(|artifact| artifact.manifest_path == manifest)
        .flat_map(|artifact| artifact.filenames)
        .find(|file| file.extension().is_some_and(|extension| extension == "wasm"))
}

/// The files of the folder of templates by name, without what is no template; none where there is no such folder.
fn read_templates(dir: &Path) -> Result<Sources, Error> {
    let mut sources = Sources::new();
    if !dir.exists() {
        return Ok(sources);
    }
    for entry in fs::read_dir(dir).map_err(io_error("list", dir))? {
        let path = entry.map_err(io_error("list", dir))?.path();
        let is_template = path.extension().is_some_and(|it| it == "mjml" || it == "txt" || it == "toml");
        if let (Some(name), true) = (path.file_name(), is_template) {
            let text = fs::read_to_string(&path).map_err(io_error("read", &path))?;
            sources.insert(name.to_string_lossy().into_owned(), text);
        }
    }
    Ok(sources)
}

/// Puts the file in place whole or not at all, and leaves one that is the same already as old as it is.
fn write_if_changed(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    static DRAFTS: AtomicU32 = AtomicU32::new(0);
    if fs::read(path).is_ok_and(|present| present == bytes) {
        return Ok(());
    }
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir).map_err(io_error("create", dir))?;
    }
    let draft = path.with_extension(format!("{}-{}", std::process::id(), DRAFTS.fetch_add(1, Ordering::Relaxed)));
    fs::write(&draft, bytes).map_err(io_error("write", &draft))?;
    fs::rename(&draft, path).map_err(io_error("write", path))
}

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Io { action, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_module_is_the_crates_own_and_not_a_dependencys() {
        let messages = r#"
            {"reason":"compiler-artifact","manifest_path":"/w/dep/Cargo.toml","filenames":["/t/dep.wasm"]}
            {"reason":"compiler-artifact","manifest_path":"/w/tea/Cargo.toml","filenames":["/t/libtea.rlib","/t/tea.wasm"]}
            {"reason":"build-finished","success":true}"#;
        assert_eq!(module_in(messages, Path::new("/w/tea/Cargo.toml")), Some("/t/tea.wasm".into()));
        assert_eq!(module_in(messages, Path::new("/w/cup/Cargo.toml")), None);
    }

    #[test]
    fn templates_are_read_and_other_files_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in [("cup.mjml", "<mjml>"), ("cup.txt", "cup"), ("de.toml", "[cup]"), ("README.md", "read")] {
            fs::write(dir.path().join(name), text).unwrap();
        }
        let read = read_templates(dir.path()).unwrap();
        assert_eq!(read.keys().collect::<Vec<_>>(), ["cup.mjml", "cup.txt", "de.toml"]);
        assert_eq!(read["de.toml"], "[cup]");
        assert!(read_templates(&dir.path().join("none")).unwrap().is_empty());
    }

    #[test]
    fn the_crates_own_manifest_comes_before_the_workspaces() {
        let root = tempfile::tempdir().unwrap();
        let (dir, kept) = (root.path().join("plugins/tea"), root.path().join("manifests/plugins"));
        fs::create_dir_all(&dir).unwrap();
        fs::create_dir_all(&kept).unwrap();
        let project = Project {
            dir: dir.clone(),
            package: "tea".into(),
            workspace: root.path().to_owned(),
            target_dir: root.path().join("target"),
        };
        let message = project.manifest(None).unwrap_err().to_string();
        assert!(message.contains("plugins/tea/manifest.toml or ") && message.contains("tea.toml"), "{message}");
        fs::write(kept.join("tea.toml"), "").unwrap();
        assert_eq!(project.manifest(None).unwrap(), kept.join("tea.toml"));
        fs::write(dir.join("manifest.toml"), "").unwrap();
        assert_eq!(project.manifest(None).unwrap(), dir.join("manifest.toml"));
        assert_eq!(project.manifest(Some(Path::new("other.toml"))).unwrap(), Path::new("other.toml"));
    }

    #[test]
    fn the_profile_is_looked_up_in_the_workspace() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().to_owned();
        let project =
            Project { dir: dir.clone(), package: "tea".into(), workspace: dir.clone(), target_dir: dir.clone() };
        assert!(!project.has_plugin_profile());
        fs::write(dir.join("Cargo.toml"), "[profile.plugin]\ninherits = \"release\"\n").unwrap();
        assert!(project.has_plugin_profile());
    }

    #[test]
    fn a_file_is_replaced_whole_and_an_equal_one_not_touched() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("plugins/tea.wasm");
        write_if_changed(&path, b"one").unwrap();
        let first = fs::metadata(&path).unwrap().modified().unwrap();
        write_if_changed(&path, b"one").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), first);
        write_if_changed(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }
}
