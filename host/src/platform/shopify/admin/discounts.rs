//! Discount codes: made once by their title, ended once by their state.
//!
//! A free product is an amount off, once for the order and for the listed products alone: the price of one unit. Shopify
//! has no other form for it. A share of 100 % makes every unit in the cart free, and "buy X get Y", the only form that
//! counts units, makes one free only to whoever buys another unit of a listed product or collection. Where the products
//! differ in price the dearest counts, so that any of them is free, and a code never takes off more than that one price.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{AdminClient, answer::Amount, gid, no_data, permanent, transient};
use crate::{
    domain::{Benefit, DiscountEnd, EffectId, Money, NewDiscount, ProductId},
    platform::{EndedDiscount, Failure, Receipt, marks::title_of},
};

const CREATE_DISCOUNT: &str = include_str!("../documents/create_discount.graphql");
const CREATE_FREE_SHIPPING: &str = include_str!("../documents/create_free_shipping.graphql");
const DISCOUNT: &str = include_str!("../documents/discount.graphql");
const DISCOUNT_BY_CODE: &str = include_str!("../documents/discount_by_code.graphql");
const END_DISCOUNT: &str = include_str!("../documents/end_discount.graphql");
const PRICES: &str = include_str!("../documents/prices.graphql");

impl AdminClient {
    /// Creates a code. The title holds the effect's id: a code that is taken by a discount of the same title was created
    /// by an earlier try.
    pub async fn create_discount(&self, effect: &EffectId, discount: &NewDiscount) -> Result<Receipt, Failure> {
        let title = title_of(effect);
        let value = match discount.benefit {
            Benefit::Amount(value) => Some(amount_off(value)),
            // The API takes a float; four decimals come back out of it as they went in.
            Benefit::BasisPoints(share) => Some(json!({ "percentage": f64::from(share) / 10_000.0 })),
            Benefit::FreeProduct => Some(amount_off(self.price_of_one(&discount.products).await?)),
            Benefit::FreeShipping => None,
        };
        let (document, input) = match value {
            Some(value) => (CREATE_DISCOUNT, off_items(&title, discount, value)?),
            None => (CREATE_FREE_SHIPPING, off_shipping(&title, discount)?),
        };
        let created = self.mutate::<Created>(document, json!({ "discount": input })).await?;
        if created.user_errors.say_taken() {
            return self.find_discount(&title, &discount.code).await;
        }
        Ok(Receipt(created.into_result()?.node.ok_or_else(no_data)?.id))
    }

    async fn find_discount(&self, title: &str, code: &str) -> Result<Receipt, Failure> {
        let found: Option<Node> = self.ask(DISCOUNT_BY_CODE, json!({ "code": code })).await?;
        // Shopify's index of codes trails its writes.
        let node = found.ok_or_else(|| transient(format!("the code {code} is taken but cannot be found yet")))?;
        node.titled(title, code).map(|node| Receipt(node.id))
    }

    /// Ends a code, whether or not it has been used. `made` is the receipt of the effect that made it, if that is known:
    /// it names the discount without Shopify's index of codes, which trails.
    ///
    /// The count of uses trails as well: it is read from the answer to the end of the code, as late as can be.
    pub async fn end_discount(&self, end: &DiscountEnd, made: Option<&str>) -> Result<EndedDiscount, Failure> {
        let code = &end.code;
        let found: Option<Node> = match made.filter(|id| id.starts_with("gid://")) {
            Some(id) => self.ask(DISCOUNT, json!({ "id": id })).await?,
            None => self.ask(DISCOUNT_BY_CODE, json!({ "code": code })).await?,
        };
        let Some(node) = found else {
            return Ok(EndedDiscount { receipt: Receipt(format!("no code {code}")), was_used: false });
        };
        let mut node = node.titled(&title_of(&end.made_by), code)?;
        if node.discount.status.as_deref() != Some("EXPIRED") {
            let ended = self.mutate::<Created>(END_DISCOUNT, json!({ "id": node.id })).await?;
            node = ended.into_result()?.node.ok_or_else(no_data)?;
        }
        Ok(EndedDiscount { receipt: Receipt(node.id), was_used: node.discount.uses.is_some_and(|uses| uses > 0) })
    }

    /// What one unit of the dearest of these products costs.
    async fn price_of_one(&self, products: &[ProductId]) -> Result<Money, Failure> {
        if products.is_empty() {
            return Err(permanent("a code for a free product names none"));
        }
        let ids = gids("Product", products.iter().map(ProductId::as_str));
        let priced: Vec<Option<Priced>> = self.ask(PRICES, json!({ "ids": ids })).await?.ok_or_else(no_data)?;
        let prices = priced.into_iter().flatten().filter_map(|product| product.range).map(|range| range.highest.read());
        let prices = prices.collect::<Result<Vec<_>, Failure>>()?;
        match prices.into_iter().max_by_key(|price| price.minor) {
            None => Err(permanent("none of the products that the code is for exists any more")),
            Some(price) if price.minor <= 0 => Err(permanent("the products that the code is for cost nothing")),
            Some(price) => Ok(price),
        }
    }
}

/// What makes a code that takes a value off what it is good for.
pub(super) fn off_items(title: &str, discount: &NewDiscount, value: Value) -> Result<Value, Failure> {
    let (collections, products) = (&discount.collections, &discount.products);
    let items = match (collections.is_empty(), products.is_empty()) {
        (true, true) => json!({ "all": true }),
        (false, true) => {
            json!({ "collections": { "add": gids("Collection", collections.iter().map(String::as_str)) } })
        }
        (true, false) => {
            json!({ "products": { "productsToAdd": gids("Product", products.iter().map(ProductId::as_str)) } })
        }
        (false, false) => {
            return Err(permanent("a code of Shopify's is good for collections or for products, not for both"));
        }
    };
    let mut input = terms(title, discount);
    input["customerGets"] = json!({ "value": value, "items": items });
    Ok(input)
}

/// What all kinds of codes have.
fn terms(title: &str, discount: &NewDiscount) -> Value {
    let context = match &discount.customer {
        Some(customer) => json!({ "customers": { "add": [gid("Customer", customer.as_str())] } }),
        None => json!({ "all": "ALL" }),
    };
    let (combines, is_shipping) = (discount.combines, discount.benefit == Benefit::FreeShipping);
    let mut input = json!({
        "title": title,
        "code": discount.code,
        "startsAt": discount.starts_at.to_string(),
        "usageLimit": discount.uses,
        "appliesOncePerCustomer": discount.once_per_customer,
        "context": context,
        // Shopify combines no two discounts on shipping.
        "combinesWith": {
            "orderDiscounts": combines, "productDiscounts": combines, "shippingDiscounts": combines && !is_shipping,
        },
    });
    if let Some(ends_at) = discount.ends_at {
        input["endsAt"] = ends_at.to_string().into();
    }
    if let Some(minimum) = discount.minimum_subtotal {
        input["minimumRequirement"] = json!({ "subtotal": { "greaterThanOrEqualToSubtotal": minimum.decimal() } });
    }
    input
}

fn gids<'a>(kind: &str, ids: impl Iterator<Item = &'a str>) -> Vec<String> {
    ids.map(|id| gid(kind, id)).collect()
}

pub(super) fn amount_off(value: Money) -> Value {
    json!({ "discountAmount": { "amount": value.decimal(), "appliesOnEachItem": false } })
}

/// What makes a code that makes shipping free.
pub(super) fn off_shipping(title: &str, discount: &NewDiscount) -> Result<Value, Failure> {
    if !discount.collections.is_empty() || !discount.products.is_empty() {
        return Err(permanent("a code of Shopify's for free shipping is good for whole orders, not for some products"));
    }
    let mut input = terms(title, discount);
    input["destination"] = json!({ "all": true });
    Ok(input)
}

#[derive(Deserialize)]
struct Created {
    #[serde(rename = "codeDiscountNode")]
    node: Option<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    #[serde(rename = "codeDiscount", default)]
    discount: Discount,
}

/// A discount of another kind than ours answers without a title.
#[derive(Default, Deserialize)]
struct Discount {
    title: Option<String>,
    status: Option<String>,
    #[serde(rename = "asyncUsageCount")]
    uses: Option<u64>,
}

impl Node {
    fn titled(self, title: &str, code: &str) -> Result<Self, Failure> {
        match self.discount.title.as_deref() == Some(title) {
            true => Ok(self),
            false => Err(permanent(format!(
                "the code {code} belongs to another discount ({}): delete or rename that one, then retry",
                self.id
            ))),
        }
    }
}

#[derive(Deserialize)]
struct Priced {
    #[serde(rename = "priceRangeV2")]
    range: Option<PriceRange>,
}

#[derive(Deserialize)]
struct PriceRange {
    #[serde(rename = "maxVariantPrice")]
    highest: Amount,
}
