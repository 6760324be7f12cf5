//! Who asks for a page, as far as a request tells.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};

use crate::ingest::visits::Visitor;

/// The cookie that tells one browser from another. It holds nothing but chance, and nobody else is sent it.
const COOKIE: &str = "regulars_device";

/// How long a browser keeps it: no longer than anything can follow from a visit.
const COOKIE_SECONDS: u32 = 365 * 86_400;

/// Characters of its value: those of a token.
const COOKIE_CHARS: usize = 26;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// What browsers and mail readers say when they fetch a page before anybody wants to see it.
const AHEAD: [&str; 4] = ["sec-purpose", "purpose", "x-purpose", "x-moz"];

/// Parts of the names of programs that look at a page for others, such as a chat that shows a preview of a link.
const PROGRAMS: [&str; 10] =
    ["bot/", "bot;", "slackbot", "telegrambot", "crawler", "spider", "preview", "externalhit", "whatsapp/", "embedly"];

/// Bytes of a browser's own name that count.
const AGENT_BYTES: usize = 512;

/// Somebody's browser, or a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Browser {
    pub visitor: Visitor,
    /// The browser had no cookie, and is given one.
    pub is_new: bool,
    /// Somebody looks at the page.
    pub is_visit: bool,
    /// IETF language tag of the language that is wanted most.
    pub locale: Option<String>,
}

impl Browser {
    /// What a request tells. `fresh` makes the value of a new cookie.
    pub fn of(method: &Method, headers: &HeaderMap, peer: Option<SocketAddr>, fresh: impl FnOnce() -> String) -> Self {
        let agent =
            text(headers, &header::USER_AGENT).map(|agent| agent[..agent.floor_char_boundary(AGENT_BYTES)].to_owned());
        let cookie = cookie(headers);
        let is_new = cookie.is_none();
        let is_visit = *method == Method::GET && !is_ahead(headers) && agent.as_deref().is_some_and(is_browser);
        let address = peer.map(|peer| address(headers, peer.ip()));
        let visitor = Visitor { address, agent, device: cookie.unwrap_or_else(fresh) };
        Self { visitor, is_new, is_visit, locale: locale(headers) }
    }

    /// The cookie to set.
    pub fn set_cookie(&self, is_https: bool) -> Option<HeaderValue> {
        let secure = if is_https { "; Secure" } else { "" };
        let cookie = format!(
            "{COOKIE}={}; Path=/l; Max-Age={COOKIE_SECONDS}; HttpOnly; SameSite=Lax{secure}",
            self.visitor.device
        );
        self.is_new.then(|| HeaderValue::try_from(cookie).expect("a token fits a header"))
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok()).filter(|text| !text.is_empty())
}

/// The address of whoever asks. A proxy of this machine or its network says whom it speaks for: the last of those that it
/// names, for the others came with the request. What anybody else says of it is not believed.
fn address(headers: &HeaderMap, peer: IpAddr) -> IpAddr {
    let last = headers.get_all(FORWARDED_FOR).iter().next_back().and_then(|value| value.to_str().ok());
    let named = last.and_then(|list| list.rsplit(',').next()).and_then(|address| address.trim().parse().ok());
    named.filter(|_| is_near(peer)).unwrap_or(peer).to_canonical()
}

fn is_near(peer: IpAddr) -> bool {
    match peer.to_canonical() {
        IpAddr::V4(peer) => peer.is_loopback() || peer.is_private() || peer.is_link_local(),
        IpAddr::V6(peer) => peer.is_loopback() || peer.is_unique_local() || peer.is_unicast_link_local(),
    }
}

fn cookie(headers: &HeaderMap) -> Option<String> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let is_token = |value: &str| {
        value.len() == COOKIE_CHARS && value.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7'))
    };
    pairs.find(|(name, value)| *name == COOKIE && is_token(value)).map(|(_, value)| value.to_owned())
}

fn is_ahead(headers: &HeaderMap) -> bool {
    let mut said = AHEAD.iter().filter_map(|name| headers.get(*name)?.to_str().ok()).map(str::to_ascii_lowercase);
    said.any(|said| ["prefetch", "prerender", "preview"].iter().any(|word| said.contains(word)))
}

fn is_browser(agent: &str) -> bool {
    let agent = agent.to_ascii_lowercase();
    !PROGRAMS.iter().any(|part| agent.contains(part))
}

/// The tag that a browser gives the most weight (RFC 9110, section 12.5.4); of equal ones the first.
fn locale(headers: &HeaderMap) -> Option<String> {
    let accepted = text(headers, &header::ACCEPT_LANGUAGE)?;
    let weighed = accepted.split(',').filter_map(|part| {
        let (tag, parameters) = part.split_once(';').unwrap_or((part, ""));
        let weight = match parameters.trim().strip_prefix("q=") {
            Some(weight) => thousandths(weight)?,
            None => 1_000,
        };
        is_tag(tag.trim()).then(|| (weight, tag.trim()))
    });
    // Of several that are equal, `max_by_key` gives the last.
    let best = weighed.filter(|(weight, _)| *weight > 0).collect::<Vec<_>>().into_iter().rev().max_by_key(|it| it.0);
    best.map(|(_, tag)| tag.to_owned())
}

/// A weight such as `0.8` as 800.
fn thousandths(weight: &str) -> Option<u32> {
    let (whole, fraction) = weight.trim().split_once('.').unwrap_or((weight.trim(), ""));
    let fraction = format!("{fraction:0<3}");
    let whole: u32 = whole.parse().ok().filter(|whole| *whole <= 1)?;
    let fraction: u32 = fraction.get(..3)?.parse().ok()?;
    Some((whole * 1_000 + fraction).min(1_000))
}

/// Whether a text can be a language tag (RFC 5646): it goes to plugins and into pages.
pub fn is_tag(text: &str) -> bool {
    (2..=35).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    const TOKEN: &str = "abcdefghijklmnopqrstuvwxyz";

    fn ask(method: Method, peer: &str, headers: &[(&'static str, &str)]) -> Browser {
        let headers = headers.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        let peer = SocketAddr::new(peer.parse().unwrap(), 40_000);
        Browser::of(&method, &headers.collect(), Some(peer), || "fresh".into())
    }

    fn get(headers: &[(&'static str, &str)]) -> Browser {
        ask(Method::GET, "203.0.113.7", headers)
    }

    #[test]
    fn a_browser_keeps_its_cookie_and_gets_one_if_it_has_none_that_is_ours() {
        let known = get(&[("cookie", &format!("a=b; {COOKIE}={TOKEN}; c=d"))]);
        assert_eq!((known.visitor.device.as_str(), known.is_new, known.set_cookie(true)), (TOKEN, false, None));
        let longer = format!("{TOKEN}a");
        for value in ["", "short", longer.as_str(), "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwx\"<"] {
            let new = get(&[("cookie", &format!("{COOKIE}={value}"))]);
            assert_eq!((new.visitor.device.as_str(), new.is_new), ("fresh", true), "{value}");
        }
        let set = |is_https| get(&[]).set_cookie(is_https).unwrap().to_str().unwrap().to_owned();
        assert_eq!(set(false), "regulars_device=fresh; Path=/l; Max-Age=31536000; HttpOnly; SameSite=Lax");
        assert!(set(true).ends_with("; Secure"));
    }

    #[test]
    fn a_proxy_nearby_says_whom_it_speaks_for_and_nobody_else_does() {
        let address = |peer: &str, forwarded: &str| {
            ask(Method::GET, peer, &[("x-forwarded-for", forwarded)]).visitor.address.unwrap().to_string()
        };
        assert_eq!(address("127.0.0.1", "198.51.100.1, 203.0.113.9"), "203.0.113.9");
        assert_eq!(address("::ffff:10.0.0.2", "203.0.113.9"), "203.0.113.9");
        assert_eq!(address("fd00::1", "2001:db8::1"), "2001:db8::1");
        assert_eq!(address("192.0.2.4", "203.0.113.9"), "192.0.2.4");
        assert_eq!(address("127.0.0.1", "not an address"), "127.0.0.1");
        assert_eq!(address("127.0.0.1", ""), "127.0.0.1");
    }

    #[test]
    fn only_a_page_that_somebody_looks_at_is_a_visit() {
        let agent = ("user-agent", BROWSER);
        assert!(get(&[agent]).is_visit);
        assert!(!ask(Method::HEAD, "203.0.113.7", &[agent]).is_visit);
        for ahead in [
            ("purpose", "prefetch"),
            ("sec-purpose", "prefetch;prerender"),
            ("x-purpose", "preview"),
            ("x-moz", "prefetch"),
        ] {
            assert!(!get(&[agent, ahead]).is_visit, "{ahead:?}");
        }
        for program in ["", "Googlebot/2.1", "WhatsApp/2.23", "facebookexternalhit/1.1", "Slackbot-LinkExpanding 1.0"] {
            assert!(!get(&[("user-agent", program)]).is_visit, "{program}");
        }
        assert!(!get(&[]).is_visit, "every browser has a name");
        assert!(get(&[("user-agent", "Mozilla/5.0 (Linux; Android 9; CUBOT_X18) Mobile")]).is_visit);
    }

    #[test]
    fn the_language_is_the_one_that_is_wanted_most() {
        let wanted = |accepted: &str| get(&[("accept-language", accepted)]).locale;
        assert_eq!(wanted("de-AT,de;q=0.9,en;q=0.8").as_deref(), Some("de-AT"));
        assert_eq!(wanted("en;q=0.8, nl").as_deref(), Some("nl"));
        assert_eq!(wanted("en;q=0.5,fr;q=0.55").as_deref(), Some("fr"));
        for nothing in ["", "*", "en;q=0", "<script>", "en;q=x", "x"] {
            assert_eq!(wanted(nothing), None, "{nothing}");
        }
    }
}
