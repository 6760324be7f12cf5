//! Store credit: Shopify marks no transaction and finds none again, so a ledger in a metafield of the customer does.
//!
//! A change is entered as begun, made, and entered as made with its transaction. The ledger is written against its digest,
//! so that one change of a customer's is on its way at a time. A change that is found begun was broken off: if there is a
//! transaction of its kind and amount from the moments after its entry, by Shopify's own clock, which is no other
//! change's, it was made. If there is none once the call can no longer be on its way, it was not, and is made.
//!
//! What is left: a change that was broken off before its call, while the merchant or another app made one of the same kind
//! and amount within those moments, counts as made though it was not. And a customer who is merged into another between
//! a change and its repeat leaves the ledger behind.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    AdminClient,
    answer::{Amount, instant},
    gid,
    metafields::{Field, no_customer},
    no_data, transient,
};
use crate::{
    domain::{EffectId, Money, StoreCredit, Timestamp},
    platform::{Failure, Receipt, unanswered::ON_ITS_WAY},
};

pub(super) const STORE_CREDIT: &str = include_str!("../documents/store_credit.graphql");
const CREDIT: &str = include_str!("../documents/credit.graphql");
const DEBIT: &str = include_str!("../documents/debit.graphql");

/// Changes that the ledger remembers, newest last: a repeat comes before so many others of one customer.
const REMEMBERED: usize = 20;

impl AdminClient {
    /// Credits or debits a customer. A debit of more than there is fails for good.
    pub async fn change_store_credit(&self, effect: &EffectId, change: &StoreCredit) -> Result<Receipt, Failure> {
        let customer = gid("Customer", change.customer.as_str());
        let Account { mut ledger, digest, written_at, transactions } = self.account(&customer).await?;
        if let Some(made) = ledger.made.iter().find(|made| made.effect == *effect) {
            return Ok(Receipt(made.transaction.clone()));
        }
        if let Some(begun) = ledger.begun.take() {
            match transactions.iter().find(|made| made.is(&begun, written_at) && !ledger.knows(&made.id)) {
                Some(made) => ledger.enter(begun.effect.clone(), &made.id),
                None => self.has_come_to_nothing(&begun)?,
            }
            if let Some(made) = ledger.made.iter().find(|made| made.effect == *effect) {
                // Whoever comes next finds the same if this entry is lost.
                let _ = self.write_ledger(&customer, &ledger, digest.as_deref()).await;
                return Ok(Receipt(made.transaction.clone()));
            }
        }
        ledger.begun = Some(Begun { effect: effect.clone(), amount: change.amount, at: self.clock.now() });
        let digest = self.write_ledger(&customer, &ledger, digest.as_deref()).await?;
        let made = self.make(&customer, change).await;
        match &made {
            Ok(transaction) => ledger.enter(effect.clone(), transaction),
            // Shopify has declined it, or has not looked at it: nothing is on its way.
            Err(Failure::Permanent { .. } | Failure::Throttled { .. }) => {}
            Err(_) => return made.map(Receipt),
        }
        ledger.begun = None;
        let _ = self.write_ledger(&customer, &ledger, Some(&digest)).await;
        made.map(Receipt)
    }

    /// The call itself; the id of its transaction.
    async fn make(&self, customer: &str, change: &StoreCredit) -> Result<String, Failure> {
        let amount = Money::new(change.amount.minor.saturating_abs(), change.amount.currency);
        let amount = json!({ "amount": amount.decimal(), "currencyCode": amount.currency.code() });
        let (document, variables) = if change.amount.minor < 0 {
            (DEBIT, json!({ "customer": customer, "debit": { "debitAmount": amount } }))
        } else {
            let expires_at = change.expires_at.map(|at| at.to_string());
            (CREDIT, json!({ "customer": customer, "credit": { "creditAmount": amount, "expiresAt": expires_at } }))
        };
        let made = self.mutate::<Made>(document, variables).await?.into_result()?;
        Ok(made.transaction.ok_or_else(no_data)?.id)
    }

    /// Refuses while a change that was begun may still be made.
    fn has_come_to_nothing(&self, begun: &Begun) -> Result<(), Failure> {
        let over = begun.at + ON_ITS_WAY;
        if over <= self.clock.now() {
            return Ok(());
        }
        Err(Failure::NotYet { until: over, reason: "a change of the customer's store credit may be on its way".into() })
    }

    async fn account(&self, customer: &str) -> Result<Account, Failure> {
        let owner: Option<Owner> = self.ask(STORE_CREDIT, json!({ "customer": customer })).await?;
        let owner = owner.ok_or_else(no_customer)?;
        let transactions = owner.accounts.nodes.into_iter().flat_map(|account| account.transactions.nodes);
        let transactions = transactions.filter_map(|listed| listed.read().transpose()).collect::<Result<_, _>>()?;
        let Some(held) = owner.metafield else {
            return Ok(Account { ledger: Ledger::default(), digest: None, written_at: Timestamp(0), transactions });
        };
        let ledger = serde_json::from_str(&held.value)
            .map_err(|error| transient(format!("the customer's ledger of store credit cannot be read: {error}")))?;
        Ok(Account { ledger, digest: Some(held.digest), written_at: instant(&held.updated_at)?, transactions })
    }

    /// The new digest.
    async fn write_ledger(&self, customer: &str, ledger: &Ledger, digest: Option<&str>) -> Result<String, Failure> {
        let field = ledger_field(customer, json!(ledger));
        let written = self.write_metafield(&field, digest).await?;
        let written = written.ok_or_else(|| transient("another change of the customer's store credit came first"))?;
        Ok(written.digest)
    }
}

/// Where the ledger is kept; the document that reads it names the same.
pub(super) fn ledger_field(customer: &str, ledger: Value) -> Field<'static> {
    let (namespace, value) = ("$app".into(), ledger.to_string());
    Field { customer: customer.into(), namespace, key: "store-credit", kind: "json", value }
}

/// What is known of a customer's store credit.
struct Account {
    ledger: Ledger,
    digest: Option<String>,
    /// When the ledger was last written, by Shopify's clock.
    written_at: Timestamp,
    transactions: Vec<Transaction>,
}

/// The changes that effects have made, as far back as repeats go.
#[derive(Default, Serialize, Deserialize)]
struct Ledger {
    begun: Option<Begun>,
    made: Vec<Entry>,
}

/// A change that may have been made.
#[derive(Serialize, Deserialize)]
struct Begun {
    effect: EffectId,
    amount: Money,
    /// By our own clock.
    at: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    effect: EffectId,
    transaction: String,
}

impl Ledger {
    fn knows(&self, transaction: &str) -> bool {
        self.made.iter().any(|made| made.transaction == transaction)
    }

    fn enter(&mut self, effect: EffectId, transaction: &str) {
        self.made.push(Entry { effect, transaction: transaction.into() });
        let forgotten = self.made.len().saturating_sub(REMEMBERED);
        self.made.drain(..forgotten);
    }
}

/// A transaction that somebody made who is no order.
struct Transaction {
    id: String,
    /// Negative where credit was taken.
    amount: Money,
    made_at: Timestamp,
}

impl Transaction {
    /// Whether it can be what came of a change that was entered as begun at `entered_at`.
    fn is(&self, begun: &Begun, entered_at: Timestamp) -> bool {
        // Instants of the API have no fractions.
        let earliest = entered_at.saturating_sub(Duration::from_secs(1));
        self.amount == begun.amount && (earliest..=entered_at + ON_ITS_WAY).contains(&self.made_at)
    }
}

#[derive(Deserialize)]
struct Owner {
    metafield: Option<Held>,
    #[serde(rename = "storeCreditAccounts")]
    accounts: Nodes<Listing>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Held {
    value: String,
    #[serde(rename = "compareDigest")]
    digest: String,
    updated_at: String,
}

#[derive(Deserialize)]
struct Nodes<T> {
    nodes: Vec<T>,
}

#[derive(Deserialize)]
struct Listing {
    transactions: Nodes<Listed>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    #[serde(rename = "__typename")]
    kind: String,
    id: Option<String>,
    amount: Amount,
    created_at: String,
    event: String,
}

impl Listed {
    /// None for what orders and expiry have made.
    fn read(self) -> Result<Option<Transaction>, Failure> {
        let is_debit = match &*self.kind {
            "StoreCreditAccountCreditTransaction" => false,
            "StoreCreditAccountDebitTransaction" => true,
            _ => return Ok(None),
        };
        let Some(id) = self.id.filter(|_| self.event == "ADJUSTMENT") else { return Ok(None) };
        let amount = self.amount.read()?;
        // Whether a debit is written with a sign is nowhere stated.
        let minor = amount.minor.saturating_abs();
        let amount = Money::new(if is_debit { -minor } else { minor }, amount.currency);
        Ok(Some(Transaction { id, amount, made_at: instant(&self.created_at)? }))
    }
}

#[derive(Deserialize)]
struct Made {
    #[serde(rename = "storeCreditAccountTransaction")]
    transaction: Option<MadeTransaction>,
}

#[derive(Deserialize)]
struct MadeTransaction {
    id: String,
}
