//! What counts, and what becomes of it.

use regulars_sdk::{
    Customer, Dispute, Money, Order, Refund,
    test::{Bench, Incoming, Status, customer, order, refund},
};
use serde_json::json;

use super::*;

fn spent(shop: &Bench) -> i64 {
    member(shop, "c1").sums.lifetime(Day(i32::MAX)).spent
}

fn give_back(shop: &mut Bench, refund: impl Into<Refund>) -> Delivery {
    shop.deliver(Incoming::order_refunded(refund)).unwrap()
}

fn dispute(shop: &mut Bench, id: &str, order_id: &str, status: &str) -> Delivery {
    let amount = Money::new(1, "EUR".parse().unwrap());
    let dispute = Dispute { id: id.into(), order_id: order_id.into(), status: status.into(), amount };
    shop.deliver(Incoming::order_disputed(dispute)).unwrap()
}

#[test]
fn goods_after_discounts_count_without_tax_and_shipping_and_gift_cards() {
    let mut shop = shop();
    let order = bought(&shop, "1", 100).tax(1900).discount(1000).gift_card(5000).shipping(500).shipping_tax(95);
    paid(&mut shop, order);
    assert_eq!(spent(&shop), 9000);
}

#[test]
fn tax_and_shipping_count_where_the_merchant_says_so() {
    let mut shop = shop().setting("include_tax", true).setting("include_shipping", true);
    let one: Order = bought(&shop, "1", 100).tax(1900).shipping(500).shipping_tax(95).into();
    paid(&mut shop, one.clone());
    assert_eq!(spent(&shop), 10_000 + 1900 + 500 + 95);
    give_back(&mut shop, refund("r1", &one).shipping(500));
    assert_eq!(spent(&shop), 11_900);
    give_back(&mut shop, refund("r2", &one).units("l1", 1));
    assert_eq!(spent(&shop), 0);
}

#[test]
fn tax_that_prices_contain_is_taken_out() {
    let mut shop = shop();
    let order = bought(&shop, "1", 119).tax(1900).taxes_included();
    paid(&mut shop, order);
    assert_eq!(spent(&shop), 10_000);
}

#[test]
fn a_refund_counts_by_the_terms_of_its_order() {
    let mut shop = shop().setting("include_tax", true);
    let one: Order = bought(&shop, "1", 100).tax(1900).into();
    paid(&mut shop, one.clone());
    shop.publish("include_tax", false).unwrap();
    give_back(&mut shop, refund("r1", &one).units("l1", 1));
    assert_eq!(spent(&shop), 0);
}

#[test]
fn a_refund_under_the_threshold_keeps_the_tier_until_the_term_ends() {
    let mut shop = shop();
    let one: Order = bought(&shop, "1", 400).into();
    paid(&mut shop, one.clone());
    let told = give_back(&mut shop, refund("r1", &one).everything());
    assert_eq!(why(&told), "Order counted anew: the tier stays until its term ends");
    assert_eq!((spent(&shop), tier(&shop).as_deref()), (0, Some("silver")));
    until_noon(&mut shop, "2027-01-01");
    assert_eq!(tier(&shop).as_deref(), Some("silver"), "grace");
    until_noon(&mut shop, "2027-01-31");
    assert_eq!(tier(&shop).as_deref(), Some("bronze"));
}

#[test]
fn a_refund_before_the_payment_is_taken_off() {
    let mut shop = shop();
    let one: Order = Order { financial_status: Some("pending".into()), ..bought(&shop, "1", 400).into() };
    shop = shop.with_order(one.clone());
    assert_eq!(
        why(&give_back(&mut shop, refund("r1", &one).amount("l1", 0, 20_000, 0))),
        "Not counted: the order is not paid yet"
    );
    let paid_one = Order { financial_status: Some("paid".into()), ..one };
    paid(&mut shop, paid_one);
    assert_eq!((spent(&shop), tier(&shop).as_deref()), (20_000, Some("bronze")));
}

#[test]
fn a_lost_dispute_takes_a_tier_that_rests_on_it_at_once_and_a_won_one_gives_it_back() {
    let mut shop = shop().setting("tiers", tiers(json!({}), json!({ "reward": "percent" })));
    pay(&mut shop, "1", 1200);
    assert_eq!(tier(&shop).as_deref(), Some("gold"));
    assert_eq!(why(&dispute(&mut shop, "d1", "1", "needs_response")), "Nothing changes: the dispute is not decided");
    assert_eq!(why(&dispute(&mut shop, "d1", "1", "lost")), "A tier was lost");
    assert_eq!(tier(&shop).as_deref(), Some("bronze"));
    assert_eq!(worn(&shop, "c1"), ["tier-bronze"]);
    shop.advance_days(1).unwrap();
    dispute(&mut shop, "d1", "1", "won");
    assert_eq!(tier(&shop).as_deref(), Some("gold"));
    assert_eq!(shop.calls().discounts().count(), 1, "the entry reward comes once in a term");
}

#[test]
fn a_lost_dispute_leaves_a_tier_that_stands_without_it() {
    let mut shop = shop();
    pay(&mut shop, "1", 1000);
    pay(&mut shop, "2", 50);
    let told = dispute(&mut shop, "d1", "2", "lost");
    assert_eq!(why(&told), "The dispute is decided: the tier stays");
    assert_eq!((spent(&shop), tier(&shop).as_deref()), (100_000, Some("gold")));
}

#[test]
fn a_dispute_that_was_lost_before_the_order_was_known_counts() {
    let mut shop = shop();
    dispute(&mut shop, "d1", "1", "lost");
    pay(&mut shop, "1", 1000);
    assert_eq!((spent(&shop), tier(&shop).as_deref()), (0, Some("bronze")));
}

#[test]
fn tests_and_cancelled_orders_do_not_count() {
    let mut shop = shop();
    let test = bought(&shop, "1", 1000).test();
    assert_eq!(why(&paid(&mut shop, test)), "Not counted: it is a test order");
    let one = bought(&shop, "2", 1000);
    paid(&mut shop, one.clone());
    let now = shop.now();
    shop.deliver(Incoming::order_cancelled(one.cancelled_at(now))).unwrap();
    assert_eq!(spent(&shop), 0);
}

#[test]
fn an_order_without_a_customer_is_nobodys() {
    let mut shop = shop();
    assert_eq!(why(&paid(&mut shop, order("1").line(100, 1))), "Not counted: the order names no customer");
}

#[test]
fn a_payment_for_an_unknown_order_is_asked_for_again() {
    let mut shop = shop();
    assert!(shop.deliver(Incoming::other("order.paid", "x", "{}")).is_err());
}

#[test]
fn an_edited_order_counts_for_what_is_left() {
    let mut shop = shop();
    let placed_at = shop.now();
    let order = |left| order("1").customer("c1").line(10_000, 4).left(left).placed_at(placed_at);
    paid(&mut shop, order(4));
    shop.deliver(Incoming::order("order.edited", order(3))).unwrap();
    assert_eq!(spent(&shop), 30_000);
    shop.deliver(Incoming::order("order.updated", order(4))).unwrap();
    assert_eq!(spent(&shop), 40_000);
}

#[test]
fn a_unit_that_a_refund_names_and_an_edit_takes_out_is_gone_once() {
    let mut shop = shop();
    let placed_at = shop.now();
    let order = |left| order("1").customer("c1").line(10_000, 4).left(left).placed_at(placed_at);
    paid(&mut shop, order(4));
    shop.deliver(Incoming::order("order.updated", order(3))).unwrap();
    give_back(&mut shop, refund("r1", &order(4).into()).units("l1", 1));
    assert_eq!(spent(&shop), 30_000);
}

#[test]
fn an_order_that_costs_nothing_is_an_order() {
    let mut shop = shop();
    let free = bought(&shop, "1", 100).discount(10_000);
    paid(&mut shop, free);
    let sums = member(&shop, "c1").sums.lifetime(Day(i32::MAX));
    assert_eq!((sums.spent, sums.orders), (0, 1));
}

#[test]
fn a_payment_that_is_told_again_changes_nothing() {
    let mut shop = shop();
    let one = bought(&shop, "1", 400);
    paid(&mut shop, one.clone());
    let queued = shop.calls().len();
    assert_eq!(shop.deliver(Incoming::order_paid(one.clone())).unwrap().status, Status::Repeated);
    let told = shop.deliver(Incoming::order_paid(one).id("another")).unwrap();
    assert_eq!(why(&told), "Nothing changes: the order counts for what it did");
    assert_eq!(shop.calls().len(), queued + 1, "a note alone");
}

#[test]
fn orders_count_where_tiers_go_by_orders_or_both_or_either() {
    let tiers = json!([{ "id": "vip", "title": "VIP", "threshold": "100", "orders": 2 }]);
    for (basis, first, second) in [
        ("spend", Some("vip"), Some("vip")),
        ("orders", None, Some("vip")),
        ("spend_and_orders", None, Some("vip")),
        ("spend_or_orders", Some("vip"), Some("vip")),
    ] {
        let mut shop = shop().setting("basis", basis).setting("tiers", tiers.clone());
        pay(&mut shop, "1", 100);
        assert_eq!(tier(&shop).as_deref(), first, "{basis}");
        pay(&mut shop, "2", 1);
        assert_eq!(tier(&shop).as_deref(), second, "{basis}");
    }
}

#[test]
fn what_is_not_asked_for_is_no_way_in_where_either_is_enough() {
    let mut shop = shop().setting("basis", "spend_or_orders");
    pay(&mut shop, "1", 10);
    assert_eq!(tier(&shop).as_deref(), Some("bronze"), "0 orders open no tier that asks for spend");
    pay(&mut shop, "2", 290);
    assert_eq!(tier(&shop).as_deref(), Some("silver"));
    let tiers = json!([{ "id": "often", "title": "Often", "orders": 2 }]);
    let mut shop = self::shop().setting("basis", "spend_or_orders").setting("tiers", tiers);
    pay(&mut shop, "1", 10);
    assert_eq!(tier(&shop), None, "nor does 0 spent");
    pay(&mut shop, "2", 10);
    assert_eq!(tier(&shop).as_deref(), Some("often"));
}

#[test]
fn customers_with_an_excluded_tag_have_no_tier_while_they_wear_it() {
    let staff = |tags: &[&str]| Customer { tags: tags.iter().map(|it| (*it).into()).collect(), ..customer("c1") };
    let mut shop = shop();
    pay(&mut shop, "1", 400);
    shop.deliver(Incoming::customer("customer.updated", staff(&["Staff"])).id("u1")).unwrap();
    assert_eq!((tier(&shop), worn(&shop, "c1")), (None, vec![]));
    let told = pay(&mut shop, "2", 700);
    assert_eq!(why(&told), "Counted, but there is no tier for this customer");
    shop.deliver(Incoming::customer("customer.updated", staff(&[])).id("u2")).unwrap();
    assert_eq!(tier(&shop).as_deref(), Some("gold"), "all has been counted");
}

#[test]
fn days_are_those_of_the_stores_time_zone() {
    let mut shop = shop().time_zone("Pacific/Auckland", 13 * 60);
    pay(&mut shop, "1", 400);
    assert_eq!(until(&shop), Some(day("2027-01-02")), "noon UTC is the next day there");
}
