//! What `wasmtime` generates from the WIT. Names from here stay inside the engine.

wasmtime::component::bindgen!({
    path: "../plugin-sdk/wit/v0",
    world: "plugin",
    imports: { default: trappable },
});

pub use self::exports::regulars::plugin::handler::{Envelope, Failure};
pub use self::regulars::plugin::*;
