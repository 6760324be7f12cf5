//! Entry rewards: a code of the customer's own, once for each tier and term.

use regulars_sdk::{Benefit, Context, Event, Money, NewDiscount, Refusal, Result, Timestamp};

use crate::{
    calendar::Day,
    mails,
    member::{self, Gift, Member},
    settings::{self, RewardKind, Settings, Tier},
};

/// Gives the reward for entering a tier. The reason where there is none.
pub fn give(
    cx: &mut Context,
    settings: &Settings,
    customer: &str,
    member: &mut Member,
    tier: &Tier,
    term_ends: Option<Day>,
) -> Result<Result<Gift, String>> {
    let today = Day::today(cx);
    let currency = cx.store().currency;
    let benefit = match tier.reward {
        RewardKind::None => return Ok(Err("none".into())),
        RewardKind::FreeShipping => Some(Benefit::FreeShipping),
        RewardKind::Percent => settings::basis_points(&tier.reward_value).map(Benefit::BasisPoints),
        RewardKind::Amount => {
            Money::parse(&tier.reward_value, currency).ok().filter(|it| it.minor > 0).map(Benefit::Amount)
        }
    };
    let had = member.rewarded.iter().find(|it| it.0 == tier.id);
    if had.is_some_and(|(_, again)| again.is_none_or(|again| today < again)) {
        return Ok(Err("none: it was given in this term before".into()));
    }
    let (Some(benefit), Ok(minimum)) = (benefit, Money::parse(&tier.reward_min_cart, currency)) else {
        return Ok(Err("none: its amount does not read".into()));
    };
    // To the end of its last day.
    let ends_at = Day::at(cx, cx.now().plus_days(tier.reward_days)).plus(1).begins(cx);
    let discount = NewDiscount::new(customer, &settings.code_prefix, benefit).ends_at(ends_at);
    let discount = if minimum.minor > 0 { discount.minimum_subtotal(minimum) } else { discount };
    match cx.create_discount(discount) {
        Ok(issued) => {
            let gift = Gift { effect: issued.effect, code: issued.code, tier: tier.id.clone(), ends_at };
            member.rewarded.retain(|it| it.0 != tier.id);
            member.rewarded.push((tier.id.clone(), term_ends));
            member.gifts.push(gift.clone());
            Ok(Ok(gift))
        }
        Err(refusal @ (Refusal::NotGranted | Refusal::Other(_) | Refusal::Invalid(_))) => {
            Ok(Err(format!("none: {refusal}")))
        }
        Err(refusal) => Err(refusal.into()),
    }
}

/// Forgets codes that have ended.
pub fn tidy(member: &mut Member, now: Timestamp) {
    member.gifts.retain(|it| it.ends_at > now);
}

/// A code could not be made, and its mail was not sent: the news of the tier goes without it.
pub fn failed(event: &Event, cx: &mut Context) -> Result {
    let Some(ended) = cx.ended_effect(event)? else { return Ok(()) };
    let Some(customer) = ended.customer_id.map(|id| member::survivor(cx, &id)) else { return Ok(()) };
    let Some(mut member) = member::get(cx, &customer)? else { return Ok(()) };
    let gifts = member.gifts.len();
    member.gifts.retain(|it| it.effect != ended.effect);
    let shipping = member.shipping.take_if(|it| it.effect == ended.effect).is_some();
    if gifts == member.gifts.len() && !shipping {
        return Ok(());
    }
    let mailed = match member.letter.take_if(|it| it.waits_for == ended.effect) {
        Some(letter) => {
            cx.withdraw(&letter.mail);
            mails::without_codes(cx, &customer, &letter.vars)?
        }
        None => "none",
    };
    cx.state().set(&member::member_key(&customer), &member)?;
    Ok(cx.note("A code could not be made", &[("because", &ended.reason), ("mail", mailed)])?)
}
