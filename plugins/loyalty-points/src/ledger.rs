//! Accounts and their entries.
//!
//! Entries are only ever appended: `entry/<customer>/<number>`. An account holds the sum of its entries, written in the
//! same commit as the entry, so that a customer with thousands of orders costs no more than one with none.

use regulars_sdk::{Context, EffectId, Event, Failure, Result, Timestamp, key};
use serde::{Deserialize, Serialize};

use crate::basis::Basis;

/// A customer's standing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The sum of all entries. Negative after a refund of points already spent; later earnings repay it.
    pub balance: i64,
    /// How many entries there are.
    pub entries: u64,
    /// Sign-up points have been given.
    pub signed_up: bool,
    /// How many.
    #[serde(default)]
    pub signup_points: i64,
}

impl Account {
    /// The balance as people are shown it: never a debt.
    pub fn shown(&self) -> i64 {
        self.balance.max(0)
    }
}

/// One change of a balance. Never rewritten.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub kind: Kind,
    pub points: i64,
    /// The order, the reward, or the other account that it is about; the key of the entry that it takes back.
    pub about: Option<String>,
    /// The event that caused it.
    pub cause: String,
    pub at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    SignUp,
    Earn,
    Reverse,
    Redeem,
    /// Moved from or to the account of a customer record that is the same person's.
    Merge,
    /// A redemption taken back because its code could not be made.
    GiveBack,
}

/// What an order has earned and on what, and how much of that has been taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderRecord {
    /// Who earned it; [`holder`] says whose account has the points now.
    pub customer: String,
    /// As shoppers see it.
    pub name: String,
    pub basis: Basis,
    pub earned: i64,
    pub reversed: i64,
}

pub fn account(cx: &mut Context, customer: &str) -> Result<Account> {
    Ok(cx.state().get(&account_key(customer))?.unwrap_or_default())
}

/// Appends an entry and returns the account as it then is.
pub fn append(
    event: &Event,
    cx: &mut Context,
    customer: &str,
    kind: Kind,
    points: i64,
    about: Option<&str>,
) -> Result<Account> {
    let mut account = account(cx, customer)?;
    account.balance = sum(account.balance, points)?;
    account.entries += 1;
    if kind == Kind::SignUp {
        account.signed_up = true;
        account.signup_points = points;
    }
    let entry = Entry { kind, points, about: about.map(Into::into), cause: event.id.clone(), at: cx.now() };
    cx.state().set(&entry_key(customer, account.entries), &entry)?;
    cx.state().set(&account_key(customer), &account)?;
    Ok(account)
}

/// Moves an absorbed customer's account onto the one that is left. Each ledger gets an entry that names the other; the
/// absorbed one's entries stay where they are and add up to nothing from then on.
///
/// Sign-up points are one person's once: where both accounts had them, the absorbed one's are taken back. Returns the
/// account and by how much it has grown; `None` if there was nothing to move.
pub fn merge(event: &Event, cx: &mut Context, absorbed: &str, kept: &str) -> Result<Option<(Account, i64)>> {
    let Some(closing) = cx.state().get::<Account>(&account_key(absorbed))? else { return Ok(None) };
    let before = account(cx, kept)?;
    let twice = if closing.signed_up && before.signed_up { closing.signup_points } else { 0 };
    if twice != 0 {
        append(event, cx, absorbed, Kind::Reverse, -twice, Some(kept))?;
    }
    let points = sum(closing.balance, -twice)?;
    append(event, cx, absorbed, Kind::Merge, -points, Some(kept))?;
    append(event, cx, kept, Kind::Merge, points, Some(absorbed))?;
    cx.state().merge(&account_key(absorbed), &account_key(kept), |_, closed: Account, open: Option<Account>| {
        let open = open.unwrap_or_default();
        Ok(Account {
            balance: sum(open.balance, closed.balance)?,
            entries: open.entries,
            signed_up: open.signed_up || closed.signed_up,
            signup_points: if open.signed_up { open.signup_points } else { closed.signup_points },
        })
    })?;
    Ok(Some((account(cx, kept)?, points)))
}

fn sum(one: i64, other: i64) -> Result<i64> {
    one.checked_add(other).ok_or_else(|| Failure::reject("the balance does not fit 64 bits"))
}

/// The customer whose account holds an order's points: who earned them, or who is left of that customer after merges.
pub fn holder(cx: &Context, record: &OrderRecord) -> String {
    cx.customer_by_id(&record.customer).map_or_else(|| record.customer.clone(), |customer| customer.id)
}

pub fn order(cx: &mut Context, order: &str) -> Result<Option<OrderRecord>> {
    Ok(cx.state().get(&order_key(order))?)
}

pub fn set_order(cx: &mut Context, order: &str, record: &OrderRecord) -> Result {
    Ok(cx.state().set(&order_key(order), record)?)
}

/// A redemption, kept under the effect that makes its code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redemption {
    pub customer: String,
    /// The number of its entry in the customer's account.
    pub entry: u64,
    pub cost: u32,
    /// The code could not be made, and the points have been given back.
    pub given_back: bool,
}

pub fn redemption(cx: &mut Context, effect: &EffectId) -> Result<Option<Redemption>> {
    Ok(cx.state().get(&redemption_key(effect.as_str()))?)
}

pub fn set_redemption(cx: &mut Context, effect: &EffectId, redemption: &Redemption) -> Result {
    Ok(cx.state().set(&redemption_key(effect.as_str()), redemption)?)
}

pub fn redemption_key(effect: &str) -> String {
    key(&["redemption", effect])
}

pub fn account_key(customer: &str) -> String {
    key(&["account", customer])
}

/// Numbers have leading zeros, so that byte order is the order of appending.
pub fn entry_key(customer: &str, number: u64) -> String {
    let digits = number.to_string();
    let zeros = &"000000000000"[..12usize.saturating_sub(digits.len())];
    key(&["entry", customer, &[zeros, &digits].concat()])
}

pub fn order_key(order: &str) -> String {
    key(&["order", order])
}
