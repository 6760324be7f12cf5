//! What an order tells of whoever placed it.

use super::*;
use crate::{
    domain::{Birthday, CustomerId, Platform, Signal, SignalKind},
    platform,
};

fn guests() -> Value {
    fixture_json("order_of_guest")
}

fn order_of(body: &Value) -> Order {
    match read_json("orders/create", body).unwrap().change {
        Change::Order { order, .. } => *order,
        other => panic!("{other:?}"),
    }
}

fn kinds(order: &Order) -> Vec<SignalKind> {
    order.signals.iter().map(|signal| signal.kind).collect()
}

#[test]
fn what_orders_may_share_is_kept_as_signals_and_the_cookie_as_no_attribute() {
    use SignalKind::{Address, Device, DisposableEmail, Email, Ip, IpAgent, Name, Phone};
    let order = order_of(&guests());
    assert_eq!(kinds(&order), [Email, Phone, Phone, Name, Address, Ip, IpAgent, Device, DisposableEmail]);
    for signal in [
        Signal::email("jonasweber@mailinator.com"),
        Signal::phone("49 341 5550123"),
        Signal::name([Some("weber"), Some("jonas")]),
        Signal::address("DE", "04109", "Lindenweg 4 Hinterhaus"),
        Signal::ip("203.0.113.41"),
        Signal::device("d-4f1c9a"),
    ] {
        assert!(order.signals.contains(&signal.unwrap()), "{signal:?}");
    }
    let attributes: Vec<_> = order.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(attributes, [("regulars_link", "K3JQ7PZ2"), ("Geschenk", "true"), ("Karte", "")]);
    assert_eq!((order.country.as_deref(), order.fulfillment_status.as_deref()), (Some("DE"), Some("partial")));
}

#[test]
fn an_order_that_tells_nothing_of_a_person_has_no_signals() {
    let mut body = guests();
    for field in ["email", "contact_email", "phone", "browser_ip", "client_details", "shipping_address"] {
        body[field] = json!(null);
    }
    body["note_attributes"] = json!([]);
    let order = order_of(&body);
    assert_eq!((order.signals, order.country, order.attributes), (vec![], None, vec![]));
}

#[test]
fn the_address_of_the_browser_stands_in_either_of_two_places() {
    let ip = |order: &Order| order.signals.iter().filter(|signal| signal.kind == SignalKind::Ip).copied().last();
    let mut body = guests();
    body["browser_ip"] = json!(null);
    assert_eq!(ip(&order_of(&body)), Signal::ip("203.0.113.41"));
    body["browser_ip"] = json!("2001:db8::1");
    body["client_details"]["user_agent"] = json!(null);
    let order = order_of(&body);
    assert_eq!(ip(&order), Signal::ip("2001:db8::2"));
    assert!(!kinds(&order).contains(&SignalKind::IpAgent));
}

#[test]
fn whatever_a_storefront_notes_the_order_can_be_read() {
    let attributes = |noted: Value| {
        let mut body = guests();
        body["note_attributes"] = noted;
        order_of(&body).attributes
    };
    for noted in [json!(null), json!({}), json!("text"), json!(7), json!([null, 7, {}, {"value": "x"}, ["a"]])] {
        assert_eq!(attributes(noted.clone()), [], "{noted}");
    }
    let mixed = json!([{"name": "a", "value": {"b": 1}}, {"name": 7, "value": "x"}, {"name": "c", "value": 1.50}]);
    assert_eq!(attributes(mixed), [("a".into(), String::new()), ("c".into(), "1.5".into())]);
}

#[test]
fn a_country_is_one_only_by_its_code() {
    for (code, country) in [
        (json!("de"), Some("DE")),
        (json!("Germany"), None),
        (json!(""), None),
        (json!(null), None),
        (json!("D1"), None),
    ] {
        let mut body = guests();
        body["shipping_address"]["country_code"] = code;
        assert_eq!(order_of(&body).country.as_deref(), country);
    }
}

#[test]
fn a_day_of_birth_is_the_standard_metafields_and_a_date() {
    let birthday = |metafields: Value| {
        let mut body = fixture_json("customer_with_birthday");
        body["metafields"] = metafields;
        match read_json("customers/update", &body).unwrap().change {
            Change::Customer(customer) => customer.birthday,
            other => panic!("{other:?}"),
        }
    };
    let of = |value: Value| birthday(json!([{"namespace": "facts", "key": "birth_date", "value": value}]));
    assert_eq!(of(json!("1988-02-29")), Some(Birthday { year: Some(1988), month: 2, day: 29 }));
    for value in [json!("1987-02-29"), json!("29.02.1988"), json!(""), json!(null), json!(1988), json!(["1988"])] {
        assert_eq!(of(value.clone()), None, "{value}");
    }
    for metafields in [json!(null), json!([]), json!({}), json!([{"namespace": "facts"}]), json!("none")] {
        assert_eq!(birthday(metafields.clone()), None, "{metafields}");
    }
}

#[test]
fn an_address_counts_as_seen_only_where_the_body_says_so() {
    for (verified, seen) in [(json!(true), true), (json!(false), false), (json!(null), false)] {
        let mut body = fixture_json("customer_created");
        body["verified_email"] = verified;
        let event = read_json("customers/create", &body).unwrap();
        assert!(matches!(event.change, Change::Customer(customer) if customer.email_verified == seen));
    }
}

#[test]
fn a_request_to_forget_somebody_names_a_customer_or_an_address() {
    let redacted = |customer: Value| {
        let body = json!({"customer": customer, "orders_to_redact": [1, "gid://shopify/Order/2"]});
        read_json("customers/redact", &body).map(|event| event.change)
    };
    let orders = vec!["1".into(), "2".into()];
    let guest = CustomerId::of_guest("mira@example.com").unwrap();
    let by_id = redacted(json!({"id": 7, "email": "mira@example.com"}));
    let email = Some("mira@example.com".to_owned());
    assert_eq!(by_id, Ok(Change::CustomerRedacted { customer: "7".into(), email, orders: orders.clone() }));
    let by_address = redacted(json!({"email": "Mira@Example.com "}));
    let email = Some("Mira@Example.com ".to_owned());
    assert_eq!(by_address, Ok(Change::CustomerRedacted { customer: guest, email, orders }));
    for nobody in [json!({}), json!({"phone": "+49"}), json!({"email": "none"})] {
        assert_eq!(redacted(nobody).unwrap_err().path, "customer.id");
    }
    let body = json!({"customer": {"id": 7}, "orders_to_redact": [1, "a b"]});
    assert_eq!(read_json("customers/redact", &body).unwrap_err().path, "orders_to_redact[1].id");
}

#[test]
fn an_order_with_an_address_and_no_customer_is_a_guests() {
    let owner = |body: &Value| {
        let event = platform::read(Platform::Shopify, "orders/create", body.to_string().as_bytes(), &context());
        event.unwrap().change.customer().cloned()
    };
    let mut body = guests();
    let guest = owner(&body);
    assert!(guest.as_ref().is_some_and(CustomerId::is_guest));
    body["email"] = json!(" jonas.weber+TEE@mailinator.com");
    assert_eq!(owner(&body), guest);
    body["customer"] = json!({"id": 7});
    assert_eq!(owner(&body), Some("7".into()));
    body["customer"] = json!(null);
    for address in [json!(null), json!(""), json!("none"), json!(format!("{}@example.com", "m".repeat(250)))] {
        (body["email"], body["contact_email"]) = (address.clone(), json!(null));
        assert_eq!(owner(&body), None, "{address}");
    }
}
