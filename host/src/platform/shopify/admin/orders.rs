//! Lines of text in an order's note.
//!
//! A note is replaced as a whole, and Shopify compares it with nothing: what somebody else writes between our reading and
//! our writing is lost, and cannot be seen. Both follow upon each other at once, our own changes of a store's orders take
//! turns, and a line that is gone when it is looked for afterwards is put back.

use serde::Deserialize;
use serde_json::json;

use super::{AdminClient, answer::Nothing, gid, permanent, transient};
use crate::{
    domain::{EffectId, OrderNote},
    platform::{
        Failure, Receipt,
        marks::{mark_of, marked},
    },
};

const ORDER_NOTE: &str = include_str!("../documents/order_note.graphql");
const WRITE_ORDER_NOTE: &str = include_str!("../documents/write_order_note.graphql");

/// Times that a line is written which others' writing takes away.
const WRITES: usize = 3;

impl AdminClient {
    /// Adds a line to an order's note, unless it has the effect's mark.
    pub async fn add_order_note(&self, effect: &EffectId, note: &OrderNote) -> Result<Receipt, Failure> {
        let order = gid("Order", note.order.as_str());
        let _turn = self.changes.lock().await;
        self.note_down(&order, &note.text, effect).await?;
        Ok(Receipt(order))
    }

    /// The same for whoever has the turn already.
    pub(super) async fn note_down(&self, order: &str, text: &str, effect: &EffectId) -> Result<(), Failure> {
        for _ in 0..=WRITES {
            let note = self.note_of(order).await?;
            if note.contains(&mark_of(effect)) {
                return Ok(());
            }
            let variables = json!({ "id": order, "note": appended(&note, &marked(text, effect)) });
            self.mutate::<Nothing>(WRITE_ORDER_NOTE, variables).await?.into_result()?;
        }
        Err(transient("others keep changing the order's note"))
    }

    async fn note_of(&self, order: &str) -> Result<String, Failure> {
        let noted: Option<Noted> = self.ask(ORDER_NOTE, json!({ "id": order })).await?;
        Ok(noted.ok_or_else(no_order)?.note.unwrap_or_default())
    }
}

fn appended(note: &str, line: &str) -> String {
    match note.trim_end() {
        "" => line.into(),
        note => format!("{note}\n{line}"),
    }
}

/// Why nothing of an order is sent any more, by Shopify's word for how far its shipping has come.
pub(super) fn never_sent(cancelled_at: Option<&str>, shipped: &str) -> Option<&'static str> {
    match (cancelled_at, shipped) {
        (Some(_), _) => Some("the order is cancelled"),
        (None, "FULFILLED") => Some("the order is shipped"),
        (None, "FULFILLMENT_NOT_REQUIRED") => Some("nothing of the order is shipped"),
        (None, _) => None,
    }
}

pub(super) fn no_order() -> Failure {
    permanent("there is no such order")
}

#[derive(Deserialize)]
struct Noted {
    note: Option<String>,
}
