//! What the host tells of itself to those who run it: logs, figures, traces, and whether its parts work.
//!
//! What belongs here: how something is told, and nothing that decides anything. No name, address, mail or secret of
//! anybody goes into what this module writes; ids do, and into figures not even those.

mod exposition;
mod figures;
pub mod journey;
pub mod log;
mod measured;
mod standing;
pub mod trace;

pub use exposition::{Exposed, Exposition, MEDIA_TYPE, text};
pub use figures::{Counter, Histogram, Writes};
pub use measured::Measured;
pub use standing::Standing;
