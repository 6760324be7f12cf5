//! What a plugin reads of the event and of the store's past.

use std::sync::Arc;

use super::{NOW, STORE, input};
use crate::{
    domain::{
        Change, Customer, Dispute, Event, Fulfillment, LineItem, Money, Order, Origin, Product, ReadEvent, Timestamp,
        Topic,
    },
    engine::{
        Input,
        bindings::{clock, clock::Host as _, events, events::Host as _, facts::Host as _},
        delivery::Delivery,
    },
    store::{Transaction, keys, memory::MemoryStore},
};

fn transaction() -> Transaction {
    Transaction::new(Arc::new(MemoryStore::default()))
}

fn reading(input: Input) -> Delivery {
    Delivery::new(input, transaction())
}

/// A delivery in a store that holds these customers and orders.
fn holding(customers: &[Customer], orders: &[Order]) -> Delivery {
    let mut transaction = transaction();
    for customer in customers {
        transaction.put(keys::customer(STORE, &customer.id), customer);
    }
    for order in orders {
        transaction.put_order(STORE, None, order);
        if let Some(customer) = &order.customer {
            let id = order.id.as_str().as_bytes().to_vec();
            transaction.put_bytes(keys::customer_order(STORE, customer, order.placed_at, &order.id), id);
        }
    }
    Delivery::new(input(), transaction)
}

fn order(id: &str, customer: Option<&str>) -> Order {
    Order {
        customer: customer.map(Into::into),
        fulfillment_status: Some("partial".into()),
        country: Some("DE".into()),
        attributes: vec![("regulars_link".into(), "K3JQ7PZ2".into())],
        ..Order::sample(id, NOW)
    }
}

fn line() -> LineItem {
    let nothing = Money::zero("EUR".parse().unwrap());
    LineItem {
        id: "1".into(),
        product: None,
        variant: None,
        sku: None,
        title: "Tea".into(),
        quantity: 1,
        current_quantity: 1,
        gift_card: false,
        unit_price: nothing,
        discount: nothing,
        tax: nothing,
    }
}

fn merged(id: &str, into: &str) -> Customer {
    Customer { merged_into: Some(into.into()), ..Customer::nobody(id.into()) }
}

fn shipment(id: &str, order: &str) -> Fulfillment {
    Fulfillment {
        id: id.into(),
        order: order.into(),
        status: Some("success".into()),
        shipment_status: Some("delivered".into()),
        tracking_number: None,
        tracking_url: None,
        updated_at: NOW,
    }
}

fn of_origin(origin: Origin) -> Input {
    let event = Event { origin, body: "{\"a\":1}".into(), ..(*input().event).clone() };
    Input { event: Arc::new(event), ..input() }
}

fn of_change(topic: Topic, change: Change) -> Input {
    Input { read: Arc::new(ReadEvent { topic, change }), ..input() }
}

#[test]
fn an_action_tells_who_asks_or_whom_it_is_about() {
    let (plugin, name) = ("guest".into(), "redeem".to_owned());
    let asked = |origin: Origin, customer: Option<&str>| {
        let input = Input { customer: customer.map(Into::into), ..of_origin(origin) };
        let action = reading(input).get_action().unwrap().unwrap();
        assert_eq!((action.name.as_str(), action.input_json.as_str()), ("redeem", "{\"a\":1}"));
        action.customer_id
    };
    let shopper = Origin::Action { plugin, customer: "7".into(), name: name.clone() };
    assert_eq!(asked(shopper, Some("8")).as_deref(), Some("8"), "who was absorbed by 8 since");
    let merchant = |customer: Option<&str>| Origin::MerchantAction {
        plugin: "guest".into(),
        customer: customer.map(Into::into),
        name: name.clone(),
    };
    assert_eq!(asked(merchant(Some("7")), Some("8")).as_deref(), Some("8"));
    assert_eq!(asked(merchant(None), None), None);
    assert_eq!(asked(Origin::VisitorAction { plugin: "guest".into(), name: name.clone() }, None), None);
    assert!(reading(input()).get_action().unwrap().is_none());
}

#[test]
fn a_payload_is_the_senders_own_and_a_timers_is_none() {
    let payload = |origin: Origin| reading(of_origin(origin)).get_payload_json().unwrap();
    let visit = Origin::Visit { plugin: "guest".into(), customer: "7".into(), link: "K3JQ7PZ2".into() };
    assert_eq!(payload(visit), "{\"a\":1}");
    assert_eq!(payload(Origin::SettingsPublished { plugin: "guest".into(), version: 2 }), "{\"a\":1}");
    assert_eq!(payload(Origin::Timer { plugin: "guest".into(), key: "k".into(), due: NOW }), "null");
}

#[test]
fn a_shipment_and_a_dispute_are_told_by_their_own_events_alone() {
    let shipped = of_change(Topic::FULFILLMENT_UPDATED, Change::Fulfillment(Box::new(shipment("5", "1"))));
    let mut shipped = reading(shipped);
    let told = shipped.get_fulfillment().unwrap().unwrap();
    assert_eq!((told.order_id.as_str(), told.shipment_status.as_deref()), ("1", Some("delivered")));
    let amount = Money::new(4_972, "EUR".parse().unwrap());
    let dispute = Dispute { id: "3".into(), order: "1".into(), status: "needs_response".into(), amount };
    let mut disputed = reading(of_change(Topic::ORDER_DISPUTED, Change::Dispute(dispute)));
    let told = disputed.get_dispute().unwrap().unwrap();
    assert_eq!((told.order_id.as_str(), told.status.as_str(), told.amount.minor), ("1", "needs_response", 4_972));
    assert!(shipped.get_dispute().unwrap().is_none() && disputed.get_fulfillment().unwrap().is_none());
}

#[test]
fn the_shipments_of_an_order_are_listed_and_no_others() {
    let mut delivery = reading(input());
    for (id, order) in [("5", "1"), ("6", "1"), ("7", "12")] {
        let key = keys::fulfillment(STORE, &order.into(), &id.into());
        delivery.transaction.put(key, &shipment(id, order));
    }
    let listed = delivery.fulfillments_of("1".into()).unwrap();
    assert_eq!(listed.iter().map(|it| it.id.as_str()).collect::<Vec<_>>(), ["5", "6"]);
    assert!(delivery.fulfillments_of(String::new()).unwrap().is_empty());
}

#[test]
fn a_product_is_known_once_the_platform_has_told_of_it() {
    let mut delivery = reading(input());
    let tea = Product { title: "Tea".into(), updated_at: Timestamp(1), ..Product::unknown("p".into()) };
    delivery.transaction.put(keys::product(STORE, &tea.id), &Product { deleted: true, ..tea });
    let gone = Product { deleted: true, ..Product::unknown("q".into()) };
    delivery.transaction.put(keys::product(STORE, &gone.id), &gone);
    assert_eq!(delivery.product_by_id("p".into()).unwrap().unwrap().title, "Tea");
    for id in ["q", "r", ""] {
        assert!(delivery.product_by_id(id.into()).unwrap().is_none(), "{id}");
    }
}

#[test]
fn orders_are_listed_page_by_page_with_the_customers_that_are_left() {
    let orders = ["1", "2", "3"].map(|id| order(id, Some("7")));
    let mut delivery = holding(&[merged("7", "8")], &orders);
    let mut page = |after: Option<&str>, limit| {
        let listed = delivery.list_orders(after.map(Into::into), limit).unwrap();
        listed.into_iter().map(|order| (order.id, order.customer_id.unwrap())).collect::<Vec<_>>()
    };
    let of_8 = |id: &str| (id.to_owned(), "8".to_owned());
    assert_eq!(page(None, 2), [of_8("1"), of_8("2")]);
    assert_eq!(page(Some("2"), 2), [of_8("3")]);
    assert_eq!(page(Some("1b"), 9), [of_8("2"), of_8("3")], "after an id that is none");
    assert_eq!((page(Some(""), 9), page(None, 0)), (vec![], vec![]));
}

#[test]
fn a_page_of_orders_ends_once_they_have_many_lines_and_the_next_goes_on_behind_it() {
    let of_lines = |id: &str, count: usize| Order { lines: vec![line(); count], ..order(id, Some("7")) };
    let mut delivery = holding(&[], &[of_lines("1", 150), of_lines("2", 60), of_lines("3", 1)]);
    for (after, ids) in [(None, vec!["1", "2"]), (Some("2"), vec!["3"]), (Some("3"), vec![])] {
        let told = |page: Vec<events::Order>| page.into_iter().map(|order| order.id).collect::<Vec<_>>();
        let after = after.map(str::to_owned);
        assert_eq!(told(delivery.orders_of("7".into(), after.clone(), 100).unwrap()), ids);
        assert_eq!(told(delivery.list_orders(after, 100).unwrap()), ids);
    }
}

#[test]
fn customers_are_listed_without_those_who_are_absorbed_or_deleted() {
    let deleted = Customer { deleted: true, ..Customer::nobody("2".into()) };
    let guest = Customer::nobody(crate::domain::CustomerId::guest("mira@example.com"));
    let there = ["1", "4", "5"].map(|id| Customer::nobody(id.into()));
    let all = [&there[..], &[deleted, merged("3", "4"), guest]].concat();
    let mut delivery = holding(&all, &[]);
    let mut page = |after: Option<&str>, limit| {
        let listed = delivery.list_customers(after.map(Into::into), limit).unwrap();
        listed.into_iter().map(|customer| (customer.id, customer.guest)).collect::<Vec<_>>()
    };
    let first = page(None, 2);
    assert_eq!(first, [("1".to_owned(), false), ("4".to_owned(), false)], "a page is as long as it may be");
    let rest = page(Some("4"), 1_000);
    assert_eq!((rest.len(), &rest[0], rest[1].1), (2, &("5".to_owned(), false), true));
    assert_eq!(page(Some(&rest[1].0), 9), []);
}

#[test]
fn an_order_tells_where_it_goes_and_what_the_storefront_noted() {
    let told = holding(&[], &[order("1", None)]).order_by_id("1".into()).unwrap().unwrap();
    assert_eq!((told.country.as_deref(), told.fulfillment_status.as_deref()), (Some("DE"), Some("partial")));
    assert_eq!((told.attributes, told.customer_id), (vec![("regulars_link".into(), "K3JQ7PZ2".into())], None));
}

#[test]
fn an_instant_is_by_the_stores_clocks() {
    let instant = reading(input()).instant_of(clock::Date { year: 1970, month: 1, day: 2 }, 60).unwrap();
    assert_eq!(instant, (24 + 1) * 3_600_000);
}
