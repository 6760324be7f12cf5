//! What an older version wrote, brought into today's shape when the store is opened.

use super::{
    Commit, CommitError, Error, EventRecord, KeptCredentials, Key, Scan, Store, StoreRecord, Table, Vault, checkouts,
    codes, decode, encode, keys, orders,
};
use crate::domain::{Checkout, Customer, Effect, Order, StoreId};

/// The name under which the layout of the rows is kept that no record's version tells.
const LAYOUT: &str = "layout";

/// The layout that has due queues by line, and lists events that failed and effects by stage.
const QUEUES_BY_LINE: u32 = 1;

/// The layout that finds codes' effects, orders by code and by contact, and customers by those into whom they were merged.
const FACTS_LISTED: u32 = 2;

/// Today's: it finds checkouts by whoever began them and by their age.
const TODAY: u32 = 3;

/// Rows that are read and written at once.
const PAGE: usize = 500;

/// The queues that began with the time: timers, deliveries, effects.
const OLD_QUEUES: [u8; 3] = [1, 2, 3];

/// Brings the store into today's layout; does nothing if it has it. Blocks: not for an async task.
///
/// A crash in between leaves rows of both layouts, and the next call goes on.
pub fn upgrade(store: &dyn Store) -> Result<(), Error> {
    let found = store.get(&keys::meta(LAYOUT))?.map(|value| decode::<u32>(&value.bytes)).transpose()?.unwrap_or(0);
    if found > TODAY {
        return Err(Error::TooNew { what: "the store's layout", found, known: TODAY });
    }
    if found == TODAY {
        return Ok(());
    }
    if found < QUEUES_BY_LINE {
        divide_queues(store)?;
    }
    for (_, value) in store.scan(&Scan::of(keys::all_stores(), usize::MAX))? {
        let id = decode::<StoreRecord>(&value.bytes)?.id;
        if found < QUEUES_BY_LINE {
            list_work(store, id)?;
        }
        if found < FACTS_LISTED {
            list_facts(store, id)?;
        }
        list_checkouts(store, id)?;
    }
    let mut done = Commit::default();
    done.put(keys::meta(LAYOUT), encode(&TODAY));
    write(store, done)
}

/// Seals the credentials that an older version left in clear, or that a key of before a rotation sealed. Blocks: not for an
/// async task.
pub fn seal_credentials(store: &dyn Store, vault: &Vault) -> Result<(), Error> {
    let mut commit = Commit::default();
    for (key, value) in store.scan(&Scan::of(keys::all_stores(), usize::MAX))? {
        let record: StoreRecord = decode(&value.bytes)?;
        if record.credentials.is_outdated(vault) {
            let credentials = record.credentials.open(vault, record.id)?;
            let credentials = KeptCredentials::seal(vault, record.id, &credentials);
            commit.put(key, encode(&StoreRecord { credentials, ..record }));
        }
    }
    write(store, commit)
}

/// Brings what is due into queues by line.
fn divide_queues(store: &dyn Store) -> Result<(), Error> {
    for queue in OLD_QUEUES {
        in_pages(store, &Key::system(Table::Due).small(queue).end(), |key, _, commit| {
            if let Some(row) = due_row(store, queue, key)? {
                commit.put(row, Vec::new());
            }
            commit.delete(key.clone());
            Ok(())
        })?;
    }
    Ok(())
}

/// The key of today's queue for one of a queue that began with the time; `None` if it names nothing.
fn due_row(store: &dyn Store, queue: u8, key: &Key) -> Result<Option<Key>, Error> {
    let mut parts = key.parts();
    let mut read = || {
        parts.small()?;
        let (at, of) = (parts.time()?, parts.store()?);
        Some(match queue {
            1 => (at, keys::Due::Timer { store: of, plugin: parts.text()?.into(), key: parts.text()? }),
            2 => {
                let position = super::Position(parts.number()?);
                (at, keys::Due::Delivery { store: of, position, plugin: parts.text()?.into() })
            }
            _ => (at, keys::Due::Telling { store: of, id: parts.text()?.into() }),
        })
    };
    Ok(match read() {
        Some((at, keys::Due::Telling { store: of, id })) => {
            let effect = store.get(&keys::effect(of, &id))?;
            let effect = effect.and_then(|value| decode::<Effect>(&value.bytes).ok());
            effect.map(|effect| keys::Due::Effect { store: of, to: effect.kind.destination(), id }.key(at))
        }
        Some((at, due)) => Some(due.key(at)),
        None => None,
    })
}

/// Lists codes, orders by code and by contact, and customers by those into whom they were merged.
fn list_facts(store: &dyn Store, id: StoreId) -> Result<(), Error> {
    in_pages(store, &keys::orders(id), |_, value, commit| {
        // A damaged record is not listed; whoever reads it is told.
        if let Ok(order) = decode::<Order>(value) {
            orders::rows(id, &order).into_iter().for_each(|row| commit.put(row, Vec::new()));
        }
        Ok(())
    })?;
    in_pages(store, &keys::effects(id), |_, value, commit| {
        if let Ok(effect) = decode::<Effect>(value) {
            for code in effect.kind.codes() {
                commit.put(keys::code(id, &codes::lookup(code)), encode(&effect.id));
            }
        }
        Ok(())
    })?;
    in_pages(store, &keys::customers(id), |_, value, commit| {
        if let Ok(Customer { id: removed, merged_into: Some(kept), .. }) = decode(value) {
            commit.put(keys::absorbed(id, &kept, &removed), Vec::new());
        }
        Ok(())
    })
}

/// Lists checkouts by whoever began them and by their age.
fn list_checkouts(store: &dyn Store, id: StoreId) -> Result<(), Error> {
    in_pages(store, &keys::of_table(id, Table::Checkout), |_, value, commit| {
        // A damaged record is not listed; whoever reads it is told.
        if let Ok(checkout) = decode::<Checkout>(value) {
            checkouts::rows(id, &checkout).into_iter().for_each(|row| commit.put(row, Vec::new()));
        }
        Ok(())
    })
}

/// Lists the events that failed, and every effect.
fn list_work(store: &dyn Store, id: StoreId) -> Result<(), Error> {
    in_pages(store, &keys::events(id), |_, value, commit| {
        // A damaged record is not listed; whoever reads it is told.
        if let Ok(record) = decode::<EventRecord>(value)
            && record.has_failed()
        {
            commit.put(keys::failed_event(id, record.position), Vec::new());
        }
        Ok(())
    })?;
    in_pages(store, &keys::effects(id), |_, value, commit| {
        if let Ok(effect) = decode::<Effect>(value) {
            commit.put(keys::effect_listed(id, effect.status.stage(), &effect), Vec::new());
        }
        Ok(())
    })
}

fn in_pages(
    store: &dyn Store,
    prefix: &Key,
    mut row: impl FnMut(&Key, &[u8], &mut Commit) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut after = None;
    loop {
        let rows = store.scan(&Scan::of(prefix.clone(), PAGE).after(after))?;
        let Some((last, _)) = rows.last() else { return Ok(()) };
        after = Some(last.clone());
        let mut commit = Commit::default();
        for (key, value) in &rows {
            row(key, &value.bytes, &mut commit)?;
        }
        if !commit.writes.is_empty() {
            write(store, commit)?;
        }
    }
}

fn write(store: &dyn Store, commit: Commit) -> Result<(), Error> {
    store.commit(commit).wait().map_err(|error| match error {
        CommitError::Store(error) => error,
        CommitError::Conflict => Error::Stopped("a commit that reads nothing met a conflict".into()),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        domain::{EffectKind, EffectStage, EffectStatus, TagChange, Timestamp, Topic},
        store::{
            Access, Credentials, Position, SealError, SealKey, Transaction, due, keys::Due, keys::DueQueue,
            memory::MemoryStore, record_tests,
        },
    };

    const SHOP: StoreId = StoreId(3);

    fn event(position: u64, unreadable: Option<&str>) -> EventRecord {
        EventRecord {
            position: Position(position),
            id: "webhook/1".into(),
            topic: Topic::ORDER_PAID,
            platform_topic: None,
            occurred_at: Timestamp(1),
            received_at: Timestamp(1),
            customer: None,
            order: None,
            unreadable: unreadable.map(Into::into),
            read_again: None,
            deliveries: Vec::new(),
        }
    }

    fn effect(id: &str, status: EffectStatus) -> Effect {
        Effect {
            id: id.into(),
            plugin: "points".into(),
            event: "webhook/1".into(),
            kind: EffectKind::ChangeTags(TagChange {
                customer: "7".into(),
                add: vec!["vip".into()],
                remove: Vec::new(),
            }),
            after: None,
            status,
            attempts: 0,
            queued_at: Timestamp(4),
            updated_at: Timestamp(4),
        }
    }

    /// A row of a queue that began with the time.
    fn old_row(queue: u8) -> crate::store::KeyBuilder {
        Key::system(Table::Due).small(queue).time(Timestamp(9)).store(SHOP)
    }

    fn rows(store: &MemoryStore, prefix: Key) -> Vec<Key> {
        store.scan(&Scan::of(prefix, 2_000)).unwrap().into_iter().map(|(key, _)| key).collect()
    }

    #[test]
    fn what_was_due_is_due_and_what_failed_is_listed_after_an_upgrade_however_often_it_is_broken_off() {
        let store = MemoryStore::default();
        let mut old = Commit::default();
        old.put(keys::store(SHOP), encode(&record_tests::store()));
        old.put(old_row(1).text("points").text("expire/7").end(), Vec::new());
        old.put(old_row(2).number(5).text("points").end(), Vec::new());
        old.put(old_row(3).text("waits").end(), Vec::new());
        old.put(old_row(3).text("gone").end(), Vec::new());
        let pending = effect("waits", EffectStatus::Pending { due: Timestamp(9), last_error: None });
        let dead = effect("failed", EffectStatus::Dead { reason: "no".into() });
        for effect in [&pending, &dead] {
            old.put(keys::effect(SHOP, &effect.id), encode(effect));
        }
        for position in 1..=1_200 {
            let record = event(position, (position % 600 == 0).then_some("not JSON"));
            old.put(keys::event(SHOP, record.position), encode(&record));
        }
        old.put(keys::event(SHOP, Position(2_000)), vec![1]);
        write(&store, old).unwrap();

        for _ in 0..2 {
            upgrade(&store).unwrap();
            let dues = [
                Due::Timer { store: SHOP, plugin: "points".into(), key: "expire/7".into() },
                Due::Delivery { store: SHOP, position: Position(5), plugin: "points".into() },
                Due::Effect { store: SHOP, to: pending.kind.destination(), id: "waits".into() },
            ];
            let all: Vec<_> = dues.iter().map(|due| due.key(Timestamp(9))).collect();
            assert_eq!(rows(&store, Key::system(Table::Due).end()), all);
            let head = due::next_line(&store, DueQueue::Deliveries, None).unwrap();
            assert_eq!(head, Some((Timestamp(9), dues[1].clone())));
            let failed = [600, 1_200].map(|position| keys::failed_event(SHOP, Position(position)));
            assert_eq!(rows(&store, keys::failed_events(SHOP)), failed);
            for (stage, effect) in [(EffectStage::Pending, &pending), (EffectStage::Dead, &dead)] {
                let listed = keys::effect_listed(SHOP, stage, effect);
                assert_eq!(rows(&store, keys::effects_listed(SHOP, stage)), [listed]);
            }
            // As a crash leaves it that came before the last commit.
            let mut unfinished = Commit::default();
            unfinished.delete(keys::meta(LAYOUT));
            write(&store, unfinished).unwrap();
        }
    }

    #[test]
    fn a_layout_of_a_later_version_is_left_alone() {
        let store = MemoryStore::default();
        let mut later = Commit::default();
        later.put(keys::meta(LAYOUT), encode(&(TODAY + 1)));
        write(&store, later).unwrap();
        assert!(matches!(upgrade(&store), Err(Error::TooNew { found: 4, known: 3, .. })));
    }

    #[test]
    fn codes_orders_and_merges_that_an_older_version_wrote_are_found_as_new_ones_are() {
        let golden = |name: &str| {
            std::fs::read(format!("{}/src/store/golden/{name}-v1.bin", env!("CARGO_MANIFEST_DIR"))).unwrap()
        };
        let (order, customer): (Order, Customer) =
            (decode(&golden("order")).unwrap(), decode(&golden("customer")).unwrap());
        let store = Arc::new(MemoryStore::default());
        let mut old = Commit::default();
        old.put(keys::meta(LAYOUT), encode(&QUEUES_BY_LINE));
        old.put(keys::store(SHOP), encode(&record_tests::store()));
        old.put(keys::customer(SHOP, &customer.id), golden("customer"));
        old.put(keys::order(SHOP, &order.id), golden("order"));
        let still_open = Order { id: "2".into(), cancelled_at: None, test: false, ..order };
        old.put(keys::order(SHOP, &still_open.id), encode(&still_open));
        old.put(keys::order(SHOP, &"3".into()), vec![1]);
        old.put(keys::effect(SHOP, &"made".into()), golden("effect-discount"));
        write(&*store, old).unwrap();
        for _ in 0..2 {
            upgrade(&*store).unwrap();
            let mut transaction = Transaction::new(Arc::<MemoryStore>::clone(&store));
            let used_by = orders::orders_with_code(&mut transaction, SHOP, "herbst10").unwrap();
            assert_eq!(used_by, std::slice::from_ref(&still_open.id), "the other is cancelled");
            let later = Order { id: "4".into(), placed_at: Timestamp(u64::MAX), customer: None, ..still_open.clone() };
            let before = orders::orders_before(&mut transaction, SHOP, &later).unwrap();
            assert_eq!(before, [still_open.id.clone()].into(), "the other is a test");
            let making = codes::made_by(&mut transaction, SHOP, "fern-abcdefghij").unwrap();
            assert_eq!(making, Some("abcdefghijklmnopqrstuvwxyz".into()));
            let absorbed = rows(&store, keys::all_absorbed(SHOP, &"8".into()));
            assert_eq!(absorbed, [keys::absorbed(SHOP, &"8".into(), &customer.id)]);
        }
    }

    fn vault(current: u8, previous: &[u8]) -> Vault {
        let key = |byte: u8| SealKey::new(&[byte; 32]);
        Vault::new(key(current), previous.iter().map(|byte| key(*byte)).collect())
    }

    fn kept(rows: &MemoryStore) -> StoreRecord {
        decode(&rows.get(&keys::store(StoreId(1))).unwrap().unwrap().bytes).unwrap()
    }

    /// A store with one shop, whose credentials are kept so.
    fn with_shop(kept: KeptCredentials) -> MemoryStore {
        let rows = MemoryStore::default();
        let mut commit = Commit::default();
        let record = StoreRecord { id: StoreId(1), credentials: kept, ..record_tests::store() };
        commit.put(keys::store(record.id), encode(&record));
        rows.commit(commit).wait().unwrap();
        rows
    }

    #[test]
    fn what_an_older_version_left_in_clear_is_sealed() {
        let credentials = Credentials { secrets: vec!["hush".into()], access: Some(Access::lasting("token")) };
        let rows = with_shop(KeptCredentials::Clear(credentials.clone()));
        seal_credentials(&rows, &vault(1, &[])).unwrap();
        let record = kept(&rows);
        assert!(!encode(&record).windows(5).any(|bytes| bytes == b"token"));
        assert_eq!(record.credentials.open(&vault(1, &[]), StoreId(1)).unwrap(), credentials);
    }

    #[test]
    fn what_an_earlier_key_sealed_is_sealed_with_todays_so_that_the_earlier_one_can_go() {
        let credentials = Credentials { secrets: vec!["hush".into()], access: None };
        let rows = with_shop(KeptCredentials::seal(&vault(1, &[]), StoreId(1), &credentials));
        let refused = seal_credentials(&rows, &vault(2, &[])).unwrap_err();
        assert!(matches!(refused, Error::NotOpened { error: SealError::UnknownKey, .. }), "{refused:?}");
        seal_credentials(&rows, &vault(2, &[1])).unwrap();
        seal_credentials(&rows, &vault(2, &[])).unwrap();
        assert_eq!(kept(&rows).credentials.open(&vault(2, &[]), StoreId(1)).unwrap(), credentials);
    }
}
