//! Customers who become one, guests, and people who are forgotten.

use regulars_sdk::{
    Customer, MetafieldValue, Order,
    test::{Call, Capability, Incoming, START, customer, order, refund},
};
use serde_json::json;

use super::{account, entries, paid, points, reasons, shop, why, with_balance};
use crate::{
    account::{Account, Once},
    ledger::{Entry, Kind, account_key, entry_key},
};

fn merged(kept: &str, absorbed: &str) -> Incoming {
    Incoming::customer_merged(kept, absorbed)
}

#[test]
fn a_merge_moves_the_balance_once_with_an_entry_in_each_ledger() {
    let mut shop = shop().setting("mail_on_earning", false);
    shop.deliver(paid(order("1").customer("c1").line(4_000, 1))).unwrap();
    shop.deliver(paid(order("2").customer("c2").line(1_000, 1))).unwrap();
    let delivery = shop.deliver(merged("c2", "c1")).unwrap();
    assert_eq!(why(&delivery), ("Points moved: two customers became one", "40", Some("50")));
    assert_eq!(points(&shop, "c2"), [(Kind::Earn, 10), (Kind::Merge, 40)]);
    let [earned, moved] = [1, 2].map(|n| shop.state::<Entry>(&entry_key("c1", n)).unwrap());
    assert_eq!((earned.points, moved.points, moved.kind), (40, -40, Kind::Merge));
    assert_eq!((moved.about.as_deref(), entries(&shop, "c2")[1].about.as_deref()), (Some("c2"), Some("c1")));
    assert_eq!(shop.state::<Account>(&account_key("c1")), None);
    for again in [merged("c2", "c1"), merged("c2", "c1").id("another")] {
        let delivery = shop.deliver_again(again).unwrap();
        assert_eq!(why(&delivery), ("No points moved: the absorbed customer has none", "0", Some("50")));
    }
    assert_eq!(account(&shop, "c2").entries, 2);
}

#[test]
fn orders_of_an_absorbed_customer_count_for_the_one_that_is_left() {
    let early: Order = order("1").customer("c1").line(4_000, 1).into();
    let late: Order = order("2").customer("c1").line(2_000, 1).into();
    // A chain of merges, told in either order.
    for chain in [[merged("c2", "c1"), merged("c3", "c2")], [merged("c3", "c2"), merged("c2", "c1")]] {
        let mut shop = shop().setting("mail_on_earning", false);
        shop.deliver(paid(early.clone())).unwrap();
        for merge in chain {
            shop.deliver(merge).unwrap();
        }
        shop.deliver(paid(late.clone())).unwrap();
        assert_eq!(account(&shop, "c3").balance, 60);
        shop.deliver(Incoming::order_refunded(refund("r1", &early).everything())).unwrap();
        let late = Order { cancelled_at: Some(START), ..late.clone() };
        shop.deliver(Incoming::order_cancelled(late)).unwrap();
        assert_eq!(account(&shop, "c3").balance, 0);
        assert_eq!(["c1", "c2"].map(|id| account(&shop, id)), [Account::default(), Account::default()]);
    }
}

#[test]
fn a_code_bought_before_the_merge_is_paid_for_once() {
    let mut shop = with_balance(12_000);
    shop.deliver(Incoming::action("redeem", "c1", json!({ "reward": "5-off" }))).unwrap();
    shop.deliver(merged("c2", "c1")).unwrap();
    assert_eq!(account(&shop, "c2").balance, 20);
    let delivery = shop.deliver(Incoming::action("redeem", "c1", json!({ "reward": "5-off" }))).unwrap();
    assert_eq!(why(&delivery), ("Nothing redeemed: not enough points", "0", Some("20")));
    assert_eq!(shop.calls().discounts().count(), 1);
    // What was spent is a debt of the customer that is left once the order goes back.
    let seed: Order = order("seed").customer("c1").line(12_000, 1).into();
    shop.deliver(Incoming::order_refunded(refund("r1", &seed).everything())).unwrap();
    assert_eq!(account(&shop, "c2").balance, -100);
}

#[test]
fn a_person_is_given_sign_up_points_once_whatever_comes_first() {
    let created = |id: &str| Incoming::customer_created(customer(id));
    for events in [
        [created("c1"), created("c2"), merged("c2", "c1")],
        [created("c1"), merged("c2", "c1"), created("c2")],
        [merged("c2", "c1"), created("c2"), created("c1")],
    ] {
        let mut shop = shop();
        for event in events {
            shop.deliver(event).unwrap();
        }
        assert_eq!(account(&shop, "c2").balance, 50);
        assert!(account(&shop, "c2").gift(Once::SignUp).is_some());
    }
}

fn guest(id: &str) -> Customer {
    Customer { guest: true, ..customer(id) }
}

#[test]
fn a_guest_earns_and_a_member_of_the_same_address_takes_the_points_over() {
    let mut shop = shop().with_customer(guest("g1"));
    let delivery = shop.deliver(paid(order("1").customer("g1").line(4_000, 1))).unwrap();
    assert_eq!(why(&delivery), ("Points earned", "40", Some("40")));
    assert_eq!(super::var(delivery.calls.mails().next().unwrap(), "claim_by"), "2026-04-01");
    shop.advance_days(80).unwrap();
    shop.deliver(Incoming::customer_created(customer("c1"))).unwrap();
    shop.deliver(merged("c1", "g1")).unwrap();
    shop.advance_days(100).unwrap();
    assert_eq!(account(&shop, "c1").balance, 90);
    assert_eq!(account(&shop, "c1").claim_by, None);
}

#[test]
fn what_a_guest_does_not_claim_in_time_lapses() {
    let mut shop = shop().with_customer(guest("g1"));
    shop.deliver(paid(order("1").customer("g1").line(4_000, 1))).unwrap();
    shop.advance_days(60).unwrap();
    let warned = shop.calls().mails().find(|mail| mail.template == "expiring").unwrap();
    assert_eq!(super::var(warned, "claim"), "yes");
    // The latest order counts.
    shop.deliver(paid(order("2").customer("g1").line(1_000, 1))).unwrap();
    shop.advance_days(89).unwrap();
    assert_eq!(account(&shop, "g1").balance, 50);
    let fired = shop.advance_days(1).unwrap();
    assert_eq!(reasons(&fired[0]), ["Points lapsed: the guest did not claim them"]);
    assert_eq!(account(&shop, "g1").balance, 0);
    shop.deliver(merged("c1", "g1")).unwrap();
    assert_eq!(account(&shop, "c1").balance, 0);
}

#[test]
fn guests_earn_nothing_where_the_merchant_wants_none_to() {
    let mut shop = shop().setting("guest_claim_days", 0).with_customer(guest("g1"));
    let delivery = shop.deliver(paid(order("1").customer("g1").line(4_000, 1))).unwrap();
    assert_eq!(why(&delivery), ("No points: guests earn none", "0", Some("0")));
}

#[test]
fn a_merge_joins_lots_and_debts_and_pending_points_keep_their_time() {
    let mut shop = with_balance(10_000);
    shop.deliver(Incoming::action("redeem", "c1", json!({ "reward": "5-off" }))).unwrap();
    let seed: Order = order("seed").customer("c1").line(10_000, 1).into();
    shop.deliver(Incoming::order_refunded(refund("r1", &seed).everything())).unwrap();
    assert_eq!(account(&shop, "c1").owed, 100);
    let mut shop = shop.setting("pending_days", 14);
    shop.deliver(paid(order("2").customer("c2").line(15_000, 1))).unwrap();
    shop.deliver(merged("c2", "c1")).unwrap();
    let joined = account(&shop, "c2");
    assert_eq!((joined.balance, joined.pending(), joined.available(), joined.owed), (50, 50, 0, 0));
    shop.advance_days(14).unwrap();
    assert_eq!(account(&shop, "c2").available(), 50);
}

#[test]
fn a_code_of_an_absorbed_customer_can_be_returned_by_the_one_that_is_left() {
    let mut shop = with_balance(10_000);
    shop.deliver(Incoming::action("redeem", "c1", json!({ "reward": "5-off" }))).unwrap();
    let (code, effect) = shop.codes().map(|(code, effect)| (code.to_owned(), effect.clone())).next().unwrap();
    shop.finish(&effect).unwrap();
    shop.deliver(merged("c2", "c1")).unwrap();
    let asked = shop.deliver(Incoming::action("return", "c2", json!({ "code": code }))).unwrap();
    let disabling = asked.calls.iter().find_map(|call| call.effect()).unwrap().clone();
    shop.finish(&disabling).unwrap();
    shop.advance_days(1).unwrap();
    assert_eq!(account(&shop, "c2").balance, 100);
}

#[test]
fn newsletter_points_of_one_person_are_given_once() {
    let consent =
        |id: &str| Incoming::customer("customer.consent", Customer { accepts_marketing: Some(true), ..customer(id) });
    let mut shop = shop();
    shop.deliver(consent("c1")).unwrap();
    shop.deliver(consent("c2")).unwrap();
    shop.deliver(merged("c2", "c1")).unwrap();
    assert_eq!(account(&shop, "c2").balance, 25);
}

#[test]
fn who_is_forgotten_leaves_sums_and_no_more() {
    let mut shop = with_balance(10_000).with_customer(customer("c1"));
    shop.deliver(Incoming::action("birthday", "c1", json!({ "birthday": "05-31" }))).unwrap();
    let adjust = json!({ "points": 5, "reason": "Ms Miller rang about her parcel" });
    shop.deliver(Incoming::merchant_action("adjust", Some("c1"), adjust)).unwrap();
    let delivery = shop.deliver(Incoming::customer("customer.redacted", customer("c1"))).unwrap();
    assert_eq!(why(&delivery), ("Forgotten: birthday and reasons; the sums stay", "0", Some("105")));
    assert_eq!(account(&shop, "c1").birthday, None);
    let kept = shop.state_keys("").map(|key| shop.state::<serde_json::Value>(key).unwrap().to_string());
    assert!(kept.into_iter().all(|value| !value.contains("Miller")));
}

#[test]
fn the_balance_is_shown_at_the_platform_when_it_changes() {
    let shown = |shop: &regulars_sdk::test::Bench| {
        let values = shop.calls().iter().filter_map(|call| match call {
            Call::Metafield { key, value: MetafieldValue::Integer(value), customer_id, .. } => {
                Some((key.clone(), customer_id.clone(), *value))
            }
            _ => None,
        });
        values.map(|(key, customer, value)| (format!("{customer}.{key}"), value)).collect::<Vec<_>>()
    };
    let mut shop = shop().with_customer(guest("g1"));
    let basket: Order = order("1").customer("c1").line(4_000, 1).into();
    shop.deliver(paid(basket.clone())).unwrap();
    shop.deliver_again(paid(basket.clone())).unwrap();
    shop.deliver(Incoming::order_refunded(refund("r1", &basket).everything())).unwrap();
    shop.deliver(paid(order("2").customer("g1").line(4_000, 1))).unwrap();
    assert_eq!(shown(&shop), [("c1.points_balance".into(), 40), ("c1.points_balance".into(), 0)]);
    let mut off = self::shop().setting("balance_metafield", false);
    off.deliver(paid(basket.clone())).unwrap();
    let mut ungranted = self::shop().withhold(Capability::Metafields);
    ungranted.deliver(paid(basket)).unwrap();
    assert_eq!((shown(&off), shown(&ungranted)), (vec![], vec![]));
}
