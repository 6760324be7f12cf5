//! How claims are found by what they share: `index/<kind>/<key>` lists the claims of an advocate, of a friend, of an
//! e-mail address, a phone number, a shipping address or an internet address.
//!
//! A list keeps its newest claims only: whoever has more than that is past every bound that it serves.

use regulars_sdk::{Context, Result, Timestamp, key};
use serde::{Deserialize, Serialize};

use crate::claim::Claim;

/// Claims that one list holds.
pub const LENGTH: usize = 32;

/// The kinds of signals by which claims are listed.
const SIGNALS: [&str; 4] = ["email", "phone", "address", "ip"];

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Entry {
    pub placed_at: Timestamp,
    pub order: String,
    pub buyer: Option<String>,
}

/// The claims of one list, oldest order first.
pub fn entries(cx: &mut Context, kind: &str, of: &str) -> Result<Vec<Entry>> {
    Ok(cx.state().get(&index_key(kind, of))?.unwrap_or_default())
}

/// Lists a claim wherever it belongs; nothing happens where it is listed already.
pub fn add(cx: &mut Context, claim: &Claim, advocate: &str, friend: Option<&str>) -> Result {
    let entry = Entry { placed_at: claim.placed_at, order: claim.order.clone(), buyer: friend.map(Into::into) };
    add_to(cx, "advocate", advocate, &entry)?;
    if let Some(friend) = friend {
        add_to(cx, "friend", friend, &entry)?;
    }
    for signal in claim.signals.iter().filter(|it| SIGNALS.contains(&it.kind.as_str())) {
        add_to(cx, &signal.kind, &signal.key, &entry)?;
    }
    Ok(())
}

fn add_to(cx: &mut Context, kind: &str, of: &str, entry: &Entry) -> Result {
    let list = entries(cx, kind, of)?;
    if list.iter().any(|it| it.order == entry.order) {
        return Ok(());
    }
    let joined = join(list, [entry.clone()]);
    Ok(cx.state().set(&index_key(kind, of), &joined)?)
}

/// Takes a claim off the lists that its buyer's signals lead to.
pub fn forget(cx: &mut Context, claim: &Claim) -> Result {
    for signal in &claim.signals {
        let mut list = entries(cx, &signal.kind, &signal.key)?;
        list.retain(|it| it.order != claim.order);
        let key = index_key(&signal.kind, &signal.key);
        if list.is_empty() { cx.state().delete(&key) } else { cx.state().set(&key, &list) }?;
    }
    Ok(())
}

/// Moves an absorbed customer's lists to the one who is left.
pub fn merge(cx: &mut Context, absorbed: &str, kept: &str) -> Result {
    for kind in ["advocate", "friend"] {
        let [from, to] = [absorbed, kept].map(|id| index_key(kind, id));
        cx.state().merge(&from, &to, |_, moved: Vec<Entry>, there: Option<Vec<Entry>>| {
            Ok(join(there.unwrap_or_default(), moved))
        })?;
    }
    Ok(())
}

fn join(mut list: Vec<Entry>, more: impl IntoIterator<Item = Entry>) -> Vec<Entry> {
    list.extend(more);
    list.sort_unstable();
    list.dedup_by(|one, other| one.order == other.order);
    list.split_off(list.len().saturating_sub(LENGTH))
}

pub fn index_key(kind: &str, of: &str) -> String {
    key(&["index", kind, of])
}
