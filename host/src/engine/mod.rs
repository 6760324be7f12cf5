//! The sandbox: compiles components, runs one delivery in a fresh instance, ends it at its limits.
//!
//! The one constructor of a [`wasmtime::Engine`] is here, so that every artefact fits every instance. A plugin can do
//! what the interfaces under `host` offer and nothing else: there is no WASI, no clock, no network, no file.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use wasmtime::{
    CallHook, Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig, Store, Trap,
    component::{Component, Linker},
};

use crate::{
    clock::Stopwatch,
    domain::{ComponentHash, Effect, Note},
    store::{self, Transaction},
};

mod answer;
mod artefact;
mod bindings;
mod checks;
mod delivery;
#[cfg(test)]
pub(crate) mod guest;
mod host;
pub mod limits;
mod offers;
pub mod panel;
mod queue;
#[cfg(test)]
mod tests;

use delivery::{Delivery, ReadTooMuch};
pub use delivery::{Input, PluginContext, StoreContext, UsageChange};

/// Compiles and runs plugins. Cheap to share; one for each process.
pub struct Engine {
    engine: wasmtime::Engine,
    linker: Linker<Delivery>,
    fuel: u64,
    /// How long a delivery may go on calling the host; none in a simulation.
    wall_time: Option<Duration>,
}

/// A plugin ready to run: compiled, its imports resolved.
#[derive(Clone)]
pub struct Plugin {
    pre: bindings::PluginPre<Delivery>,
    shown: Option<panel::Shown>,
    pub hash: ComponentHash,
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugin").field("hash", &self.hash).finish_non_exhaustive()
    }
}

/// Why a component cannot be made ready to run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The engine itself cannot start on this machine.
    #[error("the sandbox cannot start: {0}")]
    Start(String),
    /// The bytes are not a component that this engine can compile.
    #[error("the component cannot be compiled: {0}")]
    Compile(String),
    /// The component asks for something that the host does not offer, or lacks what it has to export.
    #[error("the component does not fit this host: {0}")]
    Link(String),
    /// The compiled artefact cannot be written or read.
    #[error("cannot keep the compiled plugin at {path}: {source}")]
    Artefact { path: PathBuf, source: io::Error },
}

/// How a delivery ended and what it leaves.
pub struct Ended {
    /// With the delivery's writes if it succeeded, without them if it failed.
    pub transaction: Transaction,
    pub result: Result<(), Failure>,
    /// Fuel that the call used.
    pub fuel: u64,
    pub notes: Vec<Note>,
    /// State keys read, in order of first reading.
    pub reads: Vec<String>,
    /// What was queued; empty if the delivery failed.
    pub effects: Vec<Effect>,
    /// How the plugin's state grew; zero if the delivery failed.
    pub usage: UsageChange,
}

/// Why a delivery failed. Nothing of it is kept.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Failure {
    /// The plugin asks to be run again later.
    #[error("the plugin asks for another try: {0}")]
    Retry(String),
    /// The plugin says that the event is not for it, now or ever.
    #[error("the plugin refuses the event: {0}")]
    Reject(String),
    #[error("the plugin used up its fuel of {0}")]
    OutOfFuel(u64),
    #[error("the plugin ran longer than {} s", limits::WALL_TIME.as_secs())]
    OutOfTime,
    #[error("the plugin asked for more than {} MiB of memory", limits::MEMORY_BYTES >> 20)]
    OutOfMemory,
    #[error("the plugin asked for more than {} table elements", limits::TABLE_ELEMENTS)]
    OutOfTable,
    #[error("the plugin recursed past its stack of {} KiB", limits::STACK_BYTES >> 10)]
    StackOverflow,
    #[error("the plugin read more than {} MiB of state and facts", limits::READ_BYTES >> 20)]
    ReadTooMuch,
    /// Any other trap: a panic, an index out of bounds, an unreachable instruction.
    #[error("the plugin trapped: {0}")]
    Trap(String),
    /// The host could not serve a call; the plugin is not to blame.
    #[error("the host failed: {0}")]
    Host(#[from] store::Error),
}

impl Engine {
    /// The product's only constructor. `fuel` is the budget of a delivery, [`limits::FUEL`] unless configured otherwise.
    pub fn new(fuel: u64) -> Result<Self, Error> {
        Self::within(fuel, Some(limits::WALL_TIME))
    }

    /// An engine on which time never runs out, fuel alone does: what a simulation needs to repeat itself exactly.
    #[cfg(test)]
    pub(crate) fn without_wall_clock(fuel: u64) -> Result<Self, Error> {
        Self::within(fuel, None)
    }

    fn within(fuel: u64, wall_time: Option<Duration>) -> Result<Self, Error> {
        let start = |error: wasmtime::Error| Error::Start(format!("{error:#}"));
        let engine = wasmtime::Engine::new(&config()).map_err(start)?;
        let mut linker = Linker::new(&engine);
        bindings::Plugin::add_to_linker::<_, wasmtime::component::HasSelf<_>>(&mut linker, |delivery| delivery)
            .map_err(start)?;
        Ok(Self { engine, linker, fuel, wall_time })
    }

    /// Makes a component ready to run. The compiled artefact is kept under `artefacts`, by engine version and component
    /// hash, and read back from there the next time.
    pub fn load(&self, component: &[u8], artefacts: &Path) -> Result<Plugin, Error> {
        let hash = ComponentHash::of(component);
        let path = artefacts.join(self.version()).join(format!("{hash}.cwasm"));
        let io_error = |source| Error::Artefact { path: path.clone(), source };
        // What does not read back is compiled anew: an artefact is only a copy of what follows from the component.
        let kept = artefact::read(&path).map_err(io_error)?.and_then(|bytes| self.deserialize(&bytes).ok());
        let component = match kept {
            Some(component) => component,
            None => {
                let compile = |error: wasmtime::Error| Error::Compile(format!("{error:#}"));
                let bytes = self.engine.precompile_component(component).map_err(compile)?;
                let component = self.deserialize(&bytes).map_err(compile)?;
                artefact::keep(&path, &bytes).map_err(io_error)?;
                component
            }
        };
        let link = |error: wasmtime::Error| Error::Link(format!("{error:#}"));
        let pre = self.linker.instantiate_pre(&component).map_err(link)?;
        let shown = panel::of(&component, &pre)?;
        let pre = bindings::PluginPre::new(pre).map_err(link)?;
        Ok(Plugin { pre, shown, hash })
    }

    /// How many plugins run at this moment.
    pub fn live_instances(&self) -> u64 {
        self.engine.pooling_allocator_metrics().map_or(0, |pool| pool.component_instances())
    }

    fn deserialize(&self, artefact: &[u8]) -> wasmtime::Result<Component> {
        #[expect(
            unsafe_code,
            reason = "the artefact comes from this engine: it was just compiled, or it lies whole in the data directory, \
                      which only its owner can write, under this engine's version"
        )]
        unsafe {
            Component::deserialize(&self.engine, artefact)
        }
    }

    /// Names what an artefact depends on besides its component: the engine's version and settings.
    fn version(&self) -> String {
        let mut hash = HashWriter(Sha256::new());
        std::hash::Hash::hash(&self.engine.precompile_compatibility_hash(), &mut hash);
        HEXLOWER.encode(&hash.0.finalize()[..8])
    }

    /// Runs one delivery in a fresh instance.
    pub fn run(&self, plugin: &Plugin, input: Input, transaction: Transaction) -> Ended {
        let envelope = input.envelope();
        let mut store = self.store_for(Delivery::new(input, transaction));
        let called = plugin
            .pre
            .instantiate(&mut store)
            .and_then(|instance| instance.regulars_plugin_handler().call_handle(&mut store, &envelope));
        let fuel = self.fuel - store.get_fuel().unwrap_or(0);
        let delivery = store.into_data();
        let result = match called {
            Ok(Ok(())) => Ok(()),
            Ok(Err(failure)) => Err(Failure::from(failure)),
            Err(error) => Err(delivery.failure_of(&error, self.fuel)),
        };
        delivery.end(result, fuel)
    }

    /// The sandbox of one call, with its limits.
    fn store_for(&self, delivery: Delivery) -> Store<Delivery> {
        let mut store = Store::new(&self.engine, delivery);
        store.limiter(|delivery| &mut delivery.memory);
        store.set_fuel(self.fuel).expect("the engine's one configuration has fuel on");
        if let Some(wall_time) = self.wall_time {
            // Fuel bounds what runs in the sandbox; this bounds what runs outside of it.
            let begun = Stopwatch::start();
            store.call_hook(move |_, hook| match hook {
                CallHook::CallingHost if begun.elapsed() > wall_time => Err(RanTooLong.into()),
                _ => Ok(()),
            });
        }
        store.set_hostcall_fuel(limits::CALL_BYTES);
        store
    }
}

fn config() -> Config {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(limits::LIVE_INSTANCES)
        .total_core_instances(limits::LIVE_INSTANCES * limits::CORE_INSTANCES)
        .total_memories(limits::LIVE_INSTANCES)
        .total_tables(limits::LIVE_INSTANCES * 2)
        .max_core_instances_per_component(limits::CORE_INSTANCES)
        .max_memories_per_component(1)
        .max_tables_per_component(2)
        .max_memory_size(limits::MEMORY_BYTES)
        .table_elements(limits::TABLE_ELEMENTS)
        .linear_memory_keep_resident(limits::KEEP_RESIDENT_BYTES)
        .table_keep_resident(limits::KEEP_RESIDENT_BYTES)
        .max_unused_warm_slots(limits::LIVE_INSTANCES)
        // What was written is put back page by page where the kernel can tell which pages were (Linux 6.7): giving pages
        // back and faulting them in again stops every thread that runs plugins.
        .pagemap_scan(Enabled::Auto);
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .memory_init_cow(true)
        .max_wasm_stack(limits::STACK_BYTES)
        // The same event has to take the same path on every machine and in every replay.
        .consume_fuel(true)
        .cranelift_nan_canonicalization(true)
        .wasm_relaxed_simd(false)
        // A trap's text goes to the merchant; frames of a stripped component say nothing and cost on every trap.
        .wasm_backtrace_max_frames(None);
    config
}

/// A plugin has called the host after its time.
#[derive(Debug, thiserror::Error)]
#[error("the plugin has run for too long")]
struct RanTooLong;

struct HashWriter(Sha256);

impl std::hash::Hasher for HashWriter {
    fn finish(&self) -> u64 {
        0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
}

impl From<bindings::Failure> for Failure {
    fn from(failure: bindings::Failure) -> Self {
        match failure {
            bindings::Failure::Retry(reason) => Self::Retry(shorten(reason)),
            bindings::Failure::Reject(reason) => Self::Reject(shorten(reason)),
        }
    }
}

/// Cuts a text at [`limits::REASON_BYTES`], between characters.
fn shorten(mut text: String) -> String {
    if text.len() > limits::REASON_BYTES {
        text.truncate(text.floor_char_boundary(limits::REASON_BYTES));
        text.push('…');
    }
    text
}

impl Delivery {
    /// What an error out of the sandbox means.
    fn failure_of(&self, error: &wasmtime::Error, fuel: u64) -> Failure {
        if let Some(error) = error.downcast_ref::<store::Error>() {
            return Failure::Host(error.clone());
        }
        if error.is::<ReadTooMuch>() {
            return Failure::ReadTooMuch;
        }
        if error.is::<RanTooLong>() {
            return Failure::OutOfTime;
        }
        match error.downcast_ref::<Trap>() {
            Some(Trap::OutOfFuel) => Failure::OutOfFuel(fuel),
            Some(Trap::StackOverflow) => Failure::StackOverflow,
            _ if self.memory.memory_refused => Failure::OutOfMemory,
            _ if self.memory.table_refused => Failure::OutOfTable,
            Some(trap) => Failure::Trap(trap.to_string()),
            None => Failure::Trap(shorten(format!("{error:#}"))),
        }
    }
}

/// Shared by everyone who runs deliveries.
pub type SharedEngine = Arc<Engine>;
