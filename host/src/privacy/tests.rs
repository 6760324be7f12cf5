//! Every table is in the file of a person or holds nobody, and of two people's rows only the right ones are found.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use super::{Person, Place, erase, file, tables};
use crate::{
    catalog::manifest::Holder,
    domain::{
        Act, Actor, AuditEntry, AuditKey, Checkout, Contact, ContactId, Customer, CustomerId, Effect, EffectKind,
        EffectStatus, Event, Fulfillment, Merge, Order, Origin, Refund, StoreId, TagChange, Timestamp, Topic,
    },
    store::{
        Archive, Error, EventRecord, Key, LastChange, Position, Scan, SharedLink, Store, Submitted, Table, TaskRecord,
        TimerRecord, Told, Transaction,
        budget::Counted,
        keys,
        memory::{MemoryInbox, MemoryStore},
    },
};

const SHOP: StoreId = StoreId(3);
const PLUGIN: &str = "points";

#[derive(Default)]
struct Mails(Mutex<Vec<Vec<u8>>>);

impl Archive for Mails {
    fn append(&self, record: Vec<u8>) -> Submitted<Result<Position, Error>> {
        let mut mails = self.0.lock().unwrap();
        mails.push(record);
        Submitted::ready(Ok(Position(mails.len() as u64)))
    }

    fn get(&self, position: Position) -> Result<Option<bytes::Bytes>, Error> {
        Ok(self.0.lock().unwrap().get(position.0 as usize - 1).map(|mail| mail.clone().into()))
    }
}

struct Shop {
    store: Arc<MemoryStore>,
    sources: file::Sources,
}

fn shop() -> Shop {
    let store = Arc::new(MemoryStore::default());
    let place = Place {
        store: Arc::<MemoryStore>::clone(&store),
        id: SHOP,
        domain: "fern.myshopify.com".into(),
        plugins: BTreeMap::from([(PLUGIN.into(), BTreeMap::new())]),
    };
    let audit = AuditKey::under(&[7; 32]);
    let sources =
        file::Sources { place, inbox: Arc::new(MemoryInbox::default()), archive: Arc::new(Mails::default()), audit };
    Shop { store, sources }
}

/// Rows of every table that holds people: each names `who`, and says `word`.
async fn seed(shop: &Shop, who: &str, word: &str) {
    let (customer, order, effect) = (CustomerId::from(who), format!("o{who}"), format!("e{who}"));
    let at = Timestamp(5);
    let (link, plugin) = (format!("L{who}"), PLUGIN.into());
    let mut rows = Transaction::new(Arc::<MemoryStore>::clone(&shop.store));
    rows.put(
        keys::customer(SHOP, &customer),
        &Customer { first_name: Some(word.into()), ..Customer::nobody(who.into()) },
    );
    rows.put(keys::customer_of_email(SHOP, &format!("{word}@example.com"), &customer), &at);
    let absorbed = CustomerId::from(format!("absorbed-by-{who}"));
    rows.put_bytes(keys::absorbed(SHOP, &customer, &absorbed), Vec::new());
    let merge = Merge { kept: customer.clone(), removed: absorbed, completed: true };
    let position = Position(1 + u64::from(who.bytes().next().unwrap()));
    rows.put(keys::untold_merge(SHOP, &plugin, position), &merge);
    rows.put_bytes(keys::redacted(SHOP, &customer), Vec::new());
    rows.put_bytes(keys::redacted_order(SHOP, &order.as_str().into()), Vec::new());
    let placed = Order { customer: Some(customer.clone()), email: Some(word.into()), ..Order::sample(&order, at) };
    rows.put_order(SHOP, None, &placed);
    let refund = Refund {
        id: word.into(),
        order: order.as_str().into(),
        refunded_at: at,
        lines: Vec::new(),
        shipping: None,
        adjustment: None,
    };
    rows.put(keys::refund(SHOP, &refund.order, &refund.id), &refund);
    let shipment = Fulfillment {
        id: "f".into(),
        order: order.as_str().into(),
        status: None,
        shipment_status: None,
        tracking_number: Some(word.into()),
        tracking_url: None,
        updated_at: at,
    };
    rows.put(keys::fulfillment(SHOP, &shipment.order, &shipment.id), &shipment);
    let checkout = Checkout {
        id: format!("c{who}").into(),
        customer: Some(customer.clone()),
        email: Some(format!("{word}@example.com")),
        recovery_url: None,
        total: None,
        completed_at: None,
        updated_at: at,
    };
    rows.put_checkout(SHOP, &checkout).unwrap();
    rows.put(keys::told(SHOP, &order.as_str().into()), &Told::default());
    let event = Event {
        id: word.into(),
        store: SHOP,
        origin: Origin::VisitorAction { plugin: PLUGIN.into(), name: "n".into() },
        occurred_at: at,
        received_at: at,
        body: format!(r#"{{"said": "{word}"}}"#).into(),
    };
    let position = shop.sources.inbox.append(&event).await.unwrap();
    let record = EventRecord {
        position,
        id: event.id,
        topic: Topic::ORDER_PAID,
        platform_topic: None,
        occurred_at: at,
        received_at: at,
        customer: Some(customer.clone()),
        order: None,
        unreadable: None,
        read_again: None,
        deliveries: Vec::new(),
    };
    rows.put(keys::event(SHOP, position), &record);
    rows.put_bytes(keys::state(SHOP, &plugin, &format!("entry/{who}/1")), format!("\"{word}\"").into_bytes());
    rows.put(keys::timer(SHOP, &plugin, &format!("expire/{who}")), &TimerRecord { due: at, payload: word.into() });
    let task = TaskRecord {
        title: word.into(),
        details: Vec::new(),
        customer: Some(customer.clone()),
        order: None,
        choices: Vec::new(),
        due: None,
        opened_at: at,
    };
    rows.put(keys::task(SHOP, &plugin, &format!("t{who}")), &task);
    let shared = SharedLink { store: SHOP, plugin: PLUGIN.into(), customer: customer.clone() };
    rows.put(keys::link(&link), &shared);
    let tags = TagChange { customer: customer.clone(), add: vec![word.into()], remove: Vec::new() };
    let queued = Effect {
        id: effect.as_str().into(),
        plugin: PLUGIN.into(),
        event: "webhook/1".into(),
        kind: EffectKind::ChangeTags(tags),
        after: None,
        status: EffectStatus::Done { receipt: String::new() },
        attempts: 1,
        queued_at: at,
        updated_at: at,
    };
    rows.put_effect(SHOP, None, &queued);
    let copy = shop.sources.archive.append(format!(r#"{{"to": "{word}"}}"#).into_bytes()).await.unwrap();
    rows.put(keys::mail_copy(SHOP, &queued.id), &copy);
    rows.put(keys::budget_counted(SHOP, &queued.id), &Counted { kind: word.into(), amount: 1, counters: Vec::new() });
    rows.put(keys::last_change(SHOP, &plugin, &customer, word), &LastChange { effect: queued.id });
    let contact = Contact { customer: Some(customer.clone()), ..Contact::default() };
    rows.put(keys::contact(SHOP, ContactId([who.as_bytes()[0]; 16])), &contact);
    let audited = AuditEntry {
        at,
        act: Act::DataRead,
        by: Actor::Operator,
        store: SHOP,
        domain: "fern.myshopify.com".into(),
        customer: Some(shop.sources.audit.customer(SHOP, &customer)),
        event: Some(word.into()),
    };
    rows.append_audit(&audited).unwrap();
    rows.commit().await.unwrap();
}

#[tokio::test]
async fn the_file_has_a_persons_row_of_every_table_and_no_other_persons() {
    let shop = shop();
    seed(&shop, "7", "mira").await;
    seed(&shop, "8", "nora").await;
    let person = Person::named(&shop.sources.place, &"7".into(), BTreeSet::new()).await.unwrap();
    let file = file::of(&shop.sources, &person, Timestamp(9)).await.unwrap();
    for table in Table::ALL {
        if let Some(section) = tables::of(table).section {
            let rows = file["data"][section].as_array().unwrap();
            assert_eq!(rows.len(), 1, "{table:?}: {rows:?}");
        }
    }
    let text = file.to_string();
    assert!(!text.contains("nora"), "{text}");
    assert_eq!(file["data"]["mails"][0]["to"], "mira");
    assert_eq!(file["data"]["events"][0]["notice"]["said"], "mira", "as it came");
    // Whatever says the word is in the file as often as it is kept, and in no table that the file leaves out.
    for (key, value) in all_rows(&shop) {
        let row = [key.as_bytes(), &value].concat();
        let table = Table::ALL.into_iter().find(|table| *table as u8 == key.as_bytes()[4]).unwrap();
        let says = row.windows(4).any(|part| part == b"mira");
        let is_way = matches!(table, Table::CustomerCheckout | Table::Due);
        assert!(
            !says || tables::of(table).section.is_some() || is_way,
            "{table:?} holds people and is not in the file"
        );
    }
}

#[tokio::test]
async fn an_order_that_a_request_names_is_in_the_file_whosever_it_is() {
    let shop = shop();
    seed(&shop, "7", "mira").await;
    seed(&shop, "8", "nora").await;
    let person = Person::named(&shop.sources.place, &"7".into(), BTreeSet::from(["o8".into()])).await.unwrap();
    let file = file::of(&shop.sources, &person, Timestamp(9)).await.unwrap();
    assert_eq!(file["data"]["orders"].as_array().unwrap().len(), 2);
    assert_eq!(file["data"]["records"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_checkout_of_an_address_alone_is_its_customers_once_the_platform_has_seen_that() {
    let shop = shop();
    let begun = Checkout {
        id: "c1".into(),
        customer: None,
        email: Some("mira@example.com".into()),
        recovery_url: None,
        total: None,
        completed_at: None,
        updated_at: Timestamp(5),
    };
    for email_verified in [false, true] {
        let email = Some("Mira@example.com".into());
        let customer = Customer { email, email_verified, ..Customer::nobody("7".into()) };
        let mut rows = Transaction::new(Arc::<MemoryStore>::clone(&shop.store));
        rows.put(keys::customer(SHOP, &customer.id), &customer);
        rows.put_checkout(SHOP, &begun).unwrap();
        rows.commit().await.unwrap();
        let person = Person::named(&shop.sources.place, &customer.id, BTreeSet::new()).await.unwrap();
        assert_eq!(person.has_begun(&begun), email_verified);
    }
}

#[tokio::test]
async fn a_plugins_key_is_the_persons_whose_id_is_a_part_of_it() {
    let shop = shop();
    let mut person = Person::named(&shop.sources.place, &"gid://shop/7".into(), BTreeSet::new()).await.unwrap();
    person.orders.insert("41".into());
    person.links.insert("K3JQ7PZ2".into());
    let has = |key: &str| person.has_key(&PLUGIN.into(), key);
    for key in ["entry/gid:%2F%2Fshop%2F7/1", "order/41", "visits/K3JQ7PZ2", "41"] {
        assert!(has(key), "{key}");
    }
    for key in ["entry/gid:%2F%2Fshop%2F70/1", "order/412", "stock/gift-41", ""] {
        assert!(!has(key), "{key}");
    }
}

#[tokio::test]
async fn an_erasure_leaves_no_row_of_the_store_and_all_of_others() {
    let shop = shop();
    seed(&shop, "7", "mira").await;
    let mut other = Transaction::new(Arc::<MemoryStore>::clone(&shop.store));
    other.put_bytes(keys::state(StoreId(4), &PLUGIN.into(), "entry/7"), b"kept".to_vec());
    let shared = SharedLink { store: StoreId(4), plugin: PLUGIN.into(), customer: "7".into() };
    other.put(keys::link("LOTHER"), &shared);
    other.commit().await.unwrap();
    let store: Arc<dyn Store> = Arc::<MemoryStore>::clone(&shop.store);
    assert!(erase::count(&*store, SHOP).unwrap() > 20);
    while erase::delete_page(&store, SHOP).await.unwrap() {}
    let left: Vec<_> = all_rows(&shop).into_iter().map(|(key, _)| key).collect();
    let audit = left.iter().filter(|key| key.as_bytes().starts_with(keys::audit_trail().as_bytes())).count();
    assert_eq!((left.len(), audit), (3, 1), "{left:?}");
    assert_eq!(erase::count(&*store, SHOP).unwrap(), 0);
}

fn all_rows(shop: &Shop) -> Vec<(Key, Vec<u8>)> {
    let rows = shop.store.scan(&Scan::of(Key::from_bytes(Vec::new()), usize::MAX)).unwrap();
    rows.into_iter().map(|(key, value)| (key, value.bytes)).collect()
}

#[tokio::test]
async fn where_an_order_has_the_id_of_a_customer_what_a_plugin_says_of_its_keys_tells_whose_they_are() {
    let shop = shop();
    let mut rows = Transaction::new(Arc::<MemoryStore>::clone(&shop.store));
    let placed = Order { customer: Some("7".into()), ..Order::sample("12", Timestamp(5)) };
    rows.put_order(SHOP, None, &placed);
    rows.commit().await.unwrap();
    let mut place = shop.sources.place.clone();
    let keys =
        [("account", Holder::Customer), ("claim", Holder::Order)].map(|(head, holder)| (head.to_owned(), holder));
    place.plugins.insert(PLUGIN.into(), keys.into_iter().collect());
    let person = Person::named(&place, &"7".into(), BTreeSet::new()).await.unwrap();
    let is_theirs = |key: &str| person.has_key(&PLUGIN.into(), key);
    assert_eq!(["account/7", "account/12", "claim/7", "claim/12"].map(is_theirs), [true, false, false, true]);
    assert_eq!(["other/7", "other/12"].map(is_theirs), [true, true], "of others either may be meant");
    assert!(
        !person.has_timer(&PLUGIN.into(), "account/12", b"12") && person.has_timer(&PLUGIN.into(), "claim/3", b"12")
    );
}
