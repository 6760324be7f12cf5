//! What holds of every history, however its events arrive.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use regulars_sdk::{
    Fulfillment, Order,
    test::{Bench, Call, Incoming, Status, fulfillment, refund},
};
use serde_json::json;

use crate::{
    budget::Month,
    orders::{Given, Record},
    stock::{Stock, stock_key},
    tests::{basket, every, gift, shop},
};

const GIFTS: [&str; 3] = ["a", "b", "c"];
const BUDGET: i64 = 700;
const PIECES: u32 = 4;

/// Something that happens in a shop; orders, customers and gifts by number.
#[derive(Clone, Debug)]
enum Step {
    Paid(usize),
    Cancelled(usize),
    Refunded(usize),
    Shipped(usize),
    Delivered(usize),
    Added(usize),
    NotAdded(usize),
    ByHand(usize, usize),
    Restocked(usize, u32),
    Counted(usize, u32),
    Merged(usize, usize),
    Days(u64),
    /// One of the events so far is handed over once more.
    Again(prop::sample::Index),
}

fn step() -> impl Strategy<Value = Step> {
    let order = || 0..10usize;
    prop_oneof![
        10 => order().prop_map(Step::Paid),
        3 => order().prop_map(Step::Cancelled),
        2 => order().prop_map(Step::Refunded),
        2 => order().prop_map(Step::Shipped),
        1 => order().prop_map(Step::Delivered),
        2 => order().prop_map(Step::Added),
        2 => order().prop_map(Step::NotAdded),
        2 => (order(), 0..3usize).prop_map(|(order, gift)| Step::ByHand(order, gift)),
        1 => (0..3usize, 1..3u32).prop_map(|(gift, pieces)| Step::Restocked(gift, pieces)),
        1 => (0..3usize, 0..4u32).prop_map(|(gift, pieces)| Step::Counted(gift, pieces)),
        1 => (0..3usize, 0..3usize).prop_map(|(kept, absorbed)| Step::Merged(kept, absorbed)),
        2 => (1..20u64).prop_map(Step::Days),
        4 => any::<prop::sample::Index>().prop_map(Step::Again),
    ]
}

fn histories() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 1..40)
}

/// A shop as it goes through a history.
struct Walk {
    shop: Bench,
    figures: [u32; 3],
    events: Vec<Incoming>,
    /// The last event was handled, and is no repeat of an earlier one.
    fresh: bool,
    merchant: u32,
    shipments: u64,
    /// Absorbed customers, and by whom.
    merges: BTreeMap<usize, usize>,
}

impl Walk {
    fn new(seed: u32) -> Self {
        let figures = [3, 3, 3];
        let shop = shop()
            .seed(seed)
            .setting("rules", json!([every(2), { "name": "luck", "chance": 6_000 }]))
            .setting("gifts", listed(figures))
            .setting("monthly_budget", "7.00")
            .setting("monthly_pieces", PIECES);
        Self { shop, figures, events: Vec::new(), fresh: false, merchant: 0, shipments: 0, merges: BTreeMap::new() }
    }

    fn survivor(&self, mut who: usize) -> usize {
        while let Some(kept) = self.merges.get(&who) {
            who = *kept;
        }
        who
    }

    fn order(&self, n: usize) -> Order {
        basket(&n.to_string()).customer(&format!("c{}", n % 3)).placed_at(self.shop.now()).into()
    }

    fn deliver(&mut self, event: Incoming) {
        self.fresh = self.shop.deliver(event.clone()).unwrap().status == Status::Handled;
        self.events.push(event);
    }

    fn effect(&self, n: usize) -> Option<regulars_sdk::EffectId> {
        Some(records(&self.shop).remove(&n.to_string())?.gift?.effect)
    }

    fn parcel(&mut self, n: usize, word: Option<&str>) {
        self.shipments += 1;
        let updated_at = self.shop.now();
        let parcel = fulfillment(&format!("f{}", self.shipments), &n.to_string());
        let parcel = Fulfillment { shipment_status: word.map(Into::into), updated_at, ..parcel };
        self.deliver(Incoming::fulfillment("fulfillment.updated", parcel));
    }

    fn merchant(&mut self, action: &str, input: serde_json::Value) {
        self.merchant += 1;
        let id = format!("merchant {}", self.merchant);
        self.deliver(Incoming::merchant_action(action, None, input).id(id));
    }

    fn go(&mut self, step: &Step) {
        self.fresh = false;
        match *step {
            Step::Paid(n) => self.deliver(Incoming::order_paid(self.order(n)).at(self.shop.now())),
            Step::Cancelled(n) => {
                let order = Order { cancelled_at: Some(self.shop.now()), ..self.order(n) };
                self.deliver(Incoming::order_cancelled(order).at(self.shop.now()));
            }
            Step::Refunded(n) => {
                self.deliver(Incoming::order_refunded(refund(&format!("r{n}"), &self.order(n)).everything()));
            }
            Step::Shipped(n) => self.parcel(n, None),
            Step::Delivered(n) => self.parcel(n, Some("delivered")),
            Step::Added(n) => {
                if let Some(effect) = self.effect(n) {
                    self.shop.finish(&effect).unwrap();
                }
            }
            Step::NotAdded(n) => {
                if let Some(effect) = self.effect(n) {
                    self.shop.fail(&effect, "it cannot be had").unwrap();
                    let failed = Incoming::effect_failed(&effect, "order.gift", "", "again");
                    self.events.push(failed);
                }
            }
            Step::ByHand(n, gift) => self.merchant("give", json!({ "order": n.to_string(), "gift": GIFTS[gift] })),
            Step::Restocked(gift, pieces) => {
                self.merchant("restock", json!({ "gift": GIFTS[gift], "pieces": pieces }));
            }
            Step::Counted(gift, pieces) => {
                self.figures[gift] = pieces;
                self.shop.publish("gifts", listed(self.figures)).unwrap();
            }
            Step::Merged(kept, absorbed) => {
                let [kept, absorbed] = [kept, absorbed].map(|who| self.survivor(who));
                if kept != absorbed {
                    self.merges.insert(absorbed, kept);
                    self.deliver(Incoming::customer_merged(&format!("c{kept}"), &format!("c{absorbed}")));
                }
            }
            Step::Days(days) => {
                self.shop.advance_days(days).unwrap();
            }
            Step::Again(at) => {
                if !self.events.is_empty() {
                    self.shop.deliver_again(at.get(&self.events).clone()).unwrap();
                }
            }
        }
    }
}

fn listed(figures: [u32; 3]) -> serde_json::Value {
    let costs = ["1.00", "2.00", "3.00"];
    (0..3).map(|n| gift(GIFTS[n], figures[n], costs[n])).collect()
}

fn records(shop: &Bench) -> BTreeMap<String, Record> {
    let keys = shop.state_keys("order/");
    keys.map(|key| (key["order/".len()..].to_owned(), shop.state(key).unwrap())).collect()
}

fn held(shop: &Bench) -> Vec<Given> {
    records(shop).into_values().filter_map(|record| record.held().cloned()).collect()
}

fn stocks(shop: &Bench) -> BTreeMap<&'static str, Stock> {
    GIFTS.into_iter().filter_map(|gift| Some((gift, shop.state(&stock_key(gift))?))).collect()
}

/// A month holds what the gifts of that month cost that were not given back, and never passes a bound.
fn check_months(shop: &Bench) -> Result<(), TestCaseError> {
    let mut sums = BTreeMap::new();
    for given in held(shop) {
        let (spent, pieces) = sums.entry(given.month).or_insert((0, 0));
        (*spent, *pieces) = (*spent + given.cost.minor, *pieces + 1);
    }
    for key in shop.state_keys("month/") {
        let month: Month = shop.state(key).unwrap();
        let sum = sums.remove(&key["month/".len()..]).unwrap_or((0, 0));
        prop_assert_eq!((month.spent.minor, month.pieces), sum);
        prop_assert!(month.spent.minor <= BUDGET && month.pieces <= PIECES, "{:?}", month);
    }
    prop_assert!(sums.is_empty(), "gifts that no month has counted: {:?}", sums);
    Ok(())
}

/// Between two moments each stock has moved by exactly what was given, given back and restocked.
fn check_stocks(before: &Bench, after: &Bench, step: &Step, again: bool) -> Result<(), TestCaseError> {
    let (were, are) = (stocks(before), stocks(after));
    let (old, new) = (records(before), records(after));
    for (gift, stock) in are {
        let Some(was) = were.get(gift).filter(|was| was.counted_in == stock.counted_in) else { continue };
        let mut expected = i64::from(was.left);
        for (order, record) in &new {
            let then = old.get(order).and_then(|record| record.gift.clone());
            let Some(now) = record.gift.as_ref() else { continue };
            let is_new = then.as_ref().is_none_or(|then| then.effect != now.effect);
            let was_held = then.as_ref().is_some_and(|then| !then.returned && then.effect == now.effect);
            if now.gift == gift && is_new {
                expected -= 1;
            }
            if now.gift == gift && was_held && now.returned && now.counted_in == stock.counted_in {
                expected += 1;
            }
        }
        if let Step::Restocked(n, pieces) = *step
            && GIFTS[n] == gift
            && !again
        {
            expected += i64::from(pieces);
        }
        prop_assert_eq!(i64::from(stock.left), expected, "{} after {:?}", gift, step);
    }
    Ok(())
}

/// What one person has had since the list was through, by order: kept from what is seen alone.
#[derive(Default)]
struct Rounds(BTreeMap<String, Vec<(String, String)>>);

impl Rounds {
    fn follow(&mut self, before: &Bench, after: &Bench) -> Result<(), TestCaseError> {
        let (old, new) = (records(before), records(after));
        for (order, record) in &new {
            let Some(now) = &record.gift else { continue };
            let then = old.get(order).and_then(|record| record.gift.as_ref());
            if now.returned && then.is_some_and(|then| !then.returned) {
                self.0.values_mut().for_each(|had| had.retain(|(_, of)| of != order));
            }
            if then.is_some_and(|then| then.effect == now.effect) {
                continue;
            }
            let had = self.0.entry(record.customer.clone().unwrap_or_default()).or_default();
            let through = GIFTS.iter().all(|gift| had.iter().any(|(it, _)| it == gift));
            if through {
                had.clear();
            }
            if record.judged && old.get(order).is_none_or(|record| !record.judged) {
                prop_assert!(!had.iter().any(|(it, _)| *it == now.gift), "{} again, after {:?}", now.gift, had);
            }
            had.push((now.gift.clone(), order.clone()));
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_history_passes_a_months_budget_in_money_or_pieces(steps in histories(), seed: u32) {
        let mut walk = Walk::new(seed);
        for step in &steps {
            walk.go(step);
            check_months(&walk.shop)?;
        }
    }

    #[test]
    fn stock_moves_by_what_is_given_and_given_back_and_never_below_zero(steps in histories(), seed: u32) {
        let mut walk = Walk::new(seed);
        for step in &steps {
            let before = walk.shop.clone();
            walk.go(step);
            check_stocks(&before, &walk.shop, step, matches!(step, Step::Again(_)))?;
        }
    }

    #[test]
    fn a_piece_is_given_back_once_and_never_taken_again(steps in histories(), seed: u32) {
        let mut walk = Walk::new(seed);
        for step in &steps {
            let before = records(&walk.shop);
            walk.go(step);
            for (order, record) in records(&walk.shop) {
                let then = before.get(&order).and_then(|record| record.gift.as_ref());
                if let (Some(then), Some(now)) = (then, &record.gift) {
                    prop_assert!(now.effect != then.effect || now.returned >= then.returned);
                    prop_assert!(now.effect == then.effect || then.returned, "a second gift beside the first");
                }
            }
        }
        let returned = walk.shop.calls().notes().filter(|note| note.reason == "Gift given back").count();
        let gifts = walk.shop.calls().gifts().count();
        prop_assert_eq!(gifts - returned, held(&walk.shop).len());
    }

    #[test]
    fn nobody_has_a_gift_again_before_the_list_is_through(
        steps in prop::collection::vec(step().prop_filter("people stay apart", |it| !matches!(it, Step::Merged(..))), 1..60),
        seed: u32,
    ) {
        let mut walk = Walk::new(seed);
        let mut rounds = Rounds::default();
        for step in &steps {
            let before = walk.shop.clone();
            walk.go(step);
            rounds.follow(&before, &walk.shop)?;
        }
    }

    #[test]
    fn an_order_is_never_given_two_gifts_at_once_and_its_mail_comes_once(steps in histories(), seed: u32) {
        let mut walk = Walk::new(seed);
        for step in &steps {
            walk.go(step);
        }
        let mut thanked = BTreeSet::new();
        for mail in walk.shop.calls().mails() {
            prop_assert!(thanked.insert(&mail.vars), "thanked twice: {:?}", mail);
        }
    }

    #[test]
    fn the_same_history_ends_bit_for_bit_the_same(steps in histories(), seed: u32) {
        let ends = [(); 2].map(|()| {
            let mut walk = Walk::new(seed);
            steps.iter().for_each(|step| walk.go(step));
            (walk.shop.calls().clone(), state(&walk.shop))
        });
        prop_assert_eq!(&ends[0], &ends[1]);
    }

    #[test]
    fn events_that_come_again_change_nothing(steps in histories(), seed: u32) {
        let mut walk = Walk::new(seed);
        for step in &steps {
            walk.go(step);
            let before = state(&walk.shop);
            if let Some(event) = walk.events.last().filter(|_| walk.fresh) {
                walk.shop.deliver_again(event.clone()).unwrap();
                prop_assert_eq!(before, state(&walk.shop), "after {:?}", step);
            }
        }
    }

    #[test]
    fn the_order_alone_decides_what_it_draws(
        orders in prop::collection::btree_set(0..1_000u32, 1..12),
        seed: u32,
        shuffled in any::<prop::sample::Index>(),
    ) {
        let won = |orders: &[u32]| {
            let mut shop = shop()
                .seed(seed)
                .setting("rules", json!([{ "name": "luck", "chance": 5_000 }]))
                .setting("gifts", json!([gift("a", 99, "0")]));
            shop.deliver(Incoming::settings_published(1)).unwrap();
            for order in orders {
                shop.deliver(Incoming::order_paid(basket(&order.to_string()))).unwrap();
            }
            let of = |call: &Call| if let Call::Gift { gift, .. } = call { Some(gift.order_id.clone()) } else { None };
            shop.calls().iter().filter_map(of).collect::<BTreeSet<_>>()
        };
        let straight: Vec<_> = orders.into_iter().collect();
        let mut turned = straight.clone();
        turned.rotate_left(shuffled.index(straight.len()));
        prop_assert_eq!(won(&straight), won(&turned));
    }
}

fn state(shop: &Bench) -> BTreeMap<String, serde_json::Value> {
    shop.state_keys("").map(|key| (key.to_owned(), shop.state(key).unwrap())).collect()
}
