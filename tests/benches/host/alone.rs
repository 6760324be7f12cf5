//! The ceilings: what the journal and the store do when nothing else is asked of the machine.

use std::{io, path::Path, sync::Arc, time::Instant};

use bytes::Bytes;
use regulars::{
    clock,
    domain::{Event, Origin, Platform, StoreId, Timestamp},
    store::{Commit, Inbox, Journal, SledStore, Store, encode, journal, keys, keys::Due, sled},
};
use tokio::task::JoinSet;

/// How many wait for an answer at once.
const PRODUCERS: u64 = 64;

const STORE: StoreId = StoreId(1);

/// What a plugin keeps of a customer, in bytes.
const STATE_BYTES: usize = 200;

/// Appends per second to the journal: one write and one `fdatasync` for all that waits.
pub fn journal(folder: &Path, body_bytes: usize, events: u64) -> io::Result<f64> {
    let data = tempfile::tempdir_in(folder)?;
    let journal = open_journal(data.path())?;
    let body = body(body_bytes);
    per_second(events, move |number| {
        let (journal, body) = (Arc::clone(&journal), body.clone());
        async move { journal.append(&event(number, body)).await.map(drop).map_err(io::Error::other) }
    })
}

/// Events per second that are in the journal and then, with an id against repeats, a plugin's state and a mark that they
/// are applied, in the store: one commit each. What a host could do whose plugins and facts cost nothing.
pub fn journal_and_store(folder: &Path, body_bytes: usize, events: u64) -> io::Result<f64> {
    let data = tempfile::tempdir_in(folder)?;
    let journal = open_journal(data.path())?;
    let store =
        Arc::new(SledStore::open(&data.path().join("store"), sled::Options::default()).map_err(io::Error::other)?);
    let body = body(body_bytes);
    per_second(events, move |number| {
        let (journal, store, body) = (Arc::clone(&journal), Arc::clone(&store), body.clone());
        async move {
            let event = event(number, body);
            let position = journal.append(&event).await.map_err(io::Error::other)?;
            let mut commit = Commit::default();
            commit.put(keys::event_id(STORE, &event.id), encode(&position));
            let customer = format!("account/{}", number * 7_919 % 100_000);
            commit.put(keys::state(STORE, &"points".into(), &customer), vec![b'x'; STATE_BYTES]);
            commit.put(Due::Expiry { store: STORE, position }.key(event.received_at), Vec::new());
            store.commit(commit).await.map_err(io::Error::other)
        }
    })
}

fn open_journal(data: &Path) -> io::Result<Arc<Journal>> {
    let journal = Journal::open(&data.join("inbox"), Arc::new(clock::System), journal::Options::inbox());
    journal.map(Arc::new).map_err(io::Error::other)
}

fn body(bytes: usize) -> Bytes {
    Bytes::from(vec![b'x'; bytes])
}

fn event(number: u64, body: Bytes) -> Event {
    Event {
        id: format!("webhook/00000000-0000-4000-8000-{number:012x}").into(),
        store: STORE,
        origin: Origin::Webhook {
            platform: Platform::Shopify,
            topic: "orders/paid".into(),
            api_version: "2026-04".into(),
        },
        occurred_at: Timestamp(1_791_000_000_000),
        received_at: Timestamp(1_791_000_000_000 + number),
        body,
    }
}

/// Does something so many times, [`PRODUCERS`] at once.
fn per_second<F>(times: u64, work: impl Fn(u64) -> F + Clone + Send + Sync + 'static) -> io::Result<f64>
where
    F: Future<Output = io::Result<()>> + Send,
{
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let began = Instant::now();
        let mut tasks = JoinSet::new();
        for producer in 0..PRODUCERS {
            let work = work.clone();
            tasks.spawn(async move {
                for number in (producer..times).step_by(PRODUCERS as usize) {
                    work(number).await?;
                }
                io::Result::Ok(())
            });
        }
        while let Some(ended) = tasks.join_next().await {
            ended??;
        }
        Ok(times as f64 / began.elapsed().as_secs_f64())
    })
}
