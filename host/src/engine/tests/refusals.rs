//! Arguments that are not usable are refused with the reason, and nothing is queued.

use super::{INVALID, NOW, OVER_LIMIT, Sandbox, Text, answer};
use crate::engine::{
    Ended,
    guest::{ANSWER, Guest, LIST, TERMS, WORTH},
    limits,
};

/// What the host answers to one call.
fn refusal(call: impl FnOnce(&mut Guest) -> String) -> (u8, u32) {
    let mut guest = Guest::default();
    let key = guest.text("answer");
    let call = call(&mut guest);
    let mut ended: Ended = Sandbox::new().run(&guest.component(&format!("{call} (call $keep_answer {key})")));
    ended.result.clone().unwrap();
    assert_eq!(ended.effects, []);
    answer(&mut ended, "answer").unwrap_err()
}

fn assert_invalid(what: &str, call: impl FnOnce(&mut Guest) -> String) {
    assert_eq!(refusal(call).0, INVALID, "{what}");
}

/// Memory that nothing is written to: a list there is one of empty texts.
const BLANK: u32 = 32_768;

const NONE: &str = "(i32.const 0)";
const ENDLESS: &str = "(i32.const 0) (i64.const 0)";

fn texts<const N: usize>(guest: &mut Guest, texts: [&str; N]) -> [Text; N] {
    texts.map(|text| guest.text(text))
}

#[test]
fn amounts_of_nothing_or_in_another_currency_are_refused() {
    let past = format!("(i32.const 1) (i64.const {})", NOW.0);
    for (minor, currency, end) in [(0, "EUR", ENDLESS), (-5, "EUR", ENDLESS), (5, "USD", ENDLESS), (5, "EUR", &past)] {
        for function in ["credit", "gift_card"] {
            assert_invalid(&format!("{function} {minor} {currency} {end}"), |guest| {
                let [customer, currency] = texts(guest, ["7", currency]);
                format!("(call ${function} {customer} (i64.const {minor}) {currency} {end} (i32.const {ANSWER}))")
            });
        }
    }
    assert_invalid("debit", |guest| {
        let [customer, currency] = texts(guest, ["7", "EUR"]);
        format!("(call $debit {customer} (i64.const -1) {currency} (i32.const {ANSWER}))")
    });
    assert_invalid("nobody", |guest| {
        let euro = guest.text("EUR");
        format!("(call $credit {NONE} {NONE} (i64.const 5) {euro} {ENDLESS} (i32.const {ANSWER}))")
    });
}

/// A code of 5.00 EUR for 7, with terms as `change` makes them.
fn code(guest: &mut Guest, prefix: &str, change: &str, function: &str) -> String {
    let [customer, prefix, euro] = texts(guest, ["7", prefix, "EUR"]);
    let worth = WORTH + 8;
    format!(
        "(call $terms {customer} {prefix}) (i64.store (i32.const {WORTH}) (i64.const 500))
         (i32.store (i32.const {worth}) (i32.const {})) (i32.store (i32.const {}) (i32.const {}))
         {change} (call ${function} (i32.const {TERMS}) (i32.const {ANSWER}))",
        euro.at,
        worth + 4,
        euro.length,
    )
}

#[test]
fn terms_that_make_no_usable_code_are_refused() {
    let byte = |at: u32, value: u32| format!("(i32.store8 (i32.const {at}) (i32.const {value}))");
    let number = |at: u32, value: u32| format!("(i32.store (i32.const {at}) (i32.const {value}))");
    let instant =
        |at: u32, value: u64| format!("{} (i64.store (i32.const {}) (i64.const {value}))", byte(at, 1), at + 8);
    let (starts, ends, uses) = (TERMS + 64, TERMS + 80, TERMS + 96);
    let (collections, products) = (TERMS + 48, TERMS + 56);
    // One id of one byte.
    let one = |list: u32| number(200, BLANK) + &number(204, 1) + &number(list, 200) + &number(list + 4, 1);
    let (now, later) = (NOW.0, NOW.0 + 1_000);
    for (what, prefix, change, function) in [
        ("no prefix", "", String::new(), "create_amount"),
        ("a long prefix", "ABCDEFGHIJKLM", String::new(), "create_amount"),
        ("a prefix in small letters", "fern", String::new(), "create_amount"),
        ("no use", "FERN", number(uses + 4, 0), "create_amount"),
        ("an end that is past", "FERN", instant(ends, now), "create_amount"),
        ("an end before the beginning", "FERN", instant(starts, later) + &instant(ends, later), "create_amount"),
        ("no share", "FERN", number(WORTH, 0), "create_percentage"),
        ("more than all", "FERN", number(WORTH, 10_001), "create_percentage"),
        ("no product to be free", "FERN", String::new(), "create_free_product"),
        ("an empty customer", "FERN", number(TERMS + 8, 0), "create_free_shipping"),
        ("an empty collection", "FERN", number(collections, BLANK) + &number(collections + 4, 1), "create_amount"),
        ("collections and products", "FERN", one(collections) + &one(products), "create_amount"),
        ("free shipping for a collection", "FERN", one(collections), "create_free_shipping"),
        ("free shipping for a product", "FERN", one(products), "create_free_shipping"),
    ] {
        assert_invalid(what, |guest| code(guest, prefix, &change, function));
    }
    let many = number(collections, BLANK) + &number(collections + 4, limits::DISCOUNT_IDS + 1);
    let refused = refusal(|guest| code(guest, "FERN", &many, "create_amount"));
    assert_eq!(refused, (OVER_LIMIT, limits::DISCOUNT_IDS));
}

/// A mail to 7, of which `change` makes what it likes before it is sent. Its message stands at 1024.
fn mail(guest: &mut Guest, change: &str) -> String {
    let [customer, template] = texts(guest, ["7", "welcome"]);
    let store = |at: u32, text: Text| {
        format!(
            "(i32.store (i32.const {at}) (i32.const {})) (i32.store (i32.const {}) (i32.const {}))",
            text.at,
            at + 4,
            text.length
        )
    };
    format!(
        "{} {} {change} (call $mail_message (i32.const 1024) (i32.const {ANSWER}))",
        store(1_024, customer),
        store(1_032, template),
    )
}

#[test]
fn mails_for_no_time_or_with_guards_that_cannot_be_looked_at_are_refused() {
    let instant = |at: u32, value: u64| {
        format!("(i32.store8 (i32.const {at}) (i32.const 1)) (i64.store (i32.const {}) (i64.const {value}))", at + 8)
    };
    let (send_at, valid_until) = (1_056, 1_072);
    let far = NOW.0 + u64::try_from(limits::TIMER_AHEAD.as_millis()).unwrap() + 1;
    for (what, change) in [
        ("too far ahead", instant(send_at, far)),
        ("an end that is past", instant(valid_until, NOW.0)),
        ("an end before the beginning", instant(send_at, NOW.0 + 9) + &instant(valid_until, NOW.0 + 9)),
    ] {
        assert_invalid(what, |guest| mail(guest, &change));
    }
    for (kind, subject) in [
        ("weather-fine", "sunny"),
        ("state", ""),
        ("no-order-since", "yesterday"),
        ("order-not-cancelled", ""),
        ("code-live", "unknown"),
    ] {
        assert_invalid(kind, |guest| {
            let [kind, subject] = texts(guest, [kind, subject]);
            let store = |at: u32, value: u32| format!("(i32.store (i32.const {at}) (i32.const {value}))");
            let guard = [(512, kind.at), (516, kind.length), (520, subject.at), (524, subject.length)];
            let guards: String =
                guard.iter().chain(&[(1_088, 512), (1_092, 1)]).map(|(at, it)| store(*at, *it)).collect();
            mail(guest, &guards)
        });
    }
}

#[test]
fn what_no_platform_takes_for_an_order_is_refused() {
    let long = "x".repeat(limits::ORDER_NOTE_BYTES as usize + 1);
    for (text, expected) in [("", INVALID), (" ", INVALID), ("two\nlines", INVALID), (&long, OVER_LIMIT)] {
        for function in ["order_note", "order_gift"] {
            let refused = refusal(|guest| {
                let [order, text] = texts(guest, ["1001", text]);
                let variant = if function == "order_gift" { format!("{NONE} {NONE} {NONE}") } else { String::new() };
                format!("(call ${function} {order} {variant} {text} (i32.const {ANSWER}))")
            });
            assert_eq!(refused.0, expected, "{function} {text:.10}");
        }
    }
    assert_invalid("no tags", |guest| {
        let order = guest.text("1001");
        format!("(call $order_tag {order} {NONE} {NONE} (i32.const {ANSWER}))")
    });
    assert_invalid("no order", |guest| {
        let tags = guest.text("gift").listed();
        format!("{tags} (call $order_untag {NONE} {NONE} (i32.const {LIST}) (i32.const 1) (i32.const {ANSWER}))")
    });
}

#[test]
fn values_that_are_not_of_their_kind_are_refused() {
    for (key, kind, value) in [
        ("pb", "integer", "1"),
        ("Points", "integer", "1"),
        ("points", "number", "1"),
        ("points", "integer", "1.5"),
        ("points", "text", ""),
        ("points", "date", "2026-02-30"),
        ("points", "date", "20260228"),
        ("points", "json", "{"),
    ] {
        assert_invalid(&format!("{key} {kind} {value}"), |guest| {
            let [customer, key, kind, value] = texts(guest, ["7", key, kind, value]);
            format!("(call $metafield {customer} {key} {kind} {value} (i32.const {ANSWER}))")
        });
    }
}

#[test]
fn days_on_which_nobody_was_born_are_refused() {
    // It is 2026.
    for (year, month, day) in
        [(None, 0, 1), (None, 13, 1), (None, 4, 31), (Some(2_023), 2, 29), (Some(1_899), 1, 1), (Some(2_027), 1, 1)]
    {
        assert_invalid(&format!("{year:?}-{month}-{day}"), |guest| {
            let customer = guest.text("7");
            let (known, year) = (u8::from(year.is_some()), year.unwrap_or(0));
            format!(
                "(call $set_birthday {customer} (i32.const {known}) (i32.const {year}) (i32.const {month}) (i32.const {day})
                 (i32.const {ANSWER}))"
            )
        });
    }
}

#[test]
fn tasks_that_nobody_can_read_are_refused() {
    let open = |guest: &mut Guest, key: &str, title: &str, choices: &str| {
        let [key, title] = texts(guest, [key, title]);
        let no_ids = [NONE; 6].join(" ");
        format!(
            "(call $open_task {key} {title} {NONE} {NONE} {no_ids} {choices} {NONE} (i64.const 0) (i32.const {ANSWER}))"
        )
    };
    let no_choices = format!("{NONE} {NONE}");
    assert_invalid("no key", |guest| open(guest, "", "Is it real?", &no_choices));
    assert_invalid("no title", |guest| open(guest, "review", " ", &no_choices));
    assert_invalid("a choice without words", |guest| {
        open(guest, "review", "Is it real?", &format!("(i32.const {BLANK}) (i32.const 1)"))
    });
    let many = format!("(i32.const {BLANK}) (i32.const {})", limits::TASK_CHOICES + 1);
    assert_eq!(refusal(|guest| open(guest, "review", "Is it real?", &many)), (OVER_LIMIT, limits::TASK_CHOICES));
    let long = "x".repeat(limits::TASK_TITLE_BYTES as usize + 1);
    assert_eq!(refusal(|guest| open(guest, "review", &long, &no_choices)), (OVER_LIMIT, limits::TASK_TITLE_BYTES));
}
