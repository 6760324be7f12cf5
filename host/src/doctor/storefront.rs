//! The way from the shop's own pages to this host: Shopify's app proxy, which is walked; the block in a Magento shop, which is
//! known by what has come of it.

use super::finding::{Finding, Subject, ago};
use crate::{
    catalog::StoreEntry,
    dispatch::HeardOf,
    domain::{Platform, Timestamp, Topic},
    effects::Storefronts,
    platform::{Failure, http::HttpAnswer, magento::senders::module},
};
use axum::http::header::LOCATION;
use serde::Deserialize;

/// Where the app proxy leads to this host's own check, as `manifests/shopify/shopify.app.toml` sets it up.
const PATH: &str = "/apps/regulars/check";

/// Where the storefront sends everybody while a password is on it.
const PASSWORD: &str = "/password";

pub(super) async fn examine(
    storefronts: &Storefronts,
    store: &StoreEntry,
    heard: &HeardOf,
    now: Timestamp,
) -> Vec<Finding> {
    match store.record.platform {
        Platform::Shopify => vec![of_proxy(&store.record.domain, walk(storefronts, store).await)],
        Platform::Magento => vec![of_block(heard, now)],
    }
}

/// What the way through the proxy ends at.
#[derive(Debug, PartialEq, Eq)]
enum Met {
    /// This host, which has believed the proxy's signature, and the store that it was signed for.
    Us(String),
    /// This host or one like it, which has not believed it.
    UsUnbelieving,
    Password,
    Else(u16),
}

#[derive(Deserialize)]
struct Check {
    store: String,
}

#[derive(Deserialize)]
struct Refused {
    r#type: String,
}

impl Met {
    fn of(answer: &HttpAnswer) -> Self {
        let status = answer.status.as_u16();
        let place = answer.headers.get(LOCATION).and_then(|place| place.to_str().ok()).unwrap_or_default();
        if let Ok(check) = serde_json::from_slice::<Check>(&answer.body) {
            return Self::Us(check.store);
        }
        if serde_json::from_slice::<Refused>(&answer.body)
            .is_ok_and(|it| it.r#type == "urn:regulars:problem:no-session")
        {
            return Self::UsUnbelieving;
        }
        match answer.status.is_redirection() && place.split('?').next().is_some_and(|path| path.ends_with(PASSWORD)) {
            true => Self::Password,
            false => Self::Else(status),
        }
    }
}

/// Follows the way, once also from the permanent domain to the one that shoppers know.
async fn walk(storefronts: &Storefronts, store: &StoreEntry) -> Result<Met, Failure> {
    let answer = storefronts.look(store, PATH).await?;
    let place = answer.headers.get(LOCATION).and_then(|place| place.to_str().ok());
    match place.filter(|place| place.starts_with("https://") && place.ends_with(PATH)) {
        Some(place) => Ok(Met::of(&storefronts.look_further(store, place).await?)),
        None => Ok(Met::of(&answer)),
    }
}

fn of_proxy(domain: &str, met: Result<Met, Failure>) -> Finding {
    match met {
        Ok(Met::Us(store)) if store == domain => Subject::Storefront.well("the app proxy leads to this host"),
        Ok(Met::Us(store)) => Subject::Storefront.fault(
            format!("the app proxy of the shop leads to the store {store}"),
            format!("add the shop under its permanent domain, which is not {domain}"),
        ),
        Ok(Met::UsUnbelieving) => Subject::Storefront.fault(
            "the app proxy leads to a host of ours that does not believe its signature: no shopper sees a panel",
            format!(
                "set the client secret of the app that owns the proxy: `shopify.client_secrets` of the configuration, or \
                 `regulars store update {domain} --secret-file FILE`; and look at what is said of the clock"
            ),
        ),
        Ok(Met::Password) => Subject::Storefront.unknown(
            "a password is on the storefront, which hides the app proxy",
            "in the shop's admin, Online Store > Preferences > Password protection: take it off, and ask again",
        ),
        Ok(Met::Else(status)) => Subject::Storefront.fault(
            format!("{PATH} of the shop does not lead to this host ({status}): no shopper sees a panel in the theme"),
            "`[app_proxy]` of the app's `shopify.app.toml` has to have this host's address with `/shopify/proxy`, prefix `apps`, \
             subpath `regulars`; release it with `shopify app deploy`. In a shop that has had the app before: Settings > Apps > \
             Regulars > App proxy",
        ),
        Err(failure) => Subject::Storefront.unknown(
            format!("the shop's pages could not be reached: {failure}"),
            "ask again in a while; if it stays so, look whether this host reaches the shop's address",
        ),
    }
}

/// Magento tells nobody what is set in the module; whether the panel was asked for is known here.
fn of_block(heard: &HeardOf, now: Timestamp) -> Finding {
    let last = |topic: Topic| heard.get(&(topic, module::FORM.to_owned())).copied();
    match (last(Topic::PANEL_SHOWN), last(Topic::CONNECTION_TEST)) {
        (Some(shown), _) => Subject::Storefront.well(format!("the panel was last asked for {}", ago(shown, now))),
        (None, Some(tested)) => Subject::Storefront.unknown(
            format!("the module has reached this host, {}, and no panel was asked for yet", ago(tested, now)),
            "open the customer account's page in the shop as a customer; Stores > Configuration > Customers > Regulars > Panel \
             has to be enabled",
        ),
        (None, None) => Subject::Storefront.unknown(
            "neither a panel nor a connection test has come from the shop: the module's address and secret are not known here",
            "in the shop's admin, Stores > Configuration > Customers > Regulars: press \"Test connection\", and enable the panel",
        ),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, StatusCode};

    use super::*;
    use crate::doctor::Verdict;

    const DOMAIN: &str = "fern.myshopify.com";

    fn met(status: u16, place: Option<&str>, body: &str) -> Met {
        let headers = place.map(|place| (LOCATION, place.parse().unwrap()));
        let headers = HeaderMap::from_iter(headers);
        Met::of(&HttpAnswer { status: StatusCode::from_u16(status).unwrap(), headers, body: body.into() })
    }

    #[test]
    fn what_the_way_ends_at_is_told_apart() {
        let us = r#"{"store": "fern.myshopify.com"}"#;
        assert_eq!(of_proxy(DOMAIN, Ok(met(200, None, us))).verdict, Verdict::Well);
        assert_eq!(of_proxy("moss.myshopify.com", Ok(met(200, None, us))).verdict, Verdict::Fault);
        let refused = r#"{"type": "urn:regulars:problem:no-session", "status": 401}"#;
        assert_eq!(met(401, None, refused), Met::UsUnbelieving);
        assert_eq!(met(302, Some("https://fern.example/password?a=b"), ""), Met::Password);
        assert_eq!(met(404, None, "<html>"), Met::Else(404));
        let away = Failure::Unreachable { reason: "away".into() };
        assert_eq!(of_proxy(DOMAIN, Err(away)).verdict, Verdict::Unknown);
    }

    #[test]
    fn the_block_is_known_by_the_panels_that_were_asked_for() {
        let heard = |topic| HeardOf::from([((topic, module::FORM.to_owned()), Timestamp(1))]);
        assert_eq!(of_block(&heard(Topic::PANEL_SHOWN), Timestamp(1)).verdict, Verdict::Well);
        let tested = of_block(&heard(Topic::CONNECTION_TEST), Timestamp(1));
        assert!(tested.verdict == Verdict::Unknown && tested.remedy.unwrap().contains("Panel"));
        assert!(of_block(&HeardOf::new(), Timestamp(1)).remedy.unwrap().contains("Test connection"));
    }
}
