//! Customer attributes: plugins' values, each in an attribute that the shop has to have. Magento ignores what is written to
//! one that it does not know.

use serde_json::{Map, Value, json};

use super::{
    RestClient,
    customers::attribute,
    permanent,
    text::{storable, storable_json},
};
use crate::{
    domain::{Metafield, PluginName},
    platform::{Failure, IsLast, Receipt},
};

/// The longest code that an attribute can have.
const CODE_MAX: usize = 60;

impl RestClient {
    /// Shows a plugin's value on a customer, unless a later change of the same value is queued.
    pub async fn set_metafield(&self, change: &Metafield, is_last: IsLast<'_>) -> Result<Receipt, Failure> {
        let code = code_of(&change.plugin, &change.key)?;
        let value = match change.kind.as_str() {
            "json" => storable_json(&change.value),
            "integer" | "text" | "date" => storable(&change.value),
            kind => return Err(permanent(format!("`{kind}` is no kind of value that Magento keeps"))),
        };
        let _turn = self.changes.lock().await;
        let customer = self.customer(&change.customer).await?;
        let mut fields = Map::new();
        self.set_attribute(&customer, &mut fields, &code, &value, "for customers to show the plugin's value").await?;
        if !is_last()? {
            return Ok(Receipt("not written: a later change stands".into()));
        }
        self.write_customer(&customer, fields).await?;
        Ok(Receipt(format!("attribute {code}")))
    }

    /// Puts an attribute's value among those that a customer has. They are written as one list, which loses no other.
    pub(super) async fn set_attribute(
        &self,
        customer: &Value,
        fields: &mut Map<String, Value>,
        code: &str,
        value: &str,
        use_of_it: &str,
    ) -> Result<(), Failure> {
        let held = attribute(customer, code);
        if held == Some(value) {
            return Ok(());
        }
        if held.is_none() && !self.has_attribute(code).await? {
            return Err(permanent(format!(
                "the shop has no customer attribute `{code}`: create it, a text, {use_of_it}, then retry"
            )));
        }
        let held = customer["custom_attributes"].as_array().cloned().unwrap_or_default();
        let others = held.into_iter().filter(|it| it["attribute_code"] != code);
        let own = json!({ "attribute_code": code, "value": value });
        fields.insert("custom_attributes".into(), others.chain([own]).collect());
        Ok(())
    }

    async fn has_attribute(&self, code: &str) -> Result<bool, Failure> {
        let found: Option<Value> = self.find(&["attributeMetadata", "customer", "attribute", code]).await?;
        Ok(found.is_some())
    }
}

/// The code of a plugin's attribute: `regulars_loyalty_points_points_balance`.
fn code_of(plugin: &PluginName, key: &str) -> Result<String, Failure> {
    let code = format!("regulars_{plugin}_{key}").to_lowercase();
    let code: String = code.chars().map(|it| if it.is_ascii_alphanumeric() { it } else { '_' }).collect();
    match code.len() <= CODE_MAX {
        true => Ok(code),
        false => Err(permanent(format!("`{code}` is longer than the {CODE_MAX} characters of an attribute's code"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attributes_code_holds_the_plugin_and_the_key() {
        let code = code_of(&PluginName::from("loyalty-points"), "points_balance").unwrap();
        assert_eq!(code, "regulars_loyalty_points_points_balance");
        assert!(code_of(&PluginName::from("loyalty-points"), &"x".repeat(40)).is_err());
    }
}
