//! Who gets a gift, which, and how.

use regulars_sdk::{
    Customer, Order, Product, Timestamp,
    test::{Bench, Call, Capability, Incoming, START, Status, customer, fulfillment, order, refund},
};
use serde_json::{Value, json};

use super::*;

/// Whether an order gets a gift by one rule.
fn wins(rule: Value, shop: Bench, order: impl Into<Order>) -> bool {
    let mut shop = shop.setting("rules", json!([rule]));
    shop.deliver(paid(order)).unwrap();
    shop.calls().gifts().count() == 1
}

#[test]
fn every_nth_paid_order_of_a_customer_gets_a_gift() {
    let mut shop = shop().setting("rules", json!([every(3)]));
    for n in 1..=7 {
        shop.deliver(paid(basket(&n.to_string()))).unwrap();
        shop.deliver(paid(basket(&n.to_string()).customer("c2"))).unwrap();
    }
    let orders: Vec<_> = shop.calls().gifts().map(|gift| gift.order_id.as_str()).collect();
    assert_eq!(orders, ["3", "6"]);
}

#[test]
fn an_order_is_given_one_gift_however_often_and_under_whatever_event_it_comes() {
    let mut shop = shop();
    for event in [paid(basket("1")), paid(basket("1")), paid(basket("1")).id("told by reconciliation")] {
        shop.deliver_again(event).unwrap();
    }
    assert_eq!(shop.calls().gifts().count(), 1);
    assert_eq!(person(&shop, "c1").orders, 1);
    assert_eq!(spent(&shop, "2026-01").1, 1);
}

#[test]
fn orders_from_before_the_plugin_count_once_also_if_their_payment_is_told_later() {
    let early = |n: u64| basket(&format!("early-{n}")).placed_at(Timestamp(START.0 - n * 1_000));
    let unpaid = Order { financial_status: Some("pending".into()), ..early(4).into() };
    let mut shop = shop()
        .setting("rules", json!([every(4)]))
        .with_order(early(3))
        .with_order(unpaid)
        .with_order(early(2).cancelled_at(START))
        .with_order(early(1).test())
        .with_order(early(5));
    shop.deliver(paid(basket("now"))).unwrap();
    assert_eq!(person(&shop, "c1").orders, 3);
    shop.deliver(paid(early(3))).unwrap();
    assert_eq!(person(&shop, "c1").orders, 3);
    shop.deliver(paid(early(4))).unwrap();
    assert_eq!((person(&shop, "c1").orders, shop.calls().gifts().count()), (4, 1));
}

#[test]
fn chance_is_the_orders_own_and_as_great_as_set() {
    let rule = || json!({ "name": "luck", "chance": 2_500 });
    let won = |seed, event: &str| -> Vec<String> {
        let mut shop = shop().seed(seed).setting("rules", json!([rule()])).setting("monthly_budget", "9999");
        shop = shop.setting("gifts", json!([gift("a", 9_999, "0")])).setting("monthly_pieces", 9_999);
        shop.deliver(Incoming::settings_published(1)).unwrap();
        for n in 0..400 {
            shop.deliver(paid(order(&n.to_string()).customer(&n.to_string()).line(1, 1)).id(format!("{event}{n}")))
                .unwrap();
        }
        shop.calls().gifts().map(|gift| gift.order_id.clone()).collect()
    };
    let first = won(1, "webhook");
    assert!((70..130).contains(&first.len()), "{} of 400", first.len());
    assert_eq!(first, won(1, "reconciled"));
    assert_ne!(first, won(2, "webhook"));
}

#[test]
fn the_first_order_is_the_customers_and_not_the_plugins() {
    let rule = || json!({ "name": "welcome", "first_order": true });
    assert!(wins(rule(), shop(), basket("1")));
    let known = shop().with_order(basket("0").placed_at(Timestamp(START.0 - 1)));
    assert!(!wins(rule(), known, basket("1")));
}

#[test]
fn a_tier_is_a_tag_in_whatever_case() {
    let rule = || json!({ "name": "gold", "customer_tags": ["Gold"] });
    let tagged = |tag: &str| shop().with_customer(Customer { tags: vec![tag.into()], ..customer("c1") });
    assert!(wins(rule(), tagged("gold"), basket("1")));
    assert!(!wins(rule(), tagged("golden"), basket("1")));
    assert!(!wins(rule(), shop(), basket("1")));
}

#[test]
fn a_basket_counts_from_and_to_the_amounts_that_are_set() {
    let rule = || json!({ "name": "basket", "min_basket": "50.00", "max_basket": "60.00" });
    let sum = |minor| order("1").customer("c1").line(minor, 1).shipping(900);
    for (minor, expected) in [(4_999, false), (5_000, true), (6_000, true), (6_001, false)] {
        assert_eq!(wins(rule(), shop(), sum(minor)), expected, "{minor}");
    }
    let discounted = order("1").customer("c1").line(6_000, 1).discount(1_500);
    assert!(!wins(rule(), shop(), discounted));
}

#[test]
fn a_basket_value_that_its_currency_cannot_have_gives_nothing() {
    let rule = json!({ "name": "basket", "min_basket": "0.50" });
    let yen = shop().currency("JPY").setting("gifts", json!([gift("a", 1, "1")])).setting("monthly_budget", "50");
    assert!(!wins(rule, yen, order("1").customer("c1").currency("JPY").line(5_000, 1)));
}

#[test]
fn products_count_by_id_and_by_tag_while_they_are_in_the_order() {
    let product = Product {
        id: "p1".into(),
        title: "Kettle".into(),
        kind: None,
        vendor: None,
        tags: vec!["Tea".into()],
        collections: Vec::new(),
    };
    let shop = || shop().with_product(product.clone());
    let tagged = |tag: &str| json!({ "name": "tag", "product_tags": [tag] });
    assert!(wins(tagged("tea"), shop(), basket("1")));
    assert!(!wins(tagged("coffee"), shop(), basket("1")));
    assert!(!wins(tagged("tea"), shop(), basket("1").product("unknown")));
    assert!(!wins(tagged("tea"), shop(), basket("1").left(0).line(100, 1)));
    assert!(wins(json!({ "name": "id", "products": ["p1"] }), shop(), basket("1")));
    assert!(!wins(json!({ "name": "id", "products": ["p2"] }), shop(), basket("1")));
}

#[test]
fn an_anniversary_order_is_the_first_within_seven_days_of_it() {
    let rule = || json!({ "name": "anniversary", "anniversary": true });
    let shop = || shop().setting("rules", json!([rule()])).with_order(basket("0"));
    // START is 1 January 2026.
    for (days, expected) in [(0, 0), (3, 0), (357, 0), (358, 1), (365, 1), (372, 1), (373, 0), (723, 1), (738, 0)] {
        let mut shop = shop();
        shop.deliver(paid(basket("1").placed_at(START.plus_days(days)))).unwrap();
        assert_eq!(shop.calls().gifts().count(), expected, "{days} days later");
    }
    let mut shop = shop();
    for (id, days) in [("a", 362), ("b", 366), ("c", 729)] {
        shop.deliver(paid(basket(id).placed_at(START.plus_days(days)))).unwrap();
    }
    let orders: Vec<_> = shop.calls().gifts().map(|gift| gift.order_id.as_str()).collect();
    assert_eq!(orders, ["a", "c"], "one for each year");
}

#[test]
fn who_ordered_first_on_29_february_has_the_anniversary_on_28_february() {
    let leap_day = Timestamp(1_709_164_800_000);
    let rule = json!({ "name": "anniversary", "anniversary": true });
    // 7 March 2025 is 7 days after 28 February.
    for (days, expected) in [(366 + 6, true), (366 + 7, false)] {
        let shop = shop().with_order(basket("0").placed_at(leap_day));
        let order = basket("1").placed_at(leap_day.plus_days(days));
        assert_eq!(wins(rule.clone(), shop, order), expected, "{days} days later");
    }
}

#[test]
fn all_conditions_of_a_rule_have_to_hold_and_one_rule_is_enough() {
    let both = json!({ "name": "both", "every_nth": 2, "min_basket": "50.00" });
    let small = |id: &str| order(id).customer("c1").line(100, 1);
    let mut shop = shop().setting("rules", json!([both, { "name": "large", "min_basket": "500.00" }]));
    let delivery = shop.deliver(paid(basket("1"))).unwrap();
    assert_eq!(why(&delivery), "No gift: no rule holds");
    assert_eq!(note(&delivery).field("both"), Some("it is the customer's order number 1, and every 2 count"));
    assert_eq!(note(&delivery).field("large"), Some("the basket is 50.00 EUR, and the bound is 500.00 EUR"));
    shop.deliver(paid(small("2"))).unwrap();
    shop.deliver(paid(order("3").customer("c1").line(50_000, 1))).unwrap();
    shop.deliver(paid(basket("4"))).unwrap();
    let orders: Vec<_> = shop.calls().gifts().map(|gift| gift.order_id.as_str()).collect();
    assert_eq!(orders, ["3", "4"]);
}

#[test]
fn a_rule_that_asks_for_nothing_gives_nothing() {
    assert!(!wins(json!({ "name": "all" }), shop(), basket("1")));
}

#[test]
fn what_is_excluded_gets_nothing_and_the_note_says_why() {
    let tagged = Customer { tags: vec!["Wholesale".into()], ..customer("c1") };
    let shipped: Order = Order { fulfillment_status: Some("fulfilled".into()), ..basket("1").into() };
    let whole: Order = basket("1").into();
    let cases: Vec<(&str, Bench, Order)> = vec![
        ("No gift: it is a test order", shop(), basket("1").test().into()),
        ("No gift: the order was cancelled", shop(), basket("1").cancelled_at(START).into()),
        (
            "No gift: the order was refunded in full",
            shop().with_refund(refund("r", &whole).everything()),
            basket("1").into(),
        ),
        ("No gift: the order names no customer", shop(), order("1").line(5_000, 1).into()),
        ("No gift: customers with the tag Wholesale are excluded", shop().with_customer(tagged), basket("1").into()),
        (
            "No gift: orders with the tag B2B are excluded",
            shop().setting("exclude_order_tags", json!(["b2b"])),
            basket("1").tag("B2B").into(),
        ),
        (
            "No gift: nothing is given to parcels to US",
            shop().setting("countries", json!(["DE"])),
            basket("1").country("US").into(),
        ),
        (
            "No gift: nothing is given to parcels to an unknown country",
            shop().setting("countries", json!(["DE"])),
            basket("1").into(),
        ),
        ("No gift: there is nothing to pack", shop(), order("1").customer("c1").gift_card(5_000).into()),
        ("No gift: the order was shipped before it was paid", shop(), shipped),
        ("No gift: the list of gifts is empty", shop().setting("gifts", json!([])), basket("1").into()),
    ];
    for (reason, mut shop, order) in cases {
        let delivery = shop.deliver(paid(order)).unwrap();
        assert_eq!(why(&delivery), reason);
        assert_eq!(deeds(&delivery), Vec::<&Call>::new());
    }
    let mut open = shop().setting("countries", json!(["DE"]));
    open.deliver(paid(basket("1").country("DE"))).unwrap();
    assert_eq!(open.calls().gifts().count(), 1);
}

#[test]
fn nobody_gets_a_gift_twice_until_the_list_is_through() {
    let gifts: Vec<_> = ["a", "b", "c", "d"].into_iter().map(|id| gift(id, 100, "0.10")).collect();
    for seed in 0..20 {
        let mut shop = shop().seed(seed).setting("gifts", json!(gifts));
        for n in 0..12 {
            shop.deliver(paid(basket(&n.to_string()))).unwrap();
        }
        for round in given(&shop).chunks(4) {
            let mut round = round.to_vec();
            round.sort();
            assert_eq!(round, ["A", "B", "C", "D"]);
        }
    }
}

#[test]
fn weights_say_how_often_a_gift_comes() {
    let often = json!({ "id": "often", "title": "often", "stock": 1000, "cost": "0", "weight": 9 });
    let seldom = json!({ "id": "seldom", "title": "seldom", "stock": 1000, "cost": "0", "weight": 1 });
    let mut shop = shop().setting("gifts", json!([often, seldom])).setting("monthly_pieces", 1000);
    for n in 0..300 {
        shop.deliver(paid(order(&n.to_string()).customer(&n.to_string()).line(1, 1))).unwrap();
    }
    let seldom = given(&shop).iter().filter(|title| *title == "seldom").count();
    assert!((15..50).contains(&seldom), "{seldom} of 300");
}

#[test]
fn a_gift_that_is_out_of_stock_is_passed_over() {
    let gifts = json!([gift("soap", 1, "2.00"), gift("tea", 10, "3.00")]);
    for seed in 0..10 {
        let mut shop = shop().seed(seed).setting("gifts", gifts.clone());
        for n in 0..4 {
            shop.deliver(paid(basket(&n.to_string()).customer(&n.to_string()))).unwrap();
        }
        assert_eq!(given(&shop).iter().filter(|title| *title == "SOAP").count() as u32, 1 - left(&shop, "soap"));
        assert_eq!(given(&shop).len(), 4);
    }
}

#[test]
fn a_customer_waits_for_what_is_out_of_stock_rather_than_having_one_twice() {
    let mut shop = shop().setting("gifts", json!([gift("soap", 0, "2.00"), gift("tea", 10, "3.00")]));
    shop.deliver(paid(basket("1"))).unwrap();
    let delivery = shop.deliver(paid(basket("2"))).unwrap();
    assert_eq!(why(&delivery), "No gift: what the customer has not had yet is out of stock");
    assert_eq!(given(&shop), ["TEA"]);
}

#[test]
fn a_gift_without_weight_is_given_by_hand_only() {
    let by_hand = json!({ "id": "card", "title": "CARD", "stock": 5, "cost": "1", "weight": 0 });
    let mut shop = shop().setting("gifts", json!([by_hand]));
    let delivery = shop.deliver(paid(basket("1"))).unwrap();
    assert_eq!(why(&delivery), "No gift: the list of gifts is empty");
    shop.deliver(Incoming::merchant_action("give", None, json!({ "order": "1", "gift": "card" }))).unwrap();
    assert_eq!(given(&shop), ["CARD"]);
}

#[test]
fn the_packer_is_told_by_a_note_and_a_tag_unless_the_merchant_wants_a_line() {
    let gifts = json!([{ "id": "soap", "title": "Soap", "variant_id": "77", "stock": 9, "cost": "2.00" }]);
    let no_variant = json!([{ "id": "soap", "title": "Soap", "stock": 9, "cost": "2.00" }]);
    for (how, gifts, variant) in
        [("packer", &gifts, None), ("line", &gifts, Some("77".to_owned())), ("line", &no_variant, None)]
    {
        let mut shop = shop().setting("gifts", gifts.clone()).setting("how", how);
        let delivery = shop.deliver(paid(basket("1"))).unwrap();
        let gift = delivery.calls.gifts().next().unwrap();
        assert_eq!((gift.order_id.as_str(), gift.title.as_str(), &gift.variant_id), ("1", "Soap", &variant));
        let tagged = |call: &&Call| matches!(call, Call::OrderTags { add, .. } if add == &["gift"]);
        assert_eq!(delivery.calls.iter().filter(tagged).count(), 1);
        let told = if variant.is_some() { "a free line in the order" } else { "a note for the packer" };
        assert_eq!(note(&delivery).field("how"), Some(told));
    }
    let mut untagged = shop().setting("order_tag", "");
    let delivery = untagged.deliver(paid(basket("1"))).unwrap();
    assert_eq!(deeds(&delivery).len(), 1, "the gift alone");
}

#[test]
fn a_gift_names_the_rule_the_cost_and_the_version_of_the_settings() {
    let mut shop = shop().setting("gifts", json!([gift("soap", 10, "2.00")]));
    let delivery = shop.deliver(paid(basket("1"))).unwrap();
    let expected = [
        ("order", "#1"),
        ("gift", "SOAP"),
        ("because", "every 1"),
        ("how", "a note for the packer"),
        ("cost", "2.00 EUR"),
        ("2026-01", "2.00 EUR of 50.00 EUR, 1 of 50 pieces"),
        ("pieces left", "9"),
        ("settings", "1"),
    ];
    assert_eq!(note(&delivery).fields, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(order_of(&shop, "1").gift.unwrap().settings, 1);
}

#[test]
fn our_own_line_edits_the_order_and_sets_nothing_off() {
    let mut shop = shop().setting("how", "line");
    shop.deliver(paid(basket("1"))).unwrap();
    let effect = effect(&shop, "1");
    shop.finish(&effect).unwrap();
    let mut edited: Order = basket("1").line(900, 1).discount(900).into();
    edited.lines[1].variant_id = order_of(&shop, "1").gift.unwrap().line;
    for event in [
        Incoming::order("order.edited", edited.clone()),
        Incoming::order("order.updated", edited.clone()),
        paid(edited).id("paid again after the edit"),
    ] {
        let delivery = shop.deliver(event).unwrap();
        assert!(delivery.status == Status::Unwanted || deeds(&delivery).is_empty());
    }
    assert_eq!(shop.calls().gifts().count(), 1);
}

#[test]
fn without_the_capability_nothing_is_given_and_nothing_is_counted() {
    let mut shop = shop().withhold(Capability::Orders);
    let delivery = shop.deliver(paid(basket("1"))).unwrap();
    assert_eq!(why(&delivery), "No gift: this plugin may not change orders");
    assert_eq!(spent(&shop, "2026-01"), (0, 0));
    assert_eq!(shop.state_keys("stock/").count(), 0);
    assert!(person(&shop, "c1").had.is_empty());
}

#[test]
fn the_hosts_own_bound_on_gifts_is_kept_and_named() {
    let mut shop = shop().budget("gifts", 1);
    shop.deliver(paid(basket("1"))).unwrap();
    let delivery = shop.deliver(paid(basket("2"))).unwrap();
    assert!(why(&delivery).starts_with("No gift: the budget for gifts is used up"), "{}", why(&delivery));
    assert_eq!(spent(&shop, "2026-01").1, 1);
}

#[test]
fn topics_that_it_does_not_know_are_ignored() {
    let mut shop = Bench::new(crate::handle);
    let delivery = shop.deliver(Incoming::other("product.updated", "p1", "{}")).unwrap();
    assert_eq!((delivery.status, delivery.calls.len()), (Status::Handled, 0));
}

#[test]
fn parcels_that_were_called_off_have_not_left() {
    let mut shop = shop();
    let off = regulars_sdk::Fulfillment { status: Some("cancelled".into()), ..fulfillment("f", "1") };
    shop.deliver(Incoming::fulfillment("fulfillment.created", off)).unwrap();
    shop.deliver(paid(basket("1"))).unwrap();
    assert_eq!(shop.calls().gifts().count(), 1);
}
