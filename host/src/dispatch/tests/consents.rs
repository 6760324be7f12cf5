//! What customers say of marketing mail on this host's pages: known at once, told to plugins, passed on to the shop.

use bytes::Bytes;

use super::*;
use crate::{
    dispatch::bench::START,
    domain::{ConsentChange, CustomerId, Effect, EffectId, EffectKind, EffectStatus, Origin, PluginName},
    store::LastChange,
};

fn said(bench: &Bench, id: &str, customer: CustomerId, accepts_marketing: bool) -> Event {
    Event {
        id: id.into(),
        store: bench.id,
        origin: Origin::Consent { customer, accepts_marketing },
        occurred_at: START,
        received_at: START,
        body: Bytes::new(),
    }
}

fn passed_on(bench: &Bench, event: &Event) -> Option<Effect> {
    bench.read(&keys::effect(bench.id, &EffectId::derive(DOMAIN, &event.id, &PluginName::host(), 0)))
}

fn accepts(bench: &Bench, customer: &CustomerId) -> Option<bool> {
    bench.read::<Customer>(&keys::customer(bench.id, customer)).unwrap().accepts_marketing
}

#[tokio::test]
async fn a_word_is_known_told_and_passed_on_once() {
    let bench = Bench::new().await;
    bench.install_for(&["customer.consent"], "counter", &[], &counting("")).await;
    bench.switch_on("counter", &[]).await;
    let event = said(&bench, "left", "7".into(), false);
    for _ in 0..3 {
        bench.accept(&event).await;
    }
    assert_eq!(accepts(&bench, &"7".into()), Some(false));
    assert_eq!(bench.counted("counter", "seen"), 1);
    let effect = passed_on(&bench, &event).unwrap();
    let change = ConsentChange { customer: "7".into(), accepts_marketing: false, said_at: START };
    assert_eq!(effect.kind, EffectKind::SetConsent(change));
    assert!(effect.plugin.is_host() && matches!(effect.status, EffectStatus::Pending { due, .. } if due == START));
    let due = bench.store.scan(&Scan::of(keys::due_queue(DueQueue::Effects), 10)).unwrap();
    assert_eq!(due.len(), 1);
}

#[tokio::test]
async fn of_two_words_the_later_is_the_last_change() {
    let bench = Bench::new().await;
    let [left, back] = [("left", false), ("back", true)].map(|(id, word)| said(&bench, id, "7".into(), word));
    bench.accept(&left).await;
    bench.accept(&back).await;
    let last: LastChange =
        bench.read(&keys::last_change(bench.id, &PluginName::host(), &"7".into(), "consent")).unwrap();
    assert_eq!(last.effect, passed_on(&bench, &back).unwrap().id);
    assert_eq!(accepts(&bench, &"7".into()), Some(true));
}

#[tokio::test]
async fn a_guests_word_is_known_and_the_shop_has_nobody_to_be_told_of() {
    let bench = Bench::new().await;
    let guest = CustomerId::of_guest("mira@example.com").unwrap();
    let event = said(&bench, "left", guest.clone(), false);
    bench.accept(&event).await;
    assert_eq!((accepts(&bench, &guest), passed_on(&bench, &event)), (Some(false), None));
}

#[tokio::test]
async fn what_the_shop_tells_is_not_told_back_to_it() {
    let bench = Bench::new().await;
    let body = json!({
        "customer_id": 7,
        "email_marketing_consent": { "state": "unsubscribed", "consent_updated_at": "2026-10-01T00:00:00Z" },
    });
    let event = bench.webhook("1", "customers_email_marketing_consent/update", &body);
    bench.accept(&event).await;
    assert_eq!((accepts(&bench, &"7".into()), passed_on(&bench, &event)), (Some(false), None));
}

#[tokio::test]
async fn a_word_of_somebody_absorbed_meanwhile_is_that_of_whoever_is_left() {
    let bench = Bench::new().await;
    let mut transaction = bench.transaction();
    for (id, merged_into) in [("7", Some("8".into())), ("8", None)] {
        transaction.put(keys::customer(bench.id, &id.into()), &Customer { merged_into, ..Customer::nobody(id.into()) });
    }
    transaction.commit().await.unwrap();
    let event = said(&bench, "left", "7".into(), false);
    bench.accept(&event).await;
    assert_eq!((accepts(&bench, &"7".into()), accepts(&bench, &"8".into())), (None, Some(false)));
    assert_eq!(passed_on(&bench, &event).unwrap().kind.customer(), Some(&"8".into()));
}

#[tokio::test]
async fn nothing_is_passed_on_of_who_is_forgotten_meanwhile() {
    let bench = Bench::new().await;
    let mut transaction = bench.transaction();
    let forgotten = Customer { deleted: true, ..Customer::nobody("7".into()) };
    transaction.put(keys::customer(bench.id, &"7".into()), &forgotten);
    transaction.commit().await.unwrap();
    let event = said(&bench, "back", "7".into(), true);
    bench.accept(&event).await;
    assert_eq!((accepts(&bench, &"7".into()), passed_on(&bench, &event)), (None, None));
}
