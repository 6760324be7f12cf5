//! Times by which orders are to be sent.

use regulars_tests::shopify_admin::FulfillmentOrder;

use super::*;

const AT: &str = "2026-10-03T10:00:00Z";

fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn part(number: u32, status: &'static str, fulfill_by: Option<&str>) -> FulfillmentOrder {
    let id = format!("gid://shopify/FulfillmentOrder/{number}");
    FulfillmentOrder { id, status, fulfill_by: fulfill_by.map(instant) }
}

fn deadlines(host: &Host) -> Vec<Option<Timestamp>> {
    host.admin.fulfillment_orders(ORDER).into_iter().map(|part| part.fulfill_by).collect()
}

#[tokio::test]
async fn what_is_still_to_be_sent_has_the_deadline_and_an_earlier_one_stays() {
    let host = Host::new();
    let earlier = "2026-10-02T10:00:00Z";
    host.admin.put_fulfillment_orders(
        ORDER,
        vec![
            part(1, "OPEN", None),
            part(2, "SCHEDULED", Some("2026-10-09T10:00:00Z")),
            part(3, "ON_HOLD", Some(earlier)),
            part(4, "IN_PROGRESS", None),
            part(5, "CLOSED", None),
            part(6, "CANCELLED", None),
            part(7, "INCOMPLETE", None),
        ],
    );
    assert_eq!(host.perform("effect-1", &ship_by(AT)).await.unwrap().0, ORDER);
    let at = Some(instant(AT));
    assert_eq!(deadlines(&host), [at, at, Some(instant(earlier)), at, None, None, None]);
}

#[tokio::test]
async fn a_deadline_that_stands_is_not_written_again() {
    let host = Host::new();
    host.perform("effect-1", &ship_by(AT)).await.unwrap();
    let before = host.admin.requests().len();
    host.perform("effect-1", &ship_by(AT)).await.unwrap();
    host.perform("effect-2", &ship_by("2026-10-04T10:00:00Z")).await.unwrap();
    assert_eq!(host.admin.requests().len(), before + 2, "both only read");
    assert_eq!(deadlines(&host), [Some(instant(AT))]);
    host.perform("effect-3", &ship_by("2026-10-02T10:00:00Z")).await.unwrap();
    assert_eq!(deadlines(&host), [Some(instant("2026-10-02T10:00:00Z"))]);
}

#[tokio::test]
async fn a_part_that_comes_later_has_the_deadline_of_whoever_asks_again() {
    let host = Host::new();
    host.admin.put_fulfillment_orders(ORDER, vec![part(1, "CLOSED", Some(AT)), part(2, "OPEN", None)]);
    host.perform("effect-1", &ship_by(AT)).await.unwrap();
    assert_eq!(deadlines(&host), [Some(instant(AT)); 2]);
}

#[tokio::test]
async fn an_order_that_is_not_sent_any_more_fails_for_good() {
    let cases = [
        (json!({"cancelled_at": "2026-10-01T11:00:00Z"}), "the order is cancelled"),
        (json!({"fulfillment_status": "fulfilled"}), "the order is shipped"),
    ];
    for (changes, reason) in cases {
        let host = Host::new();
        host.admin.put_order(order(changes.clone()));
        assert_eq!(host.refusal("effect-1", &ship_by(AT)).await, reason);
        assert_eq!(deadlines(&host), [None]);

        let host = Host::new();
        let receipt = host.perform("effect-1", &ship_by(AT)).await.unwrap();
        host.admin.put_order(order(changes));
        assert_eq!(host.perform("effect-1", &ship_by(AT)).await.unwrap(), receipt, "what was done stays done");
    }
    let host = Host::new();
    host.admin.put_fulfillment_orders(ORDER, vec![part(1, "INCOMPLETE", None)]);
    assert_eq!(host.refusal("effect-1", &ship_by(AT)).await, "nothing of the order waits to be shipped");
    let many = (1..=51).map(|number| part(number, "OPEN", None)).collect();
    host.admin.put_fulfillment_orders(ORDER, many);
    assert!(host.refusal("effect-1", &ship_by(AT)).await.contains("more parts than can be read"));
    let elsewhere = ShipBy { order: "404".into(), at: Moment(1_790_000_000_000) };
    assert_eq!(host.refusal("effect-1", &EffectKind::SetShipBy(elsewhere)).await, "there is no such order");
}
