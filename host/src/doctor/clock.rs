//! This host's clock against the platform's, and what a difference breaks.

use super::finding::{Finding, Subject};
use crate::{
    catalog::StoreEntry,
    clock::Clock,
    domain::{Platform, Timestamp},
    effects::Storefronts,
    platform::{
        Failure,
        magento::senders::module,
        shopify::{session_token, signed_query},
    },
};

const REMEDY: &str = "have this machine's clock set by NTP: `timedatectl set-ntp true`, then `timedatectl` has to say \
                      \"System clock synchronized: yes\"";

/// The platform's clock tells whole seconds; on average half of one has passed.
const ROUNDING_MS: u64 = 500;

pub(super) async fn examine(clock: &dyn Clock, storefronts: &Storefronts, store: &StoreEntry) -> Vec<Finding> {
    let asked_at = clock.now();
    let answer = storefronts.look(store, "/").await;
    let now = clock.now();
    let ahead = answer.map(|answer| answer.date().map(|date| ahead_by((asked_at, now), date)));
    vec![judge(store.record.platform, ahead)]
}

/// By how many seconds this host is ahead of the platform; below zero it is behind.
fn ahead_by((asked_at, answered_at): (Timestamp, Timestamp), theirs: Timestamp) -> i64 {
    let ours = asked_at.0.midpoint(answered_at.0);
    let difference = i128::from(ours) - i128::from(theirs.0 + ROUNDING_MS);
    i64::try_from(difference / 1_000).unwrap_or(i64::MAX)
}

/// What bears a difference of no more than so many seconds.
fn tolerances(platform: Platform) -> &'static [(u64, &'static str)] {
    match platform {
        Platform::Shopify => &[
            (session_token::LEEWAY_SECONDS, "the app's page in the shop's admin"),
            (signed_query::SKEW_SECONDS, "the panel in the shop's theme"),
        ],
        Platform::Magento => &[(module::SKEW_SECONDS, "what our module tells and the panel in the shop")],
    }
}

/// `None` is an answer that states no time.
fn judge(platform: Platform, ahead: Result<Option<i64>, Failure>) -> Finding {
    let seconds = match ahead {
        Ok(Some(seconds)) => seconds,
        Ok(None) => {
            return Subject::Clock.unknown(
                "the shop's answers do not state the time",
                "compare this machine's clock by hand: `date -u` and https://time.is/UTC",
            );
        }
        Err(failure) => {
            return Subject::Clock.unknown(
                format!("the shop could not be asked for the time: {failure}"),
                "ask again in a while; if it stays so, look whether this host reaches the shop's address",
            );
        }
    };
    let apart = seconds.unsigned_abs();
    let side = if seconds < 0 { "behind" } else { "ahead of" };
    let bounds = tolerances(platform);
    let broken: Vec<_> = bounds.iter().filter(|(bound, _)| apart > *bound).collect();
    let smallest = bounds.iter().map(|(bound, _)| *bound).min().unwrap_or(u64::MAX);
    match broken.is_empty() {
        false => Subject::Clock.fault(
            format!(
                "this host is {apart} s {side} the platform: more than {} can bear",
                broken.iter().map(|(bound, what)| format!("{what} ({bound} s)")).collect::<Vec<_>>().join(" and ")
            ),
            REMEDY,
        ),
        true if apart * 2 > smallest => Subject::Clock
            .warning(format!("this host is {apart} s {side} the platform, and {smallest} s are borne"), REMEDY),
        true => Subject::Clock.well(format!("this host and the platform are {apart} s apart")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn a_difference_is_judged_by_what_it_breaks() {
        use Platform::{Magento, Shopify};
        let verdict = |platform, seconds| judge(platform, Ok(Some(seconds))).verdict;
        for (platform, seconds, expected) in [
            (Shopify, 5, Verdict::Well),
            (Shopify, -6, Verdict::Warning),
            (Shopify, 10, Verdict::Warning),
            (Shopify, -11, Verdict::Fault),
            (Magento, 150, Verdict::Well),
            (Magento, 151, Verdict::Warning),
            (Magento, 301, Verdict::Fault),
        ] {
            assert_eq!(verdict(platform, seconds), expected, "{seconds} s on {platform}");
        }
        let far = judge(Shopify, Ok(Some(-91)));
        assert_eq!(
            far.seen,
            "this host is 91 s behind the platform: more than the app's page in the shop's admin (10 s) and the panel in the \
             shop's theme (90 s) can bear"
        );
        assert!(far.remedy.unwrap().contains("timedatectl"));
        assert_eq!(judge(Shopify, Ok(None)).verdict, Verdict::Unknown);
    }

    #[test]
    fn the_way_of_the_answer_and_whole_seconds_are_allowed_for() {
        let at = |ms: u64| Timestamp(1_800_000_000_000 + ms);
        assert_eq!(ahead_by((at(0), at(1_000)), at(0)), 0);
        assert_eq!(ahead_by((at(10_000), at(10_000)), at(0)), 9);
        assert_eq!(ahead_by((at(0), at(0)), at(10_000)), -10);
    }
}
