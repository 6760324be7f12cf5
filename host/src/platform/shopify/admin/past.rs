//! A shop's past, read by bulk operations: its customers, then its orders.
//!
//! A line is an object. A connection's objects are lines of their own, which name the object that they belong to and, as we
//! ask for it, stand right behind it. No connection is found inside a list, so refunds are named here and read one by one.

use serde_json::{Map, Value, json};

use super::{
    API_VERSION, AdminClient,
    bulk::{Place, Read},
    changes::{instant, legacy, metafields, order_body, topic_of},
    permanent,
};
use crate::{
    domain::{Platform, Step, Timestamp},
    platform::{
        Failure, Told,
        error::unquoted,
        past::{Found, FoundCustomer, FoundOrder, FoundRefund, Next, Part, Portion},
    },
};

#[cfg(test)]
mod tests;

const CUSTOMERS: &str = include_str!("../documents/past_customers.graphql");
const ORDERS: &str = include_str!("../documents/past_orders.graphql");

/// The scope without which orders of the last 60 days are shown, and no others.
const ALL_ORDERS: &str = "read_all_orders";

/// Bytes of a file that are read at once, and of the longest object with its lines.
const PORTION_BYTES: usize = 1 << 20;
const OBJECT_BYTES: usize = 16 << 20;

impl AdminClient {
    pub async fn shows_all_orders(&self) -> Result<bool, Failure> {
        Ok(self.granted_scopes().await?.iter().any(|scope| scope == ALL_ORDERS))
    }

    /// Lets go of what Shopify gathers for a place.
    pub async fn let_go_of_past(&self, place: &str) -> Result<(), Failure> {
        self.cancel_bulk(&Place::read(place)?).await
    }

    /// Some of a part of the past. Without a place, Shopify begins to gather it.
    pub async fn past(&self, part: Part, place: Option<&str>) -> Result<Portion, Failure> {
        let only = |next| Portion { found: Vec::new(), next };
        let Some(place) = place else {
            let query = match part {
                Part::Customers => CUSTOMERS,
                Part::Orders => ORDERS,
            };
            return self.begin_bulk(query).await.map(only);
        };
        let place = Place::read(place)?;
        let file = match self.bulk_file(&place).await? {
            Ok(file) => file,
            Err(next) => return Ok(only(next)),
        };
        let mut bytes = PORTION_BYTES;
        loop {
            let read = match self.read_file(&file, &place, bytes).await? {
                Ok(read) => read,
                Err(next) => return Ok(only(next)),
            };
            let mut lines = read_lines(part, &read);
            if lines.length == 0 && !read.ends_file && bytes < OBJECT_BYTES {
                bytes *= 2;
                continue;
            }
            if lines.length == 0 && !read.ends_file {
                let reason = format!("at byte {}: an object is longer than {OBJECT_BYTES} bytes", place.offset);
                lines = Lines { found: vec![Found::Unreadable(reason)], length: read.bytes.len() };
            }
            let next = match (read.ends_file, file.partial) {
                (false, _) => Next::At(place.after(lines.length as u64).to_string()),
                (true, Some(why)) => Next::GivenUp(format!("{why}; what it had found by then has been read")),
                (true, None) => Next::End,
            };
            let at = |found| match found {
                Found::Unreadable(why) => Found::Unreadable(format!("{} file: {why}", name_of(part))),
                found => found,
            };
            return Ok(Portion { found: lines.found.into_iter().map(at).collect(), next });
        }
    }
}

fn name_of(part: Part) -> &'static str {
    match part {
        Part::Customers => "customers'",
        Part::Orders => "orders'",
    }
}

/// What the beginning of some bytes holds.
#[derive(Debug, PartialEq, Eq)]
struct Lines {
    found: Vec<Found>,
    /// How many bytes that took. The rest belongs to an object whose lines may go on behind.
    length: usize,
}

/// An object and the lines that belong to it.
struct Open {
    begins: usize,
    object: Value,
    children: Vec<Value>,
}

fn read_lines(part: Part, read: &Read) -> Lines {
    let mut found: Vec<(usize, Found)> = Vec::new();
    let (mut open, mut at): (Option<Open>, usize) = (None, 0);
    while at < read.bytes.len() {
        let rest = &read.bytes[at..];
        let (line, length) = match rest.iter().position(|byte| *byte == b'\n') {
            Some(end) => (&rest[..end], end + 1),
            None if read.ends_file => (rest, rest.len()),
            None => break,
        };
        let begins = at;
        at += length;
        if line.trim_ascii().is_empty() {
            continue;
        }
        let unreadable = |why: String| (begins, Found::Unreadable(why));
        match serde_json::from_slice::<Map<String, Value>>(line) {
            Err(error) => found.push(unreadable(format!("a line cannot be read: {}", unquoted(&error.to_string())))),
            Ok(mut object) => match (object.remove("__parentId"), &mut open) {
                (None, _) => {
                    found.extend(open.take().map(|open| close(part, open)));
                    open = Some(Open { begins, object: object.into(), children: Vec::new() });
                }
                (Some(parent), Some(open)) if parent == open.object["id"] => open.children.push(object.into()),
                _ => found.push(unreadable("a line belongs to no object before it".into())),
            },
        }
    }
    let length = match open {
        Some(open) if !read.ends_file => open.begins,
        open => {
            found.extend(open.map(|open| close(part, open)));
            at
        }
    };
    // What stands behind the end is read again with the next portion.
    let found = found.into_iter().filter(|(begins, _)| *begins < length).map(|(_, found)| found).collect();
    Lines { found, length }
}

fn close(part: Part, open: Open) -> (usize, Found) {
    let Open { begins, mut object, children } = open;
    let read = match part {
        Part::Customers => customer(&object).map(Found::Customer),
        Part::Orders => {
            object["lineItems"] = children.into();
            order(&object).map(Found::Order)
        }
    };
    (begins, read.unwrap_or_else(|failure| Found::Unreadable(failure.to_string())))
}

fn customer(customer: &Value) -> Result<FoundCustomer, Failure> {
    let address = &customer["defaultEmailAddress"];
    let consent = address["marketingState"]
        .as_str()
        .map(|state| json!({ "state": state.to_lowercase(), "consent_updated_at": address["marketingUpdatedAt"] }));
    let body = json!({
        "id": id(customer, "Customer")?,
        "admin_graphql_api_id": customer["id"],
        "email": address["emailAddress"],
        "verified_email": customer["verifiedEmail"],
        "email_marketing_consent": consent,
        "phone": customer["defaultPhoneNumber"]["phoneNumber"],
        "first_name": customer["firstName"],
        "last_name": customer["lastName"],
        "tags": customer["tags"],
        "created_at": customer["createdAt"],
        "updated_at": customer["updatedAt"],
        "metafields": metafields(&customer["birthDate"]),
    });
    let updated_at = time(customer, "updatedAt")?;
    Ok(FoundCustomer { id: id(customer, "Customer")?.into(), updated_at, told: told("customers/update", &body) })
}

fn order(order: &Value) -> Result<FoundOrder, Failure> {
    let mut refunds = Vec::new();
    for refund in order["refunds"].as_array().into_iter().flatten() {
        let at = refund["createdAt"].as_str().map(instant).transpose()?;
        refunds.push(FoundRefund { id: id(refund, "Refund")?.into(), at, told: None });
    }
    refunds.sort_by_key(|refund| refund.at);
    Ok(FoundOrder {
        id: id(order, "Order")?.into(),
        created_at: time(order, "createdAt")?,
        updated_at: time(order, "updatedAt")?,
        told: told(topic_of(&Step::Updated), &order_body(order)),
        refunds,
    })
}

/// An object's number, if it is of that kind.
fn id<'a>(object: &'a Value, kind: &str) -> Result<&'a str, Failure> {
    let id = object["id"].as_str().unwrap_or_default();
    let number = id.strip_prefix("gid://shopify/").and_then(|rest| rest.strip_prefix(kind)?.strip_prefix('/'));
    number.map(legacy).ok_or_else(|| permanent(format!("a line has no id of kind `{kind}`")))
}

fn time(object: &Value, field: &str) -> Result<Timestamp, Failure> {
    instant(object[field].as_str().unwrap_or_default())
}

fn told(topic: &str, body: &Value) -> Told {
    Told {
        platform: Platform::Shopify,
        topic: topic.into(),
        api_version: API_VERSION.into(),
        body: body.to_string().into(),
    }
}
