//! When points become available, when they lapse, and the one timer that sees to it.

use regulars_sdk::{
    Order, Purpose, Timestamp,
    test::{Bench, Incoming, START, order, refund},
};
use serde_json::json;

use super::{account, as_shipped, entries, note, paid, points, reasons, shop, var, why};
use crate::{
    account::LOTS,
    ledger::{Kind, account_key},
};

fn earns(id: &str, minor: i64) -> Incoming {
    paid(order(id).customer("c1").line(minor, 1))
}

#[test]
fn points_wait_fourteen_days_and_are_then_told_of() {
    let mut shop = as_shipped();
    let delivery = shop.deliver(earns("1", 12_000)).unwrap();
    assert_eq!(why(&delivery), ("Points earned", "120", Some("0")));
    let fields = ["pending", "available_on"].map(|name| note(&delivery).field(name));
    assert_eq!(fields, [Some("120"), Some("2026-01-15")]);
    assert_eq!(var(delivery.calls.mails().next().unwrap(), "available_on"), "2026-01-15");
    let early = shop.deliver(Incoming::action("redeem", "c1", json!({ "reward": "5-off" }))).unwrap();
    assert_eq!(why(&early).0, "Nothing redeemed: not enough points");

    let fired = shop.advance_days(14).unwrap();
    assert_eq!(reasons(&fired[0]), ["Points have become available"]);
    assert_eq!(note(&fired[0]).field("available"), Some("120"));
    let mail = fired[0].calls.mails().next().unwrap();
    assert_eq!((mail.template.as_str(), mail.purpose, var(mail, "balance")), ("approved", Purpose::Loyalty, "120"));
    assert_eq!(points(&shop, "c1"), [(Kind::Earn, 120), (Kind::Approve, 0)]);
    let approval = &entries(&shop, "c1")[1];
    assert_eq!((approval.approved, approval.about.as_deref()), (Some(120), Some("1")));
    assert_eq!(account(&shop, "c1").available(), 120);
}

#[test]
fn a_timer_that_comes_late_holds_nothing_up() {
    let mut shop = as_shipped();
    shop.deliver(earns("1", 12_000)).unwrap();
    let mut shop = shop.at(START.plus_days(15));
    let delivery = shop.deliver(Incoming::action("redeem", "c1", json!({ "reward": "5-off" }))).unwrap();
    assert_eq!(reasons(&delivery), ["Points have become available", "Points redeemed"]);
}

#[test]
fn a_refund_within_the_return_window_takes_the_orders_own_pending_points() {
    let mut shop = as_shipped();
    shop.deliver(earns("1", 3_000)).unwrap();
    shop.advance_days(7).unwrap();
    shop.deliver(earns("2", 2_000)).unwrap();
    let second: Order = order("2").customer("c1").line(2_000, 1).into();
    shop.deliver(Incoming::order_refunded(refund("r1", &second).everything())).unwrap();
    shop.advance_days(7).unwrap();
    assert_eq!((account(&shop, "c1").available(), account(&shop, "c1").pending()), (30, 0));
}

#[test]
fn points_lapse_a_year_after_the_customer_last_earned_or_spent() {
    let mut shop = shop();
    shop.deliver(earns("1", 15_000)).unwrap();
    shop.advance_days(300).unwrap();
    shop.deliver(Incoming::action("redeem", "c1", json!({ "reward": "5-off" }))).unwrap();
    // The timer that was set for the first year finds nothing to do.
    shop.advance_days(364).unwrap();
    assert_eq!(account(&shop, "c1").available(), 150, "the unused code's points are there again");
    let fired = shop.advance_days(30).unwrap();
    assert!(fired.iter().any(|it| reasons(it) == ["Points lapsed"]), "{fired:?}");
    assert_eq!(account(&shop, "c1").balance, 0);
    let last = entries(&shop, "c1").pop().unwrap();
    assert_eq!((last.kind, last.points), (Kind::Expire, -150));
}

/// When the points of an order of 1 January 2026 lapse, in days after it, at midnight.
fn lapses_on(settings: &[(&str, serde_json::Value)]) -> Option<String> {
    let mut shop = settings.iter().fold(shop(), |shop, (key, value)| shop.setting(key, value.clone()));
    shop.deliver(earns("1", 1_000)).unwrap();
    let at = entries(&shop, "c1")[0].expires_at?;
    shop.advance_to(Timestamp(at.0 - 1)).unwrap();
    assert_eq!(account(&shop, "c1").balance, 10, "points are good until the end of the day");
    shop.advance_to(at).unwrap();
    assert_eq!(account(&shop, "c1").balance, 0);
    let days = (at.0 - (START.0 - 43_200_000)) / 86_400_000;
    assert_eq!((at.0 - (START.0 - 43_200_000)) % 86_400_000, 0);
    Some(days.to_string())
}

#[test]
fn points_lapse_by_the_rule_that_they_were_earned_under() {
    let months = |n: u32| ("expiry_months", json!(n));
    for (settings, midnight) in [
        (vec![("expiry", json!("none"))], None),
        (vec![("expiry", json!("inactivity"))], None),
        // Good on 1 January + 30 days, lapsed at the midnight after it.
        (vec![("expiry", json!("after_earning")), ("expiry_days", json!(30))], Some(31)),
        // The end of January, of March, of June.
        (vec![("expiry", json!("end_of_month")), months(0)], Some(31)),
        (vec![("expiry", json!("end_of_quarter")), months(0)], Some(31 + 28 + 31)),
        (vec![("expiry", json!("end_of_half_year")), months(0)], Some(181)),
        // The end of February, and of the year after next's February, which has 29 days.
        (vec![("expiry", json!("end_of_month")), months(1)], Some(59)),
        (vec![("expiry", json!("end_of_month")), months(25)], Some(365 + 365 + 31 + 29)),
        (vec![("expiry", json!("end_of_half_year")), months(12)], Some(365 + 181)),
    ] {
        assert_eq!(lapses_on(&settings), midnight.map(|days: u32| days.to_string()), "{settings:?}");
    }
}

#[test]
fn days_end_by_the_shops_clocks() {
    let mut shop = shop().time_zone("America/Test", -300).setting("expiry", "end_of_month").setting("expiry_months", 0);
    shop.deliver(earns("1", 1_000)).unwrap();
    // Midnight there is five in the morning, UTC.
    assert_eq!(entries(&shop, "c1")[0].expires_at, Some(Timestamp(START.0 + 30 * 86_400_000 + 17 * 3_600_000)));
}

#[test]
fn customers_are_warned_thirty_and_three_days_before_once_each() {
    let mut shop =
        shop().setting("expiry", "after_earning").setting("expiry_days", 60).setting("mail_on_earning", false);
    shop.deliver(earns("1", 1_000)).unwrap();
    let mut warned = Vec::new();
    for day in 1..=70 {
        let fired = shop.advance_days(1).unwrap();
        warned.extend(fired.iter().flat_map(|it| it.calls.mails()).map(|mail| (day, mail.clone())));
    }
    assert_eq!(warned.iter().map(|(day, _)| *day).collect::<Vec<_>>(), [31, 58]);
    for (_, mail) in &warned {
        assert_eq!((mail.template.as_str(), mail.purpose), ("expiring", Purpose::Service));
        assert_eq!([var(mail, "points"), var(mail, "last_day")], ["10", "2026-03-02"]);
    }
    assert_eq!(shop.calls().notes().last().unwrap().reason, "Points lapsed");
}

#[test]
fn who_earns_or_spends_in_time_is_not_warned() {
    let mut shop = shop().setting("expiry_days", 60).setting("mail_on_earning", false);
    for n in 0..5 {
        shop.deliver(earns(&n.to_string(), 1_000)).unwrap();
        shop.advance_days(25).unwrap();
    }
    assert_eq!(shop.calls().mails().count(), 0);
    assert_eq!(account(&shop, "c1").balance, 50);
}

#[test]
fn the_soonest_lapsing_points_are_spent_first() {
    let rewards = json!([{ "id": "r", "title": "R", "cost": 15, "value": "1.00" }]);
    let shop = shop().setting("rewards", rewards).setting("expiry", "after_earning").setting("expiry_days", 90);
    let mut shop = shop;
    shop.deliver(earns("1", 1_000)).unwrap();
    let mut shop = shop.setting("expiry_days", 30);
    shop.deliver(earns("2", 1_000)).unwrap();
    shop.deliver(Incoming::action("redeem", "c1", json!({ "reward": "r" }))).unwrap();
    shop.advance_days(40).unwrap();
    assert_eq!(account(&shop, "c1").available(), 5, "what is left lapses with the later ones");
}

#[test]
fn an_account_has_one_timer_for_whatever_comes_first() {
    let mut shop = as_shipped();
    for n in 0..10 {
        shop.deliver(earns(&n.to_string(), 1_000)).unwrap();
        shop.advance_days(1).unwrap();
    }
    assert_eq!(shop.due(&account_key("c1")), Some(START.plus_days(14)));
    let timers = shop.calls().iter().filter(|call| matches!(call, regulars_sdk::test::Call::Schedule { .. })).count();
    assert_eq!(timers, 1);
}

#[test]
fn the_number_of_lots_is_bounded_and_no_point_is_lost() {
    let mut shop =
        as_shipped().setting("expiry", "after_earning").setting("expiry_days", 300).setting("max_points_per_day", 0);
    let mut most = 0;
    for n in 0..200 {
        shop.deliver(earns(&n.to_string(), 1_000)).unwrap();
        shop.deliver(earns(&format!("{n}-again"), 1_000)).unwrap();
        shop.advance_days(1).unwrap();
        let account = account(&shop, "c1");
        most = most.max(account.lots.len()).max(account.pending.len());
    }
    assert!(most <= LOTS, "{most} lots");
    assert_eq!(account(&shop, "c1").balance, 4_000);
    shop.advance_days(330).unwrap();
    assert_eq!(account(&shop, "c1").balance, 0);
}

#[test]
fn points_that_waited_lapse_by_the_day_that_they_became_available() {
    let mut shop = as_shipped().setting("expiry", "after_earning").setting("expiry_days", 10);
    shop.deliver(earns("1", 1_000)).unwrap();
    shop.advance_days(24).unwrap();
    assert_eq!(account(&shop, "c1").available(), 10);
    shop.advance_days(1).unwrap();
    assert_eq!(account(&shop, "c1").balance, 0);
}

fn kept(shop: &Bench) -> usize {
    shop.state::<serde_json::Value>(&account_key("c1")).unwrap().to_string().len()
}

#[test]
fn an_account_of_a_thousand_orders_is_as_small_as_one_of_ten() {
    let mut shop = as_shipped().setting("max_points_per_day", 0);
    for n in 0..10 {
        shop.deliver(earns(&n.to_string(), 1_000)).unwrap();
    }
    shop.advance_days(20).unwrap();
    let small = kept(&shop);
    for n in 10..1_000 {
        shop.deliver(earns(&n.to_string(), 1_000)).unwrap();
        if n % 10 == 0 {
            shop.advance_days(1).unwrap();
        }
    }
    shop.advance_days(20).unwrap();
    assert!(kept(&shop) < small + 100, "{} against {small} bytes", kept(&shop));
}

#[test]
fn a_rule_that_is_new_takes_no_points_of_those_who_were_promised_more() {
    let mut shop = shop().setting("expiry", "none");
    shop.deliver(earns("1", 1_000)).unwrap();
    shop.publish("expiry", "inactivity").unwrap();
    shop.advance_days(400).unwrap();
    shop.deliver(earns("2", 1_000)).unwrap();
    assert_eq!(account(&shop, "c1").balance, 20, "whoever was not told loses nothing");
    shop.publish("expiry_days", 30).unwrap();
    shop.advance_days(200).unwrap();
    assert_eq!(account(&shop, "c1").balance, 20, "a year was the promise");
    shop.publish("expiry", "none").unwrap();
    shop.advance_days(400).unwrap();
    assert_eq!(account(&shop, "c1").balance, 20);
}

#[test]
fn a_warning_that_was_due_before_the_points_were_there_is_not_made_up_for() {
    for pending_days in [0, 14] {
        let shop =
            shop().setting("expiry", "after_earning").setting("expiry_days", 20).setting("mail_on_approval", false);
        let mut shop = shop.setting("mail_on_earning", false).setting("pending_days", pending_days);
        shop.deliver(earns("1", 1_000)).unwrap();
        shop.advance_days(40).unwrap();
        assert_eq!(shop.calls().mails().count(), 1, "pending {pending_days}: the one three days before");
    }
}
