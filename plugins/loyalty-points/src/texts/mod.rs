//! What shoppers read in the panel, in their language. `languages` holds the words.

use regulars_sdk::{
    Date,
    language::{Language, fill},
};

use crate::ledger::Kind;

mod languages;

/// One language's texts. `{0}`, `{1}` and `{2}` stand for what is put in.
pub struct Texts {
    language: Language,
    /// One point, several points, each with its number.
    point: [&'static str; 2],
    /// French says `0 point`.
    none_is_one: bool,
    pub balance: &'static str,
    pub pending: &'static str,
    pub lapsing: &'static str,
    pub claim: &'static str,
    pub next: &'static str,
    pub rewards: &'static str,
    pub redeem: &'static str,
    pub missing: &'static str,
    pub unused_code: &'static str,
    pub per_step: &'static str,
    pub points_to_redeem: &'static str,
    pub valid_until: &'static str,
    pub unneeded: &'static str,
    pub give_back: &'static str,
    pub returning: &'static str,
    pub history: &'static str,
    pub birthday: &'static str,
    pub birthday_why: &'static str,
    pub birthday_field: &'static str,
    pub birthday_known: &'static str,
    pub save: &'static str,
    kinds: Kinds,
}

/// What each kind of entry is called.
struct Kinds {
    sign_up: &'static str,
    newsletter: &'static str,
    review: &'static str,
    birthday: &'static str,
    earn: &'static str,
    approve: &'static str,
    expire: &'static str,
    reverse: &'static str,
    restore: &'static str,
    redeem: &'static str,
    give_back: &'static str,
    merge: &'static str,
    adjust: &'static str,
    import: &'static str,
}

impl Texts {
    /// Of a language tag such as `de-AT`; English where there is no such language.
    pub fn of(locale: &str) -> &'static Self {
        match Language::of(locale) {
            Language::English => &languages::ENGLISH,
            Language::German => &languages::GERMAN,
            Language::French => &languages::FRENCH,
            Language::Spanish => &languages::SPANISH,
            Language::Dutch => &languages::DUTCH,
            Language::Japanese => &languages::JAPANESE,
        }
    }

    /// `1 point`, `30 points`.
    pub fn points(&self, points: i64) -> String {
        let is_one = points == 1 || (points == 0 && self.none_is_one);
        fill(self.point[usize::from(!is_one)], &[&points.to_string()])
    }

    pub fn date(&self, date: Date) -> String {
        self.language.date(date)
    }

    /// A day of every year.
    pub fn day(&self, month: u8, day: u8) -> String {
        self.language.day(month, day)
    }

    pub fn kind(&self, kind: Kind) -> &'static str {
        match kind {
            Kind::SignUp => self.kinds.sign_up,
            Kind::Newsletter => self.kinds.newsletter,
            Kind::Review => self.kinds.review,
            Kind::Birthday => self.kinds.birthday,
            Kind::Earn => self.kinds.earn,
            Kind::Approve => self.kinds.approve,
            Kind::Expire => self.kinds.expire,
            Kind::Reverse => self.kinds.reverse,
            Kind::Restore => self.kinds.restore,
            Kind::Redeem => self.kinds.redeem,
            Kind::GiveBack => self.kinds.give_back,
            Kind::Merge => self.kinds.merge,
            Kind::Adjust => self.kinds.adjust,
            Kind::Import => self.kinds.import,
        }
    }
}
