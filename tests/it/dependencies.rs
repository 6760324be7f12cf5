//! The crates we depend on, against deny.toml: sources, bans and licences. `cargo deny check` does the same and the
//! advisories besides; this runs everywhere.

use std::{env, fs, path::Path, process::Command};

use serde_json::Value;

/// Crates that name a licence file instead of a licence, and what stands in it.
const LICENSE_FILES: &[(&str, &str)] = &[("jsonpath-rust", "MIT")];

fn read_toml(name: &str) -> toml::Table {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
    fs::read_to_string(path).unwrap().parse().unwrap()
}

fn texts<'a>(table: &'a toml::Table, section: &str, key: &str) -> Vec<&'a str> {
    table[section][key].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

#[test]
fn every_crate_comes_from_the_registry_with_its_checksum_and_none_is_banned() {
    let (lock, deny) = (read_toml("Cargo.lock"), read_toml("deny.toml"));
    let registries = texts(&deny, "sources", "allow-registry");
    let banned = texts(&deny, "bans", "deny");
    let packages = lock["package"].as_array().unwrap();
    assert!(packages.len() > 100, "the lock file was not understood");
    for package in packages {
        let name = package["name"].as_str().unwrap();
        assert!(!banned.contains(&name), "{name} is banned by deny.toml");
        // A crate of this workspace has no source.
        let Some(source) = package.get("source").and_then(toml::Value::as_str) else { continue };
        let known = source.strip_prefix("registry+").is_some_and(|registry| registries.contains(&registry));
        assert!(known, "{name} comes from {source}");
        assert!(package.get("checksum").is_some(), "{name} has no checksum");
    }
}

#[test]
fn every_licence_is_one_that_deny_toml_allows() {
    let deny = read_toml("deny.toml");
    let allowed = texts(&deny, "licenses", "allow");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let rustc = Command::new("rustc").arg("-vV").output().unwrap();
    let rustc = String::from_utf8(rustc.stdout).unwrap();
    let host = rustc.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    // Offline and for this platform: what a build has fetched already, and nothing more.
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--offline", "--filter-platform", host])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100, "cargo's answer was not understood");
    for package in packages {
        let name = package["name"].as_str().unwrap();
        let in_file = || LICENSE_FILES.iter().find(|(known, _)| *known == name).map(|(_, license)| *license);
        let license = package["license"].as_str().or_else(in_file);
        let license = license.unwrap_or_else(|| panic!("{name} names no licence"));
        assert!(permits(license, &allowed), "{name} is licensed {license}, which deny.toml does not allow");
    }
}

/// Whether an SPDX expression can be met with these licences alone. `/` is the registry's old form of OR.
fn permits(expression: &str, allowed: &[&str]) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut tokens = spaced.split_whitespace().peekable();
    let permitted = either(&mut tokens, allowed);
    assert_eq!(tokens.next(), None, "{expression:?} is not understood");
    permitted
}

type Tokens<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn either(tokens: &mut Tokens<'_>, allowed: &[&str]) -> bool {
    let mut permitted = both(tokens, allowed);
    while tokens.next_if_eq(&"OR").is_some() {
        permitted |= both(tokens, allowed);
    }
    permitted
}

fn both(tokens: &mut Tokens<'_>, allowed: &[&str]) -> bool {
    let mut permitted = one(tokens, allowed);
    while tokens.next_if_eq(&"AND").is_some() {
        permitted &= one(tokens, allowed);
    }
    permitted
}

fn one(tokens: &mut Tokens<'_>, allowed: &[&str]) -> bool {
    match tokens.next() {
        Some("(") => {
            let permitted = either(tokens, allowed);
            assert_eq!(tokens.next(), Some(")"), "a parenthesis is not closed");
            permitted
        }
        Some(license) if tokens.next_if_eq(&"WITH").is_some() => {
            let exception = tokens.next().unwrap_or_default();
            allowed.contains(&format!("{license} WITH {exception}").as_str())
        }
        license => allowed.contains(&license.unwrap_or_default()),
    }
}

#[test]
fn licence_expressions_are_understood() {
    let allowed = ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"];
    for expression in
        ["MIT", "GPL-3.0 OR MIT", "GPL-3.0/MIT", "MIT AND (GPL-3.0 OR ISC)", "Apache-2.0 WITH LLVM-exception"]
    {
        assert!(permits(expression, &allowed), "{expression}");
    }
    for expression in ["GPL-3.0", "MIT AND GPL-3.0", "Apache-2.0", "MIT WITH other", "(MIT OR ISC) AND GPL-3.0", ""] {
        assert!(!permits(expression, &allowed), "{expression}");
    }
}
