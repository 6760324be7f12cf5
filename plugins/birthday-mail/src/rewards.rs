//! The codes that come with mails: a gift of the shop's, for one customer and one order.

use regulars_sdk::{Benefit, Context, Event, Guard, Mail, Money, NewDiscount, Purpose, Refusal, Result, Timestamp};

use crate::{
    people::{self, Code, Person},
    settings::{Kind, Reward, Settings},
};

/// A mail on its way, without its reward.
pub struct Letter {
    pub template: &'static str,
    pub vars: Vec<(String, String)>,
    /// The mail is of no use later.
    pub valid_until: Timestamp,
}

/// Variables that speak of the code; empty in a mail without one.
const CODE_VARS: [&str; 5] = ["reward_code", "percent", "amount", "ends_on", "min_cart"];

/// Sends a mail with its reward; without one where there is none, or none can be given now. Returns what became of both.
pub fn send(
    cx: &mut Context,
    settings: &Settings,
    customer: &str,
    person: &mut Person,
    letter: Letter,
    reward: Result<&Reward, &str>,
) -> Result<[(&'static str, String); 2]> {
    let (issued, told) = match reward {
        Ok(reward) => match issue(cx, settings, customer, reward)? {
            Ok(None) => (None, "none".to_owned()),
            Ok(Some(issued)) => {
                let told = issued.code.clone();
                (Some((issued, reward)), told)
            }
            Err(why) => (None, why),
        },
        Err(why) => (None, why.to_owned()),
    };
    let mut mail = plain(customer, letter.template, &letter.vars).valid_until(letter.valid_until);
    if let Some((code, reward)) = &issued {
        mail.vars.retain(|(name, _)| !CODE_VARS.contains(&name.as_str()));
        let currency = cx.store().currency;
        let min_cart = Money::parse(&reward.min_cart, currency).ok().filter(|it| it.minor > 0);
        let amount = Money::parse(&reward.amount, currency).ok().filter(|_| reward.kind == Kind::Amount);
        let text = |money: Option<Money>| money.map(|it| it.to_string()).unwrap_or_default();
        let percent = if reward.kind == Kind::Percent { reward.percent.to_string() } else { String::new() };
        let ends_on = cx.date_of(Timestamp(code.ends_at.0 - 1)).to_string();
        for (name, value) in
            CODE_VARS.into_iter().zip([code.code.clone(), percent, text(amount), ends_on, text(min_cart)])
        {
            mail = mail.var(name, value);
        }
        mail = mail.after(&code.effect).guard(Guard::CodeLive(code.effect.clone()));
    }
    let (sent, mailed) = match cx.send_mail(mail) {
        Ok(id) => (Some(id), "queued".to_owned()),
        Err(refusal @ (Refusal::NotGranted | Refusal::Other(_))) => (None, refusal.to_string()),
        Err(refusal) => return Err(refusal.into()),
    };
    if let Some((code, _)) = issued {
        person.code = Some(Code { mail: sent, template: letter.template.into(), vars: letter.vars, ..code });
    }
    Ok([("mail", mailed), ("reward", told)])
}

fn plain(customer: &str, template: &str, vars: &[(String, String)]) -> Mail {
    let mail = Mail::new(customer, template, Purpose::Loyalty);
    let mail = vars.iter().fold(mail, |mail, (name, value)| mail.var(name, value));
    CODE_VARS.into_iter().fold(mail, |mail, name| mail.var(name, ""))
}

/// Queues the code. `None` where there is to be none; the reason where none can be made.
fn issue(
    cx: &mut Context,
    settings: &Settings,
    customer: &str,
    reward: &Reward,
) -> Result<Result<Option<Code>, String>> {
    let currency = cx.store().currency;
    let benefit = match reward.kind {
        Kind::None => return Ok(Ok(None)),
        Kind::Percent => Benefit::BasisPoints(reward.percent * 100),
        Kind::Amount => match Money::parse(&reward.amount, currency) {
            Ok(amount) => Benefit::Amount(amount),
            Err(error) => return Ok(Err(format!("none: {error}"))),
        },
    };
    let minimum = match Money::parse(&reward.min_cart, currency) {
        Ok(minimum) => minimum,
        Err(error) => return Ok(Err(format!("none: {error}"))),
    };
    // To the end of its last day.
    let last = cx.date_of(cx.now().plus_days(reward.valid_days));
    let ends_at = Timestamp(cx.instant_of(last, 24 * 60 - 1).0 + 60_000);
    let discount = NewDiscount::new(customer, &settings.code_prefix, benefit).ends_at(ends_at).offer();
    let discount = if minimum.minor > 0 { discount.minimum_subtotal(minimum) } else { discount };
    match cx.create_discount(discount) {
        Ok(issued) => Ok(Ok(Some(Code {
            effect: issued.effect,
            code: issued.code,
            ends_at,
            mail: None,
            template: String::new(),
            vars: Vec::new(),
        }))),
        Err(refusal @ (Refusal::NotGranted | Refusal::Other(_) | Refusal::Invalid(_))) => {
            Ok(Err(format!("none: {refusal}")))
        }
        Err(refusal) => Err(refusal.into()),
    }
}

/// A code could not be made, and the host lets go the mail that waited for it: the good wishes go without it.
pub fn failed(event: &Event, cx: &mut Context) -> Result {
    let Some(ended) = cx.ended_effect(event)? else { return Ok(()) };
    let Some(customer) = ended.customer_id.map(|id| people::survivor(cx, &id)) else { return Ok(()) };
    let Some(mut person) = people::get(cx, &customer)? else { return Ok(()) };
    let Some(code) = person.code.take_if(|code| code.effect == ended.effect) else { return Ok(()) };
    let mailed = match code.mail.map(|_| cx.send_mail(plain(&customer, &code.template, &code.vars))) {
        Some(Err(refusal @ (Refusal::NotGranted | Refusal::Other(_)))) => refusal.to_string(),
        Some(Err(refusal)) => return Err(refusal.into()),
        Some(Ok(_)) => "queued without it".into(),
        None => "none".into(),
    };
    let settings: Settings = cx.settings()?;
    people::keep(cx, &settings, &customer, &person)?;
    Ok(cx.note("The reward could not be made", &[("because", &ended.reason), ("mail", &mailed)])?)
}
