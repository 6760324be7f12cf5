//! How a birthday comes to be known, and who may change it.

use regulars_sdk::{
    Birthday,
    test::{Bench, Call, Capability, Incoming, Status, customer},
};
use serde_json::{Value, json};

use super::*;
use crate::calendar::Day;

fn day(shop: &Bench) -> Option<Day> {
    person(shop, "c1").day
}

fn told(input: Value) -> Incoming {
    Incoming::action("birthday", "c1", input)
}

fn platform(month: u8, day: u8) -> Birthday {
    Birthday { year: Some(1990), month, day }
}

fn updated(id: &str) -> Incoming {
    Incoming::customer("customer.updated", customer("c1")).id(id)
}

#[test]
fn a_day_and_a_month_are_all_that_is_kept() {
    let mut shop = shop();
    let delivery = shop.deliver(told(json!({ "day": 31, "month": 5, "year": 1990 }))).unwrap();
    assert_eq!(why(&delivery), "Birthday kept");
    assert_eq!(day(&shop), Day::new(5, 31));
    let kept: Value = shop.state(&customer_key("c1")).unwrap();
    assert!(!kept.to_string().contains("1990"));
}

#[test]
fn forms_and_programs_may_write_it_their_way() {
    for input in [
        json!({ "birthday": "05-31" }),
        json!({ "birthday": "05-31", "year": "1990" }),
        json!({ "day": "31", "month": " 5 ", "year": "" }),
        json!({ "day": 31, "month": 5, "year": null }),
    ] {
        let mut shop = shop();
        shop.deliver(told(input.clone())).unwrap();
        assert_eq!(day(&shop), Day::new(5, 31), "{input}");
    }
}

#[test]
fn what_is_no_birthday_is_refused_and_loses_nothing() {
    let mut shop = shop();
    shop.deliver(tell("c1", 5, 31)).unwrap();
    for input in [
        json!({}),
        json!(null),
        json!("05-31"),
        json!({ "birthday": "31.05." }),
        json!({ "birthday": "0x-0y" }),
        json!({ "birthday": "05-31", "day": 1, "month": 1 }),
        json!({ "day": 31, "month": 4 }),
        json!({ "day": 30, "month": 2 }),
        json!({ "day": 0, "month": 1 }),
        json!({ "day": 1, "month": 13 }),
        json!({ "day": -1, "month": 1 }),
        json!({ "day": 1.5, "month": 1 }),
        json!({ "day": 257, "month": 1 }),
        json!({ "day": 1 }),
        json!({ "day": 1, "month": 1, "year": 2027 }),
        json!({ "day": 1, "month": 1, "year": 1899 }),
        json!({ "day": 1, "month": 1, "year": 99_999_999 }),
        json!({ "day": 29, "month": 2, "year": 1990 }),
        json!({ "day": ["1"], "month": { "a": 1 } }),
    ] {
        let delivery = shop.deliver(told(input.clone())).unwrap();
        assert_eq!(why(&delivery), "No birthday kept: it is no day that a year has", "{input}");
        assert_eq!(day(&shop), Day::new(5, 31));
    }
}

#[test]
fn only_who_is_signed_in_can_tell_a_birthday() {
    let mut shop = shop();
    let delivery = shop.deliver(Incoming::visitor_action("birthday", json!({ "day": 1, "month": 1 }))).unwrap();
    assert_eq!(why(&delivery), "Nothing done: no customer is named");
    let delivery = shop.deliver(Incoming::action("sing", "c1", json!({}))).unwrap();
    assert_eq!(why(&delivery), "Nothing done: there is no such action");
    assert_eq!(shop.state_keys("").count(), 0);
}

#[test]
fn a_year_is_passed_on_to_the_platforms_field_and_without_one_that_stays() {
    let mut shop = shop();
    let delivery = shop.deliver(told(json!({ "day": 29, "month": 2, "year": 1992 }))).unwrap();
    let set = |call: &Call| match call {
        Call::Birthday { birthday, .. } => Some(*birthday),
        _ => None,
    };
    let sent: Vec<_> = delivery.calls.iter().filter_map(set).collect();
    assert_eq!(sent, [Birthday { year: Some(1992), month: 2, day: 29 }]);
    let delivery = shop.deliver(tell("c2", 2, 29)).unwrap();
    assert_eq!(delivery.calls.iter().filter_map(set).count(), 0);
}

#[test]
fn without_the_capability_the_day_is_kept_all_the_same() {
    let mut shop = shop().withhold(Capability::Birthdays);
    let delivery = shop.deliver(told(json!({ "day": 29, "month": 2, "year": 1992 }))).unwrap();
    let reasons: Vec<_> = delivery.calls.notes().map(|it| it.reason.as_str()).collect();
    assert_eq!(reasons, ["Birthday kept", "The shop system's own field stays: this plugin may not set it"]);
    assert_eq!(day(&shop), Day::new(2, 29));
}

#[test]
fn a_day_is_changed_once_in_a_year() {
    let mut shop = shop();
    shop.deliver(tell("c1", 5, 31)).unwrap();
    let delivery = shop.deliver(tell("c1", 6, 1)).unwrap();
    assert_eq!(why(&delivery), "Birthday changed");
    let delivery = shop.deliver(tell("c1", 7, 1)).unwrap();
    assert_eq!(why(&delivery), "Birthday not changed: it was changed before");
    assert_eq!(note(&delivery).field("open again on"), Some("2027-01-01"));
    assert_eq!(day(&shop), Day::new(6, 1));
    assert_eq!(why(&shop.deliver(tell("c1", 6, 1)).unwrap()), "Birthday known already");
    shop.advance_days(365).unwrap();
    shop.deliver(tell("c1", 7, 1)).unwrap();
    assert_eq!(day(&shop), Day::new(7, 1));
}

#[test]
fn forgetting_a_day_opens_no_way_around_the_lock() {
    let mut shop = shop();
    shop.deliver(tell("c1", 5, 31)).unwrap();
    shop.deliver(Incoming::action("forget-birthday", "c1", json!({}))).unwrap();
    assert_eq!((day(&shop), due(&shop, "c1")), (None, None));
    assert_eq!(why(&shop.deliver(tell("c1", 6, 1)).unwrap()), "Birthday changed");
    shop.deliver(Incoming::action("forget-birthday", "c1", json!({}))).unwrap();
    assert_eq!(why(&shop.deliver(tell("c1", 7, 1)).unwrap()), "Birthday not changed: it was changed before");
    let delivery = shop.deliver(Incoming::action("forget-birthday", "c1", json!({}))).unwrap();
    assert_eq!(why(&delivery), "Nothing to forget: no birthday is known");
}

#[test]
fn the_merchant_may_correct_a_day_at_any_time() {
    let mut shop = shop();
    shop.deliver(tell("c1", 5, 31)).unwrap();
    shop.deliver(tell("c1", 6, 1)).unwrap();
    let corrected = Incoming::merchant_action("birthday", Some("c1"), json!({ "day": 2, "month": 7 }));
    assert_eq!(note(&shop.deliver(corrected).unwrap()).field("told by"), Some("you"));
    assert_eq!(day(&shop), Day::new(7, 2));
}

#[test]
fn the_platforms_own_field_is_taken_in_when_it_changes() {
    let mut shop = shop().with_birthday("c1", platform(5, 31));
    let delivery = shop.deliver(Incoming::customer_created(customer("c1"))).unwrap();
    assert_eq!((why(&delivery), note(&delivery).field("told by")), ("Birthday kept", Some("the shop system")));
    let delivery = shop.deliver(updated("1")).unwrap();
    assert_eq!(why(&delivery), "Nothing learnt: the shop system's birthday is as before");
    let mut shop = shop.with_birthday("c1", platform(6, 1));
    assert_eq!(why(&shop.deliver(updated("2")).unwrap()), "Birthday changed");
    let mut nothing = super::shop();
    let delivery = nothing.deliver(updated("1")).unwrap();
    assert_eq!(why(&delivery), "Nothing learnt: the shop system tells no birthday");
    assert_eq!(nothing.state_keys("").count(), 0);
}

#[test]
fn what_the_platform_said_before_does_not_undo_what_the_customer_has_said_since() {
    let mut shop = shop().with_birthday("c1", platform(5, 31));
    shop.deliver(updated("1")).unwrap();
    shop.deliver(tell("c1", 6, 1)).unwrap();
    shop.deliver(updated("2")).unwrap();
    assert_eq!(day(&shop), Day::new(6, 1));
}

#[test]
fn our_own_change_comes_back_from_the_platform_and_is_no_change() {
    let mut shop = shop().with_birthday("c1", platform(5, 31));
    shop.deliver(updated("1")).unwrap();
    shop.deliver(told(json!({ "day": 1, "month": 6, "year": 1990 }))).unwrap();
    let changed_at = person(&shop, "c1").changed_at;
    let mut shop = shop.with_birthday("c1", platform(6, 1));
    let delivery = shop.deliver(updated("2")).unwrap();
    assert_eq!(why(&delivery), "Birthday known already");
    assert_eq!((day(&shop), person(&shop, "c1").changed_at), (Day::new(6, 1), changed_at));
}

#[test]
fn a_change_of_the_platforms_field_waits_for_the_lock_like_any_other() {
    let mut shop = shop().with_birthday("c1", platform(5, 31));
    shop.deliver(updated("1")).unwrap();
    shop.deliver(tell("c1", 6, 1)).unwrap();
    let mut shop = shop.with_birthday("c1", platform(7, 1));
    assert_eq!(why(&shop.deliver(updated("2")).unwrap()), "Birthday not changed: it was changed before");
    shop.advance_days(366).unwrap();
    shop.deliver(updated("3")).unwrap();
    assert_eq!(day(&shop), Day::new(7, 1));
}

#[test]
fn a_birthday_told_less_than_thirty_days_ahead_brings_no_reward_the_first_time() {
    // 31 January is 30 days after 1 January.
    for (day, expected) in [(30, "none: the birthday was told too short a time ahead"), (31, "as set")] {
        let mut shop = shop();
        let delivery = shop.deliver(tell("c1", 1, day)).unwrap();
        assert_eq!(note(&delivery).field("reward then"), Some(expected), "{day} January");
        shop.advance_to(at(31, 0)).unwrap();
        assert_eq!((mails(&shop).len(), shop.calls().discounts().count()), (1, usize::from(expected == "as set")));
        shop.advance_days(365).unwrap();
        let codes = shop.calls().discounts().count();
        assert_eq!((mails(&shop).len(), codes), (2, 1 + usize::from(expected == "as set")), "the year after");
    }
}

#[test]
fn a_birthday_changed_in_the_same_year_brings_no_reward_in_that_year() {
    let mut shop = shop();
    shop.deliver(tell("c1", 5, 31)).unwrap();
    let delivery = shop.deliver(tell("c1", 11, 1)).unwrap();
    let expected = Some("none: the birthday was changed in the same year");
    assert_eq!(note(&delivery).field("reward then"), expected);
    let fired = shop.advance_days(364).unwrap();
    assert_eq!(note(&fired[0]).field("reward"), expected);
    assert_eq!((mails(&shop).len(), shop.calls().discounts().count()), (1, 0));
    shop.advance_days(365).unwrap();
    assert_eq!((mails(&shop).len(), shop.calls().discounts().count()), (2, 1));
}

#[test]
fn moving_a_birthday_past_the_one_that_was_had_brings_no_second_one() {
    let mut shop = shop();
    shop.deliver(tell("c1", 2, 15)).unwrap();
    shop.advance_to(at(60, 0)).unwrap();
    shop.deliver(tell("c1", 12, 1)).unwrap();
    shop.advance_to(at(364, 0)).unwrap();
    assert_eq!(mails(&shop).len(), 1);
    shop.advance_to(at(700, 0)).unwrap();
    assert_eq!(mails(&shop).len(), 2);
}

#[test]
fn a_birthday_told_on_the_day_is_for_the_next_year() {
    let mut shop = shop();
    shop.deliver(tell("c1", 1, 1)).unwrap();
    assert_eq!(due(&shop, "c1"), Some(at(365, 9)));
}

#[test]
fn topics_and_timers_that_it_does_not_know_are_ignored() {
    let mut shop = Bench::new(crate::handle);
    let delivery = shop.deliver(Incoming::other("product.updated", "p1", "{}")).unwrap();
    assert_eq!((delivery.status, delivery.calls.len()), (Status::Handled, 0));
}
