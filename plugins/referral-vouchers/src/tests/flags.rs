//! What makes somebody look, each with its evidence, and what becomes of it.

use regulars_sdk::test::{Capability, Incoming, START, order};

use super::*;

/// What an order of Bob's raises that Ann's link led to, with this about the shop.
fn flagged(change: impl Fn(Bench) -> Bench) -> Vec<Check> {
    let mut shop = referred_with(change);
    let found = checks(&shop, ORDER);
    shop.advance_days(60).unwrap();
    // A flag alone rejects nobody; without an answer it is withheld.
    let expected = if found.is_empty() { Status::Paid } else { Status::Void(Because::Deadline) };
    assert_eq!(status(&shop), expected);
    found
}

#[test]
fn a_shared_browser_device_or_address_is_flagged_and_not_blocked() {
    for (kind, check) in
        [("ip-agent", Check::SameIpAgent), ("device", Check::SameDevice), ("address", Check::SameAddress)]
    {
        assert_eq!(flagged(|shop| with_signals_but(shop, ORDER, BOB, &[(kind, ANN)])), [check]);
    }
}

#[test]
fn an_office_or_dorm_shares_its_internet_address_and_is_not_even_flagged() {
    assert_eq!(flagged(|shop| with_signals_but(shop, ORDER, BOB, &[("ip", ANN)])), []);
}

#[test]
fn likeness_of_name_or_e_mail_address_is_flagged_from_ninety_percent_on() {
    assert_eq!(flagged(|shop| shop.with_similarity(ANN, BOB, 899, 400)), []);
    assert_eq!(flagged(|shop| shop.with_similarity(ANN, BOB, 900, 400)), [Check::Similar]);
    assert_eq!(flagged(|shop| shop.with_similarity(BOB, ANN, 100, 950)), [Check::Similar]);
    assert_eq!(flagged(|shop| shop.with_similarity(ANN, BOB, 950, 0).setting("similarity_percent", 96)), []);
}

#[test]
fn a_disposable_address_is_flagged() {
    let found = flagged(|shop| {
        shop.with_order_signals(ORDER, &[("email", "e"), ("disposable-email", ""), ("device", "device of bob")])
    });
    assert_eq!(found, [Check::DisposableEmail]);
}

#[test]
fn a_typed_code_without_a_link_counts_and_is_flagged() {
    let mut shop = shop();
    share(&mut shop, ANN);
    let typed = code_of(&shop, ANN).to_lowercase();
    shop.deliver(Incoming::order_paid(order(ORDER).customer(BOB).line(5000, 1).code(&typed))).unwrap();
    assert_eq!(checks(&shop, ORDER), [Check::NoVisit]);
    let task = &shop.tasks()["review/1001"];
    let evidence =
        ("Code without a visit".into(), "The code was typed, and the buyer's browser never followed the link".into());
    assert!(task.details.contains(&evidence), "{task:?}");
    shop.deliver(Incoming::merchant_action("approve", None, json!({ "task": "review/1001" }))).unwrap();
    shop.advance_days(21).unwrap();
    assert_eq!(paid(&shop), [(ANN.into(), 1000)]);
}

#[test]
fn a_friend_with_another_e_mail_address_at_checkout_is_known_by_the_code() {
    let (mut shop, _) = visited();
    let code = code_of(&shop, ANN);
    shop = with_signals_but(shop, ORDER, BOB, &[("email", "somebody new"), ("phone", "somebody new")]);
    shop.deliver(Incoming::order_paid(order(ORDER).customer("guest 7").line(5000, 1).code(&code))).unwrap();
    assert_eq!((claim(&shop, ORDER).advocate.as_str(), checks(&shop, ORDER)), (ANN, vec![]));
    shop.advance_days(21).unwrap();
    assert_eq!(paid(&shop), [(ANN.into(), 1000)]);
}

#[test]
fn a_link_whose_visit_was_never_seen_counts_and_is_flagged() {
    let mut shop = shop();
    let link = share(&mut shop, ANN);
    shop.deliver(Incoming::order_paid(basket(&link))).unwrap();
    assert_eq!(checks(&shop, ORDER), [Check::NoVisit]);
}

#[test]
fn an_old_link_gives_way_to_a_code_that_was_typed() {
    let (shop, old) = visited();
    let mut shop =
        known(shop.with_customer(customer("cas")), "cas").with_order(order("901").customer("cas").line(9000, 1));
    share(&mut shop, "cas");
    let code = code_of(&shop, "cas");
    let placed = || basket(&old).code(&code);
    let mut fresh = shop.clone();
    fresh.deliver(Incoming::order_paid(placed())).unwrap();
    assert_eq!(claim(&fresh, ORDER).advocate, ANN);
    shop.advance_days(40).unwrap();
    shop.deliver(Incoming::order_paid(placed().placed_at(START.plus_days(40)))).unwrap();
    assert_eq!(claim(&shop, ORDER).advocate, "cas");
}

#[test]
fn more_than_three_buyers_at_one_internet_address_are_flagged() {
    let (mut shop, link) = visited();
    for n in 0..4 {
        let (id, who) = (format!("o{n}"), format!("friend {n}"));
        shop = with_signals_but(shop, &id, &who, &[("ip", "the office")]);
        let placed = order(&id).customer(&who).line(5000, 1).attribute("regulars_link", &link);
        shop.deliver(Incoming::order_paid(placed.placed_at(START.plus_days(n)))).unwrap();
    }
    assert_eq!((checks(&shop, "o2"), checks(&shop, "o3")), (vec![], vec![Check::ManyBuyers]));
    let evidence = &claim(&shop, "o3").findings[0].evidence;
    assert_eq!(evidence, "Referred buyers at one internet address in 30 days: 4");
}

#[test]
fn more_than_five_referrals_in_seven_days_are_flagged() {
    let (mut shop, link) = visited();
    for (n, day) in [0, 1, 2, 3, 4, 6, 20].into_iter().enumerate() {
        let (id, who) = (format!("o{n}"), format!("friend {n}"));
        shop = with_signals(shop, &id, &who);
        let placed = order(&id).customer(&who).line(5000, 1).attribute("regulars_link", &link);
        shop.deliver(Incoming::order_paid(placed.placed_at(START.plus_days(day)))).unwrap();
    }
    let found: Vec<_> = (0..7).map(|n| checks(&shop, &format!("o{n}"))).collect();
    assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [0, 0, 0, 0, 0, 1, 0]);
    assert_eq!(found[5], [Check::Burst]);
}

#[test]
fn a_second_referral_to_one_household_is_flagged_for_the_merchant_to_decide() {
    let (shop, link) = visited();
    let mut shop = with_signals_but(shop, "1002", "flatmate", &[("address", BOB)]);
    shop.deliver(Incoming::order_paid(basket(&link))).unwrap();
    let second = order("1002").customer("flatmate").line(5000, 1).attribute("regulars_link", &link);
    shop.deliver(Incoming::order_paid(second.placed_at(START.plus_days(1)))).unwrap();
    assert_eq!(checks(&shop, "1002"), [Check::Household]);
    let mut withheld = shop.clone();
    withheld.advance_days(60).unwrap();
    assert_eq!(paid(&withheld).len(), 1);
    shop.deliver(Incoming::merchant_action("approve", None, json!({ "order": "1002", "reason": "A dorm" }))).unwrap();
    shop.advance_days(60).unwrap();
    assert_eq!(paid(&shop).len(), 2);
}

#[test]
fn an_earlier_referral_that_is_known_late_is_asked_about_at_once() {
    let (shop, link) = visited();
    let shop = with_signals_but(shop, "1002", "flatmate", &[("address", BOB)]);
    // The flatmate's order is below the minimum: void nine days after Bob's hold ends, and so within the time to answer
    // a question that is asked only then.
    let first = order("1002").customer("flatmate").line(3500, 1).attribute("regulars_link", &link);
    let bobs = Incoming::order_paid(basket(&link).placed_at(START.plus_days(30))).at(START.plus_days(30));
    let events = [Incoming::order_paid(first), delivered("1002", START.plus_days(46)), bobs];
    for arrival in [[0, 1, 2], [2, 0, 1]] {
        let mut shop = shop.clone();
        for n in arrival {
            shop.deliver(events[n].clone()).unwrap();
        }
        shop.advance_to(START.plus_days(1)).unwrap();
        assert_eq!(checks(&shop, ORDER), [Check::Household], "{arrival:?}");
        assert_eq!(shop.tasks()["review/1001"].due, Some(START.plus_days(30 + 21)), "{arrival:?}");
        shop.advance_days(100).unwrap();
        assert_eq!(claim(&shop, "1002").status, void(Check::BelowMinimum), "{arrival:?}");
        assert_eq!((status(&shop), paid(&shop)), (Status::Void(Because::Deadline), vec![]), "{arrival:?}");
    }
}

#[test]
fn a_flag_that_the_merchant_has_switched_off_is_not_raised() {
    let found = flagged(|shop| {
        with_signals_but(shop, ORDER, BOB, &[("device", ANN)]).setting("flag_checks", json!(["same-ip-agent"]))
    });
    assert_eq!(found, []);
}

#[test]
fn where_nothing_can_be_compared_nothing_is_paid_unseen() {
    assert_eq!(flagged(|shop| shop.withhold(Capability::Identity)), [Check::Unchecked]);
}

#[test]
fn evidence_says_which_signal_and_never_whose() {
    let shop = referred_with(|shop| {
        with_signals_but(shop.with_similarity(ANN, BOB, 990, 990), ORDER, BOB, &[("email", ANN), ("device", ANN)])
    });
    let task = &shop.tasks()["review/1001"];
    let shown = format!("{:?}", (&task.title, &task.details));
    for secret in ["of ann", "of bob", "ann", "bob"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(shown.contains("Same e-mail address") && shown.contains("Same device"), "{shown}");
}
