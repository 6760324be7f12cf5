//! What shoppers see: balance, rewards to redeem, codes, history, and where they tell their birthday.

use regulars_sdk::{
    Benefit, Context, Result,
    language::fill,
    panel::{Block, Button, Field, Row, View},
};

use crate::{
    account::Account,
    expiry,
    ledger::{self, Entry, Kind, entry_key},
    mails::prospects,
    orders::record,
    rewards::{self, redeem},
    settings::{Reward, RewardKind, Settings},
    texts::Texts,
};

/// Entries shown.
const HISTORY: u64 = 20;

pub fn render(view: &View, cx: &mut Context) -> Result<Vec<Block>> {
    let Some(customer) = view.customer_id.as_deref().filter(|_| view.kind == "panel") else { return Ok(Vec::new()) };
    let settings: Settings = cx.settings()?;
    let texts = Texts::of(&view.locale);
    let mut account = ledger::load(cx, customer)?.account;
    // What is due is done at the next event; what is shown has it done.
    account.approve(cx.now());
    account.lapse(cx.now(), settings.inactivity_days());

    let mut blocks = vec![balance(cx, &settings, texts, &account)];
    blocks.extend(progress(&settings, texts, &account));
    blocks.extend(rewards(cx, &settings, texts, &account));
    blocks.extend(codes(cx, &settings, texts, &account)?);
    blocks.extend(birthday(&settings, texts, &account));
    blocks.extend(history(cx, texts, customer, account.entries)?);
    Ok(blocks)
}

fn balance(cx: &Context, settings: &Settings, texts: &Texts, account: &Account) -> Block {
    let day = |instant| texts.date(cx.date_of(instant));
    let last_day = |instant| texts.date(expiry::last_day(cx, instant));
    let mut told = Vec::new();
    if let Some(first) = account.pending.first() {
        told.push(fill(texts.pending, &[&texts.points(account.pending()), &day(first.until)]));
    }
    if let Some(lapse) = expiry::first_lapse(account, settings) {
        told.push(fill(texts.lapsing, &[&texts.points(lapse.points), &last_day(lapse.at)]));
    }
    if let Some(claim_by) = account.claim_by {
        told.push(fill(texts.claim, &[&last_day(claim_by)]));
    }
    Block::figure(texts.balance, texts.points(account.available())).explained(told.join(" · "))
}

/// How far it is to the next reward.
fn progress(settings: &Settings, texts: &Texts, account: &Account) -> Option<Block> {
    let (_, next) = prospects(settings, account.available());
    let next = next?;
    let available = account.available();
    let missing = texts.points(i64::from(next.least()) - available);
    let title = fill(texts.next, &[&missing, &next.title]);
    Some(Block::progress(title, available.unsigned_abs(), next.least().into()))
}

/// What there is to redeem: a list, and a form for each reward of which the shopper says how many points.
fn rewards(cx: &Context, settings: &Settings, texts: &Texts, account: &Account) -> Vec<Block> {
    let (sliding, fixed): (Vec<&Reward>, Vec<_>) =
        settings.rewards.iter().partition(|reward| reward.kind == RewardKind::Sliding);
    let row = |reward: &&Reward| {
        let row = Row::new(&reward.title, texts.points(reward.cost.into()));
        match hindrance(cx, texts, account, reward) {
            Some(why) => row.detail(why),
            None => row.button(Button::new("redeem", texts.redeem).with("reward", &reward.id)),
        }
    };
    let rows: Vec<_> = fixed.iter().map(row).collect();
    let mut blocks: Vec<_> = (!rows.is_empty()).then(|| Block::list(texts.rewards, rows)).into_iter().collect();
    for reward in sliding {
        blocks.push(match hindrance(cx, texts, account, reward) {
            Some(why) => Block::list(
                &reward.title,
                vec![Row::new(&reward.title, texts.points(reward.least().into())).detail(why)],
            ),
            None => {
                let most = i64::from(if reward.max_points == 0 { u32::MAX } else { reward.max_points });
                let affordable = account.available().min(most) / i64::from(reward.cost) * i64::from(reward.cost);
                let points = Field::new("points", texts.points_to_redeem, "number").value(affordable.to_string());
                let button = Button::new("redeem", texts.redeem).with("reward", &reward.id);
                Block::form(&reward.title, vec![points], button).explained(step(cx, settings, texts, reward))
            }
        });
    }
    blocks
}

/// `In steps of 100 points: 5.00 EUR`.
fn step(cx: &Context, settings: &Settings, texts: &Texts, reward: &Reward) -> String {
    let step = fill(texts.per_step, &[&texts.points(reward.cost.into())]);
    match redeem::worth(settings, reward, reward.cost, cx.store().currency) {
        Ok(Benefit::Amount(value)) => [&step, ": ", &value.to_string()].concat(),
        _ => step,
    }
}

/// Why a reward cannot be redeemed now.
fn hindrance(cx: &Context, texts: &Texts, account: &Account, reward: &Reward) -> Option<String> {
    let missing = i64::from(reward.least()) - account.available();
    if missing > 0 {
        return Some(fill(texts.missing, &[&texts.points(missing)]));
    }
    let all_out = redeem::live_codes(cx, account, reward) >= reward.max_live_codes as usize;
    all_out.then(|| texts.unused_code.into())
}

/// Codes that can be used, and those that can be given back.
fn codes(cx: &mut Context, settings: &Settings, texts: &Texts, account: &Account) -> Result<Vec<Block>> {
    let (mut blocks, mut rows) = (Vec::new(), Vec::new());
    for code in &account.codes {
        let Some(standing) = cx.code_standing(&code.effect).filter(|it| it.is_open() && it.used == 0) else { continue };
        let title = settings.reward(&code.reward).map_or_else(|| code.reward.clone(), |reward| reward.title.clone());
        let until = fill(texts.valid_until, &[&texts.date(expiry::last_day(cx, code.ends_at))]);
        let returnable = rewards::redemption(cx, &code.effect)?.filter(|redemption| redemption.returnable);
        match (&code.returning, returnable) {
            (Some(_), _) => {
                rows.push(Row::new(title, standing.code).detail(texts.returning));
                continue;
            }
            (None, Some(redemption)) => {
                let button = Button::new("return", texts.give_back).with("code", &standing.code);
                rows.push(Row::new(&standing.code, texts.points(redemption.cost)).button(button));
            }
            (None, None) => {}
        }
        blocks.push(Block::code(title, standing.code).explained(until));
    }
    if !rows.is_empty() {
        blocks.push(Block::list(texts.unneeded, rows));
    }
    Ok(blocks)
}

fn birthday(settings: &Settings, texts: &Texts, account: &Account) -> Option<Block> {
    if settings.birthday_points == 0 {
        return None;
    }
    let field = Field::new("birthday", texts.birthday_field, "day-month");
    let (field, told) = match account.birthday {
        Some(known) => {
            let two = |number: u8| if number < 10 { ["0", &number.to_string()].concat() } else { number.to_string() };
            let day = texts.day(known.month, known.day);
            (field.value([&two(known.month), "-", &two(known.day)].concat()), fill(texts.birthday_known, &[&day]))
        }
        None => (field, fill(texts.birthday_why, &[&texts.points(settings.birthday_points.into())])),
    };
    Some(Block::form(texts.birthday, vec![field], Button::new("birthday", texts.save)).explained(told))
}

fn history(cx: &mut Context, texts: &Texts, customer: &str, entries: u64) -> Result<Option<Block>> {
    let mut rows = Vec::new();
    for number in (1..=entries).rev().take(HISTORY as usize) {
        let Some(entry) = cx.state().get::<Entry>(&entry_key(customer, number))? else { continue };
        let value = match entry.approved {
            Some(points) => points.to_string(),
            None if entry.points > 0 => ["+", &entry.points.to_string()].concat(),
            None => entry.points.to_string().replace('-', "\u{2212}"),
        };
        let order = match (entry.kind, &entry.about) {
            (Kind::Earn | Kind::Reverse | Kind::Restore | Kind::Approve, Some(order)) => record::load(cx, order)?,
            _ => None,
        };
        let title = texts.kind(entry.kind);
        let title = order.map_or_else(|| title.to_owned(), |order| [title, " ", &order.name].concat());
        rows.push(Row::new(title, value).detail(texts.date(cx.date_of(entry.at))));
    }
    Ok((!rows.is_empty()).then(|| Block::list(texts.history, rows)))
}
