//! The end of a store: its rows, and those of the host that name it.

use std::sync::Arc;

use super::person::{PAGE, readable};
use crate::{
    domain::StoreId,
    store::{CommitError, Error, Key, Scan, SharedLink, Store, Transaction, keys, keys::DueQueue},
};

/// Queues with lines of one store. Expiries find their rows gone and go as they fall due.
const QUEUES: [DueQueue; 7] = [
    DueQueue::Timers,
    DueQueue::Deliveries,
    DueQueue::Effects,
    DueQueue::Tellings,
    DueQueue::Merges,
    DueQueue::Checkouts,
    DueQueue::Forgettings,
];

/// How many rows an erasure deletes.
pub fn count(store: &dyn Store, id: StoreId) -> Result<u64, Error> {
    let mut count = 0;
    each_page(store, id, |rows| {
        count += rows.len() as u64;
        Ok(())
    })?;
    Ok(count)
}

/// Deletes a page of a store's rows; true if there may be more.
pub async fn delete_page(store: &Arc<dyn Store>, id: StoreId) -> Result<bool, Error> {
    let Some(rows) = first_page(&**store, id)? else { return Ok(false) };
    let mut transaction = Transaction::new(Arc::clone(store));
    rows.into_iter().for_each(|row| transaction.delete(row));
    match transaction.commit().await {
        Ok(()) | Err(CommitError::Conflict) => Ok(true),
        Err(CommitError::Store(error)) => Err(error),
    }
}

fn first_page(store: &dyn Store, id: StoreId) -> Result<Option<Vec<Key>>, Error> {
    for range in ranges(id) {
        let rows = store.scan(&Scan::of(range, PAGE))?;
        if !rows.is_empty() {
            return Ok(Some(rows.into_iter().map(|(key, _)| key).collect()));
        }
    }
    let links = links(store, id)?;
    Ok((!links.is_empty()).then_some(links))
}

fn each_page(store: &dyn Store, id: StoreId, mut page: impl FnMut(Vec<Key>) -> Result<(), Error>) -> Result<(), Error> {
    for range in ranges(id) {
        let mut after = None;
        loop {
            let rows = store.scan(&Scan::of(range.clone(), PAGE).after(after))?;
            let Some((last, _)) = rows.last() else { break };
            after = Some(last.clone());
            page(rows.into_iter().map(|(key, _)| key).collect())?;
        }
    }
    page(links(store, id)?)
}

fn ranges(id: StoreId) -> impl Iterator<Item = Key> {
    [keys::all_of(id)].into_iter().chain(QUEUES.into_iter().map(move |queue| keys::due_of_store(queue, id)))
}

/// Links are listed by name, whatever the store.
fn links(store: &dyn Store, id: StoreId) -> Result<Vec<Key>, Error> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let rows = store.scan(&Scan::of(keys::all_links(), PAGE).after(after))?;
        let Some((last, _)) = rows.last() else { return Ok(found) };
        after = Some(last.clone());
        for (key, value) in rows {
            // One that cannot be read may be any store's, and holds up none.
            if readable::<SharedLink>(&key, &value.bytes).is_some_and(|link| link.store == id) {
                found.push(key);
            }
        }
    }
}
