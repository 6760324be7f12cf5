//! Accounts and their entries.
//!
//! Entries are only ever appended: `entry/<customer>/<number>`. An account holds their sum, written in the same commit as
//! the entry, so that a customer with thousands of orders costs no more than one with none.

use regulars_sdk::{Context, Event, Failure, Result, Timestamp, key};
use serde::{Deserialize, Serialize};

use crate::{account::Account, settings::RefundPolicy};

/// One change of a balance. Never rewritten.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub kind: Kind,
    pub points: i64,
    /// The order, the reward, the review or the other account that it is about; the key of the entry that it takes back.
    pub about: Option<String>,
    /// The event that caused it.
    pub cause: String,
    pub at: Timestamp,
    /// The version of the settings that it was made under.
    pub version: u32,
    /// Points that have become available: they were counted when they were earned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<i64>,
    /// What it was earned on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earned_on: Option<EarnedOn>,
    /// When the points become available, if not at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available_at: Option<Timestamp>,
    /// When they lapse, if by a date of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// The amount that points were earned on, and the rate: `points` for every `per` minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EarnedOn {
    pub eligible: i64,
    pub points: u32,
    pub per: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    SignUp,
    Newsletter,
    Review,
    Birthday,
    Earn,
    /// Pending points have become available.
    Approve,
    Expire,
    Reverse,
    /// Given again what had been taken back.
    Restore,
    Redeem,
    /// A redemption taken back, in whole or in part.
    GiveBack,
    /// Moved from or to the account of a customer record that is the same person's.
    Merge,
    /// Changed by the merchant.
    Adjust,
    /// Brought over from another programme.
    Import,
}

impl Entry {
    pub fn new(kind: Kind, points: i64) -> Self {
        Self {
            kind,
            points,
            about: None,
            cause: String::new(),
            at: Timestamp(0),
            version: 0,
            approved: None,
            earned_on: None,
            available_at: None,
            expires_at: None,
        }
    }

    pub fn about(self, what: &str) -> Self {
        Self { about: Some(what.into()), ..self }
    }
}

/// A customer's account while an event is handled.
#[derive(Clone, Debug)]
pub struct Book {
    pub customer: String,
    pub account: Account,
    /// As it is stored.
    stored: Account,
}

impl Book {
    /// Whether the customer has never had an account.
    pub fn is_unused(&self) -> bool {
        self.account == Account::default()
    }

    /// How many points could be spent before.
    pub fn available_before(&self) -> i64 {
        self.stored.available()
    }
}

pub fn load(cx: &mut Context, customer: &str) -> Result<Book> {
    let account: Account = cx.state().get(&account_key(customer))?.unwrap_or_default();
    Ok(Book { customer: customer.into(), stored: account.clone(), account })
}

/// Writes the account, if it has changed.
pub fn save(cx: &mut Context, book: &Book) -> Result {
    if book.account != book.stored {
        cx.state().set(&account_key(&book.customer), &book.account)?;
    }
    Ok(())
}

/// Appends an entry. The caller moves the lots.
pub fn append(event: &Event, cx: &mut Context, book: &mut Book, entry: Entry) -> Result {
    let entry = Entry { cause: event.id.clone(), at: cx.now(), version: cx.settings_version(), ..entry };
    book.account.balance = sum(book.account.balance, entry.points)?;
    book.account.entries += 1;
    Ok(cx.state().set(&entry_key(&book.customer, book.account.entries), &entry)?)
}

/// Moves an absorbed customer's account onto the one that is left. Each ledger gets an entry that names the other; the
/// absorbed one's entries stay where they are and add up to nothing from then on.
///
/// What a person is given once is given once: where both accounts had it, the absorbed one's is taken back. Returns by how
/// much the account that is left has grown.
pub fn merge(event: &Event, cx: &mut Context, mut absorbed: Book, kept: &mut Book) -> Result<i64> {
    let given_twice = absorbed.account.gifts.iter().filter(|gift| kept.account.gift(gift.what).is_some());
    let twice: i64 = given_twice.map(|gift| gift.points).sum();
    if twice != 0 {
        append(event, cx, &mut absorbed, Entry::new(Kind::Reverse, -twice).about(&kept.customer))?;
        absorbed.account.take_back(twice, "", RefundPolicy::AllowNegative);
    }
    let points = absorbed.account.balance;
    append(event, cx, &mut absorbed, Entry::new(Kind::Merge, -points).about(&kept.customer))?;
    append(event, cx, kept, Entry::new(Kind::Merge, points).about(&absorbed.customer))?;
    kept.account.join(absorbed.account);
    cx.state().delete(&account_key(&absorbed.customer))?;
    cx.cancel(&account_key(&absorbed.customer));
    Ok(points)
}

fn sum(one: i64, other: i64) -> Result<i64> {
    one.checked_add(other).ok_or_else(|| Failure::reject("the balance does not fit 64 bits"))
}

/// Who is left of a customer after merges.
pub fn survivor(cx: &Context, customer: &str) -> String {
    cx.customer_by_id(customer).map_or_else(|| customer.to_owned(), |customer| customer.id)
}

/// The key of the account, and of its timer.
pub fn account_key(customer: &str) -> String {
    key(&["account", customer])
}

/// Numbers have leading zeros, so that byte order is the order of appending.
pub fn entry_key(customer: &str, number: u64) -> String {
    let digits = number.to_string();
    let zeros = &"000000000000"[..12usize.saturating_sub(digits.len())];
    key(&["entry", customer, &[zeros, &digits].concat()])
}
