//! A season as Shopify tells it.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::season::{Buyer, Happening, Line, Person, Sale, Stage};

/// The topic and body of a happening at this moment.
pub fn told(happening: &Happening, begin: Timestamp, now: Timestamp) -> (&'static str, Value) {
    match happening {
        Happening::Joined(person) => ("customers/create", customer(person, now)),
        Happening::Subscribed(person) => {
            let consent = json!({ "state": "subscribed", "consent_updated_at": now.to_string() });
            let body = json!({ "customer_id": person.id, "email_marketing_consent": consent });
            ("customers_email_marketing_consent/update", body)
        }
        Happening::CartLeft(person) => {
            let body = json!({
                "id": 91, "customer": { "id": person.id }, "email": person.email, "currency": "EUR",
                "total_price": "49.95", "abandoned_checkout_url": "https://shop.example.com/cart",
                "created_at": now.to_string(), "updated_at": now.to_string(),
            });
            ("checkouts/update", body)
        }
        Happening::Ordered(sale, stage) => {
            let topic = match stage {
                Stage::Placed => "orders/create",
                Stage::Paid => "orders/paid",
                Stage::Fulfilled => "orders/fulfilled",
                Stage::Cancelled => "orders/cancelled",
            };
            (topic, order(sale, *stage, begin, now))
        }
        Happening::Shipped(sale) => {
            let body = json!({
                "id": sale.id + 1_000, "order_id": sale.id, "status": "success", "tracking_number": "3SXYZ0042",
                "created_at": now.to_string(), "updated_at": now.to_string(),
            });
            ("fulfillments/create", body)
        }
        Happening::Refunded { sale, id, returns, shipping, extra } => {
            let line = |back: &super::season::Return| {
                let line = &sale.lines[back.line];
                json!({
                    "line_item_id": line.id, "quantity": back.units,
                    "subtotal_set": set(line.net(back.units)), "total_tax_set": set(line.share(line.tax, back.units)),
                })
            };
            let adjustment =
                json!({ "kind": "refund_discrepancy", "amount_set": set(-extra), "tax_amount_set": set(0) });
            let body = json!({
                "id": id, "order_id": sale.id, "created_at": now.to_string(), "processed_at": now.to_string(),
                "refund_line_items": returns.iter().map(line).collect::<Vec<_>>(),
                "refund_shipping_lines": [{ "subtotal_amount_set": set(*shipping) }],
                "order_adjustments": [adjustment],
            });
            ("refunds/create", body)
        }
    }
}

fn set(cents: i64) -> Value {
    json!({ "shop_money": { "amount": plain(cents), "currency_code": "EUR" } })
}

fn plain(cents: i64) -> String {
    format!("{}{}.{:02}", if cents < 0 { "-" } else { "" }, cents.abs() / 100, cents.abs() % 100)
}

fn customer(person: &Person, now: Timestamp) -> Value {
    json!({
        "id": person.id, "email": person.email, "verified_email": true,
        "first_name": person.first_name, "last_name": person.last_name,
        "created_at": now.to_string(), "updated_at": now.to_string(),
    })
}

fn order(sale: &Sale, stage: Stage, begin: Timestamp, now: Timestamp) -> Value {
    let placed = begin + jiff::SignedDuration::from_secs(sale.placed);
    let (email, buyer) = match sale.buyer {
        Buyer::Account(person) => {
            let known = json!({
                "id": person.id, "email": person.email, "first_name": person.first_name,
                "last_name": person.last_name, "updated_at": now.to_string(),
            });
            (person.email, known)
        }
        Buyer::Guest { email } => (email, Value::Null),
    };
    let (first_name, last_name, street) = match sale.buyer {
        Buyer::Account(person) => (person.first_name, person.last_name, person.street),
        Buyer::Guest { .. } => ("Noor", "O'Dell", "Kade 12"),
    };
    let line = |line: &Line| {
        json!({
            "id": line.id, "admin_graphql_api_id": format!("gid://shopify/LineItem/{}", line.id), "product_id": line.product, "sku": format!("SKU-{}", line.product), "title": "Thing",
            "quantity": line.units, "current_quantity": if stage == Stage::Cancelled { 0 } else { line.units },
            "price_set": set(line.unit_price),
            "discount_allocations": [{ "amount_set": set(line.discount) }],
            "tax_lines": [{ "price_set": set(line.tax) }],
        })
    };
    json!({
        "id": sale.id, "admin_graphql_api_id": format!("gid://shopify/Order/{}", sale.id), "name": sale.number, "email": email, "customer": buyer,
        "shipping_address": {
            "first_name": first_name, "last_name": last_name, "address1": street, "zip": "04109", "country_code": "DE",
        },
        "financial_status": match stage { Stage::Placed => "pending", Stage::Cancelled => "voided", _ => "paid" },
        "fulfillment_status": (stage == Stage::Fulfilled).then_some("fulfilled"),
        "created_at": placed.to_string(), "processed_at": placed.to_string(), "updated_at": now.to_string(),
        "cancelled_at": (stage == Stage::Cancelled).then(|| now.to_string()),
        "taxes_included": false, "currency": "EUR",
        "line_items": sale.lines.iter().map(line).collect::<Vec<_>>(),
        "subtotal_price_set": set(sale.subtotal()), "total_shipping_price_set": set(sale.shipping),
        "total_tax_set": set(sale.tax()), "total_price_set": set(sale.total()),
        "discount_codes": sale.code.iter().map(|code| json!({ "code": code })).collect::<Vec<_>>(),
    })
}
