//! A plugin's own keys and values in one store.

use std::marker::PhantomData;

use serde::{Serialize, de::DeserializeOwned};

use crate::{Context, Malformed, StateError, failure::decode, sys};

/// Joins the parts of a state key with `/`, so that no part runs into the next: `key(&["order", "7"])` is `order/7`.
///
/// Name whose a key is: with the id of the customer, the order or the effect as a part of its own, the key is in the file of
/// the customer who asks what is kept of them, and goes with a customer who is to be forgotten if the plugin cannot be told.
///
/// A `/` or `%` inside a part is written as `%2F` or `%25`. For the prefix of a listing, end with an empty part:
/// `key(&["entry", "7", ""])` is `entry/7/`, which customer 70's entries do not begin with.
pub fn key(parts: &[&str]) -> String {
    let mut key = String::with_capacity(parts.iter().map(|part| part.len() + 1).sum());
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            key.push('/');
        }
        for character in part.chars() {
            match character {
                '/' => key.push_str("%2F"),
                '%' => key.push_str("%25"),
                other => key.push(other),
            }
        }
    }
    key
}

/// The plugin's own keys and values: bytes per store and plugin, kept only if `handle` succeeds.
///
/// Values are JSON. A delivery sees its own writes. Limits: [`crate::limits`].
#[derive(Debug)]
pub struct State<'a> {
    pub(crate) cx: PhantomData<&'a mut Context>,
}

impl State<'_> {
    /// The value of `key`; `None` if it has none.
    ///
    /// # Errors
    /// [`StateError::Malformed`] if what is stored does not read as `T`.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, StateError> {
        Ok(sys::state_get(key).map(|json| decode(key, &json)).transpose()?)
    }

    /// Gives `key` a value.
    ///
    /// # Errors
    /// [`StateError::Malformed`] if `value` has no JSON form, [`StateError::Refused`] past a limit.
    pub fn set<T: Serialize>(&mut self, key: &str, value: &T) -> Result<(), StateError> {
        let bytes = serde_json::to_vec(value).map_err(|error| Malformed::new(key, &error))?;
        Ok(sys::state_set(key, bytes)?)
    }

    /// Takes `key` out; nothing happens if it has no value.
    ///
    /// # Errors
    /// [`StateError::Refused`] if the key is not usable.
    pub fn delete(&mut self, key: &str) -> Result<(), StateError> {
        Ok(sys::state_delete(key)?)
    }

    /// Moves what is kept under one key to another, or under all keys that begin with one prefix to those that begin with
    /// another: what a plugin does with a customer's state when that customer is absorbed by a different one.
    ///
    /// A prefix ends in `/`, as `key(&["stamps", id, ""])` does; anything else is one whole key. `join` is given the rest
    /// of the key after the prefix, the value that moves and the value that is there already, and says what is kept.
    /// What has been moved is gone from where it was, so that doing it again does nothing. Returns how many were moved.
    ///
    /// All of it is one delivery, with its limits of fuel and of bytes: keep sums per customer rather than long lists.
    ///
    /// ```
    /// # use regulars_sdk::{Context, Event, Result, key};
    /// fn merged(_: &Event, cx: &mut Context) -> Result {
    ///     let Some(merge) = cx.merge() else { return Ok(()) };
    ///     let [from, to] = [&merge.absorbed_id, &merge.kept_id].map(|id| key(&["visits", id]));
    ///     cx.state().merge(&from, &to, |_, moved: u32, there: Option<u32>| Ok(moved + there.unwrap_or(0)))?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// Those of `join`, [`StateError::Malformed`] if a value does not read as `T`, [`StateError::Refused`] past a limit.
    pub fn merge<T: Serialize + DeserializeOwned>(
        &mut self,
        from: &str,
        to: &str,
        mut join: impl FnMut(&str, T, Option<T>) -> crate::Result<T>,
    ) -> crate::Result<usize> {
        if from == to {
            return Ok(0);
        }
        let keys: Vec<String> = if from.ends_with('/') { self.keys(from).collect() } else { vec![from.into()] };
        let mut moved = 0;
        for key in keys {
            let Some(value) = self.get::<T>(&key)? else { continue };
            let rest = key.strip_prefix(from).unwrap_or_default();
            let target = [to, rest].concat();
            let joined = join(rest, value, self.get(&target)?)?;
            self.set(&target, &joined)?;
            self.delete(&key)?;
            moved += 1;
        }
        Ok(moved)
    }

    /// The keys that begin with `prefix`, in byte order, read from the host page by page.
    pub fn keys(&self, prefix: &str) -> Keys {
        Keys { prefix: prefix.into(), page: Vec::new().into_iter(), last: None, ended: false }
    }
}

/// Keys of a state, as [`State::keys`] lists them.
#[derive(Clone, Debug)]
pub struct Keys {
    prefix: String,
    page: std::vec::IntoIter<String>,
    last: Option<String>,
    ended: bool,
}

impl Iterator for Keys {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        if self.page.as_slice().is_empty() && !self.ended {
            let page = sys::state_keys(&self.prefix, self.last.as_deref(), crate::limits::KEYS_PER_PAGE);
            self.ended = page.is_empty();
            self.last = page.last().cloned();
            self.page = page.into_iter();
        }
        self.page.next()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_reads_as_its_parts() {
        assert_eq!(key(&["order", "7"]), "order/7");
        assert_eq!(key(&["entry", "gid://shop/1", ""]), "entry/gid:%2F%2Fshop%2F1/");
    }

    proptest! {
        #[test]
        fn different_parts_never_make_the_same_key(
            one in prop::collection::vec("[a/%2F5]{0,4}", 1..4),
            other in prop::collection::vec("[a/%2F5]{0,4}", 1..4),
        ) {
            let joined = |parts: &[String]| key(&parts.iter().map(String::as_str).collect::<Vec<_>>());
            prop_assert_eq!(joined(&one) == joined(&other), one == other);
        }
    }
}
