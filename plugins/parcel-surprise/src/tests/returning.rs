//! Orders called off, in whole or in part, before shipping and after.

use regulars_sdk::{
    Order,
    test::{Bench, Call, Incoming, START, fulfillment, order, refund},
};
use serde_json::json;

use super::*;

/// A shop whose order 1 was given soap.
fn with_gift() -> Bench {
    let mut shop = shop().setting("gifts", json!([gift("soap", 10, "2.00")]));
    shop.deliver(paid(basket("1"))).unwrap();
    assert_eq!((left(&shop, "soap"), spent(&shop, "2026-01")), (9, (200, 1)));
    shop
}

fn is_back(shop: &Bench) -> bool {
    let back = order_of(shop, "1").gift.unwrap().returned;
    let expected = if back { (10, (0, 0)) } else { (9, (200, 1)) };
    assert_eq!((left(shop, "soap"), spent(shop, "2026-01")), expected);
    back
}

fn ship(shop: &mut Bench, order: &str) {
    shop.deliver(Incoming::fulfillment("fulfillment.created", fulfillment("f1", order))).unwrap();
}

#[test]
fn a_cancelled_order_gives_its_piece_back_once() {
    let mut shop = with_gift();
    let delivery = shop.deliver(cancelled(basket("1"), 1)).unwrap();
    assert_eq!(
        (why(&delivery), note(&delivery).field("because")),
        ("Gift given back", Some("the order was cancelled"))
    );
    for event in [cancelled(basket("1"), 1), cancelled(basket("1"), 2).id("again")] {
        shop.deliver_again(event).unwrap();
        assert!(is_back(&shop));
    }
    let effect = effect(&shop, "1");
    shop.fail(&effect, "the order is cancelled").unwrap();
    assert!(is_back(&shop));
    assert!(person(&shop, "c1").had.is_empty());
}

#[test]
fn a_gift_that_was_not_added_yet_may_be_under_way_and_loses_its_tag() {
    let mut shop = with_gift();
    let delivery = shop.deliver(cancelled(basket("1"), 1)).unwrap();
    let untagged = |call: &Call| matches!(call, Call::OrderTags { remove, .. } if remove == &["gift"]);
    assert!(delivery.calls.iter().any(untagged));
}

#[test]
fn what_the_host_has_counted_is_given_back_to_it_once_the_gift_was_added() {
    let mut shop = with_gift();
    let effect = effect(&shop, "1");
    shop.finish(&effect).unwrap();
    assert_eq!(shop.spent("gifts"), 1);
    shop.deliver(cancelled(basket("1"), 1)).unwrap();
    assert_eq!(shop.spent("gifts"), 0);
}

#[test]
fn a_gift_that_is_added_after_all_is_counted_as_given_back() {
    let mut shop = with_gift();
    shop.deliver(cancelled(basket("1"), 1)).unwrap();
    let effect = effect(&shop, "1");
    let delivery = shop.finish(&effect).unwrap();
    assert_eq!(why(&delivery), "The gift was added to an order that is not to be packed: it is counted as given back");
    assert_eq!(shop.spent("gifts"), 0);
    assert!(is_back(&shop));
}

#[test]
fn a_full_refund_before_shipping_gives_back_by_units_and_by_money() {
    let whole: Order = basket("1").line(300, 2).shipping(490).into();
    let by_units = [refund("r1", &whole).units("l1", 1).units("l2", 1), refund("r2", &whole).units("l2", 1)];
    let by_money = [refund("r1", &whole).adjustment(6_000), refund("r2", &whole).adjustment(90)];
    for refunds in [by_units, by_money] {
        let mut shop = shop().setting("gifts", json!([gift("soap", 10, "2.00")]));
        shop.deliver(paid(whole.clone())).unwrap();
        let [first, last] = refunds;
        let delivery = shop.deliver(Incoming::order_refunded(first)).unwrap();
        assert_eq!(why(&delivery), "The gift stays: the order is still to be packed");
        assert!(!is_back(&shop));
        let delivery = shop.deliver(Incoming::order_refunded(last)).unwrap();
        assert_eq!(note(&delivery).field("because"), Some("the order was refunded in full"));
        assert!(is_back(&shop));
    }
}

#[test]
fn the_free_line_needs_no_refund_for_an_order_to_be_refunded_in_full() {
    let mut shop = shop().setting("gifts", json!([gift("soap", 10, "2.00")])).setting("how", "line");
    shop.deliver(paid(basket("1"))).unwrap();
    let mut edited: Order = basket("1").line(900, 1).discount(900).into();
    edited.lines[1].variant_id = Some("variant-soap".into());
    let effect = effect(&shop, "1");
    shop.finish(&effect).unwrap();
    shop.deliver(Incoming::order("order.edited", edited.clone())).unwrap();
    assert!(!is_back(&shop));
    let delivery = shop.deliver(Incoming::order_refunded(refund("r", &edited).units("l1", 1))).unwrap();
    assert_eq!(why(&delivery), "Gift given back");
}

#[test]
fn a_free_line_that_the_merchant_takes_out_gives_the_piece_back() {
    let mut shop = shop().setting("gifts", json!([gift("soap", 10, "2.00")])).setting("how", "line");
    shop.deliver(paid(basket("1"))).unwrap();
    let mut edited: Order = basket("1").line(900, 1).discount(900).left(0).into();
    edited.lines[1].variant_id = Some("variant-soap".into());
    let delivery = shop.deliver(Incoming::order("order.edited", edited)).unwrap();
    assert_eq!(note(&delivery).field("because"), Some("the free line was taken out of the order"));
    assert!(is_back(&shop));
    assert_eq!(person(&shop, "c1").orders, 1, "the order itself stands");
}

#[test]
fn the_same_article_bought_is_not_taken_for_the_gift() {
    let mut shop = shop().setting("gifts", json!([gift("soap", 10, "2.00")])).setting("how", "line");
    let with_soap = |left| {
        let mut order: Order = basket("1").line(900, 1).left(left).into();
        order.lines[1].variant_id = Some("variant-soap".into());
        order
    };
    shop.deliver(paid(with_soap(1))).unwrap();
    shop.deliver(Incoming::order("order.edited", with_soap(0))).unwrap();
    assert!(!is_back(&shop));
}

#[test]
fn a_gift_that_has_left_is_gone_and_its_cost_stays() {
    let whole: Order = basket("1").into();
    let calls_off: [fn(&Order) -> Incoming; 2] =
        [|_| cancelled(basket("1"), 1), |whole| Incoming::order_refunded(refund("r", whole).everything())];
    for call_off in calls_off {
        let mut shop = with_gift();
        ship(&mut shop, "1");
        let delivery = shop.deliver(call_off(&whole)).unwrap();
        assert_eq!(why(&delivery), "The gift is gone: it has left with the parcel, and its cost stays");
        assert_eq!(note(&delivery).field("cost"), Some("2.00 EUR"));
        assert!(!is_back(&shop));
    }
}

#[test]
fn a_shipment_that_is_called_off_has_taken_nothing_along() {
    let mut shop = with_gift();
    ship(&mut shop, "1");
    let off = regulars_sdk::Fulfillment {
        status: Some("cancelled".into()),
        updated_at: START.plus_days(1),
        ..fulfillment("f1", "1")
    };
    shop.deliver(Incoming::fulfillment("fulfillment.updated", off)).unwrap();
    shop.deliver(cancelled(basket("1"), 1)).unwrap();
    assert!(is_back(&shop));
}

#[test]
fn a_gift_that_could_not_be_added_comes_back_even_if_the_parcel_has_left() {
    let mut shop = with_gift();
    ship(&mut shop, "1");
    let effect = effect(&shop, "1");
    let delivery = shop.fail(&effect, "everything is shipped").unwrap();
    assert_eq!(note(&delivery).field("because"), Some("it could not be added: everything is shipped"));
    assert!(is_back(&shop));
    assert_eq!(shop.advance_days(60).unwrap(), [], "and nobody is thanked");
}

#[test]
fn the_platforms_word_on_the_gift_is_noted() {
    let mut shop = with_gift();
    let effect = effect(&shop, "1");
    let delivery = shop.finish(&effect).unwrap();
    assert_eq!((why(&delivery), note(&delivery).field("as")), ("The gift is in the order", Some("receipt")));
    assert!(order_of(&shop, "1").gift.unwrap().added);
}

#[test]
fn mails_and_tags_that_fail_change_nothing() {
    let mut shop = with_gift();
    let tags = shop.calls().iter().find(|call| matches!(call, Call::OrderTags { .. })).unwrap().effect().cloned();
    let delivery = shop.fail(&tags.unwrap(), "no such order").unwrap();
    assert_eq!(delivery.calls.len(), 0);
    assert!(!is_back(&shop));
}

#[test]
fn a_piece_comes_back_to_the_month_that_it_was_given_in() {
    let mut shop = with_gift();
    shop.advance_days(31).unwrap();
    shop.deliver(paid(basket("2").customer("c2"))).unwrap();
    shop.deliver(cancelled(basket("1"), 60 * 24 * 31)).unwrap();
    assert_eq!((spent(&shop, "2026-01"), spent(&shop, "2026-02")), ((0, 0), (200, 1)));
}

#[test]
fn a_piece_does_not_come_back_to_a_stock_that_was_counted_since() {
    let mut shop = with_gift();
    shop.publish("gifts", json!([gift("soap", 7, "2.00")])).unwrap();
    let delivery = shop.deliver(cancelled(basket("1"), 1)).unwrap();
    assert_eq!(note(&delivery).field("stock"), Some("as counted anew since"));
    assert_eq!((left(&shop, "soap"), spent(&shop, "2026-01")), (7, (0, 0)));
}

#[test]
fn a_piece_comes_back_after_its_gift_has_left_the_list() {
    let mut shop = with_gift();
    shop.publish("gifts", json!([])).unwrap();
    shop.deliver(cancelled(basket("1"), 1)).unwrap();
    assert!(is_back(&shop));
}

#[test]
fn an_order_that_is_called_off_does_not_count_towards_the_nth() {
    let mut shop = shop().setting("rules", json!([every(2)]));
    shop.deliver(paid(basket("1"))).unwrap();
    shop.deliver(cancelled(basket("1"), 1)).unwrap();
    shop.deliver(paid(basket("2"))).unwrap();
    assert_eq!(given(&shop).len(), 0);
    shop.deliver(paid(basket("3"))).unwrap();
    assert_eq!(given(&shop).len(), 1);
    shop.deliver(cancelled(basket("3"), 2)).unwrap();
    shop.deliver(paid(basket("4"))).unwrap();
    assert_eq!(given(&shop).len(), 2, "the second order that stands");
}

#[test]
fn cancelling_an_earlier_order_wins_no_second_gift_for_the_nth() {
    let mut shop = shop().setting("rules", json!([every(2)]));
    shop.deliver(paid(basket("1"))).unwrap();
    shop.deliver(paid(basket("2"))).unwrap();
    shop.deliver(cancelled(basket("1"), 1)).unwrap();
    let delivery = shop.deliver(paid(basket("3"))).unwrap();
    assert_eq!(note(&delivery).field("every 2"), Some("order number 2 has had its gift before"));
    assert_eq!(given(&shop).len(), 1);
}

#[test]
fn calling_off_the_first_order_moves_the_anniversary() {
    let rule = json!({ "name": "anniversary", "anniversary": true });
    let mut shop = shop().setting("rules", json!([rule]));
    shop.deliver(paid(basket("1"))).unwrap();
    shop.deliver(paid(basket("2").placed_at(START.plus_days(30)))).unwrap();
    shop.deliver(cancelled(basket("1"), 1)).unwrap();
    assert_eq!(person(&shop, "c1").first, Some(START.plus_days(30)));
    shop.deliver(paid(basket("3").placed_at(START.plus_days(365)))).unwrap();
    assert_eq!(given(&shop).len(), 0);
    shop.deliver(paid(basket("4").placed_at(START.plus_days(395)))).unwrap();
    shop.deliver(cancelled(basket("4").placed_at(START.plus_days(395)), 60 * 24 * 395)).unwrap();
    shop.deliver(paid(basket("5").placed_at(START.plus_days(396)))).unwrap();
    assert_eq!(given(&shop).len(), 2, "the one that was called off is not the anniversary's");
}

#[test]
fn events_about_orders_without_a_gift_say_so() {
    let mut shop = shop().setting("rules", json!([]));
    shop.deliver(paid(basket("1"))).unwrap();
    let delivery = shop.deliver(cancelled(basket("1"), 1)).unwrap();
    assert_eq!(why(&delivery), "Nothing given back: the order had no gift");
    let delivery = shop.deliver(cancelled(basket("unknown"), 1)).unwrap();
    assert_eq!(why(&delivery), "Nothing given back: the order had no gift");
    let early = refund("r", &order("nowhere").line(1, 1).into()).everything();
    let delivery = shop.deliver(Incoming::order_refunded(early)).unwrap();
    assert_eq!(why(&delivery), "Nothing given back: the order is not known");
}

#[test]
fn a_gift_by_hand_that_could_not_be_added_is_not_given_by_its_replay() {
    let mut shop = shop().setting("gifts", json!([gift("soap", 10, "2.00")])).with_order(basket("1"));
    let give = Incoming::merchant_action("give", None, json!({ "order": "1", "gift": "soap" })).id("asked");
    shop.deliver(give.clone()).unwrap();
    let effect = effect(&shop, "1");
    shop.fail(&effect, "the variant cannot be had").unwrap();
    let again = shop.deliver_again(give).unwrap();
    assert_eq!(why(&again), "Nothing given: that was done before");
    assert!(is_back(&shop));
}

#[test]
fn another_gift_can_be_given_by_hand_after_one_could_not_be_added() {
    let mut shop = with_gift();
    let effect = effect(&shop, "1");
    shop.fail(&effect, "the variant cannot be had").unwrap();
    shop.deliver(Incoming::merchant_action("give", None, json!({ "order": "1", "gift": "soap" }))).unwrap();
    assert!(!is_back(&shop));
    shop.fail(&effect, "told once more").unwrap();
    assert!(!is_back(&shop), "the effect was the first gift's");
}
