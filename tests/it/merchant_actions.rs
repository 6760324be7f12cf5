//! What merchants ask of plugins by hand and by file, the tasks that they answer, the bounds that they set, and the settings
//! that they save.

use serde_json::{Value, json};

use crate::{
    shop::DOMAIN,
    showcase::{MIRA, MIRAS_ADDRESS, NAME, REFUSAL, Stage},
};

#[track_caller]
fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }
}

#[tokio::test]
async fn an_action_counts_once_for_each_key_and_the_command_says_what_was_decided() {
    let stage = Stage::open().await;
    let (address, input) = (MIRAS_ADDRESS.to_uppercase(), r#"{"points":"5"}"#);
    let act = |name: &'static str, key: &'static str| {
        ["plugin", "act", DOMAIN, NAME, name, "--customer", &address, "--input", input, "--key", key]
    };
    says(&stage.run(&act("adjust", "k-1")), &["accepted merchant-action/showcase/k-1", "showcase: done"]);
    says(&stage.run(&act("adjust", "k-1")), &["duplicate merchant-action/showcase/k-1", "showcase: done"]);
    let told = stage.told_of("merchant.action").await;
    assert_eq!(told.iter().filter(|input| **input == json!({ "points": "5" })).count(), 1, "{told:?}");
    let events = stage.events().await;
    let event = events.iter().find(|event| event["id"] == "merchant-action/showcase/k-1").unwrap();
    assert_eq!(event["customer"], MIRA);

    says(&stage.refused(&act("fail", "k-2")), &["accepted", REFUSAL]);
    let unknown = ["plugin", "act", DOMAIN, NAME, "adjust", "--customer", "nobody@example.com", "--key", "k-3"];
    says(&stage.refused(&unknown), &["nobody@example.com"]);
    says(&stage.refused(&["plugin", "act", DOMAIN, NAME, "", "--key", "k-4"]), &["name"]);
    says(&stage.refused(&["plugin", "act", DOMAIN, "none", "adjust", "--key", "k-5"]), &["none"]);
}

#[tokio::test]
async fn a_file_is_imported_row_by_row_and_each_row_counts_once() {
    let stage = Stage::open().await;
    let file = format!(
        "email,points\n {} ,250\nnobody@example.com,5\n{MIRAS_ADDRESS}\n{MIRAS_ADDRESS},250\n",
        MIRAS_ADDRESS.to_uppercase()
    );
    let file = stage.file("points.csv", file.as_bytes()).to_string_lossy().into_owned();
    let import = ["plugin", "import", DOMAIN, NAME, "adjust", &file];
    let told = stage.refused(&import);
    says(
        &told,
        &["2 rows taken in, 0 were known, 2 refused", "line 3: ", "nobody@example.com", "line 4: it has 1 columns"],
    );
    says(&told, &["2: handled without a note (lines 2, 5)"]);
    let told = stage.refused(&import);
    says(&told, &["0 rows taken in, 2 were known, 2 refused"]);
    let inputs = stage.told_of("merchant.action").await;
    let adjusted = inputs.iter().filter(|input| **input == json!({ "points": "250" })).count();
    assert_eq!(adjusted, 2, "two rows that say the same are two: {inputs:?}");

    let failing = ["plugin", "import", DOMAIN, NAME, "fail", &file];
    says(&stage.refused(&failing), &["line 2: ", REFUSAL]);
    let good = stage.file("good.csv", format!("customer;points\n{MIRA};1\n").as_bytes());
    let good =
        ["plugin", "import", DOMAIN, NAME, "adjust", &good.to_string_lossy(), "--delimiter", ";"].map(str::to_owned);
    says(&stage.run(&good.each_ref().map(String::as_str)), &["1 rows taken in, 0 were known, 0 refused"]);
}

#[tokio::test]
async fn a_task_is_listed_until_it_is_answered_and_the_plugin_hears_the_answer() {
    let stage = Stage::open().await;
    let tasks = format!("/v1/stores/{DOMAIN}/tasks");
    assert_eq!(stage.ask("GET", &tasks, None).await.1, json!([]));
    stage.act("query", "q-1").await;
    let listed = stage.ask("GET", &tasks, None).await.1;
    let task = &listed[0];
    assert_eq!((&task["plugin"], &task["key"], &task["overdue"]), (&json!(NAME), &json!("order/1"), &json!(true)));
    assert_eq!((&task["customer"], &task["choices"]), (&json!(MIRA), &json!([["approve", "Approve it"]])));
    says(
        &stage.run(&["task", "list", DOMAIN]),
        &["order/1: Is this a friend?, OVERDUE since", "answer approve: Approve it"],
    );
    says(&stage.refused(&["task", "answer", DOMAIN, NAME, "order/1", "deny"]), &["deny", "approve"]);
    says(&stage.refused(&["task", "answer", DOMAIN, NAME, "order/2", "approve"]), &["order/2", "task list"]);

    let answer = ["task", "answer", DOMAIN, NAME, "order/1", "approve", "--reason", "a good one"];
    says(&stage.run(&answer), &["accepted", "showcase: done"]);
    let told = stage.told_of("merchant.action").await;
    assert!(told.contains(&json!({ "task": "order/1", "reason": "a good one" })), "{told:?}");
    assert_eq!(stage.ask("GET", &tasks, None).await.1, json!([]), "it is closed with the answer");
    says(&stage.refused(&answer), &["order/1"]);

    stage.act("query", "q-2").await;
    says(&stage.run(&answer), &["accepted"]);
}

#[tokio::test]
async fn a_bound_is_kept_and_warns_before_it_is_used_up() {
    let stage = Stage::open().await;
    let command = ["plugin", "budget", DOMAIN, NAME];
    says(&stage.run(&command), &["(none)"]);
    let set = stage.run(&[&command[..], &["--set", "points/day=100", "--set", "mails/month=5"]].concat());
    says(&set, &["points", "day", "100"]);
    let outcome = async |key| stage.act("give", key).await["deliveries"][0]["outcome"].clone();
    let budgets = format!("/v1/stores/{DOMAIN}/plugins/{NAME}/budgets");
    let points = async || {
        let standing = stage.ask("GET", &budgets, None).await.1;
        let rows = standing.as_array().unwrap().clone();
        rows.into_iter().find(|row| row["kind"] == "points").unwrap()
    };
    assert_eq!(outcome("g-1").await, "done");
    assert_eq!((&points().await["used"], &points().await["warning"]), (&json!(40), &json!(false)));
    assert_eq!(outcome("g-2").await, "done");
    assert_eq!((&points().await["used"], &points().await["warning"]), (&json!(80), &json!(true)));
    assert_eq!(outcome("g-3").await["dead"]["reason"], "the plugin refuses the event: the budget is used up");
    assert_eq!(points().await["used"], json!(80), "what is refused is not counted");

    let dropped = stage.run(&[&command[..], &["--drop", "mails/month"]].concat());
    assert!(!dropped.contains("mails") && dropped.contains("points"), "{dropped}");
    let twice = json!([
        { "kind": "points", "period": "day", "limit": 1 }, { "kind": "points", "period": "day", "limit": 2 },
    ]);
    let (status, problem) = stage.ask("PUT", &budgets, Some(twice)).await;
    assert_eq!(status, 400, "{problem}");
    assert_eq!(points().await["limit"], json!(100));
}

#[tokio::test]
async fn settings_have_versions_that_can_be_compared_and_brought_back_and_are_told_once_each() {
    let mut stage = Stage::open().await;
    let save = |stage: &Stage, greeting: &str, more: &[&str]| {
        let file = stage.file("settings.json", json!({ "greeting": greeting }).to_string().as_bytes());
        let args = ["plugin", "settings", DOMAIN, NAME, "--save", &file.to_string_lossy()].map(str::to_owned);
        let args: Vec<_> = args.iter().map(String::as_str).chain(more.iter().copied()).collect();
        stage.run(&args)
    };
    let command = ["plugin", "settings", DOMAIN, NAME];
    let settings = |stage: &Stage, more: &[&str]| stage.run(&[&command[..], more].concat());
    says(&save(&stage, "Hi", &["--dry-run"]), &[r#"/greeting: "Hello" -> "Hi""#, "nothing was saved"]);
    says(&save(&stage, "Hi", &[]), &["saved as version 2"]);
    says(&save(&stage, "Hi", &[]), &["saved as version 2"]);
    says(&settings(&stage, &["--history"]), &["VERSION", "/greeting"]);
    says(&settings(&stage, &["--diff", "1", "2"]), &[r#"/greeting: "Hello" -> "Hi""#]);
    says(&settings(&stage, &["--diff", "2", "2"]), &["nothing differs"]);
    says(&settings(&stage, &["--revert", "1"]), &["version 1 is saved as version 3"]);
    says(&stage.refused(&[&command[..], &["--revert", "9"]].concat()), &["no version 9", "--history"]);
    let path = format!("/v1/stores/{DOMAIN}/plugins/{NAME}/settings");
    let shown = stage.ask("GET", &path, None).await.1;
    assert_eq!((&shown["version"], &shown["settings"]), (&json!(3), &json!({ "greeting": "Hello" })));
    assert_eq!(stage.ask("GET", &format!("{path}/2"), None).await.1["settings"], json!({ "greeting": "Hi" }));

    // Switching off and on changes nothing, and neither does a restart.
    stage.run(&["plugin", "disable", DOMAIN, NAME]);
    let off = stage.ask("GET", &path, None).await.1;
    assert_eq!((&off["version"], &off["settings"]), (&Value::Null, &json!({ "greeting": "Hello" })), "to come back to");
    stage.run(&["plugin", "enable", DOMAIN, NAME, "--grant-all"]);
    stage.host.restart();
    assert_eq!(stage.ask("GET", &path, None).await.1["version"], json!(3));
    let told = stage.told_of("settings.published").await;
    assert_eq!(told, [1, 2, 3].map(|version| json!({ "version": version })), "each version once");
}

/// What is saved while no host runs is told by the one that starts next.
#[tokio::test]
async fn settings_that_are_saved_while_the_host_is_down_are_told_once_it_is_up() {
    let mut stage = Stage::open().await;
    assert!(stage.host.terminate());
    let file = stage.file("settings.json", br#"{"greeting":"Hi"}"#);
    stage.run(&["plugin", "settings", DOMAIN, NAME, "--save", &file.to_string_lossy()]);
    let act = stage.run(&["plugin", "act", DOMAIN, NAME, "adjust", "--key", "k-1"]);
    says(&act, &["it is decided once the host runs"]);
    stage.host.restart();
    let told = stage.told_of("settings.published").await;
    assert_eq!(told, [1, 2].map(|version| json!({ "version": version })));
    let inputs: Vec<Value> = stage.told_of("merchant.action").await;
    assert!(!inputs.is_empty());
}
