//! `store-credit`: what customers can pay with.

use super::super::{
    answer::{Answer, told},
    bindings::{
        store_credit,
        types::{self, Refusal},
    },
    delivery::Delivery,
};
use crate::domain::{EffectKind, Money, StoreCredit};

impl store_credit::Host for Delivery {
    fn credit(
        &mut self,
        customer_id: String,
        amount: types::Money,
        expires_at: Option<u64>,
    ) -> wasmtime::Result<Result<String, Refusal>> {
        told(self.change_credit(customer_id, &amount, 1, expires_at))
    }

    fn debit(&mut self, customer_id: String, amount: types::Money) -> wasmtime::Result<Result<String, Refusal>> {
        told(self.change_credit(customer_id, &amount, -1, None))
    }
}

impl Delivery {
    fn change_credit(
        &mut self,
        customer_id: String,
        amount: &types::Money,
        sign: i64,
        expires_at: Option<u64>,
    ) -> Answer<String> {
        self.granted("store-credit")?;
        let amount = self.positive_money("amount", amount)?;
        let expires_at = self.end_to_come("expires-at", expires_at)?;
        let amount = Money::new(sign * amount.minor, amount.currency);
        let change = StoreCredit { customer: customer_id.into(), amount, expires_at };
        Ok(self.queue(EffectKind::StoreCredit(change), None)?.to_string())
    }
}
