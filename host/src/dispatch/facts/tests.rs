//! Facts in and out of order: what is newer stays, whatever comes last.

use std::sync::Arc;

use super::*;
use crate::{
    domain::{Consent, Customer, CustomerId, Order, OrderId, Origin, Platform, Timestamp},
    store::{Scan, Store, memory::MemoryStore, survivor},
};

mod forgetting;
mod guests;
mod orders;
mod shuffled;

const STORE: StoreId = StoreId(1);

fn order(id: &str, customer: Option<&str>, placed_at: u64, updated_at: u64) -> Order {
    let updated_at = Timestamp(updated_at);
    Order { customer: customer.map(Into::into), updated_at, ..Order::sample(id, Timestamp(placed_at)) }
}

fn customer(id: &str, email: Option<&str>, updated_at: u64) -> Customer {
    Customer { email: email.map(Into::into), updated_at: Timestamp(updated_at), ..Customer::nobody(id.into()) }
}

fn event() -> Event {
    Event {
        id: "webhook/1".into(),
        store: STORE,
        origin: Origin::Webhook { platform: Platform::Shopify, topic: String::new(), api_version: String::new() },
        occurred_at: Timestamp(50),
        received_at: Timestamp(50),
        body: bytes::Bytes::new(),
    }
}

/// What is known after these changes, in this order.
struct Known(Transaction, Arc<MemoryStore>);

fn after(changes: impl IntoIterator<Item = Change>) -> Known {
    after_on(Arc::new(MemoryStore::default()), changes)
}

fn after_on(store: Arc<MemoryStore>, changes: impl IntoIterator<Item = Change>) -> Known {
    let begin = || Transaction::new(Arc::<MemoryStore>::clone(&store));
    for change in changes {
        let mut transaction = begin();
        project(&mut transaction, STORE, &event(), &change).unwrap();
        transaction.commit().wait().unwrap();
    }
    Known(begin(), store)
}

impl Known {
    fn order(&mut self, id: &str) -> Order {
        self.0.get(&keys::order(STORE, &id.into())).unwrap().unwrap()
    }

    fn customer(&mut self, id: &str) -> Option<Customer> {
        self.0.get(&keys::customer(STORE, &id.into())).unwrap()
    }

    fn survivor(&mut self, id: &str) -> CustomerId {
        survivor(&mut self.0, STORE, id.into()).unwrap()
    }

    fn orders_of(&mut self, customer: &str) -> Vec<String> {
        let rows = self.0.scan(&Scan::of(keys::customer_orders(STORE, &customer.into()), 100)).unwrap();
        rows.into_iter().map(|(_, id)| String::from_utf8(id).unwrap()).collect()
    }

    fn holder_of(&self, email: &str) -> Option<CustomerId> {
        holder_of(&*self.1, STORE, email).unwrap()
    }
}

fn told(order: Order) -> Change {
    Change::Order { order: Box::new(order), customer: None }
}

fn merge(kept: &str, removed: &str) -> Change {
    Change::Merge(Merge { kept: kept.into(), removed: removed.into(), completed: true })
}

#[test]
fn an_older_fact_never_overwrites_a_newer_one() {
    let (old, new) = (order("1", Some("7"), 10, 20), order("1", Some("7"), 10, 30));
    assert_eq!(after([told(old.clone()), told(new.clone())]).order("1"), new);
    assert_eq!(after([told(new.clone()), told(old)]).order("1"), new);
    let (old, new) = (customer("7", Some("old@example.com"), 20), customer("7", Some("new@example.com"), 30));
    let [old, new] = [old, new].map(|customer| Change::Customer(Box::new(customer)));
    for order in [[&old, &new], [&new, &old]] {
        let mut known = after(order.map(Clone::clone));
        assert_eq!(known.customer("7").unwrap().email.as_deref(), Some("new@example.com"));
        assert_eq!(known.holder_of("new@example.com"), Some("7".into()));
        assert_eq!(known.holder_of("old@example.com"), None, "an address that was given up");
    }
}

#[test]
fn of_two_facts_of_one_time_the_one_that_came_last_stays() {
    let (first, last) = (order("1", Some("7"), 10, 20), order("1", Some("8"), 10, 20));
    let mut known = after([told(first), told(last.clone())]);
    assert_eq!((known.order("1"), known.orders_of("7"), known.orders_of("8")), (last, vec![], vec!["1".into()]));
    let [first, last] = ["first@example.com", "last@example.com"].map(|email| customer("7", Some(email), 20));
    let mut known = after([first, last].map(|customer| Change::Customer(Box::new(customer))));
    assert_eq!(known.customer("7").unwrap().email.as_deref(), Some("last@example.com"));
}

#[test]
fn an_order_is_listed_once_under_the_customer_who_has_it_now() {
    let mut known = after([
        told(order("1", None, 10, 10)),
        told(order("1", Some("7"), 10, 20)),
        told(order("1", Some("8"), 10, 30)),
        told(order("2", Some("8"), 12, 30)),
        told(order("2", Some("8"), 5, 40)),
    ]);
    assert_eq!((known.orders_of("7"), known.orders_of("8")), (vec![], vec!["2".into(), "1".into()]));
}

#[test]
fn a_merge_moves_the_orders_whether_it_comes_before_or_after_them() {
    let (first, second) = (order("1", Some("7"), 10, 10), order("2", Some("8"), 20, 20));
    let late = order("3", Some("7"), 30, 30);
    let changes = [told(first), told(second), told(late), merge("8", "7")];
    for order in [[0, 1, 2, 3], [0, 1, 3, 2], [3, 2, 1, 0]] {
        let mut known = after(order.map(|index: usize| changes[index].clone()));
        assert_eq!(known.orders_of("8"), ["1", "2", "3"], "{order:?}");
        assert_eq!(known.orders_of("7"), Vec::<String>::new());
    }
}

#[test]
fn merges_are_followed_to_the_end_and_never_in_a_circle() {
    let mut known = after([
        told(order("1", Some("7"), 10, 10)),
        merge("8", "7"),
        merge("9", "8"),
        merge("7", "9"),
        merge("7", "8"),
        merge("9", "9"),
    ]);
    assert_eq!(known.survivor("7"), "9".into());
    assert_eq!(known.survivor("8"), "9".into());
    assert_eq!(known.orders_of("9"), ["1"]);
    // An update that still names the first customer finds the order where it is.
    project(&mut known.0, STORE, &event(), &told(order("1", Some("7"), 10, 20))).unwrap();
    assert_eq!(known.orders_of("9"), ["1"]);
}

#[test]
fn a_merge_that_is_not_completed_changes_nothing() {
    let merge = Change::Merge(Merge { kept: "8".into(), removed: "7".into(), completed: false });
    let mut known = after([told(order("1", Some("7"), 10, 10)), merge]);
    assert_eq!((known.orders_of("7"), known.customer("7")), (vec!["1".into()], None));
}

#[test]
fn a_deleted_person_stays_deleted_whatever_arrives_late() {
    let told = Change::Customer(Box::new(customer("7", Some("mira@example.com"), 99)));
    let deleted = Change::CustomerDeleted("7".into());
    for order in [[&told, &deleted], [&deleted, &told]] {
        let mut known = after(order.map(Clone::clone));
        let left = known.customer("7").unwrap();
        assert!(left.deleted && left.email.is_none(), "{left:?}");
        assert_eq!(known.holder_of("mira@example.com"), None);
    }
}

#[test]
fn a_deletion_leaves_the_same_whatever_came_before_it() {
    let told = Customer { created_at: Some(Timestamp(5)), ..customer("7", Some("mira@example.com"), 20) };
    let (told, deletion) = (Change::Customer(Box::new(told)), Change::CustomerDeleted("7".into()));
    let in_order = after([told.clone(), deletion.clone()]).customer("7");
    assert_eq!(after([deletion, told]).customer("7"), in_order);
}

#[test]
fn what_is_told_of_an_absorbed_customer_is_kept_also_after_the_merge() {
    let told = Change::Customer(Box::new(customer("7", Some("mira@example.com"), 20)));
    let in_order = after([told.clone(), merge("8", "7")]).customer("7");
    assert_eq!(in_order.as_ref().and_then(|absorbed| absorbed.email.as_deref()), Some("mira@example.com"));
    assert_eq!(after([merge("8", "7"), told]).customer("7"), in_order);
}

#[test]
fn deleting_a_customer_leaves_an_address_to_the_one_who_has_it_now() {
    let learnt = |id: &str| Change::Customer(Box::new(customer(id, Some("mira@example.com"), 10)));
    let known = after([learnt("7"), learnt("8"), Change::CustomerDeleted("7".into())]);
    assert_eq!(known.holder_of("mira@example.com"), Some("8".into()));
}

/// All orders of some things.
fn permutations<T: Clone>(of: &[T]) -> Vec<Vec<T>> {
    if of.is_empty() {
        return vec![Vec::new()];
    }
    let with_first = |first: usize| {
        let mut rest = of.to_vec();
        let first = rest.remove(first);
        permutations(&rest).into_iter().map(move |rest| [vec![first.clone()], rest].concat())
    };
    (0..of.len()).flat_map(with_first).collect()
}

fn named(id: &str, email: &str, updated_at: u64) -> Change {
    Change::Customer(Box::new(customer(id, Some(email), updated_at)))
}

#[test]
fn an_address_is_its_latest_holders_in_whatever_order_it_is_told() {
    let (moved, then) = ([named("7", "x@example.com", 10), named("7", "y@example.com", 20)], "x@example.com");
    let taken = named("8", then, 30);
    let deleted = || Change::CustomerDeleted("8".into());
    let cases: [(Vec<Change>, Option<&str>); 6] = [
        (vec![taken.clone()], Some("8")),
        (vec![named("9", then, 30), taken.clone()], Some("9")),
        (vec![taken.clone(), deleted()], None),
        (vec![taken.clone(), named("8", "z@example.com", 40), named("9", then, 50)], Some("9")),
        (vec![taken.clone(), merge("8", "7")], Some("8")),
        (vec![taken, merge("9", "8"), named("9", then, 40)], Some("9")),
    ];
    for (more, holder) in cases {
        let changes = [&moved[..], &more].concat();
        for order in permutations(&changes) {
            let known = after(order.clone());
            assert_eq!(known.holder_of(then), holder.map(Into::into), "{order:?}");
            assert_eq!(known.holder_of("y@example.com"), Some("7".into()), "{order:?}");
        }
    }
}

#[test]
fn an_address_is_no_longer_its_former_holders_though_nobody_has_told_that_they_gave_it_up() {
    let taken = [named("7", "x@example.com", 10), named("8", "x@example.com", 20)];
    // What names no address says nothing of whose it is.
    let later = Change::Customer(Box::new(customer("7", None, 30)));
    for order in [[0, 1], [1, 0]] {
        let known = after(order.map(|index: usize| taken[index].clone()).into_iter().chain([later.clone()]));
        assert_eq!(known.holder_of("x@example.com"), Some("8".into()));
    }
}

#[test]
fn an_address_that_is_listed_without_a_time_is_found_until_it_is_given_up_or_taken() {
    let listed = |changes: &[Change]| {
        let store = Arc::new(MemoryStore::default());
        let mut old = Transaction::new(Arc::<MemoryStore>::clone(&store));
        old.put(keys::customer(STORE, &"7".into()), &customer("7", Some("x@example.com"), 10));
        old.put(keys::customer_email(STORE, "x@example.com"), &CustomerId::from("7"));
        old.commit().wait().unwrap();
        after_on(store, changes.to_vec()).holder_of("x@example.com")
    };
    assert_eq!(listed(&[]), Some("7".into()));
    assert_eq!(listed(&[named("8", "x@example.com", 20)]), Some("8".into()));
    assert_eq!(listed(&[named("7", "x@example.com", 20)]), Some("7".into()));
    assert_eq!(listed(&[named("7", "y@example.com", 20)]), None);
    assert_eq!(listed(&[Change::CustomerDeleted("7".into())]), None);
}

#[test]
fn what_an_event_leaves_out_of_a_customer_stays_as_it_was_known() {
    let full = Customer { tags: vec!["vip".into()], ..customer("7", Some("mira@example.com"), 10) };
    let bare = customer("7", None, 20);
    let mut known = after([full, bare].map(|customer| Change::Customer(Box::new(customer))));
    let learnt = known.customer("7").unwrap();
    assert_eq!((learnt.email.as_deref(), learnt.tags.len()), (Some("mira@example.com"), 1));
    assert_eq!(learnt.updated_at, Timestamp(20));
}

fn consent(accepts_marketing: bool, changed_at: u64) -> Change {
    let changed_at = Some(Timestamp(changed_at));
    Change::Consent(Consent { customer: "7".into(), accepts_marketing, changed_at })
}

#[test]
fn the_last_word_on_marketing_counts_in_whatever_order_it_comes() {
    let accepts = |changes: Vec<Change>| {
        let Known(mut transaction, _) = after(changes);
        transaction.get::<Customer>(&keys::customer(STORE, &"7".into())).unwrap().unwrap().accepts_marketing
    };
    let known = || Change::Customer(Box::new(customer("7", Some("mira@example.com"), 20)));
    assert_eq!(accepts(vec![known(), consent(true, 10), consent(false, 30)]), Some(false));
    assert_eq!(accepts(vec![known(), consent(false, 30), consent(true, 10)]), Some(false));
    assert_eq!(accepts(vec![consent(true, 10), known()]), Some(true), "kept until the customer is known");
}

#[test]
fn who_is_saved_anew_has_not_consented_anew() {
    let saved = |updated_at| {
        let said = Some(Timestamp(updated_at));
        let customer = Customer { accepts_marketing: Some(true), consent_at: said, ..customer("7", None, updated_at) };
        Change::Customer(Box::new(customer))
    };
    for changes in permutations(&[consent(true, 10), consent(false, 20), saved(30)]) {
        let known = after(changes).customer("7").unwrap();
        let [as_of, consented] = [known.consent_at, known.consented_at].map(|at| at.map(|at| at.0));
        assert_eq!((known.accepts_marketing, as_of, consented), (Some(true), Some(30), Some(10)));
    }
}

#[test]
fn a_consent_of_no_known_time_counts_and_is_no_new_one() {
    let undated = Change::Consent(Consent { customer: "7".into(), accepts_marketing: true, changed_at: None });
    let known = after([undated]).customer("7").unwrap();
    assert_eq!((known.accepts_marketing, known.consented_at), (Some(true), None));
}

fn product(title: &str, updated_at: u64) -> Product {
    Product { title: title.into(), updated_at: Timestamp(updated_at), ..Product::unknown("p".into()) }
}

#[test]
fn a_product_is_as_it_was_told_last_and_stays_deleted() {
    let [old, new] = [product("Tea", 10), product("Green tea", 20)].map(|product| Change::Product(Box::new(product)));
    let deleted = Change::ProductDeleted("p".into());
    for order in permutations(&[old, new, deleted.clone()]) {
        let known = after(order).0.get::<Product>(&keys::product(STORE, &"p".into())).unwrap().unwrap();
        assert_eq!(known, Product { deleted: true, ..product("Green tea", 20) });
    }
    let unknown = after([deleted]).0.get::<Product>(&keys::product(STORE, &"p".into())).unwrap().unwrap();
    assert!(unknown.deleted && unknown.updated_at == Timestamp(0));
}

#[test]
fn collections_that_have_been_read_stay_when_a_webhook_tells_of_a_product() {
    let read = Product { collections: vec!["tea".into()], ..product("Tea", 10) };
    let mut known = after([read, product("Green tea", 20)].map(|product| Change::Product(Box::new(product))));
    let known = known.0.get::<Product>(&keys::product(STORE, &"p".into())).unwrap().unwrap();
    assert_eq!((known.title.as_str(), known.collections), ("Green tea", vec!["tea".into()]));
}
