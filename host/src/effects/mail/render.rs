//! A template and its variables become subject, HTML and plain text.

use minijinja::{Environment, UndefinedBehavior, context};

use crate::{
    catalog::package::Template,
    domain::{Customer, Mail},
    store::StoreRecord,
};

/// Work that one template may cause, so that a loop in a template ends.
const TEMPLATE_FUEL: u64 = 1_000_000;

/// Bytes of one rendered part: mail readers cut a mail off at about 100 KiB.
const PART_BYTES: usize = 1 << 20;

/// A mail's three parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rendered {
    pub subject: String,
    pub html: String,
    pub text: String,
}

/// Why a template gives no mail.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("the template's {part} cannot be rendered: {source}")]
    Template { part: &'static str, source: minijinja::Error },
    #[error("the template is no MJML: {0}")]
    Mjml(String),
    #[error("the template's {part} comes to {bytes} bytes; at most {PART_BYTES} can be sent")]
    TooLarge { part: &'static str, bytes: usize },
}

/// Renders a mail. Templates see the plugin's variables, `customer.first_name`, `customer.last_name`, `shop.name` and
/// `shop.url`; variables in the MJML are escaped as HTML.
pub(super) fn render(
    template: &Template,
    mail: &Mail,
    customer: &Customer,
    store: &StoreRecord,
) -> Result<Rendered, Error> {
    let vars = minijinja::Value::from_pairs(mail.vars.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let context = context! {
        customer => context! { first_name => customer.first_name.as_deref(), last_name => customer.last_name.as_deref() },
        shop => context! { name => store.name.as_str(), url => store.url.as_str() },
        ..vars
    };
    // A name that ends in `.html` has its variables escaped.
    let part = |part: &'static str, name: &str, source: &str| {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(TEMPLATE_FUEL));
        let rendered =
            environment.render_named_str(name, source, &context).map_err(|source| Error::Template { part, source })?;
        match rendered.len() {
            bytes if bytes > PART_BYTES => Err(Error::TooLarge { part, bytes }),
            _ => Ok(rendered),
        }
    };
    // A line break in a subject would begin another header.
    let subject = part("subject", "subject.txt", &template.subject)?.split_whitespace().collect::<Vec<_>>().join(" ");
    let mjml = part("MJML", "body.html", &template.mjml)?;
    let text = part("plain text", "body.txt", &template.text)?;
    let parsed = mrml::parse(&mjml).map_err(|error| Error::Mjml(error.to_string()))?;
    let html = parsed
        .element
        .render(&mrml::prelude::render::RenderOptions::default())
        .map_err(|error| Error::Mjml(error.to_string()))?;
    Ok(Rendered { subject, html, text })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::Timestamp;

    fn customer(first_name: &str) -> Customer {
        Customer {
            id: "1".into(),
            email: Some("ada@example.com".into()),
            phone: None,
            first_name: Some(first_name.into()),
            last_name: None,
            locale: None,
            tags: Vec::new(),
            accepts_marketing: None,
            consent_at: None,
            created_at: None,
            updated_at: Timestamp(0),
            merged_into: None,
            deleted: false,
        }
    }

    fn store() -> StoreRecord {
        StoreRecord {
            id: crate::domain::StoreId(1),
            platform: crate::domain::Platform::Shopify,
            domain: "fern.myshopify.com".into(),
            name: "Fern & Fable".into(),
            url: "https://fern.example".into(),
            currency: "EUR".parse().unwrap(),
            time_zone: "UTC".into(),
            locale: "en".into(),
            secrets: Vec::new(),
            access_token: None,
            api_url: None,
            added_at: Timestamp(0),
            removed_at: None,
        }
    }

    fn render_with(subject: &str, mjml: &str, text: &str, name: &str) -> Result<Rendered, Error> {
        let template = Template { subject: subject.into(), mjml: mjml.into(), text: text.into() };
        let vars = BTreeMap::from([("points".to_owned(), "42".to_owned())]);
        let mail = Mail { customer: "1".into(), template: "earned".into(), vars };
        render(&template, &mail, &customer(name), &store())
    }

    const BODY: &str = "<mjml><mj-body><mj-section><mj-column><mj-text>Hello {{ customer.first_name }}, \
                        {{ points }} points</mj-text></mj-column></mj-section></mj-body></mjml>";

    #[test]
    fn what_a_customer_is_called_cannot_become_markup_or_a_header() {
        let name = "<script>x</script>\r\nBcc: all@example.com";
        let rendered = render_with("Hi {{ customer.first_name }}", BODY, "{{ customer.first_name }}", name).unwrap();
        assert!(rendered.html.contains("&lt;script&gt;"), "{}", rendered.html);
        assert!(!rendered.html.contains("<script>x"));
        assert_eq!(rendered.subject, "Hi <script>x</script> Bcc: all@example.com");
        assert!(rendered.text.starts_with("<script>"), "plain text is not escaped");
    }

    #[test]
    fn a_variable_that_is_not_there_is_an_error_and_not_a_gap() {
        let error = render_with("{{ pionts }}", BODY, "", "Ada").unwrap_err().to_string();
        assert!(error.contains("subject") && error.contains("undefined"), "{error}");
    }

    #[test]
    fn a_template_that_never_ends_is_stopped() {
        let endless = "{% for a in range(9999) %}{% for b in range(9999) %}{{ b }}{% endfor %}{% endfor %}";
        assert!(matches!(render_with("s", BODY, endless, "Ada"), Err(Error::Template { part: "plain text", .. })));
    }
}
