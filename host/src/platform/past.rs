//! The past of a store: who is there and what was bought before this host was told of anything, as an adapter reads it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Changes, Client, Failure, Told};
use crate::domain::{CustomerId, OrderId, RefundId, Timestamp};

/// What is read of the past, one after the other: orders find their customers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    #[default]
    Customers,
    /// Orders with their refunds.
    Orders,
}

/// A customer as a platform knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundCustomer {
    pub id: CustomerId,
    pub updated_at: Timestamp,
    /// What a webhook would have told of it.
    pub told: Told,
}

/// An order as a platform knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundOrder {
    pub id: OrderId,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// What a webhook of its last change would have told.
    pub told: Told,
    pub refunds: Vec<FoundRefund>,
}

/// A refund of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundRefund {
    pub id: RefundId,
    pub at: Option<Timestamp>,
    /// What its webhook would have told; `None` where it has to be read by itself.
    pub told: Option<Told>,
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    Customer(FoundCustomer),
    Order(FoundOrder),
    /// What cannot be read, and why.
    Unreadable(String),
}

/// Some of a part of the past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Portion {
    pub found: Vec<Found>,
    pub next: Next,
}

/// How the reading of a part goes on. A place is the adapter's own word, which is good after a restart as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    At(String),
    /// The platform is at work on what was asked for.
    AtWork(String),
    /// The platform is at work on something else, and is to be asked again from the beginning of the part.
    Busy(Duration),
    /// What was asked for is there no more: the part is read from its beginning.
    Anew(String),
    /// The platform has given up, and the same call would find the same: the part is read from its beginning later.
    GivenUp(String),
    End,
}

/// How many orders and customers there are, by the platform's own count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    pub orders: u64,
    pub customers: u64,
}

/// What an adapter reads of a store's past.
pub trait Past: Changes {
    /// Whether orders are shown however old they are.
    fn shows_all_orders(&self) -> impl Future<Output = Result<bool, Failure>> + Send;

    /// Some of a part, from its beginning or a place on; what changes after `until` may be left out.
    fn past(
        &self,
        part: Part,
        until: Timestamp,
        place: Option<&str>,
    ) -> impl Future<Output = Result<Portion, Failure>> + Send;

    /// Lets go of what the platform gathers for a place that is not read on.
    fn let_go(&self, place: &str) -> impl Future<Output = Result<(), Failure>> + Send;

    /// How many orders were placed between two moments, the second excluded, and how many customers there were by then.
    fn count(&self, between: (Timestamp, Timestamp)) -> impl Future<Output = Result<Counted, Failure>> + Send;
}

impl Past for Client {
    async fn shows_all_orders(&self) -> Result<bool, Failure> {
        match self {
            Self::Shopify(client) => client.shows_all_orders().await,
            Self::Magento(_) => Ok(true),
        }
    }

    async fn past(&self, part: Part, until: Timestamp, place: Option<&str>) -> Result<Portion, Failure> {
        match self {
            Self::Shopify(client) => client.past(part, place).await,
            Self::Magento(client) => client.past(part, until, place).await,
        }
    }

    async fn let_go(&self, place: &str) -> Result<(), Failure> {
        match self {
            Self::Shopify(client) => client.let_go_of_past(place).await,
            // Its pages are gathered by nobody.
            Self::Magento(_) => Ok(()),
        }
    }

    async fn count(&self, between: (Timestamp, Timestamp)) -> Result<Counted, Failure> {
        match self {
            Self::Shopify(client) => client.count(between).await,
            Self::Magento(client) => client.count(between).await,
        }
    }
}
