//! The limits that plugins are told are the host's.

use regulars::engine::limits as host;
use regulars_sdk::limits as told;

const DAY: u64 = 86_400;

#[test]
fn the_limits_that_plugins_are_told_are_the_hosts() {
    let of = |limit: u32| limit as usize;
    for (what, told, host) in [
        ("bytes of a state value", told::STATE_VALUE_BYTES, of(host::STATE_VALUE_BYTES)),
        ("bytes of a timer's payload", told::TIMER_PAYLOAD_BYTES, of(host::STATE_VALUE_BYTES)),
        ("bytes of a key", told::STATE_KEY_BYTES, of(host::STATE_KEY_BYTES)),
        ("keys of a page", of(told::KEYS_PER_PAGE), of(host::LIST_KEYS)),
        ("lines of a page", of(told::LINES_PER_PAGE), of(host::LIST_LINES)),
        ("orders of a page", of(told::ORDERS_PER_PAGE), of(host::LIST_ORDERS)),
        ("notes", told::NOTES_PER_DELIVERY, of(host::NOTES)),
        ("bytes of a note", told::NOTE_BYTES, of(host::NOTE_BYTES)),
        ("effects", told::EFFECTS_PER_DELIVERY, of(host::EFFECTS)),
        ("timers", told::TIMERS_PER_DELIVERY, of(host::TIMERS)),
        ("bytes written", told::WRITTEN_BYTES, of(host::WRITTEN_BYTES)),
        ("guards of a mail", told::MAIL_GUARDS, of(host::MAIL_GUARDS)),
        ("variables of a mail", told::MAIL_VARS, of(host::MAIL_VARS)),
        ("bytes of a variable", told::MAIL_VAR_BYTES, of(host::MAIL_VAR_BYTES)),
        ("tags", told::TAGS, of(host::TAGS)),
        ("bytes of a tag", told::TAG_BYTES, of(host::TAG_BYTES)),
        ("products of a discount", told::DISCOUNT_IDS, of(host::DISCOUNT_IDS)),
        ("codes at once", of(told::CODES_AT_ONCE), of(host::CODES_AT_ONCE)),
        ("bytes of an order's note", told::ORDER_NOTE_BYTES, of(host::ORDER_NOTE_BYTES)),
        ("bytes of a gift's title", told::GIFT_TITLE_BYTES, of(host::GIFT_TITLE_BYTES)),
        ("bytes of a metafield's value", told::METAFIELD_VALUE_BYTES, of(host::METAFIELD_VALUE_BYTES)),
        ("characters of a budget's kind", told::BUDGET_KIND_CHARS, of(host::BUDGET_KIND_BYTES)),
        ("bytes of a task's title", told::TASK_TITLE_BYTES, of(host::TASK_TITLE_BYTES)),
        ("details of a task", told::TASK_DETAILS, of(host::TASK_DETAILS)),
        ("choices of a task", told::TASK_CHOICES, of(host::TASK_CHOICES)),
        ("bytes of a task", told::TASK_BYTES, of(host::TASK_BYTES)),
    ] {
        assert_eq!(told, host, "{what}: as plugins are told, then the host");
    }
    assert_eq!(told::METAFIELD_KEY_CHARS, host::METAFIELD_KEY_CHARS);
    assert_eq!(told::TIMER_DAYS_AHEAD * DAY, host::TIMER_AHEAD.as_secs());
    assert_eq!(told::MAIL_DAYS_AHEAD * DAY, host::TIMER_AHEAD.as_secs());
    assert_eq!(told::SHIP_BY_DAYS_AHEAD * DAY, host::SHIP_BY_AHEAD.as_secs());
    assert_eq!(told::TIMER_AGAIN_SECONDS, host::TIMER_AGAIN.as_secs());
}
