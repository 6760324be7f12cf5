//! Laws of what comes in besides webhooks: each thing counts once, whatever is repeated, forgotten or cut off.

mod magento;

use std::{collections::BTreeMap, time::Duration};

use proptest::prelude::*;

use super::{
    settings::publish,
    tasks::{self, Answer, AnswerRefused},
    visits::{self, Visitor, Visitors},
};
use crate::{
    catalog::StoreEntry,
    clock::Clock,
    dispatch::bench::{Bench, DOMAIN},
    domain::{PluginName, StoreId},
    engine::guest::Guest,
    store::{Position, Scan, SharedLink, TaskRecord, keys},
};

const PLUGIN: &str = "guest";

/// A store in which a plugin is on that counts every event that it is told of.
async fn bench() -> Bench {
    let bench = Bench::new().await;
    let mut guest = Guest::default();
    let key = guest.text("told");
    let module = guest.module(&format!("(call $count {key})"));
    bench.install_for(&["link.visited", "settings.published"], PLUGIN, &[], &module).await;
    bench.switch_on(PLUGIN, &[]).await;
    bench
}

fn entry(bench: &Bench) -> std::sync::Arc<StoreEntry> {
    bench.catalog.store_named(DOMAIN).unwrap()
}

/// Applies what has been appended after a position.
async fn apply_after(bench: &Bench, applied: &mut Position) {
    let last = *bench.inbox.durable().borrow();
    while *applied < last {
        *applied = applied.next();
        bench.apply_at(*applied).await;
    }
}

/// Steps of three devices that follow two links, while hours pass and the host is started anew.
#[derive(Clone, Debug)]
enum Step {
    Follow { link: usize, device: usize },
    Wait(u64),
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..2_usize, 0..3_usize).prop_map(|(link, device)| Step::Follow { link, device }),
        2 => (1..20_u64).prop_map(Step::Wait),
        1 => Just(Step::Restart),
    ]
}

async fn visits_of(steps: &[Step]) {
    let bench = bench().await;
    let (mut visitors, mut applied, mut followed) = (Visitors::default(), Position(0), BTreeMap::<_, u32>::new());
    for step in steps {
        match *step {
            Step::Wait(hours) => bench.clock.advance(Duration::from_secs(hours * 3_600)),
            Step::Restart => visitors = Visitors::default(),
            Step::Follow { link, device } => {
                let name = ["K3JQ7PZ2", "M4KR8QA3"][link];
                let shared = SharedLink { store: bench.id, plugin: PLUGIN.into(), customer: "7".into() };
                let visitor = Visitor { address: None, agent: None, device: device.to_string() };
                let kept = visits::count(&bench.pipeline, &visitors, &entry(&bench), (name, &shared), &visitor).await;
                apply_after(&bench, &mut applied).await;
                let day = bench.clock.now().0 / 86_400_000;
                *followed.entry((link, device, day)).or_default() += u32::from(kept.unwrap());
            }
        }
    }
    assert!(followed.values().all(|kept| *kept == 1), "{followed:?}");
    assert_eq!(bench.counted(PLUGIN, "told"), u32::try_from(followed.len()).unwrap(), "{steps:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn a_device_counts_once_for_each_link_and_day_whatever_is_forgotten(steps in prop::collection::vec(step(), 1..40)) {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(visits_of(&steps));
    }
}

#[tokio::test]
async fn a_version_that_was_told_before_a_crash_could_be_noted_is_told_once() {
    let bench = bench().await;
    let (mut applied, plugin) = (Position(0), PluginName::from(PLUGIN));
    let untold = |bench: &Bench| bench.store.scan(&Scan::of(keys::unpublished_settings(bench.id), 10)).unwrap().len();
    assert_eq!(untold(&bench), 1, "it stands in the commit that switched the plugin on");
    assert_eq!(publish(&bench.pipeline, &entry(&bench)).await.unwrap(), 1);
    assert_eq!((untold(&bench), publish(&bench.pipeline, &entry(&bench)).await.unwrap()), (0, 0));
    // As a crash leaves it that comes after the event and before the row has gone.
    bench.put_bytes(keys::unpublished_setting(bench.id, &plugin, 1), b"").await;
    assert_eq!(publish(&bench.restarted().pipeline, &entry(&bench)).await.unwrap(), 1);
    apply_after(&bench, &mut applied).await;
    assert_eq!((applied, bench.counted(PLUGIN, "told")), (Position(2), 1));
}

#[tokio::test]
async fn a_version_waits_for_a_plugin_that_wants_to_know() {
    let bench = Bench::new().await;
    let mut guest = Guest::default();
    let key = guest.text("told");
    let module = guest.module(&format!("(call $count {key})"));
    bench.install_for(&["order.paid"], PLUGIN, &[], &module).await;
    bench.switch_on(PLUGIN, &[]).await;
    assert_eq!(publish(&bench.pipeline, &entry(&bench)).await.unwrap(), 0);
    bench.install_for(&["settings.published"], PLUGIN, &[], &module).await;
    bench.catalog.disable(DOMAIN, &PLUGIN.into()).await.unwrap();
    assert_eq!(publish(&bench.pipeline, &entry(&bench)).await.unwrap(), 0, "it is off");
    bench.switch_on(PLUGIN, &[]).await;
    assert_eq!(publish(&bench.pipeline, &entry(&bench)).await.unwrap(), 1);
}

async fn open_task(bench: &Bench, key: &str) {
    let record = TaskRecord {
        title: "Is this a friend?".into(),
        details: Vec::new(),
        customer: None,
        order: None,
        choices: vec![("approve".into(), "Approve".into()), ("deny".into(), "Deny".into())],
        due: None,
        opened_at: bench.clock.now(),
    };
    let mut transaction = bench.transaction();
    transaction.put(keys::task(bench.id, &PLUGIN.into(), key), &record);
    transaction.commit().await.unwrap();
}

fn is_open(bench: &Bench, key: &str) -> bool {
    bench.store.get(&keys::task(bench.id, &PLUGIN.into(), key)).unwrap().is_some()
}

fn answer(key: &str, choice: &str) -> Answer {
    Answer { plugin: PLUGIN.into(), task: key.into(), choice: choice.into(), reason: String::new() }
}

#[tokio::test]
async fn a_task_is_answered_once_and_closed_in_the_answers_commit() {
    let bench = bench().await;
    let (long, entry) = ("order/".repeat(40), entry(&bench));
    for key in ["order/1", &long] {
        open_task(&bench, key).await;
        let (first, _) = tasks::accept(&bench.pipeline, &entry, answer(key, "approve")).await.unwrap();
        let (second, _) = tasks::accept(&bench.pipeline, &entry, answer(key, "deny")).await.unwrap();
        assert_eq!(first, second, "until the first is applied, a second answer is the first again");
        assert!(is_open(&bench, key));
    }
    let before = bench.counted(PLUGIN, "told");
    apply_after(&bench, &mut Position(0)).await;
    assert!(!is_open(&bench, "order/1") && !is_open(&bench, &long));
    assert_eq!(bench.counted(PLUGIN, "told") - before, 2);
    let refused = tasks::accept(&bench.pipeline, &entry, answer("order/1", "deny")).await.unwrap_err();
    assert!(matches!(refused, AnswerRefused::NoTask { .. }), "{refused}");
    bench.clock.advance(Duration::from_secs(1));
    open_task(&bench, "order/1").await;
    let refused = tasks::accept(&bench.pipeline, &entry, answer("order/1", "dance")).await.unwrap_err();
    assert_eq!(refused.to_string(), "`dance` is no answer to this task; there are: approve, deny");
    tasks::accept(&bench.pipeline, &entry, answer("order/1", "deny")).await.unwrap();
    assert_eq!(*bench.inbox.durable().borrow(), Position(5), "opened anew it is answered anew");
}

#[tokio::test]
async fn a_task_of_another_plugin_or_store_is_not_closed() {
    let bench = bench().await;
    open_task(&bench, "order/1").await;
    tasks::accept(&bench.pipeline, &entry(&bench), answer("order/1", "approve")).await.unwrap();
    let others = [keys::task(StoreId(9), &PLUGIN.into(), "order/1"), keys::task(bench.id, &"other".into(), "order/1")];
    for key in &others {
        bench.put_bytes(key.clone(), b"theirs").await;
    }
    apply_after(&bench, &mut Position(0)).await;
    assert!(!is_open(&bench, "order/1"));
    assert!(others.iter().all(|key| bench.store.get(key).unwrap().is_some()));
}
