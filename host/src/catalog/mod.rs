//! The catalog: which stores there are, which plugins are installed, what is switched on where with which settings.
//!
//! Held in memory as an immutable [`Registry`] that every webhook and delivery reads without a lock; a change is
//! committed to the store first and then published as a new registry.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt, fs, io,
    path::PathBuf,
    sync::Arc,
};

use arc_swap::ArcSwap;
use serde_json::{Map, Value};

use crate::{
    clock::Clock,
    domain::{AuditKey, Capability, CodeKey, Platform, PluginName, StoreId, Topic},
    engine::{self, PluginContext, SharedEngine, StoreContext},
    platform::Secret,
    store::{
        Access, CommitError, Credentials, EnabledRecord, KeptCredentials, PausedRecord, PluginRecord, Scan,
        SettingsRecord, Store, StoreRecord, StoreTerms, Transaction, Vault, decode, keys,
    },
};

mod adobe;
mod app;
pub mod build;
mod changes;
pub mod manifest;
mod overrides;
pub mod package;
mod pause;
pub mod settings;
pub mod templates;
pub mod toolchain;

pub use adobe::Adobe;
pub use changes::{NewStore, StoreChange};
use manifest::SettingProblem;
use package::Package;
use templates::StoreTemplates;

/// Rows that one listing of stores, plugins or enablings reads at most: far above what one host serves.
const LISTED: usize = 100_000;

/// A plugin that is installed, with what its file says and its compiled form.
#[derive(Debug)]
pub struct Installed {
    pub record: PluginRecord,
    pub package: Package,
    pub plugin: engine::Plugin,
}

/// A plugin that a merchant has switched on.
#[derive(Clone, Debug)]
pub struct Enabled {
    pub installed: Arc<Installed>,
    pub record: EnabledRecord,
    pub context: Arc<PluginContext>,
    pub mails: Arc<StoreTemplates>,
    /// Set while the plugin is paused, and while it catches up with what waited.
    pub paused: Option<PausedRecord>,
}

impl Enabled {
    /// Whether it runs nothing for now.
    pub fn is_paused(&self) -> bool {
        self.paused.as_ref().is_some_and(|paused| paused.resumed_at.is_none())
    }

    /// Whether it has been let go on, and runs what waited before anything else.
    pub fn is_catching_up(&self) -> bool {
        self.paused.as_ref().is_some_and(|paused| paused.resumed_at.is_some())
    }

    pub fn name(&self) -> &PluginName {
        &self.installed.package.manifest.name
    }

    pub fn wants(&self, topic: &Topic) -> bool {
        self.installed.package.manifest.topics.contains(topic)
    }
}

/// A store as the rest of the host sees it.
#[derive(Clone, Debug)]
pub struct StoreEntry {
    pub record: StoreRecord,
    /// Who may have signed its webhooks: its own secrets, and the app's.
    pub secrets: Vec<Secret>,
    /// Access to the platform's API, if the store has given any.
    pub access: Option<Access>,
    pub terms: StoreTerms,
    /// By what Adobe's services are believed that tell of the store.
    pub adobe: Adobe,
    pub context: Arc<StoreContext>,
    /// Plugins in order of their names: the order in which they see an event.
    pub enabled: Vec<Enabled>,
}

impl StoreEntry {
    pub fn id(&self) -> StoreId {
        self.record.id
    }

    pub fn plugin(&self, name: &PluginName) -> Option<&Enabled> {
        self.enabled.iter().find(|enabled| enabled.name() == name)
    }
}

/// Everything at one moment.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    by_id: HashMap<StoreId, Arc<StoreEntry>>,
    /// A domain belongs to one platform.
    by_domain: HashMap<String, StoreId>,
    installed: BTreeMap<PluginName, Arc<Installed>>,
}

impl Registry {
    pub fn store(&self, id: StoreId) -> Option<&Arc<StoreEntry>> {
        self.by_id.get(&id)
    }

    /// The store of that domain, unless it has been removed.
    pub fn store_of(&self, platform: Platform, domain: &str) -> Option<&Arc<StoreEntry>> {
        self.store_named(domain).filter(|entry| entry.record.platform == platform)
    }

    /// The store that a person names: by domain, whatever the platform.
    pub fn store_named(&self, domain: &str) -> Option<&Arc<StoreEntry>> {
        self.by_domain.get(domain).and_then(|id| self.by_id.get(id))
    }

    /// The store of that domain, if it has been removed and not erased.
    pub fn removed(&self, domain: &str) -> Option<&Arc<StoreEntry>> {
        let is_removed = |entry: &&Arc<StoreEntry>| entry.record.removed_at.is_some();
        self.by_id.values().filter(is_removed).find(|entry| entry.record.domain == domain)
    }

    /// Stores that have not been removed, by number.
    pub fn stores(&self) -> Vec<&Arc<StoreEntry>> {
        let mut stores: Vec<_> = self.by_id.values().filter(|entry| entry.record.removed_at.is_none()).collect();
        stores.sort_by_key(|entry| entry.id());
        stores
    }

    fn put(&mut self, entry: StoreEntry) {
        if entry.record.removed_at.is_none() {
            self.by_domain.insert(entry.record.domain.clone(), entry.id());
        }
        self.by_id.insert(entry.id(), Arc::new(entry));
    }

    pub fn installed(&self) -> impl Iterator<Item = &Arc<Installed>> {
        self.installed.values()
    }

    pub fn plugin(&self, name: &PluginName) -> Option<&Arc<Installed>> {
        self.installed.get(name)
    }
}

/// Why the catalog cannot do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no store `{0}`; `regulars store list` names the stores there are")]
    NoStore(String),
    #[error("there is a store `{0}` already; `regulars store update` changes it")]
    StoreExists(String),
    #[error("`{key}` cannot be used: {reason}")]
    Invalid { key: &'static str, reason: String },
    #[error("no plugin `{0}` is installed; `regulars plugin install FILE` installs one")]
    NotInstalled(String),
    #[error("the plugin `{plugin}` is not enabled in `{store}`; `regulars plugin enable {store} {plugin}` enables it")]
    NotEnabled { plugin: String, store: String },
    #[error("the plugin `{plugin}` is not paused in `{store}`")]
    NotPaused { plugin: String, store: String },
    #[error(
        "the plugin `{plugin}` needs {missing}, which you have not granted; add `--grant {missing}`, or `--grant-all`"
    )]
    NotGranted { plugin: String, missing: String },
    #[error(
        "the plugin `{plugin}` has no version {version} of its settings; `regulars plugin settings` lists them with `--history`"
    )]
    NoSettings { plugin: String, version: u32 },
    #[error("the settings do not fit the plugin `{plugin}`")]
    Settings { plugin: String, problems: Vec<SettingProblem> },
    #[error("the plugin file cannot be used: {0}")]
    Package(#[from] package::Error),
    #[error("the mail cannot be used: {0}")]
    Template(#[from] templates::Error),
    #[error("the plugin cannot be run: {0}")]
    Engine(#[from] engine::Error),
    #[error("the plugin file {path} cannot be kept: {source}")]
    File { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Store(#[from] crate::store::Error),
    #[error("something else changed it at the same time; try again")]
    Conflict,
}

impl From<CommitError> for Error {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Conflict => Self::Conflict,
            CommitError::Store(error) => Self::Store(error),
        }
    }
}

/// Reads and changes the registry. One for each process.
pub struct Catalog {
    store: Arc<dyn Store>,
    engine: SharedEngine,
    clock: Arc<dyn Clock>,
    /// Plugin files by component hash.
    files: PathBuf,
    artefacts: PathBuf,
    /// What every public address of this host begins with.
    public_url: String,
    keys: Keys,
    registry: ArcSwap<Registry>,
    /// One change at a time: each reads the registry it replaces.
    changing: tokio::sync::Mutex<()>,
}

impl fmt::Debug for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Catalog").field("files", &self.files).finish_non_exhaustive()
    }
}

/// Where plugin files by component hash are, and what they are compiled to.
#[derive(Clone, Debug)]
pub struct Folders {
    pub files: PathBuf,
    pub artefacts: PathBuf,
}

/// The keys of an installation.
#[derive(Clone, Debug)]
pub struct Keys {
    pub codes: CodeKey,
    pub audit: AuditKey,
    /// Seals stores' credentials.
    pub vault: Vault,
    /// Secrets of the app that shops at Shopify install: they sign for every one of them.
    pub shopify: Vec<Secret>,
}

impl Keys {
    /// Keys that all follow from one byte.
    #[cfg(test)]
    pub fn sample(byte: u8) -> Self {
        let vault = Vault::new(crate::store::SealKey::new(&[byte; 32]), Vec::new());
        let audit = AuditKey::under(&[byte; 32]);
        Self { codes: CodeKey::under(&[byte; 32]), audit, vault, shopify: Vec::new() }
    }
}

impl Catalog {
    /// Reads everything from the store and makes every installed plugin ready to run.
    pub fn open(
        store: Arc<dyn Store>,
        engine: SharedEngine,
        clock: Arc<dyn Clock>,
        folders: Folders,
        public_url: String,
        keys: Keys,
    ) -> Result<Self, Error> {
        let catalog = Self {
            store,
            engine,
            clock,
            files: folders.files,
            artefacts: folders.artefacts,
            public_url,
            keys,
            registry: ArcSwap::default(),
            changing: tokio::sync::Mutex::default(),
        };
        catalog.reload(None)?;
        Ok(catalog)
    }

    /// What there is at this moment.
    pub fn registry(&self) -> arc_swap::Guard<Arc<Registry>> {
        self.registry.load()
    }

    /// Secrets of the app that shops at Shopify install, which sign for every one of them.
    pub fn app_secrets(&self) -> &[Secret] {
        &self.keys.shopify
    }

    /// The store of that domain, or an error that says where the stores are listed.
    pub fn store_named(&self, domain: &str) -> Result<Arc<StoreEntry>, Error> {
        self.registry().store_named(domain).cloned().ok_or_else(|| Error::NoStore(domain.into()))
    }

    /// Publishes what the store now holds. `fresh` was installed by the change that calls.
    fn reload(&self, fresh: Option<Arc<Installed>>) -> Result<(), Error> {
        let known = self.registry.load();
        let mut registry = Registry::default();
        for (_, value) in self.store.scan(&Scan::of(keys::all_plugins(), LISTED))? {
            let record: PluginRecord = decode(&value.bytes)?;
            let ready = fresh.iter().chain(known.installed.get(&record.name)).find(|ready| ready.record == record);
            let installed = match ready {
                Some(ready) => Arc::clone(ready),
                None => Arc::new(self.read_installed(record)?),
            };
            registry.installed.insert(installed.record.name.clone(), installed);
        }
        for (_, value) in self.store.scan(&Scan::of(keys::all_stores(), LISTED))? {
            let entry = self.read_store(decode(&value.bytes)?, &registry.installed)?;
            registry.put(entry);
        }
        self.registry.store(Arc::new(registry));
        Ok(())
    }

    /// Publishes what the store now holds of one shop: tokens change by the hour, of thousands of shops.
    fn reload_store(&self, store: StoreId) -> Result<(), Error> {
        let mut registry = Registry::clone(&self.registry.load());
        registry.by_domain.retain(|_, known| *known != store);
        match self.store.get(&keys::store(store))? {
            Some(value) => registry.put(self.read_store(decode(&value.bytes)?, &registry.installed)?),
            None => _ = registry.by_id.remove(&store),
        }
        self.registry.store(Arc::new(registry));
        Ok(())
    }

    fn read_installed(&self, record: PluginRecord) -> Result<Installed, Error> {
        let path = self.file_of(&record);
        let bytes = fs::read(&path).map_err(|source| Error::File { path, source })?;
        let package = package::unpack(&bytes)?;
        let plugin = self.engine.load(&package.component, &self.artefacts)?;
        Ok(Installed { record, package, plugin })
    }

    fn file_of(&self, record: &PluginRecord) -> PathBuf {
        self.files.join(format!("{}.wasm", record.component))
    }

    fn read_store(
        &self,
        record: StoreRecord,
        installed: &BTreeMap<PluginName, Arc<Installed>>,
    ) -> Result<StoreEntry, Error> {
        let mut enabled = Vec::new();
        let known = self.registry().store(record.id).cloned();
        for (key, value) in self.store.scan(&Scan::of(keys::all_enabled(record.id), LISTED))? {
            let name = PluginName::from(key.parts().text().unwrap_or_default());
            let row: EnabledRecord = decode(&value.bytes)?;
            let Some(installed) = installed.get(&name) else { continue };
            let settings = self.settings_version(record.id, &name, row.settings_version)?.settings;
            let paused = self.store.get(&keys::paused(record.id, &name))?;
            let paused = paused.map(|value| decode::<PausedRecord>(&value.bytes)).transpose()?;
            let known = known.as_ref().and_then(|known| known.plugin(&name));
            let mails = self.store_templates(record.id, installed, known)?;
            enabled.push(Enabled { paused, ..enabled_of(installed, row, settings, mails) });
        }
        let terms = self.store.get(&keys::store_terms(record.id))?;
        let terms: StoreTerms = terms.map(|value| decode(&value.bytes)).transpose()?.unwrap_or_default();
        let context = Arc::new(StoreContext {
            id: record.id,
            domain: record.domain.clone(),
            currency: record.currency,
            time_zone: jiff::tz::TimeZone::get(&record.time_zone).unwrap_or(jiff::tz::TimeZone::UTC),
            locale: record.locale.clone(),
            public_url: self.public_url.clone(),
            code_key: self.keys.codes.clone(),
            protected_data: terms.protected_data,
        });
        let credentials = record.credentials.open(&self.keys.vault, record.id)?;
        let of_app: &[Secret] = match record.platform {
            Platform::Shopify => &self.keys.shopify,
            Platform::Magento => &[],
        };
        let secrets = credentials.secrets.into_iter().map(Secret::new).chain(of_app.iter().cloned()).collect();
        let adobe = self.adobe(record.id)?;
        Ok(StoreEntry { record, adobe, secrets, access: credentials.access, terms, context, enabled })
    }
}

/// What a delivery is given of an enabled plugin. Settings of an older plugin version get the defaults of what is new.
fn enabled_of(
    installed: &Arc<Installed>,
    record: EnabledRecord,
    saved: Map<String, Value>,
    mails: Arc<StoreTemplates>,
) -> Enabled {
    let manifest = &installed.package.manifest;
    let settings = match manifest.validate_settings(&Value::Object(saved.clone())) {
        Ok(Value::Object(filled)) => filled,
        // An upgrade may have narrowed the schema: what was saved stays in force until the merchant saves again.
        _ => saved,
    };
    let context = PluginContext {
        name: manifest.name.clone(),
        settings,
        settings_version: record.settings_version,
        grants: record.grants.iter().cloned().collect(),
        templates: installed.package.templates.names().map(str::to_owned).collect(),
    };
    Enabled { installed: Arc::clone(installed), record, context: Arc::new(context), mails, paused: None }
}
