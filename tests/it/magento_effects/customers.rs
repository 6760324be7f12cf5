//! What is changed of customers: tags and groups, values, birthdays.

use super::*;

#[tokio::test]
async fn a_tag_that_is_called_like_a_group_is_that_group_and_any_other_stands_in_an_attribute() {
    let host = Host::new();
    host.shop.put_group(4, "Gold");
    host.perform("a", &tags(&["gold", "reviewer", "tea, green"], &[])).await.unwrap();
    let customer = host.shop.customer(7);
    assert_eq!(customer["group_id"], 4);
    let held = |customer: &Value, code: &str| {
        let list = customer["custom_attributes"].as_array().unwrap().clone();
        list.into_iter().find(|it| it["attribute_code"] == code).map(|it| it["value"].clone())
    };
    assert_eq!(held(&customer, "regulars_tags"), Some(json!("reviewer, tea  green")));
    host.perform("b", &tags(&[], &["Gold", "Reviewer"])).await.unwrap();
    let customer = host.shop.customer(7);
    assert_eq!(customer["group_id"], 1);
    assert_eq!(held(&customer, "regulars_tags"), Some(json!("tea  green")));
    // A group that somebody else has chosen meanwhile stays.
    host.shop.put_customer(json!({ "id": 7, "group_id": 2, "email": "a@b.example", "firstname": "A", "lastname": "B", "website_id": 1, "store_id": 1 }));
    host.perform("c", &tags(&[], &["Gold"])).await.unwrap();
    assert_eq!(host.shop.customer(7)["group_id"], 2);
}

#[tokio::test]
async fn a_shop_of_many_groups_has_them_all_in_its_rules_and_for_its_tags() {
    let host = Host::new();
    (3..=250).for_each(|id| host.shop.put_group(id, &format!("Dealer {id}")));
    host.perform("a", &tags(&["dealer 250"], &[])).await.unwrap();
    assert_eq!(host.shop.customer(7)["group_id"], 250);
    host.perform("b", &EffectKind::CreateDiscount(discount("CODE"))).await.unwrap();
    assert_eq!(host.shop.rules()[0]["customer_group_ids"], json!((0..=250).collect::<Vec<_>>()));
    host.assert_no_request_was_invalid();
}

#[tokio::test]
async fn a_change_of_a_customer_keeps_all_else_and_other_attributes() {
    let host = Host::new();
    host.perform("a", &EffectKind::SetMetafield(points("120"))).await.unwrap();
    host.perform("b", &born(Some(1988))).await.unwrap();
    let customer = host.shop.customer(7);
    let attributes = json!([
        { "attribute_code": "shoe_size", "value": "39" },
        { "attribute_code": POINTS, "value": "120" },
    ]);
    assert_eq!(customer["custom_attributes"], attributes);
    assert_eq!(customer["dob"], "1988-02-29");
    assert_eq!(customer["extension_attributes"]["is_subscribed"], true);
    assert_eq!((&customer["group_id"], &customer["addresses"][0]["city"]), (&json!(1), &json!("Delft")));
    host.assert_no_request_was_invalid();
}

#[tokio::test]
async fn an_attribute_that_the_shop_does_not_have_is_named_with_what_to_do() {
    let host = Host::new();
    let change = Metafield { key: "tier".into(), kind: "text".into(), ..points("Gold") };
    let reason = host.refusal("a", &EffectKind::SetMetafield(change.clone())).await;
    assert!(reason.contains("no customer attribute `regulars_loyalty_points_tier`: create it"), "{reason}");
    host.shop.add_attribute("regulars_loyalty_points_tier");
    let receipt = host.perform("a", &EffectKind::SetMetafield(change)).await.unwrap();
    assert_eq!(receipt.0, "attribute regulars_loyalty_points_tier");
    let unknown = Metafield { kind: "colour".into(), ..points("red") };
    assert!(host.refusal("b", &EffectKind::SetMetafield(unknown)).await.contains("`colour`"));
}

#[tokio::test]
async fn a_value_that_a_later_change_replaces_is_not_written() {
    let host = Host::new();
    let superseded = host.client.set_metafield(&points("120"), &|| Ok(false)).await.unwrap();
    assert_eq!(superseded.0, "not written: a later change stands");
    let before = host.shop.customer(7);
    assert_eq!(before["custom_attributes"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_newsletter_follows_a_customers_word_and_all_else_stays() {
    let host = Host::new();
    host.shop.put_customer(json!({
        "id": 7, "group_id": 1, "email": "anna@example.com", "firstname": "Anna", "lastname": "O'Hara", "store_id": 1,
        "website_id": 1, "extension_attributes": { "is_subscribed": true, "assistance_allowed": 2 },
        "custom_attributes": [{ "attribute_code": "shoe_size", "value": "39" }],
    }));
    let is_subscribed = || host.shop.customer(7)["extension_attributes"]["is_subscribed"].clone();
    let before = host.shop.customer(7);
    let superseded = host.client.set_consent(&consent(false), &|| Ok(false)).await.unwrap();
    assert_eq!((superseded.0.as_str(), host.shop.customer(7)), ("not written: a later word stands", before.clone()));
    host.perform("left", &EffectKind::SetConsent(consent(false))).await.unwrap();
    assert_eq!(is_subscribed(), false);
    host.perform("back", &EffectKind::SetConsent(consent(true))).await.unwrap();
    assert_eq!(host.shop.customer(7), before);
    let requests = host.shop.requests().len();
    host.perform("again", &EffectKind::SetConsent(consent(true))).await.unwrap();
    assert_eq!(host.shop.requests().len(), requests + 1, "what the shop knows is read and not written");
    host.assert_no_request_was_invalid();
}

#[tokio::test]
async fn a_word_waits_for_an_earlier_one_that_may_be_on_its_way() {
    let host = Host::new();
    // The customer, then the write.
    host.shop.set_fault_after(1, Fault::ExecuteLate);
    host.perform("left", &EffectKind::SetConsent(consent(false))).await.unwrap_err();
    // The shop says still what the later word says.
    let failure = host.perform("back", &EffectKind::SetConsent(consent(true))).await.unwrap_err();
    assert!(matches!(failure, Failure::NotYet { .. }), "{failure}");
    host.shop.execute_late();
    host.perform_at_last("back", &EffectKind::SetConsent(consent(true))).await;
    assert_eq!(host.shop.customer(7)["extension_attributes"]["is_subscribed"], true);
}

#[tokio::test]
async fn a_later_value_waits_for_an_earlier_one_that_may_be_on_its_way() {
    let host = Host::new();
    // The customer, the attribute, then the write.
    host.shop.set_fault_after(2, Fault::ExecuteLate);
    host.perform("earlier", &EffectKind::SetMetafield(points("90"))).await.unwrap_err();
    let failure = host.perform("later", &EffectKind::SetMetafield(points("120"))).await.unwrap_err();
    assert!(matches!(failure, Failure::NotYet { .. }), "{failure}");
    host.shop.execute_late();
    host.perform_at_last("later", &EffectKind::SetMetafield(points("120"))).await;
    let held = host.shop.customer(7)["custom_attributes"].as_array().unwrap().last().unwrap()["value"].clone();
    assert_eq!(held, "120");
}
