//! Notes and gifts: what is done where others write at the same time, and where Shopify declines.

use super::*;
use crate::domain::{OrderNote, ParcelGift};

fn note(text: &str) -> Reply {
    ok(json!({"data": {"order": {"note": text}}}))
}

fn written() -> Reply {
    ok(json!({"data": {"orderUpdate": {"userErrors": []}}}))
}

fn ribbon() -> OrderNote {
    OrderNote { order: "1001".into(), text: "Red ribbon".into() }
}

#[tokio::test]
async fn a_line_that_others_have_overwritten_is_put_back() {
    let marked = "Call first.\nRed ribbon (Regulars q3zkm5a2)";
    let (shop, client) = Shop::answering([note(""), written(), note("Call first."), written(), note(marked)]).await;
    client.add_order_note(&effect(), &ribbon()).await.unwrap();
    let notes: Vec<_> = shop.requests().into_iter().map(|(_, body)| body["variables"]["note"].clone()).collect();
    assert_eq!(notes[1], "Red ribbon (Regulars q3zkm5a2)");
    assert_eq!(notes[3], marked);
}

#[tokio::test]
async fn a_note_that_others_keep_overwriting_is_tried_another_time() {
    let replies = (0..4).flat_map(|_| [note("Call first."), written()]);
    let (_, client) = Shop::answering(replies).await;
    let result = client.add_order_note(&effect(), &ribbon()).await;
    assert_eq!(reason(result), "transient: others keep changing the order's note");
}

#[tokio::test]
async fn an_order_that_is_gone_is_a_permanent_failure() {
    let gone = || ok(json!({"data": {"order": null}}));
    let (_, client) = Shop::answering([gone(), gone()]).await;
    assert_eq!(reason(client.add_order_note(&effect(), &ribbon()).await), "permanent: there is no such order");
    let gift = ParcelGift { order: "1001".into(), variant: None, title: "Tea".into() };
    assert_eq!(reason(client.add_parcel_gift(&effect(), &gift).await), "permanent: there is no such order");
}

#[tokio::test]
async fn a_gift_is_no_line_while_the_order_is_being_packed() {
    for status in ["IN_PROGRESS", "PENDING_FULFILLMENT", "PARTIALLY_FULFILLED", "SOMETHING_NEW"] {
        let lines = json!({"nodes": [], "pageInfo": {"hasNextPage": false, "endCursor": null}});
        let order = ok(json!({"data": {"order": {
            "note": null, "cancelledAt": null, "closed": false, "merchantEditable": true,
            "displayFulfillmentStatus": status, "lineItems": lines,
        }}}));
        let tagged = ok(json!({"data": {"tagsAdd": {"userErrors": []}}}));
        let marked = note("Put into the parcel: Tea (Regulars q3zkm5a2)");
        let (shop, client) = Shop::answering([order, note(""), written(), marked, tagged]).await;
        let gift = ParcelGift { order: "1001".into(), variant: Some("41".into()), title: "Tea".into() };
        assert_eq!(client.add_parcel_gift(&effect(), &gift).await.unwrap().0, "note", "{status}");
        assert_eq!(shop.requests()[4].1["variables"]["tags"], json!(["Gift to pack"]));
    }
}
