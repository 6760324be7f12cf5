//! How things are brought into one form before they are compared as signals. The forms serve comparing alone: nothing is
//! addressed by them.

use std::net::IpAddr;

use super::{Customer, Signal, SignalKind};

/// Domains that give addresses to anybody for minutes, sorted, each on a line.
const DISPOSABLE_DOMAINS: &str = include_str!("disposable_domains.txt");

/// Digits of the shortest telephone number that stands for one person.
const PHONE_DIGITS_MIN: usize = 7;

/// The most digits of a telephone number (ITU-T E.164, section 6).
const PHONE_DIGITS_MAX: usize = 15;

impl Signal {
    /// An e-mail address without case, and without the dots and the plus part of what stands before the @, which many
    /// providers leave out when they deliver.
    pub fn email(address: &str) -> Option<Self> {
        let (local, domain) = address_parts(address)?;
        let local: String = local.split('+').next()?.chars().filter(|letter| *letter != '.').collect();
        (!local.is_empty()).then(|| Self::of(SignalKind::Email, &format!("{local}@{domain}")))
    }

    /// That an e-mail address is one for minutes; `None` if it is not known to be.
    pub fn disposable_email(address: &str) -> Option<Self> {
        let (_, domain) = address_parts(address)?;
        let mut ends = std::iter::successors(Some(domain.as_str()), |end| Some(end.split_once('.')?.1));
        ends.any(is_disposable).then(|| Self::of(SignalKind::DisposableEmail, ""))
    }

    /// A telephone number's digits, without what says that they begin with a country's.
    pub fn phone(number: &str) -> Option<Self> {
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        let digits = digits.trim_start_matches('0');
        let fits = (PHONE_DIGITS_MIN..=PHONE_DIGITS_MAX).contains(&digits.len());
        fits.then(|| Self::of(SignalKind::Phone, digits))
    }

    /// A person's name, whichever part of it comes first.
    pub fn name(parts: [Option<&str>; 2]) -> Option<Self> {
        let folded = parts.into_iter().flatten().map(deunicode::deunicode).collect::<Vec<_>>().join(" ");
        let words = folded.split(|letter: char| !letter.is_ascii_alphanumeric());
        let mut words: Vec<_> = words.filter(|word| !word.is_empty()).map(str::to_ascii_lowercase).collect();
        words.sort_unstable();
        (!words.is_empty()).then(|| Self::of(SignalKind::Name, &words.join(" ")))
    }

    /// A postal address, by its country, postcode and first line.
    pub fn address(country: &str, postcode: &str, line: &str) -> Option<Self> {
        let [country, postcode, line] = [country, postcode, line].map(letters_and_digits);
        if line.is_empty() || (country.is_empty() && postcode.is_empty()) {
            return None;
        }
        Some(Self::of(SignalKind::Address, &format!("{country}/{postcode}/{line}")))
    }

    /// An IP address. Of one of version 6 the network counts: devices change the rest by themselves (RFC 8981).
    pub fn ip(address: &str) -> Option<Self> {
        Some(Self::of(SignalKind::Ip, &network(address)?))
    }

    /// An IP address with the browser's own name.
    pub fn ip_agent(address: &str, agent: &str) -> Option<Self> {
        let (network, agent) = (network(address)?, agent.trim());
        (!agent.is_empty()).then(|| Self::of(SignalKind::IpAgent, &format!("{network} {agent}")))
    }

    /// A shop's cookie.
    pub fn device(cookie: &str) -> Option<Self> {
        let cookie = cookie.trim();
        (!cookie.is_empty()).then(|| Self::of(SignalKind::Device, cookie))
    }
}

impl Customer {
    /// What others may share with this customer, sorted.
    pub fn signals(&self) -> Vec<Signal> {
        let email = self.email.as_deref();
        let mut signals: Vec<_> = [
            email.and_then(Signal::email),
            email.and_then(Signal::disposable_email),
            self.phone.as_deref().and_then(Signal::phone),
            Signal::name([self.first_name.as_deref(), self.last_name.as_deref()]),
        ]
        .into_iter()
        .flatten()
        .collect();
        signals.sort_unstable();
        signals
    }
}

/// What stands before the @ and behind it, in lower case; `None` if it is no address.
fn address_parts(address: &str) -> Option<(String, String)> {
    let (local, domain) = address.trim().rsplit_once('@')?;
    (!local.is_empty() && !domain.is_empty()).then(|| (local.to_lowercase(), domain.to_lowercase()))
}

fn is_disposable(domain: &str) -> bool {
    DISPOSABLE_DOMAINS.lines().any(|line| line == domain)
}

fn letters_and_digits(text: &str) -> String {
    let folded = deunicode::deunicode(text).to_ascii_lowercase();
    folded.chars().filter(char::is_ascii_alphanumeric).collect()
}

/// An IP address of version 4, or the network of one of version 6.
fn network(address: &str) -> Option<String> {
    match address.trim().parse::<IpAddr>().ok()?.to_canonical() {
        IpAddr::V4(address) => Some(address.to_string()),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Some(format!("{a:x}:{b:x}:{c:x}:{d:x}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// That all of these are one signal, and that there is one.
    fn assert_equal(read: impl Fn(&str) -> Option<Signal>, alike: &[&str]) {
        let first = read(alike[0]).unwrap();
        alike.iter().for_each(|text| assert_eq!(read(text), Some(first), "{text}"));
    }

    fn assert_all_differ(read: impl Fn(&str) -> Option<Signal>, different: &[&str]) {
        let mut signals: Vec<_> = different.iter().map(|text| read(text).unwrap()).collect();
        signals.sort_unstable();
        signals.dedup();
        assert_eq!(signals.len(), different.len(), "{different:?}");
    }

    #[test]
    fn addresses_are_one_without_case_dots_and_plus_part() {
        assert_equal(
            Signal::email,
            &["mira.okonjo@example.com", " MiraOkonjo+shop@Example.COM ", "m.i.r.a.okonjo@example.com"],
        );
        assert_all_differ(
            Signal::email,
            &["mira@example.com", "mira@example.org", "miro@example.com", "mira@exam.ple.com"],
        );
        assert_all_differ(Signal::email, &["\"a@b\"@example.com", "ab@example.com"]);
        for text in ["", "mira", "@example.com", "mira@", "+shop@example.com", "..@example.com"] {
            assert_eq!(Signal::email(text), None, "{text}");
        }
    }

    #[test]
    fn addresses_for_minutes_are_known_by_their_domain_and_below_it() {
        for text in ["a@mailinator.com", "b@MAILINATOR.com", "c@x.mailinator.com"] {
            assert_eq!(Signal::disposable_email(text), Some(Signal::of(SignalKind::DisposableEmail, "")), "{text}");
        }
        for text in ["a@example.com", "a@notmailinator.com", "a@mailinator.com.example", "a@com", "mailinator.com"] {
            assert_eq!(Signal::disposable_email(text), None, "{text}");
        }
    }

    #[test]
    fn the_list_of_domains_is_sorted_in_lower_case_and_names_each_once() {
        let domains: Vec<_> = DISPOSABLE_DOMAINS.lines().collect();
        assert!(domains.is_sorted_by(|one, other| one < other));
        assert!(domains.iter().all(|domain| domain.contains('.') && domain.trim().to_lowercase() == **domain));
    }

    #[test]
    fn telephone_numbers_are_one_however_they_are_spaced() {
        assert_equal(Signal::phone, &["+49 151 2345678", "0049 151/2345678", "491512345678", "+49 (151) 234-5678"]);
        assert_all_differ(Signal::phone, &["+49 151 2345678", "+49 151 2345679", "0151 2345678"]);
        for text in ["", "none", "+49 151", "1234567890123456"] {
            assert_eq!(Signal::phone(text), None, "{text}");
        }
    }

    #[test]
    fn names_are_one_without_case_and_accents_in_whatever_order() {
        let name = |text: &str| {
            let (first, last) = text.split_once('/').unwrap();
            Signal::name([Some(first), Some(last)])
        };
        assert_equal(name, &["José/Muñoz Díaz", "jose munoz/DIAZ", "Diaz/José-Munoz"]);
        assert_all_differ(name, &["Mira/Okonjo", "Mira/Okonja", "Mira/", "Мира/Оконжо"]);
        assert_eq!(Signal::name([Some("Mira Okonjo"), None]), Signal::name([Some("Mira"), Some("Okonjo")]));
        assert_eq!((Signal::name([None, None]), name(" /-")), (None, None));
    }

    #[test]
    fn postal_addresses_are_one_by_letters_and_digits() {
        let address = |text: &str| {
            let [country, postcode, line] = text.split('|').collect::<Vec<_>>().try_into().unwrap();
            Signal::address(country, postcode, line)
        };
        assert_equal(address, &["DE|04109|Lindenweg 4", "de|04 109|LINDENWEG-4.", "DE|04109|Líndenweg 4"]);
        assert_all_differ(
            address,
            &["DE|04109|Lindenweg 4", "DE|04109|Lindenweg 5", "DE|0410|9Lindenweg 4", "AT|04109|Lindenweg 4"],
        );
        assert!(address("IE||Main Street 1").is_some());
        for text in ["DE|04109|", "||Lindenweg 4", "DE|04109| - "] {
            assert_eq!(address(text), None, "{text}");
        }
    }

    #[test]
    fn of_an_address_of_version_6_the_network_counts() {
        assert_equal(Signal::ip, &["2001:db8:1:2::1", "2001:0db8:0001:0002:ffff::9"]);
        assert_equal(Signal::ip, &["203.0.113.7", "::ffff:203.0.113.7"]);
        assert_all_differ(Signal::ip, &["203.0.113.7", "203.0.113.8", "2001:db8:1:2::1", "2001:db8:1:3::1"]);
        assert_eq!((Signal::ip(""), Signal::ip("203.0.113")), (None, None));
        assert_ne!(Signal::ip_agent("203.0.113.7", "Fox/1"), Signal::ip_agent("203.0.113.7", "Fox/2"));
        assert_eq!((Signal::ip_agent("203.0.113.7", " "), Signal::ip_agent("x", "Fox/1")), (None, None));
    }

    #[test]
    fn equal_things_of_two_kinds_are_two_signals() {
        assert_ne!(Signal::device("203.0.113.7"), Signal::ip("203.0.113.7"));
        assert_eq!(Signal::device("  "), None);
    }

    proptest! {
        #[test]
        fn any_text_can_be_compared_without_panic(text in "\\PC{0,40}") {
            let _ = (Signal::email(&text), Signal::disposable_email(&text), Signal::phone(&text), Signal::ip(&text));
            let _ = (Signal::name([Some(&text), None]), Signal::address(&text, &text, &text), Signal::device(&text));
        }
    }
}
