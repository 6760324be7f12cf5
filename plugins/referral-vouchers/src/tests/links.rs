//! Links and friends' codes.

use regulars_sdk::{
    Benefit,
    test::{Capability, Incoming, START, order},
};

use super::*;

fn friends_codes(shop: &Bench) -> usize {
    shop.calls().discounts().filter(|it| it.prefix == "FRIEND").count()
}

#[test]
fn a_link_comes_with_one_code_for_every_friend_once() {
    let mut shop = shop();
    let link = share(&mut shop, ANN);
    assert_eq!(share(&mut shop, ANN), link);
    let codes: Vec<_> = shop.calls().discounts().cloned().collect();
    assert_eq!(codes.len(), 1);
    let code = &codes[0];
    assert_eq!((code.customer_id.as_deref(), code.once_per_customer, code.uses), (None, true, None));
    assert_eq!((code.benefit, code.minimum_subtotal.map(|it| it.minor)), (Benefit::BasisPoints(1000), Some(4000)));
}

#[test]
fn friends_can_get_an_amount_without_a_smallest_cart() {
    let mut shop =
        shop().setting("friend_benefit", "amount").setting("friend_amount", "5.00").setting("friend_min_cart", "0");
    share(&mut shop, ANN);
    let code = shop.calls().discounts().next().unwrap();
    assert!(matches!(code.benefit, Benefit::Amount(it) if it.minor == 500));
    assert_eq!(code.minimum_subtotal, None);
}

#[test]
fn whoever_has_not_bought_is_staff_or_banned_gets_no_link() {
    let mut shop = shop().with_customer(tagged("cas", "STAFF"));
    let ask = |shop: &mut Bench, who: &str| {
        let delivery = shop.deliver(Incoming::action("share", who, json!({ "any": ["thing"] }))).unwrap();
        note(&delivery).reason.clone()
    };
    assert_eq!(ask(&mut shop, BOB), "No link yet: the customer has not ordered anything");
    assert_eq!(ask(&mut shop, "cas"), "No link: customers with this tag take no part");
    shop.deliver(Incoming::merchant_action("ban", Some(ANN), json!({}))).unwrap();
    assert_eq!(ask(&mut shop, ANN), "No link: the customer is banned");
    assert_eq!(ask(&mut shop, "nobody"), "No link: whoever asks is not signed in");
    assert_eq!(shop.state_keys("advocate/").count(), 0);
    assert_eq!(friends_codes(&shop), 0);
}

#[test]
fn where_links_are_not_granted_the_note_says_so() {
    let mut shop = shop().withhold(Capability::Links);
    let delivery = shop.deliver(Incoming::action("share", ANN, json!({}))).unwrap();
    assert_eq!(note(&delivery).reason, "No link: the capability `links` is not granted");
}

#[test]
fn where_codes_are_not_granted_links_still_count() {
    let mut shop = shop().withhold(Capability::Discounts);
    let link = share(&mut shop, ANN);
    visit(&mut shop, &link, ANN, BOB);
    shop.deliver(Incoming::order_paid(basket(&link))).unwrap();
    shop.advance_days(21).unwrap();
    assert_eq!(paid(&shop), [(ANN.into(), 1000)]);
}

#[test]
fn a_code_that_could_not_be_made_is_made_at_the_next_visit() {
    let mut shop = shop();
    let link = share(&mut shop, ANN);
    let effect = advocate(&shop, ANN).unwrap().code.unwrap().effect;
    shop.fail(&effect, "the platform said no").unwrap();
    assert_eq!(advocate(&shop, ANN).unwrap().code, None);
    visit(&mut shop, &link, ANN, BOB);
    assert!(advocate(&shop, ANN).unwrap().code.is_some());
    assert_eq!(friends_codes(&shop), 2);
}

#[test]
fn a_new_offer_makes_a_new_code_and_the_old_one_lives_as_long_as_a_link_counts() {
    let (mut shop, link) = visited();
    let old = code_of(&shop, ANN);
    shop.publish("friend_percent", 15).unwrap();
    visit(&mut shop, &link, ANN, "cas");
    let new = code_of(&shop, ANN);
    assert_ne!(old, new);
    assert_eq!(shop.calls().discounts().last().unwrap().benefit, Benefit::BasisPoints(1500));
    // The old code still leads to Ann.
    shop.deliver(Incoming::order_paid(order(ORDER).customer(BOB).line(5000, 1).code(&old))).unwrap();
    assert_eq!(claim(&shop, ORDER).advocate, ANN);
    let ended = |shop: &Bench| shop.calls().iter().filter(|it| matches!(it, Call::DisableDiscount { .. })).count();
    shop.advance_to(START.plus_days(29)).unwrap();
    assert_eq!(ended(&shop), 0);
    shop.advance_to(START.plus_days(30)).unwrap();
    assert_eq!(ended(&shop), 1);
}

#[test]
fn visits_are_counted_once_and_kept_in_a_bounded_list() {
    let mut shop = shop();
    let link = share(&mut shop, ANN);
    let event = Incoming::link_visited(&link, ANN, &[("device", "d"), ("ip-agent", "a")]).id("one visit");
    for _ in 0..3 {
        shop.deliver_again(event.clone()).unwrap();
    }
    assert_eq!(advocate(&shop, ANN).unwrap().visits, 1);
    for n in 0..80 {
        let device = format!("device {n}");
        shop.deliver(Incoming::link_visited(&link, ANN, &[("device", &device)])).unwrap();
    }
    assert_eq!(advocate(&shop, ANN).unwrap().visits, 81);
    let kept: Vec<crate::advocates::Visit> = shop.state(&crate::advocates::visits_key(&link)).unwrap();
    assert_eq!(kept.len(), 50);
}

#[test]
fn an_advocates_later_orders_are_compared_with_friends() {
    let (mut shop, link) = visited();
    shop = with_signals(shop, "950", "ann's new phone");
    shop.deliver(Incoming::order_paid(order("950").customer(ANN).line(100, 1))).unwrap();
    shop = with_signals_but(shop, ORDER, BOB, &[("device", "ann's new phone")]);
    shop.deliver(Incoming::order_paid(basket(&link))).unwrap();
    assert_eq!(checks(&shop, ORDER), [Check::SameDevice]);
}

#[test]
fn a_reward_code_is_no_friends_code() {
    let mut shop = referred_with(|shop| shop.setting("advocate_reward", "code"));
    shop.advance_days(21).unwrap();
    let code = claim(&shop, ORDER).payout.unwrap().code.unwrap();
    let delivery = shop.deliver(Incoming::order_paid(order("2000").customer("cas").line(5000, 1).code(&code))).unwrap();
    assert_eq!(note(&delivery).reason, "No referral: the order names no link and no friend's code");
}
