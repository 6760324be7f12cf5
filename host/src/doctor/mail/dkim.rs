//! DKIM (RFC 6376): the key with which the mail server's signatures are checked. The host signs nothing itself.

use data_encoding::BASE64;
use mail_auth::{
    Error,
    common::{parse::TxtRecordParser, verify::DomainKey},
    dkim::DkimError,
};

use super::dns::{Asked, Dns};
use crate::{
    doctor::finding::{Finding, Subject},
    platform::rsa::PublicKey,
};

/// What receivers take at least, and what is advised (RFC 8301).
const BITS_MIN: usize = 1_024;
const BITS_ADVISED: usize = 2_048;

/// The texts at the selector's name; none without a selector.
pub(super) async fn ask(dns: &Dns, domain: &str, selector: Option<&str>) -> Option<Asked<String>> {
    match selector {
        Some(selector) => Some(dns.texts(&format!("{selector}._domainkey.{domain}")).await),
        None => None,
    }
}

pub(super) fn judge(domain: &str, selector: Option<&str>, seen: &Option<Asked<String>>) -> Finding {
    let subject = Subject::MailDomain;
    let (Some(selector), Some(texts)) = (selector, seen) else {
        return subject.unknown(
            format!("with which selector mails of {domain} are signed (DKIM) is not known here"),
            "set `dkim_selector` of `[doctor]` in the configuration: `s=` in the header DKIM-Signature of a mail that has arrived; \
             if there is no such header, have the mail server sign",
        );
    };
    let name = format!("{selector}._domainkey.{domain}");
    let publish = format!("publish at {name} the TXT record that the mail server's provider gives for its key");
    let texts = match texts {
        Ok(texts) => texts,
        Err(reason) => {
            return subject.unknown(
                format!("the key at {name} could not be looked up: {reason}"),
                "ask again in a while; if it stays so, set `nameserver` of `[doctor]` in the configuration",
            );
        }
    };
    let text = match texts.as_slice() {
        [text] => text,
        [] => return subject.fault(format!("there is no DKIM key at {name}"), publish),
        _ => {
            return subject
                .fault(format!("there are several TXT records at {name}"), "delete all but the one of the key in use");
        }
    };
    match DomainKey::parse(text.as_bytes()) {
        Err(Error::Dkim(DkimError::RevokedPublicKey)) => {
            subject.fault(format!("the DKIM key at {name} has been revoked: its `p=` is empty"), publish)
        }
        Err(error) => subject.fault(format!("the DKIM key at {name} cannot be read: {error}"), publish),
        Ok(_) => match rsa_bits(text) {
            Some(bits) if bits < BITS_MIN => subject.fault(
                format!("the DKIM key at {name} has {bits} bits: receivers take no signature of fewer than {BITS_MIN}"),
                format!("have the mail server make a key of {BITS_ADVISED} bits, under a new selector"),
            ),
            Some(bits) if bits < BITS_ADVISED => subject.warning(
                format!("the DKIM key at {name} has {bits} bits; {BITS_ADVISED} are advised"),
                format!("have the mail server make a key of {BITS_ADVISED} bits, under a new selector"),
            ),
            Some(bits) => subject.well(format!("the DKIM key at {name} is published, {bits} bits")),
            None => subject.well(format!("the DKIM key at {name} is published")),
        },
    }
}

/// The length of an RSA key; `None` of another kind of key.
fn rsa_bits(record: &str) -> Option<usize> {
    let tags = record.split(';').filter_map(|tag| tag.split_once('='));
    let (_, key) = tags.map(|(name, value)| (name.trim(), value)).find(|(name, _)| *name == "p")?;
    let base64: String = key.split_whitespace().collect();
    PublicKey::from_der(&BASE64.decode(base64.as_bytes()).ok()?)?.bits()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    /// An RSA key's record with a modulus of so many bits: `SubjectPublicKeyInfo`, as it is published.
    fn record(bits: usize) -> String {
        fn value(tag: u8, content: &[u8]) -> Vec<u8> {
            let length = u16::try_from(content.len()).unwrap().to_be_bytes();
            [&[tag, 0x82, length[0], length[1]], content].concat()
        }
        let modulus = [&[0_u8][..], &vec![0xc1; bits / 8]].concat();
        let key = value(0x30, &[value(0x02, &modulus), vec![0x02, 3, 1, 0, 1]].concat());
        let algorithm = [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
        let bits = value(0x03, &[&[0][..], &key].concat());
        let info = value(0x30, &[&algorithm[..], &bits].concat());
        format!("v=DKIM1; k=rsa; p={}", BASE64.encode(&info))
    }

    fn verdict(texts: &[&str]) -> Verdict {
        let seen = Some(Ok(texts.iter().map(|text| (*text).to_owned()).collect()));
        judge("fern.example", Some("s1"), &seen).verdict
    }

    #[test]
    fn a_key_is_judged_by_its_length() {
        for (bits, expected) in
            [(512, Verdict::Fault), (1_024, Verdict::Warning), (2_048, Verdict::Well), (4_096, Verdict::Well)]
        {
            assert_eq!(rsa_bits(&record(bits)), Some(bits));
            assert_eq!(verdict(&[&record(bits)]), expected, "{bits}");
        }
        let modern = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
        assert_eq!((rsa_bits(modern), verdict(&[modern])), (None, Verdict::Well));
    }

    #[test]
    fn a_key_that_is_not_there_or_revoked_or_none_is_a_fault() {
        for texts in
            [&[][..], &["v=DKIM1; p="], &["v=DKIM1; k=rsa; p=###"], &["v=spf1 -all"], &["v=DKIM1; p=", "v=DKIM1; p="]]
        {
            assert_eq!(verdict(texts), Verdict::Fault, "{texts:?}");
        }
        let unknown = judge("fern.example", None, &None);
        assert!(unknown.verdict == Verdict::Unknown && unknown.remedy.unwrap().contains("dkim_selector"));
    }
}
