//! What a customer sees.

use std::collections::BTreeSet;

use regulars_sdk::{
    panel::{Block, View},
    test::Bench,
};

use super::*;
use crate::panel;

fn shown(shop: &Bench, locale: &str) -> Vec<Block> {
    let view = View { kind: "panel".into(), customer_id: Some("c1".into()), locale: locale.into(), link: None };
    shop.render(panel::render, &view).unwrap()
}

#[test]
fn the_form_asks_for_day_and_month_and_says_that_it_asks_no_age() {
    let shop = shop();
    let form = &shown(&shop, "en")[0];
    assert_eq!((form.kind.as_str(), form.button.as_ref().unwrap().action.as_str()), ("form", "birthday"));
    let fields: Vec<_> = form.fields.iter().map(|it| (it.name.as_str(), it.kind.as_str(), it.required)).collect();
    assert_eq!(fields, [("birthday", "day-month", true)]);
    assert_eq!(form.text, "Tell us the day, and we will think of you. We do not ask how old you are.");
    let with_year = shop.setting("ask_year", true);
    let year = &shown(&with_year, "en")[0].fields[1];
    assert_eq!((year.name.as_str(), year.required), ("year", false));
}

#[test]
fn what_is_known_is_shown_and_while_it_is_locked_there_is_no_form() {
    let mut shop = shop();
    shop.deliver(tell("c1", 6, 1)).unwrap();
    let form = &shown(&shop, "fr-CA")[0];
    assert_eq!((form.text.as_str(), form.fields[0].value.as_str()), ("Nous penserons à vous le 1er juin.", "06-01"));
    shop.deliver(tell("c1", 5, 31)).unwrap();
    let locked = &shown(&shop, "en")[0];
    assert_eq!(locked.kind, "text");
    assert_eq!(locked.text, "We will think of you on 31 May. You can change it again from 1 January 2027 on.");
}

#[test]
fn the_code_is_shown_while_it_is_good() {
    let mut shop = shop();
    shop.deliver(tell("c1", 5, 31)).unwrap();
    shop.advance_to(at(150, 9)).unwrap();
    assert_eq!(shown(&shop, "en").len(), 1, "it is still to be made");
    let effect = shop.codes().next().unwrap().1.clone();
    shop.finish(&effect).unwrap();
    let code = &shown(&shop, "de")[0];
    assert_eq!((code.kind.as_str(), code.text.as_str()), ("code", "Gültig bis zum 30. Juni 2026."));
    shop.advance_to(at(182, 0)).unwrap();
    assert_eq!(shown(&shop, "de").len(), 1);
}

#[test]
fn every_language_has_words_of_its_own() {
    let shop = shop();
    let texts: BTreeSet<_> = ["en", "de", "fr", "es", "nl", "ja"].map(|it| shown(&shop, it)[0].text.clone()).into();
    assert_eq!(texts.len(), 6);
    assert_eq!(shown(&shop, "pt-BR"), shown(&shop, "en"));
}

#[test]
fn nobody_else_sees_anything_and_the_merchant_can_do_without_the_form() {
    let shop = shop();
    for (kind, customer_id) in [("link", Some("c1".to_owned())), ("panel", None)] {
        let view = View { kind: kind.into(), customer_id, locale: "en".into(), link: None };
        assert_eq!(shop.render(panel::render, &view).unwrap(), []);
    }
    assert_eq!(shown(&shop.clone().setting("ask_in_panel", false), "en"), []);
    assert_eq!(shown(&shop.setting("birthdays", false), "en"), []);
}
