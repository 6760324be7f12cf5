//! `/v1/stores/{store}/doctor`: what a store depends on outside of this host, and how it is.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use serde_json::{Value, json};

use super::super::problem::Result;
use crate::{doctor::Verdict, host::Host};

/// The verdicts, the worst first, as the summary counts them.
const VERDICTS: [(Verdict, &str); 4] = [
    (Verdict::Fault, "faults"),
    (Verdict::Warning, "warnings"),
    (Verdict::Unknown, "unknown"),
    (Verdict::Well, "well"),
];

pub async fn show(State(host): State<Arc<Host>>, Path(store): Path<String>) -> Result<Json<Value>> {
    let entry = host.catalog.store_named(&store)?;
    let findings = host.doctor.examine(&entry).await?;
    let count = |verdict| findings.iter().filter(|finding| finding.verdict == verdict).count();
    let counts: serde_json::Map<_, _> =
        VERDICTS.iter().map(|(verdict, name)| ((*name).to_owned(), json!(count(*verdict)))).collect();
    Ok(Json(json!({ "store": entry.record.domain, "counts": counts, "findings": findings })))
}
