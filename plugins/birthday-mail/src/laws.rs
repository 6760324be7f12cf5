//! What holds of every history, however its events arrive.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use regulars_sdk::{
    Birthday, Date, Order, Timestamp,
    test::{Bench, Call, Incoming, START, customer, order, refund},
};
use serde_json::json;

use crate::{
    calendar::{Day, is_leap},
    people::{Person, customer_key},
    tests::{bare, person, tell},
};

const CUSTOMERS: [&str; 4] = ["c1", "c2", "c3", "c4"];

/// Something that happens in a shop; customers and orders by number.
#[derive(Clone, Debug)]
enum Step {
    Told(usize, u8, u8),
    Corrected(usize, u8, u8),
    Platform(usize, u8, u8),
    Forgotten(usize),
    Merged(usize, usize),
    Paid(usize, i64),
    Cancelled(usize),
    Refunded(usize),
    DaysBefore(u64),
    Hour(u64),
    Switched(bool),
    Zone(i32),
    /// Time goes by, and timers fire.
    Days(u64),
    /// The host is asleep, or its clock is put back.
    Jump(i64),
    Again(prop::sample::Index),
}

fn step() -> impl Strategy<Value = Step> {
    let who = || 0..CUSTOMERS.len();
    let order = || 0..8usize;
    prop_oneof![
        4 => (who(), 1..13u8, 1..32u8).prop_map(|(who, month, day)| Step::Told(who, month, day)),
        1 => (who(), 1..13u8, 1..32u8).prop_map(|(who, month, day)| Step::Corrected(who, month, day)),
        2 => (who(), 1..13u8, 1..29u8).prop_map(|(who, month, day)| Step::Platform(who, month, day)),
        1 => who().prop_map(Step::Forgotten),
        2 => (who(), who()).prop_map(|(kept, absorbed)| Step::Merged(kept, absorbed)),
        3 => (order(), 1..20_000i64).prop_map(|(order, minor)| Step::Paid(order, minor)),
        1 => order().prop_map(Step::Cancelled),
        1 => order().prop_map(Step::Refunded),
        1 => (0..31u64).prop_map(Step::DaysBefore),
        1 => (0..24u64).prop_map(Step::Hour),
        1 => any::<bool>().prop_map(Step::Switched),
        1 => (-12 * 60..14 * 60).prop_map(Step::Zone),
        8 => (1..250u64).prop_map(Step::Days),
        2 => (-40..40i64).prop_map(Step::Jump),
        2 => any::<prop::sample::Index>().prop_map(Step::Again),
    ]
}

fn histories() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 1..40)
}

/// A shop as it goes through a history.
struct Walk {
    shop: Bench,
    events: Vec<Incoming>,
    orders: BTreeMap<usize, i64>,
    updates: u32,
    /// Absorbed customers, and by whom.
    merges: BTreeMap<&'static str, &'static str>,
}

impl Walk {
    fn new() -> Self {
        let shop = bare()
            .setting("order_marks", json!([2, 3, 5]))
            .setting("lifetime_marks", json!(["100.00", "300.00"]))
            .setting("order_reward", json!({ "kind": "amount" }));
        let shop = CUSTOMERS.into_iter().fold(shop, |shop, id| shop.with_customer(customer(id)));
        Self { shop, events: Vec::new(), orders: BTreeMap::new(), updates: 0, merges: BTreeMap::new() }
    }

    fn survivor(&self, mut id: &'static str) -> &'static str {
        while let Some(kept) = self.merges.get(id) {
            id = kept;
        }
        id
    }

    fn deliver(&mut self, event: Incoming) {
        self.shop.deliver(event.clone()).unwrap();
        self.events.push(event);
    }

    fn order(&self, n: usize) -> Option<Order> {
        let minor = *self.orders.get(&n)?;
        let placed_at = Timestamp(START.0 + n as u64);
        Some(order(&n.to_string()).customer(CUSTOMERS[n % 4]).placed_at(placed_at).line(minor, 2).into())
    }

    fn go(&mut self, step: &Step) {
        match *step {
            Step::Told(who, month, day) => self.deliver(tell(CUSTOMERS[who], month, day)),
            Step::Corrected(who, month, day) => {
                let input = json!({ "month": month, "day": day });
                self.deliver(Incoming::merchant_action("birthday", Some(CUSTOMERS[who]), input));
            }
            Step::Platform(who, month, day) => {
                let id = self.survivor(CUSTOMERS[who]);
                self.shop = self.shop.clone().with_birthday(id, Birthday { year: Some(1990), month, day });
                self.updates += 1;
                let event = Incoming::customer("customer.updated", customer(id));
                self.deliver(event.id(format!("update {}", self.updates)));
            }
            Step::Forgotten(who) => self.deliver(Incoming::action("forget-birthday", CUSTOMERS[who], json!({}))),
            Step::Merged(kept, absorbed) => {
                let [kept, absorbed] = [kept, absorbed].map(|who| self.survivor(CUSTOMERS[who]));
                if kept != absorbed {
                    self.merges.insert(absorbed, kept);
                    self.deliver(Incoming::customer_merged(kept, absorbed));
                }
            }
            Step::Paid(n, minor) => {
                self.orders.entry(n).or_insert(minor);
                self.deliver(Incoming::order_paid(self.order(n).unwrap()).at(START));
            }
            Step::Cancelled(n) => {
                if let Some(order) = self.order(n) {
                    let at = START.plus_days(1);
                    self.deliver(Incoming::order_cancelled(Order { cancelled_at: Some(at), ..order }).at(at));
                }
            }
            Step::Refunded(n) => {
                if let Some(order) = self.order(n) {
                    self.deliver(Incoming::order_refunded(refund(&format!("r{n}"), &order).units("l1", 1)));
                }
            }
            Step::DaysBefore(days) => {
                self.shop.publish("days_before", days).unwrap();
            }
            Step::Hour(hour) => {
                self.shop.publish("send_hour", hour).unwrap();
            }
            Step::Switched(on) => {
                self.shop.publish("birthdays", on).unwrap();
            }
            Step::Zone(minutes) => self.shop = self.shop.clone().time_zone("Test/Zone", minutes),
            Step::Days(days) => {
                self.shop.advance_days(days).unwrap();
            }
            Step::Jump(days) => {
                let moved = self.shop.now().0.saturating_add_signed(days * 86_400_000);
                self.shop = self.shop.clone().at(Timestamp(moved.max(START.0)));
            }
            Step::Again(at) => {
                if !self.events.is_empty() {
                    self.shop.deliver_again(at.get(&self.events).clone()).unwrap();
                }
            }
        }
    }

    /// Mails queued since `from`, each with the note that tells what it was for.
    fn mails_since(&self, from: usize) -> Vec<(String, String, Fields)> {
        let mut waiting = Vec::new();
        let mut told = Vec::new();
        for call in &self.shop.calls()[from..] {
            match call {
                Call::Mail { mail, .. } => waiting.push(mail),
                Call::Note(note) => told.extend(
                    waiting
                        .drain(..)
                        .map(|mail| (mail.customer_id.clone(), mail.template.clone(), note.fields.clone())),
                ),
                _ => {}
            }
        }
        told
    }
}

/// A note's fields.
type Fields = Vec<(String, String)>;

fn field<'a>(fields: &'a [(String, String)], name: &str) -> &'a str {
    fields.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str()).unwrap()
}

/// What each person has had, by what is told of each mail; merged with the people.
fn had(steps: &[Step], template: &str, of: impl Fn(&[(String, String)]) -> String) -> Result<(), TestCaseError> {
    let mut walk = Walk::new();
    let mut had: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for step in steps {
        let from = walk.shop.calls().len();
        walk.go(step);
        for (customer, mail, fields) in walk.mails_since(from) {
            if mail == template {
                let what = of(&fields);
                let is_first = had.entry(customer.clone()).or_default().insert(what.clone());
                prop_assert!(is_first, "{customer} has had {template} {what} before, at {step:?}");
            }
        }
        for (absorbed, kept) in &walk.merges {
            let moved = had.remove(*absorbed).unwrap_or_default();
            had.entry((*kept).to_owned()).or_default().extend(moved);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_person_has_one_birthday_mail_for_each_calendar_year_at_most(steps in histories()) {
        had(&steps, "birthday", |fields| field(fields, "year").to_owned())?;
    }

    #[test]
    fn a_person_has_one_anniversary_mail_for_each_calendar_year_at_most(steps in histories()) {
        had(&steps, "anniversary", |fields| field(fields, "anniversary")[..4].to_owned())?;
    }

    #[test]
    fn a_person_is_thanked_for_a_milestone_once(steps in histories()) {
        had(&steps, "orders", |fields| field(fields, "number").to_owned())?;
        had(&steps, "lifetime", |fields| field(fields, "mark").to_owned())?;
    }

    #[test]
    fn sums_are_those_of_the_orders_that_stand(steps in histories()) {
        let mut walk = Walk::new();
        for step in &steps {
            walk.go(step);
            let mut expected: BTreeMap<&str, (u32, i64)> = BTreeMap::new();
            for key in walk.shop.state_keys("order/") {
                let record: crate::purchases::Record = walk.shop.state(key).unwrap();
                prop_assert!(record.value >= 0);
                let id = CUSTOMERS.into_iter().find(|id| *id == record.customer).unwrap();
                let (orders, spent) = expected.entry(walk.survivor(id)).or_default();
                (*orders, *spent) = (*orders + u32::from(!record.void), *spent + record.value);
            }
            for id in CUSTOMERS {
                let known: Option<Person> = walk.shop.state(&customer_key(id));
                let sums = known.as_ref().map_or((0, 0), |it| (it.orders, it.spent));
                prop_assert_eq!(sums, expected.get(id).copied().unwrap_or_default(), "{} after {:?}", id, step);
                for waiting in known.iter().flat_map(|it| &it.waiting) {
                    prop_assert!(known.as_ref().unwrap().is_past(waiting.milestone), "{:?} was dropped", waiting);
                }
            }
        }
    }

    #[test]
    fn the_sum_of_orders_is_the_same_in_any_order_and_any_number(
        (events, shuffled) in purchases(),
    ) {
        let sums = |events: &[Incoming]| {
            let mut shop = bare();
            for event in events {
                shop.deliver_again(event.clone()).unwrap();
            }
            let known = person(&shop, "c1");
            (known.orders, known.spent)
        };
        prop_assert_eq!(sums(&events), sums(&shuffled));
    }

    #[test]
    fn the_same_history_ends_bit_for_bit_the_same(steps in histories()) {
        let ends = [(); 2].map(|()| {
            let mut walk = Walk::new();
            steps.iter().for_each(|step| walk.go(step));
            let state: BTreeMap<_, serde_json::Value> =
                walk.shop.state_keys("").map(|key| (key.to_owned(), walk.shop.state(key).unwrap())).collect();
            (walk.shop.calls().clone(), state)
        });
        prop_assert_eq!(&ends[0], &ends[1]);
    }

    #[test]
    fn whoever_has_something_to_come_has_a_timer(steps in histories()) {
        let mut walk = Walk::new();
        for step in &steps {
            walk.go(step);
        }
        walk.shop.publish("birthdays", true).unwrap();
        // Time enough for all pages, even if the clock has been put back since they were begun.
        walk.shop.advance_days(60).unwrap();
        for id in CUSTOMERS {
            let known: Option<Person> = walk.shop.state(&customer_key(id));
            let to_come = known.is_some_and(|it| it.day.is_some() || it.first.is_some() || !it.waiting.is_empty());
            prop_assert_eq!(crate::tests::due(&walk.shop, id).is_some(), to_come, "{}", id);
        }
    }

    #[test]
    fn a_leap_day_comes_every_year(born in 0..40i16, days_before in 0..31u64) {
        let mut shop = bare().with_customer(customer("c1")).setting("days_before", days_before);
        shop.deliver(Incoming::action("birthday", "c1", json!({
            "day": 29, "month": 2, "year": 1960 + born - (1960 + born) % 4,
        }))).unwrap();
        let fired = shop.advance_days(9 * 365).unwrap();
        let notes = fired.iter().flat_map(|it| it.calls.notes().collect::<Vec<_>>());
        let days: Vec<_> = notes.filter_map(|it| it.field("birthday").map(str::to_owned)).collect();
        let expected: Vec<_> = (2026..2035).map(|year| {
            format!("{year}-02-{}", if is_leap(year) { 29 } else { 28 })
        }).collect();
        // 30 days before 28 February is still to come on 1 January.
        prop_assert_eq!(days, expected);
    }
}

/// Orders of one customer, with refunds and cancellations as they happened; and the same shuffled, some of them repeated.
fn purchases() -> impl Strategy<Value = (Vec<Incoming>, Vec<Incoming>)> {
    let one = (1..9_000i64, 1..4u32, 0..4u32, any::<bool>());
    prop::collection::vec(one, 1..5).prop_flat_map(|orders| {
        let mut events = Vec::new();
        for (n, (minor, units, back, is_cancelled)) in orders.into_iter().enumerate() {
            let whole: Order = order(&n.to_string()).customer("c1").line(minor, units).into();
            events.push(Incoming::order_paid(whole.clone()).at(START));
            for unit in 0..back.min(units) {
                events.push(Incoming::order_refunded(refund(&format!("{n}/{unit}"), &whole).units("l1", 1)));
            }
            if is_cancelled {
                let at = START.plus_days(1);
                events.push(Incoming::order_cancelled(Order { cancelled_at: Some(at), ..whole }).at(at));
            }
        }
        let repeated = prop::collection::vec(prop::sample::select(events.clone()), 0..5);
        repeated.prop_flat_map(move |repeated| {
            let all: Vec<_> = events.iter().cloned().chain(repeated).collect();
            (Just(events.clone()), Just(all).prop_shuffle())
        })
    })
}

/// The civil date of an instant, counted day by day from 1 January 2026.
fn date(instant: Timestamp, offset_minutes: i64) -> Date {
    let first = (START.0 - 12 * 3_600_000) as i64 / 60_000;
    let mut days = (instant.0 as i64 / 60_000 + offset_minutes - first).div_euclid(24 * 60);
    let mut date = Date { year: 2026, month: 1, day: 1 };
    while days > 0 {
        let length = match date.month {
            2 if is_leap(date.year) => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        date.day += 1;
        if date.day > length {
            date = Date { day: 1, month: date.month + 1, ..date };
        }
        if date.month > 12 {
            date = Date { year: date.year + 1, month: 1, day: 1 };
        }
        days -= 1;
    }
    date
}

#[test]
fn every_day_of_the_year_comes_on_its_civil_day_in_three_time_zones() {
    for offset in [-10 * 60, 9 * 60, 13 * 60 + 45] {
        let mut days = Vec::new();
        let mut shop = bare().time_zone("Test/Zone", offset).setting("send_hour", 0).setting("send_minute", 30);
        for (month, length) in (1..=12).zip([31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]) {
            for day in 1..=length {
                let id = format!("{month}-{day}");
                shop = shop.with_customer(customer(&id));
                shop.deliver(tell(&id, month, day)).unwrap();
                days.push((id, Day::new(month, day).unwrap()));
            }
        }
        let mut came: BTreeMap<String, Vec<Date>> = BTreeMap::new();
        let end = START.plus_days(3 * 365);
        while shop.now() < end {
            for fired in shop.advance_days(1).unwrap() {
                // A timer's event is named after what it is due for.
                let due = fired.event_id.rsplit('@').next().unwrap().split('/').next().unwrap();
                let at: u64 = due.parse().unwrap();
                for mail in fired.calls.mails() {
                    came.entry(mail.customer_id.clone()).or_default().push(date(Timestamp(at), offset.into()));
                }
            }
        }
        for (id, day) in days {
            let all = &came[&id];
            assert!((2..=3).contains(&all.len()), "{id}: {all:?}");
            assert!(all.iter().all(|date| *date == day.in_year(date.year)), "{id} at {offset}: {all:?}");
            let years: BTreeSet<_> = all.iter().map(|date| date.year).collect();
            assert_eq!(years.len(), all.len(), "{id}: once a year");
        }
    }
}
