//! Metafields of the simulated shop: typed values that are compared with what is replaced, if the caller wants.

use data_encoding::HEXLOWER;
use jiff::{Timestamp, civil::Date};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::shop::{Answer, UserError, declined, read};

/// Metafields that one call sets at most.
const AT_ONCE: usize = 25;

/// A value on an object of the shop.
#[derive(Clone, Debug, PartialEq)]
pub struct Metafield {
    pub id: String,
    /// The object's global id.
    pub owner: String,
    /// As the app wrote it: `$app` for its own.
    pub namespace: String,
    pub key: String,
    pub kind: String,
    pub value: String,
    pub updated_at: Timestamp,
}

impl Metafield {
    fn digest(&self) -> String {
        HEXLOWER.encode(&Sha256::digest(format!("{}\n{}", self.kind, self.value)))
    }

    /// An object of the schema's type `Metafield`. Instants have no fractions.
    fn to_json(&self) -> Value {
        let app_owned = self.namespace.strip_prefix("$app").map(|rest| format!("app--1{}", rest.replace(':', "--")));
        json!({
            "__typename": "Metafield",
            "id": self.id,
            "namespace": app_owned.as_ref().unwrap_or(&self.namespace),
            "key": self.key,
            "type": self.kind,
            "value": self.value,
            "compareDigest": self.digest(),
            "updatedAt": format!("{:.0}", self.updated_at),
        })
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Metafields(Vec<Metafield>);

impl Metafields {
    pub(super) fn find(&self, owner: &str, namespace: &str, key: &str) -> Option<&Metafield> {
        self.0.iter().find(|it| it.owner == owner && it.namespace == namespace && it.key == key)
    }

    /// All of an object's, by namespace and key.
    pub(super) fn of(&self, owner: &str) -> Map<String, Value> {
        let own = self.0.iter().filter(|metafield| metafield.owner == owner);
        own.map(|it| (format!("{}.{}", it.namespace, it.key), it.to_json())).collect()
    }

    /// Sets all of them, or none.
    pub(super) fn set(&mut self, args: Value, now: Timestamp) -> Answer {
        #[derive(Deserialize)]
        struct Args {
            metafields: Vec<Map<String, Value>>,
        }
        let inputs = read::<Args>(args)?.metafields;
        if inputs.len() > AT_ONCE {
            return Err(declined(&["metafields"], "LESS_THAN_OR_EQUAL_TO", "Exceeded the maximum of 25").into());
        }
        let accepted = inputs.into_iter().map(|input| self.accept(input, now)).collect::<Result<Vec<_>, _>>()?;
        for metafield in &accepted {
            self.0.retain(|known| known.id != metafield.id);
            self.0.push(metafield.clone());
        }
        Ok(json!({"metafields": accepted.iter().map(Metafield::to_json).collect::<Vec<_>>()}))
    }

    fn accept(&self, input: Map<String, Value>, now: Timestamp) -> Result<Metafield, UserError> {
        let declines = |field, code, message| Err(declined(&["metafields", "0", field], code, message));
        let text = |name: &str| input.get(name).and_then(Value::as_str).map(str::to_owned);
        let (owner, key) = (text("ownerId").unwrap_or_default(), text("key").unwrap_or_default());
        let namespace = text("namespace").unwrap_or_else(|| "$app".into());
        match key.len() {
            ..2 => return declines("key", "TOO_SHORT", "is too short (minimum is 2 characters)"),
            65.. => return declines("key", "TOO_LONG", "is too long (maximum is 64 characters)"),
            _ => {}
        }
        let known = self.find(&owner, &namespace, &key);
        let Some(kind) = text("type").or_else(|| known.map(|known| known.kind.clone())) else {
            return declines("type", "BLANK", "can't be blank");
        };
        if known.is_some_and(|known| known.kind != kind) || (namespace == "facts" && kind != "date") {
            return declines("type", "INVALID_TYPE", "must be consistent with the definition's type");
        }
        let value = text("value").unwrap_or_default();
        if !fits(&kind, &value) {
            return declines("value", "INVALID_VALUE", "is not a value of this type");
        }
        // Without a digest nothing is compared; null stands for a metafield that is not there.
        let is_stale = |digest: &Value| digest.as_str() != known.map(Metafield::digest).as_deref();
        if input.get("compareDigest").is_some_and(is_stale) {
            return declines("compareDigest", "STALE_OBJECT", "The resource has been updated since it was loaded.");
        }
        let id = known
            .map_or_else(|| format!("gid://shopify/Metafield/{}", 1_069_229_000 + self.0.len()), |it| it.id.clone());
        Ok(Metafield { id, owner, namespace, key, kind, value, updated_at: now })
    }
}

fn fits(kind: &str, value: &str) -> bool {
    match kind {
        "number_integer" => value.parse::<i64>().is_ok(),
        "single_line_text_field" => !value.is_empty() && !value.contains('\n'),
        "date" => value.parse::<Date>().is_ok_and(|date| date.to_string() == value),
        "json" => serde_json::from_str::<Value>(value).is_ok(),
        _ => false,
    }
}
