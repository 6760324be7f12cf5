//! What a run has come to, in lines that are the same whatever happened on the way, and the rules that always hold.
//!
//! Left out is only what has to differ: where an event stands, when it arrived and was handled, how often it was tried,
//! and what follows from these: the fuel of an attempt that found a key or did not, the due times that a plugin counts
//! from an event's arrival, and the ids that contain such a time.

use std::collections::{BTreeMap, BTreeSet};

use super::{disk::Disk, history::DOMAINS, peers::Performed, plugins::MILESTONE, world::lock};
use crate::{
    domain::{Attempt, Customer, CustomerId, Effect, EffectKind, EffectStatus, EventId, Outcome, StoreId},
    store::{EventRecord, Key, Position, Scan, Store, Table, decode, memory::MemoryStore},
};

/// A run's outcome: lines, and how often each occurs.
pub type Lines = BTreeMap<String, u32>;

/// Facts are compared as they lie in the store, byte for byte, and plugins' state likewise.
const COMPARED_AS_THEY_ARE: [Table; 9] = [
    Table::Customer,
    Table::CustomerEmail,
    Table::Order,
    Table::CustomerOrder,
    Table::Refund,
    Table::Fulfillment,
    Table::Checkout,
    Table::State,
    Table::Timer,
];

fn rows(store: &MemoryStore, of: StoreId, table: Table) -> Vec<(Key, Vec<u8>)> {
    let found = store.scan(&Scan::of(Key::of(of, table).end(), usize::MAX)).unwrap();
    found.into_iter().map(|(key, value)| (key, value.bytes)).collect()
}

/// The outcome of a run, or which rule it has broken.
pub fn outcome(disk: &Disk, performed: &Performed) -> Result<Lines, String> {
    let mut lines = Lines::new();
    let mut done = Done::default();
    for (domain, number) in DOMAINS.into_iter().zip(1..) {
        let mut add = |line: String| *lines.entry(format!("{domain}: {line}")).or_default() += 1;
        let of = StoreId(number);
        for table in COMPARED_AS_THEY_ARE {
            for (key, bytes) in rows(&disk.store, of, table) {
                let key = key.as_bytes()[5..].escape_ascii();
                add(format!("{table:?} {key} = {}", bytes.escape_ascii()));
            }
        }
        let customers = Customers::of(&disk.store, of);
        for (key, bytes) in rows(&disk.store, of, Table::Event) {
            let record: EventRecord = decode(&bytes).unwrap();
            // The event of a timer that was lost in a crash and set again, or is another's repeat, found none.
            if record.id.as_str().starts_with("timer/") && record.deliveries.is_empty() {
                continue;
            }
            if key != crate::store::keys::event(of, record.position) {
                return Err(format!("{key:?} holds event {} of {}", record.id, record.position));
            }
            add(event_line(&record, &customers));
            for attempt in &record.deliveries {
                add(format!("event {}: {}", cause(&record.id), decision(attempt)));
            }
        }
        for (_, bytes) in rows(&disk.store, of, Table::EventId) {
            let position: Position = decode(&bytes).unwrap();
            if disk.store.get(&crate::store::keys::event(of, position)).unwrap().is_none() {
                return Err(format!("an id leads to {position}, where there is no event"));
            }
        }
        for (_, bytes) in rows(&disk.store, of, Table::Effect) {
            let effect: Effect = decode(&bytes).unwrap();
            done.add(&effect);
            add(effect_line(&effect, &customers));
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

/// An event's id without the due time and the version that a timer's holds.
fn cause(id: &EventId) -> String {
    match id.as_str().strip_prefix("timer/") {
        Some(rest) => rest.rsplitn(3, '/').last().map_or_else(String::new, |key| format!("timer/{key}")),
        None => id.to_string(),
    }
}

fn event_line(record: &EventRecord, customers: &Customers) -> String {
    // A refund that comes before its order does not know yet whose it is.
    let customer = match record.topic.as_str() {
        "order.refunded" => None,
        _ => record.customer.as_ref().map(|id| customers.survivor(id)),
    };
    let EventRecord { id, topic, platform_topic, order, unreadable, read_again, .. } = record;
    format!("event {} {topic} {platform_topic:?} {customer:?} {order:?} {unreadable:?} {read_again:?}", cause(id))
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

fn effect_line(effect: &Effect, customers: &Customers) -> String {
    let status = match &effect.status {
        EffectStatus::Pending { last_error, .. } => format!("pending: {last_error:?}"),
        EffectStatus::Done { .. } => "done".into(),
        EffectStatus::Dead { reason } => format!("dead: {reason}"),
        EffectStatus::Dropped { reason } => format!("dropped: {reason}"),
    };
    let (cause, customer) = match effect.plugin.as_str() {
        MILESTONE => (String::new(), None),
        _ => (cause(&effect.event), Some(customers.survivor(effect.kind.customer()))),
    };
    let what = match &effect.kind {
        EffectKind::Mail(mail) => {
            // Codes come of the effect's id.
            let vars: BTreeMap<_, _> = mail.vars.iter().filter(|(name, _)| *name != "code").collect();
            format!("mail {} {vars:?}", mail.template)
        }
        EffectKind::CreateDiscount(discount) => format!("discount {} {:?}", discount.value, discount.minimum_subtotal),
        EffectKind::ChangeTags(change) => format!("tags {:?} {:?}", change.add, change.remove),
    };
    // Whom a third order's mail could not reach is as much a matter of order.
    let status = if customer.is_none() && status.starts_with("dropped") { "done".into() } else { status };
    format!("{} by {cause}: {what} to {customer:?}, after {}: {status}", effect.plugin, effect.after.is_some())
}

/// What the outbox says has been done.
#[derive(Default)]
struct Done {
    mails: BTreeSet<String>,
    discounts: BTreeMap<String, String>,
}

impl Done {
    fn add(&mut self, effect: &Effect) {
        let EffectStatus::Done { receipt } = &effect.status else { return };
        match &effect.kind {
            EffectKind::Mail(_) => _ = self.mails.insert(receipt.clone()),
            EffectKind::CreateDiscount(discount) => {
                self.discounts.insert(discount.code.clone(), effect.id.to_string());
            }
            EffectKind::ChangeTags(_) => {}
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
