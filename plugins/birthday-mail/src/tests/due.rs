//! What goes out, and when.

use regulars_sdk::{
    Benefit, Customer, Guard, Money, Purpose,
    test::{Bench, Capability, Incoming, customer, order},
};
use serde_json::json;

use super::*;

fn with_birthday() -> Bench {
    let mut shop = shop();
    shop.deliver(tell("c1", 5, 31)).unwrap();
    shop
}

/// 31 May.
const DAY: u64 = 150;

#[test]
fn good_wishes_go_out_on_the_day_at_the_hour_that_is_set() {
    let mut shop = shop().setting("send_hour", 14).setting("send_minute", 30).time_zone("Test/Zone", 120);
    shop.deliver(tell("c1", 5, 31)).unwrap();
    let due = Timestamp(at(DAY, 12).0 + HOUR / 2);
    shop.advance_to(Timestamp(due.0 - 1)).unwrap();
    assert_eq!(mails(&shop).len(), 0);
    shop.advance_to(due).unwrap();
    let mail = mails(&shop)[0];
    assert_eq!((mail.customer_id.as_str(), mail.template.as_str()), ("c1", "birthday"));
    assert_eq!((mail.purpose, var(mail, "when")), (Purpose::Loyalty, "on"));
}

#[test]
fn a_mail_of_some_days_before_speaks_of_the_day_to_come_and_is_dropped_on_it() {
    let mut shop = shop().setting("days_before", 3);
    shop.deliver(tell("c1", 5, 31)).unwrap();
    shop.advance_to(at(DAY - 3, 9)).unwrap();
    let mail = mails(&shop)[0];
    assert_eq!((var(mail, "when"), mail.valid_until), ("before", Some(at(DAY, 0))));
}

#[test]
fn a_mail_of_the_year_before_counts_for_the_year_of_the_birthday() {
    let mut shop = shop().setting("days_before", 3);
    shop.deliver(tell("c1", 1, 2)).unwrap();
    assert_eq!(due(&shop, "c1"), Some(at(365 + 1 - 3, 9)));
    let fired = shop.advance_to(at(364, 0)).unwrap();
    assert_eq!(note(&fired[0]).field("birthday"), Some("2027-01-02"));
    assert_eq!(person(&shop, "c1").birthday_year, 2027);
}

#[test]
fn the_reward_is_a_code_of_the_customers_own_that_the_mail_waits_for() {
    let reward = json!({ "kind": "percent", "percent": 15, "min_cart": "40.00", "valid_days": 10 });
    let mut shop = shop().setting("birthday_reward", reward);
    shop.deliver(tell("c1", 5, 31)).unwrap();
    shop.advance_to(at(DAY, 9)).unwrap();
    let (code, effect) = shop.codes().next().map(|(code, effect)| (code.to_owned(), effect.clone())).unwrap();
    let discount = shop.calls().discounts().next().unwrap();
    assert_eq!((discount.customer_id.as_deref(), discount.benefit), (Some("c1"), Benefit::BasisPoints(1_500)));
    assert_eq!((discount.offer, discount.uses, discount.combines), (true, Some(1), false));
    assert_eq!(discount.minimum_subtotal, Some(Money::new(4_000, "EUR".parse().unwrap())));
    assert_eq!(discount.ends_at, Some(at(DAY + 11, 0)), "to the end of the tenth day");
    let mail = mails(&shop)[0];
    let names = ["reward_code", "percent", "amount", "ends_on", "min_cart"];
    assert_eq!(names.map(|name| var(mail, name)), [&code, "15", "", "2026-06-10", "40.00 EUR"]);
    assert_eq!(mail.after, Some(effect.clone()));
    assert_eq!(mail.guards, [Guard::CodeLive(effect)]);
}

#[test]
fn a_reward_may_be_an_amount_or_nothing() {
    let mut shop = shop().setting("birthday_reward", json!({ "kind": "amount", "amount": "7.50" }));
    shop.deliver(tell("c1", 5, 31)).unwrap();
    shop.advance_to(at(DAY, 9)).unwrap();
    assert_eq!(["percent", "amount", "min_cart"].map(|name| var(mails(&shop)[0], name)), ["", "7.50 EUR", ""]);
    let mut shop = super::shop().setting("birthday_reward", json!({ "kind": "none" }));
    shop.deliver(tell("c1", 5, 31)).unwrap();
    shop.advance_to(at(DAY, 9)).unwrap();
    let mail = mails(&shop)[0];
    assert_eq!((shop.calls().discounts().count(), mail.after.as_ref(), var(mail, "reward_code")), (0, None, ""));
}

#[test]
fn good_wishes_go_without_a_reward_where_none_can_be_made_and_the_note_says_why() {
    let yen =
        |shop: Bench| shop.currency("JPY").setting("birthday_reward", json!({ "kind": "amount", "amount": "0.50" }));
    let better = |shop: Bench| {
        let mut shop = shop.setting("order_reward", json!({ "kind": "percent", "percent": 20 }));
        shop = shop
            .setting("order_marks", json!([2]))
            .setting("milestone_wait_days", DAY - 1)
            .setting("anniversaries", false);
        for id in ["1", "2"] {
            shop.deliver(Incoming::order_paid(order(id).customer("c1").line(5_000, 1))).unwrap();
        }
        shop
    };
    for (mut shop, expected) in [
        (with_birthday().withhold(Capability::Discounts), "none: the merchant has not granted this capability"),
        (yen(with_birthday()), "none: `0.50` has more decimal digits than its currency"),
        (better(with_birthday()), "none: the customer has an offer that is as good or better"),
    ] {
        let fired = shop.advance_to(at(DAY, 9)).unwrap();
        let told = note(fired.last().unwrap()).field("reward").unwrap();
        assert!(told.starts_with(expected), "{told}");
        assert_eq!(var(mails(&shop).last().unwrap(), "reward_code"), "");
    }
}

#[test]
fn a_code_that_could_not_be_made_leaves_the_good_wishes() {
    let mut shop = with_birthday();
    shop.advance_to(at(DAY, 9)).unwrap();
    let effect = shop.codes().next().unwrap().1.clone();
    let delivery = shop.fail(&effect, "the shop has too many codes").unwrap();
    assert_eq!(note(&delivery).field("mail"), Some("queued without it"));
    let mail = delivery.calls.mails().next().unwrap();
    assert_eq!((mail.after.as_ref(), var(mail, "reward_code"), var(mail, "when")), (None, "", "on"));
    assert_eq!(person(&shop, "c1").code, None);
    let again = Incoming::effect_failed(&effect, "discount.create", "c1", "told again").id("again");
    assert_eq!(shop.deliver(again).unwrap().calls.len(), 0);
}

#[test]
fn other_effects_that_fail_change_nothing() {
    let mut shop = with_birthday();
    shop.advance_to(at(DAY, 9)).unwrap();
    let mail = shop.calls().iter().find(|call| matches!(call, regulars_sdk::test::Call::Mail { .. })).unwrap();
    let mail = mail.effect().unwrap().clone();
    assert_eq!(shop.fail(&mail, "no consent").unwrap().calls.len(), 0);
    assert!(person(&shop, "c1").code.is_some());
}

#[test]
fn without_the_capability_to_mail_the_code_is_made_and_the_note_says_so() {
    let mut shop = with_birthday().withhold(Capability::Mail);
    let fired = shop.advance_to(at(DAY, 9)).unwrap();
    assert_eq!(note(&fired[0]).field("mail"), Some("the merchant has not granted this capability"));
    assert_eq!(shop.calls().discounts().count(), 1, "the panel shows it");
}

#[test]
fn who_is_excluded_gets_nothing_and_the_note_says_why() {
    let staff = Customer { tags: vec!["Staff".into()], ..customer("c1") };
    let mut shop = with_birthday().with_customer(staff);
    let fired = shop.advance_to(at(DAY, 9)).unwrap();
    assert_eq!(why(&fired[0]), "No good wishes for the birthday");
    assert_eq!(note(&fired[0]).field("because"), Some("customers with the tag Staff are excluded"));
    assert_eq!(mails(&shop).len(), 0);
}

#[test]
fn a_host_that_was_asleep_is_late_once_and_after_three_days_not_at_all() {
    for (hours, expected) in [(2, 1), (3 * 24, 1), (3 * 24 + 1, 0), (200 * 24, 0), (400 * 24, 0)] {
        let mut shop = with_birthday().at(at(DAY, 9 + hours));
        let now = shop.now();
        let fired = shop.advance_to(now).unwrap();
        assert_eq!(mails(&shop).len(), expected, "{hours} hours late");
        if expected == 0 {
            assert_eq!(note(&fired[0]).field("because"), Some("it was too late for it"));
        }
        shop.advance_days(1).unwrap();
        assert_eq!(mails(&shop).len(), expected, "once");
    }
    let mut late = with_birthday().at(at(DAY + 2, 9));
    late.advance_to(at(DAY + 2, 9)).unwrap();
    assert_eq!(var(mails(&late)[0], "when"), "after");
}

#[test]
fn a_birthday_comes_once_whatever_becomes_of_the_settings() {
    let mut shop = with_birthday();
    shop.advance_to(at(DAY, 10)).unwrap();
    for (key, value) in [("send_hour", 20), ("days_before", 3), ("days_before", 0), ("send_hour", 11)] {
        shop.publish(key, value).unwrap();
        shop.advance_days(1).unwrap();
    }
    shop.advance_to(at(DAY + 300, 0)).unwrap();
    assert_eq!(mails(&shop).len(), 1);
}

#[test]
fn new_days_before_hold_for_everybody_at_once() {
    let mut shop = with_birthday().with_customer(customer("c1"));
    shop.deliver(Incoming::settings_published(1)).unwrap();
    shop.publish("days_before", 20).unwrap();
    shop.advance_to(Timestamp(at(DAY - 20, 9).0)).unwrap();
    assert_eq!(mails(&shop).len(), 1);
    shop.advance_days(40).unwrap();
    assert_eq!(mails(&shop).len(), 1);
}

#[test]
fn a_birthday_comes_once_whatever_becomes_of_the_time_zone() {
    for zones in [[-600, 600], [600, -600]] {
        let mut shop = with_birthday().time_zone("Test/Before", zones[0]);
        shop.deliver(tell("c2", 5, 31)).unwrap();
        shop.advance_to(at(DAY - 1, 20)).unwrap();
        let mut shop = shop.time_zone("Test/After", zones[1]);
        shop.advance_to(at(DAY + 200, 0)).unwrap();
        assert_eq!(mails(&shop).len(), 2, "one for each customer: {zones:?}");
    }
}

#[test]
fn a_timer_that_fires_too_early_waits_for_its_day() {
    let mut shop = with_birthday().time_zone("Test/Far", -720);
    let fired = shop.advance_to(at(DAY, 9)).unwrap();
    assert_eq!(why(&fired[0]), "Nothing due yet: the settings or the clock have changed");
    assert_eq!(due(&shop, "c1"), Some(at(DAY, 21)));
    shop.advance_to(at(DAY, 21)).unwrap();
    assert_eq!(mails(&shop).len(), 1);
}

#[test]
fn who_is_born_on_29_february_is_congratulated_on_28_february_in_common_years() {
    let mut shop = shop();
    shop.deliver(tell("c1", 2, 29)).unwrap();
    let fired = shop.advance_days(3 * 365).unwrap();
    let days: Vec<_> = fired.iter().map(|it| note(it).field("birthday").unwrap()).collect();
    assert_eq!(days, ["2026-02-28", "2027-02-28", "2028-02-29"]);
}

#[test]
fn switched_off_birthdays_are_left_out_and_not_made_up_for() {
    let mut shop = with_birthday().with_customer(customer("c1")).setting("birthdays", false);
    shop.advance_to(at(DAY + 30, 0)).unwrap();
    let mut shop = shop.setting("birthdays", true);
    shop.deliver(Incoming::settings_published(2)).unwrap();
    let fired = shop.advance_days(1).unwrap();
    assert_eq!(why(fired.last().unwrap()), "No good wishes for the birthday");
    assert_eq!(mails(&shop).len(), 0);
    shop.advance_days(360).unwrap();
    assert_eq!(mails(&shop).len(), 1);
}

#[test]
fn an_anniversary_is_the_day_of_the_first_order_each_year() {
    let mut shop = shop().setting("order_marks", json!([]));
    shop.deliver(Incoming::order_paid(order("1").customer("c1").line(5_000, 1))).unwrap();
    shop.deliver(Incoming::order_paid(order("2").customer("c1").placed_at(at(40, 0)).line(5_000, 1))).unwrap();
    shop.advance_to(at(364, 23)).unwrap();
    assert_eq!(mails(&shop).len(), 0);
    shop.advance_to(at(365, 9)).unwrap();
    assert_eq!((mails(&shop)[0].template.as_str(), var(mails(&shop)[0], "years")), ("anniversary", "1"));
    shop.advance_to(at(2 * 365, 9)).unwrap();
    assert_eq!((mails(&shop).len(), var(mails(&shop)[1], "years")), (2, "2"));
}

#[test]
fn anniversaries_can_be_switched_off() {
    let mut shop = shop().setting("anniversaries", false);
    shop.deliver(Incoming::order_paid(order("1").customer("c1").line(5_000, 1))).unwrap();
    assert_eq!(due(&shop, "c1"), None);
}
