//! `tags`: a customer's tags on the platform.

use super::super::{
    bindings::{tags, types::Refusal},
    delivery::Delivery,
    limits,
};
use crate::domain::{EffectKind, TagChange};

impl tags::Host for Delivery {
    fn add(&mut self, customer_id: String, tags: Vec<String>) -> wasmtime::Result<Result<String, Refusal>> {
        self.change_tags(TagChange { customer: customer_id.into(), add: tags, remove: Vec::new() })
    }

    fn remove(&mut self, customer_id: String, tags: Vec<String>) -> wasmtime::Result<Result<String, Refusal>> {
        self.change_tags(TagChange { customer: customer_id.into(), add: Vec::new(), remove: tags })
    }
}

impl Delivery {
    fn change_tags(&mut self, change: TagChange) -> wasmtime::Result<Result<String, Refusal>> {
        if let Err(refusal) = self.granted("tags").and_then(|()| check_tags(&change)) {
            return Ok(Err(refusal));
        }
        let queued = self.queue(EffectKind::ChangeTags(change), None)?;
        Ok(queued.map(|id| id.to_string()))
    }
}

fn check_tags(change: &TagChange) -> Result<(), Refusal> {
    let tags = || change.add.iter().chain(&change.remove);
    match tags().count() {
        0 => return Err(Refusal::Invalid("tags: there are none".into())),
        count if count > limits::TAGS as usize => return Err(Refusal::OverLimit(limits::TAGS)),
        _ => {}
    }
    match tags().find(|tag| tag.is_empty() || tag.len() > limits::TAG_BYTES as usize || tag.contains(',')) {
        Some(tag) => Err(Refusal::Invalid(format!(
            "tags: `{tag}` is empty, has a comma, or has more than {} bytes",
            limits::TAG_BYTES
        ))),
        None => Ok(()),
    }
}
