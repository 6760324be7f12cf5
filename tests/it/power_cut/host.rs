//! The whole host loses its power under load, again and again, and in the end is as if nothing had happened.

use std::{fs, time::Duration};

use regulars_tests::{
    DEADLINE,
    population::{Population, Shop, Size},
    storm::Storm,
    world::World,
};

use super::SEED;
use crate::disk::{self, Mount};

#[path = "../../src/bin/chaos/inbox.rs"]
mod inbox;

/// How often the power is cut, unless [`CUTS_ENV`] says otherwise: each takes about three seconds, and `make test` is run
/// all day. `make chaos` cuts it 30 times.
const CUTS: u32 = 6;
const CUTS_ENV: &str = "POWER_CUTS";

/// Enough for the host, and little to copy.
const IMAGE_BYTES: u64 = 192 << 20;

/// Webhooks a second.
const RATE: u32 = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_host_under_load_survives_power_cuts() {
    let test = "the_whole_host_under_load_survives_power_cuts";
    let Some(seed) = disk::seed_if_disks_can_be_made(test, SEED) else { return };
    let mut numbers = regulars_tests::random::Random::new(seed, 1);
    let cuts = std::env::var(CUTS_ENV).map_or(CUTS, |cuts| cuts.parse().unwrap());
    let scratch = tempfile::tempdir().unwrap();
    let (image, copy) = (scratch.path().join("disk.img"), scratch.path().join("disk-after-the-cut.img"));
    let mount_point = scratch.path().join("disk");
    disk::make_file_system(&image, IMAGE_BYTES).unwrap();
    let mut mounted = Mount::new(&image, &mount_point).unwrap();

    let population = Population::sized(seed, Shop::named("power"), Size { customers: cuts * 20, days: 90 });
    let mut world = World::begin(population, &mounted.path.join("data")).unwrap();
    let storm = Storm::of(&world.population, seed, RATE);
    for cut in 1..=cuts {
        world.expose_to(&storm).unwrap();
        tokio::time::sleep(Duration::from_micros(numbers.within(20_000..900_000))).await;
        disk::freeze(world.host.pid());
        disk::copy_at_rest(&image, &copy);
        world.host.kill_9();
        // Every answer that had left the host before the cut is read.
        storm.hold().await;
        drop(mounted);
        fs::rename(&copy, &image).unwrap();
        mounted = Mount::new(&image, &mount_point).unwrap();
        world.host.try_restart().unwrap_or_else(|error| panic!("after cut {cut}: {error}"));
        let record = storm.record();
        let kept = world.has_what_it_acknowledged(&record, DEADLINE).await;
        kept.unwrap_or_else(|error| panic!("after cut {cut}: {error}"));
        println!("cut {cut}: {} events acknowledged", record.acknowledged.len());
    }

    world.expose_to(&storm).unwrap();
    storm.all_acknowledged(4 * DEADLINE).await.unwrap();
    storm.hold().await;
    let record = storm.record();
    let totals =
        world.is_as_after_one_clean_pass(&record, 4 * DEADLINE).await.unwrap_or_else(|error| panic!("{error}"));
    assert!(world.host.terminate(), "the host ends well");
    assert_eq!(inbox::differences(world.host.data_dir(), &record).unwrap(), [] as [String; 0]);
    println!("after {cuts} cuts: {totals}");
}
