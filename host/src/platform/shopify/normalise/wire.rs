//! Shopify's notation: ids, texts, amounts and instants as they stand in a body.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::{
    domain::{Currency, Money, MoneyError, Timestamp},
    platform::{Problem, Unreadable, json::is_id},
};

pub use crate::platform::json::{Loose, Text, each, owned, parse};

/// An id: a whole number of at most 64 bits, or a string. Floating point would round ids beyond 2^53.
#[derive(Clone, Debug)]
pub enum Id<'a> {
    Number(u64),
    Text(Cow<'a, str>),
}

impl Id<'_> {
    /// The id's exact digits or characters; `None` if it is nothing that names anything.
    pub fn exact(&self) -> Option<String> {
        match self {
            Self::Number(number) => Some(number.to_string()),
            Self::Text(text) => is_id(text).then(|| text.to_string()),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Id<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl<'de> Visitor<'de> for Read {
            type Value = Id<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an id: a whole number of at most 64 bits, or a string")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
                Ok(Id::Number(number))
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Id::Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Id::Text(Cow::Owned(text.into())))
            }
        }

        deserializer.deserialize_any(Read)
    }
}

/// The last part of a global id such as `gid://shopify/Order/1`, if it names an object of this kind.
pub fn global_id<'a>(kind: &str, text: &'a str) -> Option<&'a str> {
    let id = text.strip_prefix("gid://shopify/")?.strip_prefix(kind)?.strip_prefix('/')?;
    is_id(id).then_some(id)
}

/// The last part of a global id of whatever kind.
pub fn any_global_id(text: Option<&Text<'_>>) -> Option<String> {
    let (_, id) = text?.as_str().strip_prefix("gid://shopify/")?.split_once('/')?;
    is_id(id).then(|| id.into())
}

/// An object's id if it has one. A proper global id goes first, because some senders round the number.
pub fn id_if_any(kind: &str, global: Option<&Text<'_>>, id: Option<&Id<'_>>) -> Option<String> {
    match global.and_then(|global| global_id(kind, global.as_str())) {
        Some(exact) => Some(exact.into()),
        None => match id? {
            Id::Text(text) if text.starts_with("gid:") => global_id(kind, text).map(Into::into),
            id => id.exact(),
        },
    }
}

/// An object's id, which `field` holds where there is no global one.
pub fn required_id(
    field: &str,
    kind: &str,
    global: Option<&Text<'_>>,
    id: Option<&Id<'_>>,
) -> Result<String, Unreadable> {
    id_if_any(kind, global, id).ok_or_else(|| match id {
        Some(_) => Problem::shape(format!("not the id of a {kind}")).at(field),
        None => Problem::Missing.at(field),
    })
}

/// An amount of money as it was written, digit by digit: a string or a number.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(transparent)]
pub struct Amount<'a>(#[serde(borrow)] &'a RawValue);

impl Amount<'_> {
    pub fn parse(self, currency: Currency) -> Result<Money, Problem> {
        /// More digits than 64 bits of minor units can hold.
        const DIGITS_MAX: usize = 64;
        let text = self.0.get();
        let digits = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
        if digits.len() > DIGITS_MAX {
            return Err(Problem::shape("not an amount of money: too long"));
        }
        Ok(Money::parse(digits, currency)?)
    }
}

/// An amount in the shop's currency and in the one shown to the buyer; only the former counts.
#[derive(Debug, Deserialize)]
pub struct MoneySet<'a> {
    #[serde(borrow)]
    shop_money: Option<ShopMoney<'a>>,
}

#[derive(Debug, Deserialize)]
struct ShopMoney<'a> {
    #[serde(borrow)]
    amount: Option<Amount<'a>>,
    #[serde(borrow)]
    currency_code: Option<Text<'a>>,
}

impl MoneySet<'_> {
    /// The currency that the set states for shop money.
    pub fn currency(&self) -> Option<Currency> {
        self.shop_money.as_ref()?.currency_code.as_ref()?.as_str().parse().ok()
    }
}

/// The amount of `field` in shop money: of `{field}_set` if there is one, else the plain field in `currency`.
pub fn money(
    field: &str,
    set: Option<&MoneySet<'_>>,
    plain: Option<Amount<'_>>,
    currency: Currency,
) -> Result<Option<Money>, Unreadable> {
    let shop_money = set.and_then(|set| set.shop_money.as_ref());
    match shop_money.and_then(|shop_money| Some((shop_money.amount?, shop_money.currency_code.as_ref()))) {
        Some((amount, code)) => {
            let currency = code
                // Looking a code up takes longer than seeing that it is the same as ever.
                .filter(|code| code.as_str() != currency.code())
                .map_or(Ok(currency), |code| currency_of(code.as_str()))
                .map_err(|problem| problem.at(&format!("{field}_set.shop_money.currency_code")))?;
            amount.parse(currency).map_err(|problem| problem.at(&format!("{field}_set.shop_money.amount"))).map(Some)
        }
        None => plain.map(|amount| amount.parse(currency)).transpose().map_err(|problem| problem.at(field)),
    }
}

/// A currency that a body states, else the store's.
pub fn currency_or(code: Option<&Text<'_>>, default: Currency) -> Result<Currency, Unreadable> {
    match code {
        Some(code) => currency_of(code.as_str()).map_err(|problem| problem.at("currency")),
        None => Ok(default),
    }
}

fn currency_of(code: &str) -> Result<Currency, Problem> {
    /// Codes have three letters; what is far longer is not worth quoting.
    const CODE_MAX: usize = 16;
    match code.len() <= CODE_MAX {
        true => Ok(code.parse()?),
        false => Err(Problem::shape("not an ISO 4217 currency code")),
    }
}

/// Adds amounts of one currency. Nothing wraps round and no currency is taken for another.
pub fn add(total: Money, part: Money) -> Result<Money, Problem> {
    if total.currency != part.currency {
        return Err(Problem::MixedCurrencies);
    }
    let minor = total.minor.checked_add(part.minor).ok_or_else(|| MoneyError::Overflow("the sum".into()))?;
    Ok(Money::new(minor, total.currency))
}

/// Adds up what `amount` finds in the items of the list `field`; `None` if no item has an amount.
pub fn sum<T>(
    field: &str,
    items: &[T],
    amount: impl Fn(&T) -> Result<Option<Money>, Unreadable>,
) -> Result<Option<Money>, Unreadable> {
    let mut total = None;
    for (index, item) in items.iter().enumerate() {
        let Some(part) = amount(item).map_err(|error| error.within_item(field, index))? else { continue };
        total = Some(match total {
            Some(total) => add(total, part).map_err(|problem| problem.at(field))?,
            None => part,
        });
    }
    Ok(total)
}

/// An instant in RFC 3339, with a space for the `T` in some versions.
pub fn instant(text: &str) -> Option<Timestamp> {
    let instant: jiff::Timestamp = text.parse().ok()?;
    u64::try_from(instant.as_millisecond()).ok().map(Timestamp)
}

/// The instant that `field` holds, unless it is absent, null or empty.
pub fn time(field: &str, text: Option<&Text<'_>>) -> Result<Option<Timestamp>, Unreadable> {
    match text.map(Text::as_str).filter(|text| !text.is_empty()) {
        Some(text) => instant(text).map(Some).ok_or_else(|| Problem::time(text).at(field)),
        None => Ok(None),
    }
}

/// Tags: one string with commas between them, or a list.
#[derive(Debug, Default)]
pub struct Tags(pub Vec<String>);

impl<'de> Deserialize<'de> for Tags {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl<'de> Visitor<'de> for Read {
            type Value = Tags;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("tags: a string with commas, or a list of strings")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Tags, E> {
                Ok(Tags(text.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(Into::into).collect()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Tags, A::Error> {
                let mut tags = Vec::new();
                while let Some(tag) = list.next_element::<Text<'de>>()? {
                    tags.extend(owned(Some(&tag)));
                }
                Ok(Tags(tags))
            }
        }

        deserializer.deserialize_any(Read)
    }
}
