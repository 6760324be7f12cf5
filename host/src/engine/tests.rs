//! The sandbox against guests that misbehave, each in its own way: how the delivery ends, that nothing of it is kept,
//! and that the next delivery on the same engine works.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use serde_json::Map;

use super::{
    Ended, Engine, Error, Failure, Input, Plugin, PluginContext, StoreContext, UsageChange,
    guest::{ANSWER, Guest, Text},
    limits,
};
use crate::{
    domain::{Capability, Change, CodeKey, Event, Origin, Platform, ReadEvent, StoreId, Timestamp, Topic},
    store::{
        self, Commit, CommitError, Key, Scan, StateUsage, Store, Submitted, Transaction, Value, keys,
        memory::MemoryStore,
    },
};

mod budgets;
mod capabilities;
mod codes;
mod facts;
mod refusals;
mod rows;

const STORE: StoreId = StoreId(1);
const NOW: Timestamp = Timestamp(1_791_000_000_000);

struct Sandbox {
    engine: Engine,
    artefacts: tempfile::TempDir,
}

impl Sandbox {
    fn new() -> Self {
        Self { engine: Engine::new(limits::FUEL).unwrap(), artefacts: tempfile::tempdir().unwrap() }
    }

    fn load(&self, component: &[u8]) -> Result<Plugin, Error> {
        self.engine.load(component, self.artefacts.path())
    }

    fn run(&self, component: &[u8]) -> Ended {
        self.run_with(component, |_| {})
    }

    fn run_with(&self, component: &[u8], change: impl FnOnce(&mut Input)) -> Ended {
        self.run_on(Transaction::new(Arc::new(MemoryStore::default())), component, change)
    }

    /// Runs a delivery that finds what a transaction holds.
    fn run_on(&self, transaction: Transaction, component: &[u8], change: impl FnOnce(&mut Input)) -> Ended {
        let plugin = self.load(component).unwrap();
        let mut input = input();
        change(&mut input);
        self.engine.run(&plugin, input, transaction)
    }

    /// How a delivery fails that first counts and then does what `body` says; the next delivery has to work.
    fn failure(&self, guest: &mut Guest, body: &str) -> Failure {
        let key = guest.text("counted");
        let mut ended = self.run(&guest.component(&format!("(call $count {key}) {body}")));
        assert_eq!(state(&mut ended, "counted"), None, "a failed delivery's writes are not kept");
        assert_eq!((ended.effects.len(), ended.usage), (0, UsageChange::default()));
        self.assert_works();
        ended.result.unwrap_err()
    }

    fn assert_works(&self) {
        let mut guest = Guest::default();
        let key = guest.text("counted");
        let mut ended = self.run(&guest.component(&format!("(call $count {key})")));
        ended.result.clone().unwrap();
        assert_eq!(state(&mut ended, "counted").unwrap(), 1_u32.to_le_bytes());
    }
}

fn input() -> Input {
    let store = StoreContext {
        id: STORE,
        domain: "fern.myshopify.com".into(),
        currency: "EUR".parse().unwrap(),
        time_zone: jiff::tz::TimeZone::UTC,
        locale: "en".into(),
        public_url: "https://regulars.example".into(),
        code_key: CodeKey::under(&[7; 32]),
        protected_data: crate::domain::ProtectedData::default(),
    };
    let plugin = PluginContext {
        name: "guest".into(),
        settings: Map::new(),
        settings_version: 1,
        grants: Capability::ALL.iter().map(ToString::to_string).collect(),
        templates: BTreeSet::from(["welcome".into()]),
    };
    let event = Event {
        id: "webhook/1".into(),
        store: STORE,
        origin: Origin::Webhook {
            platform: Platform::Shopify,
            topic: "orders/paid".into(),
            api_version: "2026-10".into(),
        },
        occurred_at: NOW,
        received_at: NOW,
        body: Bytes::from_static(b"{}"),
    };
    Input {
        store: Arc::new(store),
        plugin: Arc::new(plugin),
        event: Arc::new(event),
        read: Arc::new(ReadEvent { topic: Topic::ORDER_PAID, change: Change::None }),
        customer: None,
        order: None,
        attempt: 1,
        usage: StateUsage::default(),
    }
}

fn state(ended: &mut Ended, key: &str) -> Option<Vec<u8>> {
    ended.transaction.get_bytes(&keys::state(STORE, &"guest".into(), key)).unwrap().map(<[u8]>::to_vec)
}

/// Code that keeps the text whose place and length stand at `at` under a key of the state.
fn keep_text(key: Text, at: u32) -> String {
    format!("(call $state_set {key} (i32.load (i32.const {at})) (i32.load (i32.const {})) (i32.const 64))", at + 4)
}

/// What the host answered to a call: nothing wrong, or the case of the refusal and its number.
fn answer(ended: &mut Ended, key: &str) -> Result<(), (u8, u32)> {
    let answer = state(ended, key).expect("the guest keeps the answer");
    match answer[0] {
        0 => Ok(()),
        _ => Err((answer[4], u32::from_le_bytes(answer[8..12].try_into().unwrap()))),
    }
}

const NOT_GRANTED: u8 = 0;
const OVER_LIMIT: u8 = 1;
const INVALID: u8 = 2;
const OTHER: u8 = 3;

/// Does `body` over and over, `times` times.
fn repeat(times: u32, body: &str) -> String {
    format!(
        "(loop $again {body} (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const {times}))))"
    )
}

#[test]
fn a_guest_that_traps_fails_alone() {
    let sandbox = Sandbox::new();
    let failure = sandbox.failure(&mut Guest::default(), "(unreachable)");
    assert!(matches!(&failure, Failure::Trap(text) if text.contains("unreachable")), "{failure}");
    let failure = sandbox.failure(&mut Guest::default(), "(drop (i32.load (i32.const -1)))");
    assert!(matches!(&failure, Failure::Trap(text) if text.contains("out of bounds")), "{failure}");
}

#[test]
fn an_endless_loop_ends_with_its_fuel() {
    let failure = Sandbox::new().failure(&mut Guest::default(), "(loop $on (br $on))");
    assert!(matches!(failure, Failure::OutOfFuel(limits::FUEL)), "{failure}");
}

#[test]
fn work_done_in_bulk_costs_fuel_by_the_byte() {
    let fill = "(drop (memory.grow (i32.const 250))) \
                (loop $on (memory.fill (i32.const 65536) (i32.const 1) (i32.const 16000000)) (br $on))";
    let failure = Sandbox::new().failure(&mut Guest::default(), fill);
    assert!(matches!(failure, Failure::OutOfFuel(_)), "{failure}");
}

#[test]
fn host_calls_that_take_long_are_ended_by_the_clock() {
    // Each call hands over 15 MiB, which the host has to read before it can refuse them.
    let mut guest = Guest::default();
    let failure = Sandbox::new().failure(
        &mut guest,
        &format!(
            "(drop (memory.grow (i32.const 250)))
             (loop $on (call $note (i32.const 0) (i32.const 15000000) (i32.const 0) (i32.const 0) (i32.const {ANSWER})) (br $on))"
        ),
    );
    assert!(matches!(failure, Failure::OutOfTime), "{failure}");
}

#[test]
fn a_guest_that_wants_all_memory_is_told_no_and_ends() {
    let grow = "(loop $on (br_if $on (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) (unreachable)";
    let failure = Sandbox::new().failure(&mut Guest::default(), grow);
    assert!(matches!(failure, Failure::OutOfMemory), "{failure}");
    // One that can live with a no lives on.
    let mut guest = Guest::default();
    let key = guest.text("grown");
    let body = format!(
        "(loop $on (br_if $on (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
         (i32.store (i32.const {ANSWER}) (memory.size)) (call $keep_answer {key})"
    );
    let mut ended = Sandbox::new().run(&guest.component(&body));
    ended.result.clone().unwrap();
    assert_eq!(state(&mut ended, "grown").unwrap()[..4], ((limits::MEMORY_BYTES >> 16) as u32).to_le_bytes());
}

#[test]
fn a_component_that_begins_with_too_much_memory_is_not_loaded() {
    let guest = Guest { pages: (limits::MEMORY_BYTES >> 16) + 1, ..Guest::default() };
    let error = Sandbox::new().load(&guest.component("")).unwrap_err();
    assert!(matches!(&error, Error::Compile(text) if text.contains("memory")), "{error}");
}

#[test]
fn a_recursion_without_end_overflows_only_its_own_stack() {
    let deeper = "(func $deeper (param i64 i64) (result i32)
        (i32.add (i32.const 1)
            (call $deeper (i64.add (local.get 0) (local.get 1)) (i64.mul (local.get 0) (local.get 1)))))";
    let mut guest = Guest { items: deeper.into(), ..Guest::default() };
    let failure = Sandbox::new().failure(&mut guest, "(drop (call $deeper (i64.const 2) (i64.const 3)))");
    assert!(matches!(failure, Failure::StackOverflow), "{failure}");
}

#[test]
fn a_table_that_grows_without_end_ends_the_delivery() {
    let mut guest = Guest { items: "(table $t 1 funcref)".into(), ..Guest::default() };
    let grow = "(loop $on (br_if $on (i32.ne (table.grow $t (ref.null func) (i32.const 1000)) (i32.const -1))))
                (unreachable)";
    let failure = Sandbox::new().failure(&mut guest, grow);
    assert!(matches!(failure, Failure::OutOfTable), "{failure}");
}

#[test]
fn notes_of_megabytes_are_refused_and_their_number_is_limited() {
    let mut guest = Guest::default();
    let (large, many, short) = (guest.text("large"), guest.text("many"), guest.text("short"));
    let note =
        |text: &dyn std::fmt::Display| format!("(call $note {text} (i32.const 0) (i32.const 0) (i32.const {ANSWER}))");
    let body = format!(
        "(drop (memory.grow (i32.const 200))) {} (call $keep_answer {large}) {} {} (call $keep_answer {many})",
        note(&"(i32.const 0) (i32.const 8000000)"),
        repeat(limits::NOTES, &note(&short)),
        note(&short),
    );
    let mut ended = Sandbox::new().run(&guest.component(&body));
    ended.result.clone().unwrap();
    assert_eq!(answer(&mut ended, "large"), Err((OVER_LIMIT, limits::NOTE_BYTES)));
    assert_eq!(answer(&mut ended, "many"), Err((OVER_LIMIT, limits::NOTES)));
    assert_eq!(ended.notes.len(), limits::NOTES as usize);
}

#[test]
fn a_list_that_names_the_same_bytes_many_times_is_not_copied_out() {
    // 4,000 fields, each of which is the guest's whole memory: 60 GB if the host believed them.
    let fields = "(loop $again
            (i32.store (i32.add (i32.const 131072) (i32.shl (local.get $n) (i32.const 4))) (i32.const 0))
            (i32.store (i32.add (i32.const 131076) (i32.shl (local.get $n) (i32.const 4))) (i32.const 15000000))
            (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 4000))))";
    let mut guest = Guest::default();
    let failure = Sandbox::new().failure(
        &mut guest,
        &format!(
            "(drop (memory.grow (i32.const 250))) {fields}
             (call $note (i32.const 0) (i32.const 1) (i32.const 131072) (i32.const 4000) (i32.const {ANSWER}))"
        ),
    );
    assert!(matches!(failure, Failure::Trap(_)), "{failure}");
}

#[test]
fn state_is_limited_by_value_by_key_and_by_delivery() {
    let mut guest = Guest::default();
    let [value, key, empty, whole, last] = ["value", "key", "empty", "whole", "last"].map(|name| guest.text(name));
    let long_key = guest.text(&"k".repeat(limits::STATE_KEY_BYTES as usize + 1));
    let set = |key: &dyn std::fmt::Display, length: u32| {
        format!("(call $state_set {key} (i32.const 0) (i32.const {length}) (i32.const {ANSWER}))")
    };
    let largest = limits::STATE_VALUE_BYTES;
    let fitting = limits::WRITTEN_BYTES / (largest + 5);
    // The answers' own bytes are small enough to fit beside the sixteenth part that is left free.
    let body = format!(
        "{} (call $keep_answer {value}) {} (call $keep_answer {key}) {} (call $keep_answer {empty}) {} {} (call $keep_answer {last})",
        set(&whole, largest + 1),
        set(&long_key, 1),
        set(&"(i32.const 0) (i32.const 0)", 1),
        repeat(fitting, &set(&whole, largest)),
        set(&whole, largest),
    );
    let mut ended = Sandbox::new().run(&guest.component(&body));
    ended.result.clone().unwrap();
    assert_eq!(answer(&mut ended, "value"), Err((OVER_LIMIT, limits::STATE_VALUE_BYTES)));
    assert_eq!(answer(&mut ended, "key"), Err((OVER_LIMIT, limits::STATE_KEY_BYTES)));
    assert_eq!(answer(&mut ended, "empty").unwrap_err().0, INVALID);
    assert_eq!(answer(&mut ended, "last"), Err((OVER_LIMIT, limits::WRITTEN_BYTES)));
    assert_eq!(state(&mut ended, "whole").unwrap().len(), largest as usize);
}

#[test]
fn a_plugin_that_has_filled_its_state_can_only_shrink_it() {
    let mut guest = Guest::default();
    let key = guest.text("key");
    let set = format!(
        "(call $state_set {key} (i32.const 0) (i32.const 9) (i32.const {ANSWER}))
         (if (i32.load8_u (i32.const {ANSWER})) (then (return (call $reject {key}))))"
    );
    let run =
        |body: &str, usage: StateUsage| Sandbox::new().run_with(&guest.component(body), |input| input.usage = usage);
    let full = StateUsage { keys: 2, bytes: limits::STATE_BYTES };
    assert!(matches!(run(&set, full).result, Err(Failure::Reject(_))));
    let many = StateUsage { keys: limits::STATE_KEYS, bytes: 0 };
    assert!(matches!(run(&set, many).result, Err(Failure::Reject(_))));
    let room = StateUsage { keys: limits::STATE_KEYS - 1, bytes: limits::STATE_BYTES - 12 };
    let ended = run(&set, room);
    ended.result.unwrap();
    assert_eq!(ended.usage, UsageChange { keys: 1, bytes: 12 });
    let delete = format!("{set} (call $state_delete {key} (i32.const {ANSWER}))");
    let ended = run(&delete, room);
    ended.result.unwrap();
    assert_eq!(ended.usage, UsageChange::default());
}

#[test]
fn reading_without_end_ends_the_delivery_before_it_fills_the_host() {
    let key = "(i32.const 128) (i32.const 4)";
    let read = format!(
        "(loop $on (i32.store (i32.const 128) (i32.add (i32.const 0x20202020) (local.tee $n (i32.add (local.get $n) (i32.const 1)))))
            (i32.store (i32.const 128) (i32.and (i32.load (i32.const 128)) (i32.const 0x7f7f7f7f)))
            (call $state_get {key} (i32.const {ANSWER})) (br $on))"
    );
    let failure = Sandbox::new().failure(&mut Guest::default(), &read);
    assert!(matches!(failure, Failure::ReadTooMuch), "{failure}");
}

#[test]
fn a_decision_lists_so_many_reads_and_no_more() {
    let body = repeat(
        1_000,
        &format!(
            "(i32.store (i32.const 128) (i32.add (i32.const 0x20202020) (local.get $n)))
             (i32.store (i32.const 128) (i32.and (i32.load (i32.const 128)) (i32.const 0x7f7f7f7f)))
             (call $state_get (i32.const 128) (i32.const 4) (i32.const {ANSWER}))"
        ),
    );
    let ended = Sandbox::new().run(&Guest::default().component(&body));
    ended.result.unwrap();
    assert_eq!(ended.reads.len(), limits::READS_LISTED);
}

#[test]
fn what_can_be_no_id_is_not_looked_for() {
    let long = "(i32.const 0) (i32.const 100000)";
    let body = format!(
        "(call $customer_by_id {long} (i32.const {ANSWER})) (if (i32.load8_u (i32.const {ANSWER})) (then (unreachable)))
         (call $orders_of {long} (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 9) (i32.const {ANSWER}))
         (if (i32.load (i32.add (i32.const {ANSWER}) (i32.const 4))) (then (unreachable)))
         (call $state_list {long} (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 9) (i32.const {ANSWER}))
         (if (i32.load (i32.add (i32.const {ANSWER}) (i32.const 4))) (then (unreachable)))
         (if (call $timer_cancel {long}) (then (unreachable)))"
    );
    let ended = Sandbox::new().run(&Guest::default().component(&body));
    ended.result.unwrap();
    assert_eq!(ended.reads, Vec::<String>::new());
}

#[test]
fn a_reason_of_megabytes_is_shortened() {
    let body = "(drop (memory.grow (i32.const 200))) (return (call $reject (i32.const 0) (i32.const 8000000)))";
    let failure = Sandbox::new().failure(&mut Guest::default(), body);
    assert!(matches!(&failure, Failure::Reject(reason) if reason.len() <= limits::REASON_BYTES + 3), "{failure:.99}");
}

#[test]
fn the_two_ways_to_fail_are_told_apart() {
    let sandbox = Sandbox::new();
    let mut guest = Guest::default();
    let later = guest.text("not now");
    let failure = sandbox.failure(&mut guest, &format!("(return (call $retry {later}))"));
    assert!(matches!(&failure, Failure::Retry(reason) if reason == "not now"), "{failure}");
    let failure = sandbox.failure(&mut guest, &format!("(return (call $reject {later}))"));
    assert!(matches!(&failure, Failure::Reject(reason) if reason == "not now"), "{failure}");
}

/// A store that cannot be read.
struct Broken;

fn broken() -> store::Error {
    store::Error::Stopped("the disk is gone".into())
}

impl Store for Broken {
    fn get(&self, _: &Key) -> Result<Option<Value>, store::Error> {
        Err(broken())
    }

    fn scan(&self, _: &Scan) -> Result<Vec<(Key, Value)>, store::Error> {
        Err(broken())
    }

    fn commit(&self, _: Commit) -> Submitted<Result<(), CommitError>> {
        Submitted::ready(Err(broken().into()))
    }
}

#[test]
fn a_store_that_fails_is_not_the_plugins_fault() {
    let sandbox = Sandbox::new();
    let mut guest = Guest::default();
    let key = guest.text("counted");
    let plugin = sandbox.load(&guest.component(&format!("(call $count {key})"))).unwrap();
    let ended = sandbox.engine.run(&plugin, input(), Transaction::new(Arc::new(Broken)));
    assert!(matches!(ended.result, Err(Failure::Host(store::Error::Stopped(_)))));
}

#[test]
fn the_same_input_gives_the_same_output_twice() {
    let mut guest = Guest::default();
    let [key, note] = ["drawn", "why"].map(|text| guest.text(text));
    let tags = capabilities::call_of("tags", &mut guest);
    let body = format!(
        "(i64.store (i32.const {ANSWER}) (call $random)) (i64.store (i32.const 24) (call $now)) (call $keep_answer {key})
         (call $note {note} (i32.const 0) (i32.const 0) (i32.const {ANSWER})) {tags}"
    );
    let component = guest.component(&body);
    let run = |sandbox: &Sandbox, change: fn(&mut Input)| {
        let mut ended = sandbox.run_with(&component, change);
        ended.result.clone().unwrap();
        (state(&mut ended, "drawn").unwrap(), ended.fuel, ended.effects, ended.notes, ended.reads, ended.usage)
    };
    let first = Sandbox::new();
    let once = run(&first, |_| {});
    assert_eq!(once.2.len(), 1);
    assert_eq!(once.0[8..16], NOW.0.to_le_bytes());
    assert_eq!(run(&first, |_| {}), once);
    assert_eq!(run(&Sandbox::new(), |_| {}), once);
    // A later attempt draws the same numbers, another event others.
    assert_eq!(run(&first, |input| input.attempt = 2).0, once.0);
    let other = run(&first, |input| {
        input.event = Arc::new(Event { id: "webhook/2".into(), ..(*input.event).clone() });
    });
    assert_ne!(other.0[..8], once.0[..8]);
    assert_ne!(other.2[0].id, once.2[0].id);
}

#[test]
fn every_nan_has_the_same_bits() {
    let mut guest = Guest::default();
    let key = guest.text("bits");
    // A payload that arithmetic would carry through, and two NaNs that processors make with either sign.
    let body = format!(
        "(i64.store (i32.const {ANSWER}) (i64.reinterpret_f64 (f64.add (f64.reinterpret_i64 (i64.const 0xfff4000000000123)) (f64.const 1))))
         (i64.store (i32.const 24) (i64.reinterpret_f64 (f64.div (local.get $f) (local.get $f))))
         (i64.store (i32.const 32) (i64.reinterpret_f64 (f64.sqrt (f64.sub (local.get $f) (f64.const 1)))))
         (call $keep_answer {key})"
    );
    let mut ended = Sandbox::new().run(&guest.component(&body));
    ended.result.clone().unwrap();
    let canonical = 0x7ff8_0000_0000_0000_u64.to_le_bytes();
    assert_eq!(state(&mut ended, "bits").unwrap()[..24], canonical.repeat(3));
}

#[test]
fn what_would_make_runs_differ_is_not_compiled() {
    let relaxed = "(func (result v128) (f32x4.relaxed_min (v128.const i64x2 0 0) (v128.const i64x2 0 0)))";
    for items in [relaxed, "(memory 1 1 shared)"] {
        let component = wat::parse_str(format!("(component (core module {items}))")).unwrap();
        let error = Sandbox::new().load(&component).unwrap_err();
        assert!(matches!(error, Error::Compile(_)), "{items}: {error}");
    }
}

#[test]
fn an_import_that_this_host_does_not_offer_is_named() {
    for (import, items) in [
        ("wasi:cli/environment@0.2.0", r#"(export "get-arguments" (func (result (list string))))"#),
        ("regulars:plugin/nuclear@0.1.0", r#"(export "launch" (func))"#),
        ("regulars:plugin/clock@0.2.0", r#"(export "now" (func (result u64)))"#),
        ("regulars:plugin/clock@0.1.0", r#"(export "now" (func (result string)))"#),
    ] {
        let component = wat::parse_str(format!("(component (import {import:?} (instance {items})))")).unwrap();
        let error = Sandbox::new().load(&component).unwrap_err();
        assert!(matches!(&error, Error::Link(text) if text.contains(import)), "{error}");
    }
}

#[test]
fn a_component_without_a_handler_or_bytes_that_are_none_are_not_loaded() {
    let error = Sandbox::new().load(&wat::parse_str("(component)").unwrap()).unwrap_err();
    assert!(matches!(&error, Error::Link(text) if text.contains("handler")), "{error}");
    let module = wat::parse_str("(module)").unwrap();
    for bytes in [&b"\0asm"[..], b"", &module] {
        let error = Sandbox::new().load(bytes).unwrap_err();
        assert!(matches!(error, Error::Compile(_)), "{error}");
    }
}

/// The one artefact under a folder.
fn artefact(folder: &Path) -> PathBuf {
    let version = fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    let files: Vec<_> = fs::read_dir(version).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files.into_iter().next().unwrap()
}

#[test]
fn an_artefact_is_written_once_and_read_from_then_on() {
    let sandbox = Sandbox::new();
    let component = Guest::default().component("");
    let hash = sandbox.load(&component).unwrap().hash;
    let path = artefact(sandbox.artefacts.path());
    assert_eq!(path.file_stem().unwrap().to_str().unwrap(), hash.to_string());
    assert_eq!(path.parent().unwrap().file_name().unwrap().to_str().unwrap(), sandbox.engine.version());
    // Had it been written again, it would be another file.
    let written = (inode(&path), fs::read(&path).unwrap());
    sandbox.run(&component).result.unwrap();
    let other_engine = Engine::new(1_000_000).unwrap();
    other_engine.load(&component, sandbox.artefacts.path()).unwrap();
    assert_eq!((inode(&path), fs::read(&path).unwrap()), written);
}

fn inode(path: &Path) -> u64 {
    std::os::unix::fs::MetadataExt::ino(&fs::metadata(path).unwrap())
}

#[test]
fn a_damaged_artefact_is_made_anew() {
    let sandbox = Sandbox::new();
    let mut guest = Guest::default();
    let key = guest.text("counted");
    let component = guest.component(&format!("(call $count {key})"));
    sandbox.load(&component).unwrap();
    let path = artefact(sandbox.artefacts.path());
    let whole = fs::read(&path).unwrap();
    let mut changed = whole.clone();
    // In the machine code, where wasmtime itself would not notice.
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    for damaged in
        [&[][..], &whole[..10], &whole[..whole.len() - 1], &changed, b"not an artefact at all, but long enough for one"]
    {
        fs::write(&path, damaged).unwrap();
        let mut ended = sandbox.run(&component);
        assert_eq!(state(&mut ended, "counted").unwrap(), 1_u32.to_le_bytes());
        assert_eq!(fs::read(&path).unwrap().len(), whole.len());
    }
}

#[test]
fn an_artefact_of_another_engine_version_is_not_looked_at() {
    let sandbox = Sandbox::new();
    let component = Guest::default().component("");
    sandbox.load(&component).unwrap();
    let path = artefact(sandbox.artefacts.path());
    let other = sandbox.artefacts.path().join("0123456789abcdef");
    fs::rename(path.parent().unwrap(), &other).unwrap();
    let kept = other.join(path.file_name().unwrap());
    fs::write(&kept, b"of another version").unwrap();
    sandbox.run(&component).result.unwrap();
    assert!(path.exists());
    assert_eq!(fs::read(&kept).unwrap(), b"of another version");
}
