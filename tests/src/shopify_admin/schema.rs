//! Which schema the simulated Admin API judges by: Shopify's published one where it is at hand, else our own extract.

use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use apollo_compiler::{
    Schema,
    ast::{Definition, Document},
    schema::ExtendedType,
    validation::Valid,
};

use crate::corpus;

const OWN: &str = include_str!("schema.graphql");
const PUBLISHED: &str = "shopify/graphql/admin_2026-10_effects.graphql";
/// The published extract lists the mutations' fields bare above this line, the types below it.
const TYPES_BEGIN: &str = "\n# ---- Types ----\n";

/// Where the schema comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SchemaSource {
    /// Shopify's extract at this path, completed by our own where it is silent.
    Published(PathBuf),
    /// Only the types that this project uses.
    Own,
}

impl SchemaSource {
    /// The published schema if the reference data is here, else our own.
    pub fn best() -> Self {
        corpus::file(PUBLISHED).map_or(Self::Own, Self::Published)
    }
}

/// Why a schema cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    #[error("cannot read the schema: {0}")]
    Unreadable(#[from] std::io::Error),
    #[error("the published schema has no line that parts mutations from types")]
    UnknownLayout,
    #[error("the schema is not valid GraphQL: {0}")]
    Invalid(String),
}

/// The schema of a source, read once for all peers of the process.
pub(super) fn shared(source: &SchemaSource) -> Result<Arc<Valid<Schema>>, SchemaError> {
    static LOADED: Mutex<Vec<(SchemaSource, Arc<Valid<Schema>>)>> = Mutex::new(Vec::new());
    let mut loaded = LOADED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some((_, schema)) = loaded.iter().find(|(known, _)| known == source) {
        return Ok(Arc::clone(schema));
    }
    let schema = Arc::new(load(source)?);
    loaded.push((source.clone(), Arc::clone(&schema)));
    Ok(schema)
}

/// Reads and validates the schema.
fn load(source: &SchemaSource) -> Result<Valid<Schema>, SchemaError> {
    let own = parse(OWN, "schema.graphql")?;
    let mut document = match source {
        SchemaSource::Own => own,
        SchemaSource::Published(path) => completed(published(&std::fs::read_to_string(path)?)?, own),
    };
    // An extract names types that it does not hold. As scalars they are valid as input and output alike, and a document
    // that selects inside one is refused: nothing is simulated there.
    let undefined = undefined_types(&build(&document));
    let stubs = undefined.iter().map(|name| format!("scalar {name}\n")).collect::<String>();
    if !stubs.is_empty() {
        document.definitions.extend(parse(&stubs, "stubs.graphql")?.definitions);
    }
    build(&document).validate().map_err(|invalid| SchemaError::Invalid(invalid.errors.to_string()))
}

fn published(text: &str) -> Result<Document, SchemaError> {
    let (mutations, types) = text.split_once(TYPES_BEGIN).ok_or(SchemaError::UnknownLayout)?;
    // The extract writes `name()` for a mutation without arguments, which GraphQL does not allow.
    let mutations = mutations.replace("()", "");
    parse(&format!("type Mutation {{\n{mutations}\n}}\n{types}"), PUBLISHED)
}

fn parse(text: &str, path: &str) -> Result<Document, SchemaError> {
    Document::parse(text, path).map_err(|invalid| SchemaError::Invalid(invalid.errors.to_string()))
}

/// `first`, and from `second` what `first` does not define.
fn completed(mut first: Document, second: Document) -> Document {
    let known: BTreeSet<_> = first.definitions.iter().filter_map(Definition::name).cloned().collect();
    let added = second.definitions.into_iter().filter(|added| added.name().is_none_or(|name| !known.contains(name)));
    first.definitions.extend(added);
    first
}

/// The schema as far as it goes; validation says what is wrong with it.
fn build(document: &Document) -> Schema {
    Schema::builder().add_ast(document).build().unwrap_or_else(|invalid| invalid.partial)
}

fn undefined_types(schema: &Schema) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    for definition in schema.types.values() {
        match definition {
            ExtendedType::Object(object) => {
                named.extend(object.fields.values().flat_map(|field| types_of_field(field)));
            }
            ExtendedType::Interface(interface) => {
                named.extend(interface.fields.values().flat_map(|field| types_of_field(field)));
            }
            ExtendedType::InputObject(input) => {
                named.extend(input.fields.values().map(|field| field.ty.inner_named_type().as_str()));
            }
            ExtendedType::Scalar(_) | ExtendedType::Union(_) | ExtendedType::Enum(_) => {}
        }
    }
    named.into_iter().filter(|name| !schema.types.contains_key(*name)).map(str::to_owned).collect()
}

fn types_of_field(field: &apollo_compiler::schema::FieldDefinition) -> impl Iterator<Item = &str> {
    let arguments = field.arguments.iter().map(|argument| argument.ty.inner_named_type().as_str());
    arguments.chain([field.ty.inner_named_type().as_str()])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One line for each member of each type: what a document can name, and with which type.
    fn members(document: &Document) -> BTreeSet<String> {
        let mut members = BTreeSet::new();
        for definition in &document.definitions {
            match definition {
                Definition::ObjectTypeDefinition(object) => {
                    for field in &object.fields {
                        members.insert(format!("{}.{}: {}", object.name, field.name, field.ty));
                        let arguments = field.arguments.iter();
                        members
                            .extend(arguments.map(|a| format!("{}.{}({}: {})", object.name, field.name, a.name, a.ty)));
                    }
                }
                Definition::InputObjectTypeDefinition(input) => {
                    members.extend(
                        input.fields.iter().map(|field| format!("{}.{}: {}", input.name, field.name, field.ty)),
                    );
                }
                Definition::EnumTypeDefinition(list) => {
                    members.extend(list.values.iter().map(|value| format!("{}.{}", list.name, value.value)));
                }
                _ => {}
            }
        }
        members
    }

    #[test]
    fn our_own_schema_is_valid() {
        assert!(load(&SchemaSource::Own).is_ok());
    }

    #[test]
    fn our_own_schema_says_nothing_that_the_published_one_denies() {
        let what = "comparing our schema with the published one";
        let Some(path) = corpus::file_or_note(PUBLISHED, what) else { return };
        let published = published(&std::fs::read_to_string(path).unwrap()).unwrap();
        let known: BTreeSet<_> = published.definitions.iter().filter_map(Definition::name).cloned().collect();
        let mut own = parse(OWN, "schema.graphql").unwrap();
        own.definitions.retain(|definition| definition.name().is_some_and(|name| known.contains(name)));
        let denied: Vec<_> = members(&own).difference(&members(&published)).cloned().collect();
        assert_eq!(denied, Vec::<String>::new());
        assert!(members(&own).len() > 50);
    }

    #[test]
    fn the_published_schema_is_valid_once_completed() {
        let Some(path) = corpus::file_or_note(PUBLISHED, "loading the published schema") else { return };
        let schema = load(&SchemaSource::Published(path)).unwrap();
        assert!(schema.get_object("Mutation").unwrap().fields.contains_key("giftCardCreate"));
        assert!(schema.get_object("QueryRoot").unwrap().fields.contains_key("codeDiscountNodeByCode"));
    }

    #[test]
    fn a_file_of_another_layout_is_refused() {
        assert!(matches!(published("type Mutation { a: Int }"), Err(SchemaError::UnknownLayout)));
    }
}
