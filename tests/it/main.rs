//! The tests that see the whole: one binary, one module for each subject.

mod admin_page;
mod brittle;
mod cdnow;
mod command_line;
mod dependencies;
mod disk;
mod disk_faults;
mod house;
mod journey;
mod links;
mod mail_rules;
mod merchant_actions;
mod observability;
mod overload;
mod panel;
mod pausing;
mod power_cut;
mod reconcile_on_request;
mod reconciliation;
mod refusals;
mod replay;
mod shop;
mod shopify_effects;
mod shopify_reads;
mod showcase;
mod webhooks;
