//! What is known in the end does not hang on the order of arrival.

use proptest::prelude::*;

use super::*;
use crate::domain::{Birthday, Signal};

const PEOPLE: [&str; 4] = [REDACTED, "7", "8", "9"];

/// Merged with nobody else.
const REDACTED: &str = "6";

/// A person's address, which nobody else ever has.
fn address(person: usize) -> String {
    format!("{}@example.com", PEOPLE[person])
}

/// A telling of one person.
fn telling() -> impl Strategy<Value = (usize, bool, Option<bool>)> {
    (0..PEOPLE.len(), any::<bool>(), proptest::option::of(any::<bool>()))
}

fn person((person, birthday, consent): (usize, bool, Option<bool>), at: u64) -> Change {
    let birthday = birthday.then_some(Birthday { year: Some(1980), month: 1, day: person as u8 + 1 });
    Change::Customer(Box::new(Customer {
        // An address that the platform has seen stays seen.
        email_verified: at >= 20,
        first_name: Some(format!("Name {at}")),
        accepts_marketing: consent,
        consent_at: consent.map(|_| Timestamp(at)),
        consented_at: Some(Timestamp(at)).filter(|_| consent == Some(true) && at.is_multiple_of(2)),
        birthday,
        ..customer(PEOPLE[person], Some(&address(person)), at)
    }))
}

/// A telling of one of some orders, each of which is one person's: the customer's, or a guest's of the same address.
fn ordering() -> impl Strategy<Value = (usize, usize, bool, bool)> {
    (0..3_usize, 0..PEOPLE.len(), any::<bool>(), any::<bool>())
}

fn placed((number, person, by_customer, cancelled): (usize, usize, bool, bool), at: u64) -> Change {
    let (id, ip) = (format!("{person}-{number}"), format!("203.0.113.{number}"));
    // Whoever is forgotten has bought as nobody else.
    let customer = match by_customer || PEOPLE[person] == REDACTED {
        true => Some(PEOPLE[person].into()),
        false => CustomerId::of_guest(&address(person)),
    };
    let signals = [
        Signal::email(&address(person)),
        Signal::ip(&ip),
        Signal::ip_agent(&ip, "Fox/1").filter(|_| at.is_multiple_of(2)),
    ];
    let mut signals: Vec<_> = signals.into_iter().flatten().collect();
    signals.sort_unstable();
    told(Order {
        email: Some(address(person)),
        customer,
        cancelled_at: cancelled.then_some(Timestamp(at)),
        discount_codes: vec![format!("CODE{}", at % 3)],
        signals,
        ..order(&id, None, 10 * (number as u64 + 1), at)
    })
}

/// Some merges that make no circle, whoever is told first.
fn merges() -> impl Strategy<Value = Vec<Change>> {
    proptest::sample::subsequence(vec![("8", "7"), ("9", "8")], 0..=2)
        .prop_map(|pairs| pairs.into_iter().map(|(kept, removed)| merge(kept, removed)).collect())
}

fn history() -> impl Strategy<Value = Vec<Change>> {
    // Of two facts of one time the one that comes last stays, so that each has a time of its own.
    let changes = proptest::collection::vec(prop_oneof![telling().prop_map(Ok), ordering().prop_map(Err)], 1..12);
    let times = Just((0..40_u64).collect::<Vec<_>>()).prop_shuffle();
    let redacted = proptest::option::of(Just(redaction()));
    (changes, times, merges(), redacted).prop_map(|(changes, times, merges, redacted)| {
        let told = changes.into_iter().zip(times).map(|(change, at)| match change {
            Ok(telling) => person(telling, at),
            Err(ordering) => placed(ordering, at),
        });
        told.chain(merges).chain(redacted).collect()
    })
}

fn redaction() -> Change {
    Change::CustomerRedacted { customer: REDACTED.into(), email: Some(address(0)), orders: Vec::new() }
}

/// All that is known.
fn facts(changes: Vec<Change>) -> Vec<String> {
    let Known(_, store) = after(changes);
    let rows = store.scan(&Scan::of(keys::all_of(STORE), usize::MAX)).unwrap();
    rows.into_iter().map(|(key, value)| format!("{key:?} = {}", value.bytes.escape_ascii())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn facts_are_the_same_in_whatever_order_they_are_told(
        (told, shuffled) in history().prop_flat_map(|told| (Just(told.clone()), Just(told).prop_shuffle())),
    ) {
        prop_assert_eq!(facts(shuffled), facts(told));
    }

    #[test]
    fn facts_are_the_same_though_some_are_told_twice(
        (told, again) in history().prop_flat_map(|told| {
            let again = proptest::sample::subsequence(told.clone(), 0..=told.len());
            (Just(told), again)
        }),
    ) {
        let twice = [told.clone(), again].concat();
        prop_assert_eq!(facts(twice), facts(told));
    }
}
