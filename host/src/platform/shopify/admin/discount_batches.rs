//! Many codes of one discount: the first is made with it, the others are added to it, which Shopify does in a queue of its
//! own.
//!
//! What counts is which codes are there: a try looks, and adds what is missing. How far an addition has come is asked for by
//! its id, which is remembered while the program runs; whoever has forgotten it adds again. A code that is there is refused
//! a second time, so that none is made twice.

use std::{collections::BTreeSet, sync::PoisonError, time::Duration};

use serde::Deserialize;
use serde_json::json;

use super::{AdminClient, no_data, permanent, transient};
use crate::{
    domain::{DiscountBatch, EffectId, Timestamp},
    platform::{Failure, Receipt, error::shorten},
};

const DISCOUNT_CODES: &str = include_str!("../documents/discount_codes.graphql");
const ADD_CODES: &str = include_str!("../documents/add_codes.graphql");
const CODES_ADDITION: &str = include_str!("../documents/codes_addition.graphql");
const REFUSED_CODES: &str = include_str!("../documents/refused_codes.graphql");

/// How long an addition is left alone before it is asked for. Shopify adds some dozens of codes a second.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// How long an addition may take before it counts as failed.
const PATIENCE: Duration = Duration::from_secs(900);

/// An addition of codes that may be under way.
#[derive(Clone, Debug)]
pub(super) struct Addition {
    /// Both are global ids.
    id: String,
    discount: String,
    begun_at: Timestamp,
}

impl AdminClient {
    /// Creates codes of the same terms, or finds those that an earlier try of the same effect created.
    pub async fn create_discounts(&self, effect: &EffectId, batch: &DiscountBatch) -> Result<Receipt, Failure> {
        let under_way = self.addition_of(effect);
        let mut refused = Vec::new();
        if let Some(addition) = &under_way {
            let progress: Option<Progress> = self.ask(CODES_ADDITION, json!({ "id": addition.id })).await?;
            match progress {
                Some(progress) if !progress.done => return Err(self.not_yet(effect, addition)),
                Some(progress) if progress.failed > 0 => refused = self.refused_codes(addition, batch).await?,
                _ => {}
            }
        }
        let discount = match &under_way {
            Some(addition) => addition.discount.clone(),
            None => self.create_discount(effect, &batch.first).await?.0,
        };
        let Some(there) = self.codes_of(&discount, batch).await? else {
            self.forget_addition(effect);
            return Err(permanent("the codes' discount has been deleted"));
        };
        let missing: Vec<_> = batch.codes().filter(|code| !there.contains(*code)).collect();
        if missing.is_empty() {
            self.forget_addition(effect);
            return Ok(Receipt(discount));
        }
        refused.retain(|(code, _)| missing.contains(&code.as_str()));
        if !refused.is_empty() {
            self.forget_addition(effect);
            let told: Vec<_> = refused.iter().map(|(code, reason)| format!("{code} ({reason})")).collect();
            let (made, all) = (batch.codes().count() - missing.len(), batch.codes().count());
            let told = shorten(&told.join(", "));
            return Err(permanent(format!("Shopify has made {made} of {all} codes and refused {told}")));
        }
        match &under_way {
            // What it has added may not be listed yet.
            Some(addition) => Err(self.not_yet(effect, addition)),
            None => Err(self.add_codes(effect, discount, &missing).await?),
        }
    }

    /// Has codes added, and tells when to look for them.
    async fn add_codes(&self, effect: &EffectId, discount: String, codes: &[&str]) -> Result<Failure, Failure> {
        let inputs: Vec<_> = codes.iter().map(|code| json!({ "code": code })).collect();
        let added = self.mutate::<Added>(ADD_CODES, json!({ "id": discount, "codes": inputs })).await?;
        let id = added.into_result()?.creation.ok_or_else(no_data)?.id;
        let now = self.clock.now();
        let mut additions = self.additions.lock().unwrap_or_else(PoisonError::into_inner);
        additions.retain(|_, addition| addition.begun_at + PATIENCE > now);
        additions.insert(effect.clone(), Addition { id, discount, begun_at: now });
        Ok(Failure::NotYet { until: now + LOOK_AGAIN, reason: ADDING.into() })
    }

    fn addition_of(&self, effect: &EffectId) -> Option<Addition> {
        self.additions.lock().unwrap_or_else(PoisonError::into_inner).get(effect).cloned()
    }

    fn forget_addition(&self, effect: &EffectId) {
        self.additions.lock().unwrap_or_else(PoisonError::into_inner).remove(effect);
    }

    /// Waits on for an addition, but not for ever.
    fn not_yet(&self, effect: &EffectId, addition: &Addition) -> Failure {
        let now = self.clock.now();
        if now < addition.begun_at + PATIENCE {
            return Failure::NotYet { until: now + LOOK_AGAIN, reason: ADDING.into() };
        }
        self.forget_addition(effect);
        transient(format!("Shopify has not added the codes within {} minutes", PATIENCE.as_secs() / 60))
    }

    /// The codes of a discount; `None` if it is there no more.
    async fn codes_of(&self, discount: &str, batch: &DiscountBatch) -> Result<Option<BTreeSet<String>>, Failure> {
        let variables = json!({ "id": discount, "first": batch.codes().count() });
        let node: Option<Node> = self.ask(DISCOUNT_CODES, variables).await?;
        Ok(node.map(|node| node.discount.codes.nodes.into_iter().map(|node| node.code).collect()))
    }

    /// The codes of an addition that were refused, each with Shopify's reason.
    async fn refused_codes(
        &self,
        addition: &Addition,
        batch: &DiscountBatch,
    ) -> Result<Vec<(String, String)>, Failure> {
        let variables = json!({ "id": addition.id, "first": batch.codes().count() });
        let told: Option<Told> = self.ask(REFUSED_CODES, variables).await?;
        let codes = told.into_iter().flat_map(|told| told.codes.nodes);
        let refused = codes.filter_map(|code| Some((code.code, code.errors.into_iter().next()?.message)));
        Ok(refused.collect())
    }
}

const ADDING: &str = "Shopify is adding the codes";

#[derive(Deserialize)]
struct Added {
    #[serde(rename = "bulkCreation")]
    creation: Option<Created>,
}

#[derive(Deserialize)]
struct Created {
    id: String,
}

#[derive(Deserialize)]
struct Progress {
    done: bool,
    #[serde(rename = "failedCount")]
    failed: u32,
}

#[derive(Deserialize)]
struct Node {
    #[serde(rename = "codeDiscount")]
    discount: Discount,
}

#[derive(Deserialize)]
struct Discount {
    codes: Connection<Code>,
}

#[derive(Deserialize)]
struct Connection<T> {
    nodes: Vec<T>,
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

#[derive(Deserialize)]
struct Told {
    codes: Connection<ToldCode>,
}

#[derive(Deserialize)]
struct ToldCode {
    code: String,
    errors: Vec<ToldError>,
}

#[derive(Deserialize)]
struct ToldError {
    message: String,
}
