//! What our own module tells, in the shapes of its `docs/wire.md`.

use serde::Deserialize;

use super::wire::{Decimal, decimal, required_decimal, text};
use crate::platform::{Problem, Unreadable, json::Loose};

mod checkouts;
mod customers;
mod orders;
mod refunds;
mod shipments;

pub use checkouts::checkout;
pub use customers::{consent, customer, deletion};
pub use orders::order;
pub use refunds::refund;
pub use shipments::fulfillment;

/// The signed envelope round what happened.
#[derive(Deserialize)]
struct Envelope<'a, T> {
    #[serde(borrow)]
    version: Option<Loose<'a>>,
    data: Option<T>,
}

/// The only version there is.
const VERSION: &str = "1";

/// What an envelope holds.
fn data<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Unreadable> {
    let envelope: Envelope<'a, T> = crate::platform::json::parse(body)?;
    match text(envelope.version).as_deref() {
        Some(VERSION) => envelope.data.ok_or_else(|| Problem::Missing.at("data")),
        Some(_) => Err(Problem::shape("the module is newer than this host").at("version")),
        None => Err(Problem::Missing.at("version")),
    }
}

/// An amount in the base currency and in the order's; only the former counts.
#[derive(Clone, Copy, Deserialize)]
struct Amount<'a> {
    #[serde(borrow)]
    base: Option<Loose<'a>>,
}

fn amount(field: &str, amount: Option<&Amount<'_>>) -> Result<Decimal, Unreadable> {
    decimal(field, amount.and_then(|amount| amount.base))
}

fn required_amount(field: &str, amount: Option<&Amount<'_>>) -> Result<Decimal, Unreadable> {
    required_decimal(field, amount.and_then(|amount| amount.base))
}

/// The language of the store view in which something happened.
fn locale(shop: Option<Loose<'_>>) -> Option<String> {
    #[derive(Deserialize)]
    struct Shop<'a> {
        #[serde(borrow)]
        locale: Option<Loose<'a>>,
    }
    text(shop?.read::<Shop<'_>>()?.locale)
}
