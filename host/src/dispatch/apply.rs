//! One event's commit: what was understood of it, what it changes, what each plugin decides.

use std::sync::Arc;

use super::{
    Job, Pipeline,
    app::{self, Follows},
    consents, facts, merges, requests, tasks, told, waiting,
};
use crate::{
    catalog::{Enabled, StoreEntry},
    clock::Stopwatch,
    domain::{
        Attempt, Change, Consent, CustomerId, Effect, Event, Order, OrderId, Origin, Outcome, PluginName, ReadEvent,
        StoreId, Timestamp, Topic,
    },
    engine::{Ended, Failure, Input, UsageChange},
    platform::{self, Unreadable},
    retry::Schedule,
    store::{self, CommitError, EventRecord, Position, TimerRecord, Transaction, decode, keys, keys::Due, survivor},
    telemetry::{
        journey::About,
        trace::{self, Part},
    },
};

/// Reads an event into our words.
pub(super) fn read(pipeline: &Pipeline, event: &Event) -> Result<Arc<ReadEvent>, Unreadable> {
    let own = |topic| Ok(Arc::new(ReadEvent { topic, change: Change::None }));
    match &event.origin {
        Origin::Timer { .. } => own(Topic::TIMER_FIRED),
        Origin::Action { .. } => own(Topic::SHOPPER_ACTION),
        Origin::Merge { merge, .. } => {
            Ok(Arc::new(ReadEvent { topic: Topic::CUSTOMER_MERGED, change: Change::Merge(merge.clone()) }))
        }
        Origin::EffectFailed { .. } => own(Topic::EFFECT_FAILED),
        Origin::MerchantAction { .. } => own(Topic::MERCHANT_ACTION),
        Origin::VisitorAction { .. } => own(Topic::SHOPPER_ACTION),
        Origin::Visit { .. } => own(Topic::LINK_VISITED),
        Origin::SettingsPublished { .. } => own(Topic::SETTINGS_PUBLISHED),
        Origin::Redaction { customer } => {
            let (customer, email, orders) = (customer.clone(), None, Vec::new());
            let change = Change::CustomerRedacted { customer, email, orders };
            Ok(Arc::new(ReadEvent { topic: Topic::CUSTOMER_REDACTED, change }))
        }
        Origin::Consent { customer, accepts_marketing } => {
            let (customer, accepts_marketing) = (customer.clone(), *accepts_marketing);
            let change = Change::Consent(Consent { customer, accepts_marketing, changed_at: Some(event.occurred_at) });
            Ok(Arc::new(ReadEvent { topic: Topic::CUSTOMER_CONSENT, change }))
        }
        Origin::EffectEnded { done, .. } => own(if *done { Topic::EFFECT_DONE } else { Topic::EFFECT_FAILED }),
        Origin::Webhook { platform, topic, .. } | Origin::Read { platform, topic, .. } => {
            match pipeline.catalog.registry().store(event.store) {
                Some(entry) => {
                    let context =
                        platform::Context { currency: entry.context.currency, occurred_at: event.occurred_at };
                    platform::read(*platform, topic, &event.body, &context).map(Arc::new)
                }
                None => own(Topic::foreign(*platform, topic)),
            }
        }
    }
}

/// The customer whose lane the event belongs in, as far as that can be told without a transaction.
pub(super) fn customer_hint(pipeline: &Pipeline, job: &Job) -> Option<CustomerId> {
    let (store, read) = (job.event.store, job.read.as_ref().ok()?);
    let named = job.event.origin.customer().or_else(|| read.change.customer()).cloned();
    named.or_else(|| {
        let order = match &job.event.origin {
            Origin::EffectEnded { effect, .. } => {
                let row = pipeline.store.get(&keys::effect(store, effect)).ok()??;
                decode::<Effect>(&row.bytes).ok()?.kind.order()?.clone()
            }
            _ => read.change.order()?.clone(),
        };
        let row = pipeline.store.get(&keys::order(store, &order)).ok()??;
        decode::<Order>(&row.bytes).ok()?.customer
    })
}

/// Applies an event, or keeps it as unreadable if it can never be applied: one event holds up no other.
#[cfg(test)]
pub(super) async fn apply_or_set_aside(pipeline: &Pipeline, job: &Job) -> Result<(), store::Error> {
    conclude_or_set_aside(pipeline, job, attempt(pipeline, job)).await
}

/// Commits what a first attempt made of an event, or keeps the event as unreadable if it can never be applied.
pub(super) async fn conclude_or_set_aside(
    pipeline: &Pipeline,
    job: &Job,
    first: Result<Option<Prepared>, store::Error>,
) -> Result<(), store::Error> {
    match conclude(pipeline, job, first).await {
        Err(error) if is_permanent(&error) => set_aside(pipeline, job, &error.to_string()).await,
        applied => applied,
    }
}

/// Whether the same work meets the same error every time.
pub(super) fn is_permanent(error: &store::Error) -> bool {
    use store::Error::{Damaged, InvalidKey, TooLarge, TooNew};
    matches!(error, Damaged { .. } | InvalidKey(_) | TooLarge { .. } | TooNew { .. })
}

/// Keeps an event of which nothing could be applied. A replay tries again.
pub(super) async fn set_aside(pipeline: &Pipeline, job: &Job, reason: &str) -> Result<(), store::Error> {
    tracing::error!(
        reason, store = %job.event.store, event = %job.event.id,
        "event {} cannot be applied and is set aside: {reason}", job.event.id
    );
    loop {
        let mut transaction = pipeline.transaction();
        if is_erased(pipeline, job.event.store) {
            return Ok(());
        }
        if transaction.contains(&keys::event_id(job.event.store, &job.event.id))? {
            return Ok(());
        }
        let record = EventRecord { unreadable: Some(format!("it cannot be applied: {reason}")), ..record_of(job) };
        // The timer itself stays, so that a replay finds it; it does not fire again by itself.
        if let Origin::Timer { plugin, key, due } = &job.event.origin {
            transaction.delete(due_row(&job.event, plugin, key).key(*due));
        }
        keep(&mut transaction, pipeline, job, &record);
        match transaction.commit().await {
            Ok(()) => {
                AfterCommit { unreadable: true, ..AfterCommit::default() }.publish(pipeline, job, &record).await;
                return Ok(());
            }
            Err(CommitError::Conflict) => pipeline.counters.conflicts.add_one(),
            Err(CommitError::Store(error)) => return Err(error),
        }
    }
}

/// Applies an event, again and again until nothing that it read has changed meanwhile. An error is the store's.
pub(super) async fn apply(pipeline: &Pipeline, job: &Job) -> Result<(), store::Error> {
    conclude(pipeline, job, attempt(pipeline, job)).await
}

/// Projects an event's facts and runs its plugins; what comes of it is still to be committed.
///
/// `None` for an event that is here already, unless it could not be read then and can be read now; and for one of a store
/// that is erased.
pub(super) fn attempt(pipeline: &Pipeline, job: &Job) -> Result<Option<Prepared>, store::Error> {
    if is_erased(pipeline, job.event.store) {
        return Ok(None);
    }
    let mut transaction = pipeline.transaction();
    let id = keys::event_id(job.event.store, &job.event.id);
    if let Some(first) = transaction.get::<Position>(&id)? {
        if first != job.position {
            pipeline.counters.events_repeated.add_one();
            return Ok(None);
        }
        if job.read.is_err() || !was_unreadable(&mut transaction, job)? {
            return Ok(None);
        }
        transaction.delete(keys::failed_event(job.event.store, job.position));
    }
    prepare(pipeline, job, transaction).map(Some)
}

/// Commits what a first attempt prepared; makes further attempts until nothing that one has read changes meanwhile.
async fn conclude(
    pipeline: &Pipeline,
    job: &Job,
    first: Result<Option<Prepared>, store::Error>,
) -> Result<(), store::Error> {
    let mut attempted = first?;
    if attempted.is_some() && app::follow(pipeline, job).await? == Follows::Nothing {
        return Ok(());
    }
    let mut first_begun = None;
    while let Some(Prepared { begun, traced, transaction, record, after_commit }) = attempted {
        let begun = *first_begun.get_or_insert(begun);
        let committing = trace::begin();
        match transaction.commit().await {
            Ok(()) => {
                pipeline.counters.measured.event_apply.observe_time(begun.elapsed());
                let (store, event) = (job.event.store, &job.event.id);
                trace::span(committing.end(), store, event, Part::Commit, "done");
                let is_root = !matches!(job.event.origin, Origin::Webhook { .. });
                trace::span(traced.end(), store, event, Part::Apply { is_root }, "done");
                after_commit.publish(pipeline, job, &record).await;
                return Ok(());
            }
            Err(CommitError::Conflict) => pipeline.counters.conflicts.add_one(),
            Err(CommitError::Store(error)) => return Err(error),
        }
        attempted = attempt(pipeline, job)?;
    }
    Ok(())
}

/// Whether nothing may be written of a store any more.
fn is_erased(pipeline: &Pipeline, store: StoreId) -> bool {
    pipeline.catalog.registry().store(store).is_none()
}

fn was_unreadable(transaction: &mut Transaction, job: &Job) -> Result<bool, store::Error> {
    let record = transaction.get::<EventRecord>(&keys::event(job.event.store, job.position))?;
    Ok(record.is_some_and(|record| record.unreadable.is_some()))
}

/// Everything that an event changes, ready to be committed.
pub(super) struct Prepared {
    begun: Stopwatch,
    traced: trace::Begun,
    transaction: Transaction,
    record: EventRecord,
    after_commit: AfterCommit,
}

/// What is told to the rest of the host once the commit is durable.
#[derive(Default)]
struct AfterCommit {
    usage: Vec<(PluginName, UsageChange)>,
    /// When each delivery that was run was run, by its index; empty if nothing is traced.
    ran: Vec<(usize, trace::Lasted)>,
    unreadable: bool,
    unknown: bool,
    /// The event tells what reconciliation has made up for, or the other way round: it counts for nothing.
    told_before: bool,
    /// Deliveries that no longer wait for their order.
    released: usize,
    /// The host itself has queued an effect.
    passed_on: bool,
}

impl AfterCommit {
    async fn publish(self, pipeline: &Pipeline, job: &Job, record: &EventRecord) {
        let (counters, store) = (&pipeline.counters, job.event.store);
        counters.events_applied.add_one();
        counters.measured.event_wait.observe_time(pipeline.clock.now().since(record.received_at));
        if self.unreadable {
            counters.events_unreadable.add_one();
            about(store, record).unreadable();
        }
        if self.unknown {
            counters.events_unknown_topic.add_one();
        }
        if self.told_before {
            counters.events_told_before.add_one();
        }
        let told = about(store, record);
        told.applied();
        for attempt in record.deliveries.iter().filter(|attempt| !waiting::is_waiting(attempt)) {
            counters.delivered(attempt);
            told.delivered(attempt);
        }
        for (index, lasted) in self.ran {
            told.traced(&record.deliveries[index], lasted);
        }
        for (plugin, change) in self.usage {
            pipeline.usage.add(store, &plugin, change);
        }
        if !record.deliveries.is_empty() || self.released > 0 || self.passed_on {
            pipeline.due.notify_waiters();
        }
        for attempt in record.deliveries.iter().filter(|attempt| !waiting::is_waiting(attempt)) {
            pipeline.count_failures(store, &attempt.plugin, 1, &attempt.outcome).await;
        }
    }
}

/// What log lines say of an event.
pub(super) fn about(store: StoreId, record: &EventRecord) -> About<'_> {
    About { store, event: &record.id, topic: &record.topic, customer: record.customer.as_ref() }
}

fn prepare(pipeline: &Pipeline, job: &Job, mut transaction: Transaction) -> Result<Prepared, store::Error> {
    let (begun, traced) = (Stopwatch::start(), trace::begin());
    let (store, event) = (job.event.store, &job.event);
    let mut after_commit = AfterCommit { unreadable: job.read.is_err(), ..AfterCommit::default() };
    let mut record = record_of(job);
    if let Ok(read) = &job.read {
        let registry = pipeline.catalog.registry();
        let entry = registry.store(store);
        let is_past = entry.is_some_and(|entry| told::is_past(entry.record.added_at, event, read));
        let news = !is_past && told::is_news(&mut transaction, event, read)?;
        after_commit.told_before = !news && !is_past;
        let first_seen = match &read.change {
            Change::Order { order, .. } => {
                (!transaction.contains(&keys::order(store, &order.id))?).then_some(&order.id)
            }
            _ => None,
        };
        let merged_guest = facts::project(&mut transaction, store, event, &read.change)?;
        if let Some(order) = first_seen {
            after_commit.released = waiting::release(&mut transaction, store, order, pipeline.clock.now())?;
        }
        tasks::close_answered(&mut transaction, event)?;
        let unknown_order = waiting::unknown_order(&mut transaction, store, read)?;
        requests::keep(pipeline, &mut transaction, entry.map(|entry| &**entry), job, read)?;
        let entry = entry.filter(|entry| entry.record.removed_at.is_none());
        if let Some(entry) = entry {
            after_commit.passed_on = consents::pass_on(&mut transaction, entry, event, pipeline.clock.now())?;
        }
        let works = |plugin| entry.is_some_and(|entry| entry.plugin(plugin).is_some());
        let live = match &event.origin {
            Origin::Timer { plugin, .. } => clear_timer(&mut transaction, event, works(plugin))?,
            Origin::Merge { plugin, .. } => merges::is_untold(&mut transaction, event, plugin)?,
            // An effect that is tried again by hand has not failed for good.
            Origin::EffectFailed { effect, .. } | Origin::EffectEnded { effect, done: false, .. } => transaction
                .get::<Effect>(&keys::effect(store, effect))?
                .is_some_and(|effect| effect.has_failed() && effect.failure_id() == event.id),
            _ => true,
        };
        (record.customer, record.order) = concerns(&mut transaction, event, read)?;
        if let Change::ReadAgain { id } = &read.change {
            record.read_again = Some(id.clone());
        }
        after_commit.unknown = read.change == Change::None && event.origin.platform_topic().is_some();
        let entry = entry.filter(|_| live && news);
        for enabled in entry.iter().flat_map(|entry| &entry.enabled).filter(|it| is_for(it, event, read)) {
            if let Some(order) = &unknown_order {
                let place = (store, job.position);
                record.deliveries.push(waiting::wait(pipeline, &mut transaction, place, enabled, order));
                continue;
            }
            if enabled.paused.is_some() && transaction.contains(&keys::paused(store, enabled.name()))? {
                transaction.put_bytes(keys::waiting(store, enabled.name(), job.position), Vec::new());
                record.deliveries.push(not_run(enabled, pipeline.clock.now()));
                continue;
            }
            let delivery = Delivery { store: entry.expect("there is one, for it has plugins"), enabled, job, read };
            let running = trace::begin();
            let (attempt, ended) = run(pipeline, &delivery, &record, 1, transaction)?;
            after_commit.ran.extend(running.end().map(|lasted| (record.deliveries.len(), lasted)));
            transaction = ended.transaction;
            if let Outcome::Retrying { due, .. } = &attempt.outcome {
                let plugin = attempt.plugin.clone();
                transaction.put_bytes(Due::Delivery { store, position: job.position, plugin }.key(*due), Vec::new());
            }
            after_commit.usage.push((attempt.plugin.clone(), ended.usage));
            record.deliveries.push(attempt);
        }
        if let Some(order) = unknown_order.filter(|_| !record.deliveries.is_empty()) {
            waiting::enlist(&mut transaction, store, &order, job.position)?;
        }
        merges::keep_untold(pipeline, &mut transaction, job, (read, merged_guest.as_ref()), &record)?;
    }
    keep(&mut transaction, pipeline, job, &record);
    Ok(Prepared { begun, traced, transaction, record, after_commit })
}

/// A first attempt that is not made because the plugin is paused.
fn not_run(enabled: &Enabled, at: Timestamp) -> Attempt {
    Attempt {
        plugin: enabled.name().clone(),
        component: enabled.installed.record.component,
        settings_version: enabled.record.settings_version,
        attempt: 0,
        at,
        fuel: 0,
        outcome: wait_for(enabled),
        notes: Vec::new(),
        reads: Vec::new(),
        effects: Vec::new(),
    }
}

/// A further attempt that is not made because the plugin is paused.
pub(super) fn put_off(last: &Attempt, at: Timestamp, enabled: &Enabled) -> Attempt {
    Attempt { at, outcome: wait_for(enabled), ..last.clone() }
}

fn wait_for(enabled: &Enabled) -> Outcome {
    let reason = enabled.paused.as_ref().map_or("", |paused| &paused.reason);
    Outcome::Waiting { reason: format!("the plugin is paused: {reason}") }
}

/// What is known of an event before anything follows from it.
fn record_of(job: &Job) -> EventRecord {
    let event = &job.event;
    EventRecord {
        position: job.position,
        id: event.id.clone(),
        topic: topic_of(job),
        platform_topic: event.origin.platform_topic().map(|(_, topic)| topic.to_owned()),
        occurred_at: event.occurred_at,
        received_at: event.received_at,
        customer: None,
        order: None,
        unreadable: job.read.as_ref().err().map(Unreadable::without_values),
        read_again: None,
        deliveries: Vec::new(),
    }
}

/// Writes an event's record, its id against repeats, and when both are to be forgotten.
fn keep(transaction: &mut Transaction, pipeline: &Pipeline, job: &Job, record: &EventRecord) {
    let (store, event) = (job.event.store, &job.event);
    if let Some(customer) = &record.customer {
        transaction.put_bytes(keys::customer_event(store, customer, job.position), Vec::new());
    }
    transaction.put(keys::event_id(store, &event.id), &job.position);
    transaction.put(keys::event(store, job.position), record);
    if record.has_failed() {
        transaction.put_bytes(keys::failed_event(store, job.position), Vec::new());
    }
    let expiry = Due::Expiry { store, position: job.position }.key(event.received_at + pipeline.dedupe_for);
    transaction.put_bytes(expiry, Vec::new());
}

fn topic_of(job: &Job) -> Topic {
    match (&job.read, &job.event.origin) {
        (Ok(read), _) => read.topic.clone(),
        (Err(_), Origin::Webhook { platform, topic, .. } | Origin::Read { platform, topic, .. }) => {
            Topic::foreign(*platform, topic)
        }
        (Err(_), Origin::Timer { .. }) => Topic::TIMER_FIRED,
        (Err(_), Origin::Action { .. }) => Topic::SHOPPER_ACTION,
        (Err(_), Origin::Merge { .. }) => Topic::CUSTOMER_MERGED,
        (Err(_), Origin::EffectFailed { .. } | Origin::EffectEnded { done: false, .. }) => Topic::EFFECT_FAILED,
        (Err(_), Origin::EffectEnded { done: true, .. }) => Topic::EFFECT_DONE,
        (Err(_), Origin::MerchantAction { .. }) => Topic::MERCHANT_ACTION,
        (Err(_), Origin::VisitorAction { .. }) => Topic::SHOPPER_ACTION,
        (Err(_), Origin::Visit { .. }) => Topic::LINK_VISITED,
        (Err(_), Origin::SettingsPublished { .. }) => Topic::SETTINGS_PUBLISHED,
        (Err(_), Origin::Redaction { .. }) => Topic::CUSTOMER_REDACTED,
        (Err(_), Origin::Consent { .. }) => Topic::CUSTOMER_CONSENT,
    }
}

/// Takes away the timer that this event is the firing of; false if it was cancelled or set anew since, or if its plugin
/// does not work in the store: then the timer stays, and fires again when it does.
fn clear_timer(transaction: &mut Transaction, event: &Event, works: bool) -> Result<bool, store::Error> {
    let Origin::Timer { plugin, key, due } = &event.origin else { return Ok(true) };
    let stored = keys::timer(event.store, plugin, key);
    match transaction.get::<TimerRecord>(&stored)? {
        Some(timer) if timer.due == *due => {
            match works {
                true => {
                    transaction.delete(stored);
                    transaction.delete(due_row(event, plugin, key).key(*due));
                }
                // Its new version gives the next firing another id than this one, which has been used up.
                false => transaction.put(stored, &timer),
            }
            Ok(works)
        }
        _ => Ok(false),
    }
}

fn due_row(event: &Event, plugin: &PluginName, key: &str) -> Due {
    Due::Timer { store: event.store, plugin: plugin.clone(), key: key.into() }
}

/// The customer and the order that an event concerns, merges followed.
pub(super) fn concerns(
    transaction: &mut Transaction,
    event: &Event,
    read: &ReadEvent,
) -> Result<(Option<CustomerId>, Option<OrderId>), store::Error> {
    let order = match &event.origin {
        Origin::EffectEnded { effect, .. } => {
            let effect = transaction.get::<Effect>(&keys::effect(event.store, effect))?;
            effect.and_then(|effect| effect.kind.order().cloned())
        }
        _ => read.change.order().cloned(),
    };
    let named = event.origin.customer().or_else(|| read.change.customer()).cloned();
    let customer = match (named, &order) {
        (Some(customer), _) => Some(customer),
        (None, Some(order)) => {
            transaction.get::<Order>(&keys::order(event.store, order))?.and_then(|order| order.customer)
        }
        (None, None) => None,
    };
    let customer = customer.map(|id| survivor(transaction, event.store, id)).transpose()?;
    Ok((customer, order))
}

/// Whether an event is to be delivered to a plugin. What is for one plugin names it.
fn is_for(enabled: &Enabled, event: &Event, read: &ReadEvent) -> bool {
    match &event.origin {
        Origin::Timer { plugin, .. }
        | Origin::Action { plugin, .. }
        | Origin::MerchantAction { plugin, .. }
        | Origin::VisitorAction { plugin, .. } => enabled.name() == plugin,
        Origin::Merge { plugin, .. }
        | Origin::EffectFailed { plugin, .. }
        | Origin::EffectEnded { plugin, .. }
        | Origin::Visit { plugin, .. }
        | Origin::SettingsPublished { plugin, .. } => enabled.name() == plugin && enabled.wants(&read.topic),
        Origin::Webhook { .. } | Origin::Read { .. } | Origin::Redaction { .. } | Origin::Consent { .. } => {
            enabled.wants(&read.topic)
        }
    }
}

/// An event for one plugin of one store.
pub(super) struct Delivery<'a> {
    pub store: &'a StoreEntry,
    pub enabled: &'a Enabled,
    pub job: &'a Job,
    pub read: &'a Arc<ReadEvent>,
}

/// Runs one attempt of a delivery in the sandbox. An error is the store's, and passes: the attempt does not count.
pub(super) fn run(
    pipeline: &Pipeline,
    delivery: &Delivery<'_>,
    record: &EventRecord,
    attempt: u32,
    transaction: Transaction,
) -> Result<(Attempt, Ended), store::Error> {
    let Delivery { store, enabled, job, read } = delivery;
    let name = enabled.name();
    let input = Input {
        store: Arc::clone(&store.context),
        plugin: Arc::clone(&enabled.context),
        event: Arc::clone(&job.event),
        read: Arc::clone(read),
        customer: record.customer.clone(),
        order: record.order.clone(),
        attempt,
        usage: pipeline.usage.of(&*pipeline.store, store.id(), name)?,
    };
    let measured = pipeline.counters.measured.plugin(name.as_str());
    let begun = Stopwatch::start();
    let mut ended = pipeline.engine.run(&enabled.installed.plugin, input, transaction);
    measured.duration.observe_time(begun.elapsed());
    measured.fuel.observe(ended.fuel);
    if let Err(Failure::Host(error)) = &ended.result
        && !is_permanent(error)
    {
        return Err(error.clone());
    }
    let now = pipeline.clock.now();
    let outcome = match &ended.result {
        Ok(()) => Outcome::Done,
        Err(failure) => outcome_of(failure, &pipeline.retries, attempt, record, name, now),
    };
    let attempt = Attempt {
        plugin: name.clone(),
        component: enabled.installed.record.component,
        settings_version: enabled.record.settings_version,
        attempt,
        at: now,
        fuel: ended.fuel,
        outcome,
        notes: std::mem::take(&mut ended.notes),
        reads: std::mem::take(&mut ended.reads),
        effects: ended.effects.iter().map(|effect| effect.id.clone()).collect(),
    };
    Ok((attempt, ended))
}

/// A refusal is final. Everything else may end otherwise after an upgrade, a change of state or a quieter moment.
fn outcome_of(
    failure: &Failure,
    retries: &Schedule,
    attempt: u32,
    record: &EventRecord,
    plugin: &PluginName,
    now: Timestamp,
) -> Outcome {
    let reason = failure.to_string();
    let wait = match failure {
        Failure::Reject(_) => None,
        _ => retries.wait_after(attempt, &format!("{}/{plugin}", record.id)),
    };
    match wait {
        Some(wait) => Outcome::Retrying { due: now + wait, reason },
        None => Outcome::Dead { reason },
    }
}
