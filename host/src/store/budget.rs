//! Budgets: bounds that a merchant sets on what a plugin gives away in a store, and what it has given away within them.
//!
//! Without a bound nothing is counted, so that the deliveries of a plugin without bounds do not all write to one row. What
//! an effect counts for stands in a row of its own, so that exactly that is given back, to the period in which it was
//! counted, if the effect comes to nothing. What a plugin gives back itself goes to the present period.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{ToSpan, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::{Error, Key, Transaction, keys};
use crate::domain::{Benefit, Effect, EffectId, EffectKind, PluginName, StoreId, Timestamp};

/// What effects and tasks count as by themselves. What else a plugin counts, it names itself.
pub const MAILS: &str = "mails";
/// Minor units of the shop's currency.
pub const MONEY: &str = "money";
pub const GIFTS: &str = "gifts";
pub const TASKS: &str = "tasks";

/// A bound on what a plugin gives away in a store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetBound {
    /// `mails`, `money`, `gifts`, `tasks`, or what the plugin counts itself.
    pub kind: String,
    pub period: Period,
    /// The most that is given away in one period.
    pub limit: u64,
}

/// How long a bound is for, by the clocks of the store's time zone. The numbers are on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Period {
    Day = 1,
    Month = 2,
    Ever = 3,
}

impl Period {
    fn word(self) -> &'static str {
        match self {
            Self::Day => "a day",
            Self::Month => "a month",
            Self::Ever => "in all",
        }
    }

    /// The period that holds an instant, and the day on which the next one begins.
    fn at(self, instant: Timestamp, zone: &TimeZone) -> (Counter, Option<Date>) {
        let date = instant.date_in(zone);
        let [year, month, day] = [date.year().into(), date.month().into(), date.day().into()].map(i64::unsigned_abs);
        let (number, next) = match self {
            Self::Day => ((year * 100 + month) * 100 + day, date.tomorrow().ok()),
            Self::Month => (year * 100 + month, date.first_of_month().checked_add(1.month()).ok()),
            Self::Ever => (0, None),
        };
        (Counter { period: self, number }, next)
    }
}

/// One period out of all of its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Counter {
    pub period: Period,
    /// The date's digits as far as the period goes: 20261128, 202611, or 0.
    pub number: u64,
}

/// What has been counted for one effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    pub kind: String,
    pub amount: u64,
    pub counters: Vec<Counter>,
}

/// How much of a bound is used in the present period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetStanding {
    pub bound: BudgetBound,
    pub used: u64,
    /// The day on which the next period begins; none if there is none.
    pub until: Option<Date>,
}

impl BudgetStanding {
    /// Whether the merchant is to be warned: four fifths are used.
    pub fn is_nearly_used_up(&self) -> bool {
        u128::from(self.used) * 5 >= u128::from(self.bound.limit) * 4
    }
}

/// A bound would be passed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.told())]
pub struct UsedUp {
    pub standing: BudgetStanding,
    /// What was asked for.
    pub asked: u64,
}

impl UsedUp {
    fn told(&self) -> String {
        let Self { standing: BudgetStanding { bound, used, until }, asked } = self;
        let until = until.map(|date| format!(" until {date}")).unwrap_or_default();
        let period = bound.period.word();
        format!(
            "the budget for {} is used up{until}: {used} of {} {period} are spent, and {asked} more were asked for",
            bound.kind, bound.limit
        )
    }
}

/// The bounds of one plugin in one store.
#[derive(Clone, Copy, Debug)]
pub struct Budget<'a> {
    pub store: StoreId,
    pub plugin: &'a PluginName,
    pub zone: &'a TimeZone,
}

impl Budget<'_> {
    pub fn bounds(&self, transaction: &mut Transaction) -> Result<Vec<BudgetBound>, Error> {
        Ok(transaction.get(&keys::budget(self.store, self.plugin))?.unwrap_or_default())
    }

    /// Replaces the bounds. What is counted already stays counted; what was not begins at nothing.
    pub fn set_bounds(&self, transaction: &mut Transaction, bounds: &[BudgetBound]) {
        let key = keys::budget(self.store, self.plugin);
        match bounds {
            [] => transaction.delete(key),
            bounds => transaction.put(key, &bounds.to_vec()),
        }
    }

    /// Every bound with what is used of it.
    pub fn standing(&self, transaction: &mut Transaction, now: Timestamp) -> Result<Vec<BudgetStanding>, Error> {
        let bounds = self.bounds(transaction)?;
        bounds.into_iter().map(|bound| Ok(self.standing_of(transaction, bound, now)?.1)).collect()
    }

    fn standing_of(
        &self,
        transaction: &mut Transaction,
        bound: BudgetBound,
        now: Timestamp,
    ) -> Result<(Counter, BudgetStanding), Error> {
        let (counter, until) = bound.period.at(now, self.zone);
        let used = transaction.get::<u64>(&self.spent(&bound.kind, counter))?.unwrap_or(0);
        Ok((counter, BudgetStanding { bound, used, until }))
    }

    fn spent(&self, kind: &str, counter: Counter) -> Key {
        keys::budget_spent(self.store, self.plugin, kind, counter)
    }

    /// Counts `amount` against every bound on `kind`, or against none if one would be passed. Answers where it was counted.
    pub fn spend(
        &self,
        transaction: &mut Transaction,
        kind: &str,
        amount: u64,
        now: Timestamp,
    ) -> Result<Result<Vec<Counter>, UsedUp>, Error> {
        // Two bounds for one period share a counter.
        let mut sums = BTreeMap::new();
        if amount > 0 {
            for bound in self.bounds(transaction)?.into_iter().filter(|bound| bound.kind == kind) {
                let (counter, standing) = self.standing_of(transaction, bound, now)?;
                match standing.used.checked_add(amount).filter(|sum| *sum <= standing.bound.limit) {
                    Some(sum) => sums.insert(counter, sum),
                    None => return Ok(Err(UsedUp { standing, asked: amount })),
                };
            }
        }
        for (counter, sum) in &sums {
            transaction.put(self.spent(kind, *counter), sum);
        }
        Ok(Ok(sums.into_keys().collect()))
    }

    /// Takes back what was counted in vain in the present periods, as far as so much was counted.
    pub fn give_back(
        &self,
        transaction: &mut Transaction,
        kind: &str,
        amount: u64,
        now: Timestamp,
    ) -> Result<(), Error> {
        let bounds = self.bounds(transaction)?.into_iter().filter(|bound| bound.kind == kind);
        let counters = bounds.map(|bound| bound.period.at(now, self.zone).0).collect();
        uncount(transaction, (self.store, self.plugin), &Counted { kind: kind.into(), amount, counters })
    }

    /// Counts an effect that is about to be queued, or tried again after it was given up. One that counts already counts
    /// once.
    pub fn count_effect(&self, transaction: &mut Transaction, effect: &Effect) -> Result<Result<(), UsedUp>, Error> {
        let Some((kind, amount)) = cost(&effect.kind) else { return Ok(Ok(())) };
        let counted = keys::budget_counted(self.store, &effect.id);
        if self.bounds(transaction)?.is_empty() || transaction.contains(&counted)? {
            return Ok(Ok(()));
        }
        Ok(match self.spend(transaction, kind, amount, effect.queued_at)? {
            Ok(counters) if counters.is_empty() => Ok(()),
            Ok(counters) => {
                transaction.put(counted, &Counted { kind: kind.into(), amount, counters });
                Ok(())
            }
            Err(used_up) => Err(used_up),
        })
    }
}

/// Gives back what an effect was counted for: it has come to nothing.
pub fn give_back_effect(
    transaction: &mut Transaction,
    store: StoreId,
    plugin: &PluginName,
    effect: &EffectId,
) -> Result<(), Error> {
    let key = keys::budget_counted(store, effect);
    let Some(counted) = transaction.get::<Counted>(&key)? else { return Ok(()) };
    transaction.delete(key);
    uncount(transaction, (store, plugin), &counted)
}

fn uncount(
    transaction: &mut Transaction,
    (store, plugin): (StoreId, &PluginName),
    counted: &Counted,
) -> Result<(), Error> {
    for counter in counted.counters.iter().collect::<BTreeSet<_>>() {
        let key = keys::budget_spent(store, plugin, &counted.kind, *counter);
        if let Some(used) = transaction.get::<u64>(&key)? {
            transaction.put(key, &used.saturating_sub(counted.amount));
        }
    }
    Ok(())
}

/// What an effect counts for by itself. A share of an order has no value before it is used, so that it costs nothing here;
/// neither does what is taken from a customer.
fn cost(kind: &EffectKind) -> Option<(&'static str, u64)> {
    let minor = |minor: i64| (MONEY, u64::try_from(minor).unwrap_or(0));
    match kind {
        EffectKind::Mail(_) => Some((MAILS, 1)),
        EffectKind::AddParcelGift(_) => Some((GIFTS, 1)),
        EffectKind::CreateDiscount(_) | EffectKind::CreateDiscounts(_) => match kind.terms()?.benefit {
            Benefit::Amount(value) => Some(minor(kind.codes().fold(0, |sum, _| value.minor.saturating_add(sum)))),
            Benefit::BasisPoints(_) | Benefit::FreeShipping | Benefit::FreeProduct => None,
        },
        EffectKind::StoreCredit(change) => Some(minor(change.amount.minor)),
        EffectKind::CreateGiftCard(card) => Some(minor(card.amount.minor)),
        EffectKind::ChangeTags(_)
        | EffectKind::DisableDiscount(_)
        | EffectKind::AddOrderNote(_)
        | EffectKind::ChangeOrderTags(_)
        | EffectKind::SetMetafield(_)
        | EffectKind::SetBirthday(_)
        | EffectKind::SetShipBy(_)
        | EffectKind::SetConsent(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::store::{Scan, Table, memory::MemoryStore};

    const STORE: StoreId = StoreId(1);
    /// 2026-10-31 in Berlin, an hour before midnight.
    const LATE: Timestamp = Timestamp(1_793_484_000_000);
    const HOUR: u64 = 3_600_000;

    fn transaction() -> Transaction {
        Transaction::new(Arc::new(MemoryStore::default()))
    }

    fn bound(kind: &str, period: Period, limit: u64) -> BudgetBound {
        BudgetBound { kind: kind.into(), period, limit }
    }

    /// Runs `test` with a plugin that has these bounds.
    fn with<T>(bounds: &[BudgetBound], test: impl FnOnce(Budget<'_>, &mut Transaction) -> T) -> T {
        let (plugin, zone) = ("surprise".into(), TimeZone::get("Europe/Berlin").unwrap());
        let budget = Budget { store: STORE, plugin: &plugin, zone: &zone };
        let mut transaction = transaction();
        budget.set_bounds(&mut transaction, bounds);
        test(budget, &mut transaction)
    }

    fn used(budget: &Budget<'_>, transaction: &mut Transaction, now: Timestamp) -> Vec<u64> {
        budget.standing(transaction, now).unwrap().iter().map(|standing| standing.used).collect()
    }

    #[test]
    fn days_and_months_begin_by_the_clocks_of_the_store() {
        let bounds = [bound(GIFTS, Period::Day, 2), bound(GIFTS, Period::Month, 3), bound(GIFTS, Period::Ever, 9)];
        with(&bounds, |budget, transaction| {
            let later = Timestamp(LATE.0 + HOUR);
            budget.spend(transaction, GIFTS, 2, LATE).unwrap().unwrap();
            assert_eq!(used(&budget, transaction, LATE), [2, 2, 2]);
            let refused = budget.spend(transaction, GIFTS, 1, LATE).unwrap().unwrap_err();
            assert_eq!(
                refused.to_string(),
                "the budget for gifts is used up until 2026-11-01: 2 of 2 a day are spent, and 1 more were asked for"
            );
            assert_eq!(used(&budget, transaction, later), [0, 0, 2], "another day and another month");
            budget.spend(transaction, GIFTS, 2, later).unwrap().unwrap();
            assert_eq!(used(&budget, transaction, later), [2, 2, 4]);
        });
    }

    #[test]
    fn what_passes_one_bound_is_counted_against_none() {
        let bounds = [bound("points", Period::Ever, 100), bound("points", Period::Day, 10)];
        with(&bounds, |budget, transaction| {
            let refused = budget.spend(transaction, "points", 11, LATE).unwrap().unwrap_err();
            assert_eq!((refused.standing.bound.period, refused.asked), (Period::Day, 11));
            assert!(budget.spend(transaction, "points", u64::MAX, LATE).unwrap().is_err());
            assert_eq!(used(&budget, transaction, LATE), [0, 0]);
            budget.spend(transaction, "mails", u64::MAX, LATE).unwrap().unwrap();
        });
    }

    #[test]
    fn without_a_bound_nothing_is_written() {
        with(&[], |budget, transaction| {
            let counters = budget.spend(transaction, MONEY, 500, LATE).unwrap().unwrap();
            budget.give_back(transaction, MONEY, 500, LATE).unwrap();
            assert_eq!(counters, []);
            let spent = Key::of(STORE, Table::BudgetSpent).end();
            assert_eq!(transaction.scan(&Scan::of(spent, 1)).unwrap(), []);
        });
    }

    #[test]
    fn a_bound_warns_from_four_fifths_on() {
        let near = |used, limit| {
            let bound = bound(MAILS, Period::Day, limit);
            BudgetStanding { bound, used, until: None }.is_nearly_used_up()
        };
        assert_eq!([near(79, 100), near(80, 100), near(u64::MAX, u64::MAX), near(0, 0)], [false, true, true, true]);
    }

    proptest! {
        #[test]
        fn no_more_is_ever_counted_than_the_bound_allows(limit in 0_u64..50, steps in proptest::collection::vec((any::<bool>(), 0_u64..20), 0..60)) {
            with(&[bound("points", Period::Month, limit)], |budget, transaction| {
                let mut model = 0;
                for (spends, amount) in steps {
                    if spends {
                        let granted = budget.spend(transaction, "points", amount, LATE).unwrap().is_ok();
                        prop_assert_eq!(granted, amount == 0 || model + amount <= limit);
                        model += if granted { amount } else { 0 };
                    } else {
                        budget.give_back(transaction, "points", amount, LATE).unwrap();
                        model = model.saturating_sub(amount);
                    }
                    prop_assert_eq!(used(&budget, transaction, LATE), [model]);
                }
                Ok(())
            })?;
        }
    }
}
