//! Part `sandbox`: what one plugin call costs, beside the same work natively, in bare wasmtime and in Extism.
//!
//! The work: take an event of 4 kB, add its bytes up, read one value of the state. A fresh instance for each call.

mod bare;
mod guest;
mod ours;

use std::{
    io,
    process::Command,
    time::{Duration, Instant},
};

use crate::{
    Run,
    figures::{Figure, median_time},
    report::{Row, Target},
    target,
};

const PART: &str = "sandbox";

const EVENT_BYTES: usize = 4 << 10;
const STATE_BYTES: usize = 200;
const STATE_KEY: &str = "account/";

/// Calls of one kind in a row: enough to be warm, few enough that all kinds meet the same machine.
const IN_A_ROW: usize = 100;

/// The same bytes in every way of doing the work: a JSON object.
fn event() -> String {
    let frame = r#"{"note":""}"#.len();
    format!(r#"{{"note":"{}"}}"#, "x".repeat(EVENT_BYTES - frame))
}

/// The work natively: FNV-1a of the event, with the state's first byte.
fn natively(event: &[u8], state: &[u8]) -> u32 {
    let hash = event.iter().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
    hash ^ u32::from(state.first().copied().unwrap_or_default())
}

pub fn run(run: &mut Run) -> io::Result<()> {
    run.say(format!("{PART}: calls"));
    let component = guest::component(guest::WORK)?;
    let (mut bare, ours) = (bare::Bare::new(&component)?, ours::Ours::new(&component)?);
    let (event, state) = (event(), vec![7; STATE_BYTES]);
    let mut times: [Vec<Duration>; 3] = Default::default();
    for row in 0..run.choose(20, 100) {
        let [native, alone, engine] = &mut times;
        let kept = |times: &mut Vec<_>, took| {
            if row > 0 {
                times.push(took)
            }
        };
        for _ in 0..IN_A_ROW {
            let began = Instant::now();
            let input = std::hint::black_box(&event).clone();
            std::hint::black_box(natively(input.as_bytes(), std::hint::black_box(&state).clone().as_slice()));
            kept(native, began.elapsed());
        }
        for _ in 0..IN_A_ROW {
            kept(alone, bare.call(&event, &state)?);
        }
        for _ in 0..IN_A_ROW {
            kept(engine, ours.call()?);
        }
    }
    let [native, alone, engine] = times.map(|times| median_time(&times));
    let row = |what: &str, seconds| Row::new(PART, what, Figure::Seconds(seconds));
    run.report.row(
        row("plugin call: fresh instance, 4 kB event, one state read", engine)
            .ratio(engine / alone, "bare wasmtime with fuel")
            .target(Target::AtMost(1.2)),
    );
    run.report.row(row("  the same in bare wasmtime with fuel", alone));
    run.report.row(row("  the same natively", native).ratio(engine / native, "a plugin call to this"));
    match extism(run)? {
        Some(extism) => {
            let row = row("  the same in Extism 1.30", extism).ratio(extism / engine, "this to a plugin call");
            run.report.row(row.target(Target::AtLeast(10.0)));
        }
        None => run.say(format!("{PART}: Extism is not built; `make bench` builds it")),
    }
    runaway(run)
}

/// The median of Extism's calls, measured by a program of its own: it needs another wasmtime.
fn extism(run: &Run) -> io::Result<Option<f64>> {
    let program = target().join("peers/extism/release/peer-extism");
    if !program.is_file() {
        return Ok(None);
    }
    run.say(format!("{PART}: Extism"));
    let output = Command::new(program).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut words = text.split_whitespace().map(str::parse::<u64>);
    match (words.next(), words.next()) {
        (Some(Ok(nanoseconds)), Some(Ok(_))) => Ok(Some(nanoseconds as f64 / 1e9)),
        _ => Err(io::Error::other(format!("Extism: {text}{}", String::from_utf8_lossy(&output.stderr)))),
    }
}

/// How long a plugin that never ends is let run.
fn runaway(run: &mut Run) -> io::Result<()> {
    run.say(format!("{PART}: a plugin that never ends"));
    let by_fuel = ours::runaway_by_fuel(&guest::component(guest::FOREVER)?)?;
    let row = Row::new(PART, "runaway plugin, stopped by fuel after", Figure::Seconds(by_fuel.took.as_secs_f64()));
    run.report.row(row.ratio(by_fuel.of_limit, "its limit, in fuel").target(Target::AtMost(1.3)));
    let by_time = ours::runaway_by_time(&guest::component(guest::CALLING_FOREVER)?)?;
    let row = Row::new(
        PART,
        "runaway plugin that calls the host, without a fuel limit, stopped after",
        Figure::Seconds(by_time.took.as_secs_f64()),
    );
    run.report.row(row.ratio(by_time.of_limit, "its limit, in time").target(Target::AtMost(1.3)));
    Ok(())
}
