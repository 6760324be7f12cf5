//! Every kind of record against its golden file: what an older version wrote has to read back, byte for byte.
//!
//! A golden file is never rewritten. For a new kind or a new version, `REGULARS_WRITE_GOLDEN=1 cargo test -p regulars
//! record` writes the files that do not exist yet; then read them with your own eyes and commit them.

use std::{collections::BTreeSet, fmt, fs, path::Path, time::Duration};

use super::{
    Access, AdobeServices, Counts, Credentials, EnabledRecord, Error, EventRecord, Forgetting, History,
    KeptCredentials, LastChange, Letterhead, PausedRecord, PluginRecord, Position, ProductsRead, Progress, Reconciled,
    Reconciliation, Record, Refresh, SealKey, SettingsRecord, SharedLink, StateUsage, StoreRecord, StoreTerms,
    TaskRecord, TemplateOverride, TimerRecord, Told, Vault,
    budget::{BudgetBound, Counted, Counter, Period},
    decode, encode,
};
use crate::domain::{
    Act, Actor, Attempt, AuditEntry, Benefit, Birthday, BirthdayChange, Checkout, ComponentHash, ConsentChange,
    Contact, Customer, CustomerHash, CustomerId, DiscountBatch, DiscountEnd, Effect, EffectId, EffectKind,
    EffectStatus, Fulfillment, Guard, LineItem, Mail, Merge, Metafield, Money, NewDiscount, NewGiftCard, Note, Order,
    OrderNote, OrderTagChange, Outcome, ParcelGift, Platform, Product, ProtectedData, Purpose, Refund, RefundLine,
    SentMail, ShipBy, Signal, SignalKind, StoreCredit, StoreId, Suppression, SuppressionCause, TagChange, Timestamp,
    Topic,
};

/// Kinds of record that have been compared with a golden file.
#[derive(Default)]
struct Seen(BTreeSet<&'static str>);

impl Seen {
    fn compare<T: Record + PartialEq + fmt::Debug>(&mut self, name: &str, value: &T) {
        let path = golden_file(name, T::VERSION);
        let encoded = encode(value);
        if std::env::var_os("REGULARS_WRITE_GOLDEN").is_some() && !Path::new(&path).exists() {
            fs::write(&path, &encoded).unwrap();
        }
        let golden =
            fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}; this file's head says what to do"));
        assert_eq!(decode::<T>(&golden).unwrap(), *value, "{name}");
        assert_eq!(encoded, golden, "{name}");
        assert_damage_is_noticed::<T>(&golden);
        let newer = [&[T::VERSION + 1], &golden[1..]].concat();
        let (found, known) = (u32::from(T::VERSION) + 1, u32::from(T::VERSION));
        let error = decode::<T>(&newer).unwrap_err();
        assert_eq!(error.to_string(), Error::TooNew { what: T::NAME, found, known }.to_string());
        self.0.insert(T::NAME);
    }
}

/// What an older version wrote reads as this.
fn assert_older_reads_as<T: Record + PartialEq + fmt::Debug>(name: &str, version: u8, value: &T) {
    let golden = fs::read(golden_file(name, version)).unwrap();
    assert_eq!(golden[0], version);
    assert_eq!(decode::<T>(&golden).unwrap(), *value, "{name}");
    assert_damage_is_noticed::<T>(&golden);
}

fn golden_file(name: &str, version: u8) -> String {
    format!("{}/src/store/golden/{name}-v{version}.bin", env!("CARGO_MANIFEST_DIR"))
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
    let unknown = [&[0], &golden[1..]].concat();
    assert!(matches!(decode::<T>(&unknown), Err(Error::Damaged { .. })));
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

fn vault() -> Vault {
    Vault::new(SealKey::new(&[7; 32]), Vec::new())
}

fn credentials() -> Credentials {
    let refresh = Refresh { token: "next".into(), expires_at: at(90) };
    let access = Access {
        token: "token".into(),
        expires_at: Some(at(1)),
        refresh: Some(refresh),
        scopes: vec!["read_orders".into(), "write_discounts".into()],
    };
    Credentials { secrets: vec!["first".into(), "second".into()], access: Some(access) }
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
        credentials: KeptCredentials::seal(&vault(), StoreId(3), &credentials()),
        api_url: some("http://127.0.0.1:9"),
        added_at: at(0),
        installed_at: at(0),
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
        email_verified: true,
        phone: some("+49 151 0000000"),
        first_name: some("Mira"),
        last_name: some("Okonjo"),
        locale: some("de"),
        tags: vec!["vip".into(), "Gast".into()],
        accepts_marketing: Some(true),
        consent_at: Some(at(4)),
        consented_at: Some(at(3)),
        birthday: Some(Birthday { year: Some(1988), month: 2, day: 29 }),
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
        fulfillment_status: some("partial"),
        placed_at: at(1),
        cancelled_at: Some(at(2)),
        updated_at: at(3),
        taxes_included: true,
        lines: vec![LineItem {
            id: "18446744073709551610".into(),
            product: Some("9007199254740993".into()),
            variant: some("9007199254741070"),
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
        country: some("DE"),
        attributes: vec![("regulars_link".into(), "K3JQ7PZ2".into())],
        signals: vec![Signal::of(SignalKind::Email, "mira@example.com"), Signal::of(SignalKind::Ip, "203.0.113.7")],
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

fn contact() -> Contact {
    Contact {
        customer: Some("7".into()),
        mails: vec![SentMail {
            effect: "abcdefghijklmnopqrstuvwxyz".into(),
            at: at(1),
            marketing: true,
            bounced: true,
        }],
        unsubscribed_at: Some(at(2)),
        topics_off: ["points".into()].into(),
        paused_until: Some(at(30)),
        suppression: Some(Suppression {
            cause: SuppressionCause::Complaint,
            since: at(3),
            detail: "feedback: abuse".into(),
        }),
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

/// One of each kind, and of each status; of the first four an older version wrote as well.
fn effects() -> Vec<(&'static str, Effect)> {
    let mail = Mail {
        customer: "7".into(),
        template: "earned".into(),
        vars: [("points".into(), "42".into())].into(),
        purpose: Purpose::WinBack,
        send_at: at(3),
        valid_until: at(9),
        guards: vec![
            Guard::NoOrderSince(at(1)),
            Guard::OrderNotCancelled("9007199254740993001".into()),
            Guard::CodeLive("zyxwvutsrqponmlkjihgfedcba".into()),
            Guard::State("member/7".into()),
        ],
    };
    let discount = NewDiscount {
        customer: Some("7".into()),
        code: "FERN-ABCDEFGHIJ".into(),
        benefit: Benefit::BasisPoints(1_250),
        minimum_subtotal: Some(eur(2_000)),
        collections: vec!["841564295".into()],
        products: vec!["9007199254740993".into()],
        starts_at: at(1),
        ends_at: Some(at(31)),
        uses: Some(3),
        once_per_customer: false,
        combines: true,
        offer: true,
    };
    let of = |benefit| EffectKind::CreateDiscount(NewDiscount { benefit, uses: None, ..discount.clone() });
    let tags = TagChange { customer: "7".into(), add: vec!["vip".into()], remove: vec!["new".into()] };
    let order_tags =
        OrderTagChange { order: "9007199254740993001".into(), add: vec!["gift".into()], remove: vec!["new".into()] };
    let end = DiscountEnd { made_by: "zyxwvutsrqponmlkjihgfedcba".into(), code: "FERN-ABCDEFGHIJ".into() };
    let credit = StoreCredit { customer: "7".into(), amount: eur(-500), expires_at: Some(at(31)) };
    let card =
        NewGiftCard { customer: "7".into(), code: "fernabcdefghij".into(), amount: eur(500), ends_at: Some(at(31)) };
    let gift = ParcelGift { order: "9007199254740993001".into(), variant: some("41"), title: "Tea sample".into() };
    let metafield = Metafield {
        customer: "7".into(),
        plugin: "points".into(),
        key: "points_balance".into(),
        kind: "integer".into(),
        value: "42".into(),
    };
    let batch = DiscountBatch {
        first: NewDiscount { customer: None, uses: Some(1), offer: false, ..discount.clone() },
        others: vec!["FERN-KLMNOPQRST".into()],
    };
    let ship_by = ShipBy { order: "9007199254740993001".into(), at: at(9) };
    let birthday = Birthday { year: None, month: 2, day: 29 };
    let pending = EffectStatus::Pending { due: at(3), last_error: some("greylisted") };
    let done = EffectStatus::Done { receipt: "gid://shopify/DiscountCodeNode/1".into() };
    let consent = ConsentChange { customer: "7".into(), accepts_marketing: true, said_at: at(8) };
    let dead = EffectStatus::Dead { reason: "no such customer".into() };
    let dropped = EffectStatus::Dropped { reason: "the store has been removed".into() };
    vec![
        ("effect-mail", effect(EffectKind::Mail(mail), pending)),
        ("effect-discount", effect(EffectKind::CreateDiscount(discount.clone()), done.clone())),
        ("effect-tags", effect(EffectKind::ChangeTags(tags.clone()), dead)),
        ("effect-dropped", effect(EffectKind::ChangeTags(tags), dropped)),
        ("effect-discount-amount", effect(of(Benefit::Amount(eur(500))), done.clone())),
        ("effect-discount-shipping", effect(of(Benefit::FreeShipping), done.clone())),
        ("effect-discount-product", effect(of(Benefit::FreeProduct), done.clone())),
        ("effect-discount-end", effect(EffectKind::DisableDiscount(end), done.clone())),
        ("effect-credit", effect(EffectKind::StoreCredit(credit), done.clone())),
        ("effect-gift-card", effect(EffectKind::CreateGiftCard(card), done.clone())),
        (
            "effect-order-note",
            effect(
                EffectKind::AddOrderNote(OrderNote { order: "9007199254740993001".into(), text: "Hi".into() }),
                done.clone(),
            ),
        ),
        ("effect-order-tags", effect(EffectKind::ChangeOrderTags(order_tags), done.clone())),
        ("effect-order-gift", effect(EffectKind::AddParcelGift(gift), done.clone())),
        ("effect-discount-many", effect(EffectKind::CreateDiscounts(batch), done.clone())),
        ("effect-order-ship-by", effect(EffectKind::SetShipBy(ship_by), done.clone())),
        ("effect-metafield", effect(EffectKind::SetMetafield(metafield), done.clone())),
        (
            "effect-birthday",
            effect(EffectKind::SetBirthday(BirthdayChange { customer: "7".into(), birthday }), done.clone()),
        ),
        ("effect-consent", effect(EffectKind::SetConsent(consent), done)),
    ]
}

#[test]
fn every_kind_of_record_reads_and_writes_as_its_golden_file() {
    let mut seen = Seen::default();
    seen.compare("store", &store());
    seen.compare("credentials", &credentials());
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
    let product = Product {
        id: "9007199254740993".into(),
        title: "Tea".into(),
        kind: some("Drinks"),
        vendor: some("Fern & Fable"),
        tags: vec!["organic".into()],
        collections: vec!["841564295".into()],
        updated_at: at(5),
        deleted: true,
    };
    seen.compare("product", &product);
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
    let history = History {
        started_at: at(1),
        ended_at: Some(at(3)),
        has_customers: true,
        place: some("gid://shopify/BulkOperation/7 1048576"),
        customers: Progress { found: 1_204, known: 17 },
        orders: Progress { found: 4_032, known: 12 },
        refunds: Progress { found: 88, known: 1 },
        since: Some(at(0)),
        is_cut: true,
        unreadable: 2,
        unreadable_first: some("orders' file: a line cannot be read"),
        begun_anew: 1,
        stopped: true,
        error: some("no answer"),
    };
    seen.compare("history", &history);
    let counts = Counts {
        counted_at: at(3),
        from: at(0),
        until: at(2),
        orders: (4_033, 4_032),
        customers: (1_204, 1_205),
        is_repairing: true,
        error: some("no answer"),
    };
    seen.compare("counts", &counts);
    let read = ProductsRead { until: at(2), round_began_at: at(1), round_ended_at: Some(at(3)) };
    seen.compare("products-read", &read);
    seen.compare("reconciliation", &Reconciliation { until: at(2), more: true, repaired: 5, latest });
    seen.compare("contact", &contact());
    let texts = [("subject".to_owned(), "Tea time".to_owned())].into();
    let changed = TemplateOverride { texts, mjml: some("<mjml></mjml>"), text: some("Tea"), saved_at: at(1) };
    seen.compare("template-override", &changed);
    seen.compare("letterhead", &Letterhead { postal_address: some("1 Mill Lane, Ashby") });
    let terms = StoreTerms { protected_data: ProtectedData::Level1, scopes_told_at: at(2) };
    seen.compare("store-terms", &terms);
    let audited = AuditEntry {
        at: at(2),
        act: Act::CustomerRedacted,
        by: Actor::Platform,
        store: StoreId(3),
        domain: "fern.myshopify.com".into(),
        customer: Some(CustomerHash([7; 16])),
        event: some("webhook/b1946ac9"),
    };
    seen.compare("audit-entry", &audited);
    let orders = vec!["9007199254740993001".into()];
    let forgetting = Forgetting {
        told: "8".into(),
        customers: vec!["7".into(), "8".into()],
        orders,
        signals: Signal::email("mira@example.com").into_iter().collect(),
        event: "webhook/b1946ac9".into(),
        position: Some(Position(7)),
    };
    seen.compare("forgetting", &forgetting);
    let services = AdobeServices { client_id: some("0a1b2c"), webhook_key: some("-----BEGIN PUBLIC KEY-----") };
    seen.compare("adobe-services", &services);
    seen.compare("link", &SharedLink { store: StoreId(3), plugin: "referrals".into(), customer: "7".into() });
    let task = TaskRecord {
        title: "Is this referral real?".into(),
        details: vec![("Order".into(), "#1042".into())],
        customer: Some("7".into()),
        order: Some("9007199254740993001".into()),
        choices: vec![("approve".into(), "Pay both rewards".into())],
        due: Some(at(14)),
        opened_at: at(1),
    };
    seen.compare("task", &task);
    let bounds = [(Period::Day, 3), (Period::Month, 50), (Period::Ever, 300)];
    let bounds = bounds.map(|(period, limit)| BudgetBound { kind: "gifts".into(), period, limit });
    seen.compare("budget", &bounds.to_vec());
    let counters =
        vec![Counter { period: Period::Month, number: 202_610 }, Counter { period: Period::Ever, number: 0 }];
    seen.compare("counted", &Counted { kind: "money".into(), amount: 500, counters });
    seen.compare("last-change", &LastChange { effect: "abcdefghijklmnopqrstuvwxyz".into() });
    seen.compare("effect-id", &EffectId::from("abcdefghijklmnopqrstuvwxyz"));
    seen.compare("amount", &300_000_u64);
    seen.compare("positions", &vec![Position(3), Position(300)]);
    seen.compare("merge", &Merge { kept: "8".into(), removed: "7".into(), completed: true });
    for (name, effect) in effects() {
        seen.compare(name, &effect);
    }
    seen.compare("position", &Position(1_000_000));
    seen.compare("customer-id", &CustomerId::from("9107200431558877203"));
    seen.compare("counter", &300_u32);
    seen.compare("time", &at(2));
    assert_eq!(seen.0, super::record::NAMES.iter().copied().collect(), "every kind has its golden file");
}

#[test]
fn a_store_that_an_older_version_wrote_has_its_credentials_in_clear_and_a_token_that_lasts() {
    let credentials = Credentials { access: Some(Access::lasting("token")), ..credentials() };
    assert_older_reads_as("store", 1, &StoreRecord { credentials: KeptCredentials::Clear(credentials), ..store() });
}

#[test]
fn a_customer_that_an_older_version_wrote_is_not_known_to_have_consented_anew() {
    assert_older_reads_as("customer", 2, &Customer { consented_at: None, ..customer() });
}

#[test]
fn a_customer_that_the_first_version_wrote_has_no_birthday_and_no_verified_address() {
    let known = Customer { consented_at: None, ..customer() };
    assert_older_reads_as("customer", 1, &Customer { email_verified: false, birthday: None, ..known });
}

#[test]
fn an_order_that_an_older_version_wrote_has_the_signal_of_its_address_alone() {
    let mut old = Order {
        fulfillment_status: None,
        country: None,
        attributes: Vec::new(),
        signals: vec![Signal::email("mira@example.com").unwrap()],
        ..order()
    };
    old.lines.iter_mut().for_each(|line| line.variant = None);
    assert_older_reads_as("order", 1, &old);
}

#[test]
fn an_effect_that_an_older_version_wrote_means_what_it_meant_then() {
    for (name, effect) in effects().into_iter().take(4) {
        let kind = match effect.kind {
            EffectKind::Mail(mail) => EffectKind::Mail(Mail {
                purpose: Purpose::Transactional,
                send_at: effect.queued_at,
                valid_until: effect.queued_at + Duration::from_secs(3 * 86_400),
                guards: Vec::new(),
                ..mail
            }),
            EffectKind::CreateDiscount(discount) => EffectKind::CreateDiscount(NewDiscount {
                benefit: Benefit::Amount(eur(500)),
                collections: Vec::new(),
                products: Vec::new(),
                uses: Some(1),
                once_per_customer: true,
                combines: false,
                offer: false,
                ..discount
            }),
            kind => kind,
        };
        assert_older_reads_as(name, 1, &Effect { kind, ..effect });
    }
}
