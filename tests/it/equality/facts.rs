//! The host's facts as the bench takes them.
//!
//! The bench is handed facts, the host webhooks that tell parts of them: what the host has made of its webhooks is what
//! the bench is handed. How it makes them is the subject of its own tests.

use regulars::domain::{self, PluginName, SignalKind};
use regulars_sdk::{
    Birthday, Customer, Dispute, Fulfillment, LineItem, Money, Order, Product, Refund, RefundLine, Similarity,
    Timestamp, test::DOMAIN,
};

pub fn money(money: domain::Money) -> Money {
    Money::new(money.minor, money.currency.code().parse().expect("both know the currency"))
}

pub fn customer(it: &domain::Customer) -> Customer {
    Customer {
        id: it.id.to_string(),
        guest: it.is_guest(),
        locale: it.locale.clone(),
        tags: it.tags.clone(),
        accepts_marketing: it.accepts_marketing,
        created_at: it.created_at.map(|at| Timestamp(at.0)),
    }
}

pub fn birthday(it: domain::Birthday) -> Birthday {
    let domain::Birthday { year, month, day } = it;
    Birthday { year, month, day }
}

fn line(it: &domain::LineItem) -> LineItem {
    LineItem {
        id: it.id.to_string(),
        product_id: it.product.as_ref().map(ToString::to_string),
        variant_id: it.variant.clone(),
        sku: it.sku.clone(),
        title: it.title.clone(),
        quantity: it.quantity,
        current_quantity: it.current_quantity,
        gift_card: it.gift_card,
        unit_price: money(it.unit_price),
        discount: money(it.discount),
        tax: money(it.tax),
    }
}

pub fn order(it: &domain::Order) -> Order {
    Order {
        id: it.id.to_string(),
        name: it.name.clone(),
        customer_id: it.customer.as_ref().map(ToString::to_string),
        test: it.test,
        source: it.source.clone(),
        tags: it.tags.clone(),
        financial_status: it.financial_status.clone(),
        fulfillment_status: it.fulfillment_status.clone(),
        placed_at: Timestamp(it.placed_at.0),
        cancelled_at: it.cancelled_at.map(|at| Timestamp(at.0)),
        taxes_included: it.taxes_included,
        lines: it.lines.iter().map(line).collect(),
        subtotal: money(it.subtotal),
        shipping: money(it.shipping),
        tax: money(it.tax),
        tip: money(it.tip),
        total: money(it.total),
        discount_codes: it.discount_codes.clone(),
        country: it.country.clone(),
        attributes: it.attributes.clone(),
    }
}

pub fn refund(it: &domain::Refund) -> Refund {
    let line = |line: &domain::RefundLine| RefundLine {
        line_id: line.line.to_string(),
        quantity: line.quantity,
        subtotal: money(line.subtotal),
        tax: money(line.tax),
        gift_card: line.gift_card,
    };
    Refund {
        id: it.id.to_string(),
        order_id: it.order.to_string(),
        refunded_at: Timestamp(it.refunded_at.0),
        lines: it.lines.iter().map(line).collect(),
        shipping: it.shipping.map(money),
        adjustment: it.adjustment.map(money),
    }
}

pub fn fulfillment(it: &domain::Fulfillment) -> Fulfillment {
    Fulfillment {
        id: it.id.to_string(),
        order_id: it.order.to_string(),
        status: it.status.clone(),
        shipment_status: it.shipment_status.clone(),
        tracking_number: it.tracking_number.clone(),
        tracking_url: it.tracking_url.clone(),
        updated_at: Timestamp(it.updated_at.0),
    }
}

pub fn dispute(it: &domain::Dispute) -> Dispute {
    Dispute {
        id: it.id.to_string(),
        order_id: it.order.to_string(),
        status: it.status.clone(),
        amount: money(it.amount),
    }
}

pub fn product(it: &domain::Product) -> Product {
    Product {
        id: it.id.to_string(),
        title: it.title.clone(),
        kind: it.kind.clone(),
        vendor: it.vendor.clone(),
        tags: it.tags.clone(),
        collections: it.collections.clone(),
    }
}

/// Signals as this plugin is shown them.
pub fn signals(signals: &[domain::Signal], plugin: &PluginName) -> Vec<(String, String)> {
    let shown = |signal: &domain::Signal| (signal.kind.word().to_owned(), signal.shown_to(DOMAIN, plugin.as_str()));
    signals.iter().map(shown).collect()
}

/// What a visitor's browser shows, as a link's visit tells it.
pub fn cookie(device: &str, plugin: &PluginName) -> serde_json::Value {
    let signal = domain::Signal::of(SignalKind::Device, device);
    serde_json::json!([{ "kind": "device", "key": signal.shown_to(DOMAIN, plugin.as_str()) }])
}

/// How alike two customers are whose names are plain letters, as the host reckons it; `None` where something is missing.
pub fn similarity(one: &domain::Customer, other: &domain::Customer) -> Option<Similarity> {
    let alike = |one: &str, other: &str| (strsim::jaro_winkler(one, other) * 1_000.0).round() as u32;
    let name = |it: &domain::Customer| it.first_name.as_ref().map(|name| name.to_lowercase());
    let local = |it: &domain::Customer| Some(it.email.as_ref()?.split(['@', '+']).next()?.to_lowercase());
    Some(Similarity { name: alike(&name(one)?, &name(other)?), email: alike(&local(one)?, &local(other)?) })
}
