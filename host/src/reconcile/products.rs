//! What a store sells, read in rounds: no webhook tells of the collections that a product is in, or of a product that nobody
//! has changed since the store was added.
//!
//! A round goes through all products, a few pages with each run; from its end on, what changes is read until the next round
//! is due. What is known already appends nothing.

use std::time::Duration;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::{Settings, Stop, earlier, keep, with_patience};
use crate::{
    dispatch::Pipeline,
    domain::{Event, EventId, Origin, Product, StoreId, Timestamp},
    platform::{Changes, ListedProduct},
    store::{Error, ProductsRead, decode, keys},
};

/// From the beginning of a round to that of the next: a product may enter a collection without being changed itself.
const ROUND: Duration = Duration::from_secs(86_400);

/// Pages that one run reads, so that a large catalogue leaves room for the store's effects.
const PAGES: usize = 20;

/// Reads on from where the last run has stopped. A platform that refuses is asked again with the next run.
pub(super) async fn read_on(
    pipeline: &Pipeline,
    settings: Settings,
    store: StoreId,
    client: &impl Changes,
) -> Result<(), Error> {
    match read_pages(pipeline, settings, store, client).await {
        Ok(()) => Ok(()),
        Err(Stop::Store(error)) => Err(error),
        Err(Stop::Platform(failure)) => {
            tracing::warn!(%failure, %store, "the products of store {store} cannot be read: {failure}");
            Ok(())
        }
    }
}

async fn read_pages(
    pipeline: &Pipeline,
    settings: Settings,
    store: StoreId,
    client: &impl Changes,
) -> Result<(), Stop> {
    let now = pipeline.clock.now();
    let row = pipeline.store.get(&keys::products_read(store))?;
    let read = row.map(|row| decode::<ProductsRead>(&row.bytes)).transpose()?;
    let is_over = |read: &ProductsRead| read.round_ended_at.is_some() && now.since(read.round_began_at) >= ROUND;
    let mut read = read.filter(|read| !is_over(read)).unwrap_or(ProductsRead {
        until: Timestamp(0),
        round_began_at: now,
        round_ended_at: None,
    });
    // A round is gone on with where it stopped: an overlap might never get past it.
    let from = if read.round_ended_at.is_some() { earlier(read.until, settings.overlap) } else { read.until };
    let between = (from, earlier(now, settings.settle));
    let mut after = None;
    for _ in 0..PAGES {
        let page = with_patience(pipeline, client, || client.changed_products(between, after.as_deref())).await?;
        for product in &page.products {
            tell(pipeline, store, product).await?;
        }
        read.until = page.products.last().map_or(read.until, |last| last.updated_at.max(read.until));
        after = page.next;
        if after.is_none() {
            read.round_ended_at.get_or_insert(now);
        }
        keep(pipeline, keys::products_read(store), &read).await?;
        if after.is_none() {
            break;
        }
    }
    Ok(())
}

/// Appends what is not known of a product. The id follows from what is told, so that telling it twice is telling it once.
async fn tell(pipeline: &Pipeline, store: StoreId, product: &ListedProduct) -> Result<(), Stop> {
    let known = pipeline.store.get(&keys::product(store, &product.id))?;
    let known = known.map(|row| decode::<Product>(&row.bytes)).transpose()?;
    let is_known = |known: &Product| {
        known.deleted
            || known.updated_at > product.updated_at
            || (known.updated_at == product.updated_at && known.collections == product.collections)
    };
    if known.as_ref().is_some_and(is_known) {
        return Ok(());
    }
    let told = &product.told;
    let digest = HEXLOWER.encode(&Sha256::digest(&told.body)[..8]);
    let event = Event {
        id: EventId::from(format!("read/{}/{}/{}/{digest}", told.topic, product.id, product.updated_at.0)),
        store,
        origin: Origin::Read {
            platform: told.platform,
            topic: told.topic.clone(),
            api_version: told.api_version.clone(),
        },
        occurred_at: product.updated_at,
        received_at: pipeline.clock.now(),
        body: told.body.clone(),
    };
    pipeline.inbox.append(&event).await?;
    Ok(())
}
