//! Tags of customers and orders: sets, in which a repeat changes nothing.

use serde_json::json;

use super::{AdminClient, answer::Nothing, gid};
use crate::{
    domain::{OrderTagChange, TagChange},
    platform::{Failure, Receipt},
};

const ADD_TAGS: &str = include_str!("../documents/add_tags.graphql");
const REMOVE_TAGS: &str = include_str!("../documents/remove_tags.graphql");

impl AdminClient {
    /// Adds tags to a customer, then removes tags.
    pub async fn change_tags(&self, change: &TagChange) -> Result<Receipt, Failure> {
        self.tag(gid("Customer", change.customer.as_str()), &change.add, &change.remove).await
    }

    /// Adds tags to an order, then removes tags.
    pub async fn change_order_tags(&self, change: &OrderTagChange) -> Result<Receipt, Failure> {
        self.tag(gid("Order", change.order.as_str()), &change.add, &change.remove).await
    }

    pub(super) async fn tag(&self, owner: String, add: &[String], remove: &[String]) -> Result<Receipt, Failure> {
        for (document, tags) in [(ADD_TAGS, add), (REMOVE_TAGS, remove)] {
            if !tags.is_empty() {
                self.mutate::<Nothing>(document, json!({ "id": owner, "tags": tags })).await?.into_result()?;
            }
        }
        Ok(Receipt(owner))
    }
}
