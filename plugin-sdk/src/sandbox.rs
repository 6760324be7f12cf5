//! The sandbox's side of [`Context`]: the WIT bindings and the conversions to and from them.
//!
//! Everything here is reached through [`Context`] and [`export!`](crate::export); generated names never leave it.

wit_bindgen::generate!({
    path: "wit/v0",
    world: "plugin",
    pub_export_macro: true,
    generate_all,
});

use exports::regulars::plugin::handler;
pub use exports::regulars::plugin::handler::{Envelope, Failure, Guest};
use regulars::plugin::{
    clock, decision, discounts, events, facts, mail, random, schedule as timers, settings as merchant, state, tags,
    types,
};

use crate::{
    Action, Context, Currency, Customer, Date, EffectId, Event, Issued, LineItem, Mail, Merge, Money, NewDiscount,
    Order, Refund, RefundLine, Refusal, StoreInfo, Timer, Timestamp,
};

/// Handles one event.
pub fn run(envelope: Envelope, handle: fn(&Event, &mut Context) -> crate::Result) -> Result<(), handler::Failure> {
    let event = Event {
        id: envelope.id,
        topic: envelope.topic,
        platform: envelope.platform,
        occurred_at: Timestamp(envelope.occurred_at),
        attempt: envelope.attempt,
    };
    handle(&event, &mut Context::new()).map_err(|failure| match failure {
        crate::Failure::Retry(reason) => handler::Failure::Retry(reason),
        crate::Failure::Reject(reason) => handler::Failure::Reject(reason),
    })
}

fn refused(refusal: types::Refusal) -> Refusal {
    match refusal {
        types::Refusal::NotGranted => Refusal::NotGranted,
        types::Refusal::OverLimit(limit) => Refusal::OverLimit(limit),
        types::Refusal::Invalid(what) => Refusal::Invalid(what),
        types::Refusal::Other(why) => Refusal::Other(why),
    }
}

fn currency_in(code: &str) -> Currency {
    code.parse().expect("the host names currencies by their ISO 4217 codes")
}

fn money_in(money: types::Money) -> Money {
    Money::new(money.minor, currency_in(&money.currency))
}

fn money_out(money: Money) -> types::Money {
    types::Money { minor: money.minor, currency: money.currency.code().into() }
}

fn customer_in(it: events::Customer) -> Customer {
    Customer {
        id: it.id,
        locale: it.locale,
        tags: it.tags,
        accepts_marketing: it.accepts_marketing,
        created_at: it.created_at.map(Timestamp),
    }
}

fn line_in(it: events::LineItem) -> LineItem {
    LineItem {
        id: it.id,
        product_id: it.product_id,
        sku: it.sku,
        title: it.title,
        quantity: it.quantity,
        current_quantity: it.current_quantity,
        gift_card: it.gift_card,
        unit_price: money_in(it.unit_price),
        discount: money_in(it.discount),
        tax: money_in(it.tax),
    }
}

fn order_in(it: events::Order) -> Order {
    Order {
        id: it.id,
        name: it.name,
        customer_id: it.customer_id,
        test: it.test,
        source: it.source,
        tags: it.tags,
        financial_status: it.financial_status,
        placed_at: Timestamp(it.placed_at),
        cancelled_at: it.cancelled_at.map(Timestamp),
        taxes_included: it.taxes_included,
        lines: it.lines.into_iter().map(line_in).collect(),
        subtotal: money_in(it.subtotal),
        shipping: money_in(it.shipping),
        tax: money_in(it.tax),
        tip: money_in(it.tip),
        total: money_in(it.total),
        discount_codes: it.discount_codes,
    }
}

fn refund_in(it: events::Refund) -> Refund {
    let line_in = |line: events::RefundLine| RefundLine {
        line_id: line.line_id,
        quantity: line.quantity,
        subtotal: money_in(line.subtotal),
        tax: money_in(line.tax),
        gift_card: line.gift_card,
    };
    Refund {
        id: it.id,
        order_id: it.order_id,
        refunded_at: Timestamp(it.refunded_at),
        lines: it.lines.into_iter().map(line_in).collect(),
        shipping: it.shipping.map(money_in),
        adjustment: it.adjustment.map(money_in),
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.into()).collect()
}

pub(crate) fn now() -> Timestamp {
    Timestamp(clock::now())
}

pub(crate) fn date_of(instant: Timestamp) -> Date {
    let date = clock::date_of(instant.0);
    Date { year: date.year, month: date.month, day: date.day }
}

pub(crate) fn random_u64() -> u64 {
    random::next_u64()
}

pub(crate) fn customer() -> Option<Customer> {
    events::get_customer().map(customer_in)
}

pub(crate) fn order() -> Option<Order> {
    events::get_order().map(order_in)
}

pub(crate) fn refund() -> Option<Refund> {
    events::get_refund().map(refund_in)
}

pub(crate) fn timer() -> Option<Timer> {
    events::get_timer().map(|it| Timer { key: it.key, payload: it.payload })
}

pub(crate) fn action() -> Option<Action> {
    events::get_action().map(|it| Action { name: it.name, customer_id: it.customer_id, input_json: it.input_json })
}

pub(crate) fn merge() -> Option<Merge> {
    events::get_merge().map(|it| Merge { kept_id: it.kept_id, absorbed_id: it.absorbed_id })
}

pub(crate) fn payload_json() -> String {
    events::get_payload_json()
}

pub(crate) fn store() -> StoreInfo {
    let store = facts::get_store();
    StoreInfo { currency: currency_in(&store.currency), time_zone: store.time_zone, locale: store.locale }
}

pub(crate) fn customer_by_id(id: &str) -> Option<Customer> {
    facts::customer_by_id(id).map(customer_in)
}

pub(crate) fn order_by_id(id: &str) -> Option<Order> {
    facts::order_by_id(id).map(order_in)
}

pub(crate) fn orders_of(customer_id: &str, after: Option<&str>, limit: u32) -> Vec<Order> {
    facts::orders_of(customer_id, after, limit).into_iter().map(order_in).collect()
}

pub(crate) fn refunds_of(order_id: &str) -> Vec<Refund> {
    facts::refunds_of(order_id).into_iter().map(refund_in).collect()
}

pub(crate) fn settings() -> String {
    merchant::get_all()
}

pub(crate) fn setting(key: &str) -> Option<String> {
    merchant::get(key)
}

pub(crate) fn state_get(key: &str) -> Option<Vec<u8>> {
    state::get(key)
}

pub(crate) fn state_set(key: &str, value: Vec<u8>) -> Result<(), Refusal> {
    state::set(key, &value).map_err(refused)
}

pub(crate) fn state_delete(key: &str) -> Result<(), Refusal> {
    state::delete(key).map_err(refused)
}

pub(crate) fn state_keys(prefix: &str, after: Option<&str>, limit: u32) -> Vec<String> {
    state::list_keys(prefix, after, limit)
}

pub(crate) fn schedule(key: &str, when: Timestamp, payload: &[u8]) -> Result<(), Refusal> {
    timers::at(key, when.0, payload).map_err(refused)
}

pub(crate) fn cancel(key: &str) -> bool {
    timers::cancel(key)
}

pub(crate) fn note(reason: &str, fields: &[(&str, &str)]) -> Result<(), Refusal> {
    let fields: Vec<_> = fields.iter().map(|&(name, value)| (name.into(), value.into())).collect();
    decision::note(reason, &fields).map_err(refused)
}

pub(crate) fn send_mail(it: Mail) -> Result<EffectId, Refusal> {
    let after = it.after.map(|effect| effect.0);
    let message = mail::Message { customer_id: it.customer_id, template: it.template, vars: it.vars, after };
    mail::send(&message).map(EffectId).map_err(refused)
}

pub(crate) fn create_discount(it: NewDiscount) -> Result<Issued, Refusal> {
    let discount = discounts::NewDiscount {
        customer_id: it.customer_id,
        prefix: it.prefix,
        value: money_out(it.value),
        minimum_subtotal: it.minimum_subtotal.map(money_out),
        ends_at: it.ends_at.map(|instant| instant.0),
    };
    let issued = discounts::create(&discount).map_err(refused)?;
    Ok(Issued { effect: EffectId(issued.effect), code: issued.code })
}

pub(crate) fn add_tags(customer_id: &str, names: &[&str]) -> Result<EffectId, Refusal> {
    tags::add(customer_id, &owned(names)).map(EffectId).map_err(refused)
}

pub(crate) fn remove_tags(customer_id: &str, names: &[&str]) -> Result<EffectId, Refusal> {
    tags::remove(customer_id, &owned(names)).map(EffectId).map_err(refused)
}
