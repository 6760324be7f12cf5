//! Regulars: a host for sandboxed retention plugins. `ARCHITECTURE.md` beside this package draws the house.
//!
//! # Layout
//!
//! Modules depend on those before them, never on those after:
//! `domain`, `clock`, `config`, `counters`, `retry`, `telemetry`, `threads`; `store`; `platform`, `engine`; `catalog`; `privacy`; `access`, `ingest`, `dispatch`,
//! `schedule`, `effects`, `reconcile`; `host`; `web`; `cli`.

pub mod access;
pub mod catalog;
pub mod cli;
pub mod clock;
pub mod config;
pub mod counters;
pub mod dispatch;
pub mod doctor;
pub mod domain;
pub mod effects;
pub mod engine;
pub mod history;
pub mod host;
pub mod ingest;
pub mod platform;
pub mod privacy;
pub mod reconcile;
pub mod retry;
pub mod schedule;
#[cfg(test)]
mod simulation;
pub mod store;
pub mod telemetry;
pub mod threads;
pub mod web;
