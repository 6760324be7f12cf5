//! Points for what is no order.

use regulars_sdk::{
    Customer,
    test::{Bench, Capability, Incoming, START, customer, order},
};
use serde_json::json;

use super::{account, as_shipped, note, paid, points, reasons, shop, var, why};
use crate::{account::Once, ledger::Kind};

#[test]
fn a_new_customer_gets_sign_up_points_once_and_a_welcome() {
    let mut shop = shop();
    let delivery = shop.deliver(Incoming::customer_created(customer("c1"))).unwrap();
    assert_eq!(why(&delivery), ("Sign-up points given", "50", Some("50")));
    let mail = delivery.calls.mails().next().unwrap();
    assert_eq!((mail.template.as_str(), var(mail, "points"), var(mail, "missing")), ("welcome", "50", "50"));
    let again = shop.deliver(Incoming::customer_created(customer("c1")).id("another")).unwrap();
    assert_eq!(why(&again), ("No sign-up points: they were given before", "0", Some("50")));
    let mut shop = self::shop().setting("signup_points", 0);
    let delivery = shop.deliver(Incoming::customer_created(customer("c1"))).unwrap();
    assert_eq!(why(&delivery), ("No sign-up points: the settings give none", "0", Some("0")));
    assert_eq!(shop.calls().mails().count(), 0);
}

#[test]
fn without_the_grant_for_mails_points_are_earned_all_the_same() {
    let mut shop = shop().withhold(Capability::Mail);
    let delivery = shop.deliver(paid(order("1").customer("c1").line(1000, 1))).unwrap();
    assert_eq!(why(&delivery), ("Points earned", "10", Some("10")));
    assert_eq!(note(&delivery).field("mail"), Some("not granted"));
    let delivery = shop.deliver(Incoming::customer_created(customer("c1"))).unwrap();
    assert_eq!(why(&delivery), ("Sign-up points given", "50", Some("60")));
}
