//! Products of the simulated shop, as far as prices and gifts ask for them.

use serde_json::{Value, json};

use super::shop::Amount;

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
pub(super) struct Products(Vec<Product>);

impl Products {
    /// Puts a product into the shop, or another in its place.
    pub(super) fn put(&mut self, product: Product) {
        self.0.retain(|known| known.id != product.id);
        self.0.push(product);
    }

    pub(super) fn variant(&self, id: &str) -> Option<&Variant> {
        self.0.iter().flat_map(|product| &product.variants).find(|variant| variant.id == id)
    }

    /// An object of the schema's type `Product`; null if there is none.
    pub(super) fn product(&self, id: &str) -> Value {
        let Some(product) = self.0.iter().find(|product| product.id == id) else { return Value::Null };
        let prices = || product.variants.iter().map(|variant| &variant.price);
        let (lowest, highest) = (prices().min_by_key(|it| it.thousandths), prices().max_by_key(|it| it.thousandths));
        let range = lowest.zip(highest);
        let (lowest, highest) = range.expect("a product has a variant");
        json!({
            "__typename": "Product",
            "id": id,
            "priceRangeV2": {
                "__typename": "ProductPriceRangeV2",
                "minVariantPrice": lowest.to_json(),
                "maxVariantPrice": highest.to_json(),
            },
        })
    }

    /// An object of the schema's type `ProductVariant`; null if there is none.
    pub(super) fn variant_json(&self, id: &str) -> Value {
        self.variant(id).map_or(
            Value::Null,
            |variant| json!({"__typename": "ProductVariant", "id": id, "availableForSale": variant.available}),
        )
    }
}
