//! Accounts and their entries.
//!
//! Entries are only ever appended: `entry/<customer>/<number>`. An account holds the sum of its entries, written in the
//! same commit as the entry, so that a customer with thousands of orders costs no more than one with none.

use regulars_sdk::{Context, Event, Failure, Result, Timestamp, key};
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
    /// The order, or the reward, that it is about.
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
}

/// What an order has earned and on what, and how much of that has been taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderRecord {
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
    let balance = account.balance.checked_add(points);
    account.balance = balance.ok_or_else(|| Failure::reject("the balance does not fit 64 bits"))?;
    account.entries += 1;
    account.signed_up |= kind == Kind::SignUp;
    let entry = Entry { kind, points, about: about.map(Into::into), cause: event.id.clone(), at: cx.now() };
    cx.state().set(&entry_key(customer, account.entries), &entry)?;
    cx.state().set(&account_key(customer), &account)?;
    Ok(account)
}

pub fn order(cx: &mut Context, order: &str) -> Result<Option<OrderRecord>> {
    Ok(cx.state().get(&order_key(order))?)
}

pub fn set_order(cx: &mut Context, order: &str, record: &OrderRecord) -> Result {
    Ok(cx.state().set(&order_key(order), record)?)
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
