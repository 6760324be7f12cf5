//! Products that have changed, with the collections that they are in.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{super::answer::PageInfo, each, instant, legacy};
use crate::{
    domain::{Platform, Timestamp},
    platform::{
        Failure, ListedProduct, ProductsPage, Told,
        shopify::admin::{API_VERSION, AdminClient},
    },
};

const CHANGED_PRODUCTS: &str = include_str!("../../documents/changed_products.graphql");
const PRODUCT: &str = include_str!("../../documents/product.graphql");

/// Products of a page. With the collections that each may list, a page costs at most 441 of the 1,000 points that one call
/// may.
const PRODUCTS_PER_PAGE: u32 = 20;

#[derive(Deserialize)]
struct Listed {
    products: Connection,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Connection {
    nodes: Vec<Value>,
    page_info: PageInfo,
}

impl AdminClient {
    /// Products that changed between two moments, oldest change first.
    pub async fn changed_products(
        &self,
        (from, to): (Timestamp, Timestamp),
        after: Option<&str>,
    ) -> Result<ProductsPage, Failure> {
        let query = format!("updated_at:>='{from}' updated_at:<='{to}'");
        let variables = json!({ "query": query, "first": PRODUCTS_PER_PAGE, "after": after });
        let listed: Listed = self.call(CHANGED_PRODUCTS, variables).await?;
        let mut products = Vec::with_capacity(listed.products.nodes.len());
        for mut product in listed.products.nodes {
            if product["collections"]["pageInfo"]["hasNextPage"] == true {
                let id = product["id"].as_str().unwrap_or_default();
                let Some(whole) = self.whole(PRODUCT, id, "product", "collections").await? else { continue };
                product = whole;
            } else {
                product["collections"] = product["collections"]["nodes"].take();
            }
            products.push(listed_product(&product)?);
        }
        Ok(ProductsPage { products, next: listed.products.page_info.next() })
    }
}

fn listed_product(product: &Value) -> Result<ListedProduct, Failure> {
    let collections = each(&product["collections"], |collection| collection["id"].as_str().map(legacy).into());
    let mut ids: Vec<_> = collections.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    ids.sort_unstable();
    let body = json!({
        "id": legacy(product["id"].as_str().unwrap_or_default()),
        "admin_graphql_api_id": product["id"],
        "title": product["title"],
        "product_type": product["productType"],
        "vendor": product["vendor"],
        "tags": product["tags"],
        "created_at": product["createdAt"],
        "updated_at": product["updatedAt"],
        "collections": ids,
    });
    Ok(ListedProduct {
        id: legacy(product["id"].as_str().unwrap_or_default()).into(),
        updated_at: instant(product["updatedAt"].as_str().unwrap_or_default())?,
        collections: ids,
        told: Told {
            platform: Platform::Shopify,
            topic: "products/update".into(),
            api_version: API_VERSION.into(),
            body: body.to_string().into(),
        },
    })
}
