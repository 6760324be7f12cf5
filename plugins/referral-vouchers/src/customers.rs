//! Customers who become one, and customers who are forgotten.
//!
//! Somebody may have many claims, and a delivery has fuel for few: each claim that is concerned is looked at by a timer of
//! its own, due at once.

use std::collections::BTreeSet;

use regulars_sdk::{Context, Result, key};

use crate::{
    advocates, bans,
    claim::{Claim, left},
    course, index,
};

pub fn merged(cx: &mut Context) -> Result {
    let Some(merge) = cx.merge() else { return Ok(cx.note("Nothing moved: the merge is not complete", &[])?) };
    let (absorbed, kept) = (merge.absorbed_id.as_str(), merge.kept_id.as_str());
    advocates::merge(cx, absorbed, kept)?;
    bans::merge(cx, absorbed, kept)?;
    index::merge(cx, absorbed, kept)?;
    let [from, to] = [absorbed, kept].map(|id| key(&["month", id, ""]));
    cx.state().merge(&from, &to, |_, moved: u32, there: Option<u32>| Ok(moved + there.unwrap_or(0)))?;
    let [invited, bought] = [orders(cx, "advocate", kept)?, orders(cx, "friend", kept)?];
    let own: BTreeSet<_> = invited.intersection(&bought).collect();
    for order in &own {
        course::look_again(cx, order, cx.now())?;
    }
    let count = own.len().to_string();
    let fields = [("from", absorbed), ("to", kept), ("referrals of themselves", &count)];
    Ok(cx.note("Two customers became one; their links, codes and referrals are joined", &fields)?)
}

pub fn redacted(cx: &mut Context) -> Result {
    let Some(customer) = cx.customer().map(|it| it.id) else {
        return Ok(cx.note("Nothing forgotten: the customer is not known", &[])?);
    };
    cx.state().set(&gone_key(&customer), &true)?;
    let had_link = advocates::forget(cx, &customer)?;
    bans::forget(cx, &customer)?;
    let [invited, bought] = [orders(cx, "advocate", &customer)?, orders(cx, "friend", &customer)?];
    let concerned: BTreeSet<_> = invited.union(&bought).collect();
    for order in &concerned {
        course::look_again(cx, order, cx.now())?;
    }
    let count = concerned.len().to_string();
    let fields = [("link", if had_link { "ended" } else { "none" }), ("referrals", &count)];
    Ok(cx.note("What could lead to the customer is forgotten; sums and verdicts stay", &fields)?)
}

/// Whether a customer has been forgotten, and can be paid nothing any more.
pub fn is_gone(cx: &mut Context, customer: &str) -> Result<bool> {
    Ok(cx.state().get::<bool>(&gone_key(customer))?.is_some())
}

/// Takes out of a claim what leads to a buyer or an advocate who is forgotten. What was found stays, what it was found by and
/// what the merchant wrote goes.
pub fn forget_people(cx: &mut Context, claim: &mut Claim) -> Result {
    let advocate = left(cx, &claim.advocate);
    if is_gone(cx, &advocate)? {
        forget_words(claim);
    }
    let buyer = claim.friend.as_ref().map(|it| left(cx, it));
    if let Some(buyer) = buyer.filter(|_| !claim.forgotten)
        && is_gone(cx, &buyer)?
    {
        index::forget(cx, claim)?;
        claim.signals.clear();
        forget_words(claim);
        claim.forgotten = true;
    }
    Ok(())
}

fn forget_words(claim: &mut Claim) {
    if let Some(decision) = &mut claim.decision {
        decision.reason.clear();
    }
}

/// The orders that are listed for a customer.
fn orders(cx: &mut Context, kind: &str, customer: &str) -> Result<BTreeSet<String>> {
    Ok(index::entries(cx, kind, customer)?.into_iter().map(|it| it.order).collect())
}

fn gone_key(customer: &str) -> String {
    key(&["gone", customer])
}
