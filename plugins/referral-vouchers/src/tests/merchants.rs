//! The review queue, and what the merchant decides.

use regulars_sdk::{
    Order,
    test::{Capability, Incoming, START, order, refund},
};

use super::*;

/// A claim that is flagged for its device.
fn suspicious() -> Bench {
    referred_with(|shop| with_signals_but(shop, ORDER, BOB, &[("device", ANN)]))
}

fn answer(shop: &mut Bench, action: &str) -> Delivery {
    let input = json!({ "task": "review/1001", "reason": "I know them" });
    shop.deliver(Incoming::merchant_action(action, None, input)).unwrap()
}

#[test]
fn a_flagged_claim_asks_the_merchant_once_with_evidence_choices_and_a_date() {
    let mut shop = suspicious();
    let task = shop.tasks()["review/1001"].clone();
    assert_eq!(task.title, "Is the referral of order #1001 real?");
    assert_eq!(task.due, Some(START.plus_days(21)));
    assert_eq!((task.customer_id.as_deref(), task.order_id.as_deref()), (Some(ANN), Some(ORDER)));
    let choices: Vec<_> = task.choices.iter().map(|(action, _)| action.as_str()).collect();
    assert_eq!(choices, ["approve", "reject", "ban"]);
    assert!(task.details.contains(&("Without an answer".into(), "nothing is paid".into())));
    shop.deliver(delivered(ORDER, START.plus_days(1))).unwrap();
    assert_eq!(shop.calls().tasks().count(), 1);
}

#[test]
fn an_approved_claim_is_paid_when_its_hold_is_over_and_not_before() {
    let mut shop = suspicious();
    let delivery = answer(&mut shop, "approve");
    assert_eq!(note(&delivery).reason, "The merchant approves the referral");
    assert_eq!(note(&delivery).field("reason"), Some("I know them"));
    assert!(shop.tasks().is_empty());
    shop.advance_days(20).unwrap();
    assert!(paid(&shop).is_empty());
    shop.advance_days(1).unwrap();
    assert_eq!(paid(&shop), [(ANN.into(), 1000)]);
}

#[test]
fn a_rejected_claim_is_never_paid_unless_it_is_approved_after_all() {
    let mut shop = suspicious();
    answer(&mut shop, "reject");
    assert_eq!(status(&shop), Status::Void(Because::Rejected));
    let link = advocate(&shop, ANN).unwrap().link;
    shop.deliver_again(Incoming::order_paid(basket(&link))).unwrap();
    shop.advance_days(60).unwrap();
    assert!(paid(&shop).is_empty());
    answer(&mut shop, "approve");
    assert_eq!(paid(&shop), [(ANN.into(), 1000)]);
}

#[test]
fn without_an_answer_the_reward_is_withheld_at_the_deadline() {
    let mut shop = suspicious();
    shop.advance_days(60).unwrap();
    assert_eq!((status(&shop), paid(&shop)), (Status::Void(Because::Deadline), vec![]));
    assert!(shop.tasks().is_empty());
    // Unlike with some others, nothing is lost by that.
    answer(&mut shop, "approve");
    assert_eq!(paid(&shop).len(), 1);
}

#[test]
fn without_an_answer_the_reward_is_paid_where_the_merchant_wants_that() {
    let mut shop =
        referred_with(|shop| with_signals_but(shop, ORDER, BOB, &[("device", ANN)]).setting("review_default", "pay"));
    shop.advance_days(21).unwrap();
    assert_eq!((status(&shop), last_reason(&shop)), (Status::Paid, "The reward is given: nobody decided in time"));
}

#[test]
fn a_block_is_not_paid_by_default_even_where_flags_are() {
    let mut shop = referred_with(|shop| {
        with_signals_but(shop, ORDER, BOB, &[("device", ANN), ("email", ANN)]).setting("review_default", "pay")
    });
    shop.advance_days(90).unwrap();
    assert_eq!((status(&shop), paid(&shop)), (void(Check::SameEmail), vec![]));
}

#[test]
fn the_merchant_has_fourteen_days_even_where_the_hold_ends_sooner() {
    let mut shop =
        referred_with(|shop| with_signals_but(shop, ORDER, BOB, &[("device", ANN)]).setting("hold_paid_days", 2));
    shop.advance_days(2).unwrap();
    assert_eq!(status(&shop), Status::Review);
    shop.advance_days(11).unwrap();
    assert_eq!(status(&shop), Status::Review);
    shop.advance_days(1).unwrap();
    assert_eq!(status(&shop), Status::Void(Because::Deadline));
}

#[test]
fn the_merchant_is_asked_anew_where_something_else_turns_up() {
    let mut shop = suspicious();
    shop = shop.with_similarity(ANN, BOB, 990, 0);
    shop.advance_days(21).unwrap();
    assert_eq!(status(&shop), Status::Review);
    assert_eq!(shop.tasks()["review/1001"].due, Some(START.plus_days(35)));
    answer(&mut shop, "approve");
    assert_eq!(paid(&shop).len(), 1);
}

#[test]
fn an_approval_lifts_blocks_but_no_bars() {
    let mut blocked = referred_with(|shop| with_signals_but(shop, ORDER, BOB, &[("email", ANN)]));
    blocked.advance_days(21).unwrap();
    answer(&mut blocked, "approve");
    assert_eq!(paid(&blocked).len(), 1);

    let mut cancelled = suspicious();
    let link = advocate(&cancelled, ANN).unwrap().link;
    cancelled.deliver(Incoming::order_cancelled(Order { cancelled_at: Some(START), ..placed(&link) })).unwrap();
    answer(&mut cancelled, "approve");
    cancelled.advance_days(60).unwrap();
    assert_eq!((status(&cancelled), paid(&cancelled)), (void(Check::Cancelled), vec![]));
    assert_eq!(mails(&cancelled).iter().filter(|it| **it == "reward-void").count(), 1);
}

#[test]
fn an_order_that_comes_back_after_the_approval_is_not_rewarded_by_mistake() {
    let mut shop = suspicious();
    let link = advocate(&shop, ANN).unwrap().link;
    answer(&mut shop, "approve");
    shop.deliver(Incoming::order_cancelled(Order { cancelled_at: Some(START), ..placed(&link) })).unwrap();
    shop.advance_days(60).unwrap();
    assert!(paid(&shop).is_empty());
}

#[test]
fn a_paid_reward_can_be_neither_approved_nor_rejected() {
    let mut shop = referred();
    shop.advance_days(21).unwrap();
    assert_eq!(note(&answer(&mut shop, "approve")).reason, "Nothing to approve: the reward is paid");
    assert_eq!(note(&answer(&mut shop, "reject")).reason, "Nothing to reject: the reward is paid, and stays so");
    assert_eq!((status(&shop), paid(&shop).len()), (Status::Paid, 1));
}

#[test]
fn a_banned_advocate_earns_nothing_and_the_friends_code_ends() {
    let mut shop = suspicious();
    answer(&mut shop, "ban");
    assert_eq!(status(&shop), Status::Void(Because::Rejected));
    let ended = shop.calls().iter().filter(|it| matches!(it, Call::DisableDiscount { .. })).count();
    assert_eq!(ended, 1);
    let link = advocate(&shop, ANN).unwrap().link;
    shop = with_signals(shop, "1002", "cas");
    let delivery = visit(&mut shop, &link, ANN, "cas");
    assert_eq!(note(&delivery).field("code"), Some("none: the advocate is banned"));
    shop.deliver(Incoming::order_paid(order("1002").customer("cas").line(5000, 1).attribute("regulars_link", &link)))
        .unwrap();
    shop.advance_days(60).unwrap();
    assert_eq!((claim(&shop, "1002").status, paid(&shop)), (void(Check::Banned), vec![]));
}

#[test]
fn a_ban_follows_the_person_to_another_account_and_can_be_lifted() {
    let (mut shop, link) = visited();
    shop.deliver(Incoming::merchant_action("ban", Some(BOB), json!({ "reason": "Reseller" }))).unwrap();
    shop = with_signals_but(shop, "1002", "bob again", &[("phone", BOB)]);
    let again = order("1002").customer("bob again").line(5000, 1).attribute("regulars_link", &link);
    shop.deliver(Incoming::order_paid(again)).unwrap();
    assert!(checks(&shop, "1002").contains(&Check::Banned));
    let mut barred = shop.clone();
    barred.advance_days(21).unwrap();
    assert_eq!(claim(&barred, "1002").status, void(Check::Banned));
    shop.deliver(Incoming::merchant_action("unban", Some(BOB), json!({ "reason": "Sorry" }))).unwrap();
    shop.advance_days(21).unwrap();
    assert_eq!(claim(&shop, "1002").status, Status::Paid);
}

#[test]
fn where_tasks_are_not_granted_the_default_applies_and_the_note_says_so() {
    let mut shop =
        referred_with(|shop| with_signals_but(shop, ORDER, BOB, &[("device", ANN)]).withhold(Capability::Tasks));
    let asked = shop.calls().notes().last().unwrap().field("review").map(str::to_owned);
    assert_eq!(asked.as_deref(), Some("not asked: the capability `tasks` is not granted"));
    shop.advance_days(60).unwrap();
    assert_eq!(status(&shop), Status::Void(Because::Deadline));
    let input = json!({ "order": ORDER });
    shop.deliver(Incoming::merchant_action("approve", None, input)).unwrap();
    assert_eq!(paid(&shop).len(), 1);
}

#[test]
fn an_order_below_the_minimum_can_be_approved_by_hand() {
    let mut shop = referred();
    let link = advocate(&shop, ANN).unwrap().link;
    shop.deliver(Incoming::order_refunded(refund("r1", &placed(&link)).amount("l1", 0, 2000, 0))).unwrap();
    shop.advance_days(21).unwrap();
    assert_eq!(status(&shop), void(Check::BelowMinimum));
    answer(&mut shop, "approve");
    assert_eq!(paid(&shop).len(), 1);
}

#[test]
fn a_ban_that_is_lifted_leads_to_a_new_code() {
    let (mut shop, link) = visited();
    let old = code_of(&shop, ANN);
    shop.deliver(Incoming::merchant_action("ban", Some(ANN), json!({}))).unwrap();
    assert_eq!(advocate(&shop, ANN).unwrap().code, None);
    shop.deliver(Incoming::merchant_action("unban", Some(ANN), json!({}))).unwrap();
    visit(&mut shop, &link, ANN, "cas");
    assert_ne!(code_of(&shop, ANN), old);
}

#[test]
fn no_reason_of_a_merchants_is_too_long_for_a_note() {
    let mut shop = referred_with(|shop| {
        let others = ["email", "phone", "address", "ip-agent", "device"].map(|kind| (kind, ANN));
        with_signals_but(shop.with_similarity(ANN, BOB, 990, 990), ORDER, BOB, &others)
    });
    let input = json!({ "task": "review/1001", "reason": "理".repeat(5_000) });
    shop.deliver(Incoming::merchant_action("reject", None, input)).unwrap();
    assert_eq!(status(&shop), Status::Void(Because::Rejected));
    let long = "x".repeat(5_000);
    shop.deliver(Incoming::merchant_action(&long, None, json!({}))).unwrap();
    shop.deliver(Incoming::merchant_action("ban", None, json!({ "customer": long, "order": long }))).unwrap();
    shop.deliver(Incoming::action(&long, ANN, json!({}))).unwrap();
}
