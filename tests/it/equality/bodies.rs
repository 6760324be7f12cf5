//! Webhook bodies of the corpus: as much of Shopify's as the host reads.

use jiff::Timestamp;
use regulars::domain::Currency;
use serde_json::{Value, json};

/// Somebody who buys.
#[derive(Clone, Debug)]
pub struct Person {
    pub id: u64,
    pub name: String,
    pub email: String,
    pub phone: Option<String>,
    pub tags: Vec<&'static str>,
    pub birth_date: Option<String>,
    /// A record at the shop; without one, a guest.
    pub joined: Option<u64>,
    pub is_gone: bool,
}

#[derive(Clone, Debug)]
pub struct Line {
    pub id: u64,
    pub product: u64,
    /// Minor units.
    pub price: i64,
    pub quantity: u32,
    pub left: u32,
    pub refunded: u32,
    pub discount: i64,
    pub gift_card: bool,
}

#[derive(Clone, Debug)]
pub struct Basket {
    pub id: u64,
    /// Index of the person.
    pub buyer: usize,
    pub lines: Vec<Line>,
    pub shipping: i64,
    pub codes: Vec<String>,
    /// The link and the cookie that led there.
    pub attributes: Vec<(&'static str, String)>,
    pub test: bool,
    pub source: &'static str,
    pub placed: u64,
    pub cancelled: Option<u64>,
    pub shipment: Option<u64>,
}

pub fn time(ms: u64) -> String {
    let instant = i64::try_from(ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    instant.expect("an instant of the season").to_string()
}

/// Minor units as the decimal that webhooks carry.
pub fn decimal(minor: i64, currency: Currency) -> String {
    regulars::domain::Money::new(minor, currency).decimal()
}

pub fn customer(person: &Person, now: u64) -> Value {
    let mut body = json!({
        "id": person.id, "email": person.email, "verified_email": true, "first_name": person.name,
        "phone": person.phone, "tags": person.tags.join(", "), "created_at": time(person.joined.unwrap_or(now)),
        "updated_at": time(now),
    });
    if let Some(date) = &person.birth_date {
        body["metafields"] = json!([{ "namespace": "facts", "key": "birth_date", "value": date }]);
    }
    body
}

pub fn order(basket: &Basket, buyer: &Person, currency: Currency, now: u64) -> Value {
    let amount = |minor| decimal(minor, currency);
    let goods: i64 = basket.lines.iter().map(|line| line.price * i64::from(line.quantity) - line.discount).sum();
    let line = |line: &Line| {
        json!({
            "id": line.id, "product_id": line.product, "variant_id": line.product + 1, "title": "Article",
            "sku": format!("A-{}", line.product), "quantity": line.quantity, "current_quantity": line.left,
            "gift_card": line.gift_card, "price": amount(line.price), "total_discount": amount(line.discount),
            "tax_lines": [{ "price": amount(line.price / 10) }],
        })
    };
    let attributes = basket.attributes.iter().map(|(name, value)| json!({ "name": name, "value": value }));
    let person = buyer.joined.map(|_| customer(buyer, now));
    json!({
        "id": basket.id, "name": format!("#{}", basket.id), "email": buyer.email, "phone": buyer.phone,
        "test": basket.test, "source_name": basket.source, "tags": "", "financial_status": "paid",
        "fulfillment_status": basket.shipment.map(|_| "fulfilled"), "created_at": time(basket.placed),
        "updated_at": time(now), "cancelled_at": basket.cancelled.map(time), "taxes_included": true,
        "currency": currency.code(), "customer_locale": "de", "customer": person,
        "browser_ip": format!("203.0.113.{}", buyer.id % 7), "client_details": { "user_agent": "Fennec" },
        "shipping_address": {
            "first_name": buyer.name, "address1": format!("Fernweg {}", buyer.id % 9), "zip": "1011",
            "country_code": "NL",
        },
        "note_attributes": attributes.collect::<Vec<_>>(),
        "line_items": basket.lines.iter().map(line).collect::<Vec<_>>(),
        "subtotal_price": amount(goods), "total_price": amount(goods + basket.shipping),
        "total_tax": amount(goods / 11), "total_shipping_price_set": {
            "shop_money": { "amount": amount(basket.shipping), "currency_code": currency.code() },
        },
        "discount_codes": basket.codes.iter().map(|code| json!({ "code": code })).collect::<Vec<_>>(),
    })
}

/// Units of a line given back.
pub fn refund(id: u64, basket: &Basket, units: &[(usize, u32)], currency: Currency, now: u64) -> Value {
    let part = |&(index, quantity): &(usize, u32)| {
        let line = &basket.lines[index];
        let net = line.price * i64::from(line.quantity) - line.discount;
        let share = net * i64::from(quantity) / i64::from(line.quantity);
        json!({
            "line_item_id": line.id, "quantity": quantity, "subtotal": decimal(share, currency),
            "total_tax": decimal(share / 11, currency),
            "line_item": { "id": line.id, "gift_card": line.gift_card },
        })
    };
    let parts: Vec<_> = units.iter().map(part).collect();
    json!({ "id": id, "order_id": basket.id, "created_at": time(now), "refund_line_items": parts })
}

pub fn edit(basket: &Basket, line: u64, delta: u32, now: u64) -> Value {
    let removals = json!([{ "id": line, "delta": delta }]);
    json!({ "order_edit": {
        "order_id": basket.id, "committed_at": time(now), "line_items": { "additions": [], "removals": removals },
    } })
}

pub fn fulfillment(id: u64, basket: &Basket, status: &str, shipment: Option<&str>, now: u64) -> Value {
    json!({
        "id": id, "order_id": basket.id, "status": status, "shipment_status": shipment, "tracking_number": "RR1",
        "created_at": time(basket.placed), "updated_at": time(now),
    })
}

pub fn dispute(id: u64, basket: &Basket, status: &str, currency: Currency) -> Value {
    json!({
        "id": id, "order_id": basket.id, "status": status, "amount": decimal(100, currency),
        "currency": currency.code(),
    })
}

pub fn merge(kept: u64, removed: u64) -> Value {
    json!({
        "admin_graphql_api_customer_kept_id": format!("gid://shopify/Customer/{kept}"),
        "admin_graphql_api_customer_deleted_id": format!("gid://shopify/Customer/{removed}"),
        "status": "completed",
    })
}

pub fn consent(person: &Person, accepts: bool, now: u64) -> Value {
    let state = if accepts { "subscribed" } else { "unsubscribed" };
    json!({ "customer_id": person.id, "email_marketing_consent": { "state": state, "consent_updated_at": time(now) } })
}

pub fn product(id: u64, now: u64) -> Value {
    json!({
        "id": id, "title": "Article", "product_type": "Soap", "vendor": "Fern", "tags": "green, fern",
        "updated_at": time(now),
    })
}
