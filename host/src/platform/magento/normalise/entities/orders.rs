//! Orders.

use std::collections::HashMap;

use serde::Deserialize;

use super::super::{
    goods::Goods,
    orders::{Told, ToldLine, Totals, change},
    person::{Placed, country},
    wire::{birthday, currency_or, decimal, decimal_if_any, flag, id, required_decimal, required_id, text, time},
};
use crate::{
    domain::{Change, Customer},
    platform::{
        Context, Problem, Unreadable,
        json::{Loose, parse},
    },
};

#[derive(Deserialize)]
struct WireOrder<'a> {
    #[serde(borrow)]
    entity_id: Option<Loose<'a>>,
    #[serde(borrow)]
    increment_id: Option<Loose<'a>>,
    #[serde(borrow)]
    state: Option<Loose<'a>>,
    #[serde(borrow)]
    created_at: Option<Loose<'a>>,
    #[serde(borrow)]
    updated_at: Option<Loose<'a>>,
    #[serde(borrow)]
    base_currency_code: Option<Loose<'a>>,
    #[serde(borrow)]
    customer_id: Option<Loose<'a>>,
    #[serde(borrow)]
    customer_is_guest: Option<Loose<'a>>,
    #[serde(borrow)]
    customer_email: Option<Loose<'a>>,
    #[serde(borrow)]
    customer_firstname: Option<Loose<'a>>,
    #[serde(borrow)]
    customer_lastname: Option<Loose<'a>>,
    #[serde(borrow)]
    customer_dob: Option<Loose<'a>>,
    #[serde(borrow)]
    remote_ip: Option<Loose<'a>>,
    #[serde(borrow)]
    coupon_code: Option<Loose<'a>>,
    #[serde(borrow)]
    base_subtotal: Option<Loose<'a>>,
    #[serde(borrow)]
    base_shipping_amount: Option<Loose<'a>>,
    #[serde(borrow)]
    base_tax_amount: Option<Loose<'a>>,
    #[serde(borrow)]
    base_grand_total: Option<Loose<'a>>,
    #[serde(borrow)]
    base_total_paid: Option<Loose<'a>>,
    #[serde(borrow)]
    base_total_refunded: Option<Loose<'a>>,
    #[serde(borrow)]
    items: Option<Vec<WireItem<'a>>>,
    #[serde(borrow)]
    billing_address: Option<Loose<'a>>,
    #[serde(borrow)]
    shipping_address: Option<Loose<'a>>,
    #[serde(borrow)]
    extension_attributes: Option<Loose<'a>>,
    /// An I/O event holds it where the subscription asks for it.
    #[serde(borrow, rename = "_isNew")]
    is_new: Option<Loose<'a>>,
}

#[derive(Deserialize)]
struct WireItem<'a> {
    #[serde(borrow)]
    item_id: Option<Loose<'a>>,
    #[serde(borrow)]
    parent_item_id: Option<Loose<'a>>,
    #[serde(borrow)]
    product_id: Option<Loose<'a>>,
    #[serde(borrow)]
    product_type: Option<Loose<'a>>,
    #[serde(borrow)]
    sku: Option<Loose<'a>>,
    #[serde(borrow)]
    name: Option<Loose<'a>>,
    #[serde(borrow)]
    qty_ordered: Option<Loose<'a>>,
    #[serde(borrow)]
    qty_shipped: Option<Loose<'a>>,
    #[serde(borrow)]
    qty_refunded: Option<Loose<'a>>,
    #[serde(borrow)]
    qty_canceled: Option<Loose<'a>>,
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
}

#[derive(Default, Deserialize)]
struct WireAddress<'a> {
    #[serde(borrow)]
    firstname: Option<Loose<'a>>,
    #[serde(borrow)]
    lastname: Option<Loose<'a>>,
    #[serde(borrow)]
    telephone: Option<Loose<'a>>,
    #[serde(borrow)]
    postcode: Option<Loose<'a>>,
    #[serde(borrow)]
    country_id: Option<Loose<'a>>,
    #[serde(borrow)]
    street: Option<Loose<'a>>,
}

impl WireAddress<'_> {
    /// The first line. REST lists lines, dumps break them.
    fn street(&self) -> Option<String> {
        let listed: Option<Vec<String>> = self.street.and_then(Loose::read);
        let lines = listed.map(|lines| lines.join("\n")).or_else(|| text(self.street))?;
        lines.lines().next().map(str::to_owned)
    }
}

/// Where an order goes. REST holds it in the first shipping assignment; an order that is not shipped has none there.
fn shipping_address<'a>(order: &WireOrder<'a>) -> Option<WireAddress<'a>> {
    #[derive(Deserialize)]
    struct Attributes<'a> {
        #[serde(borrow)]
        shipping_assignments: Vec<Assignment<'a>>,
    }
    #[derive(Deserialize)]
    struct Assignment<'a> {
        #[serde(borrow)]
        shipping: Option<Shipping<'a>>,
    }
    #[derive(Deserialize)]
    struct Shipping<'a> {
        #[serde(borrow)]
        address: Option<WireAddress<'a>>,
    }
    let assigned = order.extension_attributes.and_then(Loose::read::<Attributes<'_>>);
    let assigned = assigned.and_then(|attributes| attributes.shipping_assignments.into_iter().next());
    let assigned = assigned.and_then(|assignment| assignment.shipping?.address);
    assigned.or_else(|| order.shipping_address?.read())
}

/// Reads an order, with whether it says that its save is its first.
pub fn order(body: &str, context: &Context) -> Result<(bool, Change), Unreadable> {
    let wire: WireOrder<'_> = parse(body.as_bytes())?;
    let created_at = time("created_at", wire.created_at)?;
    let updated_at = time("updated_at", wire.updated_at)?.or(created_at).unwrap_or(context.occurred_at);
    let billing: WireAddress<'_> = wire.billing_address.and_then(Loose::read).unwrap_or_default();
    let shipping = shipping_address(&wire);
    let email = text(wire.customer_email);
    // A guest's name may stand in the billing address alone.
    let first_name = text(wire.customer_firstname).or_else(|| text(billing.firstname));
    let last_name = text(wire.customer_lastname).or_else(|| text(billing.lastname));
    let customer = id(wire.customer_id).filter(|_| !flag(wire.customer_is_guest)).map(|id| Customer {
        email: email.clone(),
        phone: text(billing.telephone),
        first_name: first_name.clone(),
        last_name: last_name.clone(),
        birthday: birthday(wire.customer_dob),
        updated_at,
        ..Customer::nobody(id.as_str().into())
    });
    let signals = {
        let shipping = shipping.as_ref();
        let of = |field: fn(&WireAddress<'_>) -> Option<String>| shipping.and_then(field);
        let (first, last) = (of(|it| text(it.firstname)).or(first_name), of(|it| text(it.lastname)).or(last_name));
        let [phone, other_phone] = [text(billing.telephone), of(|it| text(it.telephone))];
        Placed {
            email: email.as_deref(),
            phones: [phone.as_deref(), other_phone.as_deref()],
            name: [first.as_deref(), last.as_deref()],
            ip: text(wire.remote_ip).as_deref(),
            country: of(|it| text(it.country_id)).as_deref(),
            postcode: of(|it| text(it.postcode)).as_deref(),
            street: of(|it| it.street()).as_deref(),
        }
        .signals()
    };
    let told = Told {
        id: required_id("entity_id", wire.entity_id)?,
        number: text(wire.increment_id).unwrap_or_default(),
        state: text(wire.state).ok_or_else(|| Problem::Missing.at("state"))?,
        placed_at: created_at.unwrap_or(updated_at),
        updated_at,
        currency: currency_or("base_currency_code", wire.base_currency_code, context.currency)?,
        prices_include_tax: None,
        customer,
        email,
        country: shipping.and_then(|address| country(text(address.country_id))),
        signals,
        discount_codes: text(wire.coupon_code).into_iter().collect(),
        totals: Totals {
            subtotal: required_decimal("base_subtotal", wire.base_subtotal)?,
            shipping: decimal("base_shipping_amount", wire.base_shipping_amount)?,
            tax: decimal("base_tax_amount", wire.base_tax_amount)?,
            grand_total: required_decimal("base_grand_total", wire.base_grand_total)?,
            paid: decimal("base_total_paid", wire.base_total_paid)?,
            refunded: decimal("base_total_refunded", wire.base_total_refunded)?,
        },
        lines: lines(wire.items.as_deref().ok_or_else(|| Problem::Missing.at("items"))?)?,
    };
    Ok((flag(wire.is_new), change(told)?))
}

/// Items without a parent, each with what its children carry.
fn lines(items: &[WireItem<'_>]) -> Result<Vec<ToldLine>, Unreadable> {
    let mut children: HashMap<String, Vec<(&WireItem<'_>, Goods)>> = HashMap::new();
    let mut parents = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let goods = goods(item).map_err(|error| error.within_item("items", index))?;
        match id(item.parent_item_id) {
            Some(parent) => children.entry(parent).or_default().push((item, goods)),
            None => parents.push((index, item, goods)),
        }
    }
    let line = |(index, item, goods): (usize, &WireItem<'_>, Goods)| {
        let within = |error: Unreadable| error.within_item("items", index);
        let id_of = required_id("item_id", item.item_id).map_err(within)?;
        let own = children.get(&id_of).map(Vec::as_slice).unwrap_or_default();
        let quantity = |field: &str, value| decimal(field, value).map_err(within);
        let product_type = text(item.product_type);
        // The child of a configurable product is what was chosen.
        let chosen = own.first().filter(|_| product_type.as_deref() == Some("configurable"));
        Ok(ToldLine {
            product: id(item.product_id),
            variant: chosen.and_then(|(child, _)| id(child.product_id)),
            sku: text(item.sku),
            title: text(item.name).unwrap_or_default(),
            product_type,
            goods: goods.with_children(&own.iter().map(|(_, goods)| *goods).collect::<Vec<_>>()),
            shipped: quantity("qty_shipped", item.qty_shipped)?,
            refunded: quantity("qty_refunded", item.qty_refunded)?,
            cancelled: quantity("qty_canceled", item.qty_canceled)?,
            id: id_of,
        })
    };
    parents.into_iter().map(line).collect()
}

fn goods(item: &WireItem<'_>) -> Result<Goods, Unreadable> {
    Ok(Goods {
        quantity: required_decimal("qty_ordered", item.qty_ordered)?,
        unit_price: required_decimal("base_price", item.base_price)?,
        unit_price_incl_tax: decimal_if_any("base_price_incl_tax", item.base_price_incl_tax)?.unwrap_or_default(),
        // Below zero on orders and above on items, in most versions.
        discount: decimal("base_discount_amount", item.base_discount_amount)?.abs(),
        compensation: decimal("base_discount_tax_compensation_amount", item.base_discount_tax_compensation_amount)?,
        tax: decimal("base_tax_amount", item.base_tax_amount)?,
    })
}
