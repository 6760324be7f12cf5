//! What is kept of one referred order: who, by what, on which terms, what speaks against it, and what came of it.

use std::collections::BTreeMap;

use regulars_sdk::{Context, EffectId, Money, Result, Signal, Timestamp, key};
use serde::{Deserialize, Serialize};

use crate::{
    checks::{Check, Finding, Weight},
    settings::Terms,
};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    pub order: String,
    /// As shoppers see it.
    pub name: String,
    /// As known when the order was paid; [`left`] says who is left of them now.
    pub advocate: String,
    pub friend: Option<String>,
    pub via: Via,
    /// The version of the settings that the terms are from.
    pub settings: u32,
    pub terms: Terms,
    pub placed_at: Timestamp,
    pub paid_at: Timestamp,
    pub status: Status,
    /// What the last look found.
    pub findings: Vec<Finding>,
    pub review: Option<Review>,
    pub decision: Option<Decision>,
    pub payout: Option<Payout>,
    /// What was done when the order came back after the payout.
    pub aftermath: Option<Aftermath>,
    /// The advocate has been told that a friend has bought.
    pub announced: bool,
    /// The advocate has been told that the order came back.
    pub withdrawn: bool,
    /// What the buyer may share with others.
    pub signals: Vec<Signal>,
    /// It stands in the lists that lead to it.
    pub is_listed: bool,
    /// The buyer is to be forgotten: what was found stays, what it was found by is gone.
    pub forgotten: bool,
    /// Questioned payments by id.
    pub disputes: BTreeMap<String, Dispute>,
    /// How often the reward could not be given.
    pub tries: u32,
}

/// What led from the friend to the advocate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    Link(String),
    Code(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The order can still come back.
    Held,
    /// The hold is over; the merchant has not decided.
    Review,
    /// Nothing speaks against it, but the reward could not be given yet.
    Owed,
    Paid,
    Void(Because),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    Check(Check),
    /// The merchant said so.
    Rejected,
    /// Flagged, and nobody had decided by the deadline.
    Deadline,
}

/// What the merchant was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    pub until: Timestamp,
    /// The flags that were shown.
    pub checks: Vec<Check>,
}

/// What the merchant answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    pub approved: bool,
    pub reason: String,
    pub at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payout {
    pub effect: EffectId,
    pub amount: Money,
    pub at: Timestamp,
    pub ends_at: Option<Timestamp>,
    /// None for store credit.
    pub code: Option<String>,
    /// Whose month it counts in.
    pub month: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aftermath {
    Logged,
    TakenBack,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dispute {
    Open,
    Lost,
    Won,
}

impl Claim {
    pub fn is_void(&self) -> bool {
        matches!(self.status, Status::Void(_))
    }

    pub fn is_approved(&self) -> bool {
        self.decision.as_ref().is_some_and(|it| it.approved)
    }

    pub fn found(&self, check: Check) -> bool {
        self.findings.iter().any(|it| it.check == check)
    }

    /// The flags that were found.
    pub fn flags(&self) -> impl Iterator<Item = Check> {
        self.findings.iter().map(|it| it.check).filter(|it| it.weight() == Weight::Flag)
    }

    /// What weighs most of what keeps the reward from being paid, whoever waits for how long; an approval lifts all but
    /// bars.
    pub fn obstacle(&self) -> Option<Check> {
        let least = if self.is_approved() { Weight::Bar } else { Weight::Block };
        self.findings.iter().map(|it| it.check).filter(|it| it.weight() >= least).min()
    }

    /// The keys of one kind of signal.
    pub fn keys<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a str> {
        keys_of(&self.signals, kind)
    }
}

pub fn keys_of<'a>(signals: &'a [Signal], kind: &'a str) -> impl Iterator<Item = &'a str> {
    signals.iter().filter(move |it| it.kind == kind).map(|it| it.key.as_str())
}

pub fn get(cx: &mut Context, order: &str) -> Result<Option<Claim>> {
    Ok(cx.state().get(&claim_key(order))?)
}

pub fn set(cx: &mut Context, claim: &Claim) -> Result {
    Ok(cx.state().set(&claim_key(&claim.order), claim)?)
}

pub fn claim_key(order: &str) -> String {
    key(&["claim", order])
}

/// The customer who is left of another after merges.
pub fn left(cx: &Context, customer: &str) -> String {
    cx.customer_by_id(customer).map_or_else(|| customer.to_owned(), |it| it.id)
}

/// How many rewards an advocate was given for orders of one month.
pub fn paid_in_month(cx: &mut Context, advocate: &str, month: &str) -> Result<u32> {
    Ok(cx.state().get(&month_key(advocate, month))?.unwrap_or(0))
}

pub fn count_in_month(cx: &mut Context, advocate: &str, month: &str, change: i32) -> Result {
    let count = paid_in_month(cx, advocate, month)?.saturating_add_signed(change);
    Ok(cx.state().set(&month_key(advocate, month), &count)?)
}

pub fn month_key(advocate: &str, month: &str) -> String {
    key(&["month", advocate, month])
}

/// The month of an instant in the store's time zone: `2026-03`.
pub fn month_of(cx: &Context, instant: Timestamp) -> String {
    let mut date = cx.date_of(instant).to_string();
    date.truncate(date.len() - 3);
    date
}
