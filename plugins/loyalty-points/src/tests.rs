//! Each path, with the note it leaves.

use regulars_sdk::{
    Customer, Failure, Mail, Order, Timestamp,
    test::{Bench, Capability, Delivery, Incoming, Note, START, Status, customer, order, refund},
};
use serde_json::json;

use crate::{
    handle,
    ledger::{Account, Entry, Kind, OrderRecord, account_key, entry_key, order_key},
};

pub const MANIFEST: &str = include_str!("../../../manifests/plugins/loyalty-points.toml");

pub fn shop() -> Bench {
    Bench::new(handle).manifest(MANIFEST)
}

pub fn account(shop: &Bench, customer: &str) -> Account {
    shop.state(&account_key(customer)).unwrap_or_default()
}

pub fn entries(shop: &Bench, customer: &str) -> Vec<Entry> {
    (1..=account(shop, customer).entries).map(|n| shop.state(&entry_key(customer, n)).unwrap()).collect()
}

fn points(shop: &Bench, customer: &str) -> Vec<(Kind, i64)> {
    entries(shop, customer).iter().map(|entry| (entry.kind, entry.points)).collect()
}

/// The delivery's only note.
fn note(delivery: &Delivery) -> &Note {
    let notes: Vec<_> = delivery.calls.notes().collect();
    assert_eq!(notes.len(), 1, "every delivery leaves one note: {notes:?}");
    notes[0]
}

/// Reason, points and balance of the delivery's note.
fn why(delivery: &Delivery) -> (&str, &str, Option<&str>) {
    let note = note(delivery);
    (&note.reason, note.field("points").unwrap(), note.field("balance"))
}

fn var<'a>(mail: &'a Mail, name: &str) -> &'a str {
    mail.vars.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str()).unwrap()
}

fn paid(order: impl Into<Order>) -> Incoming {
    Incoming::order_paid(order)
}

/// A customer with points to spend.
fn with_balance(minor: i64) -> Bench {
    let mut shop = shop().setting("mail_on_earning", false);
    shop.deliver(paid(order("seed").customer("c1").line(minor, 1))).unwrap();
    shop
}

#[test]
fn a_paid_order_earns_a_point_for_every_euro_of_goods() {
    let mut shop = shop();
    let basket = order("1001").customer("c1").line(1999, 2).discount(500).tax(559).shipping(490).shipping_tax(78);
    let delivery = shop.deliver(paid(basket)).unwrap();
    assert_eq!(why(&delivery), ("Points earned", "34", Some("34")));
    assert_eq!(note(&delivery).field("order"), Some("#1001"));
    assert_eq!(note(&delivery).field("eligible"), Some("34.98 EUR"));
    let mail = delivery.calls.mails().next().unwrap();
    assert_eq!((mail.customer_id.as_str(), mail.template.as_str()), ("c1", "earned"));
    let vars = ["points", "balance", "order", "ready", "next", "missing"].map(|name| var(mail, name));
    assert_eq!(vars, ["34", "34", "#1001", "", "5.00 off your next order", "66"]);
    assert_eq!(points(&shop, "c1"), [(Kind::Earn, 34)]);
}

#[test]
fn tax_and_shipping_count_as_the_merchant_says() {
    let with_tax_in_prices =
        || order("1").customer("c1").line(11900, 1).tax(1900).shipping(595).shipping_tax(95).taxes_included();
    let with_tax_on_top = || order("1").customer("c1").line(10000, 1).tax(1900).shipping(500).shipping_tax(95);
    for (tax, shipping, expected) in [(false, false, 100), (true, false, 119), (false, true, 105), (true, true, 124)] {
        for basket in [with_tax_in_prices(), with_tax_on_top()] {
            let mut shop = shop().setting("include_tax", tax).setting("include_shipping", shipping);
            shop.deliver(paid(basket.clone())).unwrap();
            assert_eq!(account(&shop, "c1").balance, expected, "tax {tax}, shipping {shipping}");
            let placed: Order = basket.into();
            let gross = shop.state::<OrderRecord>(&order_key("1")).unwrap().basis.gross;
            assert_eq!(gross, if shipping { placed.total.minor } else { 11900 });
            // Refunds state shipping without its tax.
            let everything = refund("r1", &placed).everything().shipping(500);
            shop.deliver(Incoming::order_refunded(everything)).unwrap();
            assert_eq!(account(&shop, "c1").balance, 0, "tax {tax}, shipping {shipping}");
        }
    }
}

#[test]
fn the_rate_is_exact_in_every_currency() {
    for (currency, minor, earn_points, earn_per, expected) in [
        ("EUR", 99, 1, 1, None),
        ("EUR", 100, 1, 1, Some(1)),
        ("EUR", 1999, 3, 2, Some(29)),
        ("JPY", 1999, 1, 100, Some(19)),
        ("KWD", 12_999, 10, 1, Some(129)),
        ("EUR", 9_007_199_254_740_993, 10_000, 1, Some(900_719_925_474_099_300)),
    ] {
        let shop = shop().currency(currency).setting("earn_points", earn_points).setting("earn_per", earn_per);
        let mut shop = shop;
        shop.deliver(paid(order("1").customer("c1").currency(currency).line(minor, 1))).unwrap();
        let earned = entries(&shop, "c1").first().map(|entry| entry.points);
        assert_eq!(earned, expected, "{minor} {currency}");
    }
}

#[test]
fn what_earns_nothing_says_why() {
    let wholesale = Customer { tags: vec!["new".into(), "Wholesale".into()], ..customer("c1") };
    let cases = [
        (order("1").customer("c1").line(1000, 1).test(), "No points: it is a test order", Some("0")),
        (order("1").customer("c1").line(1000, 1).cancelled_at(START), "No points: the order was cancelled", Some("0")),
        (order("1").line(1000, 1), "No points: a guest has no account to hold them", None),
        (order("1").customer("c1").gift_card(5000), "No points: nothing on the order is eligible", Some("0")),
        (
            order("1").customer("c1").line(1000, 1).discount(1000),
            "No points: nothing on the order is eligible",
            Some("0"),
        ),
        (order("1").customer("c1").line(99, 1), "No points: the eligible amount is worth less than one", Some("0")),
    ];
    for (basket, reason, balance) in cases {
        let mut shop = shop();
        let delivery = shop.deliver(paid(basket)).unwrap();
        assert_eq!(why(&delivery), (reason, "0", balance));
        assert_eq!((delivery.calls.len(), shop.state_keys("").count()), (1, 0));
    }
    let mut shop = shop().with_customer(wholesale.clone());
    let delivery = shop.deliver(paid(order("1").customer("c1").line(1000, 1))).unwrap();
    assert_eq!(why(&delivery), ("No points: customers with this tag are excluded", "0", Some("0")));
    assert_eq!(note(&delivery).field("tag"), Some("Wholesale"));
    let delivery = shop.deliver(Incoming::customer_created(wholesale)).unwrap();
    assert_eq!(why(&delivery), ("No sign-up points: customers with this tag are excluded", "0", Some("0")));
    assert_eq!(shop.state_keys("").count(), 0);
}

#[test]
fn a_gift_card_earns_nothing_beside_goods_that_do() {
    let mut shop = shop();
    let basket: Order = order("1").customer("c1").line(3000, 1).gift_card(5000).into();
    shop.deliver(paid(basket.clone())).unwrap();
    assert_eq!(account(&shop, "c1").balance, 30);
    let delivery = shop.deliver(Incoming::order_refunded(refund("r1", &basket).units("l2", 1))).unwrap();
    let nothing = "Nothing taken back: the refund gives back nothing that earned points";
    assert_eq!(why(&delivery), (nothing, "0", Some("30")));
}

#[test]
fn partial_refunds_take_back_their_share_and_together_all() {
    let mut shop = shop();
    let basket: Order = order("1").customer("c1").line(3333, 3).into();
    shop.deliver(paid(basket.clone())).unwrap();
    assert_eq!(account(&shop, "c1").balance, 99);
    for (n, taken, left) in [(1, "-33", "66"), (2, "-33", "33"), (3, "-33", "0")] {
        let one = refund(&format!("r{n}"), &basket).units("l1", 1);
        let delivery = shop.deliver(Incoming::order_refunded(one)).unwrap();
        assert_eq!(why(&delivery), ("Points taken back: the order was refunded", taken, Some(left)));
    }
}

#[test]
fn a_refund_of_shipping_alone_takes_nothing_back() {
    let mut shop = shop();
    let basket: Order = order("1").customer("c1").line(3000, 1).shipping(500).into();
    shop.deliver(paid(basket.clone())).unwrap();
    let delivery = shop.deliver(Incoming::order_refunded(refund("r1", &basket).shipping(500))).unwrap();
    assert_eq!(account(&shop, "c1").balance, 30);
    assert_eq!(note(&delivery).field("points"), Some("0"));
}

#[test]
fn money_given_back_without_goods_takes_back_its_share_of_what_was_paid() {
    let mut shop = shop();
    let basket: Order = order("1").customer("c1").line(10000, 1).tax(1900).into();
    shop.deliver(paid(basket.clone())).unwrap();
    shop.deliver(Incoming::order_refunded(refund("r1", &basket).adjustment(1190))).unwrap();
    assert_eq!(account(&shop, "c1").balance, 90);
    shop.deliver(Incoming::order_refunded(refund("r2", &basket).adjustment(99_999))).unwrap();
    assert_eq!(account(&shop, "c1").balance, 0);
}

#[test]
fn a_refund_is_judged_by_the_rule_that_its_order_earned_under() {
    let basket: Order = order("1").customer("c1").line(10000, 2).tax(3800).into();
    let mut shop = shop();
    shop.deliver(paid(basket.clone())).unwrap();
    let mut shop = shop.setting("include_tax", true).setting("earn_points", 50);
    shop.deliver(Incoming::order_refunded(refund("r1", &basket).units("l1", 1))).unwrap();
    assert_eq!(account(&shop, "c1").balance, 100);
}

#[test]
fn a_refund_that_arrives_before_the_payment_is_applied_with_it() {
    let basket: Order = order("1").customer("c1").line(1000, 4).into();
    for (units, reason, earned) in [
        (1, "Points earned on what has not been refunded already", "30"),
        (4, "Points earned on what has not been refunded already", "0"),
    ] {
        let mut shop = shop();
        let early = shop.deliver(Incoming::order_refunded(refund("r1", &basket).units("l1", units))).unwrap();
        assert_eq!(why(&early), ("Nothing taken back: the order has earned no points", "0", None));
        let delivery = shop.deliver(paid(basket.clone())).unwrap();
        assert_eq!(why(&delivery), (reason, earned, Some(earned)));
        assert_eq!(delivery.calls.mails().count(), usize::from(units < 4));
    }
}

#[test]
fn a_cancelled_order_loses_whatever_points_are_left() {
    let basket = || order("1").customer("c1").line(1000, 4);
    let cancelled = || Incoming::order_cancelled(basket().cancelled_at(START));
    let mut shop = shop();
    let delivery = shop.deliver(cancelled().id("early")).unwrap();
    assert_eq!(why(&delivery), ("Nothing taken back: the cancelled order has earned no points", "0", Some("0")));

    let mut shop = self::shop();
    shop.deliver(paid(basket())).unwrap();
    shop.deliver(Incoming::order_refunded(refund("r1", &basket().into()).units("l1", 1))).unwrap();
    let delivery = shop.deliver(cancelled()).unwrap();
    assert_eq!(why(&delivery), ("Points taken back: the order was cancelled", "-30", Some("0")));
    let again = shop.deliver_again(cancelled()).unwrap();
    assert_eq!(why(&again), ("Nothing taken back: no points of the cancelled order are left", "0", Some("0")));
    let late = shop.deliver(Incoming::order_refunded(refund("r2", &basket().into()).units("l1", 3))).unwrap();
    assert_eq!(note(&late).field("points"), Some("0"));
    assert_eq!(points(&shop, "c1"), [(Kind::Earn, 40), (Kind::Reverse, -10), (Kind::Reverse, -30)]);
}

#[test]
fn an_event_that_the_host_hands_over_again_changes_no_points() {
    let basket: Order = order("1").customer("c1").line(1000, 4).into();
    let half = || Incoming::order_refunded(refund("r1", &basket).units("l1", 2));
    let newcomer = || Incoming::customer_created(customer("c1"));
    let mut shop = shop();
    for event in [newcomer(), paid(basket.clone()), half()] {
        shop.deliver(event).unwrap();
    }
    let before = (account(&shop, "c1"), shop.calls().mails().count());
    for event in [half(), paid(basket.clone()), newcomer()] {
        shop.deliver_again(event).unwrap();
    }
    assert_eq!((account(&shop, "c1"), shop.calls().mails().count()), before);
}

#[test]
fn a_new_customer_gets_sign_up_points_once_and_a_welcome() {
    let mut shop = shop();
    let delivery = shop.deliver(Incoming::customer_created(customer("c1"))).unwrap();
    assert_eq!(why(&delivery), ("Sign-up points given", "50", Some("50")));
    let mail = delivery.calls.mails().next().unwrap();
    assert_eq!((mail.template.as_str(), var(mail, "points"), var(mail, "missing")), ("welcome", "50", "50"));
    let again = shop.deliver(Incoming::customer_created(customer("c1")).id("another")).unwrap();
    assert_eq!(why(&again), ("No sign-up points: they were given before", "0", Some("50")));
    let mut shop = self::shop().setting("signup_points", 0);
    let delivery = shop.deliver(Incoming::customer_created(customer("c1"))).unwrap();
    assert_eq!(why(&delivery), ("No sign-up points: the settings give none", "0", Some("0")));
    assert_eq!(shop.calls().mails().count(), 0);
}

#[test]
fn points_buy_a_code_bound_to_the_customer_and_a_mail_that_waits_for_it() {
    let mut shop = with_balance(12_000);
    let delivery = shop.deliver(Incoming::action("redeem", "c1", json!({ "reward": "5-off" }))).unwrap();
    assert_eq!(why(&delivery), ("Points redeemed", "-100", Some("20")));
    let discount = delivery.calls.discounts().next().unwrap();
    assert_eq!((discount.customer_id.as_str(), discount.prefix.as_str()), ("c1", "REWARD"));
    assert_eq!(discount.value.to_string(), "5.00 EUR");
    assert_eq!(discount.ends_at, Some(START.plus_days(90)));
    let mail = delivery.calls.mails().next().unwrap();
    assert_eq!(mail.template, "reward");
    assert_eq!(mail.after.as_ref(), delivery.calls[0].effect());
    assert!(var(mail, "code").starts_with("REWARD-"));
    let vars = ["value", "points", "balance", "ends_on"].map(|name| var(mail, name));
    assert_eq!(vars, ["5.00 EUR", "100", "20", "2026-04-01"]);
    assert_eq!(points(&shop, "c1"), [(Kind::Earn, 120), (Kind::Redeem, -100)]);
}

#[test]
fn points_of_a_code_that_could_not_be_made_come_back_once_and_name_the_redemption() {
    let mut shop = with_balance(12_000);
    let redeemed = shop.deliver(Incoming::action("redeem", "c1", json!({ "reward": "5-off" }))).unwrap();
    let code = redeemed.calls[0].effect().unwrap();
    let refused = || Incoming::effect_failed(code, "discount.create", "c1", "access was denied");
    let delivery = shop.deliver(refused()).unwrap();
    assert_eq!(why(&delivery), ("Points given back: the code could not be made", "100", Some("120")));
    assert_eq!(note(&delivery).field("because"), Some("access was denied"));
    let entry = entries(&shop, "c1").pop().unwrap();
    assert_eq!((entry.kind, entry.points, entry.about), (Kind::GiveBack, 100, Some(entry_key("c1", 2))));
    // Told once more, under the same id and under another.
    shop.deliver_again(refused()).unwrap();
    shop.deliver(refused().id("told anew")).unwrap();
    assert_eq!(points(&shop, "c1"), [(Kind::Earn, 120), (Kind::Redeem, -100), (Kind::GiveBack, 100)]);
    assert_eq!(account(&shop, "c1").balance, 120);
}

#[test]
fn a_failed_mail_gives_no_points_and_leaves_no_note_so_that_it_can_be_tried_again() {
    let mut shop = with_balance(12_000);
    let redeemed = shop.deliver(Incoming::action("redeem", "c1", json!({ "reward": "5-off" }))).unwrap();
    let mail = redeemed.calls.iter().filter_map(|call| call.effect()).nth(1).unwrap();
    let delivery = shop.deliver(Incoming::effect_failed(mail, "mail", "c1", "no such person")).unwrap();
    assert_eq!(delivery.calls.len(), 0);
    assert_eq!(account(&shop, "c1").balance, 20);
}

#[test]
fn what_cannot_be_redeemed_is_noted_and_fails_nothing() {
    let mut shop = with_balance(9_999);
    for (name, input, reason) in [
        ("redeem", json!({ "reward": "5-off" }), "Nothing redeemed: not enough points"),
        ("redeem", json!({ "reward": "a-castle" }), "Nothing redeemed: there is no such reward"),
        ("redeem", json!([1, 2]), "Nothing redeemed: the request names no reward"),
        ("steal", json!({}), "Nothing done: there is no such action"),
    ] {
        let delivery = shop.deliver(Incoming::action(name, "c1", input)).unwrap();
        assert_eq!(why(&delivery), (reason, "0", Some("99")));
        assert_eq!(delivery.calls.len(), 1);
    }
    assert_eq!(points(&shop, "c1"), [(Kind::Earn, 99)]);
}

#[test]
fn without_the_grants_for_a_reward_the_points_stay() {
    let redeem = || Incoming::action("redeem", "c1", json!({ "reward": "5-off" }));
    for capability in [Capability::Discounts, Capability::Mail] {
        let mut shop = with_balance(10_000).withhold(capability);
        assert!(matches!(shop.deliver(redeem()), Err(Failure::Reject(_))), "{capability:?}");
        assert_eq!(account(&shop, "c1").balance, 100);
        assert_eq!(shop.calls().discounts().count(), 0);
    }
}

#[test]
fn without_the_grant_for_mails_points_are_earned_all_the_same() {
    let mut shop = shop().withhold(Capability::Mail);
    let delivery = shop.deliver(paid(order("1").customer("c1").line(1000, 1))).unwrap();
    assert_eq!(why(&delivery), ("Points earned", "10", Some("10")));
    assert_eq!(note(&delivery).field("mail"), Some("not granted"));
    let delivery = shop.deliver(Incoming::customer_created(customer("c1"))).unwrap();
    assert_eq!(why(&delivery), ("Sign-up points given", "50", Some("60")));
}

#[test]
fn a_reward_worth_no_amount_of_the_shops_currency_is_rejected_by_name() {
    let rewards = json!([{ "id": "odd", "title": "Odd", "cost": 1, "value": "0.50" }]);
    let mut shop = shop().currency("JPY").setting("rewards", rewards);
    shop.deliver(paid(order("1").customer("c1").currency("JPY").line(10, 1))).unwrap();
    let failure = shop.deliver(Incoming::action("redeem", "c1", json!({ "reward": "odd" }))).unwrap_err();
    assert_eq!(failure, Failure::reject("the value of reward `odd`: `0.50` has more decimal digits than its currency"));
    assert_eq!(account(&shop, "c1").balance, 10);
}

fn merged(kept: &str, absorbed: &str) -> Incoming {
    Incoming::customer_merged(kept, absorbed)
}

#[test]
fn a_merge_moves_the_balance_once_with_an_entry_in_each_ledger() {
    let mut shop = shop().setting("mail_on_earning", false);
    shop.deliver(paid(order("1").customer("c1").line(4_000, 1))).unwrap();
    shop.deliver(paid(order("2").customer("c2").line(1_000, 1))).unwrap();
    let delivery = shop.deliver(merged("c2", "c1")).unwrap();
    assert_eq!(why(&delivery), ("Points moved: two customers became one", "40", Some("50")));
    assert_eq!(points(&shop, "c2"), [(Kind::Earn, 10), (Kind::Merge, 40)]);
    let [earned, moved] = [1, 2].map(|n| shop.state::<Entry>(&entry_key("c1", n)).unwrap());
    assert_eq!((earned.points, moved.points, moved.kind), (40, -40, Kind::Merge));
    assert_eq!((moved.about.as_deref(), entries(&shop, "c2")[1].about.as_deref()), (Some("c2"), Some("c1")));
    assert_eq!(shop.state::<Account>(&account_key("c1")), None);
    for again in [merged("c2", "c1"), merged("c2", "c1").id("another")] {
        let delivery = shop.deliver_again(again).unwrap();
        assert_eq!(why(&delivery), ("No points moved: the absorbed customer has none", "0", Some("50")));
    }
    assert_eq!(account(&shop, "c2").entries, 2);
}

#[test]
fn orders_of_an_absorbed_customer_count_for_the_one_that_is_left() {
    let early: Order = order("1").customer("c1").line(4_000, 1).into();
    let late: Order = order("2").customer("c1").line(2_000, 1).into();
    // A chain of merges, told in either order.
    for chain in [[merged("c2", "c1"), merged("c3", "c2")], [merged("c3", "c2"), merged("c2", "c1")]] {
        let mut shop = shop().setting("mail_on_earning", false);
        shop.deliver(paid(early.clone())).unwrap();
        for merge in chain {
            shop.deliver(merge).unwrap();
        }
        shop.deliver(paid(late.clone())).unwrap();
        assert_eq!(account(&shop, "c3").balance, 60);
        shop.deliver(Incoming::order_refunded(refund("r1", &early).everything())).unwrap();
        let late = Order { cancelled_at: Some(START), ..late.clone() };
        shop.deliver(Incoming::order_cancelled(late)).unwrap();
        assert_eq!(account(&shop, "c3").balance, 0);
        assert_eq!(["c1", "c2"].map(|id| account(&shop, id)), [Account::default(), Account::default()]);
    }
}

#[test]
fn a_code_bought_before_the_merge_is_paid_for_once() {
    let mut shop = with_balance(12_000);
    shop.deliver(Incoming::action("redeem", "c1", json!({ "reward": "5-off" }))).unwrap();
    shop.deliver(merged("c2", "c1")).unwrap();
    assert_eq!(account(&shop, "c2").balance, 20);
    let delivery = shop.deliver(Incoming::action("redeem", "c1", json!({ "reward": "5-off" }))).unwrap();
    assert_eq!(why(&delivery), ("Nothing redeemed: not enough points", "0", Some("20")));
    assert_eq!(shop.calls().discounts().count(), 1);
    // What was spent is a debt of the customer that is left once the order goes back.
    let seed: Order = order("seed").customer("c1").line(12_000, 1).into();
    shop.deliver(Incoming::order_refunded(refund("r1", &seed).everything())).unwrap();
    assert_eq!(account(&shop, "c2").balance, -100);
}

#[test]
fn a_person_is_given_sign_up_points_once_whatever_comes_first() {
    let created = |id: &str| Incoming::customer_created(customer(id));
    for events in [
        [created("c1"), created("c2"), merged("c2", "c1")],
        [created("c1"), merged("c2", "c1"), created("c2")],
        [merged("c2", "c1"), created("c2"), created("c1")],
    ] {
        let mut shop = shop();
        for event in events {
            shop.deliver(event).unwrap();
        }
        assert_eq!(account(&shop, "c2").balance, 50);
        assert!(account(&shop, "c2").signed_up);
    }
}

#[test]
fn a_debt_is_repaid_by_later_orders_and_never_shown() {
    let basket: Order = order("1").customer("c1").line(10_000, 1).into();
    let mut shop = shop();
    shop.deliver(paid(basket.clone())).unwrap();
    shop.deliver(Incoming::action("redeem", "c1", json!({ "reward": "5-off" }))).unwrap();
    let delivery = shop.deliver(Incoming::order_refunded(refund("r1", &basket).everything())).unwrap();
    assert_eq!(why(&delivery), ("Points taken back: the order was refunded", "-100", Some("0")));
    assert_eq!(account(&shop, "c1").balance, -100);
    let delivery = shop.deliver(paid(order("2").customer("c1").line(3_000, 1))).unwrap();
    assert_eq!(why(&delivery), ("Points earned", "30", Some("0")));
    let mail = delivery.calls.mails().next().unwrap();
    assert_eq!([var(mail, "points"), var(mail, "balance"), var(mail, "missing")], ["30", "0", "100"]);
    shop.deliver(paid(order("3").customer("c1").line(9_000, 1))).unwrap();
    assert_eq!(account(&shop, "c1").balance, 20);
}

#[test]
fn mails_stay_away_where_the_merchant_wants_none() {
    let mut shop = shop().setting("mail_on_earning", false).setting("mail_on_signup", false);
    let delivery = shop.deliver(paid(order("1").customer("c1").line(1000, 1))).unwrap();
    assert_eq!(note(&delivery).field("mail"), Some("switched off"));
    shop.deliver(Incoming::customer_created(customer("c1"))).unwrap();
    assert_eq!(shop.calls().mails().count(), 0);
    assert_eq!(account(&shop, "c1").balance, 60);
}

#[test]
fn the_best_affordable_reward_and_the_next_one_are_told() {
    let rewards = json!([
        { "id": "c", "title": "Twenty off", "cost": 400, "value": "20.00" },
        { "id": "a", "title": "Five off", "cost": 100, "value": "5.00" },
        { "id": "b", "title": "Ten off", "cost": 200, "value": "10.00" },
    ]);
    for (minor, expected) in
        [(5_000, ["", "Five off", "50"]), (25_000, ["Ten off", "Twenty off", "150"]), (40_000, ["Twenty off", "", ""])]
    {
        let mut shop = shop().setting("rewards", rewards.clone());
        let delivery = shop.deliver(paid(order("1").customer("c1").line(minor, 1))).unwrap();
        let mail = delivery.calls.mails().next().unwrap();
        assert_eq!(["ready", "next", "missing"].map(|name| var(mail, name)), expected);
    }
}

#[test]
fn a_thousand_orders_cost_no_more_than_one() {
    let mut shop = shop().setting("mail_on_earning", false);
    for n in 0..1000 {
        let basket = order(&format!("gid://shop/Order/{n}")).customer("gid://shop/Customer/1").line(1999, 1);
        shop.deliver(paid(basket).at(Timestamp(START.0 + n))).unwrap();
    }
    assert_eq!(account(&shop, "gid://shop/Customer/1").balance, 19_000);
    let largest = shop.state_keys("").map(|key| shop.state::<serde_json::Value>(key).unwrap().to_string().len()).max();
    assert!(largest.unwrap() < 400, "a record has {largest:?} bytes");
    assert_eq!(shop.state_keys("entry/").count(), 1000);
    assert!(entries(&shop, "gid://shop/Customer/1").iter().all(|entry| entry.points == 19));
}

#[test]
fn a_damaged_account_stops_the_delivery_and_is_not_taken_for_an_empty_one() {
    let mut shop = shop().with_state(&account_key("c1"), "{\"balance\":");
    let failure = shop.deliver(paid(order("1").customer("c1").line(1000, 1))).unwrap_err();
    assert!(matches!(failure, Failure::Reject(_)));
    assert_eq!(shop.state_keys("").count(), 1);
}

#[test]
fn topics_that_it_does_not_know_are_ignored() {
    let mut shop = Bench::new(handle);
    let delivery = shop.deliver(Incoming::other("shopify:products/update", "p1", "{}")).unwrap();
    assert_eq!((delivery.status, delivery.calls.len()), (Status::Handled, 0));
}
