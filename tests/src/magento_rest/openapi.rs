//! What the API takes: the project's own cut of Magento's document, against which every request is held.
//!
//! Where the published document is at hand, a test compares the cut with it: nothing in it may be made up.

use std::collections::{BTreeMap, BTreeSet};

use jsonschema::Validator;
use serde::Deserialize;
use serde_json::{Map, Value, json};

const OWN_CUT: &str = include_str!("openapi.json");

/// All addresses that the peer has, with what each takes.
pub(super) struct OpenApi {
    paths: Vec<(Vec<String>, BTreeMap<String, Takes>)>,
}

#[derive(Deserialize)]
struct Document {
    paths: BTreeMap<String, BTreeMap<String, Operation>>,
    definitions: Map<String, Value>,
}

#[derive(Deserialize)]
struct Operation {
    #[serde(default)]
    search: bool,
    body: Option<BTreeMap<String, String>>,
}

struct Takes {
    search: bool,
    body: Option<Validator>,
}

impl OpenApi {
    pub(super) fn own_cut() -> Self {
        let document: Document = serde_json::from_str(OWN_CUT).expect("the cut is readable");
        let definitions: Map<_, _> = document.definitions.into_iter().map(|(name, it)| (name, nullable(it))).collect();
        let takes = |operation: Operation| Takes {
            search: operation.search,
            body: operation.body.map(|parts| {
                let schema = body_schema(&parts, &definitions);
                jsonschema::validator_for(&schema).expect("the cut is a schema")
            }),
        };
        let operations = |of: BTreeMap<String, Operation>| of.into_iter().map(|(name, it)| (name, takes(it))).collect();
        let split = |path: &str| path.split('/').skip(1).map(str::to_owned).collect();
        Self { paths: document.paths.into_iter().map(|(path, of)| (split(&path), operations(of))).collect() }
    }

    /// Whether there is such an address.
    pub(super) fn has(&self, path: &[&str]) -> bool {
        self.paths.iter().any(|(known, _)| is_at(known, path))
    }

    /// What is wrong with a request; `None` if it is as the document says.
    pub(super) fn objection(
        &self,
        method: &str,
        path: &[&str],
        query: &[(String, String)],
        body: Option<&Value>,
    ) -> Option<String> {
        // Words come before placeholders: `search` is no id.
        let mut known: Vec<_> = self.paths.iter().filter(|(known, _)| is_at(known, path)).collect();
        known.sort_by_key(|(known, _)| known.iter().filter(|it| it.starts_with('{')).count());
        let Some(takes) = known.first().and_then(|(_, of)| of.get(method)) else {
            return Some(format!("there is no {method} /{}", path.join("/")));
        };
        let odd = query.iter().find(|(name, _)| !takes.search || !is_search(name));
        if let Some((name, _)) = odd {
            return Some(format!("`{name}` is no parameter of /{}", path.join("/")));
        }
        if takes.search && query.is_empty() {
            return Some("\"searchCriteria\" is required. Enter and try again.".into());
        }
        match (&takes.body, body) {
            (None, None) => None,
            (Some(schema), Some(body)) => {
                schema.iter_errors(body).next().map(|error| format!("{error} at {}", error.instance_path()))
            }
            (None, Some(_)) => Some("it takes no body".into()),
            (Some(_), None) => Some("its body is missing".into()),
        }
    }
}

fn is_at(known: &[String], path: &[&str]) -> bool {
    known.len() == path.len() && known.iter().zip(path).all(|(known, it)| known.starts_with('{') || known == it)
}

/// `searchCriteria[filterGroups][3][filters][0][field]` and its like.
fn is_search(name: &str) -> bool {
    let plain: String = name.chars().map(|it| if it.is_ascii_digit() { '0' } else { it }).collect();
    let known = [
        "searchCriteria[filterGroups][0][filters][0][field]",
        "searchCriteria[filterGroups][0][filters][0][value]",
        "searchCriteria[filterGroups][0][filters][0][conditionType]",
        "searchCriteria[sortOrders][0][field]",
        "searchCriteria[sortOrders][0][direction]",
        "searchCriteria[pageSize]",
        "searchCriteria[currentPage]",
        "fields",
    ];
    known.contains(&plain.as_str())
}

/// A body of named parts, of which those with a question mark may be left out.
fn body_schema(parts: &BTreeMap<String, String>, definitions: &Map<String, Value>) -> Value {
    let named = parts.iter().map(|(name, kind)| (name.trim_end_matches('?'), kind));
    let properties: Map<_, _> =
        named.map(|(name, kind)| (name.to_owned(), json!({ "$ref": format!("#/definitions/{kind}") }))).collect();
    let required: BTreeSet<_> = parts.keys().filter(|name| !name.ends_with('?')).collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
        "definitions": definitions,
    })
}

/// Magento's document knows no null, and its services take one for any field; fields that it does not know they refuse.
fn nullable(mut definition: Value) -> Value {
    if let Some(properties) = definition.get_mut("properties").and_then(Value::as_object_mut) {
        for property in properties.values_mut() {
            if let Some(kind) = property.get("type").filter(|kind| kind.is_string()).cloned() {
                property["type"] = json!([kind, "null"]);
            }
        }
        definition["additionalProperties"] = false.into();
    }
    definition
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus;

    #[test]
    fn the_cut_makes_up_no_address_no_field_and_no_type() {
        let what = "the cut of Magento's API against the published one";
        let Some(file) = corpus::file_or_note("magento/openapi/magento-os-2.4.7-p3-live-swagger.json", what) else {
            return;
        };
        let published: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        let own: Value = serde_json::from_str(OWN_CUT).unwrap();
        for (path, operations) in own["paths"].as_object().unwrap() {
            for (method, operation) in operations.as_object().unwrap() {
                let theirs = &published["paths"][path][method];
                assert!(theirs.is_object(), "{method} {path}");
                let parameters = theirs["parameters"].as_array().cloned().unwrap_or_default();
                let lists = parameters.iter().any(|it| it["name"] == "searchCriteria[pageSize]");
                assert_eq!(operation["search"] == true, lists, "{method} {path}");
                let body = parameters.iter().find(|it| it["in"] == "body");
                for (name, kind) in operation["body"].as_object().into_iter().flatten() {
                    let part = &body.unwrap()["schema"]["properties"][name.trim_end_matches('?')];
                    let kind = &own["definitions"][kind.as_str().unwrap()];
                    match kind["published"].as_str() {
                        Some(published) => assert_eq!(part["$ref"], format!("#/definitions/{published}"), "{path}"),
                        None => assert_eq!(part["type"], kind["type"], "{path} {name}"),
                    }
                }
            }
        }
        for (name, definition) in own["definitions"].as_object().unwrap() {
            let Some(published_name) = definition["published"].as_str() else { continue };
            let theirs = &published["definitions"][published_name];
            for (field, own_field) in definition["properties"].as_object().unwrap() {
                let their_field = &theirs["properties"][field];
                let resolved = match own_field["$ref"].as_str() {
                    Some(of) => &own["definitions"][of.trim_start_matches("#/definitions/")],
                    None => own_field,
                };
                match resolved["published"].as_str() {
                    Some(of) => assert_eq!(their_field["$ref"], format!("#/definitions/{of}"), "{name}.{field}"),
                    None => assert_eq!(their_field["type"], resolved["type"], "{name}.{field}"),
                }
            }
            let required = |of: &Value| -> BTreeSet<String> {
                of["required"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
            };
            assert!(required(definition).is_superset(&required(theirs)), "{name}");
        }
    }
}
