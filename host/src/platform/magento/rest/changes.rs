//! What has changed in a shop since a moment: for what no webhook has told of.
//!
//! Listings go on from the last item of a page, by time of change and id, and not by a page's number: what changes meanwhile
//! moves to the end, and whatever stood behind it would be passed over. A page of orders holds what tells their steps; what
//! turns out to be missing is read whole, and is told as Magento's own entity.

use serde_json::{Value, json};

use super::{RestClient, number, permanent, search::Search, transient, views::listed, written};
use crate::{
    domain::{Change, Currency, OrderId, Platform, Step, Timestamp},
    platform::{
        ChangedOrder, Context, Failure, ListedProduct, OrdersPage, ProductsPage, Told,
        magento::normalise::{self, REST, instant},
    },
};

/// What says which steps an order has taken.
const ORDER_FIELDS: &str = "items[entity_id,increment_id,state,created_at,updated_at,base_currency_code,base_subtotal,\
                            base_shipping_amount,base_tax_amount,base_grand_total,base_total_paid,base_total_refunded,\
                            items[item_id,parent_item_id,product_id,product_type,sku,name,qty_ordered,qty_shipped,\
                            qty_refunded,qty_canceled,base_price,base_discount_amount,base_tax_amount]]";

/// What tells which of an order's refunds a credit memo is.
const MEMO_FIELDS: &str = "items[entity_id,order_id,created_at]";

const PRODUCT_FIELDS: &str = "items[id,sku,name,type_id,created_at,updated_at,extension_attributes[category_links]]";

const PER_PAGE: usize = 50;

/// The version of the API, which is in every address.
const API_VERSION: &str = "V1";

/// What is told of a product.
const PRODUCT_UPDATED: &str = "product.updated";

/// What is told of a step.
pub(super) fn topic_of(step: &Step) -> &'static str {
    match step {
        Step::Placed => "order.placed",
        Step::Paid => "order.paid",
        Step::Refunded(_) => "order.refunded",
        Step::Fulfilled => "order.fulfilled",
        Step::Cancelled => "order.cancelled",
        Step::Updated => "order.updated",
    }
}

/// Where a page ended: the last item's time of change, as Magento writes it, and its id.
struct Cursor<'a> {
    updated_at: &'a str,
    id: &'a str,
}

impl<'a> Cursor<'a> {
    fn read(text: &'a str) -> Result<Self, Failure> {
        let (updated_at, id) = text.rsplit_once('/').ok_or_else(|| permanent("the listing's cursor is none"))?;
        Ok(Self { updated_at, id: number(id)? })
    }
}

impl RestClient {
    /// Orders of the shop that changed between two moments, oldest change first.
    pub async fn changed_orders(
        &self,
        between: (Timestamp, Timestamp),
        after: Option<&str>,
    ) -> Result<OrdersPage, Failure> {
        let views = self.views().await?;
        let search = changed(between, after)?.and(("store_id", "in", &listed(&views.stores))).only(ORDER_FIELDS);
        let read: Vec<Value> = self.list(&["orders"], &search).await?;
        let memos = self.memos_of(&read, Some(MEMO_FIELDS)).await?;
        let next = next_of(&read, "entity_id");
        let orders = read.iter().map(|order| {
            let own = memos.iter().filter(|memo| memo["order_id"] == order["entity_id"]);
            changed_order(order, own, views.currency)
        });
        Ok(OrdersPage { orders: orders.collect::<Result<_, _>>()?, next })
    }

    /// Products that changed between two moments, oldest change first. All shops of an installation share them.
    pub async fn changed_products(
        &self,
        between: (Timestamp, Timestamp),
        after: Option<&str>,
    ) -> Result<ProductsPage, Failure> {
        let read: Vec<Value> = self.list(&["products"], &changed(between, after)?.only(PRODUCT_FIELDS)).await?;
        let next = next_of(&read, "id");
        let currency = self.views().await?.currency;
        let products = read.iter().map(|product| listed_product(product, currency)).collect::<Result<_, _>>()?;
        Ok(ProductsPage { products, next })
    }

    /// A step of an order as it is read; `None` if the order, or the credit memo, is there no more.
    pub async fn told(&self, order: &OrderId, step: &Step) -> Result<Option<Told>, Failure> {
        let body: Option<Value> = match step {
            Step::Refunded(refund) => self.find(&["creditmemo", number(refund.as_str())?]).await?,
            _ => self.find(&["orders", number(order.as_str())?]).await?,
        };
        Ok(body.map(|body| told(topic_of(step), &body)))
    }

    /// The credit memos of those orders of which something was refunded, with these fields or with all.
    pub(super) async fn memos_of(&self, orders: &[Value], fields: Option<&str>) -> Result<Vec<Value>, Failure> {
        let refunded = orders.iter().filter(|order| order["base_total_refunded"].as_f64().is_some_and(|it| it > 0.0));
        let ids: Vec<_> = refunded.filter_map(|order| order["entity_id"].as_u64()).collect();
        let mut memos: Vec<Value> = Vec::new();
        if ids.is_empty() {
            return Ok(memos);
        }
        let mut last = 0;
        loop {
            let search = Search::new()
                .and(("order_id", "in", &listed(&ids)))
                .and(("entity_id", "gt", &last.to_string()))
                .sorted(&["entity_id"]);
            let search = fields.into_iter().fold(search, Search::only);
            let page: Vec<Value> = self.list(&["creditmemos"], &search).await?;
            let Some(end) = page.last() else { return Ok(memos) };
            last = end["entity_id"].as_u64().ok_or_else(|| transient("a listed credit memo has no id"))?;
            memos.extend(page);
        }
    }
}

/// What changed between two moments and comes after a page's end. Within a group one condition is enough: later, or as late
/// with a higher id.
pub(super) fn changed((from, to): (Timestamp, Timestamp), after: Option<&str>) -> Result<Search, Failure> {
    let (from, to) = (written(from), written(to));
    let search = Search::new().limited(PER_PAGE).and(("updated_at", "lteq", &to)).sorted(&["updated_at", "entity_id"]);
    Ok(match after.map(Cursor::read).transpose()? {
        None => search.and(("updated_at", "gteq", &from)),
        Some(Cursor { updated_at, id }) => search
            .and(("updated_at", "gteq", updated_at))
            .and_any(&[("updated_at", "gt", updated_at), ("entity_id", "gt", id)]),
    })
}

/// Where the next page begins; `None` after a page that is not full.
pub(super) fn next_of(items: &[Value], id: &str) -> Option<String> {
    let last = items.last().filter(|_| items.len() >= PER_PAGE)?;
    Some(format!("{}/{}", last["updated_at"].as_str()?, last[id].as_u64()?))
}

/// The steps that an order's state shows, in the order in which they can have happened.
fn changed_order<'a>(
    order: &Value,
    memos: impl Iterator<Item = &'a Value>,
    currency: Currency,
) -> Result<ChangedOrder, Failure> {
    let (created_at, updated_at) = (time(order, "created_at")?, time(order, "updated_at")?);
    let mut steps = vec![(Step::Placed, None)];
    let context = Context { currency, occurred_at: updated_at };
    let told = read(topic_of(&Step::Updated), order, &context)?;
    let Change::Order { order: read, .. } = told else { return Err(transient("a listed order cannot be read")) };
    if matches!(read.financial_status.as_deref(), Some("paid" | "partially_refunded" | "refunded")) {
        steps.push((Step::Paid, None));
    }
    for memo in memos {
        let at = memo["created_at"].as_str().and_then(instant);
        steps.push((Step::Refunded(memo["entity_id"].to_string().into()), at));
    }
    if read.fulfillment_status.as_deref() == Some("fulfilled") {
        steps.push((Step::Fulfilled, None));
    }
    if let Some(at) = read.cancelled_at {
        steps.push((Step::Cancelled, Some(at)));
    }
    Ok(ChangedOrder { id: read.id.clone(), created_at, updated_at, steps })
}

fn listed_product(product: &Value, currency: Currency) -> Result<ListedProduct, Failure> {
    let updated_at = time(product, "updated_at")?;
    match read(PRODUCT_UPDATED, product, &Context { currency, occurred_at: updated_at })? {
        Change::Product(read) => Ok(ListedProduct {
            id: read.id.clone(),
            updated_at,
            collections: read.collections.clone(),
            told: told(PRODUCT_UPDATED, product),
        }),
        _ => Err(transient("a listed product cannot be read")),
    }
}

/// Reads what was listed as it will be read once it is told.
fn read(topic: &str, entity: &Value, context: &Context) -> Result<Change, Failure> {
    let read = normalise::read(&format!("{REST}{topic}"), entity.to_string().as_bytes(), context);
    read.map(|read| read.change).map_err(|error| transient(format!("what Magento lists cannot be read: {error}")))
}

pub(super) fn told(topic: &str, body: &Value) -> Told {
    Told {
        platform: Platform::Magento,
        topic: format!("{REST}{topic}"),
        api_version: API_VERSION.into(),
        body: body.to_string().into(),
    }
}

pub(super) fn time(entity: &Value, field: &str) -> Result<Timestamp, Failure> {
    let text = entity[field].as_str();
    text.and_then(instant).ok_or_else(|| transient(format!("a listed `{field}` is no instant: {}", json!(text))))
}
