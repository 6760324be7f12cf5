//! Stock, budget, and what the merchant counts.

use regulars_sdk::{
    Failure, Timestamp,
    test::{Call, Capability, Incoming, START, order},
};
use serde_json::json;

use super::*;
use crate::stock::task_key;

fn restock(gift: &str, pieces: u32) -> Incoming {
    Incoming::merchant_action("restock", None, json!({ "gift": gift, "pieces": pieces }))
}

#[test]
fn the_months_budget_ends_the_giving_in_money() {
    let mut shop = shop().setting("gifts", json!([gift("a", 99, "4.00")])).setting("monthly_budget", "10.00");
    for n in 0..5 {
        shop.deliver(paid(basket(&n.to_string()))).unwrap();
    }
    assert_eq!(spent(&shop, "2026-01"), (800, 2));
    let delivery = shop.deliver(paid(basket("late"))).unwrap();
    assert_eq!(why(&delivery), "No gift: the month's budget does not allow it");
    assert_eq!(note(&delivery).field("2026-01"), Some("8.00 EUR of 10.00 EUR, 2 of 50 pieces"));
}

#[test]
fn the_months_budget_ends_the_giving_in_pieces() {
    for (pieces, expected) in [(0, 0), (3, 3)] {
        let mut shop = shop().setting("monthly_pieces", pieces);
        for n in 0..5 {
            shop.deliver(paid(basket(&n.to_string()))).unwrap();
        }
        assert_eq!(shop.calls().gifts().count(), expected);
    }
}

#[test]
fn a_gift_that_the_budget_allows_is_drawn_in_place_of_one_that_it_does_not() {
    let gifts = json!([gift("dear", 9, "40.00"), gift("cheap", 9, "1.00")]);
    let mut shop = shop().setting("gifts", gifts).setting("monthly_budget", "5.00");
    for n in 0..3 {
        shop.deliver(paid(basket(&n.to_string()).customer(&n.to_string()))).unwrap();
    }
    assert_eq!(given(&shop), ["CHEAP"; 3]);
}

#[test]
fn a_month_is_the_stores_own() {
    // Two hours before February in UTC, an hour into it in the store.
    let late = Timestamp(START.plus_days(30).0 + 10 * 3_600_000);
    for (offset, month) in [(0, "2026-01"), (180, "2026-02")] {
        let mut shop = shop().time_zone("Test/Zone", offset).at(late);
        shop.deliver(paid(basket("1"))).unwrap();
        assert_eq!(spent(&shop, month).1, 1);
    }
}

#[test]
fn a_new_month_begins_with_a_full_budget() {
    let mut shop = shop().setting("monthly_pieces", 1);
    shop.deliver(paid(basket("1"))).unwrap();
    shop.deliver(paid(basket("2"))).unwrap();
    shop.advance_days(31).unwrap();
    shop.deliver(paid(basket("3"))).unwrap();
    assert_eq!((spent(&shop, "2026-01").1, spent(&shop, "2026-02").1), (1, 1));
}

#[test]
fn what_cannot_be_read_in_the_shops_currency_gives_nothing() {
    let yen = |id: &str| order(id).customer("c1").currency("JPY").line(5_000, 1);
    let mut no_budget = shop().currency("JPY").setting("monthly_budget", "0.50");
    let delivery = no_budget.deliver(paid(yen("1"))).unwrap();
    assert_eq!(
        why(&delivery),
        "No gift: the monthly budget does not read: `0.50` has more decimal digits than its currency"
    );
    let gifts = json!([gift("a", 5, "0.50"), gift("b", 5, "50")]);
    let mut no_cost = shop().currency("JPY").setting("gifts", gifts).setting("monthly_budget", "5000");
    no_cost.deliver(paid(yen("1"))).unwrap();
    assert_eq!(given(&no_cost), ["B"]);
    let hand = Incoming::merchant_action("give", None, json!({ "order": "2", "gift": "a" }));
    let mut no_cost = no_cost.with_order(yen("2"));
    assert_eq!(why(&no_cost.deliver(hand).unwrap()), "No gift: the cost of A does not read");
}

#[test]
fn a_month_that_was_counted_in_another_currency_is_closed() {
    let mut shop = shop();
    shop.deliver(paid(basket("1"))).unwrap();
    let mut shop = shop.currency("USD");
    let delivery = shop.deliver(paid(basket("2").currency("USD"))).unwrap();
    assert_eq!(why(&delivery), "No gift: the month has been counted in EUR so far");
}

#[test]
fn publishing_says_what_is_left_and_what_cannot_work() {
    let gifts = json!([gift("a", 5, "0.50"), gift("a", 6, "1")]);
    let mut shop = shop()
        .currency("JPY")
        .setting("gifts", gifts)
        .setting("monthly_budget", "9.50")
        .setting("rules", json!([{ "name": "r", "max_basket": "0.10" }]));
    let delivery = shop.deliver(Incoming::settings_published(1)).unwrap();
    let notes: Vec<_> = delivery.calls.notes().collect();
    assert_eq!(notes[0].field("A"), Some("5"));
    let problems: Vec<_> = notes[1..].iter().map(|it| it.field("because").unwrap()).collect();
    assert_eq!(
        problems,
        [
            "the monthly budget 9.50 is no amount in JPY",
            "the cost 0.50 of A is no amount in JPY",
            "two gifts have the short name a; the first counts",
            "a basket value of the rule r is no amount in JPY",
        ]
    );
}

#[test]
fn a_changed_figure_is_a_new_count_and_any_other_setting_is_none() {
    let mut shop = shop().setting("gifts", json!([gift("soap", 10, "2.00")]));
    shop.deliver(paid(basket("1"))).unwrap();
    shop.publish("low_stock", 3).unwrap();
    assert_eq!(left(&shop, "soap"), 9);
    shop.publish("gifts", json!([gift("soap", 20, "2.00")])).unwrap();
    assert_eq!(left(&shop, "soap"), 20);
    shop.publish("gifts", json!([gift("soap", 10, "2.00")])).unwrap();
    assert_eq!(left(&shop, "soap"), 10, "the figure of long ago is a new count too");
}

#[test]
fn a_new_count_holds_from_the_first_order_on_even_if_its_publishing_is_told_later() {
    let mut shop = shop().setting("gifts", json!([gift("soap", 1, "2.00")]));
    shop.deliver(paid(basket("1"))).unwrap();
    let mut later = shop.clone();
    later.publish("gifts", json!([gift("soap", 5, "2.00")])).unwrap();
    later.deliver(paid(basket("2"))).unwrap();
    assert_eq!(left(&later, "soap"), 4);
    later.deliver_again(Incoming::settings_published(2)).unwrap();
    assert_eq!(left(&later, "soap"), 4);
}

#[test]
fn the_merchant_is_told_once_when_a_gift_runs_low_and_when_it_has_run_out() {
    let mut shop = shop().setting("gifts", json!([gift("soap", 4, "2.00")])).setting("low_stock", 2);
    let mut told = Vec::new();
    for n in 0..5 {
        let delivery = shop.deliver(paid(basket(&n.to_string()))).unwrap();
        told.push(delivery.calls.tasks().map(|task| task.title.clone()).collect::<Vec<_>>());
    }
    let low = vec!["The gift SOAP is running low".to_owned()];
    let out = vec!["The gift SOAP has run out".to_owned()];
    assert_eq!(told, [vec![], low, vec![], out, vec![]]);
    assert_eq!(shop.tasks()[&task_key("soap")].details, [("Pieces left".to_owned(), "0".to_owned())]);
    shop.deliver(restock("soap", 2)).unwrap();
    assert_eq!(shop.tasks().len(), 1, "two pieces are few");
    shop.deliver(restock("soap", 1)).unwrap();
    assert!(shop.tasks().is_empty());
}

#[test]
fn gifts_go_on_where_the_merchant_wants_no_tasks() {
    for shop in [shop().withhold(Capability::Tasks), shop().budget("tasks", 0)] {
        let mut shop = shop.setting("gifts", json!([gift("soap", 1, "2.00")]));
        let delivery = shop.deliver(paid(basket("1"))).unwrap();
        let reasons: Vec<_> = delivery.calls.notes().map(|it| it.reason.as_str()).collect();
        assert_eq!(reasons, ["The gift runs low, and the plugin may not open a task", "Gift given"]);
    }
}

#[test]
fn pieces_that_come_in_are_added_once_for_each_time_they_come() {
    let mut shop = shop();
    let twice = restock("soap", 5).id("delivery note 7");
    shop.deliver_again(twice.clone()).unwrap();
    let delivery = shop.deliver_again(twice).unwrap();
    assert_eq!((why(&delivery), left(&shop, "soap")), ("Nothing added: that was done before", 15));
    shop.deliver(restock("soap", 5)).unwrap();
    assert_eq!(left(&shop, "soap"), 20);
}

#[test]
fn a_task_is_answered_with_the_number_of_pieces() {
    let answer = |reason: &str| {
        Incoming::merchant_action("restock", None, json!({ "task": task_key("soap"), "reason": reason }))
    };
    let mut shop = shop();
    shop.deliver(answer(" 7 ")).unwrap();
    assert_eq!(left(&shop, "soap"), 17);
    for useless in [answer("some"), answer("-3"), answer("0"), restock("soap", 0)] {
        let delivery = shop.deliver(useless).unwrap();
        assert_eq!(why(&delivery), "Nothing added: name the gift and the number of pieces");
    }
    assert_eq!(why(&shop.deliver(restock("none", 1)).unwrap()), "Nothing added: there is no such gift");
    assert_eq!(left(&shop, "soap"), 17);
}

#[test]
fn a_damaged_budget_stops_the_delivery_and_is_not_taken_for_an_empty_one() {
    let mut shop = shop().with_state("month/2026-01", "{");
    let failure = shop.deliver(paid(basket("1"))).unwrap_err();
    assert!(matches!(failure, Failure::Reject(_)));
    assert_eq!(shop.state_keys("").count(), 1);
}

#[test]
fn a_thousand_orders_cost_no_more_than_one() {
    let mut shop = shop().setting("gifts", json!([gift("soap", 5_000, "0.01"), gift("tea", 5_000, "0.01")]));
    for n in 0..1_000 {
        let basket = order(&format!("gid://shop/Order/{n}")).customer("gid://shop/Customer/1").line(1_999, 1);
        shop.deliver(paid(basket.placed_at(Timestamp(START.0 + n))).at(Timestamp(START.0 + n))).unwrap();
        shop.deliver(restock("soap", 1)).unwrap();
    }
    assert_eq!(person(&shop, "gid://shop/Customer/1").orders, 1_000);
    let largest = shop.state_keys("").map(|key| shop.state::<serde_json::Value>(key).unwrap().to_string().len()).max();
    assert!(largest.unwrap() < 600, "a record has {largest:?} bytes");
    let gifts = shop.calls().iter().filter(|call| matches!(call, Call::Gift { .. })).count();
    assert_eq!(gifts, 50, "the pieces of a month");
}
