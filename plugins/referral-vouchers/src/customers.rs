//! Customers who become one, and customers who are forgotten.

use regulars_sdk::{Context, Result, key};

use crate::{
    advocates, bans,
    claim::{self, Claim, Status, left},
    course, index, notes,
};

/// Claims that one delivery brings to an end: each leaves a note, and a delivery has room for so many.
const AT_ONCE: usize = 20;

pub fn merged(cx: &mut Context) -> Result {
    let Some(merge) = cx.merge() else { return Ok(cx.note("Nothing moved: the merge is not complete", &[])?) };
    let (absorbed, kept) = (merge.absorbed_id.as_str(), merge.kept_id.as_str());
    advocates::merge(cx, absorbed, kept)?;
    bans::merge(cx, absorbed, kept)?;
    index::merge(cx, absorbed, kept)?;
    let [from, to] = [absorbed, kept].map(|id| key(&["month", id, ""]));
    cx.state().merge(&from, &to, |_, moved: u32, there: Option<u32>| Ok(moved + there.unwrap_or(0)))?;
    cx.note(
        "Two customers became one; their links, codes and referrals are joined",
        &[("from", absorbed), ("to", kept)],
    )?;
    let mut own = claims_of(cx, kept)?;
    own.retain(|it| it.friend.as_ref().is_some_and(|friend| left(cx, friend) == left(cx, &it.advocate)));
    // What is left over is found out when its hold ends.
    for claim in own.into_iter().filter(|it| !it.is_void()).take(AT_ONCE) {
        match claim.status {
            Status::Paid => {
                notes::about(
                    cx,
                    "Advocate and friend became one after the reward was paid: it stays paid",
                    &claim,
                    &[],
                )?;
            }
            _ => course::proceed(cx, claim)?,
        }
    }
    Ok(())
}

pub fn redacted(cx: &mut Context) -> Result {
    let Some(customer) = cx.customer().map(|it| it.id) else {
        return Ok(cx.note("Nothing forgotten: the customer is not known", &[])?);
    };
    cx.state().set(&gone_key(&customer), &true)?;
    let (mut forgotten, mut ended) = (0, 0);
    for mut claim in claims_of(cx, &customer)? {
        if claim.friend.as_ref().is_some_and(|it| left(cx, it) == customer) {
            forget_buyer(cx, &mut claim)?;
            forgotten += 1;
        }
        if ended < AT_ONCE && claim.is_open() && left(cx, &claim.advocate) == customer {
            course::proceed(cx, claim)?;
            ended += 1;
        }
    }
    let had_link = advocates::forget(cx, &customer)?;
    bans::forget(cx, &customer)?;
    let fields = [("referrals", forgotten.to_string()), ("link", if had_link { "ended" } else { "none" }.to_owned())];
    let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
    Ok(cx.note("What could lead to the customer is forgotten; sums and verdicts stay", &fields)?)
}

/// Whether a customer has been forgotten, and can be paid nothing any more.
pub fn is_gone(cx: &mut Context, customer: &str) -> Result<bool> {
    Ok(cx.state().get::<bool>(&gone_key(customer))?.is_some())
}

fn gone_key(customer: &str) -> String {
    key(&["gone", customer])
}

/// What the claim found stays, what it was found by goes.
fn forget_buyer(cx: &mut Context, claim: &mut Claim) -> Result {
    index::forget(cx, claim)?;
    claim.signals.clear();
    claim.forgotten = true;
    claim::set(cx, claim)
}

/// The claims that name a customer as advocate or friend.
fn claims_of(cx: &mut Context, customer: &str) -> Result<Vec<Claim>> {
    let mut orders = Vec::new();
    for kind in ["advocate", "friend"] {
        orders.extend(index::entries(cx, kind, customer)?.into_iter().map(|it| it.order));
    }
    orders.sort_unstable();
    orders.dedup();
    let mut claims = Vec::new();
    for order in orders {
        claims.extend(claim::get(cx, &order)?);
    }
    Ok(claims)
}
