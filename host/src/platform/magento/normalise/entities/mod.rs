//! Magento's own entities: as REST answers them, and as events and webhooks dump them.
//!
//! Both have one set of names. REST writes numbers and leaves out what is null, dumps write texts and nulls; either is read.

use serde::Deserialize;

use super::wire::time;
use crate::{
    domain::Timestamp,
    platform::json::{Loose, parse},
};

mod carts;
mod customers;
mod orders;
mod products;
mod refunds;
mod shipments;

pub use carts::cart;
pub use customers::{customer, deletion as customer_deletion, subscriber};
pub use orders::order;
pub use products::{deletion as product_deletion, product};
pub use refunds::refund;
pub use shipments::{shipment, track};

/// When an entity was last changed, if it says so.
pub fn changed_at(json: &str) -> Option<Timestamp> {
    #[derive(Deserialize)]
    struct Changed<'a> {
        #[serde(borrow)]
        updated_at: Option<Loose<'a>>,
        #[serde(borrow)]
        created_at: Option<Loose<'a>>,
        /// Of a subscription.
        #[serde(borrow)]
        change_status_at: Option<Loose<'a>>,
    }
    let wire: Changed<'_> = parse(json.as_bytes()).ok()?;
    let stated = [wire.updated_at, wire.created_at, wire.change_status_at];
    stated.into_iter().find_map(|value| time("", value).ok().flatten())
}
