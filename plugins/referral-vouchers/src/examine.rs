//! Everything that speaks against a claim, from what is known now.

use regulars_sdk::{Context, Order, Result};

use crate::{
    advocates::{self, is_bought},
    attribution::{self, LinkStanding},
    checks::{Check, Finding, Weight},
    claim::{self, Claim, Dispute, Status, Via, left, month_of, paid_in_month},
    customers, index, net,
    people::{self, Pair},
    settings::Settings,
};

/// Learns what the order shows of its buyer, lists the claim by it, and looks at everything anew.
pub fn examine(cx: &mut Context, settings: &Settings, claim: &mut Claim) -> Result {
    let order = cx.order_by_id(&claim.order);
    if claim.friend.is_none() {
        claim.friend = order.as_ref().and_then(|it| it.customer_id.clone());
    }
    let pair = Pair { advocate: left(cx, &claim.advocate), friend: claim.friend.as_ref().map(|id| left(cx, id)) };
    if !claim.forgotten {
        learn(cx, claim, &pair);
    }
    index::add(cx, claim, &pair.advocate, pair.friend.as_deref())?;

    let mut findings = Vec::new();
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
    claim.findings = findings;
    Ok(())
}

/// Merchants choose which flags are raised; two are not theirs to choose.
fn is_wanted(settings: &Settings, check: Check) -> bool {
    check.weight() != Weight::Flag
        || matches!(check, Check::Unchecked | Check::Disputed)
        || settings.flag_checks.contains(&check)
}

fn learn(cx: &Context, claim: &mut Claim, pair: &Pair) {
    let of_friend = pair.friend.as_ref().map(|id| cx.customer_signals(id)).unwrap_or_default();
    for signal in cx.order_signals(&claim.order).into_iter().chain(of_friend) {
        if !claim.signals.contains(&signal) {
            claim.signals.push(signal);
        }
    }
}

fn of_order(cx: &Context, claim: &Claim, order: &Order) -> Vec<Finding> {
    let mut findings = Vec::new();
    if order.cancelled_at.is_some() {
        findings.push(Finding::new(Check::Cancelled, "The order was cancelled"));
    }
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
    if cx.customer_by_id(&pair.advocate).is_none() || customers::is_gone(cx, &pair.advocate)? {
        findings.push(Finding::new(Check::AdvocateGone, "The advocate is not known any more"));
    }
    match &pair.friend {
        None => findings.push(Finding::new(Check::UnknownBuyer, "The order names no customer and no e-mail address")),
        Some(friend) if *friend == pair.advocate => {
            findings.push(Finding::new(Check::SameCustomer, "The order is the advocate's own"));
        }
        Some(_) => {}
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

/// Other claims of the same friend, and of the advocate as somebody's friend.
fn of_others(cx: &mut Context, claim: &Claim, pair: &Pair) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let (mut paid, mut earlier) = (None, None);
    for other in of_friend(cx, claim, pair)? {
        if other.status == Status::Paid {
            paid = Some(other);
        } else if !other.is_void() && other.precedes(claim.placed_at, &claim.order) {
            earlier = Some(other);
        }
    }
    if let Some(paid) = paid {
        let evidence = ["A reward was given for the friend's order ", &paid.name].concat();
        findings.push(Finding::new(Check::FriendPaid, evidence));
    } else if let Some(earlier) = earlier {
        let evidence = ["The friend's earlier order ", &earlier.name, " was referred"].concat();
        findings.push(Finding::new(Check::AlreadyReferred, evidence));
    }
    if let Some(friend) = &pair.friend {
        for entry in index::entries(cx, "friend", &pair.advocate)? {
            let Some(other) = claim::get(cx, &entry.order)? else { continue };
            if !other.is_void() && other.precedes(claim.placed_at, &claim.order) && left(cx, &other.advocate) == *friend
            {
                let evidence = ["The friend had referred the advocate, with order ", &other.name].concat();
                findings.push(Finding::new(Check::EachOther, evidence));
                break;
            }
        }
    }
    Ok(findings)
}

/// Claims of other orders of the same person, by customer, e-mail address or phone number.
fn of_friend(cx: &mut Context, claim: &Claim, pair: &Pair) -> Result<Vec<Claim>> {
    let mut entries = Vec::new();
    if let Some(friend) = &pair.friend {
        entries.extend(index::entries(cx, "friend", friend)?);
    }
    for kind in ["email", "phone"] {
        for key in claim.keys(kind) {
            entries.extend(index::entries(cx, kind, key)?);
        }
    }
    entries.retain(|it| it.order != claim.order);
    entries.sort_unstable();
    entries.dedup_by(|one, other| one.order == other.order);
    let mut claims = Vec::new();
    for entry in entries {
        claims.extend(claim::get(cx, &entry.order)?);
    }
    Ok(claims)
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
    let is_near = |it: &index::Entry| {
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
