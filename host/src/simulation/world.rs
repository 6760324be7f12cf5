//! What outlives the simulated process: time, chance, the record of what happened, and the end of the process itself.

use std::{
    any::Any,
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use super::{
    faults::{Broken, Crashes, Faults},
    random::Random,
};
use crate::{clock::Clock, domain::Timestamp};

pub const START: Timestamp = Timestamp(1_791_000_000_000);

/// Crashes of one run at most: enough of them to meet in pairs, few enough to get on.
const CRASHES: u32 = 6;

pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub struct World {
    state: Mutex<State>,
    /// Rung when the process dies.
    pub died: Notify,
    pub faults: Faults,
    keep_lines: bool,
}

struct State {
    random: Random,
    hash: DefaultHasher,
    lines: Vec<String>,
    boundaries: u64,
    crashes: u32,
    dead: bool,
    /// When the process began, by the world's time and by that of its runtime.
    began: (Timestamp, Option<Instant>),
    /// What nobody answers any more and nobody may see hung up.
    buried: Vec<Box<dyn Any + Send>>,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("World")
    }
}

/// How a call of a peer goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Answered,
    Refused,
    Lost,
    /// It has its effect, and no reply ever comes.
    Silent,
    Throttled,
}

impl World {
    pub fn new(seed: u64, faults: Faults, keep_lines: bool) -> Self {
        let state = State {
            random: Random::seeded(seed),
            hash: DefaultHasher::new(),
            lines: Vec::new(),
            boundaries: 0,
            crashes: 0,
            dead: false,
            began: (START, None),
            buried: Vec::new(),
        };
        Self { state: Mutex::new(state), died: Notify::new(), faults, keep_lines }
    }

    /// Has to be called on the process's runtime, as everything that asks for the time.
    pub fn begin_process(&self) {
        let mut state = lock(&self.state);
        state.dead = false;
        state.began.1 = Some(Instant::now());
    }

    /// Time passes while there is no process.
    pub fn end_process(&self, ended: Timestamp) {
        let mut state = lock(&self.state);
        let down = state.random.between(50, 1_500);
        state.began = (ended + Duration::from_millis(down), None);
        let buried = std::mem::take(&mut state.buried);
        drop(state);
        drop(buried);
    }

    pub fn time(&self) -> Timestamp {
        let began = lock(&self.state).began;
        began.0 + began.1.map_or(Duration::ZERO, |instant| instant.elapsed())
    }

    pub fn is_calm(&self) -> bool {
        self.time().since(START) >= self.faults.until
    }

    pub fn is_broken(&self, broken: Broken) -> bool {
        self.faults.broken == Some(broken)
    }

    pub fn random<T>(&self, draw: impl FnOnce(&mut Random) -> T) -> T {
        draw(&mut lock(&self.state).random)
    }

    /// Whether a fault of this chance happens now.
    pub fn chance(&self, percent: u64) -> bool {
        percent > 0 && !self.is_calm() && self.random(|random| random.chance(percent))
    }

    pub fn call(&self) -> Call {
        let Faults { refused, lost, throttled, .. } = self.faults;
        if self.chance(throttled) {
            Call::Throttled
        } else if self.chance(refused) {
            Call::Refused
        } else if self.chance(lost) {
            if self.random(|random| random.chance(20)) { Call::Silent } else { Call::Lost }
        } else {
            Call::Answered
        }
    }

    /// Lets up to so many milliseconds pass.
    pub async fn pause(&self, most: u64) {
        let millis = self.random(|random| random.between(0, most));
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }

    /// Notes what happened; two runs that note the same are the same.
    pub fn note(&self, line: fmt::Arguments<'_>) {
        let at = self.time().0 - START.0;
        let mut state = lock(&self.state);
        let line = format!("{at:>7} {line}");
        line.hash(&mut state.hash);
        if self.keep_lines {
            state.lines.push(line);
        }
    }

    pub fn trace(&self) -> (u64, Vec<String>) {
        let state = lock(&self.state);
        (state.hash.finish(), state.lines.clone())
    }

    pub fn is_dead(&self) -> bool {
        lock(&self.state).dead
    }

    pub fn boundaries(&self) -> u64 {
        lock(&self.state).boundaries
    }

    pub fn crashes(&self) -> u32 {
        lock(&self.state).crashes
    }

    /// A moment at which the process may die; true if it is dead from now on, or was already.
    pub fn dies_at(&self, what: &str) -> bool {
        if self.is_dead() {
            return true;
        }
        let calm = self.is_calm();
        let mut state = lock(&self.state);
        state.boundaries += 1;
        let dies = match self.faults.crashes {
            Crashes::Never => false,
            Crashes::At(boundary) => state.boundaries == boundary,
            Crashes::Percent(percent) => !calm && state.crashes < CRASHES && state.random.chance(percent),
        };
        drop(state);
        if dies {
            self.kill(what);
        }
        dies
    }

    pub fn kill(&self, what: &str) {
        self.note(format_args!("the process dies: {what}"));
        let mut state = lock(&self.state);
        state.dead = true;
        state.crashes += 1;
        drop(state);
        self.died.notify_one();
    }

    /// Keeps something until the next process, so that who waits for it waits for ever.
    pub fn bury(&self, thing: impl Any + Send) {
        lock(&self.state).buried.push(Box::new(thing));
    }
}

/// The process's clock: the world's time.
#[derive(Debug)]
pub struct WorldClock(pub std::sync::Arc<World>);

impl Clock for WorldClock {
    fn now(&self) -> Timestamp {
        self.0.time()
    }
}
