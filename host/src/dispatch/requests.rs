//! What people ask of the shop about their data: a task for the merchant, and entries of the audit trail.

use std::time::Duration;

use super::{Job, Pipeline, facts};
use crate::{
    catalog::StoreEntry,
    domain::{Act, Actor, AuditEntry, Change, CustomerId, OrderId, Origin, PluginName, ReadEvent},
    store::{Error, TaskRecord, Transaction, keys},
};

/// Platforms and the law leave a month.
const TIME_TO_ANSWER: Duration = Duration::from_secs(30 * 86_400);

/// The answer that a task of the host's own has.
const ANSWERED: &str = "answered";

/// Orders that the task names; the command of the file takes any.
const NAMED: usize = 50;

/// Writes down what an event asks or answers.
pub(super) fn keep(
    pipeline: &Pipeline,
    transaction: &mut Transaction,
    entry: Option<&StoreEntry>,
    job: &Job,
    read: &ReadEvent,
) -> Result<(), Error> {
    let Some(entry) = entry else { return Ok(()) };
    let (act, by, customer) = match (&read.change, &job.event.origin) {
        (Change::DataRequested { customer, email, orders }, _) => {
            let customer = &known_as(pipeline, transaction, entry, customer, email.as_deref())?;
            let key = keys::task(entry.id(), &PluginName::host(), &format!("data-request/{}", job.position));
            transaction.put(key, &task(pipeline, entry, customer, orders));
            (Act::DataRequested, Actor::Platform, Some(customer.clone()))
        }
        (Change::CustomerRedacted { customer, .. }, origin) => {
            let by = if matches!(origin, Origin::Redaction { .. }) { Actor::Operator } else { Actor::Platform };
            (Act::CustomerRedacted, by, Some(customer.clone()))
        }
        (_, Origin::MerchantAction { plugin, customer, name }) if plugin.is_host() && name == ANSWERED => {
            (Act::DataAnswered, Actor::Operator, customer.clone())
        }
        _ => return Ok(()),
    };
    let customer = customer.map(|id| pipeline.catalog.audit_key().customer(entry.id(), &id));
    let event = Some(job.event.id.to_string());
    transaction.append_audit(&AuditEntry { customer, event, ..pipeline.catalog.audit_of(entry, act, by) })
}

/// Who a request means: a customer with the address, where it names nothing else and no guest has it.
fn known_as(
    pipeline: &Pipeline,
    transaction: &mut Transaction,
    entry: &StoreEntry,
    customer: &CustomerId,
    email: Option<&str>,
) -> Result<CustomerId, Error> {
    let store = entry.id();
    if !customer.is_guest() || transaction.contains(&keys::customer(store, customer))? {
        return Ok(customer.clone());
    }
    let holder = email.map(|email| facts::holder_of(&*pipeline.store, store, email)).transpose()?.flatten();
    Ok(holder.unwrap_or_else(|| customer.clone()))
}

fn task(pipeline: &Pipeline, entry: &StoreEntry, customer: &CustomerId, orders: &[OrderId]) -> TaskRecord {
    let now = pipeline.clock.now();
    let named = orders.iter().take(NAMED).map(|order| format!(" --order {order}")).collect::<String>();
    let file = format!("regulars customer data {} {customer}{named} --out customer.json", entry.record.domain);
    TaskRecord {
        title: "A customer asks what is kept of them".into(),
        details: vec![
            ("The file for them".into(), file),
            ("What to do".into(), "send the file to the customer, then answer this task".into()),
        ],
        customer: Some(customer.clone()),
        order: None,
        choices: vec![(ANSWERED.into(), "The customer has the file".into())],
        due: Some(now + TIME_TO_ANSWER),
        opened_at: now,
    }
}
