//! Money: integer minor units with a currency. No floating point touches an amount.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// An ISO 4217 currency, by its three-letter code.
///
/// Serialises as its code for people and as its ISO 4217 number for machines.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    pub fn code(&self) -> &'static str {
        self.0.code()
    }

    /// Decimal digits of the minor unit: 2 for EUR, 0 for JPY, 3 for KWD (ISO 4217, table A.1).
    pub fn exponent(&self) -> u32 {
        u32::from(self.0.exponent().unwrap_or(0))
    }
}

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(code: &str) -> Result<Self, MoneyError> {
        iso_currency::Currency::from_code(code).map(Self).ok_or_else(|| MoneyError::UnknownCurrency(code.into()))
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match serializer.is_human_readable() {
            true => self.code().serialize(serializer),
            false => self.0.numeric().serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return String::deserialize(deserializer)?.parse().map_err(D::Error::custom);
        }
        let number = u16::deserialize(deserializer)?;
        iso_currency::Currency::from_numeric(number)
            .map(Self)
            .ok_or_else(|| D::Error::custom(MoneyError::UnknownCurrency(number.to_string())))
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// An amount in the currency's minor unit: 1999 and EUR is 19.99 EUR.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    pub minor: i64,
    pub currency: Currency,
}

/// Why a text is not an amount of money.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    #[error("`{0}` is not an ISO 4217 currency code")]
    UnknownCurrency(String),
    #[error("`{0}` is not a decimal amount")]
    NotDecimal(String),
    #[error("`{amount}` has more than the {exponent} decimal digits of {currency}")]
    TooPrecise { amount: String, currency: Currency, exponent: u32 },
    #[error("`{0}` does not fit 64 bits of minor units")]
    Overflow(String),
}

impl Money {
    pub fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    pub fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    /// Reads a plain decimal such as `-12.50`. Digits past the minor unit must be zeros: nothing is rounded.
    pub fn parse(amount: &str, currency: Currency) -> Result<Self, MoneyError> {
        let not_decimal = || MoneyError::NotDecimal(amount.into());
        let exponent = currency.exponent();
        let (negative, digits) = match amount.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, amount),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) || digits.ends_with('.') {
            return Err(not_decimal());
        }
        let kept = fraction.len().min(exponent as usize);
        if fraction.as_bytes()[kept..].iter().any(|&byte| byte != b'0') {
            return Err(MoneyError::TooPrecise { amount: amount.into(), currency, exponent });
        }
        let padding = exponent as usize - kept;
        let minor = whole
            .bytes()
            .chain(fraction.bytes().take(kept))
            .chain(std::iter::repeat_n(b'0', padding))
            .try_fold(0i64, |sum, byte| sum.checked_mul(10)?.checked_add(i64::from(byte - b'0')))
            .ok_or_else(|| MoneyError::Overflow(amount.into()))?;
        Ok(Self { minor: if negative { -minor } else { minor }, currency })
    }

    /// The amount as a plain decimal, without the currency: the form platforms' APIs take.
    pub fn decimal(&self) -> String {
        let exponent = self.currency.exponent() as usize;
        let sign = if self.minor < 0 { "-" } else { "" };
        let digits = format!("{:0width$}", self.minor.unsigned_abs(), width = exponent + 1);
        match exponent {
            0 => format!("{sign}{digits}"),
            _ => {
                let (whole, fraction) = digits.split_at(digits.len() - exponent);
                format!("{sign}{whole}.{fraction}")
            }
        }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.decimal(), self.currency)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn currency(code: &str) -> Currency {
        code.parse().unwrap()
    }

    #[test]
    fn the_minor_unit_follows_the_currency() {
        assert_eq!(Money::parse("19.99", currency("EUR")).unwrap().minor, 1999);
        assert_eq!(Money::parse("19.9", currency("EUR")).unwrap().minor, 1990);
        assert_eq!(Money::parse("500", currency("JPY")).unwrap().minor, 500);
        assert_eq!(Money::parse("500.00", currency("JPY")).unwrap().minor, 500);
        assert_eq!(Money::parse("1.234", currency("KWD")).unwrap().minor, 1234);
        assert_eq!(Money::parse("-0.05", currency("USD")).unwrap().minor, -5);
    }

    #[test]
    fn nothing_is_rounded_or_guessed() {
        let eur = currency("EUR");
        assert!(matches!(Money::parse("1.005", eur), Err(MoneyError::TooPrecise { .. })));
        assert!(matches!(Money::parse("99999999999999999999", eur), Err(MoneyError::Overflow(_))));
        for text in ["", "-", ".", "1.", ".5", "1,5", "1e3", "+1", " 1", "1.2.3", "example"] {
            assert!(matches!(Money::parse(text, eur), Err(MoneyError::NotDecimal(_))), "{text}");
        }
        assert!(matches!("XX".parse::<Currency>(), Err(MoneyError::UnknownCurrency(_))));
    }

    proptest! {
        #[test]
        fn a_printed_amount_reads_back_as_itself(minor in -i64::MAX..i64::MAX, code in prop::sample::select(vec!["EUR", "JPY", "KWD"])) {
            let money = Money::new(minor, currency(code));
            prop_assert_eq!(Money::parse(&money.decimal(), money.currency), Ok(money));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".*") {
            let _ = Money::parse(&text, currency("EUR"));
        }
    }
}
