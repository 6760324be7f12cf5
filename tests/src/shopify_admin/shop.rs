//! What the simulated shop remembers and by which rules it changes: discount codes and customers' tags.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::orders::Orders;

/// Longest code that Shopify takes.
const CODE_CHARACTERS: usize = 255;

/// A discount code that the shop issued.
#[derive(Clone, Debug, PartialEq)]
pub struct DiscountCode {
    /// `gid://shopify/DiscountCodeNode/...`
    pub id: String,
    pub code: String,
    pub title: String,
    /// Ids of the customers who may use it; empty if everyone may.
    pub customers: Vec<String>,
    pub value: DiscountValue,
    pub minimum_subtotal: Option<String>,
    pub starts_at: Timestamp,
    pub ends_at: Option<Timestamp>,
    pub usage_limit: Option<i64>,
    pub applies_once_per_customer: bool,
}

/// What a code takes off, as the caller wrote it.
#[derive(Clone, Debug, PartialEq)]
pub enum DiscountValue {
    Amount(String),
    /// 0 to 1.
    Percentage(f64),
}

/// An entry of `userErrors`: the call was well formed, the shop declines it.
#[derive(Clone, Debug, PartialEq)]
pub struct UserError {
    pub field: Vec<&'static str>,
    pub code: &'static str,
    pub message: &'static str,
}

/// The shop's own data.
#[derive(Clone, Debug, Default)]
pub(super) struct Shop {
    pub(super) currency: String,
    pub(super) codes: Vec<DiscountCode>,
    pub(super) tags: BTreeMap<String, BTreeSet<String>>,
    pub(super) orders: Orders,
}

/// `DiscountCodeBasicInput` as far as it is simulated; the schema has checked names and types before.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewDiscount {
    code: Option<String>,
    title: Option<String>,
    starts_at: Option<Timestamp>,
    ends_at: Option<Timestamp>,
    usage_limit: Option<i64>,
    #[serde(default)]
    applies_once_per_customer: Option<bool>,
    context: Option<Context>,
    customer_selection: Option<Context>,
    customer_gets: Option<CustomerGets>,
    minimum_requirement: Option<MinimumRequirement>,
}

#[derive(Deserialize)]
struct Context {
    all: Option<Value>,
    customers: Option<Added>,
}

#[derive(Deserialize)]
struct Added {
    add: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct CustomerGets {
    items: Option<Value>,
    value: Option<CustomerGetsValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CustomerGetsValue {
    discount_amount: Option<Amount>,
    percentage: Option<f64>,
}

#[derive(Deserialize)]
struct Amount {
    amount: Option<Value>,
}

#[derive(Deserialize)]
struct MinimumRequirement {
    subtotal: Option<MinimumSubtotal>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MinimumSubtotal {
    greater_than_or_equal_to_subtotal: Option<Value>,
}

impl Shop {
    /// `discountCodeBasicCreate`; the outer error is one of the simulation, not of the shop.
    pub(super) fn create_code(&mut self, input: Value) -> Result<Result<&DiscountCode, UserError>, String> {
        let input: NewDiscount = serde_json::from_value(input).map_err(|error| error.to_string())?;
        let accepted = accept(input, &self.codes);
        Ok(accepted.map(|code| {
            self.codes.push(code);
            &self.codes[self.codes.len() - 1]
        }))
    }

    /// Codes are the same whatever their case.
    pub(super) fn code(&self, code: &str) -> Option<&DiscountCode> {
        find_code(&self.codes, code)
    }

    pub(super) fn add_tags(&mut self, id: &str, tags: &[String]) {
        self.tags.entry(id.into()).or_default().extend(tags.iter().cloned());
    }

    pub(super) fn remove_tags(&mut self, id: &str, tags: &[String]) {
        if let Some(kept) = self.tags.get_mut(id) {
            kept.retain(|tag| !tags.contains(tag));
        }
    }

    /// An object of the schema's type `Customer`.
    pub(super) fn customer(&self, id: &str) -> Value {
        let tags: Vec<_> = self.tags.get(id).into_iter().flatten().collect();
        json!({"__typename": "Customer", "id": id, "tags": tags})
    }

    /// An object of the schema's type `DiscountCodeNode`.
    pub(super) fn code_node(&self, code: &DiscountCode) -> Value {
        let money = |amount: &str| json!({"__typename": "MoneyV2", "amount": amount, "currencyCode": self.currency});
        let redeem_code = json!({
            "__typename": "DiscountRedeemCode",
            "id": code.id.replace("DiscountCodeNode", "DiscountRedeemCode"),
            "code": code.code,
        });
        let customers: Vec<_> = code.customers.iter().map(|id| self.customer(id)).collect();
        let context = if customers.is_empty() {
            json!({"__typename": "DiscountBuyerSelectionAll", "all": "ALL"})
        } else {
            json!({"__typename": "DiscountCustomers", "customers": customers})
        };
        let value = match &code.value {
            DiscountValue::Amount(amount) => {
                json!({"__typename": "DiscountAmount", "amount": money(amount), "appliesOnEachItem": false})
            }
            DiscountValue::Percentage(percentage) => {
                json!({"__typename": "DiscountPercentage", "percentage": percentage})
            }
        };
        let minimum = code.minimum_subtotal.as_deref().map(
            |amount| json!({"__typename": "DiscountMinimumSubtotal", "greaterThanOrEqualToSubtotal": money(amount)}),
        );
        json!({
            "__typename": "DiscountCodeNode",
            "id": code.id,
            "codeDiscount": {
                "__typename": "DiscountCodeBasic",
                "title": code.title,
                "tags": [],
                "startsAt": code.starts_at.to_string(),
                "endsAt": code.ends_at.map(|at| at.to_string()),
                "usageLimit": code.usage_limit,
                "appliesOncePerCustomer": code.applies_once_per_customer,
                "minimumRequirement": minimum,
                "context": context,
                "customerGets": {
                    "__typename": "DiscountCustomerGets",
                    "items": {"__typename": "AllDiscountItems", "allItems": true},
                    "value": value,
                },
                "codes": {
                    "__typename": "DiscountRedeemCodeConnection",
                    "edges": [{"__typename": "DiscountRedeemCodeEdge", "cursor": "1", "node": redeem_code}],
                    "nodes": [redeem_code],
                    "pageInfo": {
                        "__typename": "PageInfo",
                        "startCursor": "1",
                        "endCursor": "1",
                        "hasNextPage": false,
                        "hasPreviousPage": false,
                    },
                },
            },
        })
    }
}

impl UserError {
    /// An object of the schema's type `DiscountUserError`.
    pub(super) fn to_json(&self) -> Value {
        json!({
            "__typename": "DiscountUserError",
            "field": self.field,
            "code": self.code,
            "message": self.message,
            "extraInfo": null,
        })
    }
}

fn find_code<'a>(codes: &'a [DiscountCode], code: &str) -> Option<&'a DiscountCode> {
    codes.iter().find(|issued| issued.code.eq_ignore_ascii_case(code))
}

fn accept(input: NewDiscount, issued: &[DiscountCode]) -> Result<DiscountCode, UserError> {
    let title = filled(input.title).ok_or_else(|| declined("title", "BLANK", "Title can't be blank"))?;
    let code = filled(input.code).ok_or_else(|| declined("code", "BLANK", "Code can't be blank"))?;
    if code.chars().count() > CODE_CHARACTERS {
        return Err(declined("code", "TOO_LONG", "Code is too long (maximum is 255 characters)"));
    }
    if find_code(issued, &code).is_some() {
        return Err(declined("code", "TAKEN", "Code must be unique. Please try a different code."));
    }
    let starts_at = input.starts_at.ok_or_else(|| declined("startsAt", "BLANK", "Starts at can't be blank"))?;
    if input.ends_at.is_some_and(|ends_at| ends_at <= starts_at) {
        return Err(declined("endsAt", "END_DATE_BEFORE_START_DATE", "Ends at needs to be after starts_at"));
    }
    Ok(DiscountCode {
        id: format!("gid://shopify/DiscountCodeNode/{}", 1_057_856_610_611_u64 + issued.len() as u64),
        code,
        title,
        customers: customers(input.context, input.customer_selection)?,
        value: value(input.customer_gets)?,
        minimum_subtotal: input
            .minimum_requirement
            .and_then(|requirement| requirement.subtotal?.greater_than_or_equal_to_subtotal)
            .map(decimal),
        starts_at,
        ends_at: input.ends_at,
        usage_limit: input.usage_limit,
        applies_once_per_customer: input.applies_once_per_customer.unwrap_or(false),
    })
}

/// Ids of the customers a code is for; none stands for everyone, which has to be said.
fn customers(context: Option<Context>, selection: Option<Context>) -> Result<Vec<String>, UserError> {
    let context = match (context, selection) {
        (Some(_), Some(_)) => {
            return Err(declined(
                "context",
                "TOO_MANY_ARGUMENTS",
                "Only one of context or customerSelection can be provided",
            ));
        }
        (context, selection) => context.or(selection),
    };
    let added = context.as_ref().and_then(|context| context.customers.as_ref()?.add.clone()).unwrap_or_default();
    if added.is_empty() && context.is_none_or(|context| context.all.is_none()) {
        return Err(declined("context", "BLANK", "Context can't be blank"));
    }
    Ok(added)
}

fn value(gets: Option<CustomerGets>) -> Result<DiscountValue, UserError> {
    let missing = || declined("customerGets", "BLANK", "Customer gets can't be blank");
    let gets = gets.ok_or_else(missing)?;
    if gets.items.is_none() {
        return Err(declined("customerGets", "MISSING_ARGUMENT", "Items in 'customer get' can't be blank"));
    }
    let value = gets.value.ok_or_else(missing)?;
    match (value.discount_amount.and_then(|amount| amount.amount), value.percentage) {
        (Some(_), Some(_)) => {
            Err(declined("customerGets", "TOO_MANY_ARGUMENTS", "Only one value type can be provided"))
        }
        (Some(amount), None) => {
            let amount = decimal(amount);
            if amount.starts_with('-') || amount.bytes().all(|byte| matches!(byte, b'0' | b'.')) {
                return Err(declined("customerGets", "VALUE_OUTSIDE_RANGE", "Value must be greater than 0"));
            }
            Ok(DiscountValue::Amount(amount))
        }
        (None, Some(percentage)) if percentage > 0.0 && percentage <= 1.0 => Ok(DiscountValue::Percentage(percentage)),
        (None, Some(_)) => Err(declined("customerGets", "VALUE_OUTSIDE_RANGE", "Value must be between 0.0 and 1.0")),
        (None, None) => Err(missing()),
    }
}

fn declined(field: &'static str, code: &'static str, message: &'static str) -> UserError {
    UserError { field: vec!["basicCodeDiscount", field], code, message }
}

fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}

/// A decimal may come as a JSON string or number.
fn decimal(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}
