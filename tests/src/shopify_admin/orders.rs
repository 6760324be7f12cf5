//! Orders of the simulated shop: kept as the webhooks tell them, with what callers have changed, answered as the Admin
//! API does.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    order_edits::AddedLine,
    products::Products,
    shop::{Amount, connection},
};

#[derive(Clone, Debug, Default)]
pub(super) struct Orders {
    /// By id, each as its latest webhook told it.
    told: BTreeMap<u64, Value>,
    notes: BTreeMap<u64, String>,
    /// Since when orders were created that the app is shown; `None` for all.
    pub(super) shown_since: Option<Timestamp>,
    /// Lines that edits have added, as webhooks would tell them.
    added: BTreeMap<u64, Vec<Value>>,
}

impl Orders {
    /// Takes an order as a webhook tells it, unless a newer state of it is known.
    pub(super) fn put(&mut self, body: Value) {
        let Some(id) = body["id"].as_u64() else { return };
        if self.told.get(&id).is_none_or(|known| updated_at(known) <= updated_at(&body)) {
            self.told.insert(id, body);
        }
    }

    /// An order as its webhook would tell it now.
    fn body(&self, global: &str) -> Option<Value> {
        let id = number(global)?;
        let mut body = self.told.get(&id)?.clone();
        if let Some(note) = self.notes.get(&id) {
            body["note"] = note.as_str().into();
        }
        if let (Some(lines), Some(added)) = (body["line_items"].as_array_mut(), self.added.get(&id)) {
            lines.extend(added.iter().cloned());
        }
        Some(body)
    }

    /// An object of the schema's type `Order`; null if there is none.
    pub(super) fn order(&self, global: &str) -> Value {
        self.body(global).as_ref().map_or(Value::Null, order)
    }

    /// Replaces a note; false if there is no such order.
    pub(super) fn write_note(&mut self, global: &str, note: String) -> bool {
        let known = number(global).filter(|id| self.told.contains_key(id));
        known.is_some_and(|id| {
            self.notes.insert(id, note);
            true
        })
    }

    pub(super) fn note(&self, global: &str) -> String {
        self.body(global).and_then(|body| body["note"].as_str().map(str::to_owned)).unwrap_or_default()
    }

    pub(super) fn has_variant(&self, global: &str, variant: &str) -> bool {
        let lines =
            self.body(global).map(|body| each(&body["line_items"], |line| line_item(line)["variant"]["id"].clone()));
        lines.is_some_and(|variants| variants.iter().any(|id| id == variant))
    }

    /// Adds a line to an order that is there.
    pub(super) fn add_line(&mut self, global: &str, line: &AddedLine, products: &Products) {
        let (Some(order), Some(variant)) = (number(global), products.variant(&line.variant)) else { return };
        let lines = self.added.entry(order).or_default();
        let id = order * 1_000 + 900 + lines.len() as u64;
        let set = |thousandths| {
            let money = Amount { thousandths, currency: variant.price.currency.clone() };
            let money = json!({ "amount": money.decimal(), "currency_code": money.currency });
            json!({ "shop_money": money, "presentment_money": money })
        };
        let given = line.discount.as_ref().map(|(share, description)| {
            let price = variant.price.thousandths * i64::from(line.quantity);
            let off = (price as f64 * share / 100.0).round() as i64;
            json!({ "amount_set": set(off), "description": description })
        });
        lines.push(json!({
            "id": id,
            "admin_graphql_api_id": format!("gid://shopify/LineItem/{id}"),
            "variant_id": number(&line.variant),
            "title": "Added",
            "quantity": line.quantity,
            "current_quantity": line.quantity,
            "gift_card": false,
            "price_set": set(variant.price.thousandths),
            "discount_allocations": given.into_iter().collect::<Vec<_>>(),
            "tax_lines": [],
        }));
    }

    pub(super) fn refund(&self, global: &str) -> Value {
        let refunds = self.told.values().flat_map(|order| order["refunds"].as_array().into_iter().flatten());
        let mut found = refunds.filter(|refund| refund["admin_graphql_api_id"] == global);
        found.next().map_or(Value::Null, refund)
    }

    /// Whether the app is shown an order: without a scope of its own, no old ones.
    fn shows(&self, order: &Value) -> bool {
        let created_at = order["created_at"].as_str().and_then(|time| time.parse::<Timestamp>().ok());
        self.shown_since.is_none_or(|since| created_at.is_some_and(|created_at| created_at >= since))
    }

    /// All orders that are shown, as a connection of them.
    pub(super) fn all(&self) -> Value {
        let shown = self.told.values().filter(|order| self.shows(order));
        connection("OrderConnection", shown.map(order).collect())
    }

    pub(super) fn count(&self, query: &str) -> Result<usize, String> {
        let between = Between::read(query, "processed_at")?;
        let shown = self.told.values().filter(|order| self.shows(order));
        Ok(shown.filter(|order| between.has(&order["processed_at"])).count())
    }

    /// A page of the orders whose time of change is in the span that `query` names, oldest change first.
    pub(super) fn page(&self, query: &str, first: usize, after: Option<&str>) -> Result<Value, String> {
        let (from, to) = span(query)?;
        let mut changed: Vec<_> = self.told.values().filter(|order| (from..=to).contains(&updated_at(order))).collect();
        changed.retain(|order| self.shows(order));
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

/// The number at the end of a global id.
fn number(global: &str) -> Option<u64> {
    global.rsplit('/').next()?.parse().ok()
}

/// `updated_at:>='2026-01-01T00:00:00Z' updated_at:<='...'`: both ends included.
pub(super) fn span(query: &str) -> Result<(Timestamp, Timestamp), String> {
    let Between { from, to, .. } = Between::read(query, "updated_at")?;
    Ok((from, to))
}

/// A search by one time: the only one that is simulated.
pub(super) struct Between {
    from: Timestamp,
    to: Timestamp,
    before: Timestamp,
}

impl Between {
    pub(super) fn read(query: &str, field: &str) -> Result<Self, String> {
        let unknown = || format!("the search {query:?} is not simulated");
        let mut between = Self { from: Timestamp::MIN, to: Timestamp::MAX, before: Timestamp::MAX };
        for term in query.split_whitespace() {
            let term = term.strip_prefix(field).and_then(|term| term.strip_prefix(':')).ok_or_else(unknown)?;
            let (bound, time) = match (term.strip_prefix(">="), term.strip_prefix("<="), term.strip_prefix('<')) {
                (Some(time), ..) => (&mut between.from, time),
                (_, Some(time), _) => (&mut between.to, time),
                (_, _, Some(time)) => (&mut between.before, time),
                _ => return Err(unknown()),
            };
            *bound = time.trim_matches('\'').parse().map_err(|_| unknown())?;
        }
        Ok(between)
    }

    pub(super) fn has(&self, time: &Value) -> bool {
        let time = time.as_str().and_then(|time| time.parse::<Timestamp>().ok());
        time.is_some_and(|time| (self.from..=self.to).contains(&time) && time < self.before)
    }
}

pub(super) fn updated_at(body: &Value) -> Timestamp {
    body["updated_at"].as_str().and_then(|time| time.parse().ok()).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A time as the Admin API writes it: in UTC.
pub(super) fn time(value: &Value) -> Value {
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
            "verifiedEmail": customer["verified_email"] == true,
            "metafield": null,
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
        "phone": body["phone"],
        "clientIp": body["browser_ip"],
        "customAttributes": each(&body["note_attributes"], |attribute| {
            json!({ "__typename": "Attribute", "key": attribute["name"], "value": attribute["value"] })
        }),
        "shippingAddress": shipping_address(&body["shipping_address"]),
        "test": body["test"],
        "sourceName": body["source_name"],
        "tags": [],
        "note": body["note"],
        "closed": !body["closed_at"].is_null(),
        "merchantEditable": body["cancelled_at"].is_null(),
        "displayFinancialStatus": body["financial_status"].as_str().map(str::to_uppercase),
        "displayFulfillmentStatus": match body["fulfillment_status"].as_str() {
            Some("fulfilled") => "FULFILLED",
            Some("partial") => "PARTIALLY_FULFILLED",
            _ => "UNFULFILLED",
        },
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

fn shipping_address(address: &Value) -> Value {
    if address.is_null() {
        return Value::Null;
    }
    json!({
        "__typename": "MailingAddress",
        "firstName": address["first_name"],
        "lastName": address["last_name"],
        "name": address["name"],
        "phone": address["phone"],
        "address1": address["address1"],
        "zip": address["zip"],
        "countryCodeV2": address["country_code"],
    })
}

/// A discount that somebody gave by hand has a description.
fn discount_application(part: &Value) -> Value {
    match &part["description"] {
        Value::Null => json!({ "__typename": "DiscountCodeApplication", "index": 0, "code": "" }),
        text => json!({ "__typename": "ManualDiscountApplication", "index": 0, "title": text, "description": text }),
    }
}

fn line_item(line: &Value) -> Value {
    let product = format!("gid://shopify/Product/{}", line["product_id"]);
    let variant = format!("gid://shopify/ProductVariant/{}", line["variant_id"]);
    json!({
        "__typename": "LineItem",
        "id": line["admin_graphql_api_id"],
        "sku": line["sku"],
        "title": line["title"],
        "quantity": line["quantity"],
        "currentQuantity": line["current_quantity"],
        "isGiftCard": line["gift_card"],
        "product": { "__typename": "Product", "id": product },
        "variant": { "__typename": "ProductVariant", "id": variant },
        "originalUnitPriceSet": bag(&line["price_set"]),
        "discountAllocations": each(&line["discount_allocations"], |part| {
            json!({
                "__typename": "DiscountAllocation",
                "allocatedAmountSet": bag(&part["amount_set"]),
                "discountApplication": discount_application(part),
            })
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
