//! Templates become mails in the right language, errors say where and what, and merchants' changes stand beside them.

use super::*;

mod contrast;

const BODY: &str = "<mjml><mj-body><mj-section><mj-column><mj-text>Hello {{ customer.first_name }}, \
                    {{ points }} points</mj-text></mj-column></mj-section></mj-body></mjml>";

/// A mail that fills the layout.
const CONTENT: &str = r#"{% extends "layout" %}
{% block content %}
<mj-section><mj-column>
  {{ title(t.hello) }}
  {{ figure(points, t.unit) }}
  {{ code("TEA-42", t.subject) }}
  {{ box(t.unit, "Kept for you") }}
  {{ progress(points|int, 100) }}
  {{ button(t.visit, shop.url) }}
</mj-column></mj-section>
{% endblock %}"#;

const TWIN: &str = r#"{% extends "layout" %}
{% block content %}
{{ title(t.hello) }}

{% if customer.first_name %}
Dear {{ customer.first_name }}
{% endif %}

{{ figure(points, t.unit) }}
{{ code("TEA-42", t.subject) }}
{{ box("1234.50 EUR"|money, "Worth") }}
{{ button(t.visit, shop.url) }}
Until {{ "2026-03-02"|date }}
{% endblock %}"#;

const ENGLISH: &str = r#"[cup]
subject = "{{ points }} cups & more"
preheader = "Tea is ready"
hello = "Hello, {{ customer.first_name or 'you' }}"
unit = 'cup{{ "" if points == "1" else "s" }}'
visit = "Have tea"
"#;

const GERMAN: &str = r#"[cup]
subject = "{{ points }} Tassen"
preheader = "Der Tee ist fertig"
hello = "Hallo"
unit = "Tassen"
visit = "Tee trinken"
"#;

fn heads(toml: &str) -> BTreeMap<String, TemplateHead> {
    toml::from_str(toml).unwrap()
}

fn sources(files: &[(&str, &str)]) -> Sources {
    files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

/// One mail in the older form, with everything in one language.
fn plain(subject: &str, mjml: &str, text: &str) -> Result<Templates, Error> {
    let mails = BTreeMap::from([("cup".to_owned(), TemplateHead { subject: Some(subject.into()), sample: None })]);
    Templates::new(&mails, &sources(&[("cup.mjml", mjml), ("cup.txt", text)]))
}

fn translated_with(changes: &[(&str, &str)]) -> Result<Templates, Error> {
    let files = [("cup.mjml", CONTENT), ("cup.txt", TWIN), ("en.toml", ENGLISH), ("de.toml", GERMAN)];
    let mut files = sources(&files);
    files.extend(sources(changes));
    Templates::new(&heads("[cup.sample]\npoints = \"42\"\n"), &files)
}

fn translated() -> Templates {
    translated_with(&[]).unwrap()
}

fn locales(tags: &[&str]) -> Vec<Locale> {
    tags.iter().map(|tag| Locale::parse(tag).unwrap()).collect()
}

fn links() -> UnsubscribeLinks {
    UnsubscribeLinks { unsubscribe: "https://r.example/u/1".into(), preferences: "https://r.example/p/1".into() }
}

fn render(
    templates: &Templates,
    wanted: &[&str],
    name: &str,
    links: Option<&UnsubscribeLinks>,
) -> Result<Rendered, Error> {
    templates.render(&Letter {
        mail: "cup",
        vars: &BTreeMap::from([("points".to_owned(), "42".to_owned())]),
        locales: &locales(wanted),
        first_name: Some(name),
        last_name: None,
        shop: Shop { name: "Fern & Fable", url: "https://fern.example", postal_address: Some("1 Mill Lane") },
        links,
    })
}

#[test]
fn what_a_customer_is_called_cannot_become_markup_or_a_header() {
    let name = "<script>x</script>\r\nBcc: all@example.com";
    let templates = plain("Hi {{ customer.first_name }}", BODY, "{{ customer.first_name }}").unwrap();
    let rendered = render(&templates, &["en"], name, None).unwrap();
    assert!(rendered.html.contains("&lt;script&gt;"), "{}", rendered.html);
    assert!(!rendered.html.contains("<script>x"));
    assert_eq!(rendered.subject, "Hi <script>x</script> Bcc: all@example.com");
    assert!(rendered.text.starts_with("<script>"), "plain text is not escaped");
}

#[test]
fn who_has_told_no_name_is_called_by_none() {
    let templates = plain("Hi {{ customer.last_name }}!", BODY, "Hi {{ customer.last_name }}!").unwrap();
    let rendered = render(&templates, &["en"], "Ada", None).unwrap();
    assert_eq!((rendered.subject.as_str(), rendered.text.as_str()), ("Hi !", "Hi !\n"));
}

#[test]
fn a_template_that_never_ends_is_stopped() {
    let endless = "{% for a in range(9999) %}{% for b in range(9999) %}{{ b }}{% endfor %}{% endfor %}";
    let error = render(&plain("s", BODY, endless).unwrap(), &["en"], "Ada", None).unwrap_err();
    assert!(error.to_string().starts_with("templates/cup.txt:1: "), "{error}");
}

#[test]
fn a_mail_fills_the_layout_in_both_twins() {
    let rendered = render(&translated(), &["en"], "Ada", None).unwrap();
    assert_eq!(rendered.subject, "42 cups & more");
    let expected = "Hello, Ada\n\nDear Ada\n\n42 cups\n42 cups & more:\n\n    TEA-42\nWorth: €1,234.50\n\
                    Have tea: https://fern.example\nUntil 2\u{a0}March 2026\n\n--\n\
                    You are receiving this email because you are a customer of Fern & Fable.\n\n\
                    Fern & Fable, 1 Mill Lane\n";
    assert_eq!(rendered.text, expected);
    for piece in ["Hello, Ada", "Tea is ready", "42 cups &amp; more", "TEA-42", "https://fern.example", "1 Mill Lane"] {
        assert!(rendered.html.contains(piece), "{piece}");
    }
    assert!(rendered.html.contains("prefers-color-scheme: dark"));
    assert!(!rendered.html.contains("/u/1"), "what is no marketing offers no way out of it");
}

#[test]
fn plain_text_has_the_colon_of_its_language() {
    let french = GERMAN.replace("Tee trinken", "Voir");
    let text = |tag: &str| {
        let templates = translated_with(&[("fr.toml", &french), ("ja.toml", &french)]).unwrap();
        render(&templates, &[tag], "Ada", Some(&links())).unwrap().text
    };
    assert!(
        text("fr").contains("Voir\u{a0}: https://fern.example") && text("fr").contains("\u{a0}: https://r.example/u/1")
    );
    assert!(text("ja").contains("Voir：https://fern.example") && text("ja").contains("：https://r.example/u/1"));
}

#[test]
fn marketing_shows_the_ways_out_and_why_it_came() {
    let rendered = render(&translated(), &["de"], "Ada", Some(&links())).unwrap();
    for part in [&rendered.html, &rendered.text] {
        assert!(part.contains("https://r.example/u/1") && part.contains("https://r.example/p/1"), "{part}");
        assert!(part.contains("Neuigkeiten"), "{part}");
    }
}

#[test]
fn the_language_is_the_first_wanted_one_that_there_is() {
    let chosen = |wanted: &[&str]| render(&translated(), wanted, "Ada", None).unwrap().locale.to_string();
    assert_eq!(chosen(&["fr", "de", "en"]), "de");
    assert_eq!(chosen(&["fr"]), "en", "English is always there");
}

#[test]
fn every_mail_is_tried_in_every_language_with_its_sample() {
    assert_eq!(translated().check(), Ok(()));
    let in_german = |from: &str, to: &str| {
        let german = GERMAN.replace(from, to);
        translated_with(&[("de.toml", &german)]).unwrap().check().unwrap_err().to_string()
    };
    let error = in_german("{{ points }} Tassen", "{{ pionts }} Tassen");
    let told =
        "templates/de.toml:2: `pionts` is not there; mend the name, or give it a value under [templates.cup.sample]";
    assert!(error.starts_with(told), "{error}");
    let misspelt = CONTENT.replace("t.visit", "t.vist");
    let error = translated_with(&[("cup.mjml", &misspelt)]).unwrap().check().unwrap_err().to_string();
    let told = "templates/cup.mjml:9: the label of `button` is not there, in `button(t.vist, shop.url)`";
    assert!(error.starts_with(told), "{error}");
    // Who has no name is tried as well.
    let shouts = TWIN.replace("{{ title(t.hello) }}", "{{ customer.first_name + '!' }}");
    assert!(translated_with(&[("cup.txt", &shouts)]).unwrap().check().is_err());
}

#[test]
fn markup_that_is_no_mjml_is_shown_at_its_line() {
    let broken = CONTENT.replace("<mj-section><mj-column>", "<mj-section><mj-colum>");
    let error = translated_with(&[("cup.mjml", &broken)]).unwrap().check().unwrap_err().to_string();
    assert_eq!(
        error,
        "templates/cup.mjml:3: it is no MJML: there is no element `mj-colum`, at `<mj-section><mj-colum>`"
    );
    let cut_off = CONTENT.replace("</mj-column></mj-section>", "</mj-section>");
    let error = translated_with(&[("cup.mjml", &cut_off)]).unwrap().check().unwrap_err();
    assert!(matches!(error, Error::Mjml { .. }), "{error}");
}

#[test]
fn syntax_errors_are_found_before_anything_is_rendered() {
    let error = translated_with(&[("cup.txt", "one\n{% if %}")]).unwrap_err().to_string();
    assert!(error.starts_with("templates/cup.txt:2: "), "{error}");
    let error = translated_with(&[("de.toml", &GERMAN.replace("Hallo", "{{"))]).unwrap_err().to_string();
    assert!(error.starts_with("templates/de.toml:4: `hello`: "), "{error}");
}

#[test]
fn files_and_manifest_name_each_other() {
    let mails = heads("[cup]\nsubject = \"A cup\"\n");
    let made = |files: &[(&str, &str)]| Templates::new(&mails, &sources(files)).map(drop);
    let both = [("cup.mjml", BODY), ("cup.txt", "A cup")];
    assert_eq!(made(&both), Ok(()));
    assert!(matches!(made(&both[..1]), Err(Error::MissingFile { extension: "txt", .. })));
    assert!(matches!(made(&both[1..]), Err(Error::MissingFile { extension: "mjml", .. })));
    let with = |file| made(&[both[0], both[1], (file, "[cup]\nsubject = \"A\"\n")]).unwrap_err();
    assert!(matches!(with("mug.mjml"), Error::UnnamedMail { .. }));
    assert!(matches!(with("cup.html"), Error::ForeignFile { .. }));
    assert!(matches!(with("deutsch-.toml"), Error::ForeignFile { .. }));
    assert!(matches!(with("pt-BR.toml"), Error::Misnamed { .. }));
    assert!(matches!(with("en.toml"), Error::TwoSubjects(_)));
    let no_subject = Templates::new(&heads("[cup]\n"), &sources(&both)).unwrap_err();
    assert_eq!(no_subject, Error::NoSubject("cup".into()));
    let no_sample = sources(&[both[0], both[1], ("en.toml", "[cup]\nsubject = \"A\"\n")]);
    assert_eq!(Templates::new(&heads("[cup]\n"), &no_sample).unwrap_err(), Error::NoSample("cup".into()));
}

fn own(texts: &[(&str, &str)], mjml: Option<&str>, text: Option<&str>) -> TemplateOverride {
    let texts = texts.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    TemplateOverride { texts, mjml: mjml.map(Into::into), text: text.map(Into::into), ..TemplateOverride::default() }
}

fn german() -> Locale {
    Locale::parse("de").unwrap()
}

#[test]
fn a_merchants_texts_take_the_place_of_the_plugins_in_their_language_alone() {
    let changed =
        translated().overridden("cup", &german(), &own(&[("hello", "Moin {{ points }}")], None, None)).unwrap();
    let text = |tag: &str| render(&changed, &[tag], "Ada", None).unwrap().text;
    assert!(text("de").starts_with("Moin 42"), "{}", text("de"));
    assert!(text("en").starts_with("Hello, Ada"));
    assert_eq!(changed.texts_of("cup", &german())["visit"], "Tee trinken");
}

#[test]
fn a_merchants_body_takes_the_place_of_the_whole_twin() {
    let body = own(&[], Some(BODY), Some("Just {{ points }}"));
    let changed = translated().overridden("cup", &german(), &body).unwrap();
    let rendered = render(&changed, &["de"], "Ada", None).unwrap();
    assert_eq!(rendered.text, "Just 42\n");
    assert!(rendered.html.contains("Hello Ada, 42 points"));
    assert!(render(&changed, &["en"], "Ada", None).unwrap().text.starts_with("Hello, Ada"));
    // The older form has no texts that a language would be chosen by.
    let old = plain("A cup", BODY, "A cup").unwrap().overridden("cup", &german(), &body).unwrap();
    assert_eq!(render(&old, &["de", "en"], "Ada", None).unwrap().text, "Just 42\n");
    assert_eq!(render(&old, &["fr", "en"], "Ada", None).unwrap().text, "A cup\n");
}

#[test]
fn a_merchant_adds_a_language_by_writing_all_of_it() {
    let finnish = Locale::parse("fi").unwrap();
    let texts = [("subject", "{{ points }} kuppia"), ("preheader", "Tee"), ("hello", "Hei"), ("unit", "kuppia")];
    let half = translated().overridden("cup", &finnish, &own(&texts, None, None)).unwrap_err();
    assert!(half.to_string().contains("the label of `button` is not there"), "{half}");
    let whole: Vec<_> = texts.into_iter().chain([("visit", "Juo")]).collect();
    let changed = translated().overridden("cup", &finnish, &own(&whole, None, None)).unwrap();
    assert_eq!(render(&changed, &["fi", "de"], "Ada", None).unwrap().subject, "42 kuppia");
}

#[test]
fn what_a_merchant_writes_is_tried_before_it_is_taken() {
    let refused = |own: TemplateOverride| translated().overridden("cup", &german(), &own).unwrap_err();
    assert!(matches!(refused(own(&[("hello", "{{ piont }}")], None, None)), Error::Render { .. }));
    assert!(matches!(refused(own(&[("hello", "{{")], None, None)), Error::Syntax { .. }));
    assert!(matches!(refused(own(&[], Some("<mjml>"), None)), Error::Mjml { .. }));
    let misnamed = refused(own(&[("hallo", "Moin")], None, None));
    assert_eq!(
        misnamed.to_string(),
        "the mail `cup` has no text `hallo`; there are hello, preheader, subject, unit, visit"
    );
    let other = translated().overridden("mug", &german(), &own(&[], None, None)).unwrap_err();
    assert_eq!(other, Error::NoMail("mug".into()));
}

#[test]
fn a_changed_mail_that_fails_with_what_the_plugin_says_gives_way_to_the_plugins_own() {
    // The sample has a number where this mail has none.
    let own_files = [("cup.mjml", CONTENT.replace("points|int", "7"))];
    let plugins = Arc::new(translated_with(&own_files.each_ref().map(|(name, text)| (*name, text.as_str()))).unwrap());
    let letter = Letter {
        mail: "cup",
        vars: &BTreeMap::from([("points".to_owned(), "many".to_owned())]),
        locales: &locales(&["de"]),
        first_name: None,
        last_name: None,
        shop: Shop { name: "Fern", url: "https://fern.example", postal_address: None },
        links: None,
    };
    let fragile = own(&[("hello", "{{ points|int + 1 }}")], None, None);
    let mails = StoreTemplates::changed(Arc::clone(&plugins), &[("cup".into(), german(), 1, fragile)]);
    assert_eq!(mails.changes[0].warning, None);
    let (rendered, why) = mails.render(&letter).unwrap();
    assert!(rendered.text.starts_with("Hallo") && why.is_some(), "{}", rendered.text);
    assert!(StoreTemplates::unchanged(Arc::new(translated())).render(&letter).is_err(), "nothing to give way to");
}

#[test]
fn a_change_that_an_upgrade_breaks_is_kept_with_the_reason_and_the_others_stay_in_place() {
    let finnish = Locale::parse("fi").unwrap();
    let good = own(&[("hello", "Moin")], None, None);
    let broken = own(&[("hello", "{{ gone }}")], None, None);
    let changes = [("cup".to_owned(), german(), 3, good), ("cup".to_owned(), finnish.clone(), 1, broken)];
    let plugins = Arc::new(translated());
    let mails = StoreTemplates::changed(Arc::clone(&plugins), &changes);
    let standing: Vec<_> = mails.changes.iter().map(|it| (&it.locale, it.version, it.warning.is_some())).collect();
    assert_eq!(standing, [(&german(), 3, false), (&finnish, 1, true)]);
    let shop = Shop { name: "Fern", url: "https://fern.example", postal_address: None };
    let text = |locale: &Locale| mails.preview("cup", locale, shop, false).unwrap().unwrap().text;
    assert!(text(&german()).starts_with("Moin") && text(&finnish).starts_with("Hello, Ada"));
    assert!(mails.is_of(&plugins, &changes) && !mails.is_of(&Arc::new(translated()), &changes));
    assert!(!mails.is_of(&plugins, &changes[..1]));
}

#[test]
fn the_layout_has_its_words_in_every_language() {
    let english: BTreeSet<_> = environment::WORDS[&Locale::english()].keys().collect();
    let languages: Vec<_> = environment::WORDS.keys().map(Locale::as_str).collect();
    assert_eq!(languages, ["de", "en", "es", "fr", "ja", "nl"]);
    for words in environment::WORDS.values() {
        assert_eq!(words.keys().collect::<BTreeSet<_>>(), english);
    }
}
