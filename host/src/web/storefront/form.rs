//! What a form of a panel sends, and what becomes of it: an action's input and its idempotency key.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The field that names one form of one rendering: sent twice, it counts once.
pub const KEY: &str = "regulars-key";

/// What follows a field's name in the inputs of a day without a year.
pub const MONTH: &str = "[month]";
pub const DAY: &str = "[day]";

/// Fields of one form.
const FIELDS: usize = 64;

/// A form as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    pub key: String,
    /// Every value is a text without blanks around it; what was left empty is left out. A day without a year is `MM-DD`.
    pub input: Map<String, Value>,
}

/// Why what was sent is no form of a panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    #[error("the body is no form")]
    Syntax,
    #[error("the field `{KEY}` is missing")]
    NoKey,
    #[error("the form has more than {FIELDS} fields")]
    TooMany,
}

/// Reads `application/x-www-form-urlencoded`.
pub fn read(body: &[u8]) -> Result<Form, FormError> {
    of_pairs(serde_urlencoded::from_bytes(body).map_err(|_| FormError::Syntax)?)
}

/// Reads fields, of which the last one counts where several have one name.
pub fn of_pairs(pairs: Vec<(String, String)>) -> Result<Form, FormError> {
    if pairs.len() > FIELDS {
        return Err(FormError::TooMany);
    }
    let (mut key, mut input) = (None, Map::new());
    let (mut months, mut days) = (BTreeMap::new(), BTreeMap::new());
    for (name, value) in pairs {
        let value = value.trim();
        if value.is_empty() {
            continue;
        }
        match (name.strip_suffix(MONTH), name.strip_suffix(DAY)) {
            _ if name == KEY => key = Some(value.to_owned()),
            (Some(name), _) => _ = months.insert(name.to_owned(), value.to_owned()),
            (_, Some(name)) => _ = days.insert(name.to_owned(), value.to_owned()),
            _ => _ = input.insert(name, value.into()),
        }
    }
    for (name, month) in months {
        if let Some(day) = days.get(&name) {
            input.insert(name, format!("{month:0>2}-{day:0>2}").into());
        }
    }
    Ok(Form { key: key.ok_or(FormError::NoKey)?, input })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn input(body: &str) -> Value {
        Value::Object(read(format!("{KEY}=k&{body}").as_bytes()).unwrap().input)
    }

    #[test]
    fn fields_become_the_input_and_the_key_stays_beside_it() {
        let form = read(b"reward=five&regulars-key=abc-1&note=+a%26b+&empty=&reward=ten").unwrap();
        assert_eq!(form.key, "abc-1");
        assert_eq!(Value::Object(form.input), json!({ "reward": "ten", "note": "a&b" }));
    }

    #[test]
    fn a_day_without_a_year_is_one_value() {
        assert_eq!(input("day%5Bmonth%5D=5&day%5Bday%5D=29"), json!({ "day": "05-29" }));
        assert_eq!(input("day%5Bday%5D=29"), json!({}), "a half is nothing");
        assert_eq!(
            input("day%5Bmonth%5D=x&day%5Bday%5D=y"),
            json!({ "day": "0x-0y" }),
            "the plugin says what is wrong"
        );
    }

    #[test]
    fn what_is_no_form_of_a_panel_is_refused() {
        assert_eq!(read(b"reward=five"), Err(FormError::NoKey));
        assert_eq!(read(b"regulars-key="), Err(FormError::NoKey));
        let many: Vec<_> = (0..=FIELDS).map(|field| format!("f{field}=1")).collect();
        assert_eq!(read(many.join("&").as_bytes()), Err(FormError::TooMany));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused_without_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&body);
        }
    }
}
