//! Customers of the simulated shop as listings and counts tell them, each as its webhooks would tell it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    orders::{Between, time},
    shop::{METAFIELDS, Shop, connection},
};

#[derive(Clone, Debug, Default)]
pub(super) struct Customers(BTreeMap<u64, Value>);

impl Customers {
    /// Takes a customer as a webhook tells it.
    pub(super) fn put(&mut self, body: Value) {
        self.0.insert(body["id"].as_u64().expect("a customer has an id"), body);
    }

    pub(super) fn count(&self, query: &str) -> Result<usize, String> {
        let between = Between::read(query, "created_at")?;
        Ok(self.0.values().filter(|body| between.has(&body["created_at"])).count())
    }
}

impl Shop {
    /// All customers, as a connection of them.
    pub(super) fn customers(&self) -> Value {
        connection("CustomerConnection", self.customers.0.values().map(|body| self.listed_customer(body)).collect())
    }

    fn listed_customer(&self, body: &Value) -> Value {
        let id = format!("gid://shopify/Customer/{}", body["id"]);
        let consent = &body["email_marketing_consent"];
        let address = body["email"].as_str().map(|email| {
            json!({
                "__typename": "CustomerEmailAddress",
                "emailAddress": email,
                "marketingState": consent["state"].as_str().unwrap_or("not_subscribed").to_uppercase(),
                "marketingUpdatedAt": time(&consent["consent_updated_at"]),
            })
        });
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
            "defaultEmailAddress": address,
            "defaultPhoneNumber": phone.map(|phone| json!({ "__typename": "CustomerPhoneNumber", "phoneNumber": phone })),
            METAFIELDS: self.metafields.of(&id),
        })
    }
}
