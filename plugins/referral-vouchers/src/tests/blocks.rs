//! What blocks a reward, each with its evidence.

use regulars_sdk::{
    Order,
    test::{Incoming, START, order},
};

use super::*;

/// What an order of Bob's comes to that Ann's link led to, with this about the shop.
fn outcome(change: impl Fn(Bench) -> Bench) -> (Status, Vec<Check>) {
    let mut shop = referred_with(change);
    shop.advance_days(60).unwrap();
    assert!(paid(&shop).is_empty());
    (status(&shop), checks(&shop, ORDER))
}

#[test]
fn ones_own_order_is_no_referral() {
    let (mut shop, link) = visited();
    let own = order("1002").customer(ANN).line(5000, 1).attribute("regulars_link", &link);
    shop = with_signals(shop, "1002", ANN);
    shop.deliver(Incoming::order_paid(own)).unwrap();
    assert_eq!(claim(&shop, "1002").status, void(Check::SameCustomer));
    shop.advance_days(60).unwrap();
    assert!(paid(&shop).is_empty());
}

#[test]
fn the_advocates_e_mail_address_blocks_whatever_its_dots_plus_and_case() {
    // The host brings addresses into one form before it makes keys of them.
    let (status, found) = outcome(|shop| with_signals_but(shop, ORDER, BOB, &[("email", ANN)]));
    assert_eq!(status, void(Check::SameEmail));
    assert!(found.contains(&Check::SameEmail));
}

#[test]
fn the_advocates_phone_number_blocks() {
    let (status, _) = outcome(|shop| with_signals_but(shop, ORDER, BOB, &[("phone", ANN)]));
    assert_eq!(status, void(Check::SamePhone));
}

#[test]
fn an_earlier_order_of_imported_history_makes_the_friend_no_newcomer() {
    let before = Timestamp(START.0 - 1);
    let (status, found) = outcome(|shop| shop.with_order(order("5").customer(BOB).line(100, 1).placed_at(before)));
    assert_eq!((status, found), (void(Check::EarlierOrder), vec![Check::EarlierOrder]));
}

#[test]
fn an_earlier_order_by_the_same_e_mail_address_or_phone_number_blocks() {
    let before = Timestamp(START.0 - 1);
    for kind in ["email", "phone"] {
        let (status, _) = outcome(|shop| {
            let shop = shop.with_order(order("5").customer("another").line(100, 1).placed_at(before));
            with_signals_but(shop, "5", "another", &[(kind, BOB)])
        });
        assert_eq!(status, void(Check::EarlierOrder), "{kind}");
    }
}

#[test]
fn an_earlier_order_that_was_cancelled_makes_nobody_a_customer() {
    let before = Timestamp(START.0 - 1);
    let gone = order("5").customer(BOB).line(100, 1).placed_at(before).cancelled_at(before);
    let mut shop = referred_with(|shop| shop.with_order(gone.clone()));
    shop.advance_days(21).unwrap();
    assert_eq!(status(&shop), Status::Paid);
}

#[test]
fn a_friend_counts_once_and_the_earlier_order_wins_however_they_arrive() {
    for reversed in [false, true] {
        let (shop, link) = visited();
        let mut shop = with_signals(shop, "1002", BOB);
        let second = order("1002").customer(BOB).line(5000, 1).placed_at(START.plus_days(1));
        let mut events = vec![
            Incoming::order_paid(basket(&link)).at(START),
            Incoming::order_paid(second.attribute("regulars_link", &link)).at(START.plus_days(1)),
        ];
        if reversed {
            events.reverse();
        }
        for event in events {
            shop.deliver(event).unwrap();
        }
        shop.advance_days(60).unwrap();
        assert_eq!(status(&shop), Status::Paid);
        assert!(claim(&shop, "1002").is_void());
        assert_eq!(paid(&shop).len(), 1);
    }
}

#[test]
fn a_friend_who_was_referred_by_somebody_else_is_not_referred_again() {
    let (shop, link) = visited();
    let mut shop =
        known(shop.with_customer(customer("cas")), "cas").with_order(order("901").customer("cas").line(9000, 1));
    let other = share(&mut shop, "cas");
    let mut shop = with_signals(shop, "1002", BOB);
    shop.deliver(Incoming::order_paid(basket(&link))).unwrap();
    let again =
        order("1002").customer(BOB).line(5000, 1).attribute("regulars_link", &other).placed_at(START.plus_days(1));
    shop.deliver(Incoming::order_paid(again)).unwrap();
    let evidence = claim(&shop, "1002").findings.into_iter().find(|it| it.check == Check::AlreadyReferred);
    assert_eq!(evidence.unwrap().evidence, "The friend's earlier order #1001 was referred");
    shop.advance_days(60).unwrap();
    assert_eq!(paid(&shop), [(ANN.into(), 1000)]);
}

#[test]
fn a_friend_who_has_cancelled_can_be_referred_again() {
    let (shop, link) = visited();
    let mut shop = with_signals(shop, "1002", BOB);
    shop.deliver(Incoming::order_paid(basket(&link))).unwrap();
    shop.deliver(Incoming::order_cancelled(Order { cancelled_at: Some(START), ..placed(&link) })).unwrap();
    let again =
        order("1002").customer(BOB).line(5000, 1).attribute("regulars_link", &link).placed_at(START.plus_days(1));
    shop.deliver(Incoming::order_paid(again)).unwrap();
    shop.advance_days(60).unwrap();
    assert_eq!(claim(&shop, "1002").status, Status::Paid);
    assert_eq!(paid(&shop).len(), 1);
}

#[test]
fn two_who_refer_each_other_are_rewarded_once() {
    let mut shop = with_signals(shop().setting("advocate_must_have_order", false), "1002", "cas");
    let of_bob = share(&mut shop, BOB);
    shop = known(shop.with_customer(customer("cas")), "cas");
    let of_cas = share(&mut shop, "cas");
    let from_cas = order(ORDER).customer(BOB).line(5000, 1).attribute("regulars_link", &of_cas).placed_at(START);
    let from_bob =
        order("1002").customer("cas").line(5000, 1).attribute("regulars_link", &of_bob).placed_at(START.plus_days(1));
    visit(&mut shop, &of_cas, "cas", BOB);
    visit(&mut shop, &of_bob, BOB, "cas");
    shop.deliver(Incoming::order_paid(from_bob)).unwrap();
    shop.deliver(Incoming::order_paid(from_cas)).unwrap();
    shop.advance_days(60).unwrap();
    assert_eq!((status(&shop), claim(&shop, "1002").status), (Status::Paid, void(Check::EachOther)));
    assert_eq!(paid(&shop), [("cas".into(), 1000)]);
}

#[test]
fn staff_takes_no_part_on_either_side() {
    for who in [ANN, BOB] {
        let (status, found) = outcome(|shop| shop.with_customer(tagged(who, "Employee")));
        assert_eq!((status, found), (void(Check::ExcludedTag), vec![Check::ExcludedTag]), "{who}");
    }
}

#[test]
fn an_advocate_whose_only_order_was_cancelled_earns_nothing_unless_the_merchant_allows_it() {
    let mut shop = referred();
    let gone = order("900").customer(ANN).line(8000, 1).cancelled_at(START);
    shop.deliver(Incoming::order_cancelled(gone.clone())).unwrap();
    shop.advance_days(21).unwrap();
    assert_eq!(status(&shop), void(Check::AdvocateWithoutOrder));
    let mut shop = referred_with(|shop| shop.setting("advocate_must_have_order", false));
    shop.deliver(Incoming::order_cancelled(gone)).unwrap();
    shop.advance_days(21).unwrap();
    assert_eq!(status(&shop), Status::Paid);
}

#[test]
fn an_order_below_the_minimum_counts_net_of_discounts_and_tax() {
    for (basket, counts) in [
        (order(ORDER).line(4000, 1), true),
        (order(ORDER).line(4000, 1).discount(1), false),
        (order(ORDER).line(4760, 1).tax(760).taxes_included(), true),
        (order(ORDER).line(4759, 1).tax(760).taxes_included(), false),
        (order(ORDER).line(3000, 1).shipping(2000), false),
        (order(ORDER).line(3000, 1).gift_card(5000), false),
    ] {
        let (mut shop, link) = visited();
        shop.deliver(Incoming::order_paid(basket.clone().customer(BOB).attribute("regulars_link", &link))).unwrap();
        shop.advance_days(21).unwrap();
        assert_eq!(status(&shop) == Status::Paid, counts, "{basket:?}");
    }
}

#[test]
fn a_link_counts_for_thirty_days() {
    for (days, counts) in [(30, true), (31, false)] {
        let (mut shop, link) = visited();
        let placed = basket(&link).placed_at(START.plus_days(days));
        shop.advance_days(days).unwrap();
        shop.deliver(Incoming::order_paid(placed)).unwrap();
        shop.advance_days(21).unwrap();
        let expected = if counts { Status::Paid } else { void(Check::LinkExpired) };
        assert_eq!(status(&shop), expected, "{days} days");
    }
}

#[test]
fn an_order_without_customer_and_address_cannot_be_checked_and_is_blocked() {
    let (mut shop, link) = visited();
    shop = shop.with_order_signals(ORDER, &[]);
    shop.deliver(Incoming::order_paid(order(ORDER).line(5000, 1).attribute("regulars_link", &link))).unwrap();
    shop.advance_days(21).unwrap();
    assert_eq!(status(&shop), void(Check::UnknownBuyer));
}

#[test]
fn an_advocate_is_rewarded_at_most_ten_times_a_month() {
    let (mut shop, link) = visited();
    shop = shop.setting("flag_checks", json!([]));
    for n in 0..12 {
        let (id, who) = (format!("o{n:02}"), format!("friend {n}"));
        shop = with_signals(shop, &id, &who);
        shop.deliver(Incoming::order_paid(order(&id).customer(&who).line(5000, 1).attribute("regulars_link", &link)))
            .unwrap();
    }
    shop.advance_days(60).unwrap();
    assert_eq!(paid(&shop).len(), 10);
    assert_eq!(claim(&shop, "o10").status, void(Check::MonthlyCap));
    // The next month begins anew.
    shop = with_signals(shop, "next", "friend 99");
    let next = order("next").customer("friend 99").line(5000, 1).attribute("regulars_link", &link);
    visit(&mut shop, &link, ANN, "friend 99");
    let now = shop.now();
    shop.deliver(Incoming::order_paid(next.placed_at(now))).unwrap();
    shop.advance_days(60).unwrap();
    assert_eq!(paid(&shop).len(), 11);
}

#[test]
fn a_buyer_who_becomes_known_later_is_checked_and_counts() {
    let (mut shop, link) = visited();
    let unknown = order(ORDER).line(5000, 1).attribute("regulars_link", &link);
    shop.deliver(Incoming::order_paid(unknown)).unwrap();
    assert_eq!(checks(&shop, ORDER), [Check::UnknownBuyer]);
    shop.deliver(Incoming::order("order.edited", basket(&link))).unwrap();
    shop.advance_days(21).unwrap();
    assert_eq!((status(&shop), claim(&shop, ORDER).friend.as_deref()), (Status::Paid, Some(BOB)));
}
