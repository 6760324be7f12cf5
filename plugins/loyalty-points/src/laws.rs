//! What holds of every history, however its events arrive.

use proptest::prelude::*;
use regulars_sdk::{
    Dispute, Money, Order, Refund,
    test::{Bench, Call, Incoming, START, customer, order, refund},
};
use serde_json::json;

use crate::{
    account::{Account, LOTS},
    basis::Basis,
    ledger::{Kind, account_key},
    orders::record::OrderRecord,
    tests::{account, as_shipped, entries, record, shop},
};

const CUSTOMER: &str = "c1";

/// A shop's terms.
#[derive(Clone, Debug)]
struct Terms {
    currency: &'static str,
    settings: Vec<(&'static str, serde_json::Value)>,
}

fn terms() -> impl Strategy<Value = Terms> {
    let currency = prop::sample::select(vec!["EUR", "JPY", "KWD"]);
    let rates = (1..50u32, 1..20u32, prop::sample::select(vec!["floor", "half_up"]));
    let switches = (any::<bool>(), any::<bool>(), any::<bool>());
    let rules = prop::sample::select(vec!["1", "0", "2", "0.5", "3.3333", "10"]);
    (currency, rates, switches, rules, prop::option::of(1..500u32)).prop_map(
        |(currency, (points, per, rounding), (tax, shipping, after_discount), multiplier, most)| {
            let rules = json!([{ "match": "product", "value": "p1", "multiplier": multiplier }]);
            let settings = vec![
                ("earn_points", json!(points)),
                ("earn_per", json!(per)),
                ("rounding", json!(rounding)),
                ("include_tax", json!(tax)),
                ("include_shipping", json!(shipping)),
                ("subtract_discounts", json!(after_discount)),
                ("product_rules", if multiplier == "1" { json!([]) } else { rules }),
                ("max_points_per_order", json!(most.unwrap_or(0))),
            ];
            Terms { currency, settings }
        },
    )
}

fn shop_with(terms: &Terms) -> Bench {
    let shop = shop().currency(terms.currency);
    terms.settings.iter().fold(shop, |shop, (key, value)| shop.setting(key, value.clone()))
}

/// One line: price, units, shares of discount and tax in percent, gift card.
type Line = (i64, u32, i64, i64, bool);

fn lines() -> impl Strategy<Value = Vec<Line>> {
    prop::collection::vec((1..500_000i64, 1..6u32, 0..101i64, 0..26i64, prop::bool::weighted(0.1)), 1..5)
}

fn placed(id: &str, lines: &[Line], taxes_included: bool, shipping: i64, currency: &str) -> Order {
    let mut basket = order(id).customer(CUSTOMER).currency(currency).shipping(shipping).shipping_tax(shipping / 5);
    for &(price, units, discount, tax, gift_card) in lines {
        if gift_card {
            basket = basket.gift_card(price);
            continue;
        }
        let amount = price * i64::from(units);
        let discount = amount * discount / 100;
        basket = basket.line(price, units).discount(discount).tax((amount - discount) * tax / 100);
    }
    if taxes_included { basket.taxes_included() } else { basket }.into()
}

/// Splits all that was paid for an order into refunds at arbitrary cuts, to the minor unit and to the unit of goods.
fn split(order: &Order, cuts: &[u64]) -> Vec<Refund> {
    let parts = cuts.len() + 1;
    let pieces = |amount: i64| -> Vec<i64> {
        let mut ends: Vec<i64> = cuts.iter().map(|cut| (cut % (amount.unsigned_abs() + 1)) as i64).collect();
        ends.extend([0, amount]);
        ends.sort_unstable();
        ends.windows(2).map(|pair| pair[1] - pair[0]).collect()
    };
    let mut refunds: Vec<_> = (0..parts).map(|n| refund(&format!("{}-r{n}", order.id), order)).collect();
    for line in &order.lines {
        let amount = line.unit_price.minor * i64::from(line.quantity) - line.discount.minor;
        let pieces = pieces(amount).into_iter().zip(pieces(line.tax.minor)).zip(pieces(line.quantity.into()));
        for (part, ((subtotal, tax), units)) in refunds.iter_mut().zip(pieces) {
            *part = part.clone().amount(&line.id, units as u32, subtotal, tax);
        }
    }
    let tax_of_lines: i64 = order.lines.iter().map(|line| line.tax.minor).sum();
    let shipping_tax = if order.taxes_included { order.tax.minor - tax_of_lines } else { 0 };
    for (part, shipping) in refunds.iter_mut().zip(pieces(order.shipping.minor - shipping_tax)) {
        *part = part.clone().shipping(shipping);
    }
    refunds.into_iter().map(Into::into).collect()
}

/// Balance, sum of entries and sum of lots are one; an order never gives back more than it earned; nothing is in lots while
/// something is owed; lots are bounded.
fn check(shop: &Bench, customer: &str) -> Result<(), TestCaseError> {
    let (account, entries) = (account(shop, customer), entries(shop, customer));
    prop_assert_eq!(account.balance, entries.iter().map(|entry| entry.points).sum::<i64>());
    prop_assert_eq!(account.balance, account.available() + account.pending() - account.owed);
    prop_assert!(account.owed == 0 || (account.lots.is_empty() && account.pending.is_empty()), "{:?}", account);
    prop_assert!(account.owed >= 0 && account.lots.len() <= LOTS && account.pending.len() <= LOTS, "{:?}", account);
    prop_assert!(account.lots.iter().all(|lot| lot.points > 0) && account.pending.iter().all(|lot| lot.points > 0));
    prop_assert!(account.lots.is_sorted_by_key(|lot| lot.expires_at.map_or(u64::MAX, |at| at.0)), "{:?}", account);
    Ok(())
}

fn check_orders(shop: &Bench) -> Result<(), TestCaseError> {
    let entries = entries(shop, CUSTOMER);
    for key in shop.state_keys("order/") {
        let record: OrderRecord = shop.state(key).unwrap();
        prop_assert!((0..=record.earned).contains(&record.reversed), "{:?}", record);
        let id = key.strip_prefix("order/");
        let of_order = entries.iter().filter(|entry| entry.about.as_deref() == id).map(|entry| entry.points);
        prop_assert_eq!(of_order.sum::<i64>(), record.earned - record.reversed + record.forgiven);
    }
    Ok(())
}

proptest! {
    #[test]
    fn partial_refunds_take_back_exactly_what_was_earned_and_never_more_on_the_way(
        terms in terms(),
        lines in lines(),
        taxes_included: bool,
        shipping in 0..5_000i64,
        cuts in prop::collection::vec(any::<u64>(), 0..6),
    ) {
        let order = placed("o1", &lines, taxes_included, shipping, terms.currency);
        let mut shop = shop_with(&terms);
        shop.deliver(Incoming::order_paid(order.clone())).unwrap();
        let before = record(&shop, "o1").unwrap();
        let refunds = split(&order, &cuts);
        for (n, refund) in refunds.iter().enumerate() {
            shop.deliver(Incoming::order_refunded(refund.clone())).unwrap();
            check(&shop, CUSTOMER)?;
            check_orders(&shop)?;
            let so_far = record(&shop, "o1").unwrap();
            let basis = Basis::of(&order, &refunds[..=n], so_far.terms, |line| so_far.weight(line)).unwrap();
            if basis.weighed > 0 {
                let floor = i128::from(so_far.earned) * basis.gone / basis.weighed;
                prop_assert_eq!(i128::from(so_far.reversed), floor);
            }
        }
        prop_assert_eq!(record(&shop, "o1").unwrap().reversed, before.earned);
        prop_assert_eq!(account(&shop, CUSTOMER).balance, 0);
    }

    #[test]
    fn points_spent_on_an_order_come_back_whole_in_any_number_of_refunds(
        lines in lines(),
        taxes_included: bool,
        cuts in prop::collection::vec(any::<u64>(), 0..6),
        cost in 1..5_000i64,
    ) {
        let order = placed("o1", &lines, taxes_included, 0, "EUR");
        let refunds = split(&order, &cuts);
        let mut before = 0;
        for n in 0..=refunds.len() {
            let back = crate::basis::spent_share(cost, &order, &refunds[..n]).unwrap();
            prop_assert!((before..=cost).contains(&back), "{} after {}", back, before);
            before = back;
        }
        if order.lines.iter().any(|line| !line.gift_card) {
            prop_assert_eq!(before, cost);
        }
    }

    #[test]
    fn every_history_ends_the_same_in_any_order_and_any_number(
        (events, shuffled) in histories(),
        terms in terms(),
        pending_days in prop::sample::select(vec![0, 14]),
    ) {
        let deliver = |events: &[(Incoming, bool)]| {
            let mut shop = shop_with(&terms).setting("pending_days", pending_days).setting("expiry", "none");
            for (event, again) in events {
                let event = event.clone();
                if *again { shop.deliver_again(event) } else { shop.deliver(event) }.unwrap();
                check(&shop, CUSTOMER)?;
                check_orders(&shop)?;
            }
            let balance = account(&shop, CUSTOMER).balance;
            shop.advance_days(20).unwrap();
            check(&shop, CUSTOMER)?;
            prop_assert_eq!(account(&shop, CUSTOMER).available(), balance.max(0));
            Ok::<_, TestCaseError>(balance)
        };
        let straight: Vec<_> = events.into_iter().map(|event| (event, false)).collect();
        prop_assert_eq!(deliver(&straight)?, deliver(&shuffled)?);
    }

    #[test]
    fn a_replay_is_the_same_to_the_bit((events, _) in histories(), days in prop::collection::vec(0..40u64, 12)) {
        let run = || {
            let mut shop = as_shipped();
            for (n, event) in events.iter().enumerate() {
                shop.deliver(event.clone()).unwrap();
                shop.deliver(Incoming::action("redeem", CUSTOMER, json!({ "reward": "5-off" }))).unwrap();
                shop.advance_days(days[n % days.len()]).unwrap();
            }
            let state: Vec<_> = shop.state_keys("").map(|key| (key.to_owned(), shop.state::<serde_json::Value>(key))).collect();
            (state, shop.calls().clone())
        };
        prop_assert_eq!(run(), run());
    }

    #[test]
    fn merges_end_at_the_same_sum_whenever_they_come(
        (events, _) in histories(),
        chain in Just(vec![("c2", CUSTOMER), ("c3", "c2")]).prop_shuffle(),
        at in prop::collection::vec(any::<prop::sample::Index>(), 4),
        other in lines(),
        pending_days in prop::sample::select(vec![0, 14]),
    ) {
        let mut all = events;
        let order = Order { customer_id: Some("c2".into()), ..placed("of-c2", &other, true, 490, "EUR") };
        all.extend([Incoming::order_paid(order), Incoming::customer_created(customer("c2"))]);
        all.push(Incoming::customer_created(customer(CUSTOMER)));
        let last = |shop: &Bench| account(shop, "c3").balance;
        let open = || shop().setting("pending_days", pending_days);
        let mut straight = open();
        let merges = chain.iter().map(|(kept, absorbed)| Incoming::customer_merged(kept, absorbed));
        for event in all.iter().cloned().chain(merges.clone()) {
            straight.deliver(event).unwrap();
        }
        for (merge, at) in merges.flat_map(|merge| [merge.clone(), merge.id("again")]).zip(at) {
            all.insert(at.index(all.len() + 1), merge);
        }
        let mut mixed = open();
        for event in all {
            mixed.deliver(event).unwrap();
            ["c2", "c3", CUSTOMER].iter().try_for_each(|id| check(&mixed, id))?;
        }
        prop_assert_eq!(last(&mixed), last(&straight));
        for absorbed in [CUSTOMER, "c2"] {
            prop_assert_eq!(mixed.state::<serde_json::Value>(&account_key(absorbed)), None);
            prop_assert_eq!(mixed.due(&account_key(absorbed)), None);
        }
    }

    #[test]
    fn no_history_pays_out_more_than_was_earned(
        (_, shuffled) in histories(),
        steps in prop::collection::vec((any::<prop::sample::Index>(), 0..3usize), 0..10),
        pauses in prop::collection::vec(0..60u64, 6),
        cost in 1..2_000u32,
        signup in 0..100u32,
    ) {
        let rewards = json!([{ "id": "r", "title": "R", "cost": cost, "value": "5.00", "max_live_codes": 5 }]);
        let mut shop = as_shipped().setting("rewards", rewards).setting("signup_points", signup).setting("pending_days", 3);
        let mut events: Vec<_> = shuffled.into_iter().map(|(event, _)| Some(event)).collect();
        events.push(Some(Incoming::customer_created(customer(CUSTOMER))));
        for (at, step) in steps {
            let asked = Incoming::action("redeem", CUSTOMER, json!({ "reward": "r" }));
            // `None`: the shopper gives the latest code back.
            let step = if step == 0 { None } else { Some(asked) };
            events.insert(at.index(events.len() + 1), step);
        }
        for (n, event) in events.into_iter().enumerate() {
            let code = shop.codes().map(|(code, _)| code.to_owned()).last();
            let event = event.or_else(|| Some(Incoming::action("return", CUSTOMER, json!({ "code": code? }))));
            let Some(event) = event else { continue };
            let delivery = shop.deliver(event).unwrap();
            for call in delivery.calls.iter() {
                if let Call::Discount { id, .. } | Call::DisableDiscount { id, .. } = call {
                    shop.finish(id).unwrap();
                }
            }
            shop.advance_days(pauses[n % pauses.len()]).unwrap();
            check(&shop, CUSTOMER)?;
        }
        let (mut balance, mut given, mut spent) = (0, 0, 0);
        for entry in entries(&shop, CUSTOMER) {
            match entry.kind {
                Kind::Redeem => {
                    prop_assert!(balance >= i64::from(cost), "a code was paid for with points that were not there");
                    spent -= entry.points;
                }
                Kind::GiveBack => spent -= entry.points,
                _ => given += entry.points.max(0),
            }
            balance += entry.points;
            prop_assert!((0..=given).contains(&spent));
        }
        let disabled = shop.calls().iter().filter(|call| matches!(call, Call::DisableDiscount { .. })).count();
        let codes = shop.calls().discounts().count();
        prop_assert!(disabled <= codes);
        let mails = shop.calls().mails().flat_map(|mail| mail.vars.iter());
        let told = mails.filter(|(name, _)| name == "balance" || name == "missing").map(|(_, value)| value.as_str());
        let shown = shop.calls().notes().filter_map(|note| note.field("balance"));
        prop_assert!(shown.chain(told).all(|balance| !balance.starts_with('-')));
    }

    #[test]
    fn an_account_reads_as_it_was_written((events, _) in histories()) {
        let mut shop = as_shipped();
        for event in events {
            shop.deliver(event).unwrap();
        }
        let account = account(&shop, CUSTOMER);
        let written = serde_json::to_string(&account).unwrap();
        prop_assert_eq!(serde_json::from_str::<Account>(&written).unwrap(), account);
    }
}

/// Orders with edits, refunds, cancellations and disputes as they happened, and the same events shuffled, some of them
/// repeated and some replayed.
fn histories() -> impl Strategy<Value = (Vec<Incoming>, Vec<(Incoming, bool)>)> {
    let cuts = prop::collection::vec(any::<u64>(), 0..4);
    let one_order = (lines(), any::<bool>(), cuts, 0..5usize, 0..8u8, any::<bool>());
    prop::collection::vec(one_order, 1..4)
        .prop_map(|orders| {
            let mut events = Vec::new();
            for (n, (lines, taxes_included, cuts, refunds, end, edited)) in orders.into_iter().enumerate() {
                let mut order = placed(&format!("o{n}"), &lines, taxes_included, 490, "EUR");
                events.push(Incoming::order_paid(order.clone()).at(START));
                if edited {
                    let added =
                        placed("added", &[(7_700, 2, 0, 19, false)], taxes_included, 490, "EUR").lines.remove(0);
                    order.lines[0].current_quantity -= 1;
                    order.lines.push(regulars_sdk::LineItem { id: "added".into(), ..added });
                    events.push(Incoming::order("order.updated", order.clone()).at(START.plus_days(1)));
                }
                events.extend(split(&order, &cuts).into_iter().take(refunds).map(Incoming::order_refunded));
                match end {
                    0 | 1 => {
                        let order = Order { cancelled_at: Some(START.plus_days(2)), ..order };
                        events.push(Incoming::order_cancelled(order).at(START.plus_days(2)));
                    }
                    2 | 3 => {
                        let dispute = |status: &str| Dispute {
                            id: format!("d{n}"),
                            order_id: order.id.clone(),
                            status: status.into(),
                            amount: Money::zero(order.total.currency),
                        };
                        events.push(Incoming::order_disputed(dispute("lost")).at(START.plus_days(3)));
                        if end == 3 {
                            events.push(Incoming::order_disputed(dispute("won")).at(START.plus_days(4)));
                        }
                    }
                    _ => {}
                }
            }
            events
        })
        .prop_flat_map(|events| {
            let repeated = prop::collection::vec((prop::sample::select(events.clone()), any::<bool>()), 0..6);
            repeated.prop_flat_map(move |repeated| {
                let mut all: Vec<_> = events.iter().map(|event| (event.clone(), false)).collect();
                all.extend(repeated);
                (Just(events.clone()), Just(all).prop_shuffle())
            })
        })
}
