//! Links in mails: addresses that name a recipient and a plugin, hold nothing personal, and that nobody else can make.
//!
//! A token is `base64url(version, store, contact, tag, plugin)`, where the tag is an HMAC-SHA256 of all the rest. It
//! does not expire: who finds an old mail must still be able to unsubscribe (RFC 8058, section 3.1, sets no end
//! either).

use std::fmt;

use data_encoding::BASE64URL_NOPAD;

use crate::domain::{ContactId, CustomerId, Mac, PluginName, StoreId, normalised_email};

const VERSION: u8 = 1;

/// Where the parts of a token's bytes end; what follows the tag is the plugin's name.
const STORE: std::ops::Range<usize> = 1..5;
const CONTACT: std::ops::Range<usize> = 5..21;
const TAG: std::ops::Range<usize> = 21..37;

/// Characters of a tag that is written by itself: 16 bytes in base 64.
const TAG_CHARS: usize = 22;

/// A longer text is no token: the longest plugin's name makes one of 135 characters.
const MAX_CHARS: usize = 200;

/// What signs links and names addresses. Kept in the data directory; a change of it breaks every link that is out.
#[derive(Clone)]
pub struct LinkKey([u8; 32]);

impl LinkKey {
    pub fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// The name of an address in a store.
    pub fn contact(&self, store: StoreId, address: &str) -> ContactId {
        let tag = self.mac(&[b"contact", &store.0.to_be_bytes(), normalised_email(address).as_bytes()]).bytes();
        ContactId(std::array::from_fn(|index| tag[index]))
    }

    /// The token of a recipient's links.
    pub fn token(&self, recipient: &Recipient) -> String {
        let mut token = vec![VERSION];
        token.extend_from_slice(&recipient.store.0.to_be_bytes());
        token.extend_from_slice(&recipient.contact.0);
        token.extend_from_slice(&self.recipient(recipient).bytes()[..TAG.len()]);
        token.extend_from_slice(recipient.plugin.as_str().as_bytes());
        BASE64URL_NOPAD.encode(&token)
    }

    /// Whom a token names; `None` if this host has not made it.
    pub fn read(&self, token: &str) -> Option<Recipient> {
        if token.len() > MAX_CHARS {
            return None;
        }
        let bytes = BASE64URL_NOPAD.decode(token.as_bytes()).ok()?;
        if bytes.first() != Some(&VERSION) {
            return None;
        }
        let recipient = Recipient {
            store: StoreId(u32::from_be_bytes(bytes.get(STORE)?.try_into().ok()?)),
            contact: ContactId(bytes.get(CONTACT)?.try_into().ok()?),
            plugin: str::from_utf8(bytes.get(TAG.end..)?).ok()?.into(),
        };
        self.recipient(&recipient).begins_with(bytes.get(TAG)?).then_some(recipient)
    }

    /// What the keys of a page's forms begin with that was drawn for a customer. It carries a tag, by which a form is told that
    /// was drawn for somebody else, or by nobody; what follows it tells the page's forms apart.
    pub fn form(&self, store: StoreId, customer: &CustomerId, drawn: &str) -> String {
        format!("{drawn}.{}", written(self.drawn_for(store, customer, drawn)))
    }

    pub fn is_form(&self, store: StoreId, customer: &CustomerId, key: &str) -> bool {
        let Some((drawn, rest)) = key.split_once('.') else { return false };
        rest.get(..TAG_CHARS).is_some_and(|tag| is_tag_of(self.drawn_for(store, customer, drawn), tag))
    }

    /// The state of an authorisation that a shop is asked for at a time, in seconds.
    pub fn state(&self, shop: &str, at: u64) -> String {
        format!("{at}.{}", written(self.asked(shop, at)))
    }

    /// Whether this host has asked the shop, and no longer ago than that.
    pub fn is_state(&self, shop: &str, state: &str, now: u64, within: u64) -> bool {
        let Some((at, tag)) = state.split_once('.') else { return false };
        let Ok(at) = at.parse::<u64>() else { return false };
        at <= now && now - at <= within && is_tag_of(self.asked(shop, at), tag)
    }

    fn drawn_for(&self, store: StoreId, customer: &CustomerId, drawn: &str) -> Mac {
        self.mac(&[b"form", &store.0.to_be_bytes(), customer.as_str().as_bytes(), drawn.as_bytes()])
    }

    fn asked(&self, shop: &str, at: u64) -> Mac {
        self.mac(&[b"state", shop.as_bytes(), &at.to_be_bytes()])
    }

    fn recipient(&self, recipient: &Recipient) -> Mac {
        let store = recipient.store.0.to_be_bytes();
        self.mac(&[b"link", &[VERSION], &store, &recipient.contact.0, recipient.plugin.as_str().as_bytes()])
    }

    fn mac(&self, parts: &[&[u8]]) -> Mac {
        Mac::of_list(&self.0, parts)
    }
}

/// A tag as it stands in a text.
fn written(mac: Mac) -> String {
    BASE64URL_NOPAD.encode(&mac.bytes()[..TAG.len()])
}

fn is_tag_of(mac: Mac, tag: &str) -> bool {
    tag.len() == TAG_CHARS && BASE64URL_NOPAD.decode(tag.as_bytes()).is_ok_and(|tag| mac.begins_with(&tag))
}

impl fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkKey([REDACTED])")
    }
}

/// Who got a mail, and which plugin's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    pub store: StoreId,
    pub contact: ContactId,
    pub plugin: PluginName,
}

/// How links begin and are signed.
#[derive(Clone, Debug)]
pub struct Links {
    pub key: LinkKey,
    /// Where the internet reaches this host, without a slash at its end; none where no https address is known.
    pub base: Option<String>,
}

impl Links {
    /// Where a mail program posts to, and a person goes, to unsubscribe.
    pub fn unsubscribe(&self, recipient: &Recipient) -> Option<String> {
        let base = self.base.as_ref()?;
        Some(format!("{base}/u/{}", self.key.token(recipient)))
    }

    /// Where a person chooses what to get.
    pub fn preferences(&self, recipient: &Recipient) -> Option<String> {
        let base = self.base.as_ref()?;
        Some(format!("{base}/preferences/{}", self.key.token(recipient)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> LinkKey {
        LinkKey::new([7; 32])
    }

    fn recipient() -> Recipient {
        let contact = key().contact(StoreId(3), "Mira@Example.com ");
        Recipient { store: StoreId(3), contact, plugin: "birthday-mail".into() }
    }

    #[test]
    fn a_token_reads_back_and_holds_nothing_personal() {
        let token = key().token(&recipient());
        assert_eq!(key().read(&token), Some(recipient()));
        let bytes = BASE64URL_NOPAD.decode(token.as_bytes()).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).to_lowercase().contains("mira"));
        assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')));
    }

    #[test]
    fn an_address_has_one_name_in_a_store_and_another_in_the_next() {
        let named = |store, address| key().contact(StoreId(store), address);
        assert_eq!(named(3, "mira@example.com"), named(3, " MIRA@example.com"));
        assert_ne!(named(3, "mira@example.com"), named(4, "mira@example.com"));
        assert_ne!(named(3, "mira@example.com"), LinkKey::new([8; 32]).contact(StoreId(3), "mira@example.com"));
    }

    #[test]
    fn a_key_cannot_be_printed() {
        assert_eq!(format!("{:?}", key()), "LinkKey([REDACTED])");
    }

    #[test]
    fn without_a_public_address_there_are_no_links() {
        let links = |base: Option<&str>| Links { key: key(), base: base.map(Into::into) };
        assert_eq!((links(None).unsubscribe(&recipient()), links(None).preferences(&recipient())), (None, None));
        let url = links(Some("https://r.example")).unsubscribe(&recipient()).unwrap();
        assert_eq!(url, format!("https://r.example/u/{}", key().token(&recipient())));
    }

    proptest! {
        #[test]
        fn a_token_that_was_changed_anywhere_or_signed_by_another_names_nobody(at in 0..50_usize, flip in 1..=255_u8) {
            let mut bytes = BASE64URL_NOPAD.decode(key().token(&recipient()).as_bytes()).unwrap();
            prop_assert_eq!(LinkKey::new([8; 32]).read(&key().token(&recipient())), None);
            bytes[at] ^= flip;
            prop_assert_eq!(key().read(&BASE64URL_NOPAD.encode(&bytes)), None);
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in ".*", bytes: Vec<u8>) {
            prop_assert_eq!(key().read(&text), None);
            prop_assert_eq!(key().read(&BASE64URL_NOPAD.encode(&bytes)), None);
        }
    }

    #[test]
    fn a_form_is_for_the_customer_whom_it_was_drawn_for() {
        let (ours, theirs) = (LinkKey::new([1; 32]), LinkKey::new([2; 32]));
        let key = format!("{}-1-2", ours.form(StoreId(3), &"7".into(), "drawn"));
        assert!(ours.is_form(StoreId(3), &"7".into(), &key));
        assert!(!ours.is_form(StoreId(3), &"8".into(), &key));
        assert!(!ours.is_form(StoreId(4), &"7".into(), &key));
        assert!(!theirs.is_form(StoreId(3), &"7".into(), &key));
        assert!(!ours.is_form(StoreId(3), &"7".into(), &key.replace("drawn", "other")));
        for key in ["", ".", "drawn", "drawn.", "drawn.-1"] {
            assert!(!ours.is_form(StoreId(3), &"7".into(), key), "{key}");
        }
    }

    #[test]
    fn a_state_is_for_its_shop_and_for_a_while() {
        let key = LinkKey::new([1; 32]);
        let state = key.state("fern.myshopify.com", 1_000);
        for (shop, now, is_ours) in [
            ("fern.myshopify.com", 1_000, true),
            ("fern.myshopify.com", 1_600, true),
            ("fern.myshopify.com", 1_601, false),
            ("fern.myshopify.com", 999, false),
            ("moss.myshopify.com", 1_000, false),
        ] {
            assert_eq!(key.is_state(shop, &state, now, 600), is_ours, "{shop} at {now}");
        }
        assert!(!key.is_state("fern.myshopify.com", &state.replacen("1000", "1001", 1), 1_001, 600));
    }
}
