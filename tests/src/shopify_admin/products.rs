//! Products of the simulated shop, as far as prices, gifts and reads ask for them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    orders::{span, time, updated_at},
    shop::{Amount, connection},
};

/// A product with what it is sold as.
#[derive(Clone, Debug, PartialEq)]
pub struct Product {
    /// `gid://shopify/Product/...`
    pub id: String,
    pub variants: Vec<Variant>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// `gid://shopify/ProductVariant/...`
    pub id: String,
    pub price: Amount,
    pub available: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Products {
    on_sale: Vec<Product>,
    /// By global id, each as its latest webhook told it, with the ids of its collections.
    told: BTreeMap<String, Value>,
}

impl Products {
    /// Puts a product into the shop, or another in its place.
    pub(super) fn put(&mut self, product: Product) {
        self.on_sale.retain(|known| known.id != product.id);
        self.on_sale.push(product);
    }

    /// Takes a product as a webhook tells it, with the ids of its collections.
    pub(super) fn tell(&mut self, body: Value) {
        let id = body["admin_graphql_api_id"].as_str().expect("a product has a global id").to_owned();
        self.told.insert(id, body);
    }

    pub(super) fn variant(&self, id: &str) -> Option<&Variant> {
        self.on_sale.iter().flat_map(|product| &product.variants).find(|variant| variant.id == id)
    }

    /// Products whose time of change is in the span that `query` names, oldest change first.
    pub(super) fn changed(&self, query: &str) -> Result<Value, String> {
        let (from, to) = span(query)?;
        let mut changed: Vec<_> =
            self.told.iter().filter(|(_, body)| (from..=to).contains(&updated_at(body))).collect();
        changed.sort_by_key(|(id, body)| (updated_at(body), *id));
        Ok(connection("ProductConnection", changed.into_iter().map(|(id, _)| self.product(id)).collect()))
    }

    /// An object of the schema's type `Product`; null if there is none.
    pub(super) fn product(&self, id: &str) -> Value {
        let on_sale = self.on_sale.iter().find(|product| product.id == id).map(price_range);
        let told = self.told.get(id).map(told);
        if on_sale.is_none() && told.is_none() {
            return Value::Null;
        }
        let mut product = json!({ "__typename": "Product", "id": id });
        let parts = on_sale.into_iter().chain(told).filter_map(|part| part.as_object().cloned());
        parts.flatten().for_each(|(field, value)| product[field] = value);
        product
    }

    /// An object of the schema's type `ProductVariant`; null if there is none.
    pub(super) fn variant_json(&self, id: &str) -> Value {
        self.variant(id).map_or(
            Value::Null,
            |variant| json!({"__typename": "ProductVariant", "id": id, "availableForSale": variant.available}),
        )
    }
}

fn price_range(product: &Product) -> Value {
    let prices = || product.variants.iter().map(|variant| &variant.price);
    let (lowest, highest) = (prices().min_by_key(|it| it.thousandths), prices().max_by_key(|it| it.thousandths));
    let (lowest, highest) = lowest.zip(highest).expect("a product has a variant");
    json!({
        "priceRangeV2": {
            "__typename": "ProductPriceRangeV2",
            "minVariantPrice": lowest.to_json(),
            "maxVariantPrice": highest.to_json(),
        },
    })
}

fn told(body: &Value) -> Value {
    let collections = body["collections"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|id| json!({ "__typename": "Collection", "id": format!("gid://shopify/Collection/{id}") }));
    let tags = body["tags"].as_str().unwrap_or_default().split(", ").filter(|tag| !tag.is_empty());
    json!({
        "title": body["title"],
        "productType": body["product_type"],
        "vendor": body["vendor"],
        "tags": tags.collect::<Vec<_>>(),
        "createdAt": time(&body["created_at"]),
        "updatedAt": time(&body["updated_at"]),
        "collections": connection("CollectionConnection", collections.collect()),
    })
}
