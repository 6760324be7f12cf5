//! What shoppers are shown.

use regulars_sdk::{
    Customer,
    panel::{Block, View},
    test::{Bench, Incoming, customer, order},
};
use serde_json::json;

use super::{as_shipped, paid, shop, with_balance};
use crate::panel::render;

fn view(locale: &str) -> View {
    View { kind: "panel".into(), customer_id: Some("c1".into()), locale: locale.into(), link: None }
}

fn shown(shop: &Bench) -> Vec<Block> {
    shop.render(render, &view("en-GB")).unwrap()
}

fn block<'a>(blocks: &'a [Block], kind: &str, title: &str) -> &'a Block {
    let found = blocks.iter().find(|block| block.kind == kind && block.title == title);
    found.unwrap_or_else(|| panic!("no {kind} `{title}` in {blocks:#?}"))
}

#[test]
fn a_newcomer_sees_an_empty_balance_and_what_there_is_to_get() {
    let blocks = shown(&shop());
    assert_eq!(block(&blocks, "figure", "Your balance").value, "0 points");
    let next = block(&blocks, "progress", "100 points more for 5.00 off your next order");
    assert_eq!((next.done, next.of), (0, 100));
    let reward = &block(&blocks, "list", "Rewards").rows[0];
    assert_eq!(
        (reward.value.as_str(), reward.detail.as_str(), reward.button.is_none()),
        ("100 points", "100 points more needed", true)
    );
    assert!(blocks.iter().all(|block| block.title != "History"));
}

#[test]
fn pending_and_lapsing_points_are_told_with_their_dates() {
    let mut shop = as_shipped();
    shop.deliver(paid(order("1").customer("c1").line(3_000, 1))).unwrap();
    let balance = |shop: &Bench| block(&shown(shop), "figure", "Your balance").clone();
    assert_eq!(balance(&shop).text, "30 points more from 15 January 2026");
    // Nobody has to wait for a timer to see them.
    let late = balance(&shop.at(regulars_sdk::test::START.plus_days(20)));
    assert_eq!((late.value.as_str(), late.text.as_str()), ("30 points", "30 points are good until 1 January 2027"));
}

#[test]
fn a_reward_is_redeemed_and_its_code_returned_by_what_the_panel_sends() {
    let mut shop = with_balance(12_000);
    let blocks = shown(&shop);
    let button = block(&blocks, "list", "Rewards").rows[0].button.clone().unwrap();
    let press = |button: &regulars_sdk::panel::Button| {
        let input: serde_json::Map<_, _> =
            button.input.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        Incoming::action(&button.action, "c1", input)
    };
    shop.deliver(press(&button)).unwrap();
    let (code, effect) = shop.codes().map(|(code, effect)| (code.to_owned(), effect.clone())).next().unwrap();
    shop.finish(&effect).unwrap();

    let blocks = shown(&shop);
    let shown_code = block(&blocks, "code", "5.00 off your next order");
    assert_eq!((&shown_code.value, shown_code.text.as_str()), (&code, "Good until 1 April 2026"));
    let back = &block(&blocks, "list", "Changed your mind?").rows[0];
    let asked = shop.deliver(press(back.button.as_ref().unwrap())).unwrap();
    assert_eq!(asked.calls.notes().next().unwrap().reason, "Code is being disabled: its points come back once it is");
    let blocks = shown(&shop);
    assert_eq!(block(&blocks, "list", "Changed your mind?").rows[0].detail, "The points are on their way back");
    assert!(blocks.iter().all(|block| block.kind != "code"));
}

#[test]
fn a_sliding_reward_is_a_form_with_what_the_shopper_can_afford() {
    let rewards = json!([{ "id": "any", "title": "Money off", "type": "sliding", "cost": 50, "max_points": 200 }]);
    let shop = with_balance(17_500).setting("rewards", rewards.clone());
    let blocks = shown(&shop);
    let form = block(&blocks, "form", "Money off");
    assert_eq!((form.fields[0].value.as_str(), form.text.as_str()), ("150", "In steps of 50 points: 2.50 EUR"));
    let rich = with_balance(100_000).setting("rewards", rewards);
    assert_eq!(block(&shown(&rich), "form", "Money off").fields[0].value, "200");
}

#[test]
fn the_history_has_the_last_twenty_entries_the_latest_first() {
    let mut shop = shop();
    shop.deliver(Incoming::customer_created(customer("c1"))).unwrap();
    for n in 0..30 {
        shop.deliver(paid(order(&n.to_string()).customer("c1").line(1_000, 1))).unwrap();
    }
    let basket = order("29").customer("c1").line(1_000, 1).into();
    shop.deliver(Incoming::order_refunded(regulars_sdk::test::refund("r", &basket).everything())).unwrap();
    let blocks = shown(&shop);
    let rows = &block(&blocks, "list", "History").rows;
    assert_eq!(rows.len(), 20);
    assert_eq!((rows[0].title.as_str(), rows[0].value.as_str()), ("Taken back #29", "\u{2212}10"));
    assert_eq!((rows[1].title.as_str(), rows[1].value.as_str()), ("Order #29", "+10"));
    assert_eq!(rows[1].detail, "1 January 2026");
}

#[test]
fn a_guest_is_told_until_when_to_claim() {
    let mut shop = shop().with_customer(Customer { guest: true, ..customer("c1") });
    shop.deliver(paid(order("1").customer("c1").line(1_000, 1))).unwrap();
    let text = &block(&shown(&shop), "figure", "Your balance").text.clone();
    assert!(text.contains("Create an account by 1 April 2026 to keep them"), "{text}");
}

#[test]
fn the_birthday_is_asked_for_where_it_gives_points() {
    let mut shop = shop().with_customer(customer("c1"));
    let asked = |shop: &Bench| block(&shown(shop), "form", "Your birthday").clone();
    assert_eq!(asked(&shop).fields[0].kind, "day-month");
    assert!(asked(&shop).text.contains("100 points"));
    shop.deliver(Incoming::action("birthday", "c1", json!({ "birthday": "05-09" }))).unwrap();
    assert_eq!(asked(&shop).fields[0].value, "05-09");
    assert!(asked(&shop).text.starts_with("We have 9 May."));
    let none = shop.setting("birthday_points", 0);
    assert!(shown(&none).iter().all(|block| block.title != "Your birthday"));
}

#[test]
fn every_language_says_it_in_its_own_words_with_the_right_plural() {
    let mut shop = shop().with_customer(customer("c1"));
    shop.deliver(paid(order("1").customer("c1").line(100, 1))).unwrap();
    for (locale, balance, value) in [
        ("en", "Your balance", "1 point"),
        ("de-AT", "Ihr Guthaben", "1 Punkt"),
        ("fr_CA", "Votre solde", "1 point"),
        ("es", "Tu saldo", "1 punto"),
        ("NL", "Je saldo", "1 punt"),
        ("ja", "ポイント残高", "1ポイント"),
        ("pl", "Your balance", "1 point"),
    ] {
        let blocks = shop.render(render, &view(locale)).unwrap();
        assert_eq!(block(&blocks, "figure", balance).value, value, "{locale}");
        let texts = blocks.iter().flat_map(|it| [&it.title, &it.text]);
        assert!(texts.into_iter().all(|text| !text.contains(['{', '}'])), "{locale}: {blocks:?}");
    }
}

#[test]
fn strangers_and_followers_of_links_are_shown_nothing() {
    let shop = with_balance(12_000);
    for view in [View { customer_id: None, ..view("en") }, View { kind: "link".into(), ..view("en") }] {
        assert_eq!(shop.render(render, &view).unwrap(), Vec::new());
    }
}
