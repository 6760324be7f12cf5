//! What falls due: queues of keys, read by the one worker that each queue has.
//!
//! A queue is divided into lines, one for each store and plugin, or for each store and other side. A worker goes from
//! line to line and takes a few of each, so that a long line holds up no other, and skips a line that cannot move without
//! reading what stands in it.

use super::{Error, Key, KeyBuilder, Position, Scan, Store, Table};
use crate::domain::{CheckoutId, CustomerId, Destination, EffectId, PluginName, StoreId, Timestamp};

/// Something that falls due.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Due {
    Timer {
        store: StoreId,
        plugin: PluginName,
        key: String,
    },
    Delivery {
        store: StoreId,
        position: Position,
        plugin: PluginName,
    },
    Effect {
        store: StoreId,
        to: Destination,
        id: EffectId,
    },
    /// An effect's plugin is to be told that it has failed.
    Telling {
        store: StoreId,
        id: EffectId,
    },
    /// A plugin is to be told of a merge that no platform tells of.
    Merge {
        store: StoreId,
        plugin: PluginName,
        position: Position,
    },
    /// A dedupe id and an event's record, kept for the platform's retries and a margin.
    Expiry {
        store: StoreId,
        position: Position,
    },
    /// A checkout, at the time of its last change.
    Checkout {
        store: StoreId,
        id: CheckoutId,
    },
    /// What is kept of a redacted person outside the facts is to be taken out; its value is a `Forgetting`.
    Forgetting {
        store: StoreId,
        customer: CustomerId,
        round: u8,
    },
    /// The rows of a store that is erased are to be deleted.
    Erasure {
        store: StoreId,
    },
}

/// The queues of due things. The numbers are on disk; 1 to 3 were queues that began with the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum DueQueue {
    /// Has one line for all stores: forgetting is nobody's turn.
    Expiries = 4,
    Timers = 5,
    Deliveries = 6,
    Effects = 7,
    Tellings = 8,
    Merges = 9,
    Checkouts = 10,
    Forgettings = 11,
    Erasures = 12,
}

pub fn due_queue(queue: DueQueue) -> Key {
    begin(queue).end()
}

/// All lines of one store; [`DueQueue::Expiries`] has none.
pub fn due_of_store(queue: DueQueue, store: StoreId) -> Key {
    begin(queue).store(store).end()
}

fn begin(queue: DueQueue) -> KeyBuilder {
    Key::system(Table::Due).small(queue as u8)
}

impl Due {
    fn line_builder(&self) -> KeyBuilder {
        match self {
            Self::Timer { store, plugin, .. } => begin(DueQueue::Timers).store(*store).text(plugin.as_str()),
            Self::Delivery { store, plugin, .. } => begin(DueQueue::Deliveries).store(*store).text(plugin.as_str()),
            Self::Effect { store, to, .. } => begin(DueQueue::Effects).store(*store).small(*to as u8),
            Self::Telling { store, .. } => begin(DueQueue::Tellings).store(*store),
            Self::Merge { store, plugin, .. } => begin(DueQueue::Merges).store(*store).text(plugin.as_str()),
            Self::Expiry { .. } => begin(DueQueue::Expiries),
            Self::Checkout { store, .. } => begin(DueQueue::Checkouts).store(*store),
            Self::Forgetting { store, .. } => begin(DueQueue::Forgettings).store(*store),
            Self::Erasure { store } => begin(DueQueue::Erasures).store(*store),
        }
    }

    /// The beginning of all keys of the line that this stands in.
    pub fn line(&self) -> Key {
        self.line_builder().end()
    }

    pub fn key(&self, at: Timestamp) -> Key {
        let place = self.line_builder().time(at);
        match self {
            Self::Timer { key, .. } => place.text(key).end(),
            Self::Delivery { position, .. } | Self::Merge { position, .. } => place.number(position.0).end(),
            Self::Effect { id, .. } | Self::Telling { id, .. } => place.text(id.as_str()).end(),
            Self::Expiry { store, position } => place.store(*store).number(position.0).end(),
            Self::Checkout { id, .. } => place.text(id.as_str()).end(),
            Self::Forgetting { customer, round, .. } => place.small(*round).text(customer.as_str()).end(),
            Self::Erasure { .. } => place.end(),
        }
    }

    /// Takes a key of a queue apart again; `None` if it is not one.
    pub fn read(key: &Key) -> Option<(Timestamp, Self)> {
        let mut parts = key.parts();
        let queue = parts.small()?;
        Some(match queue {
            queue if queue == DueQueue::Timers as u8 => {
                let (store, plugin) = (parts.store()?, parts.text()?.into());
                (parts.time()?, Self::Timer { store, plugin, key: parts.text()? })
            }
            queue if queue == DueQueue::Deliveries as u8 => {
                let (store, plugin) = (parts.store()?, parts.text()?.into());
                (parts.time()?, Self::Delivery { store, plugin, position: Position(parts.number()?) })
            }
            queue if queue == DueQueue::Effects as u8 => {
                let store = parts.store()?;
                let to = match parts.small()? {
                    to if to == Destination::MailServer as u8 => Destination::MailServer,
                    to if to == Destination::Storefront as u8 => Destination::Storefront,
                    _ => return None,
                };
                (parts.time()?, Self::Effect { store, to, id: parts.text()?.into() })
            }
            queue if queue == DueQueue::Tellings as u8 => {
                let store = parts.store()?;
                (parts.time()?, Self::Telling { store, id: parts.text()?.into() })
            }
            queue if queue == DueQueue::Merges as u8 => {
                let (store, plugin) = (parts.store()?, parts.text()?.into());
                (parts.time()?, Self::Merge { store, plugin, position: Position(parts.number()?) })
            }
            queue if queue == DueQueue::Expiries as u8 => {
                let at = parts.time()?;
                (at, Self::Expiry { store: parts.store()?, position: Position(parts.number()?) })
            }
            queue if queue == DueQueue::Checkouts as u8 => {
                let store = parts.store()?;
                (parts.time()?, Self::Checkout { store, id: parts.text()?.into() })
            }
            queue if queue == DueQueue::Forgettings as u8 => {
                let store = parts.store()?;
                (parts.time()?, Self::Forgetting { store, round: parts.small()?, customer: parts.text()?.into() })
            }
            queue if queue == DueQueue::Erasures as u8 => {
                let store = parts.store()?;
                (parts.time()?, Self::Erasure { store })
            }
            _ => return None,
        })
    }
}

/// The first of the first line that comes after the line `after`, from the queue's beginning if there is none.
pub fn next_line(store: &dyn Store, queue: DueQueue, after: Option<&Key>) -> Result<Option<(Timestamp, Due)>, Error> {
    let mut after = after.map(behind);
    loop {
        let rows = store.scan(&Scan::of(due_queue(queue), 1).after(after))?;
        let Some((key, _)) = rows.into_iter().next() else { return Ok(None) };
        match Due::read(&key) {
            Some(head) => return Ok(Some(head)),
            // Nothing of ours: it must not stand in anyone's way.
            None => after = Some(key),
        }
    }
}

/// What stands first in a line and is due by `now`, at most `limit`.
pub fn due_in(store: &dyn Store, line: &Key, now: Timestamp, limit: usize) -> Result<Vec<(Timestamp, Due)>, Error> {
    let rows = store.scan(&Scan::of(line.clone(), limit))?;
    Ok(rows.iter().filter_map(|(key, _)| Due::read(key)).take_while(|(at, _)| *at <= now).collect())
}

/// Since when the first of a queue has been due by `now`, and how many are, counted up to `limit`.
pub fn overdue(
    store: &dyn Store,
    queue: DueQueue,
    now: Timestamp,
    limit: usize,
) -> Result<(Option<Timestamp>, usize), Error> {
    let (mut first, mut count, mut line) = (None, 0, None);
    while let Some((at, head)) = next_line(store, queue, line.as_ref())? {
        let this = head.line();
        if at <= now {
            first = Some(first.map_or(at, |first: Timestamp| first.min(at)));
            if count < limit {
                count += due_in(store, &this, now, limit - count)?.len();
            }
        }
        line = Some(this);
    }
    Ok((first, count))
}

/// A key behind every one of a line: what follows the line's name is a time, which never has eight bytes of ones.
fn behind(line: &Key) -> Key {
    let mut bytes = line.as_bytes().to_vec();
    bytes.extend_from_slice(&[0xff; 9]);
    Key::from_bytes(bytes)
}

/// A round through a queue's lines, a few at a time, that goes on where it stopped.
#[derive(Clone, Debug, Default)]
pub struct Round {
    after: Option<Key>,
}

impl Round {
    /// The lines that have something due by `now`, from where the last call stopped, once round at most; looks at no more
    /// than `lines` lines.
    pub fn due_lines(
        &mut self,
        store: &dyn Store,
        queue: DueQueue,
        now: Timestamp,
        lines: usize,
    ) -> Result<Vec<Due>, Error> {
        let (begin, mut wrapped, mut found) = (self.after.clone(), self.after.is_none(), Vec::new());
        for _ in 0..lines {
            match next_line(store, queue, self.after.as_ref())? {
                None if wrapped => {
                    self.after = None;
                    break;
                }
                None => {
                    self.after = None;
                    wrapped = true;
                }
                Some((at, head)) => {
                    let line = head.line();
                    if wrapped && begin.as_ref().is_some_and(|begin| line > *begin) {
                        self.after = begin;
                        break;
                    }
                    self.after = Some(line);
                    if at <= now {
                        found.push(head);
                    }
                }
            }
        }
        Ok(found)
    }

    /// Begins the next call behind this line.
    pub fn go_on_after(&mut self, line: Key) {
        self.after = Some(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Commit, memory::MemoryStore};

    fn timer(store: u32, plugin: &str, key: &str) -> Due {
        Due::Timer { store: StoreId(store), plugin: plugin.into(), key: key.into() }
    }

    fn holding(rows: &[(Timestamp, Due)]) -> MemoryStore {
        let store = MemoryStore::default();
        let mut commit = Commit::default();
        rows.iter().for_each(|(at, due)| commit.put(due.key(*at), Vec::new()));
        futures_util::FutureExt::now_or_never(store.commit(commit)).unwrap().unwrap();
        store
    }

    #[test]
    fn what_falls_due_reads_back_from_its_key_and_sorts_by_time() {
        let store = StoreId(3);
        let dues = [
            timer(3, "points", "expire/7"),
            Due::Delivery { store, position: Position(9), plugin: "points".into() },
            Due::Effect { store, to: Destination::MailServer, id: "abc".into() },
            Due::Effect { store, to: Destination::Storefront, id: "abc".into() },
            Due::Telling { store, id: "abc".into() },
            Due::Merge { store, position: Position(9), plugin: "points".into() },
            Due::Expiry { store, position: Position(9) },
            Due::Checkout { store, id: "c1".into() },
            Due::Forgetting { store, customer: "7".into(), round: 1 },
            Due::Erasure { store },
        ];
        for due in dues {
            assert_eq!(Due::read(&due.key(Timestamp(5))), Some((Timestamp(5), due.clone())));
            assert!(due.key(Timestamp(5)) < due.key(Timestamp(6)));
            assert!(due.key(Timestamp(5)).as_bytes().starts_with(due.line().as_bytes()));
        }
    }

    #[test]
    fn a_long_line_is_passed_by_in_one_step() {
        let mut rows: Vec<_> = (0..500).map(|key| (Timestamp(1), timer(1, "a", &key.to_string()))).collect();
        rows.push((Timestamp(9), timer(1, "b", "x")));
        rows.push((Timestamp(2), timer(2, "a", "x")));
        let store = holding(&rows);
        let mut round = Round::default();
        let lines = round.due_lines(&store, DueQueue::Timers, Timestamp(5), 10).unwrap();
        let lines: Vec<_> = lines.iter().map(Due::line).collect();
        assert_eq!(lines, [timer(1, "a", "").line(), timer(2, "a", "").line()], "b is not due");
        assert_eq!(due_in(&store, &lines[0], Timestamp(5), 20).unwrap().len(), 20);
        let overdue = |now, limit| overdue(&store, DueQueue::Timers, Timestamp(now), limit).unwrap();
        assert_eq!((overdue(0, 9), overdue(5, 9)), ((None, 0), (Some(Timestamp(1)), 9)));
        assert_eq!((overdue(5, 900), overdue(9, 900)), ((Some(Timestamp(1)), 501), (Some(Timestamp(1)), 502)));
    }

    #[test]
    fn a_round_that_looks_at_few_lines_comes_to_each_in_its_turn() {
        let store = holding(&[1, 2, 3].map(|number| (Timestamp(1), timer(number, "a", "x"))));
        let mut round = Round::default();
        let mut turns = Vec::new();
        for _ in 0..4 {
            for head in round.due_lines(&store, DueQueue::Timers, Timestamp(5), 2).unwrap() {
                let Due::Timer { store, .. } = head else { panic!("{head:?}") };
                turns.push(store.0);
            }
        }
        assert_eq!(turns[..5], [1, 2, 3, 1, 2]);
    }
}
