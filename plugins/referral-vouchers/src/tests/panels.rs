//! What shoppers see.

use regulars_sdk::{
    Order,
    panel::{Block, View},
    test::{Incoming, START},
};

use super::*;
use crate::panel::render;

const LOCALES: [&str; 6] = ["en-GB", "de", "fr-FR", "es-MX", "nl", "ja-JP"];

fn own(shop: &Bench, who: Option<&str>, locale: &str) -> Vec<Block> {
    let view = View { kind: "panel".into(), customer_id: who.map(Into::into), locale: locale.into(), link: None };
    shop.render(render, &view).unwrap()
}

fn landing(shop: &Bench, locale: &str) -> Vec<Block> {
    let link = advocate(shop, ANN).map(|it| it.link);
    let view = View { kind: "link".into(), customer_id: None, locale: locale.into(), link };
    shop.render(render, &view).unwrap()
}

fn block<'a>(blocks: &'a [Block], kind: &str) -> Option<&'a Block> {
    blocks.iter().find(|it| it.kind == kind)
}

/// Value and second line of the only referral.
fn row(shop: &Bench) -> (String, String) {
    let blocks = own(shop, Some(ANN), "en");
    let rows = &block(&blocks, "list").unwrap().rows;
    assert_eq!(rows.len(), 1, "{rows:?}");
    (rows[0].value.clone(), rows[0].detail.clone())
}

#[test]
fn who_has_no_link_yet_can_ask_for_one() {
    let blocks = own(&shop(), Some(ANN), "en");
    let button = block(&blocks, "form").unwrap().button.as_ref().unwrap();
    assert_eq!((button.action.as_str(), button.label.as_str()), ("share", "Get my link"));
    let deal = &block(&blocks, "text").unwrap().text;
    assert_eq!(deal, "Your friends get 10% off their order. For each friend who keeps it, you get €10 store credit.");
    assert!(block(&blocks, "link").is_none());
}

#[test]
fn an_advocate_sees_link_code_limit_and_referrals() {
    let mut shop = referred();
    let blocks = own(&shop, Some(ANN), "en");
    assert_eq!(block(&blocks, "link").unwrap().value, advocate(&shop, ANN).unwrap().url);
    assert_eq!(block(&blocks, "code").unwrap().value, code_of(&shop, ANN));
    let limit = block(&blocks, "progress").unwrap();
    assert_eq!((limit.done, limit.of), (0, 10));
    assert_eq!(row(&shop), ("On hold".into(), "€10 from 22 January 2026, if the order is kept.".into()));
    shop.advance_days(21).unwrap();
    assert_eq!(row(&shop), ("Given".into(), "€10 store credit".into()));
    let blocks = own(&shop, Some(ANN), "en");
    assert_eq!(block(&blocks, "progress").unwrap().done, 1);
}

#[test]
fn a_reward_as_a_code_is_shown() {
    let mut shop = referred_with(|shop| shop.setting("advocate_reward", "code"));
    shop.advance_days(21).unwrap();
    let code = claim(&shop, ORDER).payout.unwrap().code.unwrap();
    assert_eq!(row(&shop), ("Given".into(), format!("Your code {code} takes €10 off.")));
}

#[test]
fn what_does_not_count_is_explained_kindly() {
    let mut cancelled = referred();
    let link = advocate(&cancelled, ANN).unwrap().link;
    cancelled.deliver(Incoming::order_cancelled(Order { cancelled_at: Some(START), ..placed(&link) })).unwrap();
    assert_eq!(row(&cancelled), ("Not counted".into(), "The order was cancelled.".into()));

    let mut withheld = referred_with(|shop| with_signals_but(shop, ORDER, BOB, &[("device", ANN)]));
    assert_eq!(row(&withheld).0, "On hold");
    withheld.advance_days(60).unwrap();
    assert_eq!(row(&withheld), ("Not counted".into(), "The order did not meet the conditions.".into()));

    let blocked = referred_with(|shop| with_signals_but(shop, ORDER, BOB, &[("email", ANN)]));
    assert_eq!(row(&blocked), ("Not counted".into(), "The order did not meet the conditions.".into()));
}

#[test]
fn no_page_speaks_of_suspicion_or_names_anybody_in_any_language() {
    let mut shop = referred_with(|shop| with_signals_but(shop, ORDER, BOB, &[("device", ANN), ("email", ANN)]));
    for days in [0, 60] {
        shop.advance_days(days).unwrap();
        for locale in LOCALES {
            let shown = format!("{:?}{:?}", own(&shop, Some(ANN), locale), landing(&shop, locale)).to_lowercase();
            for word in ["fraud", "suspicio", "betrug", "verdacht", "fraude", "sospech", "不正", "bob", "same e-mail"]
            {
                assert!(!shown.contains(word), "{locale}: {word}");
            }
            assert!(!shown.contains('{'.to_string().repeat(2).as_str()));
        }
    }
}

#[test]
fn a_friend_lands_on_the_offer_the_code_and_how_to_use_it() {
    let (shop, _) = visited();
    let blocks = landing(&shop, "en");
    assert_eq!(block(&blocks, "heading").unwrap().title, "10% off, from a friend");
    assert_eq!(block(&blocks, "code").unwrap().value, code_of(&shop, ANN));
    assert!(blocks.iter().any(|it| it.text == "For orders of €40 or more."));
    let steps: Vec<_> = block(&blocks, "list").unwrap().rows.iter().map(|it| it.title.as_str()).collect();
    assert_eq!(steps[1], "2. Enter the code at checkout");
}

#[test]
fn the_page_states_the_terms_of_the_code_that_it_shows() {
    let (mut shop, _) = visited();
    shop.publish("friend_percent", 50).unwrap();
    assert_eq!(block(&landing(&shop, "en"), "heading").unwrap().title, "10% off, from a friend");
}

#[test]
fn a_banned_advocates_link_promises_nothing_and_the_advocate_is_told_politely() {
    let (mut shop, _) = visited();
    shop.deliver(Incoming::merchant_action("ban", Some(ANN), json!({ "reason": "Fraud" }))).unwrap();
    assert_eq!(landing(&shop, "en"), [Block::text("This invitation is no longer open.")]);
    let blocks = own(&shop, Some(ANN), "en");
    assert_eq!(blocks[1].text, "Inviting friends is not available for this account.");
    assert_eq!(blocks.len(), 2);
}

#[test]
fn whoever_is_not_signed_in_sees_nothing() {
    let (shop, _) = visited();
    assert!(own(&shop, None, "en").is_empty());
}

#[test]
fn every_language_fills_in_all_its_variables() {
    let mut shop = referred();
    shop.advance_days(21).unwrap();
    for locale in LOCALES {
        for block in own(&shop, Some(ANN), locale).iter().chain(&landing(&shop, locale)) {
            let rows = block.rows.iter().map(|it| [it.title.as_str(), &it.value, &it.detail].concat());
            let shown = [block.title.as_str(), &block.text, &block.value, &rows.collect::<String>()].concat();
            assert!(!shown.is_empty() && !shown.contains(['{', '}']), "{locale}: {shown}");
        }
    }
}
