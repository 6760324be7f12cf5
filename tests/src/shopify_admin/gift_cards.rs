//! Gift cards of the simulated shop: made once for each code.

use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Value, json};

use super::shop::{Amount, Answer, MoneyInput, connection, declined, read};

/// A gift card that the shop has made.
#[derive(Clone, Debug, PartialEq)]
pub struct GiftCard {
    /// `gid://shopify/GiftCard/...`
    pub id: String,
    pub code: String,
    pub customer: Option<String>,
    pub amount: Amount,
    pub expires_on: Option<Date>,
    pub note: Option<String>,
}

impl GiftCard {
    /// An object of the schema's type `GiftCard`: without its code, which nobody can read again.
    fn to_json(&self) -> Value {
        json!({
            "__typename": "GiftCard",
            "id": self.id,
            "note": self.note,
            "lastCharacters": &self.code[self.code.len() - 4..],
            "initialValue": self.amount.to_json(),
            "balance": self.amount.to_json(),
            "expiresOn": self.expires_on.map(|date| date.to_string()),
            "customer": self.customer.as_ref().map(|id| json!({"__typename": "Customer", "id": id})),
        })
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct GiftCards(pub(super) Vec<GiftCard>);

impl GiftCards {
    pub(super) fn create(&mut self, args: Value) -> Answer {
        #[derive(Deserialize)]
        struct Args {
            input: Input,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Input {
            code: Option<String>,
            customer_id: Option<String>,
            initial_amount: Option<MoneyInput>,
            expires_on: Option<Date>,
            note: Option<String>,
        }
        let input = read::<Args>(args)?.input;
        let code = input.code.ok_or("a shop that thinks of codes is not simulated")?;
        let declines = |code, message| declined(&["input", "code"], code, message);
        if !code.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) {
            return Err(declines("INVALID", "Code can only contain letters(a-z) and numbers(0-9)").into());
        }
        match code.len() {
            ..8 => return Err(declines("TOO_SHORT", "Code is too short (minimum is 8 characters)").into()),
            21.. => return Err(declines("TOO_LONG", "Code is too long (maximum is 20 characters)").into()),
            _ if self.0.iter().any(|card| card.code == code) => {
                return Err(declines("TAKEN", "Code has already been taken").into());
            }
            _ => {}
        }
        let amount = input.initial_amount.ok_or("the deprecated initial value is not simulated")?.read()?;
        if amount.thousandths <= 0 {
            return Err(declined(&["input", "initialAmount"], "GREATER_THAN", "must be greater than 0").into());
        }
        let id = format!("gid://shopify/GiftCard/{}", 1_063_936_318 + self.0.len());
        let (customer, expires_on, note) = (input.customer_id, input.expires_on, input.note);
        let card = GiftCard { id, code, customer, amount, expires_on, note };
        let answer = json!({"giftCard": card.to_json(), "giftCardCode": card.code});
        self.0.push(card);
        Ok(answer)
    }

    /// A search for one code, the only one that is simulated.
    pub(super) fn search(&self, query: &str) -> Value {
        let found = self.0.iter().filter(|card| card.code.eq_ignore_ascii_case(query)).map(GiftCard::to_json);
        connection("GiftCardConnection", found.collect())
    }
}
