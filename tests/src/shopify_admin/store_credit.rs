//! Store credit of the simulated shop: an account for each customer and currency, and its transactions.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::shop::{Amount, Answer, MoneyInput, Refusal, connection, declined, read};

/// A change of an account. The same call twice makes two of them.
#[derive(Clone, Debug, PartialEq)]
pub struct StoreCreditTransaction {
    pub id: String,
    /// The customer's global id.
    pub customer: String,
    /// Negative where credit was taken.
    pub amount: Amount,
    pub made_at: Timestamp,
    pub expires_at: Option<Timestamp>,
}

/// All transactions, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct StoreCredit(pub(super) Vec<StoreCreditTransaction>);

impl StoreCredit {
    /// What the merchant changes by hand.
    pub(super) fn adjust(
        &mut self,
        customer: &str,
        amount: Amount,
        made_at: Timestamp,
        expires_at: Option<Timestamp>,
    ) -> &StoreCreditTransaction {
        let kind = if amount.thousandths < 0 {
            "StoreCreditAccountDebitTransaction"
        } else {
            "StoreCreditAccountCreditTransaction"
        };
        let id = format!("gid://shopify/{kind}/{}", self.0.len() + 1);
        self.0.push(StoreCreditTransaction { id, customer: customer.into(), amount, made_at, expires_at });
        &self.0[self.0.len() - 1]
    }

    pub(super) fn credit(&mut self, args: Value, now: Timestamp) -> Answer {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Args {
            id: String,
            credit_input: Input,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Input {
            credit_amount: MoneyInput,
            expires_at: Option<Timestamp>,
        }
        let Args { id, credit_input: Input { credit_amount, expires_at } } = read(args)?;
        let amount = positive(&credit_amount, &["creditInput", "creditAmount"])?;
        if !id.starts_with("gid://shopify/Customer/") {
            return Err(declined(&["id"], "OWNER_NOT_FOUND", "Owner does not exist").into());
        }
        if expires_at.is_some_and(|at| at <= now) {
            let field = ["creditInput", "expiresAt"];
            return Err(declined(&field, "EXPIRES_AT_IN_PAST", "The expiry date must be in the future").into());
        }
        let made = self.adjust(&id, amount, now, expires_at).to_json();
        Ok(json!({"storeCreditAccountTransaction": made}))
    }

    pub(super) fn debit(&mut self, args: Value, now: Timestamp) -> Answer {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Args {
            id: String,
            debit_input: Input,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Input {
            debit_amount: MoneyInput,
        }
        let Args { id, debit_input: Input { debit_amount } } = read(args)?;
        let field = ["debitInput", "debitAmount"];
        let amount = positive(&debit_amount, &field)?;
        if self.account(&id, &amount.currency).next().is_none() {
            return Err(declined(&["id"], "ACCOUNT_NOT_FOUND", "The store credit account could not be found").into());
        }
        if self.balance(&id, &amount.currency).thousandths < amount.thousandths {
            let message = "The store credit account does not have sufficient funds to satisfy the request";
            return Err(declined(&field, "INSUFFICIENT_FUNDS", message).into());
        }
        let made = self.adjust(&id, Amount { thousandths: -amount.thousandths, ..amount }, now, None).to_json();
        Ok(json!({"storeCreditAccountTransaction": made}))
    }

    fn account<'a>(&'a self, customer: &'a str, currency: &'a str) -> impl Iterator<Item = &'a StoreCreditTransaction> {
        self.0.iter().filter(move |made| made.customer == customer && made.amount.currency == currency)
    }

    fn balance(&self, customer: &str, currency: &str) -> Amount {
        let sum = self.account(customer, currency).map(|made| made.amount.thousandths).sum();
        Amount { thousandths: sum, currency: currency.into() }
    }

    /// A customer's accounts: `StoreCreditAccountConnection`.
    pub(super) fn accounts(&self, customer: &str) -> Value {
        let own = self.0.iter().filter(|made| made.customer == customer);
        let currencies: BTreeSet<_> = own.map(|made| &*made.amount.currency).collect();
        let accounts = currencies.into_iter().enumerate().map(|(number, currency)| {
            let made = self.account(customer, currency).map(StoreCreditTransaction::to_json).collect();
            json!({
                "__typename": "StoreCreditAccount",
                "id": format!("gid://shopify/StoreCreditAccount/{}", number + 1),
                "balance": self.balance(customer, currency).to_json(),
                "transactions": connection("StoreCreditAccountTransactionConnection", made),
            })
        });
        connection("StoreCreditAccountConnection", accounts.collect())
    }
}

impl StoreCreditTransaction {
    /// An object of one of the types of the interface `StoreCreditAccountTransaction`. Instants have no fractions.
    fn to_json(&self) -> Value {
        let kind = self.id.trim_start_matches("gid://shopify/").split('/').next();
        json!({
            "__typename": kind,
            "id": self.id,
            "amount": self.amount.to_json(),
            "createdAt": format!("{:.0}", self.made_at),
            "event": "ADJUSTMENT",
            "expiresAt": self.expires_at.map(|at| at.to_string()),
        })
    }
}

fn positive(amount: &MoneyInput, field: &[&'static str]) -> Result<Amount, Refusal> {
    let amount = amount.read()?;
    if amount.thousandths > 0 {
        return Ok(amount);
    }
    Err(declined(field, "NEGATIVE_OR_ZERO_AMOUNT", "A positive amount must be used").into())
}
