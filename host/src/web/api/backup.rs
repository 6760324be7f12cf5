//! `/v1/backup`: a complete copy of the data directory, made while the host runs.

use std::{path::PathBuf, sync::Arc};

use axum::{Json, extract::State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::problem::{Problem, Result};
use crate::{
    host::Host,
    store::backup::{Sources, backup as make_backup},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupBody {
    /// A folder that does not exist yet, on this machine.
    target: PathBuf,
}

pub async fn backup(State(host): State<Arc<Host>>, Json(body): Json<BackupBody>) -> Result<Json<Value>> {
    if !body.target.is_absolute() {
        return Err(Problem::bad_request("`target` has to be an absolute path"));
    }
    let target = body.target.clone();
    let made = tokio::task::spawn_blocking(move || {
        let sources = Sources { data_dir: &host.data_dir, store: &host.sled, inbox: &host.journal, mails: &host.mails };
        make_backup(sources, &target, &mut |_| {})
    });
    let progress = made.await.map_err(|error| Problem::bad_request(error.to_string()))??;
    Ok(Json(json!({
        "target": body.target,
        "rows": progress.rows,
        "files": progress.files,
        "bytes": progress.bytes,
    })))
}
