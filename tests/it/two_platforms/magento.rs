//! A season as our module tells it from a Magento shop.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::season::{Buyer, Happening, Line, Person, Return, Sale, Stage};

/// The topic and data of a happening at this moment.
pub fn told(happening: &Happening, begin: Timestamp, now: Timestamp) -> (&'static str, Value) {
    match happening {
        Happening::Joined(person) => ("customer.created", customer(person, now)),
        Happening::Subscribed(person) => {
            let data = json!({
                "id": "5", "customer_id": person.id.to_string(), "email": person.email, "status": "subscribed",
                "changed_at": time(now), "shop": shop(),
            });
            ("customer.consent", data)
        }
        Happening::CartLeft(person) => {
            let line = json!({
                "product_id": "31", "sku": "SKU-31", "title": "Thing", "quantity": "1",
                "unit_price": amount(4_995), "discount": amount(0),
            });
            let data = json!({
                "id": "91", "customer_id": person.id.to_string(), "email": person.email, "shop": shop(),
                "created_at": time(now), "updated_at": time(now), "base_currency": "EUR", "currency": "EUR",
                "grand_total": amount(4_995), "recovery_url": "https://shop.example.com/cart", "lines": [line],
            });
            ("checkout.updated", data)
        }
        Happening::Ordered(sale, stage) => {
            let topic = match stage {
                Stage::Placed => "order.placed",
                Stage::Paid => "order.paid",
                Stage::Fulfilled => "order.fulfilled",
                Stage::Cancelled => "order.cancelled",
            };
            (topic, order(sale, *stage, begin, now))
        }
        Happening::Shipped(sale) => {
            let data = json!({
                "id": (sale.id + 1_000).to_string(), "number": "000000002", "order_id": sale.id.to_string(),
                "order_number": sale.number, "shop": shop(), "shipped_at": time(now), "updated_at": time(now),
                "lines": [], "tracks": [{ "carrier": "custom", "title": "Post", "number": "3SXYZ0042" }],
            });
            ("fulfillment.created", data)
        }
        Happening::Refunded { sale, id, returns, shipping, extra } => {
            ("order.refunded", refund(sale, *id, returns, (*shipping, *extra), now))
        }
    }
}

/// To the second, as Magento keeps it.
fn time(at: Timestamp) -> String {
    at.to_string()
}

fn shop() -> Value {
    json!({ "website": "base", "store": "default", "store_id": "1", "locale": "en-US" })
}

/// Cents as a decimal without needless zeros.
fn decimal(cents: i64) -> String {
    let text = format!("{}.{:02}", cents / 100, cents % 100);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn amount(cents: i64) -> Value {
    json!({ "base": decimal(cents), "order": decimal(cents) })
}

fn customer(person: &Person, now: Timestamp) -> Value {
    json!({
        "id": person.id.to_string(), "email": person.email, "email_confirmed": true, "group_id": "1", "shop": shop(),
        "created_at": time(now), "updated_at": time(now),
        "first_name": person.first_name, "last_name": person.last_name, "phone": null, "birthday": null,
    })
}

fn goods(line: &Line, units: u32) -> Value {
    json!({
        "unit_price": amount(line.unit_price), "unit_price_incl_tax": amount(line.unit_price * 121 / 100),
        "discount": amount(line.share(line.discount, units)), "discount_tax_compensation": amount(0),
        "tax": amount(line.share(line.tax, units)),
    })
}

fn with(mut one: Value, other: Value) -> Value {
    let (Value::Object(fields), Value::Object(more)) = (&mut one, other) else { panic!("two objects") };
    fields.extend(more);
    one
}

/// Magento's fixed word.
fn state(stage: Stage) -> &'static str {
    match stage {
        Stage::Placed => "new",
        Stage::Paid => "processing",
        Stage::Fulfilled => "complete",
        Stage::Cancelled => "canceled",
    }
}

fn order(sale: &Sale, stage: Stage, begin: Timestamp, now: Timestamp) -> Value {
    let placed = begin + jiff::SignedDuration::from_secs(sale.placed);
    let (id, email, first, last, street) = match sale.buyer {
        Buyer::Account(it) => (Some(it.id.to_string()), it.email, it.first_name, it.last_name, it.street),
        Buyer::Guest { email } => (None, email, "Noor", "O'Dell", "Kade 12"),
    };
    let is_paid = matches!(stage, Stage::Paid | Stage::Fulfilled);
    let line = |line: &Line| {
        let units = line.units.to_string();
        let all_if = |all: bool| if all { units.clone() } else { "0".to_owned() };
        let known = json!({
            "id": line.id.to_string(), "product_id": line.product.to_string(), "product_type": "simple",
            "variant_id": null, "sku": format!("SKU-{}", line.product), "title": "Thing",
            "quantity": {
                "ordered": units, "invoiced": all_if(is_paid), "shipped": all_if(stage == Stage::Fulfilled),
                "refunded": "0", "canceled": all_if(stage == Stage::Cancelled),
            },
        });
        with(known, goods(line, line.units))
    };
    let discount: i64 = sale.lines.iter().map(|line| line.discount).sum();
    json!({
        "id": sale.id.to_string(), "number": sale.number, "shop": shop(),
        "state": state(stage),
        "status": "whatever the merchant calls it", "change": null,
        "placed_at": time(placed), "updated_at": time(now), "checkout_id": "90", "is_virtual": false,
        "base_currency": "EUR", "currency": "EUR", "prices_include_tax": false,
        "customer": {
            "id": id, "email": email, "group_id": "1", "first_name": first, "last_name": last,
            "phone": null, "birthday": null, "ip": null,
        },
        "shipping_address": { "country": "DE", "postcode": "04109", "city": "Leipzig", "street": [street] },
        "discount_codes": sale.code.iter().collect::<Vec<_>>(), "payment_method": "checkmo",
        "totals": {
            "subtotal": amount(sale.subtotal() + discount), "discount": amount(discount),
            "discount_tax_compensation": amount(0), "shipping": amount(sale.shipping),
            "shipping_incl_tax": amount(sale.shipping + sale.shipping_tax), "tax": amount(sale.tax()),
            "grand_total": amount(sale.total()), "paid": amount(if is_paid { sale.total() } else { 0 }),
            "refunded": amount(0),
        },
        "lines": sale.lines.iter().map(line).collect::<Vec<_>>(),
    })
}

fn refund(sale: &Sale, id: u64, returns: &[Return], (shipping, extra): (i64, i64), now: Timestamp) -> Value {
    let line = |back: &Return| {
        let line = &sale.lines[back.line];
        let known = json!({
            "line_id": line.id.to_string(), "sku": format!("SKU-{}", line.product), "quantity": back.units.to_string(),
        });
        with(known, goods(line, back.units))
    };
    let sum = |of: &dyn Fn(&Line, u32) -> i64| -> i64 {
        returns.iter().map(|back| of(&sale.lines[back.line], back.units)).sum()
    };
    let (net, tax) = (sum(&|line, units| line.net(units)), sum(&|line, units| line.share(line.tax, units)));
    let discount = sum(&|line, units| line.share(line.discount, units));
    json!({
        "id": id.to_string(), "number": "000000009", "order_id": sale.id.to_string(), "order_number": sale.number,
        "shop": shop(), "refunded_at": time(now), "updated_at": time(now), "base_currency": "EUR", "currency": "EUR",
        "prices_include_tax": false,
        "totals": {
            "subtotal": amount(net + discount), "discount": amount(discount), "discount_tax_compensation": amount(0),
            "shipping": amount(shipping), "shipping_incl_tax": amount(shipping), "tax": amount(tax),
            "adjustment_positive": amount(extra), "adjustment_negative": amount(0),
            "grand_total": amount(net + tax + shipping + extra),
        },
        "lines": returns.iter().map(line).collect::<Vec<_>>(),
    })
}

/// What a shop's own REST API tells of, once something has happened.
pub enum Listed {
    Customer(Value),
    Order(Value),
}

/// The customer or the order as REST tells it.
pub fn listed(happening: &Happening, begin: Timestamp, now: Timestamp) -> Option<Listed> {
    match happening {
        Happening::Joined(person) => Some(Listed::Customer(json!({
            "id": person.id, "group_id": 1, "store_id": 1, "website_id": 1, "email": person.email,
            "firstname": person.first_name, "lastname": person.last_name, "custom_attributes": [],
        }))),
        Happening::Ordered(sale, stage) => {
            let placed = begin + jiff::SignedDuration::from_secs(sale.placed);
            let item = |line: &Line| {
                let shipped = if *stage == Stage::Fulfilled { line.units } else { 0 };
                json!({
                    "item_id": line.id, "product_id": line.product, "product_type": "simple",
                    "sku": format!("SKU-{}", line.product), "name": "Thing", "qty_ordered": line.units,
                    "qty_shipped": shipped, "qty_refunded": 0, "qty_canceled": 0,
                })
            };
            Some(Listed::Order(json!({
                "entity_id": sale.id, "increment_id": sale.number, "store_id": 1, "state": state(*stage),
                "created_at": listed_time(placed), "updated_at": listed_time(now),
                "items": sale.lines.iter().map(item).collect::<Vec<_>>(),
            })))
        }
        _ => None,
    }
}

fn listed_time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}
