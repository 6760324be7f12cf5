//! What holds of every history, however its events arrive.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use regulars_sdk::{
    Order, Timestamp,
    test::{Bench, Incoming, START, customer, order, refund},
};
use serde_json::json;

use crate::{
    checks::Weight,
    claim::{Claim, Status, claim_key},
    tests::{code_of, delivered, known, paid, share, shop, visit_at, with_signals_but},
};

const ADVOCATES: [&str; 2] = ["ann", "cas"];
const FRIENDS: [&str; 4] = ["bob", "dan", "eve", "fay"];
const CAP: usize = 2;

/// Days within which everything is known. Holds take 21 days or more, and the merchant has 14 to answer: all questions
/// are asked early enough for deadline and hold to end together. What is known later gives the merchant more time, in
/// which other claims may be decided, and undoes nothing that was decided before.
const DAYS_LATE: usize = 7;

/// Somebody orders by an advocate's link or code.
#[derive(Clone, Debug)]
struct Purchase {
    friend: usize,
    advocate: usize,
    by_code: bool,
    visits: bool,
    minor: i64,
    day: u64,
    /// A signal of the order that is somebody else's.
    shares: Option<(&'static str, &'static str)>,
    fate: Fate,
}

#[derive(Clone, Debug)]
enum Fate {
    Kept,
    Cancelled,
    Refunded(i64),
    Delivered(u64),
}

fn purchases() -> impl Strategy<Value = Vec<Purchase>> {
    let signal = prop::sample::select(vec!["email", "phone", "address", "ip", "ip-agent", "device"]);
    let whose = prop::sample::select(vec!["ann", "cas", "bob", "dan", "home"]);
    let fate = prop_oneof![
        3 => Just(Fate::Kept),
        1 => Just(Fate::Cancelled),
        1 => (1..6_000i64).prop_map(Fate::Refunded),
        2 => (8..60u64).prop_map(Fate::Delivered),
    ];
    let one = (
        (0..FRIENDS.len(), 0..ADVOCATES.len(), any::<bool>(), prop::bool::weighted(0.8)),
        3_500..9_000i64,
        0..40u64,
        prop::option::weighted(0.3, (signal, whose)),
        fate,
    );
    let one = one.prop_map(|((friend, advocate, by_code, visits), minor, day, shares, fate)| Purchase {
        friend,
        advocate,
        by_code,
        visits,
        minor,
        day,
        shares,
        fate,
    });
    prop::collection::vec(one, 1..8)
}

fn id(n: usize) -> String {
    format!("o{n}")
}

/// A shop with two advocates, and what will be known of the orders.
fn prepared(purchases: &[Purchase], pays_by_default: bool) -> Bench {
    let mut shop = shop()
        .setting("advocate_monthly_cap", CAP)
        .setting("review_default", if pays_by_default { "pay" } else { "withhold" });
    for who in ADVOCATES.iter().chain(&FRIENDS) {
        shop = known(shop.with_customer(customer(who)), who);
    }
    shop = shop.with_order(order("901").customer("cas").line(900, 1).placed_at(Timestamp(START.0 - 86_400_000)));
    for (n, purchase) in purchases.iter().enumerate() {
        shop = with_signals_but(shop, &id(n), FRIENDS[purchase.friend], purchase.shares.as_slice());
    }
    for who in ADVOCATES {
        share(&mut shop, who);
    }
    shop
}

/// What happens, in the order in which it does.
fn events(shop: &mut Bench, purchases: &[Purchase]) -> Vec<Incoming> {
    let links = ADVOCATES.map(|who| share(shop, who));
    let codes = ADVOCATES.map(|who| code_of(shop, who));
    let mut events = Vec::new();
    for (n, purchase) in purchases.iter().enumerate() {
        let at = START.plus_days(purchase.day);
        let basket = order(&id(n)).customer(FRIENDS[purchase.friend]).line(purchase.minor, 1).placed_at(at);
        let placed: Order = match purchase.by_code {
            true => basket.code(&codes[purchase.advocate]),
            false => basket.attribute("regulars_link", &links[purchase.advocate]),
        }
        .into();
        events.push(Incoming::order_paid(placed.clone()).at(at));
        let later = at.plus_days(1);
        match purchase.fate {
            Fate::Kept => {}
            Fate::Cancelled => {
                let cancelled = Order { cancelled_at: Some(later), ..placed };
                events.push(Incoming::order_cancelled(cancelled).at(later));
            }
            Fate::Refunded(minor) => {
                let back = refund(&format!("r{n}"), &placed).amount("l1", 0, minor.min(purchase.minor), 0).at(later);
                events.push(Incoming::order_refunded(back).at(later));
            }
            Fate::Delivered(days) => events.push(delivered(&id(n), at.plus_days(days))),
        }
    }
    events
}

/// The friends have followed the links, as far as they do.
fn visits(shop: &mut Bench, purchases: &[Purchase]) {
    for purchase in purchases.iter().filter(|it| it.visits) {
        let whose = ADVOCATES[purchase.advocate];
        let link = share(shop, whose);
        visit_at(shop, &link, whose, FRIENDS[purchase.friend], START);
    }
}

fn claims(shop: &Bench, count: usize) -> Vec<Option<Claim>> {
    (0..count).map(|n| shop.state(&claim_key(&id(n)))).collect()
}

fn statuses(shop: &Bench, count: usize) -> Vec<Option<Status>> {
    claims(shop, count).into_iter().map(|claim| claim.map(|it| it.status)).collect()
}

/// One payout for a claim that is paid, none for any other; and each of them with good reason.
fn check_payouts(shop: &Bench, count: usize, pays_by_default: bool) -> Result<(), TestCaseError> {
    let claims: Vec<_> = claims(shop, count).into_iter().flatten().collect();
    let rewarded: Vec<_> = claims.iter().filter(|it| it.status == Status::Paid).collect();
    prop_assert_eq!(paid(shop).len(), rewarded.len());
    for claim in rewarded {
        let payout = claim.payout.as_ref().unwrap();
        let after_paid = claim.paid_at.plus_days(21);
        prop_assert!(payout.at >= after_paid.min(claim.paid_at.plus_days(14 + 8)), "{:?}", claim);
        for finding in &claim.findings {
            let excused = match finding.check.weight() {
                Weight::Bar => false,
                Weight::Block => claim.is_approved(),
                Weight::Flag => claim.is_approved() || pays_by_default,
            };
            prop_assert!(excused, "{:?}", claim);
        }
    }
    Ok(())
}

/// Nobody is paid for twice, and no advocate above the limit.
fn check_caps(shop: &Bench, count: usize) -> Result<(), TestCaseError> {
    let (mut friends, mut months) = (BTreeSet::new(), BTreeMap::<_, usize>::new());
    for claim in claims(shop, count).into_iter().flatten().filter(|it| it.status == Status::Paid) {
        prop_assert!(friends.insert(claim.friend.clone()), "{:?} was paid for twice", claim.friend);
        let paid = months.entry((claim.advocate, claim.payout.unwrap().month)).or_default();
        *paid += 1;
        prop_assert!(*paid <= CAP);
    }
    Ok(())
}

/// What the world and the merchant do.
#[derive(Clone, Debug)]
enum Step {
    /// The event of this place, as far as there is one.
    Deliver(prop::sample::Index),
    Advance(u64),
    Decide {
        approve: bool,
        which: prop::sample::Index,
    },
    Merge(&'static str, &'static str),
}

fn steps(merges: bool) -> impl Strategy<Value = Vec<Step>> {
    let anybody = || prop::sample::select([ADVOCATES.as_slice(), &FRIENDS].concat());
    let step = prop_oneof![
        6 => any::<prop::sample::Index>().prop_map(Step::Deliver),
        3 => (1..25u64).prop_map(Step::Advance),
        2 => (any::<bool>(), any::<prop::sample::Index>()).prop_map(|(approve, which)| Step::Decide { approve, which }),
        u32::from(merges) => (anybody(), anybody()).prop_map(|(kept, absorbed)| Step::Merge(kept, absorbed)),
    ];
    prop::collection::vec(step, 1..40)
}

fn take(shop: &mut Bench, step: &Step, events: &[Incoming], count: usize) -> Option<usize> {
    match step {
        Step::Deliver(which) => drop(shop.deliver_again(which.get(events).clone()).unwrap()),
        Step::Advance(days) => drop(shop.advance_days(*days).unwrap()),
        Step::Decide { approve, which } => {
            let n = which.index(count);
            let action = if *approve { "approve" } else { "reject" };
            shop.deliver(Incoming::merchant_action(action, None, json!({ "order": id(n) }))).unwrap();
            return approve.then_some(n);
        }
        Step::Merge(kept, absorbed) if kept != absorbed => {
            drop(shop.deliver(Incoming::customer_merged(kept, absorbed)).unwrap());
        }
        Step::Merge(..) => {}
    }
    None
}

fn survivor<'a>(left: &BTreeMap<&'a str, &'a str>, mut who: &'a str) -> &'a str {
    while let Some(kept) = left.get(who) {
        who = kept;
    }
    who
}

proptest! {
    #[test]
    fn shuffled_repeated_and_late_events_lead_to_the_same_rewards(
        purchases in purchases(),
        pays_by_default: bool,
        order in any::<u64>(),
        repeated in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        nights in prop::collection::vec(any::<prop::sample::Index>(), 0..=DAYS_LATE),
    ) {
        let count = purchases.len();
        let mut straight = prepared(&purchases, pays_by_default);
        let mut shuffled = straight.clone();
        let events = events(&mut straight, &purchases);
        visits(&mut straight, &purchases);
        for event in &events {
            straight.deliver(event.clone()).unwrap();
        }
        let mut mixed: Vec<_> = events.iter().cloned().chain(repeated.iter().map(|at| at.get(&events).clone())).collect();
        // Shuffled as the seed says.
        let mut seed = order;
        for at in (1..mixed.len()).rev() {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            mixed.swap(at, (seed >> 33) as usize % (at + 1));
        }
        let nights: Vec<_> = nights.iter().map(|at| at.index(mixed.len())).collect();
        for (at, event) in mixed.into_iter().enumerate() {
            let passed = nights.iter().filter(|it| **it == at).count();
            shuffled.advance_days(passed as u64).unwrap();
            shuffled.deliver_again(event).unwrap();
        }
        visits(&mut shuffled, &purchases);
        straight.advance_days(200).unwrap();
        shuffled.advance_days(200).unwrap();
        // Where several things stand in the way, which of them is named depends on what was known first.
        let rewarded = |shop| statuses(shop, count).into_iter().map(|it| it == Some(Status::Paid)).collect::<Vec<_>>();
        prop_assert_eq!(rewarded(&straight), rewarded(&shuffled));
        prop_assert_eq!(paid(&straight).len(), paid(&shuffled).len());
        for shop in [&straight, &shuffled] {
            check_payouts(shop, count, pays_by_default)?;
            check_caps(shop, count)?;
            prop_assert!(claims(shop, count).into_iter().flatten().all(|it| it.is_void() || it.status == Status::Paid));
            prop_assert!(shop.tasks().is_empty());
        }
    }

    #[test]
    fn no_history_pays_twice_above_the_caps_too_early_or_against_a_check(
        purchases in purchases(),
        pays_by_default: bool,
        steps in steps(false),
    ) {
        let count = purchases.len();
        let mut shop = prepared(&purchases, pays_by_default);
        let events = events(&mut shop, &purchases);
        visits(&mut shop, &purchases);
        let mut before = statuses(&shop, count);
        for step in steps.iter().chain([&Step::Advance(200)]) {
            let approved = take(&mut shop, step, &events, count);
            check_payouts(&shop, count, pays_by_default)?;
            check_caps(&shop, count)?;
            let after = statuses(&shop, count);
            for (n, (was, is)) in before.iter().zip(&after).enumerate() {
                if matches!(was, Some(Status::Void(_))) && approved != Some(n) {
                    // What the merchant rejects is void for another reason from then on.
                    prop_assert!(matches!(is, Some(Status::Void(_))), "{:?} became {:?}", was, is);
                }
                if *was == Some(Status::Paid) {
                    prop_assert_eq!(*is, Some(Status::Paid));
                }
            }
            before = after;
        }
    }

    #[test]
    fn merges_at_any_time_never_pay_an_order_twice_or_a_person_for_themselves(
        purchases in purchases(),
        steps in steps(true),
    ) {
        let count = purchases.len();
        let mut shop = prepared(&purchases, false);
        let events = events(&mut shop, &purchases);
        visits(&mut shop, &purchases);
        let mut left: BTreeMap<&str, &str> = BTreeMap::new();
        let mut known_as_paid = BTreeSet::new();
        for step in steps.iter().chain([&Step::Advance(200)]) {
            if let Step::Merge(kept, absorbed) = step
                && survivor(&left, kept) != *absorbed
                && kept != absorbed
                && !left.contains_key(absorbed)
            {
                left.insert(absorbed, kept);
            } else if matches!(step, Step::Merge(..)) {
                continue;
            }
            take(&mut shop, step, &events, count);
            check_payouts(&shop, count, false)?;
            for claim in claims(&shop, count).into_iter().flatten().filter(|it| it.status == Status::Paid) {
                let [advocate, friend] =
                    [Some(claim.advocate.as_str()), claim.friend.as_deref()].map(|it| it.map(|it| survivor(&left, it)));
                // Two who become one after the payout were two when it was made.
                prop_assert!(!known_as_paid.insert(claim.order.clone()) || advocate != friend, "{:?}", claim);
            }
        }
    }
}
