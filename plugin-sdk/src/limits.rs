//! Limits: the host's, each with its reason. A call past one is answered with [`Refusal::OverLimit`].
//!
//! [`Refusal::OverLimit`]: crate::Refusal::OverLimit

/// Bytes of one state value. State is for counters and records; a delivery reads and writes whole values.
pub const STATE_VALUE_BYTES: usize = 64 * 1024;

/// Bytes of one state key.
pub const STATE_KEY_BYTES: usize = 256;

/// Keys that one page of a listing holds at most.
pub const KEYS_PER_PAGE: u32 = 1000;

/// Orders that one page of a customer's orders holds at most.
pub const ORDERS_PER_PAGE: u32 = 100;

/// Notes of one delivery: a person reads them.
pub const NOTES_PER_DELIVERY: usize = 32;

/// Bytes of one note, its fields included.
pub const NOTE_BYTES: usize = 4 * 1024;

/// Effects that one delivery queues: what one event sets off reaches one person or a few, never a list.
pub const EFFECTS_PER_DELIVERY: usize = 64;

/// Timers that one delivery sets.
pub const TIMERS_PER_DELIVERY: usize = 64;

/// Bytes of a timer's payload.
pub const TIMER_PAYLOAD_BYTES: usize = STATE_VALUE_BYTES;

/// Days that a timer may be set ahead: five years and some.
pub const TIMER_DAYS_AHEAD: u64 = 5 * 366;

/// Seconds after a timer at which a timer that it sets fires at the earliest: one that sets itself for the past would
/// otherwise never let the host rest.
pub const TIMER_AGAIN_SECONDS: u64 = 60;

/// Variables of one mail.
pub const MAIL_VARS: usize = 64;

/// Bytes of one variable, its name included.
pub const MAIL_VAR_BYTES: usize = 4 * 1024;

/// Characters of the readable beginning of a discount code.
pub const CODE_PREFIX_CHARS: usize = 12;

/// Tags in one change of a customer's tags.
pub const TAGS: usize = 50;

/// Bytes of one tag: what platforms take.
pub const TAG_BYTES: usize = 40;
