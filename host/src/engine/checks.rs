//! Checks of arguments that several interfaces take: ids, amounts, times, texts.

use super::{
    answer::invalid,
    bindings::types::{self, Refusal},
    delivery::Delivery,
    limits,
};
use crate::domain::{Money, Timestamp};

/// Whether a text can be an id or a key. One that cannot names nothing, so that nothing is looked for.
pub(super) fn can_be_id(text: &str) -> bool {
    (1..=limits::STATE_KEY_BYTES as usize).contains(&text.len())
}

/// Refuses what can be no platform's id.
pub(super) fn check_id(argument: &str, id: &str) -> Result<(), Refusal> {
    match id {
        "" => Err(invalid(format!("{argument} is empty"))),
        id if !can_be_id(id) => Err(invalid(format!("{argument} has more than {} bytes", limits::STATE_KEY_BYTES))),
        _ => Ok(()),
    }
}

/// Refuses what is not one line that says something.
pub(super) fn check_line(argument: &str, text: &str, most_bytes: u32) -> Result<(), Refusal> {
    if text.len() > most_bytes as usize {
        return Err(Refusal::OverLimit(most_bytes));
    }
    if text.trim().is_empty() || text.contains(char::is_control) {
        return Err(invalid(format!("{argument}: is empty or is not one line of text")));
    }
    Ok(())
}

/// Refuses a change of tags that no platform takes.
pub(super) fn check_tags(add: &[String], remove: &[String]) -> Result<(), Refusal> {
    let tags = || add.iter().chain(remove);
    match tags().count() {
        0 => return Err(invalid("tags: there are none")),
        count if count > limits::TAGS as usize => return Err(Refusal::OverLimit(limits::TAGS)),
        _ => {}
    }
    match tags().find(|tag| tag.is_empty() || tag.len() > limits::TAG_BYTES as usize || tag.contains(',')) {
        Some(tag) => {
            let most = limits::TAG_BYTES;
            Err(invalid(format!("tags: `{tag}` is empty, has a comma, or has more than {most} bytes")))
        }
        None => Ok(()),
    }
}

impl Delivery {
    /// Whether the merchant has granted a capability.
    pub(super) fn granted(&self, capability: &str) -> Result<(), Refusal> {
        if self.input.plugin.grants.contains(capability) { Ok(()) } else { Err(Refusal::NotGranted) }
    }

    /// An amount, which has to be in the shop's currency.
    pub(super) fn shop_money(&self, argument: &str, money: &types::Money) -> Result<Money, Refusal> {
        let shop = self.input.store.currency;
        match money.currency == shop.code() {
            true => Ok(Money::new(money.minor, shop)),
            false => Err(invalid(format!("{argument}: is in `{}`, not in the shop's {shop}", money.currency))),
        }
    }

    /// An amount of more than nothing in the shop's currency.
    pub(super) fn positive_money(&self, argument: &str, money: &types::Money) -> Result<Money, Refusal> {
        match self.shop_money(argument, money)? {
            money if money.minor > 0 => Ok(money),
            _ => Err(invalid(format!("{argument}: must be more than nothing"))),
        }
    }

    /// An end, which has to be still to come.
    pub(super) fn end_to_come(&self, argument: &str, end: Option<u64>) -> Result<Option<Timestamp>, Refusal> {
        match end.map(Timestamp) {
            Some(end) if end <= self.input.now() => Err(invalid(format!("{argument}: is already past"))),
            end => Ok(end),
        }
    }
}
