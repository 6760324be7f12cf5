//! Many codes at once: handed over as one batch, which the shop's own queue works off. What has become of each code is asked
//! for by the batch.

use axum::http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{RestClient, coupons::coupon_of, credentials::Credentials, permanent};
use crate::{domain::NewDiscount, platform::Failure};

/// Calls of the queue.
const BULK: &[&str] = &["async", "bulk", "V1"];

/// What a shop that limits its input takes in one batch.
const BATCH_MAX: usize = 5_000;

/// Magento's numbers for an operation that is done, and for one that is not yet.
const DONE: u8 = 1;
const OPEN: u8 = 4;

/// Codes that are being made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    pub id: String,
    /// As the shop numbers its operations.
    pub codes: Vec<String>,
}

/// How far a batch has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Codes that the queue has not come to.
    pub open: usize,
    pub made: Vec<String>,
    /// Codes that are not made, with Magento's reason.
    pub failed: Vec<(String, String)>,
}

impl RestClient {
    /// Hands over codes. A batch that is handed over again makes none twice.
    pub async fn begin_batch(&self, discounts: &[NewDiscount]) -> Result<Batch, Failure> {
        if matches!(self.access().credentials, Credentials::Service(_)) {
            return Err(permanent("Commerce as a service takes no batches here: make its codes one by one"));
        }
        if discounts.is_empty() || discounts.len() > BATCH_MAX {
            return Err(permanent(format!("a batch holds between 1 and {BATCH_MAX} codes")));
        }
        let mut calls = Vec::with_capacity(discounts.len());
        let mut known: Option<(&NewDiscount, u64)> = None;
        for discount in discounts {
            // A batch is mostly of one kind.
            let rule = match known {
                Some((same, rule)) if is_alike(same, discount) => rule,
                _ => self.rule_for(discount).await?,
            };
            known = Some((discount, rule));
            calls.push(json!({ "coupon": coupon_of(discount, rule, &*self.views().await?)? }));
        }
        let answer = self.exchange(Method::POST, BULK, &["coupons"], &[], Some(Value::Array(calls))).await?;
        let codes = discounts.iter().map(|discount| discount.code.clone()).collect();
        Ok(Batch { id: answer.read::<Accepted>()?.bulk_uuid, codes })
    }

    /// How far a batch has come. A code that is there already was made by an earlier batch.
    pub async fn progress(&self, batch: &Batch) -> Result<Progress, Failure> {
        let status: Option<Status> = self.find(&["bulk", &batch.id, "detailed-status"]).await?;
        let status = status.ok_or_else(|| permanent("the shop knows no such batch"))?;
        let mut progress = Progress::default();
        for operation in status.operations_list {
            let Some(code) = batch.codes.get(operation.id) else { continue };
            match operation.status {
                DONE => progress.made.push(code.clone()),
                OPEN => progress.open += 1,
                _ if self.is_made(code).await? => progress.made.push(code.clone()),
                _ => progress.failed.push((code.clone(), operation.result_message.unwrap_or_default())),
            }
        }
        Ok(progress)
    }

    /// Whether a code stands under a rule of ours.
    async fn is_made(&self, code: &str) -> Result<bool, Failure> {
        match self.coupon(code).await? {
            Some(found) => self.is_own_rule(found.rule_id).await,
            None => Ok(false),
        }
    }
}

/// Whether two codes differ in nothing that their rule says.
fn is_alike(one: &NewDiscount, other: &NewDiscount) -> bool {
    let plain = |it: &NewDiscount| NewDiscount { code: String::new(), ends_at: None, ..it.clone() };
    plain(one) == plain(other)
}

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
