//! What a page is made of, whatever plugins say.

use proptest::prelude::*;

use super::{super::words, *};
use crate::engine::panel::{Block, Button, Field, PanelError, Progress, Row};

fn drawn(blocks: Vec<Block>) -> Drawn {
    Drawn { plugin: "loyalty-points".into(), title: "Loyalty points".into(), blocks: Ok(blocks) }
}

fn page(sections: &[Drawn]) -> String {
    let panels = Panels {
        shop: "Fern & Fable",
        words: words::of("en"),
        locale: "en-GB",
        sections,
        actions: Actions::OfPlugin,
        key: "rendering",
        taken_in: false,
        shop_link: None,
    };
    let page = super::panels(&panels);
    assert_eq!(page.status, StatusCode::OK);
    page.html
}

fn block(kind: &str) -> Block {
    Block { kind: kind.into(), ..Block::default() }
}

fn button(text: &str) -> Button {
    Button { action: text.into(), label: text.into(), input: vec![(text.into(), text.into())] }
}

/// One block of each kind that says `text` wherever it can say anything.
fn all_saying(text: &str) -> Vec<Block> {
    let fields = ["text", "number", "date", "day-month", "email", "choice", text].map(|kind| Field {
        name: text.into(),
        label: text.into(),
        kind: kind.into(),
        value: text.into(),
        choices: vec![(text.into(), text.into())],
        required: false,
    });
    let kinds = ["heading", "text", "figure", "progress", "list", "code", "link", "form", text];
    let blocks = kinds.map(|kind| Block {
        kind: kind.into(),
        title: text.into(),
        text: text.into(),
        value: text.into(),
        progress: (kind == "progress").then_some(Progress { done: 3, of: 10 }),
        rows: vec![Row { title: text.into(), value: text.into(), detail: text.into(), button: Some(button(text)) }],
        fields: fields.to_vec(),
        button: Some(button(text)),
    });
    blocks.into()
}

/// The elements of a page and their attributes, without any value and any text.
fn skeleton(html: &str) -> Vec<String> {
    let tags = html.split('<').skip(1).map(|rest| rest.split_once('>').map_or(rest, |(tag, _)| tag));
    tags.map(|tag| tag.split('"').step_by(2).collect::<Vec<_>>().join("\"\"")).collect()
}

#[test]
fn whatever_a_plugin_says_enters_the_page_as_text() {
    let harmless = skeleton(&page(&[drawn(all_saying("x"))]));
    for hostile in [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' onmouseover='alert(1)",
        "</style></title><svg onload=alert(1)>",
        "{{ key }}{% raw %}",
        "&lt;b&gt;",
        "\u{202e}\0",
    ] {
        let html = page(&[drawn(all_saying(hostile))]);
        assert_eq!(skeleton(&html), harmless, "{hostile}");
        assert!(!html.contains("<script") && !html.contains("<img") && !html.contains("rendering{"), "{hostile}");
    }
}

proptest! {
    #[test]
    fn no_text_changes_what_a_page_is_made_of(text in "\\PC{1,30}") {
        prop_assume!(!is_address(&text));
        let harmless = skeleton(&page(&[drawn(all_saying("x"))]));
        prop_assert_eq!(skeleton(&page(&[drawn(all_saying(&text))])), harmless);
    }
}

#[test]
fn what_a_plugin_leaves_empty_is_left_out() {
    let kinds = ["heading", "text", "figure", "progress", "list", "code", "link", "form", "hologram"];
    let mut blocks = kinds.map(block).to_vec();
    let field = |kind: &str| Field {
        name: String::new(),
        label: String::new(),
        kind: kind.into(),
        value: String::new(),
        choices: Vec::new(),
        required: false,
    };
    let fields = ["text", "number", "date", "day-month", "email", "choice"].map(field).to_vec();
    blocks.push(Block { fields, button: Some(button("")), ..block("form") });
    blocks.push(Block { rows: vec![Row::default()], ..block("list") });
    let html = page(&[drawn(blocks), drawn(Vec::new())]);
    assert!(html.contains("<section aria-label") && html.ends_with("</html>"), "{html}");
}

#[test]
fn only_an_address_of_the_web_becomes_a_link() {
    let link = |value: &str| page(&[drawn(vec![Block { value: value.into(), ..block("link") }])]);
    assert!(link("https://fern.example/l/K3").contains("<a href=\"https:&#x2f;&#x2f;fern.example&#x2f;l&#x2f;K3\">"));
    for hostile in ["javascript:alert(1)", "data:text/html,x", "//evil.example", "JavaScript:alert(1)"] {
        assert!(!link(hostile).contains("<a "), "{hostile}");
    }
}

/// The value of every attribute of that name, in order.
fn values<'a>(html: &'a str, attribute: &str) -> Vec<&'a str> {
    let begin = format!(" {attribute}=\"");
    html.split(&begin).skip(1).filter_map(|rest| rest.split_once('"')).map(|(value, _)| value).collect()
}

#[test]
fn every_form_has_an_address_a_key_of_its_own_and_what_goes_with_its_button() {
    let row = |id: &str| Row { button: Some(button(id)), ..Row::default() };
    let list = Block { rows: vec![row("five"), row("a/b?")], ..block("list") };
    let form = Block { button: Some(button("ten")), ..block("form") };
    let html = page(&[drawn(vec![list.clone(), form]), drawn(vec![list])]);
    let forms = values(&html, "action");
    let address = |action: &str| format!("actions&#x2f;loyalty-points&#x2f;{action}?locale=en-GB");
    assert_eq!(forms.len(), 5);
    assert_eq!(forms[..2], [address("five"), address("a%2Fb%3F")]);
    let keys: Vec<_> = values(&html, "value").into_iter().filter(|value| value.starts_with("rendering-")).collect();
    assert_eq!(keys, ["rendering-1-1-1", "rendering-1-1-2", "rendering-1-2", "rendering-2-1-1", "rendering-2-1-2"]);
    assert_eq!(html.matches("name=\"regulars-key\"").count(), 5);
    assert!(html.contains("<input type=\"hidden\" name=\"five\" value=\"five\">"), "{html}");
}

#[test]
fn every_field_has_a_label_and_shows_what_it_holds() {
    let field = |name: &str, kind: &str, value: &str| Field {
        name: name.into(),
        label: format!("The {name}"),
        kind: kind.into(),
        value: value.into(),
        choices: vec![("a".into(), "First".into()), ("b".into(), "Second".into())],
        required: name != "note",
    };
    let fields = vec![
        field("note", "marquee", "hello"),
        field("mail", "email", "ada@example.com"),
        field("pick", "choice", "b"),
        field("birthday", "day-month", "05-29"),
    ];
    let html = page(&[drawn(vec![Block { fields, button: Some(button("save")), ..block("form") }])]);
    assert!(html.contains("name=\"note\" type=\"text\" value=\"hello\">"), "an unknown kind is a text: {html}");
    assert!(html.contains("(optional)"));
    assert!(html.contains("type=\"email\" autocomplete=\"email\" value=\"ada@example.com\" required"), "{html}");
    assert!(html.contains("<option value=\"b\" selected>Second</option>"), "{html}");
    assert!(html.contains("name=\"birthday[day]\"") && html.contains("name=\"birthday[month]\""));
    assert!(html.contains("value=\"29\"") && html.contains("value=\"05\""), "{html}");
    let (ids, labels) = (values(&html, "id"), values(&html, "for"));
    assert_eq!(labels.len(), 5, "{labels:?}");
    assert!(labels.iter().all(|label| ids.contains(label)), "{labels:?} {ids:?}");
}

#[test]
fn headings_come_in_order_and_lists_and_progress_are_what_they_are() {
    let blocks = vec![
        Block { title: "Points".into(), ..block("heading") },
        Block { title: "Balance".into(), value: "120".into(), ..block("figure") },
        Block { title: "To silver".into(), progress: Some(Progress { done: 30, of: 20 }), ..block("progress") },
        Block { title: "Nothing to do".into(), progress: Some(Progress { done: 0, of: 0 }), ..block("progress") },
        Block { title: "Rewards".into(), rows: vec![Row::default()], ..block("list") },
        Block { title: "Hologram".into(), text: "Later".into(), ..block("hologram") },
    ];
    let html = page(&[drawn(blocks)]);
    let levels: Vec<_> = ["<h1>", "<h2>", "<h3>"].map(|tag| html.find(tag).unwrap()).into();
    assert!(levels.is_sorted(), "{html}");
    assert!(html.contains("<dt>Balance</dt><dd>120</dd>"));
    assert!(html.contains("value=\"20\" max=\"20\"") && html.contains("30 / 20"), "{html}");
    assert_eq!(html.matches("<progress").count(), 1, "of nothing there is no progress");
    assert!(html.contains("<ul>") && html.contains("<li>"));
    assert!(html.contains("<h3>Hologram</h3>") && html.contains("<p>Later</p>"), "an unknown block is its texts");
}

#[test]
fn a_plugin_that_cannot_draw_says_so_and_hides_no_other() {
    let failed = Drawn { blocks: Err(PanelError::Refused("secret".into())), ..drawn(Vec::new()) };
    let html = page(&[failed, drawn(vec![Block { text: "Still here".into(), ..block("text") }])]);
    assert!(html.contains(words::of("en").part_missing) && html.contains("Still here"));
    assert!(!html.contains("secret"), "reasons are for merchants");
    assert!(html.contains("<section aria-label=\"Loyalty points\">"), "a part without a heading has a name");
}

#[test]
fn a_page_is_in_its_language_and_its_style_is_the_one_that_its_policy_allows() {
    let notice = super::notice(StatusCode::NOT_FOUND, words::of("de"), words::of("de").gone);
    assert_eq!(notice.status, StatusCode::NOT_FOUND);
    assert!(notice.html.starts_with("<!doctype html>\n<html lang=\"de\">"), "{}", notice.html);
    let (_, style) = notice.html.split_once("<style>").unwrap();
    assert_eq!(style.split_once("</style>").unwrap().0, STYLE);
}
