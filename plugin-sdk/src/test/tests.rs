//! The bench keeps the host's promises.

use super::*;
use crate::{Benefit, Date, Mail, Money, NewDiscount, Purpose, Refusal, StateError, key, limits};

fn paid(id: &str) -> Incoming {
    Incoming::order_paid(order(id).customer("c1").line(1000, 1))
}

/// Counts paid orders, mails about each, and fails as the order's name says.
fn counter(event: &Event, cx: &mut Context) -> Result {
    let count = cx.state().get::<u32>("count")?.unwrap_or(0) + 1;
    cx.state().set("count", &count)?;
    cx.schedule("later", cx.now().plus_days(1), b"x")?;
    cx.send_mail(Mail::new("c1", "counted", Purpose::Service).var("count", count.to_string()))?;
    cx.note("Counted", &[("count", &count.to_string()), ("attempt", &event.attempt.to_string())])?;
    match cx.order().map(|order| order.name) {
        Some(name) if name == "#retry" && event.attempt == 1 => Err(Failure::retry("not yet")),
        Some(name) if name == "#reject" => Err(Failure::reject("never")),
        _ => Ok(()),
    }
}

#[test]
fn a_delivery_that_succeeds_keeps_everything() {
    let mut shop = Bench::new(counter);
    let delivery = shop.deliver(paid("1")).unwrap();
    assert_eq!(delivery.status, Status::Handled);
    assert_eq!(shop.state::<u32>("count"), Some(1));
    assert_eq!(shop.due("later"), Some(START.plus_days(1)));
    assert_eq!(shop.calls(), &delivery.calls);
    assert_eq!(shop.calls().len(), 3);
}

#[test]
fn a_delivery_that_fails_leaves_nothing_behind() {
    for id in ["retry", "reject"] {
        let mut shop = Bench::new(counter);
        shop.deliver(paid(id)).unwrap_err();
        assert_eq!(shop.state::<u32>("count"), None);
        assert_eq!(shop.due("later"), None);
        assert!(shop.calls().is_empty());
    }
}

#[test]
fn an_event_that_asked_for_a_retry_runs_again_and_one_rejected_does_not() {
    let mut shop = Bench::new(counter);
    shop.deliver(paid("retry")).unwrap_err();
    let second = shop.deliver(paid("retry")).unwrap();
    assert_eq!(second.calls.notes().next().unwrap().field("attempt"), Some("2"));
    shop.deliver(paid("reject")).unwrap_err();
    assert_eq!(shop.deliver(paid("reject")).unwrap().status, Status::Repeated);
    assert_eq!(shop.state::<u32>("count"), Some(1));
}

#[test]
fn an_event_delivered_twice_counts_once() {
    let mut shop = Bench::new(counter);
    shop.deliver(paid("1")).unwrap();
    assert_eq!(shop.deliver(paid("1")).unwrap().status, Status::Repeated);
    assert_eq!(shop.state::<u32>("count"), Some(1));
}

#[test]
fn a_replay_yields_the_same_effects_and_counts_them_once() {
    let mut shop = Bench::new(counter);
    let first = shop.deliver(paid("1")).unwrap();
    shop.advance_to(START.plus_days(9)).unwrap();
    let effects = |calls: &Calls| calls.iter().filter_map(Call::effect).cloned().collect::<Vec<_>>();
    let mails = shop.calls().mails().count();
    let again = shop.deliver_again(paid("1")).unwrap();
    assert_eq!(effects(&first.calls), effects(&again.calls));
    assert_eq!(shop.calls().mails().count(), mails);
}

#[test]
fn timers_fire_once_at_their_time_and_in_order() {
    fn handle(event: &Event, cx: &mut Context) -> Result {
        if let Some(timer) = cx.timer() {
            cx.note(&timer.key, &[("at", &cx.now().0.to_string()), ("payload", &timer.payload.len().to_string())])?;
            if timer.key == "early" {
                cx.schedule("chained", event.occurred_at.plus_days(1), b"")?;
            }
            return Ok(());
        }
        cx.schedule("late", cx.now().plus_days(5), b"12")?;
        cx.schedule("gone", cx.now().plus_days(1), b"")?;
        cx.schedule("early", cx.now().plus_days(9), b"")?;
        cx.schedule("early", cx.now().plus_days(2), b"1")?;
        assert!(cx.cancel("gone"));
        assert!(!cx.cancel("gone"));
        assert!(!cx.cancel("unknown"));
        Ok(())
    }
    let mut shop = Bench::new(handle);
    shop.deliver(paid("1")).unwrap();
    assert!(shop.advance_days(1).unwrap().is_empty());
    let fired = shop.advance_days(30).unwrap();
    let seen: Vec<_> =
        fired.iter().flat_map(|it| it.calls.notes()).map(|it| (it.reason.as_str(), it.field("at"))).collect();
    let at = |days| START.plus_days(days).0.to_string();
    assert_eq!(seen, [("early", Some(&*at(2))), ("chained", Some(&*at(3))), ("late", Some(&*at(5)))]);
    assert_eq!(shop.now(), START.plus_days(31));
    assert!(shop.advance_days(30).unwrap().is_empty());
}

#[test]
fn a_timer_whose_delivery_asks_for_a_retry_stays_due() {
    fn handle(event: &Event, cx: &mut Context) -> Result {
        match event.topic.as_str() {
            "timer.fired" if event.attempt == 1 => Err(Failure::retry("once")),
            "timer.fired" => Ok(()),
            _ => Ok(cx.schedule("t", cx.now().plus_days(1), b"")?),
        }
    }
    let mut shop = Bench::new(handle);
    shop.deliver(paid("1")).unwrap();
    shop.advance_days(2).unwrap_err();
    assert_eq!(shop.now(), START.plus_days(1));
    assert_eq!(shop.advance_days(1).unwrap().len(), 1);
    assert_eq!(shop.due("t"), None);
}

#[test]
fn what_is_not_granted_is_refused() {
    fn handle(_: &Event, cx: &mut Context) -> Result {
        let value = Money::new(500, cx.store().currency);
        assert_eq!(cx.send_mail(Mail::new("c1", "any", Purpose::Service)), Err(Refusal::NotGranted));
        assert_eq!(cx.create_discount(NewDiscount::new("c1", "A", Benefit::Amount(value))), Err(Refusal::NotGranted));
        assert_eq!(cx.add_tags("c1", &["vip"]), Err(Refusal::NotGranted));
        assert_eq!(cx.remove_tags("c1", &["vip"]), Err(Refusal::NotGranted));
        Ok(())
    }
    let shop = Bench::new(handle);
    let mut shop = Capability::ALL.into_iter().fold(shop, Bench::withhold);
    shop.deliver(paid("1")).unwrap();
    assert!(shop.calls().is_empty());
}

#[test]
fn every_limit_holds() {
    fn handle(_: &Event, cx: &mut Context) -> Result {
        let over = |limit: usize| Err(Refusal::OverLimit(limit as u32));
        let refused = |limit: usize| Err(StateError::Refused(Refusal::OverLimit(limit as u32)));
        // Two of the value's bytes are its quotation marks.
        let text = |bytes: usize| "x".repeat(bytes);
        assert_eq!(cx.state().set("k", &text(limits::STATE_VALUE_BYTES - 2)), Ok(()));
        assert_eq!(cx.state().set("k", &text(limits::STATE_VALUE_BYTES - 1)), refused(limits::STATE_VALUE_BYTES));
        assert_eq!(cx.state().set(&text(limits::STATE_KEY_BYTES), &1), Ok(()));
        assert_eq!(cx.state().set(&text(limits::STATE_KEY_BYTES + 1), &1), refused(limits::STATE_KEY_BYTES));
        assert_eq!(cx.note("fields", &[("f", &text(limits::NOTE_BYTES))]), over(limits::NOTE_BYTES));
        for n in 0..limits::NOTES_PER_DELIVERY + 1 {
            let expected = if n < limits::NOTES_PER_DELIVERY { Ok(()) } else { over(limits::NOTES_PER_DELIVERY) };
            assert_eq!(cx.note("n", &[]), expected);
        }
        assert_eq!(cx.note(&text(limits::NOTE_BYTES + 1), &[]), over(limits::NOTES_PER_DELIVERY));
        assert_eq!(cx.add_tags("c1", &["vip"; limits::TAGS + 1]).map(drop), over(limits::TAGS));
        for n in 0..limits::TIMERS_PER_DELIVERY + 1 {
            let expected = if n < limits::TIMERS_PER_DELIVERY { Ok(()) } else { over(limits::TIMERS_PER_DELIVERY) };
            assert_eq!(cx.schedule("t", cx.now(), b""), expected);
        }
        let long = Mail::new("c1", "t", Purpose::Service).var("v", text(limits::MAIL_VAR_BYTES + 1));
        assert_eq!(cx.send_mail(long).map(drop), over(limits::MAIL_VAR_BYTES));
        let many = (0..limits::MAIL_VARS + 1)
            .fold(Mail::new("c1", "t", Purpose::Service), |mail, n| mail.var(n.to_string(), ""));
        assert_eq!(cx.send_mail(many).map(drop), over(limits::MAIL_VARS));
        for n in 0..limits::EFFECTS_PER_DELIVERY + 1 {
            let expected = if n < limits::EFFECTS_PER_DELIVERY { Ok(()) } else { over(limits::EFFECTS_PER_DELIVERY) };
            assert_eq!(cx.add_tags("c1", &["vip"]).map(drop), expected);
        }
        Ok(())
    }
    Bench::new(handle).deliver(paid("1")).unwrap();
}

#[test]
fn unusable_arguments_are_refused() {
    fn handle(_: &Event, cx: &mut Context) -> Result {
        let euro = cx.store().currency;
        let five = Money::new(500, euro);
        let unusable = [
            NewDiscount::new("", "A", Benefit::Amount(five)),
            NewDiscount::new("c1", "", Benefit::Amount(five)),
            NewDiscount::new("c1", "lower", Benefit::Amount(five)),
            NewDiscount::new("c1", "ABCDEFGHIJKLM", Benefit::Amount(five)),
            NewDiscount::new("c1", "A", Benefit::Amount(Money::zero(euro))),
            NewDiscount::new("c1", "A", Benefit::Amount(Money::new(1, "JPY".parse()?))),
            NewDiscount::new("c1", "A", Benefit::Amount(five)).ends_at(cx.now()),
            NewDiscount::new("c1", "A", Benefit::Amount(five)).minimum_subtotal(Money::new(-1, euro)),
        ];
        for discount in unusable {
            assert!(matches!(cx.create_discount(discount.clone()), Err(Refusal::Invalid(_))), "{discount:?}");
        }
        for mail in [
            Mail::new("", "t", Purpose::Service),
            Mail::new("c1", "t", Purpose::Service).after(&EffectId("elsewhere".into())),
        ] {
            assert!(matches!(cx.send_mail(mail.clone()), Err(Refusal::Invalid(_))), "{mail:?}");
        }
        assert!(matches!(cx.add_tags("c1", &[]), Err(Refusal::Invalid(_))));
        for tag in ["", "a,b", &"x".repeat(limits::TAG_BYTES + 1)] {
            assert!(matches!(cx.add_tags("c1", &[tag]), Err(Refusal::Invalid(_))), "{tag}");
        }
        let too_far = cx.now().plus_days(limits::TIMER_DAYS_AHEAD + 1);
        assert!(matches!(cx.schedule("t", too_far, b""), Err(Refusal::Invalid(_))));
        assert!(matches!(cx.state().set("", &1), Err(StateError::Refused(Refusal::Invalid(_)))));
        let issued = cx.create_discount(NewDiscount::new("c1", "A1", Benefit::Amount(five)))?;
        assert!(issued.code.starts_with("A1-"));
        cx.send_mail(Mail::new("c1", "t", Purpose::Service).after(&issued.effect))?;
        Ok(())
    }
    Bench::new(handle).deliver(paid("1")).unwrap();
}

#[test]
fn a_damaged_value_is_an_error_and_not_an_absent_one() {
    fn handle(_: &Event, cx: &mut Context) -> Result {
        assert!(matches!(cx.state().get::<u32>("count"), Err(StateError::Malformed(_))));
        cx.state().get::<u32>("count")?;
        Ok(())
    }
    let mut shop = Bench::new(handle).with_state("count", "not a number");
    assert!(
        matches!(shop.deliver(paid("1")), Err(Failure::Reject(reason)) if reason.starts_with("count does not read"))
    );
}

#[test]
fn listings_go_on_past_a_page_and_see_the_deliverys_own_writes() {
    fn handle(_: &Event, cx: &mut Context) -> Result {
        for n in 0..limits::KEYS_PER_PAGE + 5 {
            cx.state().set(&format!("a/{n:05}"), &n)?;
        }
        cx.state().set("b/1", &1)?;
        cx.state().delete("a/00000")?;
        assert_eq!(cx.state().keys("a/").count(), limits::KEYS_PER_PAGE as usize + 4);
        assert_eq!(cx.state().keys("a/").next().as_deref(), Some("a/00001"));
        assert_eq!(cx.state().keys("c/").next(), None);
        let orders: Vec<_> = cx.orders_of("c1").map(|it| it.id).collect();
        assert_eq!(orders.len(), limits::ORDERS_PER_PAGE as usize + 7);
        assert!(orders.is_sorted());
        Ok(())
    }
    let mut shop = Bench::new(handle).with_order(order("other").customer("c2").line(1, 1));
    for n in 0..limits::ORDERS_PER_PAGE + 6 {
        shop = shop.with_order(order(&format!("{n:04}")).customer("c1").line(1, 1));
    }
    shop.deliver(paid("9999")).unwrap();
}

#[test]
fn an_older_fact_never_replaces_a_newer_one() {
    fn handle(_: &Event, cx: &mut Context) -> Result {
        let cancelled = cx.order().is_some_and(|order| order.cancelled_at.is_some());
        Ok(cx.note("seen", &[("cancelled", &cancelled.to_string())])?)
    }
    let draft = || order("1").line(1000, 1);
    let mut shop = Bench::new(handle);
    let cancelled = Incoming::order_cancelled(draft().cancelled_at(START)).at(START.plus_days(1));
    shop.deliver(cancelled).unwrap();
    let late = shop.deliver(Incoming::order_paid(draft()).at(START)).unwrap();
    assert_eq!(late.calls.notes().next().unwrap().field("cancelled"), Some("true"));
}

#[test]
fn the_event_says_which_customer_order_and_refund_it_concerns() {
    fn handle(event: &Event, cx: &mut Context) -> Result {
        let (customer, order) = (cx.customer().map(|it| it.id), cx.order().map(|it| it.id));
        let (customer, order) = (customer.as_deref(), order.as_deref());
        match event.topic.as_str() {
            "order.paid" => assert_eq!((customer, order), (Some("c1"), Some("1"))),
            "order.refunded" if cx.refund().unwrap().id == "early" => assert_eq!((customer, order), (None, None)),
            "order.refunded" => assert_eq!((customer, order), (Some("c1"), Some("1"))),
            "customer.created" => assert_eq!((customer, order), (Some("c1"), None)),
            "shopper.action" => assert_eq!((customer, cx.action().unwrap().input::<u32>()), (Some("c1"), Ok(7))),
            _ => assert_eq!((customer, order, &*cx.payload_json()), (None, None, "{\"a\":1}")),
        }
        assert_eq!(cx.refunds_of("1").len(), if event.topic == "order.refunded" { 1 } else { 0 });
        Ok(())
    }
    let placed: Order = order("1").customer("c1").line(1000, 2).into();
    let fresh = || Bench::new(handle);
    fresh().deliver(Incoming::order_refunded(refund("early", &placed).units("l1", 1))).unwrap();
    fresh().with_order(placed.clone()).deliver(Incoming::order_refunded(refund("r1", &placed).everything())).unwrap();
    for event in [
        Incoming::order_paid(placed),
        Incoming::customer_created(customer("c1")),
        Incoming::action("redeem", "c1", 7),
        Incoming::other("shopify:products/update", "p1", "{\"a\":1}"),
    ] {
        fresh().with_customer(customer("c1")).deliver(event).unwrap();
    }
}

#[test]
fn chance_follows_from_the_seed_and_the_event_alone() {
    fn handle(_: &Event, cx: &mut Context) -> Result {
        let draws = [cx.random_u64(), cx.random_u64()];
        assert_ne!(draws[0], draws[1]);
        assert!((0..100).all(|_| cx.random_below(6) < 6));
        assert_eq!(cx.random_below(0), 0);
        Ok(cx.note(&format!("{draws:?}"), &[])?)
    }
    let drawn = |seed, id| {
        let mut shop = Bench::new(handle).seed(seed);
        shop.deliver(paid(id)).unwrap().calls.notes().next().unwrap().reason.clone()
    };
    assert_eq!(drawn(1, "1"), drawn(1, "1"));
    assert_ne!(drawn(1, "1"), drawn(2, "1"));
    assert_ne!(drawn(1, "1"), drawn(1, "2"));
}

#[test]
fn civil_dates_follow_the_stores_offset() {
    fn handle(_: &Event, cx: &mut Context) -> Result {
        Ok(cx.note(&cx.date_of(Timestamp(START.0 + 11 * 3_600_000)).to_string(), &[])?)
    }
    let date = |minutes| {
        let mut shop = Bench::new(handle).time_zone("Test/Zone", minutes);
        shop.deliver(paid("1")).unwrap().calls.notes().next().unwrap().reason.clone()
    };
    assert_eq!(date(0), "2026-01-01");
    assert_eq!(date(60), "2026-01-02");
    assert_eq!(Date { year: 2026, month: 1, day: 2 }.to_string(), date(120));
}

#[test]
fn a_manifest_sets_defaults_topics_templates_and_grants() {
    const MANIFEST: &str = r#"
        [plugin]
        topics = ["order.paid"]
        capabilities = ["mail"]
        [templates.known]
        subject = "Hello"
        [settings]
        type = "object"
        [settings.properties.points]
        default = 5
        [settings.properties.rewards]
        default = []
        [settings.properties.rewards.items.properties.days]
        default = 90
    "#;
    fn handle(_: &Event, cx: &mut Context) -> Result {
        #[derive(serde::Deserialize)]
        struct Settings {
            points: u32,
            rewards: Vec<BTreeMap<String, u32>>,
        }
        let Settings { points, rewards } = cx.settings()?;
        assert!(rewards.iter().all(|reward| reward["days"] == 90));
        assert_eq!(cx.setting::<u32>("points")?, Some(points));
        assert_eq!(cx.setting::<u32>("other")?, None);
        cx.send_mail(Mail::new("c1", "known", Purpose::Service).var("points", points.to_string()))?;
        assert!(matches!(cx.send_mail(Mail::new("c1", "unknown", Purpose::Service)), Err(Refusal::Invalid(_))));
        assert_eq!(cx.add_tags("c1", &["vip"]), Err(Refusal::NotGranted));
        Ok(())
    }
    let points = |mut shop: Bench| {
        shop.deliver(paid("1")).unwrap();
        shop.calls().mails().next().unwrap().vars[0].1.clone()
    };
    let mut shop = Bench::new(handle).manifest(MANIFEST);
    assert_eq!(points(shop.clone()), "5");
    let rewards = serde_json::json!([{ "cost": 1 }]);
    assert_eq!(points(shop.clone().setting("points", 7).setting("rewards", rewards)), "7");
    let unwanted = Incoming::order_cancelled(order("1"));
    assert_eq!(shop.deliver(unwanted).unwrap().status, Status::Unwanted);
}

/// Keeps stamps per customer and kind, and a visit count per customer.
fn stamps(event: &Event, cx: &mut Context) -> Result {
    let sum = |_: &str, moved: u32, there: Option<u32>| Ok(moved + there.unwrap_or(0));
    match (event.topic.as_str(), cx.merge(), cx.order()) {
        ("order.paid", _, Some(order)) => {
            let customer = order.customer_id.unwrap_or_default();
            for key in [key(&["stamp", &customer, &order.name]), key(&["visits", &customer])] {
                let count = cx.state().get::<u32>(&key)?.unwrap_or(0);
                cx.state().set(&key, &(count + 1))?;
            }
        }
        ("customer.merged", Some(merge), _) => {
            let (from, to) = (&merge.absorbed_id, &merge.kept_id);
            let moved = cx.state().merge(&key(&["stamp", from, ""]), &key(&["stamp", to, ""]), sum)?;
            let moved = moved + cx.state().merge(&key(&["visits", from]), &key(&["visits", to]), sum)?;
            cx.note("Moved", &[("keys", &moved.to_string())])?;
        }
        _ => {}
    }
    Ok(())
}

#[test]
fn state_under_a_prefix_moves_to_another_once_and_what_meets_is_joined() {
    let mut shop = Bench::new(stamps);
    for (id, customer) in [("a", "1"), ("b", "1"), ("b", "2"), ("c", "10")] {
        let named =
            Order { name: id.into(), ..order(&format!("{id}-{customer}")).customer(customer).line(1, 1).into() };
        shop.deliver(Incoming::order_paid(named)).unwrap();
    }
    for (times, moved) in [(1, "3"), (2, "0")] {
        let delivery = shop.deliver_again(Incoming::customer_merged("2", "1")).unwrap();
        assert_eq!(delivery.calls.notes().next().unwrap().field("keys"), Some(moved), "told {times} times");
        let kept: Vec<_> = shop.state_keys("").map(|key| (key, shop.state::<u32>(key).unwrap())).collect();
        let expected = [("stamp/10/c", 1), ("stamp/2/a", 1), ("stamp/2/b", 2), ("visits/10", 1), ("visits/2", 3)];
        assert_eq!(kept, expected);
    }
}

#[test]
fn merges_are_followed_wherever_a_customer_is_named() {
    fn look(event: &Event, cx: &mut Context) -> Result {
        if event.topic == "shopper.action" {
            let seen = [
                cx.action().and_then(|action| action.customer_id),
                cx.customer().map(|customer| customer.id),
                cx.customer_by_id("1").map(|customer| customer.id),
                cx.order_by_id("o").and_then(|order| order.customer_id),
            ];
            assert_eq!(seen.map(Option::unwrap), ["3"; 4]);
            assert_eq!(cx.orders_of("2").map(|order| order.id).collect::<Vec<_>>(), ["o"]);
        }
        if event.topic == "customer.merged" {
            cx.note(&cx.merge().map_or("none".into(), |it| it.absorbed_id + ">" + &it.kept_id), &[])?;
        }
        Ok(())
    }
    let mut shop = Bench::new(look).with_order(order("o").customer("1").line(1, 1));
    let merges = [("3", "2", "2>3"), ("2", "1", "1>3"), ("1", "3", "none")];
    for (kept, absorbed, told) in merges {
        let delivery = shop.deliver(Incoming::customer_merged(kept, absorbed)).unwrap();
        assert_eq!(delivery.calls.notes().next().unwrap().reason, told);
    }
    shop.deliver(Incoming::action("look", "1", ())).unwrap();
}

#[test]
fn a_timer_that_sets_itself_for_the_past_lets_the_clock_go_on() {
    fn handle(_: &Event, cx: &mut Context) -> Result {
        Ok(cx.schedule("again", Timestamp(1), b"")?)
    }
    let mut shop = Bench::new(handle);
    shop.deliver(Incoming::order_paid(order("1"))).unwrap();
    let fired = shop.advance_to(START + std::time::Duration::from_secs(150)).unwrap();
    assert_eq!(fired.len(), 3, "at once, after a minute and after two");
}

#[test]
fn a_ended_effect_is_told_with_its_customer_and_only_as_its_own_topic() {
    fn handle(event: &Event, cx: &mut Context) -> Result {
        let told = cx.ended_effect(event)?.map(|failed| failed.reason).unwrap_or_default();
        let customer = cx.customer().map(|customer| customer.id).unwrap_or_default();
        Ok(cx.note(&told, &[("customer", &customer)])?)
    }
    let mut shop = Bench::new(handle).with_customer(customer("7"));
    let effect = crate::EffectId("abc".into());
    let told = shop.deliver(Incoming::effect_failed(&effect, "mail", "7", "no such person")).unwrap();
    let note = told.calls.notes().next().unwrap();
    assert_eq!((note.reason.as_str(), note.field("customer")), ("no such person", Some("7")));
    let forged = Incoming::action("redeem", "7", serde_json::json!({"effect": "abc", "reason": "forged"}));
    let told = shop.deliver(forged).unwrap();
    assert_eq!(told.calls.notes().next().unwrap().reason, "");
}

#[test]
fn a_timer_that_is_set_again_for_a_time_at_which_it_has_fired_fires_again() {
    fn count(event: &Event, cx: &mut Context) -> Result {
        match event.topic.as_str() {
            "timer.fired" => {
                let fired = cx.state().get::<u32>("fired")?.unwrap_or(0) + 1;
                cx.state().set("fired", &fired)?;
            }
            _ => cx.schedule("again", START.plus_days(1), b"")?,
        }
        Ok(())
    }
    let mut shop = Bench::new(count);
    for id in ["1", "2"] {
        shop.deliver(paid(id)).unwrap();
        shop.advance_to(START.plus_days(2)).unwrap();
    }
    assert_eq!(shop.state::<u32>("fired"), Some(2));
    assert_eq!(shop.due("again"), None);
}

#[test]
fn merges_that_would_lead_in_a_circle_are_not_followed() {
    let mut shop = Bench::new(|_, cx| {
        assert_eq!(cx.merge().map(|merge| merge.kept_id).as_deref(), Some("2"));
        Ok(())
    });
    for (kept, absorbed) in [("2", "0"), ("0", "1"), ("1", "0")] {
        shop.deliver(Incoming::customer_merged(kept, absorbed)).unwrap();
    }
}

#[test]
fn what_is_due_at_once_is_taken_back_in_its_own_delivery_alone_and_what_waits_later_too() {
    fn handle(event: &Event, cx: &mut Context) -> Result {
        let mail = || Mail::new("c1", "word", Purpose::Loyalty);
        let earlier = cx.state().get::<[EffectId; 2]>("queued")?;
        if let Some([at_once, waiting]) = earlier {
            assert_eq!(event.topic, "order.cancelled");
            assert_eq!([cx.withdraw(&at_once), cx.withdraw(&waiting), cx.withdraw(&waiting)], [false, true, false]);
            return Ok(());
        }
        let own = cx.send_mail(mail())?;
        assert!(cx.withdraw(&own));
        let queued = [cx.send_mail(mail())?, cx.send_mail(mail().send_at(cx.now().plus_days(2)))?];
        Ok(cx.state().set("queued", &queued)?)
    }
    let mut shop = Bench::new(handle).budget("mails", 3);
    shop.deliver(paid("1")).unwrap();
    assert_eq!(shop.spent("mails"), 2, "what was taken back does not count");
    shop.deliver(Incoming::order_cancelled(order("1"))).unwrap();
    assert_eq!(shop.spent("mails"), 1);
}

#[test]
fn a_better_offer_ends_the_one_that_is_live_and_no_other_is_issued() {
    fn handle(_: &Event, cx: &mut Context) -> Result {
        let offer = |share| NewDiscount::new("c1", "A", Benefit::BasisPoints(share)).offer();
        let weak = cx.create_discount(offer(500))?;
        assert!(matches!(cx.create_discount(offer(500)), Err(Refusal::Other(_))), "one that is equal stays");
        cx.create_discount(offer(501))?;
        assert_eq!(cx.code_standing(&weak.effect).map(|it| it.status).as_deref(), Some("failed"), "it is not made");
        Ok(())
    }
    let mut shop = Bench::new(handle);
    let delivery = shop.deliver(paid("1")).unwrap();
    let ends = |call: &&Call| matches!(call, Call::DisableDiscount { .. });
    assert_eq!((delivery.calls.discounts().count(), delivery.calls.iter().filter(ends).count()), (2, 1));
}
