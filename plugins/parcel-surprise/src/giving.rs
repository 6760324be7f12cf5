//! Gifts given: to paid orders by the rules, and to any order by the merchant's hand.
//!
//! Everything that a gift takes is written in one delivery, after the effect has been queued: stock and budget never
//! hold a piece that nobody was told to pack.

use regulars_sdk::{Action, Context, Event, Failure, Order, ParcelGift, Refusal, Result};
use serde::Deserialize;

use crate::{
    asked,
    budget::{self, Budget},
    choice, draw,
    orders::{self, Given, Parcels, Record},
    people::{self, Had, Person},
    rules::{self, Occasion},
    settings::{Gift, How, Settings},
    stock,
};

/// Why an order gets nothing.
struct Nothing {
    reason: String,
    fields: Vec<(String, String)>,
}

impl From<String> for Nothing {
    fn from(reason: String) -> Self {
        Self { reason, fields: Vec::new() }
    }
}

impl From<&str> for Nothing {
    fn from(reason: &str) -> Self {
        reason.to_owned().into()
    }
}

/// A gift and what it is given for.
struct Pick<'a> {
    gift: &'a Gift,
    /// The rule's name, or who gave it.
    because: &'a str,
    nth: Option<u32>,
}

pub fn paid(cx: &mut Context) -> Result {
    let Some(order) = cx.order() else { return Err(Failure::retry("the order is not known yet")) };
    let mut record = orders::get(cx, &order.id)?.unwrap_or_default();
    if record.judged {
        return Ok(cx.note("Nothing more: the order was looked at before", &[("order", &order.name)])?);
    }
    if order.test {
        return nothing(cx, &order, "No gift: it is a test order".into());
    }
    if let Some(void) = orders::why_void(cx, &order, None) {
        return nothing(cx, &order, format!("No gift: {void}").into());
    }
    let Some(customer) = order.customer_id.clone() else {
        return nothing(cx, &order, "No gift: the order names no customer".into());
    };
    let settings: Settings = cx.settings()?;
    let mut person = people::count(cx, &customer, &order, &mut record)?;
    record.judged = true;
    let outcome = match record.gift {
        Some(_) => Err("Nothing more: the order was given a gift by hand".into()),
        None => by_the_rules(cx, &settings, &order, &mut record, &mut person)?,
    };
    people::set(cx, &customer, &person)?;
    orders::set(cx, &order.id, &record)?;
    match outcome {
        Ok(()) => Ok(()),
        Err(why) => nothing(cx, &order, why),
    }
}

fn by_the_rules(
    cx: &mut Context,
    settings: &Settings,
    order: &Order,
    record: &mut Record,
    person: &mut Person,
) -> Result<Result<(), Nothing>> {
    let customer = cx.customer_by_id(order.customer_id.as_deref().unwrap_or_default());
    if let Some(why) = rules::exclusion(settings, order, customer.as_ref()) {
        return Ok(Err(format!("No gift: {why}").into()));
    }
    if !orders::has_goods(order) {
        return Ok(Err("No gift: there is nothing to pack".into()));
    }
    if orders::parcels(cx, order) != Parcels::None {
        return Ok(Err("No gift: the order was shipped before it was paid".into()));
    }
    let seed = draw::seed(cx)?;
    let occasion = Occasion {
        order,
        customer: customer.as_ref(),
        number: person.orders,
        nth_given: person.nth_given,
        anniversary: record.anniversary.is_some(),
        seed,
    };
    let rule = match rules::first_that_holds(&settings.rules, &occasion, |id| cx.product_by_id(id)) {
        Ok(rule) => rule,
        Err(reasons) => {
            let fields = reasons.into_iter().map(|(rule, reason)| (rule.to_owned(), reason)).collect();
            return Ok(Err(Nothing { reason: "No gift: no rule holds".into(), fields }));
        }
    };
    let budget = match budget::now(cx, settings)? {
        Ok(budget) => budget,
        Err(why) => return Ok(Err(format!("No gift: {why}").into())),
    };
    let candidates = choice::not_had(&settings.gifts, &person.had());
    let mut stocked = Vec::new();
    for gift in &candidates {
        if stock::of(cx, gift)?.left > 0 {
            stocked.push(gift.id.as_str());
        }
    }
    let chosen = choice::choose(
        candidates,
        |gift| stocked.contains(&gift.id.as_str()),
        |gift| gift.cost(order.subtotal.currency).is_some_and(|cost| budget.allows(cost)),
        |weights| draw::below(weights, seed, &order.id, "which gift"),
    );
    let gift = match chosen {
        Ok(gift) => gift,
        Err(why) => {
            let fields = vec![("rule".into(), rule.name.clone()), (budget.name.clone(), budget.standing())];
            return Ok(Err(Nothing { reason: why.reason().into(), fields }));
        }
    };
    let pick = Pick { gift, because: &rule.name, nth: rule.every_nth.is_some().then_some(person.orders) };
    put_in(cx, settings, order, &pick, budget, record, Some(person))
}

/// Puts a gift that has been found to fit into an order's parcel, and counts it everywhere.
fn put_in(
    cx: &mut Context,
    settings: &Settings,
    order: &Order,
    pick: &Pick<'_>,
    mut budget: Budget,
    record: &mut Record,
    person: Option<&mut Person>,
) -> Result<Result<(), Nothing>> {
    let gift = pick.gift;
    let Some(cost) = gift.cost(order.subtotal.currency) else {
        return Ok(Err(format!("No gift: the cost of {} does not read", gift.title).into()));
    };
    if !budget.allows(cost) {
        let fields = vec![(budget.name.clone(), budget.standing())];
        return Ok(Err(Nothing { reason: choice::Nothing::Affordable.reason().into(), fields }));
    }
    if stock::of(cx, gift)?.left == 0 {
        return Ok(Err(format!("No gift: {} is out of stock", gift.title).into()));
    }
    let variant = (settings.how == How::Line && !gift.variant_id.is_empty()).then(|| gift.variant_id.clone());
    let parcel = ParcelGift { order_id: order.id.clone(), variant_id: variant.clone(), title: gift.title.clone() };
    let effect = match cx.add_gift(parcel) {
        Ok(effect) => effect,
        Err(Refusal::NotGranted) => return Ok(Err("No gift: this plugin may not change orders".into())),
        Err(Refusal::Other(why)) => return Ok(Err(format!("No gift: {why}").into())),
        Err(refusal) => return Err(refusal.into()),
    };
    let Some(left) = stock::take(cx, settings, gift)? else {
        return Err(Failure::reject("the stock has changed within a delivery"));
    };
    if !budget.spend(cx, cost)? {
        return Err(Failure::reject("the budget has changed within a delivery"));
    }
    if !settings.order_tag.is_empty() {
        cx.add_order_tags(&order.id, &[&settings.order_tag])?;
    }
    if let Some(person) = person {
        let listed = |gift: &Gift| gift.weight == 0 || person.had().contains(gift.id.as_str());
        if settings.gifts.iter().all(listed) {
            person.had.clear();
        }
        person.had.push(Had { gift: gift.id.clone(), order: order.id.clone() });
        person.nth_given = pick.nth.unwrap_or(person.nth_given);
    }
    let bought = |variant: &String| order.lines.iter().any(|it| it.variant_id.as_ref() == Some(variant));
    record.gift = Some(Given {
        gift: gift.id.clone(),
        title: gift.title.clone(),
        cost,
        month: budget.name.clone(),
        counted_in: left.counted_in,
        nth: pick.nth,
        effect,
        line: variant.clone().filter(|variant| !bought(variant)),
        tag: settings.order_tag.clone(),
        settings: cx.settings_version(),
        added: false,
        returned: false,
        shipped: false,
        thanked: false,
    });
    let fields = [
        ("order", order.name.as_str()),
        ("gift", &gift.title),
        ("because", pick.because),
        ("how", if variant.is_some() { "a free line in the order" } else { "a note for the packer" }),
        ("cost", &cost.to_string()),
        (&budget.name, &budget.standing()),
        ("pieces left", &left.left.to_string()),
        ("settings", &cx.settings_version().to_string()),
    ];
    cx.note("Gift given", &fields)?;
    Ok(Ok(()))
}

/// The input of the merchant's action `give`.
#[derive(Deserialize)]
struct Give {
    order: String,
    gift: String,
}

/// The rules and exclusions are the merchant's own, and so is passing them over. Stock and budget hold all the same.
pub fn by_hand(event: &Event, cx: &mut Context, action: &Action) -> Result {
    let Ok(Give { order, gift }) = action.input() else {
        return Ok(cx.note("Nothing given: name the order and the gift", &[])?);
    };
    let settings: Settings = cx.settings()?;
    let Some(order) = cx.order_by_id(&order) else {
        return Ok(cx.note("Nothing given: there is no such order", &[])?);
    };
    let Some(gift) = settings.gift(&gift) else {
        return nothing(cx, &order, "Nothing given: there is no such gift".into());
    };
    if asked::was_done(event, cx)? {
        return nothing(cx, &order, "Nothing given: that was done before".into());
    }
    let mut record = orders::get(cx, &order.id)?.unwrap_or_default();
    if record.held().is_some() {
        return nothing(cx, &order, "Nothing given: the order has a gift".into());
    }
    if order.test {
        return nothing(cx, &order, "Nothing given: it is a test order".into());
    }
    if let Some(void) = orders::why_void(cx, &order, None) {
        return nothing(cx, &order, format!("Nothing given: {void}").into());
    }
    if orders::parcels(cx, &order) != Parcels::None {
        return nothing(cx, &order, "Nothing given: the order has been shipped".into());
    }
    let budget = match budget::now(cx, &settings)? {
        Ok(budget) => budget,
        Err(why) => return nothing(cx, &order, format!("Nothing given: {why}").into()),
    };
    let customer = order.customer_id.clone();
    let mut person = match &customer {
        Some(customer) => people::get(cx, customer)?,
        None => None,
    };
    let pick = Pick { gift, because: "given by hand", nth: None };
    record.customer = record.customer.or_else(|| customer.clone());
    let known = person.as_mut();
    if let Err(why) = put_in(cx, &settings, &order, &pick, budget, &mut record, known)? {
        return nothing(cx, &order, why);
    }
    asked::is_done(event, cx)?;
    if let (Some(customer), Some(person)) = (&customer, &person) {
        people::set(cx, customer, person)?;
    }
    orders::set(cx, &order.id, &record)
}

fn nothing(cx: &mut Context, order: &Order, why: Nothing) -> Result {
    let mut fields = vec![("order", order.name.as_str())];
    fields.extend(why.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    Ok(cx.note(&why.reason, &fields)?)
}
