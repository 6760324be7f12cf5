//! Gifts in parcels: a line that costs nothing, or else a note for the packer.
//!
//! An edit is a session that is committed as a whole, so a gift whose try breaks off before that leaves nothing. Done, it
//! has left the effect's mark in the line's discount or in the order's note, and both are looked for before anything is
//! begun. A commit that was not answered is given time to be made before it is tried again, unless this program has been
//! started anew meanwhile. The staff note of an edit begins with [`STAFF_NOTE`], by which its own webhook is told from
//! others.

use serde::Deserialize;
use serde_json::json;

use super::{
    AdminClient,
    answer::{Nothing, PageInfo},
    gid, no_data,
    orders::{never_sent, no_order},
    permanent,
};
use crate::{
    domain::{EffectId, ParcelGift},
    platform::{
        Failure, Receipt,
        marks::{mark_of, marked},
    },
};

const ORDER_WITH_LINES: &str = include_str!("../documents/order_with_lines.graphql");
const VARIANT: &str = include_str!("../documents/variant.graphql");
const BEGIN_ORDER_EDIT: &str = include_str!("../documents/begin_order_edit.graphql");
const ADD_VARIANT: &str = include_str!("../documents/add_variant.graphql");
const GIVE_LINE: &str = include_str!("../documents/give_line.graphql");
const COMMIT_ORDER_EDIT: &str = include_str!("../documents/commit_order_edit.graphql");

/// What the staff note of our own edits begins with.
pub(in super::super) const STAFF_NOTE: &str = "A gift by Regulars";

/// What a free line's discount is called, before the mark. Shoppers see it on the page of their order.
const DISCOUNT: &str = "Gift";

/// The tag by which a packer finds orders with a gift that is no line of theirs.
const PACKER_TAG: &str = "Gift to pack";

/// Pages of an order's lines that are read at most.
const LINE_PAGES: usize = 40;

impl AdminClient {
    /// Puts a gift into an order's parcel. The receipt says which way: `line gid://...` or `note`.
    ///
    /// The free line needs a variant that can be had, and an order that can be edited, of which nothing is shipped or being
    /// packed. An order that is cancelled, shipped whole or never shipped is a permanent failure.
    pub async fn add_parcel_gift(&self, effect: &EffectId, gift: &ParcelGift) -> Result<Receipt, Failure> {
        let id = gid("Order", gift.order.as_str());
        let _turn = self.changes.lock().await;
        let order = self.order_with_mark(&id, effect).await?;
        if let Some(line) = order.marked_line {
            return Ok(Receipt(format!("line {line}")));
        }
        if order.note.contains(&mark_of(effect)) {
            return self.leave_to_packer(&id, effect, gift).await;
        }
        self.unanswered.check(effect.as_str(), self.clock.now())?;
        match order.parcel {
            Parcel::Never(reason) => Err(permanent(reason)),
            Parcel::Closed => self.leave_to_packer(&id, effect, gift).await,
            Parcel::Open => match &gift.variant {
                Some(variant) if self.add_free_line(&id, &gid("ProductVariant", variant), effect).await? => {
                    let line = self.order_with_mark(&id, effect).await?.marked_line;
                    Ok(Receipt(line.map_or_else(|| "line".into(), |line| format!("line {line}"))))
                }
                _ => self.leave_to_packer(&id, effect, gift).await,
            },
        }
    }

    /// A note and a tag, each of which a repeat finds or changes nothing by.
    async fn leave_to_packer(&self, order: &str, effect: &EffectId, gift: &ParcelGift) -> Result<Receipt, Failure> {
        self.note_down(order, &format!("Put into the parcel: {}", gift.title), effect).await?;
        self.tag(order.into(), &[PACKER_TAG.into()], &[]).await?;
        Ok(Receipt("note".into()))
    }

    /// Edits an order; false where Shopify declines a step, of which it says why in words alone.
    async fn add_free_line(&self, order: &str, variant: &str, effect: &EffectId) -> Result<bool, Failure> {
        let known: Option<Variant> = self.ask(VARIANT, json!({ "id": variant })).await?;
        if !known.is_some_and(|variant| variant.can_be_had) {
            return Ok(false);
        }
        let begun = self.mutate::<Begun>(BEGIN_ORDER_EDIT, json!({ "id": order })).await?;
        if !begun.user_errors.is_empty() {
            return Ok(false);
        }
        let edit = begun.into_result()?.order.ok_or_else(no_data)?.id;
        let added = self.mutate::<Added>(ADD_VARIANT, json!({ "id": edit, "variant": variant })).await?;
        if !added.user_errors.is_empty() {
            return Ok(false);
        }
        let line = added.into_result()?.line.ok_or_else(no_data)?.id;
        let variables = json!({ "id": edit, "line": line, "description": marked(DISCOUNT, effect) });
        if !self.mutate::<Nothing>(GIVE_LINE, variables).await?.user_errors.is_empty() {
            return Ok(false);
        }
        let variables = json!({ "id": edit, "staffNote": marked(STAFF_NOTE, effect) });
        let committed = self.mutate::<Nothing>(COMMIT_ORDER_EDIT, variables).await;
        self.unanswered.note(effect.as_str(), &committed, self.clock.now());
        Ok(committed?.user_errors.is_empty())
    }

    /// Reads an order up to the line that has the effect's mark, or to the end of its lines.
    async fn order_with_mark(&self, id: &str, effect: &EffectId) -> Result<Seen, Failure> {
        let (mark, mut after) = (mark_of(effect), None::<String>);
        for _ in 0..LINE_PAGES {
            let read: Option<Order> = self.ask(ORDER_WITH_LINES, json!({ "id": id, "after": after })).await?;
            let order = read.ok_or_else(no_order)?;
            let marked_line = order.lines.nodes.iter().find(|line| line.has(&mark)).map(|line| line.id.clone());
            let parcel = order.parcel();
            match order.lines.page.next() {
                Some(next) if marked_line.is_none() => after = Some(next),
                _ => {
                    return Ok(Seen { marked_line, note: order.note.unwrap_or_default(), parcel });
                }
            }
        }
        Err(permanent("the order has more lines than can be read"))
    }
}

/// An order as far as it matters to a gift.
struct Seen {
    marked_line: Option<String>,
    note: String,
    parcel: Parcel,
}

/// Whether something can be put into an order's parcel.
enum Parcel {
    /// As a line of the order.
    Open,
    /// By the packer alone.
    Closed,
    /// There is none, for this reason.
    Never(&'static str),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Order {
    note: Option<String>,
    cancelled_at: Option<String>,
    closed: bool,
    merchant_editable: bool,
    #[serde(rename = "displayFulfillmentStatus")]
    shipped: String,
    #[serde(rename = "lineItems")]
    lines: Lines,
}

impl Order {
    fn parcel(&self) -> Parcel {
        if let Some(reason) = never_sent(self.cancelled_at.as_deref(), &self.shipped) {
            return Parcel::Never(reason);
        }
        match &*self.shipped {
            "UNFULFILLED" | "OPEN" | "ON_HOLD" | "SCHEDULED" if self.merchant_editable && !self.closed => Parcel::Open,
            _ => Parcel::Closed,
        }
    }
}

#[derive(Deserialize)]
struct Lines {
    nodes: Vec<Line>,
    #[serde(rename = "pageInfo")]
    page: PageInfo,
}

#[derive(Deserialize)]
struct Line {
    id: String,
    #[serde(rename = "discountAllocations")]
    discounts: Vec<Allocation>,
}

impl Line {
    fn has(&self, mark: &str) -> bool {
        let mut texts = self.discounts.iter().filter_map(|allocation| allocation.discount.description.as_deref());
        texts.any(|text| text.contains(mark))
    }
}

#[derive(Deserialize)]
struct Allocation {
    #[serde(rename = "discountApplication")]
    discount: Discount,
}

/// A discount that nobody gave by hand answers without a description.
#[derive(Deserialize)]
struct Discount {
    description: Option<String>,
}

#[derive(Deserialize)]
struct Variant {
    #[serde(rename = "availableForSale")]
    can_be_had: bool,
}

#[derive(Deserialize)]
struct Begun {
    #[serde(rename = "calculatedOrder")]
    order: Option<Named>,
}

#[derive(Deserialize)]
struct Added {
    #[serde(rename = "calculatedLineItem")]
    line: Option<Named>,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}
