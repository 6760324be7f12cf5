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

use super::{
    bulk,
    shop::{Answer, METAFIELDS, Refusal, Shop, Tags, UserError},
};

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
        let args = serde_json::to_value(info.arguments()).map_err(|error| FieldError { message: error.to_string() })?;
        let mut guard = self.shop.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let (shop, declined) = &mut *guard;
        shop.code_additions.work(&mut shop.discounts);
        let answer = match self.type_name {
            "Mutation" if info.field_name() == "bulkOperationRunQuery" => bulk::run(info.schema(), shop, args),
            "Mutation" => mutate(shop, info.field_name(), args),
            _ => query(shop, info, &args),
        };
        let value = match answer {
            Ok(fields) if self.type_name == "Mutation" => payload(info, fields, None),
            Ok(value) => value,
            Err(Refusal::Declined(error)) => {
                let payload = payload(info, json!({}), Some(&error));
                declined.push(error);
                payload
            }
            Err(Refusal::NotSimulated(message)) => return Err(FieldError { message }),
        };
        Ok(resolved(value, info.arguments()))
    }
}

fn mutate(shop: &mut Shop, field: &str, args: Value) -> Answer {
    let now = shop.now;
    let Shop { currency, discounts, orders, order_edits, products, store_credit, gift_cards, metafields, .. } = shop;
    match field {
        "bulkOperationCancel" => shop.bulk.cancel(&args),
        "customerEmailMarketingConsentUpdate" => shop.customers.say(args, now),
        "discountCodeBasicCreate" => discounts.create_basic(args, currency, now),
        "discountCodeFreeShippingCreate" => discounts.create_free_shipping(args, currency, now),
        "discountRedeemCodeBulkAdd" => shop.code_additions.add(args, &shop.discounts),
        "discountCodeDeactivate" => discounts.deactivate(args, currency, now),
        "fulfillmentOrdersSetFulfillmentDeadline" => shop.fulfillment_orders.set_deadline(args),
        "giftCardCreate" => gift_cards.create(args),
        "metafieldsSet" => metafields.set(args, now),
        "orderEditBegin" => order_edits.begin(args, orders),
        "orderEditAddVariant" => order_edits.add_variant(args, orders, products),
        "orderEditAddLineItemDiscount" => order_edits.add_discount(args),
        "orderEditCommit" => order_edits.commit(args, orders, products),
        "orderUpdate" => shop.update_order(args),
        "storeCreditAccountCredit" => store_credit.credit(args, now),
        "storeCreditAccountDebit" => store_credit.debit(args, now),
        "tagsAdd" => shop.tag(args, Tags::add),
        "tagsRemove" => shop.tag(args, Tags::remove),
        _ => Err(not_simulated(field)),
    }
}

/// A mutation's payload: what it answers, and what the shop has against its input.
fn payload(info: &ResolveInfo<'_>, mut fields: Value, error: Option<&UserError>) -> Value {
    let name = info.field_definition().ty.inner_named_type();
    let kind = info.schema().type_field(name, "userErrors").map(|field| field.ty.inner_named_type().as_str());
    let kind = kind.unwrap_or("UserError");
    let errors: Vec<_> = error.into_iter().map(|error| error.to_json(kind)).collect();
    fields["__typename"] = name.as_str().into();
    fields["userErrors"] = errors.into();
    fields
}

fn query(shop: &Shop, info: &ResolveInfo<'_>, args: &Value) -> Answer {
    let text = |name: &str| args[name].as_str().unwrap_or_default();
    Ok(match info.field_name() {
        "bulkOperation" => shop.bulk.operation(text("id")),
        "currentAppInstallation" => shop.installation(),
        "customers" => shop.customers(),
        "customersCount" => exactly(shop.customers.count(text("query"))?, args)?,
        "ordersCount" => exactly(shop.orders.count(text("query"))?, args)?,
        "codeDiscountNodeByCode" => {
            shop.discounts.by_code(text("code")).map_or(Value::Null, |code| code.node(&shop.currency, shop.now))
        }
        "codeDiscountNode" | "customer" | "node" | "order" | "product" | "productVariant" => shop.node(text("id")),
        "nodes" => {
            args["ids"].as_array().into_iter().flatten().map(|id| shop.node(id.as_str().unwrap_or_default())).collect()
        }
        "discountRedeemCodeBulkCreation" => shop.code_additions.by_id(text("id")),
        "giftCards" => shop.gift_cards.search(text("query")),
        "products" if args["sortKey"] == "UPDATED_AT" => shop.products.changed(text("query"))?,
        "refund" => shop.orders.refund(text("id")),
        "orders" if args["query"].is_null() => shop.orders.all(),
        "orders" => {
            if args["sortKey"] != "UPDATED_AT" {
                return Err("only the order of changes is simulated".into());
            }
            let first = args["first"].as_u64().and_then(|first| first.try_into().ok()).ok_or(NO_SIZE)?;
            shop.orders.page(text("query"), first, args["after"].as_str())?
        }
        "shop" => json!({
            "__typename": "Shop", "name": "Fern & Fable", "currencyCode": shop.currency, "ianaTimezone": "Europe/Berlin",
            "primaryDomain": { "__typename": "Domain", "url": "https://fern.example" },
        }),
        field => return Err(not_simulated(field)),
    })
}

/// A count without a limit: with one, Shopify stops there.
fn exactly(count: usize, args: &Value) -> Answer {
    match &args["limit"] {
        Value::Null => Ok(json!({ "__typename": "Count", "count": count, "precision": "EXACT" })),
        limit => Err(format!("a count up to {limit} is not simulated").into()),
    }
}

fn not_simulated(field: &str) -> Refusal {
    format!("`{field}` is in the schema, but is not simulated").into()
}

const NO_SIZE: &str = "you must provide one of first or last";

/// An object whose fields are all known: a JSON object with `__typename`.
struct Known(Map<String, Value>);

impl ObjectValue for Known {
    fn type_name(&self) -> &str {
        self.0.get("__typename").and_then(Value::as_str).unwrap_or_default()
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Result<ResolvedValue<'a>, FieldError> {
        let is_connection = info.field_definition().ty.inner_named_type().ends_with("Connection");
        if is_connection && !["first", "last"].iter().any(|size| info.arguments().contains_key(*size)) {
            return Err(FieldError { message: NO_SIZE.into() });
        }
        if info.field_name() == "edges" {
            let kind = info.field_definition().ty.inner_named_type().as_str();
            let nodes = self.0.get("nodes").and_then(Value::as_array).cloned().unwrap_or_default();
            let edges = nodes.into_iter().map(|node| json!({ "__typename": kind, "node": node }));
            return Ok(resolved(edges.collect(), &JsonMap::new()));
        }
        match self.0.get(info.field_name()) {
            Some(value) => Ok(resolved(value.clone(), info.arguments())),
            None if self.0.contains_key(METAFIELDS) && info.field_name() == "metafield" => {
                let text = |name| info.arguments().get(name).and_then(JsonValue::as_str);
                let name = format!("{}.{}", text("namespace").unwrap_or("$app"), text("key").unwrap_or_default());
                Ok(resolved(self.0[METAFIELDS][name].clone(), info.arguments()))
            }
            // What is declined has no result.
            None if self.0.contains_key("userErrors") => Ok(ResolvedValue::leaf(JsonValue::Null)),
            None => Err(self.unknown_field_error(info)),
        }
    }
}

/// A value as GraphQL sees it; of a connection, the page that the arguments ask for.
fn resolved<'a>(value: Value, args: &JsonMap) -> ResolvedValue<'a> {
    match value {
        Value::Object(fields) if fields.contains_key("nodes") && !fields.contains_key("pageInfo") => {
            ResolvedValue::object(Known(page(fields, args)))
        }
        Value::Object(fields) => ResolvedValue::object(Known(fields)),
        Value::Array(items) => ResolvedValue::list(items.into_iter().map(|item| resolved(item, &JsonMap::new()))),
        leaf => ResolvedValue::leaf(JsonValue::from(leaf)),
    }
}

/// A page from the front, or from the end where the order is turned round. A cursor is a number of nodes.
fn page(mut fields: Map<String, Value>, args: &JsonMap) -> Map<String, Value> {
    let mut nodes = fields.remove("nodes").and_then(|nodes| nodes.as_array().cloned()).unwrap_or_default();
    if args.get("reverse").and_then(JsonValue::as_bool) == Some(true) {
        nodes.reverse();
    }
    let count = |name: &str| args.get(name).and_then(JsonValue::as_u64).and_then(|size| usize::try_from(size).ok());
    let size = count("first").or_else(|| count("last")).unwrap_or(nodes.len());
    let begin = args.get("after").and_then(JsonValue::as_str).and_then(|cursor| cursor.parse().ok()).unwrap_or(0);
    let end = nodes.len().min(begin + size);
    fields.insert(
        "pageInfo".into(),
        json!({
            "__typename": "PageInfo",
            "hasNextPage": end < nodes.len(),
            "hasPreviousPage": begin > 0,
            "startCursor": begin.to_string(),
            "endCursor": end.to_string(),
        }),
    );
    fields.insert("nodes".into(), nodes.get(begin..end).unwrap_or_default().into());
    fields
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
                "Date" => text.parse::<jiff::civil::Date>().is_ok(),
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
