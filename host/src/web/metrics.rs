//! `/metrics`: the host's figures for Prometheus.

use std::sync::Arc;

use axum::{extract::State, http::header, response::IntoResponse};

use super::problem::{Problem, Result};
use crate::{host::Host, telemetry};

/// `GET /metrics`
pub async fn show(State(host): State<Arc<Host>>) -> Result<impl IntoResponse> {
    let told = tokio::task::spawn_blocking(move || telemetry::text(host)).await;
    match told {
        Ok(Ok(text)) => Ok(([(header::CONTENT_TYPE, telemetry::MEDIA_TYPE)], text)),
        Ok(Err(error)) => Err(Problem::internal(&error)),
        Err(error) => Err(Problem::internal(&error)),
    }
}
