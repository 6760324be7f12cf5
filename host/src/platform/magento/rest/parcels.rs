//! What the packer of an order is told, in a comment: Magento adds nothing to an order that is placed, and knows no time by
//! which one is to be sent.

use jiff::tz::TimeZone;
use serde::Deserialize;

use super::{RestClient, comments::no_order, number, permanent, text::storable};
use crate::{
    domain::{EffectId, OrderId, ParcelGift, ShipBy, Timestamp},
    platform::{
        Failure, Receipt,
        marks::{mark_of, marked},
    },
};

impl RestClient {
    /// Has a gift put into an order's parcel.
    pub async fn add_parcel_gift(&self, effect: &EffectId, gift: &ParcelGift) -> Result<Receipt, Failure> {
        self.tell_packer(effect, &gift.order, &format!("Put into the parcel: {}", gift.title)).await
    }

    /// Has an order sent by a time, told by the shop's clocks.
    pub async fn set_ship_by(&self, effect: &EffectId, ship_by: &ShipBy) -> Result<Receipt, Failure> {
        let zone = self.views().await?.zone()?;
        self.tell_packer(effect, &ship_by.order, &format!("Send by {}", minute_in(ship_by.at, zone)?)).await
    }

    /// Leaves the packer a text. An order that is cancelled, shipped whole or never shipped is a permanent failure.
    async fn tell_packer(&self, effect: &EffectId, order: &OrderId, text: &str) -> Result<Receipt, Failure> {
        let id = number(order.as_str())?;
        let _turn = self.changes.lock().await;
        let told = || Receipt("note".into());
        // What was told stays told when the order is shipped or cancelled.
        if self.comments_of(id).await?.iter().any(|comment| comment.contains(&mark_of(effect))) {
            return Ok(told());
        }
        let order: Order = self.find(&["orders", id]).await?.ok_or_else(no_order)?;
        if let Some(reason) = order.has_no_parcel() {
            return Err(permanent(reason));
        }
        self.comment(id, &marked(&storable(text), effect)).await?;
        Ok(told())
    }
}

/// A minute as people read it, by the clocks of a time zone.
fn minute_in(at: Timestamp, zone: TimeZone) -> Result<String, Failure> {
    let instant = i64::try_from(at.0).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    let instant = instant.ok_or_else(|| permanent(format!("{at} is no time to send an order by")))?;
    Ok(instant.to_zoned(zone).strftime("%Y-%m-%d %H:%M").to_string())
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
