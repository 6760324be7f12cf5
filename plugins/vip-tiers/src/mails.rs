//! What customers are written. All of it is marketing: consent, caps and the night are the host's to heed.

use regulars_sdk::{Context, EffectId, Guard, Mail, Money, Purpose, Refusal, Result, Timestamp};

use crate::{
    calendar::Day,
    ladder::{Case, Ladder, Need},
    member::{Gift, Letter, Member},
    settings::{Basis, RewardKind, Tier},
    sums::Total,
};

/// Days in which a mail is of use.
const VALID_DAYS: u64 = 7;

/// Variables that speak of codes; empty in a mail without them.
const CODE_VARS: [&str; 8] =
    ["shipping_code", "reward_code", "percent", "amount", "free_shipping", "ends_on", "min_cart", "other_codes"];

type Vars = Vec<(String, String)>;

fn var(vars: &mut Vars, name: &str, value: impl Into<String>) {
    vars.push((name.into(), value.into()));
}

/// A customer has come into a tier, or has earned another term. `gifts` has the tier's own reward last.
pub fn entered(
    cx: &mut Context,
    case: Case<'_>,
    member: &mut Member,
    tier: &Tier,
    until: Option<Day>,
    kept: bool,
    gifts: &[Gift],
) -> Result<&'static str> {
    let mut vars = Vars::new();
    var(&mut vars, "tier", &tier.title);
    var(&mut vars, "kept", if kept { "yes" } else { "" });
    var(&mut vars, "until", until.map(|it| it.minus(1).date().to_string()).unwrap_or_default());
    var(&mut vars, "benefits", tier.benefits.join(", "));
    let shipping = member.shipping.as_ref();
    var(&mut vars, "shipping_code", shipping.map(|it| it.code.clone()).unwrap_or_default());
    let (main, others) = match gifts.split_last() {
        Some((main, others)) => (Some(main), others),
        None => (None, gifts),
    };
    let terms = main.and_then(|gift| case.settings.tier(&gift.tier));
    let money = |text: &str| Money::parse(text, cx.store().currency).ok().filter(|it| it.minor > 0);
    let of_kind = |kind: RewardKind| terms.filter(|it| it.reward == kind);
    var(&mut vars, "reward_code", main.map(|it| it.code.clone()).unwrap_or_default());
    var(&mut vars, "percent", of_kind(RewardKind::Percent).map(|it| it.reward_value.clone()).unwrap_or_default());
    let amount = of_kind(RewardKind::Amount).and_then(|it| money(&it.reward_value));
    var(&mut vars, "amount", amount.map(|it| it.to_string()).unwrap_or_default());
    var(&mut vars, "free_shipping", if of_kind(RewardKind::FreeShipping).is_some() { "yes" } else { "" });
    let ends_on = main.map(|it| cx.date_of(Timestamp(it.ends_at.0.saturating_sub(1))).to_string());
    var(&mut vars, "ends_on", ends_on.unwrap_or_default());
    let minimum = terms.and_then(|it| money(&it.reward_min_cart));
    var(&mut vars, "min_cart", minimum.map(|it| it.to_string()).unwrap_or_default());
    let others: Vec<&str> = others.iter().map(|it| it.code.as_str()).collect();
    var(&mut vars, "other_codes", others.join(", "));

    let waits_for = main.map(|it| it.effect.clone()).or_else(|| shipping.map(|it| it.effect.clone()));
    let mut mail = with_vars(Mail::new(case.customer, "entered", Purpose::Loyalty), &vars);
    mail = mail.valid_until(cx.now().plus_days(VALID_DAYS));
    if let Some(code) = &waits_for {
        mail = mail.after(code).guard(Guard::CodeLive(code.clone()));
    }
    let (sent, told) = send(cx, mail)?;
    member.letter = sent.zip(waits_for).map(|(mail, waits_for)| Letter { mail, waits_for, vars });
    Ok(told)
}

/// The same mail, of whose codes one could not be made.
pub fn without_codes(cx: &mut Context, customer: &str, vars: &[(String, String)]) -> Result<&'static str> {
    let blank = |(name, value): &(String, String)| {
        let value = if CODE_VARS.contains(&name.as_str()) { String::new() } else { value.clone() };
        (name.clone(), value)
    };
    let vars: Vars = vars.iter().map(blank).collect();
    let mail = with_vars(Mail::new(customer, "entered", Purpose::Loyalty), &vars);
    Ok(send(cx, mail.valid_until(cx.now().plus_days(VALID_DAYS)))?.1)
}

/// The next tier is near.
pub fn near(
    cx: &mut Context,
    case: Case<'_>,
    tier: Option<&Tier>,
    next: (&Tier, Need),
    total: Total,
) -> Result<&'static str> {
    let mut vars = Vars::new();
    var(&mut vars, "tier", tier.map(|it| it.title.clone()).unwrap_or_default());
    var(&mut vars, "next", &next.0.title);
    var(&mut vars, "benefits", next.0.benefits.join(", "));
    missing(cx, case.ladder, next.1, total, &mut vars);
    let mail = with_vars(Mail::new(case.customer, "near", Purpose::Loyalty), &vars);
    // Another order would make its figures wrong.
    let mail = mail.valid_until(cx.now().plus_days(VALID_DAYS)).guard(Guard::NoOrderSince(cx.now()));
    Ok(send(cx, mail)?.1)
}

/// The term ends soon, and what it takes to stay is not there yet.
pub fn falling(
    cx: &mut Context,
    case: Case<'_>,
    tier: &Tier,
    until: Day,
    retain: Need,
    total: Total,
) -> Result<&'static str> {
    let mut vars = Vars::new();
    var(&mut vars, "tier", &tier.title);
    var(&mut vars, "until", until.minus(1).date().to_string());
    var(&mut vars, "benefits", tier.benefits.join(", "));
    missing(cx, case.ladder, retain, total, &mut vars);
    let mail = with_vars(Mail::new(case.customer, "falling", Purpose::Loyalty), &vars);
    let mail = mail.valid_until(until.begins(cx)).guard(Guard::NoOrderSince(cx.now()));
    Ok(send(cx, mail)?.1)
}

/// What is missing to what a tier asks for: an amount, orders, both, or either.
fn missing(cx: &Context, ladder: &Ladder, need: Need, total: Total, vars: &mut Vars) {
    let Missing { amount, orders } = missing_to(need, total);
    let amount = (amount > 0).then(|| Money::new(amount, cx.store().currency).to_string());
    let either = ladder.basis == Basis::SpendOrOrders && amount.is_some() && orders > 0;
    var(vars, "missing_amount", amount.unwrap_or_default());
    var(vars, "missing_orders", if orders > 0 { orders.to_string() } else { String::new() });
    var(vars, "either", if either { "yes" } else { "" });
}

pub struct Missing {
    pub amount: i64,
    pub orders: i64,
}

pub fn missing_to(need: Need, total: Total) -> Missing {
    Missing { amount: (need.spend - total.spent).max(0), orders: (need.orders - total.orders).max(0) }
}

fn with_vars(mail: Mail, vars: &[(String, String)]) -> Mail {
    vars.iter().fold(mail, |mail, (name, value)| mail.var(name, value))
}

fn send(cx: &mut Context, mail: Mail) -> Result<(Option<EffectId>, &'static str)> {
    match cx.send_mail(mail) {
        Ok(id) => Ok((Some(id), "queued")),
        Err(Refusal::NotGranted) => Ok((None, "not granted")),
        Err(Refusal::Other(_)) => Ok((None, "budget used up")),
        Err(refusal) => Err(refusal.into()),
    }
}
