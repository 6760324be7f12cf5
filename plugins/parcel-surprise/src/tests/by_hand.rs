//! Gifts that the merchant gives.

use regulars_sdk::{
    Order,
    test::{Call, Incoming, START, Status},
};
use serde_json::{Value, json};

use super::*;

#[test]
fn a_gift_can_be_given_by_hand_whatever_the_rules_say() {
    let mut shop = shop().setting("rules", json!([])).setting("countries", json!(["DE"]));
    shop.deliver(paid(basket("1"))).unwrap();
    let give =
        |order: &str, gift: &str| Incoming::merchant_action("give", None, json!({ "order": order, "gift": gift }));
    let delivery = shop.deliver(give("1", "tea")).unwrap();
    assert_eq!(note(&delivery).field("because"), Some("given by hand"));
    assert_eq!((given(&shop), left(&shop, "tea"), spent(&shop, "2026-01")), (vec!["TEA".into()], 9, (300, 1)));
    assert_eq!(why(&shop.deliver(give("1", "soap")).unwrap()), "Nothing given: the order has a gift");
    assert_eq!(person(&shop, "c1").had.len(), 1);
}

#[test]
fn a_gift_by_hand_before_the_payment_is_the_orders_only_one() {
    let mut shop = shop().with_order(Order { financial_status: Some("pending".into()), ..basket("1").into() });
    shop.deliver(Incoming::merchant_action("give", None, json!({ "order": "1", "gift": "tea" }))).unwrap();
    let delivery = shop.deliver(paid(basket("1"))).unwrap();
    assert_eq!(why(&delivery), "Nothing more: the order was given a gift by hand");
    assert_eq!((person(&shop, "c1").orders, given(&shop).len()), (1, 1));
}

#[test]
fn a_gift_by_hand_keeps_to_stock_budget_and_sense() {
    let give = |input: Value| Incoming::merchant_action("give", None, input);
    let of = |order: &str, gift: &str| give(json!({ "order": order, "gift": gift }));
    let ready = || shop().with_order(basket("1")).with_order(basket("test").test());
    let shipped = || ready().with_order(Order { fulfillment_status: Some("partial".into()), ..basket("gone").into() });
    let gone = || ready().setting("gifts", json!([gift("tea", 0, "3.00")]));
    let poor = || ready().setting("monthly_budget", "2.99");
    let cases = [
        (give(json!({ "order": 7 })), ready(), "Nothing given: name the order and the gift"),
        (of("none", "tea"), ready(), "Nothing given: there is no such order"),
        (of("1", "none"), ready(), "Nothing given: there is no such gift"),
        (of("test", "tea"), ready(), "Nothing given: it is a test order"),
        (of("gone", "tea"), shipped(), "Nothing given: the order has been shipped"),
        (of("1", "tea"), ready().with_order(basket("1").cancelled_at(START)), "Nothing given: the order was cancelled"),
        (of("1", "tea"), gone(), "No gift: TEA is out of stock"),
        (of("1", "tea"), poor(), "No gift: the month's budget does not allow it"),
        (Incoming::merchant_action("sing", None, json!({})), ready(), "Nothing done: there is no such action"),
    ];
    for (event, mut shop, reason) in cases {
        let delivery = shop.deliver(event).unwrap();
        assert_eq!(why(&delivery), reason);
        assert_eq!(deeds(&delivery), Vec::<&Call>::new());
        assert_eq!(shop.calls().gifts().count(), 0);
    }
}

#[test]
fn a_shopper_can_set_nothing_off() {
    let mut shop = shop().with_order(basket("1"));
    let delivery = shop.deliver(Incoming::action("give", "c1", json!({ "order": "1", "gift": "tea" }))).unwrap();
    assert_eq!(delivery.status, Status::Unwanted);
}
