//! A few things of all that can be done, drawn by the event: codes that get in each other's way, mails that are taken back,
//! values that replace each other, timers that set themselves.

use regulars_sdk::{
    Benefit, Birthday, Context, EffectId, Guard, Mail, MetafieldValue, Money, NewDiscount, ParcelGift, Purpose,
    Refusal, Result, Task,
};

/// The state key of the effects that have been queued.
const KNOWN: &str = "known";

/// Effects that are remembered.
const REMEMBERED: usize = 60;

/// Things that are done for one event.
const DEEDS: u64 = 4;

pub fn known(cx: &mut Context) -> Result<Vec<EffectId>> {
    Ok(cx.state().get(KNOWN)?.unwrap_or_default())
}

pub fn some(cx: &mut Context) -> Result {
    let customers = cx.list_customers(None);
    if customers.is_empty() {
        return Ok(());
    }
    let customer = customers[cx.random_below(customers.len() as u64) as usize].id.clone();
    let mut known = known(cx)?;
    for deed in 0..cx.random_below(DEEDS) {
        let answer = one(cx, &customer, &known);
        cx.note("done", &[("deed", &deed.to_string()), ("answer", &format!("{answer:?}"))])?;
        known.extend(answer.unwrap_or_default());
    }
    let old = known.len().saturating_sub(REMEMBERED);
    Ok(cx.state().set(KNOWN, &known[old..].to_vec())?)
}

fn one(cx: &mut Context, customer: &str, known: &[EffectId]) -> Result<Vec<EffectId>, Refusal> {
    let currency = cx.store().currency;
    let money = Money::new(1 + cx.random_below(2_000) as i64, currency);
    let later = cx.now().plus_days(1 + cx.random_below(6));
    let any = |cx: &mut Context| match known.len() as u64 {
        0 => None,
        count => known.get(cx.random_below(count) as usize).cloned(),
    };
    let order = cx.list_orders(None).pop().map(|it| it.id).unwrap_or_else(|| "none".into());
    let mail = Mail::new(customer, "word", Purpose::Loyalty).var("word", "one");
    let queued = match cx.random_below(20) {
        0..=4 => {
            let benefit = match cx.random_below(4) {
                0 => Benefit::Amount(money),
                1 => Benefit::BasisPoints(1 + cx.random_below(3_000) as u32),
                2 => Benefit::FreeShipping,
                _ => Benefit::FreeProduct,
            };
            let code = NewDiscount::new(customer, "PROBE", benefit).products(vec!["71".into()]).ends_at(later);
            let code = if cx.random_below(2) == 0 { code.minimum_subtotal(money) } else { code };
            let code = if cx.random_below(4) == 0 { code.combines() } else { code };
            let code = if cx.random_below(4) == 0 { code.uses(2) } else { code };
            let code = if cx.random_below(4) == 0 { code } else { code.offer() };
            cx.create_discount(code)?.effect
        }
        5 if cx.random_below(2) == 0 => {
            let each = NewDiscount::open("MANY", Benefit::Amount(money)).uses(1).ends_at(later);
            let count = 1 + cx.random_below(3) as u32;
            cx.create_discounts(each, count)?.effect
        }
        5 => cx.create_discount(NewDiscount::open("OPEN", Benefit::Amount(money)).starts_at(later))?.effect,
        6 | 7 => match any(cx) {
            Some(effect) => cx.disable_discount(&effect)?,
            None => return Ok(Vec::new()),
        },
        8 => {
            cx.send_mail(mail.send_at(later).guard(Guard::State(KNOWN.into())).guard(Guard::NoOrderSince(cx.now())))?
        }
        9 => match any(cx) {
            Some(effect) => cx.send_mail(mail.after(&effect).guard(Guard::CodeLive(effect)))?,
            None => return Ok(Vec::new()),
        },
        10 => {
            let taken: Vec<_> = known.iter().filter(|effect| cx.withdraw(effect)).cloned().collect();
            let own = cx.add_tags(customer, &["probed"])?;
            let is_own = cx.withdraw(&own);
            cx.note("taken back", &[("earlier", &format!("{taken:?}")), ("own", &is_own.to_string())])?;
            own
        }
        11 => cx.credit(customer, money, Some(later))?,
        12 => cx.create_gift_card(customer, money, None)?.effect,
        13 if cx.random_below(2) == 0 => cx.ship_by(&order, later)?,
        13 => cx.add_gift(ParcelGift { order_id: order, variant_id: None, title: "Soap".into() })?,
        14 => {
            let first = cx.set_metafield(customer, "probed_at", &MetafieldValue::Integer(1))?;
            let second = cx.set_metafield(customer, "probed_at", &MetafieldValue::Json("{\"at\":2}".into()))?;
            return Ok(vec![first, second]);
        }
        15 => cx.set_birthday(customer, Birthday { year: Some(1990), month: 2, day: 28 })?,
        16 => {
            let link = cx.share_link(customer)?;
            let whose = cx.customer_of_link(&link.name.to_lowercase());
            cx.note("shared", &[("link", &link.url), ("whose", &format!("{whose:?}"))])?;
            return Ok(Vec::new());
        }
        17 => {
            let (open, closed) = (cx.open_task(Task::new("ask", "What now?").customer(customer)), cx.close_task("old"));
            cx.open_task(Task::new("old", "Anything?").choice("act", "Yes").due(later))?;
            cx.note("tasks", &[("answers", &format!("{open:?} {closed}"))])?;
            return Ok(Vec::new());
        }
        18 => {
            cx.schedule("again", cx.now(), b"x")?;
            cx.schedule("later", later, b"")?;
            let cancelled = (cx.cancel("again"), cx.cancel("later"), cx.cancel("none"));
            cx.schedule("again", later, b"y")?;
            cx.note("timers", &[("cancelled", &format!("{cancelled:?}"))])?;
            return Ok(Vec::new());
        }
        _ => {
            let spent = (cx.spend("words", 3), cx.spend("words", 0));
            cx.give_back("words", 1);
            cx.note("budget", &[("answers", &format!("{spent:?}"))])?;
            cx.add_order_tags(&order, &["probed"])?
        }
    };
    Ok(vec![queued])
}
