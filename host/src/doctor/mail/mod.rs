//! The domain that mails come from: whether receivers believe that they do (SPF, DKIM, DMARC), and whether an answer arrives.
//!
//! The sender in the headers is the one that the mail server is told, so that one domain is asked about.

use super::{
    Doctor,
    finding::{Finding, Subject},
    holders,
};
use crate::{catalog::StoreEntry, domain::Capability};

mod dkim;
mod dmarc;
mod dns;
mod reply;
mod spf;

use dns::Dns;

/// Domains in which no merchant can publish anything.
const OF_PLATFORMS: [&str; 2] = ["myshopify.com", "magentosite.cloud"];

pub(super) async fn examine(doctor: &Doctor, store: &StoreEntry) -> Vec<Finding> {
    if holders(store, Capability::Mail).is_empty() {
        return vec![Subject::MailDomain.well("no plugin writes mails")];
    }
    let (Some(mailer), Some(server)) = (&doctor.outbox.mailer, &doctor.settings.mail_server) else {
        return vec![Subject::MailDomain.fault(
            "no mail server is set: no mail goes out",
            "put its address into `smtp` of `[mail]` in the configuration, such as smtps://user:password@host:465",
        )];
    };
    let sender = match mailer.sender(store) {
        Ok(sender) => sender.email,
        Err(error) => {
            return vec![Subject::MailDomain.fault(
                format!("the sender is no address: {error}"),
                "set `from` of `[mail]` in the configuration, such as \"Fern & Fable <hello@fern.example>\"",
            )];
        }
    };
    let domain = sender.domain().to_lowercase();
    if let Some(finding) = of_domain(&domain) {
        return vec![finding];
    }
    let dns = match Dns::new(doctor.settings.nameserver) {
        Ok(dns) => dns,
        Err(reason) => {
            return vec![Subject::MailDomain.unknown(
                format!("no name server can be asked: {reason}"),
                "set `nameserver` of `[doctor]` in the configuration",
            )];
        }
    };
    let selector = doctor.settings.dkim_selector.as_deref();
    let (spf, dkim, dmarc, reply) = futures_util::join!(
        spf::ask(&dns, sender.as_ref(), &domain, server),
        dkim::ask(&dns, &domain, selector),
        dmarc::ask(&dns, &domain),
        reply::ask(&dns, &domain),
    );
    vec![
        spf::judge(&domain, server, &spf),
        dkim::judge(&domain, selector, &dkim),
        dmarc::judge(&domain, &dmarc),
        reply::judge(&domain, &reply),
    ]
}

fn of_domain(domain: &str) -> Option<Finding> {
    let of_platform = |platform: &&str| domain.strip_suffix(*platform).is_some_and(|shop| shop.ends_with('.'));
    OF_PLATFORMS.iter().find(|platform| of_platform(platform)).map(|platform| {
        Subject::MailDomain.fault(
            format!("mails come from {domain}: nobody but the platform can publish SPF, DKIM or DMARC at {platform}"),
            "set `from` of `[mail]` in the configuration to an address at a domain of the shop's own",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_platforms_own_domain_is_no_sender() {
        assert!(of_domain("fern.myshopify.com").is_some());
        for domain in ["fern.example", "notmyshopify.com"] {
            assert_eq!(of_domain(domain), None, "{domain}");
        }
    }
}
