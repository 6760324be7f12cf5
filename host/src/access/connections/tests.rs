//! Connections before their merchants have come back.

use std::sync::Arc;

use super::*;
use crate::{
    dispatch::bench::Bench,
    platform::http::{Http, Reach},
};

async fn keeper() -> (Bench, Arc<Keeper>) {
    let bench = Bench::new().await;
    let keeper = Keeper::new(Arc::clone(&bench.catalog), Arc::new(bench.clock.clone()), Http::new().unwrap(), None);
    (bench, Arc::new(keeper))
}

fn to(url: &str, api_url: Option<&str>) -> NewConnection {
    NewConnection { url: url.into(), api_url: api_url.map(Into::into), secret: None }
}

fn activation(key: &str) -> Activation {
    Activation {
        consumer_key: key.into(),
        consumer_secret: "hush".into(),
        verifier: "hush".into(),
        store_base_url: "https://Shop.Example.com/".into(),
    }
}

fn shop(keeper: &Keeper, ticket: &str) -> Shop {
    keeper.connections.lock().unwrap()[ticket].shop.clone()
}

#[tokio::test]
async fn a_shop_is_called_at_public_addresses_unless_who_runs_the_host_says_where() {
    let (_bench, keeper) = keeper().await;
    let own = keeper.begin_connection(to("https://shop.example.com/", None)).unwrap();
    let called = shop(&keeper, &own.ticket);
    assert_eq!((called.base.as_str(), called.reach), ("https://shop.example.com", Reach::Public));
    let inside = keeper.begin_connection(to("https://shop.example.com", Some("http://10.0.0.7"))).unwrap();
    let called = shop(&keeper, &inside.ticket);
    assert_eq!((called.base.as_str(), called.reach), ("http://10.0.0.7", Reach::Anywhere));
}

#[tokio::test]
async fn a_connection_ends_with_its_hour_and_with_the_next_one_of_its_shop() {
    let (bench, keeper) = keeper().await;
    let first = keeper.begin_connection(to("https://shop.example.com", None)).unwrap();
    let second = keeper.begin_connection(to("https://shop.example.com", None)).unwrap();
    let taken = |ticket: &str| keeper.take_activation(ticket, activation("key"));
    assert!(matches!(taken(&first.ticket), Err(ConnectError::NoConnection)));
    assert!(taken(&second.ticket).is_ok());
    bench.clock.advance(GOOD_FOR);
    assert!(matches!(taken(&second.ticket), Err(ConnectError::NoConnection)));
    let late = keeper.complete_connection(&second.ticket, "key").await;
    assert!(matches!(late, Err(ConnectError::NoConnection)));
}
