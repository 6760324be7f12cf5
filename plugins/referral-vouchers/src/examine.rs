//! Everything that speaks against a claim, from what is known now.

use regulars_sdk::{Context, Order, Result};

use crate::{
    advocates::{self, is_bought},
    attribution::{self, LinkStanding},
    checks::{Check, Finding, Weight},
    claim::{self, Claim, Dispute, Via, left, month_of, paid_in_month},
    course, customers,
    index::{self, Entry, READ},
    net,
    people::{self, Pair},
    settings::Settings,
};

/// Learns what the order shows of its buyer, lists the claim by it, and looks at everything anew: at what no later fact can
/// change first, and only at that where there is any.
pub fn examine(cx: &mut Context, settings: &Settings, claim: &mut Claim) -> Result {
    let order = cx.order_by_id(&claim.order);
    let is_known = claim.friend.is_some();
    if !is_known {
        claim.friend = order.as_ref().and_then(|it| it.customer_id.clone());
    }
    let pair = Pair { advocate: left(cx, &claim.advocate), friend: claim.friend.as_ref().map(|id| left(cx, id)) };
    let has_learnt = !claim.forgotten && learn(cx, claim, &pair);
    if has_learnt || !claim.is_listed || is_known != claim.friend.is_some() {
        let later = index::add(cx, claim, &pair.advocate, pair.friend.as_deref())?;
        claim.is_listed = true;
        // Flags of theirs may count this claim: the merchant is asked now and not when their hold ends, so that the
        // time to answer is the same whichever order was known first. A delivery sets a bounded number of timers.
        for entry in later.iter().take(index::LENGTH) {
            course::look_again(cx, &entry.order, cx.now())?;
        }
    }

    let mut findings = finally(cx, order.as_ref(), &pair)?;
    if findings.is_empty() {
        match &order {
            None => findings.push(Finding::new(Check::OrderGone, "The order is not known any more")),
            Some(order) => {
                findings.extend(of_order(cx, claim, order));
                findings.extend(if claim.forgotten {
                    claim.findings.iter().filter(|it| it.check.is_personal()).cloned().collect()
                } else {
                    people::compare(cx, settings, claim, order, &pair)?
                });
            }
        }
        findings.extend(of_pair(cx, settings, claim, &pair)?);
        findings.extend(of_others(cx, claim, &pair)?);
        findings.extend(of_rate(cx, settings, claim, &pair)?);
        findings.retain(|it| is_wanted(settings, it.check));
    }
    claim.findings = findings;
    Ok(())
}

/// Merchants choose which flags are raised; two are not theirs to choose.
fn is_wanted(settings: &Settings, check: Check) -> bool {
    check.weight() != Weight::Flag
        || matches!(check, Check::Unchecked | Check::Disputed)
        || settings.flag_checks.contains(&check)
}

/// Whether there was something new.
fn learn(cx: &Context, claim: &mut Claim, pair: &Pair) -> bool {
    let before = claim.signals.len();
    let of_friend = pair.friend.as_ref().map(|id| cx.customer_signals(id)).unwrap_or_default();
    for signal in cx.order_signals(&claim.order).into_iter().chain(of_friend) {
        if !claim.signals.contains(&signal) {
            claim.signals.push(signal);
        }
    }
    claim.signals.len() > before
}

/// What ends a claim for good.
fn finally(cx: &mut Context, order: Option<&Order>, pair: &Pair) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    if order.is_some_and(|it| it.cancelled_at.is_some()) {
        findings.push(Finding::new(Check::Cancelled, "The order was cancelled"));
    }
    if cx.customer_by_id(&pair.advocate).is_none() || customers::is_gone(cx, &pair.advocate)? {
        findings.push(Finding::new(Check::AdvocateGone, "The advocate is not known any more"));
    }
    if pair.friend.as_ref() == Some(&pair.advocate) {
        findings.push(Finding::new(Check::SameCustomer, "The order is the advocate's own"));
    }
    Ok(findings)
}

fn of_order(cx: &Context, claim: &Claim, order: &Order) -> Vec<Finding> {
    let mut findings = Vec::new();
    let net = regulars_sdk::Money::new(net::of(order, &cx.refunds_of(&order.id)), claim.terms.min_order.currency);
    if net.minor < claim.terms.min_order.minor {
        let evidence =
            ["Left of the order: ", &net.to_string(), "; the minimum is ", &claim.terms.min_order.to_string()];
        findings.push(Finding::new(Check::BelowMinimum, evidence.concat()));
    }
    let any = |state| claim.disputes.values().any(|it| *it == state);
    if any(Dispute::Lost) {
        findings.push(Finding::new(Check::DisputeLost, "The buyer's bank has taken the payment back"));
    } else if any(Dispute::Open) {
        findings.push(Finding::new(Check::Disputed, "The buyer's bank questions the payment"));
    }
    findings
}

fn of_pair(cx: &mut Context, settings: &Settings, claim: &Claim, pair: &Pair) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    if pair.friend.is_none() {
        findings.push(Finding::new(Check::UnknownBuyer, "The order names no customer and no e-mail address"));
    }
    findings.extend(people::barred(cx, claim, pair)?);
    if settings.advocate_must_have_order && !has_order(cx, &pair.advocate)? {
        findings.push(Finding::new(Check::AdvocateWithoutOrder, "The advocate has no order that was kept"));
    }
    if let Via::Link(link) = &claim.via {
        let days = settings.attribution_days;
        if attribution::standing_of_link(cx, link, claim.placed_at, claim.paid_at, days)? == LinkStanding::Old {
            let evidence = ["The link was last followed more than ", &days.to_string(), " days before"];
            findings.push(Finding::new(Check::LinkExpired, evidence.concat()));
        }
    }
    Ok(findings)
}

/// Whether the advocate has an order that was not cancelled. The one that is remembered is looked at first.
fn has_order(cx: &mut Context, advocate: &str) -> Result<bool> {
    let remembered = advocates::get(cx, advocate)?.and_then(|it| it.bought);
    let is_kept = remembered.and_then(|id| cx.order_by_id(&id)).is_some_and(|it| is_bought(&it));
    Ok(is_kept || cx.orders_of(advocate).any(|it| is_bought(&it)))
}

/// Other claims of the same friend, and of the advocate as the friend's.
fn of_others(cx: &mut Context, claim: &Claim, pair: &Pair) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let mut earlier = Vec::new();
    let mut rewarded = None;
    for (kind, of) in index::of_person(claim, pair.friend.as_deref()) {
        rewarded = rewarded.or(index::rewarded(cx, kind, of)?.filter(|order| *order != claim.order));
        earlier.extend(index::earlier(cx, kind, of, claim)?);
    }
    if let Some(rewarded) = rewarded {
        let name = claim::get(cx, &rewarded)?.map_or(rewarded, |it| it.name);
        let evidence = ["A reward was given for the friend's order ", &name].concat();
        findings.push(Finding::new(Check::FriendPaid, evidence));
    } else if let Some(other) = first_alive(cx, earlier, |_, _| true)? {
        let evidence = ["The friend's earlier order ", &other.name, " was referred"].concat();
        findings.push(Finding::new(Check::AlreadyReferred, evidence));
    }
    if let Some(friend) = &pair.friend {
        let bought = index::earlier(cx, "friend", &pair.advocate, claim)?;
        let by_friend = |cx: &mut Context, other: &Claim| left(cx, &other.advocate) == *friend;
        if let Some(other) = first_alive(cx, bought, by_friend)? {
            let evidence = ["The friend had referred the advocate, with order ", &other.name].concat();
            findings.push(Finding::new(Check::EachOther, evidence));
        }
    }
    Ok(findings)
}

/// The first of these claims that is not void and of which this holds. A few are looked at: whoever has more void claims
/// than that has earlier orders as well.
fn first_alive(
    cx: &mut Context,
    mut entries: Vec<Entry>,
    holds: impl Fn(&mut Context, &Claim) -> bool,
) -> Result<Option<Claim>> {
    entries.sort_unstable();
    entries.dedup_by(|one, other| one.order == other.order);
    for entry in entries.iter().take(READ) {
        let Some(claim) = claim::get(cx, &entry.order)? else { continue };
        if !claim.is_void() && holds(cx, &claim) {
            return Ok(Some(claim));
        }
    }
    Ok(None)
}

/// How many the advocate brings, and how fast.
fn of_rate(cx: &mut Context, settings: &Settings, claim: &Claim, pair: &Pair) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let month = month_of(cx, claim.placed_at);
    let paid = paid_in_month(cx, &pair.advocate, &month)?;
    if settings.advocate_monthly_cap > 0 && paid >= settings.advocate_monthly_cap {
        let evidence = ["Rewards for orders of ", &month, ": ", &paid.to_string()].concat();
        findings.push(Finding::new(Check::MonthlyCap, evidence));
    }
    let is_near = |it: &Entry| {
        it.placed_at.plus_days(settings.burst_days.into()) > claim.placed_at
            && (it.placed_at, &it.order) <= (claim.placed_at, &claim.order)
    };
    let near = index::entries(cx, "advocate", &pair.advocate)?.iter().filter(|it| is_near(it)).count();
    if near > settings.burst_referrals as usize {
        let evidence = ["Referrals in ", &settings.burst_days.to_string(), " days: ", &near.to_string()].concat();
        findings.push(Finding::new(Check::Burst, evidence));
    }
    Ok(findings)
}
