//! The why of each delivery, as the merchant reads it. Every note says what happened to points and, where a customer is
//! known, the balance as shoppers are shown it.

use regulars_sdk::{Context, Refusal, Result};

use crate::account::Account;

/// Records a reason. `fields` come first, then `points`, `balance` and, where there are any, those `pending`.
pub fn note(cx: &mut Context, reason: &str, fields: &[(&str, &str)], points: i64, account: Option<&Account>) -> Result {
    let points = points.to_string();
    let balance = account.map(|account| account.available().to_string());
    let pending = account.map(Account::pending).filter(|pending| *pending > 0).map(|pending| pending.to_string());
    let mut all = fields.to_vec();
    all.push(("points", &points));
    all.extend(balance.as_deref().map(|balance| ("balance", balance)));
    all.extend(pending.as_deref().map(|pending| ("pending", pending)));
    Ok(cx.note(reason, &all)?)
}

/// What became of something that points do not depend on: done, or kept back by what the merchant grants or bounds.
pub fn outcome<T>(queued: Result<T, Refusal>) -> Result<&'static str> {
    match queued {
        Ok(_) => Ok("queued"),
        Err(Refusal::NotGranted) => Ok("not granted"),
        Err(Refusal::Other(_)) => Ok("budget used up"),
        Err(refusal) => Err(refusal.into()),
    }
}
