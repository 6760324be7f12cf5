//! A host put together: the data directory opened, every part given what it needs, the workers started.

use std::{
    fmt,
    path::Path,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use tokio::{
    runtime::Handle,
    sync::{Notify, watch},
    task::JoinSet,
};

use crate::{
    access::{self, Keeper},
    catalog::{self, Catalog},
    clock::Clock,
    config::{self, Config},
    counters::Counters,
    dispatch::{self, Backlog, Concurrency, Dispatcher, Failures, Heard, Pipeline, Usage},
    doctor::{self, Doctor},
    domain::{AuditKey, CodeKey},
    effects::{self, LinkKey, Links, MailPolicy, Mailer, MailerError, Outbox, QuietHours, Rules, Storefronts},
    engine::{self, Engine, SharedEngine},
    history,
    ingest::{self, Ingest, Recent, Visitors},
    platform::{
        http::{Http, Limits},
        shopify::oauth::App,
    },
    reconcile::{self, Reconciler},
    retry::Schedule,
    schedule,
    store::{self, Archive, DataDir, Inbox, Journal, Log, Position, SealKey, SledStore, Store, Vault, journal, sled},
    threads,
};

mod gauges;
mod unready;

pub use unready::Unready;

/// Everything that serves one data directory. Dropping it gives the directory free.
pub struct Host {
    pub config: Config,
    pub clock: Arc<dyn Clock>,
    pub counters: Arc<Counters>,
    pub catalog: Arc<Catalog>,
    pub access: Arc<Keeper>,
    pub ingest: Ingest,
    pub pipeline: Arc<Pipeline>,
    pub outbox: Arc<Outbox>,
    pub reconciler: Arc<Reconciler>,
    pub history: Arc<history::Reader>,
    pub doctor: Doctor,
    pub sled: Arc<SledStore>,
    pub journal: Arc<Journal>,
    pub mails: Arc<Log>,
    /// Where the workers run, once they do: for what may take a thread's time.
    pub(crate) background: OnceLock<Handle>,
    /// The first position that is not applied yet, once the workers run.
    pub(crate) reached: OnceLock<watch::Receiver<Position>>,
    /// Last, so that the directory is unlocked only after all that works in it is gone.
    pub data_dir: DataDir,
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("data_dir", &self.data_dir.path()).finish_non_exhaustive()
    }
}

/// Why a host cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Catalog(#[from] catalog::Error),
    #[error(transparent)]
    Engine(#[from] engine::Error),
    #[error(transparent)]
    Mailer(#[from] MailerError),
    #[error("no client for the platforms' APIs can be made: {0}")]
    Http(#[from] reqwest::Error),
}

impl Host {
    /// Opens the data directory and everything in it. Nothing runs yet but the committers. Has to be called on a
    /// runtime: the mail server's connections are kept by its tasks.
    pub fn open(config: Config, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let data_dir = DataDir::open(&config.data_dir)?;
        let retention = retention(&config);
        let segment_bytes = config.inbox.segment_mib << 20;
        let reserve_bytes = config.inbox.reserve_mib << 20;
        let inbox_options = journal::Options { retention, segment_bytes, reserve_bytes, ..journal::Options::inbox() };
        let mail_options = journal::Options { retention, segment_bytes, ..journal::Options::mails() };
        let store_options =
            sled::Options { cache_capacity: sled::cache_capacity(config.store.cache_mib), ..sled::Options::default() };
        let vault = vault(&config.secrets, &data_dir)?;
        let sled = Arc::new(open_store(&data_dir.store(), store_options, &vault)?);
        let journal = Arc::new(Journal::open(&data_dir.inbox(), Arc::clone(&clock), inbox_options)?);
        let mails = Arc::new(Log::open(&data_dir.mails(), Arc::clone(&clock), mail_options)?);
        let mailer = match config.mail.smtp.as_str() {
            "" => None,
            smtp => Some(Mailer::new(smtp, &config.mail.from, Duration::from_secs(config.mail.timeout_seconds))?),
        };
        let mail_key = data_dir.mail_key()?;
        let ground = Ground {
            store: Arc::<SledStore>::clone(&sled),
            inbox: Arc::<Journal>::clone(&journal),
            archive: Arc::<Log>::clone(&mails),
            engine: Arc::new(Engine::new(config.sandbox.fuel)?),
            mailer,
            link_key: LinkKey::new(mail_key),
            keys: catalog::Keys {
                codes: CodeKey::under(&mail_key),
                audit: AuditKey::under(&mail_key),
                vault,
                shopify: config.shopify.client_secrets.clone(),
            },
            http: Http::new()?,
            folders: catalog::Folders { files: data_dir.plugins(), artefacts: data_dir.artefacts() },
        };
        let Parts { counters, catalog, access, ingest, pipeline, outbox } = Parts::over(ground, &config, &clock)?;
        let reached = OnceLock::new();
        let settings = reconcile::Settings {
            every: Duration::from_secs(config.reconcile.every_seconds),
            overlap: Duration::from_secs(config.reconcile.overlap_seconds),
            settle: Duration::from_secs(config.reconcile.settle_seconds),
            pages: config.reconcile.pages,
        };
        let reconciler = Arc::new(Reconciler::new(Arc::clone(&pipeline), Arc::clone(&outbox), settings));
        let settings = history::Settings {
            unasked: config.history.on_installation,
            count_every: config.history.count_every_nights,
        };
        let (shared, own) = (Arc::clone(&pipeline), Arc::clone(&outbox));
        let history = Arc::new(history::Reader::new(shared, own, Arc::clone(&reconciler), settings));
        let doctor =
            Doctor { pipeline: Arc::clone(&pipeline), outbox: Arc::clone(&outbox), settings: doctor_settings(&config) };
        Ok(Self {
            config,
            clock,
            counters,
            catalog,
            access,
            ingest,
            pipeline,
            outbox,
            reconciler,
            history,
            doctor,
            sled,
            journal,
            mails,
            background: OnceLock::new(),
            reached,
            data_dir,
        })
    }

    /// Starts what works in the background. Has to be called on the runtime that is to run the plugins.
    pub fn start(&self) -> Result<Workers, Error> {
        let mut workers = Workers::start(&self.config, &self.pipeline, &self.outbox)?;
        self.background.get_or_init(Handle::current);
        let applied = workers.dispatcher.reached.clone();
        self.reached.get_or_init(|| applied.clone());
        workers.tasks.spawn(reconcile::run(Arc::clone(&self.reconciler), applied.clone()));
        workers.tasks.spawn(history::run(Arc::clone(&self.history), applied));
        workers.tasks.spawn(access::run(Arc::clone(&self.access)));
        workers.tasks.spawn(ingest::settings::publish_all(Arc::clone(&self.pipeline)));
        Ok(workers)
    }
}

/// What a host works on: files and the network under [`Host::open`], simulated ones in a simulation.
pub(crate) struct Ground {
    pub store: Arc<dyn Store>,
    pub inbox: Arc<dyn Inbox>,
    pub archive: Arc<dyn Archive>,
    pub engine: SharedEngine,
    pub mailer: Option<Mailer>,
    pub link_key: LinkKey,
    pub keys: catalog::Keys,
    pub http: Http,
    pub folders: catalog::Folders,
}

/// The parts that do the work, put together on some [`Ground`].
pub(crate) struct Parts {
    pub counters: Arc<Counters>,
    pub catalog: Arc<Catalog>,
    pub access: Arc<Keeper>,
    pub ingest: Ingest,
    pub pipeline: Arc<Pipeline>,
    pub outbox: Arc<Outbox>,
}

impl Parts {
    pub fn over(ground: Ground, config: &Config, clock: &Arc<dyn Clock>) -> Result<Self, Error> {
        let Ground { store, inbox, archive, engine, mailer, link_key, keys, http, folders } = ground;
        let counters = Arc::new(Counters::default());
        let due = Arc::new(Notify::new());
        let (own_store, own_engine, url) = (Arc::clone(&store), Arc::clone(&engine), config.public_url());
        let catalog = Catalog::open(own_store, own_engine, Arc::clone(clock), folders, url, keys)?;
        let catalog = Arc::new(catalog);
        let limits = Limits { timeout: Duration::from_secs(config.shopify.timeout_seconds), ..Limits::default() };
        let app = (!config.shopify.client_id.is_empty()).then(|| App {
            client_id: config.shopify.client_id.clone(),
            secrets: config.shopify.client_secrets.clone(),
            api_url: Some(config.shopify.api_url.clone()).filter(|url| !url.is_empty()),
            limits,
        });
        let access = Arc::new(Keeper::new(Arc::clone(&catalog), Arc::clone(clock), http.clone(), app));
        let backlog = Arc::new(Backlog::new(dispatch::Limits {
            in_all: config.dispatch.backlog_events,
            of_one_store: config.dispatch.backlog_events_of_one_store,
        }));
        let ingest = Ingest {
            catalog: Arc::clone(&catalog),
            inbox: Arc::clone(&inbox),
            backlog: Arc::clone(&backlog),
            recent: Recent::default(),
            visitors: Visitors::default(),
            clock: Arc::clone(clock),
            counters: Arc::clone(&counters),
            adobe_keys: crate::platform::magento::senders::AdobeKeys::new()?,
            remembered: config::days(config.keep.dedupe_days),
        };
        let pipeline = Arc::new(Pipeline {
            catalog: Arc::clone(&catalog),
            inbox: Arc::clone(&inbox),
            store: Arc::clone(&store),
            engine,
            clock: Arc::clone(clock),
            counters: Arc::clone(&counters),
            retries: Schedule { waits: config.retry.delivery(), jitter: config.retry.jitter },
            wait_for_order: Duration::from_secs(config.dispatch.wait_for_order_seconds),
            pause_after: config.retry.pause_after,
            failures: Failures::default(),
            dedupe_for: config::days(config.keep.dedupe_days),
            decisions_for: config::days(config.keep.decision_days),
            checkouts_for: config::days(config.keep.checkout_days),
            audit_for: config::days(config.keep.audit_days),
            copies_for: retention(config),
            due: Arc::clone(&due),
            usage: Usage::default(),
            heard: Heard::default(),
            backlog,
        });
        let outbox = Arc::new(Outbox {
            catalog: Arc::clone(&catalog),
            inbox,
            store,
            clock: Arc::clone(clock),
            counters: Arc::clone(&counters),
            retries: Schedule { waits: config.retry.effect(), jitter: config.retry.jitter },
            later_for: Duration::from_secs(config.retry.later_hours.saturating_mul(3_600)),
            places: Mutex::default(),
            mailer,
            mails: mail_policy(config, link_key),
            archive,
            storefronts: Storefronts::new(http, Arc::clone(&access), Arc::clone(clock), limits),
            due,
        });
        Ok(Self { counters, catalog, access, ingest, pipeline, outbox })
    }
}

/// How long raw events and mails as sent are kept.
fn retention(config: &Config) -> Duration {
    config::days(config.inbox.retention_days)
}

/// What seals credentials: the operator's key, or one in the data directory; and keys of before a rotation, which open.
fn vault(secrets: &config::Secrets, data_dir: &DataDir) -> Result<Vault, Error> {
    let current = match (&secrets.key, &secrets.key_file) {
        (Some(key), _) => key.0,
        (None, Some(file)) => store::read_key(file)?,
        (None, None) => data_dir.seal_key()?,
    };
    let previous = secrets.previous_key_files.iter().map(|file| store::read_key(file));
    let previous = previous.map(|key| key.map(|key| SealKey::new(&key))).collect::<Result<Vec<_>, _>>()?;
    Ok(Vault::new(SealKey::new(&current), previous))
}

fn doctor_settings(config: &Config) -> doctor::Settings {
    let url = reqwest::Url::parse(&config.mail.smtp).ok();
    doctor::Settings {
        public_url: config.public_url(),
        mail_server: url.and_then(|url| url.host_str().map(str::to_owned)),
        nameserver: config.doctor.nameserver,
        dkim_selector: Some(config.doctor.dkim_selector.clone()).filter(|selector| !selector.is_empty()),
    }
}

/// How mails are sent; links need an https address that others reach.
fn mail_policy(config: &Config, key: LinkKey) -> MailPolicy {
    let cap = |cap: u32| (cap > 0).then_some(cap);
    let rules = Rules {
        per_day: cap(config.mail.marketing_per_day),
        per_week: cap(config.mail.marketing_per_week),
        quiet: config.mail.quiet_hours.and_then(|(from, until)| QuietHours::new(from, until)),
    };
    let base = config.public_url().strip_prefix("https://").map(|rest| format!("https://{rest}"));
    MailPolicy { rules, links: Links { key, base } }
}

/// How many threads are to run plugins.
pub fn plugin_threads(config: &Config) -> usize {
    let wanted = match config.dispatch.threads {
        0 => std::thread::available_parallelism().map_or(2, usize::from),
        threads => threads,
    };
    wanted.min(engine::limits::LIVE_INSTANCES as usize)
}

/// Opens the store and brings it into today's layout and under today's key, on a thread that may wait for the disk, as this one may belong to a
/// runtime, and that gives way, as the threads that the store starts do as it does.
fn open_store(folder: &Path, options: sled::Options, vault: &Vault) -> Result<SledStore, store::Error> {
    let open = || {
        threads::give_way();
        let store = SledStore::open(folder, options)?;
        store::upgrade::upgrade(&store)?;
        store::upgrade::seal_credentials(&store, vault)?;
        Ok(store)
    };
    let stopped = |_| Err(store::Error::Stopped("opening it panicked".into()));
    std::thread::scope(|scope| scope.spawn(open).join().unwrap_or_else(stopped))
}

/// The background work of a host, until it is stopped or dropped.
#[derive(Debug)]
pub struct Workers {
    pub dispatcher: Dispatcher,
    tasks: JoinSet<()>,
}

impl Workers {
    pub(crate) fn start(config: &Config, pipeline: &Arc<Pipeline>, outbox: &Arc<Outbox>) -> Result<Self, Error> {
        let concurrency = Concurrency { in_flight: config.dispatch.in_flight, threads: plugin_threads(config) };
        let dispatcher = Dispatcher::start(Arc::clone(pipeline), concurrency)?;
        let mut tasks = JoinSet::new();
        tasks.spawn(schedule::run(Arc::clone(pipeline)));
        tasks.spawn(effects::run(Arc::clone(outbox)));
        Ok(Self { dispatcher, tasks })
    }

    /// Stops between two commits; what was begun and not committed is begun again by the next start.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
        self.dispatcher.stop().await;
    }
}
