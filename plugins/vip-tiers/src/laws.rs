//! What holds of every history, however its events arrive.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use regulars_sdk::{
    Dispute, Money, Order, Refund, Timestamp,
    test::{Bench, Call, Incoming, START, customer, order, refund},
};
use serde_json::json;

use crate::{
    calendar::Day,
    history::{Record, order_key},
    member::Member,
    sums::{Sums, Total},
    tests::{member, shop, tiers, worn},
    worth,
};

const CUSTOMERS: [&str; 3] = ["c1", "c2", "c3"];

/// Something that happens in a shop; customers and orders by number.
#[derive(Clone, Debug)]
enum Step {
    Paid(usize, usize, i64),
    Refunded(usize, u32),
    Cancelled(usize),
    Disputed(usize, bool),
    Merged(usize, usize),
    Locked(usize, usize),
    Unlocked(usize),
    Days(u64),
    Again(prop::sample::Index),
    Threshold(u32),
}

fn step() -> impl Strategy<Value = Step> {
    let (who, order) = (|| 0..CUSTOMERS.len(), || 0..12usize);
    prop_oneof![
        8 => (order(), who(), 1..60_000i64).prop_map(|(order, who, minor)| Step::Paid(order, who, minor)),
        3 => (order(), 1..3u32).prop_map(|(order, units)| Step::Refunded(order, units)),
        1 => order().prop_map(Step::Cancelled),
        2 => (order(), any::<bool>()).prop_map(|(order, lost)| Step::Disputed(order, lost)),
        1 => (who(), who()).prop_map(|(kept, absorbed)| Step::Merged(kept, absorbed)),
        1 => (who(), 0..3usize).prop_map(|(who, tier)| Step::Locked(who, tier)),
        1 => who().prop_map(Step::Unlocked),
        6 => (1..300u64).prop_map(Step::Days),
        2 => any::<prop::sample::Index>().prop_map(Step::Again),
        1 => (100..3000u32).prop_map(Step::Threshold),
    ]
}

struct Walk {
    shop: Bench,
    orders: BTreeMap<usize, Order>,
    refunds: BTreeMap<usize, Vec<Refund>>,
    cancelled: BTreeSet<usize>,
    lost: BTreeMap<usize, bool>,
    merges: BTreeMap<&'static str, &'static str>,
    events: Vec<Incoming>,
    said: u64,
}

impl Walk {
    fn new() -> Self {
        let perks = json!({ "reward": "percent", "free_shipping": true, "order_tag": "vip", "early_access_tag": "early",
                    "send_within_hours": 24 });
        let shop = shop()
            .with_customer(customer("c3"))
            .setting("tiers", tiers(json!({ "reward": "amount" }), perks))
            .setting("reward_skipped_tiers", true);
        Self {
            shop,
            orders: BTreeMap::new(),
            refunds: BTreeMap::new(),
            cancelled: BTreeSet::new(),
            lost: BTreeMap::new(),
            merges: BTreeMap::new(),
            events: Vec::new(),
            said: 0,
        }
    }

    fn survivor(&self, mut id: &'static str) -> &'static str {
        while let Some(kept) = self.merges.get(id) {
            id = kept;
        }
        id
    }

    fn deliver(&mut self, event: Incoming) {
        self.said += 1;
        let event = event.id(self.said.to_string());
        self.shop.deliver(event.clone()).unwrap();
        self.events.push(event);
    }

    fn go(&mut self, step: &Step) {
        match *step {
            Step::Paid(n, who, minor) => {
                let who = self.survivor(CUSTOMERS[who]);
                let placed_at = self.shop.now();
                let order = self.orders.entry(n).or_insert_with(|| {
                    order(&n.to_string()).customer(who).line(minor, 2).discount(minor / 3).placed_at(placed_at).into()
                });
                let order = order.clone();
                if !self.cancelled.contains(&n) {
                    self.deliver(Incoming::order_paid(order));
                }
            }
            Step::Refunded(n, units) => {
                let Some(order) = self.orders.get(&n) else { return };
                let known = self.refunds.entry(n).or_default();
                let made: Refund = refund(&format!("{n}-{}", known.len()), order).units("l1", units).into();
                known.push(made.clone());
                self.deliver(Incoming::order_refunded(made));
            }
            Step::Cancelled(n) => {
                let now = self.shop.now();
                let Some(order) = self.orders.get_mut(&n) else { return };
                order.cancelled_at = Some(now);
                self.cancelled.insert(n);
                let order = order.clone();
                self.deliver(Incoming::order_cancelled(order));
            }
            Step::Disputed(n, lost) => {
                if !self.orders.contains_key(&n) {
                    return;
                }
                self.lost.insert(n, lost);
                let amount = Money::new(1, "EUR".parse().unwrap());
                let status = if lost { "lost" } else { "won" };
                let dispute = Dispute { id: n.to_string(), order_id: n.to_string(), status: status.into(), amount };
                self.deliver(Incoming::order_disputed(dispute));
            }
            Step::Merged(kept, absorbed) => {
                let (kept, absorbed) = (self.survivor(CUSTOMERS[kept]), self.survivor(CUSTOMERS[absorbed]));
                if kept != absorbed {
                    self.merges.insert(absorbed, kept);
                    self.deliver(Incoming::customer_merged(kept, absorbed));
                }
            }
            Step::Locked(who, tier) => {
                let tier = ["bronze", "silver", "gold"][tier];
                let input = json!({ "tier": tier, "reason": "because" });
                let who = self.survivor(CUSTOMERS[who]);
                self.deliver(Incoming::merchant_action("lock", Some(who), input));
            }
            Step::Unlocked(who) => {
                let who = self.survivor(CUSTOMERS[who]);
                self.deliver(Incoming::merchant_action("unlock", Some(who), json!({})));
            }
            Step::Days(days) => {
                self.shop.advance_days(days).unwrap();
            }
            Step::Again(index) => {
                if !self.events.is_empty() {
                    let event = index.get(&self.events).clone();
                    self.shop.deliver(event).unwrap();
                }
            }
            Step::Threshold(gold) => {
                let mut set = tiers(json!({ "reward": "amount" }), json!({ "reward": "percent" }));
                set[2]["threshold"] = json!(gold.to_string());
                self.shop.publish("tiers", set).unwrap();
            }
        }
    }

    /// What a customer has spent and ordered, by the orders and refunds alone.
    fn recomputed(&self, who: &str) -> Total {
        let of = |(n, order): (&usize, &Order)| {
            let record: Record = self.shop.state(&order_key(&order.id))?;
            let owner = CUSTOMERS.into_iter().find(|it| *it == record.customer)?;
            let lost = self.lost.get(n).copied().unwrap_or_default();
            let refunds = self.refunds.get(n).cloned().unwrap_or_default();
            (self.survivor(owner) == who && !lost).then(|| worth::of(order, &refunds, record.terms))
        };
        self.orders.iter().filter_map(of).fold(Total::default(), Total::plus)
    }
}

fn total(member: &Member) -> Total {
    member.sums.lifetime(Day(i32::MAX))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn sums_are_those_of_orders_and_refunds_and_tiers_hold_together(steps in prop::collection::vec(step(), 1..40)) {
        let mut walk = Walk::new();
        for step in &steps {
            let locks: Vec<_> = CUSTOMERS.map(|id| (id, member(&walk.shop, id).lock)).into_iter().collect();
            walk.go(step);
            for id in CUSTOMERS.into_iter().filter(|id| walk.survivor(id) == *id) {
                let member = member(&walk.shop, id);
                prop_assert_eq!(total(&member), walk.recomputed(id));
                // Never two tiers at once.
                let tier_tags: Vec<_> = worn(&walk.shop, id).into_iter().filter(|it| it.starts_with("tier-")).collect();
                let expected: Vec<_> = member.tier.iter().map(|it| format!("tier-{it}")).collect();
                prop_assert_eq!(tier_tags, expected);
                // No event breaks a lock.
                let lock = locks.iter().find(|it| it.0 == id).and_then(|it| it.1.clone());
                if !matches!(step, Step::Unlocked(_) | Step::Locked(..)) && lock.is_some() {
                    prop_assert_eq!(&member.lock, &lock);
                }
                if let Some(lock) = &member.lock {
                    prop_assert_eq!(member.tier.as_ref(), Some(&lock.tier));
                }
                // Whoever is to be seen to has a timer in time.
                let until = member.standing.as_ref().and_then(|it| it.until);
                if until.is_some() {
                    prop_assert!(member.timer.is_some());
                }
            }
        }
    }

    #[test]
    fn an_entry_reward_comes_once_for_each_tier_and_term(steps in prop::collection::vec(step(), 1..40)) {
        let mut walk = Walk::new();
        // A lock may hold a reward back until late in its term.
        let are_others = |it: &&Step| !matches!(it, Step::Merged(..) | Step::Threshold(_) | Step::Locked(..));
        for step in steps.iter().filter(are_others) {
            walk.go(step);
        }
        // A term is a year: no two rewards of one kind for one customer within it.
        let mut given: BTreeMap<(String, bool), Vec<Timestamp>> = BTreeMap::new();
        for call in walk.shop.calls().iter() {
            if let Call::Discount { discount, .. } = call
                && let Some(ends_at) = discount.ends_at.filter(|_| discount.uses == Some(1))
            {
                let kind = matches!(discount.benefit, regulars_sdk::Benefit::Amount(_));
                given.entry((discount.customer_id.clone().unwrap(), kind)).or_default().push(ends_at);
            }
        }
        for times in given.values() {
            for pair in times.windows(2) {
                prop_assert!(pair[1].0 - pair[0].0 >= 364 * 86_400_000, "{times:?}");
            }
        }
    }

    #[test]
    fn neither_order_nor_repetition_of_events_changes_sums(
        minors in prop::collection::vec(1..60_000i64, 1..6),
        units in prop::collection::vec((0..6usize, 1..3u32), 0..6),
        order_of in prop::collection::vec(any::<prop::sample::Index>(), 24),
    ) {
        let orders: Vec<Order> = minors.iter().enumerate().map(|(n, minor)| {
            order(&n.to_string()).customer("c1").line(*minor, 3).placed_at(START).into()
        }).collect();
        let mut events: Vec<Incoming> = orders.iter().cloned().map(Incoming::order_paid).collect();
        for (index, (n, units)) in units.iter().enumerate() {
            if let Some(order) = orders.get(*n) {
                events.push(Incoming::order_refunded(refund(&index.to_string(), order).units("l1", *units)));
            }
        }
        let mut straight = shop();
        for event in &events {
            straight.deliver(event.clone()).unwrap();
        }
        // The host knows the orders whose events are still to come.
        let mut mixed = orders.iter().cloned().fold(shop(), Bench::with_order);
        for index in &order_of {
            mixed.deliver(index.get(&events).clone().at(START)).unwrap();
        }
        for event in events.iter().rev() {
            mixed.deliver(event.clone()).unwrap();
        }
        prop_assert_eq!(member(&straight, "c1").sums, member(&mixed, "c1").sums);
    }

    #[test]
    fn folding_and_joining_sums_lose_nothing(
        one in prop::collection::vec((0..4000i32, -500..500i64), 0..30),
        other in prop::collection::vec((0..4000i32, -500..500i64), 0..30),
        folds in prop::collection::vec(0..5000i32, 2),
    ) {
        let sums = |changes: &[(i32, i64)], fold: i32| {
            let mut sums = Sums::default();
            for (index, (day, spent)) in changes.iter().enumerate() {
                if index == changes.len() / 2 {
                    sums.fold(Day(fold));
                }
                sums.add(Day(*day), Total { spent: *spent, orders: 1 });
            }
            sums
        };
        let joined = sums(&one, folds[0]).join(sums(&other, folds[1]));
        let spent = one.iter().chain(&other).map(|it| it.1).sum::<i64>();
        let orders = i64::try_from(one.len() + other.len()).unwrap();
        prop_assert_eq!(joined.lifetime(Day(i32::MAX)), Total { spent, orders });
        // What comes late for a day that was folded is folded as well: the days kept are bounded.
        if !one.is_empty() && !other.is_empty() {
            let folded = folds[0].max(folds[1]) - 1600;
            prop_assert_eq!(joined.between(Day(folded), |_| true), Total::default());
        }
    }
}
