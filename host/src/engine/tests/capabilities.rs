//! Each capability when it is granted and when it is not, and how much of it one delivery may use. That an undeclared
//! one is not even installed is tested with the package.

use std::{collections::BTreeSet, sync::Arc};

use super::{INVALID, NOT_GRANTED, NOW, OVER_LIMIT, STORE, Sandbox, answer, repeat, state};
use crate::{
    domain::{
        Birthday, Capability, CodeKey, Customer, Effect, EffectKind, EffectStatus, Money, Purpose, ShipBy, Timestamp,
    },
    engine::{
        Ended,
        guest::{ANSWER, Guest, LIST, Text},
        limits,
    },
    store::{Scan, Transaction, keys, memory::MemoryStore},
};

/// A call of a capability, for customer 7 or order 1001.
pub(super) fn call_of(capability: &str, guest: &mut Guest) -> String {
    let [customer, order, euro] = ["7", "1001", "EUR"].map(|text| guest.text(text));
    let (none, answer) = ("(i32.const 0)", format!("(i32.const {ANSWER})"));
    match capability {
        "mail" => {
            let template = guest.text("welcome");
            format!("(call $mail {customer} {template} {none} {none} {none} {none} {none} {answer})")
        }
        "discounts" => {
            let prefix = guest.text("FERN");
            format!(
                "(call $discount {customer} {prefix} (i64.const 500) {euro} {none} (i64.const 0) {none} {none}
                 {none} (i64.const 0) {answer})"
            )
        }
        "store-credit" => format!("(call $credit {customer} (i64.const 700) {euro} {none} (i64.const 0) {answer})"),
        "gift-cards" => format!("(call $gift_card {customer} (i64.const 900) {euro} {none} (i64.const 0) {answer})"),
        "tags" => {
            let tag = guest.text("vip").listed();
            format!("{tag} (call $tag {customer} (i32.const {LIST}) (i32.const 1) {answer})")
        }
        "orders" => {
            let title = guest.text("A pencil");
            format!("(call $order_gift {order} {none} {none} {none} {title} {answer})")
        }
        "metafields" => {
            let [key, kind, value] = ["points_balance", "integer", "42"].map(|text| guest.text(text));
            format!("(call $metafield {customer} {key} {kind} {value} {answer})")
        }
        "birthdays" => {
            format!("(call $set_birthday {customer} {none} {none} (i32.const 2) (i32.const 29) {answer})")
        }
        "identity" => format!("(call $customer_signals {customer} {answer})"),
        "links" => format!("(call $share {customer} {answer})"),
        "tasks" => {
            let [key, title] = ["review/1001", "Is it real?"].map(|text| guest.text(text));
            let no_ids = format!("{none} {none} {none} {none} {none} {none}");
            format!(
                "(call $open_task {key} {title} {none} {none} {no_ids} {none} {none} {none} (i64.const 0) {answer})"
            )
        }
        other => panic!("{other}"),
    }
}

/// A store that knows customer 7.
fn with_customer() -> Transaction {
    let mut transaction = Transaction::new(Arc::new(MemoryStore::default()));
    let customer = Customer { email: Some("mira@example.com".into()), ..Customer::nobody("7".into()) };
    transaction.put(keys::customer(STORE, &customer.id), &customer);
    transaction
}

fn run_capability(capability: Capability, granted: bool) -> Ended {
    let mut guest = Guest::default();
    let key = guest.text("answer");
    let call = call_of(capability.as_str(), &mut guest);
    let component = guest.component(&format!("{call} (call $keep_answer {key})"));
    let ended = Sandbox::new().run_on(with_customer(), &component, |input| {
        let mut plugin = (*input.plugin).clone();
        plugin.grants.retain(|grant| granted == (grant == capability.as_str()));
        input.plugin = Arc::new(plugin);
    });
    ended.result.clone().unwrap();
    ended
}

/// The one effect that was queued, which is in the outbox and due.
fn queued(capability: Capability) -> Effect {
    let mut ended = run_capability(capability, true);
    assert_eq!(answer(&mut ended, "answer"), Ok(()));
    let [effect] = &ended.effects[..] else { panic!("{:?}", ended.effects) };
    assert_eq!(ended.transaction.get(&keys::effect(STORE, &effect.id)).unwrap().as_ref(), Some(effect));
    let due = keys::Due::Effect { store: STORE, to: effect.kind.destination(), id: effect.id.clone() };
    assert!(ended.transaction.contains(&due.key(NOW)).unwrap());
    assert_eq!(effect.status, EffectStatus::Pending { due: NOW, last_error: None });
    effect.clone()
}

fn euros(minor: i64) -> Money {
    Money::new(minor, "EUR".parse().unwrap())
}

#[test]
fn every_capability_is_refused_when_only_other_things_are_granted() {
    for capability in Capability::ALL.iter().copied().filter(|it| *it != Capability::Identity) {
        let mut ended = run_capability(capability, false);
        assert_eq!(answer(&mut ended, "answer").unwrap_err().0, NOT_GRANTED, "{capability}");
        assert_eq!(ended.effects, [], "{capability}");
    }
}

#[test]
fn nothing_is_told_of_anybody_when_only_other_things_than_identity_are_granted() {
    let listed = |granted| {
        let mut ended = run_capability(Capability::Identity, granted);
        let answer = state(&mut ended, "answer").unwrap();
        u32::from_le_bytes(answer[4..8].try_into().unwrap())
    };
    assert_eq!((listed(true), listed(false)), (1, 0));
}

#[test]
fn a_mail_is_queued_when_mail_is_granted() {
    let EffectKind::Mail(mail) = queued(Capability::Mail).kind else { panic!() };
    assert_eq!((mail.customer.as_str(), mail.template.as_str(), mail.purpose), ("7", "welcome", Purpose::Service));
    assert_eq!((mail.send_at, mail.valid_until), (NOW, Timestamp(NOW.0 + 3 * 86_400_000)));
}

#[test]
fn a_discount_is_queued_when_discounts_are_granted() {
    let effect = queued(Capability::Discounts);
    let EffectKind::CreateDiscount(discount) = effect.kind else { panic!() };
    assert_eq!(discount.benefit, crate::domain::Benefit::Amount(euros(500)));
    assert_eq!(discount.code, format!("FERN-{}", CodeKey::under(&[7; 32]).code(&effect.id, 10)));
    assert_eq!((discount.uses, discount.once_per_customer, discount.offer), (Some(1), true, false));
}

#[test]
fn store_credit_is_queued_when_it_is_granted() {
    let EffectKind::StoreCredit(change) = queued(Capability::StoreCredit).kind else { panic!() };
    assert_eq!((change.customer.as_str(), change.amount, change.expires_at), ("7", euros(700), None));
}

#[test]
fn a_gift_card_is_queued_when_gift_cards_are_granted() {
    let effect = queued(Capability::GiftCards);
    let EffectKind::CreateGiftCard(card) = effect.kind else { panic!() };
    assert_eq!((card.amount, card.code), (euros(900), CodeKey::under(&[7; 32]).code(&effect.id, 16)));
}

#[test]
fn a_tag_is_queued_when_tags_are_granted() {
    assert!(matches!(queued(Capability::Tags).kind, EffectKind::ChangeTags(change) if change.add == ["vip"]));
}

#[test]
fn a_gift_is_queued_when_orders_are_granted() {
    let EffectKind::AddParcelGift(gift) = queued(Capability::Orders).kind else { panic!() };
    assert_eq!((gift.order.as_str(), gift.variant, gift.title.as_str()), ("1001", None, "A pencil"));
}

#[test]
fn an_order_is_asked_to_be_sent_by_a_time_that_is_still_to_come_and_not_too_far() {
    let latest = NOW + limits::SHIP_BY_AHEAD;
    let mut guest = Guest::default();
    let [order, soon, past, far] = ["1001", "soon", "past", "far"].map(|text| guest.text(text));
    let ask = |key: &Text, at: Timestamp| {
        format!("(call $ship_by {order} (i64.const {}) (i32.const {ANSWER})) (call $keep_answer {key})", at.0)
    };
    let body = [ask(&soon, latest), ask(&past, NOW), ask(&far, Timestamp(latest.0 + 1))].concat();
    let mut ended = Sandbox::new().run(&guest.component(&body));
    ended.result.clone().unwrap();
    assert_eq!(
        ["soon", "past", "far"].map(|key| answer(&mut ended, key).err().map(|it| it.0)),
        [None, Some(INVALID), Some(INVALID)]
    );
    let kinds: Vec<_> = ended.effects.into_iter().map(|effect| effect.kind).collect();
    assert_eq!(kinds, [EffectKind::SetShipBy(ShipBy { order: "1001".into(), at: latest })]);
}

#[test]
fn a_metafield_is_queued_when_metafields_are_granted() {
    let EffectKind::SetMetafield(field) = queued(Capability::Metafields).kind else { panic!() };
    assert_eq!((field.plugin.as_str(), field.key.as_str()), ("guest", "points_balance"));
    assert_eq!((field.kind.as_str(), field.value.as_str()), ("integer", "42"));
}

#[test]
fn a_birthday_is_queued_when_birthdays_are_granted() {
    let EffectKind::SetBirthday(change) = queued(Capability::Birthdays).kind else { panic!() };
    assert_eq!(change.birthday, Birthday { year: None, month: 2, day: 29 });
}

#[test]
fn a_link_and_a_task_are_kept_when_they_are_granted() {
    for capability in [Capability::Links, Capability::Tasks] {
        let mut ended = run_capability(capability, true);
        assert_eq!((answer(&mut ended, "answer"), ended.effects.len()), (Ok(()), 0), "{capability}");
    }
}

#[test]
fn one_effect_too_many_is_refused_and_the_others_stay() {
    let mut guest = Guest::default();
    let (key, before) = (guest.text("answer"), guest.text("before"));
    let tag = call_of("tags", &mut guest);
    let body =
        format!("{} (call $keep_answer {before}) {tag} (call $keep_answer {key})", repeat(limits::EFFECTS, &tag));
    let mut ended = Sandbox::new().run(&guest.component(&body));
    ended.result.clone().unwrap();
    assert_eq!(answer(&mut ended, "before"), Ok(()));
    assert_eq!(answer(&mut ended, "answer"), Err((OVER_LIMIT, limits::EFFECTS)));
    let ids: BTreeSet<_> = ended.effects.iter().map(|effect| effect.id.clone()).collect();
    assert_eq!(ids.len(), limits::EFFECTS as usize);
}

#[test]
fn timers_are_limited_in_number_size_and_distance() {
    let mut guest = Guest::default();
    let [timer, far, large, many] = ["timer", "far", "large", "many"].map(|text| guest.text(text));
    let at = |when: u64, bytes: u32| {
        format!("(call $timer_at {timer} (i64.const {when}) (i32.const 0) (i32.const {bytes}) (i32.const {ANSWER}))")
    };
    let soon = NOW.0 + 1_000;
    let body = format!(
        "{} (call $keep_answer {far}) {} (call $keep_answer {large}) {} {} (call $keep_answer {many})",
        at(NOW.0 * 2, 0),
        at(soon, limits::STATE_VALUE_BYTES + 1),
        repeat(limits::TIMERS, &at(soon, 3)),
        at(soon, 3),
    );
    let mut ended = Sandbox::new().run(&guest.component(&body));
    ended.result.clone().unwrap();
    assert_eq!(answer(&mut ended, "far").unwrap_err().0, INVALID);
    assert_eq!(answer(&mut ended, "large"), Err((OVER_LIMIT, limits::STATE_VALUE_BYTES)));
    assert_eq!(answer(&mut ended, "many"), Err((OVER_LIMIT, limits::TIMERS)));
    let due = keys::due_queue(keys::DueQueue::Timers);
    assert_eq!(ended.transaction.scan(&Scan::of(due, 10)).unwrap().len(), 1, "one key is one timer");
}
