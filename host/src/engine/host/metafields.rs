//! `metafields`: values that a plugin shows on a customer at the platform.

use super::super::{
    answer::{Answer, invalid, told},
    bindings::{metafields, types::Refusal},
    checks::check_id,
    delivery::Delivery,
    limits,
};
use crate::domain::{CustomerId, EffectKind, Metafield};

impl metafields::Host for Delivery {
    fn set(
        &mut self,
        customer_id: String,
        key: String,
        kind: String,
        value: String,
    ) -> wasmtime::Result<Result<String, Refusal>> {
        told(self.set_metafield(customer_id, key, kind, value))
    }
}

impl Delivery {
    fn set_metafield(&mut self, customer_id: String, key: String, kind: String, value: String) -> Answer<String> {
        self.granted("metafields")?;
        check_id("customer-id", &customer_id)?;
        check_key(&key)?;
        check_value(&kind, &value)?;
        let customer = self.left_of(CustomerId::from(customer_id))?;
        let plugin = self.input.plugin.name.clone();
        let change = EffectKind::SetMetafield(Metafield { customer, plugin, key, kind, value });
        Ok(self.queue_change_of_value(change)?.to_string())
    }
}

/// Shopify takes 3 to 64 letters, digits, hyphens and underscores for a key; Magento no hyphens and no capitals.
fn check_key(key: &str) -> Result<(), Refusal> {
    let (least, most) = limits::METAFIELD_KEY_CHARS;
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    match (least..=most).contains(&key.len()) && key.bytes().all(is_allowed) {
        true => Ok(()),
        false => Err(invalid(format!("key: `{key}` is not {least} to {most} of a-z, 0-9 and _"))),
    }
}

fn check_value(kind: &str, value: &str) -> Result<(), Refusal> {
    if value.len() > limits::METAFIELD_VALUE_BYTES as usize {
        return Err(Refusal::OverLimit(limits::METAFIELD_VALUE_BYTES));
    }
    let fits = match kind {
        "integer" => value.parse::<i64>().is_ok(),
        "text" => !value.is_empty() && !value.contains(char::is_control),
        "date" => value.parse::<jiff::civil::Date>().is_ok_and(|date| date.to_string() == value),
        "json" => serde_json::from_str::<serde::de::IgnoredAny>(value).is_ok(),
        _ => return Err(invalid(format!("kind: `{kind}` is not integer, text, date or json"))),
    };
    if fits { Ok(()) } else { Err(invalid(format!("value: is no {kind}"))) }
}
