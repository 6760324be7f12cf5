//! The end of a code: whether there is anything to end, and whether it is not too late.
//!
//! A code for one use that has been used has come to its end by that: to end it fails, so that nothing is given back for
//! it. One for many, and many that were made at once, are ended however often they have been used.

use super::{BEHIND, Verdict};
use crate::{
    domain::{DiscountEnd, Effect, EffectKind, EffectStatus, StoreId, Timestamp},
    platform::{EndedDiscount, Failure, Receipt},
    store::{Error, Transaction, keys, orders::orders_with_code},
};

/// How the end of a code ends without a call; `None` if the platform has to be called. What is read for it is checked when
/// the transaction is committed.
pub(super) fn without_call(
    seen: &mut Transaction,
    store: StoreId,
    end: &DiscountEnd,
    now: Timestamp,
) -> Result<Option<Verdict>, Error> {
    let making = &end.made_by;
    let Some(effect) = seen.get::<Effect>(&keys::effect(store, making))? else {
        return Ok(Some(Verdict::Dropped { reason: format!("effect {making}, which makes the code, is gone") }));
    };
    Ok(match effect.status {
        EffectStatus::Pending { due, .. } => Some(Verdict::Wait {
            until: due.max(now) + BEHIND,
            reason: format!("waits for effect {making}, which makes the code"),
        }),
        EffectStatus::Dropped { .. } => Some(Verdict::Done { receipt: "the code was never made".into() }),
        // A making that was given up may have been done all the same.
        EffectStatus::Done { .. } | EffectStatus::Dead { .. } if is_for_one_use(&effect) => {
            let used = orders_with_code(seen, store, &end.code)?.into_iter().next();
            used.map(|order| Verdict::Dead { reason: format!("order {order} has used the code {}", end.code) })
        }
        EffectStatus::Done { .. } | EffectStatus::Dead { .. } => None,
    })
}

/// What to tell of a code that the platform has ended; `making` is the effect that made it, if it is still known.
pub(super) fn outcome(end: &DiscountEnd, making: Option<&Effect>, ended: EndedDiscount) -> Result<Receipt, Failure> {
    match ended.was_used && making.is_none_or(is_for_one_use) {
        true => Err(Failure::Permanent { reason: format!("the code {} has been used", end.code) }),
        false => Ok(ended.receipt),
    }
}

fn is_for_one_use(making: &Effect) -> bool {
    matches!(&making.kind, EffectKind::CreateDiscount(discount) if discount.is_for_one_use())
}
