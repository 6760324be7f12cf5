//! Customers who become one, and customers who are forgotten.

use regulars_sdk::test::{Incoming, START, order};

use super::*;

fn redacted(who: &str) -> Incoming {
    Incoming::customer("customer.redacted", customer(who))
}

#[test]
fn an_advocate_who_is_absorbed_is_rewarded_under_the_id_that_is_left() {
    let mut shop = referred().with_customer(customer("ann2"));
    shop.deliver(Incoming::customer_merged("ann2", ANN)).unwrap();
    assert!(advocate(&shop, ANN).is_none() && advocate(&shop, "ann2").is_some());
    shop.advance_days(21).unwrap();
    assert_eq!(paid(&shop), [("ann2".into(), 1000)]);
    assert_eq!(shop.state::<u32>("month/ann2/2026-01"), Some(1));
}

#[test]
fn both_links_and_both_codes_of_two_advocates_who_become_one_still_count() {
    let (shop, link) = visited();
    let mut shop =
        known(shop.with_customer(customer("ann2")), "ann2").with_order(order("901").customer("ann2").line(900, 1));
    let other = share(&mut shop, "ann2");
    let codes = [code_of(&shop, ANN), code_of(&shop, "ann2")];
    visit(&mut shop, &other, "ann2", "cas");
    shop.deliver(Incoming::customer_merged("ann2", ANN)).unwrap();
    assert_eq!(advocate(&shop, "ann2").unwrap().other_links, [link.as_str()]);
    for (n, code) in codes.iter().enumerate() {
        let (id, who) = (format!("o{n}"), ["cas", BOB][n]);
        shop = with_signals(shop, &id, who);
        shop.deliver(Incoming::order_paid(order(&id).customer(who).line(5000, 1).code(code))).unwrap();
        assert_eq!((claim(&shop, &id).advocate.as_str(), checks(&shop, &id)), ("ann2", vec![]));
    }
    shop = with_signals(shop, "o9", "dan");
    shop.deliver(Incoming::order_paid(order("o9").customer("dan").line(5000, 1).attribute("regulars_link", &link)))
        .unwrap();
    assert_eq!(claim(&shop, "o9").advocate, "ann2");
}

#[test]
fn monthly_counts_of_two_advocates_who_become_one_add_up() {
    let mut shop = referred();
    shop.advance_days(21).unwrap();
    shop = shop.with_state("month/ann2/2026-01", "9").with_customer(customer("ann2"));
    shop.deliver(Incoming::customer_merged("ann2", ANN)).unwrap();
    assert_eq!(shop.state::<u32>("month/ann2/2026-01"), Some(10));
}

#[test]
fn a_friend_who_turns_out_to_be_the_advocate_is_not_rewarded_for() {
    let mut shop = referred();
    shop.deliver(Incoming::customer_merged(ANN, BOB)).unwrap();
    shop.advance_days(0).unwrap();
    assert_eq!(status(&shop), void(Check::SameCustomer));
    let finding = claim(&shop, ORDER).findings.into_iter().find(|it| it.check == Check::SameCustomer).unwrap();
    assert_eq!(finding.evidence, "The order is the advocate's own");
    shop.advance_days(60).unwrap();
    assert!(paid(&shop).is_empty());
}

#[test]
fn a_guest_friend_who_becomes_a_customer_counts_once() {
    let (shop, link) = visited();
    let mut shop = with_signals(shop, "1002", BOB);
    shop.deliver(Incoming::order_paid(order(ORDER).customer("guest").line(5000, 1).attribute("regulars_link", &link)))
        .unwrap();
    shop.deliver(Incoming::customer_merged(BOB, "guest")).unwrap();
    let again =
        order("1002").customer(BOB).line(5000, 1).attribute("regulars_link", &link).placed_at(START.plus_days(1));
    shop.deliver(Incoming::order_paid(again)).unwrap();
    assert!(checks(&shop, "1002").contains(&Check::AlreadyReferred));
    shop.advance_days(60).unwrap();
    assert_eq!(paid(&shop).len(), 1);
}

#[test]
fn a_ban_stays_with_whoever_is_left() {
    let mut shop = shop().with_customer(customer("ann2"));
    shop.deliver(Incoming::merchant_action("ban", Some(ANN), json!({}))).unwrap();
    shop.deliver(Incoming::customer_merged("ann2", ANN)).unwrap();
    let delivery = shop.deliver(Incoming::action("share", "ann2", json!({}))).unwrap();
    assert_eq!(note(&delivery).reason, "No link: the customer is banned");
}

#[test]
fn a_friend_who_is_forgotten_leaves_no_keys_and_the_verdict_stands_on_what_was_found() {
    let mut shop = referred_with(|shop| with_signals_but(shop, ORDER, BOB, &[("device", ANN)]));
    let keys = |shop: &Bench| {
        let lists = ["email", "phone", "address", "ip"].map(|kind| format!("index/{kind}/"));
        lists.iter().map(|prefix| shop.state_keys(prefix).count()).sum::<usize>()
    };
    assert!(keys(&shop) > 0);
    shop.deliver(redacted(BOB)).unwrap();
    shop.advance_days(0).unwrap();
    shop = shop.with_order_signals(ORDER, &[]).with_customer_signals(BOB, &[]);
    assert_eq!((keys(&shop), claim(&shop, ORDER).signals.len()), (0, 0));
    shop.advance_days(60).unwrap();
    assert_eq!((checks(&shop, ORDER), keys(&shop)), (vec![Check::SameDevice], 0));
    assert_eq!(status(&shop), Status::Void(Because::Deadline));
}

#[test]
fn a_friend_who_is_forgotten_costs_the_advocate_nothing() {
    let mut shop = referred();
    shop.deliver(redacted(BOB)).unwrap();
    shop.advance_days(0).unwrap();
    shop = shop.with_order_signals(ORDER, &[]).with_customer_signals(BOB, &[]);
    shop.advance_days(21).unwrap();
    assert_eq!(paid(&shop), [(ANN.into(), 1000)]);
}

#[test]
fn an_advocate_who_is_forgotten_is_paid_nothing_and_leaves_nothing() {
    let mut shop = referred();
    shop.deliver(redacted(ANN)).unwrap();
    shop.advance_days(0).unwrap();
    assert_eq!(status(&shop), void(Check::AdvocateGone));
    assert_eq!(shop.state_keys("advocate/").chain(shop.state_keys("visits/")).count(), 0);
    shop.deliver(Incoming::merchant_action("approve", None, json!({ "order": ORDER }))).unwrap();
    shop.advance_days(60).unwrap();
    assert!(paid(&shop).is_empty());
}

#[test]
fn what_the_merchant_wrote_goes_with_whoever_is_forgotten() {
    for who in [ANN, BOB] {
        let mut shop = referred_with(|shop| with_signals_but(shop, ORDER, BOB, &[("device", ANN)]));
        let words = json!({ "order": ORDER, "reason": "Ms Miller rang" });
        shop.deliver(Incoming::merchant_action("approve", None, words)).unwrap();
        shop.deliver(Incoming::merchant_action("ban", Some(who), json!({ "reason": "Ms Miller again" }))).unwrap();
        shop.advance_days(30).unwrap();
        shop.deliver(redacted(who)).unwrap();
        shop.advance_days(0).unwrap();
        assert!(claim(&shop, ORDER).decision.is_some(), "that it was decided stays");
        let kept: Vec<_> = shop.state_keys("").map(|key| shop.state::<serde_json::Value>(key).unwrap()).collect();
        assert!(kept.iter().all(|value| !value.to_string().contains("Miller")), "{who}: {kept:?}");
    }
}

#[test]
fn a_banned_customer_who_is_forgotten_stays_banned_by_id_alone() {
    let mut shop = shop();
    shop.deliver(Incoming::merchant_action("ban", Some(BOB), json!({}))).unwrap();
    assert_eq!(shop.state_keys("banned/").count(), 2);
    shop.deliver(redacted(BOB)).unwrap();
    assert_eq!((shop.state_keys("banned/").count(), shop.state_keys("ban/").count()), (0, 1));
}

#[test]
fn two_who_become_one_after_the_payout_keep_it() {
    let mut shop = referred();
    shop.advance_days(21).unwrap();
    shop.deliver(Incoming::customer_merged(ANN, BOB)).unwrap();
    shop.advance_days(30).unwrap();
    assert_eq!(last_reason(&shop), "Nothing to do: the reward is paid");
    assert_eq!((status(&shop), paid(&shop).len()), (Status::Paid, 1));
}

#[test]
fn somebody_with_more_claims_than_a_delivery_has_room_for_can_be_merged_and_forgotten() {
    let (shop, link) = visited();
    let mut shop = shop.setting("flag_checks", json!([]));
    for n in 0..40 {
        let id = format!("o{n:02}");
        shop = with_signals(shop, &id, BOB);
        shop.deliver(Incoming::order_paid(order(&id).customer(BOB).line(5000, 1).attribute("regulars_link", &link)))
            .unwrap();
    }
    let mut forgotten = shop.clone();
    forgotten.deliver(redacted(ANN)).unwrap();
    shop.deliver(Incoming::customer_merged(ANN, BOB)).unwrap();
    for shop in [&mut forgotten, &mut shop] {
        shop.advance_days(60).unwrap();
        assert_eq!((paid(shop).len(), shop.state_keys("claim/").count()), (0, 40));
    }
}

#[test]
fn a_reward_is_remembered_however_many_claims_come_after_it() {
    let mut shop = referred();
    shop.advance_days(21).unwrap();
    let link = advocate(&shop, ANN).unwrap().link;
    for n in 0..40 {
        let id = format!("o{n:02}");
        shop = with_signals(shop, &id, BOB);
        shop.deliver(Incoming::order_paid(order(&id).customer(BOB).line(5000, 1).attribute("regulars_link", &link)))
            .unwrap();
    }
    // Not even an approval pays for one friend twice.
    shop.deliver(Incoming::merchant_action("approve", None, json!({ "order": "o39" }))).unwrap();
    shop.advance_days(60).unwrap();
    assert_eq!((paid(&shop).len(), claim(&shop, "o39").status), (1, void(Check::FriendPaid)));
}
