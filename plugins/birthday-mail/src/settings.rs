//! What the merchant sets. The manifest's schema holds the defaults and the bounds.

use regulars_sdk::{Currency, Customer, Money};
use serde::{Deserialize, Serialize};

use crate::calendar::Course;

#[derive(Clone, Debug, Deserialize)]
pub struct Settings {
    pub birthdays: bool,
    pub days_before: u64,
    pub birthday_reward: Reward,
    pub reward_lead_days: u64,
    pub change_lock_days: u64,
    pub ask_in_panel: bool,
    pub ask_year: bool,
    pub anniversaries: bool,
    pub anniversary_reward: Reward,
    pub order_marks: Vec<u32>,
    pub order_reward: Reward,
    /// Decimal amounts in the shop's currency.
    pub lifetime_marks: Vec<String>,
    pub lifetime_reward: Reward,
    pub milestone_wait_days: u64,
    pub send_hour: u16,
    pub send_minute: u16,
    pub late_days: u64,
    pub code_prefix: String,
    pub exclude_customer_tags: Vec<String>,
}

/// What comes with a mail: a code of the customer's own, or nothing.
#[derive(Clone, Debug, Deserialize)]
pub struct Reward {
    pub kind: Kind,
    pub percent: u32,
    /// Decimal amounts in the shop's currency.
    pub amount: String,
    pub min_cart: String,
    pub valid_days: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    None,
    Percent,
    Amount,
}

/// The part of the settings that says when everybody's next mail is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timetable {
    birthdays: bool,
    anniversaries: bool,
    days_before: u64,
    minute: u16,
}

impl Settings {
    /// When birthday mails go out.
    pub fn birthday_course(&self) -> Course {
        Course { days_before: self.days_before, minute: self.minute() }
    }

    /// When anniversary mails go out.
    pub fn anniversary_course(&self) -> Course {
        Course { days_before: 0, minute: self.minute() }
    }

    /// The minute of the day.
    fn minute(&self) -> u16 {
        self.send_hour * 60 + self.send_minute
    }

    pub fn timetable(&self) -> Timetable {
        Timetable {
            birthdays: self.birthdays,
            anniversaries: self.anniversaries,
            days_before: self.days_before,
            minute: self.minute(),
        }
    }

    /// The marks of lifetime spend in minor units; those that do not read are left out.
    pub fn lifetime_marks(&self, currency: Currency) -> impl Iterator<Item = i64> {
        let marks = self.lifetime_marks.iter().filter_map(move |mark| Money::parse(mark, currency).ok());
        marks.map(|mark| mark.minor).filter(|mark| *mark > 0)
    }

    /// The first of the customer's tags that keeps mails away.
    pub fn excluded_tag<'a>(&self, customer: &'a Customer) -> Option<&'a str> {
        let excluded = |tag: &&String| self.exclude_customer_tags.iter().any(|it| it.eq_ignore_ascii_case(tag));
        customer.tags.iter().find(excluded).map(String::as_str)
    }

    /// What cannot work as it is set, for the merchant.
    pub fn problems(&self, currency: Currency) -> Vec<String> {
        let reads = |amount: &String| Money::parse(amount, currency).is_ok();
        let mut problems = Vec::new();
        for mark in self.lifetime_marks.iter().filter(|mark| !reads(mark)) {
            problems.push(format!("the lifetime spend {mark} is no amount in {currency}"));
        }
        let rewards = [
            ("a birthday", &self.birthday_reward),
            ("an anniversary", &self.anniversary_reward),
            ("orders", &self.order_reward),
            ("lifetime spend", &self.lifetime_reward),
        ];
        for (name, reward) in rewards {
            if reward.kind == Kind::Amount && !reads(&reward.amount) {
                problems.push(format!("the reward for {name}, {}, is no amount in {currency}", reward.amount));
            }
            if reward.kind != Kind::None && !reads(&reward.min_cart) {
                problems
                    .push(format!("the smallest order for {name}, {}, is no amount in {currency}", reward.min_cart));
            }
        }
        problems
    }
}
