//! Every effect as the host performs it, on the simulated shop: done, done again, and done after an answer was lost.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use regulars::{
    clock::Manual,
    domain::{
        Benefit, Birthday, BirthdayChange, DiscountEnd, EffectKind, Metafield, NewDiscount, NewGiftCard, OrderNote,
        OrderTagChange, ParcelGift, ShipBy, TagChange, Timestamp as Moment,
    },
    platform::{Client, Failure, Secret, http::Http, shopify::AdminClient},
};

use regulars_tests::shopify_admin::{
    AddedLine, Amount, DiscountItems, DiscountValue, Fault, Limits, Options, Outcome, Product, SchemaSource,
    ShopifyAdmin, Variant,
};
use serde_json::{Value, json};

mod consents;
mod many_codes;
mod ship_by;

use crate::performing::{LATER, Performing, consent, credit, discount, discount_for_all, end_of, eur, points};

const BUYER: &str = "gid://shopify/Customer/7";
const ORDER: &str = "gid://shopify/Order/1001";
const TEA: &str = "gid://shopify/ProductVariant/41";

/// A shop with an order and a product, and the host's client of it.
struct Host {
    admin: ShopifyAdmin,
    client: Client,
    clock: Manual,
}

impl Performing for Host {
    fn client(&self) -> &Client {
        &self.client
    }

    fn clock(&self) -> &Manual {
        &self.clock
    }
}

impl Host {
    fn new() -> Self {
        let limits = Limits { maximum: 1_000_000.0, restore_rate: 0.0 };
        let admin = ShopifyAdmin::start(&SchemaSource::best(), Options { limits, ..Options::default() }).unwrap();
        let clock = Manual::at(Moment(1_790_000_000_000));
        let client = client(&admin, &clock);
        admin.put_order(order(json!({})));
        let variants = vec![variant(41, 12_500, true), variant(42, 9_000, true), variant(43, 9_000, false)];
        admin.put_product(Product { id: "gid://shopify/Product/4".into(), variants });
        Self { admin, client, clock }
    }

    /// The same shop, called by a host that was started anew.
    fn anew(self) -> Self {
        Self { client: client(&self.admin, &self.clock), ..self }
    }

    /// The same with what some effects build on.
    async fn prepared() -> Self {
        let host = Self::new();
        host.admin.adjust_store_credit(BUYER, euros(20), host.hour_ago());
        host.perform("made", &EffectKind::CreateDiscount(discount("ENDED"))).await.unwrap();
        host
    }

    fn hour_ago(&self) -> Timestamp {
        self.admin.now() - Duration::from_secs(3_600)
    }

    /// What effects have made of the shop, without times.
    fn made(&self) -> Value {
        let admin = &self.admin;
        let codes = admin.codes().into_iter().map(|code| json!([code.code, code.title, code.ends_at.is_some()]));
        let credit = admin.store_credit().into_iter().map(|made| json!([made.customer, made.amount.thousandths]));
        let points = admin.metafield(BUYER, "$app:loyalty-points", "points_balance");
        let birthday = admin.metafield(BUYER, "facts", "birth_date");
        json!({
            "codes": codes.collect::<Vec<_>>(),
            "tags": [admin.tags(BUYER), admin.tags(ORDER)],
            "note": admin.note(ORDER),
            "edits": format!("{:?}", admin.order_edits()),
            "credit": credit.collect::<Vec<_>>(),
            "cards": format!("{:?}", admin.gift_cards()),
            "deadlines": format!("{:?}", admin.fulfillment_orders(ORDER)),
            "consent": format!("{:?}", admin.consent(BUYER)),
            "values": [points.map(|it| it.value), birthday.map(|it| it.value)],
        })
    }
}

fn client(admin: &ShopifyAdmin, clock: &Manual) -> Client {
    let (http, token) = (Http::new().unwrap(), Secret::new("shpat_simulated"));
    let client = AdminClient::new(http, &admin.base_url(), &token, Arc::new(clock.clone())).unwrap();
    Client::Shopify(Box::new(client))
}

fn euros(units: i64) -> Amount {
    Amount { thousandths: units * 1_000, currency: "EUR".into() }
}

fn variant(id: u32, thousandths: i64, available: bool) -> Variant {
    let price = Amount { thousandths, ..euros(0) };
    Variant { id: format!("gid://shopify/ProductVariant/{id}"), price, available }
}

/// An order as its webhook tells it, with changes.
fn order(changes: Value) -> Value {
    let lines = (1..=30).map(|number| {
        json!({
            "id": number, "admin_graphql_api_id": format!("gid://shopify/LineItem/{number}"), "variant_id": 40 + number,
            "title": "Tea", "quantity": 1, "current_quantity": 1,
        })
    });
    let mut body = json!({
        "id": 1001, "admin_graphql_api_id": ORDER, "tags": "Online", "note": "Please ring.\n",
        "updated_at": "2026-10-01T10:00:00Z", "line_items": lines.collect::<Vec<_>>(),
    });
    for (field, value) in changes.as_object().unwrap() {
        body[field] = value.clone();
    }
    body
}

fn note(text: &str) -> EffectKind {
    EffectKind::AddOrderNote(OrderNote { order: "1001".into(), text: text.into() })
}

fn gift(variant: Option<&str>) -> EffectKind {
    let gift = ParcelGift { order: "1001".into(), variant: variant.map(Into::into), title: "Honey spoon".into() };
    EffectKind::AddParcelGift(gift)
}

fn ship_by(at: &str) -> EffectKind {
    let at: Timestamp = at.parse().unwrap();
    EffectKind::SetShipBy(ShipBy { order: "1001".into(), at: Moment(at.as_millisecond().try_into().unwrap()) })
}

fn born(year: Option<i16>) -> EffectKind {
    let birthday = Birthday { year, month: 2, day: 29 };
    EffectKind::SetBirthday(BirthdayChange { customer: "7".into(), birthday })
}

/// One of each kind, and each way that differs in its calls.
fn effects() -> Vec<EffectKind> {
    let texts = |text: &str| vec![text.to_owned()];
    vec![
        EffectKind::CreateDiscount(discount("FIVE-OFF")),
        EffectKind::CreateDiscount(NewDiscount { benefit: Benefit::BasisPoints(1_500), ..discount("SHARE") }),
        EffectKind::CreateDiscount(NewDiscount { benefit: Benefit::FreeShipping, ..discount("SHIPPED") }),
        EffectKind::CreateDiscount(NewDiscount {
            benefit: Benefit::FreeProduct,
            products: vec!["4".into()],
            ..discount("TEA")
        }),
        end_of("ENDED"),
        credit(500),
        credit(-500),
        EffectKind::CreateGiftCard(NewGiftCard {
            customer: "7".into(),
            code: "ABCDEFGH23456723".into(),
            amount: eur(2_500),
            ends_at: Some(Moment(1_821_000_000_000)),
        }),
        EffectKind::ChangeTags(TagChange { customer: "7".into(), add: texts("VIP"), remove: texts("new") }),
        EffectKind::ChangeOrderTags(OrderTagChange {
            order: "1001".into(),
            add: texts("Gold"),
            remove: texts("online"),
        }),
        note("A card goes with it."),
        gift(Some("41")),
        gift(None),
        ship_by("2026-10-03T10:00:00Z"),
        EffectKind::SetMetafield(points("120")),
        EffectKind::SetConsent(consent(true)),
        born(Some(1988)),
        born(None),
    ]
}

#[tokio::test]
async fn each_effect_is_done_and_counts_once_when_it_is_repeated() {
    for kind in effects() {
        let host = Host::prepared().await;
        let before = host.made();
        let receipt = host.perform("effect-1", &kind).await.unwrap();
        let made = host.made();
        assert_eq!(made == before, kind == born(None), "{kind:?}");
        assert_eq!(host.perform("effect-1", &kind).await.unwrap(), receipt, "{kind:?}");
        assert_eq!(host.made(), made, "{kind:?}");
        let invalid = host.admin.requests().into_iter().find(|it| matches!(it.outcome, Outcome::Invalid(_)));
        assert_eq!(invalid, None);
    }
}

#[tokio::test]
async fn each_effect_counts_once_whichever_of_its_calls_goes_wrong() {
    for kind in effects() {
        let clean = Host::prepared().await;
        let before = clean.admin.requests().len();
        let receipt = clean.perform("effect-1", &kind).await.unwrap();
        let calls = clean.admin.requests().len() - before;
        for fault in [Fault::DropAfterExecuting, Fault::InternalError, Fault::Throttle] {
            for call in 0..calls {
                let host = Host::prepared().await;
                host.admin.set_fault_after(call, fault);
                let told = host.perform_at_last("effect-1", &kind).await;
                assert_eq!(told, receipt, "{kind:?}: {fault:?} at call {call}");
                assert_eq!(host.made(), clean.made(), "{kind:?}: {fault:?} at call {call}");
            }
        }
    }
}

#[tokio::test]
async fn a_code_is_as_it_was_ordered() {
    let host = Host::new();
    let ordered = discount_for_all();
    host.perform("a", &EffectKind::CreateDiscount(ordered.clone())).await.unwrap();
    let shipping =
        NewDiscount { code: "SHIP".into(), benefit: Benefit::FreeShipping, collections: vec![], ..ordered.clone() };
    host.perform("b", &EffectKind::CreateDiscount(shipping)).await.unwrap();

    let codes = host.admin.codes();
    assert_eq!(codes[0].title, "Regulars a");
    assert_eq!(codes[0].customers, Vec::<String>::new());
    assert_eq!(codes[0].value, DiscountValue::Percentage(0.1234));
    assert_eq!(codes[0].items, DiscountItems::Collections(vec!["gid://shopify/Collection/81".into()]));
    assert_eq!(codes[0].minimum_subtotal.as_deref(), Some("20.00"));
    assert_eq!((codes[0].usage_limit, codes[0].applies_once_per_customer), (None, false));
    assert_eq!(codes[0].combines_with, [true, true, true]);
    assert_eq!(codes[1].value, DiscountValue::FreeShipping);
    assert_eq!(codes[1].combines_with, [true, true, false]);
    assert!(codes.iter().all(|code| code.ends_at.is_some()));

    let both = NewDiscount { products: vec!["4".into()], ..ordered.clone() };
    assert!(host.refusal("c", &EffectKind::CreateDiscount(both)).await.contains("not for both"));
    let shipping = NewDiscount { benefit: Benefit::FreeShipping, ..ordered };
    assert!(host.refusal("d", &EffectKind::CreateDiscount(shipping)).await.contains("whole orders"));
}

#[tokio::test]
async fn a_free_product_is_one_unit_of_one_of_the_products_however_many_are_in_the_cart() {
    let host = Host::new();
    host.admin.put_product(Product { id: "gid://shopify/Product/5".into(), variants: vec![variant(51, 12_500, true)] });
    let free =
        NewDiscount { benefit: Benefit::FreeProduct, products: vec!["4".into(), "5".into()], ..discount("FREE-TEA") };
    host.perform("a", &EffectKind::CreateDiscount(free.clone())).await.unwrap();
    let code = &host.admin.codes()[0];
    let (four, five) = ("gid://shopify/Product/4", "gid://shopify/Product/5");
    let other = ("gid://shopify/Product/9", 7_000, 3);
    assert_eq!(code.takes_off(&[(four, 12_500, 1), other]), 12_500);
    assert_eq!(code.takes_off(&[(five, 12_500, 3), other]), 12_500);
    assert_eq!(code.takes_off(&[(four, 9_000, 1)]), 9_000);
    assert_eq!(code.takes_off(&[other]), 0);

    let gone = NewDiscount { products: vec!["404".into()], ..free };
    assert!(host.refusal("b", &EffectKind::CreateDiscount(gone)).await.contains("exists any more"));
}

#[tokio::test]
async fn the_end_of_a_code_that_was_used_ends_it_and_says_so() {
    let host = Host::prepared().await;
    let end = DiscountEnd { made_by: "made".into(), code: "ENDED".into() };
    host.admin.use_code("ENDED", 1);
    for _ in 0..2 {
        assert!(host.client.end_discount(&end, None).await.unwrap().was_used);
    }
    assert!(host.admin.codes()[0].ends_at.is_some());
}

#[tokio::test]
async fn the_end_of_a_code_that_is_not_there_is_done_and_that_of_anothers_is_not() {
    let host = Host::prepared().await;
    assert_eq!(host.perform("effect-1", &end_of("NEVER")).await.unwrap().0, "no code NEVER");
    host.perform("somebody", &EffectKind::CreateDiscount(discount("THEIRS"))).await.unwrap();
    assert!(host.refusal("effect-1", &end_of("THEIRS")).await.contains("belongs to another discount"));
    assert_eq!(host.admin.codes()[1].ends_at, None);
}

#[tokio::test]
async fn a_change_of_store_credit_that_may_be_on_its_way_is_waited_for() {
    let host = Host::new();
    // The third call is the credit itself.
    host.admin.set_fault_after(2, Fault::InternalError);
    assert!(host.perform("effect-1", &credit(500)).await.is_err());
    for other in ["effect-1", "effect-2"] {
        let failure = host.perform(other, &credit(500)).await.unwrap_err();
        assert!(matches!(failure, Failure::NotYet { .. }), "{failure}");
    }
    assert_eq!(host.admin.store_credit(), []);
    host.clock.advance(LATER);
    host.perform("effect-2", &credit(500)).await.unwrap();
    host.perform("effect-1", &credit(500)).await.unwrap();
    assert_eq!(host.admin.store_credit().len(), 2);
}

#[tokio::test]
async fn what_the_merchant_credited_before_is_nobodys_effect() {
    let host = Host::new();
    host.admin.adjust_store_credit(BUYER, euros(5), host.hour_ago());
    host.admin.set_fault_after(2, Fault::InternalError);
    host.perform_at_last("effect-1", &credit(500)).await;
    assert_eq!(host.admin.store_credit().len(), 2);
}

#[tokio::test]
async fn a_lost_change_of_store_credit_is_told_from_an_equal_one_of_another_effect() {
    let host = Host::new();
    host.admin.set_fault_after(2, Fault::DropAfterExecuting);
    assert!(host.perform("effect-1", &credit(500)).await.is_err());
    host.perform("effect-2", &credit(500)).await.unwrap();
    let made = host.admin.store_credit();
    assert_eq!(made.len(), 2);
    assert_eq!(host.perform("effect-1", &credit(500)).await.unwrap().0, made[0].id);
    assert_eq!(host.perform("effect-2", &credit(500)).await.unwrap().0, made[1].id);
    assert_eq!(host.admin.store_credit(), made);
}

#[tokio::test]
async fn a_debit_of_more_than_there_is_fails_for_good_and_holds_up_nothing() {
    let host = Host::prepared().await;
    assert!(host.refusal("effect-1", &credit(-2_001)).await.contains("sufficient funds"));
    host.perform("effect-2", &credit(-2_000)).await.unwrap();
    assert!(host.refusal("effect-3", &credit(-1)).await.contains("sufficient funds"));
}

#[tokio::test]
async fn changes_of_one_customers_store_credit_at_once_all_count() {
    let host = Host::new();
    let until_done = async |id: &str, minor| {
        // Whoever comes second waits until the first has ended, which takes no time of the clock here.
        while let Err(failure) = host.perform(id, &credit(minor)).await {
            assert!(!matches!(failure, Failure::Permanent { .. }), "{failure}");
        }
    };
    tokio::join!(until_done("effect-1", 100), until_done("effect-2", 100), until_done("effect-3", 300));
    let mut amounts: Vec<_> = host.admin.store_credit().iter().map(|made| made.amount.thousandths).collect();
    amounts.sort_unstable();
    assert_eq!(amounts, [1_000, 1_000, 3_000]);
}

#[tokio::test]
async fn a_gift_card_of_another_with_the_same_code_is_not_taken_for_ours() {
    let host = Host::new();
    let card = EffectKind::CreateGiftCard(NewGiftCard {
        customer: "7".into(),
        code: "ABCDEFGH".into(),
        amount: eur(2_500),
        ends_at: None,
    });
    host.perform("effect-1", &card).await.unwrap();
    let made = &host.admin.gift_cards()[0];
    assert_eq!((&*made.code, made.note.as_deref()), ("abcdefgh", Some("Regulars effect-1")));
    assert!(matches!(host.perform("effect-2", &card).await, Err(Failure::Transient { .. })));
    assert_eq!(host.admin.gift_cards().len(), 1);
}

#[tokio::test]
async fn lines_of_a_note_stand_below_what_the_merchant_wrote() {
    let host = Host::new();
    let (card, ribbon) = (note("A card\ngoes with it."), note("Red ribbon."));
    tokio::join!(host.perform_at_last("effect-a", &card), host.perform_at_last("ribbon-b", &ribbon));
    let mut lines: Vec<_> = host.admin.note(ORDER).lines().map(str::to_owned).collect();
    lines[1..].sort_unstable();
    assert_eq!(lines, ["Please ring.", "A card goes with it. (Regulars effect-a)", "Red ribbon. (Regulars ribbon-b)"]);
}

#[tokio::test]
async fn a_gift_is_a_free_line_of_its_own() {
    let host = Host::new();
    // The order holds that variant already.
    let receipt = host.perform("effect-1", &gift(Some("41"))).await.unwrap();
    assert_eq!(receipt.0, "line gid://shopify/LineItem/1001900");
    let edits = host.admin.order_edits();
    let mark = "Gift (Regulars effect-1)".to_owned();
    let line = AddedLine { variant: TEA.into(), quantity: 1, discount: Some((100.0, mark)) };
    assert_eq!(edits[0].added, [line]);
    assert_eq!(edits[0].staff_note.as_deref(), Some("A gift by Regulars (Regulars effect-1)"));
    assert!(!edits[0].notify_customer);
    assert_eq!(host.admin.note(ORDER), "Please ring.\n");
}

#[tokio::test]
async fn an_edit_that_may_be_on_its_way_is_waited_for() {
    let host = Host::new();
    // Two pages of lines, the variant, the beginning, the line, its discount; then the commit.
    host.admin.set_fault_after(6, Fault::InternalError);
    assert!(host.perform("effect-1", &gift(Some("41"))).await.is_err());
    let failure = host.perform("effect-1", &gift(Some("41"))).await.unwrap_err();
    assert!(matches!(failure, Failure::NotYet { .. }), "{failure}");
    assert_eq!(host.admin.order_edits(), []);
    host.perform("effect-2", &gift(Some("41"))).await.unwrap();
    host.clock.advance(LATER);
    host.perform("effect-1", &gift(Some("41"))).await.unwrap();
    assert_eq!(host.admin.order_edits().len(), 2);
}

#[tokio::test]
async fn a_gift_that_cannot_be_a_line_is_left_to_the_packer() {
    let cases = [
        (json!({}), None),
        (json!({}), Some("43")),
        (json!({}), Some("404")),
        (json!({"fulfillment_status": "partial"}), Some("41")),
        (json!({"closed_at": "2026-10-01T11:00:00Z"}), Some("41")),
    ];
    for (changes, variant) in cases {
        let host = Host::new();
        host.admin.put_order(order(changes.clone()));
        for _ in 0..2 {
            assert_eq!(host.perform("effect-1", &gift(variant)).await.unwrap().0, "note", "{changes}");
        }
        let note = "Please ring.\nPut into the parcel: Honey spoon (Regulars effect-1)";
        assert_eq!(host.admin.note(ORDER), note, "{changes}");
        assert!(host.admin.tags(ORDER).contains("Gift to pack"));
        assert_eq!(host.admin.order_edits(), []);
    }
}

#[tokio::test]
async fn an_edit_that_shopify_declines_leaves_the_gift_to_the_packer() {
    let host = Host::new();
    host.admin.decline_order_edits();
    assert_eq!(host.perform("effect-1", &gift(Some("41"))).await.unwrap().0, "note");
    assert_eq!(host.admin.order_edits(), []);
}

#[tokio::test]
async fn a_gift_for_an_order_without_a_parcel_fails_for_good() {
    let cases = [
        (json!({"cancelled_at": "2026-10-01T11:00:00Z"}), "the order is cancelled"),
        (json!({"fulfillment_status": "fulfilled"}), "the order is shipped"),
    ];
    for (changes, reason) in cases {
        let host = Host::new();
        host.admin.put_order(order(changes));
        assert_eq!(host.refusal("effect-1", &gift(Some("41"))).await, reason);
        assert_eq!(host.admin.note(ORDER), "Please ring.\n");
    }
    let host = Host::new();
    let elsewhere = ParcelGift { order: "404".into(), variant: None, title: "Honey spoon".into() };
    assert_eq!(host.refusal("effect-1", &EffectKind::AddParcelGift(elsewhere)).await, "there is no such order");
}

#[tokio::test]
async fn a_gift_that_was_given_stays_given_when_the_order_is_shipped_or_cancelled() {
    for changes in [json!({"cancelled_at": "2026-10-01T11:00:00Z"}), json!({"fulfillment_status": "fulfilled"})] {
        for variant in [Some("41"), None] {
            let host = Host::new();
            let receipt = host.perform("effect-1", &gift(variant)).await.unwrap();
            host.admin.put_order(order(changes.clone()));
            assert_eq!(host.perform("effect-1", &gift(variant)).await.unwrap(), receipt);
        }
    }
}

#[tokio::test]
async fn a_value_is_kept_in_the_apps_own_namespace() {
    let host = Host::new();
    host.perform("effect-1", &EffectKind::SetMetafield(points("120"))).await.unwrap();
    let kept = host.admin.metafield(BUYER, "$app:loyalty-points", "points_balance").unwrap();
    assert_eq!((&*kept.kind, &*kept.value), ("number_integer", "120"));
    for (kind, value, expected) in
        [("text", "Gold", "single_line_text_field"), ("date", "2026-10-31", "date"), ("json", "[1]", "json")]
    {
        let key = format!("as_{kind}");
        let change = Metafield { key: key.clone(), kind: kind.into(), value: value.into(), ..points("") };
        host.perform("effect-1", &EffectKind::SetMetafield(change)).await.unwrap();
        assert_eq!(host.admin.metafield(BUYER, "$app:loyalty-points", &key).unwrap().kind, expected);
    }
    let unknown = Metafield { kind: "colour".into(), ..points("red") };
    assert!(host.refusal("effect-1", &EffectKind::SetMetafield(unknown)).await.contains("`colour`"));
}

#[tokio::test]
async fn the_last_change_of_a_value_stays_whichever_is_tried_last() {
    let host = Host::new();
    host.perform("later", &EffectKind::SetMetafield(points("90"))).await.unwrap();
    let superseded = host.client.set_metafield(&points("120"), &|| Ok(false)).await.unwrap();
    assert_eq!(superseded.0, "not written: a later change stands");
    let value = || host.admin.metafield(BUYER, "$app:loyalty-points", "points_balance").unwrap().value;
    assert_eq!(value(), "90");

    // The later change is queued and made between the earlier one's look at what is queued and its write.
    let asked = AtomicBool::new(false);
    let overtaken = || {
        let is_last = !asked.swap(true, Ordering::SeqCst);
        if is_last {
            let field = ("$app:loyalty-points", "points_balance");
            host.admin.set_metafield(BUYER, field, "number_integer", "75");
        }
        Ok(is_last)
    };
    let superseded = host.client.set_metafield(&points("120"), &overtaken).await.unwrap();
    assert_eq!(superseded.0, "not written: a later change stands");
    assert_eq!(value(), "75");
}

#[tokio::test]
async fn a_birthday_is_written_with_its_year_and_else_left_alone() {
    let host = Host::new();
    assert_eq!(
        host.perform("effect-1", &born(None)).await.unwrap().0,
        "not written: the platform's field needs the year"
    );
    assert_eq!(host.admin.requests(), []);
    host.perform("effect-2", &born(Some(1988))).await.unwrap();
    assert_eq!(host.admin.metafield(BUYER, "facts", "birth_date").unwrap().value, "1988-02-29");
}
