//! Which values lie in chunks, so that a write need not look whether the value before it did.

use std::{collections::HashMap, ops::Range};

use super::{
    super::{Error, Key, Table},
    row::{self, Row},
    sled_error,
};

/// The number of chunks of every value that has any. Few values are as long.
#[derive(Debug, Default)]
pub(super) struct Chunked(HashMap<Vec<u8>, u32>);

impl Chunked {
    /// Notes how many chunks a key's value has from now on, and answers which of those before are left over.
    pub fn replace(&mut self, key: &Key, chunks: u32) -> Range<u32> {
        let before = match (chunks, self.0.is_empty()) {
            (0, true) => None,
            (0, false) => self.0.remove(key.as_bytes()),
            (chunks, _) => self.0.insert(key.as_bytes().to_vec(), chunks),
        };
        chunks..before.unwrap_or(0).max(chunks)
    }
}

/// Finds the values that lie in chunks: the first chunk of each names its value.
pub(super) fn find(tree: &::sled::Tree) -> Result<Chunked, Error> {
    let mut found = Chunked::default();
    let mut from = Vec::new();
    // From store to store, by their chunk tables only.
    while let Some((key, _)) = tree.get_gt(&from).map_err(sled_error)? {
        let Some(store) = key.first_chunk::<4>() else {
            from = key.to_vec();
            continue;
        };
        for row in tree.scan_prefix([&store[..], &[Table::Chunk as u8]].concat()) {
            let (chunk, _) = row.map_err(sled_error)?;
            let Some(value) = row::chunked_key(&chunk) else { continue };
            if found.0.contains_key(&value) {
                continue;
            }
            let own = tree.get(&value).map_err(sled_error)?;
            if let Some(chunks) = own.as_deref().and_then(Row::decode).map(|row| row.chunks()) {
                found.0.insert(value, chunks);
            }
        }
        match u32::from_be_bytes(*store).checked_add(1) {
            Some(next) => from = next.to_be_bytes().to_vec(),
            None => break,
        }
    }
    Ok(found)
}
