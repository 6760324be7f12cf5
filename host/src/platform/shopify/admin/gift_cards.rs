//! Gift cards: made once by their code, which follows from the effect, and told from others' by their note.
//!
//! Shopify writes codes in lower case, whatever the case in which they are typed.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{AdminClient, gid, no_data, transient};
use crate::{
    domain::{EffectId, NewGiftCard, Timestamp},
    platform::{Failure, Receipt, marks::title_of},
};

const CREATE_GIFT_CARD: &str = include_str!("../documents/create_gift_card.graphql");
const GIFT_CARDS: &str = include_str!("../documents/gift_cards.graphql");

impl AdminClient {
    /// Creates a gift card, or finds that an earlier try of the same effect created it.
    pub async fn create_gift_card(&self, effect: &EffectId, card: &NewGiftCard) -> Result<Receipt, Failure> {
        let note = title_of(effect);
        let created = self.mutate::<Created>(CREATE_GIFT_CARD, json!({ "card": card_input(&note, card) })).await?;
        if created.user_errors.say_taken() {
            return self.find_gift_card(&note, &card.code).await;
        }
        Ok(Receipt(created.into_result()?.card.ok_or_else(no_data)?.id))
    }

    /// No card's code can be read, but cards can be searched by it.
    async fn find_gift_card(&self, note: &str, code: &str) -> Result<Receipt, Failure> {
        let found: Listed =
            self.ask(GIFT_CARDS, json!({ "search": code.to_lowercase() })).await?.ok_or_else(no_data)?;
        let own = found.nodes.into_iter().find(|card| card.note.as_deref() == Some(note));
        // Shopify's search trails its writes.
        own.map(|card| Receipt(card.id)).ok_or_else(|| {
            transient("the code of the gift card is taken, and no card of this effect can be found by it yet")
        })
    }
}

/// What makes a card. Shopify knows the last day of a card alone: the whole day, by its own shop's clock, counts.
pub(super) fn card_input(note: &str, card: &NewGiftCard) -> Value {
    json!({
        "code": card.code.to_lowercase(),
        "customerId": gid("Customer", card.customer.as_str()),
        "initialAmount": { "amount": card.amount.decimal(), "currencyCode": card.amount.currency.code() },
        "expiresOn": card.ends_at.map(day_of),
        "note": note,
    })
}

fn day_of(instant: Timestamp) -> String {
    instant.to_string().chars().take("2026-10-31".len()).collect()
}

#[derive(Deserialize)]
struct Created {
    #[serde(rename = "giftCard")]
    card: Option<Card>,
}

#[derive(Deserialize)]
struct Card {
    id: String,
    note: Option<String>,
}

#[derive(Deserialize)]
struct Listed {
    nodes: Vec<Card>,
}
