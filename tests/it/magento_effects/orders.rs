//! What is written on orders: notes, gifts for the packer, tags.

use super::*;

#[tokio::test]
async fn a_note_holds_no_character_that_the_database_would_turn_into_question_marks() {
    let host = Host::new();
    host.perform("effect-1", &note("🎁 Gift: soap\nfor Ağır 茶")).await.unwrap();
    assert_eq!(host.shop.comments(14), ["Gift: soap for Ağır 茶 (Regulars effect-1)"]);
}

#[tokio::test]
async fn a_lost_comment_that_arrives_late_is_not_written_twice() {
    let host = Host::new();
    host.shop.set_fault_after(1, Fault::ExecuteLate);
    host.perform("effect-1", &note("A card.")).await.unwrap_err();
    let failure = host.perform("effect-1", &note("A card.")).await.unwrap_err();
    assert!(matches!(failure, Failure::NotYet { .. }), "{failure}");
    host.shop.execute_late();
    host.perform("effect-1", &note("A card.")).await.unwrap();
    assert_eq!(host.shop.comments(14), ["A card. (Regulars effect-1)"]);
}

#[tokio::test]
async fn a_comment_that_may_be_on_its_way_is_waited_for_though_the_shop_gives_another_token_meanwhile() {
    let host = Host::new();
    host.shop.set_fault_after(1, Fault::ExecuteLate);
    host.perform("effect-1", &note("A card.")).await.unwrap_err();
    let anew = Consumer::named("renewed");
    host.rest().set_token(&Secret::new(token_of(&anew))).unwrap();
    host.shop.set_access(Access::Integration(anew));
    let failure = host.perform("effect-1", &note("A card.")).await.unwrap_err();
    assert!(matches!(failure, Failure::NotYet { .. }), "{failure}");
    host.shop.execute_late();
    host.perform("effect-1", &note("A card.")).await.unwrap();
    assert_eq!(host.shop.comments(14), ["A card. (Regulars effect-1)"]);
}

#[tokio::test]
async fn an_order_is_named_by_its_entity_id_and_a_number_that_is_none_is_refused() {
    let host = Host::new();
    let by = |order: &str| EffectKind::AddOrderNote(OrderNote { order: order.into(), text: "Hello.".into() });
    assert_eq!(host.refusal("effect-1", &by("404")).await, "there is no such order");
    assert!(host.refusal("effect-1", &by("../customers/7")).await.contains("no id of Magento's"));
}

#[tokio::test]
async fn a_gift_is_left_to_the_packer_by_the_orders_state_and_not_by_the_merchants_status() {
    let host = Host::new();
    for _ in 0..2 {
        assert_eq!(host.perform("effect-1", &gift()).await.unwrap().0, "note");
    }
    assert_eq!(host.shop.comments(14), ["Put into the parcel: Honey spoon (Regulars effect-1)"]);
    let shipped = json!([{ "item_id": 31, "qty_ordered": 2, "qty_shipped": 2 }]);
    let cases = [
        (json!({ "state": "canceled" }), "the order is cancelled"),
        (json!({ "state": "closed" }), "the order is refunded"),
        (json!({ "state": "complete" }), "the order is shipped"),
        (json!({ "items": shipped }), "the order is shipped"),
        (json!({ "is_virtual": 1, "state": "complete" }), "nothing of the order is shipped"),
    ];
    for (changes, reason) in cases {
        host.shop.put_order(order(changes));
        assert_eq!(host.refusal("effect-2", &gift()).await, reason);
        // What was given stays given.
        assert_eq!(host.perform("effect-1", &gift()).await.unwrap().0, "note");
    }
}

#[tokio::test]
async fn a_configurables_children_are_no_items_of_their_own_to_ship() {
    let host = Host::new();
    let items = json!([
        { "item_id": 31, "qty_ordered": 1, "qty_shipped": 1 },
        { "item_id": 32, "parent_item_id": 31, "qty_ordered": 1, "qty_shipped": 0 },
    ]);
    host.shop.put_order(order(json!({ "items": items })));
    assert_eq!(host.refusal("effect-1", &gift()).await, "the order is shipped");
}

#[tokio::test]
async fn the_last_list_of_an_orders_tags_counts() {
    let host = Host::new();
    host.perform("a", &order_tags(&["Gold", "Rush"], &[])).await.unwrap();
    host.shop.write_comment(14, "Tags: mine alone");
    host.perform("b", &order_tags(&["gold"], &["RUSH"])).await.unwrap();
    let expected = ["Tags: Gold, Rush (Regulars)", "Tags: mine alone", "Tags: Gold (Regulars)"];
    let mut comments = host.shop.comments(14);
    comments.sort();
    let mut sorted = expected;
    sorted.sort_unstable();
    assert_eq!(comments, sorted);
}

#[tokio::test]
async fn a_packer_reads_by_the_shops_clocks_when_an_order_is_to_be_sent() {
    let host = Host::new();
    for _ in 0..2 {
        assert_eq!(host.perform("effect-1", &ship_by()).await.unwrap().0, "note");
    }
    assert_eq!(host.shop.comments(14), ["Send by 2026-11-30 12:00 (Regulars effect-1)"]);
    host.shop.put_order(order(json!({ "state": "canceled" })));
    assert_eq!(host.refusal("effect-2", &ship_by()).await, "the order is cancelled");
    assert_eq!(host.perform("effect-1", &ship_by()).await.unwrap().0, "note");
}
