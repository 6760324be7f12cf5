//! Discount codes of the simulated shop: issued once each, used, ended.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::shop::{Answer, UserError, connection, declined, read, thousandths};

/// Longest code that Shopify takes.
const CODE_CHARACTERS: usize = 255;

/// A discount code that the shop issued.
#[derive(Clone, Debug, PartialEq)]
pub struct DiscountCode {
    /// `gid://shopify/DiscountCodeNode/...`
    pub id: String,
    pub code: String,
    /// Codes that were added to it.
    pub added: Vec<String>,
    pub title: String,
    /// Ids of the customers who may use it; empty if everyone may.
    pub customers: Vec<String>,
    pub value: DiscountValue,
    pub items: DiscountItems,
    pub minimum_subtotal: Option<String>,
    pub starts_at: Timestamp,
    pub ends_at: Option<Timestamp>,
    pub usage_limit: Option<i64>,
    pub applies_once_per_customer: bool,
    /// Classes of discounts that it can be used together with: orders, products, shipping.
    pub combines_with: [bool; 3],
    /// Orders that have used it.
    pub uses: u32,
}

/// What a code takes off, as the caller wrote it.
#[derive(Clone, Debug, PartialEq)]
pub enum DiscountValue {
    Amount(String),
    /// 0 to 1.
    Percentage(f64),
    FreeShipping,
}

/// What a code is good for, by id.
#[derive(Clone, Debug, PartialEq)]
pub enum DiscountItems {
    All,
    Collections(Vec<String>),
    Products(Vec<String>),
}

/// One line of a cart: a product's id, the price of a unit in thousandths, and how many of them.
pub type CartLine<'a> = (&'a str, i64, u32);

impl DiscountCode {
    /// What it takes off a cart's products, in thousandths. An amount is taken off once, and never more than what it is good for costs.
    pub fn takes_off(&self, cart: &[CartLine<'_>]) -> i64 {
        let is_meant = |product: &str| match &self.items {
            DiscountItems::All => true,
            DiscountItems::Products(ids) => ids.iter().any(|id| id == product),
            DiscountItems::Collections(_) => false,
        };
        let meant = cart.iter().filter(|(product, ..)| is_meant(product));
        let subtotal: i64 = meant.map(|(_, price, quantity)| price * i64::from(*quantity)).sum();
        match &self.value {
            DiscountValue::Amount(amount) => thousandths(amount).unwrap_or_default().min(subtotal),
            DiscountValue::Percentage(share) => (subtotal as f64 * share).round() as i64,
            DiscountValue::FreeShipping => 0,
        }
    }

    /// Its codes, each the same whatever its case.
    fn has(&self, code: &str) -> bool {
        self.codes().any(|own| own.eq_ignore_ascii_case(code))
    }

    fn codes(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.code.as_str()).chain(self.added.iter().map(String::as_str))
    }

    fn status(&self, now: Timestamp) -> &'static str {
        match self.ends_at {
            Some(ends_at) if ends_at <= now => "EXPIRED",
            _ if self.starts_at > now => "SCHEDULED",
            _ => "ACTIVE",
        }
    }

    /// An object of the schema's type `DiscountCodeNode`.
    pub(super) fn node(&self, currency: &str, now: Timestamp) -> Value {
        let money = |amount: &str| json!({"__typename": "MoneyV2", "amount": amount, "currencyCode": currency});
        let redeem_code = |(index, code): (usize, &str)| {
            let id = self.id.replace("DiscountCodeNode", "DiscountRedeemCode");
            json!({ "__typename": "DiscountRedeemCode", "id": format!("{id}{index:03}"), "code": code })
        };
        let redeem_codes: Vec<_> = self.codes().enumerate().map(redeem_code).collect();
        let named = |kind: &str, ids: &[String]| ids.iter().map(|id| json!({"__typename": kind, "id": id})).collect();
        let context = match &self.customers[..] {
            [] => json!({"__typename": "DiscountBuyerSelectionAll", "all": "ALL"}),
            ids => json!({"__typename": "DiscountCustomers", "customers": named("Customer", ids) as Vec<_>}),
        };
        let value = match &self.value {
            DiscountValue::Amount(amount) => {
                json!({"__typename": "DiscountAmount", "amount": money(amount), "appliesOnEachItem": false})
            }
            DiscountValue::Percentage(share) => json!({"__typename": "DiscountPercentage", "percentage": share}),
            DiscountValue::FreeShipping => Value::Null,
        };
        let items = match &self.items {
            DiscountItems::All => json!({"__typename": "AllDiscountItems", "allItems": true}),
            DiscountItems::Collections(ids) => json!({
                "__typename": "DiscountCollections",
                "collections": connection("CollectionConnection", named("Collection", ids)),
            }),
            DiscountItems::Products(ids) => json!({
                "__typename": "DiscountProducts",
                "products": connection("ProductConnection", named("Product", ids)),
            }),
        };
        let minimum = self.minimum_subtotal.as_deref().map(
            |amount| json!({"__typename": "DiscountMinimumSubtotal", "greaterThanOrEqualToSubtotal": money(amount)}),
        );
        let mut codes = connection("DiscountRedeemCodeConnection", redeem_codes.clone());
        let edge = |node: &Value| json!({"__typename": "DiscountRedeemCodeEdge", "cursor": "1", "node": node});
        codes["edges"] = redeem_codes.iter().map(edge).collect();
        let is_shipping = self.value == DiscountValue::FreeShipping;
        json!({
            "__typename": "DiscountCodeNode",
            "id": self.id,
            "codeDiscount": {
                "__typename": if is_shipping { "DiscountCodeFreeShipping" } else { "DiscountCodeBasic" },
                "title": self.title,
                "tags": [],
                "status": self.status(now),
                "asyncUsageCount": self.uses,
                "startsAt": self.starts_at.to_string(),
                "endsAt": self.ends_at.map(|at| at.to_string()),
                "usageLimit": self.usage_limit,
                "appliesOncePerCustomer": self.applies_once_per_customer,
                "minimumRequirement": minimum,
                "context": context,
                "customerGets": {"__typename": "DiscountCustomerGets", "items": items, "value": value},
                "codes": codes,
            },
        })
    }
}

/// The codes that the shop has issued, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Discounts(pub(super) Vec<DiscountCode>);

impl Discounts {
    pub(super) fn by_code(&self, code: &str) -> Option<&DiscountCode> {
        self.0.iter().find(|issued| issued.has(code))
    }

    pub(super) fn add_code(&mut self, id: &str, code: &str) {
        if let Some(discount) = self.0.iter_mut().find(|issued| issued.id == id) {
            discount.added.push(code.into());
        }
    }

    pub(super) fn by_id(&self, id: &str) -> Option<&DiscountCode> {
        self.0.iter().find(|issued| issued.id == id)
    }

    /// Orders have used a code so many times more.
    pub(super) fn use_code(&mut self, code: &str, times: u32) {
        if let Some(used) = self.0.iter_mut().find(|issued| issued.has(code)) {
            used.uses += times;
        }
    }

    pub(super) fn create_basic(&mut self, args: Value, currency: &str, now: Timestamp) -> Answer {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Args {
            basic_code_discount: NewDiscount,
        }
        let input = Rules { input: "basicCodeDiscount", issued: &self.0 };
        let new = read::<Args>(args)?.basic_code_discount;
        let (value, items) = (input.value(&new)?, input.items(&new)?);
        let code = input.accept(new, value, items)?;
        Ok(self.issue(code, currency, now))
    }

    pub(super) fn create_free_shipping(&mut self, args: Value, currency: &str, now: Timestamp) -> Answer {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Args {
            free_shipping_code_discount: NewDiscount,
        }
        let input = Rules { input: "freeShippingCodeDiscount", issued: &self.0 };
        let new = read::<Args>(args)?.free_shipping_code_discount;
        if new.destination.is_none() {
            return Err(input.declines("destination", "BLANK", "Destination can't be blank").into());
        }
        if new.combines_with.as_ref().is_some_and(|with| with.shipping_discounts) {
            let message = "Shipping discounts can't be combined with shipping discounts";
            return Err(input.declines("combinesWith", "INVALID_COMBINES_WITH_FOR_DISCOUNT_CLASS", message).into());
        }
        let code = input.accept(new, DiscountValue::FreeShipping, DiscountItems::All)?;
        Ok(self.issue(code, currency, now))
    }

    fn issue(&mut self, code: DiscountCode, currency: &str, now: Timestamp) -> Value {
        let node = code.node(currency, now);
        self.0.push(code);
        json!({"codeDiscountNode": node})
    }

    pub(super) fn deactivate(&mut self, args: Value, currency: &str, now: Timestamp) -> Answer {
        #[derive(Deserialize)]
        struct Args {
            id: String,
        }
        let id = read::<Args>(args)?.id;
        let found = self.0.iter_mut().find(|issued| issued.id == id);
        let code = found.ok_or_else(|| declined(&["id"], "INVALID", "Code discount does not exist."))?;
        code.ends_at = Some(code.ends_at.map_or(now, |ends_at| ends_at.min(now)));
        Ok(json!({"codeDiscountNode": code.node(currency, now)}))
    }
}

/// `DiscountCodeBasicInput` or `DiscountCodeFreeShippingInput` as far as they are simulated; the schema has checked names
/// and types before.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewDiscount {
    code: Option<String>,
    title: Option<String>,
    starts_at: Option<Timestamp>,
    ends_at: Option<Timestamp>,
    usage_limit: Option<i64>,
    applies_once_per_customer: Option<bool>,
    combines_with: Option<CombinesWith>,
    context: Option<Context>,
    customer_selection: Option<Context>,
    customer_gets: Option<CustomerGets>,
    destination: Option<Value>,
    minimum_requirement: Option<MinimumRequirement>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct CombinesWith {
    order_discounts: bool,
    product_discounts: bool,
    shipping_discounts: bool,
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
    items: Option<Items>,
    value: Option<CustomerGetsValue>,
}

#[derive(Deserialize)]
struct Items {
    all: Option<bool>,
    collections: Option<Added>,
    products: Option<AddedProducts>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AddedProducts {
    products_to_add: Option<Vec<String>>,
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

/// By which an input is judged.
struct Rules<'a> {
    /// The argument's name.
    input: &'static str,
    issued: &'a [DiscountCode],
}

impl Rules<'_> {
    fn declines(&self, field: &'static str, code: &'static str, message: &'static str) -> UserError {
        declined(&[self.input, field], code, message)
    }

    fn accept(&self, new: NewDiscount, value: DiscountValue, items: DiscountItems) -> Result<DiscountCode, UserError> {
        let title = filled(new.title).ok_or_else(|| self.declines("title", "BLANK", "Title can't be blank"))?;
        let code = filled(new.code).ok_or_else(|| self.declines("code", "BLANK", "Code can't be blank"))?;
        if code.chars().count() > CODE_CHARACTERS {
            return Err(self.declines("code", "TOO_LONG", "Code is too long (maximum is 255 characters)"));
        }
        if self.issued.iter().any(|issued| issued.has(&code)) {
            return Err(self.declines("code", "TAKEN", "Code must be unique. Please try a different code."));
        }
        let starts_at = new.starts_at.ok_or_else(|| self.declines("startsAt", "BLANK", "Starts at can't be blank"))?;
        if new.ends_at.is_some_and(|ends_at| ends_at <= starts_at) {
            return Err(self.declines("endsAt", "END_DATE_BEFORE_START_DATE", "Ends at needs to be after starts_at"));
        }
        let minimum = new.minimum_requirement.and_then(|minimum| minimum.subtotal?.greater_than_or_equal_to_subtotal);
        let with = new.combines_with.unwrap_or_default();
        Ok(DiscountCode {
            id: format!("gid://shopify/DiscountCodeNode/{}", 1_057_856_610_611_u64 + self.issued.len() as u64),
            code,
            added: vec![],
            title,
            customers: self.customers(new.context, new.customer_selection)?,
            value,
            items,
            minimum_subtotal: minimum.map(decimal),
            starts_at,
            ends_at: new.ends_at,
            usage_limit: new.usage_limit,
            applies_once_per_customer: new.applies_once_per_customer.unwrap_or(false),
            combines_with: [with.order_discounts, with.product_discounts, with.shipping_discounts],
            uses: 0,
        })
    }

    /// Ids of the customers a code is for; none stands for everyone, which has to be said.
    fn customers(&self, context: Option<Context>, selection: Option<Context>) -> Result<Vec<String>, UserError> {
        if context.is_some() && selection.is_some() {
            let message = "Only one of context or customerSelection can be provided";
            return Err(self.declines("context", "TOO_MANY_ARGUMENTS", message));
        }
        let context = context.or(selection);
        let added = context.as_ref().and_then(|context| context.customers.as_ref()?.add.clone()).unwrap_or_default();
        if added.is_empty() && context.is_none_or(|context| context.all.is_none()) {
            return Err(self.declines("context", "BLANK", "Context can't be blank"));
        }
        Ok(added)
    }

    fn value(&self, new: &NewDiscount) -> Result<DiscountValue, UserError> {
        let outside = |message| self.declines("customerGets", "VALUE_OUTSIDE_RANGE", message);
        let value = new.customer_gets.as_ref().and_then(|gets| gets.value.as_ref());
        let value = value.ok_or_else(|| self.declines("customerGets", "BLANK", "Customer gets can't be blank"))?;
        let amount = value.discount_amount.as_ref().and_then(|amount| amount.amount.clone());
        match (amount, value.percentage) {
            (Some(_), Some(_)) => {
                Err(self.declines("customerGets", "TOO_MANY_ARGUMENTS", "Only one value type can be provided"))
            }
            (Some(amount), None) => match decimal(amount) {
                amount if amount.starts_with('-') || amount.bytes().all(|byte| matches!(byte, b'0' | b'.')) => {
                    Err(outside("Value must be greater than 0"))
                }
                amount => Ok(DiscountValue::Amount(amount)),
            },
            (None, Some(share)) if share > 0.0 && share <= 1.0 => Ok(DiscountValue::Percentage(share)),
            (None, Some(_)) => Err(outside("Value must be between 0.0 and 1.0")),
            (None, None) => Err(self.declines("customerGets", "BLANK", "Customer gets can't be blank")),
        }
    }

    fn items(&self, new: &NewDiscount) -> Result<DiscountItems, UserError> {
        let missing = || {
            let message = "Items in 'customer get' can't be blank";
            self.declines("customerGets", "MISSING_ARGUMENT", message)
        };
        let items = new.customer_gets.as_ref().and_then(|gets| gets.items.as_ref()).ok_or_else(missing)?;
        let collections = items.collections.as_ref().and_then(|list| list.add.clone()).unwrap_or_default();
        let products = items.products.as_ref().and_then(|list| list.products_to_add.clone()).unwrap_or_default();
        match (items.all == Some(true), collections.is_empty(), products.is_empty()) {
            (true, true, true) => Ok(DiscountItems::All),
            (false, false, true) => Ok(DiscountItems::Collections(collections)),
            (false, true, false) => Ok(DiscountItems::Products(products)),
            (false, true, true) => Err(missing()),
            _ => {
                Err(self.declines("customerGets", "CONFLICT", "Items can only be one of all, collections or products"))
            }
        }
    }
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
