//! The plugins of the simulated shops: small guests that keep a ledger, set timers, queue effects, and fail at first.
//!
//! What they leave behind does not hang on the order of the events, or only in ways that the comparison knows of.

use crate::{
    domain::Capability,
    engine::guest::{Guest, Text},
    store::budget::{BudgetBound, MONEY, Period},
};

pub const LEDGER: &str = "ledger";
pub const MILESTONE: &str = "milestone";
pub const CLERK: &str = "clerk";
pub const VOUCHER: &str = "voucher";

/// Every how many paid orders there is a milestone.
pub const MILESTONES: u32 = 3;

/// A plugin as it is installed, and bounded in every shop.
pub struct Source {
    pub name: &'static str,
    pub topics: &'static [&'static str],
    pub capabilities: &'static [Capability],
    pub bounds: Vec<BudgetBound>,
    pub module: Vec<u8>,
}

pub fn all() -> [Source; 4] {
    let topics = &["order.paid", "order.refunded"];
    // More than all orders can cost: it is there so that everything is counted.
    let money = BudgetBound { kind: MONEY.into(), period: Period::Ever, limit: 1_000_000_000 };
    let source = |name, capabilities, module| Source { name, topics, capabilities, bounds: Vec::new(), module };
    [
        source(LEDGER, &[Capability::Mail, Capability::Discounts, Capability::Tags], ledger()),
        source(MILESTONE, &[Capability::Mail], milestone()),
        source(CLERK, &[], clerk()),
        Source {
            topics: &["order.paid", "effect.done"],
            bounds: vec![money],
            ..source(VOUCHER, &[Capability::Discounts], voucher())
        },
    ]
}

/// Where a call leaves the customer or the order: room for all that the records hold.
const FACT: u32 = 512;
/// Where calls leave timers, issued discounts, and answers that nobody looks at.
const TIMER: u32 = 300;
const ISSUED: u32 = 340;
const IGNORED: u32 = 380;
/// A list of one name and value, and a text of one letter.
const VARS: u32 = 420;
const LETTER: u32 = 448;

fn load(at: u32) -> String {
    format!("(i32.load (i32.const {at}))")
}

fn byte(at: u32) -> String {
    format!("(i32.load8_u (i32.const {at}))")
}

/// A text whose place and length stand there: two arguments of a call.
fn text_at(at: u32) -> String {
    format!("{} {}", load(at), load(at + 4))
}

fn store(at: u32, value: &str) -> String {
    format!("(i32.store (i32.const {at}) {value})")
}

const ID: &str = "(local.get $id) (local.get $id_len)";

/// Whether the topic is of that length and begins with that letter, in which the ones used here differ.
fn topic_is(topic: &str) -> String {
    let (length, letter) = (topic.len(), topic.as_bytes()[0]);
    format!(
        "(i32.and (i32.eq (local.get $topic_len) (i32.const {length}))
             (i32.eq (i32.load8_u (local.get $topic)) (i32.const {letter})))"
    )
}

/// Takes the order's id for the event's: a step of an order is the same whichever event tells it.
fn name_by_order() -> String {
    format!(
        "(call $event_order (i32.const {FACT})) (local.set $id {}) (local.set $id_len {})",
        load(FACT + 8),
        load(FACT + 12),
    )
}

/// Fails up to three times, in two ways, as the last letter of the id says.
fn fail_at_first(why: Text) -> String {
    let last =
        "(i32.and (i32.load8_u (i32.sub (i32.add (local.get $id) (local.get $id_len)) (i32.const 1))) (i32.const 3))";
    format!(
        "(local.set $n {last})
         (if (i32.le_u (local.get $attempt) (local.get $n)) (then
             (if (i32.and (i32.eq (local.get $attempt) (i32.const 1)) (i32.ge_u (local.get $n) (i32.const 2)))
                 (then (unreachable)))
             (return (call $retry {why}))))"
    )
}

/// Counts paid orders and actions, each by its id and all together; gives each a discount and a mail that waits for it,
/// and orders a timer. The timer counts once more and mails and tags the customer.
fn ledger() -> Vec<u8> {
    let mut guest = Guest::default();
    let (total, why, prefix, euro) =
        (guest.text("total"), guest.text("not yet"), guest.text("FERN"), guest.text("EUR"));
    let (template, code, earned, tag) =
        (guest.text("welcome"), guest.text("code"), guest.text("it was earned"), guest.text("vip"));
    let nobody = guest.text("it has no customer");
    let (fact, timer, issued, ignored, vars) = (FACT, TIMER, ISSUED, IGNORED, VARS);
    let customer = text_at(FACT + 8);
    let owner = text_at(TIMER + 12);
    let fired = format!(
        "(call $timer (i32.const {timer}))
         (call $count {key})
         (call $mail {owner} {template} (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const {ignored}))
         {tags}
         (call $tag {owner} (i32.const 200) (i32.const 1) (i32.const {ignored}))
         {fail}
         (return (i32.const 0))",
        key = text_at(TIMER + 4),
        tags = tag.listed(),
        fail = fail_at_first(why),
    );
    let body = format!(
        "(if {is_timer} (then {fired}))
         (if (i32.eqz (i32.or {is_paid} {is_action})) (then (return (i32.const 0))))
         (if {is_paid} (then {order}))
         (call $count {total})
         (call $count {ID})
         (call $event_customer (i32.const {fact}))
         (if (i32.eqz {has_customer}) (then (return (call $reject {nobody}))))
         (if {is_paid} (then
             (call $timer_at {ID} (i64.add (call $now) (i64.const 2000)) {customer} (i32.const {ignored}))))
         (call $discount {customer} {prefix} (i64.const 500) {euro}
             (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i64.const 0) (i32.const {issued}))
         {name} {name_length} {value} {value_length}
         (call $mail {customer} {template} (i32.const {vars}) (i32.const 1) (i32.const 1) {effect} (i32.const {ignored}))
         (call $note {earned} (i32.const 0) (i32.const 0) (i32.const {ignored}))
         {fail}",
        is_timer = topic_is("timer.fired"),
        is_paid = topic_is("order.paid"),
        is_action = topic_is("shopper.action"),
        order = name_by_order(),
        has_customer = byte(FACT),
        name = store(VARS, &format!("(i32.const {})", code.at)),
        name_length = store(VARS + 4, &format!("(i32.const {})", code.length)),
        value = store(VARS + 8, &load(ISSUED + 12)),
        value_length = store(VARS + 12, &load(ISSUED + 16)),
        effect = text_at(ISSUED + 4),
        fail = fail_at_first(why),
    );
    guest.module(&body)
}

/// Mails the customer of every third paid order, whichever order that is.
fn milestone() -> Vec<u8> {
    let mut guest = Guest::default();
    let (seen, template, name) = (guest.text("seen"), guest.text("welcome"), guest.text("number"));
    let body = format!(
        "(if (i32.eqz {is_paid}) (then (return (i32.const 0))))
         (call $count {seen})
         (local.set $n (i32.load (i32.const 128)))
         (if (i32.eqz (i32.rem_u (local.get $n) (i32.const {MILESTONES}))) (then
             (call $event_customer (i32.const {FACT}))
             (i32.store8 (i32.const {LETTER}) (i32.add (local.get $n) (i32.const 48)))
             {vars}
             (call $mail {customer} {template} (i32.const {VARS}) (i32.const 1)
                 (i32.const 0) (i32.const 0) (i32.const 0) (i32.const {IGNORED}))))",
        is_paid = topic_is("order.paid"),
        vars = [
            store(VARS, &format!("(i32.const {})", name.at)),
            store(VARS + 4, &format!("(i32.const {})", name.length)),
            store(VARS + 8, &format!("(i32.const {LETTER})")),
            store(VARS + 12, "(i32.const 1)"),
        ]
        .concat(),
        customer = text_at(FACT + 8),
    );
    guest.module(&body)
}

/// Counts refunds, by order and all together; each waits until its order is known. Counts paid orders too, but refuses
/// every other one for good, after it has written to its state.
fn clerk() -> Vec<u8> {
    let mut guest = Guest::default();
    let (total, paid) = (guest.text("total"), guest.text("paid"));
    let (unknown, refused) = (guest.text("its order is not known yet"), guest.text("not this one"));
    let body = format!(
        "(if {is_paid} (then
             (call $count {paid})
             {order}
             (if (i32.and (i32.const 1) (i32.load8_u (i32.sub (i32.add (local.get $id) (local.get $id_len)) (i32.const 1))))
                 (then (return (call $reject {refused}))))))
         (if (i32.eqz {is_refund}) (then (return (i32.const 0))))
         {order}
         (if (i32.eqz {known}) (then (return (call $retry {unknown}))))
         (call $count {total})
         (call $count {ID})",
        is_paid = topic_is("order.paid"),
        is_refund = topic_is("order.refunded"),
        order = name_by_order(),
        known = byte(FACT),
    );
    guest.module(&body)
}

/// Gives each paid order a code and, where the order's id is odd, disables it soon after. Counts the codes that it is told
/// have ended.
fn voucher() -> Vec<u8> {
    let mut guest = Guest::default();
    let (prefix, euro, ended, why) =
        (guest.text("MOSS"), guest.text("EUR"), guest.text("ended"), guest.text("not yet"));
    let (fact, timer, issued, ignored) = (FACT, TIMER, ISSUED, IGNORED);
    let fail = fail_at_first(why);
    let key_end = format!("(i32.add {} {})", load(TIMER + 4), load(TIMER + 8));
    // Of an end the payload begins with the code, of a making with the customer.
    let second = format!("(i32.load8_u (i32.add {} (i32.const 3)))", load(FACT));
    let count_if_ended = format!("(if (i32.eq {second} (i32.const 111)) (then (call $count {ended})))");
    let body = format!(
        "(if {is_timer} (then
             (call $timer (i32.const {timer}))
             (if (i32.and (i32.const 1) (i32.load8_u (i32.sub {key_end} (i32.const 1)))) (then
                 (call $disable {code_effect} (i32.const {ignored}))))
             {fail}
             (return (i32.const 0))))
         (if {is_done} (then
             (call $payload (i32.const {fact}))
             {count_if_ended}
             {fail}
             (return (i32.const 0))))
         {order}
         (call $event_customer (i32.const {fact}))
         (call $discount {customer} {prefix} (i64.const 500) {euro}
             (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i64.const 0) (i32.const {issued}))
         (call $timer_at {ID} (i64.add (call $now) (i64.const 700)) {effect} (i32.const {ignored}))
         {fail}",
        is_timer = topic_is("timer.fired"),
        is_done = topic_is("effect.done"),
        code_effect = text_at(TIMER + 12),
        order = name_by_order(),
        customer = text_at(FACT + 8),
        effect = text_at(ISSUED + 4),
    );
    guest.module(&body)
}
