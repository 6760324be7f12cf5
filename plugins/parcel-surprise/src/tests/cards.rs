//! Codes for cards that the merchant prints.

use regulars_sdk::{
    Benefit, Money, NewDiscount,
    test::{Call, Capability, Incoming},
};
use serde_json::{Value, json};

use super::*;

fn cards(input: Value) -> Incoming {
    Incoming::merchant_action("cards", None, input)
}

fn made(shop: &Bench) -> Vec<(Vec<String>, NewDiscount)> {
    let calls = shop.calls().iter().filter_map(|call| match call {
        Call::Discounts { codes, discount, .. } => Some((codes.clone(), discount.clone())),
        _ => None,
    });
    calls.collect()
}

#[test]
fn codes_for_cards_are_for_whoever_has_one_and_each_for_one_use() {
    let mut shop = shop();
    let input = json!({ "count": 3, "percent": 15, "prefix": "THANKS", "min_basket": "20.00", "valid_days": 90 });
    let delivery = shop.deliver(cards(input)).unwrap();
    let (codes, discount) = made(&shop).remove(0);
    assert_eq!((codes.len(), discount.benefit, discount.uses), (3, Benefit::BasisPoints(1_500), Some(1)));
    assert!(codes.iter().all(|code| code.starts_with("THANKS-")), "{codes:?}");
    assert_eq!(discount.customer_id, None);
    assert_eq!(discount.minimum_subtotal, Some(Money::new(2_000, "EUR".parse().unwrap())));
    assert_eq!(discount.ends_at, Some(START.plus_days(90)));
    assert_eq!(why(&delivery), "Codes for cards are being made");
    assert_eq!((note(&delivery).field("cards"), note(&delivery).field("first code")), (Some("3"), Some(&*codes[0])));
}

#[test]
fn an_action_makes_its_codes_once_and_another_makes_others() {
    let mut shop = shop();
    let five_off = || cards(json!({ "count": 2, "amount": "5.00" }));
    shop.deliver(five_off().id("asked")).unwrap();
    let delivery = shop.deliver_again(five_off().id("asked")).unwrap();
    assert_eq!(why(&delivery), "No codes made: that was done before");
    shop.deliver(five_off().id("asked anew")).unwrap();
    let made: Vec<_> = made(&shop).into_iter().flat_map(|(codes, _)| codes).collect();
    assert_eq!((made.len(), made.iter().all(|code| code.starts_with("CARD-"))), (4, true));
    assert_ne!(made[0], made[2]);
}

#[test]
fn what_makes_no_sense_makes_no_codes_and_the_note_says_why() {
    let of = |count: u32, worth: Value| {
        let mut input = worth;
        input["count"] = count.into();
        cards(input)
    };
    let ten = || json!({ "percent": 10 });
    let worth = "name a percentage from 1 to 100 or an amount";
    let cases = [
        (cards(json!({})), shop(), "No codes made: name the number of cards and what each is worth", None),
        (of(0, ten()), shop(), "No codes made", Some("invalid argument: count: there are none")),
        (of(251, ten()), shop(), "No codes made", Some("over the limit of 250")),
        (of(2, json!({})), shop(), "No codes made", Some(worth)),
        (of(2, json!({ "percent": 101 })), shop(), "No codes made", Some(worth)),
        (of(2, json!({ "percent": 10, "amount": "5.00" })), shop(), "No codes made", Some(worth)),
        (of(2, json!({ "amount": "five" })), shop(), "No codes made", Some("an amount does not read")),
        (
            of(2, ten()),
            shop().withhold(Capability::Discounts),
            "No codes made",
            Some("the merchant has not granted this capability"),
        ),
    ];
    for (event, mut shop, reason, because) in cases {
        let delivery = shop.deliver(event).unwrap();
        assert_eq!((why(&delivery), note(&delivery).field("because")), (reason, because));
        assert_eq!(made(&shop), []);
    }
}

#[test]
fn one_code_ends_all_that_were_made_with_it() {
    let mut shop = shop();
    shop.deliver(cards(json!({ "count": 3, "percent": 10 }))).unwrap();
    let codes = made(&shop).remove(0).0;
    let end = |code: &str| Incoming::merchant_action("end-cards", None, json!({ "code": code }));
    let ended = |shop: &Bench| shop.calls().iter().filter(|it| matches!(it, Call::DisableDiscount { .. })).count();
    assert_eq!(why(&shop.deliver(end("NONE-OF-OURS")).unwrap()), "No codes ended: this plugin has made no such code");
    assert_eq!(ended(&shop), 0);
    let delivery = shop.deliver(end(&codes[2].to_lowercase())).unwrap();
    assert_eq!(why(&delivery), "The codes that were made with it end");
    assert_eq!(ended(&shop), 1);
    let wrong = Incoming::merchant_action("end-cards", None, json!({}));
    assert_eq!(why(&shop.deliver(wrong).unwrap()), "No codes ended: name one of them");
}
