//! What happens in the shops, in the platform's words: the webhooks and the shoppers' actions that have to count, each once.

use std::{collections::BTreeMap, sync::Arc};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::{
    admin_api::global,
    plugins::LEDGER,
    random::Random,
    records::{Person, REGISTERED, Records, Returned, Sold, written_at},
};
use crate::{
    domain::{EventId, StoreId},
    ingest::actions::{Action, By},
    platform::{Secret, shopify::signature},
};

/// The shops. Nothing of one may be seen in the other: their webhooks' ids are the same, and so are their orders'.
pub const DOMAINS: [&str; 2] = ["fern.myshopify.com", "moss.myshopify.com"];
pub const SECRET: &str = "secret";

/// Since when there are all customers.
pub const CUSTOMERS_SINCE: &str = "2026-09-01T00:00:00Z";

/// A season in the shops.
#[derive(Debug)]
pub struct History {
    pub messages: Vec<Message>,
    /// What each shop's platform knows.
    pub records: BTreeMap<&'static str, Arc<Records>>,
}

/// One message to the host, to be sent until it is answered.
#[derive(Clone, Debug)]
pub struct Message {
    pub store: StoreId,
    pub content: Content,
    /// When it is first sent, in milliseconds after the start.
    pub at: u64,
    /// What it is, for traces.
    pub name: String,
}

#[derive(Clone, Debug)]
pub enum Content {
    Webhook {
        id: EventId,
        headers: HeaderMap,
        body: Bytes,
        /// What becomes of an order, where it tells that: a read of the order tells the same.
        step: Option<OrderStep>,
    },
    Action(Action),
}

/// A step of an order.
#[derive(Clone, Debug)]
pub struct OrderStep {
    pub topic: &'static str,
    pub order: u64,
    /// The refund, or the order itself.
    pub object: u64,
    /// The order's time of change, in milliseconds after the start.
    pub at: u64,
}

impl Message {
    /// The step of an order that it tells, if it tells one.
    pub fn step(&self) -> Option<&OrderStep> {
        match &self.content {
            Content::Webhook { step, .. } => step.as_ref(),
            Content::Action(_) => None,
        }
    }
}

impl OrderStep {
    /// The same whichever event tells it: what stands in the ids of reads.
    pub fn name(&self) -> String {
        format!("{}/{}", self.topic, self.object)
    }

    /// Updates are many, and each is told by whatever tells of a later state of the order.
    pub fn is_update(&self) -> bool {
        self.topic == "orders/updated"
    }
}

/// Writes what happens in one shop.
struct Writer {
    domain: &'static str,
    store: StoreId,
    messages: Vec<Message>,
    records: Records,
    random: Random,
    /// The shop's time, in milliseconds after the start: every fact is younger than the one before it.
    now: u64,
}

impl History {
    /// The season of a number.
    pub fn written(number: u64) -> Self {
        let (mut messages, mut records) = (Vec::new(), BTreeMap::new());
        // Most seasons are one shop's, so that more of them can be run.
        let shops = if number.is_multiple_of(4) { 2 } else { 1 };
        for (domain, shop) in DOMAINS.into_iter().zip(0..shops) {
            let random = Random::seeded(2 * number + shop);
            let store = StoreId(u32::try_from(shop + 1).unwrap());
            let (empty, now) = (Records::default(), 0);
            let mut writer = Writer { domain, store, messages: Vec::new(), records: empty, random, now };
            writer.write();
            messages.append(&mut writer.messages);
            records.insert(domain, Arc::new(writer.records));
        }
        messages.sort_by_key(|message| message.at);
        Self { messages, records }
    }
}

impl Writer {
    fn write(&mut self) {
        let customers = self.random.between(1, 3);
        let orders = self.random.between(2, 4);
        for order in 1..=orders {
            let customer = self.random.between(1, customers);
            self.order(100 + order, customer);
            match self.random.below(5) {
                0 => self.customer("customers/update", customer),
                1 => self.consent(customer),
                2 | 3 => self.action(customer),
                _ => {}
            }
        }
        // Somebody who comes and goes, and two who turn out to be one. Nothing is mailed to the first.
        if self.random.chance(40) {
            self.customer("customers/create", 9);
            self.customer("customers/update", 9);
            self.webhook("customers/delete", &json!({"id": 9}), None);
        }
        // An address that goes from one to another, nobody of whom orders.
        if self.random.chance(30) {
            for (topic, id, address) in
                [("customers/create", 7, 7), ("customers/update", 7, 6), ("customers/create", 8, 7)]
            {
                self.step();
                let body = self.person_at(id, address);
                self.webhook(topic, &body, None);
            }
        }
        if self.random.chance(40) {
            self.guest();
        }
        if customers > 1 && self.random.chance(40) {
            self.step();
            let merge = json!({
                "admin_graphql_api_customer_kept_id": global("Customer", 1),
                "admin_graphql_api_customer_deleted_id": global("Customer", 2),
                "status": "completed",
            });
            self.records.merge(self.now, 1, 2);
            self.webhook("customers/merge", &merge, None);
            self.customer("customers/update", 1);
        }
        // Nobody's word, and a body that this version cannot read.
        self.webhook("collections/update", &json!({"id": 1}), None);
        let unreadable = json!({"id": 999, "name": "#999", "created_at": "last summer", "currency": "EUR"});
        self.webhook("orders/create", &unreadable, None);
    }

    fn step(&mut self) {
        self.now += self.random.between(1, 120);
    }

    /// An order and what becomes of it.
    fn order(&mut self, id: u64, customer: u64) {
        let lines = [(id * 10, self.random.between(1, 3)), (id * 10 + 1, 1)];
        let (created, refunds) = (self.now + 1, Vec::new());
        let mut order = Sold {
            id,
            customer: Some(customer),
            is_paid: false,
            lines,
            created,
            updated: created,
            cancelled: None,
            refunds,
        };
        self.order_webhook("orders/create", &mut order);
        if self.random.chance(85) {
            order.is_paid = true;
            self.order_webhook("orders/paid", &mut order);
        }
        match self.random.below(5) {
            0 => {
                order.cancelled = Some(self.now);
                self.order_webhook("orders/cancelled", &mut order);
            }
            1 | 2 if order.is_paid => {
                for part in 0..self.random.between(1, 2) {
                    self.refund(&mut order, id * 10 + part);
                }
                self.order_webhook("orders/updated", &mut order);
            }
            _ => {}
        }
    }

    /// Somebody who orders without a customer record and registers later; nothing is paid, so that nothing is earned.
    fn guest(&mut self) {
        let (created, lines, refunds) = (self.now + 1, [(1_500, 1), (1_501, 1)], Vec::new());
        let mut order = Sold {
            id: 150,
            customer: None,
            is_paid: false,
            lines,
            created,
            updated: created,
            cancelled: None,
            refunds,
        };
        self.order_webhook("orders/create", &mut order);
        self.order_webhook("orders/updated", &mut order);
        self.customer("customers/create", REGISTERED);
    }

    fn person(&mut self, id: u64) -> Value {
        self.person_at(id, id)
    }

    fn person_at(&mut self, id: u64, address: u64) -> Value {
        let person = Person { id, updated: self.now, address };
        self.records.keep_person(person);
        person_body(person)
    }

    fn customer(&mut self, topic: &'static str, id: u64) {
        self.step();
        let body = self.person(id);
        self.webhook(topic, &body, None);
    }

    fn consent(&mut self, id: u64) {
        self.step();
        let state = if self.random.chance(50) { "subscribed" } else { "unsubscribed" };
        let consent = json!({"state": state, "consent_updated_at": written_at(self.now)});
        let body = json!({"customer_id": id, "email_marketing_consent": consent});
        self.webhook("customers_email_marketing_consent/update", &body, None);
    }

    fn order_webhook(&mut self, topic: &'static str, order: &mut Sold) {
        self.step();
        order.updated = self.now;
        self.records.keep_order(order);
        let customer = order.customer.map(|customer| self.person(customer));
        let lines = order.lines.iter().map(|(line, quantity)| {
            json!({"id": line, "title": "Fern", "quantity": quantity, "current_quantity": quantity, "price": "10.00"})
        });
        let body = json!({
            "id": order.id, "name": format!("#{}", order.id), "currency": "EUR", "financial_status": order.status(),
            "created_at": written_at(order.created), "updated_at": written_at(order.updated),
            "cancelled_at": order.cancelled.map(written_at),
            "total_price": "30.00", "subtotal_price": "30.00", "total_tax": "0.00",
            "line_items": lines.collect::<Vec<_>>(), "customer": customer, "email": order.email(),
        });
        self.webhook(topic, &body, Some(OrderStep { topic, order: order.id, object: order.id, at: order.updated }));
    }

    fn refund(&mut self, order: &mut Sold, id: u64) {
        self.step();
        let (topic, at, line) = ("refunds/create", self.now, order.lines[0].0);
        order.updated = at;
        order.refunds.push(Returned { id, line, at });
        self.records.keep_order(order);
        let lines = json!([{"line_item_id": line, "quantity": 1, "subtotal": "10.00", "total_tax": "0.00"}]);
        let body = json!({"id": id, "order_id": order.id, "created_at": written_at(at), "refund_line_items": lines});
        self.webhook(topic, &body, Some(OrderStep { topic, order: order.id, object: id, at }));
    }

    fn action(&mut self, customer: u64) {
        self.step();
        // The first is addressed as a shopper would, the others as a shop does.
        let address = Person { id: customer, updated: self.now, address: customer }.email().filter(|_| customer == 1);
        let customer = address.unwrap_or_else(|| customer.to_string());
        let action = Action {
            plugin: LEDGER.into(),
            by: By::Shopper(customer.clone()),
            name: "redeem".into(),
            input: Map::from_iter([("points".into(), self.random.below(100).into())]),
            key: self.key(),
        };
        let name = format!("action {} of {customer} in {}", action.key, self.domain);
        self.messages.push(Message { store: self.store, content: Content::Action(action), at: self.now, name });
    }

    /// A new message's name. Its last letter says how a plugin fails at it.
    fn key(&mut self) -> String {
        format!("{}-{}", self.messages.len(), self.random.below(8))
    }

    fn webhook(&mut self, topic: &str, body: &Value, step: Option<OrderStep>) {
        self.step();
        let id = self.key();
        let body = Bytes::from(body.to_string());
        let triggered_at = written_at(self.now);
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
        let id = EventId::from(format!("webhook/{id}"));
        let content = Content::Webhook { id, headers, body, step };
        self.messages.push(Message { store: self.store, content, at: self.now, name });
    }
}

/// A customer as webhooks tell it, alone or inside an order.
fn person_body(person: Person) -> Value {
    let mut body = json!({
        "id": person.id, "first_name": person.first_name(), "last_name": "Moss",
        "created_at": CUSTOMERS_SINCE, "updated_at": written_at(person.updated), "verified_email": person.is_seen(),
    });
    if let Some(address) = person.email() {
        body["email"] = address.into();
    }
    body
}
