//! What an order tells of whoever placed it.

use crate::domain::Signal;

/// Whatever an order tells of how it was placed.
#[derive(Default)]
pub struct Placed<'a> {
    pub email: Option<&'a str>,
    pub phones: [Option<&'a str>; 2],
    pub name: [Option<&'a str>; 2],
    pub ip: Option<&'a str>,
    pub country: Option<&'a str>,
    pub postcode: Option<&'a str>,
    /// The first line of where it goes.
    pub street: Option<&'a str>,
}

impl Placed<'_> {
    /// What other orders and customers may share with it, sorted.
    pub fn signals(&self) -> Vec<Signal> {
        let place = self.street.and_then(|street| {
            Signal::address(self.country.unwrap_or_default(), self.postcode.unwrap_or_default(), street)
        });
        let [phone, other_phone] = self.phones.map(|phone| phone.and_then(Signal::phone));
        let mut signals: Vec<_> = [
            self.email.and_then(Signal::email),
            self.email.and_then(Signal::disposable_email),
            phone,
            other_phone,
            Signal::name(self.name),
            place,
            self.ip.and_then(Signal::ip),
        ]
        .into_iter()
        .flatten()
        .collect();
        signals.sort_unstable();
        signals.dedup();
        signals
    }
}

/// ISO 3166-1 code of a country; `None` of anything else.
pub fn country(code: Option<String>) -> Option<String> {
    let code = code?;
    (code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_alphabetic())).then(|| code.to_ascii_uppercase())
}
