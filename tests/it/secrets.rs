//! What opens shops: sealed on disk, by a key that can be kept elsewhere and changed.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::shop::{DOMAIN, Shop, webhook};

const TOKEN: &str = "shpat_0123456789abcdef";
const SECOND_SECRET: &str = "the-second-webhook-secret";

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[tokio::test]
async fn tokens_and_webhook_secrets_stand_in_no_file_and_not_in_the_log() {
    let mut shop = Shop::open().await;
    shop.run(&["store", "update", DOMAIN, "--token", TOKEN, "--secret", SECOND_SECRET]);
    let listed = shop.run(&["store", "list", "--json"]);
    assert!(shop.host.terminate());
    let data = files(shop.host.data_dir());
    let data = data.iter().map(|file| (file.display().to_string(), fs::read(file).unwrap()));
    let written = data.chain([("the log".into(), shop.host.log().into()), ("the list".into(), listed.into())]);
    let mut holds_domain = false;
    for (file, bytes) in written {
        let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(!holds(TOKEN) && !holds(SECOND_SECRET), "{file}");
        holds_domain |= holds(DOMAIN);
    }
    assert!(holds_domain, "nothing is compressed or hidden that this looks for");
}

#[tokio::test]
async fn a_new_key_takes_over_and_without_any_key_that_fits_the_host_says_what_is_missing() {
    let mut shop = Shop::open().await;
    assert_eq!(shop.send(&webhook("orders/paid", "order_placed", "w-1")).await.status, 200);
    assert!(shop.host.terminate());
    let first = shop.host.data_dir().join("seal.key");
    let elsewhere = tempfile::tempdir().unwrap();
    let second = elsewhere.path().join("regulars.key");
    fs::write(&second, [9; 32]).unwrap();
    let settings = fs::read_to_string(shop.host.config_file()).unwrap();
    let with =
        |secrets: String| fs::write(shop.host.config_file(), format!("{settings}\n[secrets]\n{secrets}")).unwrap();

    with(format!("key_file = {second:?}"));
    let log = shop.host.try_restart().unwrap_err().to_string();
    assert!(log.contains("cannot be opened") && log.contains("previous_key_files"), "{log}");

    let settings = fs::read_to_string(shop.host.config_file()).unwrap();
    fs::write(shop.host.config_file(), format!("{settings}\nprevious_key_files = [{first:?}]")).unwrap();
    shop.host.restart();
    assert_eq!(shop.send(&webhook("orders/paid", "order_placed", "w-2")).await.status, 200);

    assert!(shop.host.terminate());
    fs::remove_file(first).unwrap();
    fs::write(shop.host.config_file(), settings).unwrap();
    shop.host.restart();
    assert_eq!(shop.send(&webhook("orders/paid", "order_placed", "w-3")).await.status, 200);
}
