//! Trying mails out: every one in every language with the manifest's sample, before anybody gets one.

use std::collections::BTreeMap;

use super::{Error, Letter, Locale, Rendered, Shop, Templates, UnsubscribeLinks};

/// Who gets a mail that is tried out: somebody with a name, and somebody of whom nothing but the address is known.
const PEOPLE: [Option<(&str, &str)>; 2] = [Some(("Ada", "Lovelace")), None];

const SHOP: Shop<'_> =
    Shop { name: "Fern & Fable", url: "https://fern.example", postal_address: Some("1 Mill Lane, Ashby") };

fn links() -> UnsubscribeLinks {
    let at = |path: &str| format!("https://mail.example/{path}/sample");
    UnsubscribeLinks { unsubscribe: at("u"), preferences: at("preferences") }
}

impl Templates {
    /// Tries every mail that has a sample in every language.
    pub fn check(&self) -> Result<(), Error> {
        let english = Locale::english();
        for mail in self.mails.keys() {
            let locales: Vec<_> = if self.texts.is_empty() { vec![&english] } else { self.locales().collect() };
            locales.into_iter().try_for_each(|locale| self.try_out(mail, locale))?;
        }
        Ok(())
    }

    /// Tries one mail in one language, as marketing and not; one without a sample is not tried.
    pub(super) fn try_out(&self, mail: &str, locale: &Locale) -> Result<(), Error> {
        let Some(vars) = self.sample_of(mail) else { return Ok(()) };
        let links = links();
        for (name, links) in PEOPLE.into_iter().zip([Some(&links), None]) {
            self.render(&sample(mail, vars, &[locale.clone(), Locale::english()], name, SHOP, links))?;
        }
        Ok(())
    }

    /// A mail with its sample, as this shop's customers get it; `None` if it has none.
    pub fn preview(
        &self,
        mail: &str,
        locale: &Locale,
        shop: Shop<'_>,
        marketing: bool,
    ) -> Result<Option<Rendered>, Error> {
        let Some(vars) = self.sample_of(mail) else { return Ok(None) };
        let links = links();
        let wanted: Vec<_> = locale.and_wider().chain([Locale::english()]).collect();
        let letter = sample(mail, vars, &wanted, PEOPLE[0], shop, marketing.then_some(&links));
        self.render(&letter).map(Some)
    }

    /// The same for a shop that is made up.
    pub fn sample_preview(&self, mail: &str, locale: &Locale, marketing: bool) -> Result<Option<Rendered>, Error> {
        self.preview(mail, locale, SHOP, marketing)
    }
}

fn sample<'a>(
    mail: &'a str,
    vars: &'a BTreeMap<String, String>,
    locales: &'a [Locale],
    name: Option<(&'a str, &'a str)>,
    shop: Shop<'a>,
    links: Option<&'a UnsubscribeLinks>,
) -> Letter<'a> {
    let (first_name, last_name) = name.unzip();
    Letter { mail, vars, locales, first_name, last_name, shop, links }
}
