//! `state`: a plugin's own keys and values in one store.

use super::super::{
    bindings::{state, types::Refusal},
    delivery::Delivery,
    limits,
};
use crate::store::{Key, Scan, keys};

/// Bytes of `after` that a listing compares keys with: more than any key has, cut between characters.
const LONGEST_AFTER: usize = limits::STATE_KEY_BYTES as usize + 4;

impl Delivery {
    fn state_key(&self, key: &str) -> Result<Key, Refusal> {
        match key.len() {
            0 => Err(Refusal::Invalid("key is empty".into())),
            length if length > limits::STATE_KEY_BYTES as usize => Err(Refusal::OverLimit(limits::STATE_KEY_BYTES)),
            _ => Ok(keys::state(self.store_id(), &self.input.plugin.name, key)),
        }
    }

    /// The length of the value at a key, if there is one.
    fn state_length(&mut self, stored: &Key) -> wasmtime::Result<Option<usize>> {
        let length = self.transaction.get_bytes(stored)?.map(<[u8]>::len);
        self.count_read(length.unwrap_or(0))?;
        Ok(length)
    }

    /// Whether the plugin's state may grow to what this delivery has made of it.
    fn fits(&self, keys: i64, bytes: i64) -> bool {
        let usage = &self.input.usage;
        usage.keys.saturating_add_signed(keys) <= limits::STATE_KEYS
            && usage.bytes.saturating_add_signed(bytes) <= limits::STATE_BYTES
    }
}

impl state::Host for Delivery {
    fn get(&mut self, key: String) -> wasmtime::Result<Option<Vec<u8>>> {
        let Ok(stored) = self.state_key(&key) else { return Ok(None) };
        self.has_read(&key);
        let value = self.transaction.get_bytes(&stored)?.map(<[u8]>::to_vec);
        self.count_read(value.as_ref().map_or(0, Vec::len))?;
        Ok(value)
    }

    fn set(&mut self, key: String, value: Vec<u8>) -> wasmtime::Result<Result<(), Refusal>> {
        let stored = match self.state_key(&key) {
            Ok(stored) => stored,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if value.len() > limits::STATE_VALUE_BYTES as usize {
            return Ok(Err(Refusal::OverLimit(limits::STATE_VALUE_BYTES)));
        }
        let before = self.state_length(&stored)?;
        let (mut keys, mut bytes) = (self.usage.keys, self.usage.bytes + signed(value.len()));
        match before {
            Some(length) => bytes -= signed(length),
            None => {
                keys += 1;
                bytes += signed(key.len());
            }
        }
        let grows = keys > self.usage.keys || bytes > self.usage.bytes;
        if grows && !self.fits(keys, bytes) {
            return Ok(Err(Refusal::Other("the plugin's state in this store is full".into())));
        }
        if let Err(refusal) = self.count_written(key.len() + value.len()) {
            return Ok(Err(refusal));
        }
        (self.usage.keys, self.usage.bytes) = (keys, bytes);
        self.transaction.put_bytes(stored, value);
        Ok(Ok(()))
    }

    fn delete(&mut self, key: String) -> wasmtime::Result<Result<(), Refusal>> {
        let stored = match self.state_key(&key) {
            Ok(stored) => stored,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if let Some(length) = self.state_length(&stored)? {
            self.usage.keys -= 1;
            self.usage.bytes -= signed(length + key.len());
            self.transaction.delete(stored);
        }
        Ok(Ok(()))
    }

    fn list_keys(&mut self, prefix: String, after: Option<String>, limit: u32) -> wasmtime::Result<Vec<String>> {
        if prefix.len() > limits::STATE_KEY_BYTES as usize {
            return Ok(Vec::new());
        }
        let (store, plugin) = (self.store_id(), self.input.plugin.name.clone());
        self.has_read(&format!("{prefix}*"));
        // No key is longer, so that what follows decides nothing.
        let after = after.map(|key| keys::state(store, &plugin, &key[..key.floor_char_boundary(LONGEST_AFTER)]));
        let limit = limit.min(limits::LIST_KEYS) as usize;
        let begin = keys::state(store, &plugin, "").as_bytes().len();
        let rows = self.transaction.scan(&Scan::of(keys::state(store, &plugin, &prefix), limit).after(after))?;
        self.count_read(0)?;
        let mut listed = Vec::with_capacity(rows.len());
        for (key, value) in rows {
            self.count_read(value.len())?;
            listed.push(String::from_utf8_lossy(&key.as_bytes()[begin..]).into_owned());
        }
        Ok(listed)
    }
}

fn signed(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}
