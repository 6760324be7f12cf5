//! Customers put straight into a stopped host's store: what a host keeps of each that it has known for a while.

use std::{io, path::Path};

use regulars::{
    domain::{Customer, StoreId, Timestamp},
    store::{Commit, Key, Scan, SledStore, Store, encode, keys, sled},
};

use crate::{
    service::PLUGIN,
    workload::{FIRST_CUSTOMER, email_of},
};

const STORE: StoreId = StoreId(1);

/// Customers in one commit: large, as nobody waits for one alone.
const AT_ONCE: u64 = 200;

/// Commits that wait at once.
const SUBMITTED: usize = 2;

/// Writes so many customers: the fact, the e-mail's index, the plugin's account and its first entry.
pub fn customers(store: &Path, count: u64) -> io::Result<()> {
    let store = SledStore::open(store, sled::Options::default()).map_err(io::Error::other)?;
    let firsts: Vec<_> = (0..count).step_by(AT_ONCE as usize).collect();
    for firsts in firsts.chunks(SUBMITTED) {
        let submitted: Vec<_> =
            firsts.iter().map(|first| store.commit(commit(*first..(first + AT_ONCE).min(count)))).collect();
        for commit in submitted {
            commit.wait().map_err(io::Error::other)?;
        }
    }
    Ok(())
}

fn commit(numbers: std::ops::Range<u64>) -> Commit {
    let mut commit = Commit::default();
    for number in numbers {
        let id = (FIRST_CUSTOMER + number).to_string();
        let customer = customer(&id, number);
        commit.put(keys::customer(STORE, &customer.id), encode(&customer));
        commit.put(keys::customer_of_email(STORE, &email_of(number), &customer.id), encode(&customer.updated_at));
        let plugin = PLUGIN.into();
        let account = r#"{"balance":50,"entries":1,"lots":[{"points":50}],"gifts":[{"what":"sign_up","points":50}]}"#;
        commit.put(keys::state(STORE, &plugin, &format!("account/{id}")), account.into());
        let entry = format!(
            r#"{{"kind":"sign_up","points":50,"about":null,"cause":"webhook/{number:08x}-0000-4000-8000-000000000000","at":1790000000000,"version":1}}"#
        );
        commit.put(keys::state(STORE, &plugin, &format!("entry/{id}/000000000001")), entry.into());
    }
    commit
}

fn customer(id: &str, number: u64) -> Customer {
    Customer {
        email: Some(email_of(number)),
        first_name: Some("Mira".into()),
        last_name: Some("Jansen".into()),
        locale: Some("nl".into()),
        accepts_marketing: Some(true),
        created_at: Some(Timestamp(1_700_000_000_000)),
        updated_at: Timestamp(1_700_000_000_000),
        ..Customer::nobody(id.into())
    }
}

/// Bytes of all keys and values of a stopped host's store.
pub fn live_bytes(store: &Path) -> io::Result<u64> {
    const PAGE: usize = 10_000;
    let store = SledStore::open(store, sled::Options::default()).map_err(io::Error::other)?;
    let (mut total, mut after) = (0, None);
    loop {
        let rows =
            store.scan(&Scan::of(Key::from_bytes(Vec::new()), PAGE).after(after.take())).map_err(io::Error::other)?;
        total += rows.iter().map(|(key, value)| (key.as_bytes().len() + value.bytes.len()) as u64).sum::<u64>();
        match rows.into_iter().next_back() {
            Some((key, _)) => after = Some(key),
            None => return Ok(total),
        }
    }
}
