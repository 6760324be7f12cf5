//! Values on customers: plugins' own in the app's namespace, and the standard field of birthdays.
//!
//! Several changes of one field may be tried in another order than that of their queueing, and one whose answer was lost
//! may still arrive. So a write names the digest of what it replaces, and whether the change is still the last one is
//! asked between the reading of that digest and the write: whatever a later change writes makes the digest stale.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{AdminClient, gid, no_data, permanent, transient};
use crate::{
    domain::{BirthdayChange, Metafield},
    platform::{Failure, IsLast, Receipt},
};

const METAFIELD: &str = include_str!("../documents/metafield.graphql");
const SET_METAFIELD: &str = include_str!("../documents/set_metafield.graphql");

/// Times that a field is written anew which others change meanwhile.
const WRITES: usize = 3;

impl AdminClient {
    /// Shows a plugin's value on a customer, unless a later change of the same value is queued.
    pub async fn set_metafield(&self, change: &Metafield, is_last: IsLast<'_>) -> Result<Receipt, Failure> {
        let field = Field {
            customer: gid("Customer", change.customer.as_str()),
            namespace: format!("$app:{}", change.plugin),
            key: &change.key,
            kind: kind_of(&change.kind)?,
            value: change.value.clone(),
        };
        self.set(&field, is_last).await
    }

    /// Writes a birthday into the standard definition `facts.birth_date`, which is a date with its year.
    pub async fn set_birthday(&self, change: &BirthdayChange, is_last: IsLast<'_>) -> Result<Receipt, Failure> {
        let birthday = change.birthday;
        let Some(year) = birthday.year else {
            return Ok(Receipt("not written: the platform's field needs the year".into()));
        };
        let field = Field {
            customer: gid("Customer", change.customer.as_str()),
            namespace: "facts".into(),
            key: "birth_date",
            kind: "date",
            value: format!("{year:04}-{:02}-{:02}", birthday.month, birthday.day),
        };
        self.set(&field, is_last).await
    }

    async fn set(&self, field: &Field<'_>, is_last: IsLast<'_>) -> Result<Receipt, Failure> {
        for _ in 0..WRITES {
            let digest = self.digest_of(field).await?;
            if !is_last()? {
                return Ok(Receipt("not written: a later change stands".into()));
            }
            if let Some(written) = self.write_metafield(field, digest.as_deref()).await? {
                return Ok(Receipt(written.id));
            }
        }
        Err(transient(format!("others keep changing the customer's {}.{}", field.namespace, field.key)))
    }

    async fn digest_of(&self, field: &Field<'_>) -> Result<Option<String>, Failure> {
        let variables = json!({ "customer": field.customer, "namespace": field.namespace, "key": field.key });
        let owner: Option<Owner> = self.ask(METAFIELD, variables).await?;
        Ok(owner.ok_or_else(no_customer)?.metafield.map(|held| held.digest))
    }

    /// Writes a value if its field still has the digest, or is still absent; `None` if it has changed since.
    pub(super) async fn write_metafield(
        &self,
        field: &Field<'_>,
        digest: Option<&str>,
    ) -> Result<Option<Written>, Failure> {
        let set = self.mutate::<Set>(SET_METAFIELD, json!({ "metafield": field.input(digest) })).await?;
        if set.user_errors.have_code(&["STALE_OBJECT", "INVALID_COMPARE_DIGEST"]) {
            return Ok(None);
        }
        let written = set.into_result()?.metafields.into_iter().flatten().next();
        written.map(Some).ok_or_else(no_data)
    }
}

pub(super) fn no_customer() -> Failure {
    permanent("there is no such customer")
}

/// A field of a customer and what it is to hold.
pub(super) struct Field<'a> {
    pub(super) customer: String,
    pub(super) namespace: String,
    pub(super) key: &'a str,
    pub(super) kind: &'static str,
    pub(super) value: String,
}

impl Field<'_> {
    /// A digest of null stands for a field that is not there yet; without one, nothing would be compared.
    pub(super) fn input(&self, digest: Option<&str>) -> Value {
        json!({
            "ownerId": self.customer,
            "namespace": self.namespace,
            "key": self.key,
            "type": self.kind,
            "value": self.value,
            "compareDigest": digest,
        })
    }
}

/// Shopify's type for a plugin's kind of value.
fn kind_of(word: &str) -> Result<&'static str, Failure> {
    match word {
        "integer" => Ok("number_integer"),
        "text" => Ok("single_line_text_field"),
        "date" => Ok("date"),
        "json" => Ok("json"),
        _ => Err(permanent(format!("`{word}` is no kind of value that Shopify keeps"))),
    }
}

#[derive(Deserialize)]
struct Owner {
    metafield: Option<Held>,
}

#[derive(Deserialize)]
struct Held {
    #[serde(rename = "compareDigest")]
    digest: String,
}

#[derive(Deserialize)]
struct Set {
    metafields: Option<Vec<Written>>,
}

/// A field as it was written.
#[derive(Deserialize)]
pub(super) struct Written {
    pub(super) id: String,
    #[serde(rename = "compareDigest")]
    pub(super) digest: String,
}
