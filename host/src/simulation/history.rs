//! What happens in the shops, in the platform's words: the webhooks that have to count, each once.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;
use serde_json::{Value, json};

use super::random::Random;
use crate::{domain::Timestamp, platform::Secret, platform::shopify::signature};

/// The shops. Nothing of one may be seen in the other: their webhooks' ids are the same.
pub const DOMAINS: [&str; 2] = ["fern.myshopify.com", "moss.myshopify.com"];
pub const SECRET: &str = "secret";

/// One webhook, to be sent until it is answered.
#[derive(Clone, Debug)]
pub struct Webhook {
    pub headers: HeaderMap,
    pub body: Bytes,
    /// When it is first sent, in milliseconds after the start.
    pub at: u64,
    /// What it is, for traces.
    pub name: String,
}

/// Writes what happens in one shop.
struct Writer {
    domain: &'static str,
    webhooks: Vec<Webhook>,
    random: Random,
    /// The shop's time, in milliseconds after the start: every fact is younger than the one before it.
    now: u64,
}

/// A season in the shops, as the number says.
pub fn written(number: u64) -> Vec<Webhook> {
    let mut webhooks = Vec::new();
    // Most seasons are one shop's, so that more of them can be run.
    let shops = if number.is_multiple_of(4) { 2 } else { 1 };
    for (domain, shop) in DOMAINS.into_iter().zip(0..shops) {
        let random = Random::seeded(2 * number + shop);
        let mut writer = Writer { domain, webhooks: Vec::new(), random, now: 0 };
        writer.write();
        webhooks.append(&mut writer.webhooks);
    }
    webhooks.sort_by_key(|webhook| webhook.at);
    webhooks
}

impl Writer {
    fn write(&mut self) {
        let customers = self.random.between(1, 3);
        let orders = self.random.between(2, 4);
        for order in 1..=orders {
            let customer = self.random.between(1, customers);
            let id = 100 + order;
            let lines = [(id * 10, self.random.between(1, 3)), (id * 10 + 1, 1)];
            self.order("orders/create", id, customer, "pending", &lines, None);
            if self.random.chance(85) {
                self.order("orders/paid", id, customer, "paid", &lines, None);
            }
            match self.random.below(5) {
                0 => self.customer("customers/update", customer),
                1 => self.consent(customer),
                2 => self.order("orders/cancelled", id, customer, "voided", &lines, Some(self.now)),
                3 => {
                    for part in 0..self.random.between(1, 2) {
                        self.refund(id * 10 + part, id, lines[0].0);
                    }
                    self.order("orders/updated", id, customer, "partially_refunded", &lines, None);
                }
                _ => {}
            }
        }
        // Somebody who comes and goes, and two who turn out to be one. Nothing is mailed to the first.
        if self.random.chance(40) {
            self.customer("customers/create", 9);
            self.customer("customers/update", 9);
            self.webhook("customers/delete", &json!({"id": 9}));
        }
        if customers > 1 && self.random.chance(40) {
            let global = |id: u64| format!("gid://shopify/Customer/{id}");
            let merge = json!({
                "admin_graphql_api_customer_kept_id": global(1), "admin_graphql_api_customer_deleted_id": global(2),
                "status": "completed",
            });
            self.webhook("customers/merge", &merge);
            self.customer("customers/update", 1);
        }
        // Nobody's word, and a body that this version cannot read.
        self.webhook("products/update", &json!({"id": 1}));
        self.webhook(
            "orders/create",
            &json!({"id": 999, "name": "#999", "created_at": "last summer", "currency": "EUR"}),
        );
    }

    fn time(&self) -> String {
        (super::world::START + std::time::Duration::from_millis(self.now)).to_string()
    }

    fn step(&mut self) {
        self.now += self.random.between(1, 120);
    }

    fn customer_body(&self, id: u64) -> Value {
        let mut body = json!({
            "id": id, "first_name": format!("Mira {}", self.now), "last_name": "Moss",
            "created_at": "2026-09-01T00:00:00Z", "updated_at": self.time(),
        });
        // One customer has no address: mails to it are dropped.
        if id != 3 {
            body["email"] = format!("mira{id}@example.com").into();
        }
        body
    }

    fn customer(&mut self, topic: &str, id: u64) {
        self.step();
        let body = self.customer_body(id);
        self.webhook(topic, &body);
    }

    fn consent(&mut self, id: u64) {
        self.step();
        let state = if self.random.chance(50) { "subscribed" } else { "unsubscribed" };
        let consent = json!({"state": state, "consent_updated_at": self.time()});
        self.webhook(
            "customers_email_marketing_consent/update",
            &json!({"customer_id": id, "email_marketing_consent": consent}),
        );
    }

    fn order(
        &mut self,
        topic: &str,
        id: u64,
        customer: u64,
        status: &str,
        lines: &[(u64, u64)],
        cancelled: Option<u64>,
    ) {
        self.step();
        let lines: Vec<_> = lines
            .iter()
            .map(|(line, quantity)| {
                json!({
                    "id": line, "title": "Fern", "quantity": quantity, "current_quantity": quantity, "price": "10.00",
                })
            })
            .collect();
        let cancelled_at = cancelled.map(|_| self.time());
        let body = json!({
            "id": id, "name": format!("#{id}"), "currency": "EUR", "financial_status": status,
            "created_at": "2026-10-01T00:00:00Z", "updated_at": self.time(), "cancelled_at": cancelled_at,
            "total_price": "30.00", "subtotal_price": "30.00", "total_tax": "0.00",
            "line_items": lines, "customer": self.customer_body(customer),
        });
        self.webhook(topic, &body);
    }

    fn refund(&mut self, id: u64, order: u64, line: u64) {
        self.step();
        let lines = json!([{"line_item_id": line, "quantity": 1, "subtotal": "10.00", "total_tax": "0.00"}]);
        self.webhook(
            "refunds/create",
            &json!({"id": id, "order_id": order, "created_at": self.time(), "refund_line_items": lines}),
        );
    }

    fn webhook(&mut self, topic: &str, body: &Value) {
        self.step();
        // Its last letter says how a plugin fails at it.
        let id = format!("{}-{}", self.webhooks.len(), self.random.below(8));
        let body = Bytes::from(body.to_string());
        let triggered_at: Timestamp = super::world::START + std::time::Duration::from_millis(self.now);
        let triggered_at = triggered_at.to_string();
        let signature = signature::sign(&Secret::new(SECRET), &body);
        let headers = [
            ("x-shopify-topic", topic),
            ("x-shopify-hmac-sha256", &signature),
            ("x-shopify-shop-domain", self.domain),
            ("x-shopify-api-version", "2026-10"),
            ("x-shopify-webhook-id", &id),
            ("x-shopify-triggered-at", &triggered_at),
        ];
        let header = |(name, value): (&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        };
        let headers = headers.into_iter().map(header).collect();
        let name = format!("{topic} {id} of {}", self.domain);
        self.webhooks.push(Webhook { headers, body, at: self.now, name });
    }
}
