//! People who buy without a customer record, and turn out to be customers.

use super::*;

const ADDRESS: &str = "mira@example.com";

fn guest() -> CustomerId {
    CustomerId::of_guest(ADDRESS).unwrap()
}

/// A guest's order, as platforms tell it.
fn by_guest(id: &str, address: &str) -> Change {
    let customer = CustomerId::of_guest(address);
    told(Order { email: Some(address.into()), customer, ..order(id, None, 10, 10) })
}

fn verified(id: &str, address: &str, updated_at: u64) -> Change {
    Change::Customer(Box::new(Customer { email_verified: true, ..customer(id, Some(address), updated_at) }))
}

/// The merge that the last of these changes brings to light.
fn brought_to_light(changes: &[Change]) -> Option<Merge> {
    let (last, before) = changes.split_last().unwrap();
    let Known(mut transaction, _) = after(before.to_vec());
    project(&mut transaction, STORE, &event(), last).unwrap()
}

#[test]
fn a_guest_is_known_by_the_address_and_by_no_more() {
    let mut known = after([by_guest("1", " Mira@Example.com"), by_guest("2", ADDRESS)]);
    let made = Customer { email: Some(ADDRESS.into()), ..Customer::nobody(guest()) };
    assert_eq!(known.customer(guest().as_str()), Some(made));
    assert_eq!(known.orders_of(guest().as_str()), ["1", "2"]);
    assert_eq!(known.holder_of(ADDRESS), Some(guest()));
}

#[test]
fn a_guest_is_merged_into_the_customer_who_has_the_address_whichever_is_known_first() {
    let changes = [by_guest("1", ADDRESS), verified("7", ADDRESS, 20), by_guest("2", ADDRESS)];
    for order in permutations(&changes) {
        let mut known = after(order);
        assert_eq!(known.orders_of("7"), ["1", "2"]);
        assert_eq!((known.survivor(guest().as_str()), known.holder_of(ADDRESS)), ("7".into(), Some("7".into())));
    }
}

#[test]
fn a_merge_is_told_of_a_guest_who_has_been_told_of_and_once() {
    let merge = Merge { kept: "7".into(), removed: guest(), completed: true };
    let (order, seen) = (by_guest("1", ADDRESS), verified("7", ADDRESS, 20));
    assert_eq!(brought_to_light(&[order.clone(), seen.clone()]), Some(merge.clone()));
    assert_eq!(brought_to_light(&[seen.clone(), order.clone()]), None, "nobody has heard of the guest");
    assert_eq!(brought_to_light(&[order.clone(), seen.clone(), seen]), None);
    let named = Change::Order {
        order: Box::new(super::order("2", Some("7"), 10, 10)),
        customer: Some(Box::new(Customer { email_verified: true, ..customer("7", Some(ADDRESS), 20) })),
    };
    assert_eq!(brought_to_light(&[order, named]), Some(merge), "an order tells of its customer as well");
}

#[test]
fn a_guest_stays_one_while_nobody_verifiably_has_the_address() {
    let unseen = |address: &str| Change::Customer(Box::new(customer("7", Some(address), 20)));
    for other in [unseen(ADDRESS), verified("7", "nora@example.com", 20), verified("7", "mi.ra@example.com", 20)] {
        for order in permutations(&[by_guest("1", ADDRESS), other]) {
            let mut known = after(order);
            assert_eq!((known.orders_of(guest().as_str()), known.orders_of("7")), (vec!["1".into()], vec![]));
        }
    }
    let later = [by_guest("1", ADDRESS), unseen(ADDRESS), verified("7", ADDRESS, 30)];
    assert!(brought_to_light(&later).is_some(), "until it is seen");
    let took_over = [by_guest("1", ADDRESS), verified("7", "nora@example.com", 20), verified("7", ADDRESS, 30)];
    assert!(brought_to_light(&took_over).is_some(), "or becomes the customer's");
}

#[test]
fn a_guest_follows_the_customer_through_later_merges() {
    let changes = [by_guest("1", ADDRESS), verified("7", ADDRESS, 20), merge("8", "7")];
    for order in permutations(&changes) {
        let mut known = after(order.clone());
        assert_eq!(
            (known.survivor(guest().as_str()), known.orders_of("8")),
            ("8".into(), vec!["1".into()]),
            "{order:?}"
        );
    }
}

#[test]
fn an_order_that_gets_a_customer_leaves_its_guest() {
    let later = told(order("1", Some("7"), 10, 20));
    for order in permutations(&[by_guest("1", ADDRESS), later]) {
        let mut known = after(order);
        assert_eq!((known.orders_of(guest().as_str()), known.orders_of("7")), (vec![], vec!["1".into()]));
    }
}
