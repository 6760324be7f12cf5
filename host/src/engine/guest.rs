//! Guests for tests: the body of `handle` as WebAssembly text, made into a component against the project's WIT.

use std::fmt;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

const WIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../plugin-sdk/wit/v0");

/// Where a call that answers with more than a number leaves its answer: room for 32 bytes.
pub const ANSWER: u32 = 16;

/// Where a list of one text stands.
pub const LIST: u32 = 200;

/// Where the terms of a discount stand that `$terms` has filled, and behind them what the discount is worth.
pub const TERMS: u32 = 1152;

/// What stands where in a discount's terms.
pub const PRODUCTS: u32 = TERMS + 56;
pub const IS_OFFER: u32 = TERMS + 106;
pub const COMBINES: u32 = TERMS + 105;
pub const WORTH: u32 = TERMS + 112;

/// Where texts begin. Below lie answers, failures, arguments and scratch space.
const TEXTS: u32 = 2048;

/// What a guest may call: the name in its code, then interface, function and core signature.
const IMPORTS: &[(&str, &str, &str, &str)] = &[
    ("customer", "events", "get-customer", "(param i32)"),
    ("order", "events", "get-order", "(param i32)"),
    ("action", "events", "get-action", "(param i32)"),
    ("merge", "events", "get-merge", "(param i32)"),
    ("payload", "events", "get-payload-json", "(param i32)"),
    ("event_customer", "events", "get-customer", "(param i32)"),
    ("event_order", "events", "get-order", "(param i32)"),
    ("timer", "events", "get-timer", "(param i32)"),
    ("customer_by_id", "facts", "customer-by-id", "(param i32 i32 i32)"),
    ("orders_of", "facts", "orders-of", "(param i32 i32 i32 i32 i32 i32 i32)"),
    ("now", "clock", "now", "(result i64)"),
    ("random", "random", "next-u64", "(result i64)"),
    ("state_get", "state", "get", "(param i32 i32 i32)"),
    ("state_set", "state", "set", "(param i32 i32 i32 i32 i32)"),
    ("state_delete", "state", "delete", "(param i32 i32 i32)"),
    ("state_list", "state", "list-keys", "(param i32 i32 i32 i32 i32 i32 i32)"),
    ("timer_at", "schedule", "at", "(param i32 i32 i64 i32 i32 i32)"),
    ("timer_cancel", "schedule", "cancel", "(param i32 i32) (result i32)"),
    ("note", "decision", "note", "(param i32 i32 i32 i32 i32)"),
    ("effect_standing", "outbox", "get-standing", "(param i32 i32 i32)"),
    ("withdraw", "outbox", "withdraw", "(param i32 i32) (result i32)"),
    ("spend", "budget", "spend", "(param i32 i32 i64 i32)"),
    ("give_back", "budget", "give-back", "(param i32 i32 i64)"),
    ("settings_version", "settings", "version", "(result i32)"),
    ("mail_message", "mail", "send", "(param i32 i32)"),
    ("create_amount", "discounts", "create-amount", "(param i32 i32)"),
    ("create_percentage", "discounts", "create-percentage", "(param i32 i32)"),
    ("create_free_shipping", "discounts", "create-free-shipping", "(param i32 i32)"),
    ("create_free_product", "discounts", "create-free-product", "(param i32 i32)"),
    ("create_many_amount", "discounts", "create-many-amount", "(param i32 i32)"),
    ("create_many_percentage", "discounts", "create-many-percentage", "(param i32 i32)"),
    ("create_many_free_shipping", "discounts", "create-many-free-shipping", "(param i32 i32)"),
    ("create_many_free_product", "discounts", "create-many-free-product", "(param i32 i32)"),
    ("disable", "discounts", "disable", "(param i32 i32 i32)"),
    ("code_standing", "discounts", "get-standing", "(param i32 i32 i32)"),
    ("effect_of", "discounts", "effect-of", "(param i32 i32 i32)"),
    ("credit", "store-credit", "credit", "(param i32 i32 i64 i32 i32 i32 i64 i32)"),
    ("debit", "store-credit", "debit", "(param i32 i32 i64 i32 i32 i32)"),
    ("gift_card", "gift-cards", "create", "(param i32 i32 i64 i32 i32 i32 i64 i32)"),
    ("tag", "tags", "add", "(param i32 i32 i32 i32 i32)"),
    ("untag", "tags", "remove", "(param i32 i32 i32 i32 i32)"),
    ("order_note", "orders", "add-note", "(param i32 i32 i32 i32 i32)"),
    ("order_tag", "orders", "add-tags", "(param i32 i32 i32 i32 i32)"),
    ("order_untag", "orders", "remove-tags", "(param i32 i32 i32 i32 i32)"),
    ("order_gift", "orders", "add-gift", "(param i32 i32 i32 i32 i32 i32 i32 i32)"),
    ("ship_by", "orders", "ship-by", "(param i32 i32 i64 i32)"),
    ("metafield", "metafields", "set", "(param i32 i32 i32 i32 i32 i32 i32 i32 i32)"),
    ("birthday", "birthdays", "get-birthday", "(param i32 i32 i32)"),
    ("set_birthday", "birthdays", "set-birthday", "(param i32 i32 i32 i32 i32 i32 i32)"),
    ("customer_signals", "identity", "customer-signals", "(param i32 i32 i32)"),
    ("order_signals", "identity", "order-signals", "(param i32 i32 i32)"),
    ("compare", "identity", "compare", "(param i32 i32 i32 i32 i32)"),
    ("orders_before", "identity", "orders-before", "(param i32 i32) (result i32)"),
    ("share", "links", "share", "(param i32 i32 i32)"),
    ("customer_of_link", "links", "customer-of", "(param i32 i32 i32)"),
    ("open_task", "tasks", "open", "(param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i64 i32)"),
    ("close_task", "tasks", "close", "(param i32 i32) (result i32)"),
];

/// Functions that a guest may call besides.
const FUNCTIONS: &[(&str, &str)] = &[
    // Fails: `(return (call $retry TEXT))`.
    ("retry", "(param i32 i32) (result i32) (call $fail (i32.const 0) (local.get 0) (local.get 1))"),
    ("reject", "(param i32 i32) (result i32) (call $fail (i32.const 1) (local.get 0) (local.get 1))"),
    (
        "fail",
        "(param i32 i32 i32) (result i32)
            (i32.store8 (i32.const 96) (i32.const 1)) (i32.store8 (i32.const 100) (local.get 0))
            (i32.store (i32.const 104) (local.get 1)) (i32.store (i32.const 108) (local.get 2)) (i32.const 96)",
    ),
    // Writes a mail of the purpose "service" at 1024: `(call $mail CUSTOMER TEMPLATE VARS AFTER ANSWER)`.
    (
        "mail",
        "(param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)
            (i32.store (i32.const 1024) (local.get 0)) (i32.store (i32.const 1028) (local.get 1))
            (i32.store (i32.const 1032) (local.get 2)) (i32.store (i32.const 1036) (local.get 3))
            (i32.store (i32.const 1040) (local.get 4)) (i32.store (i32.const 1044) (local.get 5))
            (i64.store (i32.const 1120) (i64.const 28538277257700723))
            (i32.store (i32.const 1048) (i32.const 1120)) (i32.store (i32.const 1052) (i32.const 7))
            (i32.store8 (i32.const 1096) (local.get 6))
            (i32.store (i32.const 1100) (local.get 7)) (i32.store (i32.const 1104) (local.get 8))
            (call $mail_message (i32.const 1024) (local.get 9))",
    ),
    // Queues a code that takes an amount off, for one customer and one use:
    // `(call $discount CUSTOMER PREFIX MINOR CURRENCY MINIMUM END ANSWER)`.
    (
        "discount",
        "(param i32 i32 i32 i32 i64 i32 i32 i32 i64 i32 i32 i32 i64 i32)
            (call $terms (local.get 0) (local.get 1) (local.get 2) (local.get 3))
            (i32.store8 (i32.const 1176) (local.get 7)) (i64.store (i32.const 1184) (local.get 8))
            (i32.store (i32.const 1192) (local.get 9)) (i32.store (i32.const 1196) (local.get 10))
            (i32.store8 (i32.const 1232) (local.get 11)) (i64.store (i32.const 1240) (local.get 12))
            (i64.store (i32.const 1264) (local.get 4))
            (i32.store (i32.const 1272) (local.get 5)) (i32.store (i32.const 1276) (local.get 6))
            (call $create_amount (i32.const 1152) (local.get 13))",
    ),
    // Fills a discount's terms at [`TERMS`], for one customer and one use: `(call $terms CUSTOMER PREFIX)`.
    (
        "terms",
        "(param i32 i32 i32 i32)
            (memory.fill (i32.const 1152) (i32.const 0) (i32.const 112))
            (i32.store8 (i32.const 1152) (i32.const 1))
            (i32.store (i32.const 1156) (local.get 0)) (i32.store (i32.const 1160) (local.get 1))
            (i32.store (i32.const 1164) (local.get 2)) (i32.store (i32.const 1168) (local.get 3))
            (i32.store8 (i32.const 1248) (i32.const 1)) (i32.store (i32.const 1252) (i32.const 1))
            (i32.store8 (i32.const 1256) (i32.const 1))",
    ),
    // Adds one to the number under a key of the state.
    (
        "count",
        "(param i32 i32) (local $n i32)
            (call $state_get (local.get 0) (local.get 1) (i32.const 16))
            (if (i32.load8_u (i32.const 16)) (then (local.set $n (i32.load (i32.load (i32.const 20))))))
            (i32.store (i32.const 128) (i32.add (local.get $n) (i32.const 1)))
            (call $state_set (local.get 0) (local.get 1) (i32.const 128) (i32.const 4) (i32.const 16))",
    ),
    // Keeps the latest call's answer under a key of the state.
    (
        "keep_answer",
        "(param i32 i32)
            (call $state_set (local.get 0) (local.get 1) (i32.const 16) (i32.const 32) (i32.const 64))",
    ),
];

/// A text in a guest's memory. As part of its code it is the pair of arguments that names it in a call.
#[derive(Clone, Copy)]
pub struct Text {
    pub at: u32,
    pub length: u32,
}

impl Text {
    /// Code that makes a list at [`LIST`] of this text alone.
    pub fn listed(self) -> String {
        let store = |at, value| format!("(i32.store (i32.const {at}) (i32.const {value}))");
        store(LIST, self.at) + &store(LIST + 4, self.length)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "(i32.const {}) (i32.const {})", self.at, self.length)
    }
}

/// A guest being written.
pub struct Guest {
    pub(super) texts: String,
    /// Items of the module besides `handle`: functions, tables.
    pub items: String,
    /// Memory that it begins with.
    pub pages: usize,
}

impl Default for Guest {
    fn default() -> Self {
        Self { texts: String::new(), items: String::new(), pages: 2 }
    }
}

impl Guest {
    /// A text of the guest.
    pub fn text(&mut self, text: &str) -> Text {
        let at = TEXTS + u32::try_from(self.texts.len()).unwrap();
        self.texts.push_str(text);
        Text { at, length: u32::try_from(text.len()).unwrap() }
    }

    /// The core module whose `handle` does what `body` says, and then succeeds.
    ///
    /// Parameters are `$id`, `$topic`, `$platform` (each with a `_len`), `$at` and `$attempt`; locals `$n`, `$m`, `$x`
    /// and `$f` stand ready.
    pub fn module(&self, body: &str) -> Vec<u8> {
        let mut code = format!(
            r#"(func (export "regulars:plugin/handler@0.1.0#handle")
                (param $id i32) (param $id_len i32) (param $topic i32) (param $topic_len i32)
                (param $platform i32) (param $platform_len i32) (param $at i64) (param $attempt i32) (result i32)
                (local $n i32) (local $m i32) (local $x i64) (local $f f64)
                {body} (i32.const 0))"#
        );
        let used = |code: &str, name: &str| {
            code.contains(&format!("(call ${name} ")) || code.contains(&format!("(call ${name})"))
        };
        for (name, function) in FUNCTIONS {
            if used(&code, name) {
                code = format!("{code} (func ${name} {function})");
            }
        }
        let imports: String = IMPORTS
            .iter()
            .filter(|(name, ..)| used(&code, name))
            .map(|(name, interface, function, signature)| {
                format!(r#"(import "regulars:plugin/{interface}@0.1.0" "{function}" (func ${name} {signature}))"#)
            })
            .collect();
        let texts = format!("(data (i32.const {TEXTS}) {:?})", self.texts);
        let memory = format!("(memory (export \"memory\") {})", self.pages);
        module(&format!("(module {imports} {memory} {texts} {REALLOC} {} {code})", self.items))
    }

    pub fn component(&self, body: &str) -> Vec<u8> {
        component(&self.module(body))
    }
}

/// Takes memory and gives none back, as an instance lives for one event only.
const REALLOC: &str = r#"(global $free (mut i32) (i32.const 65536))
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
        (local.tee 0 (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
        (global.set $free (i32.add (local.get 0) (local.get 3))))"#;

/// A core module in text, with the interface types of the world `plugin`.
fn module(text: &str) -> Vec<u8> {
    let mut module = wat::parse_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(WIT).unwrap();
    let world = resolve.select_world(&[package], Some("plugin")).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).unwrap();
    module
}

fn component(module: &[u8]) -> Vec<u8> {
    ComponentEncoder::default().module(module).and_then(ComponentEncoder::encode).unwrap_or_else(|e| panic!("{e:#}"))
}
