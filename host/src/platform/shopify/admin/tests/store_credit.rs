//! Store credit: which transactions are taken for a change that was broken off.

use super::*;
use crate::domain::StoreCredit;

const LEDGER_WRITTEN: &str = "2026-10-31T10:00:00Z";

/// A customer whose ledger says that the effect has begun a credit of 5.00 long ago, and a transaction.
fn broken_off(kind: &str, amount: &str, made_at: &str, event: &str) -> Reply {
    let begun = json!({"effect": "q3zkm5a2w7", "amount": {"minor": 500, "currency": "USD"}, "at": 0});
    let transaction = json!({
        "__typename": kind, "id": "gid://shopify/StoreCreditAccountCreditTransaction/1",
        "amount": {"amount": amount, "currencyCode": "USD"}, "createdAt": made_at, "event": event,
    });
    ok(json!({"data": {"customer": {
        "metafield": {
            "value": json!({"begun": begun, "made": []}).to_string(), "compareDigest": "d1", "updatedAt": LEDGER_WRITTEN,
        },
        "storeCreditAccounts": {"nodes": [{"transactions": {"nodes": [transaction]}}]},
    }}}))
}

fn kept() -> Reply {
    ok(json!({"data": {"metafieldsSet": {"metafields": [{"id": "m", "compareDigest": "d2"}], "userErrors": []}}}))
}

fn credited() -> Reply {
    let made = json!({"id": "gid://shopify/StoreCreditAccountCreditTransaction/2"});
    ok(json!({"data": {"storeCreditAccountCredit": {"storeCreditAccountTransaction": made, "userErrors": []}}}))
}

async fn receipt_after(seen: Reply) -> String {
    let (_, client) = Shop::answering([seen, kept(), credited(), kept()]).await;
    let change = StoreCredit { customer: "7".into(), amount: usd(500), expires_at: None };
    let receipt = client.change_store_credit(&effect(), &change).await.unwrap();
    receipt.0.rsplit('/').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_transaction_of_the_moments_after_its_entry_is_the_change_that_was_broken_off() {
    let credit = "StoreCreditAccountCreditTransaction";
    for made_at in ["2026-10-31T09:59:59Z", LEDGER_WRITTEN, "2026-10-31T10:02:00Z"] {
        assert_eq!(receipt_after(broken_off(credit, "5.0", made_at, "ADJUSTMENT")).await, "1", "{made_at}");
    }
}

#[tokio::test]
async fn another_transaction_is_not_and_the_change_is_made() {
    let credit = "StoreCreditAccountCreditTransaction";
    for (kind, amount, made_at, event) in [
        (credit, "5.01", LEDGER_WRITTEN, "ADJUSTMENT"),
        (credit, "5.00", "2026-10-31T09:59:58Z", "ADJUSTMENT"),
        (credit, "5.00", "2026-10-31T10:02:01Z", "ADJUSTMENT"),
        (credit, "5.00", LEDGER_WRITTEN, "ORDER_REFUND"),
        ("StoreCreditAccountDebitTransaction", "5.00", LEDGER_WRITTEN, "ADJUSTMENT"),
        ("StoreCreditAccountExpirationTransaction", "5.00", LEDGER_WRITTEN, "ADJUSTMENT"),
    ] {
        assert_eq!(
            receipt_after(broken_off(kind, amount, made_at, event)).await,
            "2",
            "{kind} {amount} {made_at} {event}"
        );
    }
}

#[tokio::test]
async fn an_entry_that_another_change_has_overtaken_is_tried_again() {
    let stale = json!([{"code": "STALE_OBJECT", "field": ["metafields", "0"], "message": "updated since"}]);
    let stale = ok(json!({"data": {"metafieldsSet": {"metafields": null, "userErrors": stale}}}));
    let seen = broken_off("StoreCreditAccountExpirationTransaction", "5.00", LEDGER_WRITTEN, "ADJUSTMENT");
    let (shop, client) = Shop::answering([seen, stale]).await;
    let change = StoreCredit { customer: "7".into(), amount: usd(500), expires_at: None };
    let result = client.change_store_credit(&effect(), &change).await;
    assert_eq!(reason(result), "transient: another change of the customer's store credit came first");
    assert_eq!(shop.requests()[1].1["variables"]["metafield"]["compareDigest"], "d1");
}
