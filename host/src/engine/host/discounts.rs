//! `discounts`: codes, what they are worth, and their end.

use super::super::{
    answer::{Answer, invalid, told},
    bindings::{
        discounts::{self, Issued, Standing, Terms},
        types::{self, Refusal},
    },
    checks::{can_be_id, check_id},
    delivery::Delivery,
    limits,
};
use crate::{
    domain::{Benefit, DiscountEnd, Effect, EffectId, EffectKind, NewDiscount, Timestamp},
    store::{codes, keys},
};

/// Characters of the code behind its readable beginning: 50 bits that nobody can guess.
const CODE_CHARS: usize = 10;

/// Characters of a code's readable beginning.
const PREFIX_CHARS: usize = 12;

/// All of a price, in hundredths of a percent.
const WHOLE: u32 = 10_000;

impl discounts::Host for Delivery {
    fn create_amount(&mut self, terms: Terms, value: types::Money) -> wasmtime::Result<Result<Issued, Refusal>> {
        let value = self.positive_money("value", &value);
        told(value.map_err(Into::into).and_then(|value| self.create_discount(terms, Benefit::Amount(value))))
    }

    fn create_percentage(&mut self, terms: Terms, basis_points: u32) -> wasmtime::Result<Result<Issued, Refusal>> {
        told(match basis_points {
            1..=WHOLE => self.create_discount(terms, Benefit::BasisPoints(basis_points)),
            _ => Err(invalid(format!("basis-points: {basis_points} is not 1 to {WHOLE}")).into()),
        })
    }

    fn create_free_shipping(&mut self, terms: Terms) -> wasmtime::Result<Result<Issued, Refusal>> {
        told(self.create_discount(terms, Benefit::FreeShipping))
    }

    fn create_free_product(&mut self, terms: Terms) -> wasmtime::Result<Result<Issued, Refusal>> {
        told(match terms.products.is_empty() {
            true => Err(invalid("products: there is none to be free").into()),
            false => self.create_discount(terms, Benefit::FreeProduct),
        })
    }

    fn disable(&mut self, code_effect: String) -> wasmtime::Result<Result<String, Refusal>> {
        told(self.disable_code(&code_effect))
    }

    fn get_standing(&mut self, code_effect: String) -> wasmtime::Result<Option<Standing>> {
        if self.granted("discounts").is_err() {
            return Ok(None);
        }
        let Some(making) = self.own_effect(&code_effect)? else { return Ok(None) };
        let EffectKind::CreateDiscount(discount) = &making.kind else { return Ok(None) };
        self.count_read(0)?;
        let standing = codes::standing(&mut self.transaction, self.input.store.id, &making, self.input.now())?;
        let told = |standing: codes::CodeStanding| Standing {
            code: discount.code.clone(),
            status: standing.status.word().into(),
            used: standing.used,
        };
        Ok(standing.map(told))
    }

    fn effect_of(&mut self, code: String) -> wasmtime::Result<Option<String>> {
        if self.granted("discounts").is_err() || !can_be_id(&code) {
            return Ok(None);
        }
        self.count_read(0)?;
        let Some(effect) = codes::made_by(&mut self.transaction, self.input.store.id, &code)? else { return Ok(None) };
        Ok(self.own_effect(effect.as_str())?.map(|effect| effect.id.to_string()))
    }
}

impl Delivery {
    fn create_discount(&mut self, terms: Terms, benefit: Benefit) -> Answer<Issued> {
        self.granted("discounts")?;
        let discount = self.read_terms(terms, benefit)?;
        let weaker = self.weaker_offers(&discount)?;
        let store = self.store_id();
        let (code, offered_to) = (discount.code.clone(), discount.customer.clone().filter(|_| discount.offer));
        let effect = self.queue(EffectKind::CreateDiscount(discount), None)?;
        self.transaction.put(keys::code(store, &codes::lookup(&code)), &effect);
        if let Some(customer) = offered_to {
            let holder = self.left_of(customer)?;
            self.transaction.put_bytes(keys::offer(store, &holder, &effect), Vec::new());
        }
        for making in weaker {
            self.end_offer(&making)?;
        }
        Ok(Issued { effect: effect.to_string(), code })
    }

    fn read_terms(&self, terms: Terms, benefit: Benefit) -> Result<NewDiscount, Refusal> {
        let prefix = &terms.prefix;
        let is_allowed = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        if !(1..=PREFIX_CHARS).contains(&prefix.len()) || !prefix.bytes().all(is_allowed) {
            return Err(invalid(format!("prefix: `{prefix}` is not 1 to {PREFIX_CHARS} of A-Z and 0-9")));
        }
        if let Some(customer) = &terms.customer_id {
            check_id("customer-id", customer)?;
        }
        check_ids("collections", &terms.collections)?;
        check_ids("products", &terms.products)?;
        match (terms.collections.is_empty(), terms.products.is_empty()) {
            (false, false) => {
                return Err(invalid("collections: a code is for collections or for products, not for both"));
            }
            (false, _) | (_, false) if benefit == Benefit::FreeShipping => {
                return Err(invalid("collections, products: free shipping is for whole orders"));
            }
            _ => {}
        }
        if terms.uses == Some(0) {
            return Err(invalid("uses: a code that nobody can use"));
        }
        let minimum = terms.minimum_subtotal.map(|money| self.shop_money("minimum-subtotal", &money)).transpose()?;
        if minimum.is_some_and(|minimum| minimum.minor < 0) {
            return Err(invalid("minimum-subtotal: is less than nothing"));
        }
        let now = self.input.now();
        let starts_at = terms.starts_at.map_or(now, Timestamp);
        let ends_at = self.end_to_come("ends-at", terms.ends_at)?;
        if ends_at.is_some_and(|end| end <= starts_at) {
            return Err(invalid("ends-at: is not after the beginning"));
        }
        let unique = self.next_code(CODE_CHARS);
        Ok(NewDiscount {
            customer: terms.customer_id.map(Into::into),
            code: format!("{prefix}-{unique}"),
            benefit,
            minimum_subtotal: minimum.filter(|minimum| minimum.minor > 0),
            collections: terms.collections,
            products: terms.products.into_iter().map(Into::into).collect(),
            starts_at,
            ends_at,
            uses: terms.uses,
            once_per_customer: terms.once_per_customer,
            combines: terms.combines,
            offer: terms.offer,
        })
    }

    /// Queues the end of a code of the plugin's, or finds the one that is queued or done.
    fn disable_code(&mut self, code_effect: &str) -> Answer<String> {
        self.granted("discounts")?;
        let (Some(making), store) = (self.own_effect(code_effect)?, self.store_id()) else {
            return Err(no_code(code_effect).into());
        };
        let EffectKind::CreateDiscount(discount) = &making.kind else { return Err(no_code(code_effect).into()) };
        self.count_read(0)?;
        if let Some(end) = codes::end_of(&mut self.transaction, store, &making.id)? {
            // A repeat of the delivery that queued it goes on with the same ids as the first run.
            self.queued += 1;
            return Ok(end.id.to_string());
        }
        let end = DiscountEnd { made_by: making.id.clone(), code: discount.code.clone() };
        let end = self.queue(EffectKind::DisableDiscount(end), None)?;
        self.ends(&making, &end)?;
        Ok(end.to_string())
    }

    /// Notes which effect ends a code, and takes the code's making back if that has not begun.
    pub(in super::super) fn ends(&mut self, making: &Effect, end: &EffectId) -> Answer<()> {
        self.transaction.put(keys::code_end(self.store_id(), &making.id), end);
        self.take_back(making, "its code was disabled before it was made")?;
        Ok(())
    }
}

fn no_code(effect: &str) -> Refusal {
    invalid(format!("code-effect: `{effect}` has made no code of this plugin's"))
}

fn check_ids(argument: &str, ids: &[String]) -> Result<(), Refusal> {
    if ids.len() > limits::DISCOUNT_IDS as usize {
        return Err(Refusal::OverLimit(limits::DISCOUNT_IDS));
    }
    ids.iter().try_for_each(|id| check_id(argument, id))
}
