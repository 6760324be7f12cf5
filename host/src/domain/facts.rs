//! Facts: what the host itself knows of customers, orders and shipments, projected from events.
//!
//! Amounts are in the shop's currency. Plugins read facts and never write them.

use serde::{Deserialize, Serialize};

use super::{CheckoutId, CustomerId, FulfillmentId, LineItemId, Money, OrderId, ProductId, RefundId, Timestamp};

/// A person or company that buys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customer {
    pub id: CustomerId,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    /// IETF language tag, where the platform tells it.
    pub locale: Option<String>,
    pub tags: Vec<String>,
    /// Whether marketing mail is allowed; `None` where no event has said.
    pub accepts_marketing: Option<bool>,
    /// When that was last said: an older word never overwrites a newer one.
    pub consent_at: Option<Timestamp>,
    pub created_at: Option<Timestamp>,
    /// The platform's time of last change: an older fact never overwrites a newer one.
    pub updated_at: Timestamp,
    /// The customer that absorbed this one.
    pub merged_into: Option<CustomerId>,
    pub deleted: bool,
}

/// An order as the platform last described it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    pub id: OrderId,
    /// The name shoppers see, such as `#1001`.
    pub name: String,
    pub customer: Option<CustomerId>,
    pub email: Option<String>,
    /// True for orders through a test gateway: nothing is earned on them.
    pub test: bool,
    /// Where it was placed: `web`, `pos`, or the platform's other word.
    pub source: Option<String>,
    pub tags: Vec<String>,
    /// The platform's payment status: `pending`, `paid`, `partially_refunded`, ...
    pub financial_status: Option<String>,
    pub placed_at: Timestamp,
    pub cancelled_at: Option<Timestamp>,
    pub updated_at: Timestamp,
    pub taxes_included: bool,
    pub lines: Vec<LineItem>,
    /// Items after all discounts, before shipping and tips.
    pub subtotal: Money,
    pub shipping: Money,
    pub tax: Money,
    pub tip: Money,
    pub total: Money,
    /// Discount codes that the shopper used.
    pub discount_codes: Vec<String>,
}

/// One line of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineItem {
    pub id: LineItemId,
    pub product: Option<ProductId>,
    pub sku: Option<String>,
    pub title: String,
    /// Units ordered.
    pub quantity: u32,
    /// Units still in the order after edits and removals.
    pub current_quantity: u32,
    pub gift_card: bool,
    /// One unit before discounts.
    pub unit_price: Money,
    /// All discounts on all units of the line, order-wide ones allocated.
    pub discount: Money,
    /// All taxes on all units of the line.
    pub tax: Money,
}

/// Goods or money given back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    pub id: RefundId,
    pub order: OrderId,
    pub refunded_at: Timestamp,
    pub lines: Vec<RefundLine>,
    /// Shipping given back, tax excluded; zero or positive. `None` if no currency was stated.
    pub shipping: Option<Money>,
    /// Money given back beyond lines and shipping; zero or positive. `None` if no currency was stated.
    pub adjustment: Option<Money>,
}

/// One line's share of a refund.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundLine {
    pub line: LineItemId,
    pub quantity: u32,
    /// What is given back for the units, discounts taken off, tax as the line states it.
    pub subtotal: Money,
    pub tax: Money,
    pub gift_card: bool,
}

/// A committed edit of an order; the new state follows in an update.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderEdit {
    pub order: OrderId,
    pub committed_at: Timestamp,
    /// Units added, by line.
    pub added: Vec<(LineItemId, u32)>,
    /// Units removed, by line.
    pub removed: Vec<(LineItemId, u32)>,
}

/// Two customer records that became one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merge {
    pub kept: CustomerId,
    pub removed: CustomerId,
    /// False while the platform still works on it or has given up.
    pub completed: bool,
}

/// A change of consent to marketing mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    pub customer: CustomerId,
    pub accepts_marketing: bool,
    pub changed_at: Option<Timestamp>,
}

/// A shipment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fulfillment {
    pub id: FulfillmentId,
    pub order: OrderId,
    /// The platform's word: `success`, `cancelled`, ...
    pub status: Option<String>,
    /// The carrier's word: `in_transit`, `delivered`, ...
    pub shipment_status: Option<String>,
    pub tracking_number: Option<String>,
    pub tracking_url: Option<String>,
    pub updated_at: Timestamp,
}

/// A checkout that has been begun and perhaps left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkout {
    pub id: CheckoutId,
    pub customer: Option<CustomerId>,
    pub email: Option<String>,
    pub recovery_url: Option<String>,
    pub total: Option<Money>,
    pub completed_at: Option<Timestamp>,
    pub updated_at: Timestamp,
}
