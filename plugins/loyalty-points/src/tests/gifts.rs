//! Points for what is no order.

use regulars_sdk::{
    Customer,
    test::{Bench, Capability, Incoming, START, customer, order},
};
use serde_json::json;

use super::{account, note, paid, shop, var, why};
use crate::{account::Once, ledger::Kind};

#[test]
fn a_new_customer_gets_sign_up_points_once_and_a_welcome() {
    let mut shop = shop();
    let delivery = shop.deliver(Incoming::customer_created(customer("c1"))).unwrap();
    assert_eq!(why(&delivery), ("Sign-up points given", "50", Some("50")));
    let mail = delivery.calls.mails().next().unwrap();
    assert_eq!((mail.template.as_str(), var(mail, "points"), var(mail, "missing")), ("welcome", "50", "50"));
    let again = shop.deliver(Incoming::customer_created(customer("c1")).id("another")).unwrap();
    assert_eq!(why(&again), ("No sign-up points: they were given before", "0", Some("50")));
    let mut shop = self::shop().setting("signup_points", 0);
    let delivery = shop.deliver(Incoming::customer_created(customer("c1"))).unwrap();
    assert_eq!(why(&delivery), ("No sign-up points: the settings give none", "0", Some("0")));
    assert_eq!(shop.calls().mails().count(), 0);
}

#[test]
fn without_the_grant_for_mails_points_are_earned_all_the_same() {
    let mut shop = shop().withhold(Capability::Mail);
    let delivery = shop.deliver(paid(order("1").customer("c1").line(1000, 1))).unwrap();
    assert_eq!(why(&delivery), ("Points earned", "10", Some("10")));
    assert_eq!(note(&delivery).field("mail"), Some("not granted"));
    let delivery = shop.deliver(Incoming::customer_created(customer("c1"))).unwrap();
    assert_eq!(why(&delivery), ("Sign-up points given", "50", Some("60")));
}

fn consent(accepts: bool) -> Incoming {
    Incoming::customer("customer.consent", Customer { accepts_marketing: Some(accepts), ..customer("c1") })
}

#[test]
fn the_newsletter_gives_points_once_whatever_becomes_of_it() {
    let mut shop = shop();
    let refused = shop.deliver(consent(false).id("0").at(START)).unwrap();
    assert_eq!(why(&refused), ("No newsletter points: the customer takes no newsletter", "0", Some("0")));
    let given = shop.deliver(consent(true).id("1")).unwrap();
    assert_eq!(why(&given), ("Newsletter points given", "25", Some("25")));
    shop.deliver(consent(false).id("2")).unwrap();
    let again = shop.deliver(consent(true).id("3")).unwrap();
    assert_eq!(why(&again), ("No newsletter points: they were given before", "0", Some("25")));
    let mut none = self::shop().setting("newsletter_points", 0);
    assert_eq!(why(&none.deliver(consent(true)).unwrap()).0, "No newsletter points: the settings give none");
}

fn review(event: &str, payload: &str) -> Incoming {
    Incoming::about("review.approved", event, "c1", payload)
}

#[test]
fn a_review_gives_points_once_and_more_with_a_photo() {
    let mut shop = shop().with_customer(customer("c1"));
    let plain = shop.deliver(review("e1", r#"{"id": "rev-1", "rating": 1}"#)).unwrap();
    assert_eq!(why(&plain), ("Review points given", "25", Some("25")));
    let edited = shop.deliver(review("e2", r#"{"id": "rev-1", "photo": true}"#)).unwrap();
    assert_eq!(why(&edited), ("No review points: they were given before", "0", Some("25")));
    let photo = shop.deliver(review("e3", r#"{"id": 77, "photo": true}"#)).unwrap();
    assert_eq!(why(&photo), ("Review points given", "50", Some("75")));
    let nameless = shop.deliver(review("e4", r#"{"rating": 5}"#)).unwrap();
    assert_eq!(why(&nameless).0, "No review points: the review has no id");
}

fn birthday(day: &str) -> Incoming {
    Incoming::action("birthday", "c1", json!({ "birthday": day }))
}

/// A shop on 1 January 2026 with a customer, and nothing that lapses.
fn celebrating() -> Bench {
    shop().setting("expiry", "none").with_customer(customer("c1"))
}

/// Days after START on which birthday points were given.
fn celebrated(shop: &Bench) -> Vec<u64> {
    let entries = super::entries(shop, "c1");
    let given = entries.iter().filter(|entry| entry.kind == Kind::Birthday);
    given.map(|entry| (entry.at.0 - (START.0 - 43_200_000)) / 86_400_000).collect()
}

#[test]
fn a_birthday_told_in_time_gives_points_every_year() {
    let mut shop = celebrating();
    let delivery = shop.deliver(birthday("03-01")).unwrap();
    assert_eq!(note(&delivery).field("points_on"), Some("2026-03-01"));
    shop.advance_days(800).unwrap();
    assert_eq!(celebrated(&shop), [59, 59 + 365, 59 + 365 + 366]);
    assert_eq!(account(&shop, "c1").balance, 300);
}

#[test]
fn a_birthday_told_less_than_thirty_days_ahead_waits_a_year() {
    let mut shop = celebrating();
    shop.deliver(birthday("01-20")).unwrap();
    shop.advance_days(366).unwrap();
    assert_eq!(celebrated(&shop), Vec::<u64>::new());
    shop.advance_days(30).unwrap();
    assert_eq!(celebrated(&shop), [365 + 19]);
}

#[test]
fn a_birthday_that_was_changed_counts_from_the_next_year_on() {
    let mut shop = celebrating();
    shop.deliver(birthday("03-01")).unwrap();
    shop.advance_days(70).unwrap();
    let changed = shop.deliver(birthday("1990-09-01")).unwrap();
    assert_eq!(
        (note(&changed).reason.as_str(), note(&changed).field("points_on")),
        ("Birthday changed", Some("2027-09-01"))
    );
    shop.advance_days(400).unwrap();
    assert_eq!(celebrated(&shop), [59]);
    let same = shop.deliver(birthday("09-01")).unwrap();
    assert_eq!(note(&same).reason, "Birthday kept already");
}

#[test]
fn a_birthday_on_29_february_is_the_28th_in_other_years() {
    let mut shop = celebrating();
    shop.deliver(birthday("02-29")).unwrap();
    shop.advance_days(3 * 365).unwrap();
    // 28 February 2026 and 2027, 29 February 2028.
    assert_eq!(celebrated(&shop), [58, 58 + 365, 59 + 730]);
}

#[test]
fn what_is_no_day_is_no_birthday() {
    let mut shop = celebrating();
    for wrong in
        ["", "13-01", "02-30", "04-31", "00-10", "1-1-1-1", "x-y", "-5-10", "05", "99999-05-10", "05-99999", "５-１"]
    {
        let delivery = shop.deliver(birthday(wrong)).unwrap();
        assert_eq!(note(&delivery).reason, "No birthday kept: it is no day such as 05-31", "{wrong}");
    }
    for input in [json!({}), json!([]), json!({ "birthday": 5 })] {
        shop.deliver(Incoming::action("birthday", "c1", input)).unwrap();
    }
    assert_eq!(account(&shop, "c1").birthday, None);
    for right in ["05-31", "--05-30", "1990-05-29", " 5-28 "] {
        shop.deliver(birthday(right)).unwrap();
        assert!(account(&shop, "c1").birthday.is_some(), "{right}");
    }
}

#[test]
fn a_budget_that_is_used_up_gives_no_gift_and_leaves_it_for_later() {
    let mut shop = shop().budget("points", 60).with_customer(customer("c1"));
    shop.deliver(Incoming::customer_created(customer("c1"))).unwrap();
    let refused = shop.deliver(review("e1", r#"{"id": "rev-1"}"#)).unwrap();
    assert_eq!(why(&refused), ("No points: the shop's budget for points is used up", "0", Some("50")));
    assert_eq!(shop.spent("points"), 50);
    let mut shop = shop.budget("points", 100);
    let given = shop.deliver(review("e2", r#"{"id": "rev-1"}"#)).unwrap();
    assert_eq!(why(&given).0, "Review points given");
}

#[test]
fn excluded_customers_are_given_nothing() {
    let staff = || Customer { tags: vec!["STAFF".into()], accepts_marketing: Some(true), ..customer("c1") };
    let mut shop = celebrating().with_customer(staff());
    shop.deliver(birthday("03-01")).unwrap();
    for event in [
        Incoming::customer_created(staff()),
        Incoming::customer("customer.consent", staff()),
        review("e1", r#"{"id": "rev-1"}"#),
    ] {
        let delivery = shop.deliver(event).unwrap();
        assert_eq!(note(&delivery).field("tag"), Some("STAFF"));
    }
    shop.advance_days(100).unwrap();
    assert_eq!(account(&shop, "c1").balance, 0);
}

#[test]
fn a_gift_is_remembered_with_what_it_was() {
    let mut shop = shop();
    shop.deliver(Incoming::customer_created(customer("c1"))).unwrap();
    assert_eq!(account(&shop, "c1").gift(Once::SignUp).map(|gift| gift.points), Some(50));
}
