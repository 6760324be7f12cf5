//! The harness, with a shell script in the host's place.

use super::*;
use crate::DEADLINE;

/// A host that is the script.
fn stand_in(behaviour: &str) -> Builder {
    Host::builder().binary(concat!(env!("CARGO_MANIFEST_DIR"), "/src/host/stand_in.sh")).env("STAND_IN", behaviour)
}

#[test]
fn a_host_is_started_killed_and_started_again_on_the_same_data() {
    let mut host = stand_in("serves").env("NAME", "test").start();
    assert_eq!(host.webhooks_url(), "http://127.0.0.1:1111");
    assert_eq!(host.admin_url(), "http://127.0.0.1:2222");
    let data = host.data_dir().to_owned();
    host.kill_9();
    host.restart();
    assert_eq!(host.data_dir(), data);
    assert!(data.is_dir());
    assert!(host.terminate());
    assert_eq!(host.log().matches("started as test").count(), 2);
    assert_eq!(host.log().matches("ended well").count(), 1);
}

#[test]
fn commands_get_the_same_configuration() {
    let host = stand_in("serves").start();
    let answer = host.cli_json(&["event", "list", "--json"]);
    assert_eq!(answer["args"], format!("event list --json --config {}", host.config_file().display()));
    assert!(host.cli(&["plugin", "list"]).status.success());
}

#[test]
fn the_configuration_names_data_listeners_and_peers() {
    let builder = Host::builder().smtp("127.0.0.1:2525".parse().unwrap()).config("[sandbox]\nfuel = 5");
    let expected = "data_dir = \"/data\"
listen = \"127.0.0.1:0\"

[admin]
listen = \"127.0.0.1:0\"

[retry]
effect_seconds = [1, 2, 5]

[mail]
smtp = \"smtp://127.0.0.1:2525\"
from = \"Shop <shop@example.com>\"
quiet_hours = \"\"

[history]
on_installation = false

[sandbox]
fuel = 5
";
    assert_eq!(builder.config_text(Path::new("/data")), expected);
}

#[test]
fn a_host_that_ends_early_is_reported_with_its_log() {
    let Err(error) = stand_in("ends-early").try_start() else { panic!("it started") };
    assert!(matches!(&error, StartError::Ended { .. }));
    let message = error.to_string();
    assert!(message.contains("exit status: 3") && message.contains("data_dir is locked"), "{message}");
}

#[test]
fn a_host_that_names_no_listener_is_reported() {
    let Err(error) = stand_in("names-no-admin").try_start() else { panic!("it started") };
    assert!(matches!(error, StartError::NoListener { missing: "admin", .. }), "{error}");
}

#[test]
fn a_missing_binary_is_reported_with_the_remedy() {
    let error = StartError::NoBinary { beside: "/target/debug/deps/it".into() };
    let message = error.to_string();
    assert!(message.contains("cargo build -p regulars") && message.contains(BINARY_ENV), "{message}");
}

#[tokio::test]
async fn eventually_gives_back_what_was_found() {
    let mut looks = 0;
    let found = eventually("the third look", DEADLINE, async || {
        looks += 1;
        (looks == 3).then_some("found")
    });
    assert_eq!(found.await, "found");
    assert_eq!(looks, 3);
}
