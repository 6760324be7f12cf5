//! What the bench takes from a plugin's manifest.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::Capability;

pub(super) struct Manifest {
    pub(super) name: String,
    pub(super) topics: BTreeSet<String>,
    pub(super) capabilities: BTreeSet<Capability>,
    pub(super) templates: BTreeSet<String>,
    /// The settings' JSON Schema.
    pub(super) settings: Value,
}

pub(super) fn read(text: &str) -> Manifest {
    let manifest: Value = toml::from_str(text).unwrap_or_else(|error| panic!("the manifest does not read: {error}"));
    let names = |list: &str| -> BTreeSet<String> {
        let list = manifest["plugin"][list].as_array().into_iter().flatten();
        list.filter_map(|name| name.as_str().map(Into::into)).collect()
    };
    let table = |value: &Value| value.as_object().cloned().unwrap_or_default();
    Manifest {
        name: manifest["plugin"]["name"].as_str().unwrap_or("plugin").into(),
        topics: names("topics"),
        capabilities: names("capabilities").iter().map(|name| capability(name)).collect(),
        templates: table(&manifest["templates"]).into_iter().map(|(name, _)| name).collect(),
        settings: manifest["settings"].clone(),
    }
}

/// Settings with the schema's defaults where they say nothing, down into objects and lists.
pub(super) fn filled(schema: &Value, mut settings: Map<String, Value>) -> Map<String, Value> {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        if let (false, Some(default)) = (settings.contains_key(name), property.get("default")) {
            settings.insert(name.clone(), default.clone());
        }
        if let Some(value) = settings.get_mut(name) {
            fill(property, value);
        }
    }
    settings
}

fn fill(schema: &Value, value: &mut Value) {
    match value {
        Value::Object(settings) => *settings = filled(schema, std::mem::take(settings)),
        Value::Array(items) => items.iter_mut().for_each(|item| fill(&schema["items"], item)),
        _ => {}
    }
}

fn capability(name: &str) -> Capability {
    let known = Capability::ALL.into_iter().find(|it| it.name() == name);
    known.unwrap_or_else(|| panic!("the manifest declares an unknown capability `{name}`"))
}
