//! Silence before, thanks after.

use std::time::Duration;

use regulars_sdk::{
    Fulfillment, Guard, Order, Purpose, Timestamp,
    panel::{Block, View},
    test::{Bench, Call, Capability, Incoming, START, fulfillment, refund},
};
use serde_json::json;

use super::*;
use crate::{panel, thanks::timer_key};

fn with_gift() -> Bench {
    let mut shop = shop().setting("gifts", json!([gift("soap", 10, "2.00")]));
    shop.deliver(paid(basket("1"))).unwrap();
    let effect = effect(&shop, "1");
    shop.finish(&effect).unwrap();
    shop
}

fn shipment(id: &str) -> Fulfillment {
    fulfillment(id, "1")
}

fn delivered(id: &str, days: u64) -> Fulfillment {
    let updated_at = START.plus_days(days);
    Fulfillment { shipment_status: Some("delivered".into()), updated_at, ..fulfillment(id, "1") }
}

fn moved(shop: &mut Bench, it: Fulfillment) -> Delivery {
    shop.deliver(Incoming::fulfillment("fulfillment.updated", it)).unwrap()
}

fn shown(shop: &Bench, locale: &str) -> Vec<Block> {
    let view = View { kind: "panel".into(), customer_id: Some("c1".into()), locale: locale.into(), link: None };
    shop.render(panel::render, &view).unwrap()
}

#[test]
fn nobody_is_told_of_a_gift_before_its_parcel_has_arrived() {
    let mut shop = with_gift();
    moved(&mut shop, shipment("f1"));
    shop.advance_days(2).unwrap();
    moved(&mut shop, Fulfillment { shipment_status: Some("in_transit".into()), ..shipment("f1") });
    assert_eq!(shop.calls().mails().count(), 0);
    assert_eq!(shown(&shop, "en"), []);
    let to_shoppers =
        |call: &&Call| matches!(call, Call::OrderNote { .. } | Call::Metafield { .. } | Call::Tags { .. });
    assert_eq!(shop.calls().iter().filter(to_shoppers).count(), 0);
}

#[test]
fn thanks_follow_the_carriers_word_by_a_day_and_ask_for_nothing() {
    let mut shop = with_gift();
    moved(&mut shop, shipment("f1"));
    shop.advance_days(3).unwrap();
    let delivery = moved(&mut shop, delivered("f1", 3));
    assert_eq!(why(&delivery), "Thanks queued");
    let mail = delivery.calls.mails().next().unwrap();
    assert_eq!((mail.customer_id.as_str(), mail.template.as_str(), mail.purpose), ("c1", "thanks", Purpose::Loyalty));
    let vars: Vec<_> = mail.vars.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(vars, [("gift", "SOAP"), ("order", "#1")]);
    assert_eq!(mail.send_at, Some(START.plus_days(4)));
    assert_eq!(mail.guards, [Guard::OrderNotCancelled("1".into())]);
    assert_eq!(mail.after, None);
    assert_eq!(shop.due(&timer_key("1")), None);
}

#[test]
fn thanks_are_said_once_however_many_parcels_and_scans() {
    let mut shop = with_gift();
    moved(&mut shop, shipment("f1"));
    moved(&mut shop, shipment("f2"));
    moved(&mut shop, delivered("f1", 2));
    assert_eq!(shop.calls().mails().count(), 0, "the gift may be in the other parcel");
    moved(&mut shop, delivered("f2", 3));
    moved(&mut shop, delivered("f2", 4));
    shop.deliver_again(Incoming::fulfillment("fulfillment.updated", delivered("f2", 3))).unwrap();
    shop.advance_days(60).unwrap();
    assert_eq!(shop.calls().mails().count(), 1);
}

#[test]
fn without_the_carriers_word_thanks_follow_shipping_by_ten_days() {
    let mut shop = with_gift();
    moved(&mut shop, shipment("f1"));
    shop.advance_days(4).unwrap();
    moved(&mut shop, Fulfillment { shipment_status: Some("in_transit".into()), ..shipment("f1") });
    assert_eq!(shop.due(&timer_key("1")), Some(START.plus_days(10)), "counted from the first parcel");
    shop.advance_to(START.plus_days(10)).unwrap();
    let mail = shop.calls().mails().next().unwrap();
    assert_eq!(mail.send_at, Some(START.plus_days(10)));
}

#[test]
fn an_order_that_is_shipped_without_shipments_is_thanked_for_too() {
    let mut shop = with_gift();
    let fulfilled = Order { fulfillment_status: Some("fulfilled".into()), ..basket("1").into() };
    shop.deliver(Incoming::order("order.fulfilled", fulfilled)).unwrap();
    shop.advance_days(10).unwrap();
    assert_eq!(shop.calls().mails().count(), 1);
}

#[test]
fn while_a_part_is_still_to_be_shipped_thanks_wait() {
    let mut shop = with_gift();
    let partial = Order { fulfillment_status: Some("partial".into()), ..basket("1").into() };
    shop.deliver(Incoming::order("order.fulfilled", partial).id("partly")).unwrap();
    moved(&mut shop, delivered("f1", 2));
    shop.advance_days(25).unwrap();
    assert_eq!(shop.calls().mails().count(), 0);
    let whole = Order { fulfillment_status: Some("fulfilled".into()), ..basket("1").into() };
    shop.deliver(Incoming::order("order.fulfilled", whole)).unwrap();
    assert_eq!(shop.calls().mails().count(), 1);
}

#[test]
fn a_shipment_that_is_called_off_calls_the_thanks_off() {
    let mut shop = with_gift();
    moved(&mut shop, shipment("f1"));
    let off = Fulfillment { status: Some("cancelled".into()), updated_at: START.plus_days(1), ..shipment("f1") };
    assert_eq!(why(&moved(&mut shop, off)), "The gift is waiting: the shipment was called off");
    shop.advance_days(30).unwrap();
    assert_eq!(shop.calls().mails().count(), 0);
    moved(&mut shop, shipment("f2"));
    shop.advance_days(10).unwrap();
    assert_eq!(shop.calls().mails().count(), 1);
}

#[test]
fn nobody_is_thanked_for_an_order_that_came_back() {
    let whole: Order = basket("1").into();
    for call_off in [cancelled(basket("1"), 5), Incoming::order_refunded(refund("r", &whole).everything())] {
        let mut shop = with_gift();
        moved(&mut shop, shipment("f1"));
        shop.deliver(call_off).unwrap();
        let fired = shop.advance_days(10).unwrap();
        assert_eq!(why(&fired[0]), "No thanks");
        assert_eq!(shop.calls().mails().count(), 0);
    }
}

#[test]
fn thanks_wait_for_a_gift_that_the_platform_has_not_taken_in_yet() {
    let mut shop = shop();
    shop.deliver(paid(basket("1"))).unwrap();
    moved(&mut shop, delivered("f1", 2));
    let effect = effect(&shop, "1");
    assert_eq!(shop.calls().mails().next().unwrap().after, Some(effect));
}

#[test]
fn without_a_gift_there_is_nothing_to_thank_for() {
    let mut shop = shop().setting("rules", json!([]));
    shop.deliver(paid(basket("1"))).unwrap();
    assert_eq!(why(&moved(&mut shop, delivered("f1", 2))), "No gift in the parcel");
    let mut returned = with_gift();
    returned.deliver(cancelled(basket("1"), 1)).unwrap();
    let late = moved(&mut returned, shipment("f1"));
    assert_eq!(why(&late), "No gift in the parcel: it had been given back before");
    returned.advance_days(30).unwrap();
    assert_eq!(shop.calls().mails().count() + returned.calls().mails().count(), 0);
}

#[test]
fn the_merchant_can_do_without_the_mail() {
    for (shop, reason) in [
        (with_gift().setting("thanks_mail", false), "No thanks: the mail is switched off"),
        (with_gift().withhold(Capability::Mail), "No thanks"),
        (with_gift().budget("mails", 0), "No thanks"),
    ] {
        let mut shop = shop;
        assert_eq!(why(&moved(&mut shop, delivered("f1", 2))), reason);
        assert_eq!(shop.calls().mails().count(), 0);
    }
}

#[test]
fn the_panel_speaks_of_the_gift_from_the_mail_on_for_sixty_days_in_six_languages() {
    let mut shop = with_gift();
    moved(&mut shop, delivered("f1", 2));
    assert_eq!(shown(&shop, "en"), []);
    shop.advance_days(1).unwrap();
    let texts: std::collections::BTreeSet<_> =
        ["en", "de-AT", "fr_CA", "es", "nl", "ja"].map(|locale| shown(&shop, locale)[1].text.clone()).into();
    assert_eq!(texts.len(), 6);
    assert!(texts.iter().all(|text| text.contains("SOAP") && text.contains("#1") && !text.contains('{')), "{texts:?}");
    assert_eq!(shown(&shop, "pt"), shown(&shop, "en"));
    let link = View { kind: "link".into(), customer_id: Some("c1".into()), locale: "en".into(), link: None };
    assert_eq!(shop.render(panel::render, &link).unwrap(), []);
    let visitor = View { kind: "panel".into(), customer_id: None, locale: "en".into(), link: None };
    assert_eq!(shop.render(panel::render, &visitor).unwrap(), []);
    shop.advance_to(Timestamp(START.plus_days(61).0) + Duration::ZERO).unwrap();
    assert_eq!(shown(&shop, "en"), []);
}
