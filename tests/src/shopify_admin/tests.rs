//! The simulated Admin API, asked over HTTP as the host asks it.

use super::*;
use crate::DEADLINE;

const CREATE: &str = "mutation Create($discount: DiscountCodeBasicInput!) {
    discountCodeBasicCreate(basicCodeDiscount: $discount) {
        codeDiscountNode { id }
        userErrors { field code message extraInfo }
    }
}";
const BY_CODE: &str = "query ByCode($code: String!) {
    codeDiscountNodeByCode(code: $code) {
        id
        codeDiscount { ... on DiscountCodeBasic { title endsAt codes(first: 1) { nodes { code } } } }
    }
}";
const ORDER: &str = "gid://shopify/Order/1";
const CUSTOMER: &str = "gid://shopify/Customer/9007199254740993";

/// A shop with the best schema at hand, and a client of it.
struct Caller {
    admin: ShopifyAdmin,
    client: reqwest::Client,
    token: &'static str,
}

impl Caller {
    fn with(options: Options) -> Self {
        Self::by(&SchemaSource::best(), options)
    }

    fn by(source: &SchemaSource, options: Options) -> Self {
        let admin = ShopifyAdmin::start(source, options).unwrap();
        let client = reqwest::Client::builder().timeout(DEADLINE).build().unwrap();
        Self { admin, client, token: "shpat_simulated" }
    }

    async fn send(&self, query: &str, variables: Value) -> reqwest::Result<(u16, Value)> {
        let url = format!("{}/admin/api/2026-10/graphql.json", self.admin.base_url());
        let request = self.client.post(url).header("X-Shopify-Access-Token", self.token);
        let response = request.json(&json!({"query": query, "variables": variables})).send().await?;
        Ok((response.status().as_u16(), response.json().await.unwrap_or_default()))
    }

    async fn ask(&self, query: &str, variables: Value) -> Value {
        let (status, answer) = self.send(query, variables).await.unwrap();
        assert_eq!(status, 200, "{answer}");
        answer
    }
}

fn caller() -> Caller {
    Caller::with(Options::default())
}

fn discount(code: &str) -> Value {
    json!({"discount": {
        "code": code,
        "title": "500 points",
        "startsAt": "2026-03-01T00:00:00Z",
        "endsAt": "2026-06-01T00:00:00Z",
        "usageLimit": 1,
        "appliesOncePerCustomer": true,
        "context": {"customers": {"add": [CUSTOMER]}},
        "customerGets": {"items": {"all": true}, "value": {"discountAmount": {"amount": "5.00", "appliesOnEachItem": false}}},
        "minimumRequirement": {"subtotal": {"greaterThanOrEqualToSubtotal": "20.00"}},
    }})
}

#[tokio::test]
async fn a_code_is_issued_remembered_and_found_whatever_its_case() {
    let shop = caller();
    let answer = shop.ask(CREATE, discount("THANKS-7F3K")).await;
    let id = answer["data"]["discountCodeBasicCreate"]["codeDiscountNode"]["id"].as_str().unwrap().to_owned();
    assert_eq!(answer["data"]["discountCodeBasicCreate"]["userErrors"], json!([]));

    let codes = shop.admin.codes();
    assert_eq!(codes.len(), 1);
    assert_eq!(codes[0].customers, [CUSTOMER]);
    assert_eq!(codes[0].value, DiscountValue::Amount("5.00".into()));
    assert_eq!(codes[0].minimum_subtotal.as_deref(), Some("20.00"));
    assert_eq!(codes[0].ends_at, Some("2026-06-01T00:00:00Z".parse().unwrap()));

    let found = shop.ask(BY_CODE, json!({"code": "thanks-7f3k"})).await;
    let node = &found["data"]["codeDiscountNodeByCode"];
    assert_eq!(node["id"], json!(id));
    assert_eq!(node["codeDiscount"]["title"], "500 points");
    assert_eq!(node["codeDiscount"]["codes"]["nodes"][0]["code"], "THANKS-7F3K");
    let missing = shop.ask(BY_CODE, json!({"code": "OTHER"})).await;
    assert_eq!(missing["data"]["codeDiscountNodeByCode"], Value::Null);
}

#[tokio::test]
async fn a_code_that_exists_is_taken_whatever_its_case() {
    let shop = caller();
    shop.ask(CREATE, discount("SAME")).await;
    let answer = shop.ask(CREATE, discount("same")).await;
    let expected = json!([{
        "field": ["basicCodeDiscount", "code"],
        "code": "TAKEN",
        "message": "Code must be unique. Please try a different code.",
        "extraInfo": null,
    }]);
    assert_eq!(answer["data"]["discountCodeBasicCreate"]["userErrors"], expected);
    assert_eq!(answer["data"]["discountCodeBasicCreate"]["codeDiscountNode"], Value::Null);
    assert_eq!(shop.admin.codes().len(), 1);
}

#[tokio::test]
async fn our_own_schema_serves_where_the_published_one_is_not_at_hand() {
    let shop = Caller::by(&SchemaSource::Own, Options::default());
    let created = shop.ask(CREATE, discount("OWN")).await;
    assert_eq!(created["data"]["discountCodeBasicCreate"]["userErrors"], json!([]));
    let found = shop.ask(BY_CODE, json!({"code": "OWN"})).await;
    assert_eq!(found["data"]["codeDiscountNodeByCode"]["codeDiscount"]["title"], "500 points");
    let unknown = shop.ask("mutation { giftCardDeactivate(id: 1) { userErrors { message } } }", json!({})).await;
    assert!(unknown["errors"].to_string().contains("giftCardDeactivate"), "{unknown}");
}

#[tokio::test]
async fn a_mutation_that_is_not_simulated_says_so() {
    let Some(source) = Some(SchemaSource::best()).filter(|source| *source != SchemaSource::Own) else {
        eprintln!("did not run: calling a mutation that only the published schema has");
        return;
    };
    let shop = Caller::by(&source, Options::default());
    let query = "mutation { giftCardDeactivate(id: \"gid://shopify/GiftCard/1\") { userErrors { message } } }";
    let answer = shop.ask(query, json!({})).await;
    assert!(answer["errors"].to_string().contains("not simulated"), "{answer}");
}

#[tokio::test]
async fn the_shop_declines_what_shopify_declines() {
    let shop = caller();
    let cases = [
        ("title", json!("  "), "BLANK"),
        ("code", Value::Null, "BLANK"),
        ("startsAt", Value::Null, "BLANK"),
        ("endsAt", json!("2026-02-01T00:00:00Z"), "END_DATE_BEFORE_START_DATE"),
        ("context", Value::Null, "BLANK"),
        ("customerGets", json!({"items": {"all": true}, "value": {"percentage": 10.0}}), "VALUE_OUTSIDE_RANGE"),
        ("customerGets", json!({"value": {"percentage": 0.1}}), "MISSING_ARGUMENT"),
    ];
    for (field, value, code) in cases {
        let mut variables = discount("CODE");
        variables["discount"][field] = value;
        let answer = shop.ask(CREATE, variables).await;
        assert_eq!(answer["data"]["discountCodeBasicCreate"]["userErrors"][0]["code"], code, "{field}: {answer}");
    }
    assert!(shop.admin.codes().is_empty());
}

#[tokio::test]
async fn a_call_that_the_schema_does_not_know_is_refused_and_not_executed() {
    let shop = caller();
    let mut wrong_key = discount("A");
    wrong_key["discount"]["validUntil"] = json!("2026-06-01");
    let mut wrong_type = discount("B");
    wrong_type["discount"]["usageLimit"] = json!("one");
    let mut wrong_amount = discount("C");
    wrong_amount["discount"]["customerGets"]["value"]["discountAmount"]["amount"] = json!("5,00");
    let mut wrong_date = discount("D");
    wrong_date["discount"]["endsAt"] = json!("next week");
    let mut wrong_id = discount("E");
    wrong_id["discount"]["context"]["customers"]["add"] = json!(["9007199254740993"]);
    let wrong_field = CREATE.replace("codeDiscountNode { id }", "discount { id }");
    let wrong_mutation = CREATE.replace("discountCodeBasicCreate", "discountCreate");
    let no_page_size = BY_CODE.replace("codes(first: 1)", "codes");
    let cases = [
        (CREATE, wrong_key, "validUntil"),
        (CREATE, wrong_type, "usageLimit"),
        (CREATE, wrong_amount, "Decimal"),
        (CREATE, wrong_date, "DateTime"),
        (CREATE, wrong_id, "ID"),
        (CREATE, json!({}), "discount"),
        (&wrong_field, discount("F"), "discount"),
        (&wrong_mutation, discount("G"), "discountCreate"),
        ("mutation {", json!({}), "syntax"),
    ];
    for (query, variables, part) in cases {
        let answer = shop.ask(query, variables).await;
        assert!(answer["errors"].to_string().contains(part), "`{part}` is not in {answer}");
        assert_eq!(answer["data"].as_object().and_then(|data| data.values().find(|value| !value.is_null())), None);
        assert!(matches!(shop.admin.requests().last().unwrap().outcome, Outcome::Invalid(_)));
    }
    assert!(shop.admin.codes().is_empty());

    shop.ask(CREATE, discount("H")).await;
    let answer = shop.ask(&no_page_size, json!({"code": "H"})).await;
    assert!(answer["errors"].to_string().contains("you must provide one of first or last"), "{answer}");
}

#[tokio::test]
async fn tags_are_a_set_per_customer_whatever_their_case() {
    let shop = caller();
    let add = "mutation($id: ID!, $tags: [String!]!) { tagsAdd(id: $id, tags: $tags) { node { id } userErrors { field message } } }";
    let variables = json!({"id": CUSTOMER, "tags": ["regular", "vip"]});
    assert_eq!(shop.ask(add, variables.clone()).await["data"]["tagsAdd"]["node"]["id"], CUSTOMER);
    shop.ask(add, variables).await;
    assert_eq!(shop.admin.tags(CUSTOMER), ["regular".to_owned(), "vip".to_owned()].into());
    shop.ask(add, json!({"id": CUSTOMER, "tags": ["VIP, Regular"]})).await;
    assert_eq!(shop.admin.tags(CUSTOMER), ["regular".to_owned(), "vip".to_owned()].into());
    let remove = format!(
        "mutation {{ tagsRemove(id: \"{CUSTOMER}\", tags: [\"Vip\", \"none\"]) {{ userErrors {{ message }} }} }}"
    );
    shop.ask(&remove, json!({})).await;
    assert_eq!(shop.admin.tags(CUSTOMER), ["regular".to_owned()].into());
    let read = shop.ask("query($id: ID!) { customer(id: $id) { tags } }", json!({"id": CUSTOMER})).await;
    assert_eq!(read["data"]["customer"]["tags"], json!(["regular"]));
    assert!(shop.admin.tags("gid://shopify/Customer/1").is_empty());
}

#[tokio::test]
async fn a_note_is_replaced_as_a_whole() {
    let shop = caller();
    shop.admin.put_order(json!({"id": 1, "admin_graphql_api_id": ORDER, "note": "Please ring.", "line_items": []}));
    let write = "mutation($id: ID!) { orderUpdate(input: {id: $id, note: \"Ribbon\"}) { order { note } userErrors { message } } }";
    let answer = shop.ask(write, json!({"id": ORDER})).await;
    assert_eq!(answer["data"]["orderUpdate"]["order"]["note"], "Ribbon");
    assert_eq!(shop.admin.note(ORDER), "Ribbon");
    let unknown = shop.ask(write, json!({"id": "gid://shopify/Order/2"})).await;
    assert_eq!(unknown["data"]["orderUpdate"]["userErrors"][0]["message"], "Order does not exist");
}

#[tokio::test]
async fn an_edit_of_an_order_is_gone_once_it_is_committed() {
    let shop = caller();
    shop.admin.put_order(json!({"id": 1, "admin_graphql_api_id": ORDER, "line_items": []}));
    let begin = "mutation($id: ID!) { orderEditBegin(id: $id) { calculatedOrder { id } userErrors { message } } }";
    let begun = shop.ask(begin, json!({"id": ORDER})).await;
    let edit = json!({"id": begun["data"]["orderEditBegin"]["calculatedOrder"]["id"]});
    let commit = "mutation($id: ID!) { orderEditCommit(id: $id) { userErrors { message } } }";
    assert_eq!(shop.ask(commit, edit.clone()).await["data"]["orderEditCommit"]["userErrors"], json!([]));
    let again = shop.ask(commit, edit).await;
    let told = &again["data"]["orderEditCommit"]["userErrors"][0]["message"];
    assert_eq!(told, "The calculated order does not exist.");
    assert_eq!(shop.admin.order_edits().len(), 1);
}

#[tokio::test]
async fn store_credit_is_booked_as_often_as_it_is_asked_for_and_not_below_nothing() {
    let shop = caller();
    let credit = "mutation($id: ID!, $to: StoreCreditAccountCreditInput!) {
        storeCreditAccountCredit(id: $id, creditInput: $to) { userErrors { code } }
    }";
    let five = json!({"amount": "5.00", "currencyCode": "EUR"});
    for _ in 0..2 {
        shop.ask(credit, json!({"id": CUSTOMER, "to": {"creditAmount": five}})).await;
    }
    assert_eq!(shop.admin.store_credit().iter().map(|made| made.amount.thousandths).sum::<i64>(), 10_000);
    let nothing = json!({"creditAmount": {"amount": "0", "currencyCode": "EUR"}});
    let refused = shop.ask(credit, json!({"id": CUSTOMER, "to": nothing})).await;
    let code = |answer: &Value, field: &str| answer["data"][field]["userErrors"][0]["code"].clone();
    assert_eq!(code(&refused, "storeCreditAccountCredit"), "NEGATIVE_OR_ZERO_AMOUNT");
    let debit = "mutation($id: ID!, $of: StoreCreditAccountDebitInput!) {
        storeCreditAccountDebit(id: $id, debitInput: $of) { userErrors { code } }
    }";
    for (currency, told) in [("EUR", "INSUFFICIENT_FUNDS"), ("USD", "ACCOUNT_NOT_FOUND")] {
        let amount = json!({"debitAmount": {"amount": "10.01", "currencyCode": currency}});
        let refused = shop.ask(debit, json!({"id": CUSTOMER, "of": amount})).await;
        assert_eq!(code(&refused, "storeCreditAccountDebit"), told);
    }
}

#[tokio::test]
async fn a_metafield_is_compared_with_what_the_caller_saw() {
    let shop = caller();
    let set = "mutation($m: MetafieldsSetInput!) {
        metafieldsSet(metafields: [$m]) { metafields { compareDigest } userErrors { code } }
    }";
    let input = |value: &str, digest: Option<Value>| {
        let mut input = json!({"ownerId": CUSTOMER, "namespace": "$app:a", "key": "points", "type": "number_integer", "value": value});
        if let Some(digest) = digest {
            input["compareDigest"] = digest;
        }
        json!({ "m": input })
    };
    let digest = |answer: &Value| answer["data"]["metafieldsSet"]["metafields"][0]["compareDigest"].clone();
    let told = |answer: &Value| answer["data"]["metafieldsSet"]["userErrors"][0]["code"].clone();
    let first = digest(&shop.ask(set, input("1", Some(Value::Null))).await);
    assert_eq!(told(&shop.ask(set, input("2", Some(Value::Null))).await), "STALE_OBJECT");
    let second = digest(&shop.ask(set, input("2", Some(first.clone()))).await);
    assert_eq!(told(&shop.ask(set, input("3", Some(first))).await), "STALE_OBJECT");
    assert_ne!(second, Value::Null);
    assert_eq!(told(&shop.ask(set, input("4", None)).await), Value::Null);
    assert_eq!(told(&shop.ask(set, input("many", None)).await), "INVALID_VALUE");
    assert_eq!(shop.admin.metafield(CUSTOMER, "$app:a", "points").unwrap().value, "4");
}

#[tokio::test]
async fn a_gift_cards_code_is_short_lower_case_and_taken_once() {
    let shop = caller();
    let create = "mutation($card: GiftCardCreateInput!) { giftCardCreate(input: $card) { userErrors { code } } }";
    let codes = [("short", "TOO_SHORT"), ("123456789012345678901", "TOO_LONG"), ("UPPER-CASE", "INVALID")];
    let card = |code: &str| json!({"card": {"code": code, "initialAmount": {"amount": 5, "currencyCode": "EUR"}}});
    for (code, told) in codes {
        let refused = shop.ask(create, card(code)).await;
        assert_eq!(refused["data"]["giftCardCreate"]["userErrors"][0]["code"], told);
    }
    shop.ask(create, card("abcd2345")).await;
    let again = shop.ask(create, card("abcd2345")).await;
    assert_eq!(again["data"]["giftCardCreate"]["userErrors"][0]["code"], "TAKEN");
    assert_eq!(shop.admin.gift_cards().len(), 1);
}

#[tokio::test]
async fn a_call_without_the_right_token_is_unauthorised() {
    let shop = Caller { token: "shpat_wrong", ..caller() };
    let (status, answer) = shop.send(CREATE, discount("X")).await.unwrap();
    assert_eq!(status, 401);
    assert!(answer["errors"].as_str().unwrap().contains("access token"));
    assert_eq!(shop.admin.requests()[0].outcome, Outcome::Unauthorised);
    assert!(shop.admin.codes().is_empty());
}

#[tokio::test]
async fn a_short_bucket_throttles_and_every_answer_says_what_is_left() {
    let limits = Limits { maximum: 25.0, restore_rate: 0.0 };
    let shop = Caller::with(Options { limits, ..Options::default() });
    let first = shop.ask(CREATE, discount("ONE")).await;
    let expected = json!({
        "requestedQueryCost": 10,
        "actualQueryCost": 10,
        "throttleStatus": {"maximumAvailable": 25.0, "currentlyAvailable": 15.0, "restoreRate": 0.0},
    });
    assert_eq!(first["extensions"]["cost"], expected);
    shop.ask(CREATE, discount("TWO")).await;
    let third = shop.ask(CREATE, discount("THREE")).await;
    assert_eq!(third["errors"][0]["message"], "Throttled");
    assert_eq!(third["errors"][0]["extensions"]["code"], "THROTTLED");
    assert_eq!(third["extensions"]["cost"]["actualQueryCost"], Value::Null);
    assert_eq!(third.get("data"), None);
    assert_eq!(shop.admin.requests()[2].outcome, Outcome::Throttled);
    assert_eq!(shop.admin.codes().len(), 2);
    // A query costs its objects: the node, the union behind it, and one page of one code.
    let query = shop.ask(BY_CODE, json!({"code": "ONE"})).await;
    assert_eq!(query["extensions"]["cost"]["requestedQueryCost"], 3);
}

#[tokio::test]
async fn after_a_dropped_connection_the_retry_finds_the_code_taken() {
    let shop = caller();
    shop.admin.set_fault(Fault::DropAfterExecuting, 1);
    assert!(shop.send(CREATE, discount("ONCE")).await.is_err());
    assert_eq!(shop.admin.codes().len(), 1);
    let retry = shop.ask(CREATE, discount("ONCE")).await;
    assert_eq!(retry["data"]["discountCodeBasicCreate"]["userErrors"][0]["code"], "TAKEN");
    assert_eq!(shop.admin.codes().len(), 1);
}

#[tokio::test]
async fn faults_befall_the_next_requests_and_then_end() {
    let shop = caller();
    shop.admin.set_fault(Fault::InternalError, 2);
    assert_eq!(shop.send(CREATE, discount("A")).await.unwrap().0, 500);
    assert_eq!(shop.send(CREATE, discount("A")).await.unwrap().0, 500);
    assert!(shop.admin.codes().is_empty());
    shop.admin.set_fault(Fault::Throttle, 1);
    assert_eq!(shop.ask(CREATE, discount("A")).await["errors"][0]["message"], "Throttled");
    let created = shop.ask(CREATE, discount("A")).await;
    assert_eq!(created["data"]["discountCodeBasicCreate"]["userErrors"], json!([]));
}

#[tokio::test]
async fn a_hanging_request_is_seen_and_holds_up_no_other() {
    let shop = caller();
    shop.admin.set_fault(Fault::Hang, 1);
    tokio::select! {
        answer = shop.send(CREATE, discount("NEVER")) => panic!("answered: {answer:?}"),
        seen = shop.admin.wait_until(DEADLINE, |admin| admin.requests().len() == 1) => seen.unwrap(),
    }
    shop.ask(CREATE, discount("NEXT")).await;
    assert_eq!(shop.admin.codes()[0].code, "NEXT");
    assert_eq!(shop.admin.requests()[0].outcome, Outcome::Failed(Fault::Hang));
}

#[tokio::test]
async fn a_stopped_shop_refuses_connections() {
    let Caller { admin, client, .. } = caller();
    let url = format!("{}/admin/api/2026-10/graphql.json", admin.base_url());
    assert_eq!(client.post(&url).send().await.unwrap().status(), 401);
    admin.stop();
    assert!(client.post(&url).send().await.is_err());
}
