//! A birthday as browsers and merchants write it.

use std::fmt;

use regulars_sdk::Action;
use serde::{Deserialize, Deserializer, de::Visitor};

use crate::calendar::{Day, is_leap};

/// The input of the action `birthday`: a day and a month, or both as `MM-DD`, as a form of the panel sends them; and a year
/// or none.
#[derive(Deserialize)]
struct Told {
    #[serde(default)]
    birthday: Option<String>,
    #[serde(default, deserialize_with = "number")]
    day: Option<u16>,
    #[serde(default, deserialize_with = "number")]
    month: Option<u16>,
    #[serde(default, deserialize_with = "number")]
    year: Option<u16>,
}

/// A day, and the year of birth if that was told too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Birth {
    pub day: Day,
    pub year: Option<i16>,
}

/// `None` where it is no birthday. `this_year` is the last that one can be born in.
pub fn birth(action: &Action, this_year: i16) -> Option<Birth> {
    let told: Told = action.input().ok()?;
    let day = match (&told.birthday, told.month, told.day) {
        (Some(text), None, None) => Day::read(text)?,
        (None, Some(month), Some(day)) => Day::new(month.try_into().ok()?, day.try_into().ok()?)?,
        _ => return None,
    };
    let year = told.year.map(i16::try_from).transpose().ok()?;
    let leap_day = day == Day::new(2, 29)?;
    let possible = |year: i16| (1900..=this_year).contains(&year) && (!leap_day || is_leap(year));
    year.is_none_or(possible).then_some(Birth { day, year })
}

/// A number, or one as text; forms send text, and nothing for what was left empty.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u16>, D::Error> {
    struct Number;

    impl Visitor<'_> for Number {
        type Value = Option<u16>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a number")
        }

        fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Option<u16>, E> {
            number.try_into().map(Some).map_err(|_| E::custom("too large"))
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Option<u16>, E> {
            match text.trim() {
                "" => Ok(None),
                text => text.parse().map(Some).map_err(|_| E::custom("no number")),
            }
        }

        fn visit_unit<E>(self) -> Result<Option<u16>, E> {
            Ok(None)
        }
    }

    deserializer.deserialize_any(Number)
}
