//! `tags`: a customer's tags on the platform.

use super::super::{
    answer::{Answer, told},
    bindings::{tags, types::Refusal},
    checks::check_tags,
    delivery::Delivery,
};
use crate::domain::{EffectKind, TagChange};

impl tags::Host for Delivery {
    fn add(&mut self, customer_id: String, tags: Vec<String>) -> wasmtime::Result<Result<String, Refusal>> {
        told(self.change_tags(TagChange { customer: customer_id.into(), add: tags, remove: Vec::new() }))
    }

    fn remove(&mut self, customer_id: String, tags: Vec<String>) -> wasmtime::Result<Result<String, Refusal>> {
        told(self.change_tags(TagChange { customer: customer_id.into(), add: Vec::new(), remove: tags }))
    }
}

impl Delivery {
    fn change_tags(&mut self, change: TagChange) -> Answer<String> {
        self.granted("tags")?;
        check_tags(&change.add, &change.remove)?;
        Ok(self.queue(EffectKind::ChangeTags(change), None)?.to_string())
    }
}
