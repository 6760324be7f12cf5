//! A plugin file under another name, so that one host can run many of it.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::service::PLUGIN;

const MANIFEST: &str = "regulars:manifest";

/// Magic number and version.
const PREAMBLE: usize = 8;

/// Writes a copy of the plugin's file whose manifest says `name`.
pub fn write(original: &Path, name: &str, folder: &Path) -> io::Result<PathBuf> {
    let copy = folder.join(name).with_extension("wasm");
    let renamed = renamed(&std::fs::read(original)?, name);
    std::fs::write(&copy, renamed.ok_or_else(|| io::Error::other("the plugin's file has another form"))?)?;
    Ok(copy)
}

/// The same sections, but for the one that holds the manifest.
fn renamed(file: &[u8], name: &str) -> Option<Vec<u8>> {
    let (mut copy, mut rest) = (file.get(..PREAMBLE)?.to_vec(), file.get(PREAMBLE..)?);
    let mut found = false;
    while let Some((&id, after_id)) = rest.split_first() {
        let (length, body) = number(after_id)?;
        let (body, after) = body.split_at_checked(length)?;
        let section = &rest[..rest.len() - after.len()];
        match custom(id, body) {
            Some((MANIFEST, text)) => {
                let manifest = std::str::from_utf8(text).ok()?.replacen(PLUGIN, name, 1);
                let content = [prefixed(MANIFEST.as_bytes()), manifest.into_bytes()].concat();
                copy.push(id);
                copy.extend(prefixed(&content));
                found = true;
            }
            _ => copy.extend_from_slice(section),
        }
        rest = after;
    }
    found.then_some(copy)
}

/// A custom section's name and content.
fn custom(id: u8, body: &[u8]) -> Option<(&str, &[u8])> {
    let (length, text) = number(body).filter(|_| id == 0)?;
    let (name, content) = text.split_at_checked(length)?;
    Some((std::str::from_utf8(name).ok()?, content))
}

/// A number in LEB128, and what follows it.
fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let length = bytes.iter().position(|byte| byte & 0x80 == 0)? + 1;
    let (digits, rest) = bytes.split_at(length);
    let value = digits.iter().rev().fold(0, |value, digit| value << 7 | usize::from(digit & 0x7f));
    Some((value, rest))
}

/// The bytes after their length in LEB128.
fn prefixed(bytes: &[u8]) -> Vec<u8> {
    let (mut prefixed, mut length) = (Vec::with_capacity(bytes.len() + 5), bytes.len());
    while length >= 0x80 {
        prefixed.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    prefixed.push(length as u8);
    prefixed.extend_from_slice(bytes);
    prefixed
}
