//! What a platform tells of the app itself. The catalog is changed before the event is committed: a crash in between does
//! it once more, to no effect.

use super::{Job, Pipeline};
use crate::{
    catalog,
    domain::{Change, Effect, EffectStage, EffectStatus, StoreId},
    store::{CommitError, Error, Scan, budget::give_back_effect, decode, keys, outbox::due_of},
};

/// Pending effects that are dropped in one commit.
const PAGE: usize = 200;

/// Why the effects of a store come to nothing whose app was removed.
const REMOVED: &str = "the app was removed from the shop";

/// What is left to do with the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Follows {
    Commit,
    /// Its store is gone: nothing is written of it.
    Nothing,
}

/// Does what an event says of the app.
pub(super) async fn follow(pipeline: &Pipeline, job: &Job) -> Result<Follows, Error> {
    let Ok(read) = &job.read else { return Ok(Follows::Commit) };
    let (catalog, event) = (&pipeline.catalog, &*job.event);
    match &read.change {
        Change::AppUninstalled { shop } if shop.as_ref().is_none_or(|shop| is_of(pipeline, event.store, shop)) => {
            while changed(catalog.uninstalled(event).await)?.is_none() {}
            // A repeat goes on where a crash broke off.
            if is_removed(pipeline, event.store) {
                drop_pending(pipeline, event.store).await?;
            }
        }
        Change::ScopesGranted(scopes) => while changed(catalog.scopes_granted(event, scopes).await)?.is_none() {},
        Change::ShopRedacted { shop } if is_of(pipeline, event.store, shop) => {
            let is_erased = loop {
                if let Some(is_erased) = changed(catalog.erase_as_asked(event).await)? {
                    break is_erased;
                }
            };
            if is_erased {
                return Ok(Follows::Nothing);
            }
        }
        _ => {}
    }
    Ok(Follows::Commit)
}

/// What a change of the catalog came to; `None` if something else was changed at the same time, and it has to be made again.
fn changed<T>(change: Result<T, catalog::Error>) -> Result<Option<T>, Error> {
    match change {
        Ok(done) => Ok(Some(done)),
        Err(catalog::Error::Conflict) => Ok(None),
        Err(catalog::Error::Store(error)) => Err(error),
        Err(error) => Err(Error::Damaged { what: "the catalog".into(), detail: error.to_string() }),
    }
}

/// Whether a body is about the store that it came for.
fn is_of(pipeline: &Pipeline, store: StoreId, shop: &str) -> bool {
    pipeline.catalog.registry().store(store).is_some_and(|entry| entry.record.domain.eq_ignore_ascii_case(shop))
}

fn is_removed(pipeline: &Pipeline, store: StoreId) -> bool {
    pipeline.catalog.registry().store(store).is_some_and(|entry| entry.record.removed_at.is_some())
}

/// Drops what waits to be done in a store, with the reason; one that is under way settles it to no effect.
async fn drop_pending(pipeline: &Pipeline, store: StoreId) -> Result<(), Error> {
    loop {
        let rows = pipeline.store.scan(&Scan::of(keys::effects_listed(store, EffectStage::Pending), PAGE))?;
        if rows.is_empty() {
            return Ok(());
        }
        let (mut transaction, now) = (pipeline.transaction(), pipeline.clock.now());
        for (row, _) in rows {
            let Some((_, id)) = keys::effect_of(&row) else { continue };
            let bytes = transaction.get_bytes(&keys::effect(store, &id))?.map(<[u8]>::to_vec);
            // One that cannot be read is listed no more; whoever reads it is told.
            let effect = bytes.and_then(|bytes| decode::<Effect>(&bytes).ok());
            let Some(effect) = effect else {
                transaction.delete(row);
                continue;
            };
            let EffectStatus::Pending { due, .. } = effect.status else {
                transaction.delete(row);
                continue;
            };
            transaction.delete(due_of(store, &effect).key(due));
            let status = EffectStatus::Dropped { reason: REMOVED.into() };
            transaction.put_effect(store, Some(&effect), &Effect { status, updated_at: now, ..effect.clone() });
            give_back_effect(&mut transaction, store, &effect.plugin, &effect.id)?;
        }
        match transaction.commit().await {
            Ok(()) | Err(CommitError::Conflict) => {}
            Err(CommitError::Store(error)) => return Err(error),
        }
    }
}
