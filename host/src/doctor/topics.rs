//! When each topic that plugins listen to last came, and from whom.

use std::{collections::BTreeMap, time::Duration};

use super::{
    finding::{Finding, Subject, ago},
    subscriptions::YOUNG,
};
use crate::{
    catalog::StoreEntry,
    dispatch::HeardOf,
    domain::{Origin, Platform, Timestamp, Topic},
    platform,
};

/// Topics that come of any selling by itself: one that never comes is missing. The others may not have happened yet.
const EVERYDAY: [Topic; 6] = [
    Topic::ORDER_PLACED,
    Topic::ORDER_PAID,
    Topic::ORDER_UPDATED,
    Topic::ORDER_FULFILLED,
    Topic::FULFILLMENT_CREATED,
    Topic::CUSTOMER_CREATED,
];

/// What reconciliation finds later than the last webhook by this much is no single webhook that was lost.
const STOPPED: Duration = Duration::from_secs(86_400);

pub(super) fn judge(store: &StoreEntry, heard: &HeardOf, now: Timestamp) -> Vec<Finding> {
    let platform = store.record.platform;
    let mut wanted = BTreeMap::<&Topic, Vec<String>>::new();
    for enabled in &store.enabled {
        for topic in &enabled.installed.package.manifest.topics {
            wanted.entry(topic).or_default().push(enabled.name().to_string());
        }
    }
    let of_platform = wanted.into_iter().filter(|(topic, _)| platform::is_told_by_some(topic));
    let age = now.since(store.record.added_at);
    of_platform
        .map(|(topic, plugins)| of_topic(platform, topic, &plugins, &Last::of(heard, topic), (age, now)))
        .collect()
}

/// When a topic last came.
#[derive(Debug, Default, PartialEq, Eq)]
struct Last {
    by_webhook: Option<Timestamp>,
    by_reading: Option<Timestamp>,
}

impl Last {
    fn of(heard: &HeardOf, topic: &Topic) -> Self {
        let last = |is_reading: bool| {
            let of_topic =
                heard.iter().filter(|((known, by), _)| known == topic && (by == Origin::BY_READING) == is_reading);
            of_topic.map(|(_, at)| *at).max()
        };
        Self { by_webhook: last(false), by_reading: last(true) }
    }
}

fn of_topic(
    platform: Platform,
    topic: &Topic,
    plugins: &[String],
    last: &Last,
    (age, now): (Duration, Timestamp),
) -> Finding {
    let listeners = plugins.join(", ");
    let remedy = match platform {
        Platform::Shopify => format!(
            "the subscription of `{topic}` in the app's `shopify.app.toml` has to be released by `shopify app deploy`; a \
             filter that names a field which is not there silences it without an error"
        ),
        Platform::Magento => format!(
            "switch on what tells of `{topic}` in the shop's admin, Stores > Configuration > Customers > Regulars, and look \
             with `bin/magento regulars:outbox` whether it waits or has failed"
        ),
    };
    match *last {
        _ if !platform::tells(platform, topic) => {
            Subject::Topics.well(format!("{topic} is told by nobody on this platform"))
        }
        Last { by_webhook: Some(webhook), by_reading: Some(reading) } if reading.since(webhook) > STOPPED => {
            Subject::Topics.warning(
                format!(
                    "{topic} last came by webhook {}, and was found by reconciliation {}: webhooks have stopped",
                    ago(webhook, now),
                    ago(reading, now)
                ),
                remedy,
            )
        }
        Last { by_webhook: Some(webhook), .. } => {
            Subject::Topics.well(format!("{topic} last came {}", ago(webhook, now)))
        }
        Last { by_webhook: None, by_reading: Some(reading) } => Subject::Topics.warning(
            format!(
                "{topic} has come by no webhook, only by reconciliation, {}: {listeners} hear of it late",
                ago(reading, now)
            ),
            remedy,
        ),
        Last { by_webhook: None, by_reading: None } if !EVERYDAY.contains(topic) => {
            Subject::Topics.well(format!("{topic} has not come yet, and need not have"))
        }
        Last { by_webhook: None, by_reading: None } if age < YOUNG => {
            Subject::Topics.unknown(format!("{topic} has not come yet, and the store is new"), remedy)
        }
        Last { by_webhook: None, by_reading: None } => {
            Subject::Topics.warning(format!("{topic} has never come: {listeners} wait for it in vain"), remedy)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);
    const HOUR: Duration = Duration::from_secs(3_600);
    const OLD: Duration = Duration::from_secs(30 * 86_400);

    fn verdict(topic: &Topic, hours: (Option<u32>, Option<u32>), age: Duration) -> Verdict {
        let at = |hours: Option<u32>| hours.map(|hours| NOW.saturating_sub(hours * HOUR));
        let last = Last { by_webhook: at(hours.0), by_reading: at(hours.1) };
        of_topic(Platform::Shopify, topic, &["loyalty-points".into()], &last, (age, NOW)).verdict
    }

    #[test]
    fn a_topic_is_missing_that_never_came_or_only_by_reconciliation_or_no_longer_by_webhook() {
        let paid = &Topic::ORDER_PAID;
        assert_eq!(verdict(paid, (Some(90), None), OLD), Verdict::Well);
        assert_eq!(verdict(paid, (Some(25), Some(1)), OLD), Verdict::Well);
        assert_eq!(verdict(paid, (Some(26), Some(1)), OLD), Verdict::Warning);
        assert_eq!(verdict(paid, (None, Some(1)), OLD), Verdict::Warning);
        assert_eq!(verdict(paid, (None, None), OLD), Verdict::Warning);
        assert_eq!(verdict(paid, (None, None), HOUR), Verdict::Unknown);
        assert_eq!(verdict(&Topic::ORDER_DISPUTED, (None, None), OLD), Verdict::Well);
    }

    #[test]
    fn what_was_heard_of_a_topic_is_the_last_of_all_senders_and_apart_from_reading() {
        let heard = HeardOf::from([
            ((Topic::ORDER_PAID, "adobe-io".to_owned()), Timestamp(1)),
            ((Topic::ORDER_PAID, "regulars-connect/1".to_owned()), Timestamp(3)),
            ((Topic::ORDER_PAID, "reading".to_owned()), Timestamp(2)),
            ((Topic::ORDER_PLACED, "reading".to_owned()), Timestamp(9)),
        ]);
        let expected = Last { by_webhook: Some(Timestamp(3)), by_reading: Some(Timestamp(2)) };
        assert_eq!(Last::of(&heard, &Topic::ORDER_PAID), expected);
    }
}
