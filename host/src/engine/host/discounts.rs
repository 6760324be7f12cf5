//! `discounts`: codes, what they are worth, and their end.

use super::super::{
    answer::{Answer, invalid, told},
    bindings::{
        discounts::{self, Issued, IssuedMany, Standing, Terms},
        types::{self, Refusal},
    },
    checks::{can_be_id, check_id},
    delivery::Delivery,
    limits,
};
use crate::{
    domain::{Benefit, DiscountBatch, DiscountEnd, Effect, EffectId, EffectKind, NewDiscount, Timestamp},
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
        let benefit = self.amount_off(&value);
        told(benefit.and_then(|benefit| self.create_discount(terms, benefit)))
    }

    fn create_percentage(&mut self, terms: Terms, basis_points: u32) -> wasmtime::Result<Result<Issued, Refusal>> {
        told(share_off(basis_points).and_then(|benefit| self.create_discount(terms, benefit)))
    }

    fn create_free_shipping(&mut self, terms: Terms) -> wasmtime::Result<Result<Issued, Refusal>> {
        told(self.create_discount(terms, Benefit::FreeShipping))
    }

    fn create_free_product(&mut self, terms: Terms) -> wasmtime::Result<Result<Issued, Refusal>> {
        told(free_product(&terms).and_then(|benefit| self.create_discount(terms, benefit)))
    }

    fn create_many_amount(
        &mut self,
        terms: Terms,
        value: types::Money,
        count: u32,
    ) -> wasmtime::Result<Result<IssuedMany, Refusal>> {
        let benefit = self.amount_off(&value);
        told(benefit.and_then(|benefit| self.create_discounts(terms, benefit, count)))
    }

    fn create_many_percentage(
        &mut self,
        terms: Terms,
        basis_points: u32,
        count: u32,
    ) -> wasmtime::Result<Result<IssuedMany, Refusal>> {
        told(share_off(basis_points).and_then(|benefit| self.create_discounts(terms, benefit, count)))
    }

    fn create_many_free_shipping(&mut self, terms: Terms, count: u32) -> wasmtime::Result<Result<IssuedMany, Refusal>> {
        told(self.create_discounts(terms, Benefit::FreeShipping, count))
    }

    fn create_many_free_product(&mut self, terms: Terms, count: u32) -> wasmtime::Result<Result<IssuedMany, Refusal>> {
        told(free_product(&terms).and_then(|benefit| self.create_discounts(terms, benefit, count)))
    }

    fn disable(&mut self, code_effect: String) -> wasmtime::Result<Result<String, Refusal>> {
        told(self.disable_code(&code_effect))
    }

    fn get_standing(&mut self, code_effect: String) -> wasmtime::Result<Option<Standing>> {
        if self.granted("discounts").is_err() {
            return Ok(None);
        }
        let Some(making) = self.own_effect(&code_effect)? else { return Ok(None) };
        let Some(discount) = making.kind.terms() else { return Ok(None) };
        for _ in making.kind.codes() {
            self.count_read(0)?;
        }
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
    fn amount_off(&self, value: &types::Money) -> Answer<Benefit> {
        Ok(Benefit::Amount(self.positive_money("value", value)?))
    }

    fn create_discount(&mut self, terms: Terms, benefit: Benefit) -> Answer<Issued> {
        self.granted("discounts")?;
        let unique = self.next_code(CODE_CHARS);
        let discount = self.read_terms(terms, benefit, &unique)?;
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

    fn create_discounts(&mut self, terms: Terms, benefit: Benefit, count: u32) -> Answer<IssuedMany> {
        self.granted("discounts")?;
        check_many(&terms, count)?;
        let (prefix, store) = (terms.prefix.clone(), self.store_id());
        let first = self.read_terms(terms, benefit, &self.next_numbered_code(0, CODE_CHARS))?;
        let others = (1..count).map(|number| format!("{prefix}-{}", self.next_numbered_code(number, CODE_CHARS)));
        let kind = EffectKind::CreateDiscounts(DiscountBatch { first, others: others.collect() });
        let codes: Vec<_> = kind.codes().map(str::to_owned).collect();
        let rows: Vec<_> = codes.iter().map(|code| keys::code(store, &codes::lookup(code))).collect();
        self.count_written(codes.iter().map(|code| code.len() + self.next_effect_id().as_str().len()).sum())?;
        let effect = self.queue(kind, None)?;
        for row in rows {
            self.transaction.put(row, &effect);
        }
        Ok(IssuedMany { effect: effect.to_string(), codes })
    }

    fn read_terms(&self, terms: Terms, benefit: Benefit, unique: &str) -> Result<NewDiscount, Refusal> {
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
        let Some(discount) = making.kind.terms() else { return Err(no_code(code_effect).into()) };
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

fn share_off(basis_points: u32) -> Answer<Benefit> {
    match basis_points {
        1..=WHOLE => Ok(Benefit::BasisPoints(basis_points)),
        _ => Err(invalid(format!("basis-points: {basis_points} is not 1 to {WHOLE}")).into()),
    }
}

fn free_product(terms: &Terms) -> Answer<Benefit> {
    match terms.products.is_empty() {
        true => Err(invalid("products: there is none to be free").into()),
        false => Ok(Benefit::FreeProduct),
    }
}

/// Refuses what many codes at once cannot be.
fn check_many(terms: &Terms, count: u32) -> Result<(), Refusal> {
    match count {
        0 => return Err(invalid("count: there are none")),
        1..=limits::CODES_AT_ONCE => {}
        _ => return Err(Refusal::OverLimit(limits::CODES_AT_ONCE)),
    }
    if terms.customer_id.is_some() {
        return Err(invalid("customer-id: many codes are for whoever has one of them"));
    }
    if terms.uses != Some(1) {
        return Err(invalid("uses: each of many codes is for one use"));
    }
    if terms.offer {
        return Err(invalid("offer: many codes are nobody's, and nobody's offer"));
    }
    Ok(())
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
