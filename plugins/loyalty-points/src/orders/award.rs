//! Which orders earn, and when.

use regulars_sdk::{Context, Customer, Order, Result, Timestamp};

use super::record::{self, OrderRecord};
use crate::{
    basis::{Terms, WHOLE},
    settings::{AwardOn, Settings},
};

/// What is to be done about an order that has earned nothing yet.
pub enum Verdict {
    Earns(Box<OrderRecord>),
    Nothing(&'static str),
    /// The customer has this tag.
    Excluded(String),
}

/// Judges an order that is known to be paid if `paid`, by what is known of it otherwise.
pub fn judge(cx: &Context, settings: &Settings, order: &Order, paid: bool, from: Timestamp) -> Result<Verdict> {
    if order.test {
        return Ok(Verdict::Nothing("No points: it is a test order"));
    }
    if order.cancelled_at.is_some() {
        return Ok(Verdict::Nothing("No points: the order was cancelled"));
    }
    let Some(customer_id) = &order.customer_id else {
        return Ok(Verdict::Nothing("No points: the order names nobody"));
    };
    if !settings.earn_at_pos && order.source.as_deref() == Some("pos") {
        return Ok(Verdict::Nothing("No points: orders at the till earn none"));
    }
    let customer = cx.customer_by_id(customer_id);
    if settings.guest_claim_days == 0 && customer.as_ref().is_some_and(|it| it.guest) {
        return Ok(Verdict::Nothing("No points: guests earn none"));
    }
    if let Some(tag) = customer.as_ref().and_then(|it| settings.excluded_tag(it)) {
        return Ok(Verdict::Excluded(tag.into()));
    }
    if let Some(reason) = waits_for(cx, settings, order, paid) {
        return Ok(Verdict::Nothing(reason));
    }
    Ok(Verdict::Earns(Box::new(OrderRecord {
        customer: customer_id.clone(),
        name: order.name.clone(),
        terms: Terms::of(settings, order, customer.as_ref().map_or(WHOLE, |it| multiplier(settings, it))),
        version: cx.settings_version(),
        weights: record::weights(cx, settings, order),
        earned: 0,
        reversed: 0,
        withheld: 0,
        forgiven: 0,
        available_at: (settings.pending_days > 0).then(|| from.plus_days(settings.pending_days.into())),
        lost: false,
    })))
}

/// The highest multiplier of the customer's tags.
fn multiplier(settings: &Settings, customer: &Customer) -> u32 {
    let wears = |tag: &str| customer.tags.iter().any(|it| it.eq_ignore_ascii_case(tag));
    let worn = settings.tier_multipliers.iter().filter(|it| wears(&it.tag));
    worn.map(|it| record::basis_points(&it.multiplier)).max().unwrap_or(WHOLE)
}

/// What has to happen before the order earns.
fn waits_for(cx: &Context, settings: &Settings, order: &Order, paid: bool) -> Option<&'static str> {
    let is_paid = paid || is_paid(order);
    let is_fulfilled = || order.fulfillment_status.as_deref() == Some("fulfilled");
    match settings.award_on {
        _ if !is_paid => Some("No points yet: the order is not paid in full"),
        AwardOn::Fulfilled | AwardOn::Delivered if !is_fulfilled() => {
            Some("No points yet: the order is not shipped in full")
        }
        AwardOn::Delivered if !is_delivered(cx, order) => Some("No points yet: not every parcel has been delivered"),
        _ => None,
    }
}

pub fn is_paid(order: &Order) -> bool {
    matches!(order.financial_status.as_deref(), Some("paid" | "partially_refunded" | "refunded"))
}

fn is_delivered(cx: &Context, order: &Order) -> bool {
    let mut parcels = cx.fulfillments_of(&order.id);
    parcels.retain(|parcel| parcel.status.as_deref() != Some("cancelled"));
    !parcels.is_empty() && parcels.iter().all(regulars_sdk::Fulfillment::is_delivered)
}
