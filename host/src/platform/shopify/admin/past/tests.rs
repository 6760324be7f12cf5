//! Lines of files, whole and broken, and where the reading of one goes on.

use super::*;

const CUSTOMER: &str = r#"{"id":"gid://shopify/Customer/7","firstName":"Mira","updatedAt":"2026-01-02T03:04:05Z","createdAt":"2025-01-02T03:04:05Z","verifiedEmail":true,"tags":["tea"],"birthDate":{"namespace":"facts","key":"birth_date","value":"1990-02-03"},"defaultEmailAddress":{"emailAddress":"mira@example.com","marketingState":"SUBSCRIBED","marketingUpdatedAt":"2025-03-04T05:06:07Z"}}"#;

fn order_line(id: u32) -> String {
    format!(
        r#"{{"id":"gid://shopify/Order/{id}","createdAt":"2026-01-01T00:00:00Z","updatedAt":"2026-01-0{id}T00:00:00Z","refunds":[{{"id":"gid://shopify/Refund/9","createdAt":"2026-01-03T00:00:00Z"}}]}}"#
    )
}

fn item(id: u32, order: u32) -> String {
    format!(r#"{{"id":"gid://shopify/LineItem/{id}","quantity":1,"__parentId":"gid://shopify/Order/{order}"}}"#)
}

fn read(part: Part, text: &str, ends_file: bool) -> Lines {
    read_lines(part, &Read { bytes: text.as_bytes().to_vec(), ends_file })
}

fn lines_of(found: &Found) -> usize {
    let Found::Order(order) = found else { panic!("no order: {found:?}") };
    serde_json::from_slice::<Value>(&order.told.body).unwrap()["line_items"].as_array().unwrap().len()
}

#[test]
fn a_customer_is_told_with_birthday_and_consent_as_its_webhook_would_tell_it() {
    let found = read(Part::Customers, CUSTOMER, true);
    let [Found::Customer(customer)] = found.found.as_slice() else { panic!("{found:?}") };
    assert_eq!((customer.id.as_str(), customer.told.topic.as_str()), ("7", "customers/update"));
    let body: Value = serde_json::from_slice(&customer.told.body).unwrap();
    assert_eq!(body["email_marketing_consent"]["state"], "subscribed");
    assert_eq!(body["metafields"][0]["value"], "1990-02-03");
    assert_eq!(body["email"], "mira@example.com");
}

#[test]
fn an_object_is_whole_once_the_next_one_begins_or_the_file_ends() {
    let text = format!("{}\n{}\n{}\n{}\n", order_line(1), item(11, 1), item(12, 1), order_line(2));
    let begun = read(Part::Orders, &text, false);
    assert_eq!((begun.found.len(), lines_of(&begun.found[0])), (1, 2));
    let rest = &text[begun.length..];
    assert_eq!(rest, format!("{}\n", order_line(2)));
    let ended = read(Part::Orders, rest, true);
    assert_eq!((ended.found.len(), ended.length), (1, rest.len()));
    // In the middle of a line, of an object's lines, or of nothing at all: nothing is lost and nothing comes twice.
    for cut in 0..text.len() {
        let first = read(Part::Orders, &text[..cut], false);
        let second = read(Part::Orders, &text[first.length..], true);
        let all: Vec<_> = first.found.iter().chain(&second.found).map(lines_of).collect();
        assert_eq!(all, [2, 0], "cut at {cut}");
    }
}

#[test]
fn what_cannot_be_read_is_named_once_and_the_rest_is_found() {
    let hostile = ["{\"id\":", "[]", "7", "\"\\u0000\"", "{\"id\":\"gid://shopify/Product/1\"}", "\u{0}\u{1}"];
    for line in hostile {
        let text = format!("{}\n{}\n{line}\n{}\n", order_line(1), item(11, 1), order_line(2));
        let whole = read(Part::Orders, &text, true);
        let unreadable = whole.found.iter().filter(|found| matches!(found, Found::Unreadable(_))).count();
        assert_eq!((whole.found.len(), unreadable), (3, 1), "{line}: {whole:?}");
        let begun = read(Part::Orders, &text, false);
        let ended = read(Part::Orders, &text[begun.length..], true);
        assert_eq!([begun.found, ended.found].concat(), whole.found, "{line}");
    }
    let orphan = format!("{}\n{}\n", order_line(1), item(11, 2));
    let found = read(Part::Orders, &orphan, true).found;
    assert!(matches!(&found[..], [Found::Unreadable(why), Found::Order(_)] if why.contains("belongs to no object")));
}

#[test]
fn refunds_are_named_by_their_order() {
    let found = read(Part::Orders, &order_line(1), true);
    let [Found::Order(order)] = found.found.as_slice() else { panic!("{found:?}") };
    assert_eq!((order.refunds.len(), order.refunds[0].id.as_str(), &order.refunds[0].told), (1, "9", &None));
}
