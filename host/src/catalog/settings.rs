//! A plugin's settings in a store: every save is a version that never changes; an older one comes back as a new one.

use serde::Serialize;

use super::*;
use crate::domain::Timestamp;

/// One saved version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsVersion {
    /// 1 for the first that was saved, one more for each after it.
    pub version: u32,
    pub settings: Map<String, Value>,
    pub saved_at: Timestamp,
}

/// A setting in which two versions differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SettingChange {
    /// JSON pointer to it (RFC 6901), such as `/mails/earned`. A list is one setting.
    pub path: String,
    /// None where the version before has no such setting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

impl Catalog {
    /// The settings that a plugin has in a store; where it is off, those that it would be switched on with.
    pub fn settings(&self, store: &StoreEntry, plugin: &PluginName) -> Result<Map<String, Value>, Error> {
        if let Some(enabled) = store.plugin(plugin) {
            return Ok(enabled.context.settings.clone());
        }
        let installed = self.installed(plugin)?;
        let newest = self.settings_versions(store.id(), plugin)?.pop();
        let saved = newest.and_then(|newest| filled(&installed, &Value::Object(newest.settings)).ok());
        // What was saved for an older version of the plugin may not fit this one.
        Ok(saved.unwrap_or_else(|| installed.package.manifest.defaults()))
    }

    /// Every saved version of a plugin's settings in a store, oldest first.
    pub fn settings_versions(&self, store: StoreId, plugin: &PluginName) -> Result<Vec<SettingsVersion>, Error> {
        let rows = self.store.scan(&Scan::of(keys::all_settings(store, plugin), LISTED))?;
        let version = |key| keys::settings_of(key).map_or(0, |(_, version)| version);
        rows.iter().map(|(key, value)| read_version(version(key), &decode(&value.bytes)?)).collect()
    }

    pub fn settings_version(
        &self,
        store: StoreId,
        plugin: &PluginName,
        version: u32,
    ) -> Result<SettingsVersion, Error> {
        let row = self.store.get(&keys::settings(store, plugin, version))?;
        let row = row.ok_or_else(|| Error::NoSettings { plugin: plugin.to_string(), version })?;
        read_version(version, &decode(&row.bytes)?)
    }

    /// Saves a new version of a plugin's settings, unless the newest says the same; returns its number.
    pub async fn save_settings(&self, domain: &str, plugin: &PluginName, settings: &Value) -> Result<u32, Error> {
        let _turn = self.changing.lock().await;
        let store = self.store_named(domain)?;
        let enabled = self.enabled(&store, plugin)?;
        let mut transaction = self.transaction();
        let version = self.save(&mut transaction, &store, &enabled.installed, settings)?;
        let record = EnabledRecord { settings_version: version, ..enabled.record.clone() };
        transaction.put(keys::enabled(store.id(), plugin), &record);
        self.let_go_on(&mut transaction, store.id(), plugin)?;
        self.publish(transaction, store.id()).await?;
        Ok(version)
    }

    /// What saving these settings would change of those in force. Nothing is saved.
    pub fn compare_settings(
        &self,
        store: &StoreEntry,
        plugin: &PluginName,
        settings: &Value,
    ) -> Result<Vec<SettingChange>, Error> {
        let enabled = self.enabled(store, plugin)?;
        Ok(changes(&enabled.context.settings, &filled(&enabled.installed, settings)?))
    }

    /// Saves what an older version says as a new one; returns the new one's number. Settings that the plugin has had since
    /// get their defaults.
    pub async fn revert_settings(&self, domain: &str, plugin: &PluginName, to: u32) -> Result<u32, Error> {
        let store = self.store_named(domain)?;
        self.enabled(&store, plugin)?;
        let older = self.settings_version(store.id(), plugin, to)?;
        self.save_settings(domain, plugin, &Value::Object(older.settings)).await
    }

    /// Writes a settings version, and that the plugin has still to be told of it, unless the newest says the same.
    pub(super) fn save(
        &self,
        transaction: &mut Transaction,
        store: &StoreEntry,
        installed: &Installed,
        settings: &Value,
    ) -> Result<u32, Error> {
        let settings = filled(installed, settings)?;
        let name = &installed.package.manifest.name;
        let newest = self.settings_versions(store.id(), name)?.pop();
        match newest {
            Some(newest) if newest.settings == settings => Ok(newest.version),
            newest => {
                let version = newest.map_or(1, |newest| newest.version + 1);
                let record = SettingsRecord { json: Value::Object(settings).to_string(), saved_at: self.clock.now() };
                transaction.put(keys::settings(store.id(), name, version), &record);
                transaction.put_bytes(keys::unpublished_setting(store.id(), name, version), Vec::new());
                Ok(version)
            }
        }
    }
}

/// Settings as they are saved: checked against the plugin's schema, defaults filled in.
fn filled(installed: &Installed, settings: &Value) -> Result<Map<String, Value>, Error> {
    let manifest = &installed.package.manifest;
    let refused = |problems| Error::Settings { plugin: manifest.name.to_string(), problems };
    match manifest.validate_settings(settings).map_err(refused)? {
        Value::Object(filled) => Ok(filled),
        other => Err(damaged(format!("{other} is no object"))),
    }
}

fn read_version(version: u32, record: &SettingsRecord) -> Result<SettingsVersion, Error> {
    let settings = serde_json::from_str(&record.json).map_err(|error| damaged(error.to_string()))?;
    Ok(SettingsVersion { version, settings, saved_at: record.saved_at })
}

fn damaged(detail: String) -> Error {
    Error::Store(crate::store::Error::Damaged { what: "a settings version".into(), detail })
}

/// The settings in which two versions differ, in order of their names.
pub fn changes(before: &Map<String, Value>, after: &Map<String, Value>) -> Vec<SettingChange> {
    let mut found = Vec::new();
    compare("", before, after, &mut found);
    found
}

fn compare(above: &str, before: &Map<String, Value>, after: &Map<String, Value>, found: &mut Vec<SettingChange>) {
    let names: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    for name in names {
        let path = format!("{above}/{}", name.replace('~', "~0").replace('/', "~1"));
        match (before.get(name), after.get(name)) {
            (before, after) if before == after => {}
            (Some(Value::Object(before)), Some(Value::Object(after))) => compare(&path, before, after, found),
            (before, after) => found.push(SettingChange { path, before: before.cloned(), after: after.cloned() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::select};
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().expect("it is an object").clone()
    }

    #[test]
    fn every_setting_that_differs_is_named_with_what_it_was_and_is() {
        let before =
            object(json!({ "points": 1, "mails": { "earned": true, "lost": true }, "tiers": [1, 2], "a/b~": 1 }));
        let after =
            object(json!({ "points": 1, "mails": { "earned": false, "lost": true }, "tiers": [1], "new": null }));
        let told: Vec<_> = changes(&before, &after).into_iter().map(|it| (it.path, it.before, it.after)).collect();
        assert_eq!(
            told,
            [
                ("/a~1b~0".into(), Some(json!(1)), None),
                ("/mails/earned".into(), Some(json!(true)), Some(json!(false))),
                ("/new".into(), None, Some(Value::Null)),
                ("/tiers".into(), Some(json!([1, 2])), Some(json!([1]))),
            ]
        );
    }

    fn any_settings() -> impl Strategy<Value = Map<String, Value>> {
        let leaf = prop_oneof![Just(Value::Null), (0..3_i64).prop_map(Value::from), Just(json!([1, "a"]))];
        let name = select(vec!["a", "b", "a/b", "~", ""]).prop_map(str::to_owned);
        let any = leaf.prop_recursive(3, 24, 4, move |inner| {
            prop::collection::btree_map(name.clone(), inner, 0..4).prop_map(|map| map.into_iter().collect())
        });
        any.prop_map(|value| object(json!({ "top": value })))
    }

    proptest! {
        #[test]
        fn what_is_told_to_have_changed_is_what_stands_there(before in any_settings(), after in any_settings()) {
            let (old, new) = (Value::Object(before.clone()), Value::Object(after.clone()));
            let told = changes(&before, &after);
            prop_assert_eq!(told.is_empty(), before == after);
            for change in told {
                prop_assert_ne!(&change.before, &change.after);
                prop_assert_eq!(old.pointer(&change.path), change.before.as_ref());
                prop_assert_eq!(new.pointer(&change.path), change.after.as_ref());
            }
        }
    }
}
