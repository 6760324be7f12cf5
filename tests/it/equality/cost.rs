//! What a plugin costs in the sandbox, against the limits and against what its README states.
//!
//! Fuel counts instructions: it is the same on every machine, for one component.

use std::{collections::BTreeMap, fs, path::Path};

use regulars::{catalog::package, engine::limits};

use super::kits::Kit;

/// Far under the limits: a component's share of what a plugin file may have, and fuel's of what a delivery may use, for a
/// paid order as a rule and for whatever comes at worst.
const OF_BYTES: usize = 16;
const OF_FUEL_AS_A_RULE: u64 = 20;
const OF_FUEL_AT_WORST: u64 = 2;

/// Figures in a README are rounded up, by a quarter at most.
const ROUNDED: u64 = 4;

const PAID: &str = "order.paid";

/// What is measured, as the rows of a README's table begin, in thousands of bytes or of units of fuel.
fn figures(bytes: usize, fuel: &BTreeMap<String, Vec<u64>>) -> [(&'static str, u64); 4] {
    let mut paid = fuel.get(PAID).expect("orders are paid").clone();
    paid.sort_unstable();
    let at_worst = fuel.values().flatten().copied().max().unwrap_or_default();
    [
        ("| component | ", bytes as u64),
        ("| fuel of a paid order, as a rule | ", paid[paid.len() / 2]),
        ("| fuel of a paid order, at worst | ", paid[paid.len() - 1]),
        ("| fuel of any delivery, at worst | ", at_worst),
    ]
}

/// Prints what a plugin costs, and holds it to its README and the limits.
pub fn check(kit: &Kit, file: &Path, fuel: &BTreeMap<String, Vec<u64>>) {
    let bytes = fs::metadata(file).expect("the plugin is built").len() as usize;
    println!("{}: {bytes} bytes of at most {}", kit.name, package::MAX_FILE_BYTES);
    for (topic, used) in fuel {
        let mut used = used.clone();
        used.sort_unstable();
        let (middle, most) = (used[used.len() / 2], used[used.len() - 1]);
        println!("  {topic:20} {:4} deliveries, fuel {middle:8} as a rule, {most:8} at worst", used.len());
    }
    let figures = figures(bytes, fuel);
    let [_, (_, as_a_rule), _, (_, at_worst)] = figures;
    assert!(bytes <= package::MAX_FILE_BYTES / OF_BYTES, "{} has {bytes} bytes", kit.name);
    assert!(as_a_rule <= limits::FUEL / OF_FUEL_AS_A_RULE, "{} uses {as_a_rule} for a paid order", kit.name);
    assert!(at_worst <= limits::FUEL / OF_FUEL_AT_WORST, "{} uses {at_worst} for one delivery", kit.name);

    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins").join(kit.name).join("README.md");
    let readme =
        fs::read_to_string(&readme).unwrap_or_else(|error| panic!("{} does not read: {error}", readme.display()));
    let wrong: Vec<_> = figures
        .into_iter()
        .filter(|&(row, measured)| {
            let figure = |line: &str| line.strip_prefix(row)?.split_once(" k")?.0.replace(',', "").parse().ok();
            let stated = readme.lines().find_map(figure);
            let stated: u64 = 1_000 * stated.unwrap_or(0_u64);
            stated < measured || stated - measured > stated / ROUNDED
        })
        .map(|(row, measured)| format!("{row}{} k", measured.div_ceil(1_000)))
        .collect();
    assert!(wrong.is_empty(), "the README of {} is not right any more: {wrong:#?}", kit.name);
}
