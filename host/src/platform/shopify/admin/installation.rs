//! What the shop says of the app's own installation.

use serde::Deserialize;
use serde_json::json;

use super::{AdminClient, no_data};
use crate::platform::Failure;

const INSTALLATION: &str = include_str!("../documents/installation.graphql");

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Installation {
    access_scopes: Vec<AccessScope>,
}

#[derive(Deserialize)]
struct AccessScope {
    handle: String,
}

impl AdminClient {
    /// What the app may do in the shop: its scopes, as they are granted now.
    pub async fn granted_scopes(&self) -> Result<Vec<String>, Failure> {
        let installation: Installation = self.ask(INSTALLATION, json!({})).await?.ok_or_else(no_data)?;
        Ok(installation.access_scopes.into_iter().map(|scope| scope.handle).collect())
    }
}
