//! Credit memos.

use serde::Deserialize;

use super::super::{
    goods::Goods,
    refunds::{Told, change},
    wire::{Decimal, currency_or, decimal, decimal_if_any, required_decimal, required_id, text, time},
};
use crate::{
    domain::Change,
    platform::{
        Context, Unreadable,
        json::{Loose, each, parse},
    },
};

/// The state of a memo whose money has gone back.
const REFUNDED: &str = "2";

#[derive(Deserialize)]
struct WireMemo<'a> {
    #[serde(borrow)]
    entity_id: Option<Loose<'a>>,
    #[serde(borrow)]
    order_id: Option<Loose<'a>>,
    #[serde(borrow)]
    state: Option<Loose<'a>>,
    #[serde(borrow)]
    created_at: Option<Loose<'a>>,
    #[serde(borrow)]
    base_currency_code: Option<Loose<'a>>,
    #[serde(borrow)]
    base_subtotal: Option<Loose<'a>>,
    #[serde(borrow)]
    base_shipping_amount: Option<Loose<'a>>,
    #[serde(borrow)]
    base_adjustment: Option<Loose<'a>>,
    #[serde(borrow)]
    base_adjustment_positive: Option<Loose<'a>>,
    #[serde(borrow)]
    base_adjustment_negative: Option<Loose<'a>>,
    #[serde(borrow)]
    items: Option<Vec<WireItem<'a>>>,
}

#[derive(Deserialize)]
struct WireItem<'a> {
    #[serde(borrow)]
    order_item_id: Option<Loose<'a>>,
    #[serde(borrow)]
    qty: Option<Loose<'a>>,
    #[serde(borrow)]
    base_price: Option<Loose<'a>>,
    #[serde(borrow)]
    base_price_incl_tax: Option<Loose<'a>>,
    #[serde(borrow)]
    base_discount_amount: Option<Loose<'a>>,
    #[serde(borrow)]
    base_discount_tax_compensation_amount: Option<Loose<'a>>,
    #[serde(borrow)]
    base_tax_amount: Option<Loose<'a>>,
    #[serde(borrow)]
    base_row_total: Option<Loose<'a>>,
}

/// One item as it stands in the memo.
struct Item {
    line: String,
    goods: Goods,
    /// Its amounts stand on the items that follow it.
    is_container: bool,
}

/// Reads a credit memo; one whose money has not gone back changes nothing.
pub fn refund(body: &str, context: &Context) -> Result<Change, Unreadable> {
    let wire: WireMemo<'_> = parse(body.as_bytes())?;
    if text(wire.state).is_some_and(|state| state != REFUNDED) {
        return Ok(Change::None);
    }
    let given = decimal_if_any("base_adjustment_positive", wire.base_adjustment_positive)?;
    let kept = decimal_if_any("base_adjustment_negative", wire.base_adjustment_negative)?;
    let adjustment = match (given, kept) {
        (None, None) => decimal("base_adjustment", wire.base_adjustment)?,
        (given, kept) => given.unwrap_or_default().minus(kept.unwrap_or_default()),
    };
    let items = each("items", wire.items.as_deref(), item)?;
    change(Told {
        id: required_id("entity_id", wire.entity_id)?,
        order: required_id("order_id", wire.order_id)?,
        refunded_at: time("created_at", wire.created_at)?.unwrap_or(context.occurred_at),
        currency: currency_or("base_currency_code", wire.base_currency_code, context.currency)?,
        prices_include_tax: None,
        subtotal: required_decimal("base_subtotal", wire.base_subtotal)?,
        shipping: decimal("base_shipping_amount", wire.base_shipping_amount)?,
        adjustment,
        lines: lines(items),
    })
}

fn item(item: &WireItem<'_>) -> Result<Item, Unreadable> {
    let goods = Goods {
        quantity: decimal("qty", item.qty)?,
        unit_price: decimal("base_price", item.base_price)?,
        unit_price_incl_tax: decimal("base_price_incl_tax", item.base_price_incl_tax)?,
        discount: decimal("base_discount_amount", item.base_discount_amount)?.abs(),
        compensation: decimal("base_discount_tax_compensation_amount", item.base_discount_tax_compensation_amount)?,
        tax: decimal("base_tax_amount", item.base_tax_amount)?,
    };
    let is_container = decimal_if_any("base_row_total", item.base_row_total)?.is_none();
    Ok(Item { line: required_id("order_item_id", item.order_item_id)?, goods, is_container })
}

/// The order's lines. A memo does not say which items are a bundle's: the bundle has a price and no row of its own, and
/// what follows it makes up that price.
fn lines(items: Vec<Item>) -> Vec<(String, Goods)> {
    let mut lines = Vec::new();
    let mut items = items.into_iter().filter(|item| item.goods.quantity > Decimal::default()).peekable();
    while let Some(Item { line, goods, is_container }) = items.next() {
        // The chosen product of a configurable one has neither.
        if is_container && goods.unit_price == Decimal::default() {
            continue;
        }
        let mut children = Vec::new();
        let mut missing = goods.unit_price.times(goods.quantity);
        while is_container
            && let Some(Item { goods: child, .. }) =
                items.next_if(|next| !next.is_container && missing > rounding(&next.goods))
        {
            missing = missing.minus(child.unit_price.times(child.quantity));
            children.push(child);
        }
        lines.push((line, goods.with_children(&children)));
    }
    lines
}

/// What the rounding of an item's unit price can come to: a cent for each unit.
fn rounding(goods: &Goods) -> Decimal {
    Decimal(100).times(goods.quantity)
}
