//! What is sent: orders of the simulated population as signed webhooks, ready to be written to a socket.

use std::sync::Arc;

use regulars_tests::population::{Population, Secret, Shop, Size, Webhook};
use serde::Deserialize;

/// Paid orders that a customer's season amounts to, rounded down, so that there are always enough.
const PAID_PER_CUSTOMER: usize = 1;

/// Larger bodies are left out: what is left has 6 kB on average, as an order of two or three lines has.
const MOST_BYTES: usize = 8_000;

const ID_HEADER: &str = "X-Shopify-Webhook-Id";

/// Digits at the end of an id that tell one sending of a request from another.
const ID_DIGITS: usize = 12;

/// Orders that are made up; further ones are copies of them under other ids, which takes a tenth of the time.
pub const MADE_UP: usize = 8_000;

/// The first customer of those that bodies are rewritten to; ids of the population are below.
pub const FIRST_CUSTOMER: u64 = 990_000_000_000_000;

/// What lies between an order's id and the id that it has in the next copy of the season.
const ORDERS_APART: u64 = 1_000_000_000_000_000;

/// A webhook as bytes on the wire.
#[derive(Clone, Debug)]
pub struct Request {
    bytes: Vec<u8>,
    /// Where the last digits of the webhook's id stand.
    id_at: usize,
}

impl Request {
    pub fn of(webhook: &Webhook) -> Self {
        let mut head =
            format!("POST /webhooks/shopify HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n", webhook.body.len());
        let mut id_at = 0;
        for (name, value) in &webhook.headers {
            head += &format!("{name}: {value}\r\n");
            if *name == ID_HEADER {
                id_at = head.len() - 2 - ID_DIGITS;
            }
        }
        Self { bytes: [head.as_bytes(), b"\r\n", &webhook.body].concat(), id_at }
    }

    /// The request into `buffer`. Each `repetition` but 0 is a webhook of its own with the same body, which is all that
    /// is signed.
    pub fn write(&self, buffer: &mut Vec<u8>, repetition: usize) {
        buffer.clear();
        buffer.extend_from_slice(&self.bytes);
        if repetition > 0 {
            let digits = format!("{repetition:0ID_DIGITS$x}");
            buffer[self.id_at..self.id_at + ID_DIGITS].copy_from_slice(digits.as_bytes());
        }
    }
}

/// Orders of one shop.
#[derive(Clone, Debug)]
pub struct Workload {
    pub shop: String,
    pub secret: Secret,
    pub webhooks: Arc<[Webhook]>,
    /// The same, ready to be sent.
    pub requests: Arc<[Request]>,
    /// Bytes that a body has on average.
    pub body_bytes: usize,
}

impl Workload {
    /// So many different orders, each as the webhook that says that it is paid.
    pub fn paid_orders(count: usize) -> Self {
        let made_up = count.min(MADE_UP);
        let customers = u32::try_from(made_up * 5 / 4 / PAID_PER_CUSTOMER + 10).unwrap_or(u32::MAX);
        let population = Population::sized(7, Shop::named("bench"), Size { customers, days: 90 });
        let webhooks = population.webhooks().map(|scheduled| scheduled.webhook);
        let is_wanted = |webhook: &Webhook| webhook.topic == "orders/paid" && webhook.body.len() <= MOST_BYTES;
        let webhooks: Vec<_> = webhooks.filter(is_wanted).take(made_up).collect();
        assert_eq!(webhooks.len(), made_up, "the season is long enough");
        let shop = population.shop();
        let first = Self::of(shop.domain.clone(), shop.secret.clone(), webhooks);
        let copies = (1..).map(|number| first.copy(number, MADE_UP, count as u64));
        let all = copies.take(count.div_ceil(MADE_UP) - 1).fold(first.webhooks.to_vec(), |mut all, copy| {
            all.extend_from_slice(&copy.webhooks);
            all
        });
        Self::of(first.shop, first.secret, all.into_iter().take(count).collect())
    }

    fn of(shop: String, secret: Secret, webhooks: Vec<Webhook>) -> Self {
        Self {
            shop,
            secret,
            requests: webhooks.iter().map(Request::of).collect(),
            body_bytes: webhooks.iter().map(|webhook| webhook.body.len()).sum::<usize>() / webhooks.len().max(1),
            webhooks: webhooks.into(),
        }
    }

    /// The first `count` orders once more: as other orders, of customers drawn from so many. Copies of the same number
    /// are the same orders; of different numbers, they are other orders as long as `count` is at most [`MADE_UP`].
    pub fn copy(&self, number: u64, count: usize, customers: u64) -> Self {
        let webhooks = self.webhooks.iter().take(count).zip(0..);
        let webhooks = webhooks.map(|(webhook, index)| {
            let drawn = (number << 32 | index).wrapping_mul(0x9e37_79b9_7f4a_7c15) % customers;
            let mut webhook = rewritten(&self.secret, webhook, number, drawn);
            // The last digits are left to repetitions.
            let id = format!("{number:08x}-{:04x}-4{:03x}-8000-{:012x}", index & 0xffff, index >> 16, 0);
            webhook.set_header(ID_HEADER, id);
            webhook
        });
        Self::of(self.shop.clone(), self.secret.clone(), webhooks.collect())
    }
}

/// What of a body names somebody or something.
#[derive(Deserialize)]
struct Names {
    id: u64,
    customer: Option<Buyer>,
}

#[derive(Deserialize)]
struct Buyer {
    id: u64,
    email: String,
}

pub fn email_of(customer: u64) -> String {
    format!("shopper.{customer}@example.com")
}

/// The same order in another copy of the season, bought by another customer.
fn rewritten(secret: &Secret, webhook: &Webhook, copy: u64, customer: u64) -> Webhook {
    let names: Names = serde_json::from_slice(&webhook.body).expect("the population's orders have ids");
    let text = std::str::from_utf8(&webhook.body).expect("bodies are text");
    let mut body = text.replace(&names.id.to_string(), &(names.id + copy * ORDERS_APART).to_string());
    if let Some(buyer) = names.customer {
        body = body.replace(&buyer.id.to_string(), &(FIRST_CUSTOMER + customer).to_string());
        body = body.replace(&buyer.email, &email_of(customer));
    }
    webhook.clone().with_body(secret, body)
}
