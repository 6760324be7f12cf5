//! What shows a tier and goes with it: tags, the metafield, the code for free shipping. Brought in line with the tier at
//! every event, so that what could not be done is done at the next.

use regulars_sdk::{Benefit, Context, MetafieldValue, NewDiscount, Refusal, Result};

use crate::{
    calendar::Day,
    member::{Member, Shipping},
    settings::{Settings, Tier},
};

const METAFIELD: &str = "vip_tier";

/// The metafield's value for a customer without a tier: platforms take no empty text.
const NO_TIER: &str = "none";

/// What an effect came to: done, or kept back by what the merchant grants or bounds.
pub fn granted<T>(queued: Result<T, Refusal>) -> Result<Option<T>> {
    match queued {
        Ok(done) => Ok(Some(done)),
        Err(Refusal::NotGranted | Refusal::Other(_) | Refusal::Invalid(_)) => Ok(None),
        Err(refusal) => Err(refusal.into()),
    }
}

/// The tags of one tier, and of no other.
pub fn tag(cx: &mut Context, settings: &Settings, customer: &str, member: &mut Member, tier: Option<&Tier>) -> Result {
    let wanted = tier.map(|tier| settings.tags(tier)).unwrap_or_default();
    let gone: Vec<String> = member.tags.iter().filter(|it| !wanted.contains(it)).cloned().collect();
    let new: Vec<String> = wanted.iter().filter(|it| !member.tags.contains(it)).cloned().collect();
    if !gone.is_empty() {
        let refs: Vec<&str> = gone.iter().map(String::as_str).collect();
        if granted(cx.remove_tags(customer, &refs))?.is_some() {
            member.tags.retain(|it| !gone.contains(it));
        }
    }
    if !new.is_empty() {
        let refs: Vec<&str> = new.iter().map(String::as_str).collect();
        if granted(cx.add_tags(customer, &refs))?.is_some() {
            member.tags.extend(new);
        }
    }
    Ok(())
}

pub fn show(cx: &mut Context, settings: &Settings, customer: &str, member: &mut Member) -> Result {
    let value = member.tier.as_deref().unwrap_or(NO_TIER);
    let is_shown = match &member.shown {
        Some(shown) => shown == value,
        None => value == NO_TIER,
    };
    if !settings.tier_metafield || is_shown {
        return Ok(());
    }
    let value = value.to_owned();
    if granted(cx.set_metafield(customer, METAFIELD, &MetafieldValue::Text(value.clone())))?.is_some() {
        member.shown = Some(value);
    }
    Ok(())
}

/// Free shipping for the term: a code that the customer can use as often as they like until its end.
pub fn ship_free(
    cx: &mut Context,
    settings: &Settings,
    customer: &str,
    member: &mut Member,
    tier: Option<&Tier>,
    until: Day,
) -> Result {
    let wanted = tier.is_some_and(|it| it.free_shipping);
    if let Some(old) = member.shipping.take_if(|old| !wanted || old.until != until) {
        // A code that has been used stays until its end: the host ends none that somebody may count on. One that a longer
        // one takes the place of ends by itself.
        if !wanted {
            granted(cx.disable_discount(&old.effect))?;
        }
    }
    if !wanted || member.shipping.is_some() {
        return Ok(());
    }
    let discount = NewDiscount {
        uses: None,
        once_per_customer: false,
        ends_at: Some(until.begins(cx)),
        ..NewDiscount::new(customer, &settings.code_prefix, Benefit::FreeShipping)
    };
    if let Some(issued) = granted(cx.create_discount(discount.combines()))? {
        member.shipping = Some(Shipping { effect: issued.effect, code: issued.code, until });
    }
    Ok(())
}
