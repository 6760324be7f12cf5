//! People who are to be forgotten, in whatever order their facts and the request come.

use super::*;
use crate::domain::Signal;

const ADDRESS: &str = "mira@example.com";

fn by_mira(id: &str, customer: &CustomerId) -> Order {
    Order {
        email: Some(ADDRESS.into()),
        customer: Some(customer.clone()),
        attributes: vec![("gift_message".into(), "For Mira".into())],
        country: Some("DE".into()),
        signals: Signal::email(ADDRESS).into_iter().collect(),
        discount_codes: vec!["FERN".into()],
        ..order(id, None, 10, 10)
    }
}

fn mira(id: &str) -> Change {
    let birthday = Some(crate::domain::Birthday { year: None, month: 2, day: 29 });
    let mira = customer(id, Some(ADDRESS), 20);
    Change::Customer(Box::new(Customer {
        first_name: Some("Mira".into()),
        phone: Some("+49".into()),
        birthday,
        ..mira
    }))
}

fn redaction(customer: &str, orders: &[&str]) -> Change {
    let orders = orders.iter().map(|id| OrderId::from(*id)).collect();
    Change::CustomerRedacted { customer: customer.into(), email: None, orders }
}

fn assert_forgotten(known: &mut Known, people: &[&str], orders: &[&str]) {
    for id in people {
        let left = known.customer(id).unwrap();
        let nobody = Customer {
            accepts_marketing: Some(false),
            updated_at: event().occurred_at,
            merged_into: left.merged_into.clone(),
            deleted: true,
            ..Customer::nobody((*id).into())
        };
        assert_eq!(left, nobody);
    }
    for id in orders {
        let left = known.order(id);
        assert_eq!((&left.email, left.attributes.len(), left.signals.len()), (&None, 0, 0), "{id}");
        assert_eq!((left.country.as_deref(), left.discount_codes.len()), (Some("DE"), 1), "what is no person's stays");
    }
    for (key, value) in known.1.scan(&Scan::of(keys::all_of(STORE), usize::MAX)).unwrap() {
        let bytes = [key.as_bytes(), &value.bytes].concat();
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        assert!(!text.contains("mira"), "{key:?} still holds {text}");
    }
}

#[test]
fn a_redacted_person_is_in_no_fact_whatever_came_first() {
    let changes = [mira("7"), told(by_mira("1", &"7".into())), redaction("7", &["1"])];
    for order in permutations(&changes) {
        let mut known = after(order);
        assert_forgotten(&mut known, &["7"], &["1"]);
        assert_eq!(known.orders_of("7"), ["1"], "sums hang on it");
        assert_eq!(known.holder_of(ADDRESS), None);
    }
}

#[test]
fn a_redacted_person_is_no_longer_found_by_an_earlier_order() {
    let mut known = after([told(by_mira("1", &"7".into())), redaction("7", &[])]);
    let later = Order { placed_at: Timestamp(99), customer: None, ..by_mira("2", &"9".into()) };
    let before = crate::store::orders::orders_before(&mut known.0, STORE, &later).unwrap();
    assert!(before.is_empty(), "{before:?}");
}

#[test]
fn what_was_merged_into_a_redacted_customer_is_forgotten_with_it() {
    let changes = [
        mira("6"),
        mira("7"),
        told(by_mira("1", &"6".into())),
        told(by_mira("2", &"7".into())),
        merge("7", "6"),
        merge("8", "7"),
    ];
    for named in ["6", "7", "8"] {
        let mut known = after(changes.iter().cloned().chain([redaction(named, &[])]));
        assert_forgotten(&mut known, &["6", "7", "8"], &["1", "2"]);
    }
}

#[test]
fn a_guest_is_forgotten_by_the_address_or_by_an_order() {
    let guest = CustomerId::of_guest(ADDRESS).unwrap();
    let ordered = told(by_mira("1", &guest));
    for request in [redaction(guest.as_str(), &[]), redaction("7", &["1"])] {
        let mut known = after([ordered.clone(), request, ordered.clone()]);
        assert_forgotten(&mut known, &[guest.as_str()], &["1"]);
    }
    let mut known = after([redaction(guest.as_str(), &[]), ordered]);
    assert_forgotten(&mut known, &[guest.as_str()], &["1"]);
}

#[test]
fn an_order_that_is_named_is_forgotten_though_it_is_anothers() {
    let mut known = after([told(by_mira("1", &"9".into())), redaction("7", &["1", "unknown"])]);
    assert_forgotten(&mut known, &["7"], &["1"]);
    assert_eq!(known.customer("9"), None);
}

#[test]
fn an_order_that_is_named_stays_forgotten_whenever_and_as_whoevers_it_comes() {
    let guest = CustomerId::of_guest(ADDRESS).unwrap();
    for holder in ["9".into(), guest] {
        let named = redaction("7", &["1"]);
        let mut known = after([
            named,
            told(by_mira("1", &holder)),
            told(Order { updated_at: Timestamp(99), ..by_mira("1", &holder) }),
        ]);
        assert_forgotten(&mut known, &[], &["1"]);
    }
}

#[test]
fn where_an_address_alone_is_named_whoever_has_it_is_forgotten_and_what_was_ordered_with_it() {
    let guest = CustomerId::of_guest(ADDRESS).unwrap();
    let request = |email: &str| Change::CustomerRedacted {
        customer: CustomerId::of_guest(email).unwrap(),
        email: Some(email.into()),
        orders: Vec::new(),
    };
    let orders = [told(by_mira("1", &"7".into())), told(by_mira("2", &"9".into())), told(by_mira("3", &guest))];
    let before = [&[mira("7")], &orders[..]].concat();
    let mut known = after(before.iter().cloned().chain([request("Mira@Example.com")]));
    assert_forgotten(&mut known, &["7", guest.as_str()], &["1", "2", "3"]);
    let mut others = after(before.into_iter().chain([request("mira+shop@example.com")]));
    assert_eq!(others.order("1").email.as_deref(), Some(ADDRESS), "another address, however alike it is delivered");
}

#[test]
fn a_customer_who_was_deleted_and_not_redacted_keeps_the_orders_as_they_are() {
    let kept = by_mira("1", &"7".into());
    for order in permutations(&[told(kept.clone()), Change::CustomerDeleted("7".into())]) {
        assert_eq!(after(order).order("1"), kept);
    }
}
