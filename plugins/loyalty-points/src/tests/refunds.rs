//! What is taken back.

use regulars_sdk::{
    Dispute, Money, Order, Timestamp,
    test::{Bench, Incoming, START, customer, order, refund},
};

use serde_json::json;

use super::{account, note, paid, points, record, shop, var, why};
use crate::ledger::Kind;

#[test]
fn partial_refunds_take_back_their_share_and_together_all() {
    let mut shop = shop();
    let basket: Order = order("1").customer("c1").line(3333, 3).into();
    shop.deliver(paid(basket.clone())).unwrap();
    assert_eq!(account(&shop, "c1").balance, 99);
    for (n, taken, left) in [(1, "-33", "66"), (2, "-33", "33"), (3, "-33", "0")] {
        let one = refund(&format!("r{n}"), &basket).units("l1", 1);
        let delivery = shop.deliver(Incoming::order_refunded(one)).unwrap();
        assert_eq!(why(&delivery), ("Points taken back: the order was refunded", taken, Some(left)));
    }
}

#[test]
fn a_refund_of_shipping_alone_takes_nothing_back() {
    let mut shop = shop();
    let basket: Order = order("1").customer("c1").line(3000, 1).shipping(500).into();
    shop.deliver(paid(basket.clone())).unwrap();
    let delivery = shop.deliver(Incoming::order_refunded(refund("r1", &basket).shipping(500))).unwrap();
    assert_eq!(account(&shop, "c1").balance, 30);
    assert_eq!(note(&delivery).field("points"), Some("0"));
}

#[test]
fn money_given_back_without_goods_takes_back_its_share_of_what_was_paid() {
    let mut shop = shop();
    let basket: Order = order("1").customer("c1").line(10000, 1).tax(1900).into();
    shop.deliver(paid(basket.clone())).unwrap();
    shop.deliver(Incoming::order_refunded(refund("r1", &basket).adjustment(1190))).unwrap();
    assert_eq!(account(&shop, "c1").balance, 90);
    shop.deliver(Incoming::order_refunded(refund("r2", &basket).adjustment(99_999))).unwrap();
    assert_eq!(account(&shop, "c1").balance, 0);
}

#[test]
fn a_refund_is_judged_by_the_rule_that_its_order_earned_under() {
    let basket: Order = order("1").customer("c1").line(10000, 2).tax(3800).into();
    let mut shop = shop();
    shop.deliver(paid(basket.clone())).unwrap();
    let mut shop = shop.setting("include_tax", true).setting("earn_points", 50);
    shop.deliver(Incoming::order_refunded(refund("r1", &basket).units("l1", 1))).unwrap();
    assert_eq!(account(&shop, "c1").balance, 100);
}

#[test]
fn a_refund_that_arrives_before_the_payment_is_applied_with_it() {
    let basket: Order = order("1").customer("c1").line(1000, 4).into();
    for (units, reason, earned) in [
        (1, "Points earned on what has not been refunded already", "30"),
        (4, "Points earned on what has not been refunded already", "0"),
    ] {
        let mut shop = shop();
        let early = shop.deliver(Incoming::order_refunded(refund("r1", &basket).units("l1", units))).unwrap();
        assert_eq!(why(&early), ("Nothing taken back: the order has earned no points", "0", None));
        let delivery = shop.deliver(paid(basket.clone())).unwrap();
        assert_eq!(why(&delivery), (reason, earned, Some(earned)));
        assert_eq!(delivery.calls.mails().count(), usize::from(units < 4));
    }
}

#[test]
fn a_cancelled_order_loses_whatever_points_are_left() {
    let basket = || order("1").customer("c1").line(1000, 4);
    let cancelled = || Incoming::order_cancelled(basket().cancelled_at(START));
    let mut shop = shop();
    let delivery = shop.deliver(cancelled().id("early")).unwrap();
    assert_eq!(why(&delivery), ("Nothing taken back: the cancelled order has earned no points", "0", Some("0")));

    let mut shop = self::shop();
    shop.deliver(paid(basket())).unwrap();
    shop.deliver(Incoming::order_refunded(refund("r1", &basket().into()).units("l1", 1))).unwrap();
    let delivery = shop.deliver(cancelled()).unwrap();
    assert_eq!(why(&delivery), ("Points taken back: the order was cancelled", "-30", Some("0")));
    let again = shop.deliver_again(cancelled()).unwrap();
    assert_eq!(why(&again), ("Nothing taken back: no points of the cancelled order are left", "0", Some("0")));
    let late = shop.deliver(Incoming::order_refunded(refund("r2", &basket().into()).units("l1", 3))).unwrap();
    assert_eq!(note(&late).field("points"), Some("0"));
    assert_eq!(points(&shop, "c1"), [(Kind::Earn, 40), (Kind::Reverse, -10), (Kind::Reverse, -30)]);
}

#[test]
fn an_event_that_the_host_hands_over_again_changes_no_points() {
    let basket: Order = order("1").customer("c1").line(1000, 4).into();
    let half = || Incoming::order_refunded(refund("r1", &basket).units("l1", 2));
    let newcomer = || Incoming::customer_created(customer("c1"));
    let mut shop = shop();
    for event in [newcomer(), paid(basket.clone()), half()] {
        shop.deliver(event).unwrap();
    }
    let before = (account(&shop, "c1"), shop.calls().mails().count());
    for event in [half(), paid(basket.clone()), newcomer()] {
        shop.deliver_again(event).unwrap();
    }
    assert_eq!((account(&shop, "c1"), shop.calls().mails().count()), before);
}

#[test]
fn a_debt_is_repaid_by_later_orders_and_never_shown() {
    let basket: Order = order("1").customer("c1").line(10_000, 1).into();
    let mut shop = shop();
    shop.deliver(paid(basket.clone())).unwrap();
    shop.deliver(Incoming::action("redeem", "c1", json!({ "reward": "5-off" }))).unwrap();
    let delivery = shop.deliver(Incoming::order_refunded(refund("r1", &basket).everything())).unwrap();
    assert_eq!(why(&delivery), ("Points taken back: the order was refunded", "-100", Some("0")));
    assert_eq!(account(&shop, "c1").balance, -100);
    let delivery = shop.deliver(paid(order("2").customer("c1").line(3_000, 1))).unwrap();
    assert_eq!(why(&delivery), ("Points earned", "30", Some("0")));
    let mail = delivery.calls.mails().next().unwrap();
    assert_eq!([var(mail, "points"), var(mail, "balance"), var(mail, "missing")], ["30", "0", "100"]);
    shop.deliver(paid(order("3").customer("c1").line(9_000, 1))).unwrap();
    assert_eq!(account(&shop, "c1").balance, 20);
}

fn edited(order: Order) -> Incoming {
    let id =
        format!("edit/{:?}", order.lines.iter().map(|line| (line.quantity, line.current_quantity)).collect::<Vec<_>>());
    Incoming::order("order.updated", order).id(id)
}

#[test]
fn an_order_edited_up_earns_more_by_its_own_rate() {
    let mut shop = shop();
    shop.deliver(paid(order("1").customer("c1").line(1_000, 1))).unwrap();
    shop.publish("earn_points", 50).unwrap();
    let larger = order("1").customer("c1").line(1_000, 1).line(2_000, 1);
    let delivery = shop.deliver(edited(larger.into())).unwrap();
    assert_eq!(why(&delivery), ("Points added: the order was edited", "20", Some("30")));
    assert_eq!(points(&shop, "c1"), [(Kind::Earn, 10), (Kind::Earn, 20)]);
}

#[test]
fn an_order_of_nothing_that_counts_earns_when_it_is_edited() {
    let mut shop = shop();
    shop.deliver(paid(order("1").customer("c1").gift_card(5_000))).unwrap();
    shop.deliver(edited(order("1").customer("c1").gift_card(5_000).line(3_000, 1).into())).unwrap();
    assert_eq!(account(&shop, "c1").balance, 30);
}

#[test]
fn an_order_edited_down_loses_the_units_that_left_it_and_their_refund_takes_no_more() {
    let basket = order("1").customer("c1").line(1_000, 3);
    let mut shop = shop();
    shop.deliver(paid(basket.clone())).unwrap();
    let delivery = shop.deliver(edited(basket.clone().left(2).into())).unwrap();
    assert_eq!(why(&delivery), ("Points taken back: the order was refunded or edited", "-10", Some("20")));
    shop.deliver(Incoming::order_refunded(refund("r1", &basket.clone().into()).units("l1", 1))).unwrap();
    assert_eq!(account(&shop, "c1").balance, 20);
    shop.deliver(edited(basket.left(0).into())).unwrap();
    assert_eq!(account(&shop, "c1").balance, 0);
}

#[test]
fn an_exchange_counts_what_came_less_what_went() {
    let basket: Order = order("1").customer("c1").line(3_000, 1).into();
    let exchanged: Order = order("1").customer("c1").line(3_000, 1).left(0).line(4_500, 1).into();
    let mut shop = shop();
    shop.deliver(paid(basket.clone())).unwrap();
    shop.deliver(Incoming::order_refunded(refund("r1", &basket).units("l1", 1))).unwrap();
    assert_eq!(account(&shop, "c1").balance, 0);
    shop.deliver(edited(exchanged)).unwrap();
    assert_eq!(account(&shop, "c1").balance, 45);
}

#[test]
fn two_refunds_of_one_second_both_count() {
    let basket: Order = order("1").customer("c1").line(1_000, 4).into();
    let at = START.plus_days(1);
    let mut shop = shop();
    shop.deliver(paid(basket.clone())).unwrap();
    for id in ["r1", "r2"] {
        shop.deliver(Incoming::order_refunded(refund(id, &basket).units("l1", 1).at(at)).at(at)).unwrap();
    }
    assert_eq!(account(&shop, "c1").balance, 20);
}

#[test]
fn a_refund_paid_as_store_credit_counts_as_any_other() {
    // The refund names the goods; how the money went back is not part of it.
    let basket: Order = order("1").customer("c1").line(1_000, 4).into();
    let mut shop = shop();
    shop.deliver(paid(basket.clone())).unwrap();
    let credited = Incoming::order_refunded(refund("r1", &basket).units("l1", 4))
        .payload(r#"{"transactions":[{"gateway":"shopify_store_credit"}]}"#);
    shop.deliver(credited).unwrap();
    assert_eq!(account(&shop, "c1").balance, 0);
}

fn dispute(status: &str, at: Timestamp) -> Incoming {
    let amount = Money::new(4_000, "EUR".parse().unwrap());
    Incoming::order_disputed(Dispute { id: "d1".into(), order_id: "1".into(), status: status.into(), amount }).at(at)
}

#[test]
fn a_lost_dispute_takes_all_points_back_and_a_won_one_gives_them_again() {
    let basket: Order = order("1").customer("c1").line(1_000, 4).into();
    let mut shop = shop();
    shop.deliver(paid(basket.clone())).unwrap();
    shop.deliver(Incoming::order_refunded(refund("r1", &basket).units("l1", 1))).unwrap();
    let open = shop.deliver(dispute("needs_response", START)).unwrap();
    assert_eq!(note(&open).reason, "Nothing changes: the dispute is not decided");
    let lost = shop.deliver(dispute("lost", START.plus_days(1))).unwrap();
    assert_eq!(why(&lost), ("Points taken back: the payment was lost to a dispute", "-30", Some("0")));
    let won = shop.deliver(dispute("won", START.plus_days(2))).unwrap();
    assert_eq!(why(&won), ("Points given again: what was taken back is the customer's", "30", Some("30")));
    let late = shop.deliver(dispute("lost", START.plus_days(1)).id("told late")).unwrap();
    assert_eq!(note(&late).reason, "Nothing changes: a later word on the dispute is known");
    assert_eq!(
        points(&shop, "c1"),
        [(Kind::Earn, 40), (Kind::Reverse, -10), (Kind::Reverse, -30), (Kind::Restore, 30)]
    );
    assert_eq!(shop.spent("points"), 30);
}

#[test]
fn a_dispute_that_was_lost_before_the_payment_arrived_leaves_nothing_to_earn() {
    let mut shop = shop();
    shop.deliver(dispute("lost", START)).unwrap();
    shop.deliver(paid(order("1").customer("c1").line(1_000, 4))).unwrap();
    assert_eq!((account(&shop, "c1").balance, record(&shop, "1").unwrap().reversed), (0, 40));
    shop.deliver(dispute("won", START.plus_days(1))).unwrap();
    assert_eq!(account(&shop, "c1").balance, 40);
}

/// 100 points, of which 60 can be spent, less 60 that are: 40 are pending.
fn spent(policy: &str) -> (Bench, Order) {
    let rewards = json!([{ "id": "r", "title": "R", "cost": 60, "value": "3.00" }]);
    let shop = shop().setting("rewards", rewards).setting("refund_policy", policy).setting("mail_on_earning", false);
    let mut shop = shop;
    let early: Order = order("1").customer("c1").line(6_000, 1).into();
    shop.deliver(paid(early.clone())).unwrap();
    let mut shop = shop.setting("pending_days", 14);
    shop.deliver(paid(order("2").customer("c1").line(4_000, 1))).unwrap();
    shop.deliver(Incoming::action("redeem", "c1", json!({ "reward": "r" }))).unwrap();
    (shop, early)
}

#[test]
fn points_that_are_spent_are_taken_back_as_far_as_the_policy_says() {
    for (policy, balance, left) in
        [("allow_negative", -20, None), ("within_balance", 0, Some("20")), ("only_pending", 0, Some("20"))]
    {
        let (mut shop, early) = spent(policy);
        let delivery = shop.deliver(Incoming::order_refunded(refund("r1", &early).everything())).unwrap();
        assert_eq!(account(&shop, "c1").balance, balance, "{policy}");
        assert_eq!(note(&delivery).field("left_to_customer"), left, "{policy}");
        assert_eq!(note(&delivery).field("balance"), Some("0"), "{policy}");
        // What was left to the customer is not given a second time.
        shop.deliver(dispute("won", START)).unwrap();
        assert_eq!(account(&shop, "c1").balance, balance, "{policy}");
    }
}

#[test]
fn pending_points_are_taken_back_before_those_that_can_be_spent() {
    for (policy, available) in [("allow_negative", 70), ("within_balance", 70), ("only_pending", 100)] {
        let early: Order = order("1").customer("c1").line(10_000, 1).into();
        let mut shop = shop().setting("refund_policy", policy);
        shop.deliver(paid(early.clone())).unwrap();
        let mut shop = shop.setting("pending_days", 14);
        shop.deliver(paid(order("2").customer("c1").line(4_000, 1))).unwrap();
        shop.deliver(Incoming::order_refunded(refund("r1", &early).amount("l1", 0, 7_000, 0))).unwrap();
        let account = account(&shop, "c1");
        assert_eq!((account.available(), account.pending()), (available, 0), "{policy}");
    }
}
