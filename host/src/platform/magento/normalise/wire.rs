//! Magento's notation: ids, amounts, quantities and times. REST writes numbers and leaves out what is null; events and
//! dumps of a model write texts, such as `39.2800`.

use crate::{
    domain::{Birthday, Currency, Money, MoneyError, Timestamp},
    platform::{
        Problem, Unreadable,
        json::{Loose, is_id},
    },
};

/// Digits after the dot that Magento keeps, whatever the currency.
const DIGITS: usize = 4;

/// A number in ten-thousandths: an amount of money in no currency yet, or a quantity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decimal(pub i64);

impl Decimal {
    pub const ONE: Self = Self(10_i64.pow(DIGITS as u32));

    /// Reads a decimal, with an exponent where PHP writes a tiny one. What PHP's floating point adds behind the fourth digit
    /// is rounded off, half away from zero.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        /// More digits, or a larger exponent, than any amount has.
        const LENGTH_MAX: usize = 64;
        let not_decimal = || Problem::Money(MoneyError::NotDecimal(text.chars().take(LENGTH_MAX).collect()));
        let overflow = || Problem::Money(MoneyError::Overflow(text.into()));
        if text.len() > LENGTH_MAX {
            return Err(not_decimal());
        }
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let exponent: i32 = exponent.parse().map_err(|_| not_decimal())?;
        let (is_negative, mantissa) = match mantissa.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, mantissa),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || mantissa.ends_with('.') || !all_digits(whole) || !all_digits(fraction) {
            return Err(not_decimal());
        }
        let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).map(|byte| byte - b'0').collect();
        // How many of the digits stand before the place at which the number is cut.
        let kept = i64::try_from(whole.len() + DIGITS).map_err(|_| overflow())? + i64::from(exponent);
        let mut value = 0_i64;
        for at in 0..kept.max(0) {
            let digit = usize::try_from(at).ok().and_then(|at| digits.get(at)).copied().unwrap_or(0);
            value = value.checked_mul(10).and_then(|value| value.checked_add(digit.into())).ok_or_else(overflow)?;
        }
        let next = usize::try_from(kept).ok().and_then(|at| digits.get(at)).copied().unwrap_or(0);
        value = value.checked_add(i64::from(next >= 5)).ok_or_else(overflow)?;
        Ok(Self(if is_negative { -value } else { value }))
    }

    /// The amount in a currency's minor units, rounded half away from zero.
    pub fn money(self, currency: Currency) -> Result<Money, Problem> {
        let exponent = currency.exponent();
        let minor = match u32::try_from(DIGITS).unwrap_or(0).checked_sub(exponent) {
            Some(dropped) => Some(rounded(self.0.into(), 10_i128.pow(dropped))),
            None => i128::from(self.0).checked_mul(10_i128.pow(exponent - DIGITS as u32)),
        };
        let minor = minor.and_then(|minor| i64::try_from(minor).ok());
        let minor = minor.ok_or_else(|| Problem::Money(MoneyError::Overflow(self.0.to_string())))?;
        Ok(Money::new(minor, currency))
    }

    /// The number as a count of whole things; `None` of a fraction and of what is below zero.
    pub fn whole(self) -> Option<u32> {
        (self.0 % Self::ONE.0 == 0).then(|| u32::try_from(self.0 / Self::ONE.0).ok()).flatten()
    }

    pub fn abs(self) -> Self {
        Self(self.0.saturating_abs())
    }

    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    pub fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    pub fn times(self, quantity: Self) -> Self {
        let product = rounded(i128::from(self.0) * i128::from(quantity.0), Self::ONE.0.into());
        Self(i64::try_from(product).unwrap_or(if product < 0 { i64::MIN } else { i64::MAX }))
    }
}

impl std::iter::Sum for Decimal {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), Self::plus)
    }
}

/// A quotient, half away from zero.
fn rounded(number: i128, by: i128) -> i128 {
    let half = if number < 0 { -by / 2 } else { by / 2 };
    (number + half) / by
}

/// The decimal that `field` holds, if it holds one.
pub fn decimal_if_any(field: &str, value: Option<Loose<'_>>) -> Result<Option<Decimal>, Unreadable> {
    match value.map(|value| value.text().filter(|text| !text.is_empty()).ok_or(value)) {
        Some(Ok(text)) => Decimal::parse(&text).map(Some).map_err(|problem| problem.at(field)),
        Some(Err(value)) if value.raw() != "\"\"" => Err(Problem::shape("not a decimal").at(field)),
        _ => Ok(None),
    }
}

/// The decimal that `field` holds; zero where it is left out.
pub fn decimal(field: &str, value: Option<Loose<'_>>) -> Result<Decimal, Unreadable> {
    Ok(decimal_if_any(field, value)?.unwrap_or_default())
}

pub fn required_decimal(field: &str, value: Option<Loose<'_>>) -> Result<Decimal, Unreadable> {
    decimal_if_any(field, value)?.ok_or_else(|| Problem::Missing.at(field))
}

/// An entity's id. Zero is none: so does Magento say that there is nothing.
pub fn id(value: Option<Loose<'_>>) -> Option<String> {
    value?.text().filter(|text| is_id(text) && text.bytes().any(|byte| byte != b'0'))
}

pub fn required_id(field: &str, value: Option<Loose<'_>>) -> Result<String, Unreadable> {
    match value {
        Some(value) => id(Some(value)).ok_or_else(|| Problem::shape("not an entity's id").at(field)),
        None => Err(Problem::Missing.at(field)),
    }
}

/// A text to keep: `None` if it is absent, null, empty or anything else.
pub fn text(value: Option<Loose<'_>>) -> Option<String> {
    value?.text().filter(|text| !text.is_empty())
}

/// A switch, which is `1`, `"1"` or `true`.
pub fn flag(value: Option<Loose<'_>>) -> bool {
    value.and_then(Loose::text).is_some_and(|text| text == "1" || text == "true")
}

/// An instant: RFC 3339, or Magento's own form, which is UTC whatever the store's time zone.
pub fn instant(text: &str) -> Option<Timestamp> {
    let read = text.parse::<jiff::Timestamp>().ok();
    let read = read.or_else(|| {
        Some(text.parse::<jiff::civil::DateTime>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    });
    u64::try_from(read?.as_millisecond()).ok().map(Timestamp)
}

/// The instant that `field` holds, unless it is left out.
pub fn time(field: &str, value: Option<Loose<'_>>) -> Result<Option<Timestamp>, Unreadable> {
    let text = text(value).filter(|text| !text.starts_with("0000-00-00"));
    text.map(|text| instant(&text).ok_or_else(|| Problem::time(&text).at(field))).transpose()
}

/// A day of birth, alone on a customer and with a midnight on an order; `None` of what is no day.
pub fn birthday(value: Option<Loose<'_>>) -> Option<Birthday> {
    let text = text(value)?;
    let date: jiff::civil::Date = text.split(['T', ' ']).next()?.parse().ok()?;
    let [month, day] = [date.month(), date.day()].map(i8::unsigned_abs);
    (date.year() > 0).then_some(Birthday { year: Some(date.year()), month, day })
}

/// A currency that a body states, else the store's.
pub fn currency_or(field: &str, value: Option<Loose<'_>>, default: Currency) -> Result<Currency, Unreadable> {
    /// Codes have three letters; what is far longer is not worth quoting.
    const CODE_MAX: usize = 16;
    match text(value) {
        Some(code) if code.len() <= CODE_MAX => code.parse().map_err(|error| Problem::Money(error).at(field)),
        Some(_) => Err(Problem::shape("not an ISO 4217 currency code").at(field)),
        None => Ok(default),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> Option<i64> {
        Decimal::parse(text).ok().map(|decimal| decimal.0)
    }

    fn minor(ten_thousandths: i64, code: &str) -> i64 {
        Decimal(ten_thousandths).money(code.parse().unwrap()).unwrap().minor
    }

    #[test]
    fn an_amount_is_read_however_php_has_written_it() {
        for (text, expected) in [
            ("39.2800", 392_800),
            ("39.28", 392_800),
            ("24", 240_000),
            ("-0", 0),
            ("-3.3", -33_000),
            ("39.279999999999994", 392_800),
            ("-39.28000000000001", -392_800),
            ("1.7763568394002505e-15", 0),
            ("5.0E-5", 1),
            ("1.2e3", 12_000_000),
            ("32444.000000", 324_440_000),
        ] {
            assert_eq!(parsed(text), Some(expected), "{text}");
        }
        for text in ["", "-", ".", "1.", ".5", "1,5", "+1", " 1", "1.2.3", "1e", "e5", "99999999999999999999", "1e40"] {
            assert_eq!(parsed(text), None, "{text}");
        }
    }

    #[test]
    fn four_digits_become_minor_units_half_away_from_zero() {
        assert_eq!((minor(392_850, "EUR"), minor(-392_850, "EUR"), minor(392_849, "EUR")), (3929, -3929, 3928));
        assert_eq!((minor(5_000, "JPY"), minor(4_999, "JPY"), minor(-5_000, "JPY")), (1, 0, -1));
        assert_eq!((minor(12_345, "KWD"), minor(12_344, "KWD")), (1235, 1234));
        assert_eq!(minor(12_345, "CLF"), 12_345);
    }

    #[test]
    fn times_are_utc_in_either_form() {
        let expected = instant("2026-11-21T18:18:42Z");
        assert!(expected.is_some());
        assert_eq!(instant("2026-11-21 18:18:42"), expected);
        assert_eq!((instant("21.11.2026"), instant("")), (None, None));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_without_panic(text in ".{0,80}", number in "-?[0-9]{1,30}(\\.[0-9]{1,30})?([eE]-?[0-9]{1,9})?") {
            let _ = (Decimal::parse(&text), Decimal::parse(&number), instant(&text));
        }

        #[test]
        fn a_decimal_of_four_digits_reads_back_as_itself(value in -1_000_000_000_000_i64..1_000_000_000_000) {
            let text = format!("{}{}.{:04}", if value < 0 { "-" } else { "" }, value.abs() / 10_000, value.abs() % 10_000);
            prop_assert_eq!(parsed(&text), Some(value));
        }
    }
}
