//! What one telling of an order leaves out and another has.

use super::*;
use crate::domain::{LineItem, Signal, SignalKind};

fn placed_from(ip: &str, agent: Option<&str>, updated_at: u64) -> Order {
    let agent = agent.and_then(|agent| Signal::ip_agent(ip, agent));
    Order { signals: Signal::ip(ip).into_iter().chain(agent).collect(), ..order("1", Some("7"), 1, updated_at) }
}

fn agents(known: &mut Known) -> usize {
    known.order("1").signals.iter().filter(|signal| signal.kind == SignalKind::IpAgent).count()
}

#[test]
fn the_browsers_own_name_stays_though_a_read_does_not_tell_it() {
    let (webhook, read) = (placed_from("203.0.113.7", Some("Fox/1"), 10), placed_from("203.0.113.7", None, 20));
    for order in permutations(&[told(webhook), told(read)]) {
        let mut known = after(order);
        assert_eq!((agents(&mut known), known.order("1").updated_at), (1, Timestamp(20)));
    }
    let (webhook, read) = (placed_from("203.0.113.7", Some("Fox/1"), 10), placed_from("203.0.113.8", None, 20));
    for order in permutations(&[told(webhook), told(read)]) {
        assert_eq!(agents(&mut after(order)), 0, "of another address");
    }
}

#[test]
fn of_two_tellings_of_one_second_the_one_in_which_the_order_has_come_further_stays() {
    let at = |paid: &str, shipped: Option<&str>, left: u32, cancelled: bool| {
        let mut order = order("1", Some("7"), 10, 20);
        order.financial_status = Some(paid.into());
        order.fulfillment_status = shipped.map(Into::into);
        order.cancelled_at = cancelled.then_some(Timestamp(20));
        order.lines = vec![LineItem {
            id: "11".into(),
            product: None,
            variant: None,
            sku: None,
            title: "Fern".into(),
            quantity: 2,
            current_quantity: left,
            gift_card: false,
            unit_price: order.subtotal,
            discount: order.subtotal,
            tax: order.subtotal,
        }];
        order
    };
    let steps = [
        at("pending", None, 2, false),
        at("paid", None, 2, false),
        at("paid", Some("partial"), 2, false),
        at("paid", Some("fulfilled"), 2, false),
        at("partially_refunded", Some("fulfilled"), 2, false),
        at("partially_refunded", Some("fulfilled"), 1, false),
        at("refunded", Some("fulfilled"), 0, false),
        at("refunded", None, 0, true),
    ];
    for (index, further) in steps.iter().enumerate() {
        for before in &steps[..index] {
            for order in permutations(&[told(before.clone()), told(further.clone())]) {
                assert_eq!(after(order).order("1"), *further);
            }
        }
    }
    let mut earlier = steps[7].clone();
    earlier.updated_at = Timestamp(19);
    for order in permutations(&[told(earlier), told(steps[0].clone())]) {
        assert_eq!(after(order).order("1"), steps[0], "what is later by the platform's clock stays");
    }
}

#[test]
fn an_order_stays_its_customers_when_a_later_telling_names_none() {
    let (first, later) = (order("1", Some("7"), 10, 10), order("1", None, 10, 20));
    for order in permutations(&[told(first), told(later)]) {
        let mut known = after(order);
        assert_eq!((known.order("1").customer, known.orders_of("7")), (Some("7".into()), vec!["1".into()]));
    }
}

#[test]
fn the_codes_and_contacts_of_an_order_are_listed_as_they_are_now() {
    let with = |code: &str, email: &str, updated_at| Order {
        discount_codes: vec![code.into()],
        signals: Signal::email(email).into_iter().collect(),
        ..order("1", Some("7"), 10, updated_at)
    };
    let tellings = [with("FERN", "mira@example.com", 10), with("MOSS", "nora@example.com", 20)].map(told);
    for order in permutations(&tellings) {
        let Known(mut transaction, _) = after(order);
        let mut used_by =
            |code: &str| crate::store::orders::orders_with_code(&mut transaction, STORE, code).unwrap().len();
        assert_eq!((used_by("FERN"), used_by("moss ")), (0, 1));
        let mut placed_by = |email: &str| {
            let signal = Signal::email(email).unwrap();
            transaction.scan(&Scan::of(keys::orders_by_signal(STORE, &signal), 9)).unwrap().len()
        };
        assert_eq!((placed_by("mira@example.com"), placed_by("nora@example.com")), (0, 1));
    }
}
