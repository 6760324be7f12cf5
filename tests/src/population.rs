//! Shoppers with a season of orders, as the stream of webhooks that Shopify would send, and what they are owed.
//!
//! All follows from a seed. The model of what happened is kept, bodies are rendered when they are asked for: a season of
//! a million customers fits in memory. People are invented, at example.com and example.org.
//!
//! ```
//! use regulars_tests::population::{Population, Shop};
//!
//! let population = Population::new(7, Shop::named("regulars-test"));
//! let first = population.webhooks().next().unwrap();
//! assert_eq!(first.webhook.topic, "customers/create");
//! let owed: i64 = population.expected().values().map(|expected| expected.balance()).sum();
//! assert!(owed > 0);
//! ```

mod body;
pub mod model;
pub mod oracle;
mod season;
mod webhook;

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;

pub use self::webhook::{Secret, Webhook, sign};
use self::{
    model::{Customer, Moment, Order},
    oracle::{Expected, SIGN_UP},
};
use crate::random::Random;

/// The shop that the webhooks come from.
#[derive(Clone, Debug)]
pub struct Shop {
    pub domain: String,
    /// What bodies are signed with.
    pub secret: Secret,
    /// A currency of two decimals.
    pub currency: &'static str,
    /// Some shoppers pay in this one.
    pub second_currency: Option<Currency>,
    /// Whether prices contain tax.
    pub taxes_included: bool,
    pub tax_per_cent: u32,
    pub api_version: &'static str,
    /// When the season begins.
    pub opens: Timestamp,
}

/// A second currency and its worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Currency {
    pub code: &'static str,
    /// Thousandths of it to one of the shop's.
    pub per_mille: i64,
}

impl Shop {
    /// A Dutch shop: euros, 21 % VAT in the prices, some buyers with dollars.
    pub fn named(name: &str) -> Self {
        Self {
            domain: format!("{name}.myshopify.com"),
            secret: Secret::new("hush"),
            currency: "EUR",
            second_currency: Some(Currency { code: "USD", per_mille: 1085 }),
            taxes_included: true,
            tax_per_cent: 21,
            api_version: "2026-04",
            opens: Timestamp::constant(1_772_323_200, 0),
        }
    }
}

/// How much happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    pub customers: u32,
    pub days: u32,
}

impl Default for Size {
    fn default() -> Self {
        Self { customers: 100, days: 90 }
    }
}

/// A webhook and when it is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scheduled {
    /// Since the season's opening.
    pub at: Moment,
    pub webhook: Webhook,
}

/// The shoppers and all they do.
#[derive(Clone, Debug)]
pub struct Population {
    seed: u64,
    shop: Shop,
    customers: Vec<Customer>,
    orders: Vec<Order>,
    happenings: Vec<Happening>,
}

/// One webhook before it is rendered; numbers are indexes.
#[derive(Clone, Copy, Debug)]
struct Happening {
    at: Moment,
    /// Webhooks of one action of somebody's share the event id.
    action: u64,
    what: What,
}

#[derive(Clone, Copy, Debug)]
enum What {
    CustomerCreated(usize),
    CustomerUpdated(usize),
    OrderCreated(usize),
    OrderPaid(usize),
    OrderUpdated(usize),
    OrderCancelled(usize),
    Refunded { order: usize, refund: usize },
}

impl Population {
    pub fn new(seed: u64, shop: Shop) -> Self {
        Self::sized(seed, shop, Size::default())
    }

    pub fn sized(seed: u64, shop: Shop, size: Size) -> Self {
        let (customers, orders) = season::make_up(seed, &shop, size);
        let happenings = happenings(&customers, &orders);
        Self { seed, shop, customers, orders, happenings }
    }

    pub fn shop(&self) -> &Shop {
        &self.shop
    }

    pub fn customers(&self) -> &[Customer] {
        &self.customers
    }

    pub fn orders(&self) -> &[Order] {
        &self.orders
    }

    /// All webhooks of the season in the order in which things happened, rendered one by one.
    pub fn webhooks(&self) -> impl ExactSizeIterator<Item = Scheduled> {
        self.happenings.iter().enumerate().map(|(number, happening)| self.render(number as u64, happening))
    }

    /// What each customer is owed at the end, by customer id.
    pub fn expected(&self) -> BTreeMap<u64, Expected> {
        let signed_up = Expected { sign_up: SIGN_UP, ..Expected::default() };
        let mut expected: BTreeMap<_, _> = self.customers.iter().map(|customer| (customer.id, signed_up)).collect();
        for order in &self.orders {
            if let Some(buyer) = order.customer {
                expected.entry(self.customers[buyer].id).or_default().add(oracle::points(&self.shop, order));
            }
        }
        expected
    }

    fn render(&self, number: u64, happening: &Happening) -> Scheduled {
        let at = happening.at;
        let order = |index: usize| {
            let order = &self.orders[index];
            body::order(&self.shop, order, order.customer.map(|buyer| &self.customers[buyer]), at)
        };
        let (topic, body) = match happening.what {
            What::CustomerCreated(index) => {
                ("customers/create", body::customer(&self.shop, &self.customers[index], at))
            }
            What::CustomerUpdated(index) => {
                ("customers/update", body::customer(&self.shop, &self.customers[index], at))
            }
            What::OrderCreated(index) => ("orders/create", order(index)),
            What::OrderPaid(index) => ("orders/paid", order(index)),
            What::OrderUpdated(index) => ("orders/updated", order(index)),
            What::OrderCancelled(index) => ("orders/cancelled", order(index)),
            What::Refunded { order, refund } => {
                let order = &self.orders[order];
                ("refunds/create", body::refund(&self.shop, order, &order.refunds[refund]))
            }
        };
        let body = body.to_string().into_bytes();
        let headers = vec![
            ("Content-Type", "application/json".to_owned()),
            ("X-Shopify-Topic", topic.to_owned()),
            ("X-Shopify-Hmac-Sha256", sign(&self.shop.secret, &body)),
            ("X-Shopify-Shop-Domain", self.shop.domain.clone()),
            ("X-Shopify-API-Version", self.shop.api_version.to_owned()),
            ("X-Shopify-Webhook-Id", Random::new(self.seed, number * 4 + 2).uuid()),
            ("X-Shopify-Event-Id", Random::new(self.seed, happening.action * 4 + 3).uuid()),
            ("X-Shopify-Triggered-At", format!("{:.9}", self.shop.opens + at)),
        ];
        Scheduled { at, webhook: Webhook { topic, headers, body: body.into() } }
    }
}

/// All that happens, in order; what happens at one instant keeps its causal order.
fn happenings(customers: &[Customer], orders: &[Order]) -> Vec<Happening> {
    let mut all = Vec::new();
    let mut actions = 0;
    let mut act = |at: Moment, consequences: &[What]| {
        all.extend(consequences.iter().map(|&what| Happening { at, action: actions, what }));
        actions += 1;
    };
    for (index, customer) in customers.iter().enumerate() {
        act(customer.joined, &[What::CustomerCreated(index)]);
        for update in &customer.updates {
            act(*update, &[What::CustomerUpdated(index)]);
        }
    }
    for (index, order) in orders.iter().enumerate() {
        act(order.placed, &[What::OrderCreated(index)]);
        if let Some(paid) = order.paid {
            act(paid, &[What::OrderPaid(index), What::OrderUpdated(index)]);
        }
        for (refund, made) in order.refunds.iter().enumerate() {
            act(made.at, &[What::Refunded { order: index, refund }, What::OrderUpdated(index)]);
        }
        if let Some(cancelled) = order.cancelled {
            act(cancelled, &[What::OrderCancelled(index), What::OrderUpdated(index)]);
        }
    }
    all.sort_by_key(|happening| happening.at);
    all
}

/// How badly deliveries go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disorder {
    /// Webhooks of 1,000 that are delivered twice.
    pub repeated_per_mille: u64,
    /// Deliveries of 1,000 that come late.
    pub late_per_mille: u64,
    /// How late at most.
    pub delay: Duration,
}

/// The same webhooks as a bad day delivers them: some twice, some late, so that order is lost.
pub fn as_delivered(seed: u64, webhooks: impl IntoIterator<Item = Scheduled>, disorder: Disorder) -> Vec<Scheduled> {
    let mut random = Random::new(seed, 4);
    let mut delivered = Vec::new();
    for scheduled in webhooks {
        let times = if random.happens(disorder.repeated_per_mille) { 2 } else { 1 };
        for _ in 0..times {
            let mut delivery = scheduled.clone();
            if random.happens(disorder.late_per_mille) {
                delivery.at += Duration::from_millis(random.within(0..disorder.delay.as_millis() as u64 + 1));
            }
            delivered.push(delivery);
        }
    }
    delivered.sort_by_key(|delivery| delivery.at);
    delivered
}

#[cfg(test)]
mod tests;
