//! Money: integer minor units with a currency. No floating point touches an amount.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// An ISO 4217 currency, by its three-letter code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// The currency's code, such as `EUR`.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Decimal digits of the minor unit: 2 for EUR, 0 for JPY, 3 for KWD.
    ///
    /// Source: ISO 4217, list one. Units without a minor unit, such as gold, count whole.
    pub fn exponent(self) -> u32 {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG" | b"RWF" | b"UGX"
            | b"UYI" | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"XAG" | b"XAU" | b"XBA" | b"XBB" | b"XBC" | b"XBD" | b"XDR" | b"XPD" | b"XPT" | b"XSU" | b"XTS"
            | b"XUA" | b"XXX" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            b"CLF" | b"UYW" => 4,
            _ => 2,
        }
    }

    /// Minor units in one whole unit: 100 for EUR, 1 for JPY, 1000 for KWD.
    pub fn minor_per_unit(self) -> i64 {
        10i64.pow(self.exponent())
    }
}

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(code: &str) -> Result<Self, MoneyError> {
        match <[u8; 3]>::try_from(code.as_bytes()) {
            Ok(letters) if letters.iter().all(u8::is_ascii_uppercase) => Ok(Self(letters)),
            _ => Err(MoneyError::UnknownCurrency(code.into())),
        }
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
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

/// An amount in the currency's minor unit: 1999 and EUR is 19.99 EUR, 500 and JPY is 500 JPY.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// Minor units; negative amounts are debts.
    pub minor: i64,
    /// What they are units of.
    pub currency: Currency,
}

/// Why an amount cannot be read or computed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MoneyError {
    /// Not three letters from A to Z.
    UnknownCurrency(String),
    /// Not a plain decimal such as `12.50`.
    NotDecimal(String),
    /// More decimal digits than the currency has.
    TooPrecise(String),
    /// Two amounts of different currencies.
    CurrencyMismatch(Currency, Currency),
    /// The result does not fit 64 bits of minor units.
    Overflow,
}

impl fmt::Display for MoneyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownCurrency(code) => write!(f, "`{code}` is not an ISO 4217 currency code"),
            Self::NotDecimal(text) => write!(f, "`{text}` is not a decimal amount"),
            Self::TooPrecise(text) => write!(f, "`{text}` has more decimal digits than its currency"),
            Self::CurrencyMismatch(one, other) => write!(f, "{one} and {other} do not add up"),
            Self::Overflow => f.write_str("the amount does not fit 64 bits of minor units"),
        }
    }
}

impl std::error::Error for MoneyError {}

impl Money {
    /// `minor` minor units of `currency`.
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Nothing, in `currency`.
    pub const fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    /// The sum of two amounts of one currency.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`], [`MoneyError::Overflow`].
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        self.combine(other, i64::checked_add)
    }

    /// The difference of two amounts of one currency.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`], [`MoneyError::Overflow`].
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        self.combine(other, i64::checked_sub)
    }

    /// The amount, `count` times.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`].
    pub fn times(self, count: u32) -> Result<Self, MoneyError> {
        let minor = self.minor.checked_mul(i64::from(count)).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, ..self })
    }

    fn combine(self, other: Self, operation: fn(i64, i64) -> Option<i64>) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::CurrencyMismatch(self.currency, other.currency));
        }
        let minor = operation(self.minor, other.minor).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, ..self })
    }

    /// Reads a plain decimal such as `-12.50`. Digits past the minor unit must be zeros: nothing is rounded.
    ///
    /// # Errors
    /// [`MoneyError::NotDecimal`], [`MoneyError::TooPrecise`], [`MoneyError::Overflow`].
    pub fn parse(amount: &str, currency: Currency) -> Result<Self, MoneyError> {
        let digits = amount.strip_prefix('-').unwrap_or(amount);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) || digits.ends_with('.') {
            return Err(MoneyError::NotDecimal(amount.into()));
        }
        let exponent = currency.exponent() as usize;
        let (kept, dropped) = fraction.split_at(fraction.len().min(exponent));
        if dropped.bytes().any(|byte| byte != b'0') {
            return Err(MoneyError::TooPrecise(amount.into()));
        }
        let minor = whole
            .bytes()
            .chain(kept.bytes())
            .chain(std::iter::repeat_n(b'0', exponent - kept.len()))
            .try_fold(0i64, |sum, byte| sum.checked_mul(10)?.checked_add(i64::from(byte - b'0')))
            .ok_or(MoneyError::Overflow)?;
        Ok(Self { minor: if amount.starts_with('-') { -minor } else { minor }, currency })
    }

    /// The amount as a plain decimal, without the currency.
    pub fn decimal(self) -> String {
        let exponent = self.currency.exponent() as usize;
        let mut text = self.minor.unsigned_abs().to_string();
        if exponent > 0 {
            if text.len() <= exponent {
                text.insert_str(0, &"00000"[..exponent + 1 - text.len()]);
            }
            text.insert(text.len() - exponent, '.');
        }
        if self.minor < 0 {
            text.insert(0, '-');
        }
        text
    }
}

impl fmt::Display for Money {
    /// The decimal and the code: `19.99 EUR`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.decimal())?;
        f.write_str(" ")?;
        f.write_str(self.currency.code())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn money(amount: &str, code: &str) -> Result<Money, MoneyError> {
        Money::parse(amount, code.parse()?)
    }

    #[test]
    fn every_currency_has_the_exponent_that_the_host_uses() {
        let mut seen = 0;
        for letters in (0..26u32.pow(3)).map(|n| [n / 676, n / 26 % 26, n % 26].map(|it| char::from(b'A' + it as u8))) {
            let code = String::from_iter(letters);
            if let Some(listed) = iso_currency::Currency::from_code(&code) {
                let exponent = u32::from(listed.exponent().unwrap_or(0));
                assert_eq!(code.parse::<Currency>().unwrap().exponent(), exponent, "{code}");
                seen += 1;
            }
        }
        assert!(seen > 150, "only {seen} currencies were compared");
    }

    #[test]
    fn amounts_print_in_their_minor_unit() {
        for (minor, code, text) in [
            (1999, "EUR", "19.99 EUR"),
            (5, "EUR", "0.05 EUR"),
            (-5, "EUR", "-0.05 EUR"),
            (0, "EUR", "0.00 EUR"),
            (500, "JPY", "500 JPY"),
            (1234, "KWD", "1.234 KWD"),
            (1, "CLF", "0.0001 CLF"),
            (i64::MIN, "EUR", "-92233720368547758.08 EUR"),
        ] {
            assert_eq!(Money::new(minor, code.parse().unwrap()).to_string(), text);
        }
    }

    #[test]
    fn nothing_is_rounded_or_guessed() {
        assert_eq!(money("500.00", "JPY").map(|it| it.minor), Ok(500));
        assert_eq!(money("19.9", "EUR").map(|it| it.minor), Ok(1990));
        assert_eq!(money("1.005", "EUR"), Err(MoneyError::TooPrecise("1.005".into())));
        assert_eq!(money("99999999999999999999", "EUR"), Err(MoneyError::Overflow));
        for text in ["", "-", ".", "1.", ".5", "1,5", "1e3", "+1", " 1", "1.2.3", "é", "--1"] {
            assert_eq!(money(text, "EUR"), Err(MoneyError::NotDecimal(text.into())));
        }
        for code in ["", "EU", "eur", "EURO", "€"] {
            assert_eq!(code.parse::<Currency>(), Err(MoneyError::UnknownCurrency(code.into())));
        }
    }

    #[test]
    fn sums_are_checked() {
        let [euro, yen] = ["EUR", "JPY"].map(|code| code.parse::<Currency>().unwrap());
        assert_eq!(Money::new(1, euro).plus(Money::new(2, euro)), Ok(Money::new(3, euro)));
        assert_eq!(Money::new(1, euro).minus(Money::new(2, euro)), Ok(Money::new(-1, euro)));
        assert_eq!(Money::new(7, yen).times(3), Ok(Money::new(21, yen)));
        assert_eq!(Money::new(1, euro).plus(Money::new(2, yen)), Err(MoneyError::CurrencyMismatch(euro, yen)));
        assert_eq!(Money::new(i64::MAX, euro).plus(Money::new(1, euro)), Err(MoneyError::Overflow));
        assert_eq!(Money::new(i64::MIN, euro).times(2), Err(MoneyError::Overflow));
    }

    #[test]
    fn stored_money_names_its_currency() {
        let stored = serde_json::to_string(&Money::new(1999, "EUR".parse().unwrap())).unwrap();
        assert_eq!(stored, r#"{"minor":1999,"currency":"EUR"}"#);
        assert!(serde_json::from_str::<Money>(r#"{"minor":1,"currency":"euro"}"#).is_err());
    }

    proptest! {
        #[test]
        fn a_printed_amount_reads_back_as_itself(
            minor in -i64::MAX..i64::MAX,
            code in prop::sample::select(vec!["EUR", "JPY", "KWD", "CLF"]),
        ) {
            let amount = Money::new(minor, code.parse().unwrap());
            prop_assert_eq!(Money::parse(&amount.decimal(), amount.currency), Ok(amount));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".*") {
            let _ = money(&text, "EUR");
        }
    }
}
