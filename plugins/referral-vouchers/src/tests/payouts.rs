//! How a reward is given, what happens where it cannot be, and what becomes of it when the order comes back.

use regulars_sdk::{
    Customer, Order,
    test::{Capability, Incoming, START, customer, refund},
};

use super::*;

fn reward_effect(shop: &Bench) -> regulars_sdk::EffectId {
    claim(shop, ORDER).payout.expect("the reward is paid").effect
}

#[test]
fn a_reward_as_a_code_is_the_advocates_alone_and_mailed() {
    let mut shop = referred_with(|shop| shop.setting("advocate_reward", "code").setting("mail_on_reward", false));
    shop.advance_days(21).unwrap();
    let code = shop.calls().discounts().last().unwrap().clone();
    assert_eq!((code.customer_id.as_deref(), code.uses, code.prefix.as_str()), (Some(ANN), Some(1), "THANKS"));
    assert_eq!(code.ends_at, Some(START.plus_days(21 + 365)));
    let mail = shop.calls().mails().last().unwrap();
    assert_eq!((mail.template.as_str(), mail.after.as_ref()), ("reward-paid", Some(&reward_effect(&shop))));
    assert_eq!((var(mail, "reward"), var(mail, "ends_on")), ("10.00 EUR", "2027-01-22"));
    assert!(var(mail, "reward_code").starts_with("THANKS-"));
}

#[test]
fn a_guest_who_invites_gets_a_code_that_is_bound_to_nobody() {
    let guest = Customer { guest: true, ..customer(ANN) };
    let mut shop = referred_with(|shop| shop.with_customer(guest.clone()));
    shop.advance_days(21).unwrap();
    assert_eq!(paid(&shop), [(String::new(), 1000)]);
    assert_eq!(shop.calls().discounts().last().unwrap().uses, Some(1));
}

#[test]
fn without_store_credit_the_reward_is_a_code() {
    let mut shop = referred_with(|shop| shop.withhold(Capability::StoreCredit));
    shop.advance_days(21).unwrap();
    assert!(claim(&shop, ORDER).payout.unwrap().code.is_some());
    assert_eq!(paid(&shop), [(ANN.into(), 1000)]);
}

#[test]
fn store_credit_that_the_platform_refuses_is_made_up_for_by_a_code_once() {
    let mut shop = referred();
    shop.advance_days(21).unwrap();
    let credit = reward_effect(&shop);
    let delivery = shop.fail(&credit, "store credit is not available").unwrap();
    assert_eq!(note(&delivery).reason, "The reward is given as a code: store credit failed");
    assert!(claim(&shop, ORDER).payout.unwrap().code.is_some());
    let event = Incoming::effect_failed(&credit, "store-credit.change", ANN, "again").id("told twice");
    shop.deliver(event).unwrap();
    assert_eq!(paid(&shop).len(), 2, "the credit that failed, and the code");
    assert_eq!(shop.state::<u32>("month/ann/2026-01"), Some(1));
}

#[test]
fn a_reward_that_the_budget_refuses_is_owed_and_given_when_there_is_room() {
    let mut shop = referred_with(|shop| shop.budget("money", 500));
    shop.advance_days(21).unwrap();
    assert_eq!((status(&shop), paid(&shop)), (Status::Owed, vec![]));
    assert_eq!(shop.tasks()["review/1001"].title, "The reward for order #1001 could not be given");
    shop.advance_days(3).unwrap();
    assert_eq!(shop.calls().tasks().count(), 1);
    shop = shop.budget("money", 5000);
    shop.advance_days(1).unwrap();
    assert_eq!((status(&shop), paid(&shop)), (Status::Paid, vec![(ANN.into(), 1000)]));
    assert!(shop.tasks().is_empty());
    assert_eq!(shop.spent("money"), 1000);
}

#[test]
fn a_reward_that_can_never_be_given_is_not_tried_for_ever() {
    let mut shop = referred_with(|shop| shop.withhold(Capability::StoreCredit).withhold(Capability::Discounts));
    shop.advance_days(300).unwrap();
    assert_eq!((status(&shop), shop.due("claim/1001")), (Status::Owed, None));
    shop.deliver(Incoming::merchant_action("reject", None, json!({ "task": "review/1001" }))).unwrap();
    assert_eq!(status(&shop), Status::Void(Because::Rejected));
    assert!(shop.tasks().is_empty());
}

#[test]
fn a_refund_after_the_payout_is_only_noted() {
    let mut shop = referred();
    let link = advocate(&shop, ANN).unwrap().link;
    shop.advance_days(21).unwrap();
    let refund = Incoming::order_refunded(refund("r1", &placed(&link)).everything());
    let delivery = shop.deliver(refund.clone()).unwrap();
    assert_eq!(note(&delivery).reason, "The order came back after the reward was paid: it stays paid");
    let again = shop.deliver_again(refund.id("again")).unwrap();
    assert_eq!(note(&again).reason, "Nothing more to do: that the order came back is known");
    assert_eq!((status(&shop), paid(&shop)), (Status::Paid, vec![(ANN.into(), 1000)]));
    assert!(!mails(&shop).contains(&"reward-returned"));
}

#[test]
fn a_reward_is_taken_back_once_where_the_merchant_wants_that() {
    let mut shop = referred_with(|shop| shop.setting("claw_back", true));
    let link = advocate(&shop, ANN).unwrap().link;
    shop.advance_days(21).unwrap();
    let cancelled = Order { cancelled_at: Some(START), ..placed(&link) };
    shop.deliver(Incoming::order_refunded(refund("r1", &placed(&link)).everything())).unwrap();
    shop.deliver(Incoming::order_cancelled(cancelled)).unwrap();
    assert_eq!(paid(&shop), [(ANN.into(), 1000), (ANN.into(), -1000)]);
    assert_eq!(mails(&shop).last(), Some(&"reward-returned"));
    let debit = shop.calls().iter().filter_map(Call::effect).cloned().rev().nth(1).unwrap();
    // Without a note, a person can have it tried again.
    assert!(shop.fail(&debit, "the customer has less").unwrap().calls.is_empty());
    assert_eq!(paid(&shop).len(), 2);
}

#[test]
fn a_reward_code_is_taken_back_by_ending_it() {
    let mut shop = referred_with(|shop| shop.setting("claw_back", true).setting("advocate_reward", "code"));
    let link = advocate(&shop, ANN).unwrap().link;
    shop.advance_days(21).unwrap();
    shop.deliver(Incoming::order_refunded(refund("r1", &placed(&link)).everything())).unwrap();
    let code = reward_effect(&shop);
    assert!(shop.calls().iter().any(|it| matches!(it, Call::DisableDiscount { made_by, .. } if *made_by == code)));
}

#[test]
fn a_partial_refund_that_leaves_the_minimum_takes_nothing_back() {
    let mut shop = referred_with(|shop| shop.setting("claw_back", true));
    let link = advocate(&shop, ANN).unwrap().link;
    shop.advance_days(21).unwrap();
    shop.deliver(Incoming::order_refunded(refund("r1", &placed(&link)).amount("l1", 0, 1000, 0))).unwrap();
    assert_eq!((claim(&shop, ORDER).aftermath, paid(&shop).len()), (None, 1));
}

#[test]
fn rewards_do_not_depend_on_mails() {
    let mut shop = referred_with(|shop| shop.withhold(Capability::Mail));
    shop.advance_days(21).unwrap();
    assert_eq!((paid(&shop).len(), mails(&shop)), (1, vec![]));
}

#[test]
fn mails_tell_amounts_and_dates_plainly_for_the_host_to_word() {
    let german = Customer { locale: Some("de-DE".into()), ..customer(ANN) };
    let shop = referred_with(|shop| shop.with_customer(german.clone()));
    let mail = shop.calls().mails().next().unwrap();
    assert_eq!((var(mail, "reward"), var(mail, "until")), ("10.00 EUR", "2026-01-22"));
}
