//! The shopper's action `redeem`.

use regulars_sdk::{
    Action, Benefit, Context, Currency, EffectId, Event, Failure, Mail, Money, MoneyError, NewDiscount, Purpose,
    Refusal, Result, Timestamp,
};
use serde::Deserialize;

use super::{Redemption, set_redemption};
use crate::{
    account::{Account, LiveCode},
    expiry,
    input::Written,
    ledger::{self, Book, Entry, Kind},
    notes::{note, outcome},
    settings::{Reward, RewardKind, Settings},
};

/// The input of the action: the reward's short name and, of a sliding one, how many points. Forms send numbers as text.
#[derive(Deserialize)]
struct Redeem {
    reward: String,
    #[serde(default)]
    points: Option<Written>,
}

pub fn action(event: &Event, cx: &mut Context, settings: &Settings, book: &mut Book, action: &Action) -> Result {
    let Ok(Redeem { reward: wanted, points }) = action.input() else {
        return note(cx, "Nothing redeemed: the request names no reward", &[], 0, Some(&book.account));
    };
    let Some(reward) = settings.reward(&wanted) else {
        return note(cx, "Nothing redeemed: there is no such reward", &[], 0, Some(&book.account));
    };
    let Some(cost) = cost(reward, points.as_ref()) else {
        let fields = [("reward", reward.id.as_str()), ("step", &reward.cost.to_string())];
        return note(
            cx,
            "Nothing redeemed: the reward takes no such number of points",
            &fields,
            0,
            Some(&book.account),
        );
    };
    let cost_text = cost.to_string();
    let fields = [("reward", reward.id.as_str()), ("cost", &cost_text)];
    if book.account.available() < i64::from(cost) {
        return note(cx, "Nothing redeemed: not enough points", &fields, 0, Some(&book.account));
    }
    if live_codes(cx, &book.account, reward) >= reward.max_live_codes as usize {
        return note(cx, "Nothing redeemed: an earlier code is still to be used", &fields, 0, Some(&book.account));
    }
    redeem(event, cx, settings, book, reward, cost)
}

/// How many points the reward takes; `None` where it does not take as many as are offered.
fn cost(reward: &Reward, offered: Option<&Written>) -> Option<u32> {
    if reward.kind != RewardKind::Sliding {
        return Some(reward.cost);
    }
    let points = offered?.number::<u32>()?;
    let most = if reward.max_points == 0 { u32::MAX } else { reward.max_points };
    let whole_steps = points > 0 && points.is_multiple_of(reward.cost);
    (whole_steps && (reward.min_points..=most).contains(&points)).then_some(points)
}

/// How many codes of a reward the customer could use now.
pub fn live_codes(cx: &Context, account: &Account, reward: &Reward) -> usize {
    let is_open = |code: &&LiveCode| {
        let standing = cx.code_standing(&code.effect);
        code.reward == reward.id && standing.is_some_and(|it| it.is_open() && it.used == 0)
    };
    account.codes.iter().filter(is_open).count()
}

/// What has been queued for the points.
struct Given {
    effect: EffectId,
    code: Option<String>,
    /// When a code ends.
    ends_at: Option<Timestamp>,
    /// As shoppers read it.
    value: String,
}

fn redeem(event: &Event, cx: &mut Context, settings: &Settings, book: &mut Book, reward: &Reward, cost: u32) -> Result {
    let given = match give(cx, settings, &book.customer, reward, cost)? {
        Ok(given) => given,
        Err(refusal) => {
            let because = refusal.to_string();
            let fields = [("reward", reward.id.as_str()), ("because", &because)];
            return note(cx, "Nothing redeemed: the reward cannot be given", &fields, 0, Some(&book.account));
        }
    };
    if super::redemption(cx, &given.effect)?.is_some() {
        return note(cx, "Redeemed before", &[("reward", &reward.id)], 0, Some(&book.account));
    }
    let points = i64::from(cost);
    let expires_at = book.account.spend(points);
    book.account.touch(cx.now(), settings.inactivity_days());
    ledger::append(event, cx, book, Entry::new(Kind::Redeem, -points).about(&reward.id))?;
    let redemption = Redemption {
        customer: book.customer.clone(),
        entry: book.account.entries,
        reward: reward.id.clone(),
        kind: reward.kind,
        cost: points,
        expires_at,
        returnable: reward.return_points_if_unused && given.ends_at.is_some(),
        void: false,
        order: None,
        returned: 0,
    };
    set_redemption(cx, &given.effect, &redemption)?;
    if let Some(ends_at) = given.ends_at {
        let (effect, reward) = (given.effect.clone(), reward.id.clone());
        book.account.codes.push(LiveCode { effect, reward, ends_at, returning: None });
    }
    let ends_on = given.ends_at.map(|at| expiry::last_day(cx, at).to_string()).unwrap_or_default();
    let mail = Mail::new(&book.customer, "reward", Purpose::Transactional)
        .var("reward", &reward.title)
        .var("kind", word(reward.kind))
        .var("value", &given.value)
        .var("reward_code", given.code.unwrap_or_default())
        .var("ends_on", ends_on)
        .var("points", points.to_string())
        .var("balance", book.account.available().to_string())
        .after(&given.effect);
    let mailed = outcome(cx.send_mail(mail))?;
    let fields = [("reward", reward.id.as_str()), ("value", &given.value), ("mail", mailed)];
    note(cx, "Points redeemed", &fields, -points, Some(&book.account))
}

/// Queues what the points are redeemed for. The inner error is the merchant's: what is not granted, or past a budget.
fn give(
    cx: &mut Context,
    settings: &Settings,
    customer: &str,
    reward: &Reward,
    cost: u32,
) -> Result<Result<Given, Refusal>> {
    let benefit = match worth(settings, reward, cost, cx.store().currency) {
        Ok(benefit) => benefit,
        Err(error) => {
            return Err(Failure::reject(["the value of reward `", &reward.id, "`: ", &error.to_string()].concat()));
        }
    };
    let value = match benefit {
        Benefit::Amount(money) => money.to_string(),
        Benefit::BasisPoints(share) => percent(share),
        _ => String::new(),
    };
    let given = match (reward.kind, benefit) {
        (RewardKind::StoreCredit, Benefit::Amount(money)) => {
            cx.credit(customer, money, None).map(|effect| (effect, None))
        }
        (RewardKind::GiftCard, Benefit::Amount(money)) => {
            cx.create_gift_card(customer, money, None).map(|issued| (issued.effect, Some(issued.code)))
        }
        _ => {
            let ends_at = cx.now().plus_days(reward.code_valid_days.into());
            let code = discount(cx, settings, customer, reward, benefit)?.ends_at(ends_at);
            return Ok(cx.create_discount(code).map(|issued| Given {
                effect: issued.effect,
                code: Some(issued.code),
                ends_at: Some(ends_at),
                value,
            }));
        }
    };
    Ok(given.map(|(effect, code)| Given { effect, code, ends_at: None, value }))
}

fn discount(
    cx: &Context,
    settings: &Settings,
    customer: &str,
    reward: &Reward,
    benefit: Benefit,
) -> Result<NewDiscount> {
    let mut code = NewDiscount::new(customer, &settings.code_prefix, benefit)
        .collections(reward.collections.clone())
        .products(reward.products.clone());
    if !reward.min_cart.is_empty() {
        let least = Money::parse(&reward.min_cart, cx.store().currency).map_err(|error| {
            Failure::reject(["the smallest order of reward `", &reward.id, "`: ", &error.to_string()].concat())
        })?;
        code = code.minimum_subtotal(least);
    }
    Ok(if reward.combinable { code.combines() } else { code })
}

/// What `cost` points of a reward are worth.
pub fn worth(settings: &Settings, reward: &Reward, cost: u32, currency: Currency) -> Result<Benefit, MoneyError> {
    Ok(match reward.kind {
        RewardKind::Fixed | RewardKind::StoreCredit | RewardKind::GiftCard => {
            Benefit::Amount(Money::parse(&reward.value, currency)?)
        }
        RewardKind::Sliding if reward.value.is_empty() => {
            let hundred = Money::parse(&settings.point_value, currency)?;
            let minor = i128::from(hundred.minor) * i128::from(cost) / 100;
            Benefit::Amount(Money::new(i64::try_from(minor).map_err(|_| MoneyError::Overflow)?, currency))
        }
        RewardKind::Sliding => {
            let steps = cost.checked_div(reward.cost).unwrap_or_default();
            Benefit::Amount(Money::parse(&reward.value, currency)?.times(steps)?)
        }
        // A percentage has two decimals, as the euro does.
        RewardKind::Percent => {
            let share = Money::parse(&reward.value, "EUR".parse()?)?.minor;
            Benefit::BasisPoints(u32::try_from(share).map_err(|_| MoneyError::Overflow)?)
        }
        RewardKind::FreeShipping => Benefit::FreeShipping,
        RewardKind::FreeProduct => Benefit::FreeProduct,
    })
}

/// `12.5%` of 1250 hundredths of a percent.
pub fn percent(basis_points: u32) -> String {
    let (whole, rest) = (basis_points / 100, basis_points % 100);
    let mut text = whole.to_string();
    if rest > 0 {
        text.push('.');
        text.push_str(&[rest / 10, rest % 10].map(|digit| digit.to_string()).concat());
        text.truncate(text.trim_end_matches('0').len());
    }
    text.push('%');
    text
}

/// The kind as mails are told it.
fn word(kind: RewardKind) -> &'static str {
    match kind {
        RewardKind::Fixed | RewardKind::Sliding => "amount",
        RewardKind::Percent => "percent",
        RewardKind::FreeShipping => "free_shipping",
        RewardKind::FreeProduct => "free_product",
        RewardKind::StoreCredit => "store_credit",
        RewardKind::GiftCard => "gift_card",
    }
}
