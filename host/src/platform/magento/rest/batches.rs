//! Many codes at once: handed over as one batch, which the shop's own queue works off.
//!
//! What counts is which codes are there: a try looks, and hands over what is missing. How far a batch has come is asked for
//! by its id, which is remembered while the program runs; whoever has forgotten it hands over again. Magento refuses a code
//! that is there, so that none is made twice. Commerce as a service takes no batches: its codes are made one by one.

use std::{sync::PoisonError, time::Duration};

use axum::http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{RestClient, coupons::coupon_of, credentials::Credentials, permanent, transient};
use crate::{
    domain::{DiscountBatch, EffectId, NewDiscount, Timestamp},
    platform::{Failure, Receipt, error::shorten},
};

/// Calls of the queue.
const BULK: &[&str] = &["async", "bulk", "V1"];

/// Magento's numbers for an operation that is done, for one that failed and may be asked for again, and for one that is
/// still open.
const DONE: u8 = 1;
const RETRIABLE: u8 = 2;
const OPEN: u8 = 4;

/// How long a batch is left alone before it is asked for. A shop's consumers are started once a minute.
const LOOK_AGAIN: Duration = Duration::from_secs(20);

/// How long a batch may take before it counts as failed.
const PATIENCE: Duration = Duration::from_secs(3_600);

/// Codes that were handed over and may be on their way.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    id: String,
    /// As the shop numbers its operations.
    codes: Vec<String>,
    begun_at: Timestamp,
}

/// How far a batch has come.
#[derive(Debug, Default)]
struct Progress {
    /// Codes that the queue has not come to.
    open: usize,
    /// Codes that are to be asked for again.
    again: usize,
    /// Codes that are not made, with Magento's reason.
    failed: Vec<(String, String)>,
}

impl RestClient {
    /// Creates codes of the same terms, or finds those that an earlier try of the same effect created.
    pub async fn create_discounts(&self, effect: &EffectId, batch: &DiscountBatch) -> Result<Receipt, Failure> {
        let handed_over = self.batch_of(effect);
        if let Some(handed_over) = &handed_over {
            self.look_at(effect, handed_over).await?;
        }
        let codes: Vec<_> = batch.codes().collect();
        let there = self.own_coupons(&codes).await?;
        let is_there = |code: &str| there.iter().any(|coupon| coupon.code.eq_ignore_ascii_case(code));
        let missing: Vec<_> = codes.iter().copied().filter(|code| !is_there(code)).collect();
        if !missing.is_empty() {
            if handed_over.is_some() {
                return Err(transient("the shop has worked off the codes, and some are not there"));
            }
            let rule = self.rule_for(&batch.first).await?;
            if !matches!(self.access().credentials, Credentials::Service(_)) {
                return Err(self.hand_over(effect, &batch.first, &missing, rule).await?);
            }
            for code in missing {
                self.create_coupon(&NewDiscount { code: code.into(), ..batch.first.clone() }, rule).await?;
            }
        }
        Ok(Receipt(format!("{} coupons", codes.len())))
    }

    /// Hands over codes under a rule, and tells when to look for them.
    async fn hand_over(
        &self,
        effect: &EffectId,
        terms: &NewDiscount,
        codes: &[&str],
        rule: u64,
    ) -> Result<Failure, Failure> {
        let views = self.views().await?;
        let mut calls = Vec::with_capacity(codes.len());
        for code in codes {
            let coupon = coupon_of(&NewDiscount { code: (*code).into(), ..terms.clone() }, rule, &views)?;
            calls.push(json!({ "coupon": coupon }));
        }
        let answer = self.exchange(Method::POST, BULK, &["coupons"], &[], Some(Value::Array(calls))).await?;
        let (id, begun_at) = (answer.read::<Accepted>()?.bulk_uuid, self.clock.now());
        let codes = codes.iter().map(|code| (*code).to_owned()).collect();
        let mut batches = self.batches.lock().unwrap_or_else(PoisonError::into_inner);
        batches.retain(|_, batch| batch.begun_at + PATIENCE > begun_at);
        batches.insert(effect.clone(), Batch { id, codes, begun_at });
        Ok(Failure::NotYet { until: begun_at + LOOK_AGAIN, reason: MAKING.into() })
    }

    /// Fails while a batch is under way, and where it has ended without all of its codes.
    async fn look_at(&self, effect: &EffectId, batch: &Batch) -> Result<(), Failure> {
        let progress = self.progress(batch).await?;
        let now = self.clock.now();
        if progress.open > 0 && now < batch.begun_at + PATIENCE {
            return Err(Failure::NotYet { until: now + LOOK_AGAIN, reason: MAKING.into() });
        }
        self.batches.lock().unwrap_or_else(PoisonError::into_inner).remove(effect);
        if progress.open > 0 {
            return Err(transient(format!(
                "the shop has not made the codes within {} minutes: see that its consumer `async.operations.all` runs",
                PATIENCE.as_secs() / 60
            )));
        }
        if !progress.failed.is_empty() {
            let told: Vec<_> = progress.failed.iter().map(|(code, reason)| format!("{code} ({reason})")).collect();
            let (failed, all) = (told.len(), batch.codes.len());
            let told = shorten(&told.join(", "));
            return Err(permanent(format!("the shop has not made {failed} of {all} codes: {told}")));
        }
        match progress.again {
            0 => Ok(()),
            again => Err(transient(format!("the shop could not make {again} of the codes just then"))),
        }
    }

    fn batch_of(&self, effect: &EffectId) -> Option<Batch> {
        self.batches.lock().unwrap_or_else(PoisonError::into_inner).get(effect).cloned()
    }

    /// How far a batch has come. A code that is there already was made by an earlier batch.
    async fn progress(&self, batch: &Batch) -> Result<Progress, Failure> {
        let status: Option<Status> = self.find(&["bulk", &batch.id, "detailed-status"]).await?;
        let mut progress = Progress::default();
        // What it has made is there, whether or not the shop still knows the batch.
        for operation in status.map(|status| status.operations_list).unwrap_or_default() {
            let Some(code) = batch.codes.get(operation.id) else { continue };
            match operation.status {
                DONE => {}
                OPEN => progress.open += 1,
                RETRIABLE => progress.again += 1,
                _ if self.is_made(code).await? => {}
                _ => progress.failed.push((code.clone(), operation.result_message.unwrap_or_default())),
            }
        }
        Ok(progress)
    }

    /// Whether a code stands under a rule of ours.
    async fn is_made(&self, code: &str) -> Result<bool, Failure> {
        match self.coupons(&[code]).await?.first() {
            Some(found) => self.is_own_rule(found.rule_id).await,
            None => Ok(false),
        }
    }
}

const MAKING: &str = "the shop's queue is making the codes";

#[derive(Deserialize)]
struct Accepted {
    bulk_uuid: String,
}

#[derive(Deserialize)]
struct Status {
    operations_list: Vec<Operation>,
}

#[derive(Deserialize)]
struct Operation {
    id: usize,
    status: u8,
    result_message: Option<String>,
}
