//! What happens on each topic about an order.

use regulars_sdk::{Context, Event, Failure, Result};

use crate::{
    history::{self, Disputes, Record, disputes_key, order_key},
    member, perks,
    settings::Settings,
    settle::{self, How},
};

/// `order.paid`, and whatever becomes of the order after it.
pub fn changed(event: &Event, cx: &mut Context) -> Result {
    let is_payment = event.topic == "order.paid";
    let Some(order) = cx.order() else {
        return match is_payment {
            true => Err(Failure::retry("the order is not known yet")),
            false => Ok(cx.note("Nothing changes: the order is not known", &[])?),
        };
    };
    let named = [("order", order.name.as_str())];
    if order.test {
        return Ok(cx.note("Not counted: it is a test order", &named)?);
    }
    let known: Option<Record> = cx.state().get(&order_key(&order.id))?;
    if known.is_none() && !is_payment && !history::is_paid(&order) {
        return Ok(cx.note("Not counted: the order is not paid yet", &named)?);
    }
    let customer = known.as_ref().map(|it| &it.customer).or(order.customer_id.as_ref());
    let Some(customer) = customer.map(|id| member::survivor(cx, id)) else {
        return Ok(cx.note("Not counted: the order names no customer", &named)?);
    };
    let settings: Settings = cx.settings()?;
    if known.is_some() && member::get(cx, &customer)?.is_none() {
        return Ok(cx.note("Not counted: the customer was forgotten", &named)?);
    }
    let mut member = history::known(cx, &settings, &customer, Some(&order.id))?;
    let before = known.map(|it| it.counts).unwrap_or_default();
    let mut record = history::count(cx, &settings, &mut member, &customer, &order)?;
    let is_new = is_payment && record.counts.orders > before.orders;
    let how = How { greets: true, near: is_new, ..How::default() };
    let told = settle::settle(cx, &settings, &customer, &mut member, how)?;
    let mut fields = vec![named[0]];
    let tag = told.after.as_deref().and_then(|id| settings.tier(id)).map(|it| it.order_tag.trim().to_owned());
    let tag = tag.filter(|tag| is_payment && !tag.is_empty() && !record.tagged && record.counts.orders > 0);
    if let Some(tag) = &tag
        && perks::granted(cx.add_order_tags(&order.id, &[tag]))?.is_some()
    {
        record.tagged = true;
        cx.state().set(&order_key(&order.id), &record)?;
        fields.push(("order tag", tag));
    }
    let idle = match (record.counts.orders - before.orders, record.counts.spent - before.spent) {
        (1.., _) => "Order counted: the tier stays",
        (0, 0) => "Nothing changes: the order counts for what it did",
        _ => "Order counted anew: the tier stays until its term ends",
    };
    settle::note(cx, &settings, &told, idle, &fields)
}

/// `order.disputed`: what is lost does not count, and a tier that rests on it goes at once. Won, it counts again.
pub fn disputed(event: &Event, cx: &mut Context) -> Result {
    let Some(dispute) = cx.dispute() else { return Ok(cx.note("Nothing changes: the dispute is not known", &[])?) };
    let said = [("dispute", dispute.status.as_str())];
    let lost = match dispute.status.as_str() {
        "lost" | "accepted" | "charge_refunded" => true,
        "won" | "prevented" => false,
        _ => return Ok(cx.note("Nothing changes: the dispute is not decided", &said)?),
    };
    let key = disputes_key(&dispute.order_id);
    let mut disputes: Disputes = cx.state().get(&key)?.unwrap_or_default();
    match disputes.iter_mut().find(|it| it.0 == dispute.id) {
        Some(known) if known.2 > event.occurred_at => {
            return Ok(cx.note("Nothing changes: a later word on the dispute is known", &said)?);
        }
        Some(known) => (known.1, known.2) = (lost, event.occurred_at),
        None => disputes.push((dispute.id.clone(), lost, event.occurred_at)),
    }
    cx.state().set(&key, &disputes)?;
    let known: Option<Record> = cx.state().get(&order_key(&dispute.order_id))?;
    let (Some(known), Some(order)) = (known, cx.order_by_id(&dispute.order_id)) else {
        return Ok(cx.note("Nothing changes: the disputed order was not counted", &said)?);
    };
    let customer = member::survivor(cx, &known.customer);
    let Some(mut member) = member::get(cx, &customer)? else {
        return Ok(cx.note("Nothing changes: the customer was forgotten", &said)?);
    };
    let settings: Settings = cx.settings()?;
    let record = history::count(cx, &settings, &mut member, &customer, &order)?;
    let how = How { greets: true, lost: record.counts != known.counts && lost, ..How::default() };
    let told = settle::settle(cx, &settings, &customer, &mut member, how)?;
    settle::note(cx, &settings, &told, "The dispute is decided: the tier stays", &[("order", &order.name), said[0]])
}
