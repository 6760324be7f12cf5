//! Where in a body the entity is that it tells of: each sender wraps it in another way.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::Value;

use crate::platform::{
    Problem, Unreadable,
    json::{Loose, parse},
};

/// Names under which a Commerce webhook's data holds the entity.
#[derive(Deserialize)]
struct Data<'a> {
    /// Of an I/O event.
    #[serde(borrow)]
    value: Option<Loose<'a>>,
    #[serde(borrow)]
    order: Option<Loose<'a>>,
    #[serde(borrow)]
    creditmemo: Option<Loose<'a>>,
    #[serde(borrow)]
    shipment: Option<Loose<'a>>,
    #[serde(borrow)]
    track: Option<Loose<'a>>,
    #[serde(borrow)]
    customer: Option<Loose<'a>>,
    #[serde(borrow)]
    subscriber: Option<Loose<'a>>,
    #[serde(borrow)]
    quote: Option<Loose<'a>>,
    #[serde(borrow)]
    product: Option<Loose<'a>>,
    #[serde(borrow)]
    data_object: Option<Loose<'a>>,
}

/// The entity's own JSON with the path to it; a body that wraps nothing is the entity, as REST answers it.
///
/// `named` is what a Commerce webhook of this entity calls it: an entity may hold others under the other names.
pub fn entity<'a>(body: &'a [u8], named: &str) -> Result<(&'static str, &'a str), Unreadable> {
    #[derive(Deserialize)]
    struct Wrapped<'a> {
        #[serde(borrow)]
        data: Option<Loose<'a>>,
    }
    let text = std::str::from_utf8(body).map_err(|error| Problem::shape(error).at("."))?;
    let wrapped: Wrapped<'_> = parse(body)?;
    let Some(data) = object(wrapped.data) else { return Ok((".", text)) };
    let Data { value, order, creditmemo, shipment, track, customer, subscriber, quote, product, data_object } =
        parse(data.as_bytes()).map_err(|error| error.within("data"))?;
    if let Some(value) = object(value) {
        return Ok(("data.value", value));
    }
    let names = [
        ("order", "data.order", order),
        ("creditmemo", "data.creditmemo", creditmemo),
        ("shipment", "data.shipment", shipment),
        ("track", "data.track", track),
        ("customer", "data.customer", customer),
        ("subscriber", "data.subscriber", subscriber),
        ("quote", "data.quote", quote),
        ("product", "data.product", product),
    ];
    let own = names.into_iter().find(|(name, ..)| *name == named);
    let found = own.and_then(|(_, path, value)| Some((path, object(value)?)));
    let found = found.or_else(|| Some(("data.data_object", object(data_object)?)));
    Ok(found.unwrap_or(("data", data)))
}

fn object(value: Option<Loose<'_>>) -> Option<&str> {
    value.map(Loose::raw).filter(|json| json.starts_with('{'))
}

/// A body of one of our templates for modules that escape nothing: every value in it is encoded as in a URL, so that no text
/// can end another.
pub fn decoded(body: &[u8]) -> Result<Vec<u8>, Unreadable> {
    let text = std::str::from_utf8(body).map_err(|error| Problem::shape(error).at("."))?;
    let mut body: Value = serde_json::from_str(text).map_err(|error| Problem::shape(error).at("."))?;
    decode(&mut body);
    Ok(body.to_string().into_bytes())
}

fn decode(value: &mut Value) {
    match value {
        Value::String(text) => {
            let spaced = text.replace('+', " ");
            if let Cow::Owned(decoded) = percent_decode_str(&spaced).decode_utf8_lossy() {
                *text = decoded;
            } else {
                *text = spaced;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(decode),
        Value::Object(fields) => fields.values_mut().for_each(decode),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
