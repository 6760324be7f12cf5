//! A plugin's own code in the bench, and the component compiled from it in the sandbox: the same events lead to the same
//! decisions, effects, timers and state, delivery by delivery.
//!
//! What the host keeps and what the bench keeps are compared as they are. Ids, codes, names of links and chance are the
//! same on both sides, because the bench derives them as the host does.
//!
//! What the sandbox costs is measured on the way: `cargo test --workspace --test it -- equality --nocapture` prints it.

mod bodies;
mod calls;
mod cost;
mod facts;
mod house;
mod kits;
mod limits;
mod season;
mod twins;

use std::collections::BTreeMap;

use regulars::domain::Currency;
use regulars_sdk::test::{Bench, START};
use serde_json::Value;

use self::{
    house::{House, Shop},
    kits::Kit,
    season::{Season, amounts},
    twins::Twins,
};
use super::shop::plugin_file;

/// Topics that nothing in this host sends yet.
const UNSENT: [&str; 1] = ["review.approved"];

/// A season in shops of two, no and three decimals.
async fn assert_equal(kit: &Kit) -> BTreeMap<String, Vec<u64>> {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let mut fuel = BTreeMap::new();
    for (seed, code) in [(11, "EUR"), (12, "JPY"), (13, "KWD")] {
        let currency: Currency = code.parse().expect("a currency");
        let Value::Object(settings) = (kit.settings)(&amounts(currency)) else { panic!("settings are an object") };
        let mut bench = Bench::new(kit.handle).manifest(kit.manifest).currency(code);
        for (key, value) in &settings {
            bench = bench.setting(key, value.clone());
        }
        for &(kind, limit) in kit.budgets {
            bench = bench.budget(kind, limit);
        }
        let opens = regulars::domain::Timestamp(START.0);
        let shop = Shop { plugin: kit.name, currency: code, settings, budgets: kit.budgets, opens };
        let house = House::open(shop, &plugin_file(kit.name), folder.path()).await;
        let mut season = Season::new(Twins::new(house, bench).await, kit, currency, seed);
        season.run(kit.days).await;
        season.meet_old_customers().await;
        assert_eq!(season.twins.rejected, [] as [&str; 0], "{} handles every event", kit.name);
        for (topic, used) in season.twins.fuel {
            fuel.entry(topic).or_insert_with(Vec::new).extend(used);
        }
    }
    let wanted: toml::Table = kit.manifest.parse().expect("the manifest is TOML");
    let wanted = wanted["plugin"]["topics"].as_array().expect("topics are a list").iter().filter_map(|it| it.as_str());
    let missed: Vec<_> = wanted.filter(|topic| !fuel.contains_key(*topic) && !UNSENT.contains(topic)).collect();
    assert!(missed.is_empty(), "{} has not been told of {missed:?}: the season is too short", kit.name);
    fuel
}

/// The same, and what it costs.
async fn assert_equal_and_cheap(kit: &Kit) {
    let fuel = assert_equal(kit).await;
    cost::check(kit, &plugin_file(kit.name), &fuel);
}

#[tokio::test]
async fn whatever_a_plugin_asks_for_has_the_same_answer_in_the_bench_and_in_the_sandbox() {
    assert_equal(&kits::PROBE).await;
}

#[tokio::test]
async fn loyalty_points_is_the_same_in_the_bench_and_in_the_sandbox() {
    assert_equal_and_cheap(&kits::LOYALTY).await;
}

#[tokio::test]
async fn parcel_surprise_is_the_same_in_the_bench_and_in_the_sandbox() {
    assert_equal_and_cheap(&kits::PARCELS).await;
}

#[tokio::test]
async fn referral_vouchers_is_the_same_in_the_bench_and_in_the_sandbox() {
    assert_equal_and_cheap(&kits::REFERRALS).await;
}

#[tokio::test]
async fn birthday_mail_is_the_same_in_the_bench_and_in_the_sandbox() {
    assert_equal_and_cheap(&kits::BIRTHDAYS).await;
}

#[tokio::test]
async fn vip_tiers_is_the_same_in_the_bench_and_in_the_sandbox() {
    assert_equal_and_cheap(&kits::TIERS).await;
}
