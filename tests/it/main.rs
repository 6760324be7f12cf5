//! The tests that see the whole: one binary, one module for each subject.

mod admin_page;
mod command_line;
mod dependencies;
mod disk;
mod disk_faults;
mod house;
mod journey;
mod observability;
mod overload;
mod power_cut;
mod reconciliation;
mod shop;
mod webhooks;
