//! Reading of the JSON that platforms send: texts, ids and lists, whatever the platform.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, Visitor},
};
use serde_json::value::RawValue;

use super::{Problem, Unreadable};

/// Parses a body. Only a body that fails is parsed again to find the field at fault: keeping track of it costs time.
pub fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Unreadable> {
    // Checked once as a whole, strings need not be checked one by one.
    let body = std::str::from_utf8(body).map_err(|error| Problem::shape(error).at("."))?;
    serde_json::from_str(body).map_err(|error| {
        let mut parser = serde_json::Deserializer::from_str(body);
        match serde_path_to_error::deserialize::<_, T>(&mut parser) {
            Err(at_field) => Problem::shape(at_field.inner()).at(&at_field.path().to_string()),
            Ok(_) => Problem::shape(error).at("."),
        }
    })
}

/// A string, borrowed from the body unless it holds escapes.
#[derive(Clone, Debug)]
pub struct Text<'a>(Cow<'a, str>);

impl Text<'_> {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl<'de> Visitor<'de> for Read {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.into())))
            }
        }

        deserializer.deserialize_str(Read)
    }
}

/// A text to keep: `None` if it is absent, null or empty.
pub fn owned(text: Option<&Text<'_>>) -> Option<String> {
    text.map(Text::as_str).filter(|text| !text.is_empty()).map(Into::into)
}

/// A text that may be of any other shape, where that must not make a whole body unreadable.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(transparent)]
pub struct Loose<'a>(#[serde(borrow)] &'a RawValue);

impl<'a> Loose<'a> {
    /// A string, or a number or a truth value as it was written; `None` of anything else.
    pub fn text(self) -> Option<String> {
        let written = self.0.get();
        match written.bytes().next()? {
            b'"' => self.read(),
            b'{' | b'[' | b'n' => None,
            _ => Some(written.into()),
        }
    }

    /// The JSON itself.
    pub fn raw(self) -> &'a str {
        self.0.get()
    }

    /// What it holds, if it has the shape of that.
    pub fn read<T: Deserialize<'a>>(self) -> Option<T> {
        serde_json::from_str(self.0.get()).ok()
    }
}

/// Reads the items of the list `field`, which may be absent or null.
pub fn each<T, U>(
    field: &str,
    items: Option<&[T]>,
    read: impl Fn(&T) -> Result<U, Unreadable>,
) -> Result<Vec<U>, Unreadable> {
    let items = items.unwrap_or_default();
    let mut all = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        all.push(read(item).map_err(|error| error.within_item(field, index))?);
    }
    Ok(all)
}

/// Ids become parts of keys: short, printable, without spaces or slashes.
pub fn is_id(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/')
}
