//! A message as it was kept, and what is wrong with it.

use mail_parser::{Message as Parsed, MessageParser, MimeHeaders, PartType};

/// Headers that every mail of ours carries, once each.
const REQUIRED: [&str; 5] = ["Date", "From", "To", "Message-ID", "MIME-Version"];

/// A message with its envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// `MAIL FROM`.
    pub envelope_from: String,
    /// `RCPT TO`.
    pub envelope_to: Vec<String>,
    /// Without angle brackets.
    pub message_id: Option<String>,
    pub subject: Option<String>,
    /// The text/plain part, decoded.
    pub text: Option<String>,
    /// The text/html part, decoded.
    pub html: Option<String>,
    /// All headers in order, undecoded.
    pub headers: Vec<(String, String)>,
    /// The octets after `DATA`, dots unstuffed.
    pub raw: Vec<u8>,
    /// What standards or good manners forbid; empty for a mail as it should be.
    pub violations: Vec<String>,
}

impl Message {
    /// Parses and judges what a session took in.
    pub(super) fn read(envelope_from: String, envelope_to: Vec<String>, raw: Vec<u8>, eight_bit: bool) -> Self {
        let mut message = Self {
            envelope_from,
            envelope_to,
            message_id: None,
            subject: None,
            text: None,
            html: None,
            headers: vec![],
            raw: vec![],
            violations: vec![],
        };
        match MessageParser::default().parse(&raw) {
            Some(parsed) => {
                message.message_id = parsed.message_id().map(str::to_owned);
                message.subject = parsed.subject().map(str::to_owned);
                message.text = parsed.parts.iter().find_map(|part| match &part.body {
                    PartType::Text(text) => Some(text.to_string()),
                    _ => None,
                });
                message.html = parsed.parts.iter().find_map(|part| match &part.body {
                    PartType::Html(html) => Some(html.to_string()),
                    _ => None,
                });
                let headers = parsed.headers_raw().map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
                message.headers = headers.collect();
                message.violations = violations(&parsed, &message.headers);
            }
            None => message.violations.push("the message has no headers".into()),
        }
        if !eight_bit && !raw.is_ascii() {
            message.violations.push("8-bit octets without BODY=8BITMIME".into());
        }
        message.raw = raw;
        message
    }

    /// The first header of this name, undecoded.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

fn violations(parsed: &Parsed<'_>, headers: &[(String, String)]) -> Vec<String> {
    let mut found = Vec::new();
    let values = |name: &str| -> Vec<&str> {
        let named = headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str()).collect()
    };
    for name in REQUIRED {
        match values(name).len() {
            1 => {}
            count => found.push(format!("{count} headers {name} where there should be one")),
        }
    }
    if parsed.date().is_some_and(|date| !date.is_valid()) {
        found.push("Date is no date".into());
    }
    for value in values("Message-ID") {
        let inside = value.strip_prefix('<').and_then(|rest| rest.strip_suffix('>'));
        if inside.and_then(|id| id.split_once('@')).is_none_or(|(left, right)| left.is_empty() || right.is_empty()) {
            found.push(format!("Message-ID is not of the form <left@right>: {value}"));
        }
    }
    if values("MIME-Version").iter().any(|version| *version != "1.0") {
        found.push("MIME-Version is not 1.0".into());
    }
    // RFC 8058: one-click needs an https address to post to.
    if !values("List-Unsubscribe-Post").is_empty()
        && !values("List-Unsubscribe").iter().any(|value| value.contains("<https://"))
    {
        found.push("List-Unsubscribe-Post without an https address in List-Unsubscribe".into());
    }
    found.extend(parts_out_of_order(parsed));
    found
}

/// RFC 2046, 5.1.4: the alternatives get richer, so plain text comes first.
fn parts_out_of_order(parsed: &Parsed<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for part in &parsed.parts {
        let PartType::Multipart(children) = &part.body else { continue };
        if part.content_type().and_then(|kind| kind.c_subtype.as_deref()) != Some("alternative") {
            continue;
        }
        let kinds: Vec<_> = children.iter().filter_map(|child| parsed.part(*child)).map(|part| &part.body).collect();
        if !matches!(kinds.first(), Some(PartType::Text(_))) {
            found.push("multipart/alternative does not begin with text/plain".into());
        }
        if kinds.len() < 2 {
            found.push("multipart/alternative offers no alternative".into());
        }
    }
    if parsed.parts.iter().any(|part| matches!(part.body, PartType::Html(_)))
        && !parsed.parts.iter().any(|part| matches!(part.body, PartType::Text(_)))
    {
        found.push("HTML without a plain text".into());
    }
    found
}
