//! What customers say of marketing mail on this host's pages, in the shop.

use super::*;

/// A second before what [`consent`] says was said.
const BEFORE: &str = "2026-09-21T14:13:19Z";
const AFTER: &str = "2026-09-21T14:13:21Z";

/// A customer whose last word on marketing in the shop is this.
fn put_customer(host: &Host, state: &str, said_at: &str) {
    host.admin.put_customer(json!({
        "id": 7, "email": "mira@example.com",
        "email_marketing_consent": { "state": state, "consent_updated_at": said_at },
    }));
}

async fn state_after(host: &Host, accepts_marketing: bool) -> String {
    host.perform("effect-1", &EffectKind::SetConsent(consent(accepts_marketing))).await.unwrap();
    host.admin.consent(BUYER).state
}

#[tokio::test]
async fn a_word_is_written_with_the_time_at_which_it_was_said() {
    let host = Host::new();
    put_customer(&host, "subscribed", BEFORE);
    assert_eq!(state_after(&host, false).await, "UNSUBSCRIBED");
    assert_eq!(host.admin.consent(BUYER).said_at, Some("2026-09-21T14:13:20Z".parse().unwrap()));
}

#[tokio::test]
async fn what_the_shop_knows_is_not_written_again() {
    for (state, accepts_marketing) in
        [("subscribed", true), ("not_subscribed", false), ("unsubscribed", false), ("invalid", false)]
    {
        let host = Host::new();
        put_customer(&host, state, BEFORE);
        assert_eq!(state_after(&host, accepts_marketing).await, state.to_uppercase());
        assert_eq!(host.admin.consent(BUYER).said_at, Some(BEFORE.parse().unwrap()), "{state}");
    }
}

#[tokio::test]
async fn who_has_not_confirmed_yet_and_leaves_is_asked_no_more() {
    let host = Host::new();
    put_customer(&host, "pending", BEFORE);
    assert_eq!(state_after(&host, false).await, "UNSUBSCRIBED");
}

#[tokio::test]
async fn a_later_word_stands_whether_it_was_said_in_the_shop_or_here() {
    let host = Host::new();
    put_customer(&host, "subscribed", AFTER);
    let receipt = host.perform("effect-1", &EffectKind::SetConsent(consent(false))).await.unwrap();
    assert_eq!(receipt.0, "not written: a later word stands");
    put_customer(&host, "subscribed", BEFORE);
    let receipt = host.client.set_consent(&consent(false), &|| Ok(false)).await.unwrap();
    assert_eq!(receipt.0, "not written: a later word stands");
    assert_eq!(host.admin.consent(BUYER).state, "SUBSCRIBED");
}

#[tokio::test]
async fn a_word_waits_for_another_that_may_be_on_its_way() {
    let host = Host::new();
    put_customer(&host, "subscribed", BEFORE);
    // The customer, then the write.
    host.admin.set_fault_after(1, Fault::DropAfterExecuting);
    host.perform("earlier", &EffectKind::SetConsent(consent(false))).await.unwrap_err();
    let failure = host.perform("later", &EffectKind::SetConsent(consent(true))).await.unwrap_err();
    assert!(matches!(failure, Failure::NotYet { .. }), "{failure}");
    assert_eq!(host.admin.consent(BUYER).state, "UNSUBSCRIBED");
    host.perform_at_last("later", &EffectKind::SetConsent(consent(true))).await;
    assert_eq!(host.admin.consent(BUYER).state, "SUBSCRIBED");
}

#[tokio::test]
async fn a_customer_without_an_address_has_nothing_to_be_unsubscribed_from() {
    let host = Host::new();
    host.admin.put_customer(json!({ "id": 7 }));
    let receipt = host.perform("effect-1", &EffectKind::SetConsent(consent(false))).await.unwrap();
    assert_eq!(receipt.0, "not written: the customer has no e-mail address");
}
