//! Times by which orders are to be sent: the deadlines of an order's fulfilment orders, one for each place that sends a
//! part of it.
//!
//! An earlier deadline is somebody's word and stays. Shopify compares a new one with nothing, so that our own changes of a
//! store's orders take turns; one that stands already is not written again.

use serde::Deserialize;
use serde_json::json;

use super::{
    AdminClient,
    answer::{Nothing, PageInfo, instant},
    gid,
    orders::{never_sent, no_order},
    permanent,
};
use crate::{
    domain::{ShipBy, Timestamp},
    platform::{Failure, Receipt},
};

const FULFILLMENT_ORDERS: &str = include_str!("../documents/fulfillment_orders.graphql");
const SET_FULFILLMENT_DEADLINE: &str = include_str!("../documents/set_fulfillment_deadline.graphql");

impl AdminClient {
    /// Gives a deadline to what of an order is still to be sent, unless an earlier one stands. An order that is cancelled,
    /// sent whole or never sent is a permanent failure, unless what was sent had to be by then.
    pub async fn set_ship_by(&self, ship_by: &ShipBy) -> Result<Receipt, Failure> {
        let id = gid("Order", ship_by.order.as_str());
        let _turn = self.changes.lock().await;
        let read: Option<Order> = self.ask(FULFILLMENT_ORDERS, json!({ "id": id })).await?;
        let order = read.ok_or_else(no_order)?;
        if order.parts.page.has_next_page {
            return Err(permanent("the order is sent in more parts than can be read"));
        }
        let (mut late, mut is_set) = (Vec::new(), false);
        for part in &order.parts.nodes {
            match part.is_due_by(ship_by.at)? {
                true => is_set = true,
                false if part.is_to_be_sent() => late.push(part.id.as_str()),
                false => {}
            }
        }
        if late.is_empty() && is_set {
            return Ok(Receipt(id));
        }
        if let Some(reason) = order.is_not_sent(late.is_empty()) {
            return Err(permanent(reason));
        }
        let variables = json!({ "ids": late, "deadline": ship_by.at.to_string() });
        self.mutate::<Nothing>(SET_FULFILLMENT_DEADLINE, variables).await?.into_result()?;
        Ok(Receipt(id))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Order {
    cancelled_at: Option<String>,
    #[serde(rename = "displayFulfillmentStatus")]
    shipped: String,
    #[serde(rename = "fulfillmentOrders")]
    parts: Parts,
}

impl Order {
    /// Why nothing of it is sent any more.
    fn is_not_sent(&self, nothing_is_left: bool) -> Option<&'static str> {
        let left = || nothing_is_left.then_some("nothing of the order waits to be shipped");
        never_sent(self.cancelled_at.as_deref(), &self.shipped).or_else(left)
    }
}

#[derive(Deserialize)]
struct Parts {
    nodes: Vec<Part>,
    #[serde(rename = "pageInfo")]
    page: PageInfo,
}

/// A fulfilment order.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    id: String,
    status: String,
    fulfill_by: Option<String>,
}

impl Part {
    fn is_to_be_sent(&self) -> bool {
        matches!(&*self.status, "OPEN" | "SCHEDULED" | "ON_HOLD" | "IN_PROGRESS")
    }

    fn is_due_by(&self, at: Timestamp) -> Result<bool, Failure> {
        Ok(self.fulfill_by.as_deref().map(instant).transpose()?.is_some_and(|deadline| deadline <= at))
    }
}
