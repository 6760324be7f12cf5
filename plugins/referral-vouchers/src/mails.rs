//! What advocates are told. A reward does not depend on whether the merchant lets this plugin write mails: the panel shows
//! it as well.

use regulars_sdk::{Context, EffectId, Guard, Mail, Purpose, Refusal, Result, Timestamp};

use crate::{
    checks::Check,
    claim::{Because, Claim, Payout, left},
    settings::Settings,
};

/// A friend has bought, and the reward is on hold until then.
pub fn friend_bought(
    cx: &mut Context,
    settings: &Settings,
    claim: &mut Claim,
    release: Timestamp,
) -> Result<&'static str> {
    if !settings.mail_on_referral {
        return Ok("switched off");
    }
    let advocate = left(cx, &claim.advocate);
    let mail = Mail::new(advocate, "friend-bought", Purpose::Loyalty)
        .var("reward", claim.terms.amount.to_string())
        .var("until", cx.date_of(release).to_string())
        .guard(Guard::OrderNotCancelled(claim.order.clone()))
        .valid_until(release);
    let queued = queue(cx, mail)?;
    claim.announced = queued == QUEUED;
    Ok(queued)
}

pub fn reward_paid(cx: &mut Context, settings: &Settings, claim: &Claim, payout: &Payout) -> Result<&'static str> {
    // A code that nobody reads of is worth nothing.
    if !settings.mail_on_reward && payout.code.is_none() {
        return Ok("switched off");
    }
    let advocate = left(cx, &claim.advocate);
    let ends_on = payout.ends_at.map(|it| cx.date_of(it).to_string()).unwrap_or_default();
    let mail = Mail::new(advocate, "reward-paid", Purpose::Service)
        .var("reward", payout.amount.to_string())
        .var("reward_code", payout.code.clone().unwrap_or_default())
        .var("ends_on", ends_on)
        .after(&payout.effect);
    queue(cx, mail)
}

/// The order of a friend that the advocate was told of came back. Of other reasons no mail is written: the panel has a
/// kind word for them.
pub fn reward_void(cx: &mut Context, settings: &Settings, claim: &mut Claim, because: Because) -> Result<&'static str> {
    let came_back = matches!(because, Because::Check(Check::Cancelled | Check::BelowMinimum));
    if !came_back || !claim.announced || claim.withdrawn {
        return Ok("not sent");
    }
    if !settings.mail_on_void {
        return Ok("switched off");
    }
    let advocate = left(cx, &claim.advocate);
    let mail = Mail::new(advocate, "reward-void", Purpose::Service)
        .var("reward", claim.terms.amount.to_string())
        .var("cancelled", if because == Because::Check(Check::Cancelled) { "yes" } else { "" });
    let queued = queue(cx, mail)?;
    claim.withdrawn = queued == QUEUED;
    Ok(queued)
}

/// A reward that was paid has been taken back.
pub fn reward_returned(cx: &mut Context, settings: &Settings, claim: &Claim, taken: &EffectId) -> Result<&'static str> {
    if !settings.mail_on_void {
        return Ok("switched off");
    }
    let advocate = left(cx, &claim.advocate);
    let mail = Mail::new(advocate, "reward-returned", Purpose::Service)
        .var("reward", claim.terms.amount.to_string())
        .after(taken);
    queue(cx, mail)
}

const QUEUED: &str = "queued";

fn queue(cx: &mut Context, mail: Mail) -> Result<&'static str> {
    match cx.send_mail(mail) {
        Ok(_) => Ok(QUEUED),
        Err(Refusal::NotGranted) => Ok("not granted"),
        Err(Refusal::Other(_)) => Ok("the budget for mails is used up"),
        Err(refusal) => Err(refusal.into()),
    }
}
