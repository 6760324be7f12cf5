//! What merchants change by hand.

use regulars_sdk::test::{Incoming, customer};
use serde_json::{Value, json};

use super::{account, entries, note, points, shop, why, with_balance};
use crate::ledger::Kind;

fn asks(action: &str, input: Value) -> Incoming {
    Incoming::merchant_action(action, Some("c1"), input)
}

#[test]
fn points_are_adjusted_up_and_down_with_a_reason() {
    let mut shop = with_balance(10_000);
    let up = shop.deliver(asks("adjust", json!({ "points": 50, "reason": " Sorry for the delay " }))).unwrap();
    assert_eq!(why(&up), ("Points adjusted by the shop", "50", Some("150")));
    assert_eq!(note(&up).field("reason"), Some("Sorry for the delay"));
    shop.deliver(asks("adjust", json!({ "points": "-30", "reason": "Given twice" }))).unwrap();
    assert_eq!(points(&shop, "c1"), [(Kind::Earn, 100), (Kind::Adjust, 50), (Kind::Adjust, -30)]);
    assert_eq!(shop.state::<String>("reason/c1/3").as_deref(), Some("Given twice"));
}

#[test]
fn an_adjustment_that_makes_no_sense_is_refused() {
    let mut shop = with_balance(10_000);
    let long = "x".repeat(501);
    for (input, reason) in [
        (json!({ "points": 0, "reason": "r" }), "Nothing adjusted: that is no number of points"),
        (json!({ "points": "ten", "reason": "r" }), "Nothing adjusted: that is no number of points"),
        (json!({ "points": i64::MIN, "reason": "r" }), "Nothing adjusted: that is no number of points"),
        (json!({ "points": 5, "reason": " " }), "Nothing adjusted: it needs a reason of at most 500 characters"),
        (json!({ "points": 5, "reason": long }), "Nothing adjusted: it needs a reason of at most 500 characters"),
        (json!({ "points": -101, "reason": "r" }), "Nothing adjusted: the customer has fewer points"),
        (json!({ "points": 5 }), "Nothing adjusted: the request names no points or no reason"),
        (json!("five"), "Nothing adjusted: the request names no points or no reason"),
    ] {
        let delivery = shop.deliver(asks("adjust", input)).unwrap();
        assert_eq!(why(&delivery), (reason, "0", Some("100")));
    }
    assert_eq!(entries(&shop, "c1").len(), 1);
}

#[test]
fn balances_of_another_programme_are_added_or_take_the_place_of_what_is_there() {
    let mut shop = with_balance(10_000).with_customer(customer("c1"));
    let added = shop.deliver(asks("import", json!({ "points": "250", "mode": "add" }))).unwrap();
    assert_eq!(why(&added), ("Points imported", "250", Some("350")));
    let reset = shop.deliver(asks("import", json!({ "points": 40, "mode": "reset" }))).unwrap();
    assert_eq!(why(&reset), ("Points imported", "-310", Some("40")));
    let same = shop.deliver(asks("import", json!({ "points": 40, "mode": "reset" }))).unwrap();
    assert_eq!(why(&same), ("Nothing imported: the balance is that already", "0", Some("40")));
    shop.deliver(asks("import", json!({ "points": 400, "mode": "reset" }))).unwrap();
    assert_eq!(account(&shop, "c1").available(), 400);
    for wrong in [
        json!({ "points": -1, "mode": "add" }),
        json!({ "points": 1, "mode": "set" }),
        json!({ "points": 1 }),
        json!({}),
    ] {
        let delivery = shop.deliver(asks("import", wrong)).unwrap();
        assert!(note(&delivery).reason.starts_with("Nothing imported"));
    }
}

#[test]
fn imported_points_lapse_as_others_do() {
    let mut shop = shop().setting("expiry_days", 30);
    shop.deliver(asks("import", json!({ "points": 40, "mode": "add" }))).unwrap();
    shop.advance_days(30).unwrap();
    assert_eq!(account(&shop, "c1").balance, 0);
}

#[test]
fn an_action_about_nobody_or_of_another_name_does_nothing() {
    let mut shop = with_balance(10_000);
    let nobody = Incoming::merchant_action("adjust", None, json!({ "points": 5, "reason": "r" }));
    assert_eq!(why(&shop.deliver(nobody).unwrap()), ("Nothing done: the action names no customer", "0", None));
    let unknown = shop.deliver(asks("gamble", json!({}))).unwrap();
    assert_eq!(why(&unknown), ("Nothing done: there is no such action", "0", Some("100")));
}
