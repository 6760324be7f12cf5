//! Orders of the simulated shop: kept as the webhooks tell them, answered as the Admin API does.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

/// Orders by id, each as its latest webhook told it.
#[derive(Clone, Debug, Default)]
pub(super) struct Orders(BTreeMap<u64, Value>);

impl Orders {
    /// Takes an order as a webhook tells it, unless a newer state of it is known.
    pub(super) fn put(&mut self, body: Value) {
        let Some(id) = body["id"].as_u64() else { return };
        if self.0.get(&id).is_none_or(|known| updated_at(known) <= updated_at(&body)) {
            self.0.insert(id, body);
        }
    }

    pub(super) fn order(&self, global: &str) -> Value {
        let id = global.rsplit('/').next().and_then(|id| id.parse().ok());
        id.and_then(|id: u64| self.0.get(&id)).map_or(Value::Null, order)
    }

    pub(super) fn refund(&self, global: &str) -> Value {
        let refunds = self.0.values().flat_map(|order| order["refunds"].as_array().into_iter().flatten());
        let mut found = refunds.filter(|refund| refund["admin_graphql_api_id"] == global);
        found.next().map_or(Value::Null, refund)
    }

    /// A page of the orders whose time of change is in the span that `query` names, oldest change first.
    pub(super) fn page(&self, query: &str, first: usize, after: Option<&str>) -> Result<Value, String> {
        let (from, to) = span(query)?;
        let mut changed: Vec<_> = self.0.values().filter(|order| (from..=to).contains(&updated_at(order))).collect();
        changed.sort_by_key(|order| (updated_at(order), order["id"].as_u64()));
        let begin = after.map_or(Ok(0), |cursor| cursor.parse::<usize>().map_err(|_| "no such cursor".to_owned()))?;
        let end = (begin + first).min(changed.len());
        let nodes: Vec<_> = changed.get(begin..end).unwrap_or_default().iter().map(|body| order(body)).collect();
        Ok(json!({
            "__typename": "OrderConnection",
            "nodes": nodes,
            "pageInfo": {
                "__typename": "PageInfo",
                "hasNextPage": end < changed.len(),
                "hasPreviousPage": begin > 0,
                "startCursor": begin.to_string(),
                "endCursor": end.to_string(),
            },
        }))
    }
}

/// `updated_at:>='2026-01-01T00:00:00Z' updated_at:<='...'`: the only search that is simulated.
fn span(query: &str) -> Result<(Timestamp, Timestamp), String> {
    let unknown = || format!("the search {query:?} is not simulated");
    let (mut from, mut to) = (Timestamp::MIN, Timestamp::MAX);
    for term in query.split_whitespace() {
        let term = term.strip_prefix("updated_at:").ok_or_else(unknown)?;
        let (bound, time) = match (term.strip_prefix(">="), term.strip_prefix("<=")) {
            (Some(time), _) => (&mut from, time),
            (_, Some(time)) => (&mut to, time),
            _ => return Err(unknown()),
        };
        *bound = time.trim_matches('\'').parse().map_err(|_| unknown())?;
    }
    Ok((from, to))
}

fn updated_at(body: &Value) -> Timestamp {
    body["updated_at"].as_str().and_then(|time| time.parse().ok()).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A time as the Admin API writes it: in UTC.
fn time(value: &Value) -> Value {
    value.as_str().and_then(|time| time.parse::<Timestamp>().ok()).map_or(Value::Null, |time| time.to_string().into())
}

/// A set of amounts; null if there is none.
fn bag(set: &Value) -> Value {
    let money = |money: &Value| {
        let (amount, currency) = (&money["amount"], &money["currency_code"]);
        json!({ "__typename": "MoneyV2", "amount": amount, "currencyCode": currency })
    };
    match &set["shop_money"] {
        Value::Null => Value::Null,
        shop => json!({
            "__typename": "MoneyBag", "shopMoney": money(shop), "presentmentMoney": money(&set["presentment_money"]),
        }),
    }
}

/// The amount with the other sign.
fn turned(set: &Value) -> Value {
    let mut turned = set.clone();
    for money in ["shop_money", "presentment_money"] {
        let amount = turned[money]["amount"].as_str().unwrap_or_default().to_owned();
        turned[money]["amount"] = match amount.strip_prefix('-') {
            Some(positive) => positive.into(),
            None => format!("-{amount}").into(),
        };
    }
    turned
}

fn each(list: &Value, read: impl Fn(&Value) -> Value) -> Vec<Value> {
    list.as_array().into_iter().flatten().map(read).collect()
}

/// All on one page.
fn connection(kind: &str, nodes: Vec<Value>) -> Value {
    json!({
        "__typename": kind,
        "nodes": nodes,
        "pageInfo": {
            "__typename": "PageInfo",
            "hasNextPage": false, "hasPreviousPage": false, "startCursor": null, "endCursor": null,
        },
    })
}

fn order(body: &Value) -> Value {
    let customer = &body["customer"];
    let customer = (!customer.is_null()).then(|| {
        let email = customer["email"].as_str();
        json!({
            "__typename": "Customer",
            "id": customer["admin_graphql_api_id"],
            "firstName": customer["first_name"],
            "lastName": customer["last_name"],
            "createdAt": time(&customer["created_at"]),
            "updatedAt": time(&customer["updated_at"]),
            "tags": [],
            "defaultEmailAddress": email.map(|email| json!({ "__typename": "CustomerEmailAddress", "emailAddress": email })),
            "defaultPhoneNumber": null,
        })
    });
    let zero = json!({ "shop_money": { "amount": "0.0", "currency_code": body["currency"] },
        "presentment_money": { "amount": "0.0", "currency_code": body["presentment_currency"] } });
    let codes = each(&body["discount_codes"], |code| code["code"].clone());
    json!({
        "__typename": "Order",
        "id": body["admin_graphql_api_id"],
        "name": body["name"],
        "email": body["email"],
        "test": body["test"],
        "sourceName": body["source_name"],
        "tags": [],
        "displayFinancialStatus": body["financial_status"].as_str().map(str::to_uppercase),
        "displayFulfillmentStatus": "UNFULFILLED",
        "processedAt": time(&body["processed_at"]),
        "createdAt": time(&body["created_at"]),
        "cancelledAt": time(&body["cancelled_at"]),
        "updatedAt": time(&body["updated_at"]),
        "taxesIncluded": body["taxes_included"],
        "currencyCode": body["currency"],
        "customerLocale": body["customer_locale"],
        "discountCodes": codes,
        "customer": customer,
        "subtotalPriceSet": bag(&body["subtotal_price_set"]),
        "totalShippingPriceSet": bag(&body["total_shipping_price_set"]),
        "totalTaxSet": bag(&body["total_tax_set"]),
        "totalTipReceivedSet": bag(&zero),
        "totalPriceSet": bag(&body["total_price_set"]),
        "lineItems": connection("LineItemConnection", each(&body["line_items"], line_item)),
        "refunds": each(&body["refunds"], refund),
    })
}

fn line_item(line: &Value) -> Value {
    let product = format!("gid://shopify/Product/{}", line["product_id"]);
    json!({
        "__typename": "LineItem",
        "id": line["admin_graphql_api_id"],
        "sku": line["sku"],
        "title": line["title"],
        "quantity": line["quantity"],
        "currentQuantity": line["current_quantity"],
        "isGiftCard": line["gift_card"],
        "product": { "__typename": "Product", "id": product },
        "originalUnitPriceSet": bag(&line["price_set"]),
        "discountAllocations": each(&line["discount_allocations"], |part| {
            json!({ "__typename": "DiscountAllocation", "allocatedAmountSet": bag(&part["amount_set"]) })
        }),
        "taxLines": each(&line["tax_lines"], |tax| json!({ "__typename": "TaxLine", "priceSet": bag(&tax["price_set"]) })),
    })
}

/// Shipping given back is a line of its own here, where webhooks have an adjustment.
fn refund(body: &Value) -> Value {
    let adjustments = || body["order_adjustments"].as_array().into_iter().flatten();
    let is_shipping = |adjustment: &&Value| adjustment["kind"] == "shipping_refund";
    let shipping = adjustments().filter(is_shipping).map(|adjustment| {
        json!({
            "__typename": "RefundShippingLine",
            "subtotalAmountSet": bag(&turned(&adjustment["amount_set"])),
            "taxAmountSet": bag(&turned(&adjustment["tax_amount_set"])),
        })
    });
    let others = adjustments().filter(|it| !is_shipping(it)).map(|adjustment| {
        json!({
            "__typename": "OrderAdjustment",
            "amountSet": bag(&adjustment["amount_set"]),
            "taxAmountSet": bag(&adjustment["tax_amount_set"]),
        })
    });
    let lines = each(&body["refund_line_items"], |line| {
        json!({
            "__typename": "RefundLineItem",
            "quantity": line["quantity"],
            "lineItem": line_item(&line["line_item"]),
            "subtotalSet": bag(&line["subtotal_set"]),
            "totalTaxSet": bag(&line["total_tax_set"]),
        })
    });
    json!({
        "__typename": "Refund",
        "id": body["admin_graphql_api_id"],
        "createdAt": time(&body["created_at"]),
        "processedAt": time(&body["processed_at"]),
        "refundLineItems": connection("RefundLineItemConnection", lines),
        "refundShippingLines": connection("RefundShippingLineConnection", shipping.collect()),
        "orderAdjustments": connection("OrderAdjustmentConnection", others.collect()),
    })
}
