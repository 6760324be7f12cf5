//! What holds of every history, however its events arrive.

use proptest::prelude::*;
use regulars_sdk::{
    Order, Refund,
    test::{Bench, Incoming, START, customer, order, refund},
};
use serde_json::json;

use crate::{
    ledger::{Kind, OrderRecord, order_key},
    tests::{account, entries, shop},
};

const CUSTOMER: &str = "c1";

/// A shop's terms.
#[derive(Clone, Debug)]
struct Terms {
    currency: &'static str,
    earn_points: u32,
    earn_per: u32,
    include_tax: bool,
    include_shipping: bool,
}

fn terms() -> impl Strategy<Value = Terms> {
    let currency = prop::sample::select(vec!["EUR", "JPY", "KWD"]);
    (currency, 1..50u32, 1..20u32, any::<bool>(), any::<bool>()).prop_map(
        |(currency, earn_points, earn_per, include_tax, include_shipping)| Terms {
            currency,
            earn_points,
            earn_per,
            include_tax,
            include_shipping,
        },
    )
}

fn shop_with(terms: &Terms) -> Bench {
    shop()
        .currency(terms.currency)
        .setting("earn_points", terms.earn_points)
        .setting("earn_per", terms.earn_per)
        .setting("include_tax", terms.include_tax)
        .setting("include_shipping", terms.include_shipping)
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

/// Splits all that was paid for an order's goods into refunds at arbitrary cuts, to the minor unit.
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
        for ((part, subtotal), tax) in refunds.iter_mut().zip(pieces(amount)).zip(pieces(line.tax.minor)) {
            *part = part.clone().amount(&line.id, 0, subtotal, tax);
        }
    }
    let tax_of_lines: i64 = order.lines.iter().map(|line| line.tax.minor).sum();
    let shipping_tax = if order.taxes_included { order.tax.minor - tax_of_lines } else { 0 };
    for (part, shipping) in refunds.iter_mut().zip(pieces(order.shipping.minor - shipping_tax)) {
        *part = part.clone().shipping(shipping);
    }
    refunds.into_iter().map(Into::into).collect()
}

fn record(shop: &Bench, order: &Order) -> Option<OrderRecord> {
    shop.state(&order_key(&order.id))
}

/// An account is the sum of its entries, and an order never gives back more than it earned.
fn check(shop: &Bench) -> Result<(), TestCaseError> {
    let entries = entries(shop, CUSTOMER);
    prop_assert_eq!(account(shop, CUSTOMER).balance, entries.iter().map(|entry| entry.points).sum::<i64>());
    prop_assert_eq!(shop.state_keys("entry/").count(), entries.len());
    for key in shop.state_keys("order/") {
        let record: OrderRecord = shop.state(key).unwrap();
        prop_assert!((0..=record.earned).contains(&record.reversed), "{:?}", record);
        let id = key.strip_prefix("order/");
        let of_order = entries.iter().filter(|entry| entry.about.as_deref() == id).map(|entry| entry.points);
        prop_assert_eq!(of_order.sum::<i64>(), record.earned - record.reversed);
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
        let Some(before) = record(&shop, &order) else { return Ok(()) };
        let refunds = split(&order, &cuts);
        for (n, refund) in refunds.iter().enumerate() {
            shop.deliver(Incoming::order_refunded(refund.clone())).unwrap();
            check(&shop)?;
            let so_far = record(&shop, &order).unwrap();
            let refunded = i128::from(so_far.basis.refunded(&refunds[..=n]));
            let floor = i128::from(so_far.earned) * refunded / i128::from(so_far.basis.eligible);
            prop_assert_eq!(i128::from(so_far.reversed), floor);
        }
        prop_assert_eq!(record(&shop, &order).unwrap().reversed, before.earned);
        prop_assert_eq!(account(&shop, CUSTOMER).balance, 0);
    }

    #[test]
    fn payments_refunds_and_cancellations_end_the_same_in_any_order_and_any_number(
        (events, shuffled) in histories(),
        terms in terms(),
    ) {
        let deliver = |events: &[(Incoming, bool)]| {
            let mut shop = shop_with(&terms);
            for (event, again) in events {
                let event = event.clone();
                if *again { shop.deliver_again(event) } else { shop.deliver(event) }.unwrap();
                check(&shop)?;
            }
            Ok::<_, TestCaseError>(account(&shop, CUSTOMER).balance)
        };
        let straight: Vec<_> = events.into_iter().map(|event| (event, false)).collect();
        prop_assert_eq!(deliver(&straight)?, deliver(&shuffled)?);
    }

    #[test]
    fn merges_end_at_the_same_sum_whenever_they_come(
        (events, _) in histories(),
        chain in Just(vec![("c2", CUSTOMER), ("c3", "c2")]).prop_shuffle(),
        at in prop::collection::vec(any::<prop::sample::Index>(), 4),
        other in lines(),
    ) {
        let mut all = events;
        let order = Order { customer_id: Some("c2".into()), ..placed("of-c2", &other, true, 490, "EUR") };
        all.extend([Incoming::order_paid(order), Incoming::customer_created(customer("c2"))]);
        all.push(Incoming::customer_created(customer(CUSTOMER)));
        let last = |shop: &Bench| account(shop, "c3").balance;
        let mut straight = shop();
        let merges = chain.iter().map(|(kept, absorbed)| Incoming::customer_merged(kept, absorbed));
        for event in all.iter().cloned().chain(merges.clone()) {
            straight.deliver(event).unwrap();
        }
        for (merge, at) in merges.flat_map(|merge| [merge.clone(), merge.id("again")]).zip(at) {
            all.insert(at.index(all.len() + 1), merge);
        }
        let mut mixed = shop();
        for event in all {
            mixed.deliver(event).unwrap();
        }
        prop_assert_eq!(last(&mixed), last(&straight));
        for absorbed in [CUSTOMER, "c2"] {
            prop_assert_eq!(mixed.state::<serde_json::Value>(&crate::ledger::account_key(absorbed)), None);
        }
    }

    #[test]
    fn no_history_pays_out_more_than_was_earned(
        (_, shuffled) in histories(),
        redeem_at in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        cost in 1..2_000u32,
        signup in 0..100u32,
    ) {
        let rewards = json!([{ "id": "r", "title": "R", "cost": cost, "value": "5.00" }]);
        let mut shop = shop().setting("rewards", rewards).setting("signup_points", signup);
        let mut events: Vec<_> = shuffled.into_iter().map(|(event, _)| event).collect();
        events.push(Incoming::customer_created(customer(CUSTOMER)));
        for at in redeem_at {
            events.insert(at.index(events.len() + 1), Incoming::action("redeem", CUSTOMER, json!({ "reward": "r" })));
        }
        for event in events {
            shop.deliver(event).unwrap();
            check(&shop)?;
        }
        let (mut balance, mut given, mut paid_out) = (0, 0, 0);
        for entry in entries(&shop, CUSTOMER) {
            if entry.kind == Kind::Redeem {
                prop_assert!(balance >= i64::from(cost), "a code was paid for with points that were not there");
                paid_out -= entry.points;
            }
            given += entry.points.max(0);
            balance += entry.points;
            prop_assert!(paid_out <= given);
        }
        prop_assert_eq!(paid_out, i64::from(cost) * shop.calls().discounts().count() as i64);
        let shown = shop.calls().notes().filter_map(|note| note.field("balance"));
        prop_assert!(shown.chain(shop.calls().mails().flat_map(|mail| mail.vars.iter()).filter(|(name, _)| name == "balance").map(|(_, value)| value.as_str())).all(|balance| !balance.starts_with('-')));
    }
}

/// Orders with refunds and cancellations as they happened, and the same events shuffled, some of them repeated and some
/// replayed.
fn histories() -> impl Strategy<Value = (Vec<Incoming>, Vec<(Incoming, bool)>)> {
    let one_order = (lines(), any::<bool>(), prop::collection::vec(any::<u64>(), 0..4), 0..5usize, any::<bool>());
    prop::collection::vec(one_order, 1..4)
        .prop_map(|orders| {
            let mut events = Vec::new();
            for (n, (lines, taxes_included, cuts, refunds, cancelled)) in orders.into_iter().enumerate() {
                let order = placed(&format!("o{n}"), &lines, taxes_included, 490, "EUR");
                events.push(Incoming::order_paid(order.clone()).at(START));
                events.extend(split(&order, &cuts).into_iter().take(refunds).map(Incoming::order_refunded));
                if cancelled {
                    let order = Order { cancelled_at: Some(START.plus_days(1)), ..order };
                    events.push(Incoming::order_cancelled(order).at(START.plus_days(1)));
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
