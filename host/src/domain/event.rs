//! Events: facts with an id that happened, as they arrive and as an adapter read them.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{
    Checkout, CheckoutId, Consent, Customer, CustomerId, Dispute, EffectId, EventId, Fulfillment, Merge, Order,
    OrderEdit, OrderId, Platform, PluginName, Product, ProductId, Refund, RefundId, StoreId, Timestamp,
};

/// One accepted event, exactly as it came: what the inbox keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub id: EventId,
    pub store: StoreId,
    pub origin: Origin,
    /// When it happened, by its sender's clock.
    pub occurred_at: Timestamp,
    /// When this host accepted it.
    pub received_at: Timestamp,
    /// The sender's bytes, untouched.
    pub body: Bytes,
}

/// Where an event came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// A platform's webhook; `topic` is the platform's own word.
    Webhook { platform: Platform, topic: String, api_version: String },
    /// A timer that a plugin set, now due. The body is the timer's payload.
    Timer { plugin: PluginName, key: String, due: Timestamp },
    /// A shopper's action, addressed to one plugin. The body is its input, a JSON document.
    Action { plugin: PluginName, customer: CustomerId, name: String },
    /// A merge that happened while the plugin could not be told, told now. There is no body.
    Merge { plugin: PluginName, merge: Merge },
    /// An object that was read from a platform, in the shape of the webhook that would have told of it.
    Read { platform: Platform, topic: String, api_version: String },
    /// What [`Self::EffectEnded`] says of one that failed, as inboxes may hold it still; nothing writes it.
    EffectFailed { plugin: PluginName, effect: EffectId, customer: CustomerId },
    /// A merchant's action, addressed to one plugin. The body is its input, a JSON document.
    MerchantAction { plugin: PluginName, customer: Option<CustomerId>, name: String },
    /// An action of somebody who is not signed in, addressed to one plugin. The body is its input, a JSON document.
    VisitorAction { plugin: PluginName, name: String },
    /// Somebody followed a link that a customer has shared. The body is a JSON document.
    Visit { plugin: PluginName, customer: CustomerId, link: String },
    /// The merchant has switched the plugin on, or saved its settings. The body is a JSON document.
    SettingsPublished { plugin: PluginName, version: u32 },
    /// An effect has been done, or has failed for good or was rightly not done; its plugin is told. The body is a JSON
    /// document.
    EffectEnded { plugin: PluginName, effect: EffectId, customer: Option<CustomerId>, done: bool },
    /// Whoever runs the host wants a customer forgotten. There is no body.
    Redaction { customer: CustomerId },
    /// A customer has said on a page of this host's whether marketing mail is wanted. There is no body.
    Consent { customer: CustomerId, accepts_marketing: bool },
}

/// An event's kind in our words, whatever the platform: an open set of strings.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Topic(std::borrow::Cow<'static, str>);

impl Topic {
    pub const ORDER_PLACED: Self = Self::named("order.placed");
    pub const ORDER_PAID: Self = Self::named("order.paid");
    pub const ORDER_UPDATED: Self = Self::named("order.updated");
    pub const ORDER_EDITED: Self = Self::named("order.edited");
    pub const ORDER_CANCELLED: Self = Self::named("order.cancelled");
    pub const ORDER_DELETED: Self = Self::named("order.deleted");
    pub const ORDER_FULFILLED: Self = Self::named("order.fulfilled");
    pub const ORDER_REFUNDED: Self = Self::named("order.refunded");
    pub const CUSTOMER_CREATED: Self = Self::named("customer.created");
    pub const CUSTOMER_UPDATED: Self = Self::named("customer.updated");
    pub const CUSTOMER_DELETED: Self = Self::named("customer.deleted");
    pub const CUSTOMER_MERGED: Self = Self::named("customer.merged");
    pub const CUSTOMER_CONSENT: Self = Self::named("customer.consent");
    pub const FULFILLMENT_CREATED: Self = Self::named("fulfillment.created");
    pub const FULFILLMENT_UPDATED: Self = Self::named("fulfillment.updated");
    pub const CHECKOUT_CREATED: Self = Self::named("checkout.created");
    pub const CHECKOUT_UPDATED: Self = Self::named("checkout.updated");
    pub const CHECKOUT_DELETED: Self = Self::named("checkout.deleted");
    pub const TIMER_FIRED: Self = Self::named("timer.fired");
    pub const SHOPPER_ACTION: Self = Self::named("shopper.action");
    pub const EFFECT_FAILED: Self = Self::named("effect.failed");
    pub const EFFECT_DONE: Self = Self::named("effect.done");
    pub const ORDER_DISPUTED: Self = Self::named("order.disputed");
    pub const CUSTOMER_REDACTED: Self = Self::named("customer.redacted");
    pub const PRODUCT_UPDATED: Self = Self::named("product.updated");
    pub const PRODUCT_DELETED: Self = Self::named("product.deleted");
    pub const MERCHANT_ACTION: Self = Self::named("merchant.action");
    pub const LINK_VISITED: Self = Self::named("link.visited");
    pub const CUSTOMER_DATA_REQUESTED: Self = Self::named("customer.data_requested");
    pub const APP_UNINSTALLED: Self = Self::named("app.uninstalled");
    pub const APP_SCOPES: Self = Self::named("app.scopes");
    pub const SHOP_REDACTED: Self = Self::named("shop.redacted");
    pub const SETTINGS_PUBLISHED: Self = Self::named("settings.published");

    /// The button of our module's settings in a Magento shop.
    pub const CONNECTION_TEST: Self = Self::named("magento:connection.test");

    /// A panel on a page of a Magento shop, which is answered at once and is no event.
    pub const PANEL_SHOWN: Self = Self::named("magento:panel");

    const fn named(name: &'static str) -> Self {
        Self(std::borrow::Cow::Borrowed(name))
    }

    /// A topic that has no word of ours yet, under its platform's: `shopify:products/update`.
    pub fn foreign(platform: Platform, topic: &str) -> Self {
        Self(format!("{platform}:{topic}").into())
    }

    /// Whether it is a platform's own word.
    pub fn is_foreign(&self) -> bool {
        self.0.contains(':')
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Topic {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Origin {
    /// What [`Self::told_by`] says of Shopify's webhooks, and of what was read.
    pub const BY_SHOPIFY: &str = "shopify";
    pub const BY_READING: &str = "reading";

    /// The customer whom the event's sender names, where that is not left to its body.
    pub fn customer(&self) -> Option<&CustomerId> {
        match self {
            Self::Action { customer, .. }
            | Self::EffectFailed { customer, .. }
            | Self::Visit { customer, .. }
            | Self::Redaction { customer }
            | Self::Consent { customer, .. } => Some(customer),
            Self::MerchantAction { customer, .. } | Self::EffectEnded { customer, .. } => customer.as_ref(),
            Self::Webhook { .. }
            | Self::Read { .. }
            | Self::Timer { .. }
            | Self::Merge { .. }
            | Self::VisitorAction { .. }
            | Self::SettingsPublished { .. } => None,
        }
    }

    /// Who told of it, where it came from a platform: Shopify, one of a Magento store's senders by the form of its bodies, or
    /// this host, which has read it.
    pub fn told_by(&self) -> Option<&str> {
        let (platform, _) = self.platform_topic()?;
        Some(match (self, platform) {
            (Self::Webhook { .. }, Platform::Shopify) => Self::BY_SHOPIFY,
            (Self::Webhook { api_version, .. }, Platform::Magento) => api_version,
            _ => Self::BY_READING,
        })
    }

    /// The platform and its topic, where the event came from one.
    pub fn platform_topic(&self) -> Option<(Platform, &str)> {
        match self {
            Self::Webhook { platform, topic, .. } | Self::Read { platform, topic, .. } => Some((*platform, topic)),
            Self::Timer { .. }
            | Self::Action { .. }
            | Self::Merge { .. }
            | Self::EffectFailed { .. }
            | Self::MerchantAction { .. }
            | Self::VisitorAction { .. }
            | Self::Visit { .. }
            | Self::SettingsPublished { .. }
            | Self::EffectEnded { .. }
            | Self::Redaction { .. }
            | Self::Consent { .. } => None,
        }
    }
}

/// Something that becomes of an order and that a platform sends a webhook for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    Placed,
    Paid,
    Refunded(RefundId),
    Fulfilled,
    Cancelled,
    /// Any other change of the order.
    Updated,
}

impl Step {
    /// The step that an event tells of, if it tells of one.
    pub fn of(read: &ReadEvent) -> Option<Self> {
        match &read.change {
            Change::Refund(refund) => Some(Self::Refunded(refund.id.clone())),
            Change::Order { .. } => {
                let steps = [
                    (Topic::ORDER_PLACED, Self::Placed),
                    (Topic::ORDER_PAID, Self::Paid),
                    (Topic::ORDER_FULFILLED, Self::Fulfilled),
                    (Topic::ORDER_CANCELLED, Self::Cancelled),
                    (Topic::ORDER_UPDATED, Self::Updated),
                ];
                steps.into_iter().find_map(|(topic, step)| (topic == read.topic).then_some(step))
            }
            _ => None,
        }
    }
}

/// What an adapter understood of an event: its topic and the change it brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadEvent {
    pub topic: Topic,
    pub change: Change,
}

/// What an event says of the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The order as it now is, with the customer as far as the platform sent one.
    Order {
        order: Box<Order>,
        customer: Option<Box<Customer>>,
    },
    OrderEdit(OrderEdit),
    OrderDeleted(OrderId),
    Refund(Box<Refund>),
    Customer(Box<Customer>),
    CustomerDeleted(CustomerId),
    Merge(Merge),
    Consent(Consent),
    Fulfillment(Box<Fulfillment>),
    Checkout(Box<Checkout>),
    CheckoutDeleted(CheckoutId),
    Product(Box<Product>),
    ProductDeleted(ProductId),
    Dispute(Dispute),
    /// The person is to be forgotten, in these orders as well; the ids stay, for sums hang on them.
    CustomerRedacted {
        customer: CustomerId,
        /// The address that the request names.
        email: Option<String>,
        orders: Vec<OrderId>,
    },
    /// The person wants to know what is kept, of these orders as well.
    DataRequested {
        customer: CustomerId,
        /// The address that the request names.
        email: Option<String>,
        orders: Vec<OrderId>,
    },
    /// The app was removed from the shop, whose domain is named where the body has it.
    AppUninstalled {
        shop: Option<String>,
    },
    /// What the app may do in the shop from now on.
    ScopesGranted(Vec<String>),
    /// The shop wants all that is kept of it erased.
    ShopRedacted {
        shop: String,
    },
    /// The platform sent only an id because the body was too large: the object has to be read again.
    ReadAgain {
        id: String,
    },
    /// Nothing that the host keeps facts of.
    None,
}

impl Change {
    /// The customer the change names, if it names one.
    pub fn customer(&self) -> Option<&CustomerId> {
        match self {
            Self::Order { order, .. } => order.customer.as_ref(),
            Self::Customer(customer) => Some(&customer.id),
            Self::CustomerDeleted(id)
            | Self::CustomerRedacted { customer: id, .. }
            | Self::DataRequested { customer: id, .. } => Some(id),
            Self::Merge(merge) => Some(&merge.kept),
            Self::Consent(consent) => Some(&consent.customer),
            Self::Checkout(checkout) => checkout.customer.as_ref(),
            Self::OrderEdit(_)
            | Self::OrderDeleted(_)
            | Self::Refund(_)
            | Self::Fulfillment(_)
            | Self::CheckoutDeleted(_)
            | Self::Product(_)
            | Self::ProductDeleted(_)
            | Self::Dispute(_)
            | Self::AppUninstalled { .. }
            | Self::ScopesGranted(_)
            | Self::ShopRedacted { .. }
            | Self::ReadAgain { .. }
            | Self::None => None,
        }
    }

    /// The order the change names, if it names one.
    pub fn order(&self) -> Option<&OrderId> {
        match self {
            Self::Order { order, .. } => Some(&order.id),
            Self::OrderEdit(edit) => Some(&edit.order),
            Self::OrderDeleted(id) => Some(id),
            Self::Refund(refund) => Some(&refund.order),
            Self::Fulfillment(fulfillment) => Some(&fulfillment.order),
            Self::Dispute(dispute) => Some(&dispute.order),
            _ => None,
        }
    }
}
