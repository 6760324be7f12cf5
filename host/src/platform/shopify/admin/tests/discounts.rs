//! Codes: what is sent for each kind, and what is made of the answers.

use super::*;
use crate::domain::DiscountEnd;

#[tokio::test]
async fn a_code_is_created_for_one_customer_and_one_use() {
    let (shop, client) = Shop::answering([created("gid://shopify/DiscountCodeNode/1")]).await;
    let receipt = client.create_discount(&effect(), &discount()).await.unwrap();
    assert_eq!(receipt.0, "gid://shopify/DiscountCodeNode/1");
    let requests = shop.requests();
    let (headers, body) = &requests[0];
    assert_eq!(headers["x-shopify-access-token"], "shpat_secret");
    assert_eq!(
        body["variables"]["discount"],
        json!({
            "title": "Regulars q3zkm5a2w7",
            "code": "POINTS-4KQ2",
            "startsAt": "2026-09-21T14:13:20.000Z",
            "endsAt": "2027-01-15T08:00:00.000Z",
            "usageLimit": 1,
            "appliesOncePerCustomer": true,
            "context": {"customers": {"add": ["gid://shopify/Customer/820982911946154508"]}},
            "customerGets": {
                "value": {"discountAmount": {"amount": "10.50", "appliesOnEachItem": false}},
                "items": {"all": true},
            },
            "minimumRequirement": {"subtotal": {"greaterThanOrEqualToSubtotal": "50.00"}},
            "combinesWith": {"orderDiscounts": false, "productDiscounts": false, "shippingDiscounts": false},
        })
    );
}

#[tokio::test]
async fn a_code_that_an_earlier_try_created_is_done() {
    let (shop, client) = Shop::answering([taken(), found(Some("Regulars q3zkm5a2w7"))]).await;
    let receipt = client.create_discount(&effect(), &discount()).await.unwrap();
    assert_eq!(receipt.0, "gid://shopify/DiscountCodeNode/7");
    assert_eq!(shop.requests()[1].1["variables"], json!({"code": "POINTS-4KQ2"}));
    let in_words = refused(json!([{"field": null, "message": "Code has already been taken"}]));
    assert!(create([in_words, found(Some("Regulars q3zkm5a2w7"))]).await.is_ok());
}

#[tokio::test]
async fn a_code_that_belongs_to_someone_else_is_a_permanent_failure() {
    for title in [Some("Summer sale"), Some("Regulars another"), None] {
        let reason = reason(create([taken(), found(title)]).await);
        assert!(reason.starts_with("permanent: the code POINTS-4KQ2 belongs to another discount"), "{reason}");
    }
}

#[tokio::test]
async fn a_taken_code_that_is_not_found_yet_is_tried_again() {
    let nowhere = ok(json!({"data": {"codeDiscountNodeByCode": null}}));
    let reason = reason(create([taken(), nowhere]).await);
    assert_eq!(reason, "transient: the code POINTS-4KQ2 is taken but cannot be found yet");
}

fn end() -> DiscountEnd {
    DiscountEnd { made_by: effect(), code: "POINTS-4KQ2".into() }
}

fn standing(field: &str, status: &str, uses: u32) -> Reply {
    let discount = json!({"title": "Regulars q3zkm5a2w7", "status": status, "asyncUsageCount": uses});
    ok(json!({"data": {field: {"id": "gid://shopify/DiscountCodeNode/7", "codeDiscount": discount}}}))
}

fn ended(uses: u32) -> Reply {
    let node = json!({"id": "gid://shopify/DiscountCodeNode/7", "codeDiscount": {"asyncUsageCount": uses}});
    ok(json!({"data": {"discountCodeDeactivate": {"codeDiscountNode": node, "userErrors": []}}}))
}

#[tokio::test]
async fn the_price_of_the_dearest_product_is_taken_off_once_for_a_free_one() {
    let priced = |amount: &str| json!({"priceRangeV2": {"maxVariantPrice": {"amount": amount, "currencyCode": "USD"}}});
    let prices = ok(json!({"data": {"nodes": [priced("8.5"), null, priced("12.00"), {}]}}));
    let (shop, client) = Shop::answering([prices, created("gid://shopify/DiscountCodeNode/1")]).await;
    let products = ["4", "5", "gid://shopify/Product/6", "7"].map(Into::into).to_vec();
    let free = NewDiscount { benefit: Benefit::FreeProduct, products, ..discount() };
    client.create_discount(&effect(), &free).await.unwrap();
    let requests = shop.requests();
    let ids = ["4", "5", "6", "7"].map(|id| format!("gid://shopify/Product/{id}"));
    assert_eq!(requests[0].1["variables"], json!({"ids": ids}));
    let gets = json!({
        "value": {"discountAmount": {"amount": "12.00", "appliesOnEachItem": false}},
        "items": {"products": {"productsToAdd": ids}},
    });
    assert_eq!(requests[1].1["variables"]["discount"]["customerGets"], gets);
}

#[tokio::test]
async fn the_end_of_a_code_is_looked_for_by_what_made_it() {
    let (shop, client) = Shop::answering([standing("node", "ACTIVE", 0), ended(0)]).await;
    let ended = client.end_discount(&end(), Some("gid://shopify/DiscountCodeNode/7")).await.unwrap();
    assert_eq!((ended.receipt.0.as_str(), ended.was_used), ("gid://shopify/DiscountCodeNode/7", false));
    let id = json!({"id": "gid://shopify/DiscountCodeNode/7"});
    assert!(shop.requests().iter().all(|(_, body)| body["variables"] == id));
    let (shop, client) = Shop::answering([standing("codeDiscountNodeByCode", "EXPIRED", 0)]).await;
    client.end_discount(&end(), None).await.unwrap();
    assert_eq!(shop.requests()[0].1["variables"], json!({"code": "POINTS-4KQ2"}));
}

#[tokio::test]
async fn a_use_that_the_count_shows_only_once_the_code_is_ended_is_told() {
    let (_, client) = Shop::answering([standing("node", "ACTIVE", 0), ended(1)]).await;
    let ended = client.end_discount(&end(), Some("gid://shopify/DiscountCodeNode/7")).await.unwrap();
    assert!(ended.was_used);
}
