//! What changes of the settings do, and what they do not.

use regulars_sdk::{
    Customer,
    test::{Bench, Incoming},
};
use serde_json::{Value, json};

use super::*;

fn at(silver: &str, gold: &str) -> Value {
    json!([
        { "id": "bronze", "title": "Bronze", "threshold": "0" },
        { "id": "silver", "title": "Silver", "threshold": silver },
        { "id": "gold", "title": "Gold", "threshold": gold }
    ])
}

fn details(shop: &Bench, key: &str) -> Vec<String> {
    shop.tasks()[key].details.iter().map(|(name, value)| format!("{name}: {value}")).collect()
}

#[test]
fn who_rises_by_a_change_does_so_now_without_a_mail_and_one_task_tells_who_moves() {
    let mut shop = shop();
    pay(&mut shop, "1", 400);
    let other = order("2").customer("c2").line(100_000, 1).placed_at(shop.now());
    paid(&mut shop, other);
    let mailed = mails(&shop).len();
    shop.publish("tiers", at("300", "400")).unwrap();
    shop.advance_days(1).unwrap();
    assert_eq!((tier(&shop).as_deref(), mails(&shop).len()), (Some("gold"), mailed));
    let told = details(&shop, "walk/apply");
    assert!(told.contains(&"Go up: silver to gold: 1".to_owned()), "{told:?}");
    assert_eq!(shop.tasks().len(), 1);
}

#[test]
fn who_rises_by_a_change_is_greeted_if_set() {
    let mut shop = shop().setting("greet_raised", true);
    pay(&mut shop, "1", 400);
    shop.publish("tiers", at("300", "400")).unwrap();
    shop.advance_days(1).unwrap();
    assert_eq!(templates(shop.calls()), ["entered", "entered"]);
}

#[test]
fn nobody_falls_by_a_change_before_the_term_ends() {
    let mut shop = shop();
    pay(&mut shop, "1", 1000);
    shop.publish("tiers", at("300", "5000")).unwrap();
    shop.advance_days(1).unwrap();
    assert_eq!(tier(&shop).as_deref(), Some("gold"));
    let told = details(&shop, "walk/apply");
    assert!(told.contains(&"Have too little for their tier now: gold to silver: 1".to_owned()), "{told:?}");
    pay(&mut shop, "2", 500);
    assert_eq!(tier(&shop).as_deref(), Some("gold"));
    until_noon(&mut shop, "2027-01-31");
    assert_eq!(tier(&shop).as_deref(), Some("silver"));
}

#[test]
fn a_tier_that_is_taken_out_becomes_the_one_below_it_with_its_term() {
    let mut shop = shop();
    pay(&mut shop, "1", 1000);
    let [bronze, silver] = [&at("300", "1")[0], &at("300", "1")[1]].map(Clone::clone);
    shop.publish("tiers", json!([bronze, silver])).unwrap();
    shop.advance_days(1).unwrap();
    assert_eq!((tier(&shop).as_deref(), until(&shop)), (Some("silver"), Some(day("2027-01-01"))));
    assert_eq!((worn(&shop, "c1"), mails(&shop).len()), (vec!["tier-silver".to_owned()], 1));
}

#[test]
fn a_tier_that_begins_to_ask_for_something_has_a_term_from_then_on() {
    let mut shop = shop();
    pay(&mut shop, "1", 10);
    let mut tiers = at("300", "1000");
    tiers[0]["threshold"] = json!("50");
    shop.publish("tiers", tiers).unwrap();
    shop.advance_days(1).unwrap();
    assert_eq!((tier(&shop).as_deref(), until(&shop)), (Some("bronze"), Some(day("2027-01-01"))));
    until_noon(&mut shop, "2027-02-01");
    assert_eq!((tier(&shop), worn(&shop, "c1")), (None, vec![]));
}

#[test]
fn a_preview_tells_who_would_move_and_moves_nobody() {
    let mut shop = shop();
    pay(&mut shop, "1", 400);
    let before = member(&shop, "c1");
    let tried = json!({ "tiers": [{ "id": "bronze" }, { "id": "silver", "threshold": "100" }, { "id": "gold", "threshold": "350.50" }] });
    shop.deliver(Incoming::merchant_action("preview", None, tried)).unwrap();
    shop.advance_days(1).unwrap();
    let told = details(&shop, "walk/preview");
    assert!(told.contains(&"Go up: silver to gold: 1".to_owned()), "{told:?}");
    assert_eq!(member(&shop, "c1"), before);
    for nonsense in [json!({}), json!({ "tiers": [] }), json!({ "tiers": [{ "id": "a", "threshold": "much" }] })] {
        let told = shop.deliver(Incoming::merchant_action("preview", None, nonsense)).unwrap();
        assert!(why(&told).starts_with("Nothing looked at"));
    }
}

#[test]
fn everybody_who_was_there_before_has_a_tier_when_the_plugin_is_switched_on() {
    let mut shop = (0..130).fold(shop(), |shop, number| {
        let id = format!("d{number:03}");
        let placed_at = shop.now();
        shop.with_customer(customer(&id)).with_order(order(&id).customer(&id).line(40_000, 1).placed_at(placed_at))
    });
    shop = shop.with_customer(Customer { guest: true, ..customer("g1") });
    shop.deliver(Incoming::settings_published(1)).unwrap();
    shop.advance_days(1).unwrap();
    for number in 0..130 {
        assert_eq!(member(&shop, &format!("d{number:03}")).tier.as_deref(), Some("silver"));
    }
    assert_eq!(member(&shop, "g1").tier, None);
    assert_eq!(mails(&shop).len(), 0);
    let told = details(&shop, "walk/apply");
    assert!(told.contains(&"Customers looked at: 133".to_owned()), "{told:?}");
    assert!(told.contains(&"Go up: none to bronze: 2; none to silver: 130".to_owned()), "{told:?}");
}

#[test]
fn an_order_while_settings_are_taken_over_greets_for_what_it_brings_and_not_for_history() {
    let before = |euros: i64| {
        let placed_at = START;
        let mut shop = shop().with_order(order("0").customer("c1").line(euros * 100, 1).placed_at(placed_at));
        shop.deliver(Incoming::settings_published(1)).unwrap();
        shop
    };
    let mut shop = before(400);
    pay(&mut shop, "1", 1);
    assert_eq!((tier(&shop).as_deref(), mails(&shop).len()), (Some("silver"), 0));
    let mut shop = before(400);
    pay(&mut shop, "1", 600);
    assert_eq!((tier(&shop).as_deref(), templates(shop.calls())), (Some("gold"), vec!["entered"]));
    let mut shop = before(400);
    shop.deliver(Incoming::customer("customer.updated", customer("c1"))).unwrap();
    assert_eq!((tier(&shop).as_deref(), mails(&shop).len()), (Some("silver"), 0));
}

#[test]
fn other_tags_and_perks_reach_everybody_within_what_a_delivery_may_do() {
    let mut shop = (0..60).fold(shop().setting("greet_raised", true), |shop, number| {
        let id = format!("d{number:02}");
        let placed_at = shop.now();
        shop.with_customer(customer(&id)).with_order(order(&id).customer(&id).line(40_000, 1).placed_at(placed_at))
    });
    shop.deliver(Incoming::settings_published(1)).unwrap();
    shop.advance_days(1).unwrap();
    shop.publish("tag_prefix", "vip:").unwrap();
    shop.advance_days(1).unwrap();
    shop.publish("tiers", tiers(json!({ "free_shipping": true, "early_access_tag": "early" }), json!({}))).unwrap();
    shop.advance_days(1).unwrap();
    for number in 0..60 {
        let id = format!("d{number:02}");
        assert_eq!(worn(&shop, &id), ["vip:silver", "early"]);
        assert!(member(&shop, &id).shipping.is_some());
    }
    assert_eq!(mails(&shop).len(), 60, "one mail each");
}

#[test]
fn a_term_of_a_month_is_not_warned_of_with_its_beginning() {
    let mut shop = shop().setting("keep_months", 1).setting("window_days", 30);
    pay(&mut shop, "1", 400);
    assert_eq!(templates(shop.calls()), ["entered"]);
    until_noon(&mut shop, "2026-01-17");
    assert_eq!(templates(shop.calls()), ["entered", "falling"]);
}

#[test]
fn settings_that_cannot_work_are_told() {
    let mut shop = shop().currency("JPY");
    let tiers = json!([
        { "id": "a", "title": "A", "threshold": "300" },
        { "id": "a", "title": "B", "threshold": "299.5" },
        { "id": "c", "title": "C", "threshold": "100", "retain_threshold": "200", "reward": "percent", "reward_value": "200" }
    ]);
    let told = shop.publish("tiers", tiers).unwrap();
    let problems: Vec<_> = told.calls.notes().filter_map(|it| it.field("because")).collect();
    assert_eq!(problems.len(), 5, "{problems:?}");
}
