//! Gifts given back: of orders that will not be shipped after all, and of those that the gift could not be added to.
//!
//! What has left is gone: its cost stays with the month it was given in.

use regulars_sdk::{Context, Event, Failure, Order, Result};

use crate::{
    budget,
    orders::{self, Parcels, Record},
    people, stock, thanks,
};

/// Looks at an order that was cancelled, refunded or edited. Our own free line edits it too: there is nothing to do then.
pub fn changed(cx: &mut Context) -> Result {
    let Some(order) = cx.order() else {
        return Ok(cx.note("Nothing given back: the order is not known", &[])?);
    };
    let named = [("order", order.name.as_str())];
    let Some(mut record) = orders::get(cx, &order.id)? else {
        return Ok(cx.note("Nothing given back: the order had no gift", &named)?);
    };
    let void = orders::why_void(cx, &order, record.held().and_then(|it| it.line.as_deref()));
    let left = orders::parcels(cx, &order) != Parcels::None;
    if void.is_some() && !left && record.counted {
        people::uncount(cx, &order, &mut record)?;
        orders::set(cx, &order.id, &record)?;
    }
    let Some(given) = &record.gift else {
        return Ok(cx.note("Nothing given back: the order had no gift", &named)?);
    };
    if given.returned {
        return Ok(cx.note("Nothing given back: that was done before", &named)?);
    }
    let taken_out = orders::line_was_taken_out(&order, given).then_some("the free line was taken out of the order");
    match void.or(taken_out) {
        None => Ok(cx.note("The gift stays: the order is still to be packed", &named)?),
        Some(why) if left => {
            let fields = [named[0], ("gift", &given.title), ("because", why), ("cost", &given.cost.to_string())];
            Ok(cx.note("The gift is gone: it has left with the parcel, and its cost stays", &fields)?)
        }
        Some(why) => give_back(cx, &order, record, why),
    }
}

/// The platform has taken the gift in, one way or the other.
pub fn effect_done(event: &Event, cx: &mut Context) -> Result {
    let Some((order_id, mut record, told)) = gift_of_effect(event, cx)? else { return Ok(()) };
    let Some(given) = &mut record.gift else { return Ok(()) };
    let fields = [("gift", given.title.clone()), ("as", told)];
    let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
    if given.added {
        return Ok(cx.note("Nothing more: the gift was in the order before", &fields)?);
    }
    given.added = true;
    let late = given.returned;
    orders::set(cx, &order_id, &record)?;
    if late {
        // The host has counted it, and it is in no parcel.
        cx.give_back("gifts", 1);
        return Ok(
            cx.note("The gift was added to an order that is not to be packed: it is counted as given back", &fields)?
        );
    }
    Ok(cx.note("The gift is in the order", &fields)?)
}

/// The gift cannot be added any more: it is in no parcel, whatever has left.
pub fn effect_failed(event: &Event, cx: &mut Context) -> Result {
    let Some((order_id, record, why)) = gift_of_effect(event, cx)? else { return Ok(()) };
    if record.held().is_none() {
        return Ok(());
    }
    let Some(order) = cx.order_by_id(&order_id) else { return Err(Failure::retry("the order is not known yet")) };
    give_back(cx, &order, record, &["it could not be added: ", &why].concat())
}

/// The order whose gift an effect is, and what was told of its end. `None` for mails and tags, which nothing depends on.
fn gift_of_effect(event: &Event, cx: &mut Context) -> Result<Option<(String, Record, String)>> {
    let Some(ended) = cx.ended_effect(event)? else { return Ok(None) };
    let Some(order_id) = ended.order_id else { return Ok(None) };
    let record = orders::get(cx, &order_id)?;
    let is_it = |record: &Record| record.gift.as_ref().is_some_and(|given| given.effect == ended.effect);
    Ok(record.filter(is_it).map(|record| (order_id, record, ended.reason)))
}

fn give_back(cx: &mut Context, order: &Order, mut record: Record, why: &str) -> Result {
    let Some(given) = &mut record.gift else { return Ok(()) };
    given.returned = true;
    let given = given.clone();
    // One that is not added yet may be under way: if it comes to nothing, the host gives back by itself what it counted.
    if given.added {
        cx.give_back("gifts", 1);
    }
    budget::give_back(cx, &given.month, given.cost)?;
    let stocked = stock::put_back(cx, &given.gift, given.counted_in)?;
    if let Some(customer) = &record.customer {
        people::return_gift(cx, customer, &order.id, given.nth)?;
    }
    if !given.tag.is_empty() {
        cx.remove_order_tags(&order.id, &[&given.tag])?;
    }
    cx.cancel(&thanks::timer_key(&order.id));
    orders::set(cx, &order.id, &record)?;
    let fields = [
        ("order", order.name.as_str()),
        ("gift", &given.title),
        ("because", why),
        ("budget of", &given.month),
        ("cost", &given.cost.to_string()),
        ("stock", if stocked { "one more" } else { "as counted anew since" }),
    ];
    Ok(cx.note("Gift given back", &fields)?)
}
