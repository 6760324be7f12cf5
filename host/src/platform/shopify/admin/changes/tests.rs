//! An order is the same whether a webhook tells it or it is read.

use std::path::Path;

use super::*;
use crate::{
    domain::{Birthday, Change, Customer, Order, SignalKind},
    platform::{Context, shopify::normalise},
};

fn bag(amount: &str) -> Value {
    json!({ "shopMoney": { "amount": amount, "currencyCode": "EUR" } })
}

/// The order of the fixture `order_of_guest` as the Admin API answers, with all its lines on one page.
fn answered() -> Value {
    let mut order = json!({
        "id": "gid://shopify/Order/6110",
        "name": "#1052",
        "test": false,
        "sourceName": "web",
        "tags": ["newsletter", "Gast"],
        "displayFinancialStatus": "PAID",
        "displayFulfillmentStatus": "PARTIALLY_FULFILLED",
        "processedAt": "2026-10-03T16:21:38Z",
        "createdAt": "2026-10-03T16:21:40Z",
        "cancelledAt": null,
        "updatedAt": "2026-10-03T16:21:44Z",
        "taxesIncluded": true,
        "currencyCode": "EUR",
        "discountCodes": ["fern-2hq7"],
        "lineItems": [line_item()],
    });
    let parts = [amounts(), person()].into_iter().filter_map(|part| part.as_object().cloned());
    parts.flatten().for_each(|(field, value)| order[field] = value);
    order
}

fn amounts() -> Value {
    json!({
        "subtotalPriceSet": bag("44.82"),
        "totalShippingPriceSet": bag("4.9"),
        "totalTaxSet": bag("7.94"),
        "totalTipReceivedSet": bag("0.0"),
        "totalPriceSet": bag("49.72"),
    })
}

fn line_item() -> Value {
    json!({
        "id": "gid://shopify/LineItem/18446744073709551610",
        "sku": "TEE-DJ-100",
        "title": "Darjeeling First Flush 100 g",
        "quantity": 2,
        "currentQuantity": 2,
        "isGiftCard": false,
        "product": { "id": "gid://shopify/Product/9007199254740993" },
        "variant": { "id": "gid://shopify/ProductVariant/9007199254741070" },
        "originalUnitPriceSet": bag("18.9"),
        "discountAllocations": [{ "allocatedAmountSet": bag("3.78") }],
        "taxLines": [{ "priceSet": bag("4.82") }],
    })
}

/// What the order tells of whoever placed it.
fn person() -> Value {
    json!({
        "email": "Jonas.Weber+tee@Mailinator.com",
        "phone": "+49 341 5550123",
        "clientIp": "203.0.113.41",
        "customerLocale": "de-DE",
        "customer": null,
        "customAttributes": [
            { "key": "regulars_link", "value": "K3JQ7PZ2" },
            { "key": "regulars_device", "value": "d-4f1c9a" },
            { "key": "Geschenk", "value": "true" },
            { "key": "Karte", "value": null },
        ],
        "shippingAddress": {
            "firstName": "Jonas",
            "lastName": "Wéber",
            "name": "Jonas Wéber",
            "phone": "0341 5550123",
            "address1": "Lindenweg 4, Hinterhaus",
            "zip": "04109",
            "countryCodeV2": "DE",
        },
    })
}

fn read(body: &[u8]) -> (Order, Option<Customer>) {
    let context = Context { currency: "EUR".parse().unwrap(), occurred_at: Timestamp(0) };
    match normalise::read("orders/updated", body, &context).unwrap().change {
        Change::Order { order, customer } => (*order, customer.map(|customer| *customer)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_order_that_is_read_is_the_one_that_a_webhook_tells_but_for_the_browsers_own_name() {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/shopify/order_of_guest.json");
    let (mut told, _) = read(&std::fs::read(fixture).unwrap());
    told.signals.retain(|signal| signal.kind != SignalKind::IpAgent);
    assert_eq!(read(order_body(&answered()).to_string().as_bytes()), (told, None));
}

#[test]
fn what_is_read_of_a_customer_tells_of_the_address_and_of_the_birthday() {
    let mut answer = answered();
    answer["customer"] = json!({
        "id": "gid://shopify/Customer/7",
        "firstName": "Mira",
        "lastName": null,
        "createdAt": "2026-10-01T00:00:00Z",
        "updatedAt": "2026-10-02T00:00:00Z",
        "verifiedEmail": true,
        "birthDate": { "namespace": "facts", "key": "birth_date", "value": "1988-02-29" },
        "defaultEmailAddress": { "emailAddress": "mira@example.com" },
        "defaultPhoneNumber": null,
    });
    let birthday_of = |answer: &Value| {
        let (_, customer) = read(order_body(answer).to_string().as_bytes());
        let customer = customer.unwrap();
        assert!(customer.email_verified);
        customer.birthday
    };
    assert_eq!(birthday_of(&answer), Some(Birthday { year: Some(1988), month: 2, day: 29 }));
    answer["customer"]["birthDate"] = Value::Null;
    assert_eq!(birthday_of(&answer), None);
}

#[test]
fn an_order_without_a_shipping_address_is_read_as_one() {
    let mut answer = answered();
    answer["shippingAddress"] = Value::Null;
    answer["displayFulfillmentStatus"] = json!("UNFULFILLED");
    let (order, _) = read(order_body(&answer).to_string().as_bytes());
    assert_eq!((order.country, order.fulfillment_status), (None, None));
}
