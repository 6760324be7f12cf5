//! What an order tells of whoever placed it: where it goes, from where it was placed, and what the storefront noted.

use serde::Deserialize;

use super::wire::{Loose, Text, owned};
use crate::domain::Signal;

/// The attribute in which the shop's cookie comes with the cart: a signal, and no attribute of the order's.
const DEVICE: &str = "regulars_device";

#[derive(Deserialize)]
pub struct WireAddress<'a> {
    #[serde(borrow)]
    first_name: Option<Text<'a>>,
    #[serde(borrow)]
    last_name: Option<Text<'a>>,
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(borrow)]
    phone: Option<Text<'a>>,
    #[serde(borrow)]
    address1: Option<Text<'a>>,
    #[serde(borrow)]
    zip: Option<Text<'a>>,
    #[serde(borrow)]
    country_code: Option<Text<'a>>,
}

/// The browser that placed an order.
#[derive(Deserialize)]
pub struct WireBrowser<'a> {
    #[serde(borrow)]
    browser_ip: Option<Text<'a>>,
    #[serde(borrow)]
    user_agent: Option<Text<'a>>,
}

/// Names and values. Storefronts write what they like here, so that nothing in it makes an order unreadable.
#[derive(Clone, Copy, Deserialize)]
#[serde(transparent)]
pub struct WireAttributes<'a>(#[serde(borrow)] Loose<'a>);

#[derive(Deserialize)]
struct WireAttribute<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    value: Option<Loose<'a>>,
}

impl WireAddress<'_> {
    /// ISO 3166-1 code of its country.
    pub fn country(&self) -> Option<String> {
        let code = owned(self.country_code.as_ref())?;
        (code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_alphabetic())).then(|| code.to_ascii_uppercase())
    }

    fn name(&self) -> Option<Signal> {
        let [first, last, name] = [&self.first_name, &self.last_name, &self.name].map(|part| text(part.as_ref()));
        Signal::name([first, last]).or_else(|| Signal::name([name, None]))
    }

    fn place(&self) -> Option<Signal> {
        let [country, postcode, line] =
            [&self.country_code, &self.zip, &self.address1].map(|part| text(part.as_ref()).unwrap_or_default());
        Signal::address(country, postcode, line)
    }
}

impl WireAttributes<'_> {
    /// The attributes in their order, and the shop's cookie.
    pub fn read(self) -> (Vec<(String, String)>, Option<String>) {
        let all: Vec<Loose<'_>> = self.0.read().unwrap_or_default();
        let all = all.into_iter().filter_map(Loose::read::<WireAttribute<'_>>);
        let all = all.map(|attribute| {
            let value = attribute.value.and_then(Loose::text).unwrap_or_default();
            (attribute.name.as_str().to_owned(), value)
        });
        let (device, attributes): (Vec<_>, Vec<_>) = all.partition(|(name, _)| name == DEVICE);
        (attributes, device.into_iter().next().map(|(_, cookie)| cookie))
    }
}

/// Whatever an order tells of how it was placed.
pub struct Placed<'a> {
    pub email: Option<&'a str>,
    pub phone: Option<&'a str>,
    pub ip: Option<&'a str>,
    pub browser: Option<&'a WireBrowser<'a>>,
    pub shipping_address: Option<&'a WireAddress<'a>>,
    pub device: Option<&'a str>,
}

impl Placed<'_> {
    /// What other orders and customers may share with it, sorted.
    pub fn signals(&self) -> Vec<Signal> {
        let shipping_phone = self.shipping_address.and_then(|address| text(address.phone.as_ref()));
        let browser_ip = self.browser.and_then(|browser| text(browser.browser_ip.as_ref()));
        let agent = self.browser.and_then(|browser| text(browser.user_agent.as_ref()));
        let ip = self.ip.or(browser_ip);
        let mut signals: Vec<_> = [
            self.email.and_then(Signal::email),
            self.email.and_then(Signal::disposable_email),
            self.phone.and_then(Signal::phone),
            shipping_phone.and_then(Signal::phone),
            self.shipping_address.and_then(WireAddress::name),
            self.shipping_address.and_then(WireAddress::place),
            ip.and_then(Signal::ip),
            ip.zip(agent).and_then(|(ip, agent)| Signal::ip_agent(ip, agent)),
            self.device.and_then(Signal::device),
        ]
        .into_iter()
        .flatten()
        .collect();
        signals.sort_unstable();
        signals.dedup();
        signals
    }
}

fn text<'a>(text: Option<&'a Text<'_>>) -> Option<&'a str> {
    text.map(Text::as_str)
}
