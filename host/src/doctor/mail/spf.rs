//! SPF (RFC 7208): which addresses may send a domain's mail.

use std::net::{IpAddr, Ipv4Addr};

use mail_auth::SpfResult;

use super::dns::{Asked, Dns};
use crate::doctor::finding::{Finding, Subject};

/// An address that is nobody's (RFC 5737): whoever permits it permits everybody, and whoever does not has read the whole record.
const STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 1));

/// What was seen.
pub(super) struct Spf {
    records: Asked<String>,
    stranger: SpfResult,
    server: Server,
}

/// The mail server that mails are given to, as receivers may see it.
enum Server {
    /// Each address, and whether it may send.
    At(Vec<(IpAddr, SpfResult)>),
    /// It is on this machine or in its private network: nobody outside sees that address.
    Within,
    Unresolved(String),
}

pub(super) async fn ask(dns: &Dns, sender: &str, domain: &str, server: &str) -> Spf {
    let is_record = |text: &String| {
        let text = text.to_ascii_lowercase();
        text == "v=spf1" || text.starts_with("v=spf1 ")
    };
    let records = dns.texts(domain).await.map(|texts| texts.into_iter().filter(is_record).collect());
    let stranger = dns.spf(sender, STRANGER).await;
    let addresses = match server.trim_matches(['[', ']']).parse() {
        Ok(address) => Ok(vec![address]),
        Err(_) => dns.addresses(server).await,
    };
    let server = match addresses {
        Err(reason) => Server::Unresolved(reason),
        Ok(addresses) if addresses.is_empty() => Server::Unresolved("its name has no address".into()),
        Ok(addresses) if addresses.iter().all(is_within) => Server::Within,
        Ok(addresses) => {
            let mut seen = Vec::new();
            for address in addresses {
                seen.push((address, dns.spf(sender, address).await));
            }
            Server::At(seen)
        }
    };
    Spf { records, stranger, server }
}

fn is_within(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback() || address.is_private() || address.is_link_local(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local(),
    }
}

pub(super) fn judge(domain: &str, server: &str, seen: &Spf) -> Finding {
    let subject = Subject::MailDomain;
    let records = match &seen.records {
        Ok(records) => records,
        Err(reason) => {
            return subject.unknown(format!("SPF of {domain} could not be looked up: {reason}"), ASK_AGAIN);
        }
    };
    let record = match records.as_slice() {
        [record] => record,
        [] => {
            return subject.fault(
                format!("{domain} has no SPF record"),
                format!(
                    "publish a TXT record at {domain}, such as \"v=spf1 include:PROVIDER -all\"; the provider of the mail server \
                     {server} says what to include"
                ),
            );
        }
        _ => {
            return subject.fault(
                format!("{domain} has {} SPF records, and receivers take none of several", records.len()),
                format!("put what they permit into one TXT record at {domain} that begins with \"v=spf1\", and delete the others"),
            );
        }
    };
    match seen.stranger {
        SpfResult::PermError => {
            return subject.fault(
                format!("the SPF record of {domain} cannot be used: it has an error, names a record that is not there, or takes \
                         more than 10 look-ups (`{record}`)"),
                format!("mend the TXT record at {domain}: take out what no longer sends, and replace an `include:` by the addresses \
                         behind it"),
            );
        }
        SpfResult::TempError => {
            return subject.unknown(format!("what SPF of {domain} includes could not be looked up"), ASK_AGAIN);
        }
        SpfResult::Pass => {
            return subject.fault(
                format!("SPF of {domain} permits every address (`{record}`)"),
                format!("let the TXT record at {domain} end in \"-all\" or \"~all\" instead of \"+all\""),
            );
        }
        SpfResult::Fail | SpfResult::SoftFail | SpfResult::Neutral | SpfResult::None => {}
    }
    match &seen.server {
        Server::Unresolved(reason) => subject.fault(
            format!("the mail server {server} is not found: {reason}"),
            "set `smtp` of `[mail]` in the configuration to the name that its provider gives",
        ),
        Server::Within => subject.unknown(
            format!("SPF of {domain} is in order; from which address the mail server {server} sends cannot be seen from here"),
            "send a mail to a mailbox elsewhere, and look there whether the header Authentication-Results says `spf=pass`",
        ),
        Server::At(addresses) => match addresses.iter().find(|(_, result)| *result != SpfResult::Pass) {
            Some((address, _)) => subject.warning(
                format!("SPF of {domain} does not permit {address}, the mail server {server}"),
                format!(
                    "if it sends from that address, add it to the TXT record at {domain}; if from others, its provider says \
                     which `include:` the record needs"
                ),
            ),
            None if seen.stranger == SpfResult::Neutral => subject.warning(
                format!("SPF of {domain} permits the mail server {server}, and says nothing of everybody else (`{record}`)"),
                format!("let the TXT record at {domain} end in \"-all\" or \"~all\""),
            ),
            None => subject.well(format!("SPF of {domain} permits the mail server {server}")),
        },
    }
}

const ASK_AGAIN: &str = "ask again in a while; if it stays so, set `nameserver` of `[doctor]` in the configuration";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    const OWN: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 10));

    fn seen(records: &[&str], stranger: SpfResult, own: SpfResult) -> Spf {
        let records = Ok(records.iter().map(|record| (*record).to_owned()).collect());
        Spf { records, stranger, server: Server::At(vec![(OWN, own)]) }
    }

    fn verdict(seen: &Spf) -> Verdict {
        judge("fern.example", "mx.fern.example", seen).verdict
    }

    #[test]
    fn a_record_is_judged_by_whom_it_permits() {
        use SpfResult::{Fail, Neutral, Pass, PermError, SoftFail, TempError};
        const ONE: &[&str] = &["v=spf1 ip4:192.0.2.10 -all"];
        for (records, stranger, own, expected) in [
            (ONE, Fail, Pass, Verdict::Well),
            (ONE, SoftFail, Pass, Verdict::Well),
            (ONE, Neutral, Pass, Verdict::Warning),
            (ONE, Fail, Fail, Verdict::Warning),
            (ONE, Pass, Pass, Verdict::Fault),
            (ONE, PermError, Pass, Verdict::Fault),
            (ONE, TempError, Pass, Verdict::Unknown),
            (&[], Fail, Pass, Verdict::Fault),
            (&["v=spf1 -all", "v=spf1 ~all"], PermError, PermError, Verdict::Fault),
        ] {
            assert_eq!(verdict(&seen(records, stranger, own)), expected, "{records:?} {stranger:?} {own:?}");
        }
    }

    #[test]
    fn a_server_on_this_machine_is_seen_by_nobody_and_one_without_a_name_is_a_fault() {
        let of = |server| Spf { server, ..seen(&["v=spf1 -all"], SpfResult::Fail, SpfResult::Fail) };
        assert_eq!(verdict(&of(Server::Within)), Verdict::Unknown);
        assert_eq!(verdict(&of(Server::Unresolved("none".into()))), Verdict::Fault);
        for address in ["127.0.0.1", "10.0.0.1", "::1", "fd00::1"] {
            assert!(is_within(&address.parse().unwrap()), "{address}");
        }
        assert!(!is_within(&OWN));
    }
}
