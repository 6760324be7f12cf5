//! Times one plugin call in Extism: a fresh instance of a compiled plugin, an event of 4 kB, one value of the state.
//!
//! Prints the median in nanoseconds, then the result, which tells that the work was done.

use std::time::{Duration, Instant};

use extism::{CompiledPlugin, CurrentPlugin, Error, Plugin, PluginBuilder, UserData, Val, ValType};

const EVENT_BYTES: usize = 4 << 10;
const STATE: [u8; 200] = [7; 200];
const FUEL: u64 = 11_000_000;
const CALLS: usize = 3_000;
const WARM_UP: usize = 300;

fn state_get(plugin: &mut CurrentPlugin, inputs: &[Val], outputs: &mut [Val], _: UserData<()>) -> Result<(), Error> {
    let _key: &[u8] = plugin.memory_get_val(&inputs[0])?;
    let value = plugin.memory_new(STATE.as_slice())?;
    outputs[0] = plugin.memory_to_val(value);
    Ok(())
}

fn main() -> Result<(), Error> {
    let builder = PluginBuilder::new(include_bytes!("guest.wat").as_slice()).with_fuel_limit(FUEL).with_function(
        "state_get",
        [ValType::I64],
        [ValType::I64],
        UserData::default(),
        state_get,
    );
    let compiled = CompiledPlugin::new(builder)?;
    let event = vec![b'x'; EVENT_BYTES];
    let mut times = Vec::with_capacity(CALLS);
    let mut result = 0;
    for number in 0..WARM_UP + CALLS {
        let began = Instant::now();
        let mut plugin = Plugin::new_from_compiled(&compiled)?;
        let output: &[u8] = plugin.call("handle", event.as_slice())?;
        result = u64::from_le_bytes(output.try_into()?);
        drop(plugin);
        if number >= WARM_UP {
            times.push(began.elapsed());
        }
    }
    times.sort_unstable();
    let median: Duration = times[times.len() / 2];
    println!("{} {result}", median.as_nanos());
    Ok(())
}
