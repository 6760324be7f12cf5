//! The tests that see the whole: one binary, one module for each subject.

mod dependencies;
mod house;
mod power_cut;
mod journey;
mod shop;
mod webhooks;
