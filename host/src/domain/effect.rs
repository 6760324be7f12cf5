//! Effects: what is to be done outside, queued in the outbox, performed at least once, made to count once.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{CustomerId, EffectId, EventId, Money, PluginName, Timestamp};

/// One queued effect and how far it has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    pub id: EffectId,
    pub plugin: PluginName,
    /// The event whose delivery queued it.
    pub event: EventId,
    pub kind: EffectKind,
    /// An effect that must be done before this one starts; this one fails if that one does.
    pub after: Option<EffectId>,
    pub status: EffectStatus,
    /// Tries made so far.
    pub attempts: u32,
    pub queued_at: Timestamp,
    /// When it was last tried, or reached its final status.
    pub updated_at: Timestamp,
}

impl Effect {
    /// The id of the event that tells the effect's plugin of its present failure: one failure is told once, and another
    /// after a retry by hand once more.
    pub fn failure_id(&self) -> EventId {
        EventId::from(format!("effect/{}/failed/{}", self.id, self.updated_at.0))
    }

    pub fn has_failed(&self) -> bool {
        matches!(self.status, EffectStatus::Dead { .. } | EffectStatus::Dropped { .. })
    }
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EffectKind {
    Mail(Mail),
    CreateDiscount(NewDiscount),
    ChangeTags(TagChange),
}

impl EffectKind {
    /// The kind's name, as listings and metrics show it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Mail(_) => "mail",
            Self::CreateDiscount(_) => "discount.create",
            Self::ChangeTags(_) => "tags.change",
        }
    }

    /// Where the effect goes.
    pub fn destination(&self) -> Destination {
        match self {
            Self::Mail(_) => Destination::MailServer,
            Self::CreateDiscount(_) | Self::ChangeTags(_) => Destination::Storefront,
        }
    }

    /// The same effect for another customer.
    pub fn with_customer(self, customer: CustomerId) -> Self {
        match self {
            Self::Mail(mail) => Self::Mail(Mail { customer, ..mail }),
            Self::CreateDiscount(discount) => Self::CreateDiscount(NewDiscount { customer, ..discount }),
            Self::ChangeTags(change) => Self::ChangeTags(TagChange { customer, ..change }),
        }
    }

    pub fn customer(&self) -> &CustomerId {
        match self {
            Self::Mail(mail) => &mail.customer,
            Self::CreateDiscount(discount) => &discount.customer,
            Self::ChangeTags(change) => &change.customer,
        }
    }
}

/// The other side of an effect: what is down or busy for one effect is so for all that go there. The numbers are on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Destination {
    /// One for all stores.
    MailServer = 1,
    /// Each store's own.
    Storefront = 2,
}

/// A mail to a customer, from one of the plugin's templates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    pub customer: CustomerId,
    pub template: String,
    pub vars: BTreeMap<String, String>,
}

/// A single-use discount code bound to one customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewDiscount {
    pub customer: CustomerId,
    pub code: String,
    pub value: Money,
    /// The smallest order it may be used on.
    pub minimum_subtotal: Option<Money>,
    pub starts_at: Timestamp,
    pub ends_at: Option<Timestamp>,
}

/// Tags to put on a customer and to take off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagChange {
    pub customer: CustomerId,
    pub add: Vec<String>,
    pub remove: Vec<String>,
}

/// How far an effect has come, without what is told about it. The numbers are on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum EffectStage {
    Pending = 1,
    Done = 2,
    Dead = 3,
    Dropped = 4,
}

impl EffectStage {
    pub const ALL: [Self; 4] = [Self::Pending, Self::Done, Self::Dead, Self::Dropped];

    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Done => "done",
            Self::Dead => "dead",
            Self::Dropped => "dropped",
        }
    }

    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.word() == word)
    }
}

impl EffectStatus {
    pub fn stage(&self) -> EffectStage {
        match self {
            Self::Pending { .. } => EffectStage::Pending,
            Self::Done { .. } => EffectStage::Done,
            Self::Dead { .. } => EffectStage::Dead,
            Self::Dropped { .. } => EffectStage::Dropped,
        }
    }
}

/// How far an effect has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EffectStatus {
    /// Waits for its first or next try, not before `due`.
    Pending { due: Timestamp, last_error: Option<String> },
    /// Done; `receipt` is what the other side called it.
    Done { receipt: String },
    /// Given up: a dead letter until someone retries it.
    Dead { reason: String },
    /// Rightly not done, for example no address to write to.
    Dropped { reason: String },
}
