//! One portion: what the platform tells becomes events, but for what is known.

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::{
    catalog::StoreEntry,
    dispatch::{Pipeline, facts::says_nothing_new, told::Known},
    domain::{Change, Customer, Event, EventId, Origin, Step, Timestamp},
    platform::{
        self, Context, Told,
        past::{Found, FoundCustomer, FoundOrder, FoundRefund, Next, Part, Past},
    },
    reconcile::{Stop, id_of, with_patience},
    store::{Error, History, Position, Progress, Submitted, decode, keys},
};

/// Events that are on their way to the disk.
type Sent = Vec<Submitted<Result<Position, Error>>>;

/// Reads a portion and appends what is not known. When this ends, all that it found is durable.
pub(super) async fn read(
    pipeline: &Pipeline,
    entry: &StoreEntry,
    client: &impl Past,
    history: &mut History,
) -> Result<Next, Stop> {
    let part = if history.has_customers { Part::Orders } else { Part::Customers };
    let place = history.place.clone();
    if place.is_none() {
        begin(history, part);
        history.is_cut = !with_patience(pipeline, client, || client.shows_all_orders()).await?;
    }
    let until = history.started_at;
    let portion = with_patience(pipeline, client, || client.past(part, until, place.as_deref())).await?;
    let mut reading = Reading { pipeline, entry, sent: Vec::new() };
    for found in portion.found {
        match found {
            Found::Customer(customer) => reading.customer(&customer, history)?,
            Found::Order(order) => {
                let placed_at = Some(order.created_at);
                history.since = history.since.min(placed_at).or(placed_at);
                // What has become of it since the store was added is told by webhooks, or by reconciliation where one is lost.
                let added_at = entry.record.added_at;
                if order.updated_at < added_at {
                    reading.order(&order, history)?;
                }
                let is_past = |refund: &&FoundRefund| refund.at.unwrap_or(order.updated_at) < added_at;
                for refund in order.refunds.iter().filter(is_past) {
                    reading.refund(client, &order, refund, history).await?;
                }
            }
            Found::Unreadable(why) => unreadable(history, why),
        }
    }
    for sent in reading.sent {
        sent.await?;
    }
    Ok(portion.next)
}

/// A part that is read from its beginning is counted from its beginning.
fn begin(history: &mut History, part: Part) {
    match part {
        Part::Customers => {
            let (started_at, begun_anew) = (history.started_at, history.begun_anew);
            *history = History { started_at, begun_anew, ..History::default() };
        }
        Part::Orders => {
            (history.orders, history.refunds, history.since) = (Progress::default(), Progress::default(), None);
        }
    }
}

fn unreadable(history: &mut History, why: String) {
    history.unreadable += 1;
    history.unreadable_first.get_or_insert(why);
}

fn count(progress: &mut Progress, is_known: bool) {
    progress.found += 1;
    progress.known += u64::from(is_known);
}

fn why_not(read: Result<Change, String>) -> String {
    read.err().unwrap_or_else(|| "it tells of something else".into())
}

struct Reading<'a> {
    pipeline: &'a Pipeline,
    entry: &'a StoreEntry,
    sent: Sent,
}

impl Reading<'_> {
    fn customer(&mut self, customer: &FoundCustomer, history: &mut History) -> Result<(), Error> {
        let told = match self.understand(&customer.told, customer.updated_at) {
            Ok(Change::Customer(told)) => told,
            other => {
                unreadable(history, format!("customer {}: {}", customer.id, why_not(other)));
                return Ok(());
            }
        };
        let row = self.pipeline.store.get(&keys::customer(self.entry.id(), &customer.id))?;
        let known = row.map(|row| decode::<Customer>(&row.bytes)).transpose()?;
        let is_known = known.is_some_and(|known| says_nothing_new(&known, &told));
        count(&mut history.customers, is_known);
        if !is_known {
            // Consent may change without the customer's time of change.
            let digest = HEXLOWER.encode(&Sha256::digest(&customer.told.body)[..8]);
            let (topic, at) = (&customer.told.topic, customer.updated_at);
            let id = EventId::from(format!("read/{topic}/{}/{}/{digest}", customer.id, at.0));
            self.tell(id, &customer.told, at);
        }
        Ok(())
    }

    fn order(&mut self, order: &FoundOrder, history: &mut History) -> Result<(), Error> {
        match self.understand(&order.told, order.updated_at) {
            Ok(Change::Order { .. }) => {}
            other => {
                unreadable(history, format!("order {}: {}", order.id, why_not(other)));
                return Ok(());
            }
        }
        let (store, facts) = (self.entry.id(), &*self.pipeline.store);
        let known = Known::of(facts, store, &order.id)?;
        let is_known = known.has(facts, (store, &order.id), &Step::Updated, order.updated_at)?;
        count(&mut history.orders, is_known);
        if !is_known {
            let id = id_of(&order.told.topic, &order.id, &Step::Updated, order.updated_at);
            self.tell(id, &order.told, order.updated_at);
        }
        Ok(())
    }

    async fn refund(
        &mut self,
        client: &impl Past,
        order: &FoundOrder,
        refund: &FoundRefund,
        history: &mut History,
    ) -> Result<(), Stop> {
        let key = keys::refund(self.entry.id(), &order.id, &refund.id);
        if self.pipeline.store.get(&key)?.is_some() {
            count(&mut history.refunds, true);
            return Ok(());
        }
        let step = Step::Refunded(refund.id.clone());
        let told = match &refund.told {
            Some(told) => Some(told.clone()),
            None => with_patience(self.pipeline, client, || client.told(&order.id, &step)).await?,
        };
        let Some(told) = told else { return Ok(()) };
        let at = refund.at.unwrap_or(order.updated_at);
        match self.understand(&told, at) {
            Ok(Change::Refund(_)) => {
                count(&mut history.refunds, false);
                self.tell(id_of(&told.topic, &order.id, &step, order.updated_at), &told, at);
            }
            // Its money has not gone back.
            Ok(_) => {}
            Err(why) => unreadable(history, format!("refund {}: {why}", refund.id)),
        }
        Ok(())
    }

    /// What a body says, before it is appended: what nobody can read is no event.
    fn understand(&self, told: &Told, occurred_at: Timestamp) -> Result<Change, String> {
        let context = Context { currency: self.entry.context.currency, occurred_at };
        let read = platform::read(told.platform, &told.topic, &told.body, &context);
        read.map(|read| read.change).map_err(|error| error.without_values())
    }

    fn tell(&mut self, id: EventId, told: &Told, occurred_at: Timestamp) {
        let event = Event {
            id,
            store: self.entry.id(),
            origin: Origin::Read {
                platform: told.platform,
                topic: told.topic.clone(),
                api_version: told.api_version.clone(),
            },
            occurred_at,
            received_at: self.pipeline.clock.now(),
            body: told.body.clone(),
        };
        self.sent.push(self.pipeline.inbox.append(&event));
    }
}
