//! `gift-cards`: money under a code.

use super::super::{
    answer::{Answer, told},
    bindings::{
        gift_cards,
        types::{self, Refusal},
    },
    delivery::Delivery,
};
use crate::domain::{EffectKind, NewGiftCard};

/// Characters of the code: 80 bits that nobody can guess. Shopify takes 8 to 20 letters and digits.
const CODE_CHARS: usize = 16;

impl gift_cards::Host for Delivery {
    fn create(
        &mut self,
        customer_id: String,
        amount: types::Money,
        ends_at: Option<u64>,
    ) -> wasmtime::Result<Result<gift_cards::Issued, Refusal>> {
        told(self.create_gift_card(customer_id, &amount, ends_at))
    }
}

impl Delivery {
    fn create_gift_card(
        &mut self,
        customer_id: String,
        amount: &types::Money,
        ends_at: Option<u64>,
    ) -> Answer<gift_cards::Issued> {
        self.granted("gift-cards")?;
        let amount = self.positive_money("amount", amount)?;
        let ends_at = self.end_to_come("ends-at", ends_at)?;
        let code = self.next_code(CODE_CHARS);
        let card = NewGiftCard { customer: customer_id.into(), code: code.clone(), amount, ends_at };
        let effect = self.queue(EffectKind::CreateGiftCard(card), None)?.to_string();
        Ok(gift_cards::Issued { effect, code })
    }
}
