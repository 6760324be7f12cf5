//! What the shop lets us do: Shopify's scopes, Magento's resources, against what the plugins that are switched on need.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    finding::{Finding, Subject},
    holders,
};
use crate::{
    catalog::StoreEntry,
    domain::Capability,
    platform::{
        Client, Failure,
        magento::rest::resources::{READABLE, Resource},
        shopify::scopes,
    },
};

/// What the shop says is granted.
pub(super) enum Permissions {
    Scopes(Vec<String>),
    Lacking(Vec<Resource>),
    /// It could not be asked.
    Unheard,
}

/// Asks the shop. How that went tells of the token, too.
pub(super) async fn ask(client: Result<Arc<Client>, Failure>) -> (Result<(), Failure>, Permissions) {
    let asked = match client {
        Err(failure) => Err(failure),
        Ok(client) => match &*client {
            Client::Shopify(client) => client.granted_scopes().await.map(Permissions::Scopes),
            Client::Magento(client) => client.lacking().await.map(Permissions::Lacking),
        },
    };
    match asked {
        Ok(permissions) => (Ok(()), permissions),
        Err(failure) => (Err(failure), Permissions::Unheard),
    }
}

pub(super) fn judge(store: &StoreEntry, permissions: Permissions) -> Vec<Finding> {
    match permissions {
        Permissions::Scopes(granted) => of_shopify(store, &granted),
        Permissions::Lacking(lacking) => of_magento(store, &lacking),
        Permissions::Unheard => vec![Subject::Permissions.unknown(
            "nothing is known of them while the shop does not answer to the token",
            "mend what is said of the token, and ask again",
        )],
    }
}

/// What does not work without each scope that is needed.
fn needs(store: &StoreEntry) -> BTreeMap<&'static str, BTreeSet<String>> {
    let mut needs = BTreeMap::<_, BTreeSet<String>>::new();
    let mut need = |scope: &'static str, without: String| {
        needs.entry(scope).or_default().insert(without);
    };
    for scope in scopes::OF_READING {
        need(scope, "history and what webhooks have lost are not read".into());
    }
    for capability in Capability::ALL {
        for plugin in holders(store, *capability) {
            for scope in scopes::of_capability(*capability) {
                need(scope, format!("not all of `{capability}` works in {plugin}"));
            }
        }
    }
    for enabled in &store.enabled {
        for topic in &enabled.installed.package.manifest.topics {
            if let Some(scope) = scopes::of_topic(topic) {
                need(scope, format!("{} is not told of {topic}", enabled.name()));
            }
        }
    }
    needs
}

fn of_shopify(store: &StoreEntry, granted: &[String]) -> Vec<Finding> {
    let needs = needs(store);
    let lacking: Vec<_> = needs.iter().filter(|(scope, _)| !scopes::is_granted(granted, scope)).collect();
    if lacking.is_empty() {
        let all = needs.keys().map(|scope| format!("`{scope}`")).collect::<Vec<_>>().join(", ");
        return vec![Subject::Permissions.well(format!("all that is needed is granted: {all}"))];
    }
    let domain = &store.record.domain;
    let finding = |(scope, without): (&&str, &BTreeSet<String>)| {
        let without = without.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let seen = format!("`{scope}` is not granted: {without}");
        if scopes::is_optional(scope) {
            return Subject::Permissions.warning(
                seen,
                "where the merchant wants that, they allow it on the plugin's card in the shop's admin; else settings that need it \
                 stay unused",
            );
        }
        Subject::Permissions.fault(
            seen,
            format!(
                "of a listing's app: have the merchant open it in the shop's admin and consent. Of one of your own: add \
                 `{scope}` to its Admin API scopes, install it again, `regulars store update {domain} --token-file FILE`"
            ),
        )
    };
    lacking.into_iter().map(finding).collect()
}

fn of_magento(store: &StoreEntry, lacking: &[Resource]) -> Vec<Finding> {
    let is_needed = |resource: &&Resource| {
        let mut capabilities = resource.capabilities.iter();
        resource.capabilities.is_empty() || capabilities.any(|capability| !holders(store, *capability).is_empty())
    };
    let lacking: Vec<_> = lacking.iter().filter(is_needed).collect();
    if lacking.is_empty() {
        let all = READABLE.map(|resource| format!("`{}`", resource.name)).join(", ");
        return vec![Subject::Permissions.well(format!("all that can be seen by reading is granted: {all}"))];
    }
    let finding = |resource: &&Resource| {
        Subject::Permissions.fault(
            format!("the resource `{}` is not granted, which is needed for {}", resource.name, resource.needed_for),
            "in the shop's admin, System > Extensions > Integrations > the integration > API: tick it with those above it \
             (docs/magento.md lists them all), save, and activate the integration anew",
        )
    };
    lacking.iter().map(finding).collect()
}
