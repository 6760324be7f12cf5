//! Whoever sees little can read the layout: its colours keep the contrast of WCAG 2.2, level AA, light and dark.

/// For text of the sizes that mails have.
const LEAST: f64 = 4.5;

const LAYOUT: &str = include_str!("../layout/layout.mjml");
const BOX: &str = include_str!("../layout/box.mjml");
const CODE: &str = include_str!("../layout/code.mjml");
const FIGURE: &str = include_str!("../layout/figure.mjml");

/// The first value of a property behind a mark, such as `#1d1d1f`.
fn colour(source: &'static str, mark: &str, property: &str) -> &'static str {
    let (_, behind) = source.split_once(mark).unwrap_or_else(|| panic!("there is no `{mark}`"));
    let (_, value) = behind.split_once(property).unwrap_or_else(|| panic!("`{mark}` has no `{property}`"));
    let value = value.trim_start_matches(['=', ':', ' ', '"']);
    value.get(..7).filter(|it| it.starts_with('#')).unwrap_or_else(|| panic!("`{mark}`: `{property}` is no colour"))
}

fn luminance(colour: &str) -> f64 {
    let channel = |at: usize| {
        let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
}

fn contrast(one: &str, other: &str) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn contrast_is_that_of_the_standard() {
    assert!((contrast("#000000", "#ffffff") - 21.0).abs() < 1e-9);
    assert!((contrast("#777777", "#ffffff") - 4.48).abs() < 0.01);
}

#[test]
fn every_text_of_the_layout_can_be_read_in_light_and_dark() {
    let light = |mark| colour(LAYOUT, mark, " color");
    let background = |mark| colour(LAYOUT, mark, "background-color");
    let (_, at_night) = LAYOUT.split_once("prefers-color-scheme: dark").unwrap();
    let dark = |mark| colour(at_night, mark, " color");
    let dark_background = |mark| colour(at_night, mark, "background-color");

    let (page, card, boxed) = (background("<mj-body"), background("<mj-section "), background("name=\"box\""));
    let (ink, quiet) = (light("<mj-text "), light("name=\"small\""));
    let (dark_page, dark_card) = (dark_background("body, .page"), dark_background(".card, "));
    let (dark_box, dark_ink, dark_quiet) = (dark_background(".box td"), dark(".ink div"), dark(".quiet div"));
    for (what, text, behind) in [
        ("text", ink, card),
        ("the shop's name", ink, page),
        ("text in a box", ink, boxed),
        ("quiet text", quiet, card),
        ("the foot", quiet, page),
        ("quiet text in a box", quiet, boxed),
        ("a greeting", light("name=\"greeting\""), card),
        ("a button", light("<mj-button"), background("<mj-button")),
        ("a link", colour(LAYOUT, "a { ", "color"), card),
        ("a figure", colour(FIGURE, "<mj-text", " color"), card),
        ("a code", colour(CODE, "\"code\" style=\"", "color"), colour(CODE, "<td", "background-color")),
        ("a code's label", colour(CODE, "\"label\" style=\"", "color"), colour(CODE, "<td", "background-color")),
        ("a box", colour(BOX, "\"boxed\" style=\"", "color"), colour(BOX, "<td", "background-color")),
        ("text in the dark", dark_ink, dark_card),
        ("the shop's name in the dark", dark_ink, dark_page),
        ("text in a dark box", dark_ink, dark_box),
        ("quiet text in the dark", dark_quiet, dark_card),
        ("the foot in the dark", dark_quiet, dark_page),
        ("quiet text in a dark box", dark_quiet, dark_box),
        ("a button in the dark", dark(".button td"), dark_background(".button td")),
        ("a figure in the dark", dark(".accent div"), dark_card),
        ("a code in the dark", dark(".code, .boxed"), dark_box),
        ("a label in the dark", dark(".label"), dark_box),
    ] {
        let contrast = contrast(text, behind);
        assert!(contrast >= LEAST, "{what}: {text} on {behind} has {contrast:.2}");
    }
}
