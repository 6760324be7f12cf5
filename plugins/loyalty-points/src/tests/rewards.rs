//! Points redeemed, and points that come back.

use regulars_sdk::{
    Benefit, EffectId, Failure, Money,
    test::{Bench, Call, Capability, Incoming, START, order},
};
use serde_json::json;

use super::{account, entries, note, paid, points, shop, var, why, with_balance};
use crate::ledger::{Kind, entry_key};

pub fn redeem(reward: &str) -> Incoming {
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
    let because = note(&delivery).field("because").unwrap();
    assert!(because.starts_with("the budget for money is used up: 500 of 700"), "{because}");
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
pub fn with_reward(reward: serde_json::Value) -> Bench {
    with_balance(100_000).setting("rewards", json!([reward]))
}

/// The only code, and the effect that has made it.
pub fn made(shop: &mut Bench) -> (String, EffectId) {
    let (code, effect) = shop.codes().map(|(code, effect)| (code.to_owned(), effect.clone())).last().unwrap();
    shop.finish(&effect).unwrap();
    (code, effect)
}

#[test]
fn each_kind_of_reward_gives_what_it_says() {
    let reward = |kind: &str, value: &str| {
        let products = if kind == "free_shipping" { json!([]) } else { json!(["p9"]) };
        json!({ "id": "r", "title": "R", "type": kind, "cost": 100, "value": value, "products": products })
    };
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
    assert_eq!(var(delivery.calls.mails().next().unwrap(), "reward_code").len(), 16);
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

#[test]
fn store_credit_that_could_not_be_given_gives_the_points_back() {
    let mut shop =
        with_reward(json!({ "id": "r", "title": "R", "type": "store_credit", "cost": 100, "value": "5.00" }));
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
