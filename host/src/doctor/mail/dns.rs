//! Questions to the domain name system, bounded in time.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use mail_auth::{
    MessageAuthenticator, SpfResult,
    hickory_resolver::{
        config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts},
        net::NetError,
        proto::rr::{Name, RData},
        system_conf::read_system_conf,
    },
    spf::verify::SpfParameters,
};

/// One question to one server, and how often it is put.
const TIMEOUT: Duration = Duration::from_secs(3);
const ATTEMPTS: usize = 2;

/// What was asked for; empty if there is none. An error says why nobody knows.
pub(super) type Asked<T> = Result<Vec<T>, String>;

pub(super) struct Dns(MessageAuthenticator);

impl Dns {
    /// Asks `nameserver`, or the machine's own.
    pub(super) fn new(nameserver: Option<SocketAddr>) -> Result<Self, String> {
        let (config, mut options) = match nameserver {
            Some(address) => (config_of(address), ResolverOpts::default()),
            None => read_system_conf().map_err(|error| error.to_string())?,
        };
        options.timeout = TIMEOUT;
        options.attempts = ATTEMPTS;
        MessageAuthenticator::new(config, options).map(Self).map_err(|error| error.to_string())
    }

    /// Texts at a name, each put together from its parts.
    pub(super) async fn texts(&self, name: &str) -> Asked<String> {
        let found = self.0.resolver().txt_lookup(absolute(name)?).await;
        let of_record = |data: &RData| match data {
            RData::TXT(text) => Some(String::from_utf8_lossy(&text.txt_data.concat()).into_owned()),
            _ => None,
        };
        read(found.map(|lookup| lookup.answers().iter().filter_map(|it| of_record(&it.data)).collect()))
    }

    /// Names of the hosts that take a domain's mail; the root where it takes none.
    pub(super) async fn mail_hosts(&self, domain: &str) -> Asked<String> {
        let found = self.0.resolver().mx_lookup(absolute(domain)?).await;
        let of_record = |data: &RData| match data {
            RData::MX(mx) => Some(mx.exchange.to_ascii()),
            _ => None,
        };
        read(found.map(|lookup| lookup.answers().iter().filter_map(|it| of_record(&it.data)).collect()))
    }

    /// Addresses of a host.
    pub(super) async fn addresses(&self, host: &str) -> Asked<IpAddr> {
        read(self.0.resolver().lookup_ip(absolute(host)?).await.map(|lookup| lookup.iter().collect()))
    }

    /// What a receiver comes to that gets a mail of `sender`'s from an address.
    pub(super) async fn spf(&self, sender: &str, from: IpAddr) -> SpfResult {
        let domain = sender.rsplit_once('@').map_or(sender, |(_, domain)| domain);
        self.0.verify_spf(SpfParameters::verify_mail_from(from, domain, domain, sender)).await.result()
    }
}

fn config_of(address: SocketAddr) -> ResolverConfig {
    let mut server = NameServerConfig::udp_and_tcp(address.ip());
    server.connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
    for connection in &mut server.connections {
        connection.port = address.port();
    }
    ResolverConfig::from_parts(None, Vec::new(), vec![server])
}

/// A name that no search list is added to.
fn absolute(name: &str) -> Result<Name, String> {
    let mut name = Name::from_str_relaxed(name).map_err(|error| error.to_string())?;
    name.set_fqdn(true);
    Ok(name)
}

fn read<T>(found: Result<Vec<T>, NetError>) -> Asked<T> {
    match found {
        Err(error) if error.is_no_records_found() || error.is_nx_domain() => Ok(Vec::new()),
        found => found.map_err(|error| error.to_string()),
    }
}
