//! What a customer sees: the tier and until when, how far it is to the next, what the tier brings, and the codes.

use regulars_sdk::{
    Context, Money, Result, Timestamp,
    language::fill,
    panel::{Block, Row, View},
};

use crate::{
    calendar::Day,
    ladder::Ladder,
    mails::{Missing, missing_to},
    member::{self, Member},
    settings::{Basis, Settings, Tier},
    sums::Total,
    texts::Texts,
};

pub fn render(view: &View, cx: &mut Context) -> Result<Vec<Block>> {
    let Some(customer) = view.customer_id.as_deref().filter(|_| view.kind == "panel") else { return Ok(Vec::new()) };
    let settings: Settings = cx.settings()?;
    let barred = settings.barred(cx.customer_by_id(customer).as_ref()).is_some();
    let member = member::get(cx, customer)?.unwrap_or_default();
    let ladder = Ladder::of(&settings, cx.store().currency);
    let texts = Texts::of(&view.locale);
    let tier = member.tier.as_deref().and_then(|id| settings.tier(id));
    if barred && tier.is_none() {
        return Ok(Vec::new());
    }
    let mut blocks = Vec::new();
    if let Some(tier) = tier {
        blocks.push(Block::figure(texts.tier, &tier.title).explained(until(cx, &ladder, &member, texts)));
    }
    if member.lock.is_none() {
        blocks.extend(progress(cx, &settings, &ladder, &member, texts));
    }
    if let Some(tier) = tier {
        blocks.extend(benefits(tier, texts));
    }
    blocks.extend(codes(cx, &settings, &member, texts));
    Ok(blocks)
}

/// Until when the tier is sure, and what it still takes to keep it.
fn until(cx: &Context, ladder: &Ladder, member: &Member, texts: &Texts) -> String {
    let today = Day::today(cx);
    if let Some(lock) = &member.lock {
        let last = lock.until.map(|it| fill(texts.until, &[&texts.date(it.minus(1).date())]));
        return last.unwrap_or_default();
    }
    let Some(held) = &member.standing else { return String::new() };
    let (Some(until), Some(index)) = (held.until, ladder.index(&held.tier)) else { return String::new() };
    let retain = ladder.rungs[index].retain;
    let total = ladder.retention(&member.sums, until, today);
    let last = if today < until { until } else { until.plus(ladder.grace_days) };
    let told = fill(texts.until, &[&texts.date(last.minus(1).date())]);
    match ladder.meets(retain, total) {
        true => [&told, " · ", texts.safe].concat(),
        false => {
            let missing = words(cx, ladder, missing_to(retain, total), texts);
            [&told, " · ", &fill(texts.to_stay, &[&missing])].concat()
        }
    }
}

fn progress(cx: &Context, settings: &Settings, ladder: &Ladder, member: &Member, texts: &Texts) -> Option<Block> {
    let held = member.standing.as_ref().and_then(|it| ladder.index(&it.tier));
    let next = ladder.rungs.get(held.map_or(0, |it| it + 1))?;
    let title = &settings.tier(&next.tier)?.title;
    let total: Total = ladder.total(&member.sums, Day::today(cx));
    let missing = words(cx, ladder, missing_to(next.need, total), texts);
    let done = ladder.progress(next.need, total).clamp(0, 100).unsigned_abs();
    Some(Block::progress(fill(texts.next, &[&missing, title]), done, 100))
}

/// `48.20 EUR`, `2 orders`, or both.
fn words(cx: &Context, ladder: &Ladder, missing: Missing, texts: &Texts) -> String {
    let amount = (missing.amount > 0).then(|| Money::new(missing.amount, cx.store().currency).to_string());
    let orders = (missing.orders > 0).then(|| texts.orders(missing.orders));
    let joint = if ladder.basis == Basis::SpendOrOrders { texts.or } else { texts.and };
    amount.into_iter().chain(orders).collect::<Vec<_>>().join(joint)
}

fn benefits(tier: &Tier, texts: &Texts) -> Option<Block> {
    let shipping = tier.free_shipping.then_some(texts.free_shipping);
    let rows: Vec<Row> =
        shipping.into_iter().chain(tier.benefits.iter().map(String::as_str)).map(|it| Row::new(it, "")).collect();
    (!rows.is_empty()).then(|| Block::list(texts.benefits, rows))
}

/// Codes that can be used.
fn codes(cx: &Context, settings: &Settings, member: &Member, texts: &Texts) -> Vec<Block> {
    let mut blocks = Vec::new();
    let date = |instant: Timestamp| texts.date(cx.date_of(Timestamp(instant.0.saturating_sub(1))));
    if let Some(shipping) = &member.shipping
        && cx.code_standing(&shipping.effect).is_some_and(|it| it.is_open())
    {
        let until = fill(texts.code_until, &[&date(shipping.until.begins(cx))]);
        blocks.push(Block::code(texts.free_shipping, &shipping.code).explained(until));
    }
    for gift in member.gifts.iter().filter(|it| it.ends_at > cx.now()) {
        if cx.code_standing(&gift.effect).is_some_and(|it| it.is_open() && it.used == 0) {
            let title = settings
                .tier(&gift.tier)
                .map_or(texts.reward.to_owned(), |it| [texts.reward, ": ", &it.title].concat());
            blocks.push(Block::code(title, &gift.code).explained(fill(texts.code_until, &[&date(gift.ends_at)])));
        }
    }
    blocks
}
