//! How claims are found by what they share: `index/<kind>/<key>` lists the claims of an advocate, of a friend, of an
//! e-mail address, a phone number, a shipping address or an internet address.
//!
//! A list keeps its newest claims only: whoever has more than that is past every bound that it serves. For whom a reward
//! was given is remembered beside them, in `rewarded/<kind>/<key>`, however many claims come after.

use std::{collections::BTreeSet, iter};

use regulars_sdk::{Context, Result, Timestamp, key};
use serde::{Deserialize, Serialize};

use crate::claim::Claim;

/// Claims that one list holds.
pub const LENGTH: usize = 32;

/// Claims of one list that are read in a delivery: they are large.
pub const READ: usize = 8;

/// The kinds of signals by which claims are listed.
const SIGNALS: [&str; 4] = ["email", "phone", "address", "ip"];

/// Those of them that stand for one person.
const PERSONAL: [&str; 2] = ["email", "phone"];

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

/// The claims of one list whose orders were placed before this one's, oldest first.
pub fn earlier(cx: &mut Context, kind: &str, of: &str, claim: &Claim) -> Result<Vec<Entry>> {
    let mut list = entries(cx, kind, of)?;
    list.retain(|it| (it.placed_at, &it.order) < (claim.placed_at, &claim.order));
    Ok(list)
}

/// By what the buyer of a claim is found again: the customer, the e-mail address, the phone number.
pub fn of_person<'a>(claim: &'a Claim, friend: Option<&'a str>) -> impl Iterator<Item = (&'a str, &'a str)> {
    let signals = claim.signals.iter().filter(|it| PERSONAL.contains(&it.kind.as_str()));
    friend.map(|id| ("friend", id)).into_iter().chain(signals.map(|it| (it.kind.as_str(), it.key.as_str())))
}

/// The order for which a reward was given that this person placed.
pub fn rewarded(cx: &mut Context, kind: &str, of: &str) -> Result<Option<String>> {
    Ok(cx.state().get(&rewarded_key(kind, of))?)
}

/// Remembers that a reward was given for the buyer of a claim.
pub fn set_rewarded(cx: &mut Context, claim: &Claim, friend: Option<&str>) -> Result {
    for (kind, of) in of_person(claim, friend) {
        cx.state().set(&rewarded_key(kind, of), &claim.order)?;
    }
    Ok(())
}

/// Lists a claim wherever it belongs; nothing happens where it is listed already. Returns the claims on later orders
/// that now have this one before them in a list, oldest order first.
pub fn add(cx: &mut Context, claim: &Claim, advocate: &str, friend: Option<&str>) -> Result<BTreeSet<Entry>> {
    let entry = Entry { placed_at: claim.placed_at, order: claim.order.clone(), buyer: friend.map(Into::into) };
    let friend = friend.map(|id| ("friend", id));
    let signals = claim.signals.iter().filter(|it| SIGNALS.contains(&it.kind.as_str()));
    let signals = signals.map(|it| (it.kind.as_str(), it.key.as_str()));
    let mut later = BTreeSet::new();
    for (kind, of) in iter::once(("advocate", advocate)).chain(friend).chain(signals) {
        later.extend(add_to(cx, kind, of, &entry)?);
    }
    Ok(later)
}

fn add_to(cx: &mut Context, kind: &str, of: &str, entry: &Entry) -> Result<Vec<Entry>> {
    let list = entries(cx, kind, of)?;
    if list.iter().any(|it| it.order == entry.order) {
        return Ok(Vec::new());
    }
    let mut joined = join(list, [entry.clone()]);
    cx.state().set(&index_key(kind, of), &joined)?;
    joined.retain(|it| (it.placed_at, &it.order) > (entry.placed_at, &entry.order));
    Ok(joined)
}

/// Takes a claim off the lists that its buyer's signals lead to.
pub fn forget(cx: &mut Context, claim: &Claim) -> Result {
    for signal in &claim.signals {
        let mut list = entries(cx, &signal.kind, &signal.key)?;
        list.retain(|it| it.order != claim.order);
        let key = index_key(&signal.kind, &signal.key);
        if list.is_empty() { cx.state().delete(&key) } else { cx.state().set(&key, &list) }?;
        if rewarded(cx, &signal.kind, &signal.key)?.as_ref() == Some(&claim.order) {
            cx.state().delete(&rewarded_key(&signal.kind, &signal.key))?;
        }
    }
    Ok(())
}

/// Moves an absorbed customer's lists to the one who is left.
pub fn merge(cx: &mut Context, absorbed: &str, kept: &str) -> Result {
    let [from, to] = [absorbed, kept].map(|id| rewarded_key("friend", id));
    cx.state().merge(&from, &to, |_, moved: String, there: Option<String>| Ok(there.unwrap_or(moved)))?;
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

fn rewarded_key(kind: &str, of: &str) -> String {
    key(&["rewarded", kind, of])
}
