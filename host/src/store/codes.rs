//! Discount codes: which effect makes one, and how it stands.

use super::{Error, Transaction, keys, orders::orders_with_code};
use crate::domain::{Effect, EffectId, EffectKind, EffectStatus, NewDiscount, StoreId, Timestamp};

/// What has become of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeStatus {
    /// It is still to be made.
    Pending,
    Live,
    /// Its time is over.
    Ended,
    /// It was disabled before its time.
    Disabled,
    /// It was never made.
    Failed,
}

impl CodeStatus {
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Live => "live",
            Self::Ended => "ended",
            Self::Disabled => "disabled",
            Self::Failed => "failed",
        }
    }
}

/// What the host knows of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeStanding {
    pub status: CodeStatus,
    /// Orders that name the code and are not cancelled.
    pub used: u32,
    /// It is to be disabled, and is not yet.
    pub is_ending: bool,
    is_used_up: bool,
}

impl CodeStanding {
    /// Whether the code can be used now.
    pub fn is_usable(&self) -> bool {
        self.status == CodeStatus::Live && !self.is_ending && !self.is_used_up
    }

    /// Whether the code can be used, or will be once it is made.
    pub fn is_open(&self) -> bool {
        matches!(self.status, CodeStatus::Pending | CodeStatus::Live) && !self.is_ending && !self.is_used_up
    }
}

/// A code as it is looked up: however a shopper types it, case and blanks do not matter.
pub fn lookup(typed: &str) -> String {
    typed.chars().filter(|letter| !letter.is_whitespace()).flat_map(char::to_uppercase).collect()
}

/// The effect that makes a code, by the code as a shopper typed it.
pub fn made_by(transaction: &mut Transaction, store: StoreId, typed: &str) -> Result<Option<EffectId>, Error> {
    transaction.get(&keys::code(store, &lookup(typed)))
}

/// A queued effect that ends the code of another, unless it has failed.
pub fn end_of(transaction: &mut Transaction, store: StoreId, made_by: &EffectId) -> Result<Option<Effect>, Error> {
    let Some(end) = transaction.get::<EffectId>(&keys::code_end(store, made_by))? else { return Ok(None) };
    let end = transaction.get::<Effect>(&keys::effect(store, &end))?;
    Ok(end.filter(|end| !end.has_failed()))
}

/// How the code stands that an effect makes, or all that it makes together; `None` if it makes none.
pub fn standing(
    transaction: &mut Transaction,
    store: StoreId,
    making: &Effect,
    now: Timestamp,
) -> Result<Option<CodeStanding>, Error> {
    let Some(discount) = making.kind.terms() else { return Ok(None) };
    let end = end_of(transaction, store, &making.id)?.map(|end| end.status);
    let status = match (&making.status, &end) {
        (EffectStatus::Dead { .. } | EffectStatus::Dropped { .. }, _) => CodeStatus::Failed,
        (_, Some(EffectStatus::Done { .. })) => CodeStatus::Disabled,
        _ if discount.ends_at.is_some_and(|end| end <= now) => CodeStatus::Ended,
        (EffectStatus::Pending { .. }, _) => CodeStatus::Pending,
        (EffectStatus::Done { .. }, _) => CodeStatus::Live,
    };
    let used = uses(transaction, store, &making.kind)?;
    let is_used_up = match &making.kind {
        EffectKind::CreateDiscounts(batch) => used as usize > batch.others.len(),
        _ => is_used_up(discount, used),
    };
    let is_ending = matches!(end, Some(EffectStatus::Pending { .. }));
    Ok(Some(CodeStanding { status, used, is_ending, is_used_up }))
}

/// Orders that name a code of an effect's and are not cancelled.
pub fn uses(transaction: &mut Transaction, store: StoreId, making: &EffectKind) -> Result<u32, Error> {
    let mut uses = 0_usize;
    for code in making.codes() {
        uses += orders_with_code(transaction, store, code)?.len();
    }
    Ok(u32::try_from(uses).unwrap_or(u32::MAX))
}

/// Whether nobody can use a code any more that so many orders have used.
fn is_used_up(discount: &NewDiscount, used: u32) -> bool {
    (discount.is_for_one_use() && used > 0) || discount.uses.is_some_and(|uses| used >= uses)
}
