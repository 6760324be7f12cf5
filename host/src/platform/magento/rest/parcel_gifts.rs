//! Gifts in parcels. Magento adds nothing to an order that is placed, so that each is left to the packer, in a comment.

use serde::Deserialize;

use super::{RestClient, comments::no_order, number, permanent, text::storable};
use crate::{
    domain::{EffectId, ParcelGift},
    platform::{
        Failure, Receipt,
        marks::{mark_of, marked},
    },
};

impl RestClient {
    /// Has a gift put into an order's parcel. An order that is cancelled, shipped whole or never shipped is a permanent
    /// failure.
    pub async fn add_parcel_gift(&self, effect: &EffectId, gift: &ParcelGift) -> Result<Receipt, Failure> {
        let id = number(gift.order.as_str())?;
        let _turn = self.changes.lock().await;
        let given = || Receipt("note".into());
        // What was given stays given when the order is shipped or cancelled.
        if self.comments_of(id).await?.iter().any(|comment| comment.contains(&mark_of(effect))) {
            return Ok(given());
        }
        let order: Order = self.find(&["orders", id]).await?.ok_or_else(no_order)?;
        if let Some(reason) = order.has_no_parcel() {
            return Err(permanent(reason));
        }
        let text = storable(&format!("Put into the parcel: {}", gift.title));
        self.comment(id, &marked(&text, effect)).await?;
        Ok(given())
    }
}

#[derive(Deserialize)]
struct Order {
    /// Magento's own word; the status beside it is the merchant's.
    state: String,
    #[serde(default)]
    is_virtual: u8,
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    parent_item_id: Option<u64>,
    #[serde(default)]
    is_virtual: u8,
    qty_ordered: f64,
    #[serde(default)]
    qty_shipped: f64,
    #[serde(default)]
    qty_canceled: f64,
    #[serde(default)]
    qty_refunded: f64,
}

impl Item {
    fn is_to_be_shipped(&self) -> bool {
        let gone = self.qty_shipped + self.qty_canceled + self.qty_refunded;
        self.parent_item_id.is_none() && self.is_virtual == 0 && self.qty_ordered > gone
    }
}

impl Order {
    /// Why nothing can be put into its parcel.
    fn has_no_parcel(&self) -> Option<&'static str> {
        match self.state.as_str() {
            "canceled" => Some("the order is cancelled"),
            "closed" => Some("the order is refunded"),
            _ if self.is_virtual != 0 => Some("nothing of the order is shipped"),
            "complete" => Some("the order is shipped"),
            _ if !self.items.iter().any(Item::is_to_be_shipped) => Some("the order is shipped"),
            _ => None,
        }
    }
}
