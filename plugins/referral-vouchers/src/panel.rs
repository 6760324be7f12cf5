//! What shoppers see: an advocate's own page, and the page that friends land on.
//!
//! A friend's page names nobody. An advocate's page has a kind word for every referral that does not count, and never
//! says that somebody is suspected of something.

use regulars_sdk::{
    Context, Result,
    language::Language,
    panel::{Block, Button, Row, View},
};

use crate::{
    advocates::{self, Advocate},
    bans,
    checks::Check,
    claim::{self, Because, Claim, Status, left, month_of, paid_in_month},
    course, index,
    settings::{Offer, RewardKind, Settings},
    texts::{Texts, fill},
    wording,
};

/// Referrals that the page shows, newest first.
const SHOWN: usize = 10;

pub fn render(view: &View, cx: &mut Context) -> Result<Vec<Block>> {
    let language = Language::of(&view.locale);
    let texts = Texts::of(language);
    match (view.kind.as_str(), &view.customer_id) {
        ("panel", Some(customer)) => own(cx, customer, language, texts),
        ("link", _) => match view.link.as_ref().and_then(|name| cx.customer_of_link(name)) {
            Some(advocate) => landing(cx, &advocate, language, texts),
            None => Ok(vec![Block::text(texts.closed)]),
        },
        _ => Ok(Vec::new()),
    }
}

fn own(cx: &mut Context, customer: &str, language: Language, texts: &Texts) -> Result<Vec<Block>> {
    let settings: Settings = cx.settings()?;
    let mut blocks = vec![Block::heading(texts.invite)];
    if !may_invite(cx, customer)? {
        blocks.push(Block::text(texts.not_available));
        return Ok(blocks);
    }
    let currency = cx.store().currency;
    let advocate = advocates::get(cx, customer)?;
    let code = advocate.as_ref().and_then(|it| it.code.as_ref());
    let offer = match code {
        Some(code) => code.offer,
        None => settings.offer(currency)?,
    };
    let terms = settings.terms(currency)?;
    let reward = fill(reward_text(terms.reward, texts), &[("amount", &language.money(terms.amount))]);
    let benefit = wording::benefit(language, offer.benefit);
    blocks.push(Block::text(fill(texts.deal, &[("benefit", &benefit), ("reward", &reward)])));
    let min_order = language.money(terms.min_order);
    if terms.min_order.minor > 0 {
        blocks.push(Block::text(fill(texts.conditions, &[("min", &min_order)])));
    }
    match advocate {
        Some(advocate) => blocks.extend(shared(cx, &settings, customer, &advocate, texts)?),
        None => blocks.push(
            Block::form("", Vec::new(), Button::new("share", texts.get_link))
                .explained(if settings.advocate_must_have_order { texts.after_first_order } else { "" }),
        ),
    }
    blocks.push(referrals(cx, customer, language, texts)?);
    Ok(blocks)
}

fn may_invite(cx: &mut Context, customer: &str) -> Result<bool> {
    let settings: Settings = cx.settings()?;
    let is_excluded = cx.customer_by_id(customer).is_some_and(|it| settings.excluded_tag(&it).is_some());
    Ok(!is_excluded && bans::of(cx, customer)?.is_none())
}

fn reward_text(kind: RewardKind, texts: &Texts) -> &'static str {
    match kind {
        RewardKind::StoreCredit => texts.as_credit,
        RewardKind::Code => texts.as_code,
    }
}

fn shared(
    cx: &mut Context,
    settings: &Settings,
    customer: &str,
    advocate: &Advocate,
    texts: &Texts,
) -> Result<Vec<Block>> {
    let mut blocks = vec![Block::link(texts.your_link, &advocate.url)];
    if let Some(code) = usable_code(cx, advocate) {
        blocks.push(Block::code(texts.your_code, code.0).explained(texts.code_hint));
    }
    let cap = settings.advocate_monthly_cap;
    if cap > 0 {
        let month = month_of(cx, cx.now());
        let paid = paid_in_month(cx, customer, &month)?;
        blocks.push(Block::progress(texts.this_month, u64::from(paid.min(cap)), u64::from(cap)));
    }
    Ok(blocks)
}

/// The code that friends can type, and what it gives them; none while there is none or it has ended.
fn usable_code(cx: &Context, advocate: &Advocate) -> Option<(String, Offer)> {
    let code = advocate.code.as_ref()?;
    cx.code_standing(&code.effect)?.is_open().then(|| (code.code.clone(), code.offer))
}

fn referrals(cx: &mut Context, customer: &str, language: Language, texts: &Texts) -> Result<Block> {
    let mut rows = Vec::new();
    for entry in index::entries(cx, "advocate", customer)?.iter().rev() {
        let Some(claim) = claim::get(cx, &entry.order)? else { continue };
        // An order of one's own is no friend's.
        if claim.found(Check::SameCustomer) || claim.friend.as_ref().is_some_and(|it| left(cx, it) == customer) {
            continue;
        }
        rows.push(row(cx, &claim, language, texts));
        if rows.len() == SHOWN {
            break;
        }
    }
    let is_empty = rows.is_empty();
    let block = Block::list(texts.friends, rows);
    Ok(if is_empty { block.explained(texts.nobody_yet) } else { block })
}

fn row(cx: &Context, claim: &Claim, language: Language, texts: &Texts) -> Row {
    let date = |instant| language.date(cx.date_of(instant));
    let reward = language.money(claim.terms.amount);
    let (value, detail) = match claim.status {
        Status::Held if claim.obstacle().is_some() => {
            (texts.not_counted, why_not(claim, claim.obstacle(), language, texts))
        }
        Status::Held => {
            let until = date(course::hold_ends_at(cx, claim));
            (texts.on_hold, fill(texts.on_hold_until, &[("reward", &reward), ("date", &until)]))
        }
        Status::Review | Status::Owed => (texts.on_hold, texts.being_looked_at.to_owned()),
        Status::Paid => {
            let payout = claim.payout.as_ref();
            let detail = match payout.and_then(|it| it.code.as_deref()) {
                Some(code) => fill(texts.paid_as_code, &[("amount", &reward), ("code", code)]),
                None => fill(texts.as_credit, &[("amount", &reward)]),
            };
            (texts.paid, detail)
        }
        Status::Void(Because::Check(check)) => (texts.not_counted, why_not(claim, Some(check), language, texts)),
        Status::Void(Because::Rejected | Because::Deadline) => {
            (texts.not_counted, why_not(claim, None, language, texts))
        }
    };
    Row::new(fill(texts.a_friend, &[("date", &date(claim.placed_at))]), value).detail(detail)
}

/// A kind word for what does not count.
fn why_not(claim: &Claim, check: Option<Check>, language: Language, texts: &Texts) -> String {
    match check {
        Some(Check::Cancelled | Check::OrderGone) => texts.cancelled.to_owned(),
        Some(Check::BelowMinimum) => fill(texts.below_minimum, &[("min", &language.money(claim.terms.min_order))]),
        Some(Check::EarlierOrder) => texts.not_new.to_owned(),
        Some(Check::AlreadyReferred | Check::FriendPaid | Check::EachOther) => texts.invited_before.to_owned(),
        Some(Check::MonthlyCap) => texts.month_is_full.to_owned(),
        Some(Check::LinkExpired) => texts.too_long_ago.to_owned(),
        _ => texts.conditions_not_met.to_owned(),
    }
}

fn landing(cx: &mut Context, customer: &str, language: Language, texts: &Texts) -> Result<Vec<Block>> {
    let open = match advocates::get(cx, customer)? {
        Some(advocate) if may_invite(cx, customer)? => usable_code(cx, &advocate),
        _ => None,
    };
    let Some((code, offer)) = open else { return Ok(vec![Block::text(texts.closed)]) };
    let benefit = wording::benefit(language, offer.benefit);
    let mut blocks = vec![
        Block::heading(fill(texts.from_a_friend, &[("benefit", &benefit)])),
        Block::text(fill(texts.a_friend_invites, &[("benefit", &benefit)])),
    ];
    if let Some(min) = offer.min_cart {
        blocks.push(Block::text(fill(texts.min_cart, &[("min", &language.money(min))])));
    }
    blocks.push(Block::code(texts.friends_code, code));
    let steps = [texts.step_basket, texts.step_code, texts.step_off];
    let rows = steps.iter().enumerate().map(|(at, text)| {
        let step = fill(text, &[("benefit", &benefit)]);
        Row::new([&(at + 1).to_string(), ". ", &step].concat(), "")
    });
    blocks.push(Block::list(texts.how, rows.collect()));
    Ok(blocks)
}
