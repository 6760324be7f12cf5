//! What plugins read and what they queue: plain data. Amounts are in the shop's currency.

use std::{fmt, ops::Add, time::Duration};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{Currency, Malformed, Money, failure::decode};

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
    /// The platform's id.
    pub id: String,
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
    /// `None` for a guest without a customer record.
    pub customer_id: Option<String>,
    /// True for an order through a test gateway.
    pub test: bool,
    /// `web`, `pos` or the platform's other word.
    pub source: Option<String>,
    /// The merchant's tags.
    pub tags: Vec<String>,
    /// The platform's payment status, such as `paid`.
    pub financial_status: Option<String>,
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
}

/// One line of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineItem {
    /// The platform's id of the line.
    pub id: String,
    /// The platform's product id; `None` for a custom item.
    pub product_id: Option<String>,
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

/// What a shopper asked of this plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// One of the plugin's own action names.
    pub name: String,
    /// Who asked; the host has verified it.
    pub customer_id: String,
    /// The action's input, a JSON document that the shopper's browser sent.
    pub input_json: String,
}

impl Action {
    /// The input as `T`.
    ///
    /// # Errors
    /// [`Malformed`] where it does not read as one. The input comes from a browser: expect anything.
    pub fn input<T: DeserializeOwned>(&self) -> Result<T, Malformed> {
        decode("the action's input", self.input_json.as_bytes())
    }
}

/// An effect of this plugin that has failed for good, or that the host rightly did not do: the event `effect.failed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedEffect {
    /// The effect, as the call that queued it named it.
    pub effect: EffectId,
    /// `mail`, `discount.create` or `tags.change`; an open set.
    pub kind: String,
    /// `dead` where it was given up, `dropped` where it was not needed, such as a mail to nobody.
    pub status: String,
    /// Why, for people.
    pub reason: String,
    /// The event whose handling queued it.
    pub event: String,
    /// Whom it was for.
    pub customer_id: String,
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

/// Names one queued effect. The same event yields the same ids however often it is handled.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EffectId(pub(crate) String);

impl EffectId {
    /// The id's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EffectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A mail to a customer, from one of the plugin's templates. Needs the capability `mail`.
///
/// ```
/// # use regulars_sdk::Mail;
/// let mail = Mail::new("207119551", "earned").var("points", "12").var("balance", "62");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Whom the host writes to.
    pub customer_id: String,
    /// A template of the plugin's own file.
    pub template: String,
    /// The template's variables; the host adds `customer.first_name`, `shop.name` and `shop.url`.
    pub vars: Vec<(String, String)>,
    /// An effect that has to be done first; should it fail, the mail is not sent.
    pub after: Option<EffectId>,
}

impl Mail {
    /// A mail without variables.
    pub fn new(customer_id: impl Into<String>, template: impl Into<String>) -> Self {
        Self { customer_id: customer_id.into(), template: template.into(), vars: Vec::new(), after: None }
    }

    /// Gives the template a variable.
    pub fn var(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.vars.push((name.into(), value.into()));
        self
    }

    /// Holds the mail back until `effect` is done.
    pub fn after(mut self, effect: &EffectId) -> Self {
        self.after = Some(effect.clone());
        self
    }
}

/// A discount code that only one customer can use, once. Needs the capability `discounts`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDiscount {
    /// Who can use it.
    pub customer_id: String,
    /// The readable beginning of the code: 1 to 12 of A-Z and 0-9.
    pub prefix: String,
    /// Taken off the order, in the shop's currency.
    pub value: Money,
    /// The smallest order it may be used on.
    pub minimum_subtotal: Option<Money>,
    /// When it ends; `None` for never.
    pub ends_at: Option<Timestamp>,
}

impl NewDiscount {
    /// `value` off any one order, without end.
    pub fn new(customer_id: impl Into<String>, prefix: impl Into<String>, value: Money) -> Self {
        Self { customer_id: customer_id.into(), prefix: prefix.into(), value, minimum_subtotal: None, ends_at: None }
    }

    /// Only for orders of at least `amount`.
    pub fn minimum_subtotal(mut self, amount: Money) -> Self {
        self.minimum_subtotal = Some(amount);
        self
    }

    /// Only until `instant`.
    pub fn ends_at(mut self, instant: Timestamp) -> Self {
        self.ends_at = Some(instant);
        self
    }
}

/// A discount code that has been queued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// What a mail with the code should wait for.
    pub effect: EffectId,
    /// The code; it follows from the effect's id, so that a repeat finds the code already made.
    pub code: String,
}
