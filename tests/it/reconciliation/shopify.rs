//! A season in a Shopify shop: webhooks as the population has them, orders as they tell them.

use regulars::{catalog::NewStore, domain::Platform, store::Access};
use regulars_tests::{
    population::{Population, Scheduled, Shop},
    shopify_admin::{Fault, Limits, Options, SchemaSource, ShopifyAdmin},
};

use super::{Message, Peer, Trouble};

/// More failures in a row than a run has patience for.
const OUTAGE: usize = 4;

pub struct Shopify(ShopifyAdmin);

impl Shopify {
    pub fn open() -> Self {
        let limits = Limits { maximum: 1e9, restore_rate: 1e9 };
        Self(ShopifyAdmin::start(&SchemaSource::best(), Options { limits, ..Options::default() }).unwrap())
    }
}

impl Peer for Shopify {
    fn store(&self, shop: &Shop) -> NewStore {
        NewStore {
            platform: Platform::Shopify,
            domain: shop.domain.clone(),
            name: "Fern".into(),
            url: "https://fern.example".into(),
            currency: shop.currency.parse().unwrap(),
            time_zone: "Europe/Amsterdam".into(),
            locale: "en".into(),
            secrets: vec!["hush".into()],
            access: Some(Access::lasting(Options::default().access_token)),
            api_url: Some(self.0.base_url()),
        }
    }

    fn happen(&self, _: &Population, scheduled: &Scheduled) -> Option<Message> {
        let webhook = &scheduled.webhook;
        if webhook.topic.starts_with("orders/") {
            self.0.put_order(serde_json::from_slice(&webhook.body).unwrap());
        }
        Some(Message {
            platform: Platform::Shopify,
            id: webhook.id().into(),
            topic: webhook.topic.into(),
            form: webhook.header("X-Shopify-API-Version").unwrap().into(),
            body: webhook.body.clone(),
        })
    }

    fn fail(&self, trouble: Trouble) {
        match trouble {
            Trouble::Hiccup => self.0.set_fault(Fault::InternalError, 1),
            Trouble::Throttled => self.0.set_fault(Fault::Throttle, 1),
            Trouble::Outage => self.0.set_fault(Fault::InternalError, OUTAGE),
        }
    }
}
