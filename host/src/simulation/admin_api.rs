//! The platform's records as its GraphQL API tells them: orders by their time of change, page by page, and single ones
//! whole.

use serde_json::{Value, json};

use super::records::{Person, Records, Returned, Sold, moment, written_at};
use crate::domain::Timestamp;

/// Orders that changed within the span that is asked for, as they stood at a moment, at most so many.
pub fn changed_orders(records: &Records, at: u64, variables: &Value, most: u64) -> Value {
    let (from, to) = span(variables["query"].as_str().unwrap());
    let mut changed: Vec<_> = records.orders_at(at).into_values().collect();
    changed.retain(|order| (from..=to).contains(&moment(order.updated)));
    changed.sort_by_key(|order| (order.updated, order.id));
    let after = variables["after"].as_str().map(position);
    changed.retain(|order| after.is_none_or(|after| (order.updated, order.id) > after));
    let most = most.min(variables["first"].as_u64().unwrap());
    let page: Vec<_> = changed.iter().take(usize::try_from(most).unwrap()).collect();
    let end = page.last().map(|order| format!("{}/{}", order.updated, order.id));
    json!({
        "nodes": page.iter().map(|order| listed(order)).collect::<Vec<_>>(),
        "pageInfo": {"hasNextPage": page.len() < changed.len(), "endCursor": end},
    })
}

/// The bounds in a search such as `updated_at:>='…' updated_at:<='…'`.
fn span(query: &str) -> (Timestamp, Timestamp) {
    let bound = |sign: &str| {
        let (_, rest) = query.split_once(&format!("updated_at:{sign}'")).unwrap();
        let instant: jiff::Timestamp = rest.split('\'').next().unwrap().parse().unwrap();
        Timestamp(u64::try_from(instant.as_millisecond()).unwrap())
    };
    (bound(">="), bound("<="))
}

/// What a cursor stands for: a time of change and an order.
fn position(cursor: &str) -> (u64, u64) {
    let (updated, id) = cursor.split_once('/').unwrap();
    (updated.parse().unwrap(), id.parse().unwrap())
}

fn listed(order: &Sold) -> Value {
    let refunds = order
        .refunds
        .iter()
        .map(|refund| json!({"id": global("Refund", refund.id), "createdAt": written_at(refund.at)}));
    json!({
        "id": global("Order", order.id),
        "createdAt": written_at(order.created), "updatedAt": written_at(order.updated),
        "cancelledAt": order.cancelled.map(written_at),
        "displayFinancialStatus": order.status().to_uppercase(), "displayFulfillmentStatus": "UNFULFILLED",
        "refunds": refunds.collect::<Vec<_>>(),
    })
}

/// An order as it stood at a moment, with the line items of one page; null if there was none.
pub fn order(records: &Records, at: u64, variables: &Value) -> Value {
    let Some(order) = records.order_at(at, number(&variables["id"])) else { return Value::Null };
    let lines = order.lines.iter().map(|(id, quantity)| {
        json!({
            "id": global("LineItem", *id), "title": "Fern", "quantity": quantity, "currentQuantity": quantity,
            "originalUnitPriceSet": euros("10.00"), "discountAllocations": [], "taxLines": [],
        })
    });
    json!({
        "id": global("Order", order.id), "name": format!("#{}", order.id), "currencyCode": "EUR",
        "displayFinancialStatus": order.status().to_uppercase(),
        "createdAt": written_at(order.created), "updatedAt": written_at(order.updated),
        "cancelledAt": order.cancelled.map(written_at),
        "subtotalPriceSet": euros("30.00"), "totalTaxSet": euros("0.00"), "totalPriceSet": euros("30.00"),
        "customer": order.customer.map(|customer| person(records.owner_at(at, customer))),
        "email": order.email(),
        "lineItems": line_by_line(lines.collect(), &variables["after"]),
    })
}

/// A refund that had been made at a moment; null if it had not.
pub fn refund(records: &Records, at: u64, variables: &Value) -> Value {
    let Some((_, refund)) = records.refund_at(at, number(&variables["id"])) else { return Value::Null };
    let Returned { id, line, at } = refund;
    let line = json!({
        "quantity": 1, "lineItem": {"id": global("LineItem", *line), "isGiftCard": false},
        "subtotalSet": euros("10.00"), "totalTaxSet": euros("0.00"),
    });
    json!({
        "id": global("Refund", *id), "createdAt": written_at(*at), "processedAt": written_at(*at),
        "refundLineItems": line_by_line(vec![line], &variables["after"]),
        "refundShippingLines": {"nodes": []}, "orderAdjustments": {"nodes": []},
    })
}

/// A page of one row.
fn line_by_line(rows: Vec<Value>, after: &Value) -> Value {
    let first: usize = after.as_str().map_or(0, |cursor| cursor.parse().unwrap());
    json!({
        "nodes": [rows[first]],
        "pageInfo": {"hasNextPage": first + 1 < rows.len(), "endCursor": (first + 1).to_string()},
    })
}

fn person(person: Person) -> Value {
    json!({
        "id": global("Customer", person.id), "firstName": person.first_name(), "lastName": "Moss",
        "createdAt": super::history::CUSTOMERS_SINCE, "updatedAt": written_at(person.updated),
        "verifiedEmail": person.is_seen(),
        "defaultEmailAddress": person.email().map(|address| json!({"emailAddress": address})),
        "defaultPhoneNumber": null,
    })
}

fn euros(amount: &str) -> Value {
    json!({"shopMoney": {"amount": amount, "currencyCode": "EUR"}})
}

pub fn global(kind: &str, id: u64) -> String {
    format!("gid://shopify/{kind}/{id}")
}

fn number(global: &Value) -> u64 {
    global.as_str().unwrap().rsplit('/').next().unwrap().parse().unwrap()
}
