//! What is stored, each kind with its version in its first byte.
//!
//! A change of a record's shape is a new version with a reader for the old one; the golden files under `golden/` hold
//! one encoded example of each version and are never rewritten. What is read in an old shape is written in today's.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    Credentials, Error, KeptCredentials, Position,
    budget::{BudgetBound, Counted},
};
use crate::domain::{
    Attempt, AuditEntry, Capability, Checkout, ComponentHash, Contact, Currency, Customer, CustomerId, Effect,
    EffectId, EventId, Fulfillment, Merge, Order, OrderId, Platform, PluginName, Product, ProtectedData, Refund,
    RefundId, Signal, StoreId, Timestamp, Topic,
};

mod past;
mod v1;
mod v2;

pub use past::{Counts, History, Progress};

/// A value that is stored under a version.
pub trait Record: Serialize + DeserializeOwned + 'static {
    /// What a person calls it.
    const NAME: &'static str;
    /// Readers of the versions before today's, from version 1 on.
    const OLDER: &'static [Reader<Self>] = &[];
    const VERSION: u8 = Self::OLDER.len() as u8 + 1;
}

/// Reads a record's body that was written in one version's shape; the error says what is wrong with it.
pub type Reader<T> = fn(&[u8]) -> Result<T, String>;

/// The record's bytes: its version, then postcard.
pub fn encode<T: Record>(record: &T) -> Vec<u8> {
    postcard::to_extend(record, vec![T::VERSION]).expect("records hold only what postcard can write")
}

/// Reads what [`encode`] wrote, in this version of the program or an older one.
pub fn decode<T: Record>(bytes: &[u8]) -> Result<T, Error> {
    let damaged = |detail: String| Error::Damaged { what: T::NAME.into(), detail };
    let Some((&version, body)) = bytes.split_first() else { return Err(damaged("it is empty".into())) };
    let read: Reader<T> = match version {
        0 => return Err(damaged("unknown version 0".into())),
        version if version == T::VERSION => whole::<T, T>,
        version => *T::OLDER.get(usize::from(version) - 1).ok_or(Error::TooNew {
            what: T::NAME,
            found: u32::from(version),
            known: u32::from(T::VERSION),
        })?,
    };
    read(body).map_err(damaged)
}

/// Reads a body that is a `Shape` and nothing else.
fn whole<Shape: DeserializeOwned + Into<T>, T>(body: &[u8]) -> Result<T, String> {
    match postcard::take_from_bytes::<Shape>(body).map_err(|error| error.to_string())? {
        (shape, []) => Ok(shape.into()),
        (_, rest) => Err(format!("{} bytes follow it", rest.len())),
    }
}

macro_rules! records {
    ($($type:ty = $name:literal $([$($older:ty),+])?),+ $(,)?) => {
        $(impl Record for $type {
            const NAME: &'static str = $name;
            const OLDER: &'static [Reader<Self>] = &[$($(whole::<$older, Self>),+)?];
        })+

        /// Every kind of record there is.
        #[cfg(test)]
        pub(super) const NAMES: &[&str] = &[$($name),+];
    };
}

records! {
    StoreRecord = "a store's record" [v1::StoreRecord],
    Credentials = "a store's credentials",
    PluginRecord = "an installed plugin's record",
    EnabledRecord = "an enabled plugin's record",
    SettingsRecord = "a settings version",
    PausedRecord = "a paused plugin's record",
    EventRecord = "an event's record",
    TimerRecord = "a timer",
    StateUsage = "a state usage record",
    Customer = "a customer" [v1::Customer, v2::Customer],
    Order = "an order" [v1::Order],
    Refund = "a refund",
    Fulfillment = "a shipment",
    Product = "a product",
    Checkout = "a checkout",
    Merge = "a merge",
    Effect = "an effect" [v1::Effect],
    Position = "a position",
    Told = "what has been told of an order",
    Reconciliation = "a reconciliation's record",
    ProductsRead = "how far products have been read",
    History = "how far the past has been read",
    Counts = "what was counted",
    SharedLink = "a shared link",
    TaskRecord = "a task",
    Vec<BudgetBound> = "a plugin's budget",
    Counted = "what an effect counts for",
    LastChange = "a value's last change",
    EffectId = "an effect id",
    u64 = "an amount",
    Contact = "a contact",
    TemplateOverride = "a changed mail",
    Letterhead = "a letterhead",
    StoreTerms = "a store's terms",
    AuditEntry = "an entry of the audit trail",
    Forgetting = "a person to be forgotten" [v1::Forgetting],
    AdobeServices = "a store's Adobe services",
    Vec<Position> = "a list of positions",
    CustomerId = "a customer id",
    u32 = "a counter",
    Timestamp = "a time",
}

/// A merchant's shop as this host knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    pub credentials: KeptCredentials,
    /// Base URL of the platform's API, where it is not the domain's own.
    pub api_url: Option<String>,
    pub added_at: Timestamp,
    /// When it was last seen that the app is installed there: an uninstallation that was told of before is over.
    pub installed_at: Timestamp,
    /// A removed store takes no events; its data stays until it is erased.
    pub removed_at: Option<Timestamp>,
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

impl EnabledRecord {
    pub fn is_granted(&self, capability: Capability) -> bool {
        self.grants.iter().any(|grant| grant == capability.as_str())
    }
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

/// What a plugin asks the merchant to decide or to do. It is open for as long as it is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskRecord {
    pub title: String,
    /// What to know, as name and value.
    pub details: Vec<(String, String)>,
    pub customer: Option<CustomerId>,
    pub order: Option<OrderId>,
    /// Answers to choose from, as the action's name and its label.
    pub choices: Vec<(String, String)>,
    pub due: Option<Timestamp>,
    pub opened_at: Timestamp,
}

/// The last change of a value that a plugin shows at the platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastChange {
    pub effect: EffectId,
}

/// What a merchant has put in place of a plugin's mail in one language. Where it says nothing, the plugin's own stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateOverride {
    /// Texts by name, the subject and the preheader among them.
    pub texts: BTreeMap<String, String>,
    /// The whole of the mail as MJML.
    pub mjml: Option<String>,
    /// The whole of its plain-text twin.
    pub text: Option<String>,
    pub saved_at: Timestamp,
}

impl TemplateOverride {
    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty() && self.mjml.is_none() && self.text.is_none()
    }
}

/// What a store adds to each of its mails.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letterhead {
    /// The shop's postal address, as the law of many countries wants it in marketing mails.
    pub postal_address: Option<String>,
}

/// What plugins may see of a store's people, and what the platform last said that the app may do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreTerms {
    pub protected_data: ProtectedData,
    /// An older word on scopes never overwrites a newer one.
    pub scopes_told_at: Timestamp,
}

/// A person who is to be forgotten wherever something is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forgetting {
    /// The record of which plugins are told.
    pub told: CustomerId,
    /// All records of the person.
    pub customers: Vec<CustomerId>,
    /// Orders that the request names, whoever's they are.
    pub orders: Vec<OrderId>,
    /// What others may share with the person, by which plugins name rows.
    pub signals: Vec<Signal>,
    /// The event that tells plugins.
    pub event: EventId,
    /// Where that event is kept, from the first round on: ids of events are forgotten before the second.
    pub position: Option<Position>,
}

/// How a store's Adobe services are known. Nothing of it is secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdobeServices {
    /// The client id of its project in Adobe's Developer Console.
    pub client_id: Option<String>,
    /// What its Commerce webhooks are signed with, in PEM.
    pub webhook_key: Option<String>,
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

/// How far a store's products have been read, in a round through all of them and from its end on through those that change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductsRead {
    /// All that changed before has been read.
    pub until: Timestamp,
    pub round_began_at: Timestamp,
    pub round_ended_at: Option<Timestamp>,
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
