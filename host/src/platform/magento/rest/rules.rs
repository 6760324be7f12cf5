//! Cart price rules, under which coupons stand: one for each kind of code, whatever number of codes there is.
//!
//! A rule is found again by its name, which ends with a fingerprint of its shop and its terms: an installation may serve other
//! shops, whose rules are their own. What Magento takes from the rule and not from the coupon is among the terms: how often a
//! code may be used, and from which day on. A rule says for whom it is by listing groups: those that the shop has opened since
//! are added to it.
//!
//! How often one customer may use a code is counted by rule: whoever has used one code of it would be refused all others. A
//! code that anybody may use, and each customer once, has a rule to itself. One that is for one use needs no such limit.

use axum::http::Method;
use data_encoding::BASE32_NOPAD;
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{RestClient, permanent, search::Search};
use crate::{
    domain::{Benefit, Money, NewDiscount, ProductId},
    platform::Failure,
};

/// What the name of each rule of ours begins with.
const OWN: &str = "Regulars: ";

/// Characters of a fingerprint: 50 bits.
const FINGERPRINT_CHARS: usize = 10;

const ALL_OF: &str = "Magento\\SalesRule\\Model\\Rule\\Condition\\Combine";
const ADDRESS: &str = "Magento\\SalesRule\\Model\\Rule\\Condition\\Address";
const ITEMS: &str = "Magento\\SalesRule\\Model\\Rule\\Condition\\Product\\Combine";
const ITEM: &str = "Magento\\SalesRule\\Model\\Rule\\Condition\\Product";

/// A product as far as codes are concerned.
#[derive(Debug, Deserialize)]
struct Product {
    sku: String,
    #[serde(default)]
    price: f64,
    #[serde(default)]
    type_id: String,
}

impl RestClient {
    /// The rule under which a code with these terms stands, made if there is none.
    pub(super) async fn rule_for(&self, discount: &NewDiscount) -> Result<u64, Failure> {
        let products = self.products_of(&discount.products).await?;
        let value = match discount.benefit {
            Benefit::FreeProduct => self.price_of_one(&products).await?,
            Benefit::Amount(amount) => amount_of(amount),
            Benefit::BasisPoints(share) => f64::from(share) / 100.0,
            Benefit::FreeShipping => 0.0,
        };
        let skus: Vec<_> = products.iter().map(|product| product.sku.as_str()).collect();
        let views = self.views().await?;
        let is_to_come = discount.starts_at > self.clock.now();
        let first_day = is_to_come.then(|| views.day_of(discount.starts_at)).transpose()?;
        let terms = terms(discount, value, &skus, first_day);
        let name = name_of(&self.shop.host, discount, &terms);
        let groups = self.group_ids().await?;
        let websites = &views.websites;
        let _turn = self.changes.lock().await;
        let search = Search::new().and(("name", "eq", &name)).sorted(&["rule_id"]);
        let found: Vec<Value> = self.list(&["salesRules", "search"], &search).await?;
        match found.into_iter().next() {
            Some(rule) => self.open_to(rule, websites, &groups).await,
            None => {
                self.is_answered(&["salesRules"])?;
                let mut rule = terms;
                rule["name"] = name.into();
                rule["website_ids"] = json!(websites);
                rule["customer_group_ids"] = json!(groups);
                let made: Rule = self.write(Method::POST, &["salesRules"], json!({ "rule": rule })).await?;
                made.usable()
            }
        }
    }

    /// Opens a rule to websites and groups that it does not list yet; all else stays as the merchant may have changed it.
    async fn open_to(&self, rule: Value, websites: &[u64], groups: &[u64]) -> Result<u64, Failure> {
        let missing = |field: &str, wanted: &[u64]| {
            let listed = rule[field].as_array().map(Vec::as_slice).unwrap_or_default();
            wanted.iter().any(|id| !listed.iter().any(|listed| listed.as_u64() == Some(*id)))
        };
        let (needs_websites, needs_groups) = (missing("website_ids", websites), missing("customer_group_ids", groups));
        let mut rule = rule;
        let mut add = |field: &str, wanted: &[u64]| {
            let mut ids: Vec<_> = rule[field].as_array().into_iter().flatten().filter_map(Value::as_u64).collect();
            ids.extend(wanted);
            ids.sort_unstable();
            ids.dedup();
            rule[field] = json!(ids);
        };
        if !needs_websites && !needs_groups {
            return read_rule(&rule)?.usable();
        }
        add("website_ids", websites);
        add("customer_group_ids", groups);
        let id = read_rule(&rule)?.usable()?.to_string();
        self.send::<Rule>(Method::PUT, &["salesRules", &id], json!({ "rule": rule })).await?.usable()
    }

    /// Whether a rule is one of ours.
    pub(super) async fn is_own_rule(&self, id: u64) -> Result<bool, Failure> {
        let rule: Option<Rule> = self.find(&["salesRules", &id.to_string()]).await?;
        Ok(rule.is_some_and(|rule| rule.name.starts_with(OWN)))
    }

    async fn products_of(&self, ids: &[ProductId]) -> Result<Vec<Product>, Failure> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<_> = ids.iter().map(|id| super::number(id.as_str())).collect::<Result<_, _>>()?;
        let search = Search::new().and(("entity_id", "in", &ids.join(","))).limited(ids.len()).sorted(&["entity_id"]);
        let products: Vec<Product> = self.list(&["products"], &search.only("items[sku,price,type_id]")).await?;
        match products.is_empty() {
            true => Err(permanent("none of the products that the code is for exists any more")),
            false => Ok(products),
        }
    }

    /// What one unit of the dearest of some products costs. One that is chosen by options has the prices of its parts.
    async fn price_of_one(&self, products: &[Product]) -> Result<f64, Failure> {
        if products.is_empty() {
            return Err(permanent("a code for a free product names none"));
        }
        let mut prices: Vec<f64> = products.iter().map(|product| product.price).collect();
        for product in products.iter().filter(|product| product.type_id == "configurable") {
            let parts: Option<Vec<Product>> = self.find(&["configurable-products", &product.sku, "children"]).await?;
            prices.extend(parts.into_iter().flatten().map(|part| part.price));
        }
        match prices.into_iter().fold(0.0, f64::max) {
            dearest if dearest > 0.0 => Ok(dearest),
            _ => Err(permanent("the products that the code is for cost nothing by themselves")),
        }
    }
}

fn read_rule(rule: &Value) -> Result<Rule, Failure> {
    Rule::deserialize(rule).map_err(|error| super::transient(format!("a cart price rule cannot be read: {error}")))
}

#[derive(Deserialize)]
struct Rule {
    rule_id: u64,
    name: String,
    is_active: bool,
    coupon_type: String,
    use_auto_generation: bool,
}

impl Rule {
    /// Its id, if codes of ours can stand under it. Magento makes a rule of anything, and codes of a rule that is switched
    /// off are worth nothing.
    fn usable(&self) -> Result<u64, Failure> {
        match self.is_active && self.coupon_type == "SPECIFIC_COUPON" && self.use_auto_generation {
            true => Ok(self.rule_id),
            false => Err(permanent(format!(
                "the cart price rule {} ({}) is switched off or takes no codes: switch it on, or rename it to have another made",
                self.rule_id, self.name
            ))),
        }
    }
}

/// A rule but for its name and for whom it is.
///
/// A free product is an amount off, once for the cart: a share of 100 % would make one of each product free.
fn terms(discount: &NewDiscount, value: f64, skus: &[&str], first_day: Option<Date>) -> Value {
    let (action, shipping) = match discount.benefit {
        Benefit::BasisPoints(_) => ("by_percent", "0"),
        Benefit::Amount(_) | Benefit::FreeProduct => ("cart_fixed", "0"),
        // For the items that it is good for, or for the whole parcel.
        Benefit::FreeShipping if is_limited(discount) => ("by_percent", "1"),
        Benefit::FreeShipping => ("by_percent", "2"),
    };
    let minimum = discount.minimum_subtotal.map(|minimum| {
        json!({
            "condition_type": ADDRESS,
            "attribute_name": "base_subtotal",
            "operator": ">=",
            "value": minimum.decimal(),
        })
    });
    let mut rule = json!({
        "description": "Codes that Regulars makes. Renamed, it is left alone, and another is made.",
        "is_active": true,
        "coupon_type": "SPECIFIC_COUPON",
        "use_auto_generation": true,
        "simple_action": action,
        "discount_amount": value,
        "discount_step": 0,
        "apply_to_shipping": false,
        "simple_free_shipping": shipping,
        "stop_rules_processing": !discount.combines,
        "is_advanced": true,
        "is_rss": false,
        "times_used": 0,
        "sort_order": 0,
        // Magento binds a code to nobody: one that is somebody's for one use is good for one use.
        "uses_per_coupon": if discount.is_for_one_use() { 1 } else { discount.uses.unwrap_or(0) },
        "uses_per_customer": u8::from(is_limited_by_customer(discount)),
        "condition": combined(ALL_OF, "all", minimum.into_iter().collect()),
        "action_condition": combined(ITEMS, "any", items(&discount.collections, skus)),
    });
    if let Some(day) = first_day {
        rule["from_date"] = day.to_string().into();
    }
    rule
}

/// Whether each customer may use the code once, and others may after them.
fn is_limited_by_customer(discount: &NewDiscount) -> bool {
    discount.once_per_customer && !discount.is_for_one_use()
}

fn is_limited(discount: &NewDiscount) -> bool {
    !discount.collections.is_empty() || !discount.products.is_empty()
}

/// Conditions under an aggregator; none holds always.
fn combined(kind: &str, aggregator: &str, conditions: Vec<Value>) -> Value {
    json!({
        "condition_type": kind,
        "aggregator_type": if conditions.is_empty() { "all" } else { aggregator },
        "operator": null,
        "value": "1",
        "conditions": conditions,
    })
}

/// Which items a code is good for.
fn items(categories: &[String], skus: &[&str]) -> Vec<Value> {
    let one_of = |attribute: &str, values: String| {
        (!values.is_empty())
            .then(|| json!({ "condition_type": ITEM, "attribute_name": attribute, "operator": "()", "value": values }))
    };
    one_of("category_ids", categories.join(",")).into_iter().chain(one_of("sku", skus.join(","))).collect()
}

fn name_of(host: &str, discount: &NewDiscount, terms: &Value) -> String {
    let benefit = match discount.benefit {
        Benefit::Amount(amount) => format!("{} {} off", amount.decimal(), amount.currency.code()),
        Benefit::BasisPoints(share) => format!("{} % off", f64::from(share) / 100.0),
        Benefit::FreeShipping => "free shipping".into(),
        Benefit::FreeProduct => "a free product".into(),
    };
    let sole_code = if is_limited_by_customer(discount) { discount.code.as_str() } else { "" };
    let mut fingerprint = BASE32_NOPAD.encode(&Sha256::digest([host, sole_code, &terms.to_string()].join("\0")));
    fingerprint.truncate(FINGERPRINT_CHARS);
    format!("{OWN}{benefit} ({fingerprint})")
}

fn amount_of(amount: Money) -> f64 {
    // A decimal with few digits comes back out of it as it went in.
    amount.decimal().parse().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;

    fn discount() -> NewDiscount {
        NewDiscount {
            customer: None,
            code: "CODE".into(),
            benefit: Benefit::BasisPoints(1_250),
            minimum_subtotal: None,
            collections: Vec::new(),
            products: Vec::new(),
            starts_at: Timestamp(1_790_000_000_000),
            ends_at: None,
            uses: Some(1),
            once_per_customer: true,
            combines: false,
            offer: false,
        }
    }

    fn name(discount: &NewDiscount) -> String {
        name_of("shop.example.com", discount, &terms(discount, 12.5, &[], None))
    }

    #[test]
    fn codes_of_the_same_terms_share_a_rule_and_others_do_not() {
        let same = NewDiscount { code: "OTHER".into(), ends_at: Some(Timestamp(1_800_000_000_000)), ..discount() };
        assert_eq!(name(&same), name(&discount()));
        assert!(name(&same).starts_with("Regulars: 12.5 % off ("), "{}", name(&same));
        let others = [
            NewDiscount { uses: Some(2), ..discount() },
            NewDiscount { uses: Some(2), once_per_customer: false, ..discount() },
            NewDiscount { combines: true, ..discount() },
            NewDiscount { collections: vec!["4".into()], ..discount() },
        ];
        for other in others {
            assert_ne!(name(&other), name(&discount()), "{other:?}");
        }
        let from_tomorrow = terms(&discount(), 12.5, &[], Some(jiff::civil::date(2026, 9, 22)));
        assert_ne!(name_of("shop.example.com", &discount(), &from_tomorrow), name(&discount()));
    }

    #[test]
    fn a_code_that_is_somebodys_for_one_use_is_good_for_one_use() {
        let personal = NewDiscount { customer: Some("7".into()), uses: None, ..discount() };
        assert_eq!(terms(&personal, 12.5, &[], None)["uses_per_coupon"], 1);
        let shared = NewDiscount { customer: None, uses: None, ..discount() };
        assert_eq!(terms(&shared, 12.5, &[], None)["uses_per_coupon"], 0);
    }
}
