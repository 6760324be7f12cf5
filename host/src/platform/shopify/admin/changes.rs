//! What has changed in a store since a moment, read over the Admin API: for what no webhook has told of.
//!
//! A page lists ids, times and states only. What turns out to be missing is read whole, and put into the shape in which
//! the webhook would have told it, so that one reader and one shape serve both.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{AdminClient, answer::PageInfo, no_data, permanent};
use crate::{
    domain::{OrderId, RefundId, Step, Timestamp},
    platform::{ChangedOrder, Failure, OrdersPage},
};

mod products;
#[cfg(test)]
mod tests;

const CHANGED_ORDERS: &str = include_str!("../documents/changed_orders.graphql");
const ORDER: &str = include_str!("../documents/order.graphql");
const REFUND: &str = include_str!("../documents/refund.graphql");

/// Orders of a page. With the refunds that each may list, a page costs at most 776 of the 1,000 points that one call may.
const ORDERS_PER_PAGE: u32 = 25;

/// Calls that one order's or refund's lines are read in at most.
const LINE_PAGES: usize = 40;

/// The webhook's word for a step.
pub fn topic_of(step: &Step) -> &'static str {
    match step {
        Step::Placed => "orders/create",
        Step::Paid => "orders/paid",
        Step::Refunded(_) => "refunds/create",
        Step::Fulfilled => "orders/fulfilled",
        Step::Cancelled => "orders/cancelled",
        Step::Updated => "orders/updated",
    }
}

impl AdminClient {
    /// Orders that changed between two moments, oldest change first.
    pub async fn changed_orders(
        &self,
        (from, to): (Timestamp, Timestamp),
        after: Option<&str>,
    ) -> Result<OrdersPage, Failure> {
        let query = format!("updated_at:>='{from}' updated_at:<='{to}'");
        let variables = json!({ "query": query, "first": ORDERS_PER_PAGE, "after": after });
        let listed: Listed = self.call(CHANGED_ORDERS, variables).await?;
        let orders = listed.orders.nodes.into_iter().map(ListedOrder::read).collect::<Result<_, _>>()?;
        Ok(OrdersPage { orders, next: listed.orders.page_info.next() })
    }

    /// An order as its webhooks tell it; `None` if there is no such order.
    pub async fn order_body(&self, id: &OrderId) -> Result<Option<Value>, Failure> {
        let id = format!("gid://shopify/Order/{id}");
        let order = self.whole(ORDER, &id, "order", "lineItems").await?;
        Ok(order.map(|order| order_body(&order)))
    }

    /// A refund as its webhook tells it.
    pub async fn refund_body(&self, order: &OrderId, id: &RefundId) -> Result<Option<Value>, Failure> {
        let id = format!("gid://shopify/Refund/{id}");
        let refund = self.whole(REFUND, &id, "refund", "refundLineItems").await?;
        Ok(refund.map(|refund| refund_body(order, &refund)))
    }

    /// Reads an object with all pages of one of its connections.
    async fn whole(&self, document: &str, id: &str, field: &str, lines: &str) -> Result<Option<Value>, Failure> {
        let (mut whole, mut after): (Option<Value>, Option<String>) = (None, None);
        for _ in 0..LINE_PAGES {
            let mut answer: Value = self.call(document, json!({ "id": id, "after": after })).await?;
            let mut page = answer[field].take();
            if page.is_null() {
                return Ok(None);
            }
            let connection = page[lines].take();
            let nodes = connection["nodes"].as_array().cloned().ok_or_else(no_data)?;
            let object = whole.get_or_insert(page);
            match &mut object[lines] {
                Value::Array(known) => known.extend(nodes),
                slot => *slot = Value::Array(nodes),
            }
            if connection["pageInfo"]["hasNextPage"] != true {
                return Ok(whole);
            }
            after = connection["pageInfo"]["endCursor"].as_str().map(Into::into);
        }
        Err(permanent(format!("{id} has more lines than can be read")))
    }
}

#[derive(Deserialize)]
struct Listed {
    orders: Connection,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Connection {
    nodes: Vec<ListedOrder>,
    page_info: PageInfo,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListedOrder {
    id: String,
    created_at: String,
    updated_at: String,
    cancelled_at: Option<String>,
    display_financial_status: Option<String>,
    display_fulfillment_status: Option<String>,
    refunds: Vec<ListedRefund>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListedRefund {
    id: String,
    created_at: Option<String>,
}

impl ListedOrder {
    /// The steps that the order's state shows, in the order in which they can have happened.
    fn read(self) -> Result<ChangedOrder, Failure> {
        let mut steps = vec![(Step::Placed, None)];
        if matches!(self.display_financial_status.as_deref(), Some("PAID" | "PARTIALLY_REFUNDED" | "REFUNDED")) {
            steps.push((Step::Paid, None));
        }
        let mut refunds = self.refunds.into_iter().map(|refund| {
            let at = refund.created_at.as_deref().map(instant).transpose()?;
            Ok((Step::Refunded(legacy(&refund.id).into()), at))
        });
        let mut refunds = refunds.by_ref().collect::<Result<Vec<_>, Failure>>()?;
        refunds.sort_by_key(|(_, at)| *at);
        steps.extend(refunds);
        if self.display_fulfillment_status.as_deref() == Some("FULFILLED") {
            steps.push((Step::Fulfilled, None));
        }
        if let Some(at) = &self.cancelled_at {
            steps.push((Step::Cancelled, Some(instant(at)?)));
        }
        Ok(ChangedOrder {
            id: legacy(&self.id).into(),
            created_at: instant(&self.created_at)?,
            updated_at: instant(&self.updated_at)?,
            steps,
        })
    }
}

pub(super) fn instant(text: &str) -> Result<Timestamp, Failure> {
    crate::platform::shopify::normalise::instant(text)
        .ok_or_else(|| permanent(format!("Shopify's answer names an instant that is none: {text:?}")))
}

/// The number at the end of a global id: how webhooks name the object.
pub(super) fn legacy(global: &str) -> &str {
    global.rsplit('/').next().unwrap_or(global)
}

/// A set of amounts as webhooks write it; null if there is none.
fn money(set: &Value) -> Value {
    match &set["shopMoney"] {
        Value::Null => Value::Null,
        money => json!({ "shop_money": { "amount": money["amount"], "currency_code": money["currencyCode"] } }),
    }
}

fn each(list: &Value, read: impl Fn(&Value) -> Value) -> Vec<Value> {
    list.as_array().into_iter().flatten().map(read).collect()
}

pub(super) fn order_body(order: &Value) -> Value {
    let customer = &order["customer"];
    let customer = (!customer.is_null()).then(|| {
        json!({
            "admin_graphql_api_id": customer["id"],
            "email": customer["defaultEmailAddress"]["emailAddress"],
            "verified_email": customer["verifiedEmail"],
            "phone": customer["defaultPhoneNumber"]["phoneNumber"],
            "first_name": customer["firstName"],
            "last_name": customer["lastName"],
            "created_at": customer["createdAt"],
            "updated_at": customer["updatedAt"],
            "metafields": metafields(&customer["birthDate"]),
        })
    });
    let status = order["displayFinancialStatus"].as_str().map(str::to_lowercase);
    json!({
        "id": legacy(order["id"].as_str().unwrap_or_default()),
        "admin_graphql_api_id": order["id"],
        "name": order["name"],
        "email": order["email"],
        "phone": order["phone"],
        "browser_ip": order["clientIp"],
        "shipping_address": shipping_address(&order["shippingAddress"]),
        "note_attributes": each(&order["customAttributes"], |attribute| {
            json!({ "name": attribute["key"], "value": attribute["value"] })
        }),
        "test": order["test"],
        "source_name": order["sourceName"],
        "tags": order["tags"],
        "financial_status": status,
        "fulfillment_status": order["displayFulfillmentStatus"].as_str().and_then(fulfillment_status),
        "processed_at": order["processedAt"],
        "created_at": order["createdAt"],
        "cancelled_at": order["cancelledAt"],
        "updated_at": order["updatedAt"],
        "taxes_included": order["taxesIncluded"],
        "currency": order["currencyCode"],
        "customer_locale": order["customerLocale"],
        "customer": customer,
        "line_items": each(&order["lineItems"], line_item),
        "subtotal_price_set": money(&order["subtotalPriceSet"]),
        "total_shipping_price_set": money(&order["totalShippingPriceSet"]),
        "total_tax_set": money(&order["totalTaxSet"]),
        "total_tip_received": order["totalTipReceivedSet"]["shopMoney"]["amount"],
        "total_price_set": money(&order["totalPriceSet"]),
        "discount_codes": each(&order["discountCodes"], |code| json!({ "code": code })),
    })
}

/// The webhook's word for how much of an order has been shipped; it has none for anything else.
fn fulfillment_status(display: &str) -> Option<&'static str> {
    match display {
        "FULFILLED" => Some("fulfilled"),
        "PARTIALLY_FULFILLED" => Some("partial"),
        "RESTOCKED" => Some("restocked"),
        _ => None,
    }
}

fn shipping_address(address: &Value) -> Value {
    if address.is_null() {
        return Value::Null;
    }
    json!({
        "first_name": address["firstName"],
        "last_name": address["lastName"],
        "name": address["name"],
        "phone": address["phone"],
        "address1": address["address1"],
        "zip": address["zip"],
        "country_code": address["countryCodeV2"],
    })
}

/// A list of one metafield, or of none.
pub(super) fn metafields(metafield: &Value) -> Vec<Value> {
    let one = json!({ "namespace": metafield["namespace"], "key": metafield["key"], "value": metafield["value"] });
    (!metafield.is_null()).then_some(one).into_iter().collect()
}

fn line_item(line: &Value) -> Value {
    json!({
        "admin_graphql_api_id": line["id"],
        "product_id": line["product"]["id"].as_str().map(legacy),
        "variant_id": line["variant"]["id"].as_str().map(legacy),
        "sku": line["sku"],
        "title": line["title"],
        "quantity": line["quantity"],
        "current_quantity": line["currentQuantity"],
        "gift_card": line["isGiftCard"],
        "price_set": money(&line["originalUnitPriceSet"]),
        "discount_allocations": each(&line["discountAllocations"], |part| {
            json!({ "amount_set": money(&part["allocatedAmountSet"]) })
        }),
        "tax_lines": each(&line["taxLines"], |tax| json!({ "price_set": money(&tax["priceSet"]) })),
    })
}

/// Shipping is a line of its own here; what is left as an adjustment is the difference between lines and money.
fn refund_body(order: &OrderId, refund: &Value) -> Value {
    json!({
        "id": legacy(refund["id"].as_str().unwrap_or_default()),
        "admin_graphql_api_id": refund["id"],
        "order_id": order,
        "created_at": refund["createdAt"],
        "processed_at": refund["processedAt"],
        "refund_line_items": each(&refund["refundLineItems"], |line| {
            json!({
                "line_item": { "admin_graphql_api_id": line["lineItem"]["id"], "gift_card": line["lineItem"]["isGiftCard"] },
                "line_item_id": line["lineItem"]["id"].as_str().map(legacy),
                "quantity": line["quantity"],
                "subtotal_set": money(&line["subtotalSet"]),
                "total_tax_set": money(&line["totalTaxSet"]),
            })
        }),
        "refund_shipping_lines": each(&refund["refundShippingLines"]["nodes"], |line| {
            json!({ "subtotal_amount_set": money(&line["subtotalAmountSet"]) })
        }),
        "order_adjustments": each(&refund["orderAdjustments"]["nodes"], |adjustment| {
            json!({
                "kind": "refund_discrepancy",
                "amount_set": money(&adjustment["amountSet"]),
                "tax_amount_set": money(&adjustment["taxAmountSet"]),
            })
        }),
    })
}
