//! The component that is called: a core module in text, made a component of the project's own WIT.

use std::io;

use wit_component::ComponentEncoder;

/// Adds up the bytes of the event's payload and reads one value of the state.
pub const WORK: &str = r#"
    (call $payload (i32.const 16))
    (local.set $at (i32.load (i32.const 16)))
    (local.set $end (i32.add (local.get $at) (i32.load (i32.const 20))))
    (local.set $hash (i32.const 0x811c9dc5))
    (block $done (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $hash (i32.mul
            (i32.xor (local.get $hash) (i32.load8_u (local.get $at))) (i32.const 0x01000193)))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next)))
    (call $state_get (i32.const 1024) (i32.const 8) (i32.const 32))
    (if (i32.load8_u (i32.const 32))
        (then (local.set $hash (i32.xor (local.get $hash) (i32.load8_u (i32.load (i32.const 36)))))))
    (i32.store (i32.const 64) (local.get $hash))"#;

/// Calls nobody.
pub const FOREVER: &str = "(loop $again (br $again))";

/// Calls the host over and over.
pub const CALLING_FOREVER: &str =
    "(loop $again (call $payload (i32.const 16)) (global.set $free (i32.const 65536)) (br $again))";

/// A component whose `handle` does what `body` says.
pub fn component(body: &str) -> io::Result<Vec<u8>> {
    let text = format!(
        r#"(module
            (import "regulars:plugin/events@0.1.0" "get-payload-json" (func $payload (param i32)))
            (import "regulars:plugin/state@0.1.0" "get" (func $state_get (param i32 i32 i32)))
            (memory (export "memory") 2)
            (data (i32.const 1024) "account/")
            (global $free (mut i32) (i32.const 65536))
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                (local.tee 0 (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
                (global.set $free (i32.add (local.get 0) (local.get 3))))
            (func (export "regulars:plugin/handler@0.1.0#handle")
                (param i32 i32 i32 i32 i32 i32 i64 i32) (result i32)
                (local $at i32) (local $end i32) (local $hash i32)
                {body} (i32.const 0)))"#
    );
    let module = regulars_tests::guest::module(&text, "plugin")?;
    ComponentEncoder::default().module(&module).and_then(ComponentEncoder::encode).map_err(io::Error::other)
}
