//! Codes after they have been made: returned, used, ended.

use regulars_sdk::{
    EffectId, Order,
    test::{Bench, Call, Delivery, Incoming, START, order, refund},
};
use serde_json::json;

use super::{
    account, paid, points, reasons,
    rewards::{made, redeem, with_reward},
    shop, why, with_balance,
};
use crate::ledger::Kind;

fn give_back(code: &str) -> Incoming {
    Incoming::action("return", "c1", json!({ "code": code }))
}

/// The effect that disables a code.
fn disabling(delivery: &Delivery) -> EffectId {
    delivery
        .calls
        .iter()
        .find(|call| matches!(call, Call::DisableDiscount { .. }))
        .and_then(Call::effect)
        .unwrap()
        .clone()
}

#[test]
fn a_code_that_is_given_back_is_disabled_before_its_points_return() {
    let mut shop = with_balance(12_000);
    shop.deliver(redeem("5-off")).unwrap();
    let (code, _) = made(&mut shop);
    let asked = shop.deliver(give_back(&code.to_lowercase())).unwrap();
    assert_eq!(why(&asked), ("Code is being disabled: its points come back once it is", "0", Some("20")));
    let waiting = shop.deliver(redeem("5-off")).unwrap();
    assert_eq!(why(&waiting).0, "Nothing redeemed: not enough points");
    let twice = shop.deliver(give_back(&code)).unwrap();
    assert_eq!(why(&twice).0, "Nothing returned: the code is being returned already");

    shop.finish(&disabling(&asked)).unwrap();
    let fired = shop.advance_days(1).unwrap();
    assert_eq!(reasons(&fired[0]), ["Points given back: the code was returned"]);
    assert_eq!(fired[0].calls.mails().next().unwrap().template, "returned");
    assert_eq!(account(&shop, "c1").available(), 120);
    let gone = shop.deliver(give_back(&code)).unwrap();
    assert_eq!(why(&gone).0, "Nothing returned: the code is not live any more");
    shop.advance_days(100).unwrap();
    assert_eq!(account(&shop, "c1").balance, 120, "the code's end gives nothing more");
}

#[test]
fn returned_points_are_there_for_the_next_redemption_without_a_wait() {
    let mut shop = with_balance(12_000);
    shop.deliver(redeem("5-off")).unwrap();
    let (code, _) = made(&mut shop);
    let asked = shop.deliver(give_back(&code)).unwrap();
    shop.finish(&disabling(&asked)).unwrap();
    let delivery = shop.deliver(redeem("5-off")).unwrap();
    assert_eq!(reasons(&delivery), ["Points given back: the code was returned", "Points redeemed"]);
}

#[test]
fn a_code_that_has_been_used_cannot_be_returned() {
    let mut shop = with_balance(12_000);
    shop.deliver(redeem("5-off")).unwrap();
    let (code, _) = made(&mut shop);
    let order: Order = order("2").customer("c1").line(1_000, 1).code(&code).into();
    let mut placed = shop.clone().with_order(order);
    let refused = placed.deliver(give_back(&code)).unwrap();
    assert_eq!(why(&refused).0, "Nothing returned: the code has been used");
    // The platform may know of the use before we do: then it does not disable the code.
    let asked = shop.deliver(give_back(&code)).unwrap();
    shop.fail(&disabling(&asked), "the code has been used").unwrap();
    let fired = shop.advance_days(1).unwrap();
    assert_eq!(reasons(&fired[0]), ["Nothing returned: the code could not be disabled"]);
    assert_eq!(account(&shop, "c1").balance, 20);
}

#[test]
fn nobody_returns_a_code_of_somebody_else() {
    let mut shop = with_balance(12_000);
    shop.deliver(redeem("5-off")).unwrap();
    let (code, _) = made(&mut shop);
    for input in
        [json!({ "code": code }), json!({ "code": "REWARD-NOPE" }), json!({}), json!([1]), json!({ "code": 7 })]
    {
        let delivery = shop.deliver(Incoming::action("return", "thief", input)).unwrap();
        assert_eq!(why(&delivery).0, "Nothing returned: the customer has no such code");
    }
    assert_eq!(shop.calls().iter().filter(|call| matches!(call, Call::DisableDiscount { .. })).count(), 0);
}

#[test]
fn an_unused_code_gives_its_points_back_at_its_end() {
    let mut shop = with_balance(12_000);
    shop.deliver(redeem("5-off")).unwrap();
    made(&mut shop);
    shop.advance_days(90).unwrap();
    assert_eq!(account(&shop, "c1").balance, 20, "an order of the last minute may still be told of");
    let fired = shop.advance_days(1).unwrap();
    assert_eq!(reasons(&fired[0]), ["Points given back: the code has ended unused"]);
    assert_eq!(points(&shop, "c1"), [(Kind::Earn, 120), (Kind::Redeem, -100), (Kind::GiveBack, 100)]);
}

#[test]
fn a_code_that_was_used_or_whose_points_do_not_come_back_ends_for_good() {
    let mut shop = with_balance(12_000);
    shop.deliver(redeem("5-off")).unwrap();
    let (code, _) = made(&mut shop);
    let mut shop = shop.with_order(order("2").customer("c1").line(1_000, 1).code(&code));
    shop.advance_days(92).unwrap();
    assert_eq!(account(&shop, "c1").balance, 20);

    let reward = json!({ "id": "r", "title": "R", "cost": 100, "value": "5.00", "return_points_if_unused": false });
    let mut shop = with_reward(reward);
    shop.deliver(redeem("r")).unwrap();
    let (code, _) = made(&mut shop);
    let refused = shop.deliver(give_back(&code)).unwrap();
    assert_eq!(why(&refused).0, "Nothing returned: the reward's points do not come back");
    shop.advance_days(92).unwrap();
    assert_eq!(account(&shop, "c1").balance, 900);
}

#[test]
fn points_that_come_back_are_good_for_a_month_at_least() {
    let shop = shop().setting("expiry", "after_earning").setting("expiry_days", 20).setting("mail_on_earning", false);
    let mut shop = shop;
    shop.deliver(paid(order("seed").customer("c1").line(10_000, 1))).unwrap();
    shop.deliver(redeem("5-off")).unwrap();
    made(&mut shop);
    shop.advance_days(91).unwrap();
    assert_eq!(account(&shop, "c1").available(), 100);
    shop.advance_days(29).unwrap();
    assert_eq!(account(&shop, "c1").available(), 100);
    shop.advance_days(2).unwrap();
    assert_eq!(account(&shop, "c1").balance, 0);
}

/// A customer whose 100 points have paid for a part of an order of four units.
fn discounted(policy: &str) -> (Bench, Order) {
    let mut shop = with_balance(12_000).setting("return_spent_on_refund", policy);
    shop.deliver(redeem("5-off")).unwrap();
    let (code, _) = made(&mut shop);
    let basket: Order = order("2").customer("c1").line(1_000, 4).discount(500).code(&code).into();
    shop.deliver(paid(basket.clone())).unwrap();
    assert_eq!(account(&shop, "c1").balance, 55);
    (shop, basket)
}

#[test]
fn points_spent_on_an_order_come_back_by_its_refunded_share_and_never_more() {
    let (mut shop, basket) = discounted("proportional");
    let first = shop.deliver(Incoming::order_refunded(refund("r1", &basket).units("l1", 1))).unwrap();
    let told =
        ["Points spent on the order given back by its refunded share", "Points taken back: the order was refunded"];
    assert_eq!(reasons(&first), told);
    // 120 - 100 + 35; less floor(35 / 4), and floor(100 / 4) back.
    assert_eq!(account(&shop, "c1").balance, 55 - 8 + 25);
    shop.deliver(Incoming::order_refunded(refund("r2", &basket).units("l1", 3))).unwrap();
    assert_eq!(account(&shop, "c1").balance, 120);
    shop.deliver(Incoming::order_cancelled(Order { cancelled_at: Some(START), ..basket })).unwrap();
    shop.advance_days(100).unwrap();
    assert_eq!(account(&shop, "c1").balance, 120);
}

#[test]
fn points_spent_on_a_cancelled_order_come_back_whole_unless_the_merchant_keeps_them() {
    for (policy, balance) in [("proportional", 120), ("none", 20)] {
        let (mut shop, basket) = discounted(policy);
        shop.deliver(Incoming::order_cancelled(Order { cancelled_at: Some(START), ..basket })).unwrap();
        assert_eq!(account(&shop, "c1").balance, balance, "{policy}");
    }
}

#[test]
fn points_spent_on_an_order_that_cost_nothing_come_back_by_its_units() {
    let reward = json!({ "id": "r", "title": "R", "type": "free_product", "cost": 90, "products": ["p1"] });
    let mut shop = with_reward(reward);
    shop.deliver(redeem("r")).unwrap();
    let (code, _) = made(&mut shop);
    let free: Order = order("2").customer("c1").line(1_000, 3).discount(3_000).code(&code).into();
    shop.deliver(paid(free.clone())).unwrap();
    shop.deliver(Incoming::order_refunded(refund("r1", &free).units("l1", 1))).unwrap();
    assert_eq!(account(&shop, "c1").balance, 910 + 30);
}

#[test]
fn a_code_used_after_its_points_came_back_costs_them_again() {
    let mut shop = with_balance(12_000);
    shop.deliver(redeem("5-off")).unwrap();
    let (code, _) = made(&mut shop);
    shop.advance_days(92).unwrap();
    assert_eq!(account(&shop, "c1").balance, 120);
    let late = shop.deliver(paid(order("2").customer("c1").line(1_000, 1).code(&code))).unwrap();
    assert_eq!(reasons(&late), ["Points spent on the order taken again: its code was used", "Points earned"]);
    assert_eq!(account(&shop, "c1").balance, 30);
}

#[test]
fn a_code_that_served_a_cancelled_order_serves_one_other_and_no_point_twice() {
    let (mut shop, basket) = discounted("proportional");
    let code = basket.discount_codes[0].clone();
    let cancelled = Order { cancelled_at: Some(START), ..basket };
    shop.deliver(Incoming::order_cancelled(cancelled.clone())).unwrap();
    assert_eq!(account(&shop, "c1").balance, 120);
    shop.deliver(paid(order("3").customer("c1").line(1_000, 1).code(&code))).unwrap();
    assert_eq!(account(&shop, "c1").balance, 30);
    shop.deliver_again(Incoming::order_cancelled(cancelled)).unwrap();
    assert_eq!(account(&shop, "c1").balance, 30);
}

#[test]
fn a_code_that_is_not_made_yet_may_be_under_way_and_is_disabled_like_any_other() {
    let mut shop = with_balance(12_000);
    shop.deliver(redeem("5-off")).unwrap();
    let code = shop.codes().map(|(code, _)| code.to_owned()).next().unwrap();
    let asked = shop.deliver(give_back(&code)).unwrap();
    assert_eq!(why(&asked), ("Code is being disabled: its points come back once it is", "0", Some("20")));
    made(&mut shop);
    shop.finish(&disabling(&asked)).unwrap();
    shop.advance_days(1).unwrap();
    assert_eq!(account(&shop, "c1").available(), 120);
}

#[test]
fn a_redemption_that_the_host_hands_over_again_is_one() {
    let mut shop = with_balance(50_000);
    shop.deliver(redeem("5-off").id("asked")).unwrap();
    made(&mut shop);
    let mut shop = shop.setting(
        "rewards",
        json!([{ "id": "5-off", "title": "R", "cost": 100, "value": "5.00", "max_live_codes": 5 }]),
    );
    shop.deliver_again(redeem("5-off").id("asked")).unwrap();
    assert_eq!(account(&shop, "c1").balance, 400);
}

#[test]
fn points_spent_on_units_that_an_edit_took_out_come_back() {
    let (mut shop, basket) = discounted("proportional");
    let mut edited = basket;
    edited.lines[0].current_quantity = 3;
    shop.deliver(Incoming::order("order.updated", edited)).unwrap();
    assert_eq!(account(&shop, "c1").balance, 55 - 8 + 25);
}
