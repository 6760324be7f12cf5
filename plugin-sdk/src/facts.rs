//! What plugins read: plain data. Amounts are in the shop's currency.

use std::{fmt, ops::Add, time::Duration};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{Currency, EffectId, Malformed, Money, failure::decode};

/// Milliseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// The instant `days` times 24 hours later.
    pub fn plus_days(self, days: u64) -> Self {
        Self(self.0.saturating_add(days.saturating_mul(86_400_000)))
    }

    /// Time from `earlier` to this instant; zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)))
    }
}

/// A civil date in the store's time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Date {
    /// The year of the Gregorian calendar.
    pub year: i16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}

impl fmt::Display for Date {
    /// ISO 8601: `2026-03-01`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Stable however often the event is delivered.
    pub id: String,
    /// An open set, such as `order.paid`. Ignore a topic you do not know.
    pub topic: String,
    /// The storefront's platform, such as `shopify`.
    pub platform: String,
    /// When it happened, by its sender's clock.
    pub occurred_at: Timestamp,
    /// 1 for the first attempt.
    pub attempt: u32,
}

/// A customer without name and address: the host addresses mails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Customer {
    /// The platform's id; the host's own for a guest.
    pub id: String,
    /// True for somebody who has bought without a customer record. A record that the platform makes later for the same
    /// e-mail address absorbs this one: `customer.merged`.
    pub guest: bool,
    /// IETF language tag, where known.
    pub locale: Option<String>,
    /// The merchant's tags.
    pub tags: Vec<String>,
    /// Whether marketing mail is allowed; `None` where nothing is known. The host checks consent when it sends.
    pub accepts_marketing: Option<bool>,
    /// When the customer's record began.
    pub created_at: Option<Timestamp>,
}

/// An order as last known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The platform's id.
    pub id: String,
    /// The name that shoppers see, such as `#1001`.
    pub name: String,
    /// `None` where the order names neither a customer nor an e-mail address.
    pub customer_id: Option<String>,
    /// True for an order through a test gateway.
    pub test: bool,
    /// `web`, `pos` or the platform's other word.
    pub source: Option<String>,
    /// The merchant's tags.
    pub tags: Vec<String>,
    /// The platform's payment status, such as `paid`.
    pub financial_status: Option<String>,
    /// `fulfilled`, `partial`, or `None` where nothing has been shipped.
    pub fulfillment_status: Option<String>,
    /// When the shopper placed it.
    pub placed_at: Timestamp,
    /// When it was cancelled, if it was.
    pub cancelled_at: Option<Timestamp>,
    /// True where unit prices contain tax.
    pub taxes_included: bool,
    /// What was ordered.
    pub lines: Vec<LineItem>,
    /// Items after all discounts, before shipping and tips.
    pub subtotal: Money,
    /// Shipping.
    pub shipping: Money,
    /// All taxes.
    pub tax: Money,
    /// Tips.
    pub tip: Money,
    /// What the shopper pays.
    pub total: Money,
    /// Discount codes that the shopper used.
    pub discount_codes: Vec<String>,
    /// ISO 3166-1 code of the country it is shipped to.
    pub country: Option<String>,
    /// What the storefront noted on the cart, such as the link that led there (`regulars_link`).
    pub attributes: Vec<(String, String)>,
}

impl Order {
    /// What the storefront noted under a name.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }
}

/// One line of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineItem {
    /// The platform's id of the line.
    pub id: String,
    /// The platform's product id; `None` for a custom item.
    pub product_id: Option<String>,
    /// The platform's id of the variant.
    pub variant_id: Option<String>,
    /// The merchant's article number.
    pub sku: Option<String>,
    /// The product's title at the time.
    pub title: String,
    /// Units ordered.
    pub quantity: u32,
    /// Units still in the order after edits.
    pub current_quantity: u32,
    /// True where the line sells a gift card.
    pub gift_card: bool,
    /// One unit before discounts.
    pub unit_price: Money,
    /// All discounts on all units, order-wide ones allocated.
    pub discount: Money,
    /// All taxes on all units.
    pub tax: Money,
}

/// Goods or money given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    /// The platform's id.
    pub id: String,
    /// The order it belongs to.
    pub order_id: String,
    /// When it was made.
    pub refunded_at: Timestamp,
    /// Units given back.
    pub lines: Vec<RefundLine>,
    /// Shipping given back, without tax.
    pub shipping: Option<Money>,
    /// Money given back beyond lines and shipping.
    pub adjustment: Option<Money>,
}

/// One line's share of a refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundLine {
    /// The order line given back.
    pub line_id: String,
    /// Units given back.
    pub quantity: u32,
    /// Given back for the units, discounts taken off; contains tax where the order's prices do.
    pub subtotal: Money,
    /// Tax given back.
    pub tax: Money,
    /// True where the line sold a gift card.
    pub gift_card: bool,
}

/// A shipment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fulfillment {
    /// The platform's id.
    pub id: String,
    /// The order it belongs to.
    pub order_id: String,
    /// The platform's word, such as `success` or `cancelled`.
    pub status: Option<String>,
    /// The carrier's word, such as `in_transit` or `delivered`.
    pub shipment_status: Option<String>,
    /// The carrier's number.
    pub tracking_number: Option<String>,
    /// Where the parcel can be followed.
    pub tracking_url: Option<String>,
    /// When the platform last changed it.
    pub updated_at: Timestamp,
}

impl Fulfillment {
    /// Whether the parcel has been handed over.
    pub fn is_delivered(&self) -> bool {
        self.shipment_status.as_deref() == Some("delivered")
    }
}

/// A payment that the shopper's bank questions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispute {
    /// The platform's id.
    pub id: String,
    /// The order that was paid.
    pub order_id: String,
    /// The platform's word, such as `needs_response`, `won` or `lost`.
    pub status: String,
    /// What is questioned.
    pub amount: Money,
}

/// Something that is sold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// The platform's id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The merchant's word for what kind of thing it is.
    pub kind: Option<String>,
    /// Who makes it.
    pub vendor: Option<String>,
    /// The merchant's tags.
    pub tags: Vec<String>,
    /// Ids of the collections that it is in.
    pub collections: Vec<String>,
}

/// A day of birth, or the day alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Birthday {
    /// `None` where the customer keeps it.
    pub year: Option<i16>,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}

/// Something that two customers or orders may share. Equal keys of one kind are equal things; a key says nothing else.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Signal {
    /// `email`, `phone`, `name`, `address`, `ip`, `ip-agent`, `device` or `disposable-email`; an open set.
    pub kind: String,
    /// What it is, as this plugin is shown it.
    pub key: String,
}

/// How alike two customers are, from 0 to 1000.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Similarity {
    /// Their names (Jaro-Winkler).
    pub name: u32,
    /// What stands before the @ of their addresses.
    pub email: u32,
}

/// Somebody followed a link: the payload of the event `link.visited`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visit {
    /// The link's name.
    pub link: String,
    /// What is known of the visitor.
    pub signals: Vec<Signal>,
}

/// A timer set earlier with [`Context::schedule`](crate::Context::schedule), now due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timer {
    /// The key it was set under.
    pub key: String,
    /// The bytes it was set with.
    pub payload: Vec<u8>,
}

/// Two customers that became one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merge {
    /// The customer that is left, after all merges that are known.
    pub kept_id: String,
    /// The customer that is no more. State kept under this id belongs under the other from now on.
    pub absorbed_id: String,
}

/// What somebody asked of this plugin: the events `shopper.action` and `merchant.action`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// One of the plugin's own action names.
    pub name: String,
    /// A shopper's action: who asks, as the host has verified; `None` for a visitor who is not signed in. A merchant's:
    /// whom it is about.
    pub customer_id: Option<String>,
    /// The action's input, a JSON document.
    pub input_json: String,
}

impl Action {
    /// The input as `T`.
    ///
    /// # Errors
    /// [`Malformed`] where it does not read as one. A shopper's comes from a browser: expect anything.
    pub fn input<T: DeserializeOwned>(&self) -> Result<T, Malformed> {
        decode("the action's input", self.input_json.as_bytes())
    }
}

/// The end of an effect of this plugin's: the events `effect.done` and `effect.failed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedEffect {
    /// The effect, as the call that queued it named it.
    pub effect: EffectId,
    /// `mail`, `discount.create`, `order.gift`, ...; an open set.
    pub kind: String,
    /// `done`; `dead` where it was given up; `dropped` where it was not needed, such as a mail to nobody.
    pub status: String,
    /// Why it was not done, for people; what the other side called it where it was.
    pub reason: String,
    /// The event whose handling queued it.
    pub event: String,
    /// Whom it was for.
    pub customer_id: Option<String>,
    /// The order that it changes.
    #[serde(default)]
    pub order_id: Option<String>,
    /// The effect that made the code which this one ends. The host may have queued it, for a better offer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_by: Option<EffectId>,
    /// The code which this one ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// The store that the event belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreInfo {
    /// The shop's currency.
    pub currency: Currency,
    /// IANA time zone name.
    pub time_zone: String,
    /// IETF language tag.
    pub locale: String,
}
