//! A season: what the storefront and the shoppers send, and whether the host makes of it what it has to.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use regulars_tests::{
    host::Host,
    population::{
        Population,
        model::{Customer, Moment},
        oracle,
    },
    sender::Sender,
    shopify_admin::{Outcome, ShopifyAdmin},
    smtp_sink::SmtpSink,
};
use serde_json::{Value, json};
use tokio::time::MissedTickBehavior;

use super::{PLUGIN, Result, screen::Screen};

/// The one reward of the plugin's default settings.
const REWARD: &str = "5-off";
const REWARD_COST: i64 = 100;

/// Every so many-th webhook is delivered twice.
const REPEATED: u64 = 25;

/// The pause between two looks at what the host has done.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// The pause between two requests for a reward.
const REDEEM_EVERY: Duration = Duration::from_secs(2);

/// How often a status line is printed where it cannot be rewritten in place.
const STATUS_EVERY: Duration = Duration::from_secs(10);

/// How long what has been sent may take until all that follows from it is done.
const SETTLED_WITHIN: Duration = Duration::from_secs(60);

/// The host's JSON API.
struct Api<'a> {
    client: reqwest::Client,
    base: String,
    domain: &'a str,
}

impl Api<'_> {
    async fn get(&self, path: &str) -> Result<Value> {
        let response = self.client.get(format!("{}/v1{path}", self.base)).send().await?;
        Ok(response.error_for_status()?.json().await?)
    }

    /// What belongs to the store.
    async fn of_store(&self, path: &str) -> Result<Value> {
        self.get(&format!("/stores/{}/{path}", self.domain)).await
    }

    async fn redeem(&self, customer: &str, key: String) -> Result {
        let url = format!("{}/v1/stores/{}/customers/{customer}/actions", self.base, self.domain);
        let body = json!({
            "plugin": PLUGIN, "action": "redeem", "input": { "reward": REWARD }, "idempotency_key": key,
        });
        self.client.post(url).json(&body).send().await?.error_for_status()?;
        Ok(())
    }
}

/// What the storefront has sent so far.
#[derive(Clone, Debug, Default)]
struct Sent {
    webhooks: u64,
    repeats: u64,
    orders_paid: u64,
    refunds: u64,
    actions: u64,
    /// Everything up to here has been sent, and nothing after it.
    until: Moment,
    all: bool,
}

pub struct Season<'a> {
    screen: &'a Screen,
    population: &'a Population,
    /// The shopper whose mailbox takes no mail.
    unlucky: &'a Customer,
    sender: Sender,
    api: Api<'a>,
    shopify: &'a ShopifyAdmin,
    mails: &'a SmtpSink,
    sent: Mutex<Sent>,
}

impl<'a> Season<'a> {
    pub fn among(
        screen: &'a Screen,
        population: &'a Population,
        unlucky: &'a Customer,
        host: &Host,
        shopify: &'a ShopifyAdmin,
        mails: &'a SmtpSink,
    ) -> Result<Self> {
        let client = reqwest::Client::new();
        let api = Api { client, base: host.admin_url().to_owned(), domain: &population.shop().domain };
        let sender = Sender::to(format!("{}/webhooks/shopify", host.webhooks_url()))?;
        Ok(Self { screen, population, unlucky, sender, api, shopify, mails, sent: Mutex::default() })
    }

    fn sent(&self) -> MutexGuard<'_, Sent> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends the season, or as much of it as fits, and checks what came of it.
    pub async fn play(&self, rate: u32, seconds: Option<Duration>) -> Result {
        tokio::select! {
            shopped = async { tokio::try_join!(self.shop(rate, seconds), self.redeem()) } => { shopped?; }
            narrated = self.narrate() => narrated?,
        }
        self.settle().await
    }

    /// Posts the webhooks at an even rate, correctly signed, now and then one twice.
    async fn shop(&self, rate: u32, seconds: Option<Duration>) -> Result {
        let started = Instant::now();
        let mut pace = tokio::time::interval(Duration::from_secs(1) / rate);
        pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
        for (number, scheduled) in (1..).zip(self.population.webhooks()) {
            // What happened at one instant is sent as a whole: the oracle knows instants, not webhooks.
            let begins = scheduled.at > self.sent().until;
            if begins && seconds.is_some_and(|seconds| started.elapsed() >= seconds) {
                self.sent().all = true;
                return Ok(());
            }
            let times = if number % REPEATED == 0 { 2 } else { 1 };
            for _ in 0..times {
                pace.tick().await;
                let answer = self.sender.send(&scheduled.webhook).await?;
                if answer.status != 200 {
                    let topic = scheduled.webhook.topic;
                    return Err(format!("webhook {topic} was answered {}: {}", answer.status, answer.body).into());
                }
            }
            let mut sent = self.sent();
            sent.webhooks += times;
            sent.repeats += times - 1;
            sent.orders_paid += u64::from(scheduled.webhook.topic == "orders/paid");
            sent.refunds += u64::from(scheduled.webhook.topic == "refunds/create");
            sent.until = scheduled.at;
        }
        self.sent().all = true;
        Ok(())
    }

    /// Asks for a reward for whoever can pay for one, until the season has been sent.
    async fn redeem(&self) -> Result {
        while !self.sent().all {
            tokio::time::sleep(REDEEM_EVERY).await;
            let activity = self.api.of_store("activity?limit=200").await?;
            let rich = list(&activity["customers"]).iter().find(|it| figure(it, "balance") >= Some(REWARD_COST));
            if let Some(id) = rich.and_then(|customer| customer["id"].as_str()) {
                let key = self.sent().actions + 1;
                self.api.redeem(id, format!("demo-{key}")).await?;
                self.sent().actions = key;
            }
        }
        Ok(())
    }

    /// Tells of the first of each kind, and how far the season is.
    async fn narrate(&self) -> Result {
        let mut told = BTreeSet::new();
        let mut status_at = Instant::now();
        loop {
            tokio::time::sleep(LOOK_AGAIN).await;
            let counters = self.api.get("/status").await?["counters"].take();
            let activity = self.api.of_store("activity?limit=200").await?;
            for (kind, text) in self.firsts(&activity, &counters) {
                if told.insert(kind) {
                    self.screen.say(format_args!("first {kind}: {text}"));
                }
            }
            let every = if self.screen.rewrites { Duration::ZERO } else { STATUS_EVERY };
            if status_at.elapsed() >= every {
                status_at = Instant::now();
                let sent = self.sent().clone();
                self.screen.status(format_args!(
                    "{} webhooks ({} repeats), {} orders paid, {} refunds, {} mails, tags and codes out, {} given up",
                    sent.webhooks,
                    sent.repeats,
                    sent.orders_paid,
                    sent.refunds,
                    counters["effects_done"],
                    counters["effects_dead"],
                ));
            }
        }
    }

    /// One example of each kind of thing that has happened.
    fn firsts(&self, activity: &Value, counters: &Value) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        for event in list(&activity["events"]).iter().rev() {
            let note = &event["deliveries"][0]["notes"][0];
            let points = field(note, "points").and_then(|points| points.parse::<i64>().ok()).unwrap_or_default();
            let order = field(note, "order").unwrap_or_default();
            let person = &activity["people"][event["customer"].as_str().unwrap_or_default()];
            let name = person["first_name"].as_str().unwrap_or("somebody");
            match event["topic"].as_str() {
                Some("order.paid") if points > 0 => {
                    found.push(("order processed", format!("{points} points for order {order}, for {name}")));
                }
                Some("order.refunded") if points < 0 => {
                    found.push(("refund", format!("{} points of order {order} taken back from {name}", -points)));
                }
                _ => {}
            }
        }
        if let Some(mail) = self.mails.messages().first() {
            let subject = mail.subject.as_deref().unwrap_or_default();
            found.push(("mail", format!("“{subject}” to {}", mail.envelope_to.join(", "))));
        }
        if let Some(code) = self.shopify.codes().first() {
            found.push(("code", format!("{}, paid for with {REWARD_COST} points", code.code)));
        }
        if counters["webhooks_duplicate"].as_u64() > Some(0) {
            found.push(("repeat", "Shopify sent a webhook twice, and it counted once".into()));
        }
        if counters["effects_dead"].as_u64() > Some(0) {
            let email = &self.unlucky.email;
            found.push(("dead letter", format!("the mailbox of {email} takes no mail; the page offers to try again")));
        }
        found
    }

    /// Waits until all that follows from what was sent is as it has to be, and says so in numbers.
    async fn settle(&self) -> Result {
        let began = Instant::now();
        loop {
            let (problems, summary) = self.judge().await?;
            if problems.is_empty() {
                self.screen.print(format_args!("\n{summary}"));
                return Ok(());
            }
            if began.elapsed() >= SETTLED_WITHIN {
                return Err(format!("not all is as it has to be:\n  {}", problems.join("\n  ")).into());
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Compares the host with the oracle and with what the peers have seen.
    async fn judge(&self) -> Result<(Vec<String>, String)> {
        let (sent, mut problems) = (self.sent().clone(), Vec::new());
        let mut check = |holds: bool, problem: String| {
            if !holds {
                problems.push(problem);
            }
        };
        let counters = self.api.get("/status").await?["counters"].take();
        for (name, wanted) in
            [("webhooks_accepted", sent.webhooks - sent.repeats), ("webhooks_duplicate", sent.repeats)]
        {
            check(counters[name] == wanted, format!("{name} is {}, {wanted} were sent", counters[name]));
        }
        check(sent.orders_paid > 0, "no order was paid".into());

        let codes = self.shopify.codes();
        let mut points_in_all = 0;
        let owed = owed(self.population, sent.until);
        for (&customer, &owed) in &owed {
            let id = format!("gid://shopify/Customer/{customer}");
            let redeemed = codes.iter().filter(|code| code.customers.contains(&id)).count() as i64 * REWARD_COST;
            let wanted = (owed - redeemed).max(0);
            let shown = figure(&self.api.of_store(&format!("customers/{customer}")).await?, "balance");
            check(shown == Some(wanted), format!("customer {customer} has {shown:?} points, {wanted} are owed"));
            points_in_all += wanted;
        }

        let effects = self.api.of_store("effects?limit=1000").await?;
        let count = |kind: &str, status: &str| {
            list(&effects).iter().filter(|effect| effect["kind"] == kind && effect["status"] == status).count()
        };
        let unlucky = self.unlucky.id.to_string();
        for effect in list(&effects) {
            // The mailbox that does not exist is found out with the first mail, and written to no more.
            let is_unlucky = effect["kind"] == "mail" && effect["customer"] == unlucky.as_str();
            let expected = match effect["status"].as_str() {
                Some("done") => true,
                Some("dead" | "dropped") => is_unlucky,
                _ => false,
            };
            check(expected, format!("{} {} is {}: {}", effect["kind"], effect["id"], effect["status"], effect["told"]));
        }
        let messages = self.mails.messages();
        let (mails, refused) = (count("mail", "done"), count("mail", "dead"));
        check(mails > 0 && messages.len() == mails, format!("{mails} mails are done, {} arrived", messages.len()));
        let codes_done = count("discount.create", "done");
        check(
            codes_done > 0 && codes.len() == codes_done,
            format!("{codes_done} codes are done, {} exist", codes.len()),
        );
        let flaws = self.mails.violations().into_iter().chain(messages.into_iter().flat_map(|mail| mail.violations));
        flaws.for_each(|flaw| check(false, format!("the mail server objects: {flaw}")));
        for request in self.shopify.requests() {
            if let Outcome::Invalid(told) = request.outcome {
                check(false, format!("Shopify objects: {told}"));
            }
        }

        let Sent { webhooks, repeats, orders_paid, refunds, .. } = sent;
        let summary = format!(
            "  {webhooks} webhooks sent, {repeats} of them repeats, every one counted once\n  \
             {orders_paid} orders paid, {refunds} refunds\n  \
             {} customers hold the {points_in_all} points that they are owed\n  \
             {mails} mails arrived, {refused} refused by a mailbox\n  \
             {} codes issued",
            owed.len(),
            codes.len(),
        );
        Ok((problems, summary))
    }
}

/// What each customer who has joined by `until` is owed by then, apart from what they have redeemed.
fn owed(population: &Population, until: Moment) -> BTreeMap<u64, i64> {
    let customers = population.customers();
    let joined = customers.iter().filter(|customer| customer.joined <= until);
    let mut owed: BTreeMap<_, _> = joined.map(|customer| (customer.id, oracle::SIGN_UP)).collect();
    for order in population.orders() {
        let mut order = order.clone();
        order.paid = order.paid.filter(|paid| *paid <= until);
        order.refunds.retain(|refund| refund.at <= until);
        let points = oracle::points(population.shop(), &order);
        if let Some(balance) = order.customer.and_then(|buyer| owed.get_mut(&customers[buyer].id)) {
            *balance += points.earned - points.reversed;
        }
    }
    owed
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// A number that the plugin has noted of a customer.
fn figure(customer: &Value, name: &str) -> Option<i64> {
    customer["figures"][PLUGIN][name].as_str()?.parse().ok()
}

fn field<'a>(note: &'a Value, name: &str) -> Option<&'a str> {
    list(&note["fields"]).iter().find(|field| field[0] == name)?[1].as_str()
}
