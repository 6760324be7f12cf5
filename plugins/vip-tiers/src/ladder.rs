//! The tiers as figures: what each asks for, which days count, and how long a tier is kept.

use regulars_sdk::{Currency, Money};
use serde::{Deserialize, Serialize};

use crate::{
    calendar::Day,
    settings::{Basis, Downgrade, Keep, Settings, WindowKind},
    sums::{Sums, Total},
};

const DAYS_OF_A_YEAR: u32 = 365;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ladder {
    pub basis: Basis,
    pub window: Window,
    pub keep: Keep,
    pub keep_months: u32,
    pub downgrade: Downgrade,
    pub grace_days: u32,
    /// The lowest first.
    pub rungs: Vec<Rung>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rung {
    pub tier: String,
    pub need: Need,
    /// What it takes to stay; never more than to enter, or who has just left would enter again.
    pub retain: Need,
}

/// A customer and the rules that hold.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    pub settings: &'a Settings,
    pub ladder: &'a Ladder,
    pub customer: &'a str,
}

/// What a tier asks for. What the basis does not look at is zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Need {
    /// Minor units.
    pub spend: i64,
    pub orders: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Window {
    Rolling(u32),
    CalendarYear,
    Lifetime,
}

impl Window {
    /// Whether a day still counts on another. 365 days are a year, leap or not: a day leaves the window on its
    /// anniversary, as a term ends on the anniversary of its beginning, and no day is lost or counted twice between them.
    fn counts(self, day: Day, on: Day) -> bool {
        match self {
            Self::Rolling(days) => day.plus_months(days / DAYS_OF_A_YEAR * 12).plus(days % DAYS_OF_A_YEAR) > on,
            Self::CalendarYear => day >= Day::first_of(on.year()),
            Self::Lifetime => true,
        }
    }
}

impl Ladder {
    /// Tiers whose figures do not read are left out: [`Settings::problems`] tells.
    pub fn of(settings: &Settings, currency: Currency) -> Self {
        let tiers = settings.tiers.iter().map(|tier| {
            let retain_orders = if tier.retain_orders == 0 { tier.orders } else { tier.retain_orders };
            let retain = if tier.retain_threshold.is_empty() { &tier.threshold } else { &tier.retain_threshold };
            (tier.id.as_str(), (tier.threshold.as_str(), tier.orders), (retain.as_str(), retain_orders))
        });
        Self {
            basis: settings.basis,
            window: match settings.window {
                WindowKind::Rolling => Window::Rolling(settings.window_days),
                WindowKind::CalendarYear => Window::CalendarYear,
                WindowKind::Lifetime => Window::Lifetime,
            },
            // A year's figures are known when it is over.
            keep: if settings.window == WindowKind::CalendarYear { Keep::Calendar } else { settings.keep },
            keep_months: settings.keep_months.max(1),
            downgrade: settings.downgrade,
            grace_days: settings.grace_days,
            rungs: Vec::new(),
        }
        .with_tiers(tiers, currency)
    }

    /// The same with other tiers: short name, and amount and orders to enter and to stay.
    pub fn with_tiers<'a>(
        mut self,
        tiers: impl Iterator<Item = (&'a str, (&'a str, u32), (&'a str, u32))>,
        currency: Currency,
    ) -> Self {
        let need = |(amount, orders): (&str, u32)| {
            let spend = Money::parse(amount, currency).ok().map(|it| it.minor.max(0))?;
            let orders = i64::from(orders);
            Some(match self.basis {
                Basis::Spend => Need { spend, orders: 0 },
                Basis::Orders => Need { spend: 0, orders },
                Basis::SpendAndOrders | Basis::SpendOrOrders => Need { spend, orders },
            })
        };
        let mut rungs: Vec<Rung> = Vec::new();
        for (tier, enter, stay) in tiers {
            if let Some(need_to_enter) = need(enter)
                && rungs.iter().all(|it| it.tier != tier)
            {
                let stay = need(stay).unwrap_or(need_to_enter);
                let retain =
                    Need { spend: stay.spend.min(need_to_enter.spend), orders: stay.orders.min(need_to_enter.orders) };
                rungs.push(Rung { tier: tier.into(), need: need_to_enter, retain });
            }
        }
        rungs.sort_by_key(|it| it.need);
        self.rungs = rungs;
        self
    }

    pub fn index(&self, tier: &str) -> Option<usize> {
        self.rungs.iter().position(|it| it.tier == tier)
    }

    pub fn meets(&self, need: Need, total: Total) -> bool {
        let (spent, ordered) = (total.spent >= need.spend, total.orders >= need.orders);
        match self.basis {
            // What is not asked for is no way in.
            Basis::SpendOrOrders if need != Need::default() => {
                (need.spend > 0 && spent) || (need.orders > 0 && ordered)
            }
            _ => spent && ordered,
        }
    }

    /// What counts on a day towards entering a tier.
    pub fn total(&self, sums: &Sums, on: Day) -> Total {
        match self.window {
            Window::Lifetime => sums.lifetime(on),
            window => sums.between(on, |day| window.counts(day, on)),
        }
    }

    /// What counts towards staying in a tier whose term ends on the day `until`, grace included, as known on `today`.
    pub fn retention(&self, sums: &Sums, until: Day, today: Day) -> Total {
        let last = today.min(until.plus(self.grace_days).minus(1));
        // A term from entry begins with the day that is its anniversary; one of the calendar with the one after.
        let on = if self.keep == Keep::Calendar { until.minus(1) } else { until };
        self.since(sums, on, last)
    }

    /// What counts from the window of one day until another.
    pub fn since(&self, sums: &Sums, on: Day, last: Day) -> Total {
        match self.window {
            Window::Lifetime => sums.lifetime(last),
            window => sums.between(last, |day| window.counts(day, on)),
        }
    }

    /// The highest tier that the sums of a day reach.
    pub fn qualified(&self, sums: &Sums, on: Day) -> Option<usize> {
        let total = self.total(sums, on);
        self.rungs.iter().rposition(|rung| self.meets(rung.need, total))
    }

    /// The first day on which a term that began with `from` is over. A tier that asks for nothing has no end.
    pub fn ends(&self, rung: &Rung, from: Day) -> Option<Day> {
        let ends = match self.keep {
            Keep::AfterEntry => from.plus_months(self.keep_months),
            Keep::Calendar => Day::first_of(from.year().saturating_add(2)),
        };
        (rung.need != Need::default()).then_some(ends)
    }

    /// Percent of the way to a tier, rounded down.
    pub fn progress(&self, need: Need, total: Total) -> i64 {
        let part = |done: i64, of: i64| {
            if of <= 0 { 100 } else { i64::try_from(i128::from(done.clamp(0, of)) * 100 / i128::from(of)).unwrap_or(0) }
        };
        let (spend, orders) = (part(total.spent, need.spend), part(total.orders, need.orders));
        match (self.basis, need.spend > 0, need.orders > 0) {
            (Basis::SpendOrOrders, true, true) => spend.max(orders),
            (Basis::SpendOrOrders, true, false) => spend,
            (Basis::SpendOrOrders, false, true) => orders,
            _ => spend.min(orders),
        }
    }
}
