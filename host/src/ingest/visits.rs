//! Visits in: who follows a shared link, as far as that can be told without knowing who it is.
//!
//! A visit is an event of the link's plugin, at most one for each link, device and day.

use std::{net::IpAddr, time::Duration};

use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    Recent,
    rates::{Rates, household},
};
use crate::{
    catalog::StoreEntry,
    dispatch::Pipeline,
    domain::{CustomerId, Event, EventId, Origin, PluginName, Signal, SignalKind, StoreId, Timestamp, Topic},
    store::{self, SharedLink, keys},
};

const DAY: Duration = Duration::from_secs(86_400);

/// Pages that one address is shown in a minute: a hundred people behind one address, or one who tries names.
const PAGES: (u32, Duration) = (120, Duration::from_secs(60));

/// Visits of one address that count in an hour. Who keeps no cookie is another device at each.
const COUNTED: (u32, Duration) = (60, Duration::from_secs(3_600));

/// Forms that one address may send in an hour.
const FORMS: (u32, Duration) = (30, Duration::from_secs(3_600));

/// What a customer who is signed in may ask in a minute, of a panel and of what it offers.
const ASKED: (u32, Duration) = (60, Duration::from_secs(60));

/// What is remembered of visitors. It is forgotten with the process, and bounded whoever comes.
#[derive(Debug)]
pub struct Visitors {
    /// How often an address may have a page, have a visit counted, send a form.
    pub pages: Rates,
    pub counted: Rates,
    pub forms: Rates,
    /// How often a customer who is signed in may ask for something.
    shoppers: Rates,
    /// Visits that have been taken in.
    recent: Recent,
}

impl Default for Visitors {
    fn default() -> Self {
        let rates = |(most, window)| Rates::new(most, window);
        let (pages, counted, forms, shoppers) = (rates(PAGES), rates(COUNTED), rates(FORMS), rates(ASKED));
        Self { pages, counted, forms, shoppers, recent: Recent::default() }
    }
}

impl Visitors {
    /// Whether a customer who is signed in may ask for something now.
    pub fn may_ask(&self, store: StoreId, customer: &CustomerId, now: Timestamp) -> bool {
        self.shoppers.allows((store, customer), now)
    }
}

/// Somebody who follows a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visitor {
    pub address: Option<IpAddr>,
    /// The browser's own name.
    pub agent: Option<String>,
    /// The value of this host's cookie in that browser.
    pub device: String,
}

impl Visitor {
    /// What may show later that an order is this visitor's.
    pub fn signals(&self) -> Vec<Signal> {
        let address = self.address.map(|address| address.to_string());
        let address = address.as_deref();
        let with_agent = address.zip(self.agent.as_deref());
        let signals = [
            address.and_then(Signal::ip),
            with_agent.and_then(|(address, agent)| Signal::ip_agent(address, agent)),
            Signal::device(&self.device),
        ];
        signals.into_iter().flatten().collect()
    }

    /// The same as a plugin of a store is shown them.
    pub fn shown_to(&self, entry: &StoreEntry, plugin: &PluginName) -> Value {
        let shown = |signal: Signal| json!({ "kind": signal.kind.word(), "key": signal.shown_to(&entry.record.domain, plugin.as_str()) });
        self.signals().into_iter().map(shown).collect()
    }
}

/// Takes a visit in, unless it is counted already or does not count. True if it is kept, and survives a power cut.
pub async fn count(
    pipeline: &Pipeline,
    visitors: &Visitors,
    entry: &StoreEntry,
    (name, link): (&str, &SharedLink),
    visitor: &Visitor,
) -> Result<bool, store::Error> {
    let (store, now) = (entry.id(), pipeline.clock.now());
    let wanted = entry.plugin(&link.plugin).is_some_and(|enabled| enabled.wants(&Topic::LINK_VISITED));
    let id = id_of(name, &visitor.device, now);
    if !wanted || visitors.recent.contains(store, &id) || pipeline.store.get(&keys::event_id(store, &id))?.is_some() {
        return Ok(false);
    }
    // A visit is worth less than what the shop itself has to tell.
    if pipeline.backlog.is_full_for(store) || !visitors.counted.allows(household(visitor.address), now) {
        return Ok(false);
    }
    let event = Event {
        id,
        store,
        origin: Origin::Visit { plugin: link.plugin.clone(), customer: link.customer.clone(), link: name.to_owned() },
        occurred_at: now,
        received_at: now,
        body: Bytes::from(json!({ "link": name, "signals": visitor.shown_to(entry, &link.plugin) }).to_string()),
    };
    pipeline.inbox.append(&event).await?;
    visitors.recent.remember(store, &event.id);
    Ok(true)
}

/// One for each link, device and day. A cookie's value stands in it as its digest: ids are kept longer than it is.
fn id_of(link: &str, device: &str, now: Timestamp) -> EventId {
    let day = now.since(Timestamp(0)).as_secs() / DAY.as_secs();
    let device = Signal::of(SignalKind::Device, device).shown_to(link, "visit");
    EventId::from(format!("visit/{link}/{device}/{day}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: u64) -> Timestamp {
        Timestamp(0) + Duration::from_secs(hours * 3_600)
    }

    #[test]
    fn a_device_visits_a_link_once_a_day() {
        let first = id_of("K3JQ7PZ2", "cookie", at(1));
        assert_eq!(first, id_of("K3JQ7PZ2", "cookie", at(23)));
        for other in [
            id_of("K3JQ7PZ2", "cookie", at(24)),
            id_of("K3JQ7PZ2", "another", at(1)),
            id_of("M4KR8QA3", "cookie", at(1)),
        ] {
            assert_ne!(first, other);
        }
        assert!(!first.as_str().contains("cookie"), "{first}");
    }

    #[test]
    fn a_visitor_shows_what_an_order_may_show_as_well() {
        let visitor = Visitor {
            address: Some("203.0.113.7".parse().unwrap()),
            agent: Some("Browser/1".into()),
            device: "cookie".into(),
        };
        let words = |visitor: &Visitor| visitor.signals().iter().map(|it| it.kind.word()).collect::<Vec<_>>();
        assert_eq!(words(&visitor), ["ip", "ip-agent", "device"]);
        assert_eq!(words(&Visitor { agent: None, ..visitor.clone() }), ["ip", "device"]);
        assert_eq!(words(&Visitor { address: None, ..visitor }), ["device"]);
    }
}
