//! What a panel may do, and what it may not.

use std::collections::BTreeSet;

use serde_json::{Map, json};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use super::*;
use crate::{
    domain::{CodeKey, StoreId},
    engine::guest::Guest,
    store::{Store, keys, memory::MemoryStore},
};

const WIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../plugin-sdk/wit/v0");
const STORE: StoreId = StoreId(7);
const KEY: &str = "shown";

/// A guest whose `render` does what `body` says and answers with what stands at 256. The first block stands at 2048; the
/// view's locale is `$locale`, `$locale_len`.
fn shown(body: &str) -> Vec<u8> {
    let text = format!(
        r#"(module
            (import "regulars:plugin/state@0.1.0" "get" (func $get (param i32 i32 i32)))
            (import "regulars:plugin/state@0.1.0" "set" (func $set (param i32 i32 i32 i32 i32)))
            (import "regulars:plugin/events@0.1.0" "get-payload-json" (func $payload (param i32)))
            (import "regulars:plugin/events@0.1.0" "get-action" (func $action (param i32)))
            (memory (export "memory") 3)
            (data (i32.const 1024) "{KEY}") (data (i32.const 1040) "figure") (data (i32.const 1056) "not today")
            (global $free (mut i32) (i32.const 131072))
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                (local.tee 0 (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
                (global.set $free (i32.add (local.get 0) (local.get 3))))
            (func (export "regulars:plugin/handler@0.1.0#handle")
                (param i32 i32 i32 i32 i32 i32 i64 i32) (result i32) (i32.const 0))
            (func $blocks (param $count i32)
                (i32.store (i32.const 256) (i32.const 0))
                (i32.store (i32.const 260) (i32.const 2048)) (i32.store (i32.const 264) (local.get $count)))
            (func $text (param $at i32) (param $text i32) (param $length i32)
                (i32.store (local.get $at) (local.get $text))
                (i32.store offset=4 (local.get $at) (local.get $length)))
            (func (export "regulars:plugin/panel@0.1.0#render")
                (param i32 i32) (param i32 i32 i32) (param $locale i32) (param $locale_len i32)
                (param i32 i32 i32) (result i32)
                {body} (i32.const 256)))"#
    );
    let mut module = wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(WIT).unwrap();
    for world in ["plugin", "shown"] {
        let world = resolve.select_world(&[package], Some(world)).unwrap();
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).unwrap();
    }
    ComponentEncoder::default().module(&module).and_then(ComponentEncoder::encode).unwrap_or_else(|e| panic!("{e:#}"))
}

/// A figure, by the locale's name, of what stands in the state.
const FIGURE: &str = r#"
    (call $text (i32.const 2048) (i32.const 1040) (i32.const 6))
    (call $text (i32.const 2056) (local.get $locale) (local.get $locale_len))
    (call $get (i32.const 1024) (i32.const 5) (i32.const 16))
    (if (i32.load8_u (i32.const 16)) (then
        (call $text (i32.const 2072) (i32.load (i32.const 20)) (i32.load (i32.const 24)))))
    (call $blocks (i32.const 1))"#;

struct Bench {
    engine: Engine,
    store: Arc<MemoryStore>,
    artefacts: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let artefacts = tempfile::tempdir().unwrap();
        Self { engine: Engine::new(limits::FUEL).unwrap(), store: Arc::default(), artefacts }
    }

    fn keep(&self, value: &[u8]) {
        let mut transaction = Transaction::new(Arc::<MemoryStore>::clone(&self.store));
        transaction.put_bytes(keys::state(STORE, &"guest".into(), KEY), value.to_vec());
        transaction.commit().wait().unwrap();
    }

    fn kept(&self) -> Option<Vec<u8>> {
        self.store.get(&keys::state(STORE, &"guest".into(), KEY)).unwrap().map(|value| value.bytes)
    }

    fn render(&self, component: &[u8]) -> Result<Vec<Block>, PanelError> {
        let plugin = self.engine.load(component, self.artefacts.path()).unwrap();
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
        let context = PluginContext {
            name: "guest".into(),
            settings: Map::new(),
            settings_version: 1,
            grants: BTreeSet::new(),
            templates: BTreeSet::new(),
        };
        let view = View { kind: ViewKind::Panel, customer: Some("7".into()), locale: "de".into() };
        let transaction = Transaction::new(Arc::<MemoryStore>::clone(&self.store));
        self.engine.render(&plugin, (Arc::new(store), Arc::new(context)), &view, Timestamp(1), transaction)
    }
}

fn figure(title: &str, value: &str) -> Block {
    Block { kind: "figure".into(), title: title.into(), value: value.into(), ..Block::default() }
}

#[test]
fn a_panel_shows_what_the_plugin_knows_in_the_language_that_is_asked_for() {
    let bench = Bench::new();
    bench.keep(b"38 points");
    assert_eq!(bench.render(&shown(FIGURE)).unwrap(), [figure("de", "38 points")]);
}

#[test]
fn what_a_panel_writes_is_thrown_away() {
    let bench = Bench::new();
    bench.keep(b"before");
    let written =
        format!("(call $set (i32.const 1024) (i32.const 5) (i32.const 1056) (i32.const 9) (i32.const 64)) {FIGURE}");
    assert_eq!(bench.render(&shown(&written)).unwrap(), [figure("de", "not today")], "it sees its own writes");
    assert_eq!(bench.kept().unwrap(), b"before");
}

#[test]
fn a_rendering_is_no_event() {
    let bench = Bench::new();
    let asked = format!(
        "(call $action (i32.const 16)) (if (i32.load8_u (i32.const 16)) (then unreachable))
         (call $payload (i32.const 16))
         (call $set (i32.const 1024) (i32.const 5) (i32.load (i32.const 16)) (i32.load (i32.const 20)) (i32.const 64))
         {FIGURE}"
    );
    assert_eq!(bench.render(&shown(&asked)).unwrap(), [figure("de", "null")]);
}

#[test]
fn a_plugin_may_say_why_it_draws_nothing() {
    let refuses = "(i32.store (i32.const 256) (i32.const 1))
        (call $text (i32.const 260) (i32.const 1056) (i32.const 9))";
    let error = Bench::new().render(&shown(refuses)).unwrap_err();
    assert!(matches!(&error, PanelError::Refused(reason) if reason == "not today"), "{error}");
}

#[test]
fn a_panel_has_the_limits_of_a_delivery() {
    let bench = Bench::new();
    let failure = |body: &str| bench.render(&shown(body)).unwrap_err();
    assert!(matches!(failure("(loop $on (br $on))"), PanelError::Failed(Failure::OutOfFuel(_))));
    assert!(matches!(
        failure("(drop (memory.grow (i32.const 1000))) unreachable"),
        PanelError::Failed(Failure::OutOfMemory)
    ));
    assert!(matches!(failure("unreachable"), PanelError::Failed(Failure::Trap(_))));
    let beyond = failure("(call $blocks (i32.const 1000000))");
    assert!(matches!(beyond, PanelError::Failed(Failure::Trap(_))), "{beyond}");
    // The same text four times, as long as it may be in all.
    let large = (0..4)
        .map(|block| format!("(call $text (i32.const {}) (i32.const 65536) (i32.const 65536))", 2048 + 96 * block));
    let large = large.collect::<String>() + "(call $blocks (i32.const 4))";
    assert!(matches!(failure(&large), PanelError::TooLarge));
}

#[test]
fn a_plugin_without_a_panel_says_so() {
    let bench = Bench::new();
    let component = Guest::default().component("");
    let plugin = bench.engine.load(&component, bench.artefacts.path()).unwrap();
    assert!(!plugin.has_panel());
    assert!(matches!(bench.render(&component).unwrap_err(), PanelError::None));
    let plugin = bench.engine.load(&shown(FIGURE), bench.artefacts.path()).unwrap();
    assert!(plugin.has_panel());
}

#[test]
fn a_block_tells_only_what_it_has() {
    let progress = Block {
        kind: "progress".into(),
        title: "Silver".into(),
        progress: Some(Progress { done: 3, of: 10 }),
        ..Block::default()
    };
    let expected = json!({ "kind": "progress", "title": "Silver", "progress": { "done": 3, "of": 10 } });
    assert_eq!(serde_json::to_value(progress).unwrap(), expected);
}
