//! One life of the simulated process: the whole host on simulated ground, until it dies or nothing is left to do.

use std::{
    path::PathBuf,
    sync::{Arc, LazyLock},
    time::Duration,
};

use super::{
    disk::{Disk, SimArchive, SimInbox, SimStore},
    fixture::Fixture,
    history::{History, OrderStep},
    peers::{Performed, Shops, mail_server},
    records::moment,
    sender::{Doors, Sender},
    world::{START, World, WorldClock},
};
use crate::{
    catalog::{Folders, Keys},
    clock::Clock,
    config::Config,
    domain::{EventId, Order, StoreId},
    effects::{LinkKey, Mailer},
    host::{Ground, Parts, Workers},
    platform::http::Http,
    reconcile::{self, Reconciler},
    store::{Inbox, Key, Position, Reconciliation, Record, Scan, Store, decode, keys, keys::DueQueue},
};

/// Settings as they ship, but for waits that a run outlasts.
static CONFIG: LazyLock<Config> = LazyLock::new(|| {
    let mut config = Config::load(None).unwrap();
    config.dispatch.threads = 1;
    config.retry.delivery_seconds = vec![1, 1, 2, 2, 3, 3, 5, 5, 5, 5];
    config.retry.effect_seconds = vec![1, 1, 2, 2, 3, 3, 5, 5, 5, 5];
    config
});

/// A peer that has not answered by then is given up.
const TIMEOUT: Duration = Duration::from_secs(4);

/// How often it is looked whether anything is left to do.
const LOOK: Duration = Duration::from_millis(300);

/// A run that has not come to rest by then never will.
const PATIENCE: Duration = Duration::from_secs(240);

/// How a process ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    Died,
    AtRest,
    /// It still has something to do, and does not get on.
    Stuck(String),
}

/// What is outside the process, or survives it.
pub struct Outside<'a> {
    pub fixture: &'a Fixture,
    pub world: Arc<World>,
    pub disk: Arc<Disk>,
    pub performed: Arc<Performed>,
    pub history: Arc<History>,
    pub sender: Arc<Sender>,
}

/// Reconciliation as it runs here: often, and so few pages at once that runs go on where others stopped.
fn reconciliation(world: &World) -> reconcile::Settings {
    reconcile::Settings {
        every: Duration::from_millis(1_500),
        // A listing that trails is looked at again from the start; one that does not needs no second look.
        overlap: if world.faults.trailing > 0 { PATIENCE } else { Duration::ZERO },
        settle: Duration::from_millis(300),
        pages: 2,
    }
}

pub async fn live(outside: &Outside<'_>) -> Ended {
    let Outside { fixture, world, disk, performed, history, sender } = outside;
    world.begin_process();
    let clock: Arc<dyn Clock> = Arc::new(WorldClock(Arc::clone(world)));
    let store = SimStore::open(world, disk);
    let inbox = SimInbox::open(world, disk);
    let records = history.records.clone();
    let shops = Shops { world: Arc::clone(world), performed: Arc::clone(performed), records };
    let folder = PathBuf::from(fixture.folder.path());
    let ground = Ground {
        store: Arc::<SimStore>::clone(&store),
        inbox: Arc::<SimInbox>::clone(&inbox),
        archive: Arc::new(SimArchive { world: Arc::clone(world), disk: Arc::clone(disk) }),
        engine: Arc::clone(&fixture.engine),
        mailer: Some(Mailer::simulated(mail_server(world, performed), "hello@fern.example", TIMEOUT).unwrap()),
        link_key: LinkKey::new([7; 32]),
        keys: Keys::sample(7),
        http: Http::simulated(Arc::new(shops)),
        folders: Folders { artefacts: folder.join("artefacts"), files: folder },
    };
    let parts = Parts::over(ground, &CONFIG, &clock).unwrap();
    let workers = Workers::start(&CONFIG, &parts.pipeline, &parts.outbox).unwrap();
    let reconciler = Reconciler::new(Arc::clone(&parts.pipeline), Arc::clone(&parts.outbox), reconciliation(world));
    let reconciler = Arc::new(reconciler);
    tokio::spawn(reconcile::run(Arc::clone(&reconciler), workers.dispatcher.reached.clone()));
    tokio::spawn(Arc::clone(sender).run(Arc::new(Doors { ingest: parts.ingest, pipeline: parts.pipeline })));
    loop {
        tokio::select! {
            biased;
            () = world.died.notified() => return Ended::Died,
            () = tokio::time::sleep(LOOK) => {}
        }
        if world.chance(world.faults.asked) {
            let now = world.time().0 - START.0;
            let since = world.random(|random| random.between(0, now));
            world.note(format_args!("somebody asks for reconciliation since {since}"));
            reconciler.ask(StoreId(1), Some(moment(since)));
        }
        let is_idle = sender.is_done() && store.is_idle() && inbox.is_idle();
        let left = match is_idle {
            true => left_to_do(disk).or_else(|| left_to_make_up(disk, history, sender)),
            false => Some("messages, appends or commits wait".into()),
        };
        match left {
            None => return Ended::AtRest,
            Some(left) if world.time().since(START) > PATIENCE => return Ended::Stuck(left),
            Some(_) => {}
        }
    }
}

/// What is accepted and not durably applied, or due; `None` if nothing is.
fn left_to_do(disk: &Disk) -> Option<String> {
    let store = &disk.store;
    let known = |id: &EventId, of| store.get(&keys::event_id(of, id)).unwrap().is_some();
    let events = disk.inbox.read(Position(1), usize::MAX, usize::MAX).unwrap();
    if let Some((position, event)) = events.iter().find(|(_, event)| !known(&event.id, event.store)) {
        return Some(format!("event {} at {position} is not applied", event.id));
    }
    let queues = [DueQueue::Timers, DueQueue::Deliveries, DueQueue::Effects, DueQueue::Tellings, DueQueue::Merges];
    queues.into_iter().find_map(|queue| {
        let due = store.scan(&Scan::of(keys::due_queue(queue), 1)).unwrap();
        due.first().map(|(key, _)| format!("{:?} is due", keys::Due::read(key)))
    })
}

/// What reconciliation has still to find; `None` if it has looked at everything and found it.
fn left_to_make_up(disk: &Disk, history: &History, sender: &Sender) -> Option<String> {
    let last = moment(history.messages.last()?.at);
    let unseen = history.messages.iter().find(|message| {
        let until = read::<Reconciliation>(disk, &keys::reconciliation(message.store)).map(|record| record.until);
        until.is_none_or(|until| until < last)
    });
    if let Some(message) = unseen {
        return Some(format!("{:?} is not reconciled", message.store));
    }
    let events = disk.inbox.read(Position(1), usize::MAX, usize::MAX).unwrap();
    let is_told = |of: StoreId, step: &OrderStep| {
        let by_itself = format!("read/{}/", step.name());
        // What is newer tells an update as well.
        let fact = || read::<Order>(disk, &keys::order(of, &step.order.to_string().into()));
        events.iter().any(|(_, event)| event.store == of && event.id.as_str().starts_with(&by_itself))
            || step.is_update() && fact().is_some_and(|fact| fact.updated_at >= moment(step.at))
    };
    let missed = sender.lost().find(|(message, step)| !is_told(message.store, step))?;
    Some(format!("nothing makes up for {}", missed.0.name))
}

fn read<T: Record>(disk: &Disk, key: &Key) -> Option<T> {
    disk.store.get(key).unwrap().map(|value| decode(&value.bytes).unwrap())
}
