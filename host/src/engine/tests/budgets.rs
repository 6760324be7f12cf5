//! The merchant's bounds on what a plugin gives away: what counts against them by itself, and what is given back.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::{INVALID, NOW, OTHER, STORE, Sandbox, answer, capabilities::call_of};
use crate::{
    domain::{EffectStatus, Event},
    engine::{
        Ended,
        guest::{ANSWER, Guest},
    },
    store::{
        Transaction,
        budget::{Budget, BudgetBound, Period},
        keys,
        memory::MemoryStore,
    },
};

/// A store in which the merchant has bounded what the plugin gives away.
fn bounded(kind: &str, limit: u64) -> Transaction {
    let mut transaction = Transaction::new(Arc::new(MemoryStore::default()));
    let bound = BudgetBound { kind: kind.into(), period: Period::Day, limit };
    budget(|budget| budget.set_bounds(&mut transaction, &[bound]));
    transaction
}

fn budget<T>(with: impl FnOnce(Budget<'_>) -> T) -> T {
    with(Budget { store: STORE, plugin: &"guest".into(), zone: &TimeZone::UTC })
}

fn used(ended: &mut Ended) -> u64 {
    budget(|budget| budget.standing(&mut ended.transaction, NOW).unwrap()[0].used)
}

/// Calls one after the other, for the event of that id; each answer is kept under its number.
fn run(transaction: Transaction, event: &str, calls: impl FnOnce(&mut Guest) -> Vec<String>) -> Ended {
    let mut guest = Guest::default();
    let calls = calls(&mut guest);
    let keys: Vec<_> = (0..calls.len()).map(|number| guest.text(&number.to_string())).collect();
    let body: String = calls.iter().zip(keys).map(|(call, key)| format!("{call} (call $keep_answer {key})")).collect();
    let ended = Sandbox::new().run_on(transaction, &guest.component(&body), |input| {
        input.event = Arc::new(Event { id: event.into(), ..(*input.event).clone() });
    });
    ended.result.clone().unwrap();
    ended
}

#[test]
fn effects_and_tasks_count_themselves_and_what_passes_a_bound_is_not_queued() {
    for (capability, kind, costs) in [
        ("mail", "mails", 1),
        ("discounts", "money", 500),
        ("store-credit", "money", 700),
        ("gift-cards", "money", 900),
        ("orders", "gifts", 1),
    ] {
        let twice = |guest: &mut Guest| vec![call_of(capability, guest), call_of(capability, guest)];
        let mut ended = run(bounded(kind, 2 * costs - 1), "webhook/1", twice);
        assert_eq!((answer(&mut ended, "0"), ended.effects.len()), (Ok(()), 1), "{capability}");
        assert_eq!(answer(&mut ended, "1").unwrap_err().0, OTHER, "{capability}");
        assert_eq!(used(&mut ended), costs, "{capability}");
    }
}

#[test]
fn what_costs_nothing_or_another_kind_is_not_bounded() {
    for (capability, kind) in [("tags", "money"), ("metafields", "money"), ("mail", "gifts"), ("links", "tasks")] {
        let mut ended = run(bounded(kind, 0), "webhook/1", |guest| vec![call_of(capability, guest)]);
        assert_eq!((answer(&mut ended, "0"), used(&mut ended)), (Ok(()), 0), "{capability}");
    }
}

#[test]
fn a_task_counts_when_it_is_opened_and_not_when_it_is_replaced() {
    let twice = |guest: &mut Guest| vec![call_of("tasks", guest), call_of("tasks", guest)];
    let mut ended = run(bounded("tasks", 1), "webhook/1", twice);
    assert_eq!((answer(&mut ended, "0"), answer(&mut ended, "1"), used(&mut ended)), (Ok(()), Ok(()), 1));
    let mut ended = run(bounded("tasks", 0), "webhook/1", |guest| vec![call_of("tasks", guest)]);
    assert_eq!(answer(&mut ended, "0").unwrap_err().0, OTHER);
    assert!(!ended.transaction.contains(&keys::task(STORE, &"guest".into(), "review/1001")).unwrap());
}

#[test]
fn a_delivery_that_is_repeated_counts_once_and_one_that_fails_not_at_all() {
    let mail = |guest: &mut Guest| vec![call_of("mail", guest)];
    let ended = run(bounded("mails", 5), "webhook/1", mail);
    let mut ended = run(ended.transaction, "webhook/1", mail);
    assert_eq!(used(&mut ended), 1);
    let mut ended = run(ended.transaction, "webhook/2", mail);
    assert_eq!(used(&mut ended), 2);

    let mut guest = Guest::default();
    let why = guest.text("not now");
    let call = call_of("mail", &mut guest);
    let component = guest.component(&format!("{call} (return (call $retry {why}))"));
    let mut ended = Sandbox::new().run_on(ended.transaction, &component, |input| {
        input.event = Arc::new(Event { id: "webhook/3".into(), ..(*input.event).clone() });
    });
    assert_eq!(used(&mut ended), 2);
}

#[test]
fn what_is_taken_back_is_given_back() {
    let ended = run(bounded("mails", 1), "webhook/1", |guest| vec![call_of("mail", guest)]);
    let id = ended.effects[0].id.clone();
    let withdraw = |guest: &mut Guest| {
        let effect = guest.text(id.as_str());
        vec![format!("(i32.store (i32.const {ANSWER}) (i32.eqz (call $withdraw {effect})))"), call_of("mail", guest)]
    };
    let mut ended = run(ended.transaction, "webhook/2", withdraw);
    assert_eq!((answer(&mut ended, "0"), answer(&mut ended, "1"), used(&mut ended)), (Ok(()), Ok(()), 1));
    let withdrawn: crate::domain::Effect = ended.transaction.get(&keys::effect(STORE, &id)).unwrap().unwrap();
    assert_eq!(withdrawn.status, EffectStatus::Dropped { reason: "withdrawn by the plugin".into() });
}

#[test]
fn a_plugin_counts_what_it_names_itself_and_gives_it_back() {
    let spend = |guest: &mut Guest, kind: &str, amount: u64| {
        let kind = guest.text(kind);
        format!("(call $spend {kind} (i64.const {amount}) (i32.const {ANSWER}))")
    };
    let mut ended = run(bounded("points", 100), "webhook/1", |guest| {
        let points = guest.text("points");
        let back = format!("(call $give_back {points} (i64.const 60))");
        let calls = [("points", 60), ("points", 60), ("stars", u64::MAX), ("Points!", 1), ("", 1)];
        let mut calls: Vec<_> = calls.iter().map(|(kind, amount)| spend(guest, kind, *amount)).collect();
        calls.push(format!("{back} {}", spend(guest, "points", 90)));
        calls
    });
    let refusals: Vec<_> = (0..6).map(|number| answer(&mut ended, &number.to_string()).err().map(|it| it.0)).collect();
    assert_eq!(refusals, [None, Some(OTHER), None, Some(INVALID), Some(INVALID), None]);
    assert_eq!(used(&mut ended), 90);
}
