//! A shop's past: its customers, then its orders with their credit memos, page by page in order of their last change.
//!
//! A row of a listing is the whole entity, and is told as it stands.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    RestClient,
    changes::{changed, next_of, time, told, topic_of},
    search::Search,
    views::listed,
    written,
};
use crate::{
    domain::{RefundId, Step, Timestamp},
    platform::{
        Failure,
        magento::normalise::instant,
        past::{Counted, Found, FoundCustomer, FoundOrder, FoundRefund, Next, Part, Portion},
    },
};

/// What is told of a customer.
const CUSTOMER_UPDATED: &str = "customer.updated";

impl RestClient {
    /// A page of a part of the past. What changes after `until` has moved to the end, and is left to those who tell of it.
    pub async fn past(&self, part: Part, until: Timestamp, place: Option<&str>) -> Result<Portion, Failure> {
        let search = changed((Timestamp(0), until), place)?;
        let (found, next) = match part {
            Part::Customers => {
                let websites = listed(&self.views().await?.websites);
                let search = search.and(("website_id", "in", &websites));
                let read: Vec<Value> = self.list(&["customers", "search"], &search).await?;
                (read.iter().map(customer).collect::<Vec<_>>(), next_of(&read, "id"))
            }
            Part::Orders => {
                let stores = listed(&self.views().await?.stores);
                let read: Vec<Value> = self.list(&["orders"], &search.and(("store_id", "in", &stores))).await?;
                let mut memos = self.whole_memos_of(&read).await?;
                let memos_of = |order: &Value| order["entity_id"].as_u64().and_then(|id| memos.remove(&id));
                let orders = read.iter().map(memos_of).collect::<Vec<_>>();
                let found = read.iter().zip(orders).map(|(row, memos)| order(row, memos.unwrap_or_default()));
                (found.collect(), next_of(&read, "entity_id"))
            }
        };
        Ok(Portion { found, next: next.map_or(Next::End, Next::At) })
    }

    /// Orders placed between two moments, the second excluded, and customers there were by then.
    pub async fn count(&self, (from, until): (Timestamp, Timestamp)) -> Result<Counted, Failure> {
        let views = self.views().await?;
        let one = || Search::new().limited(1).and(("created_at", "lt", &written(until)));
        let orders = one().and(("created_at", "gteq", &written(from))).and(("store_id", "in", &listed(&views.stores)));
        let customers = one().and(("website_id", "in", &listed(&views.websites)));
        Ok(Counted {
            orders: self.count_of(&["orders"], &orders.only("total_count")).await?,
            customers: self.count_of(&["customers", "search"], &customers.only("total_count")).await?,
        })
    }

    /// The credit memos of those orders of which something was refunded, by order.
    async fn whole_memos_of(&self, orders: &[Value]) -> Result<BTreeMap<u64, Vec<Value>>, Failure> {
        let mut by_order = BTreeMap::<u64, Vec<Value>>::new();
        for memo in self.memos_of(orders, None).await? {
            by_order.entry(memo["order_id"].as_u64().unwrap_or_default()).or_default().push(memo);
        }
        Ok(by_order)
    }
}

fn customer(row: &Value) -> Found {
    let read = || Some((row["id"].as_u64()?, time(row, "updated_at").ok()?));
    match read() {
        Some((id, updated_at)) => {
            let told = told(CUSTOMER_UPDATED, row);
            Found::Customer(FoundCustomer { id: id.to_string().into(), updated_at, told })
        }
        None => Found::Unreadable("a listed customer has no id, or no time of its last change".into()),
    }
}

fn order(row: &Value, memos: Vec<Value>) -> Found {
    let times = || Some((time(row, "created_at").ok()?, time(row, "updated_at").ok()?));
    let (Some(id), Some((created_at, updated_at))) = (row["entity_id"].as_u64(), times()) else {
        return Found::Unreadable("a listed order has no id, or no time of its last change".into());
    };
    Found::Order(FoundOrder {
        id: id.to_string().into(),
        created_at,
        updated_at,
        told: told(topic_of(&Step::Updated), row),
        refunds: memos.iter().filter_map(refund).collect(),
    })
}

fn refund(memo: &Value) -> Option<FoundRefund> {
    let id: RefundId = memo["entity_id"].as_u64()?.to_string().into();
    let told = told(topic_of(&Step::Refunded(id.clone())), memo);
    Some(FoundRefund { at: memo["created_at"].as_str().and_then(instant), id, told: Some(told) })
}
