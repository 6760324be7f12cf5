//! Consent to marketing mail: what a customer has said on a page of this host's, for the shop's own newsletter.
//!
//! Shopify compares a word with nothing, so that ours take turns, one that was not answered is given time to arrive, and one
//! that says what Shopify knows, or something older, is not written.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    AdminClient,
    answer::{Nothing, instant},
    gid,
    metafields::no_customer,
};
use crate::{
    domain::{ConsentChange, Timestamp},
    platform::{Failure, IsLast, Receipt},
};

const CONSENT: &str = include_str!("../documents/consent.graphql");
const SET_CONSENT: &str = include_str!("../documents/set_consent.graphql");

impl AdminClient {
    /// Writes a customer's word, unless the customer has said something else later.
    pub async fn set_consent(&self, change: &ConsentChange, is_last: IsLast<'_>) -> Result<Receipt, Failure> {
        let id = gid("Customer", change.customer.as_str());
        let _turn = self.changes.lock().await;
        self.unanswered.check(&id, self.clock.now())?;
        let read: Option<Customer> = self.ask(CONSENT, json!({ "customer": id })).await?;
        let Some(address) = read.ok_or_else(no_customer)?.address else {
            return Ok(Receipt("not written: the customer has no e-mail address".into()));
        };
        if address.says(change.accepts_marketing) {
            return Ok(Receipt(id));
        }
        if address.said_at()? > Some(change.said_at) || !is_last()? {
            return Ok(Receipt("not written: a later word stands".into()));
        }
        let set = self.mutate::<Nothing>(SET_CONSENT, json!({ "consent": consent_input(&id, change) })).await;
        self.unanswered.note(&id, &set, self.clock.now());
        set?.into_result()?;
        Ok(Receipt(id))
    }
}

/// The word as Shopify is told it. Nobody is asked to confirm what a link in a mail to the same address has led to.
pub(super) fn consent_input(customer: &str, change: &ConsentChange) -> Value {
    let (state, level) = match change.accepts_marketing {
        true => ("SUBSCRIBED", Some("SINGLE_OPT_IN")),
        false => ("UNSUBSCRIBED", None),
    };
    json!({
        "customerId": customer,
        "emailMarketingConsent": {
            "marketingState": state,
            "marketingOptInLevel": level,
            "consentUpdatedAt": change.said_at.to_string(),
        },
    })
}

#[derive(Deserialize)]
struct Customer {
    #[serde(rename = "defaultEmailAddress")]
    address: Option<Address>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Address {
    marketing_state: String,
    marketing_updated_at: Option<String>,
}

impl Address {
    fn says(&self, accepts_marketing: bool) -> bool {
        match accepts_marketing {
            true => self.marketing_state == "SUBSCRIBED",
            // Who has not confirmed yet would still be asked to.
            false => !matches!(&*self.marketing_state, "SUBSCRIBED" | "PENDING"),
        }
    }

    fn said_at(&self) -> Result<Option<Timestamp>, Failure> {
        self.marketing_updated_at.as_deref().map(instant).transpose()
    }
}
