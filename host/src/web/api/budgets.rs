//! `/v1/stores/{store}/plugins/{plugin}/budgets`: bounds on what a plugin gives away, and what is used of them.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    Json,
    extract::{Path, State},
};
use serde::Serialize;
use serde_json::Value;

use super::{
    super::problem::{Problem, Result},
    plugin_name,
};
use crate::{
    catalog,
    host::Host,
    store::budget::{Budget, BudgetBound, BudgetStanding},
};

/// Bounds of one plugin: each is looked at whenever something is given.
const BOUNDS: usize = 32;

/// Bytes of a kind's name.
const KIND_BYTES: usize = 64;

/// A bound and how it stands.
#[derive(Serialize)]
pub struct BoundView {
    #[serde(flatten)]
    bound: BudgetBound,
    /// What the plugin has given in the present period.
    used: u64,
    /// The first day of the next period, by the clocks of the store.
    until: Option<String>,
    /// Four fifths are used, or more.
    warning: bool,
}

impl From<BudgetStanding> for BoundView {
    fn from(standing: BudgetStanding) -> Self {
        let warning = standing.is_nearly_used_up();
        let until = standing.until.map(|date| date.to_string());
        Self { bound: standing.bound, used: standing.used, until, warning }
    }
}

pub async fn show(
    State(host): State<Arc<Host>>,
    Path((store, plugin)): Path<(String, String)>,
) -> Result<Json<Vec<BoundView>>> {
    let (entry, plugin) = (host.catalog.store_named(&store)?, plugin_name(&plugin));
    host.catalog.enabled(&entry, &plugin)?;
    let budget = Budget { store: entry.id(), plugin: &plugin, zone: &entry.context.time_zone };
    let standing = budget.standing(&mut host.pipeline.transaction(), host.clock.now())?;
    Ok(Json(standing.into_iter().map(Into::into).collect()))
}

/// Replaces all bounds. What is counted stays counted.
pub async fn set(
    State(host): State<Arc<Host>>,
    Path((store, plugin)): Path<(String, String)>,
    Json(bounds): Json<Vec<BudgetBound>>,
) -> Result<Json<Vec<BoundView>>> {
    check(&bounds)?;
    {
        let (entry, plugin) = (host.catalog.store_named(&store)?, plugin_name(&plugin));
        host.catalog.enabled(&entry, &plugin)?;
        let budget = Budget { store: entry.id(), plugin: &plugin, zone: &entry.context.time_zone };
        let mut transaction = host.pipeline.transaction();
        budget.set_bounds(&mut transaction, &bounds);
        transaction.commit().await.map_err(catalog::Error::from)?;
    }
    show(State(host), Path((store, plugin))).await
}

fn check(bounds: &[BudgetBound]) -> Result<()> {
    if bounds.len() > BOUNDS {
        return Err(Problem::bad_request(format!("a plugin may have {BOUNDS} bounds at most")));
    }
    let mut seen = BTreeSet::new();
    for bound in bounds {
        if bound.kind.is_empty() || bound.kind.len() > KIND_BYTES {
            return Err(Problem::bad_request(format!("`kind` has to have 1 to {KIND_BYTES} bytes")));
        }
        if !seen.insert((&bound.kind, bound.period)) {
            let kind = Value::from(bound.kind.as_str());
            return Err(Problem::bad_request(format!("{kind} has two bounds for one period")));
        }
    }
    Ok(())
}
