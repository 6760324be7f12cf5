//! What had become of an order before the store was added, as a later save of the order shows it.

use bytes::Bytes;

use super::*;
use crate::{
    dispatch::bench::{DAY, START},
    domain::{Order, Origin, Platform, Timestamp},
};

const SAVED: &str = "observer.sales_order_save_commit_after";

/// A step, or the save itself, of an order that was placed then and is paid.
fn told(bench: &Bench, topic: &str, placed_at: Timestamp) -> Event {
    const ORDER: &str = include_str!("../../../../tests/fixtures/magento/adobe_io_order.json");
    let mut body: serde_json::Value = serde_json::from_str(ORDER).unwrap();
    body["data"]["value"]["created_at"] = placed_at.to_string().into();
    let origin = Origin::Webhook { platform: Platform::Magento, topic: topic.into(), api_version: "adobe-io".into() };
    let now = bench.clock.now();
    let (id, body) = (format!("webhook/{topic}").into(), Bytes::from(body.to_string()));
    Event { id, store: bench.id, origin, occurred_at: now, received_at: now, body }
}

#[tokio::test]
async fn a_save_tells_steps_of_orders_that_were_placed_since_the_store_was_added_and_of_no_others() {
    for (placed_at, steps) in [(START, 1), (START.saturating_sub(365 * DAY), 0)] {
        let bench = Bench::new().await;
        let module = Guest::default().module("(call $count (local.get $topic) (local.get $topic_len))");
        bench.install_for(&["order.paid", "order.updated"], "points", &[], &module).await;
        bench.switch_on("points", &[]).await;
        bench.accept(&told(&bench, &format!("step/paid/{SAVED}"), placed_at)).await;
        bench.accept(&told(&bench, SAVED, placed_at)).await;
        let counts = ["order.paid", "order.updated"].map(|topic| bench.counted("points", topic));
        assert_eq!(counts, [steps, 1]);
        let learnt: Order = bench.read(&keys::order(bench.id, &"42".into())).unwrap();
        assert_eq!((learnt.placed_at, learnt.financial_status.as_deref()), (placed_at, Some("paid")));
    }
}
