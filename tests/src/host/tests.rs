//! The harness, with shell scripts in the host's place.

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::DEADLINE;

/// A folder with a program that does what the shell commands say.
fn program(commands: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("regulars");
    std::fs::write(&path, format!("#!/bin/sh\n{commands}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    (folder, path)
}

/// Serves as the host does; any other command prints its arguments as JSON.
const SERVER: &str = r#"
if [ "$1" != serve ]; then printf '{"args":"%s"}\n' "$*"; exit 0; fi
echo "started as $NAME" >&2
echo "listening webhooks http://127.0.0.1:1111"
echo "listening admin http://127.0.0.1:2222"
echo ready
trap 'echo "ended well" >&2; exit 0' TERM
while :; do sleep 0.1; done"#;

#[test]
fn a_host_is_started_killed_and_started_again_on_the_same_data() {
    let (_folder, binary) = program(SERVER);
    let mut host = Host::builder().binary(binary).env("NAME", "test").start();
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
    let (_folder, binary) = program(SERVER);
    let host = Host::builder().binary(binary).start();
    let answer = host.cli_json(&["event", "list", "--json"]);
    assert_eq!(answer["args"], format!("event list --json --config {}", host.config_file().display()));
    assert!(host.cli(&["plugin", "list"]).status.success());
}

#[test]
fn the_configuration_names_data_listeners_and_peers() {
    let builder = Host::builder()
        .admin_api("http://127.0.0.1:1")
        .smtp("127.0.0.1:2525".parse().unwrap())
        .config("[limits]\nfuel = 5");
    let expected = "data_dir = \"/data\"
listen = \"127.0.0.1:0\"

[admin]
listen = \"127.0.0.1:0\"

[retry]
effect_seconds = [1, 2, 5]

[mail]
smtp = \"smtp://127.0.0.1:2525\"
from = \"Shop <shop@example.com>\"

[shopify]
admin_api = \"http://127.0.0.1:1\"

[limits]
fuel = 5
";
    assert_eq!(builder.config_text(Path::new("/data")), expected);
}

#[test]
fn a_host_that_ends_early_is_reported_with_its_log() {
    let (_folder, binary) = program("echo 'data_dir is locked' >&2; exit 3");
    let Err(error) = Host::builder().binary(binary).try_start() else { panic!("it started") };
    assert!(matches!(&error, StartError::Ended { .. }));
    let message = error.to_string();
    assert!(message.contains("exit status: 3") && message.contains("data_dir is locked"), "{message}");
}

#[test]
fn a_host_that_names_no_listener_is_reported() {
    let (_folder, binary) = program("echo 'listening webhooks http://127.0.0.1:1111'; echo ready; exec sleep 600");
    let Err(error) = Host::builder().binary(binary).try_start() else { panic!("it started") };
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
