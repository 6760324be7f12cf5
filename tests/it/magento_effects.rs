//! Every effect as the host performs it in the simulated Magento shop: done, done again, and done after an answer was lost.

use std::{sync::Arc, time::Duration};

use regulars::{
    clock::Manual,
    domain::{
        Benefit, Birthday, BirthdayChange, CodeKey, DiscountEnd, EffectId, EffectKind, Metafield, Money, NewDiscount,
        NewGiftCard, OrderNote, OrderTagChange, ParcelGift, StoreCredit, TagChange, Timestamp as Moment,
    },
    platform::{
        Client, Failure, Receipt, Secret,
        http::{Http, Reach},
        magento::{
            RestClient,
            rest::{Shop, credentials::Integration},
        },
    },
};
use regulars_tests::magento_rest::{Access, Consumer, Fault, MagentoRest, Options, Outcome};
use serde_json::{Value, json};

/// Far more than a call can be on its way.
const LATER: Duration = Duration::from_secs(600);

const POINTS: &str = "regulars_loyalty_points_points_balance";

/// A shop with a customer, an order and a product, and the host's client of it.
struct Host {
    shop: MagentoRest,
    client: Client,
    clock: Manual,
}

impl Host {
    fn new() -> Self {
        let consumer = Consumer::named("regulars");
        let token = Integration {
            consumer_key: consumer.key.clone(),
            consumer_secret: consumer.secret.clone(),
            access_token: consumer.token.clone(),
            access_token_secret: consumer.token_secret.clone(),
        };
        Self::with(Access::Integration(consumer), &token.as_token())
    }

    fn with(access: Access, token: &str) -> Self {
        let shop = MagentoRest::start(Options { access, ..Options::default() }).unwrap();
        let clock = Manual::at(Moment(1_790_000_000_000));
        let client = client(&shop, token, &clock);
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

    async fn perform(&self, id: &str, kind: &EffectKind) -> Result<Receipt, Failure> {
        let (client, id) = (&self.client, EffectId::from(id));
        match kind {
            EffectKind::CreateDiscount(it) => client.create_discount(&id, it).await,
            EffectKind::DisableDiscount(it) => client.end_discount(it, None).await.map(|ended| ended.receipt),
            EffectKind::StoreCredit(it) => client.change_store_credit(&id, it).await,
            EffectKind::CreateGiftCard(it) => client.create_gift_card(&id, it).await,
            EffectKind::ChangeTags(it) => client.change_tags(it).await,
            EffectKind::ChangeOrderTags(it) => client.change_order_tags(it).await,
            EffectKind::AddOrderNote(it) => client.add_order_note(&id, it).await,
            EffectKind::AddParcelGift(it) => client.add_parcel_gift(&id, it).await,
            EffectKind::SetMetafield(it) => client.set_metafield(it, &|| Ok(true)).await,
            EffectKind::SetBirthday(it) => client.set_birthday(it, &|| Ok(true)).await,
            EffectKind::Mail(_) => unreachable!("no platform sends mails"),
        }
    }

    /// Tries until it is done, as the outbox does.
    async fn perform_at_last(&self, id: &str, kind: &EffectKind) -> Receipt {
        for _ in 0..5 {
            match self.perform(id, kind).await {
                Ok(receipt) => return receipt,
                Err(failure) => assert!(!matches!(failure, Failure::Permanent { .. }), "{failure}"),
            }
            self.clock.advance(LATER);
        }
        panic!("{} is never done", kind.name());
    }

    async fn refusal(&self, id: &str, kind: &EffectKind) -> String {
        match self.perform(id, kind).await {
            Err(Failure::Permanent { reason }) => reason,
            other => panic!("{other:?}"),
        }
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

fn client(shop: &MagentoRest, token: &str, clock: &Manual) -> RestClient {
    let base = shop.base_url();
    let shop = Shop { host: "shop.example.com".into(), base, reach: Reach::Anywhere };
    let codes = CodeKey::under(&[7; 32]);
    RestClient::new(Http::new().unwrap(), shop, &Secret::new(token), codes, Arc::new(clock.clone())).unwrap()
}

fn eur(minor: i64) -> Money {
    Money::new(minor, "EUR".parse().unwrap())
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

fn discount(code: &str) -> NewDiscount {
    NewDiscount {
        customer: Some("7".into()),
        code: code.into(),
        benefit: Benefit::Amount(eur(500)),
        minimum_subtotal: None,
        collections: vec![],
        products: vec![],
        starts_at: Moment(1_790_000_000_000),
        ends_at: None,
        uses: Some(1),
        once_per_customer: true,
        combines: false,
        offer: false,
    }
}

fn end_of(code: &str) -> EffectKind {
    EffectKind::DisableDiscount(DiscountEnd { made_by: "made".into(), code: code.into() })
}

fn credit(minor: i64) -> EffectKind {
    EffectKind::StoreCredit(StoreCredit { customer: "7".into(), amount: eur(minor), expires_at: None })
}

fn note(text: &str) -> EffectKind {
    EffectKind::AddOrderNote(OrderNote { order: "14".into(), text: text.into() })
}

fn gift() -> EffectKind {
    let gift = ParcelGift { order: "14".into(), variant: Some("41".into()), title: "Honey spoon".into() };
    EffectKind::AddParcelGift(gift)
}

fn tags(add: &[&str], remove: &[&str]) -> EffectKind {
    let texts = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect();
    EffectKind::ChangeTags(TagChange { customer: "7".into(), add: texts(add), remove: texts(remove) })
}

fn order_tags(add: &[&str], remove: &[&str]) -> EffectKind {
    let texts = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect();
    EffectKind::ChangeOrderTags(OrderTagChange { order: "14".into(), add: texts(add), remove: texts(remove) })
}

fn points(value: &str) -> Metafield {
    Metafield {
        customer: "7".into(),
        plugin: "loyalty-points".into(),
        key: "points_balance".into(),
        kind: "integer".into(),
        value: value.into(),
    }
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
        EffectKind::SetMetafield(points("120")),
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
async fn a_code_is_as_it_was_ordered() {
    let host = Host::new();
    let ordered = NewDiscount {
        customer: None,
        minimum_subtotal: Some(eur(2_000)),
        collections: vec!["81".into()],
        products: vec!["4".into()],
        uses: None,
        once_per_customer: false,
        combines: true,
        ends_at: Some(Moment(1_800_000_000_000)),
        benefit: Benefit::BasisPoints(1_234),
        ..discount("FOR-ALL")
    };
    host.perform("a", &EffectKind::CreateDiscount(ordered)).await.unwrap();
    let rule = &host.shop.rules()[0];
    assert_eq!(rule["simple_action"], "by_percent");
    assert_eq!(rule["discount_amount"], 12.34);
    assert_eq!(rule["stop_rules_processing"], false);
    assert_eq!(rule["uses_per_coupon"], 0);
    assert_eq!(rule["website_ids"], json!([1]));
    assert_eq!(rule["customer_group_ids"], json!([0, 1, 2]));
    let minimum = &rule["condition"]["conditions"][0];
    assert_eq!((&minimum["attribute_name"], &minimum["value"]), (&json!("base_subtotal"), &json!("20.00")));
    let items = &rule["action_condition"];
    assert_eq!(items["aggregator_type"], "any");
    let named: Vec<_> =
        items["conditions"].as_array().unwrap().iter().map(|it| json!([it["attribute_name"], it["value"]])).collect();
    assert_eq!(named, [json!(["category_ids", "81"]), json!(["sku", "TEA"])]);
    assert_eq!(host.shop.coupons()[0]["expiration_date"], "2027-01-15 08:00:00");
}

#[tokio::test]
async fn any_number_of_codes_of_the_same_terms_stand_under_one_rule() {
    let host = Host::new();
    for code in ["ONE", "TWO", "THREE"] {
        host.perform(code, &EffectKind::CreateDiscount(discount(code))).await.unwrap();
    }
    let other = NewDiscount { benefit: Benefit::Amount(eur(1_000)), ..discount("FOUR") };
    host.perform("four", &EffectKind::CreateDiscount(other)).await.unwrap();
    assert_eq!(host.shop.rules().len(), 2);
    assert_eq!(host.shop.coupons().len(), 4);
}

#[tokio::test]
async fn a_rule_is_complete_for_magento_makes_one_of_anything() {
    let host = Host::new();
    host.perform("a", &EffectKind::CreateDiscount(discount("CODE"))).await.unwrap();
    let rule = &host.shop.rules()[0];
    assert_eq!(rule["is_active"], true);
    assert_eq!((&rule["coupon_type"], &rule["use_auto_generation"]), (&json!("SPECIFIC_COUPON"), &json!(true)));
}

#[tokio::test]
async fn a_rule_that_the_merchant_has_switched_off_says_what_to_do() {
    let host = Host::new();
    host.perform("a", &EffectKind::CreateDiscount(discount("CODE"))).await.unwrap();
    let mut rule = host.shop.rules()[0].clone();
    rule["is_active"] = false.into();
    host.shop.put_rule(rule);
    let reason = host.refusal("b", &EffectKind::CreateDiscount(discount("OTHER"))).await;
    assert!(reason.contains("is switched off"), "{reason}");
    assert_eq!(host.shop.coupons().len(), 1);
}

#[tokio::test]
async fn a_rule_is_opened_to_groups_that_the_shop_has_made_since_and_keeps_what_the_merchant_has_changed() {
    let host = Host::new();
    host.perform("a", &EffectKind::CreateDiscount(discount("CODE"))).await.unwrap();
    let mut rule = host.shop.rules()[0].clone();
    rule["sort_order"] = 12.into();
    host.shop.put_rule(rule);
    host.shop.put_group(4, "VIP");
    host.perform("b", &EffectKind::CreateDiscount(discount("OTHER"))).await.unwrap();
    let rules = host.shop.rules();
    assert_eq!(rules.len(), 1);
    assert_eq!((&rules[0]["customer_group_ids"], &rules[0]["sort_order"]), (&json!([0, 1, 2, 4]), &json!(12)));
    host.assert_no_request_was_invalid();
}

#[tokio::test]
async fn a_codes_uses_are_its_rules_whatever_was_asked_for_the_code() {
    let host = Host::new();
    let five = NewDiscount { customer: None, uses: Some(5), once_per_customer: false, ..discount("FIVE") };
    host.perform("a", &EffectKind::CreateDiscount(five)).await.unwrap();
    host.perform("b", &EffectKind::CreateDiscount(discount("ONE"))).await.unwrap();
    let limits: Vec<_> = host.shop.coupons().iter().map(|coupon| coupon["usage_limit"].clone()).collect();
    assert_eq!(limits, [5, 1]);
}

#[tokio::test]
async fn a_code_of_the_merchants_is_not_taken_for_ours() {
    let host = Host::new();
    host.shop.put_rule(json!({ "rule_id": 900, "name": "Summer", "is_active": true, "coupon_type": "SPECIFIC_COUPON", "use_auto_generation": true }));
    host.shop.put_coupon(json!({ "coupon_id": 901, "rule_id": 900, "code": "THEIRS" }));
    let reason = host.refusal("effect-1", &EffectKind::CreateDiscount(discount("theirs"))).await;
    assert!(reason.contains("belongs to another cart price rule (900)"), "{reason}");
    assert!(host.refusal("effect-1", &end_of("THEIRS")).await.contains("belongs to another"));
    assert_eq!(host.shop.coupons().len(), 1);
}

#[tokio::test]
async fn a_free_product_is_the_price_of_the_dearest_once_and_one_of_options_has_the_prices_of_its_parts() {
    let host = Host::new();
    host.shop.put_product(json!({ "id": 5, "sku": "TEE", "price": 0, "type_id": "configurable" }));
    host.shop.put_child("TEE", json!({ "id": 6, "sku": "TEE-RED", "price": 30.0, "type_id": "simple" }));
    let free = |code: &str, products: &[&str]| {
        let products = products.iter().map(|id| (*id).into()).collect();
        EffectKind::CreateDiscount(NewDiscount { benefit: Benefit::FreeProduct, products, ..discount(code) })
    };
    host.perform("a", &free("TEA", &["4"])).await.unwrap();
    host.perform("b", &free("EITHER", &["4", "5"])).await.unwrap();
    let rules = host.shop.rules();
    let of = |index: usize| (rules[index]["simple_action"].clone(), rules[index]["discount_amount"].clone());
    assert_eq!(of(0), (json!("cart_fixed"), json!(12.5)));
    assert_eq!(of(1), (json!("cart_fixed"), json!(30.0)));
    assert!(host.refusal("c", &free("GONE", &["404"])).await.contains("exists any more"));
}

#[tokio::test]
async fn whether_a_code_was_used_is_read_from_orders_for_magentos_count_trails() {
    let host = Host::prepared().await;
    host.shop.put_order(order(json!({ "entity_id": 15, "coupon_code": "ENDED", "state": "canceled" })));
    host.perform("b", &EffectKind::CreateDiscount(discount("USED"))).await.unwrap();
    host.shop.put_order(order(json!({ "entity_id": 16, "coupon_code": "USED", "state": "complete" })));
    for (code, was_used) in [("ENDED", false), ("USED", true)] {
        let end = DiscountEnd { made_by: "made".into(), code: code.into() };
        for _ in 0..2 {
            assert_eq!(host.client.end_discount(&end, None).await.unwrap().was_used, was_used, "{code}");
        }
    }
    assert_eq!(host.shop.coupons(), Vec::<Value>::new());
    assert_eq!(host.perform("c", &end_of("NEVER")).await.unwrap().0, "no code NEVER");
}

#[tokio::test]
async fn store_credit_and_gift_cards_are_codes_worth_their_amount_on_one_order() {
    let host = Host::new();
    let credited = host.perform("effect-1", &credit(1_250)).await.unwrap().0;
    let code = credited.strip_prefix("code ").unwrap();
    assert_eq!(code.len(), 16);
    let card = NewGiftCard { customer: "7".into(), code: "CARD".into(), amount: eur(1_250), ends_at: None };
    assert_eq!(host.perform("effect-2", &EffectKind::CreateGiftCard(card)).await.unwrap().0, "code CARD");
    let (rules, coupons) = (host.shop.rules(), host.shop.coupons());
    assert_eq!(rules.len(), 1);
    assert_eq!((&rules[0]["simple_action"], &rules[0]["discount_amount"]), (&json!("cart_fixed"), &json!(12.5)));
    assert_eq!(coupons[0]["code"], code);
    assert!(coupons.iter().all(|coupon| coupon["usage_limit"] == 1));
    assert!(host.refusal("effect-3", &credit(-100)).await.contains("nothing can be taken"));
}

#[tokio::test]
async fn a_note_holds_no_character_that_the_database_would_turn_into_question_marks() {
    let host = Host::new();
    host.perform("effect-1", &note("🎁 Gift: soap\nfor Ağır 茶")).await.unwrap();
    assert_eq!(host.shop.comments(14), ["Gift: soap for Ağır 茶 (Regulars effect-1)"]);
}

#[tokio::test]
async fn a_lost_comment_that_arrives_late_is_not_written_twice() {
    let host = Host::new();
    host.shop.set_fault_after(1, Fault::ExecuteLate);
    host.perform("effect-1", &note("A card.")).await.unwrap_err();
    let failure = host.perform("effect-1", &note("A card.")).await.unwrap_err();
    assert!(matches!(failure, Failure::NotYet { .. }), "{failure}");
    host.shop.execute_late();
    host.perform("effect-1", &note("A card.")).await.unwrap();
    assert_eq!(host.shop.comments(14), ["A card. (Regulars effect-1)"]);
}

#[tokio::test]
async fn an_order_is_named_by_its_entity_id_and_a_number_that_is_none_is_refused() {
    let host = Host::new();
    let by = |order: &str| EffectKind::AddOrderNote(OrderNote { order: order.into(), text: "Hello.".into() });
    assert_eq!(host.refusal("effect-1", &by("404")).await, "there is no such order");
    assert!(host.refusal("effect-1", &by("../customers/7")).await.contains("no id of Magento's"));
}

#[tokio::test]
async fn a_gift_is_left_to_the_packer_by_the_orders_state_and_not_by_the_merchants_status() {
    let host = Host::new();
    for _ in 0..2 {
        assert_eq!(host.perform("effect-1", &gift()).await.unwrap().0, "note");
    }
    assert_eq!(host.shop.comments(14), ["Put into the parcel: Honey spoon (Regulars effect-1)"]);
    let shipped = json!([{ "item_id": 31, "qty_ordered": 2, "qty_shipped": 2 }]);
    let cases = [
        (json!({ "state": "canceled" }), "the order is cancelled"),
        (json!({ "state": "closed" }), "the order is refunded"),
        (json!({ "state": "complete" }), "the order is shipped"),
        (json!({ "items": shipped }), "the order is shipped"),
        (json!({ "is_virtual": 1, "state": "complete" }), "nothing of the order is shipped"),
    ];
    for (changes, reason) in cases {
        host.shop.put_order(order(changes));
        assert_eq!(host.refusal("effect-2", &gift()).await, reason);
        // What was given stays given.
        assert_eq!(host.perform("effect-1", &gift()).await.unwrap().0, "note");
    }
}

#[tokio::test]
async fn a_configurables_children_are_no_items_of_their_own_to_ship() {
    let host = Host::new();
    let items = json!([
        { "item_id": 31, "qty_ordered": 1, "qty_shipped": 1 },
        { "item_id": 32, "parent_item_id": 31, "qty_ordered": 1, "qty_shipped": 0 },
    ]);
    host.shop.put_order(order(json!({ "items": items })));
    assert_eq!(host.refusal("effect-1", &gift()).await, "the order is shipped");
}

#[tokio::test]
async fn the_last_list_of_an_orders_tags_counts() {
    let host = Host::new();
    host.perform("a", &order_tags(&["Gold", "Rush"], &[])).await.unwrap();
    host.shop.write_comment(14, "Tags: mine alone");
    host.perform("b", &order_tags(&["gold"], &["RUSH"])).await.unwrap();
    let expected = ["Tags: Gold, Rush (Regulars)", "Tags: mine alone", "Tags: Gold (Regulars)"];
    let mut comments = host.shop.comments(14);
    comments.sort();
    let mut sorted = expected;
    sorted.sort_unstable();
    assert_eq!(comments, sorted);
}

#[tokio::test]
async fn a_tag_that_is_called_like_a_group_is_that_group_and_any_other_stands_in_an_attribute() {
    let host = Host::new();
    host.shop.put_group(4, "Gold");
    host.perform("a", &tags(&["gold", "reviewer", "tea, green"], &[])).await.unwrap();
    let customer = host.shop.customer(7);
    assert_eq!(customer["group_id"], 4);
    let held = |customer: &Value, code: &str| {
        let list = customer["custom_attributes"].as_array().unwrap().clone();
        list.into_iter().find(|it| it["attribute_code"] == code).map(|it| it["value"].clone())
    };
    assert_eq!(held(&customer, "regulars_tags"), Some(json!("reviewer, tea  green")));
    host.perform("b", &tags(&[], &["Gold", "Reviewer"])).await.unwrap();
    let customer = host.shop.customer(7);
    assert_eq!(customer["group_id"], 1);
    assert_eq!(held(&customer, "regulars_tags"), Some(json!("tea  green")));
    // A group that somebody else has chosen meanwhile stays.
    host.shop.put_customer(json!({ "id": 7, "group_id": 2, "email": "a@b.example", "firstname": "A", "lastname": "B", "website_id": 1, "store_id": 1 }));
    host.perform("c", &tags(&[], &["Gold"])).await.unwrap();
    assert_eq!(host.shop.customer(7)["group_id"], 2);
}

#[tokio::test]
async fn a_change_of_a_customer_keeps_all_else_and_other_attributes() {
    let host = Host::new();
    host.perform("a", &EffectKind::SetMetafield(points("120"))).await.unwrap();
    host.perform("b", &born(Some(1988))).await.unwrap();
    host.rest().subscribe(&"7".into(), false).await.unwrap();
    let customer = host.shop.customer(7);
    let attributes = json!([
        { "attribute_code": "shoe_size", "value": "39" },
        { "attribute_code": POINTS, "value": "120" },
    ]);
    assert_eq!(customer["custom_attributes"], attributes);
    assert_eq!(customer["dob"], "1988-02-29");
    assert_eq!(customer["extension_attributes"]["is_subscribed"], false);
    assert_eq!((&customer["group_id"], &customer["addresses"][0]["city"]), (&json!(1), &json!("Delft")));
    host.assert_no_request_was_invalid();
}

#[tokio::test]
async fn an_attribute_that_the_shop_does_not_have_is_named_with_what_to_do() {
    let host = Host::new();
    let change = Metafield { key: "tier".into(), kind: "text".into(), ..points("Gold") };
    let reason = host.refusal("a", &EffectKind::SetMetafield(change.clone())).await;
    assert!(reason.contains("no customer attribute `regulars_loyalty_points_tier`: create it"), "{reason}");
    host.shop.add_attribute("regulars_loyalty_points_tier");
    let receipt = host.perform("a", &EffectKind::SetMetafield(change)).await.unwrap();
    assert_eq!(receipt.0, "attribute regulars_loyalty_points_tier");
    let unknown = Metafield { kind: "colour".into(), ..points("red") };
    assert!(host.refusal("b", &EffectKind::SetMetafield(unknown)).await.contains("`colour`"));
}

#[tokio::test]
async fn a_value_that_a_later_change_replaces_is_not_written() {
    let host = Host::new();
    let superseded = host.client.set_metafield(&points("120"), &|| Ok(false)).await.unwrap();
    assert_eq!(superseded.0, "not written: a later change stands");
    let before = host.shop.customer(7);
    assert_eq!(before["custom_attributes"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_later_value_waits_for_an_earlier_one_that_may_be_on_its_way() {
    let host = Host::new();
    // The customer, the attribute, then the write.
    host.shop.set_fault_after(2, Fault::ExecuteLate);
    host.perform("earlier", &EffectKind::SetMetafield(points("90"))).await.unwrap_err();
    let failure = host.perform("later", &EffectKind::SetMetafield(points("120"))).await.unwrap_err();
    assert!(matches!(failure, Failure::NotYet { .. }), "{failure}");
    host.shop.execute_late();
    host.perform_at_last("later", &EffectKind::SetMetafield(points("120"))).await;
    let held = host.shop.customer(7)["custom_attributes"].as_array().unwrap().last().unwrap()["value"].clone();
    assert_eq!(held, "120");
}

#[tokio::test]
async fn an_address_may_be_two_customers_of_two_websites_and_the_shops_own_is_found() {
    let host = Host::new();
    host.shop.put_customer(json!({ "id": 9, "email": "anna@example.com", "website_id": 2 }));
    let found = host.rest().customers_of("Anna@example.com").await.unwrap();
    assert_eq!(found.iter().map(|it| it.id).collect::<Vec<_>>(), [7]);
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
    let client = Client::Magento(Box::new(client(&host.shop, &token.to_string(), &host.clock)));
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

#[tokio::test]
async fn a_batch_of_codes_is_made_once_however_often_it_is_handed_over() {
    let host = Host::new();
    let codes = ["ONE", "TWO", "THREE"].map(discount);
    let batch = host.rest().begin_batch(&codes).await.unwrap();
    let waiting = host.rest().progress(&batch).await.unwrap();
    assert_eq!((waiting.open, waiting.made.len()), (3, 0));
    // The answer may have been lost: the same is handed over again.
    let again = host.rest().begin_batch(&codes).await.unwrap();
    host.shop.run_consumers();
    for batch in [&batch, &again] {
        let done = host.rest().progress(batch).await.unwrap();
        assert_eq!((done.open, done.failed), (0, vec![]));
        assert_eq!(done.made, ["ONE", "TWO", "THREE"]);
    }
    assert_eq!((host.shop.rules().len(), host.shop.coupons().len()), (1, 3));
    host.assert_no_request_was_invalid();
}

#[tokio::test]
async fn a_code_of_a_batch_that_the_merchant_has_already_is_told_as_not_made() {
    let host = Host::new();
    host.shop.put_rule(json!({ "rule_id": 900, "name": "Summer", "is_active": true, "coupon_type": "SPECIFIC_COUPON", "use_auto_generation": true }));
    host.shop.put_coupon(json!({ "coupon_id": 901, "rule_id": 900, "code": "THEIRS" }));
    let batch = host.rest().begin_batch(&[discount("OURS"), discount("THEIRS")]).await.unwrap();
    host.shop.run_consumers();
    let done = host.rest().progress(&batch).await.unwrap();
    assert_eq!(done.made, ["OURS"]);
    assert_eq!(done.failed[0].0, "THEIRS");
    assert!(host.rest().begin_batch(&[]).await.is_err());
}
