//! Platforms: receive a webhook, verify it, read it into our words, and call the platform back.
//!
//! What belongs here: the face that ingest and effects see, and one folder for each platform behind it. No other code
//! knows a platform's words.

use bytes::Bytes;

use crate::domain::{
    BirthdayChange, Change, ConsentChange, Currency, CustomerId, DiscountBatch, DiscountEnd, Effect, EffectId,
    EffectKind, EffectStatus, EventId, Metafield, NewDiscount, NewGiftCard, OrderId, OrderNote, OrderTagChange,
    ParcelGift, Platform, ProductId, ReadEvent, ShipBy, Step, StoreCredit, TagChange, Timestamp, Topic,
};

mod error;
pub(crate) mod hmac;
pub mod http;
mod json;
pub mod magento;
mod marks;
pub mod past;
pub mod rsa;
pub mod shopify;
mod unanswered;

pub use crate::domain::Secret;
pub use error::{Failure, Problem, Refusal, Unreadable};

/// What the headers of Shopify's webhooks say. Signatures cover bodies only: all of this is a claim until it is checked otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The store's permanent domain, lower-case.
    pub shop: String,
    /// The platform's topic in its usual spelling, such as `orders/create`.
    pub topic: String,
    /// The API version in which the body is written.
    pub api_version: String,
    /// The same for every repeat of this delivery: the key to find repeats by.
    pub id: EventId,
    /// The same for all deliveries that come of one action of the merchant or shopper.
    pub cause: Option<String>,
    /// When it happened, by the platform's clock.
    pub triggered_at: Option<Timestamp>,
    /// The signature as sent.
    pub signature: String,
}

/// The name under which a store is known, as it is written everywhere; `None` of a text that names none on its platform.
pub fn store_name(platform: Platform, text: &str) -> Option<String> {
    match platform {
        Platform::Shopify => shopify::headers::shop_domain(text),
        Platform::Magento => magento::host_name(text),
    }
}

/// What reading an event takes besides its topic and body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// The store's currency, for amounts that state none.
    pub currency: Currency,
    /// When the event happened, for facts that state no time of change.
    pub occurred_at: Timestamp,
}

/// Who sends webhooks to this host: each is believed in a way of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender<'a> {
    Shopify,
    Magento(magento::Sender<'a>),
}

impl Sender<'_> {
    pub fn platform(self) -> Platform {
        match self {
            Self::Shopify => Platform::Shopify,
            Self::Magento(_) => Platform::Magento,
        }
    }
}

/// Reads a webhook's body into our words. A pure function; topics without a word of ours change nothing.
pub fn read(platform: Platform, topic: &str, body: &[u8], context: &Context) -> Result<ReadEvent, Unreadable> {
    let read = match platform {
        Platform::Shopify => shopify::normalise::read(topic, body, context),
        Platform::Magento => magento::normalise::read(topic, body, context),
    };
    read.map(with_guest)
}

/// Whether a webhook's topic is that of a step which the save of an order shows, whenever it was taken.
pub fn is_shown_step(platform: Platform, topic: &str) -> bool {
    match platform {
        Platform::Shopify => false,
        Platform::Magento => magento::normalise::is_step(topic),
    }
}

/// Whether a sender of a platform's tells of a topic.
pub fn tells(platform: Platform, topic: &Topic) -> bool {
    let topics: &[Topic] = match platform {
        Platform::Shopify => &shopify::normalise::TOPICS,
        Platform::Magento => &magento::normalise::TOPICS,
    };
    topics.contains(topic)
}

/// Whether a topic comes from platforms at all; the others are made by this host.
pub fn is_told_by_some(topic: &Topic) -> bool {
    [Platform::Shopify, Platform::Magento].into_iter().any(|platform| tells(platform, topic))
}

/// Names the guest whose an order is that has an address and no customer.
fn with_guest(mut read: ReadEvent) -> ReadEvent {
    if let Change::Order { order, .. } = &mut read.change
        && order.customer.is_none()
    {
        order.customer = order.email.as_deref().and_then(CustomerId::of_guest);
    }
    read
}

/// Proof that an effect was done: what the platform calls the result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt(pub String);

/// A code that can be used no longer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedDiscount {
    pub receipt: Receipt,
    /// By what the platform has counted, which may trail.
    pub was_used: bool,
}

/// An order that has changed, as far as a listing tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedOrder {
    pub id: OrderId,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// What has become of it, in the order in which it can have happened, with the time where the platform tells it.
    pub steps: Vec<(Step, Option<Timestamp>)>,
}

/// A page of changed orders, oldest change first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrdersPage {
    pub orders: Vec<ChangedOrder>,
    /// Where the next page begins; `None` after the last.
    pub next: Option<String>,
}

/// A product as a listing tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedProduct {
    pub id: ProductId,
    pub updated_at: Timestamp,
    /// Ids of all collections that it is in, sorted.
    pub collections: Vec<String>,
    /// What a webhook would have told of it, and the collections.
    pub told: Told,
}

/// A page of changed products, oldest change first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductsPage {
    pub products: Vec<ListedProduct>,
    /// Where the next page begins; `None` after the last.
    pub next: Option<String>,
}

/// What an adapter reads of a store for reconciliation: what has changed, and what a webhook would have told of it.
pub trait Changes: Sync {
    /// Orders that changed between two moments, both included.
    fn changed_orders(
        &self,
        between: (Timestamp, Timestamp),
        after: Option<&str>,
    ) -> impl Future<Output = Result<OrdersPage, Failure>> + Send;

    /// Products that changed between two moments, both included.
    fn changed_products(
        &self,
        between: (Timestamp, Timestamp),
        after: Option<&str>,
    ) -> impl Future<Output = Result<ProductsPage, Failure>> + Send;

    /// The platform's topic, API version and body for a step of an order; `None` if the object is there no more.
    fn told(&self, order: &OrderId, step: &Step) -> impl Future<Output = Result<Option<Told>, Failure>> + Send;

    /// When the store's rate limit, as last stated, leaves room for a call.
    fn next_allowed(&self, now: Timestamp) -> Timestamp;
}

/// What a webhook would have told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub platform: Platform,
    pub topic: String,
    pub api_version: String,
    pub body: Bytes,
}

/// Calls one store.
#[derive(Debug)]
pub enum Client {
    Shopify(Box<shopify::AdminClient>),
    Magento(Box<magento::RestClient>),
}

/// Tells whether no later change of the same value is queued. A platform asks right before it writes, when what is
/// written meanwhile would be noticed.
pub type IsLast<'a> = &'a (dyn Fn() -> Result<bool, Failure> + Send + Sync);

/// Each effect counts once, however often it is repeated and whichever answer was lost.
impl Client {
    /// Creates a code, or finds that an earlier try of the same effect created it.
    pub async fn create_discount(&self, effect: &EffectId, discount: &NewDiscount) -> Result<Receipt, Failure> {
        match self {
            Self::Shopify(client) => client.create_discount(effect, discount).await,
            Self::Magento(client) => client.create_discount(discount).await,
        }
    }

    /// Creates codes of the same terms, or finds those that an earlier try of the same effect created. Platforms make them
    /// in queues of their own: it is not done before they are there.
    pub async fn create_discounts(&self, effect: &EffectId, batch: &DiscountBatch) -> Result<Receipt, Failure> {
        match self {
            Self::Shopify(client) => client.create_discounts(effect, batch).await,
            Self::Magento(client) => client.create_discounts(effect, batch).await,
        }
    }

    /// Ends a code, or all that one effect has made. `making` is that effect, if it is still known.
    pub async fn end_discount(&self, end: &DiscountEnd, making: Option<&Effect>) -> Result<EndedDiscount, Failure> {
        match self {
            Self::Shopify(client) => client.end_discount(end, making.and_then(receipt_of)).await,
            Self::Magento(client) => {
                let codes = making.map_or_else(|| vec![end.code.as_str()], |making| making.kind.codes().collect());
                client.end_discounts(&codes).await
            }
        }
    }

    /// Credits or debits a customer's store credit.
    pub async fn change_store_credit(&self, effect: &EffectId, change: &StoreCredit) -> Result<Receipt, Failure> {
        match self {
            Self::Shopify(client) => client.change_store_credit(effect, change).await,
            Self::Magento(client) => client.change_store_credit(effect, change).await,
        }
    }

    /// Creates a gift card, or finds that an earlier try of the same effect created it.
    pub async fn create_gift_card(&self, effect: &EffectId, card: &NewGiftCard) -> Result<Receipt, Failure> {
        match self {
            Self::Shopify(client) => client.create_gift_card(effect, card).await,
            Self::Magento(client) => client.create_gift_card(card).await,
        }
    }

    /// Puts tags on a customer, then takes tags off.
    pub async fn change_tags(&self, change: &TagChange) -> Result<Receipt, Failure> {
        match self {
            Self::Shopify(client) => client.change_tags(change).await,
            Self::Magento(client) => client.change_tags(change).await,
        }
    }

    /// Puts tags on an order, then takes tags off.
    pub async fn change_order_tags(&self, change: &OrderTagChange) -> Result<Receipt, Failure> {
        match self {
            Self::Shopify(client) => client.change_order_tags(change).await,
            Self::Magento(client) => client.change_order_tags(change).await,
        }
    }

    /// Adds a line to an order's note.
    pub async fn add_order_note(&self, effect: &EffectId, note: &OrderNote) -> Result<Receipt, Failure> {
        match self {
            Self::Shopify(client) => client.add_order_note(effect, note).await,
            Self::Magento(client) => client.add_order_note(effect, note).await,
        }
    }

    /// Puts a gift into an order's parcel; the receipt says whether as a line or by a note.
    pub async fn add_parcel_gift(&self, effect: &EffectId, gift: &ParcelGift) -> Result<Receipt, Failure> {
        match self {
            Self::Shopify(client) => client.add_parcel_gift(effect, gift).await,
            Self::Magento(client) => client.add_parcel_gift(effect, gift).await,
        }
    }

    /// Has an order sent by a time, unless it is to be sent earlier.
    pub async fn set_ship_by(&self, effect: &EffectId, ship_by: &ShipBy) -> Result<Receipt, Failure> {
        match self {
            Self::Shopify(client) => client.set_ship_by(ship_by).await,
            Self::Magento(client) => client.set_ship_by(effect, ship_by).await,
        }
    }

    /// Shows a plugin's value on a customer, unless a later change of it is queued.
    pub async fn set_metafield(&self, change: &Metafield, is_last: IsLast<'_>) -> Result<Receipt, Failure> {
        match self {
            Self::Shopify(client) => client.set_metafield(change, is_last).await,
            Self::Magento(client) => client.set_metafield(change, is_last).await,
        }
    }

    /// Writes a birthday into the platform's own field, unless a later change of it is queued.
    pub async fn set_birthday(&self, change: &BirthdayChange, is_last: IsLast<'_>) -> Result<Receipt, Failure> {
        match self {
            Self::Shopify(client) => client.set_birthday(change, is_last).await,
            Self::Magento(client) => client.set_birthday(change, is_last).await,
        }
    }

    /// Tells the shop's own newsletter what a customer has said of marketing mail, unless a later word of theirs stands.
    pub async fn set_consent(&self, change: &ConsentChange, is_last: IsLast<'_>) -> Result<Receipt, Failure> {
        match self {
            Self::Shopify(client) => client.set_consent(change, is_last).await,
            Self::Magento(client) => client.set_consent(change, is_last).await,
        }
    }

    /// When the store's rate limit, as last stated, leaves room for one call.
    pub fn next_allowed(&self, now: Timestamp) -> Timestamp {
        match self {
            Self::Shopify(client) => client.next_allowed(now),
            Self::Magento(client) => client.next_allowed(now),
        }
    }

    /// When it leaves room for all calls of an effect.
    pub fn next_allowed_for(&self, effect: &EffectKind, now: Timestamp) -> Timestamp {
        match self {
            Self::Shopify(client) => client.next_allowed_for(effect, now),
            Self::Magento(client) => client.next_allowed(now),
        }
    }
}

/// What the platform called the result of an effect that is done.
fn receipt_of(effect: &Effect) -> Option<&str> {
    match &effect.status {
        EffectStatus::Done { receipt } => Some(receipt),
        _ => None,
    }
}

impl Changes for Client {
    async fn changed_orders(
        &self,
        between: (Timestamp, Timestamp),
        after: Option<&str>,
    ) -> Result<OrdersPage, Failure> {
        match self {
            Self::Shopify(client) => client.changed_orders(between, after).await,
            Self::Magento(client) => client.changed_orders(between, after).await,
        }
    }

    async fn changed_products(
        &self,
        between: (Timestamp, Timestamp),
        after: Option<&str>,
    ) -> Result<ProductsPage, Failure> {
        match self {
            Self::Shopify(client) => client.changed_products(between, after).await,
            Self::Magento(client) => client.changed_products(between, after).await,
        }
    }

    async fn told(&self, order: &OrderId, step: &Step) -> Result<Option<Told>, Failure> {
        match self {
            Self::Shopify(client) => {
                let body = match step {
                    Step::Refunded(refund) => client.refund_body(order, refund).await?,
                    _ => client.order_body(order).await?,
                };
                Ok(body.map(|body| Told {
                    platform: Platform::Shopify,
                    topic: shopify::admin::changes::topic_of(step).into(),
                    api_version: shopify::admin::API_VERSION.into(),
                    body: body.to_string().into(),
                }))
            }
            Self::Magento(client) => client.told(order, step).await,
        }
    }

    fn next_allowed(&self, now: Timestamp) -> Timestamp {
        Self::next_allowed(self, now)
    }
}
