//! Every effect as the host performs it in the simulated Magento shop: done, done again, and done after an answer was lost.

use std::{sync::Arc, time::Duration};

use regulars::{
    clock::Manual,
    domain::{
        Benefit, Birthday, BirthdayChange, CodeKey, DiscountEnd, Effect, EffectKind, EffectStatus, Metafield,
        NewDiscount, NewGiftCard, OrderNote, OrderTagChange, ParcelGift, ShipBy, TagChange, Timestamp as Moment,
    },
    platform::{
        Client, Failure, Secret,
        http::{Http, Reach},
        magento::{
            RestClient,
            rest::{Shop, credentials::Integration},
        },
    },
};
use regulars_tests::magento_rest::{Access, Consumer, Fault, MagentoRest, Options, Outcome};
use serde_json::{Value, json};

use crate::performing::{LATER, Performing, consent, credit, discount, discount_for_all, end_of, eur, points};

mod codes;
mod customers;
mod many_codes;
mod orders;

const POINTS: &str = "regulars_loyalty_points_points_balance";

/// A shop with a customer, an order and a product, and the host's client of it.
struct Host {
    shop: MagentoRest,
    client: Client,
    clock: Manual,
}

impl Performing for Host {
    fn client(&self) -> &Client {
        &self.client
    }

    fn clock(&self) -> &Manual {
        &self.clock
    }
}

impl Host {
    fn new() -> Self {
        let consumer = Consumer::named("regulars");
        let token = token_of(&consumer);
        Self::with(Access::Integration(consumer), &token)
    }

    /// The same shop, called by a host that was started anew.
    fn anew(self) -> Self {
        let token = token_of(&Consumer::named("regulars"));
        let client = client(&self.shop, "shop.example.com", &token, &self.clock);
        Self { client: Client::Magento(Box::new(client)), ..self }
    }

    fn with(access: Access, token: &str) -> Self {
        let shop = MagentoRest::start(Options { access, ..Options::default() }).unwrap();
        let clock = Manual::at(Moment(1_790_000_000_000));
        let client = client(&shop, "shop.example.com", token, &clock);
        shop.put_customer(json!({
            "id": 7, "group_id": 1, "email": "anna@example.com", "firstname": "Anna", "lastname": "O'Hara", "store_id": 1,
            "website_id": 1, "addresses": [{ "city": "Delft" }], "extension_attributes": { "is_subscribed": true },
            "custom_attributes": [{ "attribute_code": "shoe_size", "value": "39" }],
        }));
        for attribute in ["shoe_size", "regulars_tags", POINTS] {
            shop.add_attribute(attribute);
        }
        shop.put_order(order(json!({})));
        shop.put_product(json!({ "id": 4, "sku": "TEA", "price": 12.5, "type_id": "simple" }));
        Self { shop, client: Client::Magento(Box::new(client)), clock }
    }

    /// The same with what some effects build on.
    async fn prepared() -> Self {
        let host = Self::new();
        host.perform("made", &EffectKind::CreateDiscount(discount("ENDED"))).await.unwrap();
        host
    }

    /// What effects have made of the shop, without the numbers of what was made.
    fn made(&self) -> Value {
        let without_number = |mut items: Vec<Value>| {
            for item in &mut items {
                item["rule_id"] = Value::Null;
                item["coupon_id"] = Value::Null;
            }
            items
        };
        json!({
            "rules": without_number(self.shop.rules()),
            "coupons": without_number(self.shop.coupons()),
            "customer": self.shop.customer(7),
            "comments": self.shop.comments(14),
        })
    }

    fn rest(&self) -> &RestClient {
        let Client::Magento(client) = &self.client else { panic!("it is Magento's") };
        client
    }

    fn assert_no_request_was_invalid(&self) {
        let invalid = self.shop.requests().into_iter().find(|it| matches!(it.outcome, Outcome::Invalid(_)));
        assert_eq!(invalid, None);
    }
}

fn token_of(consumer: &Consumer) -> String {
    let token = Integration {
        consumer_key: consumer.key.clone(),
        consumer_secret: consumer.secret.clone(),
        access_token: consumer.token.clone(),
        access_token_secret: consumer.token_secret.clone(),
    };
    token.as_token()
}

fn client(shop: &MagentoRest, host: &str, token: &str, clock: &Manual) -> RestClient {
    let shop = Shop { host: host.into(), base: shop.base_url(), reach: Reach::Anywhere };
    let codes = CodeKey::under(&[7; 32]);
    RestClient::new(Http::new().unwrap(), shop, &Secret::new(token), codes, Arc::new(clock.clone())).unwrap()
}

/// An order as REST tells it, with changes.
fn order(changes: Value) -> Value {
    let mut order = json!({
        "entity_id": 14, "increment_id": "000000014", "state": "processing", "status": "in_the_workshop", "store_id": 1,
        "is_virtual": 0, "created_at": "2026-11-20 10:00:00", "updated_at": "2026-11-20 10:00:00",
        "items": [{ "item_id": 31, "sku": "TEA", "qty_ordered": 2, "qty_shipped": 0, "is_virtual": 0 }],
    });
    for (field, value) in changes.as_object().unwrap() {
        order[field] = value.clone();
    }
    order
}

fn note(text: &str) -> EffectKind {
    EffectKind::AddOrderNote(OrderNote { order: "14".into(), text: text.into() })
}

fn gift() -> EffectKind {
    let gift = ParcelGift { order: "14".into(), variant: Some("41".into()), title: "Honey spoon".into() };
    EffectKind::AddParcelGift(gift)
}

/// 2026-11-30, at 11:00 UTC.
fn ship_by() -> EffectKind {
    EffectKind::SetShipBy(ShipBy { order: "14".into(), at: Moment(1_796_036_400_000) })
}

fn tags(add: &[&str], remove: &[&str]) -> EffectKind {
    let texts = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect();
    EffectKind::ChangeTags(TagChange { customer: "7".into(), add: texts(add), remove: texts(remove) })
}

fn order_tags(add: &[&str], remove: &[&str]) -> EffectKind {
    let texts = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect();
    EffectKind::ChangeOrderTags(OrderTagChange { order: "14".into(), add: texts(add), remove: texts(remove) })
}

fn born(year: Option<i16>) -> EffectKind {
    let birthday = Birthday { year, month: 2, day: 29 };
    EffectKind::SetBirthday(BirthdayChange { customer: "7".into(), birthday })
}

/// One of each kind, and each way that differs in its calls.
fn effects() -> Vec<EffectKind> {
    let free = NewDiscount { benefit: Benefit::FreeProduct, products: vec!["4".into()], ..discount("TEA") };
    vec![
        EffectKind::CreateDiscount(discount("FIVE-OFF")),
        EffectKind::CreateDiscount(NewDiscount { benefit: Benefit::BasisPoints(1_500), ..discount("SHARE") }),
        EffectKind::CreateDiscount(NewDiscount { benefit: Benefit::FreeShipping, ..discount("SHIPPED") }),
        EffectKind::CreateDiscount(free),
        end_of("ENDED"),
        credit(500),
        EffectKind::CreateGiftCard(NewGiftCard {
            customer: "7".into(),
            code: "ABCDEFGH23456723".into(),
            amount: eur(2_500),
            ends_at: Some(Moment(1_821_000_000_000)),
        }),
        tags(&["VIP"], &["new"]),
        tags(&["Wholesale"], &[]),
        order_tags(&["Gold"], &["online"]),
        note("A card goes with it."),
        gift(),
        ship_by(),
        EffectKind::SetMetafield(points("120")),
        EffectKind::SetConsent(consent(false)),
        born(Some(1988)),
        born(None),
    ]
}

#[tokio::test]
async fn each_effect_is_done_and_counts_once_when_it_is_repeated() {
    for kind in effects() {
        let host = Host::prepared().await;
        let before = host.made();
        let receipt = host.perform("effect-1", &kind).await.unwrap();
        let made = host.made();
        assert_eq!(made == before, kind == born(None), "{kind:?}");
        let again = host.perform("effect-1", &kind).await.unwrap();
        // What has been ended is there no more.
        assert_eq!(again == receipt, kind != end_of("ENDED"), "{kind:?}");
        assert_eq!(host.made(), made, "{kind:?}");
        host.assert_no_request_was_invalid();
    }
}

#[tokio::test]
async fn each_effect_counts_once_whichever_of_its_calls_goes_wrong() {
    let faults =
        [Fault::DropAfterExecuting, Fault::ExecuteLate, Fault::InternalError, Fault::Maintenance, Fault::Throttle];
    for kind in effects() {
        let clean = Host::prepared().await;
        let before = clean.shop.requests().len();
        clean.perform("effect-1", &kind).await.unwrap();
        let calls = clean.shop.requests().len() - before;
        for fault in faults {
            for call in 0..calls {
                let host = Host::prepared().await;
                host.shop.set_fault_after(call, fault);
                let _ = host.perform("effect-1", &kind).await;
                // Whoever tries at once, before the lost call arrives, must not do it a second time.
                let _ = host.perform("effect-1", &kind).await;
                host.shop.execute_late();
                host.clock.advance(LATER);
                host.perform_at_last("effect-1", &kind).await;
                assert_eq!(host.made(), clean.made(), "{kind:?}: {fault:?} at call {call}");
            }
        }
    }
}

#[tokio::test]
async fn every_way_of_showing_who_calls_is_understood() {
    let service = Access::Service {
        client_id: "client".into(),
        client_secret: "hush".into(),
        organisation: "1@AdobeOrg".into(),
        token_seconds: 3_600,
    };
    let bearer = Host::with(Access::Bearer("simulated-token".into()), "simulated-token");
    bearer.perform("a", &note("Hello.")).await.unwrap();
    let host = Host::with(service, "unused");
    let token = json!({
        "client_id": "client", "client_secret": "hush", "organisation": "1@AdobeOrg",
        "token_url": format!("{}/ims/token/v3", host.shop.base_url()),
    });
    let client = Client::Magento(Box::new(client(&host.shop, "shop.example.com", &token.to_string(), &host.clock)));
    let hello = |text: &str| OrderNote { order: "14".into(), text: text.into() };
    client.add_order_note(&"a".into(), &hello("Hello.")).await.unwrap();
    client.add_order_note(&"b".into(), &hello("Hello again.")).await.unwrap();
    assert_eq!(host.shop.tokens_given(), 1);
    host.clock.advance(Duration::from_secs(3_400));
    client.add_order_note(&"c".into(), &hello("Good-bye.")).await.unwrap();
    assert_eq!(host.shop.tokens_given(), 2);
    assert_eq!(host.shop.comments(14).len(), 3);
}

#[tokio::test]
async fn a_token_that_the_shop_does_not_take_says_what_helps_and_is_not_shown() {
    let host = Host::with(Access::Bearer("right".into()), "wrong");
    let reason = host.refusal("a", &note("Hello.")).await;
    assert!(reason.contains("isn't authorized to access Magento_Sales::actions_view"), "{reason}");
    assert!(reason.contains("regulars store"), "{reason}");
    assert!(!format!("{:?} {reason}", host.rest()).contains("wrong"));
}

#[tokio::test]
async fn a_throttled_shop_is_left_alone_for_as_long_as_it_says() {
    let host = Host::new();
    host.shop.set_fault_after(0, Fault::Throttle);
    let failure = host.perform("a", &note("Hello.")).await.unwrap_err();
    assert_eq!(failure, Failure::Throttled { retry_after: Duration::from_secs(7) });
    let now = Moment(1_790_000_000_000);
    assert_eq!(host.client.next_allowed(now), now + Duration::from_secs(7));
}
