//! Orders, their edits and deletions.

use serde::Deserialize;

use super::{
    customers::WireCustomer,
    person::{Placed, WireAddress, WireAttributes, WireBrowser},
    wire::{
        Amount, Id, MoneySet, Tags, Text, currency_or, each, id_if_any, money, owned, parse, required_id, sum, time,
    },
};
use crate::{
    domain::{Change, Currency, LineItem, LineItemId, Money, Order, OrderEdit},
    platform::{Context, Problem, Unreadable, shopify::admin::parcel_gifts::STAFF_NOTE},
};

#[derive(Deserialize)]
struct WireOrder<'a> {
    #[serde(borrow)]
    admin_graphql_api_id: Option<Text<'a>>,
    #[serde(borrow)]
    id: Option<Id<'a>>,
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(borrow)]
    email: Option<Text<'a>>,
    #[serde(borrow)]
    contact_email: Option<Text<'a>>,
    #[serde(borrow)]
    phone: Option<Text<'a>>,
    #[serde(borrow)]
    browser_ip: Option<Text<'a>>,
    #[serde(borrow)]
    client_details: Option<WireBrowser<'a>>,
    #[serde(borrow)]
    shipping_address: Option<WireAddress<'a>>,
    #[serde(borrow)]
    note_attributes: Option<WireAttributes<'a>>,
    test: Option<bool>,
    #[serde(borrow)]
    source_name: Option<Text<'a>>,
    tags: Option<Tags>,
    #[serde(borrow)]
    financial_status: Option<Text<'a>>,
    #[serde(borrow)]
    fulfillment_status: Option<Text<'a>>,
    #[serde(borrow)]
    processed_at: Option<Text<'a>>,
    #[serde(borrow)]
    created_at: Option<Text<'a>>,
    #[serde(borrow)]
    cancelled_at: Option<Text<'a>>,
    #[serde(borrow)]
    updated_at: Option<Text<'a>>,
    taxes_included: Option<bool>,
    #[serde(borrow)]
    currency: Option<Text<'a>>,
    #[serde(borrow)]
    customer_locale: Option<Text<'a>>,
    #[serde(borrow)]
    customer: Option<WireCustomer<'a>>,
    #[serde(borrow)]
    line_items: Option<Vec<WireLine<'a>>>,
    #[serde(borrow)]
    subtotal_price: Option<Amount<'a>>,
    #[serde(borrow)]
    subtotal_price_set: Option<MoneySet<'a>>,
    #[serde(borrow)]
    total_shipping_price_set: Option<MoneySet<'a>>,
    #[serde(borrow)]
    total_tax: Option<Amount<'a>>,
    #[serde(borrow)]
    total_tax_set: Option<MoneySet<'a>>,
    #[serde(borrow)]
    total_tip_received: Option<Amount<'a>>,
    #[serde(borrow)]
    total_price: Option<Amount<'a>>,
    #[serde(borrow)]
    total_price_set: Option<MoneySet<'a>>,
    #[serde(borrow)]
    discount_codes: Option<Vec<WireDiscountCode<'a>>>,
}

#[derive(Deserialize)]
struct WireDiscountCode<'a> {
    #[serde(borrow)]
    code: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct WireLine<'a> {
    #[serde(borrow)]
    admin_graphql_api_id: Option<Text<'a>>,
    #[serde(borrow)]
    id: Option<Id<'a>>,
    #[serde(borrow)]
    product_id: Option<Id<'a>>,
    #[serde(borrow)]
    variant_id: Option<Id<'a>>,
    #[serde(borrow)]
    sku: Option<Text<'a>>,
    #[serde(borrow)]
    title: Option<Text<'a>>,
    quantity: Option<u32>,
    current_quantity: Option<u32>,
    gift_card: Option<bool>,
    #[serde(borrow)]
    price: Option<Amount<'a>>,
    #[serde(borrow)]
    price_set: Option<MoneySet<'a>>,
    #[serde(borrow)]
    discount_allocations: Option<Vec<WireAllocation<'a>>>,
    #[serde(borrow)]
    total_discount: Option<Amount<'a>>,
    #[serde(borrow)]
    total_discount_set: Option<MoneySet<'a>>,
    #[serde(borrow)]
    tax_lines: Option<Vec<WireTax<'a>>>,
}

#[derive(Deserialize)]
struct WireAllocation<'a> {
    #[serde(borrow)]
    amount: Option<Amount<'a>>,
    #[serde(borrow)]
    amount_set: Option<MoneySet<'a>>,
}

#[derive(Deserialize)]
struct WireTax<'a> {
    #[serde(borrow)]
    price: Option<Amount<'a>>,
    #[serde(borrow)]
    price_set: Option<MoneySet<'a>>,
}

/// Totals are those of the order as placed and edited; refunds arrive as facts of their own and must not count twice, so
/// the `current_*` totals, from which refunds are taken off, are not read.
pub fn order(body: &[u8], context: &Context) -> Result<Change, Unreadable> {
    let wire: WireOrder<'_> = parse(body)?;
    let currency = currency_or(wire.currency.as_ref(), context.currency)?;
    let required = |field: &'static str, amount: Option<Money>| amount.ok_or_else(|| Problem::Missing.at(field));
    let or_zero = |amount: Option<Money>| amount.unwrap_or(Money::zero(currency));
    let created_at = time("created_at", wire.created_at.as_ref())?;
    let updated_at = time("updated_at", wire.updated_at.as_ref())?.or(created_at).unwrap_or(context.occurred_at);
    let customer = match &wire.customer {
        // The order's snapshot of its customer is as new as the order is.
        Some(customer) => customer.read(updated_at).map_err(|error| error.within("customer"))?,
        None => None,
    };
    let customer = customer.map(|customer| {
        let locale = customer.locale.clone().or_else(|| owned(wire.customer_locale.as_ref()));
        Box::new(crate::domain::Customer { locale, ..customer })
    });
    let email = owned(wire.email.as_ref()).or_else(|| owned(wire.contact_email.as_ref()));
    let (attributes, device) = wire.note_attributes.map(WireAttributes::read).unwrap_or_default();
    let shipping_address = wire.shipping_address.as_ref();
    let order = Order {
        id: required_id("id", "Order", wire.admin_graphql_api_id.as_ref(), wire.id.as_ref())?.into(),
        name: owned(wire.name.as_ref()).unwrap_or_default(),
        customer: customer.as_ref().map(|customer| customer.id.clone()),
        country: shipping_address.and_then(WireAddress::country),
        signals: Placed {
            email: email.as_deref(),
            phone: wire.phone.as_ref().map(Text::as_str),
            ip: wire.browser_ip.as_ref().map(Text::as_str),
            browser: wire.client_details.as_ref(),
            shipping_address,
            device: device.as_deref(),
        }
        .signals(),
        email,
        test: wire.test.unwrap_or(false),
        source: owned(wire.source_name.as_ref()),
        financial_status: owned(wire.financial_status.as_ref()),
        fulfillment_status: owned(wire.fulfillment_status.as_ref()),
        // An imported order was created today and placed long ago: `processed_at` is when it was placed.
        placed_at: time("processed_at", wire.processed_at.as_ref())?.or(created_at).unwrap_or(updated_at),
        cancelled_at: time("cancelled_at", wire.cancelled_at.as_ref())?,
        updated_at,
        taxes_included: wire.taxes_included.unwrap_or(false),
        lines: each("line_items", wire.line_items.as_deref(), |line| line_item(line, currency))?,
        subtotal: required(
            "subtotal_price",
            money("subtotal_price", wire.subtotal_price_set.as_ref(), wire.subtotal_price, currency)?,
        )?,
        shipping: or_zero(money("total_shipping_price", wire.total_shipping_price_set.as_ref(), None, currency)?),
        tax: or_zero(money("total_tax", wire.total_tax_set.as_ref(), wire.total_tax, currency)?),
        tip: or_zero(money("total_tip_received", None, wire.total_tip_received, currency)?),
        total: required(
            "total_price",
            money("total_price", wire.total_price_set.as_ref(), wire.total_price, currency)?,
        )?,
        discount_codes: wire.discount_codes.iter().flatten().filter_map(|code| owned(code.code.as_ref())).collect(),
        attributes,
        tags: wire.tags.unwrap_or_default().0,
    };
    Ok(Change::Order { order: Box::new(order), customer })
}

fn line_item(line: &WireLine<'_>, currency: Currency) -> Result<LineItem, Unreadable> {
    let quantity = line.quantity.ok_or_else(|| Problem::Missing.at("quantity"))?;
    let allocations = line.discount_allocations.as_deref().unwrap_or_default();
    let allocated = sum("discount_allocations", allocations, |part| {
        money("amount", part.amount_set.as_ref(), part.amount, currency)
    })?;
    let discount = match allocated {
        Some(allocated) => Some(allocated),
        None => money("total_discount", line.total_discount_set.as_ref(), line.total_discount, currency)?,
    };
    let tax = sum("tax_lines", line.tax_lines.as_deref().unwrap_or_default(), |tax| {
        money("price", tax.price_set.as_ref(), tax.price, currency)
    })?;
    let unit_price =
        money("price", line.price_set.as_ref(), line.price, currency)?.ok_or_else(|| Problem::Missing.at("price"))?;
    Ok(LineItem {
        id: required_id("id", "LineItem", line.admin_graphql_api_id.as_ref(), line.id.as_ref())?.into(),
        product: id_if_any("Product", None, line.product_id.as_ref()).map(Into::into),
        variant: id_if_any("ProductVariant", None, line.variant_id.as_ref()),
        sku: owned(line.sku.as_ref()),
        title: owned(line.title.as_ref()).unwrap_or_default(),
        quantity,
        current_quantity: line.current_quantity.unwrap_or(quantity),
        gift_card: line.gift_card.unwrap_or(false),
        unit_price,
        discount: discount.unwrap_or(Money::zero(unit_price.currency)),
        tax: tax.unwrap_or(Money::zero(unit_price.currency)),
    })
}

#[derive(Deserialize)]
struct WireEdited<'a> {
    #[serde(borrow)]
    order_edit: Option<WireEdit<'a>>,
}

#[derive(Deserialize)]
struct WireEdit<'a> {
    #[serde(borrow)]
    order_id: Option<Id<'a>>,
    #[serde(borrow)]
    committed_at: Option<Text<'a>>,
    #[serde(borrow)]
    created_at: Option<Text<'a>>,
    #[serde(borrow)]
    line_items: Option<WireEditedLines<'a>>,
    #[serde(borrow)]
    staff_note: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct WireEditedLines<'a> {
    #[serde(borrow)]
    additions: Option<Vec<WireDelta<'a>>>,
    #[serde(borrow)]
    removals: Option<Vec<WireDelta<'a>>>,
}

#[derive(Deserialize)]
struct WireDelta<'a> {
    #[serde(borrow)]
    id: Option<Id<'a>>,
    delta: Option<u32>,
}

/// Whether an edit is a gift that this host has put in.
pub fn is_own_edit(body: &[u8]) -> bool {
    let read = serde_json::from_slice::<WireEdited<'_>>(body).ok().and_then(|read| read.order_edit?.staff_note);
    read.is_some_and(|note| note.as_str().starts_with(STAFF_NOTE))
}

pub fn edit(body: &[u8], context: &Context) -> Result<Change, Unreadable> {
    let wire: WireEdited<'_> = parse(body)?;
    let wire = wire.order_edit.ok_or_else(|| Problem::Missing.at("order_edit"))?;
    let read = || {
        let committed_at = match time("committed_at", wire.committed_at.as_ref())? {
            Some(instant) => instant,
            None => time("created_at", wire.created_at.as_ref())?.unwrap_or(context.occurred_at),
        };
        let lines = wire.line_items.as_ref();
        Ok(OrderEdit {
            order: required_id("order_id", "Order", None, wire.order_id.as_ref())?.into(),
            committed_at,
            added: deltas("line_items.additions", lines.and_then(|lines| lines.additions.as_deref()))?,
            removed: deltas("line_items.removals", lines.and_then(|lines| lines.removals.as_deref()))?,
        })
    };
    read().map(Change::OrderEdit).map_err(|error: Unreadable| error.within("order_edit"))
}

fn deltas(field: &str, deltas: Option<&[WireDelta<'_>]>) -> Result<Vec<(LineItemId, u32)>, Unreadable> {
    each(field, deltas, |delta| {
        let line = required_id("id", "LineItem", None, delta.id.as_ref())?;
        Ok((line.into(), delta.delta.ok_or_else(|| Problem::Missing.at("delta"))?))
    })
}

pub fn deletion(body: &[u8], _: &Context) -> Result<Change, Unreadable> {
    #[derive(Deserialize)]
    struct Deleted<'a> {
        #[serde(borrow)]
        admin_graphql_api_id: Option<Text<'a>>,
        #[serde(borrow)]
        id: Option<Id<'a>>,
    }
    let wire: Deleted<'_> = parse(body)?;
    let id = required_id("id", "Order", wire.admin_graphql_api_id.as_ref(), wire.id.as_ref())?;
    Ok(Change::OrderDeleted(id.into()))
}
