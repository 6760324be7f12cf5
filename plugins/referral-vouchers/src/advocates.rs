//! Customers who invite: their link, the code that their friends type, and the visits to the link.

use regulars_sdk::{Context, EffectId, Event, NewDiscount, Order, Refusal, Result, Signal, Timestamp, key};
use serde::{Deserialize, Serialize};

use crate::{
    bans,
    claim::{keys_of, left},
    effects::{self, Use},
    settings::{Offer, Settings},
};

/// Signals of an advocate's own orders that are kept.
const SIGNALS: usize = 32;

/// Visits to one link that are kept.
const VISITS: usize = 50;

/// Orders whose signals are read when somebody becomes an advocate.
const ORDERS_READ: usize = 5;

/// Orders of somebody that are read at most, and lines of theirs after which no more are: reading them is most of what a
/// delivery costs.
pub const HISTORY: usize = 100;
pub const HISTORY_LINES: usize = 400;

/// What an advocate's own orders are compared with a friend's by.
const COMPARED: [&str; 3] = ["ip-agent", "device", "address"];

/// Begins the keys of timers that end codes.
pub const RETIRE: &str = "retire";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advocate {
    pub link: String,
    pub url: String,
    /// Names of links of customers that this one has absorbed.
    pub other_links: Vec<String>,
    pub code: Option<FriendCode>,
    /// An order by which the advocate is known to have bought.
    pub bought: Option<String>,
    /// What the advocate's own orders may share with a friend's.
    pub signals: Vec<Signal>,
    pub visits: u64,
    /// The version of the settings that the link was made under.
    pub settings: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FriendCode {
    pub code: String,
    pub effect: EffectId,
    pub offer: Offer,
}

/// Somebody followed a link.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Visit {
    pub at: Timestamp,
    pub device: Option<String>,
    pub ip_agent: Option<String>,
}

pub fn get(cx: &mut Context, customer: &str) -> Result<Option<Advocate>> {
    Ok(cx.state().get(&advocate_key(customer))?)
}

pub fn set(cx: &mut Context, customer: &str, advocate: &Advocate) -> Result {
    Ok(cx.state().set(&advocate_key(customer), advocate)?)
}

/// The shopper's action `share`: a link to share, and a code for the friends.
pub fn action(cx: &mut Context) -> Result {
    let Some(action) = cx.action() else { return Ok(cx.note("Nothing done: the action is not known", &[])?) };
    if action.name != "share" {
        return Ok(cx.note("Nothing done: there is no such action", &[("action", &shortened(&action.name))])?);
    }
    let Some(customer) = action.customer_id.and_then(|id| cx.customer_by_id(&id)) else {
        return Ok(cx.note("No link: whoever asks is not signed in", &[])?);
    };
    let settings: Settings = cx.settings()?;
    if bans::of(cx, &customer.id)?.is_some() {
        return Ok(cx.note("No link: the customer is banned", &[])?);
    }
    if let Some(tag) = settings.excluded_tag(&customer) {
        return Ok(cx.note("No link: customers with this tag take no part", &[("tag", tag)])?);
    }
    match get(cx, &customer.id)? {
        Some(advocate) => {
            let code = renew(cx, &settings, &customer.id, advocate)?;
            Ok(cx.note("The customer has a link already", &[("code", &code)])?)
        }
        None => begin(cx, &settings, &customer.id),
    }
}

fn begin(cx: &mut Context, settings: &Settings, customer: &str) -> Result {
    let orders: Vec<_> = cx.orders_of(customer).up_to(HISTORY, HISTORY_LINES).collect();
    let bought = orders.iter().find(|it| is_bought(it)).map(|it| it.id.clone());
    if settings.advocate_must_have_order && bought.is_none() {
        return Ok(cx.note("No link yet: the customer has not ordered anything", &[])?);
    }
    let shared = match cx.share_link(customer) {
        Ok(shared) => shared,
        Err(Refusal::NotGranted) => {
            return Ok(cx.note("No link: the capability `links` is not granted", &[])?);
        }
        Err(refusal) => return Ok(cx.note("No link", &[("because", &refusal.to_string())])?),
    };
    let mut advocate = Advocate {
        link: shared.name,
        url: shared.url,
        other_links: Vec::new(),
        code: None,
        bought,
        signals: Vec::new(),
        visits: 0,
        settings: cx.settings_version(),
    };
    for order in orders.iter().rev().take(ORDERS_READ) {
        advocate.learn(cx.order_signals(&order.id));
    }
    set(cx, customer, &advocate)?;
    let link = advocate.link.clone();
    let code = renew(cx, settings, customer, advocate)?;
    Ok(cx.note("Link given", &[("link", &link), ("code", &code)])?)
}

impl Advocate {
    fn learn(&mut self, signals: Vec<Signal>) {
        for signal in signals {
            if COMPARED.contains(&signal.kind.as_str()) && !self.signals.contains(&signal) {
                self.signals.push(signal);
            }
        }
        self.signals.drain(..self.signals.len().saturating_sub(SIGNALS));
    }
}

/// Whether an order makes a buyer.
pub fn is_bought(order: &Order) -> bool {
    !order.test && order.cancelled_at.is_none()
}

/// Remembers what an advocate's own order may share with those of friends.
pub fn learn(cx: &mut Context, order: &Order) -> Result {
    let Some(customer) = &order.customer_id else { return Ok(()) };
    let Some(mut advocate) = get(cx, customer)? else { return Ok(()) };
    let before = advocate.clone();
    if advocate.bought.is_none() && is_bought(order) {
        advocate.bought = Some(order.id.clone());
    }
    advocate.learn(cx.order_signals(&order.id));
    if advocate == before { Ok(()) } else { set(cx, customer, &advocate) }
}

/// Sees to it that the advocate has a code for what friends are offered today, and says what came of it.
///
/// A code made for another offer stays good for as long as a link counts, so that whoever has just got it can use it.
fn renew(cx: &mut Context, settings: &Settings, customer: &str, mut advocate: Advocate) -> Result<String> {
    let offer = settings.offer(cx.store().currency)?;
    if let Some(old) = &advocate.code {
        let is_open = cx.code_standing(&old.effect).is_some_and(|it| it.is_open());
        if is_open && old.offer == offer {
            return Ok(old.code.clone());
        }
    }
    let discount =
        NewDiscount { minimum_subtotal: offer.min_cart, ..NewDiscount::open(&settings.code_prefix, offer.benefit) };
    let issued = match cx.create_discount(discount) {
        Ok(issued) => issued,
        Err(refusal) => return Ok(["none: ", &refusal.to_string()].concat()),
    };
    effects::set(cx, &issued.effect, &Use::FriendCode { advocate: customer.into(), effect: issued.effect.clone() })?;
    if let Some(old) = advocate.code.take() {
        let end = cx.now().plus_days(settings.attribution_days.into());
        cx.schedule(&key(&[RETIRE, old.effect.as_str()]), end, old.effect.as_str().as_bytes())?;
    }
    advocate.code = Some(FriendCode { code: issued.code.clone(), effect: issued.effect, offer });
    set(cx, customer, &advocate)?;
    Ok(issued.code)
}

/// Ends an advocate's code, so that a later wish or visit makes a new one.
pub fn end_code(cx: &mut Context, customer: &str) -> Result {
    let Some(mut advocate) = get(cx, customer)? else { return Ok(()) };
    let Some(code) = advocate.code.take() else { return Ok(()) };
    set(cx, customer, &advocate)?;
    retire(cx, code.effect.as_str())
}

/// Ends a code for good, whoever has it.
pub fn retire(cx: &mut Context, code_effect: &str) -> Result {
    let Some(Use::FriendCode { advocate, effect }) = effects::get(cx, code_effect)? else {
        return Ok(cx.note("Nothing ended: the code is not known", &[])?);
    };
    let code = cx.code_standing(&effect).map(|it| it.code).unwrap_or_default();
    let fields = [("code", code.as_str()), ("advocate", advocate.as_str())];
    match cx.disable_discount(&effect) {
        Ok(_) => Ok(cx.note("A friends' code ends", &fields)?),
        Err(refusal) => {
            let because = refusal.to_string();
            Ok(cx.note("A friends' code could not be ended", &[fields[0], fields[1], ("because", &because)])?)
        }
    }
}

pub fn visited(event: &Event, cx: &mut Context) -> Result {
    let Some(visit) = cx.visit(event)? else { return Ok(cx.note("Visit not counted: it names no link", &[])?) };
    let owner = cx.customer_of_link(&visit.link).or_else(|| cx.customer().map(|it| it.id));
    let Some(owner) = owner.map(|id| left(cx, &id)) else {
        return Ok(cx.note("Visit not counted: the link is nobody's", &[("link", &visit.link)])?);
    };
    let Some(mut advocate) = get(cx, &owner)? else {
        return Ok(cx.note("Visit not counted: the advocate is not known", &[("link", &visit.link)])?);
    };
    let first = |kind| keys_of(&visit.signals, kind).next().map(Into::into);
    let seen = Visit { at: event.occurred_at, device: first("device"), ip_agent: first("ip-agent") };
    let mut visits = visits(cx, &visit.link)?;
    if !visits.contains(&seen) {
        visits.push(seen);
        visits.sort_unstable();
        visits.drain(..visits.len().saturating_sub(VISITS));
        cx.state().set(&visits_key(&visit.link), &visits)?;
        advocate.visits += 1;
        set(cx, &owner, &advocate)?;
    }
    let count = advocate.visits.to_string();
    let code = match bans::of(cx, &owner)? {
        Some(_) => "none: the advocate is banned".into(),
        None => {
            let settings: Settings = cx.settings()?;
            renew(cx, &settings, &owner, advocate)?
        }
    };
    let fields = [("link", visit.link.as_str()), ("advocate", owner.as_str()), ("visits", &count), ("code", &code)];
    Ok(cx.note("Visit counted", &fields)?)
}

/// The visits to a link that are known, oldest first.
pub fn visits(cx: &mut Context, link: &str) -> Result<Vec<Visit>> {
    Ok(cx.state().get(&visits_key(link))?.unwrap_or_default())
}

/// Joins an absorbed advocate with the one who is left. The link that stays is that of whoever is left, if there was one;
/// both links and both codes go on leading to the same person.
pub fn merge(cx: &mut Context, absorbed: &str, kept: &str) -> Result {
    let [from, to] = [absorbed, kept].map(advocate_key);
    cx.state().merge(&from, &to, |_, moved: Advocate, there: Option<Advocate>| {
        let Some(mut there) = there else { return Ok(moved) };
        there.other_links.push(moved.link);
        there.other_links.extend(moved.other_links);
        there.bought = there.bought.or(moved.bought);
        there.visits += moved.visits;
        there.learn(moved.signals);
        Ok(there)
    })?;
    Ok(())
}

/// Takes an advocate out: the person is to be forgotten.
pub fn forget(cx: &mut Context, customer: &str) -> Result<bool> {
    let Some(advocate) = get(cx, customer)? else { return Ok(false) };
    for link in advocate.other_links.iter().chain([&advocate.link]) {
        cx.state().delete(&visits_key(link))?;
    }
    end_code(cx, customer)?;
    cx.state().delete(&advocate_key(customer))?;
    Ok(true)
}

/// At most 40 characters of what came from outside.
pub fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

pub fn advocate_key(customer: &str) -> String {
    key(&["advocate", customer])
}

pub fn visits_key(link: &str) -> String {
    key(&["visits", link])
}
