//! The keys with which Adobe I/O Events signs, fetched from the one place where Adobe publishes them.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use super::PublicKey;
use crate::{domain::Timestamp, platform::Refusal};

/// Where the keys are. A request names no more than a path below it.
const HOST: &str = "https://static.adobeioevents.com";
const FOLDER: &str = "/prod/keys/pub-key-";
const ENDING: &str = ".pem";

/// How long a key is known, as Adobe advises.
const KEPT: Duration = Duration::from_secs(24 * 3_600);

/// Adobe has two at a time.
const KEPT_MAX: usize = 16;

const TIMEOUT: Duration = Duration::from_secs(3);
const BYTES_MAX: u64 = 16 << 10;

/// The path of one of Adobe's keys: it leads nowhere else.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyPath(String);

impl KeyPath {
    pub fn read(path: &str) -> Result<Self, Refusal> {
        let name = path.strip_prefix(FOLDER).and_then(|rest| rest.strip_suffix(ENDING));
        let is_name = name.is_some_and(|name| {
            (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        });
        if is_name { Ok(Self(path.to_owned())) } else { Err(Refusal::KeyElsewhere) }
    }
}

/// Adobe's key cannot be had now; the same request may be believed later.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Adobe's key cannot be fetched: {0}")]
pub struct Unavailable(String);

/// The keys that have been fetched lately.
pub struct AdobeKeys {
    http: reqwest::Client,
    known: Mutex<HashMap<KeyPath, (PublicKey, Timestamp)>>,
    /// One fetch at a time: whoever waits finds the key.
    fetching: tokio::sync::Mutex<()>,
}

impl fmt::Debug for AdobeKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdobeKeys")
    }
}

impl AdobeKeys {
    /// Follows no redirect, which could lead to anybody's keys.
    pub fn new() -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(TIMEOUT).build()?;
        Ok(Self { http, known: Mutex::default(), fetching: tokio::sync::Mutex::default() })
    }

    /// Puts a key where it would be if it had been fetched.
    #[cfg(test)]
    pub fn know(&self, path: &KeyPath, key: PublicKey, now: Timestamp) {
        self.remember(path, key, now);
    }

    /// The key of a path that a request names.
    pub async fn get(&self, path: &KeyPath, now: Timestamp) -> Result<PublicKey, Unavailable> {
        if let Some(known) = self.known(path, now) {
            return Ok(known);
        }
        let _turn = self.fetching.lock().await;
        if let Some(known) = self.known(path, now) {
            return Ok(known);
        }
        let key = self.fetch(path).await?;
        self.remember(path, key.clone(), now);
        Ok(key)
    }

    fn known(&self, path: &KeyPath, now: Timestamp) -> Option<PublicKey> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (key, since) = known.get(path)?;
        (now.since(*since) < KEPT).then(|| key.clone())
    }

    fn remember(&self, path: &KeyPath, key: PublicKey, now: Timestamp) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KEPT_MAX {
            known.clear();
        }
        known.insert(path.clone(), (key, now));
    }

    async fn fetch(&self, KeyPath(path): &KeyPath) -> Result<PublicKey, Unavailable> {
        let unavailable = |error: reqwest::Error| Unavailable(error.without_url().to_string());
        let mut answer = self.http.get(format!("{HOST}{path}")).send().await.map_err(unavailable)?;
        if !answer.status().is_success() {
            return Err(Unavailable(format!("the answer is {}", answer.status())));
        }
        let mut pem = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(unavailable)? {
            pem.extend_from_slice(&chunk);
            if pem.len() as u64 > BYTES_MAX {
                return Err(Unavailable("the answer is too long for a key".into()));
            }
        }
        let pem = String::from_utf8_lossy(&pem);
        PublicKey::from_pem(&pem).map_err(|error| Unavailable(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_leads_elsewhere_is_none_of_adobes_keys() {
        for path in [
            "",
            "/prod/keys/",
            "/prod/keys/pub-key-.pem",
            "/prod/keys/pub-key-a/../../b.pem",
            "/prod/keys/pub-key-a.pem?x=.pem",
            "/stage/keys/pub-key-a.pem",
            "@evil.example/prod/keys/pub-key-a.pem",
            ".evil.example/prod/keys/pub-key-a.pem",
            "https://evil.example/prod/keys/pub-key-a.pem",
            "//evil.example/prod/keys/pub-key-a.pem",
        ] {
            assert_eq!(KeyPath::read(path), Err(Refusal::KeyElsewhere), "{path}");
        }
        assert!(KeyPath::read("/prod/keys/pub-key-0f8b9a52-6d0b-4f3f-9d51-6f1f5b1f9f10.pem").is_ok());
    }
}
