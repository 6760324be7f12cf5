//! Orders.

use serde::Deserialize;

use super::{
    super::{
        goods::Goods,
        orders::{Told, ToldLine, Totals, change},
        person::{Placed, country},
        wire::{birthday, currency_or, decimal, flag, id, required_decimal, required_id, text, time},
    },
    Amount, amount, data, locale, required_amount,
};
use crate::{
    domain::{Change, Customer},
    platform::{
        Context, Problem, Unreadable,
        json::{Loose, each},
    },
};

#[derive(Deserialize)]
struct WireOrder<'a> {
    #[serde(borrow)]
    id: Option<Loose<'a>>,
    #[serde(borrow)]
    number: Option<Loose<'a>>,
    #[serde(borrow)]
    shop: Option<Loose<'a>>,
    #[serde(borrow)]
    state: Option<Loose<'a>>,
    #[serde(borrow)]
    placed_at: Option<Loose<'a>>,
    #[serde(borrow)]
    updated_at: Option<Loose<'a>>,
    #[serde(borrow)]
    base_currency: Option<Loose<'a>>,
    #[serde(borrow)]
    prices_include_tax: Option<Loose<'a>>,
    #[serde(borrow)]
    customer: Option<WireCustomer<'a>>,
    #[serde(borrow)]
    shipping_address: Option<WireAddress<'a>>,
    #[serde(borrow)]
    discount_codes: Option<Vec<Loose<'a>>>,
    #[serde(borrow)]
    totals: Option<WireTotals<'a>>,
    #[serde(borrow)]
    lines: Option<Vec<WireLine<'a>>>,
}

#[derive(Default, Deserialize)]
struct WireCustomer<'a> {
    #[serde(borrow)]
    id: Option<Loose<'a>>,
    #[serde(borrow)]
    email: Option<Loose<'a>>,
    #[serde(borrow)]
    first_name: Option<Loose<'a>>,
    #[serde(borrow)]
    last_name: Option<Loose<'a>>,
    #[serde(borrow)]
    phone: Option<Loose<'a>>,
    #[serde(borrow)]
    birthday: Option<Loose<'a>>,
    #[serde(borrow)]
    ip: Option<Loose<'a>>,
}

#[derive(Default, Deserialize)]
struct WireAddress<'a> {
    #[serde(borrow)]
    country: Option<Loose<'a>>,
    #[serde(borrow)]
    postcode: Option<Loose<'a>>,
    #[serde(borrow)]
    street: Option<Vec<Loose<'a>>>,
}

#[derive(Deserialize)]
struct WireTotals<'a> {
    #[serde(borrow)]
    subtotal: Option<Amount<'a>>,
    #[serde(borrow)]
    shipping: Option<Amount<'a>>,
    #[serde(borrow)]
    tax: Option<Amount<'a>>,
    #[serde(borrow)]
    grand_total: Option<Amount<'a>>,
    #[serde(borrow)]
    paid: Option<Amount<'a>>,
    #[serde(borrow)]
    refunded: Option<Amount<'a>>,
}

#[derive(Deserialize)]
struct WireLine<'a> {
    #[serde(borrow)]
    id: Option<Loose<'a>>,
    #[serde(borrow)]
    product_id: Option<Loose<'a>>,
    #[serde(borrow)]
    product_type: Option<Loose<'a>>,
    #[serde(borrow)]
    variant_id: Option<Loose<'a>>,
    #[serde(borrow)]
    sku: Option<Loose<'a>>,
    #[serde(borrow)]
    title: Option<Loose<'a>>,
    #[serde(borrow)]
    quantity: Option<WireQuantity<'a>>,
    #[serde(borrow)]
    unit_price: Option<Amount<'a>>,
    #[serde(borrow)]
    unit_price_incl_tax: Option<Amount<'a>>,
    #[serde(borrow)]
    discount: Option<Amount<'a>>,
    #[serde(borrow)]
    discount_tax_compensation: Option<Amount<'a>>,
    #[serde(borrow)]
    tax: Option<Amount<'a>>,
}

#[derive(Deserialize)]
struct WireQuantity<'a> {
    #[serde(borrow)]
    ordered: Option<Loose<'a>>,
    #[serde(borrow)]
    shipped: Option<Loose<'a>>,
    #[serde(borrow)]
    refunded: Option<Loose<'a>>,
    #[serde(borrow)]
    canceled: Option<Loose<'a>>,
}

pub fn order(body: &[u8], context: &Context) -> Result<Change, Unreadable> {
    let wire: WireOrder<'_> = data(body)?;
    read(wire, context).map_err(|error| error.within("data"))
}

fn read(wire: WireOrder<'_>, context: &Context) -> Result<Change, Unreadable> {
    let placed_at = time("placed_at", wire.placed_at)?;
    let updated_at = time("updated_at", wire.updated_at)?.or(placed_at).unwrap_or(context.occurred_at);
    let buyer = wire.customer.unwrap_or_default();
    let address = wire.shipping_address.unwrap_or_default();
    let totals = wire.totals.ok_or_else(|| Problem::Missing.at("totals"))?;
    let [email, phone, first, last] = [buyer.email, buyer.phone, buyer.first_name, buyer.last_name].map(text);
    let signals = Placed {
        email: email.as_deref(),
        phones: [phone.as_deref(), None],
        name: [first.as_deref(), last.as_deref()],
        ip: text(buyer.ip).as_deref(),
        country: text(address.country).as_deref(),
        postcode: text(address.postcode).as_deref(),
        street: address.street.iter().flatten().find_map(|line| text(Some(*line))).as_deref(),
    }
    .signals();
    let customer = id(buyer.id).map(|id| Customer {
        email: email.clone(),
        phone,
        first_name: first,
        last_name: last,
        locale: locale(wire.shop),
        birthday: birthday(buyer.birthday),
        updated_at,
        ..Customer::nobody(id.as_str().into())
    });
    let totals = || {
        Ok(Totals {
            subtotal: required_amount("subtotal", totals.subtotal.as_ref())?,
            shipping: amount("shipping", totals.shipping.as_ref())?,
            tax: amount("tax", totals.tax.as_ref())?,
            grand_total: required_amount("grand_total", totals.grand_total.as_ref())?,
            paid: amount("paid", totals.paid.as_ref())?,
            refunded: amount("refunded", totals.refunded.as_ref())?,
        })
    };
    let lines = wire.lines.ok_or_else(|| Problem::Missing.at("lines"))?;
    change(Told {
        id: required_id("id", wire.id)?,
        number: text(wire.number).unwrap_or_default(),
        state: text(wire.state).ok_or_else(|| Problem::Missing.at("state"))?,
        placed_at: placed_at.unwrap_or(updated_at),
        updated_at,
        currency: currency_or("base_currency", wire.base_currency, context.currency)?,
        prices_include_tax: wire.prices_include_tax.map(|value| flag(Some(value))),
        customer,
        email,
        country: country(text(address.country)),
        signals,
        discount_codes: wire.discount_codes.into_iter().flatten().filter_map(|code| text(Some(code))).collect(),
        totals: totals().map_err(|error: Unreadable| error.within("totals"))?,
        lines: each("lines", Some(&lines), line)?,
    })
}

fn line(wire: &WireLine<'_>) -> Result<ToldLine, Unreadable> {
    let quantity = wire.quantity.as_ref().ok_or_else(|| Problem::Missing.at("quantity"))?;
    let units = |field: &str, value| decimal(field, value).map_err(|error| error.within("quantity"));
    Ok(ToldLine {
        id: required_id("id", wire.id)?,
        product: id(wire.product_id),
        variant: id(wire.variant_id),
        sku: text(wire.sku),
        title: text(wire.title).unwrap_or_default(),
        product_type: text(wire.product_type),
        goods: Goods {
            quantity: required_decimal("ordered", quantity.ordered).map_err(|error| error.within("quantity"))?,
            unit_price: required_amount("unit_price", wire.unit_price.as_ref())?,
            unit_price_incl_tax: amount("unit_price_incl_tax", wire.unit_price_incl_tax.as_ref())?,
            discount: amount("discount", wire.discount.as_ref())?,
            compensation: amount("discount_tax_compensation", wire.discount_tax_compensation.as_ref())?,
            tax: amount("tax", wire.tax.as_ref())?,
        },
        shipped: units("shipped", quantity.shipped)?,
        refunded: units("refunded", quantity.refunded)?,
        cancelled: units("canceled", quantity.canceled)?,
    })
}
