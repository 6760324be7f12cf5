//! An examination of a store: what it depends on outside of this host, what was seen of each, and what helps.
//!
//! One file for each subject. In each, a function that asks is apart from one that judges: what was seen goes in as data, and
//! findings come out. Nothing is changed anywhere, but that a token which is about to end is renewed as ever.

use std::{net::SocketAddr, sync::Arc};

use crate::{catalog::StoreEntry, dispatch::Pipeline, domain::Capability, effects::Outbox, store::Error};

mod clock;
mod finding;
mod mail;
mod permissions;
mod platform_mails;
mod storefront;
mod subscriptions;
mod token;
mod topics;

pub use finding::{Finding, Subject, Verdict};

/// What the configuration says of what is examined.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What public addresses of this host begin with.
    pub public_url: String,
    /// The mail server's name; none if no server is set.
    pub mail_server: Option<String>,
    /// Who is asked about domains; none for the machine's own name server.
    pub nameserver: Option<SocketAddr>,
    /// The selector with which the mail server signs.
    pub dkim_selector: Option<String>,
}

/// Examines stores.
pub struct Doctor {
    pub pipeline: Arc<Pipeline>,
    pub outbox: Arc<Outbox>,
    pub settings: Settings,
}

impl std::fmt::Debug for Doctor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Doctor").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Doctor {
    /// Everything that was found of a store, by subject. An error is this host's own store's.
    pub async fn examine(&self, store: &StoreEntry) -> Result<Vec<Finding>, Error> {
        let (pipeline, storefronts) = (&*self.pipeline, &self.outbox.storefronts);
        let now = pipeline.clock.now();
        let heard = pipeline.heard.of(&*pipeline.store, store.id())?;
        let client = storefronts.client(store).await;
        // One after the other where one answer tells of the next, and all others at once.
        let of_access = async {
            let (client, permissions) = permissions::ask(client).await;
            let mut findings = token::judge(store, now, &client);
            findings.extend(permissions::judge(store, permissions));
            findings
        };
        let (of_access, of_clock, of_mail, of_storefront) = futures_util::join!(
            of_access,
            clock::examine(&*pipeline.clock, storefronts, store),
            mail::examine(self, store),
            storefront::examine(storefronts, store, &heard, now),
        );
        let subscriptions = subscriptions::judge(store, &self.settings.public_url, &heard, now);
        let topics = topics::judge(store, &heard, now);
        let platform_mails = platform_mails::judge(store);
        let all = [of_access, subscriptions, of_clock, of_mail, of_storefront, topics, platform_mails];
        Ok(all.into_iter().flatten().collect())
    }
}

/// The plugins of a store that have been granted a capability.
fn holders(store: &StoreEntry, capability: Capability) -> Vec<String> {
    let holders = store.enabled.iter().filter(|enabled| enabled.record.is_granted(capability));
    holders.map(|enabled| enabled.name().to_string()).collect()
}
