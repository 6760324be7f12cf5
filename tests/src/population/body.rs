//! Webhook bodies in the shape of API version 2026-04: no tags, counts or consent on customers, no `checkout_id`.

use jiff::tz::{Offset, TimeZone};
use serde_json::{Map, Value, json};

use super::{
    Shop,
    model::{Customer, Line, Moment, Order, Refund, RefundLine},
};

/// The shop's offset from UTC: times in bodies are local.
const OFFSET_HOURS: i8 = 1;
const GATEWAY: &str = "bogus";

/// The customer as they are at `at`.
pub(super) fn customer(shop: &Shop, customer: &Customer, at: Moment) -> Value {
    let changed = customer.updates.iter().copied().filter(|change| *change <= at).max().unwrap_or(customer.joined);
    let mut address = address(customer.first_name, customer.last_name);
    address.extend(object(json!({
        "id": customer.id + 1,
        "customer_id": customer.id,
        "country_name": "Netherlands",
        "default": true,
    })));
    json!({
        "id": customer.id,
        "admin_graphql_api_id": gid("Customer", customer.id),
        "created_at": stamp(shop, customer.joined),
        "updated_at": stamp(shop, changed),
        "first_name": customer.first_name,
        "last_name": customer.last_name,
        "state": "enabled",
        "note": null,
        "verified_email": true,
        "multipass_identifier": null,
        "tax_exempt": false,
        "tax_exemptions": [],
        "email": customer.email,
        "phone": null,
        "currency": shop.currency,
        "addresses": [address],
        "default_address": address,
    })
}

/// The order as it is at `at`.
pub(super) fn order(shop: &Shop, order: &Order, buyer: Option<&Customer>, at: Moment) -> Value {
    let mut body = identity(shop, order, buyer, at);
    body.extend(state(shop, order, at));
    body.extend(amounts(shop, order, at));
    body.extend(people(shop, buyer, at));
    let lines = order.lines.iter().enumerate();
    let lines: Vec<_> =
        lines.map(|(index, line)| line_item(shop, order, line, order.returned_units(index, at))).collect();
    let refunds: Vec<_> = order.refunds_by(at).map(|made| refund(shop, order, made)).collect();
    body.insert("line_items".into(), lines.into());
    body.insert("refunds".into(), refunds.into());
    body.insert("shipping_lines".into(), shipping_lines(shop, order, at));
    body.extend(discounts(shop, order));
    Value::Object(body)
}

/// A refund, as a body of its own and inside its order.
pub(super) fn refund(shop: &Shop, order: &Order, refund: &Refund) -> Value {
    let money = Till::of(shop, order);
    let lines: Vec<_> = refund.lines.iter().map(|line| refund_line(shop, order, line)).collect();
    let goods: i64 = refund.lines.iter().map(|line| added_up(shop, line.subtotal, line.tax)).sum();
    let total = goods + added_up(shop, refund.shipping, refund.shipping_tax);
    let shipping = if shop.taxes_included { refund.shipping - refund.shipping_tax } else { refund.shipping };
    let adjustments: Vec<_> = (refund.shipping > 0)
        .then(|| {
            json!({
                "id": refund.id + 1,
                "order_id": order.id,
                "refund_id": refund.id,
                "kind": "shipping_refund",
                "reason": "Shipping refund",
                "amount": money.plain(-shipping),
                "amount_set": money.set(-shipping),
                "tax_amount": money.plain(-refund.shipping_tax),
                "tax_amount_set": money.set(-refund.shipping_tax),
            })
        })
        .into_iter()
        .collect();
    json!({
        "id": refund.id,
        "admin_graphql_api_id": gid("Refund", refund.id),
        "order_id": order.id,
        "created_at": stamp(shop, refund.at),
        "processed_at": stamp(shop, refund.at),
        "note": "Did not suit",
        "user_id": null,
        "duties": [],
        "total_duties_set": money.set(0),
        "return": null,
        "restock": true,
        "refund_shipping_lines": [],
        "order_adjustments": adjustments,
        "refund_line_items": lines,
        "transactions": [{
            "id": refund.id + 2,
            "admin_graphql_api_id": gid("OrderTransaction", refund.id + 2),
            "order_id": order.id,
            "kind": "refund",
            "gateway": GATEWAY,
            "status": "success",
            "message": "Refunded",
            "created_at": stamp(shop, refund.at),
            "processed_at": stamp(shop, refund.at),
            "test": order.test,
            "authorization": null,
            "location_id": null,
            "user_id": null,
            "parent_id": order.id + 2,
            "device_id": null,
            "error_code": null,
            "source_name": "web",
            "receipt": {},
            "amount": money.presentment(total),
            "currency": money.presentment_currency(),
            "payment_id": format!("#{}.1", order.number),
            "manual_payment_gateway": false,
            "amount_rounding": null,
        }],
    })
}

fn refund_line(shop: &Shop, order: &Order, refunded: &RefundLine) -> Value {
    let money = Till::of(shop, order);
    let line = &order.lines[refunded.line];
    json!({
        "id": refunded.id,
        "line_item_id": line.id,
        "quantity": refunded.quantity,
        "location_id": null,
        "restock_type": "return",
        // Numbers, where all other amounts are strings: so Shopify sends them.
        "subtotal": refunded.subtotal as f64 / 100.0,
        "subtotal_set": money.set(refunded.subtotal),
        "total_tax": refunded.tax as f64 / 100.0,
        "total_tax_set": money.set(refunded.tax),
        "line_item": line_item(shop, order, line, 0),
    })
}

fn identity(shop: &Shop, order: &Order, buyer: Option<&Customer>, at: Moment) -> Map<String, Value> {
    let email = buyer.map_or_else(|| format!("guest.{}@example.org", order.number), |buyer| buyer.email.clone());
    let token = format!("{:032x}", order.id);
    object(json!({
        "id": order.id,
        "admin_graphql_api_id": gid("Order", order.id),
        "app_id": 580_111,
        "name": format!("#{}", order.number),
        "number": order.number - 1000,
        "order_number": order.number,
        "confirmation_number": format!("RG{:07}", order.number),
        "order_status_url": format!("https://{}/orders/{token}/authenticate?key=example", shop.domain),
        "token": token,
        "cart_token": null,
        "checkout_token": null,
        "email": email,
        "contact_email": email,
        "phone": null,
        "created_at": stamp(shop, order.placed),
        "processed_at": stamp(shop, order.placed),
        "updated_at": stamp(shop, last_change(order, at)),
        "customer_locale": buyer.map_or("en", |buyer| buyer.locale),
        "source_name": "web",
        "source_identifier": null,
        "source_url": null,
        "landing_site": "/",
        "landing_site_ref": null,
        "referring_site": "",
        "browser_ip": null,
        "client_details": null,
        "device_id": null,
        "location_id": null,
        "merchant_business_entity_id": "MTU0ODM4MDAwOQ",
        "merchant_of_record_app_id": null,
        "user_id": null,
        "reference": null,
        "note": null,
        "note_attributes": [],
        "tags": "",
        "test": order.test,
    }))
}

fn state(shop: &Shop, order: &Order, at: Moment) -> Map<String, Value> {
    let cancelled = order.cancelled.filter(|moment| *moment <= at).map(|moment| stamp(shop, moment));
    object(json!({
        "buyer_accepts_marketing": false,
        "cancel_reason": cancelled.as_ref().map(|_| "customer"),
        "cancelled_at": cancelled,
        "closed_at": null,
        "company": null,
        "confirmed": true,
        "duties_included": false,
        "estimated_taxes": false,
        "financial_status": financial_status(order, at),
        "fulfillment_status": null,
        "fulfillments": [],
        "line_item_groups": [],
        "payment_gateway_names": [GATEWAY],
        "payment_terms": null,
        "po_number": null,
        "returns": [],
        "tax_exempt": false,
        "taxes_included": shop.taxes_included,
        "total_weight": order.lines.iter().map(|line| line.product.grams * line.quantity).sum::<u32>(),
    }))
}

fn amounts(shop: &Shop, order: &Order, at: Moment) -> Map<String, Value> {
    let money = Till::of(shop, order);
    let refunded =
        |part: fn(&RefundLine) -> i64| order.refunds_by(at).flat_map(|refund| &refund.lines).map(part).sum::<i64>();
    let shipping_back: i64 = order.refunds_by(at).map(|refund| refund.shipping).sum();
    let shipping_tax_back: i64 = order.refunds_by(at).map(|refund| refund.shipping_tax).sum();
    let tax_left = order.tax() - refunded(|line| line.tax) - shipping_tax_back;
    let subtotal_left = order.subtotal() - refunded(|line| line.subtotal);
    let total = added_up(shop, order.subtotal() + order.shipping, order.tax());
    let total_left = added_up(shop, subtotal_left + order.shipping - shipping_back, tax_left);
    let owed = if order.paid.is_some_and(|paid| paid <= at) { 0 } else { total };
    let listed: i64 = order.subtotal() + order.discount();
    let mut fields = object(json!({
        "currency": shop.currency,
        "presentment_currency": money.presentment_currency(),
        "total_outstanding": money.plain(owed),
        "total_tip_received": "0.00",
        "current_shipping_price_set": money.set(order.shipping - shipping_back),
        "total_shipping_price_set": money.set(order.shipping),
        "current_total_additional_fees_set": null,
        "original_total_additional_fees_set": null,
        "current_total_duties_set": null,
        "original_total_duties_set": null,
        "total_cash_rounding_payment_adjustment_set": money.set(0),
        "total_cash_rounding_refund_adjustment_set": money.set(0),
        "tax_lines": tax_lines(shop, order, order.tax()),
    }));
    let pairs = [
        ("subtotal_price", order.subtotal()),
        ("current_subtotal_price", subtotal_left),
        ("total_discounts", order.discount()),
        ("current_total_discounts", order.discount()),
        ("total_line_items_price", listed),
        ("total_price", total),
        ("current_total_price", total_left),
        ("total_tax", order.tax()),
        ("current_total_tax", tax_left),
    ];
    for (name, amount) in pairs {
        fields.insert(name.into(), money.plain(amount).into());
        fields.insert(format!("{name}_set"), money.set(amount));
    }
    fields
}

fn people(shop: &Shop, buyer: Option<&Customer>, at: Moment) -> Map<String, Value> {
    let (first_name, last_name) = buyer.map_or(("Gast", "Example"), |buyer| (buyer.first_name, buyer.last_name));
    let buyer = buyer.map(|buyer| {
        let mut embedded = object(customer(shop, buyer, at));
        embedded.remove("addresses");
        embedded
    });
    object(json!({
        "billing_address": address(first_name, last_name),
        "shipping_address": address(first_name, last_name),
        "customer": buyer,
    }))
}

fn line_item(shop: &Shop, order: &Order, line: &Line, returned: u32) -> Value {
    let money = Till::of(shop, order);
    let product = line.product;
    let allocations: Vec<_> = (line.discount > 0)
        .then(|| {
            json!({
                "amount": money.plain(line.discount),
                "amount_set": money.set(line.discount),
                "discount_application_index": 0,
            })
        })
        .into_iter()
        .collect();
    json!({
        "id": line.id,
        "admin_graphql_api_id": gid("LineItem", line.id),
        "attributed_staffs": [],
        "current_quantity": line.quantity - returned,
        "fulfillable_quantity": line.quantity - returned,
        "fulfillment_service": if product.gift_card { "gift_card" } else { "manual" },
        "fulfillment_status": null,
        "gift_card": product.gift_card,
        "grams": product.grams,
        "name": product.title,
        "price": money.plain(product.price),
        "price_set": money.set(product.price),
        "product_exists": true,
        "product_id": product.id,
        "properties": [],
        "quantity": line.quantity,
        "requires_shipping": !product.gift_card,
        "sales_line_item_group_id": null,
        "sku": product.sku,
        "taxable": !product.gift_card,
        "title": product.title,
        // Only what was taken off this line alone; an order-wide code shows in the allocations.
        "total_discount": "0.00",
        "total_discount_set": money.set(0),
        "variant_id": product.id + 1_000_000,
        "variant_inventory_management": "shopify",
        "variant_title": null,
        "vendor": "Example Goods",
        "tax_lines": tax_lines(shop, order, line.tax),
        "duties": [],
        "discount_allocations": allocations,
    })
}

fn shipping_lines(shop: &Shop, order: &Order, at: Moment) -> Value {
    let money = Till::of(shop, order);
    let returned = order.refunds_by(at).any(|refund| refund.shipping > 0);
    let left = if returned { 0 } else { order.shipping };
    json!([{
        "id": order.id + 3,
        "carrier_identifier": null,
        "code": "Standard",
        "current_discounted_price_set": money.set(left),
        "discounted_price": money.plain(order.shipping),
        "discounted_price_set": money.set(order.shipping),
        "is_removed": false,
        "phone": null,
        "price": money.plain(order.shipping),
        "price_set": money.set(order.shipping),
        "requested_fulfillment_service_id": null,
        "source": "shopify",
        "title": "Standard",
        "tax_lines": tax_lines(shop, order, order.shipping_tax),
        "discount_allocations": [],
    }])
}

fn discounts(shop: &Shop, order: &Order) -> Map<String, Value> {
    let money = Till::of(shop, order);
    let (codes, applications) = match order.code {
        Some(code) => (
            json!([{"code": code, "amount": money.plain(order.discount()), "type": "percentage"}]),
            json!([{
                "type": "discount_code",
                "code": code,
                "value": "10.0",
                "value_type": "percentage",
                "allocation_method": "across",
                "target_selection": "entitled",
                "target_type": "line_item",
            }]),
        ),
        None => (json!([]), json!([])),
    };
    Map::from_iter([("discount_codes".to_owned(), codes), ("discount_applications".to_owned(), applications)])
}

fn tax_lines(shop: &Shop, order: &Order, tax: i64) -> Value {
    let money = Till::of(shop, order);
    match tax {
        0 => json!([]),
        _ => json!([{
            "title": "VAT",
            "rate": f64::from(shop.tax_per_cent) / 100.0,
            "price": money.plain(tax),
            "price_set": money.set(tax),
            "channel_liable": false,
        }]),
    }
}

fn address(first_name: &str, last_name: &str) -> Map<String, Value> {
    object(json!({
        "first_name": first_name,
        "last_name": last_name,
        "name": format!("{first_name} {last_name}"),
        "company": null,
        "address1": "Voorbeeldstraat 1",
        "address2": null,
        "zip": "0000 AA",
        "city": "Voorbeeld",
        "province": null,
        "province_code": null,
        "country": "Netherlands",
        "country_code": "NL",
        "phone": null,
        "latitude": null,
        "longitude": null,
    }))
}

/// Writes amounts in the shop's currency and, beside it, in the one the shopper paid with.
struct Till<'a> {
    shop: &'a Shop,
    foreign: bool,
}

impl<'a> Till<'a> {
    fn of(shop: &'a Shop, order: &Order) -> Self {
        Self { shop, foreign: order.foreign_money }
    }

    fn plain(&self, amount: i64) -> String {
        let sign = if amount < 0 { "-" } else { "" };
        format!("{sign}{}.{:02}", amount.abs() / 100, amount.abs() % 100)
    }

    fn presentment(&self, amount: i64) -> String {
        match self.shop.second_currency {
            Some(currency) if self.foreign => self.plain((amount * currency.per_mille + 500).div_euclid(1000)),
            _ => self.plain(amount),
        }
    }

    fn presentment_currency(&self) -> &'static str {
        match self.shop.second_currency {
            Some(currency) if self.foreign => currency.code,
            _ => self.shop.currency,
        }
    }

    fn set(&self, amount: i64) -> Value {
        json!({
            "shop_money": {"amount": self.plain(amount), "currency_code": self.shop.currency},
            "presentment_money": {"amount": self.presentment(amount), "currency_code": self.presentment_currency()},
        })
    }
}

fn financial_status(order: &Order, at: Moment) -> &'static str {
    let paid = order.paid.is_some_and(|paid| paid <= at);
    let returned = |index: usize| order.returned_units(index, at);
    if !paid {
        let cancelled = order.cancelled.is_some_and(|cancelled| cancelled <= at);
        return if cancelled { "voided" } else { "pending" };
    }
    if order.refunds_by(at).next().is_none() {
        return "paid";
    }
    let shipping_back = order.shipping == 0 || order.refunds_by(at).any(|refund| refund.shipping > 0);
    let all_back = order.lines.iter().enumerate().all(|(index, line)| returned(index) == line.quantity);
    if all_back && shipping_back { "refunded" } else { "partially_refunded" }
}

fn last_change(order: &Order, at: Moment) -> Moment {
    let changes = order.refunds.iter().map(|refund| refund.at).chain(order.paid).chain(order.cancelled);
    changes.filter(|change| *change <= at).max().unwrap_or(order.placed)
}

/// What the shopper pays: tax on top where prices do not include it.
fn added_up(shop: &Shop, amount: i64, tax: i64) -> i64 {
    if shop.taxes_included { amount } else { amount + tax }
}

fn stamp(shop: &Shop, moment: Moment) -> String {
    let instant = (shop.opens + moment).to_zoned(TimeZone::fixed(Offset::constant(OFFSET_HOURS)));
    instant.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

fn gid(kind: &str, id: u64) -> String {
    format!("gid://shopify/{kind}/{id}")
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        other => unreachable!("written above as an object: {other}"),
    }
}
