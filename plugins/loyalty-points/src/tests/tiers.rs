//! Customers whose tier earns them more.

use regulars_sdk::{
    Customer, Order,
    test::{Incoming, customer, order, refund},
};
use serde_json::json;

use super::{account, paid, shop};

#[test]
fn the_highest_multiplier_of_a_customers_tags_counts() {
    let rules = json!([
        { "tag": "tier-silver", "multiplier": "1.25" },
        { "tag": "tier-gold", "multiplier": "2" },
        { "tag": "slow", "multiplier": "0.5" },
    ]);
    for (tags, expected) in [
        (vec![], 101),
        (vec!["other"], 101),
        (vec!["tier-silver"], 126),
        (vec!["Tier-Gold", "tier-silver", "slow"], 202),
        (vec!["slow"], 50),
    ] {
        let tags = tags.into_iter().map(Into::into).collect();
        let mut shop =
            shop().setting("tier_multipliers", rules.clone()).with_customer(Customer { tags, ..customer("c1") });
        shop.deliver(paid(order("1").customer("c1").line(10_100, 1))).unwrap();
        assert_eq!(account(&shop, "c1").balance, expected, "rounded once, at the end");
    }
}

#[test]
fn a_refund_takes_back_what_the_tier_of_that_time_had_earned() {
    let gold = Customer { tags: vec!["tier-gold".into()], ..customer("c1") };
    let basket: Order = order("1").customer("c1").line(10_000, 2).into();
    let mut shop =
        shop().setting("tier_multipliers", json!([{ "tag": "tier-gold", "multiplier": "2" }])).with_customer(gold);
    shop.deliver(paid(basket.clone())).unwrap();
    assert_eq!(account(&shop, "c1").balance, 400);
    shop.deliver(Incoming::customer("customer.updated", customer("c1"))).unwrap();
    shop.publish("tier_multipliers", json!([])).unwrap();
    shop.deliver(Incoming::order_refunded(refund("r1", &basket).units("l1", 1))).unwrap();
    assert_eq!(account(&shop, "c1").balance, 200);
    shop.deliver(Incoming::order_refunded(refund("r2", &basket).units("l1", 1))).unwrap();
    assert_eq!(account(&shop, "c1").balance, 0);
}
