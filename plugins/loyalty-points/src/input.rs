//! Numbers and ids as people, forms and platforms write them: as text or as a number.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, de::Visitor};

/// What was written, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written(pub String);

impl Written {
    /// As a number, if it is one.
    pub fn number<T: FromStr>(&self) -> Option<T> {
        self.0.trim().parse().ok()
    }
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl Visitor<'_> for Any {
            type Value = Written;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a whole number")
            }

            fn visit_str<E>(self, text: &str) -> Result<Written, E> {
                Ok(Written(text.into()))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Written, E> {
                Ok(Written(number.to_string()))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Written, E> {
                Ok(Written(number.to_string()))
            }
        }

        deserializer.deserialize_any(Any)
    }
}
