//! The real host on a disk that is full, has gone read-only, or whose syncs fail: no acknowledgement while the fault
//! lasts, a reason that is shown, nothing lost, and recovery when the fault ends.
//!
//! Full and read-only disks take root and loop devices, failing syncs take `strace`. Where one is missing, the test says
//! so and does nothing.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use regulars::{
    clock,
    store::{Log, journal},
};
use regulars_tests::{
    DEADLINE,
    host::eventually,
    population::{Population, Shop, Size},
    storm::Storm,
    world::World,
};

use crate::disk::{self, Mount};

/// The environment variable that repeats a run.
const SEED: &str = "DISK_FAULT_SEED";

/// Room for the host and some: it is to be filled up.
const IMAGE_BYTES: u64 = 256 << 20;

/// Posts that have to be refused for the fault to be believed.
const REFUSED: u64 = 25;

/// How long it may take until all is as it has to be: failed effects are tried again after up to 5 seconds.
const SETTLED_WITHIN: Duration = Duration::from_secs(90);

/// A host under load, and the storm that it is under.
struct Stage {
    world: World,
    storm: Storm,
}

impl Stage {
    async fn on(data: &Path, seed: u64) -> Self {
        let population = Population::sized(seed, Shop::named("faulty"), Size { customers: 80, days: 90 });
        let world = World::begin(population, data).unwrap();
        let storm = Storm::of(&world.population, seed, 150);
        world.expose_to(&storm).unwrap();
        storm.acknowledged(60, DEADLINE).await.unwrap();
        Self { world, storm }
    }

    /// What `/readyz` answers.
    async fn ready(&self) -> (u16, String) {
        let url = format!("{}/readyz", self.world.host.webhooks_url());
        let client = reqwest::Client::builder().timeout(DEADLINE).build().expect("a client can be made");
        let response = client.get(url).send().await.expect("the host answers");
        (response.status().as_u16(), response.text().await.expect("the answer comes whole"))
    }

    async fn is_not_ready_because(&self, reason: &str) {
        let told = async || match self.ready().await {
            (503, told) if told.contains(reason) => Some(()),
            _ => None,
        };
        eventually(&format!("/readyz says `{reason}`"), DEADLINE, told).await;
    }

    /// Waits until posts are being refused, then checks that nothing new is acknowledged while more are.
    async fn acknowledges_nothing(&self) {
        let refused_after = async |count: u64| {
            let refused = async || (self.storm.record().refused >= count).then_some(());
            eventually("posts are refused", DEADLINE, refused).await;
        };
        let before = self.storm.record().refused;
        refused_after(before + REFUSED).await;
        // What was on its way when the fault began has been answered by now.
        let acknowledged = self.storm.progress().0;
        refused_after(before + 2 * REFUSED).await;
        assert_eq!(self.storm.progress().0, acknowledged, "acknowledged while the fault lasted");
    }

    async fn recovers(&mut self) {
        let is_ready = async || (self.ready().await.0 == 200).then_some(());
        eventually("the host is ready again", 2 * DEADLINE, is_ready).await;
        self.ends_as_if_nothing_had_happened().await;
    }

    async fn ends_as_if_nothing_had_happened(&mut self) {
        self.storm.all_acknowledged(SETTLED_WITHIN).await.unwrap();
        self.storm.hold().await;
        let record = self.storm.record();
        let settled = self.world.is_as_after_one_clean_pass(&record, SETTLED_WITHIN).await;
        println!("{}", settled.unwrap_or_else(|error| panic!("{error}")));
        assert!(self.world.host.terminate(), "the host ends well");
    }
}

/// Takes all room that there is, and answers the files that hold it.
fn fill_up(mounted: &Path, name: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for bytes in [64 << 20, 8 << 20, 1 << 20, 64 << 10, 4 << 10] {
        loop {
            let file = mounted.join(format!("{name}-{}", files.len()));
            let taken = disk::run(Command::new("fallocate").args(["-l", &bytes.to_string()]).arg(&file));
            if taken.is_err() {
                // What did not fit has left an empty file.
                let _ = fs::remove_file(&file);
                break;
            }
            files.push(file);
        }
    }
    files
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_told_and_survived_and_the_host_goes_on_when_there_is_room_again() {
    let test = "a_full_disk_is_told_and_survived_and_the_host_goes_on_when_there_is_room_again";
    let Some(seed) = disk::seed_if_disks_can_be_made(test, SEED) else { return };
    let scratch = tempfile::tempdir().unwrap();
    let image = scratch.path().join("disk.img");
    disk::make_file_system(&image, IMAGE_BYTES).unwrap();
    let mounted = Mount::new(&image, &scratch.path().join("disk")).unwrap();
    let mut stage = Stage::on(&mounted.path.join("data"), seed).await;

    let fillers = fill_up(&mounted.path, "filler");
    stage.acknowledges_nothing().await;
    stage.is_not_ready_because("no event can be kept").await;
    // What the files of the host still had room for is used up, too.
    let more = fill_up(&mounted.path, "more");
    stage.acknowledges_nothing().await;
    assert!(stage.world.host.ended().is_none(), "the host stays");
    fillers.iter().chain(&more).for_each(|file| fs::remove_file(file).unwrap());
    stage.recovers().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_gone_read_only_is_told_and_nothing_is_lost_once_it_is_mounted_again() {
    let test = "a_disk_gone_read_only_is_told_and_nothing_is_lost_once_it_is_mounted_again";
    let Some(seed) = disk::seed_if_disks_can_be_made(test, SEED) else { return };
    let scratch = tempfile::tempdir().unwrap();
    let (image, mount_point) = (scratch.path().join("disk.img"), scratch.path().join("disk"));
    disk::make_file_system(&image, IMAGE_BYTES).unwrap();
    let mounted = Mount::new(&image, &mount_point).unwrap();
    let mut stage = Stage::on(&mounted.path.join("data"), seed).await;

    // What ext4 does by itself when it meets an error of the device.
    disk::run(Command::new("mount").args(["-o", "remount,abort"]).arg(&mount_point)).unwrap();
    stage.acknowledges_nothing().await;
    stage.is_not_ready_because("no event can be kept").await;
    assert!(stage.world.host.log().contains("Read-only file system"), "the log says why");
    assert!(stage.world.host.ended().is_none(), "the host stays to say so");

    // Such a file system becomes writable by being mounted anew, which its files in use prevent: the host is ended.
    stage.world.host.terminate();
    drop(mounted);
    let _mounted = Mount::new(&image, &mount_point).unwrap();
    stage.world.host.try_restart().unwrap_or_else(|error| panic!("{error}"));
    stage.world.expose_to(&stage.storm).unwrap();
    stage.recovers().await;
}

/// File systems that are made to give up: of those whose log trusts a sync that succeeded meanwhile, one in ten has lost
/// what was acknowledged last.
const GIVEN_UP: usize = 25;

#[test]
fn what_is_acknowledged_while_a_file_system_gives_up_is_there_when_it_is_mounted_again() {
    let test = "what_is_acknowledged_while_a_file_system_gives_up_is_there_when_it_is_mounted_again";
    let Some(mut random) = disk::numbers_if_disks_can_be_made(test, SEED) else { return };
    let scratch = tempfile::tempdir().unwrap();
    let (image, mount_point) = (scratch.path().join("disk.img"), scratch.path().join("disk"));
    let open = || Log::open(&mount_point.join("log"), Arc::new(clock::System), journal::Options::inbox()).unwrap();
    for round in 1..=GIVEN_UP {
        disk::make_file_system(&image, 64 << 20).unwrap();
        let mounted = Mount::new(&image, &mount_point).unwrap();
        let (log, wanted) = (open(), 20 + random.below(100));
        let acknowledged = AtomicU64::new(0);
        thread::scope(|scope| {
            // The journal commits for this one while the log's own sync is on its way.
            scope.spawn(|| {
                let mut other = File::create(mount_point.join("other")).unwrap();
                while other.write_all(&[1; 30_000]).and_then(|()| other.sync_data()).is_ok() {}
            });
            scope.spawn(|| {
                while let Ok(position) = log.append(&[2; 20_000]).wait() {
                    acknowledged.store(position.0, Ordering::SeqCst);
                }
            });
            while acknowledged.load(Ordering::SeqCst) < wanted {
                thread::yield_now();
            }
            disk::run(Command::new("mount").args(["-o", "remount,abort"]).arg(&mount_point)).unwrap();
        });
        drop(log);
        drop(mounted);
        let _mounted = Mount::new(&image, &mount_point).unwrap();
        let (found, last) = (open().durable().borrow().0, acknowledged.into_inner());
        assert!(found >= last, "round {round}: {last} records were acknowledged, {found} are there");
    }
}

/// Makes syncs of a process fail while it lives.
struct FailingSyncs(Child);

impl FailingSyncs {
    /// `strace`, attached to the process; `only` names the one file whose syncs fail.
    fn of(process: u32, only: Option<&Path>) -> Result<Self, String> {
        let mut command = Command::new("strace");
        command.args(["-f", "-qqq", "-o", "/dev/null"]);
        command.args(["-e", "trace=fdatasync,fsync", "-e", "inject=fdatasync,fsync:error=EIO"]);
        if let Some(file) = only {
            command.arg("-P").arg(file);
        }
        command.args(["-p", &process.to_string()]).stdin(Stdio::null()).stderr(Stdio::null());
        let mut strace = Self(command.spawn().map_err(|error| format!("strace: {error}"))?);
        let tracer = format!("TracerPid:\t{}", strace.0.id());
        // Every thread that is there has to be held by it.
        let is_traced = |task: fs::DirEntry| {
            let status = fs::read_to_string(task.path().join("status")).unwrap_or_default();
            status.lines().any(|line| line == tracer)
        };
        while !fs::read_dir(format!("/proc/{process}/task")).unwrap().flatten().all(is_traced) {
            if let Ok(Some(status)) = strace.0.try_wait() {
                return Err(format!("strace cannot be attached: {status}"));
            }
            std::thread::yield_now();
        }
        Ok(strace)
    }

    /// Lets the process go, whole.
    fn end(mut self) {
        disk::run(Command::new("sh").args(["-c", "kill -TERM \"$0\"", &self.0.id().to_string()])).unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for FailingSyncs {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_syncs_fail_nothing_is_acknowledged_and_afterwards_nothing_is_lost() {
    let scratch = tempfile::tempdir().unwrap();
    let mut stage = Stage::on(&scratch.path().join("data"), disk::seed(SEED)).await;
    let syncs = match FailingSyncs::of(stage.world.host.pid(), None) {
        Ok(syncs) => syncs,
        Err(reason) => {
            eprintln!("DID NOT RUN: while_syncs_fail_nothing_is_acknowledged_and_afterwards_nothing_is_lost: {reason}");
            return;
        }
    };
    stage.acknowledges_nothing().await;
    stage.is_not_ready_because("no event can be kept").await;
    stage.is_not_ready_because("nothing can be committed").await;
    assert!(stage.world.host.ended().is_none(), "the host stays");
    syncs.end();
    stage.recovers().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_syncs_of_the_store_alone_fail_events_wait_in_the_inbox() {
    let scratch = tempfile::tempdir().unwrap();
    let data = scratch.path().join("data");
    let mut stage = Stage::on(&data, disk::seed(SEED)).await;
    let syncs = match FailingSyncs::of(stage.world.host.pid(), Some(&data.join("store/db"))) {
        Ok(syncs) => syncs,
        Err(reason) => {
            eprintln!("DID NOT RUN: while_syncs_of_the_store_alone_fail_events_wait_in_the_inbox: {reason}");
            return;
        }
    };
    stage.is_not_ready_because("nothing can be committed").await;
    // The acknowledgement needs only the inbox.
    let acknowledged = stage.storm.progress().0;
    stage.storm.acknowledged(acknowledged + 50, DEADLINE).await.unwrap();
    syncs.end();
    stage.recovers().await;
}
