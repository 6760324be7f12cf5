//! Locks, merges, guests, and people who are forgotten.

use regulars_sdk::{
    Customer,
    test::{Bench, Incoming},
};
use serde_json::{Value, json};

use super::*;

fn act(shop: &mut Bench, name: &str, input: Value) -> Delivery {
    shop.deliver(Incoming::merchant_action(name, Some("c1"), input)).unwrap()
}

fn lock(shop: &mut Bench, tier: &str, until: &str) -> Delivery {
    act(shop, "lock", json!({ "tier": tier, "until": until, "reason": "a friend of the house" }))
}

#[test]
fn a_lock_gives_a_tier_by_hand_until_its_last_day() {
    let mut shop = shop();
    let told = lock(&mut shop, "gold", "2026-03-31");
    assert_eq!(why(&told), "The tier is as you have locked it");
    assert_eq!((tier(&shop).as_deref(), worn(&shop, "c1")), (Some("gold"), vec!["tier-gold".to_owned()]));
    assert_eq!(mails(&shop).len(), 0, "no mail unless it is asked for");
    until_noon(&mut shop, "2026-03-31");
    assert_eq!(tier(&shop).as_deref(), Some("gold"));
    until_noon(&mut shop, "2026-04-01");
    assert_eq!((tier(&shop).as_deref(), worn(&shop, "c1")), (Some("bronze"), vec!["tier-bronze".to_owned()]));
}

#[test]
fn no_event_breaks_a_lock_and_what_was_earned_meanwhile_is_there_after_it() {
    let mut shop = shop();
    lock(&mut shop, "silver", "");
    pay(&mut shop, "1", 2000);
    until_noon(&mut shop, "2026-05-01");
    assert_eq!(tier(&shop).as_deref(), Some("silver"));
    let told = act(&mut shop, "unlock", json!({}));
    assert_eq!(why(&told), "A tier was entered");
    assert_eq!((tier(&shop).as_deref(), until(&shop)), (Some("gold"), Some(day("2027-01-01"))));
}

#[test]
fn a_lock_outlasts_terms() {
    let mut shop = shop();
    pay(&mut shop, "1", 1000);
    lock(&mut shop, "gold", "");
    until_noon(&mut shop, "2030-01-01");
    assert_eq!(tier(&shop).as_deref(), Some("gold"));
    assert!(!templates(shop.calls()).contains(&"falling"));
}

#[test]
fn a_lock_with_a_greeting_rewards_and_writes() {
    let mut shop = shop().setting("tiers", tiers(json!({}), json!({ "reward": "percent" })));
    act(&mut shop, "lock", json!({ "tier": "gold", "reason": "press", "greet": true }));
    assert_eq!((templates(shop.calls()), shop.calls().discounts().count()), (vec!["entered"], 1));
}

#[test]
fn nonsense_locks_nothing() {
    let mut shop = shop();
    for (input, why_not) in [
        (json!({}), "Nothing locked: the request names no tier"),
        (json!({ "tier": "platinum", "reason": "x" }), "Nothing locked: there is no such tier"),
        (json!({ "tier": "gold", "reason": " " }), "Nothing locked: it needs a reason of at most 500 characters"),
        (
            json!({ "tier": "gold", "reason": "x", "until": "soon" }),
            "Nothing locked: the end is no date such as 2027-05-31",
        ),
        (json!({ "tier": "gold", "reason": "x", "until": "2025-12-31" }), "Nothing locked: the end is over already"),
    ] {
        assert_eq!(why(&act(&mut shop, "lock", input)), why_not);
    }
    assert_eq!(why(&act(&mut shop, "unlock", json!({}))), "Nothing unlocked: the tier is not locked");
    assert_eq!(why(&act(&mut shop, "dance", json!({}))), "Nothing done: there is no such action");
    let nobody = Incoming::merchant_action("lock", None, json!({}));
    assert_eq!(why(&shop.deliver(nobody).unwrap()), "Nothing done: no customer is named");
}

#[test]
fn a_guest_is_counted_and_has_the_tier_with_the_account() {
    let mut shop = shop().with_customer(Customer { guest: true, ..customer("g1") });
    let order = order("1").customer("g1").line(40_000, 1).placed_at(shop.now());
    let told = paid(&mut shop, order);
    assert_eq!(why(&told), "Counted, but there is no tier for this customer");
    assert_eq!((member(&shop, "g1").tier, worn(&shop, "g1").len()), (None, 0));
    let told = shop.deliver(Incoming::customer_merged("c1", "g1")).unwrap();
    assert_eq!(why(&told), "A tier was entered");
    assert_eq!((tier(&shop).as_deref(), templates(shop.calls())), (Some("silver"), vec!["entered"]));
}

#[test]
fn two_customers_who_become_one_have_both_sums_and_one_tier() {
    let mut shop = shop();
    pay(&mut shop, "1", 400);
    let other = order("2").customer("c2").line(60_000, 1).placed_at(shop.now());
    paid(&mut shop, other);
    shop.deliver(Incoming::customer_merged("c1", "c2")).unwrap();
    assert_eq!((tier(&shop).as_deref(), worn(&shop, "c1")), (Some("gold"), vec!["tier-gold".to_owned()]));
    assert_eq!(shop.state_keys("member/c2").count(), 0);
    assert_eq!(shop.due(&member_key("c2")), None);
}

#[test]
fn the_better_tier_of_two_stays_with_its_term() {
    let mut shop = shop();
    let big = order("2").customer("c2").line(100_000, 1).placed_at(shop.now());
    paid(&mut shop, big);
    until_noon(&mut shop, "2026-06-01");
    pay(&mut shop, "1", 300);
    let mailed = mails(&shop).len();
    shop.deliver(Incoming::customer_merged("c1", "c2")).unwrap();
    assert_eq!((tier(&shop).as_deref(), until(&shop)), (Some("gold"), Some(day("2027-01-01"))));
    assert_eq!((worn(&shop, "c1"), mails(&shop).len()), (vec!["tier-gold".to_owned()], mailed));
}

#[test]
fn who_is_forgotten_leaves_nothing_and_comes_back_by_no_refund() {
    let mut shop = shop();
    let one: Order = bought(&shop, "1", 400).into();
    paid(&mut shop, one.clone());
    shop.deliver(Incoming::customer("customer.redacted", customer("c1"))).unwrap();
    assert_eq!((shop.state_keys("member/").count(), shop.due(&member_key("c1"))), (0, None));
    let refund = regulars_sdk::test::refund("r1", &one).everything();
    let told = shop.deliver(Incoming::order_refunded(refund)).unwrap();
    assert_eq!(why(&told), "Not counted: the customer was forgotten");
}
