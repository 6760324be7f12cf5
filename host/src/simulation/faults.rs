//! What goes wrong in a run, and how often. All of it ends after a while, so that every run comes to rest.

use std::time::Duration;

use super::random::Random;

/// When the process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crashes {
    Never,
    /// At the boundary of that number, once.
    At(u64),
    /// At each boundary with this chance, while there are faults.
    Percent(u64),
}

/// Chances in percent, for as long as there are faults.
#[derive(Clone, Debug)]
pub struct Faults {
    pub crashes: Crashes,
    /// A message does not arrive.
    pub dropped: u64,
    /// A message arrives and its sender does not hear so.
    pub unheard: u64,
    /// A message that was answered is sent again all the same.
    pub repeated: u64,
    /// A message is sent late.
    pub late: u64,
    /// A webhook of an order is never sent: only reading the order makes up for it.
    pub never_sent: u64,
    /// By how much the platform's listing of orders trails its writes at most, in milliseconds.
    pub trailing: u64,
    /// The store or the inbox is full.
    pub full: u64,
    /// The disk stalls between writing and having written.
    pub stalled: u64,
    /// A call of a peer fails and has no effect.
    pub refused: u64,
    /// A call of a peer has its effect, and the reply is lost.
    pub lost: u64,
    /// A call meets a rate limit.
    pub throttled: u64,
    /// Somebody asks over the API to have a shop reconciled since some moment, at each look of the run.
    pub asked: u64,
    /// Faults end this long after the start.
    pub until: Duration,
    /// What is broken on purpose, to see that it is noticed.
    pub broken: Option<Broken>,
}

/// Faults of a kind that no host survives: what the simulation has to catch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// The store forgets which events it has had.
    DedupeIdsLost,
    /// A commit that had not become durable leaves half of its writes behind.
    TornCommits,
    /// The store does not look at what a commit has read.
    ConflictsIgnored,
    /// The inbox answers before an event is durable.
    AnsweredTooEarly,
    /// The shop takes a code twice, as if nothing marked it as one that it has.
    CodesUnmarked,
    /// Every mail has a Message-ID of its own, as if it did not come of its effect.
    MailsUnmarked,
    /// An action has an idempotency key of its own each time it is sent.
    ActionsUnmarked,
    /// The store forgets what plugins have been told of an order, so that reads tell it once more.
    ToldForgotten,
    /// The platform's listing of changed orders ends after its first page.
    PagesMissing,
}

impl Broken {
    pub const ALL: [Self; 9] = [
        Self::DedupeIdsLost,
        Self::TornCommits,
        Self::ConflictsIgnored,
        Self::AnsweredTooEarly,
        Self::CodesUnmarked,
        Self::MailsUnmarked,
        Self::ActionsUnmarked,
        Self::ToldForgotten,
        Self::PagesMissing,
    ];
}

impl Faults {
    pub fn none() -> Self {
        Self {
            crashes: Crashes::Never,
            dropped: 0,
            unheard: 0,
            repeated: 0,
            late: 0,
            never_sent: 0,
            trailing: 0,
            asked: 0,
            full: 0,
            stalled: 0,
            refused: 0,
            lost: 0,
            throttled: 0,
            until: Duration::ZERO,
            broken: None,
        }
    }

    /// Each kind is absent in some seeds and frequent in others, so that they meet in all combinations.
    pub fn drawn(random: &mut Random) -> Self {
        let mut chance = |values: &[u64]| *random.pick(values);
        Self {
            crashes: Crashes::Percent(chance(&[0, 1, 2, 4])),
            dropped: chance(&[0, 10, 30]),
            unheard: chance(&[0, 10, 30]),
            repeated: chance(&[0, 20, 60]),
            late: chance(&[0, 20, 60]),
            never_sent: chance(&[0, 10, 40]),
            trailing: chance(&[0, 1_000]),
            asked: chance(&[0, 10]),
            full: chance(&[0, 0, 2, 10]),
            stalled: chance(&[0, 5, 20]),
            refused: chance(&[0, 10, 40]),
            lost: chance(&[0, 10, 40]),
            throttled: chance(&[0, 10, 30]),
            until: Duration::from_secs(chance(&[3, 5, 8])),
            broken: None,
        }
    }
}
