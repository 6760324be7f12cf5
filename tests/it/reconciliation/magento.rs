//! The same season in a Magento shop: what our module tells, and what REST lists, from the population's model.

use regulars::{catalog::NewStore, domain::Platform, platform::magento::senders::module, store::Access};
use regulars_tests::{
    magento_rest::{Fault, MagentoRest, Options},
    population::{
        Population, Scheduled, Shop,
        model::{Customer, Line, Moment, Order, Refund, RefundLine},
    },
};
use serde_json::{Value, json};

use super::{Message, Peer, Trouble};
use crate::magento_module::assert_is_on_the_wire;

const DOMAIN: &str = "shop.example.com";

/// More failures in a row than a run has patience for.
const OUTAGE: usize = 4;

pub struct Magento(MagentoRest);

impl Magento {
    pub fn open() -> Self {
        let shop = MagentoRest::start(Options { host: DOMAIN.into(), ..Options::default() }).unwrap();
        shop.set_retry_after(1);
        Self(shop)
    }
}

impl Peer for Magento {
    fn store(&self, shop: &Shop) -> NewStore {
        NewStore {
            platform: Platform::Magento,
            domain: DOMAIN.into(),
            name: "Fern".into(),
            url: format!("https://{DOMAIN}"),
            currency: shop.currency.parse().unwrap(),
            time_zone: "Europe/Amsterdam".into(),
            locale: "en".into(),
            secrets: vec!["hush".into()],
            access: Some(Access::lasting("simulated-token")),
            api_url: Some(self.0.base_url()),
        }
    }

    fn happen(&self, population: &Population, scheduled: &Scheduled) -> Option<Message> {
        let webhook = &scheduled.webhook;
        let body: Value = serde_json::from_slice(&webhook.body).unwrap();
        let at = scheduled.at;
        let of_order = |id: &Value| population.orders().iter().find(|order| *id == order.id);
        let (topic, data) = match webhook.topic {
            "customers/create" | "customers/update" => {
                let customer = population.customers().iter().find(|customer| body["id"] == customer.id).unwrap();
                let topic = if webhook.topic == "customers/create" { "customer.created" } else { "customer.updated" };
                (topic, told_customer(population, customer, at))
            }
            "refunds/create" => {
                let order = of_order(&body["order_id"]).filter(|order| !order.test)?;
                let refund = order.refunds.iter().find(|refund| body["id"] == refund.id).unwrap();
                self.0.put_order(listed_order(population, order, at));
                self.0.put_credit_memo(listed_memo(population, order, refund));
                ("order.refunded", told_refund(population, order, refund))
            }
            topic => {
                // Magento knows no orders for trying things out.
                let order = of_order(&body["id"]).filter(|order| !order.test)?;
                self.0.put_order(listed_order(population, order, at));
                let topic = match topic {
                    "orders/create" => "order.placed",
                    "orders/paid" => "order.paid",
                    // What is paid is given back, and closed.
                    "orders/cancelled" if order.paid.is_none() => "order.cancelled",
                    _ => "order.updated",
                };
                (topic, told_order(population, order, at))
            }
        };
        let message = json!({
            "version": 1, "id": webhook.id(), "topic": topic, "store": DOMAIN, "occurred_at": told_time(population, at),
            "data": data,
        });
        assert_is_on_the_wire(&message);
        Some(Message {
            platform: Platform::Magento,
            id: webhook.id().into(),
            topic: topic.into(),
            form: module::FORM.into(),
            body: message.to_string().into(),
        })
    }

    fn fail(&self, trouble: Trouble) {
        match trouble {
            Trouble::Hiccup => self.0.set_fault(Fault::InternalError, 1),
            Trouble::Throttled => self.0.set_fault(Fault::Throttle, 1),
            Trouble::Outage => self.0.set_fault(Fault::Maintenance, OUTAGE),
        }
    }
}

/// An order's amounts at a moment, in cents without tax.
struct Sums {
    subtotal: i64,
    discount: i64,
    tax: i64,
    total: i64,
    paid: i64,
    refunded: i64,
}

impl Sums {
    fn of(order: &Order, at: Moment) -> Self {
        let total = order.subtotal() + order.shipping + order.tax();
        let is_paid = order.paid.is_some_and(|paid| paid <= at);
        Self {
            subtotal: order.subtotal() + order.discount(),
            discount: order.discount(),
            tax: order.tax(),
            total,
            paid: if is_paid { total } else { 0 },
            refunded: order.refunds_by(at).map(given_back).sum(),
        }
    }
}

fn given_back(refund: &Refund) -> i64 {
    let lines: i64 = refund.lines.iter().map(|line| line.subtotal + line.tax).sum();
    lines + refund.shipping + refund.shipping_tax
}

/// Magento's fixed word; nothing of the season is ever shipped.
fn state(order: &Order, at: Moment) -> &'static str {
    let sums = Sums::of(order, at);
    match () {
        () if order.paid.is_none() && order.cancelled.is_some_and(|cancelled| cancelled <= at) => "canceled",
        () if sums.refunded > 0 && sums.refunded >= sums.paid => "closed",
        () if sums.paid > 0 || sums.total == 0 => "processing",
        () => "new",
    }
}

/// When it was last changed by then.
fn changed(order: &Order, at: Moment) -> Moment {
    let changes = order.refunds.iter().map(|refund| refund.at).chain(order.paid).chain(order.cancelled);
    changes.filter(|change| *change <= at).max().unwrap_or(order.placed)
}

/// Units that were called off.
fn called_off(order: &Order, line: &Line, at: Moment) -> u32 {
    if state(order, at) == "canceled" { line.quantity } else { 0 }
}

fn kind(line: &Line) -> &'static str {
    if line.product.gift_card { "giftcard" } else { "simple" }
}

fn decimal(cents: i64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

/// As REST writes it.
fn number(cents: i64) -> Value {
    serde_json::from_str(&decimal(cents)).unwrap()
}

/// As our module writes it.
fn amount(cents: i64) -> Value {
    json!({ "base": decimal(cents), "order": decimal(cents) })
}

/// To the second, which is all that Magento keeps.
fn told_time(population: &Population, at: Moment) -> String {
    let instant = population.shop().opens + at;
    instant.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn listed_time(population: &Population, at: Moment) -> String {
    let instant = population.shop().opens + at;
    instant.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn shop() -> Value {
    json!({ "website": "base", "store": "default", "store_id": "1", "locale": "en-US" })
}

fn told_customer(population: &Population, customer: &Customer, at: Moment) -> Value {
    let changed = customer.updates.iter().copied().filter(|update| *update <= at).max().unwrap_or(customer.joined);
    json!({
        "id": customer.id.to_string(), "email": customer.email, "email_confirmed": true, "group_id": "1", "shop": shop(),
        "created_at": told_time(population, customer.joined), "updated_at": told_time(population, changed),
        "first_name": customer.first_name, "last_name": customer.last_name, "phone": null, "birthday": null,
    })
}

fn told_order(population: &Population, order: &Order, at: Moment) -> Value {
    let sums = Sums::of(order, at);
    let buyer = order.customer.map(|buyer| &population.customers()[buyer]);
    let line = |(index, line): (usize, &Line)| {
        json!({
            "id": line.id.to_string(), "product_id": line.product.id.to_string(), "product_type": kind(line),
            "variant_id": null, "sku": line.product.sku, "title": line.product.title,
            "quantity": {
                "ordered": line.quantity.to_string(), "shipped": "0", "canceled": called_off(order, line, at).to_string(),
                "invoiced": if sums.paid > 0 { line.quantity } else { 0 }.to_string(),
                "refunded": order.returned_units(index, at).to_string(),
            },
            "unit_price": amount(line.product.price), "unit_price_incl_tax": amount(line.product.price),
            "discount": amount(line.discount), "discount_tax_compensation": amount(0), "tax": amount(line.tax),
        })
    };
    json!({
        "id": order.id.to_string(), "number": order.number.to_string(), "shop": shop(), "state": state(order, at),
        "status": "whatever the merchant calls it", "change": null, "placed_at": told_time(population, order.placed),
        "updated_at": told_time(population, changed(order, at)), "checkout_id": null, "is_virtual": false,
        "base_currency": "EUR", "currency": "EUR", "prices_include_tax": false,
        "customer": {
            "id": buyer.map(|buyer| buyer.id.to_string()), "email": buyer.map_or(GUEST, |buyer| &buyer.email),
            "group_id": "1", "first_name": buyer.map(|buyer| buyer.first_name),
            "last_name": buyer.map(|buyer| buyer.last_name), "phone": null, "birthday": null, "ip": null,
        },
        "shipping_address": { "country": "NL", "postcode": "1011", "city": "Amsterdam", "street": ["Kade 12"] },
        "discount_codes": order.code.iter().collect::<Vec<_>>(), "payment_method": "checkmo",
        "totals": {
            "subtotal": amount(sums.subtotal), "discount": amount(sums.discount), "discount_tax_compensation": amount(0),
            "shipping": amount(order.shipping), "shipping_incl_tax": amount(order.shipping + order.shipping_tax),
            "tax": amount(sums.tax), "grand_total": amount(sums.total), "paid": amount(sums.paid),
            "refunded": amount(sums.refunded),
        },
        "lines": order.lines.iter().enumerate().map(line).collect::<Vec<_>>(),
    })
}

/// Of somebody who has no account.
const GUEST: &str = "guest@example.org";

/// The order as REST tells it.
fn listed_order(population: &Population, order: &Order, at: Moment) -> Value {
    let sums = Sums::of(order, at);
    let item = |(index, line): (usize, &Line)| {
        json!({
            "item_id": line.id, "product_id": line.product.id, "product_type": kind(line), "sku": line.product.sku,
            "name": line.product.title, "qty_ordered": line.quantity, "qty_shipped": 0,
            "qty_refunded": order.returned_units(index, at), "qty_canceled": called_off(order, line, at),
            "base_price": number(line.product.price), "base_discount_amount": number(line.discount),
            "base_tax_amount": number(line.tax),
        })
    };
    let mut listed = json!({
        "entity_id": order.id, "increment_id": order.number.to_string(), "store_id": 1, "state": state(order, at),
        "status": "whatever the merchant calls it", "created_at": listed_time(population, order.placed),
        "updated_at": listed_time(population, changed(order, at)), "base_currency_code": "EUR",
        "customer_is_guest": u8::from(order.customer.is_none()), "customer_email": GUEST, "coupon_code": order.code,
        "base_subtotal": number(sums.subtotal), "base_shipping_amount": number(order.shipping),
        "base_tax_amount": number(sums.tax), "base_grand_total": number(sums.total),
        "items": order.lines.iter().enumerate().map(item).collect::<Vec<_>>(),
    });
    if let Some(buyer) = order.customer.map(|buyer| &population.customers()[buyer]) {
        listed["customer_id"] = buyer.id.into();
        listed["customer_email"] = buyer.email.as_str().into();
        listed["customer_firstname"] = buyer.first_name.into();
        listed["customer_lastname"] = buyer.last_name.into();
    }
    // What is nothing yet is left out.
    for (field, cents) in [("base_total_paid", sums.paid), ("base_total_refunded", sums.refunded)] {
        if cents > 0 {
            listed[field] = number(cents);
        }
    }
    listed
}

/// What is taken off the price of the units that go back.
fn discount(order: &Order, back: &RefundLine) -> i64 {
    order.lines[back.line].product.price * i64::from(back.quantity) - back.subtotal
}

fn told_refund(population: &Population, order: &Order, refund: &Refund) -> Value {
    let line = |back: &RefundLine| {
        let sold = &order.lines[back.line];
        json!({
            "line_id": sold.id.to_string(), "sku": sold.product.sku, "quantity": back.quantity.to_string(),
            "unit_price": amount(sold.product.price), "unit_price_incl_tax": amount(sold.product.price),
            "discount": amount(discount(order, back)), "discount_tax_compensation": amount(0), "tax": amount(back.tax),
        })
    };
    let sum = |of: &dyn Fn(&RefundLine) -> i64| -> i64 { refund.lines.iter().map(of).sum() };
    let (net, off) = (sum(&|back| back.subtotal), sum(&|back| discount(order, back)));
    let at = told_time(population, refund.at);
    json!({
        "id": refund.id.to_string(), "number": "000000009", "order_id": order.id.to_string(),
        "order_number": order.number.to_string(), "shop": shop(), "refunded_at": at, "updated_at": at,
        "base_currency": "EUR", "currency": "EUR", "prices_include_tax": false,
        "totals": {
            "subtotal": amount(net + off), "discount": amount(off), "discount_tax_compensation": amount(0),
            "shipping": amount(refund.shipping), "shipping_incl_tax": amount(refund.shipping + refund.shipping_tax),
            "tax": amount(sum(&|back| back.tax) + refund.shipping_tax), "adjustment_positive": amount(0),
            "adjustment_negative": amount(0), "grand_total": amount(given_back(refund)),
        },
        "lines": refund.lines.iter().map(line).collect::<Vec<_>>(),
    })
}

/// The credit memo as REST tells it.
fn listed_memo(population: &Population, order: &Order, refund: &Refund) -> Value {
    let item = |back: &RefundLine| {
        let sold = &order.lines[back.line];
        let off = discount(order, back);
        json!({
            "order_item_id": sold.id, "sku": sold.product.sku, "qty": back.quantity,
            "base_price": number(sold.product.price), "base_discount_amount": number(off),
            "base_tax_amount": number(back.tax), "base_row_total": number(back.subtotal + off),
        })
    };
    let gross: i64 = refund.lines.iter().map(|back| back.subtotal + discount(order, back)).sum();
    let at = listed_time(population, refund.at);
    json!({
        "entity_id": refund.id, "order_id": order.id, "state": 2, "created_at": at, "updated_at": at,
        "base_currency_code": "EUR", "base_subtotal": number(gross), "base_shipping_amount": number(refund.shipping),
        "base_adjustment": 0, "items": refund.lines.iter().map(item).collect::<Vec<_>>(),
    })
}
