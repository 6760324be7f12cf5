//! Customers that become one, and customers that are forgotten.

use regulars_sdk::{
    Timestamp,
    test::{Incoming, START, fulfillment},
};
use serde_json::json;

use super::*;

fn merge(kept: &str, absorbed: &str) -> Incoming {
    Incoming::customer_merged(kept, absorbed)
}

#[test]
fn merged_customers_have_one_count_and_one_list_of_gifts_had() {
    let mut shop = shop().setting("rules", json!([every(1)]));
    shop.deliver(paid(basket("1").customer("guest"))).unwrap();
    shop.deliver(paid(basket("2"))).unwrap();
    let delivery = shop.deliver(merge("c1", "guest")).unwrap();
    assert_eq!(why(&delivery), "Orders and gifts moved: two customers became one");
    let joined = person(&shop, "c1");
    assert_eq!((joined.orders, joined.had.len()), (2, 2));
    assert_eq!(shop.state_keys("customer/guest").count(), 0);
    let again = shop.deliver_again(merge("c1", "guest")).unwrap();
    assert_eq!(why(&again), "Nothing moved: the absorbed customer has no orders here");
    assert_eq!(person(&shop, "c1"), joined);
}

#[test]
fn a_gift_had_under_another_name_does_not_come_again() {
    for seed in 0..10 {
        let mut shop = shop().seed(seed);
        shop.deliver(paid(basket("1").customer("guest"))).unwrap();
        shop.deliver(merge("c1", "guest")).unwrap();
        shop.deliver(paid(basket("2"))).unwrap();
        let given = given(&shop);
        assert_ne!(given[0], given[1]);
    }
}

#[test]
fn an_order_of_an_absorbed_customer_gives_its_piece_back_to_whoever_is_left() {
    let mut shop = shop();
    shop.deliver(paid(basket("1").customer("guest"))).unwrap();
    shop.deliver(merge("c1", "guest")).unwrap();
    shop.deliver(cancelled(basket("1").customer("guest"), 1)).unwrap();
    let left = person(&shop, "c1");
    assert_eq!((left.orders, left.had.len()), (0, 0));
}

#[test]
fn a_merge_takes_in_the_past_of_a_customer_that_had_no_count_yet() {
    let mut shop = shop()
        .setting("rules", json!([every(4)]))
        .with_order(basket("old-1").placed_at(Timestamp(START.0 - 2)))
        .with_order(basket("old-2").placed_at(Timestamp(START.0 - 1)));
    shop.deliver(paid(basket("1").customer("guest"))).unwrap();
    shop.deliver(merge("c1", "guest")).unwrap();
    assert_eq!(person(&shop, "c1").orders, 3);
    shop.deliver(paid(basket("2"))).unwrap();
    assert_eq!(given(&shop).len(), 1);
}

#[test]
fn the_mail_goes_to_whoever_is_left() {
    let mut shop = shop();
    shop.deliver(paid(basket("1").customer("guest"))).unwrap();
    shop.deliver(merge("c1", "guest")).unwrap();
    let delivered = regulars_sdk::Fulfillment { shipment_status: Some("delivered".into()), ..fulfillment("f1", "1") };
    shop.deliver(Incoming::fulfillment("fulfillment.updated", delivered)).unwrap();
    assert_eq!(shop.calls().mails().next().unwrap().customer_id, "c1");
    assert!(person(&shop, "c1").told.is_some());
}

#[test]
fn nothing_of_a_person_is_kept_once_they_are_to_be_forgotten() {
    for topic in ["customer.redacted", "customer.deleted"] {
        let mut shop = shop();
        shop.deliver(paid(basket("1"))).unwrap();
        let spent_before = spent(&shop, "2026-01");
        shop.deliver(Incoming::about(topic, "c1", "c1", "{}")).unwrap();
        assert_eq!(shop.state_keys("customer/").count(), 0);
        assert_eq!(spent(&shop, "2026-01"), spent_before, "sums stay");
        shop.deliver(cancelled(basket("1"), 1)).unwrap();
        assert_eq!(shop.state_keys("customer/").count(), 0, "and nothing comes back");
        assert_eq!(spent(&shop, "2026-01"), (0, 0));
    }
}
