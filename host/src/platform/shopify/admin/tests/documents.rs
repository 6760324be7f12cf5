//! Every document against the published schema, as far as the project's own cut of it goes beyond that.

use std::{collections::BTreeSet, fs};

use apollo_compiler::{
    ExecutableDocument, Schema,
    ast::{Definition, Document},
    request::coerce_variable_values,
    validation::Valid,
};

use super::{
    super::{
        consents::consent_input,
        discounts::{amount_off, off_items, off_shipping},
        gift_cards::card_input,
        metafields::Field,
        store_credit::{STORE_CREDIT, ledger_field},
    },
    *,
};
use crate::{
    domain::{ConsentChange, NewGiftCard},
    platform::marks::title_of,
};

const OWN_CUT: &str = include_str!("../../../../../../tests/src/shopify_admin/schema.graphql");

/// Sample schemas that are not part of the project: under `REGULARS_CORPUS`, or beside the workspace.
fn published_schema() -> Option<Document> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/corpus");
    let root = std::env::var("REGULARS_CORPUS").unwrap_or_else(|_| beside.into());
    let extract = fs::read_to_string(format!("{root}/shopify/graphql/admin_{API_VERSION}_effects.graphql")).ok()?;
    // The extract lists mutations without their type.
    let extract = extract.replace("()", "");
    let (mutations, types) = extract.split_once("# ---- Types ----").expect("the extract has two parts");
    Some(parsed(&format!("type Mutation {{ {mutations} }}\n{types}")))
}

fn parsed(text: &str) -> Document {
    Document::parse(text, "schema.graphql").unwrap_or_else(|error| panic!("{}", error.errors))
}

/// The published extract, and from our own cut what it leaves out; else the cut alone.
fn schema() -> Valid<Schema> {
    let own = parsed(OWN_CUT);
    let whole = match published_schema() {
        Some(mut published) => {
            let known: BTreeSet<_> = published.definitions.iter().filter_map(Definition::name).cloned().collect();
            let is_new = |it: &Definition| it.name().is_none_or(|name| !known.contains(name));
            published.definitions.extend(own.definitions.into_iter().filter(is_new));
            published
        }
        None => own,
    };
    // The extract names types that it leaves out, so the schema as a whole is not valid; these documents' part is.
    match Schema::builder().add_ast(&whole).build() {
        Ok(schema) => Valid::assume_valid(schema),
        Err(error) => panic!("{}", error.errors),
    }
}

/// Variables as the client makes them, by the name of their document.
fn variables() -> BTreeMap<&'static str, Value> {
    let (id, customer) = ("gid://shopify/Order/1", "gid://shopify/Customer/1");
    let money = json!({"amount": "5.00", "currencyCode": "USD"});
    let title = title_of(&effect());
    let off_items =
        off_items(&title, &NewDiscount { collections: vec!["1".into()], ..discount() }, amount_off(usd(500)));
    let off_shipping = off_shipping(&title, &discount());
    let card = NewGiftCard { customer: "1".into(), code: "A".into(), amount: usd(500), ends_at: Some(Timestamp(1)) };
    let consent = ConsentChange { customer: "1".into(), accepts_marketing: true, said_at: Timestamp(1) };
    let field =
        Field { customer: customer.into(), namespace: "$app:a".into(), key: "k", kind: "date", value: "v".into() };
    BTreeMap::from([
        ("add_codes", json!({"id": id, "codes": [{"code": "A"}]})),
        ("add_tags", json!({"id": id, "tags": ["a"]})),
        ("add_variant", json!({"id": id, "variant": id})),
        ("begin_order_edit", json!({"id": id})),
        ("bulk_operation", json!({"id": id})),
        ("cancel_bulk_operation", json!({"id": id})),
        ("changed_orders", json!({"query": "", "first": 1, "after": null})),
        ("changed_products", json!({"query": "", "first": 1, "after": null})),
        ("codes_addition", json!({"id": id})),
        ("commit_order_edit", json!({"id": id, "staffNote": "a"})),
        ("consent", json!({"customer": customer})),
        ("counts", json!({"orders": "a", "customers": "b"})),
        ("create_discount", json!({"discount": off_items.unwrap()})),
        ("create_free_shipping", json!({"discount": off_shipping.unwrap()})),
        ("create_gift_card", json!({"card": card_input("a", &card)})),
        (
            "credit",
            json!({"customer": customer, "credit": {"creditAmount": money, "expiresAt": "2026-10-31T00:00:00Z"}}),
        ),
        ("debit", json!({"customer": customer, "debit": {"debitAmount": money}})),
        ("discount", json!({"id": id})),
        ("discount_codes", json!({"id": id, "first": 250})),
        ("discount_by_code", json!({"code": "A"})),
        ("end_discount", json!({"id": id})),
        ("fulfillment_orders", json!({"id": id})),
        ("gift_cards", json!({"search": "a"})),
        ("give_line", json!({"id": id, "line": id, "description": "a"})),
        ("installation", json!({})),
        ("metafield", json!({"customer": customer, "namespace": "$app:a", "key": "k"})),
        ("order", json!({"id": id, "after": null})),
        ("order_note", json!({"id": id})),
        ("order_with_lines", json!({"id": id, "after": null})),
        ("past_customers", json!({})),
        ("past_orders", json!({})),
        ("prices", json!({"ids": [id]})),
        ("product", json!({"id": id, "after": null})),
        ("refund", json!({"id": id, "after": null})),
        ("refused_codes", json!({"id": id, "first": 250})),
        ("remove_tags", json!({"id": id, "tags": ["a"]})),
        ("run_bulk_query", json!({"query": "a"})),
        ("set_consent", json!({"consent": consent_input(customer, &consent)})),
        ("set_fulfillment_deadline", json!({"ids": [id], "deadline": "2026-10-31T00:00:00Z"})),
        ("set_metafield", json!({"metafield": field.input(None)})),
        ("shop", json!({})),
        ("store_credit", json!({"customer": customer})),
        ("variant", json!({"id": id})),
        ("write_order_note", json!({"id": id, "note": "a"})),
    ])
}

#[test]
fn documents_and_variables_fit_the_published_schema() {
    let (schema, variables) = (schema(), variables());
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/platform/shopify/documents");
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let document = fs::read_to_string(&path).unwrap();
        let document = ExecutableDocument::parse_and_validate(&schema, document, &path)
            .unwrap_or_else(|error| panic!("{name}: {}", error.errors));
        let operation = document.operations.iter().next().unwrap();
        let variables = variables.get(name).unwrap_or_else(|| panic!("{name}: give its variables above"));
        let variables = serde_json::from_value(variables.clone()).unwrap();
        coerce_variable_values(&schema, operation, &variables).unwrap_or_else(|error| panic!("{name}: {error:?}"));
    }
}

#[test]
fn the_ledger_is_written_where_it_is_read() {
    let field = ledger_field("gid://shopify/Customer/1", json!({}));
    let named = format!("metafield(namespace: {:?}, key: {:?})", field.namespace, field.key);
    assert!(STORE_CREDIT.contains(&named), "{named}");
}
