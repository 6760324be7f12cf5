//! Many codes at once: added to one discount, by a queue of Shopify's own.

use super::*;
use crate::performing::cards;

fn many(count: usize) -> EffectKind {
    EffectKind::CreateDiscounts(cards(count))
}

/// Every code of the shop, and of which discount it is.
fn all_codes(host: &Host) -> Vec<(String, String)> {
    let discounts = host.admin.codes();
    let of = |it: &regulars_tests::shopify_admin::DiscountCode| {
        let codes = [vec![it.code.clone()], it.added.clone()].concat();
        codes.into_iter().map(|code| (code, it.id.clone())).collect::<Vec<_>>()
    };
    let mut codes: Vec<_> = discounts.iter().flat_map(of).collect();
    codes.sort();
    codes
}

/// The codes that were asked to be added, call by call.
fn additions(host: &Host) -> Vec<usize> {
    let of = |it: regulars_tests::shopify_admin::Request| it.variables["codes"].as_array().map(Vec::len);
    host.admin.requests().into_iter().filter_map(of).collect()
}

async fn not_yet(host: &Host, kind: &EffectKind) {
    match host.perform("effect-1", kind).await {
        Err(Failure::NotYet { until, .. }) => host.clock.advance(Duration::from_millis(until.0 - host.now().0)),
        other => panic!("{other:?}"),
    }
}

impl Host {
    fn now(&self) -> Moment {
        regulars::clock::Clock::now(&self.clock)
    }
}

#[tokio::test]
async fn many_codes_are_one_discount_and_each_is_good_once() {
    let host = Host::new();
    let kind = many(250);
    not_yet(&host, &kind).await;
    let receipt = host.perform("effect-1", &kind).await.unwrap();
    let discounts = host.admin.codes();
    assert_eq!((discounts.len(), discounts[0].added.len()), (1, 249));
    assert_eq!((&*discounts[0].title, &discounts[0].id), ("Regulars effect-1", &receipt.0));
    assert_eq!((discounts[0].usage_limit, discounts[0].customers.len()), (Some(1), 0));
    for _ in 0..2 {
        assert_eq!(host.perform("effect-1", &kind).await.unwrap(), receipt);
    }
    assert_eq!((all_codes(&host).len(), additions(&host)), (250, vec![249]));
    let invalid = host.admin.requests().into_iter().find(|it| matches!(it.outcome, Outcome::Invalid(_)));
    assert_eq!(invalid, None);
}

#[tokio::test]
async fn one_code_is_made_without_a_queue() {
    let host = Host::new();
    host.perform("effect-1", &many(1)).await.unwrap();
    assert_eq!((all_codes(&host).len(), additions(&host)), (1, vec![]));
}

#[tokio::test]
async fn each_code_is_made_once_whichever_of_the_calls_goes_wrong() {
    for benefit in [Benefit::BasisPoints(1_000), Benefit::FreeShipping] {
        let mut batch = cards(4);
        batch.first.benefit = benefit;
        let kind = EffectKind::CreateDiscounts(batch);
        let clean = Host::new();
        let receipt = clean.perform_at_last("effect-1", &kind).await;
        for fault in [Fault::DropAfterExecuting, Fault::InternalError, Fault::Throttle] {
            for call in 0..clean.admin.requests().len() {
                let host = Host::new();
                host.admin.set_fault_after(call, fault);
                assert_eq!(host.perform_at_last("effect-1", &kind).await, receipt, "{fault:?} at call {call}");
                assert_eq!(all_codes(&host), all_codes(&clean), "{fault:?} at call {call}");
            }
        }
    }
}

#[tokio::test]
async fn what_is_there_already_is_not_asked_for_again() {
    let host = Host::new();
    host.perform_at_last("effect-1", &many(3)).await;
    let kind = many(5);
    not_yet(&host, &kind).await;
    host.perform("effect-1", &kind).await.unwrap();
    assert_eq!((all_codes(&host).len(), additions(&host)), (5, vec![2, 2]));
}

#[tokio::test]
async fn a_host_that_was_started_anew_while_codes_were_added_makes_none_twice() {
    let host = Host::new();
    host.admin.hold_code_additions(true);
    not_yet(&host, &many(4)).await;
    let anew = host.anew();
    not_yet(&anew, &many(4)).await;
    anew.admin.hold_code_additions(false);
    anew.perform_at_last("effect-1", &many(4)).await;
    assert_eq!((all_codes(&anew).len(), additions(&anew)), (4, vec![3, 3]));
}

#[tokio::test]
async fn a_code_that_shopify_refuses_is_named_and_the_others_are_there() {
    let host = Host::new();
    host.admin.refuse_codes(&["CARD-3"]);
    not_yet(&host, &many(4)).await;
    let reason = host.refusal("effect-1", &many(4)).await;
    assert_eq!(reason, "Shopify has made 3 of 4 codes and refused CARD-3 (Code is invalid)");
    host.admin.refuse_codes(&[]);
    host.perform_at_last("effect-1", &many(4)).await;
    assert_eq!((all_codes(&host).len(), additions(&host)), (4, vec![3, 1]));
}

#[tokio::test]
async fn a_code_of_anothers_is_not_taken_for_ours() {
    let host = Host::new();
    host.perform("somebody", &EffectKind::CreateDiscount(discount("CARD-2"))).await.unwrap();
    not_yet(&host, &many(3)).await;
    let reason = host.refusal("effect-1", &many(3)).await;
    assert!(reason.starts_with("Shopify has made 2 of 3 codes and refused CARD-2 (Code must be unique"), "{reason}");
    let reason = host.refusal("effect-2", &many(3)).await;
    assert!(reason.contains("the code CARD-1 belongs to another discount"), "{reason}");
}

#[tokio::test]
async fn a_queue_that_stands_still_is_waited_for_and_not_for_ever() {
    let host = Host::new();
    host.admin.hold_code_additions(true);
    let began = host.now();
    loop {
        match host.perform("effect-1", &many(3)).await {
            Err(Failure::NotYet { until, .. }) => {
                assert!(until > host.now(), "a busy loop");
                host.clock.advance(Duration::from_secs(60));
            }
            Err(Failure::Transient { reason }) => break assert!(reason.contains("within 15 minutes"), "{reason}"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(host.now().since(began), Duration::from_secs(900));
    host.admin.hold_code_additions(false);
    host.perform_at_last("effect-1", &many(3)).await;
    assert_eq!(all_codes(&host).len(), 3);
}

#[tokio::test]
async fn the_end_of_many_codes_ends_them_all_also_where_some_were_used() {
    let host = Host::new();
    host.perform_at_last("made", &many(3)).await;
    host.admin.use_code("CARD-2", 1);
    let receipt = host.perform("effect-1", &end_of("CARD-1")).await.unwrap();
    assert_eq!(receipt.0, host.admin.codes()[0].id);
    assert!(host.admin.codes()[0].ends_at.is_some());
}
