//! Bodies of webhooks into our words: pure functions of topic, bytes and context.
//!
//! What belongs here: the table of topics, and one file for each kind of object. `wire` holds what they share of
//! Shopify's notation. A field that is read is named in one of these structs; everything else in a body is skipped
//! unseen, so that its shape cannot matter.

use serde::Deserialize;

use crate::{
    domain::{Change, Platform, ReadEvent, Topic},
    platform::{Context, Unreadable},
};

mod app;
mod checkouts;
mod customers;
mod disputes;
mod fulfillments;
mod orders;
mod person;
mod products;
mod redactions;
mod refunds;
#[cfg(test)]
mod tests;
mod wire;

pub(super) use wire::instant;

/// Reads one kind of body.
type Reader = fn(&[u8], &Context) -> Result<Change, Unreadable>;

/// Whether a body of an id alone says all that its topic has to say.
#[derive(Clone, Copy, PartialEq, Eq)]
enum BareId {
    Suffices,
    /// Shopify cuts a body that is too large down to its id.
    MustBeReadAgain,
}

/// What Shopify's webhooks tell of; of compliance and of the app itself it tells besides.
pub const TOPICS: [Topic; 21] = [
    Topic::ORDER_PLACED,
    Topic::ORDER_PAID,
    Topic::ORDER_UPDATED,
    Topic::ORDER_FULFILLED,
    Topic::ORDER_CANCELLED,
    Topic::ORDER_EDITED,
    Topic::ORDER_DELETED,
    Topic::ORDER_REFUNDED,
    Topic::ORDER_DISPUTED,
    Topic::CUSTOMER_CREATED,
    Topic::CUSTOMER_UPDATED,
    Topic::CUSTOMER_DELETED,
    Topic::CUSTOMER_MERGED,
    Topic::CUSTOMER_CONSENT,
    Topic::FULFILLMENT_CREATED,
    Topic::FULFILLMENT_UPDATED,
    Topic::CHECKOUT_CREATED,
    Topic::CHECKOUT_UPDATED,
    Topic::CHECKOUT_DELETED,
    Topic::PRODUCT_UPDATED,
    Topic::PRODUCT_DELETED,
];

/// Reads a webhook's body. A topic that is not listed changes nothing, and its body is not looked at.
pub fn read(topic: &str, body: &[u8], context: &Context) -> Result<ReadEvent, Unreadable> {
    use BareId::{MustBeReadAgain, Suffices};
    let unheard = || Ok(ReadEvent { topic: Topic::foreign(Platform::Shopify, topic), change: Change::None });
    let (ours, reader, bare_id): (Topic, Reader, BareId) = match topic {
        "orders/create" => (Topic::ORDER_PLACED, orders::order, MustBeReadAgain),
        "orders/paid" => (Topic::ORDER_PAID, orders::order, MustBeReadAgain),
        "orders/updated" | "orders/partially_fulfilled" => (Topic::ORDER_UPDATED, orders::order, MustBeReadAgain),
        "orders/fulfilled" => (Topic::ORDER_FULFILLED, orders::order, MustBeReadAgain),
        "orders/cancelled" => (Topic::ORDER_CANCELLED, orders::order, MustBeReadAgain),
        // A gift of our own is news to nobody, and whoever answered an edit with a gift would be asked for ever.
        "orders/edited" if orders::is_own_edit(body) => return unheard(),
        "orders/edited" => (Topic::ORDER_EDITED, orders::edit, MustBeReadAgain),
        "orders/delete" => (Topic::ORDER_DELETED, orders::deletion, Suffices),
        "refunds/create" => (Topic::ORDER_REFUNDED, refunds::refund, MustBeReadAgain),
        "customers/create" => (Topic::CUSTOMER_CREATED, customers::customer, MustBeReadAgain),
        "customers/update" | "customers/enable" | "customers/disable" => {
            (Topic::CUSTOMER_UPDATED, customers::customer, MustBeReadAgain)
        }
        "customers/delete" => (Topic::CUSTOMER_DELETED, customers::deletion, Suffices),
        "customers/merge" => (Topic::CUSTOMER_MERGED, customers::merge, MustBeReadAgain),
        "customers_email_marketing_consent/update" => (Topic::CUSTOMER_CONSENT, customers::consent, MustBeReadAgain),
        "fulfillments/create" => (Topic::FULFILLMENT_CREATED, fulfillments::fulfillment, MustBeReadAgain),
        "fulfillments/update" => (Topic::FULFILLMENT_UPDATED, fulfillments::fulfillment, MustBeReadAgain),
        "checkouts/create" => (Topic::CHECKOUT_CREATED, checkouts::checkout, MustBeReadAgain),
        "checkouts/update" => (Topic::CHECKOUT_UPDATED, checkouts::checkout, MustBeReadAgain),
        "checkouts/delete" => (Topic::CHECKOUT_DELETED, checkouts::deletion, Suffices),
        "products/create" | "products/update" => (Topic::PRODUCT_UPDATED, products::product, MustBeReadAgain),
        "products/delete" => (Topic::PRODUCT_DELETED, products::deletion, Suffices),
        "disputes/create" | "disputes/update" => (Topic::ORDER_DISPUTED, disputes::dispute, MustBeReadAgain),
        // Nothing is read of a person who is to be forgotten.
        "customers/redact" => (Topic::CUSTOMER_REDACTED, redactions::redaction, Suffices),
        "customers/data_request" => (Topic::CUSTOMER_DATA_REQUESTED, redactions::data_request, Suffices),
        "shop/redact" => (Topic::SHOP_REDACTED, app::shop_redaction, Suffices),
        "app/uninstalled" => (Topic::APP_UNINSTALLED, app::uninstallation, Suffices),
        "app/scopes_update" => (Topic::APP_SCOPES, app::scopes, Suffices),
        _ => return unheard(),
    };
    let change = match only_id(body).filter(|_| bare_id == MustBeReadAgain) {
        Some(id) => Change::ReadAgain { id },
        None => reader(body, context)?,
    };
    Ok(ReadEvent { topic: ours, change })
}

/// Topics that come after the app was removed from a shop, or repeat that it was.
pub fn outlives_removal(topic: &str) -> bool {
    matches!(topic, "customers/data_request" | "customers/redact" | "shop/redact" | "app/uninstalled")
}

/// The id of a body that holds nothing else.
fn only_id(body: &[u8]) -> Option<String> {
    /// No body that says more than its id is this short, and the others need not be parsed twice.
    const BARE_ID_MAX: usize = 256;

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct OnlyId<'a> {
        #[serde(borrow)]
        id: Option<wire::Id<'a>>,
        #[serde(borrow)]
        admin_graphql_api_id: Option<wire::Text<'a>>,
    }

    let body: OnlyId<'_> = (body.len() <= BARE_ID_MAX).then(|| serde_json::from_slice(body).ok())??;
    wire::any_global_id(body.admin_graphql_api_id.as_ref()).or_else(|| body.id?.exact())
}
