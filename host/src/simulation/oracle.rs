//! What a run has come to, in lines that are the same whatever happened on the way, and the rules that always hold.
//!
//! Left out is only what has to differ: where an event stands, when it arrived and was handled, how often it was tried,
//! and what follows from these: the fuel of an attempt that found a key or did not, the due times that a plugin counts
//! from an event's arrival, and the ids that contain such a time. A step of an order is the same whether a webhook or a
//! read tells it, and of an order's updates only the last state has to be known.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    disk::Disk,
    history::{Content, DOMAINS, History},
    peers::Performed,
    plugins::MILESTONE,
    world::lock,
};
use crate::{
    dispatch::facts,
    domain::{Attempt, Customer, CustomerId, Effect, EffectKind, EffectStatus, EventId, Order, Outcome, StoreId},
    store::{EventRecord, Key, Position, Scan, Store, Table, decode, memory::MemoryStore},
};

/// A run's outcome: lines, and how often each occurs.
pub type Lines = BTreeMap<String, u32>;

/// Facts are compared as they lie in the store, byte for byte, and plugins' state likewise.
const COMPARED_AS_THEY_ARE: [Table; 10] = [
    Table::CustomerOrder,
    Table::OrderByCode,
    Table::OrderBySignal,
    Table::Absorbed,
    Table::Refund,
    Table::Fulfillment,
    Table::Checkout,
    Table::State,
    Table::Timer,
    Table::BudgetSpent,
];

fn rows(store: &MemoryStore, of: StoreId, table: Table) -> Vec<(Key, Vec<u8>)> {
    let found = store.scan(&Scan::of(Key::of(of, table).end(), usize::MAX)).unwrap();
    found.into_iter().map(|(key, value)| (key, value.bytes)).collect()
}

/// The outcome of a run, or which rule it has broken.
pub fn outcome(disk: &Disk, performed: &Performed, history: &History) -> Result<Lines, String> {
    let mut lines = Lines::new();
    let mut done = Done::default();
    for (domain, number) in DOMAINS.into_iter().zip(1..) {
        let of = StoreId(number);
        let causes = Causes::of(history, of);
        let mut add = |line: String| *lines.entry(format!("{domain}: {line}")).or_default() += 1;
        for table in COMPARED_AS_THEY_ARE {
            for (key, bytes) in rows(&disk.store, of, table) {
                let key = key.as_bytes()[5..].escape_ascii();
                add(format!("{table:?} {key} = {}", bytes.escape_ascii()));
            }
        }
        let customers = Customers::of(&disk.store, of);
        facts(&disk.store, of, &customers).for_each(&mut add);
        let mut told = BTreeSet::new();
        for (key, bytes) in rows(&disk.store, of, Table::Event) {
            let record: EventRecord = decode(&bytes).unwrap();
            // The event of a timer that was lost in a crash and set again, or is another's repeat, found none.
            if record.id.as_str().starts_with("timer/") && record.deliveries.is_empty() {
                continue;
            }
            if key != crate::store::keys::event(of, record.position) {
                return Err(format!("{key:?} holds event {} of {}", record.id, record.position));
            }
            // Named by effects, and so by whichever event queued them: what is told counts in its plugin's state.
            if record.id.as_str().starts_with("effect/") {
                match record.deliveries.iter().find(|attempt| attempt.outcome != Outcome::Done) {
                    Some(attempt) => return Err(format!("event {} is not told: {attempt:?}", record.id)),
                    None => continue,
                }
            }
            let cause = causes.cause(&record.id);
            for attempt in &record.deliveries {
                add(format!("event {cause}: {}", decision(attempt)));
            }
            match causes.is_step(&record.id) {
                // A read and the webhook that it makes up for may both be there; what is delivered is so once.
                true => _ = told.insert(event_line(&record, &cause, &customers)),
                false => add(event_line(&record, &cause, &customers)),
            }
        }
        // Whether an update is told by itself depends on what else is told when.
        told.into_iter().filter(|line| !line.contains("order.updated")).for_each(&mut add);
        for (_, bytes) in rows(&disk.store, of, Table::EventId) {
            let position: Position = decode(&bytes).unwrap();
            if disk.store.get(&crate::store::keys::event(of, position)).unwrap().is_none() {
                return Err(format!("an id leads to {position}, where there is no event"));
            }
        }
        for (_, bytes) in rows(&disk.store, of, Table::Effect) {
            let effect: Effect = decode(&bytes).unwrap();
            done.add(&effect);
            add(effect_line(&effect, &causes, &customers));
        }
    }
    // Whose tags they are is told by the effects above: a merge may come before a tag or after.
    let tags: BTreeSet<_> = lock(&performed.tags).values().flatten().cloned().collect();
    lines.insert(format!("tags {tags:?}"), 1);
    done.compare(performed)?;
    Ok(lines)
}

/// Customers that were merged into others.
struct Customers(BTreeMap<CustomerId, CustomerId>);

impl Customers {
    fn of(store: &MemoryStore, of: StoreId) -> Self {
        let customers =
            rows(store, of, Table::Customer).into_iter().map(|(_, bytes)| decode::<Customer>(&bytes).unwrap());
        Self(customers.filter_map(|customer| Some((customer.id, customer.merged_into?))).collect())
    }

    /// Whom it is about in the end: a merge may come before or after.
    fn survivor(&self, id: &CustomerId) -> CustomerId {
        let mut id = id;
        while let Some(next) = self.0.get(id) {
            id = next;
        }
        id.clone()
    }
}

/// Facts of orders and customers. Whose an order was before a merge, and what was known of a customer who is no more, is
/// told by webhooks alone: a read that makes up for one tells who has the order now.
fn facts(store: &MemoryStore, of: StoreId, customers: &Customers) -> impl Iterator<Item = String> {
    let orders = rows(store, of, Table::Order).into_iter().map(|(_, bytes)| {
        let order: Order = decode(&bytes).unwrap();
        let customer = order.customer.as_ref().map(|id| customers.survivor(id));
        format!("{:?}", Order { customer, ..order })
    });
    let people = rows(store, of, Table::Customer).into_iter().map(|(_, bytes)| {
        let customer: Customer = decode(&bytes).unwrap();
        match &customer.merged_into {
            Some(other) => format!("customer {} is {other}", customer.id),
            None => format!("{customer:?}"),
        }
    });
    let addresses: BTreeSet<_> =
        rows(store, of, Table::CustomerEmail).into_iter().filter_map(|(key, _)| key.parts().text()).collect();
    let addresses = addresses.into_iter().filter_map(|address| {
        let id = facts::holder_of(store, of, &address).unwrap()?;
        let is_left = customers.survivor(&id) == id;
        is_left.then(|| format!("address {address} is {id}"))
    });
    orders.chain(people).chain(addresses).collect::<Vec<_>>().into_iter()
}

/// What the events of a store stand for.
struct Causes(HashMap<EventId, String>);

impl Causes {
    fn of(history: &History, of: StoreId) -> Self {
        let messages = history.messages.iter().filter(|message| message.store == of);
        Self(
            messages
                .filter_map(|message| match &message.content {
                    Content::Webhook { id, step: Some(step), .. } => Some((id.clone(), step.name())),
                    _ => None,
                })
                .collect(),
        )
    }

    /// A step's name for a step of an order; any other event's id, without the due time and the version that a timer's
    /// holds.
    fn cause(&self, id: &EventId) -> String {
        let without = |rest: &str, parts: usize| rest.rsplitn(parts + 1, '/').last().unwrap_or_default().to_owned();
        match (self.0.get(id), id.as_str().split_once('/')) {
            (Some(step), _) => step.clone(),
            (None, Some(("read", rest))) => without(rest, 1),
            (None, Some(("timer", rest))) => format!("timer/{}", without(rest, 2)),
            _ => id.to_string(),
        }
    }

    fn is_step(&self, id: &EventId) -> bool {
        self.0.contains_key(id) || id.as_str().starts_with("read/")
    }
}

/// Why a code was not made.
const ENDED_BEFORE: &str = "its code was disabled before it was made";

fn event_line(record: &EventRecord, cause: &str, customers: &Customers) -> String {
    // A refund that comes before its order does not know yet whose it is.
    let customer = match record.topic.as_str() {
        "order.refunded" => None,
        _ => record.customer.as_ref().map(|id| customers.survivor(id)),
    };
    let EventRecord { topic, platform_topic, order, unreadable, read_again, .. } = record;
    format!("event {cause} {topic} {platform_topic:?} {customer:?} {order:?} {unreadable:?} {read_again:?}")
}

fn decision(attempt: &Attempt) -> String {
    let outcome = match &attempt.outcome {
        Outcome::Done => "done".to_owned(),
        Outcome::Dead { reason } => format!("dead: {reason}"),
        Outcome::Retrying { reason, .. } => format!("still to be tried: {reason}"),
        Outcome::Waiting { reason } => format!("waits: {reason}"),
    };
    // Which order is the third depends on the order of the orders.
    let effects = if attempt.plugin.as_str() == MILESTONE { None } else { Some(attempt.effects.len()) };
    let notes: Vec<_> = attempt.notes.iter().map(|note| &note.reason).collect();
    format!("{} {outcome} {notes:?} {:?} {effects:?}", attempt.plugin, attempt.reads)
}

fn effect_line(effect: &Effect, causes: &Causes, customers: &Customers) -> String {
    let status = match &effect.status {
        EffectStatus::Pending { last_error, .. } => format!("pending: {last_error:?}"),
        EffectStatus::Done { .. } => "done".into(),
        EffectStatus::Dead { reason } => format!("dead: {reason}"),
        // Whether a code is made before it is ended is a matter of time.
        EffectStatus::Dropped { reason } if reason == ENDED_BEFORE => "done".into(),
        EffectStatus::Dropped { reason } => format!("dropped: {reason}"),
    };
    let is_milestone = effect.plugin.as_str() == MILESTONE;
    let (cause, customer) = match is_milestone {
        true => (String::new(), None),
        false => (causes.cause(&effect.event), effect.kind.customer().map(|id| customers.survivor(id))),
    };
    let what = match &effect.kind {
        EffectKind::Mail(mail) => {
            // Codes come of the effect's id.
            let vars: BTreeMap<_, _> = mail.vars.iter().filter(|(name, _)| *name != "code").collect();
            format!("mail {} {vars:?}", mail.template)
        }
        EffectKind::CreateDiscount(discount) => {
            format!("discount {:?} {:?}", discount.benefit, discount.minimum_subtotal)
        }
        EffectKind::ChangeTags(change) => format!("tags {:?} {:?}", change.add, change.remove),
        other => other.name().to_owned(),
    };
    // Whom a third order's mail could not reach is as much a matter of order.
    let status = if is_milestone && status.starts_with("dropped") { "done".into() } else { status };
    format!("{} by {cause}: {what} to {customer:?}, after {}: {status}", effect.plugin, effect.after.is_some())
}

/// What the outbox says has been done.
#[derive(Default)]
struct Done {
    mails: BTreeSet<String>,
    discounts: BTreeMap<String, String>,
    ended: BTreeSet<String>,
}

impl Done {
    fn add(&mut self, effect: &Effect) {
        let EffectStatus::Done { receipt } = &effect.status else { return };
        match &effect.kind {
            EffectKind::Mail(_) => _ = self.mails.insert(receipt.clone()),
            EffectKind::CreateDiscount(discount) => {
                self.discounts.insert(discount.code.clone(), effect.id.to_string());
            }
            EffectKind::DisableDiscount(end) => _ = self.ended.insert(end.code.clone()),
            _ => {}
        }
    }

    /// What was done is what the outbox says, no more and no less, and each code once. A mail whose reply was lost is
    /// sent again under its Message-ID, by which mail stores drop it: it counts once.
    fn compare(&self, performed: &Performed) -> Result<(), String> {
        let sent: BTreeSet<_> = lock(&performed.mails).keys().cloned().collect();
        if sent != self.mails {
            let (more, less) = (sent.difference(&self.mails).count(), self.mails.difference(&sent).count());
            return Err(format!("{more} mails were sent that the outbox knows nothing of, and {less} were not"));
        }
        let created = lock(&performed.discounts);
        if let Some((code, of_code)) = created.iter().find(|(_, of_code)| of_code.len() != 1) {
            return Err(format!("the code {code} was created {} times", of_code.len()));
        }
        let ended: BTreeSet<_> = self.ended.iter().filter(|code| self.discounts.contains_key(*code)).cloned().collect();
        let found = lock(&performed.ended);
        if ended != *found {
            return Err(format!("the outbox has ended the codes {ended:?}, the shop {found:?}"));
        }
        let title = |id: &String| format!("Regulars {id}");
        let expected: BTreeMap<_, _> = self.discounts.iter().map(|(code, id)| (code.clone(), title(id))).collect();
        let found: BTreeMap<_, _> = created.iter().map(|(code, all)| (code.clone(), all[0].title.clone())).collect();
        match expected == found {
            true => Ok(()),
            false => Err(format!("the outbox holds the codes {expected:?}, the shop {found:?}")),
        }
    }
}

/// Lines that one outcome has and the other has not.
pub fn difference(clean: &Lines, found: &Lines) -> Vec<String> {
    let all: BTreeSet<_> = clean.keys().chain(found.keys()).collect();
    let times = |outcome: &Lines, line: &String| outcome.get(line).copied().unwrap_or(0);
    let differs = all.into_iter().filter(|line| times(clean, line) != times(found, line));
    differs.map(|line| format!("{} instead of {} times: {line}", times(found, line), times(clean, line))).collect()
}
