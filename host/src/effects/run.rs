//! The loop that starts what is due: each store's mails and each store's calls are a line, and lines take turns.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use tokio::task::JoinSet;

use super::{
    Outbox, attempt,
    place::{Place, lock},
    tell,
};
use crate::{
    domain::{EffectId, StoreId},
    store::{
        Error, Key,
        due::{Round, due_in},
        keys::{Due, DueQueue},
    },
};

/// Effects performed at once. Mail servers and platforms limit each sender to far fewer per second.
const AT_ONCE: usize = 16;

/// Lines looked at in one round.
const LINES: usize = 1_000;

/// Effects of one line that are started before it is another line's turn.
const SHARE: usize = 2;

/// How long the loop sleeps when nothing rings.
const POLL: Duration = Duration::from_millis(250);

/// The least time between two rounds that found nothing to start, however often it rings.
const PAUSE: Duration = Duration::from_millis(10);

/// The pause before an effect that the store refused is looked at again.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// An effect that is due: which one, where it goes, and its row.
struct Started {
    store: StoreId,
    id: EffectId,
    row: Key,
    place: Place,
}

/// What is on its way: by place, how many; and every row, so that none is started twice.
#[derive(Debug, Default)]
struct Running {
    rows: BTreeSet<Key>,
    places: BTreeMap<Place, usize>,
}

impl Running {
    fn at(&self, place: Place) -> usize {
        self.places.get(&place).copied().unwrap_or_default()
    }

    fn begin(&mut self, started: &Started) {
        self.rows.insert(started.row.clone());
        *self.places.entry(started.place).or_default() += 1;
    }

    fn end(&mut self, row: &Key, place: Place) {
        self.rows.remove(row);
        if let Some(count) = self.places.get_mut(&place) {
            *count -= 1;
            if *count == 0 {
                self.places.remove(&place);
            }
        }
    }
}

/// Performs what is due, and tells plugins what became of it, until it is dropped; what is on its way then is broken off, and
/// begun again by the next start.
pub async fn run(outbox: Arc<Outbox>) {
    tokio::join!(perform(Arc::clone(&outbox)), tell::run(&outbox));
}

async fn perform(outbox: Arc<Outbox>) {
    let mut round = Round::default();
    let mut running = Running::default();
    let mut tasks: JoinSet<(Key, Place)> = JoinSet::new();
    loop {
        // From here on a ring is heard, also one that comes before the loop sleeps.
        let mut rung = std::pin::pin!(outbox.due.notified());
        rung.as_mut().enable();
        let free = AT_ONCE - tasks.len();
        let begun = due_now(&outbox, &mut round, &mut running, free).unwrap_or_else(|error| {
            tracing::error!(%error, "due effects cannot be read: {error}");
            Vec::new()
        });
        let any = !begun.is_empty();
        for started in begun {
            let outbox = Arc::clone(&outbox);
            tasks.spawn(async move {
                let Started { store, id, row, place } = started;
                if let Err(error) = attempt(&outbox, store, &id, &row).await {
                    tracing::error!(%error, %store, effect = %id, "effect {id} is held up: {error}");
                    tokio::time::sleep(STORE_PAUSE).await;
                }
                (row, place)
            });
        }
        if !any {
            tokio::time::sleep(PAUSE).await;
        }
        let full = tasks.len() == AT_ONCE;
        let ended = tokio::select! {
            biased;
            ended = tasks.join_next(), if !tasks.is_empty() => ended,
            () = rung, if !full => None,
            () = tokio::time::sleep(POLL), if !full => None,
        };
        for ended in ended.into_iter().chain(std::iter::from_fn(|| tasks.try_join_next())) {
            match ended {
                Ok((row, place)) => running.end(&row, place),
                // Nobody can say which one panicked; what is still on its way settles each row once more, to no effect.
                Err(error) => {
                    tracing::error!(%error, "an effect broke off: {error}");
                    tasks.abort_all();
                    while tasks.join_next().await.is_some() {}
                    running = Running::default();
                    break;
                }
            }
        }
    }
}

/// Effects that are due and may start now, at most `free`: a few of each line in turn, none where the other side is left
/// alone.
fn due_now(outbox: &Outbox, round: &mut Round, running: &mut Running, free: usize) -> Result<Vec<Started>, Error> {
    let mut begun = Vec::new();
    if free == 0 {
        return Ok(begun);
    }
    let now = outbox.clock.now();
    for head in round.due_lines(&*outbox.store, DueQueue::Effects, now, LINES)? {
        let Due::Effect { store, to, .. } = &head else { continue };
        let place = Place::of(*store, *to);
        let room = lock(&outbox.places).allowed(place, now).saturating_sub(running.at(place));
        let share = SHARE.min(room).min(free - begun.len());
        if share == 0 {
            continue;
        }
        let mut left = share;
        // Those on their way may stand before those that are to start.
        for (at, due) in due_in(&*outbox.store, &head.line(), now, share + running.at(place))? {
            let Due::Effect { store, id, .. } = &due else { continue };
            let row = due.key(at);
            if left > 0 && !running.rows.contains(&row) {
                left -= 1;
                let started = Started { store: *store, id: id.clone(), row, place };
                running.begin(&started);
                begun.push(started);
            }
        }
        if begun.len() == free {
            round.go_on_after(head.line());
            break;
        }
    }
    Ok(begun)
}

/// Tries everything that is due now once, one after the other, as if every other side were up.
#[cfg(test)]
pub(super) async fn run_due(outbox: &Outbox) {
    let now = outbox.clock.now();
    for head in Round::default().due_lines(&*outbox.store, DueQueue::Effects, now, LINES).unwrap() {
        for (at, due) in due_in(&*outbox.store, &head.line(), now, LINES).unwrap() {
            let Due::Effect { store, id, .. } = &due else { continue };
            attempt(outbox, *store, id, &due.key(at)).await.unwrap();
        }
    }
}
