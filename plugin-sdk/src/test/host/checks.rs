//! What the host refuses, by the argument: ids, texts, amounts, tags, times. Its words as well, for plugins note them.

use super::{Answer, Run};
use crate::{Money, Refusal, Timestamp, limits};

pub(super) fn within(count: usize, limit: usize) -> Answer {
    if count > limit { Err(Refusal::OverLimit(u32::try_from(limit).unwrap_or(u32::MAX))) } else { Ok(()) }
}

pub(super) fn valid(is: bool, what: impl FnOnce() -> String) -> Answer {
    if is { Ok(()) } else { Err(Refusal::Invalid(what())) }
}

/// Whether a text can be an id or a key.
pub(super) fn can_be_id(text: &str) -> bool {
    (1..=limits::STATE_KEY_BYTES).contains(&text.len())
}

pub(super) fn check_id(argument: &str, id: &str) -> Answer {
    valid(!id.is_empty(), || format!("{argument} is empty"))?;
    valid(can_be_id(id), || format!("{argument} has more than {} bytes", limits::STATE_KEY_BYTES))
}

/// Refuses what is not one line that says something.
pub(super) fn check_line(argument: &str, text: &str, most_bytes: usize) -> Answer {
    within(text.len(), most_bytes)?;
    let is_line = !text.trim().is_empty() && !text.contains(char::is_control);
    valid(is_line, || format!("{argument}: is empty or is not one line of text"))
}

pub(super) fn check_tags(add: &[&str], remove: &[&str]) -> Answer {
    let tags = || add.iter().chain(remove);
    valid(tags().next().is_some(), || "tags: there are none".into())?;
    within(tags().count(), limits::TAGS)?;
    let unusable = |tag: &&&str| tag.is_empty() || tag.len() > limits::TAG_BYTES || tag.contains(',');
    match tags().find(unusable) {
        Some(tag) => {
            let most = limits::TAG_BYTES;
            Err(Refusal::Invalid(format!("tags: `{tag}` is empty, has a comma, or has more than {most} bytes")))
        }
        None => Ok(()),
    }
}

/// Refuses what is no kind of budget.
pub(super) fn check_kind(kind: &str) -> Answer {
    let most = limits::BUDGET_KIND_CHARS;
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_kind = (1..=most).contains(&kind.len()) && kind.bytes().all(is_allowed);
    valid(is_kind, || format!("kind: `{kind}` is not 1 to {most} of a-z, 0-9 and -"))
}

impl Run {
    /// An amount has to be in the shop's currency.
    pub(super) fn check_currency(&self, argument: &str, amount: Money) -> Answer {
        let shop = self.shop.store.currency;
        valid(amount.currency == shop, || format!("{argument}: is in `{}`, not in the shop's {shop}", amount.currency))
    }

    pub(super) fn check_positive(&self, argument: &str, amount: Money) -> Answer {
        self.check_currency(argument, amount)?;
        valid(amount.minor > 0, || format!("{argument}: must be more than nothing"))
    }

    pub(super) fn check_to_come(&self, argument: &str, end: Option<Timestamp>) -> Answer {
        valid(end.is_none_or(|end| end > self.now), || format!("{argument}: is already past"))
    }
}
