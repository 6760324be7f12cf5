//! Many codes at once: handed over as a batch, which the shop's consumers work off.

use super::*;
use crate::performing::cards;

fn many(count: usize) -> EffectKind {
    EffectKind::CreateDiscounts(cards(count))
}

fn codes(host: &Host) -> Vec<String> {
    let mut codes: Vec<_> = host.shop.coupons().iter().map(|it| it["code"].as_str().unwrap().to_owned()).collect();
    codes.sort();
    codes
}

async fn not_yet(host: &Host, kind: &EffectKind) {
    match host.perform("effect-1", kind).await {
        Err(Failure::NotYet { .. }) => host.clock.advance(Duration::from_secs(20)),
        other => panic!("{other:?}"),
    }
}

/// Tries until it is done, with consumers that run in between.
async fn done(host: &Host, kind: &EffectKind) -> String {
    for _ in 0..6 {
        match host.perform("effect-1", kind).await {
            Ok(receipt) => return receipt.0,
            Err(failure) => assert!(!matches!(failure, Failure::Permanent { .. }), "{failure}"),
        }
        host.shop.execute_late();
        host.shop.run_consumers();
        host.clock.advance(LATER);
    }
    panic!("it is never done");
}

#[tokio::test]
async fn many_codes_are_one_batch_under_one_rule_and_each_is_good_once() {
    let host = Host::new();
    let kind = many(250);
    not_yet(&host, &kind).await;
    not_yet(&host, &kind).await;
    assert_eq!(codes(&host), [""; 0]);
    host.shop.run_consumers();
    for _ in 0..2 {
        assert_eq!(host.perform("effect-1", &kind).await.unwrap().0, "250 coupons");
    }
    assert_eq!((host.shop.rules().len(), codes(&host).len()), (1, 250));
    assert!(host.shop.coupons().iter().all(|coupon| coupon["usage_limit"] == 1));
    host.assert_no_request_was_invalid();
}

#[tokio::test]
async fn each_code_is_made_once_whichever_of_the_calls_goes_wrong() {
    let kind = many(4);
    let clean = Host::new();
    done(&clean, &kind).await;
    let faults =
        [Fault::DropAfterExecuting, Fault::ExecuteLate, Fault::InternalError, Fault::Maintenance, Fault::Throttle];
    for fault in faults {
        for call in 0..clean.shop.requests().len() {
            let host = Host::new();
            host.shop.set_fault_after(call, fault);
            assert_eq!(done(&host, &kind).await, "4 coupons", "{fault:?} at call {call}");
            assert_eq!(host.made(), clean.made(), "{fault:?} at call {call}");
        }
    }
}

#[tokio::test]
async fn a_host_that_was_started_anew_hands_over_again_and_makes_no_code_twice() {
    let host = Host::new();
    not_yet(&host, &many(3)).await;
    let anew = host.anew();
    not_yet(&anew, &many(3)).await;
    assert_eq!(done(&anew, &many(3)).await, "3 coupons");
    assert_eq!(codes(&anew).len(), 3);
}

#[tokio::test]
async fn what_is_there_already_is_not_handed_over_again() {
    let host = Host::new();
    done(&host, &many(60)).await;
    done(&host, &many(130)).await;
    let handed_over = |it: &regulars_tests::magento_rest::Request| it.body.as_ref()?.as_array().map(Vec::len);
    let batches: Vec<_> = host.shop.requests().iter().filter_map(handed_over).collect();
    assert_eq!((codes(&host).len(), batches), (130, vec![60, 70]));
}

#[tokio::test]
async fn a_code_that_the_merchant_has_made_meanwhile_is_named_as_not_made() {
    let host = Host::new();
    not_yet(&host, &many(3)).await;
    host.shop.put_rule(json!({ "rule_id": 900, "name": "Summer", "is_active": true, "coupon_type": "SPECIFIC_COUPON", "use_auto_generation": true }));
    host.shop.put_coupon(json!({ "coupon_id": 901, "rule_id": 900, "code": "CARD-2" }));
    host.shop.run_consumers();
    let reason = host.refusal("effect-1", &many(3)).await;
    assert_eq!(reason, "the shop has not made 1 of 3 codes: CARD-2 (%1 already exists.)");
    let reason = host.refusal("effect-1", &many(3)).await;
    assert!(reason.contains("CARD-2 belongs to another cart price rule (900)"), "{reason}");
}

#[tokio::test]
async fn consumers_that_do_not_run_are_waited_for_and_then_named() {
    let host = Host::new();
    not_yet(&host, &many(3)).await;
    host.clock.advance(Duration::from_secs(3_600));
    match host.perform("effect-1", &many(3)).await {
        Err(Failure::Transient { reason }) => assert!(reason.contains("`async.operations.all`"), "{reason}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(done(&host, &many(3)).await, "3 coupons");
}

#[tokio::test]
async fn commerce_as_a_service_takes_no_batches_and_is_given_one_code_after_the_other() {
    let service = Access::Service {
        client_id: "client".into(),
        client_secret: "hush".into(),
        organisation: "1@AdobeOrg".into(),
        token_seconds: 3_600,
    };
    let host = Host::with(service, "unused");
    let token = json!({
        "client_id": "client", "client_secret": "hush", "organisation": "1@AdobeOrg",
        "token_url": format!("{}/ims/token/v3", host.shop.base_url()),
    });
    let client = client(&host.shop, "shop.example.com", &token.to_string(), &host.clock);
    for _ in 0..2 {
        assert_eq!(client.create_discounts(&"effect-1".into(), &cards(3)).await.unwrap().0, "3 coupons");
    }
    assert_eq!(codes(&host), ["CARD-1", "CARD-2", "CARD-3"]);
}

#[tokio::test]
async fn the_end_of_many_codes_deletes_them_all_also_where_some_were_used() {
    let host = Host::new();
    done(&host, &many(60)).await;
    host.shop.put_order(order(json!({ "entity_id": 16, "coupon_code": "CARD-57", "state": "complete" })));
    let making = making(many(60));
    let end = DiscountEnd { made_by: "effect-1".into(), code: "CARD-1".into() };
    let ended = host.client.end_discount(&end, Some(&making)).await.unwrap();
    assert_eq!((&*ended.receipt.0, ended.was_used), ("60 coupons", true));
    assert_eq!(codes(&host), [""; 0]);
    assert_eq!(host.client.end_discount(&end, Some(&making)).await.unwrap().receipt.0, "0 coupons");
}

/// The effect that has made codes.
fn making(kind: EffectKind) -> Effect {
    Effect {
        id: "effect-1".into(),
        plugin: "cards".into(),
        event: "asked".into(),
        kind,
        after: None,
        status: EffectStatus::Done { receipt: "60 coupons".into() },
        attempts: 2,
        queued_at: Moment(1_790_000_000_000),
        updated_at: Moment(1_790_000_000_000),
    }
}
