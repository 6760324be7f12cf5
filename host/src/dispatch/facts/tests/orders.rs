//! What one telling of an order leaves out and another has.

use super::*;
use crate::domain::{Signal, SignalKind};

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
