//! Every kind of record against its golden file: what an older version wrote has to read back, byte for byte.
//!
//! A golden file is never rewritten. For a new kind or a new version, `REGULARS_WRITE_GOLDEN=1 cargo test -p regulars
//! record` writes the files that do not exist yet; then read them with your own eyes and commit them.

use std::{collections::BTreeSet, fmt, fs, path::Path};

use super::{
    EnabledRecord, Error, EventRecord, PausedRecord, PluginRecord, Position, Reconciled, Reconciliation, Record,
    SettingsRecord, SharedLink, StateUsage, StoreRecord, TimerRecord, Told, decode, encode,
};
use crate::domain::{
    Attempt, Checkout, ComponentHash, Customer, CustomerId, Effect, EffectKind, EffectStatus, Fulfillment, LineItem,
    Mail, Merge, Money, NewDiscount, Note, Order, Outcome, Platform, Refund, RefundLine, StoreId, TagChange, Timestamp,
    Topic,
};

/// Kinds of record that have been compared with a golden file.
#[derive(Default)]
struct Seen(BTreeSet<&'static str>);

impl Seen {
    fn compare<T: Record + PartialEq + fmt::Debug>(&mut self, name: &str, value: &T) {
        let path = format!("{}/src/store/golden/{name}-v{}.bin", env!("CARGO_MANIFEST_DIR"), T::VERSION);
        let encoded = encode(value);
        if std::env::var_os("REGULARS_WRITE_GOLDEN").is_some() && !Path::new(&path).exists() {
            fs::write(&path, &encoded).unwrap();
        }
        let golden =
            fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}; this file's head says what to do"));
        assert_eq!(decode::<T>(&golden).unwrap(), *value, "{name}");
        assert_eq!(encoded, golden, "{name}");
        assert_damage_is_noticed::<T>(&golden);
        self.0.insert(T::NAME);
    }
}

fn assert_damage_is_noticed<T: Record + fmt::Debug>(golden: &[u8]) {
    for end in 0..golden.len() {
        let error = decode::<T>(&golden[..end]).unwrap_err();
        assert!(matches!(&error, Error::Damaged { what, .. } if what == T::NAME), "cut at {end}: {error}");
    }
    for at in 1..golden.len() {
        let mut changed = golden.to_vec();
        changed[at] ^= 0xff;
        // It may read as another value; what it must not do is end the program or blame anything else.
        if let Err(error) = decode::<T>(&changed) {
            assert!(matches!(error, Error::Damaged { .. }), "changed at {at}: {error}");
        }
    }
    let mut newer = golden.to_vec();
    newer[0] = T::VERSION + 1;
    let error = decode::<T>(&newer).unwrap_err();
    assert!(matches!(error, Error::TooNew { what, found: 2, known: 1 } if what == T::NAME), "{error}");
    newer[0] = 0;
    assert!(matches!(decode::<T>(&newer), Err(Error::Damaged { .. })));
}

fn eur(minor: i64) -> Money {
    Money::new(minor, "EUR".parse().unwrap())
}

fn at(day: u64) -> Timestamp {
    Timestamp(1_791_000_000_000 + day * 86_400_000)
}

fn some(text: &str) -> Option<String> {
    Some(text.into())
}

pub(super) fn store() -> StoreRecord {
    StoreRecord {
        id: StoreId(3),
        platform: Platform::Shopify,
        domain: "fern.myshopify.com".into(),
        name: "Fern & Fable".into(),
        url: "https://fern.example".into(),
        currency: "EUR".parse().unwrap(),
        time_zone: "Europe/Berlin".into(),
        locale: "de-DE".into(),
        secrets: vec!["first".into(), "second".into()],
        access_token: some("token"),
        api_url: some("http://127.0.0.1:9"),
        added_at: at(0),
        removed_at: Some(at(1)),
    }
}

fn event() -> EventRecord {
    let attempt = Attempt {
        plugin: "points".into(),
        component: ComponentHash::of(b"points"),
        settings_version: 4,
        attempt: 2,
        at: at(2),
        fuel: 123_456,
        outcome: Outcome::Done,
        notes: vec![Note { reason: "earned".into(), fields: vec![("points".into(), "42".into())] }],
        reads: vec!["member/7".into(), "ledger/*".into()],
        effects: vec!["abcdefghijklmnopqrstuvwxyz".into()],
    };
    let retrying = Outcome::Retrying { due: at(3), reason: "not now".into() };
    let dead = Outcome::Dead { reason: "never".into() };
    EventRecord {
        position: Position(1_000_000),
        id: "webhook/b1946ac9".into(),
        topic: Topic::ORDER_PAID,
        platform_topic: some("orders/paid"),
        occurred_at: at(0),
        received_at: at(1),
        customer: Some("7".into()),
        order: Some("9007199254740993001".into()),
        unreadable: some("cannot read `id`: it is missing"),
        read_again: some("9007199254740993001"),
        deliveries: vec![
            Attempt { outcome: retrying, ..attempt.clone() },
            Attempt { outcome: dead, ..attempt.clone() },
            attempt,
        ],
    }
}

fn customer() -> Customer {
    Customer {
        id: "7".into(),
        email: some("mira@example.com"),
        phone: some("+49 151 0000000"),
        first_name: some("Mira"),
        last_name: some("Okonjo"),
        locale: some("de"),
        tags: vec!["vip".into(), "Gast".into()],
        accepts_marketing: Some(true),
        consent_at: Some(at(4)),
        created_at: Some(at(0)),
        updated_at: at(5),
        merged_into: Some("8".into()),
        deleted: true,
    }
}

fn order() -> Order {
    Order {
        id: "9007199254740993001".into(),
        name: "#1042".into(),
        customer: Some("7".into()),
        email: some("mira@example.com"),
        test: true,
        source: some("web"),
        tags: vec!["gift".into()],
        financial_status: some("paid"),
        placed_at: at(1),
        cancelled_at: Some(at(2)),
        updated_at: at(3),
        taxes_included: true,
        lines: vec![LineItem {
            id: "18446744073709551610".into(),
            product: Some("9007199254740993".into()),
            sku: some("TEA-1"),
            title: "Tea".into(),
            quantity: 3,
            current_quantity: 2,
            gift_card: false,
            unit_price: eur(1_999),
            discount: eur(498),
            tax: eur(794),
        }],
        subtotal: eur(4_482),
        shipping: eur(490),
        tax: eur(794),
        tip: eur(250),
        total: eur(4_972),
        discount_codes: vec!["HERBST10".into()],
    }
}

fn refund() -> Refund {
    let line = RefundLine {
        line: "18446744073709551610".into(),
        quantity: 1,
        subtotal: eur(1_500),
        tax: eur(285),
        gift_card: true,
    };
    Refund {
        id: "8900881860478920001".into(),
        order: "9007199254740993001".into(),
        refunded_at: at(4),
        lines: vec![line],
        shipping: Some(eur(412)),
        adjustment: Some(Money::new(500, "JPY".parse().unwrap())),
    }
}

fn effect(kind: EffectKind, status: EffectStatus) -> Effect {
    Effect {
        id: "abcdefghijklmnopqrstuvwxyz".into(),
        plugin: "points".into(),
        event: "webhook/b1946ac9".into(),
        kind,
        after: Some("zyxwvutsrqponmlkjihgfedcba".into()),
        status,
        attempts: 3,
        queued_at: at(1),
        updated_at: at(2),
    }
}

#[test]
fn every_kind_of_record_reads_and_writes_as_its_golden_file() {
    let mut seen = Seen::default();
    seen.compare("store", &store());
    let component = ComponentHash::of(b"points");
    let plugin = PluginRecord { name: "points".into(), version: "1.2.3".into(), component, installed_at: at(0) };
    seen.compare("plugin", &plugin);
    let grants = vec!["discounts".into(), "mail".into()];
    seen.compare("enabled", &EnabledRecord { grants, settings_version: 4, enabled_at: at(0) });
    seen.compare("settings", &SettingsRecord { json: r#"{"per_euro":2}"#.into(), saved_at: at(0) });
    let reason = "20 deliveries in a row failed".into();
    seen.compare("paused", &PausedRecord { since: at(3), reason, failures: 20, resumed_at: Some(at(4)) });
    seen.compare("event", &event());
    let waiting = Outcome::Waiting { reason: "the plugin is paused".into() };
    let deliveries = vec![Attempt { outcome: waiting, attempt: 0, ..event().deliveries.remove(0) }];
    seen.compare("event-waiting", &EventRecord { deliveries, ..event() });
    seen.compare("timer", &TimerRecord { due: at(9), payload: vec![0, 1, 255] });
    seen.compare("state-usage", &StateUsage { keys: 12, bytes: 34_567 });
    seen.compare("customer", &customer());
    seen.compare("order", &order());
    seen.compare("refund", &refund());
    let fulfillment = Fulfillment {
        id: "5001".into(),
        order: "9007199254740993001".into(),
        status: some("success"),
        shipment_status: some("delivered"),
        tracking_number: some("00340434"),
        tracking_url: some("https://track.example/00340434"),
        updated_at: at(5),
    };
    seen.compare("fulfillment", &fulfillment);
    let checkout = Checkout {
        id: "5d9c1b7aa0".into(),
        customer: Some("7".into()),
        email: some("mira@example.com"),
        recovery_url: some("https://fern.example/recover"),
        total: Some(eur(4_972)),
        completed_at: Some(at(1)),
        updated_at: at(1),
    };
    seen.compare("checkout", &checkout);
    let told = Told { by_webhook: 3, by_read: 4, refunds_by_read: vec!["9".into()], updates_until: Some(at(2)) };
    seen.compare("told", &told);
    let latest = Reconciled {
        started_at: at(2),
        ended_at: Some(at(3)),
        from: at(0),
        to: at(2),
        pages: 3,
        looked_at: 60,
        repaired: 2,
        duplicates: 118,
        late_max: 7_200_000,
        late_median: 900_000,
        error: some("the storefront is down"),
    };
    seen.compare("reconciliation", &Reconciliation { until: at(2), more: true, repaired: 5, latest });
    seen.compare("link", &SharedLink { store: StoreId(3), plugin: "referrals".into(), customer: "7".into() });
    seen.compare("positions", &vec![Position(3), Position(300)]);
    seen.compare("merge", &Merge { kept: "8".into(), removed: "7".into(), completed: true });
    let mail = Mail { customer: "7".into(), template: "earned".into(), vars: [("points".into(), "42".into())].into() };
    let pending = EffectStatus::Pending { due: at(3), last_error: some("greylisted") };
    seen.compare("effect-mail", &effect(EffectKind::Mail(mail), pending));
    let discount = NewDiscount {
        customer: "7".into(),
        code: "FERN-ABCDEFGHIJ".into(),
        value: eur(500),
        minimum_subtotal: Some(eur(2_000)),
        starts_at: at(1),
        ends_at: Some(at(31)),
    };
    let done = EffectStatus::Done { receipt: "gid://shopify/DiscountCodeNode/1".into() };
    seen.compare("effect-discount", &effect(EffectKind::CreateDiscount(discount), done));
    let tags = TagChange { customer: "7".into(), add: vec!["vip".into()], remove: vec!["new".into()] };
    let dead = EffectStatus::Dead { reason: "no such customer".into() };
    seen.compare("effect-tags", &effect(EffectKind::ChangeTags(tags.clone()), dead));
    let dropped = EffectStatus::Dropped { reason: "the store has been removed".into() };
    seen.compare("effect-dropped", &effect(EffectKind::ChangeTags(tags), dropped));
    seen.compare("position", &Position(1_000_000));
    seen.compare("customer-id", &CustomerId::from("9107200431558877203"));
    seen.compare("counter", &300_u32);
    seen.compare("time", &at(2));
    assert_eq!(seen.0, super::record::NAMES.iter().copied().collect(), "every kind has its golden file");
}
