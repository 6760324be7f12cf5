//! Points redeemed, and points that come back.

use regulars_sdk::{
    Benefit, EffectId, Failure, Money, Order,
    test::{Bench, Call, Capability, Delivery, Incoming, START, order, refund},
};
use serde_json::json;

use super::{account, entries, note, paid, points, reasons, shop, var, why, with_balance};
use crate::ledger::{Kind, entry_key};

fn redeem(reward: &str) -> Incoming {
    Incoming::action("redeem", "c1", json!({ "reward": reward }))
}

#[test]
fn points_buy_a_code_bound_to_the_customer_and_a_mail_that_waits_for_it() {
    let mut shop = with_balance(12_000);
    let delivery = shop.deliver(Incoming::action("redeem", "c1", json!({ "reward": "5-off" }))).unwrap();
    assert_eq!(why(&delivery), ("Points redeemed", "-100", Some("20")));
    let discount = delivery.calls.discounts().next().unwrap();
    assert_eq!((discount.customer_id.as_deref(), discount.prefix.as_str()), (Some("c1"), "REWARD"));
    assert_eq!(discount.benefit, Benefit::Amount(Money::new(500, "EUR".parse().unwrap())));
    assert_eq!(discount.ends_at, Some(START.plus_days(90)));
    let mail = delivery.calls.mails().next().unwrap();
    assert_eq!(mail.template, "reward");
    assert_eq!(mail.after.as_ref(), delivery.calls[0].effect());
    assert!(var(mail, "reward_code").starts_with("REWARD-"));
    let vars = ["value", "points", "balance", "ends_on"].map(|name| var(mail, name));
    assert_eq!(vars, ["5.00 EUR", "100", "20", "2026-04-01"]);
    assert_eq!(points(&shop, "c1"), [(Kind::Earn, 120), (Kind::Redeem, -100)]);
}

#[test]
fn points_of_a_code_that_could_not_be_made_come_back_once_and_name_the_redemption() {
    let mut shop = with_balance(12_000);
    let redeemed = shop.deliver(Incoming::action("redeem", "c1", json!({ "reward": "5-off" }))).unwrap();
    let code = redeemed.calls[0].effect().unwrap();
    let refused = || Incoming::effect_failed(code, "discount.create", "c1", "access was denied");
    let delivery = shop.deliver(refused()).unwrap();
    assert_eq!(why(&delivery), ("Points given back: the code could not be made", "100", Some("120")));
    assert_eq!(note(&delivery).field("because"), Some("access was denied"));
    let entry = entries(&shop, "c1").pop().unwrap();
    assert_eq!((entry.kind, entry.points, entry.about), (Kind::GiveBack, 100, Some(entry_key("c1", 2))));
    // Told once more, under the same id and under another.
    shop.deliver_again(refused()).unwrap();
    shop.deliver(refused().id("told anew")).unwrap();
    assert_eq!(points(&shop, "c1"), [(Kind::Earn, 120), (Kind::Redeem, -100), (Kind::GiveBack, 100)]);
    assert_eq!(account(&shop, "c1").balance, 120);
}

#[test]
fn a_failed_mail_gives_no_points_and_leaves_no_note_so_that_it_can_be_tried_again() {
    let mut shop = with_balance(12_000);
    let redeemed = shop.deliver(Incoming::action("redeem", "c1", json!({ "reward": "5-off" }))).unwrap();
    let mail = redeemed.calls.iter().filter_map(|call| call.effect()).nth(1).unwrap();
    let delivery = shop.deliver(Incoming::effect_failed(mail, "mail", "c1", "no such person")).unwrap();
    assert_eq!(delivery.calls.len(), 0);
    assert_eq!(account(&shop, "c1").balance, 20);
}

#[test]
fn what_cannot_be_redeemed_is_noted_and_fails_nothing() {
    let mut shop = with_balance(9_999);
    for (name, input, reason) in [
        ("redeem", json!({ "reward": "5-off" }), "Nothing redeemed: not enough points"),
        ("redeem", json!({ "reward": "a-castle" }), "Nothing redeemed: there is no such reward"),
        ("redeem", json!([1, 2]), "Nothing redeemed: the request names no reward"),
        ("steal", json!({}), "Nothing done: there is no such action"),
    ] {
        let delivery = shop.deliver(Incoming::action(name, "c1", input)).unwrap();
        assert_eq!(why(&delivery), (reason, "0", Some("99")));
        assert_eq!(delivery.calls.len(), 1);
    }
    assert_eq!(points(&shop, "c1"), [(Kind::Earn, 99)]);
}

#[test]
fn without_the_grant_for_a_reward_the_points_stay_and_the_note_says_so() {
    let mut shop = with_balance(10_000).withhold(Capability::Discounts);
    let delivery = shop.deliver(redeem("5-off")).unwrap();
    assert_eq!(why(&delivery), ("Nothing redeemed: the reward cannot be given", "0", Some("100")));
    assert_eq!(note(&delivery).field("because"), Some("the merchant has not granted this capability"));
    assert_eq!(account(&shop, "c1").balance, 100);
}

#[test]
fn without_the_grant_for_mails_the_code_is_in_the_panel() {
    let mut shop = with_balance(10_000).withhold(Capability::Mail);
    let delivery = shop.deliver(redeem("5-off")).unwrap();
    assert_eq!(why(&delivery), ("Points redeemed", "-100", Some("0")));
    assert_eq!(note(&delivery).field("mail"), Some("not granted"));
    assert_eq!(shop.calls().discounts().count(), 1);
}

#[test]
fn a_budget_that_is_used_up_leaves_the_points() {
    let mut shop = with_balance(20_000).budget("money", 700);
    shop.deliver(redeem("5-off")).unwrap();
    let (code, effect) = shop.codes().map(|(code, effect)| (code.to_owned(), effect.clone())).next().unwrap();
    shop.finish(&effect).unwrap();
    shop.deliver(paid(order("uses").customer("c1").line(1_000, 1).code(&code))).unwrap();
    let delivery = shop.deliver(redeem("5-off")).unwrap();
    assert_eq!(note(&delivery).reason, "Nothing redeemed: the reward cannot be given");
    assert_eq!(note(&delivery).field("because"), Some("the budget for money is used up"));
    assert_eq!(account(&shop, "c1").available(), 110);
}

#[test]
fn a_reward_worth_no_amount_of_the_shops_currency_is_rejected_by_name() {
    let rewards = json!([{ "id": "odd", "title": "Odd", "cost": 1, "value": "0.50" }]);
    let mut shop = shop().currency("JPY").setting("rewards", rewards);
    shop.deliver(paid(order("1").customer("c1").currency("JPY").line(10, 1))).unwrap();
    let failure = shop.deliver(Incoming::action("redeem", "c1", json!({ "reward": "odd" }))).unwrap_err();
    assert_eq!(failure, Failure::reject("the value of reward `odd`: `0.50` has more decimal digits than its currency"));
    assert_eq!(account(&shop, "c1").balance, 10);
}

/// A shop with one reward of this kind, and a customer with 1,000 points.
fn with_reward(reward: serde_json::Value) -> Bench {
    with_balance(100_000).setting("rewards", json!([reward]))
}

/// The only code, and the effect that has made it.
fn made(shop: &mut Bench) -> (String, EffectId) {
    let (code, effect) = shop.codes().map(|(code, effect)| (code.to_owned(), effect.clone())).last().unwrap();
    shop.finish(&effect).unwrap();
    (code, effect)
}

#[test]
fn each_kind_of_reward_gives_what_it_says() {
    let reward = |kind: &str, value: &str| json!({ "id": "r", "title": "R", "type": kind, "cost": 100, "value": value, "products": ["p9"] });
    let euros = |minor| Benefit::Amount(Money::new(minor, "EUR".parse().unwrap()));
    for (kind, value, benefit, told) in [
        ("fixed", "5.00", euros(500), "5.00 EUR"),
        ("percent", "12.5", Benefit::BasisPoints(1_250), "12.5%"),
        ("percent", "10", Benefit::BasisPoints(1_000), "10%"),
        ("free_shipping", "", Benefit::FreeShipping, ""),
        ("free_product", "", Benefit::FreeProduct, ""),
    ] {
        let mut shop = with_reward(reward(kind, value));
        let delivery = shop.deliver(redeem("r")).unwrap();
        assert_eq!(why(&delivery), ("Points redeemed", "-100", Some("900")), "{kind}");
        let code = delivery.calls.discounts().next().unwrap();
        assert_eq!((code.benefit, code.customer_id.as_deref(), code.uses), (benefit, Some("c1"), Some(1)), "{kind}");
        assert_eq!(var(delivery.calls.mails().next().unwrap(), "value"), told);
        assert!(!code.offer, "what points were paid for is no gift");
    }
    let mut shop = with_reward(reward("store_credit", "5.00"));
    let delivery = shop.deliver(redeem("r")).unwrap();
    assert!(matches!(&delivery.calls[0], Call::StoreCredit { amount, .. } if amount.minor == 500), "{delivery:?}");
    let mut shop = with_reward(reward("gift_card", "5.00"));
    let delivery = shop.deliver(redeem("r")).unwrap();
    assert!(matches!(&delivery.calls[0], Call::GiftCard { amount, .. } if amount.minor == 500), "{delivery:?}");
    assert!(var(delivery.calls.mails().next().unwrap(), "reward_code").starts_with("GIFT-"));
}

#[test]
fn a_code_has_the_terms_of_its_reward() {
    let reward = json!({
        "id": "r", "title": "R", "cost": 100, "value": "5.00", "min_cart": "40.00", "collections": ["77"],
        "code_valid_days": 10, "combinable": true,
    });
    let mut shop = with_reward(reward);
    let delivery = shop.deliver(redeem("r")).unwrap();
    let code = delivery.calls.discounts().next().unwrap();
    assert_eq!(code.minimum_subtotal.unwrap().to_string(), "40.00 EUR");
    assert_eq!((code.collections.as_slice(), code.combines), (&["77".to_owned()][..], true));
    assert_eq!(code.ends_at, Some(START.plus_days(10)));
}

#[test]
fn a_sliding_reward_takes_whole_steps_within_its_bounds() {
    let reward = json!({
        "id": "r", "title": "R", "type": "sliding", "cost": 50, "value": "2.00", "min_points": 100, "max_points": 500,
        "max_live_codes": 5,
    });
    for (points, taken) in [
        (json!(100), Some("4.00 EUR")),
        (json!("250"), Some("10.00 EUR")),
        (json!(500), Some("20.00 EUR")),
        (json!(50), None),
        (json!(120), None),
        (json!(550), None),
        (json!(0), None),
        (json!(-100), None),
        (json!("much"), None),
        (json!(99_999_999_999_u64), None),
        (json!(null), None),
    ] {
        let mut shop = with_reward(reward.clone());
        let asked = Incoming::action("redeem", "c1", json!({ "reward": "r", "points": points }));
        let delivery = shop.deliver(asked).unwrap();
        match taken {
            Some(value) => assert_eq!(note(&delivery).field("value"), Some(value), "{points}"),
            None => assert_eq!(shop.calls().discounts().count(), 0, "{points}"),
        }
    }
}

#[test]
fn a_sliding_reward_without_a_value_is_worth_what_its_points_are() {
    let reward = json!({ "id": "r", "title": "R", "type": "sliding", "cost": 10 });
    let mut shop = with_reward(reward).setting("point_value", "4.50");
    let asked = Incoming::action("redeem", "c1", json!({ "reward": "r", "points": 70 }));
    assert_eq!(note(&shop.deliver(asked).unwrap()).field("value"), Some("3.15 EUR"));
}

#[test]
fn a_customer_holds_no_more_unused_codes_than_the_reward_allows() {
    let mut shop = with_balance(50_000);
    shop.deliver(redeem("5-off")).unwrap();
    let second = shop.deliver(redeem("5-off")).unwrap();
    assert_eq!(why(&second), ("Nothing redeemed: an earlier code is still to be used", "0", Some("400")));
    let (code, _) = made(&mut shop);
    shop.deliver(paid(order("2").customer("c1").line(1_000, 1).code(&code))).unwrap();
    assert_eq!(why(&shop.deliver(redeem("5-off")).unwrap()).0, "Points redeemed");
}

fn give_back(code: &str) -> Incoming {
    Incoming::action("return", "c1", json!({ "code": code }))
}

/// The effect that disables a code.
fn disabling(delivery: &Delivery) -> EffectId {
    delivery.calls.iter().find(|call| matches!(call, Call::DisableDiscount { .. })).and_then(Call::effect).unwrap().clone()
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
    for input in [json!({ "code": code }), json!({ "code": "REWARD-NOPE" }), json!({}), json!([1]), json!({ "code": 7 })] {
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
    let told = ["Points spent on the order given back by its refunded share", "Points taken back: the order was refunded"];
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
fn store_credit_that_could_not_be_given_gives_the_points_back() {
    let mut shop = with_reward(json!({ "id": "r", "title": "R", "type": "store_credit", "cost": 100, "value": "5.00" }));
    let redeemed = shop.deliver(redeem("r")).unwrap();
    let credit = redeemed.calls[0].effect().unwrap().clone();
    shop.fail(&credit, "the customer is blocked").unwrap();
    assert_eq!(account(&shop, "c1").balance, 1_000);
}

#[test]
fn visitors_redeem_nothing() {
    let delivery = shop().deliver(Incoming::visitor_action("redeem", json!({ "reward": "5-off" }))).unwrap();
    assert_eq!(why(&delivery), ("Nothing done: the shopper is not signed in", "0", None));
}
