//! Bodies of Magento's senders into our words: pure functions of topic, bytes and context.
//!
//! What belongs here: the table of topics. `module` reads what our own module tells, `entities` what everybody else does;
//! both hand what they found to `orders` and `refunds`, where it becomes facts. A topic begins with its sender where that
//! is not our module:
//!
//! | topic | sender | body |
//! |---|---|---|
//! | `order.paid` | our module | the envelope of its `docs/wire.md` |
//! | `observer.…`, `plugin.…` | Adobe's events and webhooks | an entity, wrapped |
//! | `async-events/sales.order.paid` | mageos-async-events | an entity, wrapped |
//! | `mageplaza/order` | Mageplaza's module | an entity of our template, its texts encoded |
//! | `rest/order.paid` | what is read through REST | an entity |
//! | `step/paid/observer.…` | any but our module | an order, for a step that its save shows |

use serde::Deserialize;

use crate::{
    domain::{Change, Fulfillment, Platform, ReadEvent, Step, Timestamp, Topic},
    platform::{
        Context, Unreadable,
        json::{self, Loose},
    },
};

mod entities;
mod envelope;
mod goods;
mod module;
mod orders;
mod person;
mod refunds;
#[cfg(test)]
mod tests;
mod wire;

pub(super) use wire::instant;

/// What comes before the name of an event of mageos-async-events, of one of Mageplaza's hooks, and of what was read.
pub const ASYNC_EVENTS: &str = "async-events/";
pub const MAGEPLAZA: &str = "mageplaza/";
pub const REST: &str = "rest/";

/// What comes before the name of a step and the topic of the save that shows it. No sender's own topics begin so.
const STEP: &str = "step/";

/// The view in which nobody shops: what is made in the admin stands there.
const ADMIN: u64 = 0;

/// Steps that happen once, by their names.
static STEPS: [(&str, Step, Topic); 4] = [
    ("placed", Step::Placed, Topic::ORDER_PLACED),
    ("paid", Step::Paid, Topic::ORDER_PAID),
    ("fulfilled", Step::Fulfilled, Topic::ORDER_FULFILLED),
    ("cancelled", Step::Cancelled, Topic::ORDER_CANCELLED),
];

/// What the senders of Magento stores tell of, one or another of them.
pub const TOPICS: [Topic; 15] = [
    Topic::ORDER_PLACED,
    Topic::ORDER_PAID,
    Topic::ORDER_UPDATED,
    Topic::ORDER_CANCELLED,
    Topic::ORDER_FULFILLED,
    Topic::ORDER_REFUNDED,
    Topic::CUSTOMER_CREATED,
    Topic::CUSTOMER_UPDATED,
    Topic::CUSTOMER_DELETED,
    Topic::CUSTOMER_CONSENT,
    Topic::FULFILLMENT_CREATED,
    Topic::FULFILLMENT_UPDATED,
    Topic::CHECKOUT_UPDATED,
    Topic::PRODUCT_UPDATED,
    Topic::PRODUCT_DELETED,
];

/// Reads a body. A topic that is not listed changes nothing, and its body is not looked at.
pub fn read(topic: &str, body: &[u8], context: &Context) -> Result<ReadEvent, Unreadable> {
    let (step, sent) = step_in(topic);
    let read = match kind_of(sent).map(|kind| kind.at(step)) {
        Some(kind) if sent.starts_with(MAGEPLAZA) => of_hook(kind, body, context)?,
        Some(kind) => of_entity(kind, body, context)?,
        None => of_module(topic, body, context)?,
    };
    Ok(match read {
        Some((topic, change)) => ReadEvent { topic, change },
        None => ReadEvent { topic: Topic::foreign(Platform::Magento, topic), change: Change::None },
    })
}

/// An event for a step of an order, besides that of the save that shows it.
#[derive(Debug, PartialEq, Eq)]
pub struct Shown {
    /// The same for every save that shows it, whoever tells of it.
    pub id: String,
    pub topic: String,
}

/// The steps that are shown by what an order's save has sent.
///
/// The save itself is told as a change of the order: which of its steps are new is not in it, but each is told once. What
/// cannot be read shows none, nor do orders of our module, which tells steps itself.
pub fn steps(topic: &str, body: &[u8], context: &Context) -> Vec<Shown> {
    let Some(Kind { entity: entity @ (Entity::Order | Entity::NewOrder), .. }) = kind_of(topic) else {
        return Vec::new();
    };
    let read = || {
        let decoded = topic.starts_with(MAGEPLAZA).then(|| envelope::decoded(body)).transpose()?;
        let (_, json) = envelope::entity(decoded.as_deref().unwrap_or(body), entity.name())?;
        entities::order(json, context)
    };
    // One without lines is read again, and its steps with it.
    let Ok((is_new, Change::Order { order, .. })) = read() else { return Vec::new() };
    let steps = match order.lines.is_empty() {
        true => Vec::new(),
        false => orders::steps_of(&order, is_new || matches!(entity, Entity::NewOrder)),
    };
    let named = steps.iter().filter_map(|step| STEPS.iter().find(|(_, known, _)| known == step));
    named
        .map(|(name, ..)| Shown { id: format!("order/{}/{name}", order.id), topic: format!("{STEP}{name}/{topic}") })
        .collect()
}

/// The store view of which a body tells, if it says so. What belongs to no view, such as a product, says so of none.
pub fn view_of(topic: &str, body: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct Viewed<'a> {
        #[serde(borrow)]
        store_id: Option<Loose<'a>>,
    }
    let kind = kind_of(topic)?;
    let decoded = topic.starts_with(MAGEPLAZA).then(|| envelope::decoded(body)).transpose().ok()?;
    let (_, json) = envelope::entity(decoded.as_deref().unwrap_or(body), kind.entity.name()).ok()?;
    let viewed: Viewed<'_> = json::parse(json.as_bytes()).ok()?;
    wire::text(viewed.store_id)?.parse().ok().filter(|view| *view != ADMIN)
}

/// Whether a topic is of a step that a save shows.
pub fn is_step(topic: &str) -> bool {
    step_in(topic).0.is_some()
}

/// The step that an event is for, if it is for one, and the topic that was sent.
fn step_in(topic: &str) -> (Option<Topic>, &str) {
    let named = topic.strip_prefix(STEP).and_then(|rest| rest.split_once('/'));
    let known = named.and_then(|(step, sent)| Some((STEPS.iter().find(|(name, ..)| *name == step)?, sent)));
    known.map_or((None, topic), |((_, _, step), sent)| (Some(step.clone()), sent))
}

/// When what a body tells of was last changed, by the entity itself.
pub fn changed_at(topic: &str, body: &[u8]) -> Option<Timestamp> {
    let decoded = topic.starts_with(MAGEPLAZA).then(|| envelope::decoded(body)).transpose().ok()?;
    let body = decoded.as_deref().unwrap_or(body);
    let (_, json) = envelope::entity(body, kind_of(topic)?.entity.name()).ok()?;
    entities::changed_at(json)
}

type Read = Option<(Topic, Change)>;

/// Reads one kind of our module's bodies.
type ModuleReader = fn(&[u8], &Context) -> Result<Change, Unreadable>;

fn of_module(topic: &str, body: &[u8], context: &Context) -> Result<Read, Unreadable> {
    let (ours, reader): (Topic, ModuleReader) = match topic {
        "order.placed" => (Topic::ORDER_PLACED, module::order),
        "order.paid" => (Topic::ORDER_PAID, module::order),
        "order.fulfilled" => (Topic::ORDER_FULFILLED, module::order),
        "order.cancelled" => (Topic::ORDER_CANCELLED, module::order),
        "order.updated" => (Topic::ORDER_UPDATED, module::order),
        "order.refunded" => (Topic::ORDER_REFUNDED, module::refund),
        "fulfillment.created" => (Topic::FULFILLMENT_CREATED, module::fulfillment),
        "fulfillment.updated" => (Topic::FULFILLMENT_UPDATED, module::fulfillment),
        "customer.created" => (Topic::CUSTOMER_CREATED, module::customer),
        "customer.updated" => (Topic::CUSTOMER_UPDATED, module::customer),
        "customer.deleted" => (Topic::CUSTOMER_DELETED, module::deletion),
        "customer.consent" => (Topic::CUSTOMER_CONSENT, module::consent),
        "checkout.updated" => (Topic::CHECKOUT_UPDATED, module::checkout),
        _ => return Ok(None),
    };
    Ok(Some((ours, reader(body, context)?)))
}

/// What an entity is, and the topic that its sender says it is told as, if it does.
struct Kind {
    entity: Entity,
    topic: Option<Topic>,
}

impl Kind {
    /// Told for a step, if it is for one.
    fn at(self, step: Option<Topic>) -> Self {
        Self { topic: step.or(self.topic), ..self }
    }
}

#[derive(Clone, Copy)]
enum Entity {
    Order,
    /// One that its sender says has been placed.
    NewOrder,
    CreditMemo,
    Shipment,
    Track,
    Customer,
    CustomerDeletion,
    Subscriber,
    Cart,
    Product,
    ProductDeletion,
}

impl Entity {
    /// Told as whatever it has come to.
    fn as_it_is(self) -> Option<Kind> {
        Some(Kind { entity: self, topic: None })
    }

    fn told_as(self, topic: Topic) -> Option<Kind> {
        Some(Kind { entity: self, topic: Some(topic) })
    }

    /// What Commerce webhooks call it.
    fn name(self) -> &'static str {
        match self {
            Self::Order | Self::NewOrder => "order",
            Self::CreditMemo => "creditmemo",
            Self::Shipment => "shipment",
            Self::Track => "track",
            Self::Customer | Self::CustomerDeletion => "customer",
            Self::Subscriber => "subscriber",
            Self::Cart => "quote",
            Self::Product | Self::ProductDeletion => "product",
        }
    }
}

/// The kind of a topic that tells of an entity: of every sender's but our module's.
fn kind_of(topic: &str) -> Option<Kind> {
    if let Some(event) = topic.strip_prefix(ASYNC_EVENTS) {
        async_event(event)
    } else if let Some(name) = topic.strip_prefix(MAGEPLAZA) {
        hook(name)
    } else if let Some(step) = topic.strip_prefix(REST) {
        rest(step)
    } else {
        adobe(topic)
    }
}

/// Of Magento's observers and plugins. Those that fire inside the transaction may be subscribed to as well as those after it.
fn adobe(topic: &str) -> Option<Kind> {
    let name = match topic.strip_prefix("observer.") {
        Some(observer) => observer,
        None if topic.starts_with("plugin.") => topic,
        None => return None,
    };
    let saved = name.strip_suffix("_save_commit_after").or_else(|| name.strip_suffix("_save_after"));
    match (saved, name) {
        (Some("sales_order"), _) => Entity::Order.as_it_is(),
        (Some("sales_order_creditmemo"), _) => Entity::CreditMemo.as_it_is(),
        (Some("sales_order_shipment"), _) => Entity::Shipment.as_it_is(),
        (Some("sales_order_shipment_track"), _) => Entity::Track.as_it_is(),
        (Some("customer"), _) => Entity::Customer.as_it_is(),
        (Some("newsletter_subscriber"), _) => Entity::Subscriber.as_it_is(),
        (Some("sales_quote"), _) => Entity::Cart.as_it_is(),
        (Some("catalog_product"), _) => Entity::Product.as_it_is(),
        (_, "checkout_submit_all_after") => Entity::NewOrder.as_it_is(),
        // As a service and as the shop's own installation name it.
        (_, "plugin.sales.api.order_management.place" | "plugin.magento.sales.api.order_management.place") => {
            Entity::NewOrder.as_it_is()
        }
        (_, "customer_register_success") => Entity::Customer.told_as(Topic::CUSTOMER_CREATED),
        (_, "customer_delete_commit_after") => Entity::CustomerDeletion.as_it_is(),
        (_, "catalog_product_delete_commit_after") => Entity::ProductDeletion.as_it_is(),
        _ => None,
    }
}

/// Nobody signs the name: what an order has come to is in the order.
fn async_event(name: &str) -> Option<Kind> {
    match name {
        "sales.order.created" => Entity::NewOrder.as_it_is(),
        "sales.order.paid"
        | "sales.order.cancelled"
        | "sales.order.updated"
        | "sales.order.shipped"
        | "sales.order.holded"
        | "sales.order.unholded" => Entity::Order.as_it_is(),
        "sales.shipment.created" => Entity::Shipment.told_as(Topic::FULFILLMENT_CREATED),
        "sales.creditmemo.created" => Entity::CreditMemo.as_it_is(),
        "customer.created" => Entity::Customer.told_as(Topic::CUSTOMER_CREATED),
        "customer.updated" => Entity::Customer.told_as(Topic::CUSTOMER_UPDATED),
        "catalog.product.created" | "catalog.product.updated" => Entity::Product.as_it_is(),
        _ => None,
    }
}

/// Of what was read, by the step that it is read for.
fn rest(step: &str) -> Option<Kind> {
    match step {
        "order.placed" => Entity::Order.told_as(Topic::ORDER_PLACED),
        "order.paid" => Entity::Order.told_as(Topic::ORDER_PAID),
        "order.fulfilled" => Entity::Order.told_as(Topic::ORDER_FULFILLED),
        "order.cancelled" => Entity::Order.told_as(Topic::ORDER_CANCELLED),
        "order.updated" => Entity::Order.told_as(Topic::ORDER_UPDATED),
        "order.refunded" => Entity::CreditMemo.as_it_is(),
        "fulfillment.updated" => Entity::Shipment.told_as(Topic::FULFILLMENT_UPDATED),
        "customer.created" => Entity::Customer.told_as(Topic::CUSTOMER_CREATED),
        "customer.updated" => Entity::Customer.told_as(Topic::CUSTOMER_UPDATED),
        "checkout.updated" => Entity::Cart.as_it_is(),
        "product.updated" => Entity::Product.as_it_is(),
        _ => None,
    }
}

/// Of Mageplaza's hooks, by the names of our templates.
fn hook(name: &str) -> Option<Kind> {
    match name {
        "order" => Entity::Order.as_it_is(),
        "creditmemo" => Entity::CreditMemo.as_it_is(),
        "shipment" => Entity::Shipment.as_it_is(),
        "customer" => Entity::Customer.as_it_is(),
        "customer-deletion" => Entity::CustomerDeletion.as_it_is(),
        "subscriber" => Entity::Subscriber.as_it_is(),
        "abandoned-cart" => Entity::Cart.as_it_is(),
        _ => None,
    }
}

/// What Liquid could not list of an order has to be read again: an order without lines earns nothing.
fn of_hook(kind: Kind, body: &[u8], context: &Context) -> Result<Read, Unreadable> {
    let read = of_entity(kind, &envelope::decoded(body)?, context)?;
    Ok(read.map(|(topic, change)| match change {
        Change::Order { order, .. } if order.lines.is_empty() => {
            (topic, Change::ReadAgain { id: order.id.to_string() })
        }
        change => (topic, change),
    }))
}

fn of_entity(kind: Kind, body: &[u8], context: &Context) -> Result<Read, Unreadable> {
    let Kind { entity, topic } = kind;
    let (path, json) = envelope::entity(body, entity.name())?;
    let read = match entity {
        Entity::Order | Entity::NewOrder => {
            entities::order(json, context).map(|(_, change)| (Topic::ORDER_UPDATED, change))
        }
        Entity::CreditMemo => entities::refund(json, context).map(|change| (Topic::ORDER_REFUNDED, change)),
        Entity::Shipment => entities::shipment(json, context),
        Entity::Track => entities::track(json, context).map(|change| (Topic::FULFILLMENT_UPDATED, change)),
        Entity::Customer => entities::customer(json, context),
        Entity::CustomerDeletion => entities::customer_deletion(json).map(|change| (Topic::CUSTOMER_DELETED, change)),
        Entity::Subscriber => entities::subscriber(json).map(|change| (Topic::CUSTOMER_CONSENT, change)),
        Entity::Cart => entities::cart(json, context).map(|change| (Topic::CHECKOUT_UPDATED, change)),
        Entity::Product => entities::product(json, context).map(|change| (Topic::PRODUCT_UPDATED, change)),
        Entity::ProductDeletion => entities::product_deletion(json).map(|change| (Topic::PRODUCT_DELETED, change)),
    };
    let (found, change) = read.map_err(|error| if path == "." { error } else { error.within(path) })?;
    // What was read and yet tells nothing, such as a memo that is still open, is no event of ours.
    Ok((change != Change::None).then(|| (topic.unwrap_or(found), change)))
}

/// A shipment. It has no state in Magento: it is there once it has been sent, and nobody tells of its arrival.
fn shipped(id: String, order: String, tracking_number: Option<String>, updated_at: Timestamp) -> Change {
    Change::Fulfillment(Box::new(Fulfillment {
        id: id.into(),
        order: order.into(),
        status: Some("success".into()),
        shipment_status: None,
        tracking_number,
        tracking_url: None,
        updated_at,
    }))
}
