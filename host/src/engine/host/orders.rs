//! `orders`: an order's note, its tags, what goes into its parcel, and when that is to be sent.

use super::super::{
    answer::{Answer, invalid, told},
    bindings::{orders, types::Refusal},
    checks::{check_id, check_line, check_tags},
    delivery::Delivery,
    limits,
};
use crate::domain::{EffectKind, OrderNote, OrderTagChange, ParcelGift, ShipBy, Timestamp};

impl orders::Host for Delivery {
    fn add_note(&mut self, order_id: String, text: String) -> wasmtime::Result<Result<String, Refusal>> {
        told(self.note_order(order_id, text))
    }

    fn add_tags(&mut self, order_id: String, tags: Vec<String>) -> wasmtime::Result<Result<String, Refusal>> {
        let change = OrderTagChange { order: order_id.into(), add: tags, remove: Vec::new() };
        told(self.change_order_tags(change))
    }

    fn remove_tags(&mut self, order_id: String, tags: Vec<String>) -> wasmtime::Result<Result<String, Refusal>> {
        let change = OrderTagChange { order: order_id.into(), add: Vec::new(), remove: tags };
        told(self.change_order_tags(change))
    }

    fn add_gift(&mut self, order_id: String, gift: orders::Gift) -> wasmtime::Result<Result<String, Refusal>> {
        told(self.put_into_parcel(order_id, gift))
    }

    fn ship_by(&mut self, order_id: String, at: u64) -> wasmtime::Result<Result<String, Refusal>> {
        told(self.set_ship_by(order_id, at))
    }
}

impl Delivery {
    fn note_order(&mut self, order_id: String, text: String) -> Answer<String> {
        self.granted("orders")?;
        check_line("text", &text, limits::ORDER_NOTE_BYTES)?;
        let note = OrderNote { order: order_id.into(), text };
        Ok(self.queue(EffectKind::AddOrderNote(note), None)?.to_string())
    }

    fn change_order_tags(&mut self, change: OrderTagChange) -> Answer<String> {
        self.granted("orders")?;
        check_tags(&change.add, &change.remove)?;
        Ok(self.queue(EffectKind::ChangeOrderTags(change), None)?.to_string())
    }

    fn put_into_parcel(&mut self, order_id: String, gift: orders::Gift) -> Answer<String> {
        self.granted("orders")?;
        check_line("title", &gift.title, limits::GIFT_TITLE_BYTES)?;
        if let Some(variant) = &gift.variant_id {
            check_id("variant-id", variant)?;
        }
        let gift = ParcelGift { order: order_id.into(), variant: gift.variant_id, title: gift.title };
        Ok(self.queue(EffectKind::AddParcelGift(gift), None)?.to_string())
    }

    fn set_ship_by(&mut self, order_id: String, at: u64) -> Answer<String> {
        self.granted("orders")?;
        let (at, latest) = (Timestamp(at), self.input.now() + limits::SHIP_BY_AHEAD);
        if at <= self.input.now() {
            return Err(invalid("at: is already past").into());
        }
        if at > latest {
            let days = limits::SHIP_BY_AHEAD.as_secs() / 86_400;
            return Err(invalid(format!("at: is more than {days} days ahead")).into());
        }
        let ship_by = ShipBy { order: order_id.into(), at };
        Ok(self.queue(EffectKind::SetShipBy(ship_by), None)?.to_string())
    }
}
