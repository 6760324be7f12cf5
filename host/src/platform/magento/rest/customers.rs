//! Customers: read, changed in part, written. Magento compares nothing, so that our own changes take turns, and what others
//! write between our reading and our writing stays as far as it is in other fields.

use axum::http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    RestClient,
    comments::Tags,
    number, permanent,
    search::{PAGE_SIZE, Search},
};
use crate::{
    domain::{BirthdayChange, ConsentChange, CustomerId, TagChange},
    platform::{Failure, IsLast, Receipt},
};

/// The attribute that holds tags which name no customer group.
const TAGS: &str = "regulars_tags";

/// The group of who is not logged in: nobody can be put into it.
const GUESTS: u64 = 0;

/// A group of customers, which decides on prices and taxes.
#[derive(Clone, Debug, Deserialize)]
struct Group {
    id: u64,
    code: String,
}

impl RestClient {
    /// Puts tags on a customer, then takes tags off. A tag that is called like a customer group is that group, of which a
    /// customer has one; taken off, it leaves the shop's usual group. All others stand in an attribute.
    pub async fn change_tags(&self, change: &TagChange) -> Result<Receipt, Failure> {
        let _turn = self.changes.lock().await;
        let customer = self.customer(&change.customer).await?;
        let mut groups = self.groups().await?;
        groups.retain(|group| group.id != GUESTS);
        let group_of = |tag: &String| groups.iter().find(|it| it.code.eq_ignore_ascii_case(tag.trim()));
        let is_tag = |tag: &&String| group_of(tag).is_none();
        let mut fields = Map::new();
        if let Some(group) = change.add.iter().filter_map(group_of).next_back() {
            fields.insert("group_id".into(), group.id.into());
        } else if change.remove.iter().filter_map(group_of).any(|group| customer["group_id"] == group.id) {
            fields.insert("group_id".into(), self.usual_group(&customer).await?.into());
        }
        let held = Tags::read(attribute(&customer, TAGS).unwrap_or_default());
        let add: Vec<_> = change.add.iter().filter(is_tag).collect();
        let wanted = held.changed(&add, &change.remove.iter().filter(is_tag).collect::<Vec<_>>());
        if wanted != held {
            let remedy = "or a customer group for each tag";
            self.set_attribute(&customer, &mut fields, TAGS, &wanted.list(), remedy).await?;
        }
        self.write_customer(&customer, fields).await?;
        Ok(Receipt(format!("customer {}", change.customer)))
    }

    /// Writes a birthday into Magento's own field, which is a date with its year.
    pub async fn set_birthday(&self, change: &BirthdayChange, is_last: IsLast<'_>) -> Result<Receipt, Failure> {
        let birthday = change.birthday;
        let Some(year) = birthday.year else {
            return Ok(Receipt("not written: the platform's field needs the year".into()));
        };
        let date = format!("{year:04}-{:02}-{:02}", birthday.month, birthday.day);
        let _turn = self.changes.lock().await;
        let customer = self.customer(&change.customer).await?;
        if !is_last()? {
            return Ok(Receipt("not written: a later change stands".into()));
        }
        let fields = Map::from_iter([("dob".to_owned(), Value::from(date))]);
        self.write_customer(&customer, fields).await?;
        Ok(Receipt(format!("customer {}", change.customer)))
    }

    /// Subscribes a customer to the shop's newsletter, or unsubscribes. A shop that has subscriptions confirmed asks for that.
    pub async fn set_consent(&self, change: &ConsentChange, is_last: IsLast<'_>) -> Result<Receipt, Failure> {
        let _turn = self.changes.lock().await;
        let customer = self.customer(&change.customer).await?;
        let mut fields = Map::new();
        if customer["extension_attributes"]["is_subscribed"] != change.accepts_marketing {
            fields.insert("extension_attributes".into(), json!({ "is_subscribed": change.accepts_marketing }));
        }
        if !is_last()? {
            return Ok(Receipt("not written: a later word stands".into()));
        }
        self.write_customer(&customer, fields).await?;
        Ok(Receipt(format!("customer {}", change.customer)))
    }

    pub(super) async fn customer(&self, id: &CustomerId) -> Result<Value, Failure> {
        let found = self.find(&["customers", number(id.as_str())?]).await?;
        found.ok_or_else(|| permanent("there is no such customer"))
    }

    /// Writes some fields of a customer, with those that Magento asks for; none is none to write, nor are such as it has.
    pub(super) async fn write_customer(&self, customer: &Value, fields: Map<String, Value>) -> Result<(), Failure> {
        let id = customer["id"].to_string();
        let path = ["customers", id.as_str()];
        self.is_answered(&path)?;
        if fields.iter().all(|(field, value)| customer.get(field) == Some(value)) {
            return Ok(());
        }
        let kept = ["id", "email", "firstname", "lastname", "website_id", "group_id"];
        let mut written: Map<_, _> = kept.iter().map(|field| ((*field).to_owned(), customer[*field].clone())).collect();
        written.extend(fields);
        self.write::<Value>(Method::PUT, &path, json!({ "customer": written })).await.map(|_| ())
    }

    /// Ids of all groups, that of guests with them.
    pub(super) async fn group_ids(&self) -> Result<Vec<u64>, Failure> {
        Ok(self.groups().await?.into_iter().map(|group| group.id).collect())
    }

    /// All groups, page by page.
    async fn groups(&self) -> Result<Vec<Group>, Failure> {
        let mut groups: Vec<Group> = Vec::new();
        loop {
            let mut search = Search::new().sorted(&["customer_group_id"]);
            if let Some(last) = groups.last() {
                search = search.and(("customer_group_id", "gt", &last.id.to_string()));
            }
            let page: Vec<Group> = self.list(&["customerGroups", "search"], &search).await?;
            let is_last = page.len() < PAGE_SIZE;
            groups.extend(page);
            if is_last {
                return Ok(groups);
            }
        }
    }

    /// The group in which the customer's shop puts who registers.
    async fn usual_group(&self, customer: &Value) -> Result<u64, Failure> {
        let store = customer["store_id"].to_string();
        let group: Option<Group> = self.find(&["customerGroups", "default", number(&store)?]).await?;
        group.map(|group| group.id).ok_or_else(|| permanent("the shop has no default customer group"))
    }
}

/// What a customer has in an attribute of the shop's own.
pub(super) fn attribute<'a>(customer: &'a Value, code: &str) -> Option<&'a str> {
    let attributes = customer["custom_attributes"].as_array()?;
    attributes.iter().find(|it| it["attribute_code"] == code)?["value"].as_str()
}
