//! DMARC (RFC 7489): what receivers are to do with mail that only claims to be a domain's.

use mail_auth::{
    common::parse::TxtRecordParser,
    dmarc::{Dmarc, Policy},
};

use super::dns::{Asked, Dns};
use crate::doctor::finding::{Finding, Subject};

/// The domain at which records were found, or the last that was asked, and its records.
pub(super) struct Found {
    at: String,
    records: Asked<String>,
}

/// Asks the domain, then those that it belongs to.
pub(super) async fn ask(dns: &Dns, domain: &str) -> Found {
    let mut at = domain;
    loop {
        let texts = dns.texts(&format!("_dmarc.{at}")).await;
        let records =
            texts.map(|texts| texts.into_iter().filter(|text| text.trim_start().starts_with("v=DMARC1")).collect());
        let is_none = matches!(&records, Ok(records) if Vec::is_empty(records));
        match at.split_once('.').filter(|(_, parent)| is_none && parent.contains('.')) {
            Some((_, parent)) => at = parent,
            None => return Found { at: at.to_owned(), records },
        }
    }
}

pub(super) fn judge(domain: &str, Found { at, records }: &Found) -> Finding {
    let subject = Subject::MailDomain;
    let records = match records {
        Ok(records) => records,
        Err(reason) => {
            return subject.unknown(
                format!("DMARC of {domain} could not be looked up: {reason}"),
                "ask again in a while; if it stays so, set `nameserver` of `[doctor]` in the configuration",
            );
        }
    };
    let publish = format!(
        "publish a TXT record at _dmarc.{domain}, such as \"v=DMARC1; p=quarantine; rua=mailto:postmaster@{domain}\""
    );
    let record = match records.as_slice() {
        [record] => record,
        [] => {
            return subject.fault(
                format!("{domain} has no DMARC record: large mailbox providers refuse marketing without one"),
                publish,
            );
        }
        _ => {
            return subject.fault(
                format!("_dmarc.{at} has {} DMARC records, and receivers take none of several", records.len()),
                "delete all but one of them",
            );
        }
    };
    let Ok(parsed) = Dmarc::parse(record.as_bytes()) else {
        return subject.fault(format!("the DMARC record at _dmarc.{at} cannot be read: `{record}`"), publish);
    };
    let own = if at == domain || parsed.sp == Policy::Unspecified { parsed.p } else { parsed.sp };
    match own {
        Policy::Quarantine | Policy::Reject => {
            let policy = if own == Policy::Reject { "reject" } else { "quarantine" };
            subject.well(format!("DMARC of {domain}: {policy}; From and the mail server's sender are of one domain, so that SPF counts for it"))
        }
        Policy::None | Policy::Unspecified if parsed.rua.is_empty() => subject.warning(
            format!("DMARC of {domain} asks for nothing: its policy is none, and no reports are wanted"),
            format!("{publish}: first reports (`rua=`), and the policy once they show none of your own mail failing"),
        ),
        Policy::None | Policy::Unspecified => subject.well(format!("DMARC of {domain}: none, with reports")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    fn finding(at: &str, records: &[&str]) -> Finding {
        let records = Ok(records.iter().map(|record| (*record).to_owned()).collect());
        judge("mail.fern.example", &Found { at: at.into(), records })
    }

    #[test]
    fn a_policy_is_the_domains_own_or_that_for_what_belongs_to_the_one_above() {
        for (at, record, seen) in [
            ("mail.fern.example", "v=DMARC1; p=reject; sp=none", "DMARC of mail.fern.example: reject"),
            ("fern.example", "v=DMARC1; p=reject; sp=quarantine", "DMARC of mail.fern.example: quarantine"),
            ("fern.example", "v=DMARC1; p=reject", "DMARC of mail.fern.example: reject"),
            (
                "fern.example",
                "v=DMARC1; p=none; rua=mailto:a@fern.example",
                "DMARC of mail.fern.example: none, with reports",
            ),
        ] {
            let finding = finding(at, &[record]);
            assert!(finding.verdict == Verdict::Well && finding.seen.starts_with(seen), "{record}: {}", finding.seen);
        }
    }

    #[test]
    fn no_record_several_and_one_that_cannot_be_read_are_faults_and_one_that_asks_for_nothing_is_a_warning() {
        let verdict = |records: &[&str]| finding("fern.example", records).verdict;
        assert_eq!(verdict(&[]), Verdict::Fault);
        assert_eq!(verdict(&["v=DMARC1; p=reject", "v=DMARC1; p=none"]), Verdict::Fault);
        assert_eq!(verdict(&["v=DMARC1; p=perhaps"]), Verdict::Fault);
        assert_eq!(verdict(&["v=DMARC1; p=none"]), Verdict::Warning);
    }
}
