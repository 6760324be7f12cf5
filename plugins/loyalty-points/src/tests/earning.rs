//! Which orders earn, and how much.

use regulars_sdk::{
    Customer, Failure, Fulfillment, Money, Order, Product, Timestamp,
    test::{Bench, Incoming, START, Status, customer, fulfillment, order, refund},
};
use serde_json::json;

use super::{account, as_shipped, entries, note, paid, points, shop, var, why};
use crate::{
    handle,
    ledger::{Kind, account_key},
};

#[test]
fn a_paid_order_earns_a_point_for_every_euro_of_goods() {
    let mut shop = shop();
    let basket = order("1001").customer("c1").line(1999, 2).discount(500).tax(559).shipping(490).shipping_tax(78);
    let delivery = shop.deliver(paid(basket)).unwrap();
    assert_eq!(why(&delivery), ("Points earned", "34", Some("34")));
    assert_eq!(note(&delivery).field("order"), Some("#1001"));
    assert_eq!(note(&delivery).field("eligible"), Some("34.98 EUR"));
    let mail = delivery.calls.mails().next().unwrap();
    assert_eq!((mail.customer_id.as_str(), mail.template.as_str()), ("c1", "earned"));
    let vars = ["points", "balance", "order", "ready", "next", "missing"].map(|name| var(mail, name));
    assert_eq!(vars, ["34", "34", "#1001", "", "5.00 off your next order", "66"]);
    assert_eq!(points(&shop, "c1"), [(Kind::Earn, 34)]);
}

#[test]
fn tax_and_shipping_count_as_the_merchant_says() {
    let with_tax_in_prices =
        || order("1").customer("c1").line(11900, 1).tax(1900).shipping(595).shipping_tax(95).taxes_included();
    let with_tax_on_top = || order("1").customer("c1").line(10000, 1).tax(1900).shipping(500).shipping_tax(95);
    for (tax, shipping, expected) in [(false, false, 100), (true, false, 119), (false, true, 105), (true, true, 124)] {
        for basket in [with_tax_in_prices(), with_tax_on_top()] {
            let mut shop = shop().setting("include_tax", tax).setting("include_shipping", shipping);
            shop.deliver(paid(basket.clone())).unwrap();
            assert_eq!(account(&shop, "c1").balance, expected, "tax {tax}, shipping {shipping}");
            let placed: Order = basket.into();
            // Refunds state shipping without its tax.
            let everything = refund("r1", &placed).everything().shipping(500);
            shop.deliver(Incoming::order_refunded(everything)).unwrap();
            assert_eq!(account(&shop, "c1").balance, 0, "tax {tax}, shipping {shipping}");
        }
    }
}

#[test]
fn the_rate_is_exact_in_every_currency() {
    for (currency, minor, earn_points, earn_per, expected) in [
        ("EUR", 99, 1, 1, None),
        ("EUR", 100, 1, 1, Some(1)),
        ("EUR", 1999, 3, 2, Some(29)),
        ("JPY", 1999, 1, 100, Some(19)),
        ("KWD", 12_999, 10, 1, Some(129)),
        ("EUR", 9_007_199_254_740_993, 10_000, 1, Some(900_719_925_474_099_300)),
    ] {
        let shop = shop().currency(currency).setting("earn_points", earn_points).setting("earn_per", earn_per);
        let mut shop = shop;
        shop.deliver(paid(order("1").customer("c1").currency(currency).line(minor, 1))).unwrap();
        let earned = entries(&shop, "c1").first().map(|entry| entry.points);
        assert_eq!(earned, expected, "{minor} {currency}");
    }
}

#[test]
fn what_earns_nothing_says_why() {
    let wholesale = Customer { tags: vec!["new".into(), "Wholesale".into()], ..customer("c1") };
    let cases = [
        (order("1").customer("c1").line(1000, 1).test(), "No points: it is a test order", Some("0")),
        (order("1").customer("c1").line(1000, 1).cancelled_at(START), "No points: the order was cancelled", Some("0")),
        (order("1").line(1000, 1), "No points: the order names nobody", None),
    ];
    for (basket, reason, balance) in cases {
        let mut shop = shop();
        let delivery = shop.deliver(paid(basket)).unwrap();
        assert_eq!(why(&delivery), (reason, "0", balance));
        assert_eq!((delivery.calls.len(), shop.state_keys("").count()), (1, 0));
    }
    let mut shop = shop().with_customer(wholesale.clone());
    let delivery = shop.deliver(paid(order("1").customer("c1").line(1000, 1))).unwrap();
    assert_eq!(why(&delivery), ("No points: customers with this tag are excluded", "0", Some("0")));
    assert_eq!(note(&delivery).field("tag"), Some("Wholesale"));
    let delivery = shop.deliver(Incoming::customer_created(wholesale)).unwrap();
    assert_eq!(why(&delivery), ("No sign-up points: customers with this tag are excluded", "0", Some("0")));
    assert_eq!(shop.state_keys("").count(), 0);
}

#[test]
fn what_is_worth_nothing_is_remembered_in_case_it_is_edited() {
    for (basket, reason) in [
        (order("1").customer("c1").gift_card(5000), "No points: nothing on the order is eligible"),
        (order("1").customer("c1").line(1000, 1).discount(1000), "No points: nothing on the order is eligible"),
        (order("1").customer("c1").line(99, 1), "No points: the eligible amount is worth less than one"),
    ] {
        let mut shop = shop();
        let delivery = shop.deliver(paid(basket)).unwrap();
        assert_eq!(why(&delivery), (reason, "0", Some("0")));
        assert_eq!(delivery.calls.len(), 1);
        assert_eq!(shop.state_keys("").collect::<Vec<_>>(), ["order/1"]);
    }
}

#[test]
fn a_gift_card_earns_nothing_beside_goods_that_do() {
    let mut shop = shop();
    let basket: Order = order("1").customer("c1").line(3000, 1).gift_card(5000).into();
    shop.deliver(paid(basket.clone())).unwrap();
    assert_eq!(account(&shop, "c1").balance, 30);
    let delivery = shop.deliver(Incoming::order_refunded(refund("r1", &basket).units("l2", 1))).unwrap();
    let nothing = "Nothing taken back: the refund gives back nothing that earned points";
    assert_eq!(why(&delivery), (nothing, "0", Some("30")));
}

#[test]
fn mails_stay_away_where_the_merchant_wants_none() {
    let mut shop = shop().setting("mail_on_earning", false).setting("mail_on_signup", false);
    let delivery = shop.deliver(paid(order("1").customer("c1").line(1000, 1))).unwrap();
    assert_eq!(note(&delivery).field("mail"), Some("switched off"));
    shop.deliver(Incoming::customer_created(customer("c1"))).unwrap();
    assert_eq!(shop.calls().mails().count(), 0);
    assert_eq!(account(&shop, "c1").balance, 60);
}

#[test]
fn the_best_affordable_reward_and_the_next_one_are_told() {
    let rewards = json!([
        { "id": "c", "title": "Twenty off", "cost": 400, "value": "20.00" },
        { "id": "a", "title": "Five off", "cost": 100, "value": "5.00" },
        { "id": "b", "title": "Ten off", "cost": 200, "value": "10.00" },
    ]);
    for (minor, expected) in
        [(5_000, ["", "Five off", "50"]), (25_000, ["Ten off", "Twenty off", "150"]), (40_000, ["Twenty off", "", ""])]
    {
        let mut shop = shop().setting("rewards", rewards.clone());
        let delivery = shop.deliver(paid(order("1").customer("c1").line(minor, 1))).unwrap();
        let mail = delivery.calls.mails().next().unwrap();
        assert_eq!(["ready", "next", "missing"].map(|name| var(mail, name)), expected);
    }
}

#[test]
fn a_thousand_orders_cost_no_more_than_one() {
    let mut shop = shop().setting("mail_on_earning", false);
    for n in 0..1000 {
        let basket = order(&format!("gid://shop/Order/{n}")).customer("gid://shop/Customer/1").line(1999, 1);
        shop.deliver(paid(basket).at(Timestamp(START.0 + n))).unwrap();
    }
    assert_eq!(account(&shop, "gid://shop/Customer/1").balance, 19_000);
    let largest = shop.state_keys("").map(|key| shop.state::<serde_json::Value>(key).unwrap().to_string().len()).max();
    assert!(largest.unwrap() < 400, "a record has {largest:?} bytes");
    assert_eq!(shop.state_keys("entry/").count(), 1000);
    assert!(entries(&shop, "gid://shop/Customer/1").iter().all(|entry| entry.points == 19));
}

#[test]
fn a_damaged_account_stops_the_delivery_and_is_not_taken_for_an_empty_one() {
    let mut shop = shop().with_state(&account_key("c1"), "{\"balance\":");
    let failure = shop.deliver(paid(order("1").customer("c1").line(1000, 1))).unwrap_err();
    assert!(matches!(failure, Failure::Reject(_)));
    assert_eq!(shop.state_keys("").count(), 1);
}

#[test]
fn topics_that_it_does_not_know_are_ignored() {
    let mut shop = Bench::new(handle);
    let delivery = shop.deliver(Incoming::other("shopify:products/update", "p1", "{}")).unwrap();
    assert_eq!((delivery.status, delivery.calls.len()), (Status::Handled, 0));
}

#[test]
fn fractions_are_dropped_or_rounded_once_for_the_whole_order() {
    for (rounding, minor, expected) in
        [("floor", 199, 1), ("half_up", 149, 1), ("half_up", 150, 2), ("half_up", 199, 2)]
    {
        let mut shop = shop().setting("rounding", rounding);
        shop.deliver(paid(order("1").customer("c1").line(minor, 1))).unwrap();
        assert_eq!(account(&shop, "c1").balance, expected, "{rounding} of {minor}");
    }
    // Two lines of 0.50 are one point, not none.
    let mut shop = shop();
    shop.deliver(paid(order("1").customer("c1").line(50, 1).line(50, 1))).unwrap();
    assert_eq!(account(&shop, "c1").balance, 1);
}

#[test]
fn tips_and_prices_before_discounts_count_as_the_merchant_says() {
    let tipped = || Order {
        tip: Money::new(700, "EUR".parse().unwrap()),
        ..order("1").customer("c1").line(5_000, 2).discount(2_000).into()
    };
    for (tips, after_discount, expected) in
        [(false, true, 80), (true, true, 87), (false, false, 100), (true, false, 107)]
    {
        let mut shop = shop().setting("include_tips", tips).setting("subtract_discounts", after_discount);
        shop.deliver(paid(tipped())).unwrap();
        assert_eq!(account(&shop, "c1").balance, expected, "tips {tips}, after discounts {after_discount}");
        shop.deliver(Incoming::order_refunded(refund("r1", &tipped()).units("l1", 1))).unwrap();
        let left = if after_discount { expected - 40 } else { expected - 50 };
        assert_eq!(account(&shop, "c1").balance, left, "tips {tips}, after discounts {after_discount}");
    }
}

#[test]
fn a_line_for_nothing_earns_nothing_unless_discounts_are_not_taken_off() {
    let free: Order = order("1").customer("c1").line(1_000, 4).discount(4_000).into();
    let mut shop = shop().setting("subtract_discounts", false);
    shop.deliver(paid(free.clone())).unwrap();
    assert_eq!(account(&shop, "c1").balance, 40);
    shop.deliver(Incoming::order_refunded(refund("r1", &free).units("l1", 1))).unwrap();
    assert_eq!(account(&shop, "c1").balance, 30);
}

fn tea(tags: &[&str], collections: &[&str]) -> Product {
    Product {
        id: "tea".into(),
        title: "Tea".into(),
        kind: None,
        vendor: None,
        tags: tags.iter().map(|&tag| tag.into()).collect(),
        collections: collections.iter().map(|&id| id.into()).collect(),
    }
}

#[test]
fn the_first_rule_that_a_product_meets_multiplies_its_points() {
    let rules = json!([
        { "match": "product", "value": "excluded", "multiplier": "0" },
        { "match": "tag", "value": "Double", "multiplier": "2" },
        { "match": "collection", "value": "77", "multiplier": "1.5" },
    ]);
    for (product, expected) in [
        (tea(&["double"], &[]), 200 + 100),
        (tea(&["double"], &["77"]), 200 + 100),
        (tea(&[], &["77"]), 150 + 100),
        (tea(&[], &[]), 100 + 100),
    ] {
        let mut shop = shop().setting("product_rules", rules.clone()).with_product(product);
        let basket =
            order("1").customer("c1").line(10_000, 1).product("tea").line(10_000, 1).line(900, 1).product("excluded");
        let delivery = shop.deliver(paid(basket)).unwrap();
        assert_eq!(account(&shop, "c1").balance, expected);
        assert_eq!(note(&delivery).field("eligible"), Some("200.00 EUR"));
    }
}

#[test]
fn a_refund_weighs_lines_as_they_were_weighed_when_they_earned() {
    let rules = json!([{ "match": "tag", "value": "double", "multiplier": "2" }]);
    let basket: Order = order("1").customer("c1").line(10_000, 1).product("tea").line(10_000, 1).into();
    let mut shop = shop().setting("product_rules", rules).with_product(tea(&["double"], &[]));
    shop.deliver(paid(basket.clone())).unwrap();
    let mut shop = shop.with_product(tea(&[], &[]));
    shop.publish("product_rules", json!([])).unwrap();
    shop.deliver(Incoming::order_refunded(refund("r1", &basket).units("l1", 1))).unwrap();
    assert_eq!(account(&shop, "c1").balance, 100);
}

#[test]
fn orders_at_the_till_earn_as_the_merchant_says() {
    let till = || paid(order("1").customer("c1").line(1_000, 1).source("pos"));
    let mut open = shop();
    assert_eq!(why(&open.deliver(till()).unwrap()), ("Points earned", "10", Some("10")));
    let mut shut = shop().setting("earn_at_pos", false);
    assert_eq!(why(&shut.deliver(till()).unwrap()), ("No points: orders at the till earn none", "0", Some("0")));
}

#[test]
fn one_order_earns_no_more_than_its_bound() {
    let basket: Order = order("1").customer("c1").line(10_000, 2).into();
    let mut shop = shop().setting("max_points_per_order", 150);
    shop.deliver(paid(basket.clone())).unwrap();
    assert_eq!(account(&shop, "c1").balance, 150);
    shop.deliver(Incoming::order_refunded(refund("r1", &basket).units("l1", 1))).unwrap();
    assert_eq!(account(&shop, "c1").balance, 75);
}

#[test]
fn a_days_orders_earn_no_more_than_its_bound_by_the_shops_clocks() {
    // 1 January, 23:30 in a shop an hour and a half ahead of noon UTC's clocks.
    let mut shop = shop().setting("max_points_per_day", 100).time_zone("Asia/Test", 11 * 60 + 30);
    let at = |id: &str, minutes: u64| {
        order(id).customer("c1").line(8_000, 1).placed_at(Timestamp(START.0 + minutes * 60_000))
    };
    assert_eq!(why(&shop.deliver(paid(at("1", 0))).unwrap()), ("Points earned", "80", Some("80")));
    let second = shop.deliver(paid(at("2", 10))).unwrap();
    assert_eq!(why(&second), ("Points earned up to the day's bound", "20", Some("100")));
    assert_eq!(note(&second).field("withheld"), Some("60"));
    let third = shop.deliver(paid(at("3", 20))).unwrap();
    let used_up = "No points: the day's bound or the shop's budget for points is used up";
    assert_eq!(why(&third), (used_up, "0", Some("100")));
    assert_eq!(why(&shop.deliver(paid(at("4", 40))).unwrap()), ("Points earned", "80", Some("180")));
    // What was withheld is neither given nor taken back later.
    shop.deliver(Incoming::order_refunded(refund("r1", &at("2", 10).into()).everything())).unwrap();
    shop.deliver(Incoming::order_refunded(refund("r2", &at("3", 20).into()).everything())).unwrap();
    assert_eq!(account(&shop, "c1").balance, 160);
}

#[test]
fn a_budget_that_is_used_up_gives_nothing_for_good_and_is_given_back_what_returns() {
    let basket = |id: &str| -> Order { order(id).customer("c1").line(6_000, 1).into() };
    let mut shop = shop().budget("points", 100);
    shop.deliver(paid(basket("1"))).unwrap();
    let refused = shop.deliver(paid(basket("2"))).unwrap();
    let used_up = "No points: the day's bound or the shop's budget for points is used up";
    assert_eq!(why(&refused), (used_up, "0", Some("60")));
    shop.deliver(Incoming::order_refunded(refund("r1", &basket("1")).everything())).unwrap();
    assert_eq!((shop.spent("points"), account(&shop, "c1").balance), (0, 0));
    shop.deliver(Incoming::order("order.updated", basket("2"))).unwrap();
    assert_eq!(account(&shop, "c1").balance, 0, "what was refused once stays refused");
    shop.deliver(Incoming::order_refunded(refund("r0", &basket("3")).units("l1", 1))).unwrap();
    shop.deliver(paid(basket("3"))).unwrap();
    assert_eq!(shop.spent("points"), 0, "an order refunded before it earned costs the budget nothing");
}

#[test]
fn points_can_wait_until_the_order_is_shipped() {
    let basket: Order = order("1").customer("c1").line(1_000, 1).into();
    let shipped = Order { fulfillment_status: Some("fulfilled".into()), ..basket.clone() };
    let mut shop = shop().setting("award_on", "fulfilled");
    let delivery = shop.deliver(paid(basket.clone())).unwrap();
    assert_eq!(why(&delivery), ("No points yet: the order is not shipped in full", "0", Some("0")));
    let partly = Order { fulfillment_status: Some("partial".into()), ..basket };
    shop.deliver(Incoming::order("order.fulfilled", partly).id("partly")).unwrap();
    assert_eq!(account(&shop, "c1").balance, 0);
    let delivery = shop.deliver(Incoming::order("order.fulfilled", shipped)).unwrap();
    assert_eq!(why(&delivery), ("Points earned", "10", Some("10")));
}

#[test]
fn points_can_wait_until_every_parcel_is_delivered() {
    let basket =
        Order { fulfillment_status: Some("fulfilled".into()), ..order("1").customer("c1").line(1_000, 1).into() };
    let parcel = |id: &str, state: &str| Fulfillment { shipment_status: Some(state.into()), ..fulfillment(id, "1") };
    let mut shop = shop().setting("award_on", "delivered");
    shop.deliver(paid(basket)).unwrap();
    let lost = Fulfillment { status: Some("cancelled".into()), ..fulfillment("f0", "1") };
    shop.deliver(Incoming::fulfillment("fulfillment.created", lost)).unwrap();
    shop.deliver(Incoming::fulfillment("fulfillment.created", parcel("f1", "in_transit"))).unwrap();
    let one = shop.deliver(Incoming::fulfillment("fulfillment.updated", parcel("f2", "delivered"))).unwrap();
    assert_eq!(why(&one), ("No points yet: not every parcel has been delivered", "0", Some("0")));
    let both = shop.deliver(Incoming::fulfillment("fulfillment.updated", parcel("f1", "delivered"))).unwrap();
    assert_eq!(why(&both), ("Points earned", "10", Some("10")));
}

#[test]
fn an_order_paid_in_parts_earns_once_it_is_paid_in_full() {
    let partly = Order {
        financial_status: Some("partially_paid".into()),
        fulfillment_status: Some("fulfilled".into()),
        ..order("1").customer("c1").line(1_000, 1).into()
    };
    let mut shop = shop().setting("award_on", "fulfilled");
    let delivery = shop.deliver(Incoming::order("order.fulfilled", partly.clone())).unwrap();
    assert_eq!(why(&delivery), ("No points yet: the order is not paid in full", "0", Some("0")));
    let full = Order { financial_status: Some("paid".into()), ..partly };
    assert_eq!(why(&shop.deliver(paid(full)).unwrap()), ("Points earned", "10", Some("10")));
}

#[test]
fn earlier_orders_earn_once_page_by_page_when_the_merchant_asks() {
    let mut shop = as_shipped();
    for n in 0..60u64 {
        let old = order(&format!("{n:03}")).customer(&format!("c{}", n % 40)).line(1_000, 1);
        shop = shop.with_order(old.placed_at(Timestamp(START.0 - n * 86_400_000)));
    }
    shop = shop.with_order(order("0test").customer("c0").line(1_000, 1).test());
    let published = shop.publish("historic_days", 30).unwrap();
    assert_eq!(note(&published).reason, "Earlier orders are about to earn points");
    let fired = shop.advance_days(1).unwrap();
    let last =
        fired.iter().flat_map(|it| it.calls.notes()).find(|note| note.reason == "Earlier orders have been seen to");
    // Those of the 30 days before the merchant asked: later ones have events of their own.
    assert_eq!(last.unwrap().field("orders"), Some("30"));
    let total = |shop: &Bench| (0..40).map(|n| account(shop, &format!("c{n}")).balance).sum::<i64>();
    assert_eq!(total(&shop), 300);
    assert_eq!(shop.calls().mails().filter(|mail| mail.template == "earned").count(), 0);
    // Asked again, for longer, and switched on again: nothing counts twice.
    shop.publish("historic_days", 45).unwrap();
    shop.advance_days(1).unwrap();
    assert_eq!(total(&shop), 440);
    let again = shop.publish("historic_days", 45).unwrap();
    assert_eq!(note(&again).reason, "Settings taken over: earlier orders have been seen to");
    shop.deliver(paid(order("001").customer("c1").line(1_000, 1).placed_at(Timestamp(START.0 - 86_400_000)))).unwrap();
    assert_eq!(total(&shop), 440);
}
