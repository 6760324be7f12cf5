//! Orders, what they add up to, and the milestones among them.

use regulars_sdk::{
    Order,
    test::{Bench, Incoming, OrderBuilder, START, order, refund},
};
use serde_json::json;

use super::*;
use crate::people::Milestone;

fn basket(id: &str) -> OrderBuilder {
    order(id).customer("c1").line(5_000, 1)
}

fn paid(order: impl Into<Order>) -> Incoming {
    Incoming::order_paid(order)
}

/// A shop that thanks for the second order and for 150.00, with two weeks' wait and nothing else.
fn shop() -> Bench {
    super::shop()
        .setting("order_marks", json!([2]))
        .setting("lifetime_marks", json!(["150.00"]))
        .setting("anniversaries", false)
}

fn templates(shop: &Bench) -> Vec<&str> {
    mails(shop).iter().map(|mail| mail.template.as_str()).collect()
}

#[test]
fn the_nth_order_is_thanked_for_once_the_return_window_has_passed() {
    let mut shop = shop();
    shop.deliver(paid(basket("1"))).unwrap();
    let delivery = shop.deliver(paid(basket("2"))).unwrap();
    assert_eq!(why(&delivery), "A milestone: thanks wait for the return window");
    assert_eq!(note(&delivery).field("on"), Some("2026-01-15"));
    shop.advance_days(13).unwrap();
    assert_eq!(mails(&shop).len(), 0);
    shop.advance_days(1).unwrap();
    assert_eq!((templates(&shop), var(mails(&shop)[0], "number")), (vec!["orders"], "2"));
    shop.deliver(paid(basket("3").customer("c2"))).unwrap();
    shop.advance_days(100).unwrap();
    assert_eq!(mails(&shop).len(), 1);
}

#[test]
fn lifetime_spend_is_thanked_for_at_the_highest_mark_that_an_order_passes() {
    let mut shop =
        shop().setting("order_marks", json!([])).setting("lifetime_marks", json!(["60.00", "90.00", "150.00"]));
    shop.deliver(paid(basket("1"))).unwrap();
    shop.deliver(paid(basket("2"))).unwrap();
    shop.advance_days(14).unwrap();
    assert_eq!((templates(&shop), var(mails(&shop)[0], "mark")), (vec!["lifetime"], "90.00 EUR"));
    shop.deliver(paid(basket("3"))).unwrap();
    shop.advance_days(14).unwrap();
    assert_eq!(var(mails(&shop)[1], "mark"), "150.00 EUR");
}

#[test]
fn a_refund_drops_an_nth_order_that_was_not_paid_out_yet() {
    let mut shop = shop();
    shop.deliver(paid(basket("1"))).unwrap();
    shop.deliver(paid(basket("2"))).unwrap();
    let whole: Order = basket("1").into();
    let delivery = shop.deliver(Incoming::order_refunded(refund("r", &whole).everything())).unwrap();
    assert_eq!(why(&delivery), "A milestone dropped: it was not paid out yet");
    shop.advance_days(30).unwrap();
    assert_eq!(mails(&shop).len(), 0);
    shop.deliver(paid(basket("3"))).unwrap();
    shop.advance_days(14).unwrap();
    assert_eq!(mails(&shop).len(), 1, "the second order that stands");
}

#[test]
fn what_has_been_paid_out_stays_and_does_not_come_again() {
    let mut shop = shop();
    shop.deliver(paid(basket("1"))).unwrap();
    shop.deliver(paid(basket("2"))).unwrap();
    shop.advance_days(14).unwrap();
    let at = START.plus_days(15);
    let delivery = shop.deliver(Incoming::order_cancelled(basket("2").cancelled_at(at)).at(at)).unwrap();
    assert_eq!(why(&delivery), "The order does not count any more: nothing that waits depends on it");
    let delivery = shop.deliver(paid(basket("3"))).unwrap();
    assert_eq!(why(&delivery), "Order counted: no milestone");
    shop.advance_days(30).unwrap();
    assert_eq!(mails(&shop).len(), 1);
    assert_eq!(person(&shop, "c1").passed, [Milestone::Orders(2)]);
}

#[test]
fn a_partial_refund_lowers_the_spend_and_leaves_the_order() {
    let mut shop = shop().setting("order_marks", json!([3]));
    for id in ["1", "2", "3"] {
        shop.deliver(paid(order(id).customer("c1").line(2_500, 2))).unwrap();
    }
    assert_eq!(person(&shop, "c1").waiting.len(), 2);
    let third: Order = order("3").customer("c1").line(2_500, 2).into();
    shop.deliver(Incoming::order_refunded(refund("r", &third).units("l1", 1))).unwrap();
    let left = person(&shop, "c1");
    assert_eq!((left.orders, left.spent, left.waiting.len()), (3, 12_500, 1));
}

#[test]
fn refunds_count_by_what_is_known_of_them_and_once() {
    let whole: Order = order("1").customer("c1").line(1_000, 5).into();
    let refunds =
        [refund("r1", &whole).units("l1", 1), refund("r2", &whole).adjustment(500), refund("r3", &whole).shipping(490)];
    let mut early = shop();
    for refund in refunds.clone() {
        early.deliver(Incoming::order_refunded(refund)).unwrap();
    }
    early.deliver(paid(whole.clone())).unwrap();
    let mut late = shop();
    late.deliver(paid(whole)).unwrap();
    for refund in refunds.iter().rev().chain(&refunds) {
        late.deliver_again(Incoming::order_refunded(refund.clone())).unwrap();
    }
    assert_eq!([person(&early, "c1").spent, person(&late, "c1").spent], [3_500, 3_500]);
}

#[test]
fn what_does_not_count_is_named() {
    let mut shop = shop();
    for (order, reason) in [
        (basket("1").test(), "Not counted: it is a test order"),
        (order("2").line(100, 1), "Not counted: the order names no customer"),
        (basket("3").cancelled_at(START), "Not counted: the order was cancelled or given back"),
    ] {
        assert_eq!(why(&shop.deliver(paid(order)).unwrap()), reason);
    }
    shop.deliver(paid(basket("4"))).unwrap();
    let delivery = shop.deliver(paid(basket("4")).id("told by reconciliation")).unwrap();
    assert_eq!(why(&delivery), "Nothing more: the order was counted before");
    assert_eq!(person(&shop, "c1").orders, 1);
    let unknown = Incoming::order_cancelled(basket("5").cancelled_at(START));
    assert_eq!(why(&shop.deliver(unknown).unwrap()), "Nothing taken out: the order does not count");
}

#[test]
fn whoever_passed_a_milestone_before_the_plugin_is_not_thanked_for_it_now() {
    let mut shop = shop();
    for n in 0..5 {
        shop = shop.with_order(basket(&format!("old-{n}")).placed_at(Timestamp(START.0 - 100 + n)));
    }
    shop.deliver(paid(basket("new"))).unwrap();
    let known = person(&shop, "c1");
    assert_eq!((known.orders, known.spent, known.waiting.len()), (6, 30_000, 0));
    assert_eq!(known.first, Some(Timestamp(START.0 - 100)));
}

#[test]
fn the_first_order_called_off_gives_the_anniversary_to_the_next() {
    let mut shop = super::shop().setting("order_marks", json!([]));
    shop.deliver(paid(basket("1"))).unwrap();
    shop.deliver(paid(basket("2").placed_at(at(20, 12)))).unwrap();
    shop.deliver(Incoming::order_cancelled(basket("1").cancelled_at(at(1, 0))).at(at(1, 0))).unwrap();
    assert_eq!(due(&shop, "c1"), Some(at(365 + 20, 9)));
}

#[test]
fn a_mark_that_does_not_read_thanks_for_nothing_and_publishing_says_so() {
    let mut shop = shop().currency("JPY").setting("lifetime_marks", json!(["0.50", "100"]));
    shop = shop.setting("order_reward", json!({ "kind": "amount", "amount": "0.50", "min_cart": "0.10" }));
    let delivery = shop.deliver(Incoming::settings_published(1)).unwrap();
    let problems: Vec<_> = delivery.calls.notes().filter_map(|it| it.field("because")).collect();
    assert_eq!(
        problems,
        [
            "the lifetime spend 0.50 is no amount in JPY",
            "the reward for orders, 0.50, is no amount in JPY",
            "the smallest order for orders, 0.10, is no amount in JPY",
        ]
    );
    shop.deliver(paid(order("1").customer("c1").currency("JPY").line(100, 1))).unwrap();
    assert_eq!(person(&shop, "c1").waiting.len(), 1);
}

#[test]
fn milestones_without_a_wait_go_out_at_once() {
    let mut shop = shop().setting("milestone_wait_days", 0);
    shop.deliver(paid(basket("1"))).unwrap();
    shop.deliver(paid(basket("2"))).unwrap();
    let now = shop.now();
    shop.advance_to(now).unwrap();
    assert_eq!(templates(&shop), ["orders"]);
}

#[test]
fn a_thousand_orders_cost_no_more_than_one() {
    let mut shop = shop();
    for n in 0..1_000 {
        shop.deliver(paid(basket(&format!("gid://shop/Order/{n}")).placed_at(Timestamp(START.0 + n)))).unwrap();
    }
    let known = person(&shop, "c1");
    assert_eq!((known.orders, known.spent), (1_000, 5_000_000));
    let largest = shop.state_keys("").map(|key| shop.state::<serde_json::Value>(key).unwrap().to_string().len()).max();
    assert!(largest.unwrap() < 600, "a record has {largest:?} bytes");
}
