//! Rewards: points redeemed for codes, store credit and gift cards, and points that come back.
//!
//! - `redeem`: the shopper's action `redeem`.
//! - `codes`: the shopper's action `return`, codes that end unused or cannot be made, orders that use them.
//!
//! How many points of a redemption have to have come back is worked out anew from what is known, never added up: all of
//! them where the code is void, the refunded share where an order has used it.

use regulars_sdk::{Context, EffectId, Event, Result, Timestamp, key};
use serde::{Deserialize, Serialize};

use crate::{
    birthday, due,
    ledger::{self, Book, Entry, Kind},
    notes::note,
    settings::{RefundPolicy, RewardKind, Settings},
};

pub mod codes;
pub mod redeem;

/// A redemption, kept under the effect that makes its code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redemption {
    pub customer: String,
    /// The number of its entry in the customer's account.
    pub entry: u64,
    pub reward: String,
    pub kind: RewardKind,
    pub cost: i64,
    /// When the last of the points spent would have lapsed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// The points come back if the code is not used.
    pub returnable: bool,
    /// The code was not made, was disabled, or ended unused.
    pub void: bool,
    /// The order that has used it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
    /// How many points have come back.
    pub returned: i64,
}

pub fn redemption(cx: &mut Context, effect: &EffectId) -> Result<Option<Redemption>> {
    Ok(cx.state().get(&redemption_key(effect))?)
}

pub fn set_redemption(cx: &mut Context, effect: &EffectId, redemption: &Redemption) -> Result {
    Ok(cx.state().set(&redemption_key(effect), redemption)?)
}

pub fn redemption_key(effect: &EffectId) -> String {
    key(&["redemption", effect.as_str()])
}

/// `shopper.action`.
pub fn action(event: &Event, cx: &mut Context) -> Result {
    let Some(action) = cx.action() else {
        return note(cx, "Nothing done: the action is not known", &[], 0, None);
    };
    let Some(customer) = action.customer_id.clone() else {
        return note(cx, "Nothing done: the shopper is not signed in", &[], 0, None);
    };
    let settings: Settings = cx.settings()?;
    let mut book = due::open(event, cx, &settings, &customer)?;
    match action.name.as_str() {
        "redeem" => redeem::action(event, cx, &settings, &mut book, &action)?,
        "return" => codes::action(cx, &mut book, &action)?,
        "birthday" => birthday::told(cx, &settings, &mut book, &action)?,
        _ => note(cx, "Nothing done: there is no such action", &[], 0, Some(&book.account))?,
    }
    due::close(cx, &settings, book)
}

/// Days that points which come back are good for at least.
const GRACE_DAYS: u64 = 30;

/// Brings what has come back of a redemption up or down to `target`, in an entry that names the redemption's own. Returns
/// the change.
fn bring_back(
    event: &Event,
    cx: &mut Context,
    settings: &Settings,
    book: &mut Book,
    redemption: &mut Redemption,
    target: i64,
) -> Result<i64> {
    let change = target - redemption.returned;
    if change == 0 {
        return Ok(0);
    }
    redemption.returned = target;
    let original = ledger::entry_key(&redemption.customer, redemption.entry);
    // They lapse when they would have, but not before the customer could use them. Where all points lapse together, so do
    // these.
    let expires_at = redemption.expires_at.map(|at| at.max(cx.now().plus_days(GRACE_DAYS)));
    let entry = Entry { expires_at, ..Entry::new(Kind::GiveBack, change).about(&original) };
    ledger::append(event, cx, book, entry)?;
    if change > 0 {
        book.account.add(change, expires_at);
        let idle_at = book.account.idle_at(settings.inactivity_days());
        if idle_at.is_some_and(|idle_at| idle_at < cx.now().plus_days(GRACE_DAYS)) {
            book.account.touch(cx.now(), settings.inactivity_days());
        }
    } else {
        book.account.take_back(-change, "", RefundPolicy::AllowNegative);
    }
    Ok(change)
}
