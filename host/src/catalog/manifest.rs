//! A plugin's manifest: its listing, what it listens to, what it may ask for, its mail templates and its settings.
//!
//! What belongs here: the TOML form, its validation, and the validation of a merchant's settings against it. A
//! [`Manifest`] that exists is valid.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jsonschema::{PatternOptions, ValidationError, Validator, error::ValidationErrorKind};
use serde::Deserialize;
use serde_json::{Map, Value, json};

pub use crate::domain::Capability;
use crate::domain::{PluginName, Topic};

/// Names are file names, form fields and URL segments: longer ones only get cut somewhere.
pub const MAX_NAME_CHARS: usize = 64;

/// Why a manifest is not usable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not TOML, or a key that no manifest has, or a value of the wrong type; the text names line and key.
    #[error("the manifest cannot be read: {0}")]
    Syntax(String),
    /// A key's value does not do.
    #[error("manifest key `{key}`: {problem}; {remedy}")]
    Key { key: String, problem: String, remedy: String },
}

impl Error {
    fn key(key: impl Into<String>, problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Key { key: key.into(), problem: problem.into(), remedy: remedy.into() }
    }
}

/// What a plugin says of itself.
#[derive(Clone, Debug)]
pub struct Manifest {
    pub name: PluginName,
    /// The plugin's own version, such as "1.4.0".
    pub version: String,
    /// As merchants read it in the listing.
    pub title: String,
    pub summary: String,
    /// What it is to be told of.
    pub topics: Vec<Topic>,
    /// What it may be granted.
    pub capabilities: BTreeSet<Capability>,
    /// Whose its keys are that stand for one id, by their first part.
    pub keys: BTreeMap<String, Holder>,
    /// Its mails by name.
    pub templates: BTreeMap<String, TemplateHead>,
    settings: SettingsSchema,
}

/// What the ids in a key are of. Where ids are small numbers, a customer and an order may have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Holder {
    Customer,
    Order,
}

/// What the manifest says of one mail template.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TemplateHead {
    /// The subject line, itself a template, where the mail has no texts by language.
    pub subject: Option<String>,
    /// Values of its variables with which it is tried out and shown to the merchant.
    pub sample: Option<BTreeMap<String, String>>,
}

/// One thing wrong with a merchant's settings.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct SettingProblem {
    /// JSON pointer to the setting, such as "/tiers/0/threshold"; empty for the settings as a whole.
    pub path: String,
    pub message: String,
}

/// The settings' schema, compiled once.
#[derive(Clone, Debug)]
struct SettingsSchema {
    schema: Value,
    validator: Arc<Validator>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    plugin: Listing,
    #[serde(default)]
    keys: BTreeMap<String, Holder>,
    #[serde(default)]
    templates: BTreeMap<String, TemplateHead>,
    #[serde(default)]
    settings: Option<toml::Table>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listing {
    name: String,
    version: String,
    title: String,
    summary: String,
    topics: Vec<Topic>,
    #[serde(default)]
    capabilities: Vec<String>,
}

impl Manifest {
    pub fn parse(text: &str) -> Result<Self, Error> {
        let Document { plugin, keys, templates, settings } =
            toml::from_str(text).map_err(|error| Error::Syntax(error.to_string().trim_end().to_owned()))?;
        if !is_name(&plugin.name) {
            return Err(Error::key("plugin.name", format!("{:?} is no plugin name", plugin.name), NAME_REMEDY));
        }
        if PluginName::from(plugin.name.as_str()).is_host() {
            return Err(Error::key("plugin.name", "the name is the host's own", NAME_REMEDY));
        }
        if !is_version(&plugin.version) {
            return Err(Error::key(
                "plugin.version",
                format!("{:?} is no version", plugin.version),
                "write three numbers joined by dots, such as \"1.0.0\", with \"-beta.1\" behind them for a pre-release",
            ));
        }
        for (key, text) in [("plugin.title", &plugin.title), ("plugin.summary", &plugin.summary)] {
            if text.trim().is_empty() {
                return Err(Error::key(key, "it is empty", "merchants choose by this line: write one"));
            }
        }
        if plugin.topics.is_empty() {
            return Err(Error::key("plugin.topics", "it is empty", "name at least one topic, such as \"order.paid\""));
        }
        Ok(Self {
            name: plugin.name.into(),
            topics: topics(plugin.topics)?,
            capabilities: capabilities(&plugin.capabilities)?,
            keys,
            templates: checked_templates(templates)?,
            settings: SettingsSchema::from_toml(settings)?,
            version: plugin.version,
            title: plugin.title,
            summary: plugin.summary,
        })
    }

    /// The settings' JSON Schema (draft 2020-12): draws the merchant's form.
    pub fn settings_schema(&self) -> &Value {
        &self.settings.schema
    }

    /// The settings of a merchant who has changed none.
    pub fn defaults(&self) -> Map<String, Value> {
        let mut settings = Value::Object(Map::new());
        fill_defaults(&self.settings.schema, &mut settings);
        match settings {
            Value::Object(settings) => settings,
            _ => Map::new(),
        }
    }

    /// The settings with defaults filled in where nothing was said, or everything that is wrong with them.
    pub fn validate_settings(&self, settings: &Value) -> Result<Value, Vec<SettingProblem>> {
        let mut filled = settings.clone();
        fill_defaults(&self.settings.schema, &mut filled);
        let problems: Vec<_> = self.settings.validator.iter_errors(&filled).flat_map(problems_of).collect();
        if problems.is_empty() { Ok(filled) } else { Err(problems) }
    }
}

/// The keyword for a setting's place in the form; validators pass over it.
const ORDER: &str = "propertyOrder";

const NAME_REMEDY: &str =
    "use lower-case words of a-z and 0-9 joined by single hyphens, beginning with a letter, at most 64 characters";

/// Whether the text is lower-case words joined by hyphens: the form of plugin and template names.
pub fn is_name(text: &str) -> bool {
    text.len() <= MAX_NAME_CHARS
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text
            .split('-')
            .all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()))
}

/// Semantic versioning's form: three numbers, and perhaps a pre-release or build text.
fn is_version(text: &str) -> bool {
    let (numbers, rest) = match text.find(['-', '+']) {
        Some(end) => (&text[..end], Some(&text[end + 1..])),
        None => (text, None),
    };
    let is_number =
        |part: &str| (part == "0" || !part.starts_with('0')) && part.parse::<u32>().is_ok() && !part.starts_with('+');
    let is_rest = |rest: &str| {
        !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'+'))
    };
    numbers.split('.').count() == 3 && numbers.split('.').all(is_number) && rest.is_none_or(is_rest)
}

/// Topics are an open set: one that no host knows is only never delivered. A slip of the pen is caught by form alone.
fn topics(topics: Vec<Topic>) -> Result<Vec<Topic>, Error> {
    let mut seen = BTreeSet::new();
    for topic in &topics {
        let text = topic.as_str();
        let usual = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-' | b':' | b'/');
        if text.is_empty() || !text.bytes().all(usual) {
            return Err(Error::key(
                "plugin.topics",
                format!("{text:?} is no topic"),
                "write lower-case words joined by dots, such as \"order.paid\"",
            ));
        }
        if !seen.insert(topic) {
            return Err(Error::key("plugin.topics", format!("{text:?} stands there twice"), "name it once"));
        }
    }
    Ok(topics)
}

fn capabilities(names: &[String]) -> Result<BTreeSet<Capability>, Error> {
    let parse = |name: &String| {
        name.parse().map_err(|_| {
            let known: Vec<_> = Capability::ALL.iter().map(|capability| capability.as_str()).collect();
            Error::key(
                "plugin.capabilities",
                format!("no capability is called {name:?}"),
                format!("this version knows {}", known.join(", ")),
            )
        })
    };
    names.iter().map(parse).collect()
}

fn checked_templates(templates: BTreeMap<String, TemplateHead>) -> Result<BTreeMap<String, TemplateHead>, Error> {
    for (name, head) in &templates {
        if !is_name(name) {
            return Err(Error::key(format!("templates.{name}"), "it is no template name", NAME_REMEDY));
        }
        if head.subject.as_ref().is_some_and(|subject| subject.trim().is_empty()) {
            return Err(Error::key(
                format!("templates.{name}.subject"),
                "it is empty",
                "a mail needs a subject: write one, variables such as {{ points }} included",
            ));
        }
    }
    Ok(templates)
}

impl SettingsSchema {
    fn from_toml(table: Option<toml::Table>) -> Result<Self, Error> {
        let schema = match table {
            Some(mut table) => {
                keep_order(&mut table);
                json_of("settings", toml::Value::Table(table))?
            }
            None => json!({ "type": "object", "additionalProperties": false }),
        };
        check_frame(&schema)?;
        if let Some(error) = jsonschema::draft202012::meta::validator().iter_errors(&schema).next() {
            return Err(Error::key(
                dotted("settings", error.instance_path().as_str()),
                format!("it is not JSON Schema: {error}"),
                "see the keywords of draft 2020-12",
            ));
        }
        // The linear-time engine: a pattern from an uploaded manifest must not be able to stall the form's validation.
        let options = jsonschema::draft202012::options()
            .with_pattern_options(PatternOptions::regex())
            .should_validate_formats(true);
        let validator = options.build(&schema).map_err(|error| {
            Error::key(
                "settings",
                format!("the schema cannot be used: {error}"),
                "refer only to the schema's own $defs, and write patterns without look-around or back-references",
            )
        })?;
        check_defaults(&schema, &validator)?;
        Ok(Self { schema, validator: Arc::new(validator) })
    }
}

/// Notes of every property which place it has among its own: a form follows the manifest's order, and JSON objects have
/// none.
fn keep_order(schema: &mut toml::Table) {
    let properties = schema.get_mut("properties").and_then(toml::Value::as_table_mut);
    for (place, (_, property)) in (0..).zip(properties.into_iter().flatten()) {
        if let Some(property) = property.as_table_mut() {
            property.insert(ORDER.into(), toml::Value::Integer(place));
            keep_order(property);
        }
    }
    if let Some(items) = schema.get_mut("items").and_then(toml::Value::as_table_mut) {
        keep_order(items);
    }
}

fn check_frame(schema: &Value) -> Result<(), Error> {
    const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";
    if schema.get("$schema").is_some_and(|draft| draft != DRAFT) {
        return Err(Error::key(
            "settings.$schema",
            "it names another draft",
            format!("drop the key, or write {DRAFT:?}"),
        ));
    }
    if schema.get("type") != Some(&json!("object")) {
        return Err(Error::key("settings.type", "the settings are not one object", "write type = \"object\""));
    }
    if schema.get("additionalProperties") != Some(&Value::Bool(false)) {
        return Err(Error::key(
            "settings.additionalProperties",
            "a misspelt setting would be accepted in silence",
            "write additionalProperties = false",
        ));
    }
    Ok(())
}

fn check_defaults(schema: &Value, validator: &Validator) -> Result<(), Error> {
    let properties = schema.get("properties").and_then(Value::as_object);
    let mut defaults = Map::new();
    for (name, property) in properties.into_iter().flatten() {
        let Some(default) = property.get("default") else {
            return Err(Error::key(
                format!("settings.properties.{name}"),
                "it has no default",
                "give one: a merchant must be able to enable the plugin without filling in a form",
            ));
        };
        defaults.insert(name.clone(), default.clone());
    }
    let mut defaults = Value::Object(defaults);
    fill_defaults(schema, &mut defaults);
    match validator.iter_errors(&defaults).flat_map(problems_of).next() {
        None => Ok(()),
        Some(SettingProblem { path, message }) => Err(Error::key(
            format!("{}.default", dotted("settings.properties", &path)),
            message,
            "make the default one that the schema itself accepts",
        )),
    }
}

/// Puts every property's default where the value does not have the property, down into objects and lists.
fn fill_defaults(schema: &Value, value: &mut Value) {
    match value {
        Value::Object(object) => {
            for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
                if let (false, Some(default)) = (object.contains_key(name), property.get("default")) {
                    object.insert(name.clone(), default.clone());
                }
                if let Some(value) = object.get_mut(name) {
                    fill_defaults(property, value);
                }
            }
        }
        Value::Array(items) => {
            if let Some(schema) = schema.get("items") {
                items.iter_mut().for_each(|item| fill_defaults(schema, item));
            }
        }
        _ => {}
    }
}

/// One problem for each setting concerned, so that a form can show it at its field.
fn problems_of(error: ValidationError<'_>) -> Vec<SettingProblem> {
    let path = error.instance_path().as_str();
    let child = |name: &str| format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"));
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => unexpected
            .iter()
            .map(|name| SettingProblem { path: child(name), message: "there is no such setting".into() })
            .collect(),
        ValidationErrorKind::Required { property: Value::String(name) } => {
            vec![SettingProblem { path: child(name), message: "it is required".into() }]
        }
        // What a schema without properties answers to any; it does not say to which.
        ValidationErrorKind::FalseSchema => {
            vec![SettingProblem { path: path.to_owned(), message: "there is no such setting".into() }]
        }
        _ => vec![SettingProblem { path: path.to_owned(), message: error.to_string() }],
    }
}

/// A JSON pointer as the dotted key that a reader of the manifest looks for.
fn dotted(root: &str, pointer: &str) -> String {
    format!("{root}{}", pointer.replace('/', ".").replace("~1", "/").replace("~0", "~"))
}

fn json_of(key: &str, value: toml::Value) -> Result<Value, Error> {
    Ok(match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Boolean(truth) => Value::Bool(truth),
        toml::Value::Float(number) => match serde_json::Number::from_f64(number) {
            Some(number) => Value::Number(number),
            None => return Err(Error::key(key, format!("JSON has no {number}"), "write a finite number")),
        },
        toml::Value::Datetime(moment) => {
            return Err(Error::key(key, format!("JSON has no date {moment}"), format!("quote it: \"{moment}\"")));
        }
        toml::Value::Array(items) => {
            let item = |(index, item)| json_of(&format!("{key}[{index}]"), item);
            Value::Array(items.into_iter().enumerate().map(item).collect::<Result<_, _>>()?)
        }
        toml::Value::Table(entries) => {
            let entry = |(name, value)| {
                let value = json_of(&format!("{key}.{name}"), value)?;
                Ok((name, value))
            };
            Value::Object(entries.into_iter().map(entry).collect::<Result<_, Error>>()?)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        [plugin]
        name = "loyal-tea2"
        version = "1.0.0-beta.1"
        title = "Loyal tea"
        summary = "A cup for every order."
        topics = ["order.paid", "shopify:products/update"]
        capabilities = ["tags", "mail"]

        [templates.a-cup]
        subject = "Your cup, {{ customer.first_name }}"
        sample = { cups = "3" }

        [settings]
        type = "object"
        additionalProperties = false

        [settings.properties.cups]
        type = "integer"
        minimum = 1
        default = 3

        [settings.properties.prefix]
        type = "string"
        pattern = "^[A-Z]+$"
        default = "TEA"

        [settings.properties.tiers]
        type = "array"
        default = [{ from = 10 }]

        [settings.properties.tiers.items]
        type = "object"
        additionalProperties = false
        required = ["from"]
        properties.from = { type = "integer" }
        properties.factor = { type = "number", default = 1.5 }
    "#;

    fn good() -> Manifest {
        Manifest::parse(GOOD).unwrap()
    }

    fn changed(from: &str, to: &str) -> Error {
        assert!(GOOD.contains(from), "{from:?} is not part of the manifest");
        Manifest::parse(&GOOD.replace(from, to)).unwrap_err()
    }

    fn problems(settings: Value) -> Vec<(String, String)> {
        let problems = good().validate_settings(&settings).unwrap_err();
        problems.into_iter().map(|problem| (problem.path, problem.message)).collect()
    }

    #[test]
    fn a_manifest_is_read_with_all_it_says() {
        let manifest = good();
        assert_eq!(manifest.name.as_str(), "loyal-tea2");
        assert_eq!(manifest.version, "1.0.0-beta.1");
        assert_eq!(manifest.topics[0], Topic::ORDER_PAID);
        assert_eq!(manifest.capabilities, BTreeSet::from([Capability::Mail, Capability::Tags]));
        assert_eq!(manifest.templates["a-cup"].subject.as_deref(), Some("Your cup, {{ customer.first_name }}"));
        assert_eq!(manifest.templates["a-cup"].sample, Some(BTreeMap::from([("cups".into(), "3".into())])));
        assert_eq!(manifest.settings_schema()["properties"]["cups"]["minimum"], 1);
    }

    #[test]
    fn every_setting_tells_its_place_in_the_manifest_also_within_lists() {
        let manifest = good();
        let properties = &manifest.settings_schema()["properties"];
        let place = |setting: &Value| setting[ORDER].as_u64();
        assert_eq!(["cups", "prefix", "tiers"].map(|name| place(&properties[name])), [Some(0), Some(1), Some(2)]);
        let of_tier = &properties["tiers"]["items"]["properties"];
        assert_eq!(["from", "factor"].map(|name| place(&of_tier[name])), [Some(0), Some(1)], "not by their names");
    }

    #[test]
    fn defaults_are_settings_that_validate_as_they_are() {
        let defaults = Value::Object(good().defaults());
        assert_eq!(defaults, json!({"cups": 3, "prefix": "TEA", "tiers": [{"from": 10, "factor": 1.5}]}));
        assert_eq!(good().validate_settings(&defaults), Ok(defaults));
    }

    #[test]
    fn settings_get_defaults_where_they_say_nothing_and_keep_what_they_say() {
        let settings = good().validate_settings(&json!({"cups": 7, "tiers": [{"from": 1}, {"from": 2, "factor": 2}]}));
        let tiers = json!([{"from": 1, "factor": 1.5}, {"from": 2, "factor": 2}]);
        assert_eq!(settings, Ok(json!({"cups": 7, "prefix": "TEA", "tiers": tiers})));
    }

    #[test]
    fn every_wrong_setting_is_reported_at_its_own_path() {
        let found = problems(json!({"cups": 0, "cusp": 1, "tiers": [{"from": 1}, {"factor": "2"}]}));
        let paths: BTreeSet<_> = found.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths, BTreeSet::from(["/cups", "/cusp", "/tiers/1/from", "/tiers/1/factor"]));
        assert_eq!(problems(json!({"prefix": "tea"}))[0].0, "/prefix");
        assert_eq!(problems(json!([]))[0].0, "");
    }

    #[test]
    fn a_manifest_without_settings_takes_the_empty_object_and_nothing_else() {
        let manifest = Manifest::parse(&GOOD[..GOOD.find("[settings]").unwrap()]).unwrap();
        assert!(manifest.defaults().is_empty());
        assert_eq!(manifest.validate_settings(&json!({})), Ok(json!({})));
        assert_eq!(manifest.validate_settings(&json!({"x": 1})).unwrap_err()[0].message, "there is no such setting");
    }

    #[test]
    fn a_wrong_key_is_named_with_its_remedy() {
        for (from, to, key) in [
            ("\"loyal-tea2\"", "\"Loyal\"", "plugin.name"),
            ("\"loyal-tea2\"", "\"loyal--tea\"", "plugin.name"),
            ("\"loyal-tea2\"", "\"2-teas\"", "plugin.name"),
            ("\"1.0.0-beta.1\"", "\"1.0\"", "plugin.version"),
            ("\"1.0.0-beta.1\"", "\"01.0.0\"", "plugin.version"),
            ("\"1.0.0-beta.1\"", "\"1.0.0-\"", "plugin.version"),
            ("\"Loyal tea\"", "\" \"", "plugin.title"),
            ("[\"order.paid\", \"shopify:products/update\"]", "[]", "plugin.topics"),
            ("\"order.paid\"", "\"Order paid\"", "plugin.topics"),
            ("\"order.paid\"", "\"shopify:products/update\"", "plugin.topics"),
            ("\"tags\"", "\"taggs\"", "plugin.capabilities"),
            ("[templates.a-cup]", "[templates.\"../cup\"]", "templates.../cup"),
            (
                "additionalProperties = false\n\n        [settings.properties.cups]",
                "\n[settings.properties.cups]",
                "settings.additionalProperties",
            ),
            (
                "type = \"object\"\n        additionalProperties = false\n\n",
                "additionalProperties = false\n\n",
                "settings.type",
            ),
            (
                "type = \"integer\"\n        minimum",
                "type = \"intege\"\n        minimum",
                "settings.properties.cups.type",
            ),
            ("default = 3", "", "settings.properties.cups"),
            ("default = 3", "default = 0", "settings.properties.cups.default"),
            ("default = 3", "default = nan", "settings.properties.cups.default"),
            ("default = 3", "default = 2026-01-01", "settings.properties.cups.default"),
            ("[{ from = 10 }]", "[{ from = true }]", "settings.properties.tiers.0.from.default"),
            ("^[A-Z]+$", "^(?=A)[A-Z]+$", "settings"),
            ("pattern = \"^[A-Z]+$\"", "\"$ref\" = \"https://example.com/schema.json\"", "settings"),
        ] {
            match changed(from, to) {
                Error::Key { key: found, remedy, .. } => {
                    assert_eq!(found, key, "{to}");
                    assert!(!remedy.is_empty(), "{to}");
                }
                Error::Syntax(text) => panic!("{to}: {text}"),
            }
        }
    }

    #[test]
    fn an_unknown_key_is_refused_by_name() {
        let error = changed("summary =", "sumary =").to_string();
        assert!(error.contains("sumary"), "{error}");
        let error = changed("subject =", "subjekt =").to_string();
        assert!(error.contains("subjekt"), "{error}");
    }

    #[test]
    fn names_end_at_their_limit() {
        assert!(is_name(&"a".repeat(MAX_NAME_CHARS)));
        assert!(!is_name(&"a".repeat(MAX_NAME_CHARS + 1)));
        assert!(!is_name("") && !is_name("a-") && !is_name("-a") && !is_name("\u{e4}-b"));
    }
}
