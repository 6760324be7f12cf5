//! The access token: whether there is one, how long it is good, and whether the shop takes it now.

use std::time::Duration;

use super::finding::{Finding, Subject, span};
use crate::{
    catalog::StoreEntry,
    domain::{Platform, Timestamp},
    platform::Failure,
    store::Access,
};

/// A right to the next token that ends sooner than this was not renewed for a long while: it is every day.
const OLD_RIGHT: Duration = Duration::from_secs(60 * 86_400);

const OPEN_APP: &str =
    "have somebody who works in the shop open the app once in the shop's admin: that gets a new token";

/// `answer` is how a call with the token went.
pub(super) fn judge(store: &StoreEntry, now: Timestamp, answer: &Result<(), Failure>) -> Vec<Finding> {
    let Some(access) = &store.access else {
        let seen = "there is none: nothing is read from the shop, and no effect is done there";
        return vec![Subject::Token.fault(seen, get_another(store))];
    };
    [Some(of_answer(store, answer)), of_end(access, now)].into_iter().flatten().collect()
}

fn get_another(store: &StoreEntry) -> String {
    let domain = &store.record.domain;
    match store.record.platform {
        Platform::Shopify => {
            format!("{OPEN_APP}; or set one of your own app's: `regulars store update {domain} --token-file FILE`")
        }
        Platform::Magento => format!(
            "connect the shop with `regulars store connect magento https://{domain}`; or set a token: \
             `regulars store update {domain} --token-file FILE`"
        ),
    }
}

fn of_answer(store: &StoreEntry, answer: &Result<(), Failure>) -> Finding {
    match answer {
        Ok(()) => Subject::Token.well("the shop accepts it"),
        Err(Failure::Permanent { reason }) => {
            Subject::Token.fault(format!("the shop does not accept it: {reason}"), get_another(store))
        }
        Err(failure) => Subject::Token.unknown(
            format!("the shop could not be asked: {failure}"),
            "ask again in a while; if it stays so, look whether this host reaches the shop's address",
        ),
    }
}

/// What is to be said of the token's end.
fn of_end(access: &Access, now: Timestamp) -> Option<Finding> {
    let end = access.expires_at?;
    let Some(refresh) = access.refresh.as_ref().filter(|refresh| refresh.expires_at > now) else {
        let seen = match end > now {
            true => format!("it ends in {}, and there is no right to the next one", span(end.since(now))),
            false => "it has ended, and there is no right to the next one".into(),
        };
        return Some(Subject::Token.fault(seen, OPEN_APP));
    };
    let left = refresh.expires_at.since(now);
    Some(match left < OLD_RIGHT {
        true => Subject::Token.warning(
            format!("the right to the next one ends in {}, though it is renewed every day", span(left)),
            "look for `the access token` in this host's log; it has to run for some minutes each day to renew it",
        ),
        false => Subject::Token.well(format!("it is renewed by itself; the right to that is good for {}", span(left))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{doctor::Verdict, store::Refresh};

    const NOW: Timestamp = Timestamp(1_800_000_000_000);
    const HOUR: Duration = Duration::from_secs(3_600);

    /// A token that ends in an hour, with the right to the next one for so many days.
    fn renewable(days: Option<u32>) -> Access {
        let refresh = days.map(|days| Refresh { token: "shprt".into(), expires_at: NOW + days * 24 * HOUR });
        Access { expires_at: Some(NOW + HOUR), refresh, ..Access::lasting("shpat") }
    }

    #[test]
    fn a_token_that_ends_needs_a_right_to_the_next_one_that_is_young() {
        let verdict = |access: Access, now| of_end(&access, now).map(|finding| finding.verdict);
        assert_eq!(verdict(Access::lasting("shpat"), NOW), None);
        assert_eq!(verdict(renewable(Some(90)), NOW), Some(Verdict::Well));
        assert_eq!(verdict(renewable(Some(59)), NOW), Some(Verdict::Warning));
        assert_eq!(verdict(renewable(None), NOW), Some(Verdict::Fault));
        let dead = of_end(&renewable(Some(1)), NOW + 25 * HOUR).unwrap();
        assert_eq!((dead.verdict, dead.remedy.as_deref()), (Verdict::Fault, Some(OPEN_APP)));
        assert_eq!(dead.seen, "it has ended, and there is no right to the next one");
    }
}
