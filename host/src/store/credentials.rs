//! What opens a store's doors: the secrets that sign its webhooks, and access to its platform's API.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    Error, SealError, Sealed, Vault,
    record::{decode, encode},
};
use crate::domain::{StoreId, Timestamp};

/// A store's credentials, in clear: in memory only.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// Webhook secrets of its own, any of which may sign: rotation has two for a while.
    pub secrets: Vec<String>,
    pub access: Option<Access>,
}

/// Access to a platform's API.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    pub token: String,
    /// When the token ends; none if it does not.
    pub expires_at: Option<Timestamp>,
    /// What gets the next token.
    pub refresh: Option<Refresh>,
    /// What it may be used for, where the platform has said.
    pub scopes: Vec<String>,
}

/// The right to the next token, used once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refresh {
    pub token: String,
    pub expires_at: Timestamp,
}

impl Access {
    /// Access by a token that does not end.
    pub fn lasting(token: impl Into<String>) -> Self {
        Self { token: token.into(), expires_at: None, refresh: None, scopes: Vec::new() }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials([REDACTED])")
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access")
            .field("expires_at", &self.expires_at)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Refresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refresh").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// Credentials as a store's record holds them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeptCredentials {
    /// As an older version wrote them; sealed when the store is next opened.
    Clear(Credentials),
    Sealed(Sealed),
}

impl KeptCredentials {
    pub fn seal(vault: &Vault, store: StoreId, credentials: &Credentials) -> Self {
        Self::Sealed(vault.seal(&place(store), &encode(credentials)))
    }

    pub fn open(&self, vault: &Vault, store: StoreId) -> Result<Credentials, Error> {
        match self {
            Self::Clear(credentials) => Ok(credentials.clone()),
            Self::Sealed(sealed) => {
                let opened = vault.open(&place(store), sealed);
                decode(&opened.map_err(|error: SealError| Error::NotOpened { store, error })?)
            }
        }
    }

    /// Whether it has to be sealed anew: in clear, or with a key of before a rotation.
    pub fn is_outdated(&self, vault: &Vault) -> bool {
        match self {
            Self::Clear(_) => true,
            Self::Sealed(sealed) => !vault.is_current(sealed),
        }
    }
}

fn place(store: StoreId) -> [u8; 4] {
    store.0.to_be_bytes()
}
