//! Each capability when it is granted and when it is not, and how much of it one delivery may use. That an undeclared
//! one is not even installed is tested with the package.

use std::{collections::BTreeSet, sync::Arc};

use super::{INVALID, NOT_GRANTED, NOW, OVER_LIMIT, STORE, Sandbox, answer, repeat};
use crate::{
    domain::{Effect, EffectKind, EffectStatus},
    engine::{
        Ended,
        guest::{ANSWER, Guest, LIST},
        limits,
    },
    store::{Scan, keys},
};

/// A call of each capability, for customer 7.
pub(super) fn calls(guest: &mut Guest) -> [(&'static str, String); 3] {
    let [customer, template, prefix, euro, tag] = ["7", "welcome", "FERN", "EUR", "vip"].map(|text| guest.text(text));
    [
        (
            "mail",
            format!("(call $mail {customer} {template} (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const {ANSWER}))"),
        ),
        (
            "discounts",
            format!(
                "(call $discount {customer} {prefix} (i64.const 500) {euro} (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 0)
                 (i32.const 0) (i64.const 0) (i32.const {ANSWER}))"
            ),
        ),
        (
            "tags",
            format!(
                "{} (call $tag {customer} (i32.const {LIST}) (i32.const 1) (i32.const {ANSWER}))",
                tag.listed()
            ),
        ),
    ]
}

fn run_capability(capability: &str, granted: bool) -> Ended {
    let mut guest = Guest::default();
    let key = guest.text("answer");
    let calls = calls(&mut guest);
    let (_, call) = calls.iter().find(|(name, _)| *name == capability).unwrap();
    let component = guest.component(&format!("{call} (call $keep_answer {key})"));
    let ended = Sandbox::new().run_with(&component, |input| {
        let mut plugin = (*input.plugin).clone();
        plugin.grants.retain(|grant| granted == (grant == capability));
        input.plugin = Arc::new(plugin);
    });
    ended.result.clone().unwrap();
    ended
}

fn assert_refused_without_grant(capability: &str) {
    let mut ended = run_capability(capability, false);
    assert_eq!(answer(&mut ended, "answer").unwrap_err().0, NOT_GRANTED);
    assert_eq!(ended.effects, []);
}

/// The one effect that was queued, which is in the outbox and due.
fn queued(capability: &str) -> Effect {
    let mut ended = run_capability(capability, true);
    assert_eq!(answer(&mut ended, "answer"), Ok(()));
    let [effect] = &ended.effects[..] else { panic!("{:?}", ended.effects) };
    assert_eq!(ended.transaction.get(&keys::effect(STORE, &effect.id)).unwrap().as_ref(), Some(effect));
    let due = keys::Due::Effect { store: STORE, to: effect.kind.destination(), id: effect.id.clone() };
    assert!(ended.transaction.contains(&due.key(NOW)).unwrap());
    assert_eq!(effect.status, EffectStatus::Pending { due: NOW, last_error: None });
    effect.clone()
}

#[test]
fn a_mail_is_queued_when_mail_is_granted() {
    assert!(
        matches!(queued("mail").kind, EffectKind::Mail(mail) if mail.customer.as_str() == "7" && mail.template == "welcome")
    );
}

#[test]
fn a_mail_is_refused_when_only_other_things_are_granted() {
    assert_refused_without_grant("mail");
}

#[test]
fn a_discount_is_queued_when_discounts_are_granted() {
    let effect = queued("discounts");
    let EffectKind::CreateDiscount(discount) = effect.kind else { panic!() };
    assert_eq!(discount.value.to_string(), "5.00 EUR");
    assert_eq!(discount.code, format!("FERN-{}", effect.id.as_str()[..10].to_uppercase()));
}

#[test]
fn a_discount_is_refused_when_only_other_things_are_granted() {
    assert_refused_without_grant("discounts");
}

#[test]
fn a_tag_is_queued_when_tags_are_granted() {
    assert!(matches!(queued("tags").kind, EffectKind::ChangeTags(change) if change.add == ["vip"]));
}

#[test]
fn a_tag_is_refused_when_only_other_things_are_granted() {
    assert_refused_without_grant("tags");
}

#[test]
fn one_effect_too_many_is_refused_and_the_others_stay() {
    let mut guest = Guest::default();
    let (key, before) = (guest.text("answer"), guest.text("before"));
    let [.., (_, tag)] = calls(&mut guest);
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
