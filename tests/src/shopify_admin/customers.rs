//! Customers of the simulated shop as listings and counts tell them, each as its webhooks would tell it, and what they say of
//! marketing.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    orders::{Between, time},
    shop::{Answer, METAFIELDS, Shop, connection, declined, read},
};

/// A customer's word on marketing mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// As the schema's enum names it.
    pub state: String,
    pub said_at: Option<Timestamp>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Customers {
    told: BTreeMap<u64, Value>,
    /// What has been said since a customer was told of.
    said: BTreeMap<u64, Consent>,
}

impl Customers {
    /// Takes a customer as a webhook tells it.
    pub(super) fn put(&mut self, body: Value) {
        let id = body["id"].as_u64().expect("a customer has an id");
        self.said.remove(&id);
        self.told.insert(id, body);
    }

    pub(super) fn count(&self, query: &str) -> Result<usize, String> {
        let between = Between::read(query, "created_at")?;
        Ok(self.told.values().filter(|body| between.has(&body["created_at"])).count())
    }

    /// An object of the schema's type `CustomerEmailAddress`; null for a customer without one. Who has not been told of has
    /// one.
    pub(super) fn address(&self, id: u64) -> Value {
        let email = self.told.get(&id).map_or_else(|| Some("somebody@example.com"), |body| body["email"].as_str());
        let Some(email) = email else { return Value::Null };
        let consent = self.consent(id);
        json!({
            "__typename": "CustomerEmailAddress",
            "emailAddress": email,
            "marketingState": consent.state,
            "marketingUpdatedAt": consent.said_at.map(|at| at.to_string()),
        })
    }

    pub(super) fn consent(&self, id: u64) -> Consent {
        let told = || {
            let told = self.told.get(&id).map(|body| &body["email_marketing_consent"]).unwrap_or(&Value::Null);
            let state = told["state"].as_str().unwrap_or("not_subscribed").to_uppercase();
            Consent { state, said_at: told["consent_updated_at"].as_str().and_then(|at| at.parse().ok()) }
        };
        self.said.get(&id).cloned().unwrap_or_else(told)
    }

    /// `customerEmailMarketingConsentUpdate`: takes whatever word it is told, however old.
    pub(super) fn say(&mut self, args: Value, now: Timestamp) -> Answer {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Input {
            customer_id: String,
            email_marketing_consent: Said,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Said {
            marketing_state: String,
            consent_updated_at: Option<Timestamp>,
        }
        #[derive(Deserialize)]
        struct Args {
            input: Input,
        }
        let Input { customer_id, email_marketing_consent: said } = read::<Args>(args)?.input;
        let id = number(&customer_id);
        if self.address(id).is_null() {
            let message = "The customer must have an email address.";
            return Err(declined(&["input", "customerId"], "INVALID", message).into());
        }
        if !matches!(&*said.marketing_state, "PENDING" | "SUBSCRIBED" | "UNSUBSCRIBED") {
            let field = &["input", "emailMarketingConsent", "marketingState"];
            return Err(declined(field, "INCLUSION", "This marketing state cannot be set.").into());
        }
        let consent = Consent { state: said.marketing_state, said_at: said.consent_updated_at.or(Some(now)) };
        self.said.insert(id, consent);
        Ok(json!({}))
    }
}

/// The number at the end of a global id.
pub(super) fn number(id: &str) -> u64 {
    id.rsplit('/').next().and_then(|number| number.parse().ok()).unwrap_or_default()
}

impl Shop {
    /// All customers, as a connection of them.
    pub(super) fn customers(&self) -> Value {
        let listed = self.customers.told.iter().map(|(id, body)| self.listed_customer(*id, body));
        connection("CustomerConnection", listed.collect())
    }

    fn listed_customer(&self, number: u64, body: &Value) -> Value {
        let id = format!("gid://shopify/Customer/{number}");
        let phone = body["phone"].as_str();
        json!({
            "__typename": "Customer",
            "id": id,
            "firstName": body["first_name"],
            "lastName": body["last_name"],
            "createdAt": time(&body["created_at"]),
            "updatedAt": time(&body["updated_at"]),
            "verifiedEmail": body["verified_email"] == true,
            "tags": self.tags.of(&id),
            "defaultEmailAddress": self.customers.address(number),
            "defaultPhoneNumber": phone.map(|phone| json!({ "__typename": "CustomerPhoneNumber", "phoneNumber": phone })),
            METAFIELDS: self.metafields.of(&id),
        })
    }
}
