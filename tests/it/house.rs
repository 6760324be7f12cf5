//! The house's own rules, read off its source: which way dependencies point, who names an engine, how a file looks.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// The host's modules from the ground up: one may use those of its own row and of the rows before it, but no two each
/// other. `host` puts the parts together for those who face the world.
const ORDER: &[&[&str]] = &[
    &["domain", "clock", "config", "counters", "retry", "telemetry", "threads"],
    &["store"],
    &["platform", "engine"],
    &["catalog"],
    &["privacy"],
    &["access", "ingest", "dispatch", "schedule", "effects", "reconcile", "history"],
    &["insights", "doctor"],
    &["host"],
    &["web"],
    &["cli"],
    &["simulation"],
];

/// Crates that are an engine behind a face of ours, and the only places that may name them.
const ENGINES: &[(&str, &str)] = &[("sled", "host/src/store/sled"), ("wasmtime", "host/src/engine")];

/// No file is longer, so that one can be read in one go.
const MAX_LINES: usize = 600;

/// Longer files, each with its reason.
const LONG: &[(&str, &str)] = &[];

/// Files that contain `unsafe`, each with its reason.
const UNSAFE: &[(&str, &str)] = &[
    (
        "host/src/engine",
        "Component::deserialize trusts an artefact that this host itself has compiled and stored under its hash",
    ),
    ("plugin-sdk/src/memory.rs", "an allocator is handed memory that nobody else names"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package stands in the repository").to_owned()
}

/// Every file below, without what is built and what git keeps, as paths from the root with their bytes.
fn files(dir: &str) -> BTreeMap<String, Vec<u8>> {
    let (root, mut found, mut open) = (root(), BTreeMap::new(), Vec::new());
    open.push(root.join(dir));
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display())) {
            let entry = entry.unwrap();
            let (path, name) = (entry.path(), entry.file_name());
            let kind = entry.file_type().unwrap();
            if kind.is_dir() && !matches!(name.to_str(), Some("target" | ".git" | "node_modules")) {
                open.push(path);
            } else if kind.is_file() {
                let name = path.strip_prefix(&root).unwrap().to_str().expect("file names are UTF-8").to_owned();
                found.insert(name, fs::read(path).unwrap());
            }
        }
    }
    found
}

fn rust_files(dir: &str) -> BTreeMap<String, String> {
    let rust = files(dir).into_iter().filter(|(name, _)| name.ends_with(".rs"));
    rust.map(|(name, bytes)| (name, String::from_utf8(bytes).expect("source is UTF-8"))).collect()
}

/// The code's words and signs: without comments, texts and white space; `::` is one sign.
fn tokens(source: &str) -> Vec<String> {
    let chars: Vec<char> = source.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let (mut tokens, mut i) = (Vec::new(), 0);
    while i < chars.len() {
        match (at(i), at(i + 1)) {
            ('/', '/') => {
                while i < chars.len() && at(i) != '\n' {
                    i += 1;
                }
            }
            ('/', '*') => {
                let mut depth = 0;
                loop {
                    match (at(i), at(i + 1)) {
                        ('/', '*') => (depth, i) = (depth + 1, i + 2),
                        ('*', '/') => (depth, i) = (depth - 1, i + 2),
                        _ => i += 1,
                    }
                    if depth == 0 || i >= chars.len() {
                        break;
                    }
                }
            }
            ('r', '"' | '#') if raw_text_end(&chars, i + 1).is_some() => {
                i = raw_text_end(&chars, i + 1).unwrap_or(chars.len());
            }
            ('"', _) => {
                i += 1;
                while i < chars.len() && at(i) != '"' {
                    i += if at(i) == '\\' { 2 } else { 1 };
                }
                i += 1;
            }
            // A character, and not a lifetime.
            ('\'', '\\') => {
                i += 3;
                while i < chars.len() && at(i) != '\'' {
                    i += 1;
                }
                i += 1;
            }
            ('\'', _) if at(i + 2) == '\'' => i += 3,
            (':', ':') => {
                tokens.push("::".to_owned());
                i += 2;
            }
            (c, _) if is_word(c) => {
                let start = i;
                while is_word(at(i)) {
                    i += 1;
                }
                let word: String = chars[start..i].iter().collect();
                // What comes before a text, as in b"..", is no word of the code.
                if !(matches!(word.as_str(), "b" | "c" | "br" | "cr") && matches!(at(i), '"' | '\'')) {
                    tokens.push(word);
                }
            }
            (c, _) => {
                if !c.is_whitespace() {
                    tokens.push(c.to_string());
                }
                i += 1;
            }
        }
    }
    tokens
}

/// The same without unit tests, which may use what they like: nothing depends on them.
fn product_tokens(source: &str) -> Vec<String> {
    const TESTS: [&str; 8] = ["#", "[", "cfg", "(", "test", ")", "]", "mod"];
    let tokens = tokens(source);
    let (mut kept, mut i) = (Vec::new(), 0);
    while i < tokens.len() {
        if tokens[i..].iter().take(TESTS.len()).eq(TESTS) {
            let (mut depth, start) = (0, i + TESTS.len());
            for (offset, token) in tokens[start..].iter().enumerate() {
                depth += match token.as_str() {
                    "{" => 1,
                    "}" => -1,
                    _ => 0,
                };
                i = start + offset + 1;
                if depth == 0 && matches!(token.as_str(), "}" | ";") {
                    break;
                }
            }
        } else {
            kept.push(tokens[i].clone());
            i += 1;
        }
    }
    kept
}

/// Where a raw text ends whose signs after the `r` begin at `start`.
fn raw_text_end(chars: &[char], start: usize) -> Option<usize> {
    let fence = chars[start..].iter().take_while(|c| **c == '#').count();
    let mut i = start + fence;
    if chars.get(i) != Some(&'"') {
        return None;
    }
    loop {
        i += 1;
        match chars.get(i) {
            None => return Some(chars.len()),
            Some('"') if chars[i + 1..].iter().take(fence).filter(|c| **c == '#').count() == fence => {
                return Some(i + 1 + fence);
            }
            Some(_) => {}
        }
    }
}

/// The host's modules that code names as `crate::x`, or as `super::x` from the ground of a top-level module, where the
/// code stands `depth` modules deep.
fn modules_used(source: &str, depth: usize) -> BTreeSet<String> {
    let tokens = product_tokens(source);
    let token = |i: usize| tokens.get(i).map_or("", String::as_str);
    let mut used = BTreeSet::new();
    // One entry for each open brace: whether it is that of a module inside the file.
    let mut braces: Vec<bool> = Vec::new();
    for i in 0..tokens.len() {
        match token(i) {
            "{" => braces.push(i >= 2 && token(i - 2) == "mod"),
            "}" => _ = braces.pop(),
            "crate" if token(i + 1) == "::" => used.extend(heads(&tokens, i + 2)),
            "super" if i == 0 || token(i - 1) != "::" || token(i - 2) == "self" => {
                let mut end = i;
                let mut steps = 1;
                while token(end + 1) == "::" && token(end + 2) == "super" {
                    (end, steps) = (end + 2, steps + 1);
                }
                if steps == depth + braces.iter().filter(|is_module| **is_module).count() {
                    used.extend(heads(&tokens, end + 2));
                }
            }
            _ => {}
        }
    }
    used
}

/// The first words of the path, or of every path of the group, that begins here.
fn heads(tokens: &[String], start: usize) -> Vec<String> {
    if tokens.get(start).map(String::as_str) != Some("{") {
        return tokens.get(start).cloned().into_iter().collect();
    }
    let (mut heads, mut depth, mut expects_head) = (Vec::new(), 0, false);
    for token in &tokens[start..] {
        match token.as_str() {
            "{" => (depth, expects_head) = (depth + 1, depth == 0),
            "}" => depth -= 1,
            "," => expects_head = depth == 1,
            word if expects_head => {
                heads.push(word.to_owned());
                expects_head = false;
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    heads
}

/// The top-level module that a file of the host belongs to, and how deep in it the file stands: `store/key.rs` is 2.
fn place(file: &str) -> Option<(String, usize)> {
    let path = file.strip_prefix("host/src/")?.strip_suffix(".rs")?;
    let path = path.strip_suffix("/mod").unwrap_or(path);
    let module = path.split('/').next()?;
    (!matches!(module, "lib" | "main")).then(|| (module.to_owned(), path.split('/').count()))
}

fn row(module: &str) -> Option<usize> {
    ORDER.iter().position(|row| row.contains(&module))
}

#[test]
fn dependencies_point_one_way() {
    let mut uses = BTreeMap::<String, BTreeSet<String>>::new();
    let mut wrong = Vec::new();
    for (file, source) in rust_files("host/src") {
        let Some((module, depth)) = place(&file) else { continue };
        let Some(own) = row(&module) else {
            wrong.push(format!("{file}: `{module}` has no place in the order: give it one in ORDER"));
            continue;
        };
        for used in modules_used(&source, depth) {
            match row(&used) {
                Some(other) if other > own => {
                    wrong.push(format!("{file}: `{module}` uses `{used}`, which is above it"))
                }
                Some(_) if used != module => _ = uses.entry(module.clone()).or_default().insert(used),
                // The root's own items and macros.
                _ => {}
            }
        }
    }
    wrong.extend(circle(&uses).map(|circle| format!("modules use each other in a circle: {}", circle.join(", "))));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The modules that are left when those that use nothing left are taken away, again and again.
fn circle(uses: &BTreeMap<String, BTreeSet<String>>) -> Option<Vec<String>> {
    let mut left = uses.clone();
    loop {
        let before = left.len();
        let names: BTreeSet<String> = left.keys().cloned().collect();
        left.retain(|_, used| !used.is_disjoint(&names));
        if left.len() == before {
            return (!left.is_empty()).then(|| left.into_keys().collect());
        }
    }
}

#[test]
fn the_reading_of_source_finds_what_compilers_find() {
    let source = r##"
        // crate::comment /* crate::in_comment
        /* crate::block /* nested */ crate::still */
        use crate::{domain::{Event, crate_name}, store, self::clock};
        pub(crate) fn f<'a>(x: &'a str) -> char { let _ = "crate::text \" more"; let _ = r#"crate::raw"#; 'c' }
        fn g() { crate::engine::run(b'\'', '"') }
        mod inner { use super::super::catalog; use super::*; }
        #[cfg(test)]
        mod tests { use crate::web; fn h() { if true { crate::cli::run() } } }
        fn k() { crate::ingest::run() }
    "##;
    let found = modules_used(source, 1);
    let expected = ["catalog", "domain", "engine", "ingest", "self", "store"];
    assert_eq!(found, expected.into_iter().map(str::to_owned).collect());
    assert_eq!(modules_used("use super::web;", 1), BTreeSet::from(["web".to_owned()]));
    assert!(modules_used("use super::web;", 2).is_empty());
    let names_sled = |source: &str| names_crate(&tokens(source), "sled");
    assert!(names_sled("use sled::Db;") && names_sled("fn f(db: &sled::Db)"));
    assert!(!names_sled("use crate::store::sled::Store;") && !names_sled("use crate::{store, sled}; fn f(o: sled::O)"));
    let uses = |pairs: &[(&str, &str)]| -> BTreeMap<String, BTreeSet<String>> {
        pairs.iter().map(|(user, used)| (user.to_string(), BTreeSet::from([used.to_string()]))).collect()
    };
    assert_eq!(circle(&uses(&[("a", "b"), ("b", "c")])), None);
    assert_eq!(circle(&uses(&[("a", "b"), ("b", "c"), ("c", "b")])), Some(vec!["a".into(), "b".into(), "c".into()]));
}

#[test]
fn only_an_engines_own_module_names_it() {
    for (file, source) in rust_files("host/src") {
        for (engine, home) in ENGINES {
            let names = names_crate(&product_tokens(&source), engine);
            assert!(!names || file.starts_with(home), "{file} names {engine}, which is {home}'s alone");
        }
    }
}

/// Whether a path begins with the crate. A module of ours of the same name has something before it, or is imported.
fn names_crate(tokens: &[String], name: &str) -> bool {
    let token = |i: usize| tokens.get(i).map_or("", String::as_str);
    let ours = (1..tokens.len()).any(|i| {
        token(i) == name && matches!(token(i - 1), "::" | "{" | "," | "mod") && matches!(token(i + 1), "," | "}" | ";")
    });
    let root = (0..tokens.len())
        .any(|i| token(i) == name && token(i + 1) == "::" && (i == 0 || !matches!(token(i - 1), "::" | "{" | ",")));
    root && !ours
}

#[test]
fn a_file_opens_by_saying_what_belongs_in_it_and_can_be_read_in_one_go() {
    let mut wrong = Vec::new();
    for dir in ["host", "plugin-sdk", "plugins", "tests"] {
        for (file, source) in rust_files(dir) {
            if !source.starts_with("//! ") {
                wrong.push(format!("{file} does not open with `//!`"));
            }
            let lines = source.lines().count();
            if lines > MAX_LINES && !LONG.iter().any(|(long, _)| *long == file) {
                wrong.push(format!("{file} has {lines} lines, over {MAX_LINES}: split it, or give the reason in LONG"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn unsafe_stands_only_where_a_reason_is_given() {
    for dir in ["host", "plugin-sdk", "plugins", "tests"] {
        for (file, source) in rust_files(dir) {
            if UNSAFE.iter().any(|(allowed, _)| file.starts_with(allowed)) {
                continue;
            }
            assert!(!tokens(&source).iter().any(|token| token == "unsafe"), "{file} contains `unsafe`");
        }
    }
}

#[test]
fn nothing_here_names_the_place_where_it_was_written() {
    let names = [concat!(".lib", "rary"), concat!("far", "m-"), concat!("/work/", "scratch")];
    for (file, bytes) in files("") {
        for name in names {
            let found = bytes.windows(name.len()).any(|window| window == name.as_bytes());
            assert!(!found, "{file} mentions {name}");
        }
    }
}
