//! Changes of the catalog: stores come and go, plugins are installed, switched on, set.

use super::*;
use crate::domain::{Act, Actor, ProtectedData};

/// What adding a store takes.
#[derive(Clone)]
pub struct NewStore {
    pub platform: Platform,
    pub domain: String,
    pub name: String,
    pub url: String,
    pub currency: crate::domain::Currency,
    pub time_zone: String,
    pub locale: String,
    pub secrets: Vec<String>,
    pub access: Option<Access>,
    pub api_url: Option<String>,
}

/// What changes of a store; `None` leaves as it is.
#[derive(Clone, Default)]
pub struct StoreChange {
    pub name: Option<String>,
    pub url: Option<String>,
    pub time_zone: Option<String>,
    pub locale: Option<String>,
    /// Secrets that are to be accepted from now on besides those that are.
    pub add_secrets: Vec<String>,
    /// Keeps only the secrets that this change adds.
    pub drop_old_secrets: bool,
    pub access: Option<Access>,
    pub api_url: Option<String>,
    /// It has just been seen that the app is installed.
    pub seen_installed: bool,
    pub protected_data: Option<ProtectedData>,
}

impl Catalog {
    /// Adds a store. One that was removed comes back with its number and all its data.
    pub async fn add_store(&self, new: NewStore) -> Result<Arc<StoreEntry>, Error> {
        check_domain(new.platform, &new.domain)?;
        check_time_zone(&new.time_zone)?;
        check_api_url(new.api_url.as_deref())?;
        self.check_secrets(new.platform, &new.secrets)?;
        let turn = self.changing.lock().await;
        let registry = self.registry();
        if registry.store_of(new.platform, &new.domain).is_some() {
            return Err(Error::StoreExists(new.domain));
        }
        let earlier = registry
            .by_id
            .values()
            .find(|entry| entry.record.platform == new.platform && entry.record.domain == new.domain);
        let mut transaction = self.transaction();
        let id = match earlier {
            Some(entry) => entry.id(),
            None => {
                let last: u32 = transaction.get(&keys::meta("last-store"))?.unwrap_or(0);
                transaction.put(keys::meta("last-store"), &(last + 1));
                StoreId(last + 1)
            }
        };
        // An app's own secrets sign for a shop that comes back; what was its own besides is so still.
        let own = match earlier.filter(|_| new.secrets.is_empty()) {
            Some(entry) => entry.record.credentials.open(&self.keys.vault, id)?.secrets,
            None => new.secrets,
        };
        let credentials = Credentials { secrets: own, access: new.access };
        let record = StoreRecord {
            id,
            platform: new.platform,
            domain: new.domain,
            name: new.name,
            url: new.url,
            currency: new.currency,
            time_zone: new.time_zone,
            locale: new.locale,
            credentials: KeptCredentials::seal(&self.keys.vault, id, &credentials),
            api_url: new.api_url,
            added_at: self.clock.now(),
            installed_at: self.clock.now(),
            removed_at: None,
        };
        transaction.put(keys::store(id), &record);
        self.publish(transaction, id).await?;
        drop(turn);
        self.store_named(&record.domain)
    }

    pub async fn change_store(&self, domain: &str, change: StoreChange) -> Result<Arc<StoreEntry>, Error> {
        if let Some(zone) = &change.time_zone {
            check_time_zone(zone)?;
        }
        check_api_url(change.api_url.as_deref())?;
        let turn = self.changing.lock().await;
        let entry = self.store_named(domain)?;
        let mut record = entry.record.clone();
        let assign = |field: &mut String, value: Option<String>| {
            if let Some(value) = value {
                *field = value;
            }
        };
        assign(&mut record.name, change.name);
        assign(&mut record.url, change.url);
        assign(&mut record.time_zone, change.time_zone);
        assign(&mut record.locale, change.locale);
        record.api_url = change.api_url.or(record.api_url);
        if change.seen_installed {
            record.installed_at = self.clock.now();
        }
        let mut credentials = record.credentials.open(&self.keys.vault, record.id)?;
        credentials.access = change.access.or(credentials.access);
        if change.drop_old_secrets {
            credentials.secrets.clear();
        }
        credentials.secrets.extend(change.add_secrets);
        self.check_secrets(record.platform, &credentials.secrets)?;
        record.credentials = KeptCredentials::seal(&self.keys.vault, record.id, &credentials);
        let mut transaction = self.transaction();
        transaction.put(keys::store(record.id), &record);
        if let Some(protected_data) = change.protected_data {
            let terms = StoreTerms { protected_data, ..entry.terms.clone() };
            transaction.put(keys::store_terms(record.id), &terms);
        }
        self.publish(transaction, record.id).await?;
        drop(turn);
        self.store_named(domain)
    }

    /// Takes no more events for the store. Its data stays.
    pub async fn remove_store(&self, domain: &str) -> Result<(), Error> {
        let _turn = self.changing.lock().await;
        let entry = self.store_named(domain)?;
        let record = StoreRecord { removed_at: Some(self.clock.now()), ..entry.record.clone() };
        let mut transaction = self.transaction();
        transaction.put(keys::store(record.id), &record);
        transaction.append_audit(&self.audit_of(&entry, Act::StoreRemoved, Actor::Operator))?;
        self.publish(transaction, record.id).await
    }

    /// Installs a plugin file, or a new version of an installed plugin: stores that have it enabled run it from then on.
    pub async fn install(&self, file: Vec<u8>) -> Result<Arc<Installed>, Error> {
        let package = package::unpack(&file)?;
        package::check_imports(&package)?;
        package::check_mails(&package)?;
        let record = PluginRecord {
            name: package.manifest.name.clone(),
            version: package.manifest.version.clone(),
            component: package.hash,
            installed_at: self.clock.now(),
        };
        let path = self.file_of(&record);
        let (engine, artefacts) = (Arc::clone(&self.engine), self.artefacts.clone());
        let installed = tokio::task::spawn_blocking(move || -> Result<_, Error> {
            let plugin = engine.load(&package.component, &artefacts)?;
            write_file(&path, &file).map_err(|source| Error::File { path, source })?;
            Ok(Arc::new(Installed { record, package, plugin }))
        });
        let installed = installed.await.map_err(|error| engine::Error::Compile(error.to_string()))??;
        let _turn = self.changing.lock().await;
        let mut transaction = self.transaction();
        transaction.put(keys::plugin(&installed.record.name), &installed.record);
        for store in self.registry().stores() {
            self.let_go_on(&mut transaction, store.id(), &installed.record.name)?;
        }
        transaction.commit().await?;
        self.reload(Some(Arc::clone(&installed)))?;
        Ok(installed)
    }

    /// Switches a plugin on in a store. The merchant grants every capability that the plugin declares, or it stays off.
    pub async fn enable(
        &self,
        domain: &str,
        plugin: &PluginName,
        grants: BTreeSet<Capability>,
        settings: Option<&Value>,
    ) -> Result<(), Error> {
        let _turn = self.changing.lock().await;
        let store = self.store_named(domain)?;
        let installed = self.installed(plugin)?;
        let manifest = &installed.package.manifest;
        if let Some(missing) = manifest.capabilities.difference(&grants).next() {
            return Err(Error::NotGranted { plugin: plugin.to_string(), missing: missing.to_string() });
        }
        let newest = self.settings_versions(store.id(), plugin)?.pop();
        let saved = Value::Object(newest.map(|newest| newest.settings).unwrap_or_default());
        let settings = settings.unwrap_or(&saved);
        let mut transaction = self.transaction();
        let settings_version = self.save(&mut transaction, &store, &installed, settings)?;
        let record = EnabledRecord {
            // What the manifest does not ask for is not granted, whatever the merchant would have granted.
            grants: manifest.capabilities.iter().map(ToString::to_string).collect(),
            settings_version,
            enabled_at: self.clock.now(),
        };
        transaction.put(keys::enabled(store.id(), plugin), &record);
        self.let_go_on(&mut transaction, store.id(), plugin)?;
        self.publish(transaction, store.id()).await
    }

    /// Switches a plugin off. Its state and settings stay for when it is switched on again.
    pub async fn disable(&self, domain: &str, plugin: &PluginName) -> Result<(), Error> {
        let _turn = self.changing.lock().await;
        let store = self.store_named(domain)?;
        self.enabled(&store, plugin)?;
        let mut transaction = self.transaction();
        transaction.delete(keys::enabled(store.id(), plugin));
        self.publish(transaction, store.id()).await
    }

    pub fn installed(&self, plugin: &PluginName) -> Result<Arc<Installed>, Error> {
        self.registry().plugin(plugin).cloned().ok_or_else(|| Error::NotInstalled(plugin.to_string()))
    }

    pub fn enabled<'a>(&self, store: &'a StoreEntry, plugin: &PluginName) -> Result<&'a Enabled, Error> {
        store
            .plugin(plugin)
            .ok_or_else(|| Error::NotEnabled { plugin: plugin.to_string(), store: store.record.domain.clone() })
    }

    /// An app's own secrets sign for every shop that has installed it.
    fn check_secrets(&self, platform: Platform, secrets: &[String]) -> Result<(), Error> {
        let has_app = platform == Platform::Shopify && !self.keys.shopify.is_empty();
        if (secrets.is_empty() && !has_app) || secrets.iter().any(String::is_empty) {
            return Err(invalid("secret", "a store needs at least one webhook secret, and none may be empty"));
        }
        Ok(())
    }

    pub(super) fn transaction(&self) -> Transaction {
        Transaction::new(Arc::clone(&self.store))
    }

    /// Commits a change of one store, and makes it known.
    pub(super) async fn publish(&self, transaction: Transaction, store: StoreId) -> Result<(), Error> {
        transaction.commit().await?;
        self.reload_store(store)
    }
}

fn invalid(key: &'static str, reason: impl Into<String>) -> Error {
    Error::Invalid { key, reason: reason.into() }
}

fn check_domain(platform: Platform, domain: &str) -> Result<(), Error> {
    let expected = match platform {
        Platform::Shopify => "shop's permanent domain, such as `fern.myshopify.com`",
        Platform::Magento => "shop's host name, such as `shop.example.com`",
    };
    match crate::platform::store_name(platform, domain) {
        Some(usual) if usual == domain => Ok(()),
        _ => Err(invalid("domain", format!("`{domain}` is no {expected}"))),
    }
}

fn check_time_zone(zone: &str) -> Result<(), Error> {
    match jiff::tz::TimeZone::get(zone) {
        Ok(_) => Ok(()),
        Err(_) => Err(invalid("time zone", format!("`{zone}` is no IANA time zone, such as `Europe/Berlin`"))),
    }
}

fn check_api_url(url: Option<&str>) -> Result<(), Error> {
    match url {
        Some(url) if reqwest::Url::parse(url).map_or(true, |url| !matches!(url.scheme(), "http" | "https")) => {
            Err(invalid("api url", format!("`{url}` is no http or https URL")))
        }
        _ => Ok(()),
    }
}

/// Writes a file whole or not at all.
fn write_file(path: &std::path::Path, bytes: &[u8]) -> io::Result<()> {
    let unfinished = path.with_extension("unfinished");
    let mut file = fs::File::create(&unfinished)?;
    io::Write::write_all(&mut file, bytes)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    path.parent().map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())
}
