//! Customers whom the merchant has barred, found again by e-mail address and phone number.

use regulars_sdk::{Context, Result, Signal, Timestamp, key};
use serde::{Deserialize, Serialize};

/// The signals that lead from another record of the same person to the ban.
const SIGNALS: [&str; 2] = ["email", "phone"];

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ban {
    pub reason: String,
    pub at: Timestamp,
    /// What leads here, to be taken out with it.
    pub signals: Vec<Signal>,
}

/// Bars a customer. False if that was so before.
pub fn add(cx: &mut Context, customer: &str, reason: &str) -> Result<bool> {
    if of(cx, customer)?.is_some() {
        return Ok(false);
    }
    let mut signals = cx.customer_signals(customer);
    signals.retain(|it| SIGNALS.contains(&it.kind.as_str()));
    for signal in &signals {
        cx.state().set(&signal_key(signal), &customer)?;
    }
    let ban = Ban { reason: reason.into(), at: cx.now(), signals };
    cx.state().set(&ban_key(customer), &ban)?;
    Ok(true)
}

/// Takes a ban back. False if there was none.
pub fn lift(cx: &mut Context, customer: &str) -> Result<bool> {
    let Some(ban) = of(cx, customer)? else { return Ok(false) };
    forget_signals(cx, &ban)?;
    cx.state().delete(&ban_key(customer))?;
    Ok(true)
}

pub fn of(cx: &mut Context, customer: &str) -> Result<Option<Ban>> {
    Ok(cx.state().get(&ban_key(customer))?)
}

/// Whether somebody with one of these signals is barred.
pub fn covers(cx: &mut Context, signals: &[Signal]) -> Result<bool> {
    for signal in signals.iter().filter(|it| SIGNALS.contains(&it.kind.as_str())) {
        if cx.state().get::<String>(&signal_key(signal))?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Who is left of two customers is barred if one of them was.
pub fn merge(cx: &mut Context, absorbed: &str, kept: &str) -> Result {
    let [from, to] = [absorbed, kept].map(ban_key);
    cx.state().merge(&from, &to, |_, moved: Ban, there: Option<Ban>| {
        let Some(mut there) = there else { return Ok(moved) };
        there.signals.extend(moved.signals);
        Ok(there)
    })?;
    Ok(())
}

/// The ban stays by the customer's id; what says more of the person goes.
pub fn forget(cx: &mut Context, customer: &str) -> Result {
    let Some(ban) = of(cx, customer)? else { return Ok(()) };
    forget_signals(cx, &ban)?;
    let ban = Ban { reason: String::new(), signals: Vec::new(), ..ban };
    Ok(cx.state().set(&ban_key(customer), &ban)?)
}

fn forget_signals(cx: &mut Context, ban: &Ban) -> Result {
    for signal in &ban.signals {
        cx.state().delete(&signal_key(signal))?;
    }
    Ok(())
}

pub fn ban_key(customer: &str) -> String {
    key(&["ban", customer])
}

fn signal_key(signal: &Signal) -> String {
    key(&["banned", &signal.kind, &signal.key])
}
