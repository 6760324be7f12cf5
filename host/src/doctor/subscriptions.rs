//! Whether the shop tells this host what happens: where it is to send, what it is believed by, and what has come. Shopify lists
//! subscriptions of the app's own configuration to nobody, and Magento has no list: both are judged by what was heard.

use std::time::Duration;

use super::finding::{Finding, Subject, ago};
use crate::{
    catalog::StoreEntry,
    dispatch::HeardOf,
    domain::{Origin, Platform, Timestamp, Topic},
    platform::magento::senders::{FORMS, adobe_commerce, adobe_io},
};

/// A store that is younger may not have had anything to tell.
pub(super) const YOUNG: Duration = Duration::from_secs(86_400);

/// A shop that has told nothing for so long is silent, or something is between it and this host.
const SILENT: Duration = Duration::from_secs(7 * 86_400);

/// Two senders that were both heard within this long tell the same things.
const AT_ONCE: Duration = Duration::from_secs(86_400);

pub(super) fn judge(store: &StoreEntry, public_url: &str, heard: &HeardOf, now: Timestamp) -> Vec<Finding> {
    let means = Means {
        platform: store.record.platform,
        domain: &store.record.domain,
        public_url,
        has_secrets: !store.secrets.is_empty(),
        has_adobe_client: store.adobe.client_id.is_some(),
        has_adobe_key: store.adobe.webhook_key.is_some(),
        added_at: store.record.added_at,
    };
    let mut findings = vec![of_address(&means)];
    findings.extend(of_secrets(&means));
    findings.extend(of_senders(&means, heard, now));
    findings
}

/// How the shop is to tell, as this host has been told.
struct Means<'a> {
    platform: Platform,
    domain: &'a str,
    public_url: &'a str,
    has_secrets: bool,
    has_adobe_client: bool,
    has_adobe_key: bool,
    added_at: Timestamp,
}

fn of_address(means: &Means<'_>) -> Finding {
    match means.public_url.starts_with("https://") {
        true => Subject::Subscriptions.well(format!("webhooks are expected at {}", means.public_url)),
        false => Subject::Subscriptions.fault(
            format!("{} is no https address: platforms send to no other", means.public_url),
            "put a TLS proxy in front of `listen`, and its https address into `public_url` of the configuration",
        ),
    }
}

fn of_secrets(means: &Means<'_>) -> Option<Finding> {
    if means.has_secrets || means.has_adobe_client || means.has_adobe_key {
        return None;
    }
    let domain = means.domain;
    let remedy = match means.platform {
        Platform::Shopify => format!(
            "set the app's client secret: `shopify.client_secrets` of the configuration for an app of a listing, else \
             `regulars store update {domain} --secret-file FILE`"
        ),
        Platform::Magento => format!("set the module's secret: `regulars store update {domain} --secret-file FILE`"),
    };
    Some(Subject::Subscriptions.fault("there is no secret: no webhook of the shop's is believed", remedy))
}

/// What was heard, and what should have been.
fn of_senders(means: &Means<'_>, heard: &HeardOf, now: Timestamp) -> Vec<Finding> {
    let last_of = |by: &str| {
        let told = heard.iter().filter(|((topic, teller), _)| teller == by && *topic != Topic::PANEL_SHOWN);
        told.map(|(_, at)| *at).max()
    };
    let senders: Vec<(&str, &str)> = match means.platform {
        Platform::Shopify => vec![(Origin::BY_SHOPIFY, "Shopify")],
        Platform::Magento => FORMS.to_vec(),
    };
    let heard: Vec<_> = senders.iter().filter_map(|(by, name)| Some((*name, last_of(by)?))).collect();
    let mut findings: Vec<_> = match heard.iter().map(|(_, at)| *at).max() {
        None => vec![of_silence(means, now)],
        Some(last) if now.since(last) > SILENT => vec![
            Subject::Subscriptions
                .warning(format!("nothing has come from the shop since {}", ago(last, now)), set_up(means)),
        ],
        Some(_) => heard
            .iter()
            .map(|(name, at)| Subject::Subscriptions.well(format!("{name} was last heard {}", ago(*at, now))))
            .collect(),
    };
    let at_once: Vec<_> = heard.iter().filter(|(_, at)| now.since(*at) <= AT_ONCE).map(|(name, _)| *name).collect();
    if at_once.len() > 1 {
        findings.push(Subject::Subscriptions.warning(
            format!("{} tell the same things: each step comes twice", at_once.join(" and ")),
            "switch all but one of them off in the shop; our module tells the most (docs/magento.md)",
        ));
    }
    let unheard = |is_set: bool, by: &str| is_set && last_of(by).is_none();
    let domain = means.domain;
    if unheard(means.has_adobe_client, adobe_io::FORM) {
        findings.push(Subject::Subscriptions.warning(
            "Adobe I/O Events are set up here and were never heard",
            format!(
                "in Adobe's Developer Console, the project's event registration has to have the address \
                 {}/webhooks/adobe-io/{domain} and be enabled",
                means.public_url
            ),
        ));
    }
    if unheard(means.has_adobe_key, adobe_commerce::FORM) {
        findings.push(Subject::Subscriptions.warning(
            "Commerce webhooks are set up here and were never heard",
            format!(
                "in the shop's admin, System > Webhooks, each webhook has to have the address \
                 {}/webhooks/adobe-commerce/{domain} and be enabled",
                means.public_url
            ),
        ));
    }
    findings
}

fn of_silence(means: &Means<'_>, now: Timestamp) -> Finding {
    let seen = "nothing has ever come from the shop";
    match now.since(means.added_at) < YOUNG {
        true => Subject::Subscriptions
            .unknown(format!("{seen}, which was added {}", ago(means.added_at, now)), set_up(means)),
        false => Subject::Subscriptions.fault(seen, set_up(means)),
    }
}

fn set_up(means: &Means<'_>) -> String {
    let url = means.public_url;
    match means.platform {
        Platform::Shopify => format!(
            "the app's `shopify.app.toml` has to name {url}/webhooks/shopify, and `shopify app deploy` has to have released it; \
             the Dev Dashboard's log of the app shows what Shopify has sent and how it was answered"
        ),
        Platform::Magento => format!(
            "in the shop's admin, Stores > Configuration > Customers > Regulars: address {url}, store {}, the secret, \
             Enabled; then \"Test connection\". `bin/magento regulars:outbox` shows what waits there. Other senders: \
             docs/magento.md",
            means.domain
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{doctor::Verdict, platform::magento::senders::module};

    const NOW: Timestamp = Timestamp(1_800_000_000_000);
    const DAY: Duration = Duration::from_secs(86_400);

    fn means(platform: Platform) -> Means<'static> {
        Means {
            platform,
            domain: "shop.example.com",
            public_url: "https://regulars.example",
            has_secrets: true,
            has_adobe_client: false,
            has_adobe_key: false,
            added_at: NOW.saturating_sub(30 * DAY),
        }
    }

    fn heard(by: &[(&str, u32)]) -> HeardOf {
        let at = |days: u32| NOW.saturating_sub(days * DAY);
        by.iter().map(|(by, days)| ((Topic::ORDER_PAID, (*by).to_owned()), at(*days))).collect()
    }

    fn verdicts(means: &Means<'_>, by: &[(&str, u32)]) -> Vec<Verdict> {
        of_senders(means, &heard(by), NOW).into_iter().map(|finding| finding.verdict).collect()
    }

    #[test]
    fn a_shop_is_judged_by_when_it_was_last_heard() {
        let shopify = means(Platform::Shopify);
        assert_eq!(verdicts(&shopify, &[("shopify", 7)]), [Verdict::Well]);
        assert_eq!(verdicts(&shopify, &[("shopify", 8)]), [Verdict::Warning]);
        assert_eq!(verdicts(&shopify, &[("reading", 0)]), [Verdict::Fault]);
        let young = Means { added_at: NOW, ..means(Platform::Shopify) };
        assert_eq!(verdicts(&young, &[]), [Verdict::Unknown]);
    }

    #[test]
    fn two_senders_of_one_shop_and_one_that_is_set_up_and_silent_are_told() {
        let magento = means(Platform::Magento);
        assert_eq!(verdicts(&magento, &[(module::FORM, 0), ("async-events", 2)]), [Verdict::Well, Verdict::Well]);
        let twice = of_senders(&magento, &heard(&[(module::FORM, 0), ("async-events", 1)]), NOW);
        assert_eq!(
            twice.last().unwrap().seen,
            "our module and mageos-async-events tell the same things: each step comes twice"
        );
        let adobe = Means { has_adobe_client: true, has_adobe_key: true, ..magento };
        assert_eq!(
            verdicts(&adobe, &[(module::FORM, 0), ("adobe-io", 5)]),
            [Verdict::Well, Verdict::Well, Verdict::Warning]
        );
    }

    #[test]
    fn a_panel_that_was_shown_is_nothing_that_was_told() {
        let shown = HeardOf::from([((Topic::PANEL_SHOWN, module::FORM.to_owned()), NOW)]);
        assert_eq!(of_senders(&means(Platform::Magento), &shown, NOW)[0].verdict, Verdict::Fault);
    }

    #[test]
    fn an_address_that_platforms_do_not_send_to_and_a_missing_secret_are_faults() {
        let plain = Means { public_url: "http://127.0.0.1:7400", ..means(Platform::Shopify) };
        assert_eq!(of_address(&plain).verdict, Verdict::Fault);
        let unsigned = Means { has_secrets: false, ..means(Platform::Magento) };
        assert!(
            of_secrets(&unsigned)
                .unwrap()
                .remedy
                .unwrap()
                .contains("regulars store update shop.example.com --secret-file")
        );
        assert_eq!(of_secrets(&Means { has_adobe_key: true, ..unsigned }), None);
    }
}
