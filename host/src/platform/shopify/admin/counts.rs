//! How many orders and customers a shop has, by Shopify's own count.

use serde::Deserialize;
use serde_json::json;

use super::{AdminClient, transient};
use crate::{
    domain::Timestamp,
    platform::{Failure, past::Counted},
};

const COUNTS: &str = include_str!("../documents/counts.graphql");

#[derive(Deserialize)]
struct Counts {
    orders: Count,
    customers: Count,
}

#[derive(Deserialize)]
struct Count {
    count: u64,
    precision: String,
}

impl Count {
    fn read(&self) -> Result<u64, Failure> {
        match self.precision.as_str() {
            "EXACT" => Ok(self.count),
            other => Err(transient(format!("Shopify has not counted to the end: its count is `{other}`"))),
        }
    }
}

impl AdminClient {
    /// Orders placed between two moments, the second excluded, and customers there were by then.
    pub async fn count(&self, (from, until): (Timestamp, Timestamp)) -> Result<Counted, Failure> {
        let orders = format!("processed_at:>='{from}' processed_at:<'{until}'");
        let variables = json!({ "orders": orders, "customers": format!("created_at:<'{until}'") });
        let counts: Counts = self.call(COUNTS, variables).await?;
        Ok(Counted { orders: counts.orders.read()?, customers: counts.customers.read()? })
    }
}
