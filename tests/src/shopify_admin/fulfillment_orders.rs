//! Fulfilment orders of the simulated shop: what of an order one place sends, and by when.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::shop::{Answer, connection, declined, read};

/// What of an order one place sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FulfillmentOrder {
    /// `gid://shopify/FulfillmentOrder/...`
    pub id: String,
    /// As the schema's enum names it.
    pub status: &'static str,
    pub fulfill_by: Option<Timestamp>,
}

impl FulfillmentOrder {
    fn is_over(&self) -> bool {
        matches!(self.status, "CANCELLED" | "CLOSED")
    }

    fn to_json(&self) -> Value {
        json!({
            "__typename": "FulfillmentOrder",
            "id": self.id,
            "status": self.status,
            "fulfillBy": self.fulfill_by.map(|at| at.to_string()),
        })
    }
}

/// By the global id of their order.
#[derive(Clone, Debug, Default)]
pub(super) struct FulfillmentOrders(BTreeMap<String, Vec<FulfillmentOrder>>);

impl FulfillmentOrders {
    /// Takes an order as a webhook tells it: a new one is sent by one place; all are over once it is sent or cancelled.
    pub(super) fn tell(&mut self, order: &str, body: &Value) {
        let number = order.rsplit('/').next().unwrap_or_default();
        let id = format!("gid://shopify/FulfillmentOrder/{number}1");
        let one = || vec![FulfillmentOrder { id, status: "OPEN", fulfill_by: None }];
        let parts = self.0.entry(order.into()).or_insert_with(one);
        let ended = match (&body["cancelled_at"], body["fulfillment_status"].as_str()) {
            (Value::Null, Some("fulfilled")) => "CLOSED",
            (Value::Null, _) => return,
            _ => "CANCELLED",
        };
        for part in parts.iter_mut().filter(|part| !part.is_over()) {
            part.status = ended;
        }
    }

    pub(super) fn put(&mut self, order: &str, parts: Vec<FulfillmentOrder>) {
        self.0.insert(order.into(), parts);
    }

    pub(super) fn of(&self, order: &str) -> Vec<FulfillmentOrder> {
        self.0.get(order).cloned().unwrap_or_default()
    }

    /// An object of the schema's type `FulfillmentOrderConnection`.
    pub(super) fn connection(&self, order: &str) -> Value {
        connection("FulfillmentOrderConnection", self.of(order).iter().map(FulfillmentOrder::to_json).collect())
    }

    pub(super) fn set_deadline(&mut self, args: Value) -> Answer {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Args {
            fulfillment_order_ids: Vec<String>,
            fulfillment_deadline: Timestamp,
        }
        let Args { fulfillment_order_ids: ids, fulfillment_deadline: deadline } = read(args)?;
        let is_open = |id: &String| self.0.values().flatten().any(|part| part.id == *id && !part.is_over());
        if ids.is_empty() || !ids.iter().all(is_open) {
            let message = "The fulfillment orders could not be found.";
            return Err(declined(&["fulfillmentOrderIds"], "FULFILLMENT_ORDERS_NOT_FOUND", message).into());
        }
        for part in self.0.values_mut().flatten().filter(|part| ids.contains(&part.id)) {
            part.fulfill_by = Some(deadline);
        }
        Ok(json!({ "success": true }))
    }
}
