//! Customers who were there before, who become one, and who are forgotten.

use regulars_sdk::{
    Birthday,
    test::{Bench, Incoming, START, customer, order},
};
use serde_json::json;

use super::*;
use crate::{backfill, calendar::Day};

fn merge(kept: &str, absorbed: &str) -> Incoming {
    Incoming::customer_merged(kept, absorbed)
}

fn born(month: u8, day: u8) -> Birthday {
    Birthday { year: Some(1980), month, day }
}

/// A shop with that many customers, born on 31 May.
fn populated(customers: usize) -> Bench {
    (0..customers).fold(bare(), |shop, n| {
        let id = format!("c{n:04}");
        shop.with_customer(customer(&id)).with_birthday(&id, born(5, 31))
    })
}

#[test]
fn everybody_who_was_there_before_is_gone_through_page_by_page() {
    let mut shop = populated(120);
    shop.deliver(Incoming::settings_published(1)).unwrap();
    let pages = shop.advance_days(1).unwrap();
    let looked: Vec<_> = pages.iter().map(|it| note(it).field("looked at").unwrap()).collect();
    assert_eq!(looked, ["50", "50", "20"]);
    assert_eq!((0..120).filter(|n| due(&shop, &format!("c{n:04}")) == Some(at(150, 9))).count(), 120);
    assert_eq!(shop.due(backfill::TIMER), None);
    shop.advance_to(at(150, 9)).unwrap();
    assert_eq!(mails(&shop).len(), 120);
}

#[test]
fn a_page_of_customers_ends_with_the_shops_last() {
    for (customers, pages) in [(0, 1), (1, 1), (50, 1), (51, 2), (100, 2)] {
        let mut shop = populated(customers);
        shop.deliver(Incoming::settings_published(1)).unwrap();
        assert_eq!(shop.advance_days(1).unwrap().len(), pages, "{customers} customers");
        assert_eq!(shop.state_keys("customer/").count(), customers);
    }
}

#[test]
fn a_page_ends_early_where_customers_have_many_orders() {
    let mut shop = populated(5);
    for n in 0..400 {
        shop = shop.with_order(order(&format!("o{n}")).customer(&format!("c{:04}", n % 4)).line(100, 1));
    }
    shop.deliver(Incoming::settings_published(1)).unwrap();
    let pages = shop.advance_days(1).unwrap();
    let looked: Vec<_> = pages.iter().map(|it| note(it).field("looked at").unwrap()).collect();
    assert_eq!(looked, ["1"; 5]);
    assert_eq!(person(&shop, "c0000").orders, 100);
}

#[test]
fn a_birthday_that_the_shop_has_had_all_along_was_told_in_time() {
    let mut shop = shop().with_customer(customer("c1")).with_birthday("c1", born(1, 10));
    shop.deliver(Incoming::settings_published(1)).unwrap();
    shop.advance_to(at(9, 9)).unwrap();
    assert_eq!((mails(&shop).len(), shop.calls().discounts().count()), (1, 1));
}

#[test]
fn a_customer_whose_order_came_before_the_page_has_the_birthday_all_the_same() {
    let mut shop = shop().with_customer(customer("c1")).with_birthday("c1", born(5, 31));
    shop.deliver(Incoming::order_paid(order("1").customer("c1").line(100, 1))).unwrap();
    shop.deliver(Incoming::settings_published(1)).unwrap();
    shop.advance_days(1).unwrap();
    assert_eq!(person(&shop, "c1").day, Day::new(5, 31));
}

#[test]
fn whoever_has_neither_birthday_nor_order_leaves_no_trace() {
    let mut shop = bare().with_customer(customer("c1"));
    shop.deliver(Incoming::settings_published(1)).unwrap();
    shop.advance_days(1).unwrap();
    assert_eq!(shop.state_keys("customer/").count(), 0);
}

#[test]
fn settings_that_move_nobodys_mail_go_through_nobody() {
    let mut shop = populated(1);
    shop.deliver(Incoming::settings_published(1)).unwrap();
    shop.advance_days(1).unwrap();
    let delivery = shop.publish("code_prefix", "HI").unwrap();
    assert_eq!(why(&delivery), "Everybody's next mail stays as it is timed");
    let delivery = shop.publish("send_hour", 18).unwrap();
    assert_eq!(why(&delivery), "Everybody's next mail is timed anew, some customers a minute");
    shop.advance_days(1).unwrap();
    assert_eq!(due(&shop, "c0000"), Some(at(150, 18)));
}

#[test]
fn two_customers_with_two_birthdays_have_one_when_they_become_one() {
    for (kept, absorbed, day) in [("c1", "c2", Day::new(5, 31)), ("c2", "c1", Day::new(8, 1))] {
        let mut shop = shop();
        shop.deliver(tell("c1", 5, 31)).unwrap();
        shop.deliver(tell("c2", 8, 1)).unwrap();
        shop.deliver(merge(kept, absorbed)).unwrap();
        assert_eq!((person(&shop, kept).day, due(&shop, absorbed)), (day, None));
        shop.advance_to(at(364, 0)).unwrap();
        assert_eq!(mails(&shop).len(), 1);
        assert_eq!(mails(&shop)[0].customer_id, kept);
    }
}

#[test]
fn a_birthday_had_under_another_name_does_not_come_again_that_year() {
    let mut shop = shop();
    shop.deliver(tell("c1", 5, 31)).unwrap();
    shop.deliver(tell("c2", 8, 1)).unwrap();
    shop.advance_to(at(160, 0)).unwrap();
    shop.deliver(merge("c2", "c1")).unwrap();
    shop.advance_to(at(364, 0)).unwrap();
    assert_eq!(mails(&shop).len(), 1);
    shop.advance_to(at(365 + 364, 0)).unwrap();
    assert_eq!(mails(&shop).len(), 2);
}

#[test]
fn a_merge_joins_sums_and_thanks_for_nothing_by_itself() {
    let mut shop = shop().setting("order_marks", json!([2, 3]));
    for (id, customer) in [("1", "c1"), ("2", "c2")] {
        shop.deliver(Incoming::order_paid(order(id).customer(customer).line(5_000, 1))).unwrap();
    }
    shop.deliver(merge("c2", "c1")).unwrap();
    let again = shop.deliver_again(merge("c2", "c1")).unwrap();
    assert_eq!(why(&again), "Nothing moved: the absorbed customer has nothing here");
    let left = person(&shop, "c2");
    assert_eq!((left.orders, left.spent, left.waiting.len(), left.first), (2, 10_000, 0, Some(START)));
    shop.deliver(Incoming::order_paid(order("3").customer("c1").line(5_000, 1))).unwrap();
    shop.advance_days(14).unwrap();
    assert_eq!((mails(&shop).len(), mails(&shop)[0].customer_id.as_str()), (1, "c2"));
}

#[test]
fn a_milestone_that_two_customers_have_each_is_thanked_for_once_when_they_become_one() {
    for days in [1, 20] {
        let mut shop = shop().setting("order_marks", json!([2])).setting("anniversaries", false);
        for customer in ["c1", "c2"] {
            for n in [1, 2] {
                let id = format!("{customer}-{n}");
                shop.deliver(Incoming::order_paid(order(&id).customer(customer).line(5_000, 1))).unwrap();
            }
            shop.advance_days(days).unwrap();
        }
        shop.deliver(merge("c2", "c1")).unwrap();
        shop.advance_days(30).unwrap();
        let to_each = if days == 1 { 1 } else { 2 };
        assert_eq!(mails(&shop).len(), to_each, "once for each until they are one");
        assert_eq!(person(&shop, "c2").waiting, []);
    }
    let mut shop = shop().setting("order_marks", json!([2])).setting("anniversaries", false);
    for (customer, days) in [("c1", 20), ("c2", 1)] {
        for n in [1, 2] {
            let id = format!("{customer}-{n}");
            shop.deliver(Incoming::order_paid(order(&id).customer(customer).line(5_000, 1))).unwrap();
        }
        shop.advance_days(days).unwrap();
    }
    shop.deliver(merge("c2", "c1")).unwrap();
    shop.advance_days(30).unwrap();
    assert_eq!(mails(&shop).len(), 1, "the absorbed customer has had it");
}

#[test]
fn a_merge_takes_in_the_past_of_a_customer_that_was_not_known_here() {
    let mut shop = shop().with_order(order("old").customer("c2").placed_at(Timestamp(START.0 - 9)).line(100, 1));
    shop.deliver(Incoming::order_paid(order("1").customer("c1").line(5_000, 1))).unwrap();
    shop.deliver(merge("c2", "c1")).unwrap();
    let left = person(&shop, "c2");
    assert_eq!((left.orders, left.spent, left.first), (2, 5_100, Some(Timestamp(START.0 - 9))));
}

#[test]
fn a_timer_of_an_absorbed_customer_is_that_of_whoever_is_left() {
    let mut shop = shop();
    shop.deliver(tell("c1", 5, 31)).unwrap();
    shop.deliver(merge("c2", "c1")).unwrap();
    shop.advance_to(at(150, 9)).unwrap();
    assert_eq!(mails(&shop)[0].customer_id, "c2");
}

#[test]
fn nothing_of_a_person_is_kept_once_they_are_to_be_forgotten() {
    for topic in ["customer.redacted", "customer.deleted"] {
        let mut shop = shop();
        shop.deliver(tell("c1", 5, 31)).unwrap();
        shop.deliver(Incoming::order_paid(order("1").customer("c1").line(100, 1))).unwrap();
        shop.deliver(Incoming::about(topic, "c1", "c1", "{}")).unwrap();
        assert_eq!((shop.state_keys("customer/").count(), due(&shop, "c1")), (0, None));
        let whole = order("1").customer("c1").line(100, 1).cancelled_at(START);
        let delivery = shop.deliver(Incoming::order_cancelled(whole)).unwrap();
        assert_eq!(why(&delivery), "Nothing taken out: the customer is forgotten");
        assert_eq!(shop.state_keys("customer/").count(), 0);
        shop.advance_days(365).unwrap();
        assert_eq!(mails(&shop).len(), 0);
    }
}

#[test]
fn a_damaged_record_stops_the_delivery_and_is_not_taken_for_none() {
    let mut shop = shop().with_state(&customer_key("c1"), "{");
    let failure = shop.deliver(tell("c1", 5, 31)).unwrap_err();
    assert!(matches!(failure, regulars_sdk::Failure::Reject(_)));
}
