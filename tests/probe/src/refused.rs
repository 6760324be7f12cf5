//! Calls that have to be refused, one beside another that is not, where a bound lies between them.

use regulars_sdk::{
    Benefit, Birthday, Context, Currency, Failure, Guard, Mail, MetafieldValue, Money, NewDiscount, ParcelGift,
    Purpose, Refusal, Result, Task, Timestamp, limits,
};

/// What is on the right side of its bound.
const ALLOWED: [&str; 9] = [
    "mail: as many guards as may be",
    "mail: as late as may be",
    "code: as many products as may be",
    "codes: as many as may be",
    "line: as long as a gift's title may be",
    "line: longer than a gift's title",
    "ship by: as late as may be",
    "birthday: the earliest",
    "birthday: today",
];

/// Answers of one note.
const TOLD_AT_ONCE: usize = 6;

struct Tried {
    answers: Vec<(&'static str, Result<(), Refusal>)>,
}

impl Tried {
    fn answer<T>(&mut self, call: &'static str, answer: Result<T, Refusal>) {
        self.answers.push((call, answer.map(drop)));
    }
}

fn text(bytes: usize) -> String {
    "x".repeat(bytes)
}

pub fn try_all(cx: &mut Context) -> Result {
    let mut tried = Tried { answers: Vec::new() };
    let euro = cx.store().currency;
    mails(cx, &mut tried);
    codes(cx, &mut tried, euro);
    money(cx, &mut tried, euro);
    orders(cx, &mut tried);
    shown(cx, &mut tried);
    others(cx, &mut tried);
    if let Some((call, _)) = tried.answers.iter().find(|(call, it)| it.is_ok() && !ALLOWED.contains(call)) {
        return Err(Failure::reject(format!("not refused: {call}")));
    }
    for (index, answers) in tried.answers.chunks(TOLD_AT_ONCE).enumerate() {
        let told: Vec<_> = answers.iter().map(|(call, answer)| (*call, format!("{answer:?}"))).collect();
        let told: Vec<_> = told.iter().map(|(call, answer)| (*call, answer.as_str())).collect();
        cx.note(&format!("answers {index}"), &told)?;
    }
    Ok(())
}

fn mails(cx: &mut Context, tried: &mut Tried) {
    let now = cx.now();
    let mail = || Mail::new("7", "word", Purpose::Service);
    let far = now.plus_days(limits::MAIL_DAYS_AHEAD);
    let guarded = |count| (0..count).fold(mail(), |mail, _| mail.guard(Guard::State("k".into())));
    for (call, mail) in [
        ("mail: as many guards as may be", guarded(limits::MAIL_GUARDS)),
        ("mail: one guard more", guarded(limits::MAIL_GUARDS + 1)),
        ("mail: as late as may be", mail().send_at(far)),
        ("mail: later", mail().send_at(Timestamp(far.0 + 1))),
        ("mail: an end that is past", mail().valid_until(now)),
        ("mail: an end at its beginning", mail().send_at(now.plus_days(1)).valid_until(now.plus_days(1))),
        ("mail: no template", Mail::new("7", "none", Purpose::Service)),
        ("mail: nobody", Mail::new("", "word", Purpose::Service)),
        ("mail: a customer of too many letters", Mail::new(text(limits::STATE_KEY_BYTES + 1), "word", Purpose::Cart)),
        ("mail: a long variable", mail().var("v", text(limits::MAIL_VAR_BYTES))),
        ("mail: a guard of no order", mail().guard(Guard::OrderNotCancelled(String::new()))),
        ("mail: a guard of a long key", mail().guard(Guard::State(text(limits::STATE_KEY_BYTES + 1)))),
    ] {
        let answer = cx.send_mail(mail);
        tried.answer(call, answer);
    }
}

fn codes(cx: &mut Context, tried: &mut Tried, euro: Currency) {
    let now = cx.now();
    let five = Benefit::Amount(Money::new(500, euro));
    let code = |prefix: &str| NewDiscount::new("7", prefix, five);
    let of = |benefit| NewDiscount::new("7", "P", benefit);
    let ids = |count: usize| vec!["71".to_owned(); count];
    let dollars = Money::new(5, "USD".parse().expect("a currency"));
    for (call, discount) in [
        ("code: no prefix", code("")),
        ("code: a long prefix", code("ABCDEFGHIJKLM")),
        ("code: small letters", code("probe")),
        ("code: nobody", NewDiscount::new("", "P", five)),
        ("code: as many products as may be", code("P").products(ids(limits::DISCOUNT_IDS))),
        ("code: one product more", code("P").products(ids(limits::DISCOUNT_IDS + 1))),
        ("code: one collection more", code("P").collections(ids(limits::DISCOUNT_IDS + 1))),
        ("code: a collection without a name", code("P").collections(vec![String::new()])),
        ("code: collections and products", code("P").collections(ids(1)).products(ids(1))),
        ("code: free shipping for a collection", of(Benefit::FreeShipping).collections(ids(1))),
        ("code: free shipping for a product", of(Benefit::FreeShipping).products(ids(1))),
        ("code: no use", code("P").uses(0)),
        ("code: an end that is past", code("P").ends_at(now)),
        ("code: an end at its beginning", code("P").starts_at(now.plus_days(1)).ends_at(now.plus_days(1))),
        ("code: a minimum below nothing", code("P").minimum_subtotal(Money::new(-1, euro))),
        ("code: a minimum in dollars", code("P").minimum_subtotal(dollars)),
        ("code: nothing off", of(Benefit::Amount(Money::zero(euro)))),
        ("code: dollars off", of(Benefit::Amount(dollars))),
        ("code: no share", of(Benefit::BasisPoints(0))),
        ("code: more than all", of(Benefit::BasisPoints(10_001))),
        ("code: no product to be free", of(Benefit::FreeProduct)),
    ] {
        let answer = cx.create_discount(discount);
        tried.answer(call, answer);
    }
    let each = || NewDiscount::open("P", Benefit::BasisPoints(1_000)).uses(1);
    let most = limits::CODES_AT_ONCE;
    for (call, discount, count) in [
        ("codes: none", each(), 0),
        ("codes: as many as may be", each(), most),
        ("codes: one more", each(), most + 1),
        ("codes: of one customer", NewDiscount::new("7", "P", five), 2),
        ("codes: for any number of uses", NewDiscount { uses: None, ..each() }, 2),
        ("codes: for two uses", each().uses(2), 2),
        ("codes: an offer", each().offer(), 2),
        ("codes: small letters", NewDiscount { prefix: "probe".into(), ..each() }, 2),
        ("codes: nothing off", NewDiscount { benefit: Benefit::BasisPoints(0), ..each() }, 0),
        ("codes: no product to be free", NewDiscount { benefit: Benefit::FreeProduct, ..each() }, 2),
    ] {
        let answer = cx.create_discounts(discount, count);
        tried.answer(call, answer);
    }
}

fn money(cx: &mut Context, tried: &mut Tried, euro: Currency) {
    let now = cx.now();
    let (none, one) = (Money::zero(euro), Money::new(1, euro));
    let dollar = Money::new(1, "USD".parse().expect("a currency"));
    for (call, customer, amount, end) in [
        ("money: nothing", "7", none, None),
        ("money: dollars", "7", dollar, None),
        ("money: nobody", "", one, None),
        ("money: an end that is past", "7", one, Some(now)),
    ] {
        let answers = (cx.credit(customer, amount, end), cx.create_gift_card(customer, amount, end));
        tried.answer(call, answers.0);
        tried.answer(call, answers.1);
    }
    let answer = cx.debit("7", none);
    tried.answer("debit: nothing", answer);
}

fn orders(cx: &mut Context, tried: &mut Tried) {
    let gift = |order: &str, variant: Option<&str>, title: String| ParcelGift {
        order_id: order.into(),
        variant_id: variant.map(Into::into),
        title,
    };
    let lines = [
        ("line: none", String::new()),
        ("line: blank", " ".into()),
        ("line: two", "one\ntwo".into()),
        ("line: a bell", "one\u{7}".into()),
        ("line: as long as a gift's title may be", text(limits::GIFT_TITLE_BYTES)),
        ("line: longer than a gift's title", text(limits::GIFT_TITLE_BYTES + 1)),
        ("line: longer than an order's note", text(limits::ORDER_NOTE_BYTES + 1)),
    ];
    for (call, line) in lines {
        let answers = (cx.add_order_note("1", &line), cx.add_gift(gift("1", None, line)));
        tried.answer(call, answers.0);
        tried.answer(call, answers.1);
    }
    let answer = cx.add_order_note("", "a line");
    tried.answer("note: no order", answer);
    let answer = cx.add_gift(gift("1", Some(""), "Soap".into()));
    tried.answer("gift: a variant without a name", answer);
    let (now, far) = (cx.now(), cx.now().plus_days(limits::SHIP_BY_DAYS_AHEAD));
    for (call, order, at) in [
        ("ship by: no order", "", far),
        ("ship by: now", "1", now),
        ("ship by: as late as may be", "1", far),
        ("ship by: later", "1", Timestamp(far.0 + 1)),
    ] {
        let answer = cx.ship_by(order, at);
        tried.answer(call, answer);
    }
    let long = text(limits::TAG_BYTES + 1);
    for (call, tags) in [
        ("tags: none", vec![]),
        ("tags: a comma", vec!["a,b"]),
        ("tags: a long one", vec![long.as_str()]),
        ("tags: too many", vec!["a"; limits::TAGS + 1]),
    ] {
        let answers = (cx.add_tags("7", &tags), cx.remove_order_tags("1", &tags));
        tried.answer(call, answers.0);
        tried.answer(call, answers.1);
    }
}

fn shown(cx: &mut Context, tried: &mut Tried) {
    let value = |text: &str| MetafieldValue::Text(text.into());
    let (least, most) = limits::METAFIELD_KEY_CHARS;
    let long = text(limits::METAFIELD_VALUE_BYTES + 1);
    for (call, key, value) in [
        ("field: a short key", text(least - 1), value("a")),
        ("field: a long key", text(most + 1), value("a")),
        ("field: capitals", "Points".into(), value("a")),
        ("field: no text", "points".into(), value("")),
        ("field: two lines", "points".into(), value("a\nb")),
        ("field: a long text", "points".into(), value(&long)),
        ("field: no JSON", "points".into(), MetafieldValue::Json("{".into())),
        ("field: long JSON", "points".into(), MetafieldValue::Json(format!("\"{long}\""))),
    ] {
        let answer = cx.set_metafield("7", &key, &value);
        tried.answer(call, answer);
    }
    let today = cx.date_of(cx.now());
    for (call, year, month, day) in [
        ("birthday: 30 February", None, 2, 30),
        ("birthday: a leap day in a common year", Some(2001), 2, 29),
        ("birthday: before anybody", Some(limits::EARLIEST_BIRTH_YEAR - 1), 12, 31),
        ("birthday: the earliest", Some(limits::EARLIEST_BIRTH_YEAR), 1, 1),
        ("birthday: today", Some(today.year), today.month, today.day),
        ("birthday: still to come", Some(today.year + 1), 1, 1),
        ("birthday: no month", None, 0, 1),
    ] {
        let answer = cx.set_birthday("7", Birthday { year, month, day });
        tried.answer(call, answer);
    }
}

fn others(cx: &mut Context, tried: &mut Tried) {
    let many = |mut task: Task, details: usize, choices: usize| {
        task.details = vec![("a".into(), "b".into()); details];
        task.choices = vec![("a".into(), "b".into()); choices];
        task
    };
    let task = || Task::new("probe", "What now?");
    for (call, task) in [
        ("task: no key", Task::new("", "What now?")),
        ("task: a blank title", Task::new("probe", " ")),
        ("task: a long title", Task::new("probe", text(limits::TASK_TITLE_BYTES + 1))),
        ("task: too many details", many(task(), limits::TASK_DETAILS + 1, 0)),
        ("task: too many choices", many(task(), 0, limits::TASK_CHOICES + 1)),
        ("task: a choice without words", task().choice("act", " ")),
        ("task: a choice without an action", task().choice("", "Yes")),
        ("task: nobody", task().customer("")),
        ("task: no order", task().order("")),
        ("task: more than fits", task().detail("all", text(limits::TASK_BYTES))),
    ] {
        let answer = cx.open_task(task);
        tried.answer(call, answer);
    }
    let far = cx.now().plus_days(limits::TIMER_DAYS_AHEAD);
    for (call, key, when, bytes) in [
        ("timer: no key", String::new(), far, 0),
        ("timer: a long key", text(limits::STATE_KEY_BYTES + 1), far, 0),
        ("timer: too late", "probe".into(), Timestamp(far.0 + 1), 0),
        ("timer: too much", "probe".into(), far, limits::TIMER_PAYLOAD_BYTES + 1),
    ] {
        let answer = cx.schedule(&key, when, &vec![0; bytes]);
        tried.answer(call, answer);
    }
    for (call, kind) in [
        ("budget: no kind", String::new()),
        ("budget: a long kind", text(limits::BUDGET_KIND_CHARS + 1)),
        ("budget: capitals", "Words".into()),
    ] {
        let answer = cx.spend(&kind, 1);
        tried.answer(call, answer);
    }
    let answer = cx.share_link("");
    tried.answer("link: nobody", answer);
    let answer = cx.note(&text(limits::NOTE_BYTES + 1), &[]);
    tried.answer("note: a long one", answer);
}
