//! The mails of the plugins of this repository, in every language, whole and with their optional parts left out.

use std::collections::BTreeMap;

use regulars::catalog::{
    package,
    templates::{Letter, Locale, Rendered, Shop, Templates, UnsubscribeLinks},
};

use crate::shop::plugin_file;

const PLUGINS: [&str; 5] = ["birthday-mail", "loyalty-points", "parcel-surprise", "referral-vouchers", "vip-tiers"];

const LANGUAGES: [&str; 6] = ["de", "en", "es", "fr", "ja", "nl"];

/// Variables that are empty together where there is nothing to tell, by mail.
const OPTIONAL: [(&str, &[&str]); 16] = [
    ("birthday", &["reward_code", "percent", "amount", "ends_on", "min_cart"]),
    ("orders", &["reward_code", "percent", "amount", "ends_on", "min_cart"]),
    ("lifetime", &["reward_code", "percent", "amount", "ends_on", "min_cart"]),
    ("welcome", &["ready", "next", "missing"]),
    ("earned", &["available_on"]),
    ("earned", &["ready", "next", "missing"]),
    ("approved", &["ready"]),
    ("expiring", &["ready", "next", "missing"]),
    ("returned", &["ready", "next", "missing"]),
    ("reward", &["reward_code", "ends_on"]),
    ("reward-paid", &["reward_code", "ends_on"]),
    ("reward-void", &["cancelled"]),
    ("entered", &["shipping_code", "reward_code", "percent", "amount", "ends_on", "min_cart", "until", "benefits"]),
    ("near", &["benefits"]),
    ("falling", &["benefits", "missing_amount"]),
    ("falling", &["missing_orders", "either"]),
];

fn templates(plugin: &str) -> Templates {
    let file = std::fs::read(plugin_file(plugin)).expect("the plugin is built");
    Templates::clone(&package::unpack(&file).expect("the plugin is whole").templates)
}

/// A mail as somebody gets it of whom nothing but the address is known, or who has told their name.
fn render(templates: &Templates, mail: &str, vars: &BTreeMap<String, String>, tag: &str, named: bool) -> Rendered {
    let links = UnsubscribeLinks {
        unsubscribe: "https://mail.fern.example/u/1".into(),
        preferences: "https://mail.fern.example/p/1".into(),
    };
    let letter = Letter {
        mail,
        vars,
        locales: &[Locale::parse(tag).expect("a tag")],
        first_name: named.then_some("Mira"),
        last_name: named.then_some("Okonjo"),
        shop: Shop { name: "Fern & Fable", url: "https://fern.example", postal_address: None },
        links: named.then_some(&links),
    };
    let rendered = templates.render(&letter).unwrap_or_else(|error| panic!("{mail} in {tag}: {error}"));
    assert_eq!(rendered.locale.as_str(), tag, "{mail}");
    rendered
}

/// Every mail of every plugin in every language, with its sample and with each of its optional parts left out.
fn everything(mut look: impl FnMut(&str, &Rendered)) {
    for templates in PLUGINS.map(templates) {
        for mail in templates.names() {
            let sample = templates.sample_of(mail).expect("every mail has a sample");
            let left_out = OPTIONAL.iter().filter(|(of, _)| *of == mail).map(|(_, names)| *names);
            for names in std::iter::once(&[][..]).chain(left_out) {
                let mut vars = sample.clone();
                for name in names {
                    let value = vars.get_mut(*name).unwrap_or_else(|| panic!("{mail} has no variable {name}"));
                    value.clear();
                }
                for (tag, named) in LANGUAGES.into_iter().flat_map(|tag| [(tag, true), (tag, false)]) {
                    let what = format!("{mail} in {tag} without {names:?}");
                    look(&what, &render(&templates, mail, &vars, tag, named));
                }
            }
        }
    }
}

/// What mail programs show beside the subject.
fn preheader(html: &str) -> Option<&str> {
    let (before, _) = html.split_once("&#847;")?;
    Some(before.rsplit('>').next().unwrap_or_default().trim())
}

#[test]
fn every_mail_is_there_in_six_languages() {
    for plugin in PLUGINS {
        let templates = templates(plugin);
        assert_eq!(templates.locales().map(Locale::as_str).collect::<Vec<_>>(), LANGUAGES, "{plugin}");
    }
}

#[test]
fn no_mail_shows_an_empty_part_or_a_placeholder() {
    everything(|what, mail| {
        let (_, body) = mail.html.split_once("</head>").expect("a page has a head");
        for hole in ["\"></div>", "\"></h1>", "\"></a>", "href=\"\""] {
            assert!(!body.contains(hole), "{hole}, {what}: {body}");
        }
        for part in [mail.subject.as_str(), body, &mail.text] {
            for raw in ["{{", "}}", "{%", "%}", "undefined", "none,"] {
                assert!(!part.contains(raw), "{raw}, {what}: {part}");
            }
        }
        for line in mail.subject.lines().chain(mail.text.lines()) {
            for gap in ["  ", " .", " ,", ",,", "..", "()"] {
                assert!(!line.trim_start().contains(gap), "{gap:?}, {what}: {line}");
            }
        }
    });
}

#[test]
fn a_preheader_says_more_than_the_subject() {
    everything(|what, mail| {
        let preheader = preheader(&mail.html).unwrap_or_else(|| panic!("{what} has no preheader"));
        assert!(!preheader.is_empty() && preheader != mail.subject, "{what}: {preheader}");
    });
}

#[test]
fn amounts_are_written_as_the_language_of_the_mail_does() {
    everything(|what, mail| {
        for part in [&mail.subject, &mail.html, &mail.text] {
            assert!(!part.contains(" EUR"), "{what}: {part}");
        }
    });
}

#[test]
fn a_languages_readers_are_addressed_in_one_way_by_all_plugins() {
    // German and French are formal; Spanish and Dutch are not.
    let foreign: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("de", &["du", "dir", "dich", "dein", "deine", "deinen", "deiner"][..]),
        ("fr", &["tu", "toi", "ton", "tes"]),
        ("es", &["usted", "su", "sus", "le"]),
        ("nl", &["u", "uw"]),
    ]);
    everything(|what, mail| {
        let Some(foreign) = foreign.get(mail.locale.as_str()) else { return };
        let said = [mail.subject.as_str(), mail.text.as_str()].join("\n").to_lowercase();
        // Addresses of pages are no words.
        let words = said.split_whitespace().filter(|word| !word.contains("://"));
        for word in words.flat_map(|word| word.split(|letter: char| !letter.is_alphabetic())) {
            assert!(!foreign.contains(&word), "`{word}`, {what}: {said}");
        }
    });
}
