//! Whether somebody who answers a mail is heard: the hosts that take the sender's own mail.

use super::dns::{Asked, Dns};
use crate::doctor::finding::{Finding, Subject};

/// The hosts that are named; where none is, the domain itself if it has an address (RFC 5321, section 5.1).
pub(super) async fn ask(dns: &Dns, domain: &str) -> Asked<String> {
    match dns.mail_hosts(domain).await {
        Ok(hosts) if hosts.is_empty() => {
            let addresses = dns.addresses(domain).await?;
            Ok(addresses.first().map(|_| domain.to_owned()).into_iter().collect())
        }
        hosts => hosts,
    }
}

pub(super) fn judge(domain: &str, hosts: &Asked<String>) -> Finding {
    match hosts {
        Err(reason) => Subject::MailDomain.unknown(
            format!("who takes mail for {domain} could not be looked up: {reason}"),
            "ask again in a while; if it stays so, set `nameserver` of `[doctor]` in the configuration",
        ),
        // RFC 7505: the root alone stands for nobody.
        Ok(hosts) if hosts.iter().all(|host| host == ".") => Subject::MailDomain.warning(
            format!("nobody takes mail for {domain}: answers and bounces are lost"),
            format!("publish an MX record at {domain}, or set `from` of `[mail]` in the configuration to an address that is read"),
        ),
        Ok(hosts) => Subject::MailDomain.well(format!("answers to {domain} go to {}", hosts[0].trim_end_matches('.'))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn a_domain_that_takes_no_mail_is_told() {
        let verdict =
            |hosts: &[&str]| judge("fern.example", &Ok(hosts.iter().map(|host| (*host).to_owned()).collect())).verdict;
        assert_eq!(verdict(&["mx.fern.example."]), Verdict::Well);
        assert_eq!(verdict(&["."]), Verdict::Warning);
        assert_eq!(verdict(&[]), Verdict::Warning);
        assert_eq!(judge("fern.example", &Err("timed out".into())).verdict, Verdict::Unknown);
    }
}
