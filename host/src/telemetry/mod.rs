//! What the host tells of itself to those who run it: logs, and whether its parts work.
//!
//! What belongs here: how something is told, and nothing that decides anything. No name, address, mail or secret of
//! anybody goes into what this module writes; ids do.

pub mod journey;
pub mod log;
mod standing;

pub use standing::Standing;
