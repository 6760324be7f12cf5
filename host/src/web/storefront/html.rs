//! Panels as HTML. Whatever a plugin says enters a page as text.

use std::sync::LazyLock;

use axum::http::StatusCode;
use minijinja::{Environment, Value, context, value::Serde};

use super::{
    Page, STYLE,
    panels::Drawn,
    words::{self, Notice, Words},
};
use crate::{catalog::StoreEntry, platform::http::percent_encoded};

/// The templates; a name that ends in `.html` has its variables escaped.
static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    for (name, source) in [
        ("page.html", include_str!("pages/page.html")),
        ("blocks.html", include_str!("pages/blocks.html")),
        ("panel.html", include_str!("pages/panel.html")),
        ("notice.html", include_str!("pages/notice.html")),
        ("preferences.html", include_str!("pages/preferences.html")),
        ("unsubscribe.html", include_str!("pages/unsubscribe.html")),
        ("unsubscribed.html", include_str!("pages/unsubscribed.html")),
        ("text.html", include_str!("pages/text.html")),
    ] {
        environment.add_template(name, source).expect("the template is one");
    }
    environment.add_filter("segment", |text: &str| segment(text));
    environment.add_filter("day_month", day_month);
    environment.add_test("address", |text: &str| is_address(text));
    environment.add_global("style", STYLE);
    environment
});

/// What a page of panels is made of.
pub struct Panels<'a> {
    /// The shop's name.
    pub shop: &'a str,
    pub words: &'static Words,
    /// IETF language tag of what the plugins say.
    pub locale: &'a str,
    pub sections: &'a [Drawn],
    pub actions: Actions<'a>,
    /// Names this rendering: no two have the same.
    pub key: &'a str,
    /// Something has just been asked on this page.
    pub taken_in: bool,
    /// The way into the shop, where the page is not seen there.
    pub shop_link: Option<&'a str>,
}

impl<'a> Panels<'a> {
    /// A page that is seen in the shop, as it is before anything is asked on it.
    pub fn of(
        entry: &'a StoreEntry,
        locale: &'a str,
        sections: &'a [Drawn],
        actions: Actions<'a>,
        key: &'a str,
    ) -> Self {
        let (shop, words) = (entry.record.name.as_str(), words::of(locale));
        Self { shop, words, locale, sections, actions, key, taken_in: false, shop_link: None }
    }
}

/// Where forms are sent to, as an address that is relative to the page's.
#[derive(Clone, Copy, Debug)]
pub enum Actions<'a> {
    /// `actions/PLUGIN/ACTION?locale=LOCALE`
    OfPlugin,
    /// `plugins/PLUGIN/actions/ACTION`, which a shop's own page takes over.
    InShop,
    /// `LINK/actions/ACTION`
    OfLink(&'a str),
}

/// The page of some plugins' panels.
pub fn panels(panels: &Panels<'_>) -> Page {
    let sections: Vec<_> =
        panels.sections.iter().zip(1..).map(|(drawn, number)| section(panels, drawn, number)).collect();
    let shop = context! {
        name => panels.shop,
        link => panels.shop_link,
        way => panels.words.to_shop.replace("{}", panels.shop),
    };
    let (words, key, taken_in) = (Value::from(Serde(panels.words)), panels.key, panels.taken_in);
    render(
        "panel.html",
        StatusCode::OK,
        context! { lang => panels.locale, title => panels.shop, words, shop, sections, key, taken_in },
    )
}

fn section(panels: &Panels<'_>, drawn: &Drawn, number: usize) -> Value {
    let (before, after) = match panels.actions {
        Actions::OfPlugin => {
            (format!("actions/{}/", segment(drawn.plugin.as_str())), format!("?locale={}", segment(panels.locale)))
        }
        Actions::InShop => (format!("plugins/{}/actions/", segment(drawn.plugin.as_str())), String::new()),
        Actions::OfLink(link) => (format!("{}/actions/", segment(link)), String::new()),
    };
    let blocks = drawn.blocks.as_ref().ok();
    let has_heading = blocks.is_some_and(|blocks| blocks.iter().any(|block| block.kind == "heading"));
    context! { title => drawn.title.as_str(), number, actions => context! { before, after }, blocks => Value::from(Serde(blocks)), has_heading }
}

/// A page that says one thing.
pub fn notice(status: StatusCode, words: &Words, notice: Notice) -> Page {
    render(
        "notice.html",
        status,
        context! { lang => words.lang, title => notice.title, notice => Value::from(Serde(notice)) },
    )
}

/// A page of one text, in English and written by whoever publishes this host.
pub fn text(title: &str, html: &str) -> Page {
    render("text.html", StatusCode::OK, context! { lang => "en", title, html })
}

/// A page of one of the templates.
pub(super) fn render(template: &str, status: StatusCode, context: Value) -> Page {
    let template = TEMPLATES.get_template(template).expect("it is one of ours");
    match template.render(context) {
        Ok(html) => Page { status, html },
        // Whatever plugins say can be rendered; this is for a template that is wrong.
        Err(error) => {
            // In one line: the rest would tell what stands on the page.
            tracing::error!(%error, "a page cannot be rendered: {error}");
            Page { status: StatusCode::INTERNAL_SERVER_ERROR, html: String::new() }
        }
    }
}

/// A text as one segment of a path.
pub fn segment(text: &str) -> String {
    percent_encoded(text)
}

/// Whether a text may be the address of a link: one that runs a script is none.
fn is_address(text: &str) -> bool {
    reqwest::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "https" | "http"))
}

/// The day or the month of a field that holds `MM-DD`.
fn day_month(field: &Value, part: &str) -> String {
    let value = field.get_attr("value").unwrap_or_default();
    let (month, day) = value.as_str().and_then(|value| value.split_once('-')).unwrap_or_default();
    if part == "day" { day } else { month }.to_owned()
}

#[cfg(test)]
mod tests;
