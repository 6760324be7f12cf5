//! How long a reward is on hold, and what comes back meanwhile.

use regulars_sdk::{
    Dispute, Order,
    test::{Incoming, START, fulfillment, order, refund},
};

use super::*;

#[test]
fn the_hold_ends_fourteen_days_after_delivery() {
    let mut shop = referred();
    shop.deliver(delivered(ORDER, START.plus_days(3))).unwrap();
    shop.advance_to(START.plus_days(17)).unwrap();
    assert_eq!(status(&shop), Status::Paid);
    let mut late = referred();
    late.deliver(delivered(ORDER, START.plus_days(18))).unwrap();
    late.advance_to(START.plus_days(31)).unwrap();
    assert_eq!(status(&late), Status::Held);
    late.advance_to(START.plus_days(32)).unwrap();
    assert_eq!(status(&late), Status::Paid);
}

#[test]
fn without_a_delivery_the_hold_ends_twenty_one_days_after_the_payment() {
    let mut shop = referred();
    shop.deliver(Incoming::fulfillment("fulfillment.created", fulfillment("f1", ORDER))).unwrap();
    shop.advance_days(20).unwrap();
    assert_eq!(status(&shop), Status::Held);
    shop.advance_days(1).unwrap();
    assert_eq!(status(&shop), Status::Paid);
}

#[test]
fn of_several_parcels_the_last_counts_and_a_cancelled_one_does_not() {
    let mut shop = referred();
    let cancelled = regulars_sdk::Fulfillment { status: Some("cancelled".into()), ..fulfillment("f0", ORDER) };
    shop.deliver(Incoming::fulfillment("fulfillment.updated", cancelled)).unwrap();
    shop.deliver(delivered(ORDER, START.plus_days(1))).unwrap();
    assert_eq!(shop.due("claim/1001"), Some(START.plus_days(15)));
    shop.deliver(Incoming::fulfillment("fulfillment.created", fulfillment("f2", ORDER))).unwrap();
    assert_eq!(shop.due("claim/1001"), Some(START.plus_days(21)));
}

#[test]
fn the_hold_begins_with_the_payment_where_the_merchant_wants_that() {
    let mut shop = referred_with(|shop| shop.setting("hold_from", "paid").setting("hold_paid_days", 5));
    shop.deliver(delivered(ORDER, START.plus_days(4))).unwrap();
    shop.advance_to(START.plus_days(5)).unwrap();
    assert_eq!(status(&shop), Status::Paid);
}

#[test]
fn a_friend_who_cancels_voids_the_claim_and_the_advocate_is_told_kindly() {
    let mut shop = referred();
    let link = advocate(&shop, ANN).unwrap().link;
    let cancelled = Order { cancelled_at: Some(START), ..placed(&link) };
    let delivery = shop.deliver(Incoming::order_cancelled(cancelled)).unwrap();
    assert_eq!(note(&delivery).reason, "Nothing is paid: the order was cancelled");
    assert_eq!(status(&shop), void(Check::Cancelled));
    assert_eq!(mails(&shop), ["friend-bought", "reward-void"]);
    shop.advance_days(90).unwrap();
    assert!(paid(&shop).is_empty());
}

#[test]
fn an_order_cancelled_before_it_is_known_as_paid_is_void_at_once_and_nobody_is_written_to() {
    let (mut shop, link) = visited();
    let cancelled = Order { cancelled_at: Some(START), ..placed(&link) };
    shop.deliver(Incoming::order_cancelled(cancelled.clone())).unwrap();
    shop.deliver(Incoming::order_paid(cancelled)).unwrap();
    assert_eq!((status(&shop), mails(&shop)), (void(Check::Cancelled), vec![]));
}

#[test]
fn a_partial_refund_below_the_minimum_voids_the_claim() {
    let (mut shop, link) = visited();
    let placed: Order = order(ORDER).customer(BOB).line(2500, 2).attribute("regulars_link", &link).into();
    shop.deliver(Incoming::order_paid(placed.clone())).unwrap();
    let delivery = shop.deliver(Incoming::order_refunded(refund("r1", &placed).units("l1", 1))).unwrap();
    assert_eq!(note(&delivery).reason, "On hold; as it stands nothing will be paid");
    let evidence = note(&delivery).field("Below the minimum order").unwrap();
    assert_eq!(evidence, "Left of the order: 25.00 EUR; the minimum is 40.00 EUR");
    shop.advance_days(21).unwrap();
    assert_eq!((status(&shop), paid(&shop)), (void(Check::BelowMinimum), vec![]));
    assert_eq!(mails(&shop), ["friend-bought", "reward-void"]);
}

#[test]
fn a_partial_refund_that_leaves_the_minimum_changes_nothing() {
    let (mut shop, link) = visited();
    let placed: Order = order(ORDER).customer(BOB).line(2000, 3).attribute("regulars_link", &link).into();
    shop.deliver(Incoming::order_paid(placed.clone())).unwrap();
    shop.deliver(Incoming::order_refunded(refund("r1", &placed).units("l1", 1))).unwrap();
    shop.advance_days(21).unwrap();
    assert_eq!(status(&shop), Status::Paid);
}

#[test]
fn a_refund_that_comes_before_the_payment_counts() {
    let (mut shop, link) = visited();
    shop.deliver(Incoming::order_refunded(refund("r1", &placed(&link)).everything())).unwrap();
    shop.deliver(Incoming::order_paid(basket(&link))).unwrap();
    assert_eq!(checks(&shop, ORDER), [Check::BelowMinimum]);
    assert!(mails(&shop).is_empty());
}

#[test]
fn an_order_edited_down_or_up_counts_as_it_is_in_the_end() {
    let (mut shop, link) = visited();
    let basket = |left| order(ORDER).customer(BOB).line(2500, 2).left(left).attribute("regulars_link", &link);
    shop.deliver(Incoming::order_paid(basket(2))).unwrap();
    shop.deliver(Incoming::order("order.edited", basket(1)).id("edit 1")).unwrap();
    assert_eq!(checks(&shop, ORDER), [Check::BelowMinimum]);
    let more = order(ORDER).customer(BOB).line(2500, 2).left(1).line(3000, 1).attribute("regulars_link", &link);
    shop.deliver(Incoming::order("order.edited", more).id("edit 2")).unwrap();
    assert!(checks(&shop, ORDER).is_empty());
    shop.advance_days(21).unwrap();
    assert_eq!(status(&shop), Status::Paid);
}

#[test]
fn a_payment_in_dispute_is_reviewed_and_one_taken_back_is_not_rewarded() {
    let dispute = |status: &str| {
        let amount = Money::new(5000, "EUR".parse().unwrap());
        Incoming::order_disputed(Dispute { id: "d1".into(), order_id: ORDER.into(), status: status.into(), amount })
    };
    let mut shop = referred();
    shop.deliver(dispute("needs_response")).unwrap();
    assert_eq!(checks(&shop, ORDER), [Check::Disputed]);
    assert!(shop.tasks().contains_key("review/1001"));
    let mut lost = shop.clone();
    shop.deliver(dispute("won")).unwrap();
    assert!(shop.tasks().is_empty());
    shop.advance_days(21).unwrap();
    assert_eq!(status(&shop), Status::Paid);
    lost.deliver(dispute("lost")).unwrap();
    lost.deliver(dispute("under_review")).unwrap();
    lost.advance_days(21).unwrap();
    assert_eq!(status(&lost), void(Check::DisputeLost));
}

#[test]
fn a_payment_that_is_told_twice_counts_from_the_first() {
    let (mut shop, link) = visited();
    shop.deliver(Incoming::order_paid(basket(&link)).id("late").at(START.plus_days(2))).unwrap();
    assert_eq!(shop.due("claim/1001"), Some(START.plus_days(23)));
    shop.deliver(Incoming::order_paid(basket(&link)).id("first").at(START)).unwrap();
    assert_eq!(shop.due("claim/1001"), Some(START.plus_days(21)));
}
