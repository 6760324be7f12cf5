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
