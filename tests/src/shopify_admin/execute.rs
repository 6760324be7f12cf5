//! Executes a validated document on the simulated shop.

use std::sync::Mutex;

use apollo_compiler::{
    ExecutableDocument, Schema,
    ast::Type,
    executable::Operation,
    request::RequestError,
    resolvers::{Execution, FieldError, ObjectValue, ResolveInfo, ResolvedValue},
    response::{ExecutionResponse, JsonMap, JsonValue},
    schema::ExtendedType,
    validation::Valid,
};
use serde_json::{Map, Value, json};

use super::shop::{Shop, UserError};

/// Runs `operation`; the second part lists what the shop declined.
pub(super) fn execute(
    schema: &Valid<Schema>,
    document: &Valid<ExecutableDocument>,
    operation: &Operation,
    variables: &Valid<JsonMap>,
    shop: &mut Shop,
) -> Result<(ExecutionResponse, Vec<UserError>), RequestError> {
    let root = Root { type_name: operation.object_type(), shop: Mutex::new((shop, Vec::new())) };
    let response =
        Execution::new(schema, document).operation(operation).coerced_variable_values(variables).execute_sync(&root)?;
    let (_, declined) = root.shop.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    Ok((response, declined))
}

/// The query root or the mutation root: the fields that do something.
struct Root<'a> {
    type_name: &'a str,
    /// Resolvers get a shared reference; they run one after the other.
    shop: Mutex<(&'a mut Shop, Vec<UserError>)>,
}

impl ObjectValue for Root<'_> {
    fn type_name(&self) -> &str {
        self.type_name
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Result<ResolvedValue<'a>, FieldError> {
        for argument in &info.field_definition().arguments {
            if let Some(value) = info.arguments().get(argument.name.as_str()) {
                check_scalars(info.schema(), &argument.ty, value).map_err(|message| FieldError { message })?;
            }
        }
        let mut guard = self.shop.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let (shop, declined) = &mut *guard;
        let value = match (self.type_name, info.field_name()) {
            ("Mutation", "discountCodeBasicCreate") => {
                let created = match shop.create_code(argument(info, "basicCodeDiscount")?) {
                    Ok(created) => created.cloned(),
                    Err(message) => return Err(FieldError { message }),
                };
                let (node, errors) = match created {
                    Ok(code) => (shop.code_node(&code), vec![]),
                    Err(error) => {
                        let answer = error.to_json();
                        declined.push(error);
                        (Value::Null, vec![answer])
                    }
                };
                json!({"__typename": "DiscountCodeBasicCreatePayload", "codeDiscountNode": node, "userErrors": errors})
            }
            ("Mutation", "tagsAdd") => {
                let id: String = argument(info, "id")?;
                shop.add_tags(&id, &argument::<Vec<String>>(info, "tags")?);
                json!({"__typename": "TagsAddPayload", "node": shop.customer(&id), "userErrors": []})
            }
            ("Mutation", "tagsRemove") => {
                let id: String = argument(info, "id")?;
                shop.remove_tags(&id, &argument::<Vec<String>>(info, "tags")?);
                json!({"__typename": "TagsRemovePayload", "node": shop.customer(&id), "userErrors": []})
            }
            ("QueryRoot", "codeDiscountNodeByCode") => {
                let code: String = argument(info, "code")?;
                shop.code(&code).map_or(Value::Null, |code| shop.code_node(code))
            }
            ("QueryRoot", "codeDiscountNode") => {
                let id: String = argument(info, "id")?;
                shop.codes.iter().find(|code| code.id == id).map_or(Value::Null, |code| shop.code_node(code))
            }
            ("QueryRoot", "order") => shop.orders.order(&argument::<String>(info, "id")?),
            ("QueryRoot", "refund") => shop.orders.refund(&argument::<String>(info, "id")?),
            ("QueryRoot", "orders") => {
                if argument::<Option<String>>(info, "sortKey")?.as_deref() != Some("UPDATED_AT") {
                    return Err(FieldError { message: "only the order of changes is simulated".into() });
                }
                let query: Option<String> = argument(info, "query")?;
                let (first, after): (Option<usize>, Option<String>) =
                    (argument(info, "first")?, argument(info, "after")?);
                let first =
                    first.ok_or_else(|| FieldError { message: "you must provide one of first or last".into() })?;
                let page = shop.orders.page(&query.unwrap_or_default(), first, after.as_deref());
                page.map_err(|message| FieldError { message })?
            }
            ("QueryRoot", "customer") => shop.customer(&argument::<String>(info, "id")?),
            ("QueryRoot", "node") => {
                let id: String = argument(info, "id")?;
                match shop.codes.iter().find(|code| code.id == id) {
                    Some(code) => shop.code_node(code),
                    None => shop.customer(&id),
                }
            }
            (_, field) => {
                return Err(FieldError { message: format!("`{field}` is in the schema, but is not simulated") });
            }
        };
        Ok(resolved(value))
    }
}

/// An object whose fields are all known: a JSON object with `__typename`.
struct Known(Map<String, Value>);

impl ObjectValue for Known {
    fn type_name(&self) -> &str {
        self.0.get("__typename").and_then(Value::as_str).unwrap_or_default()
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Result<ResolvedValue<'a>, FieldError> {
        let is_connection = info.field_definition().argument_by_name("first").is_some();
        if is_connection && !["first", "last"].iter().any(|size| info.arguments().contains_key(*size)) {
            return Err(FieldError { message: "you must provide one of first or last".into() });
        }
        match self.0.get(info.field_name()) {
            Some(value) => Ok(resolved(value.clone())),
            None => Err(self.unknown_field_error(info)),
        }
    }
}

fn resolved<'a>(value: Value) -> ResolvedValue<'a> {
    match value {
        Value::Object(fields) => ResolvedValue::object(Known(fields)),
        Value::Array(items) => ResolvedValue::list(items.into_iter().map(resolved)),
        leaf => ResolvedValue::leaf(JsonValue::from(leaf)),
    }
}

fn argument<T: serde::de::DeserializeOwned>(info: &ResolveInfo<'_>, name: &str) -> Result<T, FieldError> {
    let value = serde_json::to_value(info.arguments().get(name)).map_err(|error| error.to_string());
    let read = value.and_then(|value| serde_json::from_value(value).map_err(|error| error.to_string()));
    read.map_err(|error| FieldError { message: format!("argument `{name}`: {error}") })
}

/// Custom scalars and ids, of which GraphQL itself knows no syntax.
fn check_scalars(schema: &Schema, ty: &Type, value: &JsonValue) -> Result<(), String> {
    if let JsonValue::Array(items) = value {
        return items.iter().try_for_each(|item| check_scalars(schema, ty.item_type(), item));
    }
    match schema.types.get(ty.inner_named_type()) {
        Some(ExtendedType::InputObject(input)) => input.fields.iter().try_for_each(|(name, field)| {
            match value.as_object().and_then(|object| object.get(name.as_str())) {
                Some(value) => check_scalars(schema, &field.ty, value).map_err(|error| format!("{name}: {error}")),
                None => Ok(()),
            }
        }),
        Some(ExtendedType::Scalar(scalar)) if !value.is_null() => {
            let number = value.is_number().then(|| value.to_string());
            let text = value.as_str().or(number.as_deref()).unwrap_or_default();
            let valid = match scalar.name.as_str() {
                "ID" => is_global_id(text),
                "Decimal" => is_decimal(text),
                "DateTime" => text.parse::<jiff::Timestamp>().is_ok(),
                "UnsignedInt64" => text.parse::<u64>().is_ok(),
                _ => true,
            };
            if valid { Ok(()) } else { Err(format!("{value} is no {}", scalar.name)) }
        }
        _ => Ok(()),
    }
}

/// `gid://shopify/Customer/123`
fn is_global_id(text: &str) -> bool {
    let parts = text.strip_prefix("gid://shopify/").and_then(|rest| rest.split_once('/'));
    parts.is_some_and(|(kind, id)| !kind.is_empty() && !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_decimal(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole) && digits(fraction)
}
