//! What the simulated shop holds, and what its nouns have in common: how they read what they are asked, and decline it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    bulk::BulkOperations,
    code_additions::CodeAdditions,
    customers::{self, Customers},
    discounts::Discounts,
    fulfillment_orders::FulfillmentOrders,
    gift_cards::GiftCards,
    metafields::Metafields,
    order_edits::OrderEdits,
    orders::Orders,
    products::Products,
    store_credit::StoreCredit,
};

/// The shop's own data.
#[derive(Clone, Debug, Default)]
pub(super) struct Shop {
    pub(super) currency: String,
    pub(super) now: Timestamp,
    /// What the app may do.
    pub(super) scopes: Vec<String>,
    pub(super) discounts: Discounts,
    pub(super) code_additions: CodeAdditions,
    pub(super) tags: Tags,
    pub(super) customers: Customers,
    pub(super) orders: Orders,
    pub(super) bulk: BulkOperations,
    pub(super) fulfillment_orders: FulfillmentOrders,
    pub(super) order_edits: OrderEdits,
    pub(super) products: Products,
    pub(super) store_credit: StoreCredit,
    pub(super) gift_cards: GiftCards,
    pub(super) metafields: Metafields,
}

impl Shop {
    /// An object of the schema's type `Customer`. Every customer exists.
    pub(super) fn customer(&self, id: &str) -> Value {
        json!({
            "__typename": "Customer",
            "id": id,
            "tags": self.tags.of(id),
            "defaultEmailAddress": self.customers.address(customers::number(id)),
            "storeCreditAccounts": self.store_credit.accounts(id),
            METAFIELDS: self.metafields.of(id),
        })
    }

    /// The app as it is installed, with the scopes that are granted.
    pub(super) fn installation(&self) -> Value {
        let is_granted = |scope: &&String| *scope != "read_all_orders" || self.orders.shown_since.is_none();
        let granted = self.scopes.iter().filter(is_granted);
        let scopes: Vec<_> = granted
            .map(|scope| json!({ "__typename": "AccessScope", "handle": scope, "description": scope }))
            .collect();
        json!({ "__typename": "AppInstallation", "id": "gid://shopify/AppInstallation/1", "accessScopes": scopes })
    }

    /// An object of the schema's type `Order`; null if there is none.
    pub(super) fn order(&self, id: &str) -> Value {
        let mut order = self.orders.order(id);
        if order.is_object() {
            order["tags"] = json!(self.tags.of(id));
            order["fulfillmentOrders"] = self.fulfillment_orders.connection(id);
        }
        order
    }

    /// An object by its global id; null if there is none.
    pub(super) fn node(&self, id: &str) -> Value {
        let kind = id.trim_start_matches("gid://shopify/").split('/').next();
        match kind {
            Some("Customer") => self.customer(id),
            Some("DiscountCodeNode") => {
                self.discounts.by_id(id).map_or(Value::Null, |code| code.node(&self.currency, self.now))
            }
            Some("Order") => self.order(id),
            Some("Product") => self.products.product(id),
            Some("ProductVariant") => self.products.variant_json(id),
            _ => Value::Null,
        }
    }

    /// Takes an order as a webhook tells it.
    pub(super) fn put_order(&mut self, body: Value) {
        let id = format!("gid://shopify/Order/{}", body["id"]);
        for tag in body["tags"].as_str().unwrap_or_default().split(',').map(str::trim).filter(|tag| !tag.is_empty()) {
            self.tags.add(&id, tag);
        }
        self.fulfillment_orders.tell(&id, &body);
        self.orders.put(body);
    }

    /// `tagsAdd` and `tagsRemove`.
    pub(super) fn tag(&mut self, args: Value, change: fn(&mut Tags, &str, &str)) -> Answer {
        #[derive(Deserialize)]
        struct Args {
            id: String,
            tags: Vec<String>,
        }
        let Args { id, tags } = read(args)?;
        if id.starts_with("gid://shopify/Order/") && self.orders.order(&id).is_null() {
            return Err(declined(&["id"], "", "Order not found").into());
        }
        // A text with commas is several tags.
        for tag in tags.iter().flat_map(|tags| tags.split(',')).map(str::trim).filter(|tag| !tag.is_empty()) {
            change(&mut self.tags, &id, tag);
        }
        Ok(json!({"node": self.node(&id)}))
    }

    /// `orderUpdate`, of which the note is simulated.
    pub(super) fn update_order(&mut self, args: Value) -> Answer {
        #[derive(Deserialize)]
        struct Args {
            input: BTreeMap<String, Value>,
        }
        let mut input = read::<Args>(args)?.input;
        let id = input.remove("id").and_then(|id| id.as_str().map(str::to_owned)).unwrap_or_default();
        let note = input.remove("note").and_then(|note| note.as_str().map(str::to_owned));
        if let Some(other) = input.keys().next() {
            return Err(format!("a change of an order's `{other}` is not simulated").into());
        }
        if !self.orders.write_note(&id, note.unwrap_or_default()) {
            return Err(declined(&["id"], "", "Order does not exist").into());
        }
        Ok(json!({"order": self.order(&id)}))
    }
}

/// Under which an object's metafields are kept, where the schema has a field with arguments.
pub(super) const METAFIELDS: &str = "__metafields";

/// Tags of customers and orders by global id: sets, in which case makes no difference.
#[derive(Clone, Debug, Default)]
pub(super) struct Tags(BTreeMap<String, BTreeMap<String, String>>);

impl Tags {
    pub(super) fn of(&self, id: &str) -> BTreeSet<String> {
        self.0.get(id).into_iter().flat_map(BTreeMap::values).cloned().collect()
    }

    /// A tag that is there stays as it is written.
    pub(super) fn add(&mut self, id: &str, tag: &str) {
        self.0.entry(id.into()).or_default().entry(tag.to_lowercase()).or_insert_with(|| tag.into());
    }

    pub(super) fn remove(&mut self, id: &str, tag: &str) {
        if let Some(kept) = self.0.get_mut(id) {
            kept.remove(&tag.to_lowercase());
        }
    }
}

/// What a mutation answers beside its errors, or why it does nothing.
pub(super) type Answer = Result<Value, Refusal>;

#[derive(Debug)]
pub(super) enum Refusal {
    Declined(UserError),
    NotSimulated(String),
}

impl From<UserError> for Refusal {
    fn from(error: UserError) -> Self {
        Self::Declined(error)
    }
}

impl From<String> for Refusal {
    fn from(told: String) -> Self {
        Self::NotSimulated(told)
    }
}

impl From<&str> for Refusal {
    fn from(told: &str) -> Self {
        Self::NotSimulated(told.into())
    }
}

/// An entry of `userErrors`: the call was well formed, the shop declines it.
#[derive(Clone, Debug, PartialEq)]
pub struct UserError {
    pub field: Vec<&'static str>,
    /// Empty where the mutation's errors have none.
    pub code: &'static str,
    pub message: &'static str,
}

impl UserError {
    /// An object of one of the schema's types of errors.
    pub(super) fn to_json(&self, kind: &str) -> Value {
        json!({
            "__typename": kind,
            "field": self.field,
            "code": Some(self.code).filter(|code| !code.is_empty()),
            "message": self.message,
            "extraInfo": null,
            "elementIndex": null,
        })
    }
}

pub(super) fn declined(field: &[&'static str], code: &'static str, message: &'static str) -> UserError {
    UserError { field: field.to_vec(), code, message }
}

/// A call's arguments, of which the schema has checked names and types before.
pub(super) fn read<T: DeserializeOwned>(args: Value) -> Result<T, String> {
    serde_json::from_value(args).map_err(|error| error.to_string())
}

/// The schema's `MoneyInput`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MoneyInput {
    amount: Value,
    currency_code: String,
}

impl MoneyInput {
    pub(super) fn read(&self) -> Result<Amount, String> {
        let decimal = self.amount.as_str().map_or_else(|| self.amount.to_string(), str::to_owned);
        let thousandths = thousandths(&decimal).ok_or_else(|| format!("{decimal} is more precise than money is"))?;
        Ok(Amount { thousandths, currency: self.currency_code.clone() })
    }
}

/// An amount of money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amount {
    /// Of the currency's unit: no currency is divided further.
    pub thousandths: i64,
    pub currency: String,
}

impl Amount {
    /// As Shopify writes it: with one decimal at least.
    pub(super) fn decimal(&self) -> String {
        let sign = if self.thousandths < 0 { "-" } else { "" };
        let (whole, rest) = (self.thousandths.unsigned_abs() / 1_000, self.thousandths.unsigned_abs() % 1_000);
        let rest = format!("{rest:03}");
        let rest = rest.trim_end_matches('0');
        format!("{sign}{whole}.{}", if rest.is_empty() { "0" } else { rest })
    }

    /// An object of the schema's type `MoneyV2`.
    pub(super) fn to_json(&self) -> Value {
        json!({"__typename": "MoneyV2", "amount": self.decimal(), "currencyCode": self.currency})
    }
}

/// A plain decimal; none if it has more than three digits behind the point.
pub(super) fn thousandths(decimal: &str) -> Option<i64> {
    let (sign, digits) = decimal.strip_prefix('-').map_or((1, decimal), |digits| (-1, digits));
    let (whole, rest) = digits.split_once('.').unwrap_or((digits, ""));
    let rest = rest.trim_end_matches('0');
    let rest: i64 = if rest.len() > 3 { None } else { format!("{rest:0<3}").parse().ok() }?;
    whole.parse::<i64>().ok()?.checked_mul(1_000)?.checked_add(rest)?.checked_mul(sign)
}

/// A connection with all there is; whoever asks for it is given a page.
pub(super) fn connection(kind: &str, nodes: Vec<Value>) -> Value {
    json!({"__typename": kind, "nodes": nodes})
}
