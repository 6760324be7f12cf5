//! The why of each delivery, as the merchant reads it. Every note says what happened to points and, where a customer is
//! known, the balance as shoppers are shown it.

use regulars_sdk::{Context, Mail, Refusal, Result};

use crate::ledger::Account;

/// Records a reason. `fields` come first, then `points` and `balance`.
pub fn note(cx: &mut Context, reason: &str, fields: &[(&str, &str)], points: i64, account: Option<&Account>) -> Result {
    let points = points.to_string();
    let balance = account.map(|account| account.shown().to_string());
    let mut all = fields.to_vec();
    all.push(("points", &points));
    all.extend(balance.as_deref().map(|balance| ("balance", balance)));
    Ok(cx.note(reason, &all)?)
}

/// Queues a mail that the shopper can do without, and says what became of it: points do not depend on whether the
/// merchant lets this plugin write mails.
pub fn mail_if_granted(cx: &mut Context, wanted: bool, mail: impl FnOnce() -> Mail) -> Result<&'static str> {
    if !wanted {
        return Ok("switched off");
    }
    match cx.send_mail(mail()) {
        Ok(_) => Ok("queued"),
        Err(Refusal::NotGranted) => Ok("not granted"),
        Err(refusal) => Err(refusal.into()),
    }
}
