//! The end of a code: whether there is anything to end, and whether it is not too late.

use super::{BEHIND, Verdict};
use crate::{
    domain::{DiscountEnd, Effect, EffectStatus, StoreId, Timestamp},
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
    Ok(match seen.get::<Effect>(&keys::effect(store, making))?.map(|effect| effect.status) {
        None => Some(Verdict::Dropped { reason: format!("effect {making}, which makes the code, is gone") }),
        Some(EffectStatus::Pending { due, .. }) => Some(Verdict::Wait {
            until: due.max(now) + BEHIND,
            reason: format!("waits for effect {making}, which makes the code"),
        }),
        Some(EffectStatus::Dropped { .. }) => Some(Verdict::Done { receipt: "the code was never made".into() }),
        // A making that was given up may have been done all the same.
        Some(EffectStatus::Done { .. } | EffectStatus::Dead { .. }) => {
            let used = orders_with_code(seen, store, &end.code)?.into_iter().next();
            used.map(|order| Verdict::Dead { reason: format!("order {order} has used the code {}", end.code) })
        }
    })
}
