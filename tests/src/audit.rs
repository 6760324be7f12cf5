//! Compares a host with the record of what it was sent: whether anything acknowledged is lost, or counted twice.
//!
//! The host is asked for everything it has, in one export; what it says is held against the record, against what the
//! simulated peers have seen, and against the points that the oracle says are owed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde_json::Value;

use crate::{
    population::{Population, oracle::Expected},
    shopify_admin::{Outcome, ShopifyAdmin},
    smtp_sink::SmtpSink,
    storm::{PLUGIN, REWARD_COST, Record},
};

/// Everything that a host has of one store.
#[derive(Clone, Debug, Default)]
pub struct Holdings {
    events: Vec<Value>,
    effects: Vec<Value>,
    /// The plugin's state by key.
    state: BTreeMap<String, Value>,
}

impl Holdings {
    pub async fn ask(admin_url: &str, domain: &str) -> Result<Self, String> {
        let url = format!("{admin_url}/v1/stores/{domain}/export");
        let response = reqwest::Client::new().get(&url).send().await.map_err(|error| error.to_string())?;
        let status = response.status();
        let text = response.text().await.map_err(|error| format!("the export broke off: {error}"))?;
        if !status.is_success() {
            return Err(format!("the export was answered {status}: {text}"));
        }
        let mut holdings = Self::default();
        for line in text.lines() {
            let mut line: Value = serde_json::from_str(line).map_err(|error| format!("{line}: {error}"))?;
            let value = line["value"].take();
            match (line["kind"].as_str(), line["plugin"].as_str(), line["key"].as_str()) {
                (Some("event"), ..) => holdings.events.push(value),
                (Some("effect"), ..) => holdings.effects.push(value),
                (Some("state"), Some(PLUGIN), Some(key)) => drop(holdings.state.insert(key.into(), value)),
                _ => {}
            }
        }
        Ok(holdings)
    }

    /// Acknowledged events that the host does not have, has at another place, or has twice; and events that nobody sent.
    pub fn lost(&self, record: &Record) -> Vec<String> {
        let mut differences = Vec::new();
        let mut found = BTreeMap::<&str, Vec<u64>>::new();
        for event in &self.events {
            let (id, position) = (event["id"].as_str().unwrap_or_default(), event["position"].as_u64());
            found.entry(id).or_default().extend(position);
        }
        for (id, named) in &record.acknowledged {
            match found.get(id.as_str()).map(Vec::as_slice) {
                None => differences.push(format!("{id} was acknowledged and is not there")),
                // One that was appended again before it was applied counts at its first position.
                Some([at]) if named.first().is_none_or(|first| at <= first) => {}
                Some(at) => differences.push(format!("{id} was acknowledged at {named:?} and is at {at:?}")),
            }
        }
        // What the host tells itself: a timer that is due, settings that were saved.
        let own = |id: &str| id.starts_with("timer/") || id.starts_with("settings/");
        for id in found.keys().filter(|id| !own(id) && !record.posted.contains(**id)) {
            differences.push(format!("{id} is there and was never sent"));
        }
        differences
    }

    /// Whatever differs from one clean pass over the whole season.
    pub fn miscounted(&self, population: &Population, shopify: &ShopifyAdmin, mails: &SmtpSink) -> Vec<String> {
        let mut differences = Vec::new();
        for event in &self.events {
            if let Some(reason) = event["unreadable"].as_str() {
                differences.push(format!("{} cannot be read: {reason}", text(&event["id"])));
            }
            for delivery in list(&event["deliveries"]).iter().filter(|delivery| delivery["outcome"] != "done") {
                differences.push(format!("{} is not done: {}", text(&event["id"]), delivery["outcome"]));
            }
        }
        for effect in self.effects.iter().filter(|effect| effect["status"] != "done") {
            let (id, kind, status, told) = (&effect["id"], &effect["kind"], &effect["status"], &effect["told"]);
            differences.push(format!("{} {} is {}: {}", text(kind), text(id), text(status), text(told)));
        }
        let redeemed = self.codes(shopify, &mut differences);
        self.points(&population.expected(), &redeemed, &mut differences);
        self.mails(mails, &mut differences);
        differences
    }

    /// One code for each discount that is done; how many each customer has.
    fn codes(&self, shopify: &ShopifyAdmin, differences: &mut Vec<String>) -> BTreeMap<String, i64> {
        let mut issued = BTreeMap::new();
        for code in shopify.codes() {
            if issued.insert(code.code.clone(), code).is_some() {
                differences.push("a code was issued twice".into());
            }
        }
        let mut redeemed = BTreeMap::new();
        for effect in self.effects.iter().filter(|effect| effect["kind"] == "discount.create") {
            let customer = text(&effect["customer"]);
            *redeemed.entry(customer.to_owned()).or_default() += 1;
            let code = text(&effect["content"]["CreateDiscount"]["code"]);
            match issued.remove(code) {
                Some(found) if found.customers == [format!("gid://shopify/Customer/{customer}")] => {}
                Some(found) => differences.push(format!("code {code} of {customer} belongs to {:?}", found.customers)),
                None => differences.push(format!("code {code} of {customer} was not issued")),
            }
        }
        issued.keys().for_each(|code| differences.push(format!("code {code} was issued and belongs to no effect")));
        for request in shopify.requests() {
            if let Outcome::Invalid(told) = request.outcome {
                differences.push(format!("Shopify objects: {told}"));
            }
        }
        redeemed
    }

    /// Each account holds what is owed; no event has led to the same change twice.
    fn points(&self, owed: &BTreeMap<u64, Expected>, redeemed: &BTreeMap<String, i64>, differences: &mut Vec<String>) {
        let mut causes = BTreeSet::new();
        let mut sums = BTreeMap::<&str, (i64, u64)>::new();
        for (key, entry) in &self.state {
            let Some((customer, _)) = key.strip_prefix("entry/").and_then(|rest| rest.split_once('/')) else {
                continue;
            };
            let sum = sums.entry(customer).or_default();
            *sum = (sum.0 + entry["points"].as_i64().unwrap_or_default(), sum.1 + 1);
            // One event may lead to two: an order that is paid after its refund is earned and taken back.
            let (kind, cause) = (text(&entry["kind"]), text(&entry["cause"]));
            if !causes.insert((customer, kind, cause)) {
                differences.push(format!("{cause} has led to `{kind}` twice for {customer}"));
            }
        }
        for (customer, owed) in owed {
            let customer = customer.to_string();
            let wanted = owed.balance() - redeemed.get(&customer).unwrap_or(&0) * REWARD_COST;
            let account = self.state.get(&format!("account/{customer}"));
            let (balance, entries) = account.map_or((0, 0), |account| {
                (account["balance"].as_i64().unwrap_or_default(), account["entries"].as_u64().unwrap_or_default())
            });
            if balance != wanted {
                differences.push(format!("customer {customer} has {balance} points, {wanted} are owed"));
            }
            if sums.get(customer.as_str()).copied().unwrap_or_default() != (balance, entries) {
                differences
                    .push(format!("customer {customer} has {balance} points, which is not the sum of the entries"));
            }
        }
    }

    /// One mail for each effect, however often it was sent, and to one address; never one that no effect asked for. Its
    /// language is the one that is known when it goes out.
    fn mails(&self, sink: &SmtpSink, differences: &mut Vec<String>) {
        let mut sent = BTreeMap::<String, BTreeSet<Vec<String>>>::new();
        for mail in sink.messages() {
            differences.extend(mail.violations.iter().map(|flaw| format!("the mail server objects: {flaw}")));
            sent.entry(mail.message_id.unwrap_or_default()).or_default().insert(mail.envelope_to);
        }
        differences.extend(sink.violations().into_iter().map(|flaw| format!("the mail server objects: {flaw}")));
        let wanted = self.effects.iter().filter(|effect| effect["kind"] == "mail");
        let mut once = BTreeSet::new();
        for effect in wanted {
            let (id, content) = (text(&effect["id"]), &effect["content"]["Mail"]);
            if !once.insert((text(&effect["event"]), text(&content["template"]))) {
                differences.push(format!("{} has led to two mails of one kind", text(&effect["event"])));
            }
            let message_id = sent.keys().find(|message_id| message_id.contains(id)).cloned();
            match message_id.and_then(|message_id| sent.remove(&message_id)) {
                Some(addresses) if addresses.len() == 1 => {}
                Some(addresses) => differences.push(format!("mail {id} was sent to two addresses: {addresses:?}")),
                None => differences.push(format!("mail {id} has not arrived")),
            }
        }
        for message_id in sent.keys() {
            differences.push(format!("mail {message_id} has arrived and belongs to no effect"));
        }
    }

    pub fn totals(&self) -> Totals {
        let count = |kind: &str| self.effects.iter().filter(|effect| effect["kind"] == kind).count();
        let accounts = self.state.iter().filter(|(key, _)| key.starts_with("account/"));
        Totals {
            events: self.events.len(),
            mails: count("mail"),
            codes: count("discount.create"),
            points: accounts.filter_map(|(_, account)| account["balance"].as_i64()).sum(),
        }
    }
}

/// What a host has, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub events: usize,
    pub mails: usize,
    pub codes: usize,
    pub points: i64,
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { events, mails, codes, points } = self;
        write!(f, "{events} events, {points} points, {mails} mails, {codes} codes")
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(acknowledged: &[(&str, u64)]) -> Record {
        let acknowledged: BTreeMap<_, _> = acknowledged.iter().map(|(id, at)| ((*id).into(), [*at].into())).collect();
        Record { posted: acknowledged.keys().cloned().collect(), acknowledged, ..Record::default() }
    }

    fn with_events(events: &[(&str, u64)]) -> Holdings {
        let events = events.iter().map(|(id, position)| json!({ "id": id, "position": position, "deliveries": [] }));
        Holdings { events: events.collect(), ..Holdings::default() }
    }

    #[test]
    fn an_event_that_is_missing_doubled_moved_or_made_up_is_a_difference() {
        let record = record(&[("webhook/a", 1), ("webhook/b", 2)]);
        let lost = |events: &[(&str, u64)]| with_events(events).lost(&record).len();
        assert_eq!(lost(&[("webhook/a", 1), ("webhook/b", 2)]), 0);
        assert_eq!(lost(&[("webhook/a", 1)]), 1, "missing");
        assert_eq!(lost(&[("webhook/a", 1), ("webhook/a", 3), ("webhook/b", 2)]), 1, "doubled");
        assert_eq!(lost(&[("webhook/a", 1), ("webhook/b", 3)]), 1, "moved back");
        assert_eq!(lost(&[("webhook/a", 1), ("webhook/b", 2), ("webhook/c", 3)]), 1, "made up");
    }

    #[test]
    fn points_that_differ_from_what_is_owed_or_come_twice_from_one_event_are_differences() {
        let owed = BTreeMap::from([(7, Expected { sign_up: 50, earned: 10, reversed: 0 })]);
        let entry = |kind: &str, points: i64, cause: &str| json!({ "kind": kind, "points": points, "cause": cause });
        let differences = |balance: i64, entries: &[Value]| {
            let account = json!({ "balance": balance, "entries": entries.len(), "signed_up": true });
            let entries = entries.iter().enumerate().map(|(n, entry)| (format!("entry/7/{n}"), entry.clone()));
            let state = entries.chain([("account/7".into(), account)]).collect();
            let mut differences = Vec::new();
            Holdings { state, ..Holdings::default() }.points(&owed, &BTreeMap::new(), &mut differences);
            differences.len()
        };
        let (signed_up, earned) = (entry("sign_up", 50, "webhook/a"), entry("earn", 10, "webhook/b"));
        assert_eq!(differences(60, &[signed_up.clone(), earned.clone()]), 0);
        assert_eq!(differences(50, std::slice::from_ref(&signed_up)), 1, "one event is not counted");
        assert_eq!(differences(60, std::slice::from_ref(&signed_up)), 1, "the account is not the sum of its entries");
        assert_eq!(differences(70, &[signed_up, earned.clone(), earned]), 2, "one event is counted twice");
    }
}
