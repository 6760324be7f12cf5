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
    birthdays, budget, clock, decision, discounts, events, facts, gift_cards, identity, links, mail, metafields,
    orders, outbox, random, schedule as timers, settings as merchant, state, store_credit, tags, tasks, types,
};

use crate::{
    Action, Benefit, Birthday, CodeStanding, Context, Currency, Customer, Date, Dispute, EffectId, EffectStanding,
    Event, Fulfillment, Guard, Issued, IssuedMany, LineItem, Mail, Merge, MetafieldValue, Money, NewDiscount, Order,
    ParcelGift, Product, Refund, RefundLine, Refusal, SharedLink, Signal, Similarity, StoreInfo, Task, Timer,
    Timestamp,
};

pub mod shown;

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
        guest: it.guest,
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
        variant_id: it.variant_id,
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
        fulfillment_status: it.fulfillment_status,
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
        country: it.country,
        attributes: it.attributes,
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

fn fulfillment_in(it: events::Fulfillment) -> Fulfillment {
    Fulfillment {
        id: it.id,
        order_id: it.order_id,
        status: it.status,
        shipment_status: it.shipment_status,
        tracking_number: it.tracking_number,
        tracking_url: it.tracking_url,
        updated_at: Timestamp(it.updated_at),
    }
}

fn signals_in(signals: Vec<identity::Signal>) -> Vec<Signal> {
    signals.into_iter().map(|it| Signal { kind: it.kind, key: it.key }).collect()
}

fn guard_out(guard: Guard) -> mail::Guard {
    let (kind, subject) = match guard {
        Guard::NoOrderSince(instant) => ("no-order-since", instant.0.to_string()),
        Guard::OrderNotCancelled(order) => ("order-not-cancelled", order),
        Guard::CodeLive(effect) => ("code-live", effect.0),
        Guard::State(key) => ("state", key),
    };
    mail::Guard { kind: kind.into(), subject }
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

pub(crate) fn instant_of(date: Date, minute: u16) -> Timestamp {
    Timestamp(clock::instant_of(clock::Date { year: date.year, month: date.month, day: date.day }, minute))
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

pub(crate) fn fulfillment() -> Option<Fulfillment> {
    events::get_fulfillment().map(fulfillment_in)
}

pub(crate) fn dispute() -> Option<Dispute> {
    events::get_dispute().map(|it| Dispute {
        id: it.id,
        order_id: it.order_id,
        status: it.status,
        amount: money_in(it.amount),
    })
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

pub(crate) fn fulfillments_of(order_id: &str) -> Vec<Fulfillment> {
    facts::fulfillments_of(order_id).into_iter().map(fulfillment_in).collect()
}

pub(crate) fn product_by_id(id: &str) -> Option<Product> {
    facts::product_by_id(id).map(|it| Product {
        id: it.id,
        title: it.title,
        kind: it.kind,
        vendor: it.vendor,
        tags: it.tags,
        collections: it.collections,
    })
}

pub(crate) fn list_orders(after: Option<&str>, limit: u32) -> Vec<Order> {
    facts::list_orders(after, limit).into_iter().map(order_in).collect()
}

pub(crate) fn list_customers(after: Option<&str>, limit: u32) -> Vec<Customer> {
    facts::list_customers(after, limit).into_iter().map(customer_in).collect()
}

pub(crate) fn settings_version() -> u32 {
    merchant::version()
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

pub(crate) fn effect_standing(effect: &EffectId) -> Option<EffectStanding> {
    outbox::get_standing(&effect.0).map(|it| EffectStanding { status: it.status, reason: it.reason })
}

pub(crate) fn withdraw(effect: &EffectId) -> bool {
    outbox::withdraw(&effect.0)
}

pub(crate) fn spend(kind: &str, amount: u64) -> Result<(), Refusal> {
    budget::spend(kind, amount).map_err(refused)
}

pub(crate) fn give_back(kind: &str, amount: u64) {
    budget::give_back(kind, amount);
}

pub(crate) fn send_mail(it: Mail) -> Result<EffectId, Refusal> {
    let message = mail::Message {
        customer_id: it.customer_id,
        template: it.template,
        vars: it.vars,
        purpose: it.purpose.word().into(),
        send_at: it.send_at.map(|instant| instant.0),
        valid_until: it.valid_until.map(|instant| instant.0),
        guards: it.guards.into_iter().map(guard_out).collect(),
        after: it.after.map(|effect| effect.0),
    };
    mail::send(&message).map(EffectId).map_err(refused)
}

fn terms_out(it: NewDiscount) -> (discounts::Terms, Benefit) {
    let terms = discounts::Terms {
        customer_id: it.customer_id,
        prefix: it.prefix,
        minimum_subtotal: it.minimum_subtotal.map(money_out),
        collections: it.collections,
        products: it.products,
        starts_at: it.starts_at.map(|instant| instant.0),
        ends_at: it.ends_at.map(|instant| instant.0),
        uses: it.uses,
        once_per_customer: it.once_per_customer,
        combines: it.combines,
        offer: it.offer,
    };
    (terms, it.benefit)
}

pub(crate) fn create_discount(it: NewDiscount) -> Result<Issued, Refusal> {
    let (terms, benefit) = terms_out(it);
    let issued = match benefit {
        Benefit::Amount(value) => discounts::create_amount(&terms, &money_out(value)),
        Benefit::BasisPoints(share) => discounts::create_percentage(&terms, share),
        Benefit::FreeShipping => discounts::create_free_shipping(&terms),
        Benefit::FreeProduct => discounts::create_free_product(&terms),
    };
    issued.map(|it| Issued { effect: EffectId(it.effect), code: it.code }).map_err(refused)
}

pub(crate) fn create_discounts(it: NewDiscount, count: u32) -> Result<IssuedMany, Refusal> {
    let (terms, benefit) = terms_out(it);
    let issued = match benefit {
        Benefit::Amount(value) => discounts::create_many_amount(&terms, &money_out(value), count),
        Benefit::BasisPoints(share) => discounts::create_many_percentage(&terms, share, count),
        Benefit::FreeShipping => discounts::create_many_free_shipping(&terms, count),
        Benefit::FreeProduct => discounts::create_many_free_product(&terms, count),
    };
    issued.map(|it| IssuedMany { effect: EffectId(it.effect), codes: it.codes }).map_err(refused)
}

pub(crate) fn disable_discount(code_effect: &EffectId) -> Result<EffectId, Refusal> {
    discounts::disable(&code_effect.0).map(EffectId).map_err(refused)
}

pub(crate) fn code_standing(code_effect: &EffectId) -> Option<CodeStanding> {
    let standing = discounts::get_standing(&code_effect.0)?;
    Some(CodeStanding { code: standing.code, status: standing.status, used: standing.used })
}

pub(crate) fn effect_of_code(code: &str) -> Option<EffectId> {
    discounts::effect_of(code).map(EffectId)
}

pub(crate) fn credit(customer_id: &str, amount: Money, expires_at: Option<Timestamp>) -> Result<EffectId, Refusal> {
    let expires_at = expires_at.map(|instant| instant.0);
    store_credit::credit(customer_id, &money_out(amount), expires_at).map(EffectId).map_err(refused)
}

pub(crate) fn debit(customer_id: &str, amount: Money) -> Result<EffectId, Refusal> {
    store_credit::debit(customer_id, &money_out(amount)).map(EffectId).map_err(refused)
}

pub(crate) fn create_gift_card(
    customer_id: &str,
    amount: Money,
    ends_at: Option<Timestamp>,
) -> Result<Issued, Refusal> {
    let issued = gift_cards::create(customer_id, &money_out(amount), ends_at.map(|instant| instant.0));
    issued.map(|it| Issued { effect: EffectId(it.effect), code: it.code }).map_err(refused)
}

pub(crate) fn add_tags(customer_id: &str, names: &[&str]) -> Result<EffectId, Refusal> {
    tags::add(customer_id, &owned(names)).map(EffectId).map_err(refused)
}

pub(crate) fn remove_tags(customer_id: &str, names: &[&str]) -> Result<EffectId, Refusal> {
    tags::remove(customer_id, &owned(names)).map(EffectId).map_err(refused)
}

pub(crate) fn add_order_note(order_id: &str, text: &str) -> Result<EffectId, Refusal> {
    orders::add_note(order_id, text).map(EffectId).map_err(refused)
}

pub(crate) fn add_order_tags(order_id: &str, names: &[&str]) -> Result<EffectId, Refusal> {
    orders::add_tags(order_id, &owned(names)).map(EffectId).map_err(refused)
}

pub(crate) fn remove_order_tags(order_id: &str, names: &[&str]) -> Result<EffectId, Refusal> {
    orders::remove_tags(order_id, &owned(names)).map(EffectId).map_err(refused)
}

pub(crate) fn add_gift(it: ParcelGift) -> Result<EffectId, Refusal> {
    let gift = orders::Gift { variant_id: it.variant_id, title: it.title };
    orders::add_gift(&it.order_id, &gift).map(EffectId).map_err(refused)
}

pub(crate) fn ship_by(order_id: &str, at: Timestamp) -> Result<EffectId, Refusal> {
    orders::ship_by(order_id, at.0).map(EffectId).map_err(refused)
}

pub(crate) fn set_metafield(customer_id: &str, key: &str, value: &MetafieldValue) -> Result<EffectId, Refusal> {
    let (kind, value) = match value {
        MetafieldValue::Integer(number) => ("integer", number.to_string()),
        MetafieldValue::Text(text) => ("text", text.clone()),
        MetafieldValue::Json(json) => ("json", json.clone()),
    };
    metafields::set(customer_id, key, kind, &value).map(EffectId).map_err(refused)
}

pub(crate) fn birthday_of(customer_id: &str) -> Option<Birthday> {
    birthdays::get_birthday(customer_id).map(|it| Birthday { year: it.year, month: it.month, day: it.day })
}

pub(crate) fn set_birthday(customer_id: &str, it: Birthday) -> Result<EffectId, Refusal> {
    let birthday = birthdays::Birthday { year: it.year, month: it.month, day: it.day };
    birthdays::set_birthday(customer_id, birthday).map(EffectId).map_err(refused)
}

pub(crate) fn customer_signals(customer_id: &str) -> Vec<Signal> {
    signals_in(identity::customer_signals(customer_id))
}

pub(crate) fn order_signals(order_id: &str) -> Vec<Signal> {
    signals_in(identity::order_signals(order_id))
}

pub(crate) fn compare(one: &str, other: &str) -> Option<Similarity> {
    identity::compare(one, other).map(|it| Similarity { name: it.name, email: it.email })
}

pub(crate) fn orders_before(order_id: &str) -> u32 {
    identity::orders_before(order_id)
}

pub(crate) fn share_link(customer_id: &str) -> Result<SharedLink, Refusal> {
    links::share(customer_id).map(|it| SharedLink { name: it.name, url: it.url }).map_err(refused)
}

pub(crate) fn customer_of_link(name: &str) -> Option<String> {
    links::customer_of(name)
}

pub(crate) fn open_task(it: Task) -> Result<(), Refusal> {
    tasks::open(&tasks::Task {
        key: it.key,
        title: it.title,
        details: it.details,
        customer_id: it.customer_id,
        order_id: it.order_id,
        choices: it.choices,
        due: it.due.map(|instant| instant.0),
    })
    .map_err(refused)
}

pub(crate) fn close_task(key: &str) -> bool {
    tasks::close(key)
}
