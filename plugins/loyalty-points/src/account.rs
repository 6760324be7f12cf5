//! A customer's standing: the sums of the entries, and the lots that the points lie in. Pure arithmetic.
//!
//! A lot is what is left of one or several earnings that become available, or lapse, at one time. Lots of equal times are
//! one, and their number is bounded: a customer with thousands of orders costs no more than one with a few. Whatever
//! happens, `balance` is the sum of all entries, and of all lots less what is owed.

use regulars_sdk::{Date, EffectId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{birthday::Birthday, settings::RefundPolicy};

/// Lots of either sort that an account holds. Past it, the two that are nearest in time become one, in the customer's
/// favour where they lapse and in the shop's where they wait.
pub const LOTS: usize = 48;

/// Days of which an account remembers what their orders earned.
const DAYS: usize = 5;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The sum of all entries. Negative after a refund of points already spent; later earnings repay it.
    pub balance: i64,
    /// How many entries there are.
    pub entries: u64,
    /// Points taken back that were not there. Nothing is left in lots while something is owed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub owed: i64,
    /// Soonest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<Pending>,
    /// Soonest-lapsing first; points that do not lapse by a date of their own come last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lots: Vec<Lot>,
    /// What a person is given once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gifts: Vec<Gift>,
    /// What orders of the latest days have earned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub days: Vec<(Date, i64)>,
    /// Codes that can still be used, as far as has been heard.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub codes: Vec<LiveCode>,
    /// When the customer last earned or spent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_at: Option<Timestamp>,
    /// Days without either after which points were to lapse then; 0 where that was not the rule.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub idle_days: i64,
    /// A guest's points lapse then, unless a member has taken them over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim_by: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub birthday: Option<Birthday>,
    /// Warnings that were due until then have been given.
    #[serde(default)]
    pub warned_until: Timestamp,
    /// When this account's timer is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timer: Option<Timestamp>,
}

/// Points that are not available yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    pub points: i64,
    /// Until when.
    pub until: Timestamp,
    /// When they lapse after that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// The order that earned them, while they are one earning's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
}

/// Points that can be spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lot {
    pub points: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// Something given once to a person, and how many points it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gift {
    pub what: Once,
    pub points: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Once {
    SignUp,
    Newsletter,
    /// Of that year.
    Birthday(i16),
}

/// A code that points were spent on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveCode {
    /// What makes it.
    pub effect: EffectId,
    pub reward: String,
    pub ends_at: Timestamp,
    /// What disables it, where the shopper has given it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returning: Option<EffectId>,
}

impl Account {
    /// Points that can be spent: what shoppers are told. Never a debt.
    pub fn available(&self) -> i64 {
        self.lots.iter().map(|lot| lot.points).sum()
    }

    pub fn pending(&self) -> i64 {
        self.pending.iter().map(|lot| lot.points).sum()
    }

    /// The customer earns or spends.
    pub fn touch(&mut self, now: Timestamp, inactivity_days: Option<u32>) {
        self.active_at = self.active_at.max(Some(now));
        self.idle_days = inactivity_days.unwrap_or(0).into();
    }

    /// When points without a date of their own lapse, unless the customer earns or spends before. Nobody loses points
    /// sooner than the rule had it when they last did, nor by a rule that is new since.
    pub fn idle_at(&self, inactivity_days: Option<u32>) -> Option<Timestamp> {
        let days = self.idle_days.max(inactivity_days?.into());
        let active_at = self.active_at.filter(|_| self.idle_days > 0)?;
        Some(active_at.plus_days(days.unsigned_abs()))
    }

    pub fn gift(&self, what: Once) -> Option<&Gift> {
        self.gifts.iter().find(|gift| gift.what == what)
    }

    /// What is left of `points` once they have paid what is owed.
    fn repay(&mut self, points: i64) -> i64 {
        let repaid = points.min(self.owed);
        self.owed -= repaid;
        points - repaid
    }

    /// Takes in points that can be spent.
    pub fn add(&mut self, points: i64, expires_at: Option<Timestamp>) {
        let points = self.repay(points);
        if points == 0 {
            return;
        }
        match self.lots.iter_mut().find(|lot| lot.expires_at == expires_at) {
            Some(lot) => lot.points += points,
            None => {
                let at = self.lots.partition_point(|lot| lapses_before(lot.expires_at, expires_at));
                self.lots.insert(at, Lot { points, expires_at });
            }
        }
        while self.lots.len() > LOTS {
            // The later of the two stays, and is richer by the earlier.
            let at = nearest(&self.lots, |lot| lot.expires_at.unwrap_or(Timestamp(u64::MAX)));
            let earlier = self.lots.remove(at);
            self.lots[at].points += earlier.points;
        }
    }

    /// Takes in points that have to wait.
    pub fn add_pending(&mut self, points: i64, until: Timestamp, expires_at: Option<Timestamp>, order: Option<&str>) {
        let points = self.repay(points);
        if points == 0 {
            return;
        }
        let order = order.map(str::to_owned);
        let same = |lot: &&mut Pending| lot.order == order && lot.until == until && lot.expires_at == expires_at;
        match self.pending.iter_mut().find(same) {
            Some(lot) => lot.points += points,
            None => {
                let at = self.pending.partition_point(|lot| lot.until <= until);
                self.pending.insert(at, Pending { points, until, expires_at, order });
            }
        }
        while self.pending.len() > LOTS {
            let at = nearest(&self.pending, |lot| lot.until);
            let earlier = self.pending.remove(at);
            let later = &mut self.pending[at];
            later.points += earlier.points;
            later.order = None;
            if lapses_before(later.expires_at, earlier.expires_at) {
                later.expires_at = earlier.expires_at;
            }
        }
    }

    /// Spends points that are there, the soonest-lapsing first. Returns when the last of them would have lapsed.
    pub fn spend(&mut self, points: i64) -> Option<Timestamp> {
        let (mut left, mut last) = (points, None);
        for lot in &mut self.lots {
            let taken = left.min(lot.points);
            if taken > 0 {
                lot.points -= taken;
                left -= taken;
                last = lot.expires_at;
            }
        }
        self.lots.retain(|lot| lot.points > 0);
        last
    }

    /// Takes back up to `points`: pending ones first, those of the order itself before others, then, as the policy lets,
    /// available ones and ones that are not there. Returns how many.
    pub fn take_back(&mut self, points: i64, order: &str, policy: RefundPolicy) -> i64 {
        let mut left = points;
        for own in [true, false] {
            for lot in self.pending.iter_mut().filter(|lot| (lot.order.as_deref() == Some(order)) == own) {
                let taken = left.min(lot.points);
                lot.points -= taken;
                left -= taken;
            }
        }
        self.pending.retain(|lot| lot.points > 0);
        if policy != RefundPolicy::OnlyPending {
            let available = self.available().min(left);
            self.spend(available);
            left -= available;
        }
        if policy == RefundPolicy::AllowNegative {
            self.owed += left;
            left = 0;
        }
        points - left
    }

    /// Makes points available whose time has come. Returns how many, and the order that earned them, if it is one.
    pub fn approve(&mut self, now: Timestamp) -> (i64, Option<String>) {
        let ripe = self.pending.partition_point(|lot| lot.until <= now);
        let ripe: Vec<Pending> = self.pending.drain(..ripe).collect();
        let points = ripe.iter().map(|lot| lot.points).sum();
        for lot in &ripe {
            self.add(lot.points, lot.expires_at);
        }
        let first = ripe.first().and_then(|lot| lot.order.clone());
        (points, first.filter(|first| ripe.iter().all(|lot| lot.order.as_ref() == Some(first))))
    }

    /// Takes out the points that have lapsed. Returns how many.
    pub fn lapse(&mut self, now: Timestamp, inactivity_days: Option<u32>) -> i64 {
        let before = self.available() + self.pending();
        let passed = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
        if passed(self.claim_by) {
            self.pending.clear();
            self.lots.clear();
        }
        let idle = passed(self.idle_at(inactivity_days));
        self.lots.retain(|lot| !(passed(lot.expires_at) || idle && lot.expires_at.is_none()));
        before - self.available() - self.pending()
    }

    /// What a day's orders have earned.
    pub fn earned_on(&self, day: Date) -> i64 {
        self.days.iter().find(|(it, _)| *it == day).map_or(0, |(_, points)| *points)
    }

    pub fn count_day(&mut self, day: Date, points: i64) {
        match self.days.iter_mut().find(|(it, _)| *it == day) {
            Some((_, earned)) => *earned += points,
            None => self.days.push((day, points)),
        }
        self.days.sort_unstable();
        let excess = self.days.len().saturating_sub(DAYS);
        self.days.drain(..excess);
    }

    /// Takes over what another account holds, apart from the sums of entries, which entries bring over.
    pub fn join(&mut self, other: Self) {
        let debts = [std::mem::take(&mut self.owed), other.owed];
        for lot in other.pending {
            self.add_pending(lot.points, lot.until, lot.expires_at, lot.order.as_deref());
        }
        for lot in other.lots {
            self.add(lot.points, lot.expires_at);
        }
        for debt in debts {
            self.take_back(debt, "", RefundPolicy::AllowNegative);
        }
        for gift in other.gifts {
            if self.gift(gift.what).is_none() {
                self.gifts.push(gift);
            }
        }
        for (day, points) in other.days {
            self.count_day(day, points);
        }
        self.codes.extend(other.codes);
        self.active_at = self.active_at.max(other.active_at);
        self.idle_days = self.idle_days.max(other.idle_days);
        self.birthday = self.birthday.or(other.birthday);
        self.warned_until = self.warned_until.max(other.warned_until);
    }
}

/// Whether points of the first date go before those of the second: none is never.
fn lapses_before(one: Option<Timestamp>, other: Option<Timestamp>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one < other,
        (one, other) => one.is_some() && other.is_none(),
    }
}

/// The first of the two neighbours that are nearest in time.
fn nearest<T>(lots: &[T], at: impl Fn(&T) -> Timestamp) -> usize {
    let gap = |index: &usize| at(&lots[index + 1]).since(at(&lots[*index]));
    (0..lots.len() - 1).min_by_key(gap).unwrap_or(0)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(points: &i64) -> bool {
    *points == 0
}
