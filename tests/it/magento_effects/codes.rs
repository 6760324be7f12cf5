//! Codes: under which rules they stand, as what they are made, and how they end.

use super::*;

#[tokio::test]
async fn a_code_is_as_it_was_ordered() {
    let host = Host::new();
    let ordered = NewDiscount { products: vec!["4".into()], ..discount_for_all() };
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
    assert_eq!(host.shop.coupons()[0]["expiration_date"], "2027-01-15 00:00:00");
}

#[tokio::test]
async fn a_codes_first_and_last_days_are_those_of_the_shops_own_calendar() {
    let at = |text: &str| Moment(text.parse::<jiff::Timestamp>().unwrap().as_millisecond().unsigned_abs());
    let cases = [
        // The end is midnight in the shop, then an hour after it.
        ("Asia/Tokyo", "2026-12-24T15:00:00Z", "2026-12-31T15:00:00Z", ["2026-12-25", "2026-12-31 00:00:00"]),
        ("Asia/Tokyo", "2026-12-24T14:59:59Z", "2026-12-31T16:00:00Z", ["2026-12-24", "2027-01-01 00:00:00"]),
        // The same at the other side of Greenwich, with an end that is an hour before it.
        ("America/Los_Angeles", "2026-12-25T08:00:00Z", "2027-01-01T08:00:00Z", ["2026-12-25", "2026-12-31 00:00:00"]),
        ("America/Los_Angeles", "2026-12-25T07:59:59Z", "2027-01-01T07:00:00Z", ["2026-12-24", "2026-12-31 00:00:00"]),
    ];
    for (zone, starts_at, ends_at, expected) in cases {
        let host = Host::new();
        host.shop.set_time_zone(zone);
        let ordered = NewDiscount { starts_at: at(starts_at), ends_at: Some(at(ends_at)), ..discount("CODE") };
        host.perform("a", &EffectKind::CreateDiscount(ordered)).await.unwrap();
        let (rules, coupons) = (host.shop.rules(), host.shop.coupons());
        assert_eq!([&rules[0]["from_date"], &coupons[0]["expiration_date"]], expected, "{zone} until {ends_at}");
    }
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
async fn a_customer_uses_any_number_of_codes_that_were_made_for_one_use_each() {
    let host = Host::new();
    for code in ["ONE", "TWO"] {
        host.perform(code, &EffectKind::CreateDiscount(discount(code))).await.unwrap();
    }
    assert_eq!(host.shop.rules().len(), 1);
    assert!(host.shop.use_code(Some(7), "ONE") && host.shop.use_code(Some(7), "TWO"));
    assert!(!host.shop.use_code(Some(7), "TWO") && !host.shop.use_code(Some(8), "ONE"));
}

#[tokio::test]
async fn a_customer_uses_each_code_that_is_everybodys_once() {
    let host = Host::new();
    let open = |code: &str| NewDiscount { customer: None, uses: None, once_per_customer: true, ..discount(code) };
    for code in ["SPRING", "SUMMER"] {
        host.perform(code, &EffectKind::CreateDiscount(open(code))).await.unwrap();
    }
    for customer in [Some(7), Some(8)] {
        assert!(host.shop.use_code(customer, "SPRING") && host.shop.use_code(customer, "SUMMER"));
        assert!(!host.shop.use_code(customer, "SPRING"));
    }
}

#[tokio::test]
async fn two_shops_of_one_installation_share_no_rule_and_no_code_is_good_in_the_other() {
    let host = Host::new();
    let other = client(&host.shop, "us.shop.example.com", &token_of(&Consumer::named("regulars")), &host.clock);
    host.perform("a", &EffectKind::CreateDiscount(discount("OURS"))).await.unwrap();
    other.create_discount(&discount("THEIRS")).await.unwrap();
    // Made again, each is found where it was made.
    host.perform("b", &EffectKind::CreateDiscount(discount("OURS-TOO"))).await.unwrap();
    let websites: Vec<_> = host.shop.rules().iter().map(|rule| rule["website_ids"].clone()).collect();
    assert_eq!(websites, [json!([1]), json!([2])]);
    let rules: Vec<_> = host.shop.coupons().iter().map(|coupon| coupon["rule_id"].clone()).collect();
    assert!(rules[0] == rules[2] && rules[0] != rules[1], "{rules:?}");
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
