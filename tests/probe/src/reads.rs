//! Everything that can be read, noted as it is.

use std::fmt::Debug;

use regulars_sdk::{Context, Date, Event, Refusal, Result, limits};

use crate::deeds;

/// Room for what was read, beside the note's reason.
const ROOM: usize = limits::NOTE_BYTES - 100;

fn note(cx: &mut Context, what: &str, answer: &dyn Debug) -> Result<(), Refusal> {
    let mut text = format!("{answer:?}");
    // What does not fit is told by its length and its end.
    if text.len() > ROOM {
        let end = text.ceil_char_boundary(text.len() - ROOM / 2);
        text = format!("{} bytes, at last {}", text.len(), &text[end..]);
    }
    cx.note(what, &[("is", &text)])
}

pub fn note_all(event: &Event, cx: &mut Context) -> Result {
    let (customer, order) = (cx.customer(), cx.order());
    note(cx, "times", &(cx.now(), event.occurred_at, cx.date_of(cx.now()), event.attempt))?;
    let late = Date { year: 2027, month: 2, day: 31 };
    note(cx, "a day that its month has not", &cx.instant_of(late, 2_000))?;
    note(cx, "store", &(cx.store(), cx.settings_version(), cx.setting::<String>("word")?))?;
    note(cx, "customer", &customer)?;
    note(cx, "order", &order)?;
    note(cx, "event", &(cx.refund(), cx.fulfillment(), cx.dispute(), cx.timer(), cx.action(), cx.merge()))?;
    note(cx, "ended", &(cx.ended_effect(event)?, cx.visit(event)?))?;
    if let Some(timer) = cx.timer() {
        let is_pending = cx.cancel(&timer.key);
        note(cx, "the timer that fires is pending", &is_pending)?;
    }
    if let Some(customer) = &customer {
        let of = cx.orders_of(&customer.id).map(|it| (it.id, it.placed_at, it.customer_id)).collect::<Vec<_>>();
        note(cx, "orders of the customer", &of)?;
        note(cx, "signals of the customer", &(cx.customer_signals(&customer.id), cx.birthday_of(&customer.id)))?;
    }
    if let Some(order) = &order {
        note(cx, "of the order", &(cx.refunds_of(&order.id), cx.fulfillments_of(&order.id)))?;
        note(cx, "signals of the order", &(cx.order_signals(&order.id), cx.orders_before(&order.id)))?;
        let codes: Vec<_> = order.discount_codes.iter().map(|it| cx.effect_of_code(it)).collect();
        note(cx, "codes of the order", &codes)?;
        let product = order.lines.first().and_then(|line| line.product_id.clone()).unwrap_or_default();
        note(cx, "product", &cx.product_by_id(&product))?;
    }
    let customers = cx.list_customers(None);
    note(cx, "customers", &customers.iter().map(|it| (&it.id, it.accepts_marketing, &it.tags)).collect::<Vec<_>>())?;
    let orders: Vec<_> = cx.list_orders(order.as_ref().map(|it| it.id.as_str())).into_iter().map(|it| it.id).collect();
    note(cx, "orders behind this one", &orders)?;
    if let [one, .., other] = customers.as_slice() {
        note(cx, "likeness", &cx.compare(&one.id, &other.id))?;
    }
    let keys: Vec<_> = cx.state().keys("").collect();
    note(cx, "keys", &keys)?;
    for effect in deeds::known(cx)?.into_iter().rev().take(6) {
        note(cx, effect.as_str(), &(cx.effect_standing(&effect), cx.code_standing(&effect)))?;
    }
    Ok(())
}
