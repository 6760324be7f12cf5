//! A season of a small shop: who signs up, buys, sends back, asks, merges and is forgotten, drawn from a seed.

use std::time::Duration;

use regulars::{
    domain::{Currency, CustomerId, Effect, EffectStatus, Event, Origin, Timestamp},
    engine::limits,
    ingest::actions::By,
    store::keys,
};
use regulars_sdk::test::START;
use regulars_tests::random::Random;
use serde_json::json;

use super::{
    bodies::{self, Basket, Line, Person},
    facts,
    house::STORE,
    kits::{Ask, Kit, Sight},
    twins::Twins,
};

const MINUTE: u64 = 60_000;
const DAY: u64 = 1_440 * MINUTE;

/// Customers of old: more orders than one delivery that goes through all of them reads.
const OLD_CUSTOMERS: usize = 4;

/// Names that are alike, and others.
const NAMES: [&str; 6] = ["Mira", "Miriam", "Otto", "Zoe", "Xaver", "Ida"];

pub struct Season<'a> {
    pub twins: Twins,
    kit: &'a Kit,
    currency: Currency,
    random: Random,
    people: Vec<Person>,
    baskets: Vec<Basket>,
    /// Webhooks that have been sent.
    sent: Vec<Event>,
    numbers: u64,
}

/// So many euros, or what is like it, in minor units.
pub fn minor(euros: i64, currency: Currency) -> i64 {
    match currency.code() {
        "JPY" => euros * 150,
        "KWD" => euros * 350,
        _ => euros * 100,
    }
}

impl<'a> Season<'a> {
    pub fn new(twins: Twins, kit: &'a Kit, currency: Currency, seed: u64) -> Self {
        let random = Random::new(seed, 5);
        Self { twins, kit, currency, random, people: Vec::new(), baskets: Vec::new(), sent: Vec::new(), numbers: 1_000 }
    }

    pub async fn run(&mut self, days: u32) {
        for product in [71, 72, 73] {
            let body = bodies::product(product, self.now());
            self.webhook("products/create", body).await;
        }
        for _ in 0..5 {
            self.sign_up().await;
        }
        for _ in 0..days {
            let pause = self.random.within(MINUTE..DAY);
            self.twins.move_to(self.twins.house.now() + Duration::from_millis(pause)).await;
            self.end_effects().await;
            self.step().await;
        }
        // What is still to come: terms, holds and the ends of codes.
        for _ in 0..6 {
            self.twins.move_to(self.twins.house.now() + Duration::from_millis(15 * DAY)).await;
            self.end_effects().await;
        }
        self.twins.compare_all();
    }

    /// Customers of old, each with as many orders as one delivery reads, of whom the plugin has not been told; then it
    /// looks at everybody, and one of them buys again.
    pub async fn meet_old_customers(&mut self) {
        for _ in 0..OLD_CUSTOMERS {
            let buyer = self.meet();
            self.people[buyer].joined = Some(self.now());
            for _ in 0..limits::LIST_ORDERS {
                let placed = START.0 - self.random.within(DAY..20 * DAY);
                let basket = Basket { placed, ..self.basket(buyer) };
                let body = bodies::order(&basket, &self.people[buyer], self.currency, self.now());
                let number = self.number().to_string();
                self.twins.house.webhook(&number, "orders/create", &body).await;
            }
        }
        self.twins.catch_up().await;
        let buyer = self.people.len() - 1;
        let again = self.basket(buyer);
        self.baskets.push(again);
        self.order_webhook("orders/paid", self.baskets.len() - 1).await;
        let amount = amounts(self.currency);
        for (key, value) in (self.kit.changes)(&amount) {
            self.twins.publish(key, value).await;
            self.twins.move_to(self.twins.house.now() + Duration::from_millis(DAY)).await;
        }
    }

    async fn step(&mut self) {
        match self.random.below(100) {
            0..=29 => self.buy().await,
            30..=38 => self.give_back().await,
            39..=42 => self.cancel().await,
            43..=46 => self.edit().await,
            47..=58 => self.ship().await,
            59..=61 => self.dispute().await,
            62..=66 => self.sign_up().await,
            67..=70 => self.change_person().await,
            71..=72 => self.merge().await,
            73..=74 => self.forget().await,
            75..=78 => self.repeat().await,
            79..=80 => self.publish().await,
            81..=84 => self.visit().await,
            _ => self.ask().await,
        }
    }

    fn now(&self) -> u64 {
        self.twins.house.now().0
    }

    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    async fn webhook(&mut self, topic: &str, body: serde_json::Value) {
        let number = self.number();
        let event = self.twins.house.webhook(&number.to_string(), topic, &body).await;
        self.sent.push(event);
        self.twins.catch_up().await;
    }

    async fn order_webhook(&mut self, topic: &str, index: usize) {
        let basket = &self.baskets[index];
        let body = bodies::order(basket, &self.people[basket.buyer], self.currency, self.now());
        self.webhook(topic, body).await;
    }

    /// Somebody signs up; now and then a guest who has bought before, or the same person a second time.
    async fn sign_up(&mut self) {
        let now = self.now();
        let guest = self.people.iter().position(|it| it.joined.is_none() && !it.is_gone);
        let index = match guest.filter(|_| self.random.happens(500)) {
            Some(guest) => guest,
            None => self.meet(),
        };
        self.people[index].joined = Some(now);
        let body = bodies::customer(&self.people[index], now);
        self.webhook("customers/create", body).await;
    }

    fn meet(&mut self) -> usize {
        let (id, name) = (self.number(), self.random.pick(&NAMES));
        let index = self.people.len();
        // Some have the address of another, but for a plus part.
        let twin = self.random.happens(150).then(|| self.random.below(index.max(1) as u64));
        let email = match twin {
            Some(twin) => format!("{}{twin}+more{index}@example.com", name.to_lowercase()),
            None => format!("{}{index}@example.com", name.to_lowercase()),
        };
        let phone = self.random.happens(300).then(|| format!("+3160000{:04}", self.random.below(6)));
        let birth_date = self.random.happens(300).then(|| {
            format!(
                "19{}-{:02}-{:02}",
                self.random.within(60..99),
                self.random.within(1..13),
                self.random.within(1..29)
            )
        });
        let tags = if self.random.happens(120) { vec!["wholesale"] } else { Vec::new() };
        let name = name.to_owned();
        self.people.push(Person { id, name, email, phone, tags, birth_date, joined: None, is_gone: false });
        index
    }

    async fn change_person(&mut self) {
        let Some(index) = self.somebody() else { return };
        let now = self.now();
        if self.random.happens(400) {
            let body = bodies::consent(&self.people[index], self.random.happens(700), now);
            return self.webhook("customers_email_marketing_consent/update", body).await;
        }
        let (month, day) = (self.random.within(1..13), self.random.within(1..29));
        let person = &mut self.people[index];
        person.birth_date = Some(format!("1980-{month:02}-{day:02}"));
        person.tags = if self.random.happens(300) { vec!["staff", "vip"] } else { vec!["vip"] };
        let body = bodies::customer(&self.people[index], now);
        self.webhook("customers/update", body).await;
    }

    /// A customer with a record.
    fn somebody(&mut self) -> Option<usize> {
        let there: Vec<_> =
            (0..self.people.len()).filter(|&at| self.people[at].joined.is_some() && !self.people[at].is_gone).collect();
        (!there.is_empty()).then(|| self.random.pick(&there))
    }

    async fn buy(&mut self) {
        let known = if self.random.happens(850) { self.somebody() } else { None };
        let buyer = match known {
            Some(buyer) => buyer,
            None => self.meet(),
        };
        let basket = self.basket(buyer);
        self.baskets.push(basket);
        let index = self.baskets.len() - 1;
        match self.random.below(20) {
            // What is said of the order comes before the order.
            0 => {
                self.refund(index).await;
                let (shipment, basket) = (self.number(), &self.baskets[index]);
                let body = bodies::fulfillment(shipment, basket, "success", None, self.now());
                self.baskets[index].shipment = Some(shipment);
                self.webhook("fulfillments/create", body).await;
            }
            1 => self.order_webhook("orders/create", index).await,
            _ => {}
        }
        self.order_webhook("orders/paid", index).await;
    }

    fn basket(&mut self, buyer: usize) -> Basket {
        let id = self.number();
        let mut lines = Vec::new();
        for _ in 0..self.random.within(1..4) {
            let (price, quantity) = (self.random.within(300..4_500) as i64, self.random.within(1..4) as u32);
            let price = minor(price, self.currency) / 100;
            let discount = if self.random.happens(300) { price / 5 } else { 0 };
            let (product, gift_card) = (self.random.pick(&[71, 72, 73, 99]), self.random.happens(60));
            let line = self.number();
            lines.push(Line { id: line, product, price, quantity, left: quantity, refunded: 0, discount, gift_card });
        }
        let codes: Vec<String> = self.twins.bench().codes().map(|(code, _)| code.to_lowercase()).collect();
        let codes = if !codes.is_empty() && self.random.happens(350) {
            vec![codes[self.random.below(codes.len() as u64) as usize].clone()]
        } else {
            Vec::new()
        };
        let mut attributes = Vec::new();
        if let Some((link, _)) = self.link().filter(|_| self.random.happens(500)) {
            attributes.push(("regulars_link", link));
            attributes.push(("regulars_device", format!("cookie-{}", self.random.below(5))));
        }
        Basket {
            id,
            buyer,
            lines,
            shipping: minor(4, self.currency),
            codes,
            attributes,
            test: self.random.happens(40),
            source: if self.random.happens(100) { "pos" } else { "web" },
            placed: self.now(),
            cancelled: None,
            shipment: None,
        }
    }

    fn an_order(&mut self) -> Option<usize> {
        let count = self.baskets.len() as u64;
        // Mostly one of the latest.
        let from = if self.random.happens(700) { count.saturating_sub(12) } else { 0 };
        (count > 0).then(|| self.random.within(from..count) as usize)
    }

    async fn give_back(&mut self) {
        let Some(index) = self.an_order() else { return };
        self.refund(index).await;
        if self.random.happens(500) {
            self.order_webhook("orders/updated", index).await;
        }
    }

    async fn refund(&mut self, index: usize) {
        let all = self.random.happens(300);
        let mut units = Vec::new();
        for (at, line) in self.baskets[index].lines.iter_mut().enumerate() {
            let left = line.left - line.refunded.min(line.left);
            let quantity = if all { left } else { left.min(self.random.below(2) as u32) };
            if quantity > 0 {
                line.refunded += quantity;
                units.push((at, quantity));
            }
        }
        let id = self.number();
        let body = bodies::refund(id, &self.baskets[index], &units, self.currency, self.now());
        self.webhook("refunds/create", body).await;
    }

    async fn cancel(&mut self) {
        let Some(index) = self.an_order().filter(|&index| self.baskets[index].cancelled.is_none()) else { return };
        self.baskets[index].cancelled = Some(self.now());
        self.order_webhook("orders/cancelled", index).await;
    }

    async fn edit(&mut self) {
        let Some(index) = self.an_order() else { return };
        let (now, basket) = (self.now(), &mut self.baskets[index]);
        let line = &mut basket.lines[0];
        if line.left <= line.refunded {
            return;
        }
        line.left -= 1;
        let line = line.id;
        let body = bodies::edit(&self.baskets[index], line, 1, now);
        let is_told_first = self.random.happens(500);
        if is_told_first {
            self.order_webhook("orders/updated", index).await;
        }
        self.webhook("orders/edited", body).await;
        if !is_told_first {
            self.order_webhook("orders/updated", index).await;
        }
    }

    async fn ship(&mut self) {
        let Some(index) = self.an_order() else { return };
        let now = self.now();
        let (topic, shipment, status) = match self.baskets[index].shipment {
            None => {
                let shipment = self.number();
                self.baskets[index].shipment = Some(shipment);
                ("fulfillments/create", shipment, Some("in_transit"))
            }
            Some(shipment) => ("fulfillments/update", shipment, Some("delivered")),
        };
        let body = bodies::fulfillment(shipment, &self.baskets[index], "success", status, now);
        self.webhook(topic, body).await;
        if topic == "fulfillments/create" {
            self.order_webhook("orders/fulfilled", index).await;
        }
    }

    async fn dispute(&mut self) {
        let Some(index) = self.an_order() else { return };
        let (id, status) = (self.baskets[index].id + 500_000, self.random.pick(&["needs_response", "lost", "won"]));
        let body = bodies::dispute(id, &self.baskets[index], status, self.currency);
        self.webhook("disputes/update", body).await;
    }

    async fn merge(&mut self) {
        let (Some(kept), Some(gone)) = (self.somebody(), self.somebody()) else { return };
        if kept == gone {
            return;
        }
        let body = bodies::merge(self.people[kept].id, self.people[gone].id);
        self.people[gone].is_gone = true;
        for basket in self.baskets.iter_mut().filter(|basket| basket.buyer == gone) {
            basket.buyer = kept;
        }
        self.webhook("customers/merge", body).await;
    }

    async fn forget(&mut self) {
        let Some(index) = self.somebody() else { return };
        self.people[index].is_gone = true;
        let id = self.people[index].id;
        if self.random.happens(500) {
            return self.webhook("customers/delete", json!({ "id": id, "email": null })).await;
        }
        self.webhook("customers/redact", json!({ "customer": { "id": id }, "orders_to_redact": [] })).await;
    }

    /// A webhook comes a second time.
    async fn repeat(&mut self) {
        let index = self.random.below(self.sent.len() as u64) as usize;
        let event = Event { received_at: self.twins.house.now(), ..self.sent[index].clone() };
        self.twins.append(&event).await;
    }

    async fn publish(&mut self) {
        let amount = amounts(self.currency);
        let changes = (self.kit.changes)(&amount);
        let (key, value) = changes[self.random.below(changes.len() as u64) as usize].clone();
        self.twins.publish(key, value).await;
    }

    /// A link that somebody shares, and whose it is.
    fn link(&mut self) -> Option<(String, CustomerId)> {
        let links: Vec<_> = self.twins.links().collect();
        if links.is_empty() {
            return None;
        }
        let index = self.random.below(links.len() as u64) as usize;
        Some(links[index].clone())
    }

    async fn visit(&mut self) {
        let Some((link, customer)) = self.link() else { return };
        let plugin = self.twins.house.plugin.clone();
        let device = format!("cookie-{}", self.random.below(5));
        let body = json!({ "link": link, "signals": facts::cookie(&device, &plugin) });
        let (number, now) = (self.number(), self.twins.house.now());
        let event = Event {
            id: format!("visit/{link}/{number}").into(),
            store: STORE,
            origin: Origin::Visit { plugin, customer, link },
            occurred_at: now,
            received_at: now,
            body: body.to_string().into(),
        };
        self.twins.append(&event).await;
    }

    async fn ask(&mut self) {
        let Some(index) = self.somebody() else { return };
        let person = self.people[index].id.to_string();
        let sight = Sight {
            codes: self.twins.bench().codes().map(|(code, _)| code.to_owned()).collect(),
            order: self.an_order().map(|index| self.baskets[index].id.to_string()).unwrap_or_default(),
            tasks: self.twins.bench().tasks().keys().cloned().collect(),
        };
        let Ask { by_merchant, name, input } = (self.kit.asks)(&mut self.random, &sight);
        let by = if by_merchant { By::Merchant(Some(person)) } else { By::Shopper(person) };
        let key = self.number().to_string();
        self.twins.house.act(by, name, &input, &key).await;
        self.twins.catch_up().await;
    }

    /// Most of what is due is done, some of it is given up; what waits for another effect goes as that went.
    async fn end_effects(&mut self) {
        let now: Timestamp = self.twins.house.now();
        for id in self.twins.pending() {
            let of = |id| self.twins.house.read::<Effect>(&keys::effect(STORE, id)).expect("it is queued");
            // Being told of another, the plugin may have taken it back.
            let effect = of(&id);
            let EffectStatus::Pending { due, .. } = effect.status else { continue };
            let before = effect.after.as_ref().map(|earlier| of(earlier).status);
            if due > now || matches!(before, Some(EffectStatus::Pending { .. })) || self.random.happens(250) {
                continue;
            }
            let is_lost = before.is_some_and(|status| !matches!(status, EffectStatus::Done { .. }));
            let status = match is_lost || self.random.happens(60) {
                true => EffectStatus::Dead { reason: "the shop refuses it".into() },
                false => EffectStatus::Done { receipt: "receipt".into() },
            };
            self.twins.end(&effect.id, status).await;
        }
    }
}

/// Writes amounts of so many euros, or what is like it, as settings have them.
pub fn amounts(currency: Currency) -> impl Fn(u32) -> String {
    move |euros| bodies::decimal(minor(i64::from(euros), currency), currency)
}
