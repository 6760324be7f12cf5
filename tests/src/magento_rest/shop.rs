//! The shop behind the API: rules, coupons, customers, orders and their comments, changed by Magento's rules.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::listing::{Criteria, UnknownField};

/// An answer: status and body.
pub(super) type Answered = (u16, Value);

/// All that is in the shop, as REST tells it.
#[derive(Clone, Debug, Default)]
pub(super) struct Shop {
    pub(super) views: Vec<Value>,
    pub(super) rules: Vec<Value>,
    pub(super) coupons: Vec<Value>,
    pub(super) customers: Vec<Value>,
    pub(super) groups: Vec<Value>,
    /// Codes of the customer attributes that there are.
    pub(super) attributes: BTreeSet<String>,
    pub(super) orders: Vec<Value>,
    pub(super) comments: Vec<Value>,
    pub(super) memos: Vec<Value>,
    pub(super) products: Vec<Value>,
    /// Children of configurable products: the parent's SKU and the child.
    pub(super) children: Vec<(String, Value)>,
    /// Who has used which coupons, as numbers: one for each use.
    pub(super) uses: Vec<(Option<u64>, u64)>,
    /// How much has been made so far, which numbers it.
    pub(super) made: u64,
}

fn error(status: u16, message: &str, parameters: Value) -> Answered {
    (status, json!({ "message": message, "parameters": parameters }))
}

fn not_found() -> Answered {
    error(404, "The entity that was requested doesn't exist. Verify the entity and try again.", json!([]))
}

fn found(items: &[Value], field: &str, id: &str) -> Answered {
    let item = items.iter().find(|item| is_numbered(item, field, id));
    item.map_or_else(not_found, |item| (200, without_nulls(item.clone())))
}

fn is_numbered(item: &Value, field: &str, id: &str) -> bool {
    id.parse::<u64>().is_ok_and(|id| item[field] == id)
}

/// Magento leaves out what is null, but for a few.
fn without_nulls(mut item: Value) -> Value {
    if let Some(fields) = item.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    item
}

impl Shop {
    /// A number for what is made next.
    fn next_id(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    pub(super) fn answer(
        &mut self,
        method: &str,
        path: &[&str],
        query: &[(String, String)],
        body: Option<&Value>,
    ) -> Answered {
        let body = body.unwrap_or(&Value::Null);
        let list = |items: &[Value], fields: &[&str]| match Criteria::of(query).page(items.to_vec(), fields) {
            Ok(page) => (200, page),
            Err(UnknownField) => {
                error(500, "Internal Error. Details are available in Magento log file. Report ID: webapi-1", json!([]))
            }
        };
        match (method, path) {
            ("get", ["V1", "store", "storeConfigs"]) => (200, json!(self.views)),
            ("get", ["V1", "salesRules", "search"]) => list(&self.rules, &["name", "rule_id"]),
            ("get", ["V1", "salesRules", id]) => found(&self.rules, "rule_id", id),
            ("post", ["V1", "salesRules"]) => self.make_rule(&body["rule"]),
            ("put", ["V1", "salesRules", id]) => self.change_rule(id, &body["rule"]),
            ("get", ["V1", "coupons", "search"]) => list(&self.coupons, &["code", "rule_id", "coupon_id"]),
            ("post", ["V1", "coupons"]) => self.make_coupon(&body["coupon"]),
            ("post", ["V1", "coupons", "deleteByCodes"]) => self.delete_coupons(&body["codes"]),
            ("get", ["V1", "customers", "search"]) => {
                list(&self.customers, &["email", "website_id", "entity_id", "dob", "created_at", "updated_at"])
            }
            ("get", ["V1", "customers", id]) => found(&self.customers, "id", id),
            ("put", ["V1", "customers", id]) => self.change_customer(id, &body["customer"]),
            ("get", ["V1", "customerGroups", "search"]) => list(&self.groups, &["code", "customer_group_id"]),
            ("get", ["V1", "customerGroups", "default", _]) => found(&self.groups, "id", "1"),
            ("get", ["V1", "attributeMetadata", "customer", "attribute", code]) => {
                let is_there = self.attributes.contains(*code);
                if is_there { (200, json!({ "attribute_code": code, "backend_type": "varchar" })) } else { not_found() }
            }
            ("get", ["V1", "orders"]) => {
                list(&self.orders, &["entity_id", "created_at", "updated_at", "store_id", "coupon_code", "state"])
            }
            ("get", ["V1", "orders", id]) => found(&self.orders, "entity_id", id),
            ("get", ["V1", "orders", id, "comments"]) => self.comments_of(id),
            ("post", ["V1", "orders", id, "comments"]) => self.comment(id, &body["statusHistory"]),
            ("get", ["V1", "creditmemos"]) => list(&self.memos, &["order_id", "entity_id"]),
            ("get", ["V1", "creditmemo", id]) => found(&self.memos, "entity_id", id),
            ("get", ["V1", "products"]) => list(&self.products, &["entity_id", "updated_at"]),
            ("get", ["V1", "configurable-products", sku, "children"]) => {
                let own = self.children.iter().filter(|(parent, _)| parent == sku).map(|(_, child)| child);
                (200, own.cloned().collect())
            }
            _ => error(404, "Request does not match any route.", json!([])),
        }
    }

    /// Takes anything: what is left out is switched off.
    fn make_rule(&mut self, rule: &Value) -> Answered {
        let mut made = json!({
            "is_active": false, "coupon_type": "NO_COUPON", "use_auto_generation": false, "times_used": 0,
            "uses_per_coupon": 0, "uses_per_customer": 0, "website_ids": [], "customer_group_ids": [],
        });
        merge(&mut made, rule);
        made["rule_id"] = self.next_id().into();
        self.rules.push(made.clone());
        (200, made)
    }

    fn change_rule(&mut self, id: &str, rule: &Value) -> Answered {
        let Some(held) = self.rules.iter_mut().find(|held| is_numbered(held, "rule_id", id)) else {
            return not_found();
        };
        merge(held, rule);
        (200, held.clone())
    }

    fn make_coupon(&mut self, coupon: &Value) -> Answered {
        let Some(rule) = self.rules.iter().find(|rule| rule["rule_id"] == coupon["rule_id"]).cloned() else {
            return error(400, "Error occurred when saving coupon: %1", json!(["No such entity with rule_id"]));
        };
        if rule["use_auto_generation"] != true || coupon["type"] != 1 {
            return error(400, "Specified rule does not allow auto generated coupons", json!([]));
        }
        let is_same = |held: &Value| {
            let (held, code) = (held["code"].as_str(), coupon["code"].as_str());
            held.zip(code).is_some_and(|(held, code)| held.eq_ignore_ascii_case(code))
        };
        if self.coupons.iter().any(is_same) {
            return error(400, "%1 already exists.", json!([coupon["code"]]));
        }
        let mut made = coupon.clone();
        made["coupon_id"] = self.next_id().into();
        // Whatever was asked for.
        made["usage_limit"] = rule["uses_per_coupon"].clone();
        made["usage_per_customer"] = rule["uses_per_customer"].clone();
        made["is_primary"] = Value::Null;
        made["times_used"] = 0.into();
        self.coupons.push(made.clone());
        (200, made)
    }

    /// Uses a code in a checkout; `false` if the checkout does not take it. A customer's uses are counted by coupon and by
    /// rule, those of guests by coupon alone.
    pub(super) fn use_code(&mut self, customer: Option<u64>, code: &str) -> bool {
        let Some(coupon) = self.coupons.iter().find(|coupon| coupon["code"] == code).cloned() else { return false };
        let Some(rule) = self.rules.iter().find(|rule| rule["rule_id"] == coupon["rule_id"]) else { return false };
        let number = |it: &Value| it["coupon_id"].as_u64().unwrap_or_default();
        let of_rule: Vec<_> = self.coupons.iter().filter(|it| it["rule_id"] == coupon["rule_id"]).map(number).collect();
        let own = number(&coupon);
        let is_own = |user: Option<u64>| user.is_some() && user == customer;
        let by_anybody = self.uses.iter().filter(|(_, used)| *used == own).count();
        let by_customer = self.uses.iter().filter(|(user, used)| is_own(*user) && *used == own).count();
        let of_rule_by_customer =
            self.uses.iter().filter(|(user, used)| is_own(*user) && of_rule.contains(used)).count();
        let is_within =
            |limit: &Value, uses: usize| limit.as_u64().is_none_or(|limit| limit == 0 || (uses as u64) < limit);
        let is_taken = rule["is_active"] == true
            && is_within(&coupon["usage_limit"], by_anybody)
            && is_within(&coupon["usage_per_customer"], by_customer)
            && is_within(&rule["uses_per_customer"], of_rule_by_customer);
        if is_taken {
            self.uses.push((customer, own));
        }
        is_taken
    }

    fn delete_coupons(&mut self, codes: &Value) -> Answered {
        let codes: Vec<_> = codes.as_array().into_iter().flatten().cloned().collect();
        let missing: Vec<_> =
            codes.iter().filter(|code| !self.coupons.iter().any(|held| held["code"] == **code)).cloned().collect();
        self.coupons.retain(|held| !codes.contains(&held["code"]));
        (200, json!({ "failed_items": [], "missing_items": missing }))
    }

    /// What is left out stays, the newsletter as well. Attributes come as a whole list; those that the shop does not have are
    /// passed over.
    fn change_customer(&mut self, id: &str, customer: &Value) -> Answered {
        let attributes = &self.attributes;
        let Some(held) = self.customers.iter_mut().find(|held| is_numbered(held, "id", id)) else {
            return not_found();
        };
        let mut change = customer.clone();
        if let Some(list) = change["custom_attributes"].as_array_mut() {
            list.retain(|it| it["attribute_code"].as_str().is_some_and(|code| attributes.contains(code)));
        }
        let mut change = without_nulls(change);
        if change.get("extension_attributes").is_some() {
            let mut extended = held["extension_attributes"].clone();
            merge(&mut extended, &change["extension_attributes"]);
            change["extension_attributes"] = extended;
        }
        merge(held, &change);
        (200, held.clone())
    }

    fn comments_of(&self, order: &str) -> Answered {
        if !self.orders.iter().any(|held| is_numbered(held, "entity_id", order)) {
            return not_found();
        }
        let own = self.comments.iter().filter(|comment| is_numbered(comment, "parent_id", order));
        (200, json!({ "items": own.collect::<Vec<_>>(), "search_criteria": {}, "total_count": 0 }))
    }

    /// Its column has three bytes for a character: any that takes four is four question marks.
    fn comment(&mut self, order: &str, comment: &Value) -> Answered {
        if self.comments_of(order).0 != 200 {
            return not_found();
        }
        let text = comment["comment"].as_str().unwrap_or_default();
        let kept: String =
            text.chars().map(|it| if it > '\u{ffff}' { "????".to_owned() } else { it.to_string() }).collect();
        let mut made = comment.clone();
        made["comment"] = kept.into();
        made["entity_id"] = self.next_id().into();
        self.comments.push(made);
        (200, true.into())
    }
}

/// Writes the fields of one object over those of another.
pub(super) fn merge(held: &mut Value, change: &Value) {
    let fields = change.as_object().map_or_else(Map::new, Map::clone);
    for (name, value) in fields {
        held[name] = value;
    }
}
