//! What a shop says of itself.

use serde::Deserialize;
use serde_json::json;

use super::{AdminClient, no_data, permanent};
use crate::{domain::Currency, platform::Failure};

const SHOP: &str = include_str!("../documents/shop.graphql");

/// A shop as a store of this host is made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShopDetails {
    pub name: String,
    /// Where shoppers find it.
    pub url: String,
    pub currency: Currency,
    /// IANA time zone name.
    pub time_zone: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shop {
    name: String,
    primary_domain: Domain,
    currency_code: String,
    iana_timezone: String,
}

#[derive(Deserialize)]
struct Domain {
    url: String,
}

impl AdminClient {
    pub async fn shop(&self) -> Result<ShopDetails, Failure> {
        let shop: Shop = self.ask(SHOP, json!({})).await?.ok_or_else(no_data)?;
        let currency =
            shop.currency_code.parse().map_err(|error| permanent(format!("the shop's currency: {error}")))?;
        Ok(ShopDetails { name: shop.name, url: shop.primary_domain.url, currency, time_zone: shop.iana_timezone })
    }
}
