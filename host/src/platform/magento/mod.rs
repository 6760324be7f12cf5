//! Magento Open Source and Adobe Commerce: what their modules and services send, each in a way of its own.

use super::Failure;

pub mod normalise;
pub mod senders;

pub use senders::Sender;

/// A host name in lower case: the name under which a Magento store is known. `None` for anything else, addresses of
/// pages, numeric ones and longer texts that contain one included.
pub fn host_name(text: &str) -> Option<String> {
    /// A DNS name's length, and a label's (RFC 1035, section 2.3.4).
    const NAME_MAX: usize = 253;
    const LABEL_MAX: usize = 63;
    let name = text.to_ascii_lowercase();
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_label = |label: &str| {
        (1..=LABEL_MAX).contains(&label.len())
            && label.bytes().all(|byte| is_plain(byte) || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let (_, top) = name.rsplit_once('.')?;
    let fits = name.len() <= NAME_MAX
        && name.split('.').all(is_label)
        && top.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    fits.then_some(name)
}

/// Why nothing is done or read in a Magento store.
pub fn not_called() -> Failure {
    Failure::Permanent {
        reason: "Regulars does not call Magento's REST API: nothing is done or read in a Magento store".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bare_host_name_names_a_store() {
        for name in ["shop.example.com", "xn--bcher-kva.example", "9.example.museum", "a-b.example.co.uk"] {
            assert_eq!(host_name(name).as_deref(), Some(name));
        }
        assert_eq!(host_name("Shop.Example.COM").as_deref(), Some("shop.example.com"));
        let long = format!("{}.example.com", "a".repeat(64));
        for text in [
            "",
            "localhost",
            ".example.com",
            "example.com.",
            "shop..example.com",
            "-shop.example.com",
            "shop-.example.com",
            "https://shop.example.com",
            "shop.example.com/nl",
            "shop.example.com:443",
            "shop@example.com",
            "sh op.example.com",
            "b\u{fc}cher.example",
            "127.0.0.1",
            long.as_str(),
        ] {
            assert_eq!(host_name(text), None, "{text}");
        }
    }
}
