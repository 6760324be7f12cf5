//! What a tier brings.

use regulars_sdk::{
    Benefit, MetafieldValue,
    panel::{Block, View},
    test::{Bench, Capability, Incoming},
};
use serde_json::json;

use super::*;
use crate::panel;

fn fields(shop: &Bench) -> Vec<String> {
    let values = shop.calls().iter().filter_map(|call| match call {
        Call::Metafield { key, value: MetafieldValue::Text(value), .. } => Some(format!("{key}={value}")),
        _ => None,
    });
    values.collect()
}

#[test]
fn a_tier_is_shown_by_a_tag_and_a_field_and_a_mail() {
    let mut shop = shop();
    let told = pay(&mut shop, "1", 300);
    assert_eq!((why(&told), note(&told).field("tier")), ("A tier was entered", Some("Silver")));
    assert_eq!(worn(&shop, "c1"), ["tier-silver"]);
    assert_eq!(fields(&shop), ["vip_tier=silver"]);
    assert_eq!(templates(shop.calls()), ["entered"]);
    let mail = mails(&shop)[0];
    assert_eq!((var(mail, "tier"), var(mail, "until"), var(mail, "kept")), ("Silver", "2026-12-31", ""));
}

#[test]
fn a_tier_that_asks_for_nothing_is_entered_without_a_mail() {
    let mut shop = shop();
    shop.deliver(Incoming::customer_created(customer("c1"))).unwrap();
    assert_eq!((tier(&shop).as_deref(), mails(&shop).len()), (Some("bronze"), 0));
}

#[test]
fn a_jump_of_two_tiers_is_one_mail_and_one_reward_or_both_if_set() {
    let perks = || {
        tiers(
            json!({ "reward": "amount", "reward_value": "5.00" }),
            json!({ "reward": "percent", "reward_value": "12.5" }),
        )
    };
    let mut shop = shop().setting("tiers", perks());
    pay(&mut shop, "1", 1000);
    assert_eq!(templates(shop.calls()), ["entered"]);
    let given: Vec<_> = shop.calls().discounts().map(|it| it.benefit).collect();
    assert_eq!(given, [Benefit::BasisPoints(1250)]);

    let mut shop = self::shop().setting("tiers", perks()).setting("reward_skipped_tiers", true);
    pay(&mut shop, "1", 1000);
    assert_eq!(templates(shop.calls()), ["entered"]);
    assert_eq!(shop.calls().discounts().count(), 2);
    let codes: Vec<_> = shop.codes().map(|(code, _)| code.to_owned()).collect();
    assert_eq!((var(mails(&shop)[0], "other_codes"), var(mails(&shop)[0], "reward_code")), (&*codes[0], &*codes[1]));
}

#[test]
fn lapsed_and_back_in_a_new_term_brings_the_reward_again() {
    let mut shop = shop().setting("tiers", tiers(json!({ "reward": "free_shipping" }), json!({})));
    pay(&mut shop, "1", 300);
    until_noon(&mut shop, "2027-03-01");
    assert_eq!(tier(&shop).as_deref(), Some("bronze"));
    pay(&mut shop, "2", 300);
    assert_eq!(shop.calls().discounts().count(), 2);
}

#[test]
fn free_shipping_is_a_code_for_the_term_and_a_new_one_for_the_next() {
    let mut shop = shop().setting("tiers", tiers(json!({ "free_shipping": true }), json!({})));
    pay(&mut shop, "1", 300);
    let code = shop.calls().discounts().next().unwrap().clone();
    assert_eq!((code.benefit, code.uses, code.once_per_customer), (Benefit::FreeShipping, None, false));
    assert_eq!(code.ends_at, Some(Timestamp(noon("2027-01-31").0 - 43_200_000)), "the days of grace are in it");
    assert_eq!(var(mails(&shop)[0], "shipping_code"), shop.codes().next().unwrap().0);
    until_noon(&mut shop, "2026-06-01");
    pay(&mut shop, "2", 300);
    assert_eq!(shop.calls().discounts().count(), 1);
    until_noon(&mut shop, "2027-01-01");
    assert_eq!(shop.calls().discounts().count(), 2);
}

#[test]
fn free_shipping_of_a_tier_without_an_end_is_made_anew() {
    let mut shop = shop().setting("tiers", json!([{ "id": "all", "title": "All", "free_shipping": true }]));
    shop.deliver(Incoming::customer_created(customer("c1"))).unwrap();
    let ends = |shop: &Bench| member(shop, "c1").shipping.map(|it| it.until);
    assert_eq!(ends(&shop), Some(day("2028-01-01")));
    until_noon(&mut shop, "2028-01-01");
    assert_eq!((ends(&shop), shop.calls().discounts().count()), (Some(day("2030-01-01")), 2));
}

#[test]
fn free_shipping_ends_with_the_tier() {
    let mut shop = shop().setting("tiers", tiers(json!({ "free_shipping": true }), json!({})));
    pay(&mut shop, "1", 300);
    until_noon(&mut shop, "2027-03-01");
    assert!(shop.calls().iter().any(|it| matches!(it, Call::DisableDiscount { .. })));
    assert_eq!(member(&shop, "c1").shipping, None);
}

#[test]
fn orders_of_a_tier_wear_its_tag_once() {
    let mut shop = shop().setting("tiers", tiers(json!({ "order_tag": "priority" }), json!({})));
    let one = bought(&shop, "1", 300);
    paid(&mut shop, one.clone());
    shop.deliver(Incoming::order_paid(one).id("again")).unwrap();
    let tagged: Vec<_> = shop.calls().iter().filter(|it| matches!(it, Call::OrderTags { .. })).collect();
    assert_eq!(tagged.len(), 1);
}

#[test]
fn orders_of_a_tier_are_to_be_sent_in_time_and_are_told_so_once() {
    let mut shop = shop().setting("tiers", tiers(json!({ "send_within_hours": 24 }), json!({})));
    let one = bought(&shop, "1", 300);
    let told = paid(&mut shop, one.clone());
    assert_eq!(note(&told).field("to be sent within"), Some("24 h"));
    shop.deliver(Incoming::order_paid(one).id("again")).unwrap();
    let next_day = Timestamp(START.0 + 86_400_000);
    let times = |shop: &Bench| {
        let calls = shop.calls().iter().filter_map(|it| match it {
            Call::ShipBy { order_id, at, .. } => Some((order_id.clone(), *at)),
            _ => None,
        });
        calls.collect::<Vec<_>>()
    };
    assert_eq!(times(&shop), [("1".to_owned(), next_day)]);

    let mut sent: Order = bought(&shop, "2", 10).into();
    sent.fulfillment_status = Some("fulfilled".into());
    paid(&mut shop, sent);
    assert_eq!(times(&shop).len(), 1, "what is sent already is not hurried");
}

#[test]
fn a_time_that_passed_while_the_host_was_asleep_is_left_out() {
    let mut shop = shop().setting("tiers", tiers(json!({ "send_within_hours": 24 }), json!({})));
    let one = bought(&shop, "1", 300);
    let late = Incoming::order_paid(one).at(shop.now());
    shop.advance_days(2).unwrap();
    let told = shop.deliver(late).unwrap();
    assert_eq!((tier(&shop).as_deref(), note(&told).field("to be sent within")), (Some("silver"), None));
    assert!(!shop.calls().iter().any(|it| matches!(it, Call::ShipBy { .. })));
}

#[test]
fn early_access_is_a_tag_that_goes_with_the_tier() {
    let mut shop = shop().setting("tiers", tiers(json!({}), json!({ "early_access_tag": "early" })));
    pay(&mut shop, "1", 1000);
    assert_eq!(worn(&shop, "c1"), ["tier-gold", "early"]);
    until_noon(&mut shop, "2027-03-01");
    assert_eq!(worn(&shop, "c1"), ["tier-silver"]);
}

#[test]
fn who_is_near_the_next_tier_is_told_once() {
    let mut shop = shop();
    pay(&mut shop, "1", 230);
    assert_eq!(templates(shop.calls()), [""; 0]);
    pay(&mut shop, "2", 10);
    assert_eq!(templates(shop.calls()), ["near"]);
    assert_eq!((var(mails(&shop)[0], "next"), var(mails(&shop)[0], "missing_amount")), ("Silver", "60.00 EUR"));
    pay(&mut shop, "3", 10);
    assert_eq!(templates(shop.calls()), ["near"]);
}

#[test]
fn a_code_that_could_not_be_made_leaves_the_news() {
    let mut shop = shop().setting("tiers", tiers(json!({ "reward": "percent" }), json!({})));
    pay(&mut shop, "1", 300);
    let code = shop.codes().next().unwrap().1.clone();
    let told = shop.fail(&code, "the platform said no").unwrap();
    assert_eq!(why(&told), "A code could not be made");
    let mail = told.calls.mails().next().unwrap();
    assert_eq!((var(mail, "tier"), var(mail, "reward_code"), mail.after.as_ref()), ("Silver", "", None));
    assert_eq!(member(&shop, "c1").gifts, []);
}

#[test]
fn what_is_not_granted_is_left_out_and_the_tier_stands() {
    let mut shop = shop()
        .setting(
            "tiers",
            tiers(
                json!({ "reward": "percent", "free_shipping": true, "order_tag": "vip", "send_within_hours": 24 }),
                json!({}),
            ),
        )
        .withhold(Capability::Mail)
        .withhold(Capability::Discounts)
        .withhold(Capability::Tags)
        .withhold(Capability::Orders)
        .withhold(Capability::Metafields)
        .withhold(Capability::Tasks);
    let told = pay(&mut shop, "1", 300);
    assert_eq!(tier(&shop).as_deref(), Some("silver"));
    assert_eq!(note(&told).field("mail"), Some("not granted"));
    assert_eq!(note(&told).field("reward"), Some("none: the merchant has not granted this capability"));
    shop.publish("greet_raised", true).unwrap();
    shop.advance_days(1).unwrap();
}

fn view(customer: Option<&str>, locale: &str) -> View {
    View { kind: "panel".into(), customer_id: customer.map(Into::into), locale: locale.into(), link: None }
}

fn kinds(blocks: &[Block]) -> Vec<&str> {
    blocks.iter().map(|it| it.kind.as_str()).collect()
}

#[test]
fn the_panel_shows_tier_term_progress_benefits_and_codes() {
    let perks = json!({ "reward": "percent", "free_shipping": true, "benefits": ["Tea with the founder"] });
    let mut shop = shop().setting("tiers", tiers(perks, json!({})));
    pay(&mut shop, "1", 400);
    let blocks = shop.render(panel::render, &view(Some("c1"), "en-GB")).unwrap();
    assert_eq!(kinds(&blocks), ["figure", "progress", "list", "code", "code"]);
    assert_eq!(
        (blocks[0].value.as_str(), blocks[0].text.as_str()),
        ("Silver", "Yours until 31 December 2026 · 300.00 EUR more to keep it")
    );
    assert_eq!((blocks[1].title.as_str(), blocks[1].done, blocks[1].of), ("600.00 EUR more to Gold", 40, 100));
    assert_eq!(blocks[2].rows.len(), 2);
    let german = shop.render(panel::render, &view(Some("c1"), "de")).unwrap();
    assert_eq!(german[1].title, "Noch 600.00 EUR bis Gold");
}

#[test]
fn the_panel_shows_every_language_and_nobody_to_strangers() {
    let mut shop = shop()
        .setting("basis", "spend_or_orders")
        .setting("tiers", json!([{ "id": "vip", "title": "VIP", "threshold": "100", "orders": 3 }]));
    pay(&mut shop, "1", 40);
    for locale in ["en", "de", "fr", "es", "nl", "ja", "xx"] {
        let blocks = shop.render(panel::render, &view(Some("c1"), locale)).unwrap();
        assert_eq!((blocks[0].kind.as_str(), blocks[0].done), ("progress", 40), "{locale}");
        assert!(blocks[0].title.contains("60.00 EUR") && blocks[0].title.contains("VIP"), "{locale}");
        assert!(!blocks[0].title.contains('{'), "{locale}");
    }
    assert_eq!(shop.render(panel::render, &view(None, "en")).unwrap(), []);
}
