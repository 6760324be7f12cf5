//! The component in wasmtime alone: a pool, fuel, and host functions that hand out what lies ready.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use regulars::engine::limits;
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store,
    component::{Component, ComponentExportIndex, ComponentType, InstancePre, Lift, Linker, Lower},
};

#[derive(ComponentType, Lower)]
#[component(record)]
struct Envelope<'a> {
    id: &'a str,
    topic: &'a str,
    platform: &'a str,
    #[component(name = "occurred-at")]
    occurred_at: u64,
    attempt: u32,
}

#[derive(ComponentType, Lift)]
#[component(variant)]
enum Failure {
    #[component(name = "retry")]
    Retry(String),
    #[component(name = "reject")]
    Reject(String),
}

struct Held {
    event: Arc<str>,
    state: Arc<[u8]>,
}

pub struct Bare {
    engine: Engine,
    pre: InstancePre<Held>,
    handle: ComponentExportIndex,
}

impl Bare {
    pub fn new(component: &[u8]) -> io::Result<Self> {
        build(component).map_err(|error| io::Error::other(format!("{error:#}")))
    }

    /// How long one call takes: instance, call, and the instance's end.
    pub fn call(&mut self, event: &str, state: &[u8]) -> io::Result<Duration> {
        let held = Held { event: event.into(), state: state.into() };
        let began = Instant::now();
        self.run(held).map_err(|error| io::Error::other(format!("{error:#}")))?;
        Ok(began.elapsed())
    }

    fn run(&self, held: Held) -> wasmtime::Result<()> {
        let mut store = Store::new(&self.engine, held);
        store.set_fuel(limits::FUEL)?;
        let instance = self.pre.instantiate(&mut store)?;
        let handle = instance.get_typed_func::<(Envelope<'_>,), (Result<(), Failure>,)>(&mut store, self.handle)?;
        let envelope =
            Envelope { id: "webhook/1", topic: "order.paid", platform: "shopify", occurred_at: 0, attempt: 1 };
        let (result,) = handle.call(&mut store, (envelope,))?;
        match result {
            Ok(()) => Ok(()),
            Err(Failure::Retry(reason) | Failure::Reject(reason)) => Err(wasmtime::format_err!("{reason}")),
        }
    }
}

fn build(component: &[u8]) -> wasmtime::Result<Bare> {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(limits::LIVE_INSTANCES)
        .max_memory_size(limits::MEMORY_BYTES)
        .linear_memory_keep_resident(limits::KEEP_RESIDENT_BYTES)
        .table_keep_resident(limits::KEEP_RESIDENT_BYTES)
        .max_unused_warm_slots(limits::LIVE_INSTANCES)
        .pagemap_scan(Enabled::Auto);
    let mut config = Config::new();
    config.wasm_component_model(true).consume_fuel(true).allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    let engine = Engine::new(&config)?;
    let component = Component::new(&engine, component)?;
    let mut linker = Linker::<Held>::new(&engine);
    linker
        .instance("regulars:plugin/events@0.1.0")?
        .func_wrap("get-payload-json", |store, ()| Ok((store.data().event.to_string(),)))?;
    linker
        .instance("regulars:plugin/state@0.1.0")?
        .func_wrap("get", |store, (_key,): (String,)| Ok((Some(store.data().state.to_vec()),)))?;
    let pre = linker.instantiate_pre(&component)?;
    let handler = component.get_export_index(None, "regulars:plugin/handler@0.1.0");
    let handle = component
        .get_export_index(handler.as_ref(), "handle")
        .ok_or_else(|| wasmtime::format_err!("the component exports no handler"))?;
    Ok(Bare { engine, pre, handle })
}
