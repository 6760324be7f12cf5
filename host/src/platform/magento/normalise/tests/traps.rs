//! The platform's traps, one test each: what a reader who does not know Magento would get wrong.

use serde_json::json;

use super::*;

const REST: &str = "rest/order.updated";
const MEMO: &str = "rest/order.refunded";

fn memo() -> Value {
    json("async_events_creditmemo")["data"].clone()
}

#[test]
fn an_order_is_keyed_by_its_entity_id_and_shown_by_its_number_which_counts_anew_in_each_store() {
    let order = order("module_order_of_guest");
    assert_eq!((order.id.as_str(), order.name.as_str()), ("43", "2000000004"));
    assert_eq!(refund(MEMO, &memo()).order.as_str(), "42", "not the memo's own number");
}

#[test]
fn what_is_null_is_absent_through_rest_and_a_text_in_an_event() {
    let mut bare = json("rest_order_paid");
    let fields = bare.as_object_mut().unwrap();
    for field in ["coupon_code", "customer_id", "base_total_paid", "base_total_refunded", "remote_ip"] {
        fields.remove(field);
    }
    let absent = order_of(REST, &bare);
    let mut nulls = json("adobe_io_order")["data"]["value"].clone();
    for field in ["coupon_code", "customer_id", "base_total_paid", "remote_ip"] {
        nulls[field] = Value::Null;
    }
    nulls["base_total_refunded"] = "-0".into();
    assert_eq!(order_of(REST, &nulls), absent);
    assert_eq!((absent.discount_codes, absent.customer), (vec![], None));
}

#[test]
fn a_guest_has_no_id_and_may_have_a_name_in_the_billing_address_alone() {
    let guest = order("rest_order_virtual_of_guest");
    assert_eq!((guest.customer, guest.email.as_deref()), (None, Some("guest@example.org")));
    let named = crate::domain::Signal::name([Some("Ivo"), Some("Stil")]).unwrap();
    assert!(guest.signals.contains(&named));
    let mut body = json("rest_order_paid");
    (body["customer_is_guest"], body["customer_id"]) = (1.into(), 7.into());
    assert_eq!(order_of(REST, &body).customer, None, "a guest's customer id is none");
}

#[test]
fn a_birthday_is_one_day_with_and_without_its_midnight() {
    let Change::Order { customer, .. } = change(REST, &json("rest_order_paid")) else { panic!("an order") };
    let birthday = customer.unwrap().birthday.unwrap();
    assert_eq!((birthday.year, birthday.month, birthday.day), (Some(1990), 2, 28));
    let Change::Customer(customer) = change("rest/customer.updated", &json("rest_customer")) else { panic!("one") };
    assert_eq!(customer.birthday.map(|it| (it.month, it.day)), Some((2, 29)));
}

#[test]
fn amounts_are_those_of_the_base_currency() {
    let order = order("module_order_jpy");
    assert_eq!((order.total.minor, order.total.currency.code()), (1358, "JPY"), "half a yen is rounded away from zero");
    let mut body = json("rest_order_paid");
    (body["order_currency_code"], body["grand_total"], body["store_to_order_rate"]) =
        ("USD".into(), 99.99.into(), 0.into());
    assert_eq!(order_of(REST, &body).total, cents(8498));
}

#[test]
fn a_discount_lowers_a_line_whichever_its_sign() {
    let mut body = json("rest_order_paid");
    body["items"][0]["base_discount_amount"] = (-4.4).into();
    assert_eq!(order_of(REST, &body), order("rest_order_paid"));
    assert_eq!(net(&order("rest_order_paid"), 0), 3636, "2 x 20.00 - 4.40, of which 0.76 is tax");
}

#[test]
fn what_is_sold_by_measure_misses_a_cent_and_its_discount_is_still_without_tax() {
    let sold = |body: &mut Value| {
        let item = &mut body["items"][0];
        *item = json!({
            "item_id": 1, "qty_ordered": 1.5, "base_price": 9.99, "base_price_incl_tax": 11.89, "base_discount_amount": 1.5,
            "base_discount_tax_compensation_amount": 0, "base_tax_amount": 2.7,
        });
        body["items"] = json!([item.clone()]);
        (body["base_subtotal"], body["base_tax_amount"]) = (14.99.into(), 2.7.into());
    };
    let mut body = json("rest_order_paid");
    sold(&mut body);
    assert_eq!(net(&order_of(REST, &body), 0), 1349, "1.5 x 9.99 - 1.50");
}

#[test]
fn a_catalogue_without_tax_is_read_as_such_where_the_module_says_so() {
    let sold = |includes_tax: bool| {
        let mut body = json("module_order_paid");
        let order = &mut body["data"];
        let amount = |text: &str| json!({ "base": text, "order": text });
        let mut line = order["lines"][0].clone();
        line["quantity"] = json!({ "ordered": "1.5", "shipped": "0", "refunded": "0", "canceled": "0" });
        (line["unit_price"], line["unit_price_incl_tax"]) = (amount("9.99"), amount("12.10"));
        (line["discount"], line["discount_tax_compensation"]) = (amount("0"), amount("0"));
        line["tax"] = amount("3.15");
        order["lines"] = json!([line]);
        order["totals"]["subtotal"] = amount("14.99");
        order["prices_include_tax"] = includes_tax.into();
        net(&order_of("order.paid", &body), 0)
    };
    assert_eq!((sold(false), sold(true)), (1499, 1500), "1.5 x 9.99, or 1.5 x 12.10 less the tax");
}

#[test]
fn row_totals_are_not_believed() {
    let mut body = json("rest_order_paid");
    for item in body["items"].as_array_mut().unwrap() {
        item["base_row_total"] = 9_999.into();
        item["base_row_total_incl_tax"] = 9_999.into();
    }
    assert_eq!(order_of(REST, &body), order("rest_order_paid"));
}

#[test]
fn lines_are_what_was_chosen_and_children_are_counted_once() {
    let order = order("rest_order_paid");
    let lines: Vec<_> = order.lines.iter().map(|line| (line.id.as_str(), line.variant.as_deref())).collect();
    assert_eq!(lines, [("101", Some("31")), ("103", None), ("106", None)]);
    let worth: i64 = (0..3).map(|line| net(&order, line)).sum();
    assert_eq!((worth, order.subtotal), (6550, cents(6550)));
    // A bundle's discount stands on its children, its tax on it and on them.
    assert_eq!((net(&order, 1), order.lines[1].tax), (1915, cents(377)));
}

#[test]
fn a_bundle_in_a_memo_is_one_line_though_the_memo_does_not_say_whose_the_items_are() {
    let refund = refund(MEMO, &memo());
    let lines: Vec<_> =
        refund.lines.iter().map(|line| (line.line.as_str(), line.subtotal.minor, line.tax.minor)).collect();
    assert_eq!(lines, [("103", 1915, 377), ("106", 999, 212)]);
}

#[test]
fn the_state_decides_and_the_merchants_status_does_not() {
    let mut body = json("rest_order_paid");
    body["status"] = "canceled".into();
    assert_eq!(order_of(REST, &body).cancelled_at, None);
    body["state"] = "canceled".into();
    assert!(order_of(REST, &body).cancelled_at.is_some());
    body["state"] = "holded".into();
    assert_eq!(order_of(REST, &body).cancelled_at, None);
}

#[test]
fn a_virtual_order_is_fulfilled_as_it_is_paid_and_goes_nowhere() {
    let order = order("rest_order_virtual_of_guest");
    assert_eq!(order.fulfillment_status.as_deref(), Some("fulfilled"));
    assert_eq!(order.country, None);
}

#[test]
fn an_order_for_nothing_has_nothing_due() {
    let order = order("rest_order_for_nothing");
    assert_eq!((order.financial_status.as_deref(), order.total), (Some("paid"), cents(0)));
}

#[test]
fn a_partly_refunded_order_stays_what_it_was_and_tells_what_is_left() {
    let mut body = json("rest_order_paid");
    (body["base_total_refunded"], body["items"][0]["qty_refunded"]) = (22.into(), 1.into());
    let order = order_of(REST, &body);
    assert_eq!(order.financial_status.as_deref(), Some("partially_refunded"));
    assert_eq!((order.lines[0].quantity, order.lines[0].current_quantity), (2, 1));
    assert_eq!(order.total, cents(8498), "refunds are facts of their own");
}

#[test]
fn adjustments_move_money_without_items() {
    let money = refund("order.refunded", &json("module_refund_of_money_alone"));
    assert_eq!((money.lines.len(), money.adjustment, money.shipping), (0, Some(cents(250)), Some(cents(500))));
    // More was kept back than given.
    assert_eq!(refund(MEMO, &memo()).adjustment, Some(cents(0)));
}

#[test]
fn a_memo_gives_back_nothing_before_it_is_refunded() {
    let read = read(MEMO, &fixture("rest_creditmemo_open"), &context()).unwrap();
    assert_eq!((read.topic.as_str(), read.change), ("magento:rest/order.refunded", Change::None));
}

#[test]
fn a_shipment_has_any_number_of_tracking_numbers_and_no_state() {
    for (fixture, number) in [("module_fulfillment_tracked", Some("3SXYZ0042")), ("module_fulfillment_untracked", None)]
    {
        let Change::Fulfillment(sent) = change(topic_of(fixture), &json(fixture)) else { panic!("{fixture}") };
        assert_eq!((sent.tracking_number.as_deref(), sent.status.as_deref()), (number, Some("success")));
    }
}

#[test]
fn hostile_text_is_text() {
    let mut body = json("rest_order_paid");
    let hostile = "O'Brien \"x\"</script>\n\u{1f381}";
    (body["customer_lastname"], body["store_name"]) = (hostile.into(), "Main\nStore\n".into());
    let Change::Order { customer, .. } = change(REST, &body) else { panic!("an order") };
    assert_eq!(customer.unwrap().last_name.as_deref(), Some(hostile));
}

#[test]
fn a_text_that_ends_another_in_a_template_is_still_a_text() {
    let mut body = json("mageplaza_order");
    body["data"]["customer_lastname"] = "a%22%2C%22base_grand_total%22%3A%220+b%25".into();
    let Change::Order { customer, order } = change("mageplaza/order", &body) else { panic!("an order") };
    assert_eq!(customer.unwrap().last_name.as_deref(), Some("a\",\"base_grand_total\":\"0 b%"));
    assert_eq!(order.total, cents(8498));
}

#[test]
fn several_saves_in_one_second_are_one_time_of_change() {
    let mut body = json("rest_order_paid");
    let first = order_of(REST, &body);
    body["state"] = "complete".into();
    let second = order_of(REST, &body);
    assert_eq!(first.updated_at, second.updated_at, "of two facts of one time the one that came last stays");
    assert_ne!(first, second);
}

#[test]
fn a_price_that_is_rounded_without_tax_does_not_lose_the_cent() {
    let order = order("module_order_prices_with_tax");
    assert_eq!((net(&order, 0), order.subtotal), (2479, cents(2479)), "3 x 8.26 would be 24.78");
}

#[test]
fn what_is_sold_by_measure_is_one_unit() {
    let order = order("module_order_without_details");
    let line = &order.lines[0];
    assert_eq!((line.quantity, line.current_quantity, line.unit_price, net(&order, 0)), (1, 1, cents(1500), 1500));
    let mut body = json("module_refund_partial");
    (body["data"]["lines"][0]["quantity"], body["data"]["totals"]["subtotal"]["base"]) = ("0.5".into(), "10".into());
    assert_eq!(refund("order.refunded", &body).lines[0].quantity, 1);
}

#[test]
fn floating_point_of_php_is_no_fraction_of_a_cent() {
    let mut body = json("rest_order_paid");
    (body["base_grand_total"], body["base_tax_amount"]) = (json!(84.979_999_999_999_99), json!(13.530_000_000_000_001));
    assert_eq!(order_of(REST, &body), order("rest_order_paid"));
}
