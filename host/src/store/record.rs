//! What is stored, each kind with its version in its first byte.
//!
//! A change of a record's shape is a new version with a reader for the old one; the golden files under `golden/` hold
//! one encoded example of each version and are never rewritten.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Error, Position};
use crate::domain::{
    Attempt, Checkout, ComponentHash, Currency, Customer, CustomerId, Effect, EventId, Fulfillment, Merge, Order,
    OrderId, Platform, PluginName, Refund, RefundId, StoreId, Timestamp, Topic,
};

/// A value that is stored under a version.
pub trait Record: Serialize + DeserializeOwned {
    /// What a person calls it.
    const NAME: &'static str;
    const VERSION: u8 = 1;
}

/// The record's bytes: its version, then postcard.
pub fn encode<T: Record>(record: &T) -> Vec<u8> {
    postcard::to_extend(record, vec![T::VERSION]).expect("records hold only what postcard can write")
}

/// Reads what [`encode`] wrote.
pub fn decode<T: Record>(bytes: &[u8]) -> Result<T, Error> {
    let damaged = |detail: String| Error::Damaged { what: T::NAME.into(), detail };
    match bytes.split_first() {
        Some((&version, body)) if version == T::VERSION => {
            match postcard::take_from_bytes(body).map_err(|error| damaged(error.to_string()))? {
                (record, []) => Ok(record),
                (_, rest) => Err(damaged(format!("{} bytes follow it", rest.len()))),
            }
        }
        Some((&version, _)) if version > T::VERSION => {
            Err(Error::TooNew { what: T::NAME, found: u32::from(version), known: u32::from(T::VERSION) })
        }
        Some((version, _)) => Err(damaged(format!("unknown version {version}"))),
        None => Err(damaged("it is empty".into())),
    }
}

macro_rules! records {
    ($($type:ty = $name:literal),+ $(,)?) => {
        $(impl Record for $type {
            const NAME: &'static str = $name;
        })+

        /// Every kind of record there is.
        #[cfg(test)]
        pub(super) const NAMES: &[&str] = &[$($name),+];
    };
}

records! {
    StoreRecord = "a store's record",
    PluginRecord = "an installed plugin's record",
    EnabledRecord = "an enabled plugin's record",
    SettingsRecord = "a settings version",
    PausedRecord = "a paused plugin's record",
    EventRecord = "an event's record",
    TimerRecord = "a timer",
    StateUsage = "a state usage record",
    Customer = "a customer",
    Order = "an order",
    Refund = "a refund",
    Fulfillment = "a shipment",
    Checkout = "a checkout",
    Merge = "a merge",
    Effect = "an effect",
    Position = "a position",
    Told = "what has been told of an order",
    Reconciliation = "a reconciliation's record",
    SharedLink = "a shared link",
    Vec<Position> = "a list of positions",
    CustomerId = "a customer id",
    u32 = "a counter",
    Timestamp = "a time",
}

/// A merchant's shop as this host knows it. Secrets are kept apart from what is shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreRecord {
    pub id: StoreId,
    pub platform: Platform,
    /// The shop's permanent domain: how webhooks name it.
    pub domain: String,
    /// The shop's name as shoppers read it.
    pub name: String,
    /// Where shoppers find it.
    pub url: String,
    pub currency: Currency,
    /// IANA time zone name.
    pub time_zone: String,
    pub locale: String,
    /// Webhook secrets, any of which may sign: rotation has two for a while.
    pub secrets: Vec<String>,
    pub access_token: Option<String>,
    /// Base URL of the platform's API, where it is not the domain's own.
    pub api_url: Option<String>,
    pub added_at: Timestamp,
    /// A removed store takes no events; its data stays until it is erased.
    pub removed_at: Option<Timestamp>,
}

impl std::fmt::Debug for StoreRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreRecord")
            .field("id", &self.id)
            .field("domain", &self.domain)
            .field("secrets", &"[REDACTED]")
            .field("access_token", &"[REDACTED]")
            .finish_non_exhaustive()
    }
}

/// The installed version of a plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginRecord {
    pub name: PluginName,
    pub version: String,
    pub component: ComponentHash,
    pub installed_at: Timestamp,
}

/// A plugin switched on in a store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnabledRecord {
    /// Capabilities that the merchant has granted, by name.
    pub grants: Vec<String>,
    pub settings_version: u32,
    pub enabled_at: Timestamp,
}

/// One saved version of a plugin's settings; never changed after it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsRecord {
    /// A JSON object.
    pub json: String,
    pub saved_at: Timestamp,
}

/// Whose a link is, and which plugin's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedLink {
    pub store: StoreId,
    pub plugin: PluginName,
    pub customer: CustomerId,
}

/// A plugin that does not run in a store for now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PausedRecord {
    pub since: Timestamp,
    pub reason: String,
    /// Deliveries in a row that had failed by then.
    pub failures: u32,
    /// When it was let go on: what waited runs first, in order, and what comes meanwhile waits behind it.
    pub resumed_at: Option<Timestamp>,
}

/// An applied event with its deliveries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRecord {
    pub position: Position,
    pub id: EventId,
    pub topic: Topic,
    /// The platform's own word, where a platform sent it.
    pub platform_topic: Option<String>,
    pub occurred_at: Timestamp,
    pub received_at: Timestamp,
    pub customer: Option<CustomerId>,
    pub order: Option<OrderId>,
    /// Why the body could not be read, if it could not.
    pub unreadable: Option<String>,
    /// The object's id, where the platform sent nothing else and it has to be read again.
    pub read_again: Option<String>,
    pub deliveries: Vec<Attempt>,
}

/// A pending timer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimerRecord {
    pub due: Timestamp,
    pub payload: Vec<u8>,
}

/// What a plugin's state takes in one store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateUsage {
    pub keys: u64,
    pub bytes: u64,
}

/// Steps of an order that plugins have been told of, and by whom.
///
/// A webhook that comes after reconciliation has made up for it counts for nothing, and neither does the read of what a
/// webhook has told. One bit for each step that happens once; refunds that a webhook has told of are known by their facts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    pub by_webhook: u8,
    pub by_read: u8,
    pub refunds_by_read: Vec<RefundId>,
    /// The order's time of change at the latest read that told of an update.
    pub updates_until: Option<Timestamp>,
}

/// How far a store has been reconciled, and what the latest run found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconciliation {
    /// Everything that changed before is reconciled.
    pub until: Timestamp,
    /// The latest run stopped before its end, and the next one goes on there: at once, unless it failed.
    pub more: bool,
    /// Missed steps that all runs have repaired.
    pub repaired: u64,
    pub latest: Reconciled,
}

/// What one run of reconciliation found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconciled {
    pub started_at: Timestamp,
    /// `None` while it runs.
    pub ended_at: Option<Timestamp>,
    /// The span of changes that was asked for.
    pub from: Timestamp,
    pub to: Timestamp,
    pub pages: u64,
    /// Objects looked at.
    pub looked_at: u64,
    /// What no webhook had told of and is told now.
    pub repaired: u64,
    /// What webhooks, or an earlier run, had told of.
    pub duplicates: u64,
    /// How late the repaired was told, in milliseconds.
    pub late_max: u64,
    pub late_median: u64,
    /// Why the run ended early; what it had repaired by then stays.
    pub error: Option<String>,
}
