//! What a delivery reads and keeps besides state and effects: how effects stand, links, tasks, values at the platform, and
//! who may be whom.

use std::sync::Arc;

use super::{NOW, STORE, Sandbox, capabilities::call_of, keep_text, state};
use crate::{
    domain::{
        Birthday, Customer, CustomerId, Destination, Effect, EffectId, EffectKind, EffectStatus, Event, Mail, Signal,
        StoreId, Timestamp,
    },
    engine::{
        Ended, Input,
        guest::{ANSWER, Guest},
    },
    store::{LastChange, SharedLink, TaskRecord, Transaction, keys, memory::MemoryStore},
};

fn empty() -> Transaction {
    Transaction::new(Arc::new(MemoryStore::default()))
}

fn at(event: &str, now: Timestamp) -> impl FnOnce(&mut Input) {
    move |input| input.event = Arc::new(Event { id: event.into(), received_at: now, ..(*input.event).clone() })
}

fn run(transaction: Transaction, event: &str, body: impl FnOnce(&mut Guest) -> String) -> Ended {
    let mut guest = Guest::default();
    let body = body(&mut guest);
    let ended = Sandbox::new().run_on(transaction, &guest.component(&body), at(event, NOW));
    ended.result.clone().unwrap();
    ended
}

fn known(transaction: &mut Transaction, customer: &Customer) {
    transaction.put(keys::customer(STORE, &customer.id), customer);
}

fn customer(id: &str, first: &str, last: &str, email: &str) -> Customer {
    Customer {
        first_name: Some(first.into()),
        last_name: Some(last.into()),
        email: Some(email.into()),
        ..Customer::nobody(id.into())
    }
}

/// Puts a pending mail of the plugin into the outbox of `store`, as another delivery queued it for `send_at`; it is due now
/// at `due`.
fn queued(store: &Arc<MemoryStore>, id: &str, send_at: Timestamp, due: Timestamp, attempts: u32) -> Transaction {
    let ended = run(empty(), "webhook/0", |guest| call_of("mail", guest));
    let status = EffectStatus::Pending { due, last_error: Some("later".into()) };
    let EffectKind::Mail(mail) = ended.effects[0].kind.clone() else { panic!("the guest queues a mail") };
    let kind = EffectKind::Mail(Mail { send_at, ..mail });
    let effect = Effect { id: id.into(), kind, status, attempts, ..ended.effects[0].clone() };
    let mut transaction = Transaction::new(Arc::<MemoryStore>::clone(store));
    transaction.queue_effect(STORE, &effect);
    transaction.commit().wait().unwrap();
    Transaction::new(Arc::<MemoryStore>::clone(store))
}

/// Whether an effect is taken back, and how it stands then.
fn withdraw(transaction: Transaction, id: &str) -> (Ended, bool, Option<String>) {
    let mut ended = run(transaction, "webhook/1", |guest| {
        let [effect, taken, status, found] = [id, "taken", "status", "found"].map(|text| guest.text(text));
        format!(
            "(i32.store (i32.const {ANSWER}) (call $withdraw {effect})) (call $keep_answer {taken})
             (call $effect_standing {effect} (i32.const {ANSWER})) (call $keep_answer {found}) {}",
            keep_text(status, ANSWER + 4)
        )
    });
    let taken = state(&mut ended, "taken").unwrap()[0] == 1;
    let found = state(&mut ended, "found").unwrap()[0] == 1;
    let status = state(&mut ended, "status").map(|status| String::from_utf8(status).unwrap());
    (ended, taken, status.filter(|_| found))
}

#[test]
fn an_effect_that_waits_is_taken_back_and_one_that_may_be_under_way_is_not() {
    let later = Timestamp(NOW.0 + 1_000);
    for (send_at, due, attempts, is_marked, is_taken) in [
        (later, later, 0, false, true),
        (NOW, NOW, 0, false, false),
        // Put off now; a try before a crash may have done it.
        (NOW, later, 0, false, false),
        (later, later, 1, false, false),
        (later, later, 0, true, false),
    ] {
        let store = Arc::new(MemoryStore::default());
        let mut transaction = queued(&store, "abc", send_at, due, attempts);
        if is_marked {
            transaction.put_bytes(keys::under_way(STORE, &"abc".into()), Vec::new());
        }
        let (mut ended, taken, status) = withdraw(transaction, "abc");
        assert_eq!((taken, status.as_deref()), (is_taken, Some(if is_taken { "dropped" } else { "pending" })));
        let due = keys::Due::Effect { store: STORE, to: Destination::MailServer, id: "abc".into() }.key(due);
        assert_eq!(ended.transaction.contains(&due).unwrap(), !is_taken);
    }
}

#[test]
fn a_plugin_hears_and_takes_back_nothing_of_anothers_effects() {
    let mut transaction = queued(&Arc::default(), "abc", Timestamp(NOW.0 + 9), Timestamp(NOW.0 + 9), 0);
    let effect: Effect = transaction.get(&keys::effect(STORE, &"abc".into())).unwrap().unwrap();
    transaction.put(keys::effect(STORE, &effect.id), &Effect { plugin: "other".into(), ..effect.clone() });
    let (ended, taken, status) = withdraw(transaction, "abc");
    assert_eq!((taken, status), (false, None));
    assert_eq!(withdraw(ended.transaction, "unknown").2, None);
}

/// The link that is shared, and its address.
fn share(transaction: Transaction, event: &str) -> (Transaction, String, String) {
    let mut ended = run(transaction, event, |guest| {
        let [customer, name, url] = ["7", "name", "url"].map(|text| guest.text(text));
        let kept = keep_text(name, ANSWER + 4) + &keep_text(url, ANSWER + 12);
        format!("(call $share {customer} (i32.const {ANSWER})) {kept}")
    });
    let text = |ended: &mut Ended, key| String::from_utf8(state(ended, key).unwrap()).unwrap();
    let (name, url) = (text(&mut ended, "name"), text(&mut ended, "url"));
    (ended.transaction, name, url)
}

#[test]
fn a_customer_has_one_link_with_a_plugin_in_a_store() {
    let (mut transaction, name, url) = share(empty(), "webhook/1");
    assert_eq!(url, format!("https://regulars.example/l/{name}"));
    assert!(name.len() == 8 && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()), "{name}");
    let link = SharedLink { store: STORE, plugin: "guest".into(), customer: "7".into() };
    assert_eq!(transaction.get(&keys::link(&name)).unwrap(), Some(link));
    assert_eq!(share(transaction, "webhook/2").1, name);
    assert_eq!(share(empty(), "webhook/3").1, name, "it follows from whose it is");
}

#[test]
fn a_link_whose_name_is_taken_gets_another() {
    let (_, taken, _) = share(empty(), "webhook/1");
    let mut transaction = empty();
    let other = SharedLink { store: StoreId(2), plugin: "guest".into(), customer: "9".into() };
    transaction.put(keys::link(&taken), &other);
    let (mut transaction, name, _) = share(transaction, "webhook/1");
    assert_ne!(name, taken);
    assert_eq!(transaction.get(&keys::link(&taken)).unwrap(), Some(other));
    assert_eq!(share(transaction, "webhook/2").1, name);
}

/// Whose link the plugin is told that it is.
fn customer_of(transaction: Transaction, name: &str) -> (Transaction, Option<String>) {
    let mut ended = run(transaction, "webhook/9", |guest| {
        let [name, found, customer] = [name, "found", "customer"].map(|text| guest.text(text));
        let kept = keep_text(customer, ANSWER + 4);
        format!("(call $customer_of_link {name} (i32.const {ANSWER})) (call $keep_answer {found}) {kept}")
    });
    let found = state(&mut ended, "found").unwrap()[0] == 1;
    let customer = state(&mut ended, "customer").unwrap();
    (ended.transaction, found.then(|| String::from_utf8(customer).unwrap()))
}

#[test]
fn a_link_leads_to_the_customer_that_is_left_and_only_in_its_store_and_for_its_plugin() {
    let (mut transaction, name, _) = share(empty(), "webhook/1");
    known(&mut transaction, &Customer { merged_into: Some("8".into()), ..Customer::nobody("7".into()) });
    let (mut transaction, found) = customer_of(transaction, &format!(" {} ", name.to_lowercase()));
    assert_eq!(found.as_deref(), Some("8"));
    for (store, plugin) in [(StoreId(2), "guest"), (STORE, "other")] {
        let link = SharedLink { store, plugin: plugin.into(), customer: "7".into() };
        transaction.put(keys::link("ABCDEFGH"), &link);
        let found;
        (transaction, found) = customer_of(transaction, "ABCDEFGH");
        assert_eq!(found, None, "{store} {plugin}");
    }
    assert_eq!(customer_of(transaction, "UNKNOWN2").1, None);
}

#[test]
fn a_task_is_open_until_it_is_closed_and_keeps_the_time_at_which_it_was_opened() {
    let stored = keys::task(STORE, &"guest".into(), "review/1001");
    let ended = run(empty(), "webhook/1", |guest| call_of("tasks", guest));
    let mut guest = Guest::default();
    let again = call_of("tasks", &mut guest);
    let later = at("webhook/2", Timestamp(NOW.0 + 9));
    let mut ended = Sandbox::new().run_on(ended.transaction, &guest.component(&again), later);
    let task: TaskRecord = ended.transaction.get(&stored).unwrap().unwrap();
    assert_eq!((task.title.as_str(), task.opened_at), ("Is it real?", NOW));
    let close = |guest: &mut Guest| {
        let [task, was_open] = ["review/1001", "was open"].map(|text| guest.text(text));
        format!("(i32.store (i32.const {ANSWER}) (call $close_task {task})) (call $keep_answer {was_open})")
    };
    let mut ended = run(ended.transaction, "webhook/3", close);
    assert_eq!((state(&mut ended, "was open").unwrap()[0], ended.transaction.contains(&stored).unwrap()), (1, false));
    let mut ended = run(ended.transaction, "webhook/4", close);
    assert_eq!(state(&mut ended, "was open").unwrap()[0], 0);
}

#[test]
fn of_two_changes_of_one_value_the_first_is_taken_back_while_nobody_can_have_begun_it() {
    for (interface, field) in [("metafields", "points_balance"), ("birthdays", "facts.birth_date")] {
        let store = Arc::new(MemoryStore::default());
        let field = keys::last_change(STORE, &"guest".into(), &"7".into(), field);
        let change = |guest: &mut Guest| call_of(interface, guest);
        let status = |ended: &mut Ended, id: &EffectId| {
            let effect: Effect = ended.transaction.get(&keys::effect(STORE, id)).unwrap().unwrap();
            effect.status.stage().word()
        };
        let first = run(Transaction::new(Arc::<MemoryStore>::clone(&store)), "webhook/1", change);
        let mut second = run(first.transaction, "webhook/2", change);
        let [first, last] = [&first.effects[0].id, &second.effects[0].id.clone()];
        assert_eq!((status(&mut second, first), status(&mut second, last)), ("dropped", "pending"));
        second.transaction.commit().wait().unwrap();
        let mut third = run(Transaction::new(store), "webhook/3", change);
        assert_eq!(status(&mut third, last), "pending", "it may be under way");
        let newest = third.effects[0].id.clone();
        assert_eq!(third.transaction.get(&field).unwrap(), Some(LastChange { effect: newest }));
    }
}

#[test]
fn a_birthday_is_told_as_the_platform_last_told_it() {
    let told = |birthday: Option<Birthday>| {
        let mut transaction = empty();
        known(&mut transaction, &Customer { birthday, ..Customer::nobody("7".into()) });
        let mut ended = run(transaction, "webhook/1", |guest| {
            let [customer, key] = ["7", "answer"].map(|text| guest.text(text));
            format!("(call $birthday {customer} (i32.const {ANSWER})) (call $keep_answer {key})")
        });
        state(&mut ended, "answer").unwrap()[..8].to_vec()
    };
    assert_eq!(told(None)[0], 0);
    let birthday = |year| Some(Birthday { year, month: 2, day: 29 });
    assert_eq!(told(birthday(None))[..3], [1, 0, 0]);
    let year = 1992_i16.to_le_bytes();
    assert_eq!(told(birthday(Some(1992))), [1, 0, 1, 0, year[0], year[1], 2, 29]);
}

fn similarity(one: &Customer, other: &Customer) -> Option<(u32, u32)> {
    let mut transaction = empty();
    known(&mut transaction, one);
    known(&mut transaction, other);
    let mut ended = run(transaction, "webhook/1", |guest| {
        let [one, other, key] = [one.id.as_str(), other.id.as_str(), "answer"].map(|text| guest.text(text));
        format!("(call $compare {one} {other} (i32.const {ANSWER})) (call $keep_answer {key})")
    });
    let answer = state(&mut ended, "answer").unwrap();
    let number = |at: usize| u32::from_le_bytes(answer[at..at + 4].try_into().unwrap());
    (answer[0] == 1).then(|| (number(4), number(8)))
}

#[test]
fn names_and_addresses_are_compared_in_thousandths() {
    let mira = customer("7", "Mira", "Okonjo", "Mira.Okonjo+shop@example.com");
    let same = customer("8", "MIRA", "Okonjó", "miraokonjo@example.org");
    assert_eq!(similarity(&mira, &same), Some((1_000, 1_000)));
    // Winkler's own example: 0.961.
    let martha = customer("9", "Martha", "", "martha@example.com");
    let marhta = customer("10", "Marhta", "", "marhta@example.com");
    assert_eq!(similarity(&martha, &marhta), Some((961, 961)));
    assert_eq!(similarity(&mira, &Customer::nobody("8".into())), None);
    assert_eq!(similarity(&mira, &Customer { email: None, ..same }), None);
}

#[test]
fn signals_are_shown_as_this_plugin_of_this_store_sees_them() {
    let mira = customer("7", "Mira", "Okonjo", "mira@example.com");
    let mut transaction = empty();
    known(&mut transaction, &Customer { merged_into: Some("7".into()), ..Customer::nobody("6".into()) });
    known(&mut transaction, &mira);
    let mut ended = run(transaction, "webhook/1", |guest| {
        let [customer, count, key] = ["6", "count", "key"].map(|text| guest.text(text));
        // The first signal: its kind, then its key.
        let first = format!("(i32.store (i32.const 48) (i32.add (i32.load (i32.const {ANSWER})) (i32.const 8)))");
        format!(
            "(call $customer_signals {customer} (i32.const {ANSWER})) (call $keep_answer {count}) {first}
             (call $state_set {key} (i32.load (i32.load (i32.const 48)))
                 (i32.load (i32.add (i32.load (i32.const 48)) (i32.const 4))) (i32.const 64))"
        )
    });
    assert_eq!(state(&mut ended, "count").unwrap()[4], 2, "an address and a name");
    let expected = Signal::email("mira@example.com").unwrap().shown_to("fern.myshopify.com", "guest");
    assert_eq!(state(&mut ended, "key").unwrap(), expected.as_bytes());
}

#[test]
fn the_settings_version_is_told() {
    let mut ended = run(empty(), "webhook/1", |guest| {
        let key = guest.text("answer");
        format!("(i32.store (i32.const {ANSWER}) (call $settings_version)) (call $keep_answer {key})")
    });
    assert_eq!(state(&mut ended, "answer").unwrap()[0], 1);
}

#[test]
fn what_a_failed_delivery_has_kept_besides_is_taken_back() {
    let mut guest = Guest::default();
    let why = guest.text("not now");
    let calls = ["links", "tasks", "metafields", "gift-cards"].map(|name| call_of(name, &mut guest)).concat();
    let component = guest.component(&format!("{calls} (return (call $retry {why}))"));
    let mut ended = Sandbox::new().run(&component);
    ended.result.clone().unwrap_err();
    let customer = CustomerId::from("7");
    for key in [
        keys::customer_link(STORE, &"guest".into(), &customer),
        keys::task(STORE, &"guest".into(), "review/1001"),
        keys::last_change(STORE, &"guest".into(), &customer, "points_balance"),
    ] {
        assert!(!ended.transaction.contains(&key).unwrap(), "{key:?}");
    }
    assert!(ended.effects.is_empty());
}
