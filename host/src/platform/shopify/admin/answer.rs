//! How the Admin API answers: data, errors of GraphQL, what a mutation has against its input, and what a call cost.

use serde::Deserialize;
use serde_json::Value;

use super::{
    super::throttle::{Level, wait_after_refusal},
    access_denied, no_data, permanent, transient,
};
use crate::{
    domain::{Money, Timestamp},
    platform::{Failure, error::shorten, shopify::normalise},
};

/// An answer of the API: HTTP 200 whether or not it did what was asked.
#[derive(Deserialize)]
pub(super) struct Answer<T> {
    data: Option<T>,
    errors: Option<Vec<GraphqlError>>,
    /// Read leniently: the answer counts even if what it says of its cost is in another shape.
    extensions: Option<Value>,
}

#[derive(Deserialize)]
struct GraphqlError {
    #[serde(default)]
    message: String,
    extensions: Option<ErrorExtensions>,
}

#[derive(Deserialize)]
struct ErrorExtensions {
    code: Option<String>,
}

impl<T> Answer<T> {
    fn requested_cost(&self) -> Option<f64> {
        self.extensions.as_ref()?.pointer("/cost/requestedQueryCost")?.as_f64()
    }

    pub(super) fn level(&self) -> Option<Level> {
        Level::deserialize(self.extensions.as_ref()?.pointer("/cost/throttleStatus")?).ok()
    }

    pub(super) fn into_result(self) -> Result<T, Failure> {
        let errors = self.errors.as_deref().unwrap_or_default();
        if errors.is_empty() {
            return self.data.ok_or_else(no_data);
        }
        let codes = || errors.iter().filter_map(|error| error.extensions.as_ref()?.code.as_deref());
        let messages = || shorten(&errors.iter().map(|error| error.message.as_str()).collect::<Vec<_>>().join("; "));
        if codes().any(|code| code == "THROTTLED") {
            let requested = self.requested_cost().unwrap_or_default();
            return Err(Failure::Throttled { retry_after: wait_after_refusal(requested, self.level()) });
        }
        if codes().any(|code| code == "ACCESS_DENIED") {
            return Err(permanent(format!("{} (Shopify says: {})", access_denied(), messages())));
        }
        if codes().any(|code| matches!(code, "INTERNAL_SERVER_ERROR" | "TIMEOUT")) {
            return Err(transient(format!("Shopify failed: {}", messages())));
        }
        Err(permanent(format!("Shopify refused the request: {}", messages())))
    }
}

/// What a mutation answers.
#[derive(Deserialize)]
pub(super) struct Changed<T> {
    #[serde(rename = "userErrors", default)]
    pub(super) user_errors: UserErrors,
    #[serde(flatten)]
    result: T,
}

impl<T> Changed<T> {
    /// The result, if there is nothing against the input.
    pub(super) fn into_result(self) -> Result<T, Failure> {
        self.user_errors.into_result()?;
        Ok(self.result)
    }
}

/// Where a page of a listing ends.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PageInfo {
    pub(super) has_next_page: bool,
    end_cursor: Option<String>,
}

impl PageInfo {
    /// Where the next page begins; `None` after the last.
    pub(super) fn next(self) -> Option<String> {
        self.end_cursor.filter(|_| self.has_next_page)
    }
}

/// The result of a mutation that tells nothing but what it has against its input.
#[derive(Deserialize)]
pub(super) struct Nothing {}

/// What a mutation has against its input.
#[derive(Default, Deserialize)]
#[serde(transparent)]
pub(super) struct UserErrors(Vec<UserError>);

#[derive(Deserialize)]
struct UserError {
    code: Option<String>,
    field: Option<Vec<String>>,
    #[serde(default)]
    message: String,
}

impl UserError {
    /// True if the code exists already. Some versions say so in the message alone.
    fn is_taken(&self) -> bool {
        let of_code = self.field.as_ref().and_then(|path| path.last()).is_none_or(|field| field == "code");
        of_code
            && match self.code.as_deref() {
                Some(code) => code == "TAKEN",
                None => ["already been taken", "must be unique"].iter().any(|words| self.message.contains(words)),
            }
    }
}

impl UserErrors {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the code of a discount or a gift card exists already.
    pub(super) fn say_taken(&self) -> bool {
        self.0.iter().any(UserError::is_taken)
    }

    /// Whether one of them has one of these codes.
    pub(super) fn have_code(&self, codes: &[&str]) -> bool {
        self.0.iter().any(|error| error.code.as_deref().is_some_and(|code| codes.contains(&code)))
    }

    fn into_result(self) -> Result<(), Failure> {
        if self.is_empty() {
            return Ok(());
        }
        let said = |error: &UserError| match &error.field {
            Some(path) => format!("{}: {}", path.join("."), error.message),
            None => error.message.clone(),
        };
        let all = shorten(&self.0.iter().map(said).collect::<Vec<_>>().join("; "));
        match self.have_code(&["INTERNAL_ERROR"]) {
            true => Err(transient(format!("Shopify failed: {all}"))),
            false => Err(permanent(format!("Shopify refused the effect: {all}"))),
        }
    }
}

/// An amount as the API writes it: `MoneyV2`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Amount {
    amount: String,
    currency_code: String,
}

impl Amount {
    pub(super) fn read(&self) -> Result<Money, Failure> {
        let money = self.currency_code.parse().and_then(|currency| Money::parse(&self.amount, currency));
        money.map_err(|error| transient(format!("Shopify's answer cannot be read: {error}")))
    }
}

/// An instant as the API writes it: `DateTime`.
pub(super) fn instant(text: &str) -> Result<Timestamp, Failure> {
    let instant = normalise::instant(text);
    instant.ok_or_else(|| transient(format!("Shopify's answer names an instant that is none: {text:?}")))
}
