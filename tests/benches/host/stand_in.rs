//! The host's own webhook route over another inbox: what the route costs by itself.
//!
//! Served by this benchmark's executable as a process of its own, which the harness starts in place of the real binary:
//! the environment says that it is to be one. The router, the check of the signature and the look-up of the webhook's id
//! are the host's; nothing applies events.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use regulars::{
    catalog::NewStore,
    clock,
    config::Config,
    domain::{Event, Platform},
    host::Host,
    store::{Error, Inbox, Position, Submitted},
    web,
};
use regulars_tests::host::{self, StartError};
use tokio::sync::watch;

use crate::workload::Workload;

const KIND: &str = "REGULARS_BENCH_INBOX";
const SHOP: &str = "REGULARS_BENCH_SHOP";
const SECRET: &str = "REGULARS_BENCH_SECRET";

/// What stands behind the route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behind {
    /// An inbox that says yes and keeps nothing.
    Nothing,
    /// The journal, and nobody who reads it.
    Journal,
}

/// Starts a stand-in.
pub fn start(behind: Behind, data: &Path, workload: &Workload) -> Result<host::Host, StartError> {
    let kind = if behind == Behind::Nothing { "nothing" } else { "journal" };
    let host = host::Host::builder().binary(std::env::current_exe()?).data(data).env(KIND, kind);
    host.env(SHOP, &workload.shop).env(SECRET, workload.secret.reveal()).try_start()
}

/// Serves as a stand-in if the environment says so; does not return then.
pub fn serve_if_asked() -> io::Result<()> {
    let behind = match std::env::var(KIND).as_deref() {
        Ok("nothing") => Behind::Nothing,
        Ok("journal") => Behind::Journal,
        _ => return Ok(()),
    };
    let args: Vec<_> = std::env::args().collect();
    let file = args.iter().skip_while(|arg| *arg != "--config").nth(1).map(PathBuf::from);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(behind, Config::load(file.as_deref()).map_err(io::Error::other)?))
}

async fn serve(behind: Behind, config: Config) -> io::Result<()> {
    let mut host = Host::open(config, Arc::new(clock::System)).map_err(io::Error::other)?;
    let of_environment = |name| std::env::var(name).map_err(io::Error::other);
    let domain = of_environment(SHOP)?;
    let new = NewStore {
        platform: Platform::Shopify,
        name: domain.clone(),
        url: format!("https://{domain}"),
        domain,
        currency: "EUR".parse().map_err(io::Error::other)?,
        time_zone: "UTC".into(),
        locale: "en".into(),
        secrets: vec![of_environment(SECRET)?],
        access: None,
        api_url: None,
    };
    host.catalog.add_store(new).await.map_err(io::Error::other)?;
    if behind == Behind::Nothing {
        host.ingest.inbox = Arc::new(AcceptOnly);
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    println!("listening webhooks {url}\nlistening admin {url}\nready");
    axum::serve(listener, web::public(Arc::new(host))).await
}

/// Keeps nothing.
struct AcceptOnly;

impl Inbox for AcceptOnly {
    fn append(&self, _: &Event) -> Submitted<Result<Position, Error>> {
        Submitted::ready(Ok(Position(1)))
    }

    fn read(&self, _: Position, _: usize, _: usize) -> Result<Vec<(Position, Event)>, Error> {
        Ok(Vec::new())
    }

    fn get(&self, _: Position) -> Result<Option<Event>, Error> {
        Ok(None)
    }

    fn durable(&self) -> watch::Receiver<Position> {
        watch::Sender::new(Position::default()).subscribe()
    }

    fn applied_before(&self, _: Position) {}
}
