//! What happens on each topic about an order.

use std::time::Duration;

use regulars_sdk::{Context, Event, Failure, Order, Result, Timestamp};

use crate::{
    history::{self, Disputes, Record, disputes_key, order_key},
    member, perks,
    settings::{Settings, Tier},
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
    let tier = told.after.as_deref().and_then(|id| settings.tier(id));
    let favours = match tier.filter(|_| is_payment && record.counts.orders > 0) {
        Some(tier) => favour(cx, tier, &order, event.occurred_at, &mut record)?,
        None => Vec::new(),
    };
    let fields: Vec<_> = named.into_iter().chain(favours.iter().map(|(name, it)| (*name, it.as_str()))).collect();
    let idle = match (record.counts.orders - before.orders, record.counts.spent - before.spent) {
        (1.., _) => "Order counted: the tier stays",
        (0, 0) => "Nothing changes: the order counts for what it did",
        _ => "Order counted anew: the tier stays until its term ends",
    };
    settle::note(cx, &settings, &told, idle, &fields)
}

/// Gives an order what goes with the tier of whoever paid for it, each once: its tag, and a time to be sent by. Returns what
/// it was given, for the note.
fn favour(
    cx: &mut Context,
    tier: &Tier,
    order: &Order,
    paid_at: Timestamp,
    record: &mut Record,
) -> Result<Vec<(&'static str, String)>> {
    let mut given = Vec::new();
    let tag = tier.order_tag.trim();
    if !tag.is_empty() && !record.tagged && perks::granted(cx.add_order_tags(&order.id, &[tag]))?.is_some() {
        record.tagged = true;
        given.push(("order tag", tag.to_owned()));
    }
    let is_sent = order.fulfillment_status.as_deref() == Some("fulfilled");
    let is_asked_for = tier.send_within_hours > 0 && !is_sent && !record.timed;
    let send_by = paid_at + Duration::from_secs(tier.send_within_hours * 3_600);
    // A time that passed while the host was asleep is refused, and helps nobody.
    if is_asked_for && perks::granted(cx.ship_by(&order.id, send_by))?.is_some() {
        record.timed = true;
        given.push(("to be sent within", format!("{} h", tier.send_within_hours)));
    }
    if !given.is_empty() {
        cx.state().set(&order_key(&order.id), record)?;
    }
    Ok(given)
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
