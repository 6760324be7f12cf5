//! The way to all platforms: one connection pool, bounded in time and size.
//!
//! It follows no redirect, which would carry a token to an address that nobody has checked, and leads into no private network
//! where an address came from outside.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::http::{
    HeaderMap, Method, StatusCode,
    header::{CONTENT_TYPE, DATE},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{
    Client, Response, Url,
    dns::{Addrs, Name, Resolve, Resolving},
};
use serde_json::Value;

use super::Failure;
use crate::domain::Timestamp;

mod file;

pub use file::FilePart;

/// Bounds of one call.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// From the first byte sent to the last byte received.
    pub timeout: Duration,
    /// What is asked for is small; a longer answer is not what was asked for.
    pub max_answer_bytes: usize,
}

/// Where a shop is asked: its own domain, unless the operator names another address.
#[derive(Clone, Debug)]
pub struct Door {
    pub base: String,
    pub reach: Reach,
}

impl Default for Limits {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(10), max_answer_bytes: 1 << 20 }
    }
}

/// How far a call may lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Wherever the operator has said, this machine too.
    Anywhere,
    /// To public addresses, over https: for addresses that came from outside.
    Public,
}

/// A call of a platform.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: Method,
    pub url: Url,
    /// Those that hold secrets are marked sensitive.
    pub headers: HeaderMap,
    pub body: Option<Body>,
}

/// What a call sends, in the form in which the other side reads it.
#[derive(Clone)]
pub enum Body {
    Json(Value),
    /// As a page's form is sent.
    Form(Vec<(&'static str, String)>),
}

/// A body may hold secrets and what people wrote.
impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Json(_) => "Json([REDACTED])",
            Self::Form(_) => "Form([REDACTED])",
        })
    }
}

/// What came back, whatever it says.
#[derive(Clone, Debug)]
pub struct HttpAnswer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl HttpAnswer {
    /// The other side's clock when it answered, to the second.
    pub fn date(&self) -> Option<Timestamp> {
        let date = jiff::fmt::rfc2822::parse(self.headers.get(DATE)?.to_str().ok()?).ok()?;
        u64::try_from(date.timestamp().as_millisecond()).ok().map(Timestamp)
    }
}

#[derive(Clone, Debug)]
pub struct Http(Way);

#[derive(Clone, Debug)]
enum Way {
    Network {
        anywhere: Client,
        public: Client,
    },
    #[cfg(test)]
    Simulated(Arc<dyn super::shopify::admin::simulated::Peer>),
}

impl Http {
    pub fn new() -> Result<Self, reqwest::Error> {
        let builder = || {
            Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .user_agent(concat!("regulars/", env!("CARGO_PKG_VERSION")))
        };
        let public = builder().https_only(true).no_proxy().dns_resolver(Arc::new(PublicOnly)).build()?;
        Ok(Self(Way::Network { anywhere: builder().build()?, public }))
    }

    /// Leads to a peer inside the process.
    #[cfg(test)]
    pub(crate) fn simulated(peer: Arc<dyn super::shopify::admin::simulated::Peer>) -> Self {
        Self(Way::Simulated(peer))
    }

    /// Makes a call. An answer of any status is one; a failure means that there was none.
    pub async fn send(&self, reach: Reach, call: Call, limits: Limits) -> Result<HttpAnswer, Failure> {
        match &self.0 {
            Way::Network { anywhere, public } => {
                let client = match reach {
                    Reach::Anywhere => anywhere,
                    Reach::Public => public,
                };
                check(reach, &call.url)?;
                send_over(client, call, limits).await
            }
            #[cfg(test)]
            Way::Simulated(peer) => {
                let request = match call.body {
                    Some(Body::Json(request)) => request,
                    Some(Body::Form(_)) | None => Value::Null,
                };
                let posted = peer.post(&call.url, request);
                let answer = tokio::time::timeout(limits.timeout, posted).await;
                let answer = answer.unwrap_or(Err("no answer came in time"));
                let (status, headers, body) =
                    answer.map_err(|reason| Failure::Transient { reason: reason.to_owned() })?;
                Ok(HttpAnswer { status, headers, body })
            }
        }
    }
}

/// An address that is written as a number is resolved by nobody, and is looked at here.
fn check(reach: Reach, url: &Url) -> Result<(), Failure> {
    let is_allowed = match url.host_str().map(|host| host.trim_matches(['[', ']']).parse::<IpAddr>()) {
        Some(Ok(address)) => reach == Reach::Anywhere || is_public(address),
        Some(Err(_)) => true,
        None => false,
    };
    match is_allowed {
        true => Ok(()),
        false => Err(Failure::Permanent { reason: format!("{} is no public address", host_of(url)) }),
    }
}

async fn send_over(client: &Client, call: Call, limits: Limits) -> Result<HttpAnswer, Failure> {
    let url = call.url;
    let lost = |error: &reqwest::Error| unreachable(&url, error, limits);
    let mut request = client.request(call.method, url.clone()).headers(call.headers).timeout(limits.timeout);
    match &call.body {
        Some(Body::Json(body)) => request = request.json(body),
        Some(Body::Form(fields)) => {
            let form = serde_urlencoded::to_string(fields).map_err(|error| unsent(&url, &error))?;
            request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form);
        }
        None => {}
    }
    let mut response: Response = request.send().await.map_err(|error| lost(&error))?;
    let (status, headers) = (response.status(), response.headers().clone());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| lost(&error))? {
        if body.len() + chunk.len() > limits.max_answer_bytes {
            let reason = format!("the answer of {} exceeds {} bytes", host_of(&url), limits.max_answer_bytes);
            return Err(Failure::Transient { reason });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(HttpAnswer { status, headers, body })
}

fn unsent(url: &Url, error: &serde_urlencoded::ser::Error) -> Failure {
    Failure::Permanent { reason: format!("the form for {} cannot be written: {error}", host_of(url)) }
}

fn unreachable(url: &Url, error: &reqwest::Error, limits: Limits) -> Failure {
    let host = host_of(url);
    let reason = match error {
        _ if error.is_timeout() => format!("{host} gave no answer within {:?}", limits.timeout),
        _ if error.is_connect() => format!("{host} cannot be connected to"),
        _ => format!("the connection to {host} broke"),
    };
    Failure::Unreachable { reason }
}

/// A text as it stands in an address or in what is signed, a space as `%20`: all but what RFC 3986, section 2.3, leaves as it
/// is.
pub fn percent_encoded(text: &str) -> String {
    const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(text, ENCODED).to_string()
}

fn host_of(url: &Url) -> &str {
    url.host_str().unwrap_or("the store")
}

/// Finds public addresses alone. What a name resolved to is what is connected to: asking once leaves no gap.
#[derive(Debug)]
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|address| is_public(address.ip())).collect();
            match public.is_empty() {
                true => Err(format!("{} has no public address", name.as_str()).into()),
                false => Ok(Box::new(public.into_iter()) as Addrs),
            }
        })
    }
}

/// Whether an address belongs to the internet: not to this machine, a private network, or a special use (the IANA
/// special-purpose registries for IPv4 and IPv6).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match carried(address) {
            Some(inner) => is_public_v4(inner),
            None => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    let is_special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || first == 0
        || first >= 240
        || (first == 100 && (64..128).contains(&second))
        || (first == 192 && second == 0 && third == 0)
        || (first == 192 && second == 88 && third == 99)
        || (first == 198 && (18..20).contains(&second));
    !is_special
}

/// Only what is allocated to the internet, `2000::/3`, less what is documentation or a tunnel in it.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    first & 0xe000 == 0x2000 && !(first == 0x2001 && (second < 0x0200 || second == 0x0db8)) && first != 0x3fff
}

/// The IPv4 address that an IPv6 address stands for: mapped, translated (`64:ff9b::/96`), or 6to4.
fn carried(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let from = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(from(high, low)),
        [0x2002, high, low, ..] => Some(from(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use axum::{Router, response::Redirect, routing::post};
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn addresses_of_this_machine_of_private_networks_and_of_special_use_are_not_public() {
        for address in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "192.0.0.8",
            "192.0.2.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.7",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:a00:1::",
            "fe80::1",
            "fc00::1",
            "fd12:3456::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "100::1",
            "5f00::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in
            ["8.8.8.8", "172.32.0.1", "100.128.0.1", "23.227.38.33", "2606:4700::1111", "::ffff:8.8.8.8", "2a01:4f8::1"]
        {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    fn call(url: &str) -> Call {
        Call { method: Method::POST, url: url.parse().unwrap(), headers: HeaderMap::new(), body: None }
    }

    #[tokio::test]
    async fn an_address_from_outside_leads_into_no_private_network() {
        let http = Http::new().unwrap();
        for url in ["https://127.0.0.1/", "https://[::1]/", "https://169.254.169.254/latest", "https://2130706433/"] {
            let failure = http.send(Reach::Public, call(url), Limits::default()).await.unwrap_err();
            assert!(matches!(failure, Failure::Permanent { .. }), "{url}: {failure:?}");
        }
        let named = http.send(Reach::Public, call("https://localhost/"), Limits::default()).await.unwrap_err();
        assert!(matches!(named, Failure::Unreachable { .. }), "{named:?}");
        let plain = http.send(Reach::Public, call("http://shop.example/"), Limits::default()).await;
        assert!(plain.is_err());
    }

    #[tokio::test]
    async fn a_redirect_is_an_answer_and_is_not_followed_and_a_long_answer_is_none() {
        let routes = Router::new()
            .route("/away", post(async || Redirect::temporary("/long")))
            .route("/long", post(async || "x".repeat(2_000)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        let http = Http::new().unwrap();
        let limits = Limits { max_answer_bytes: 1_000, ..Limits::default() };
        let away = http.send(Reach::Anywhere, call(&format!("{base}/away")), limits).await.unwrap();
        assert_eq!(away.status, StatusCode::TEMPORARY_REDIRECT);
        let long = http.send(Reach::Anywhere, call(&format!("{base}/long")), limits).await.unwrap_err();
        assert!(long.to_string().contains("exceeds 1000 bytes"), "{long}");
    }
}
