//! What shoppers read in the panel, in their language. `languages` holds the words.

use regulars_sdk::Date;

mod languages;

/// One language's texts. `{0}`, `{1}` and `{2}` stand for what is put in.
pub struct Texts {
    /// One order, several orders, each with its number.
    order: [&'static str; 2],
    months: [&'static str; 12],
    /// Day, month, year.
    date: &'static str,
    pub tier: &'static str,
    /// The last day.
    pub until: &'static str,
    pub safe: &'static str,
    /// What is missing.
    pub to_stay: &'static str,
    /// What is missing, and the next tier.
    pub next: &'static str,
    pub and: &'static str,
    pub or: &'static str,
    pub benefits: &'static str,
    pub free_shipping: &'static str,
    pub reward: &'static str,
    pub code_until: &'static str,
}

impl Texts {
    /// Of a language tag such as `de-AT`; English where there is no such language.
    pub fn of(locale: &str) -> &'static Self {
        let language = locale.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
        match language.as_str() {
            "de" => &languages::GERMAN,
            "fr" => &languages::FRENCH,
            "es" => &languages::SPANISH,
            "nl" => &languages::DUTCH,
            "ja" => &languages::JAPANESE,
            _ => &languages::ENGLISH,
        }
    }

    /// `1 order`, `3 orders`.
    pub fn orders(&self, orders: i64) -> String {
        fill(self.order[usize::from(orders != 1)], &[&orders.to_string()])
    }

    pub fn date(&self, date: Date) -> String {
        let month = self.months[usize::from(date.month.clamp(1, 12)) - 1];
        fill(self.date, &[&date.day.to_string(), month, &date.year.to_string()])
    }
}

/// Puts values in, the first for `{0}`, and so on.
pub fn fill(text: &str, values: &[&str]) -> String {
    let mut rest = text;
    let mut filled = String::with_capacity(text.len() + 16);
    while let Some((before, after)) = rest.split_once('{') {
        let Some((index, tail)) = after.split_once('}') else { break };
        filled.push_str(before);
        filled.push_str(index.parse().ok().and_then(|index: usize| values.get(index)).copied().unwrap_or_default());
        rest = tail;
    }
    filled.push_str(rest);
    filled
}
