//! Codes: how one is found, how it stands, how it ends; and offers, of which a customer has one at a time.

use std::{collections::BTreeSet, fmt::Display, sync::Arc};

use super::{INVALID, NOW, OTHER, OVER_LIMIT, STORE, Sandbox, answer, keep_text, state};
use crate::{
    domain::{
        CodeKey, Customer, CustomerId, Effect, EffectId, EffectKind, EffectStatus, Event, Money, Order, PluginName,
        Timestamp,
    },
    engine::{
        Ended, Input,
        guest::{ANSWER, COMBINES, Guest, IS_OFFER, PRODUCTS, TERMS, Text, WORTH},
        limits,
    },
    store::{Transaction, codes, keys, memory::MemoryStore},
};

fn empty() -> Transaction {
    Transaction::new(Arc::new(MemoryStore::default()))
}

/// The same delivery for another plugin and another event.
fn by(plugin: &str, event: &str) -> impl FnOnce(&mut Input) {
    move |input| {
        let mut context = (*input.plugin).clone();
        context.name = PluginName::from(plugin);
        input.plugin = Arc::new(context);
        input.event = Arc::new(Event { id: event.into(), ..(*input.event).clone() });
    }
}

/// A code's worth.
#[derive(Clone, Copy)]
enum Worth {
    Amount(i64),
    Share(u32),
    FreeShipping,
    FreeProduct,
}

/// An offer to customer 7.
fn offer(guest: &mut Guest, worth: Worth, combines: bool) -> String {
    let [customer, prefix, euro, product] = ["7", "FERN", "EUR", "5001"].map(|text| guest.text(text));
    let call = |name| format!("(call ${name} (i32.const {TERMS}) (i32.const {ANSWER}))");
    let call = match worth {
        Worth::Amount(minor) => format!(
            "(i64.store (i32.const {WORTH}) (i64.const {minor})) {} {}",
            text_stored(WORTH + 8, euro),
            call("create_amount")
        ),
        Worth::Share(basis_points) => {
            format!("(i32.store (i32.const {WORTH}) (i32.const {basis_points})) {}", call("create_percentage"))
        }
        Worth::FreeShipping => call("create_free_shipping"),
        Worth::FreeProduct => format!(
            "{} (i32.store (i32.const {PRODUCTS}) (i32.const 200)) (i32.store (i32.const {}) (i32.const 1)) {}",
            product.listed(),
            PRODUCTS + 4,
            call("create_free_product")
        ),
    };
    format!(
        "(call $terms {customer} {prefix}) (i32.store8 (i32.const {IS_OFFER}) (i32.const 1))
         (i32.store8 (i32.const {COMBINES}) (i32.const {})) {call}",
        u8::from(combines)
    )
}

fn text_stored(at: u32, text: Text) -> String {
    format!(
        "(i32.store (i32.const {at}) (i32.const {})) (i32.store (i32.const {}) (i32.const {}))",
        text.at,
        at + 4,
        text.length
    )
}

/// Gives an offer; which plugin does, and for which event.
fn give(transaction: Transaction, worth: Worth, combines: bool, (plugin, event): (&str, &str)) -> Ended {
    let mut guest = Guest::default();
    let key = guest.text("answer");
    let call = offer(&mut guest, worth, combines);
    let component = guest.component(&format!("{call} (call $keep_answer {key})"));
    let ended = Sandbox::new().run_on(transaction, &component, by(plugin, event));
    ended.result.clone().unwrap();
    ended
}

fn given(ended: &mut Ended, plugin: &str) -> Result<(), (u8, u32)> {
    let stored = keys::state(STORE, &plugin.into(), "answer");
    let bytes = ended.transaction.get_bytes(&stored).unwrap().unwrap().to_vec();
    match bytes[0] {
        0 => Ok(()),
        _ => Err((bytes[4], 0)),
    }
}

fn effect(transaction: &mut Transaction, id: &EffectId) -> Effect {
    transaction.get(&keys::effect(STORE, id)).unwrap().unwrap()
}

/// Ends an effect as the outbox would.
fn settle(transaction: &mut Transaction, id: &EffectId, status: EffectStatus) {
    let before = effect(transaction, id);
    transaction.put_effect(STORE, Some(&before), &Effect { status, ..before.clone() });
}

fn done() -> EffectStatus {
    EffectStatus::Done { receipt: "gid".into() }
}

/// Commits what a transaction holds, and begins another.
fn committed(transaction: Transaction, store: &Arc<MemoryStore>) -> Transaction {
    transaction.commit().wait().unwrap();
    Transaction::new(Arc::<MemoryStore>::clone(store))
}

fn order(id: &str, codes: &[&str]) -> Order {
    let money = Money::new(4_000, "EUR".parse().unwrap());
    let discount_codes = codes.iter().map(|code| (*code).into()).collect();
    Order { customer: Some("7".into()), subtotal: money, total: money, discount_codes, ..Order::sample(id, NOW) }
}

/// Makes a code that 7 can use once, and answers the delivery.
fn make(transaction: Transaction) -> (Ended, EffectId, String) {
    let mut ended = give(transaction, Worth::Amount(500), false, ("guest", "webhook/1"));
    let EffectKind::CreateDiscount(discount) = ended.effects[0].kind.clone() else { panic!() };
    let id = ended.effects[0].id.clone();
    ended.effects.clear();
    (ended, id, discount.code)
}

/// The status of a code and how often it was used, as the plugin is told.
fn standing(transaction: Transaction, id: &EffectId, now: Timestamp) -> (Transaction, Option<(String, u32)>) {
    let mut guest = Guest::default();
    let [effect, key, status] = [id.as_str(), "answer", "status"].map(|text| guest.text(text));
    let body = format!(
        "(call $code_standing {effect} (i32.const {ANSWER})) (call $keep_answer {key}) {}",
        keep_text(status, ANSWER + 12)
    );
    let mut ended = Sandbox::new().run_on(transaction, &guest.component(&body), |input| {
        input.event = Arc::new(Event { received_at: now, ..(*input.event).clone() });
    });
    ended.result.clone().unwrap();
    let answer = state(&mut ended, "answer").unwrap();
    let status = state(&mut ended, "status").map(|status| String::from_utf8(status).unwrap());
    let used = u32::from_le_bytes(answer[20..24].try_into().unwrap());
    (ended.transaction, (answer[0] == 1).then(|| (status.unwrap(), used)))
}

#[test]
fn a_code_is_found_however_it_is_typed_and_by_its_own_plugin_alone() {
    let (ended, id, code) = make(empty());
    let mut guest = Guest::default();
    let [typed, key, found] = [format!(" {}\t ", code.to_lowercase().replace('-', " - ")).as_str(), "answer", "found"]
        .map(|text| guest.text(text));
    let body = format!(
        "(call $effect_of {typed} (i32.const {ANSWER})) (call $keep_answer {key}) {}",
        keep_text(found, ANSWER + 4)
    );
    let component = guest.component(&body);
    let mut ended = Sandbox::new().run_on(ended.transaction, &component, |_| {});
    assert_eq!(state(&mut ended, "found").unwrap(), id.as_str().as_bytes());
    let mut ended = Sandbox::new().run_on(ended.transaction, &component, by("other", "webhook/2"));
    let answer = ended.transaction.get_bytes(&keys::state(STORE, &"other".into(), "answer")).unwrap().unwrap();
    assert_eq!(answer[0], 0);
}

#[test]
fn a_code_is_pending_then_live_then_used_and_ended_disabled_or_failed() {
    let told = |status: &str, used| Some((status.to_owned(), used));
    let (ended, id, code) = make(empty());
    let (mut transaction, found) = standing(ended.transaction, &id, NOW);
    assert_eq!(found, told("pending", 0));
    settle(&mut transaction, &id, done());
    let (mut transaction, found) = standing(transaction, &id, NOW);
    assert_eq!(found, told("live", 0));
    transaction.put_order(STORE, None, &order("1001", &[&code.to_lowercase()]));
    let cancelled = Order { cancelled_at: Some(NOW), ..order("1002", &[&code]) };
    transaction.put_order(STORE, None, &cancelled);
    let (mut transaction, found) = standing(transaction, &id, NOW);
    assert_eq!(found, told("live", 1));
    transaction.put(keys::code_end(STORE, &id), &id);
    let (mut transaction, found) = standing(transaction, &id, NOW);
    assert_eq!(found, told("disabled", 1));
    settle(&mut transaction, &id, EffectStatus::Dead { reason: "no".into() });
    let (mut transaction, found) = standing(transaction, &id, NOW);
    assert_eq!(found, told("failed", 1));
    transaction.delete(keys::code_end(STORE, &id));
    let mut effect = effect(&mut transaction, &id);
    let EffectKind::CreateDiscount(discount) = &mut effect.kind else { panic!() };
    discount.ends_at = Some(Timestamp(NOW.0 + 10));
    effect.status = done();
    transaction.put(keys::effect(STORE, &id), &effect);
    let (transaction, found) = standing(transaction, &id, Timestamp(NOW.0 + 9));
    assert_eq!(found, told("live", 1));
    let (transaction, found) = standing(transaction, &id, Timestamp(NOW.0 + 10));
    assert_eq!(found, told("ended", 1));
    assert_eq!(standing(transaction, &"unknown".into(), NOW).1, None);
}

/// Disables the code of an effect and keeps what was answered.
fn disable(transaction: Transaction, id: &dyn Display, (plugin, event): (&str, &str)) -> Ended {
    let mut guest = Guest::default();
    let [effect, key] = [id.to_string().as_str(), "answer"].map(|text| guest.text(text));
    let body = format!("(call $disable {effect} (i32.const {ANSWER})) (call $keep_answer {key})");
    let ended = Sandbox::new().run_on(transaction, &guest.component(&body), by(plugin, event));
    ended.result.clone().unwrap();
    ended
}

#[test]
fn a_code_that_nobody_can_have_begun_to_make_is_not_made_and_its_end_is_queued() {
    let (ended, id, code) = make(empty());
    let mut ended = disable(ended.transaction, &id, ("guest", "webhook/2"));
    assert_eq!(answer(&mut ended, "answer"), Ok(()));
    let [end] = &ended.effects[..] else { panic!() };
    let EffectKind::DisableDiscount(disabled) = &end.kind else { panic!() };
    assert_eq!((&disabled.made_by, &disabled.code), (&id, &code));
    let making = effect(&mut ended.transaction, &id);
    assert!(matches!(making.status, EffectStatus::Dropped { .. }), "{making:?}");
    let end = end.id.clone();
    let again = disable(ended.transaction, &id, ("guest", "webhook/3"));
    assert_eq!(again.effects, [], "it is ended by {end} already");
}

#[test]
fn a_code_that_may_be_being_made_is_made_and_ended_after_that() {
    let store = Arc::new(MemoryStore::default());
    let (ended, id, _) = make(Transaction::new(Arc::<MemoryStore>::clone(&store)));
    let transaction = committed(ended.transaction, &store);
    let mut ended = disable(transaction, &id, ("guest", "webhook/2"));
    assert_eq!(ended.effects.len(), 1);
    assert!(matches!(effect(&mut ended.transaction, &id).status, EffectStatus::Pending { .. }));
    let making = effect(&mut ended.transaction, &id);
    let standing = codes::standing(&mut ended.transaction, STORE, &making, NOW).unwrap().unwrap();
    assert!(!standing.is_open(), "nobody is to be sent it any more");
}

#[test]
fn only_a_code_of_the_plugins_own_can_be_disabled() {
    let (ended, id, _) = make(empty());
    let mut ended = disable(ended.transaction, &id, ("other", "webhook/2"));
    assert_eq!(given(&mut ended, "other").unwrap_err().0, INVALID);
    let mut ended = disable(ended.transaction, &"unknown", ("guest", "webhook/3"));
    assert_eq!((answer(&mut ended, "answer").unwrap_err().0, ended.effects.len()), (INVALID, 0));
}

/// Where the terms of a discount say for whom it is, and for how many uses: whether it says so, and how many.
const CUSTOMER: u32 = TERMS;
const USES: u32 = TERMS + 96;

/// Asks for so many codes of 10 %, for whoever has one of them and each for one use, but for `change` of the terms.
fn ask_for_many(transaction: Transaction, count: u32, change: &str) -> Ended {
    let mut guest = Guest::default();
    let [prefix, key] = ["CARD", "answer"].map(|text| guest.text(text));
    let body = format!(
        "(call $terms {prefix} {prefix}) (i32.store8 (i32.const {CUSTOMER}) (i32.const 0)) {change}
         (i32.store (i32.const {WORTH}) (i32.const 1000)) (i32.store (i32.const {}) (i32.const {count}))
         (call $create_many_percentage (i32.const {TERMS}) (i32.const {ANSWER})) (call $keep_answer {key})",
        WORTH + 4
    );
    let ended = Sandbox::new().run_on(transaction, &guest.component(&body), |_| {});
    ended.result.clone().unwrap();
    ended
}

fn many(transaction: Transaction, count: u32) -> (Ended, EffectId, Vec<String>) {
    let mut ended = ask_for_many(transaction, count, "");
    assert_eq!(answer(&mut ended, "answer"), Ok(()));
    let [effect] = &ended.effects[..] else { panic!() };
    let (id, codes) = (effect.id.clone(), effect.kind.codes().map(str::to_owned).collect());
    (ended, id, codes)
}

#[test]
fn many_codes_are_one_effect_and_each_of_them_finds_it() {
    let (mut ended, id, codes) = many(empty(), limits::CODES_AT_ONCE);
    let distinct: BTreeSet<_> = codes.iter().collect();
    assert_eq!((distinct.len(), codes[0].len(), ended.effects[0].kind.customer()), (250, "CARD-".len() + 10, None));
    let key = CodeKey::under(&[7; 32]);
    for (number, code) in codes.iter().enumerate() {
        assert_eq!(*code, format!("CARD-{}", key.numbered_code(&id, number as u32, 10)));
        assert_eq!(codes::made_by(&mut ended.transaction, STORE, &code.to_lowercase()).unwrap(), Some(id.clone()));
    }
}

#[test]
fn the_standing_of_many_codes_counts_the_uses_of_all_and_they_end_together() {
    let told = |status: &str, used| Some((status.to_owned(), used));
    let (ended, id, codes) = many(empty(), 3);
    let (mut transaction, found) = standing(ended.transaction, &id, NOW);
    assert_eq!(found, told("pending", 0));
    settle(&mut transaction, &id, done());
    for (number, codes) in [&codes[1..2], &codes[2..]].into_iter().enumerate() {
        let codes: Vec<_> = codes.iter().map(String::as_str).collect();
        transaction.put_order(STORE, None, &order(&number.to_string(), &codes));
    }
    let (mut transaction, found) = standing(transaction, &id, NOW);
    assert_eq!(found, told("live", 2));
    let is_open = |transaction: &mut Transaction| {
        let making = effect(transaction, &id);
        codes::standing(transaction, STORE, &making, NOW).unwrap().unwrap().is_open()
    };
    assert!(is_open(&mut transaction), "one of them can still be used");
    transaction.put_order(STORE, None, &order("2", &[&codes[0]]));
    assert!(!is_open(&mut transaction), "all of them are used");
    let ended = disable(transaction, &id, ("guest", "webhook/2"));
    let EffectKind::DisableDiscount(end) = &ended.effects[0].kind else { panic!() };
    assert_eq!((&end.made_by, &end.code), (&id, &codes[0]));
}

#[test]
fn many_codes_are_asked_for_in_a_number_that_platforms_take_and_for_whoever_has_one() {
    let set = |at: u32, value: u32| format!("(i32.store8 (i32.const {at}) (i32.const {value}))");
    for (count, change, refusal) in [
        (0, String::new(), INVALID),
        (limits::CODES_AT_ONCE + 1, String::new(), OVER_LIMIT),
        (u32::MAX, String::new(), OVER_LIMIT),
        (2, set(CUSTOMER, 1), INVALID),
        (2, set(USES, 0), INVALID),
        (2, set(USES + 4, 2), INVALID),
        (2, set(IS_OFFER, 1), INVALID),
    ] {
        let mut ended = ask_for_many(empty(), count, &change);
        assert_eq!(
            (answer(&mut ended, "answer").unwrap_err().0, ended.effects.len()),
            (refusal, 0),
            "{count} {change}"
        );
    }
}

const FIRST: (&str, &str) = ("birthdays", "webhook/1");
const SECOND: (&str, &str) = ("winback", "webhook/2");

#[test]
fn a_weaker_or_equal_offer_is_refused_while_another_plugins_is_live() {
    for second in [Worth::Amount(500), Worth::Amount(499), Worth::FreeShipping] {
        let first = give(empty(), Worth::Amount(500), false, FIRST);
        let mut ended = give(first.transaction, second, false, SECOND);
        assert_eq!((given(&mut ended, "winback").unwrap_err().0, ended.effects.len()), (OTHER, 0));
    }
}

#[test]
fn a_better_offer_takes_the_place_of_the_live_one_whose_plugin_is_told_of_its_end() {
    for second in [Worth::Amount(501), Worth::Share(1_300), Worth::FreeProduct] {
        let mut first = give(empty(), Worth::Amount(500), false, FIRST);
        let weaker = first.effects[0].id.clone();
        settle(&mut first.transaction, &weaker, done());
        first.transaction.put_order(STORE, None, &order("1001", &[]));
        let listed = keys::customer_order(STORE, &"7".into(), NOW, &"1001".into());
        first.transaction.put_bytes(listed, b"1001".to_vec());
        let mut ended = give(first.transaction, second, false, SECOND);
        assert_eq!(given(&mut ended, "winback"), Ok(()));
        let [better, end] = &ended.effects[..] else { panic!("{:?}", ended.effects) };
        let EffectKind::DisableDiscount(disabled) = &end.kind else { panic!("{end:?}") };
        assert_eq!((&disabled.made_by, end.plugin.as_str()), (&weaker, "birthdays"));
        assert_eq!(better.plugin.as_str(), "winback");
        // The weaker one is on its way out: it is in nobody's way, and the better one is.
        let (better, end) = (better.id.clone(), end.id.clone());
        assert_ne!(better, end);
        let mut third = give(ended.transaction, Worth::Amount(502), false, ("surprise", "webhook/3"));
        let refused = matches!(second, Worth::Share(_) | Worth::FreeProduct);
        assert_eq!(given(&mut third, "surprise").is_err(), refused);
    }
}

#[test]
fn offers_that_combine_live_side_by_side() {
    let first = give(empty(), Worth::Amount(500), true, FIRST);
    let mut ended = give(first.transaction, Worth::Amount(100), true, SECOND);
    assert_eq!((given(&mut ended, "winback"), ended.effects.len()), (Ok(()), 1));
    let mut ended = give(ended.transaction, Worth::Amount(200), false, ("surprise", "webhook/3"));
    assert_eq!(given(&mut ended, "surprise").unwrap_err().0, OTHER, "both have to combine");
}

#[test]
fn an_offer_that_was_used_or_never_made_is_in_nobodys_way() {
    let first = || {
        let ended = give(empty(), Worth::Amount(500), false, FIRST);
        let EffectKind::CreateDiscount(discount) = ended.effects[0].kind.clone() else { panic!() };
        (ended.transaction, ended.effects[0].id.clone(), discount.code)
    };
    let (mut used, id, code) = first();
    settle(&mut used, &id, done());
    used.put_order(STORE, None, &order("1001", &[&code]));
    let (mut dead, id, _) = first();
    settle(&mut dead, &id, EffectStatus::Dead { reason: "no".into() });
    for transaction in [used, dead] {
        let mut ended = give(transaction, Worth::Amount(1), false, SECOND);
        assert_eq!((given(&mut ended, "winback"), ended.effects.len()), (Ok(()), 1));
    }
}

#[test]
fn offers_of_customers_who_became_one_are_one_persons() {
    let first = give(empty(), Worth::Amount(500), false, FIRST);
    let mut transaction = first.transaction;
    let (kept, removed) = (CustomerId::from("8"), CustomerId::from("7"));
    let absorbed = Customer { merged_into: Some(kept.clone()), ..Customer::nobody(removed.clone()) };
    transaction.put(keys::customer(STORE, &removed), &absorbed);
    transaction.put_bytes(keys::absorbed(STORE, &kept, &removed), Vec::new());
    let mut ended = give(transaction, Worth::Amount(400), false, SECOND);
    assert_eq!(given(&mut ended, "winback").unwrap_err().0, OTHER);
}

#[test]
fn a_delivery_that_fails_leaves_the_live_offer_as_it_was() {
    let first = give(empty(), Worth::Amount(500), false, FIRST);
    let live = first.effects[0].id.clone();
    let mut guest = Guest::default();
    let why = guest.text("not now");
    let call = offer(&mut guest, Worth::FreeProduct, false);
    let component = guest.component(&format!("{call} (return (call $retry {why}))"));
    let mut ended = Sandbox::new().run_on(first.transaction, &component, by("winback", "webhook/2"));
    ended.result.clone().unwrap_err();
    assert_eq!(ended.effects, []);
    assert!(matches!(effect(&mut ended.transaction, &live).status, EffectStatus::Pending { .. }));
    assert!(!ended.transaction.contains(&keys::code_end(STORE, &live)).unwrap());
}

#[test]
fn a_repeat_finds_its_own_offer_and_is_not_refused_for_it() {
    let first = give(empty(), Worth::Amount(500), false, FIRST);
    let effects = first.effects.clone();
    let mut again = give(first.transaction, Worth::Amount(500), false, FIRST);
    assert_eq!(given(&mut again, "birthdays"), Ok(()));
    assert_eq!(again.effects, effects);
}
