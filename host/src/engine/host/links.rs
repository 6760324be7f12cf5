//! `links`: what customers share.

use data_encoding::BASE32_NOPAD;
use sha2::{Digest, Sha256};

use super::super::{
    answer::{Answer, told},
    bindings::{links, types::Refusal},
    checks::{can_be_id, check_id},
    delivery::Delivery,
};
use crate::{
    domain::CustomerId,
    store::{SharedLink, keys},
};

/// Bytes of a link's name: 8 letters of base 32.
const NAME_BYTES: usize = 5;

/// Names that are tried for one customer. With a million links on the host, one in a million is taken.
const NAMES: u32 = 16;

impl links::Host for Delivery {
    fn share(&mut self, customer_id: String) -> wasmtime::Result<Result<links::Shared, Refusal>> {
        told(self.share_link(customer_id))
    }

    fn customer_of(&mut self, name: String) -> wasmtime::Result<Option<String>> {
        let name = name.trim().to_ascii_uppercase();
        if self.granted("links").is_err() || !can_be_id(&name) {
            return Ok(None);
        }
        let link = self.get::<SharedLink>(&keys::link(&name))?;
        let is_own = |link: &SharedLink| link.store == self.store_id() && link.plugin == self.input.plugin.name;
        match link.filter(is_own) {
            Some(link) => Ok(Some(self.left_of(link.customer)?.to_string())),
            None => Ok(None),
        }
    }
}

impl Delivery {
    fn share_link(&mut self, customer_id: String) -> Answer<links::Shared> {
        self.granted("links")?;
        check_id("customer-id", &customer_id)?;
        let (store, plugin) = (self.store_id(), self.input.plugin.name.clone());
        let customer = self.left_of(CustomerId::from(customer_id))?;
        let known = keys::customer_link(store, &plugin, &customer);
        self.count_read(0)?;
        let name = match self.transaction.get_bytes(&known)? {
            Some(name) => String::from_utf8_lossy(name).into_owned(),
            None => {
                let link = SharedLink { store, plugin, customer };
                let name = self.free_name(&link)?;
                self.count_written(2 * name.len() + link.customer.as_str().len())?;
                self.transaction.put(keys::link(&name), &link);
                self.transaction.put_bytes(known, name.clone().into_bytes());
                name
            }
        };
        let url = format!("{}/l/{name}", self.input.store.public_url);
        Ok(links::Shared { name, url })
    }

    /// The first of a link's names that no other has.
    fn free_name(&mut self, link: &SharedLink) -> Answer<String> {
        for ordinal in 0..NAMES {
            let name = self.name_of(link, ordinal);
            if self.get::<SharedLink>(&keys::link(&name))?.is_none_or(|found| found == *link) {
                return Ok(name);
            }
        }
        Err(Refusal::Other("every name for this customer's link is taken".into()).into())
    }

    fn name_of(&self, link: &SharedLink, ordinal: u32) -> String {
        let mut hash = Sha256::new();
        for part in [self.input.store.domain.as_str(), link.plugin.as_str(), link.customer.as_str()] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.update(ordinal.to_be_bytes());
        BASE32_NOPAD.encode(&hash.finalize()[..NAME_BYTES])
    }
}
