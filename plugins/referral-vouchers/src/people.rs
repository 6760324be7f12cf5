//! Whether the buyer is the advocate, or somebody who was there before: comparing two persons without knowing who they
//! are.

use regulars_sdk::{Context, Order, Result, Signal};

use crate::{
    advocates::{self, is_bought},
    attribution::{self, LinkStanding},
    bans,
    checks::{Check, Finding},
    claim::{self, Claim, Via},
    index::{self, READ},
    settings::Settings,
};

/// Earlier orders that are looked at one by one: more than that make a customer, cancelled or not.
const EARLIER_READ: u32 = 10;

/// Who a claim is about, after merges.
pub struct Pair {
    pub advocate: String,
    pub friend: Option<String>,
}

/// What speaks against the buyer being somebody new whom the advocate has brought.
pub fn compare(
    cx: &mut Context,
    settings: &Settings,
    claim: &Claim,
    order: &Order,
    pair: &Pair,
) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let mut found = |check, evidence: String| findings.push(Finding::new(check, evidence));
    let known = advocates::get(cx, &pair.advocate)?;
    let of_advocate = cx.customer_signals(&pair.advocate);
    let own = known.as_ref().map(|it| it.signals.as_slice()).unwrap_or_default();
    let shares = |kind: &str, with: &[Signal]| {
        with.iter().any(|it| it.kind == kind && claim.keys(kind).any(|key| key == it.key))
    };

    if shares("email", &of_advocate) {
        found(Check::SameEmail, "The order's e-mail address is the advocate's, dots, plus part and case aside".into());
    }
    if shares("phone", &of_advocate) {
        found(Check::SamePhone, "The order's phone number is the advocate's".into());
    }
    let earlier = earlier_orders(cx, order, pair);
    if earlier > 0 {
        let evidence = ["Earlier orders by customer, e-mail address or phone number: ", &earlier.to_string()];
        found(Check::EarlierOrder, evidence.concat());
    }
    for (who, id) in [("advocate", Some(&pair.advocate)), ("friend", pair.friend.as_ref())] {
        let customer = id.and_then(|id| cx.customer_by_id(id));
        if let Some(tag) = customer.as_ref().and_then(|it| settings.excluded_tag(it)) {
            found(Check::ExcludedTag, ["The ", who, " has the tag `", tag, "`"].concat());
        }
    }
    if claim.signals.is_empty() {
        found(Check::Unchecked, "Nothing is known of the buyer by which persons could be compared".into());
    }
    if shares("ip-agent", own) {
        let evidence = "The order came from an internet address and a browser that the advocate ordered with";
        found(Check::SameIpAgent, evidence.into());
    }
    if shares("device", own) {
        found(Check::SameDevice, "The order came from a device that the advocate ordered with".into());
    }
    if shares("address", own) {
        found(Check::SameAddress, "The order is shipped to an address that the advocate has ordered to".into());
    }
    if let Some(alike) = pair.friend.as_ref().and_then(|friend| cx.compare(&pair.advocate, friend))
        && alike.name.max(alike.email) >= settings.similarity_percent * 10
    {
        let [name, email] = [alike.name, alike.email].map(|it| (it / 10).to_string());
        found(Check::Similar, ["Alike in percent: name ", &name, ", e-mail address ", &email].concat());
    }
    if claim.keys("disposable-email").next().is_some() {
        found(Check::DisposableEmail, "The e-mail address is one that anybody can have for minutes".into());
    }
    findings.extend(crowd(cx, settings, claim)?);
    findings.extend(household(cx, settings, claim)?);
    findings.extend(visit(cx, settings, claim, known.as_ref())?);
    Ok(findings)
}

/// Earlier orders of the buyer. Those that were cancelled make nobody a customer.
fn earlier_orders(cx: &Context, order: &Order, pair: &Pair) -> u32 {
    let before = cx.orders_before(&order.id);
    let (1..=EARLIER_READ, Some(friend)) = (before, &pair.friend) else { return before };
    let is_earlier = |it: &Order| (it.placed_at, &it.id) < (order.placed_at, &order.id);
    let earlier = cx.orders_of(friend).take(EARLIER_READ as usize + 1).filter(|it| !it.test && is_earlier(it));
    let cancelled = earlier.filter(|it| !is_bought(it)).count();
    before.saturating_sub(u32::try_from(cancelled).unwrap_or(u32::MAX))
}

/// Whether too many of those who were referred buy at the buyer's internet address.
fn crowd(cx: &mut Context, settings: &Settings, claim: &Claim) -> Result<Option<Finding>> {
    let days = settings.ip_days;
    let mut crowd = 0;
    for key in claim.keys("ip") {
        let mut near = index::entries(cx, "ip", key)?;
        near.retain(|it| it.placed_at.plus_days(days.into()) > claim.placed_at && it.placed_at <= claim.placed_at);
        let mut buyers: Vec<_> = near.into_iter().map(|it| it.buyer.unwrap_or(it.order)).collect();
        buyers.sort_unstable();
        buyers.dedup();
        crowd = crowd.max(buyers.len());
    }
    Ok((crowd > settings.ip_buyers as usize).then(|| {
        let evidence =
            ["Referred buyers at one internet address in ", &days.to_string(), " days: ", &crowd.to_string()];
        Finding::new(Check::ManyBuyers, evidence.concat())
    }))
}

/// Whether as many as may be were referred at the same shipping address before.
fn household(cx: &mut Context, settings: &Settings, claim: &Claim) -> Result<Option<Finding>> {
    let mut before = 0;
    for key in claim.keys("address") {
        for entry in index::earlier(cx, "address", key, claim)?.iter().rev().take(READ) {
            if before < settings.household_cap && claim::get(cx, &entry.order)?.is_some_and(|it| !it.is_void()) {
                before += 1;
            }
        }
    }
    Ok((settings.household_cap > 0 && before >= settings.household_cap).then(|| {
        let evidence = ["Earlier referrals to the same shipping address: at least ", &before.to_string()];
        Finding::new(Check::Household, evidence.concat())
    }))
}

/// Whether the buyer was ever seen at the advocate's link.
fn visit(
    cx: &mut Context,
    settings: &Settings,
    claim: &Claim,
    advocate: Option<&advocates::Advocate>,
) -> Result<Option<Finding>> {
    let days = settings.attribution_days;
    match &claim.via {
        Via::Link(link) => {
            let unseen = || Finding::new(Check::NoVisit, "The order names the link, but no visit to it is known");
            let standing = attribution::standing_of_link(cx, link, claim.placed_at, claim.paid_at, days)?;
            Ok((standing == LinkStanding::Unseen).then(unseen))
        }
        Via::Code(_) => {
            let links = advocate.into_iter().flat_map(|it| it.other_links.iter().chain([&it.link]));
            let links: Vec<_> = links.cloned().collect();
            let unseen =
                || Finding::new(Check::NoVisit, "The code was typed, and the buyer's browser never followed the link");
            Ok((!attribution::has_visited(cx, claim, &links, days)?).then(unseen))
        }
    }
}

/// Whether one of the two is barred.
pub fn barred(cx: &mut Context, claim: &Claim, pair: &Pair) -> Result<Option<Finding>> {
    if bans::of(cx, &pair.advocate)?.is_some() {
        return Ok(Some(Finding::new(Check::Banned, "The advocate is banned")));
    }
    if let Some(friend) = &pair.friend
        && bans::of(cx, friend)?.is_some()
    {
        return Ok(Some(Finding::new(Check::Banned, "The friend is banned")));
    }
    let signals = [claim.signals.as_slice(), &cx.customer_signals(&pair.advocate)].concat();
    let covered = bans::covers(cx, &signals)?;
    Ok(covered.then(|| Finding::new(Check::Banned, "An e-mail address or phone number of one of them is banned")))
}
