//! `discounts`: codes that one customer can use once.

use super::super::{
    bindings::{
        discounts,
        types::{self, Refusal},
    },
    delivery::Delivery,
};
use crate::domain::{EffectKind, Money, NewDiscount, Timestamp};

/// Characters of the code that come from the effect's id: 50 bits.
const CODE_CHARS: usize = 10;

/// Characters of a code's readable beginning.
const PREFIX_CHARS: usize = 12;

impl discounts::Host for Delivery {
    fn create(&mut self, discount: discounts::NewDiscount) -> wasmtime::Result<Result<discounts::Issued, Refusal>> {
        let checked = self.granted("discounts").and_then(|()| self.read_discount(discount));
        let discount = match checked {
            Ok(discount) => discount,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let code = discount.code.clone();
        let queued = self.queue(EffectKind::CreateDiscount(discount), None)?;
        Ok(queued.map(|effect| discounts::Issued { effect: effect.to_string(), code }))
    }
}

impl Delivery {
    fn read_discount(&self, discount: discounts::NewDiscount) -> Result<NewDiscount, Refusal> {
        let prefix = &discount.prefix;
        let allowed = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        if prefix.is_empty() || prefix.len() > PREFIX_CHARS || !prefix.bytes().all(allowed) {
            return Err(Refusal::Invalid(format!("prefix: `{prefix}` is not 1 to {PREFIX_CHARS} of A-Z and 0-9")));
        }
        let value = self.shop_money("value", &discount.value)?;
        if value.minor <= 0 {
            return Err(Refusal::Invalid("value: must be more than nothing".into()));
        }
        let minimum_subtotal =
            discount.minimum_subtotal.map(|money| self.shop_money("minimum-subtotal", &money)).transpose()?;
        let starts_at = self.input.now();
        let ends_at = discount.ends_at.map(Timestamp);
        if ends_at.is_some_and(|end| end <= starts_at) {
            return Err(Refusal::Invalid("ends-at: is already past".into()));
        }
        let unique = self.next_effect_id().as_str()[..CODE_CHARS].to_uppercase();
        Ok(NewDiscount {
            customer: discount.customer_id.into(),
            code: format!("{prefix}-{unique}"),
            value,
            minimum_subtotal,
            starts_at,
            ends_at,
        })
    }

    fn shop_money(&self, argument: &str, money: &types::Money) -> Result<Money, Refusal> {
        let shop = self.input.store.currency;
        if money.currency == shop.code() {
            Ok(Money::new(money.minor, shop))
        } else {
            Err(Refusal::Invalid(format!("{argument}: is in `{}`, not in the shop's {shop}", money.currency)))
        }
    }
}
