//! What the host owes to people whose data it keeps: a file of all of it, and an end of it.
//!
//! What belongs here: which rows are a person's (`person`), the file (`file`), what goes when somebody is forgotten
//! (`bare` in the facts' own commit, `forget` a moment later), the deletion of a store's rows (`erase`), and what each table
//! has to do with people (`tables`).

pub mod bare;
pub mod erase;
pub mod file;
pub mod forget;
mod person;
pub mod tables;
#[cfg(test)]
mod tests;

pub use person::{Person, Place};
