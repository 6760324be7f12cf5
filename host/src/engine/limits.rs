//! Every limit of a delivery: one constant each, with its reason.

use std::time::Duration;

/// Instructions a delivery may run. What Shopify Functions allow, so that developers know it; about 10 ms of work.
pub const FUEL: u64 = 11_000_000;

/// Linear memory of an instance. A plugin handles one event: 16 MiB holds its largest payload three times over.
pub const MEMORY_BYTES: usize = 16 << 20;

/// Elements of a table. Compiled Rust uses some hundreds.
pub const TABLE_ELEMENTS: usize = 10_000;

/// Core instances, memories and tables of one component. What componentising one module yields, with room.
pub const CORE_INSTANCES: u32 = 16;

/// Native stack of a call. wasmtime's own default: recursion ends as a typed trap long before the thread's stack does.
pub const STACK_BYTES: usize = 512 << 10;

/// How long a delivery may go on calling the host.
///
/// Fuel is the budget; this ends what fuel does not count: host calls that take long. It is looked at when a plugin calls
/// the host, and nowhere else.
pub const WALL_TIME: Duration = Duration::from_secs(2);

/// Instances that may be alive at once; deliveries hold one only while they run, one for each thread.
pub const LIVE_INSTANCES: u32 = 64;

/// Memory that an instance slot keeps mapped between deliveries, of what was written to.
///
/// Spares a plugin the page faults of a fresh one: what an event of ordinary size touches, several times over. 64 slots
/// keep 64 MiB at most.
pub const KEEP_RESIDENT_BYTES: usize = 1 << 20;

/// Effects one delivery may queue. A plugin that wants more is looping.
pub const EFFECTS: u32 = 64;

/// Timers one delivery may set.
pub const TIMERS: u32 = 64;

/// How far ahead a timer may be set.
pub const TIMER_AHEAD: Duration = Duration::from_secs(5 * 366 * 86_400);

/// How soon after a timer has fired a timer may fire that it sets: sooner ones are put off until then.
pub const TIMER_AGAIN: Duration = Duration::from_secs(60);

/// Notes of one delivery, each of at most [`NOTE_BYTES`]: people read them.
pub const NOTES: u32 = 32;

/// Bytes of one note, its fields included.
pub const NOTE_BYTES: u32 = 4 << 10;

/// Bytes of a state value, and of a timer's payload: what the store keeps in one record.
pub const STATE_VALUE_BYTES: u32 = 64 << 10;

/// Bytes of a state key or a timer's key.
pub const STATE_KEY_BYTES: u32 = 256;

/// Keys a plugin may keep in one store: about a hundred for each of 100,000 customers.
pub const STATE_KEYS: u64 = 10_000_000;

/// Bytes a plugin may keep in one store.
pub const STATE_BYTES: u64 = 4 << 30;

/// Bytes that one delivery may write: state, timers and effects with their keys. All plugins' writes for one event are
/// one commit, which the store takes up to 8 MiB.
pub const WRITTEN_BYTES: u32 = 1 << 20;

/// Bytes of state and facts that one delivery may read. What was read stays in memory until the commit.
pub const READ_BYTES: usize = 32 << 20;

/// What a row counts for at least when it is read: the commit has to look at it again.
pub const READ_ROW_BYTES: usize = 1 << 10;

/// State keys that a decision lists as read: people read them.
pub const READS_LISTED: usize = 256;

/// Bytes that one call may hand to the host: the guest's whole memory, and as much again for what lists take here.
/// A list can name the same bytes many times over.
pub const CALL_BYTES: usize = 2 * MEMORY_BYTES;

/// Keys that one listing returns at most.
pub const LIST_KEYS: u32 = 1_000;
/// Orders that one listing returns at most; they are larger than keys.
pub const LIST_ORDERS: u32 = 100;
/// Lines of orders after which a listing of orders ends: each costs the guest some 5,000 units of fuel to read.
pub const LIST_LINES: u32 = 200;

/// Guards of a mail: each is looked up when it goes out.
pub const MAIL_GUARDS: u32 = 8;
/// Variables of a mail.
pub const MAIL_VARS: u32 = 64;
/// Bytes of one mail variable.
pub const MAIL_VAR_BYTES: u32 = 4 << 10;

/// Tags in one change, and bytes of one tag (Shopify's own bounds: 250 tags, 40 characters).
pub const TAGS: u32 = 50;
/// Bytes of one tag.
pub const TAG_BYTES: u32 = 40;

/// Bytes of all texts of a panel: what a page can show several times over.
pub const PANEL_BYTES: usize = 256 << 10;

/// Collections or products that a discount is for: what platforms take in one call.
pub const DISCOUNT_IDS: u32 = 100;

/// Codes that one effect may make: what Shopify adds to a discount in one call.
pub const CODES_AT_ONCE: u32 = 250;

/// Bytes of a line in an order's note. Shopify takes 5,000 characters for a whole note, which several lines share.
pub const ORDER_NOTE_BYTES: u32 = 500;

/// Bytes of a gift's title: what platforms take for a line of an order.
pub const GIFT_TITLE_BYTES: u32 = 255;

/// How far ahead a time may be by which an order is to be sent: a deadline beyond that is none.
pub const SHIP_BY_AHEAD: Duration = Duration::from_secs(366 * 86_400);

/// Fewest and most characters of a metafield's key: Shopify's own bounds.
pub const METAFIELD_KEY_CHARS: (usize, usize) = (3, 64);
/// Bytes of a metafield's value: it is shown, not stored there.
pub const METAFIELD_VALUE_BYTES: u32 = 4 << 10;

/// Bytes of a budget's kind: it is part of a key.
pub const BUDGET_KIND_BYTES: u32 = 32;

/// Bytes of a task's title: one line of a list.
pub const TASK_TITLE_BYTES: u32 = 200;
/// Details of a task: people read them.
pub const TASK_DETAILS: u32 = 32;
/// Answers to choose from.
pub const TASK_CHOICES: u32 = 8;
/// Bytes of a task with all its texts.
pub const TASK_BYTES: u32 = 8 << 10;

/// Bytes kept of a reason that a failing plugin gives.
pub const REASON_BYTES: usize = 1 << 10;
