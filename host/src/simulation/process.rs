//! One life of the simulated process: the whole host on simulated ground, until it dies or nothing is left to do.

use std::{
    path::PathBuf,
    sync::{Arc, LazyLock},
    time::Duration,
};

use super::{
    disk::{Disk, SimArchive, SimInbox, SimStore},
    fixture::Fixture,
    peers::{Performed, Shop, mail_server},
    sender::Sender,
    world::{START, World, WorldClock},
};
use crate::{
    clock::Clock,
    config::Config,
    domain::EventId,
    effects::{Mailer, Storefronts},
    host::{Ground, Parts, Workers},
    platform::shopify::admin::Http,
    store::{Inbox, Position, Scan, Store, keys, keys::DueQueue},
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
    pub sender: Arc<Sender>,
}

pub async fn live(outside: &Outside<'_>) -> Ended {
    let Outside { fixture, world, disk, performed, sender } = outside;
    world.begin_process();
    let clock: Arc<dyn Clock> = Arc::new(WorldClock(Arc::clone(world)));
    let store = SimStore::open(world, disk);
    let inbox = SimInbox::open(world, disk);
    let shop = Shop { world: Arc::clone(world), performed: Arc::clone(performed) };
    let folder = PathBuf::from(fixture.folder.path());
    let ground = Ground {
        store: Arc::<SimStore>::clone(&store),
        inbox: Arc::<SimInbox>::clone(&inbox),
        archive: Arc::new(SimArchive { world: Arc::clone(world), disk: Arc::clone(disk) }),
        engine: Arc::clone(&fixture.engine),
        mailer: Some(Mailer::simulated(mail_server(world, performed), "hello@fern.example", TIMEOUT).unwrap()),
        storefronts: Storefronts::over(Http::simulated(Arc::new(shop)), Arc::clone(&clock), TIMEOUT),
        artefacts: folder.join("artefacts"),
        plugins: folder,
    };
    let parts = Parts::over(ground, &CONFIG, &clock).unwrap();
    let _workers = Workers::start(&CONFIG, &parts.pipeline, &parts.outbox).unwrap();
    tokio::spawn(Arc::clone(sender).run(Arc::new(parts.ingest)));
    loop {
        tokio::select! {
            biased;
            () = world.died.notified() => return Ended::Died,
            () = tokio::time::sleep(LOOK) => {}
        }
        let is_idle = sender.is_done() && store.is_idle() && inbox.is_idle();
        let left = if is_idle { left_to_do(disk) } else { Some("webhooks, appends or commits wait".into()) };
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
    [DueQueue::Timers, DueQueue::Deliveries, DueQueue::Effects, DueQueue::Tellings].into_iter().find_map(|queue| {
        let due = store.scan(&Scan::of(keys::due_queue(queue), 1)).unwrap();
        due.first().map(|(key, _)| format!("{:?} is due", keys::Due::read(key)))
    })
}
