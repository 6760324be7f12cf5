//! What answers a simulation's calls.

use std::{fmt, pin::Pin};

use axum::http::{HeaderMap, StatusCode};
use reqwest::Url;
use serde_json::Value;

/// An answer, or how the connection failed.
pub type Answered = Result<(StatusCode, HeaderMap, Vec<u8>), &'static str>;

pub trait Peer: Send + Sync + fmt::Debug {
    /// Answers the shop at that address.
    fn post(&self, url: &Url, request: Value) -> Pin<Box<dyn Future<Output = Answered> + Send + '_>>;
}
