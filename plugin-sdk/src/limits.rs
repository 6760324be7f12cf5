//! Limits: the host's, each with its reason. A call past one is answered with [`Refusal::OverLimit`].
//!
//! [`Refusal::OverLimit`]: crate::Refusal::OverLimit

/// Bytes of one state value. State is for counters and records; a delivery reads and writes whole values.
pub const STATE_VALUE_BYTES: usize = 64 * 1024;

/// Bytes of one state key, of a timer's key and of an id.
pub const STATE_KEY_BYTES: usize = 256;

/// Keys that one page of a listing holds at most.
pub const KEYS_PER_PAGE: u32 = 1000;

/// Orders that one page of a customer's orders holds at most.
pub const ORDERS_PER_PAGE: u32 = 100;

/// Lines after which a page of a customer's orders ends.
pub const LINES_PER_PAGE: u32 = 200;

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

/// Bytes of state and timers, with their keys, that one delivery writes.
pub const WRITTEN_BYTES: usize = 1024 * 1024;

/// Guards of one mail: each is looked up when it goes out.
pub const MAIL_GUARDS: usize = 8;

/// Days that a mail may be put off: as far ahead as a timer may be set.
pub const MAIL_DAYS_AHEAD: u64 = TIMER_DAYS_AHEAD;

/// Codes that [`Context::create_discounts`](crate::Context::create_discounts) makes at once.
pub const CODES_AT_ONCE: u32 = 250;

/// Days ahead by which an order may be asked to be sent.
pub const SHIP_BY_DAYS_AHEAD: u64 = 366;

/// Variables of one mail.
pub const MAIL_VARS: usize = 64;

/// Bytes of one variable, its name included.
pub const MAIL_VAR_BYTES: usize = 4 * 1024;

/// Characters of the readable beginning of a discount code.
pub const CODE_PREFIX_CHARS: usize = 12;

/// Collections, or products, that one discount is for.
pub const DISCOUNT_IDS: usize = 100;

/// Tags in one change of a customer's or an order's tags.
pub const TAGS: usize = 50;

/// Bytes of one tag: what platforms take.
pub const TAG_BYTES: usize = 40;

/// Bytes of one line in an order's note: the platform takes 5,000 characters for all of them.
pub const ORDER_NOTE_BYTES: usize = 500;

/// Bytes of a gift's title: what platforms take for a line of an order.
pub const GIFT_TITLE_BYTES: usize = 255;

/// Characters of a metafield's key, fewest and most.
pub const METAFIELD_KEY_CHARS: (usize, usize) = (3, 64);

/// Bytes of a metafield's value: it is shown at the platform, not stored there.
pub const METAFIELD_VALUE_BYTES: usize = 4 * 1024;

/// Characters of the kind of a budget that a plugin counts itself.
pub const BUDGET_KIND_CHARS: usize = 32;

/// Bytes of a task's title: one line of a list.
pub const TASK_TITLE_BYTES: usize = 200;

/// Details of one task: a person reads them.
pub const TASK_DETAILS: usize = 32;

/// Answers of one task to choose from.
pub const TASK_CHOICES: usize = 8;

/// Bytes of one task with all its texts.
pub const TASK_BYTES: usize = 8 * 1024;

/// The earliest year of birth: nobody alive was born before.
pub const EARLIEST_BIRTH_YEAR: i16 = 1900;
