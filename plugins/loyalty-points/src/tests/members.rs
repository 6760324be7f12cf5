//! Customers who become one, guests, and people who are forgotten.

use regulars_sdk::{
    Customer, Order,
    test::{Incoming, START, customer, order, refund},
};
use serde_json::json;

use super::{account, entries, note, paid, points, reasons, shop, why, with_balance};
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
