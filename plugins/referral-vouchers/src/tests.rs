//! Each path, with the note it leaves. What holds of every history is in `laws`.

use regulars_sdk::{
    Customer, Mail, Money, Order, Timestamp,
    test::{Bench, Call, Delivery, Incoming, Note, OrderBuilder, START, customer, fulfillment, order},
};
use serde_json::json;

use crate::{
    advocates::{Advocate, advocate_key},
    checks::Check,
    claim::{Because, Claim, Status, claim_key},
    handle,
};

mod blocks;
mod flags;
mod holds;
mod links;
mod merchants;
mod panels;
mod payouts;
mod persons;

pub const MANIFEST: &str = include_str!("../../../manifests/plugins/referral-vouchers.toml");

/// The advocate, and the friend.
pub const ANN: &str = "ann";
pub const BOB: &str = "bob";

/// Bob's order that Ann is owed something for.
pub const ORDER: &str = "1001";

/// Ann has ordered once, Bob never. Signals of a person are the kind and the person's name.
pub fn shop() -> Bench {
    let before = Timestamp(START.0 - 90 * 86_400_000);
    let annas = order("900").customer(ANN).line(8000, 1).placed_at(before);
    let shop = Bench::new(handle).manifest(MANIFEST).with_customer(customer(ANN)).with_customer(customer(BOB));
    let shop = known(known(shop, ANN), BOB).with_order(annas);
    with_signals(with_signals(shop, "900", ANN), ORDER, BOB)
}

/// What is known of a customer.
pub fn known(shop: Bench, who: &str) -> Bench {
    let keys = ["email", "phone", "name"].map(|kind| (kind, signal(kind, who)));
    shop.with_customer_signals(who, &borrowed(&keys))
}

/// What an order of this person's shows.
pub fn with_signals(shop: Bench, order: &str, who: &str) -> Bench {
    with_signals_but(shop, order, who, &[])
}

/// The same, but for these kinds somebody else's.
pub fn with_signals_but(shop: Bench, order: &str, who: &str, other: &[(&str, &str)]) -> Bench {
    let of = |kind: &str| other.iter().find(|(it, _)| *it == kind).map_or(who, |(_, who)| *who);
    let kinds = ["email", "phone", "name", "address", "ip", "ip-agent", "device"];
    let keys = kinds.map(|kind| (kind, signal(kind, of(kind))));
    shop.with_order_signals(order, &borrowed(&keys))
}

fn signal(kind: &str, who: &str) -> String {
    format!("{kind} of {who}")
}

fn borrowed<'a, const N: usize>(keys: &'a [(&'static str, String); N]) -> [(&'static str, &'a str); N] {
    keys.each_ref().map(|(kind, key)| (*kind, key.as_str()))
}

/// Ann's link, made at her wish.
pub fn share(shop: &mut Bench, who: &str) -> String {
    shop.deliver(Incoming::action("share", who, json!({}))).unwrap();
    advocate(shop, who).expect("the advocate has a link").link
}

pub fn visit(shop: &mut Bench, link: &str, whose: &str, who: &str) -> Delivery {
    let now = shop.now();
    visit_at(shop, link, whose, who, now)
}

/// The same, known only now.
pub fn visit_at(shop: &mut Bench, link: &str, whose: &str, who: &str, at: Timestamp) -> Delivery {
    let keys = ["ip", "ip-agent", "device"].map(|kind| (kind, signal(kind, who)));
    shop.deliver(Incoming::link_visited(link, whose, &borrowed(&keys)).at(at)).unwrap()
}

/// A shop in which Ann has shared her link and Bob has followed it.
pub fn visited() -> (Bench, String) {
    let mut shop = shop();
    let link = share(&mut shop, ANN);
    visit(&mut shop, &link, ANN, BOB);
    (shop, link)
}

/// Bob's order of 50.00, led there by a link.
pub fn basket(link: &str) -> OrderBuilder {
    order(ORDER).customer(BOB).line(5000, 1).attribute("regulars_link", link)
}

/// A shop in which Bob has paid for an order that Ann's link led to.
pub fn referred() -> Bench {
    referred_with(|shop| shop)
}

/// The same, with this about the shop.
pub fn referred_with(change: impl Fn(Bench) -> Bench) -> Bench {
    let (shop, link) = visited();
    let mut shop = change(shop);
    shop.deliver(Incoming::order_paid(basket(&link))).unwrap();
    shop
}

pub fn placed(link: &str) -> Order {
    basket(link).into()
}

pub fn delivered(order: &str, at: Timestamp) -> Incoming {
    let parcel = fulfillment(&format!("parcel of {order}"), order);
    let parcel = regulars_sdk::Fulfillment { shipment_status: Some("delivered".into()), updated_at: at, ..parcel };
    Incoming::fulfillment("fulfillment.updated", parcel).at(at)
}

pub fn tagged(id: &str, tag: &str) -> Customer {
    Customer { tags: vec![tag.into()], ..customer(id) }
}

pub fn advocate(shop: &Bench, who: &str) -> Option<Advocate> {
    shop.state(&advocate_key(who))
}

pub fn code_of(shop: &Bench, who: &str) -> String {
    advocate(shop, who).and_then(|it| it.code).expect("the advocate has a code").code
}

pub fn claim(shop: &Bench, order: &str) -> Claim {
    shop.state(&claim_key(order)).expect("the order has a claim")
}

pub fn status(shop: &Bench) -> Status {
    claim(shop, ORDER).status
}

pub fn void(check: Check) -> Status {
    Status::Void(Because::Check(check))
}

pub fn checks(shop: &Bench, order: &str) -> Vec<Check> {
    claim(shop, order).findings.iter().map(|it| it.check).collect()
}

/// Store credit and reward codes that were given, less what was taken back: whose, and how much.
pub fn paid(shop: &Bench) -> Vec<(String, i64)> {
    let reward = |call: &Call| match call {
        Call::StoreCredit { customer_id, amount, .. } => Some((customer_id.clone(), amount.minor)),
        Call::Discount { discount, .. } if discount.prefix == "THANKS" => {
            let regulars_sdk::Benefit::Amount(Money { minor, .. }) = discount.benefit else { return None };
            Some((discount.customer_id.clone().unwrap_or_default(), minor))
        }
        _ => None,
    };
    shop.calls().iter().filter_map(reward).collect()
}

pub fn mails(shop: &Bench) -> Vec<&str> {
    shop.calls().mails().map(|mail| mail.template.as_str()).collect()
}

pub fn var<'a>(mail: &'a Mail, name: &str) -> &'a str {
    mail.vars.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str()).unwrap()
}

/// The delivery's first note.
pub fn note(delivery: &Delivery) -> &Note {
    delivery.calls.notes().next().expect("every delivery leaves a note")
}

pub fn last_reason(shop: &Bench) -> &str {
    &shop.calls().notes().last().expect("there is a note").reason
}

#[test]
fn a_friends_first_order_is_rewarded_once_it_is_kept() {
    let mut shop = referred();
    assert_eq!((status(&shop), paid(&shop)), (Status::Held, vec![]));
    assert_eq!(last_reason(&shop), "On hold until the order can no longer come back");
    assert!(shop.advance_days(20).unwrap().is_empty());
    let fired = shop.advance_days(1).unwrap();
    assert_eq!(note(&fired[0]).reason, "The reward is given");
    assert_eq!(note(&fired[0]).field("as"), Some("store credit"));
    assert_eq!((status(&shop), paid(&shop)), (Status::Paid, vec![(ANN.into(), 1000)]));
    assert_eq!(mails(&shop), ["friend-bought", "reward-paid"]);
    assert!(shop.tasks().is_empty());
}

#[test]
fn an_order_without_link_and_code_owes_nobody_anything() {
    let (mut shop, _) = visited();
    let delivery = shop.deliver(Incoming::order_paid(order("1").customer(BOB).line(9000, 1).code("SUMMER"))).unwrap();
    assert_eq!(note(&delivery).reason, "No referral: the order names no link and no friend's code");
    let unknown = order("2").customer(BOB).line(9000, 1).attribute("regulars_link", "../../etc");
    let delivery = shop.deliver(Incoming::order_paid(unknown)).unwrap();
    assert_eq!(note(&delivery).reason, "No referral: the order names no link and no friend's code");
    assert_eq!(shop.state_keys("claim/").count(), 0);
}

#[test]
fn a_test_order_owes_nobody_anything() {
    let (mut shop, link) = visited();
    let delivery = shop.deliver(Incoming::order_paid(basket(&link).test())).unwrap();
    assert_eq!(note(&delivery).reason, "No referral: it is a test order");
    assert_eq!(shop.state_keys("claim/").count(), 0);
}

#[test]
fn a_claim_names_the_version_of_the_settings_and_keeps_its_terms() {
    let mut shop = referred();
    shop.publish("advocate_amount", "25.00").unwrap();
    shop.publish("min_order", "500.00").unwrap();
    assert_eq!((claim(&shop, ORDER).settings, claim(&shop, ORDER).terms.amount.minor), (1, 1000));
    shop.advance_days(21).unwrap();
    assert_eq!(paid(&shop), [(ANN.into(), 1000)]);
    let (mut later, link) = visited();
    later.publish("advocate_amount", "25.00").unwrap();
    later.deliver(Incoming::order_paid(basket(&link))).unwrap();
    assert_eq!((claim(&later, ORDER).settings, claim(&later, ORDER).terms.amount.minor), (2, 2500));
}

#[test]
fn every_topic_leaves_a_note_where_there_is_nothing_to_do() {
    let mut shop = shop();
    let stray: Order = order("7").customer(BOB).line(1000, 1).into();
    for event in [
        Incoming::order_cancelled(Order { cancelled_at: Some(START), ..stray.clone() }),
        Incoming::order("order.edited", stray.clone()),
        Incoming::order_refunded(regulars_sdk::test::refund("r", &stray).everything()),
        delivered("7", START),
        Incoming::customer_merged("c8", "c9"),
        Incoming::link_visited("NOBODYS", "c9", &[]),
        Incoming::action("unknown", ANN, json!({})),
        Incoming::visitor_action("share", json!({})),
        Incoming::merchant_action("approve", None, json!({ "task": "review/none" })),
        Incoming::merchant_action("approve", None, json!(17)),
        Incoming::merchant_action("dance", None, json!({})),
        Incoming::merchant_action("ban", None, json!({})),
        Incoming::merchant_action("unban", Some(BOB), json!({})),
    ] {
        let topic = format!("{event:?}");
        let delivery = shop.deliver(event).unwrap();
        assert!(delivery.calls.notes().next().is_some(), "{topic}");
    }
    assert!(paid(&shop).is_empty());
}
