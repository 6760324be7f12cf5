//! The word after delivery. Nobody is told of a gift before its parcel has arrived, and the mail asks for nothing.

use std::time::Duration;

use regulars_sdk::{Context, Guard, Mail, Order, Purpose, Refusal, Result, key};

use crate::{
    orders::{self, Parcels, Record},
    people::{self, Told},
    settings::Settings,
};

/// How long after it is due the mail may wait for a free slot.
const VALID_DAYS: u64 = 14;

const TIMER: &str = "thanks";

pub fn timer_key(order_id: &str) -> String {
    key(&[TIMER, order_id])
}

/// A shipment of the order has left, moved on, arrived or been called off.
pub fn shipped(cx: &mut Context) -> Result {
    let Some(order) = cx.order() else { return Ok(cx.note("No gift in the parcel: the order is not known", &[])?) };
    let record = orders::get(cx, &order.id)?;
    let Some(mut record) = record.filter(|it| it.gift.is_some()) else {
        return Ok(cx.note("No gift in the parcel", &[("order", &order.name)])?);
    };
    let named = [("order", order.name.as_str())];
    let Some(given) = record.gift.as_mut().filter(|it| !it.returned) else {
        return Ok(cx.note("No gift in the parcel: it had been given back before", &named)?);
    };
    if given.thanked {
        return Ok(cx.note("Nothing more: the gift has been spoken of", &named)?);
    }
    match orders::parcels(cx, &order) {
        Parcels::Delivered => {
            let settings: Settings = cx.settings()?;
            let delay = Duration::from_secs(settings.thanks_delay_hours * 3_600);
            cx.cancel(&timer_key(&order.id));
            thank(cx, &settings, &order, record, delay)
        }
        Parcels::UnderWay if given.shipped => Ok(cx.note("The gift is on its way", &named)?),
        Parcels::UnderWay => {
            given.shipped = true;
            orders::set(cx, &order.id, &record)?;
            wait(cx, &cx.settings()?, &order)?;
            Ok(cx.note("The gift is on its way: thanks follow delivery", &named)?)
        }
        Parcels::None => {
            given.shipped = false;
            orders::set(cx, &order.id, &record)?;
            cx.cancel(&timer_key(&order.id));
            Ok(cx.note("The gift is waiting: the shipment was called off", &named)?)
        }
    }
}

/// Nobody has told of the delivery in time.
pub fn due(cx: &mut Context) -> Result {
    let Some(timer) = cx.timer() else { return Ok(()) };
    let order_id = String::from_utf8_lossy(&timer.payload).into_owned();
    let (record, order) = (orders::get(cx, &order_id)?, cx.order_by_id(&order_id));
    let (Some(record), Some(order)) = (record, order) else {
        return Ok(cx.note("No thanks: the order is not known", &[])?);
    };
    if record.held().is_none_or(|given| given.thanked) {
        return Ok(cx.note("No thanks: there is no gift to speak of", &[("order", &order.name)])?);
    }
    if orders::parcels(cx, &order) == Parcels::None {
        return Ok(cx.note("No thanks: nothing of the order has been shipped", &[("order", &order.name)])?);
    }
    let settings: Settings = cx.settings()?;
    // A part of the order is still to come, and the gift may be in it.
    if order.fulfillment_status.as_deref() == Some("partial") {
        wait(cx, &settings, &order)?;
        return Ok(cx.note("No thanks yet: a part of the order is still to be shipped", &[("order", &order.name)])?);
    }
    thank(cx, &settings, &order, record, Duration::ZERO)
}

fn wait(cx: &mut Context, settings: &Settings, order: &Order) -> Result {
    let due = cx.now().plus_days(settings.thanks_after_days);
    Ok(cx.schedule(&timer_key(&order.id), due, order.id.as_bytes())?)
}

fn thank(cx: &mut Context, settings: &Settings, order: &Order, mut record: Record, delay: Duration) -> Result {
    let named = [("order", order.name.as_str())];
    let Some(given) = &mut record.gift else { return Ok(()) };
    given.thanked = true;
    let given = given.clone();
    orders::set(cx, &order.id, &record)?;
    if let Some(why) = orders::why_void(cx, order, given.line.as_deref()) {
        return Ok(cx.note("No thanks", &[named[0], ("because", why)])?);
    }
    let Some(customer) = order.customer_id.as_deref() else {
        return Ok(cx.note("No thanks: the order names no customer", &named)?);
    };
    let from = cx.now() + delay;
    if let Some(mut person) = people::get(cx, customer)? {
        person.told = Some(Told { title: given.title.clone(), order: order.name.clone(), from });
        people::set(cx, customer, &person)?;
    }
    if !settings.thanks_mail {
        return Ok(cx.note("No thanks: the mail is switched off", &named)?);
    }
    let mail = Mail::new(customer, "thanks", Purpose::Loyalty)
        .var("gift", &given.title)
        .var("order", &order.name)
        .send_at(from)
        .valid_until(from.plus_days(VALID_DAYS))
        .guard(Guard::OrderNotCancelled(order.id.clone()));
    // Until the platform has taken the gift in, it may come to nothing, and the mail with it.
    let mail = if given.added { mail } else { mail.after(&given.effect) };
    match cx.send_mail(mail) {
        Ok(_) => Ok(cx.note("Thanks queued", &[named[0], ("gift", &given.title)])?),
        Err(refusal @ (Refusal::NotGranted | Refusal::Other(_))) => {
            Ok(cx.note("No thanks", &[named[0], ("because", &refusal.to_string())])?)
        }
        Err(refusal) => Err(refusal.into()),
    }
}
