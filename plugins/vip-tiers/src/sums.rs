//! What a customer has spent and ordered, by civil day, so that any window can be added up.

use serde::{Deserialize, Serialize};

use crate::calendar::Day;

/// Days that are kept one by one: the longest window and the longest term that it may be asked for at the end of.
const KEPT_DAYS: u32 = 1600;

/// Kept without names: a day of a customer who orders daily is to be small.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(i64, i64)", into = "(i64, i64)")]
pub struct Total {
    /// Minor units.
    pub spent: i64,
    pub orders: i64,
}

impl From<(i64, i64)> for Total {
    fn from((spent, orders): (i64, i64)) -> Self {
        Self { spent, orders }
    }
}

impl From<Total> for (i64, i64) {
    fn from(total: Total) -> Self {
        (total.spent, total.orders)
    }
}

impl Total {
    pub fn plus(self, other: Self) -> Self {
        Self { spent: self.spent.saturating_add(other.spent), orders: self.orders.saturating_add(other.orders) }
    }

    pub fn minus(self, other: Self) -> Self {
        Self { spent: self.spent.saturating_sub(other.spent), orders: self.orders.saturating_sub(other.orders) }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    /// By day, each once; none of nothing.
    days: Vec<(Day, Total)>,
    /// Everything up to `folded`, that day included: of use for a lifetime alone.
    older: Total,
    folded: Option<Day>,
}

impl Sums {
    pub fn add(&mut self, day: Day, change: Total) {
        if self.folded.is_some_and(|folded| day <= folded) {
            self.older = self.older.plus(change);
            return;
        }
        match self.days.binary_search_by_key(&day, |it| it.0) {
            Ok(index) => {
                let total = self.days[index].1.plus(change);
                if total == Total::default() {
                    self.days.remove(index);
                } else {
                    self.days[index].1 = total;
                }
            }
            Err(_) if change == Total::default() => {}
            Err(index) => self.days.insert(index, (day, change)),
        }
    }

    /// Adds up what no window can ask for any more.
    pub fn fold(&mut self, today: Day) {
        self.fold_to(today.minus(KEPT_DAYS));
    }

    fn fold_to(&mut self, last: Day) {
        if self.folded.is_some_and(|folded| folded >= last) {
            return;
        }
        let gone = self.days.partition_point(|it| it.0 <= last);
        self.older = self.days.drain(..gone).fold(self.older, |sum, (_, total)| sum.plus(total));
        self.folded = Some(last);
    }

    /// The sum of the days that count, until `last`.
    pub fn between(&self, last: Day, counts: impl Fn(Day) -> bool) -> Total {
        let days = self.days.iter().filter(|(day, _)| *day <= last && counts(*day));
        days.fold(Total::default(), |sum, (_, total)| sum.plus(*total))
    }

    /// The sum of all days until `last`.
    pub fn lifetime(&self, last: Day) -> Total {
        self.between(last, |_| true).plus(self.older)
    }

    /// Both customers' sums.
    pub fn join(mut self, mut other: Self) -> Self {
        if let Some(last) = self.folded.max(other.folded) {
            self.fold_to(last);
            other.fold_to(last);
        }
        self.older = self.older.plus(other.older);
        for (day, total) in other.days {
            self.add(day, total);
        }
        self
    }
}
