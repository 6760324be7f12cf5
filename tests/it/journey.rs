//! One shopper's way through the whole house: real process, real sockets, real mail.

use std::collections::BTreeSet;

use crate::shop::{DOMAIN, Shop, webhook};

const CUSTOMER: &str = "9107200431558877203";

/// What the shopper and the shop do, in order. Each ends with an acknowledgement.
const STEPS: [&str; 5] = ["signs up", "pays an order", "sends the same webhook five times", "is refunded", "redeems"];

/// Events that these steps amount to, each counted once.
const EVENTS: usize = 4;

async fn take(shop: &Shop, step: &str) {
    match step {
        "signs up" => accepted(shop, "customers/create", "customer_created", "w-signup", 1).await,
        "pays an order" => accepted(shop, "orders/paid", "order_placed", "w-paid", 1).await,
        "sends the same webhook five times" => accepted(shop, "orders/paid", "order_placed", "w-paid", 5).await,
        "is refunded" => accepted(shop, "refunds/create", "refund_partial", "w-refund", 1).await,
        "redeems" => {
            // The shopper sees the balance before they redeem from it.
            shop.settled(EVENTS - 1).await;
            for _ in 0..2 {
                let (status, answer) = shop.redeem(CUSTOMER, "redeem-1").await;
                assert!(matches!(status, 200 | 202), "{answer}");
            }
        }
        other => panic!("no step is called {other}"),
    }
}

async fn accepted(shop: &Shop, topic: &'static str, fixture: &str, id: &str, times: usize) {
    for _ in 0..times {
        let answer = shop.send(&webhook(topic, fixture, id)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
}

/// Everything that the journey leaves behind.
#[derive(Debug, PartialEq, Eq)]
struct End {
    balance: Option<i64>,
    events: usize,
    /// Recipient and Message-ID: a mail that was sent twice under one Message-ID is one mail. Its language is the one that
    /// is known when it goes out.
    mails: BTreeSet<(Vec<String>, Option<String>)>,
    codes: BTreeSet<String>,
    effects: BTreeSet<(String, String, String)>,
}

impl End {
    /// Codes follow from a key that each host has made for itself: of two hosts only their number is the same.
    fn with_codes_numbered(self) -> Self {
        let codes = (1..=self.codes.len()).map(|number| number.to_string()).collect();
        Self { codes, ..self }
    }
}

async fn end_of(shop: &Shop) -> End {
    shop.settled(EVENTS).await;
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let mails = shop.mails.messages().into_iter();
    End {
        balance: shop.balance(CUSTOMER).await,
        events: shop.events().await.len(),
        mails: mails.map(|mail| (mail.envelope_to, mail.message_id)).collect(),
        codes: shop.codes(),
        effects: shop
            .effects()
            .await
            .iter()
            .map(|effect| (text(&effect["id"]), text(&effect["kind"]), text(&effect["status"])))
            .collect(),
    }
}

#[tokio::test]
async fn an_order_earns_mails_is_reversed_and_redeemed_for_a_code() {
    let shop = Shop::open().await;
    take(&shop, "signs up").await;
    shop.settled(1).await;
    assert_eq!(shop.balance(CUSTOMER).await, Some(50));

    take(&shop, "pays an order").await;
    shop.settled(2).await;
    // 38.28 EUR of goods after discounts: one point for each whole euro.
    assert_eq!(shop.balance(CUSTOMER).await, Some(88));

    take(&shop, "sends the same webhook five times").await;
    take(&shop, "is refunded").await;
    shop.settled(3).await;
    // Of 38.28 without tax, 17.01 with 2.41 of tax came back: floor(38 * 1460 / 3828) = 14 points.
    assert_eq!(shop.balance(CUSTOMER).await, Some(74));

    take(&shop, "redeems").await;
    let end = end_of(&shop).await;
    assert_eq!((end.balance, end.events), (Some(14), EVENTS));
    assert_eq!(end.mails.len(), 3, "welcome, earned, reward: {:#?}", end.mails);
    assert!(end.effects.iter().all(|(_, _, status)| status == "done"), "{:#?}", end.effects);

    let code = end.codes.first().expect("a code was made");
    let codes = shop.shopify.codes();
    assert_eq!(codes.len(), 1);
    let reward = shop.mails.messages().into_iter().find(|mail| mail.text.as_ref().is_some_and(|it| it.contains(code)));
    let reward = reward.expect("a mail names the code");
    assert!(reward.html.is_some_and(|html| html.contains(code)), "both twins name the code");
    assert_eq!(shop.mails.violations(), Vec::<String>::new());

    let refund = shop.run(&["event", "show", DOMAIN, "webhook/w-refund"]);
    assert!(refund.contains("loyalty-points: done"), "the decision says why: {refund}");
}

#[tokio::test]
async fn killed_after_any_step_the_journey_ends_as_if_nothing_had_happened() {
    let undisturbed = {
        let shop = Shop::open().await;
        for step in STEPS {
            take(&shop, step).await;
        }
        end_of(&shop).await.with_codes_numbered()
    };
    for killed_after in STEPS {
        let mut shop = Shop::open().await;
        for step in STEPS {
            take(&shop, step).await;
            if step == killed_after {
                // The acknowledgement is out; what follows from it is under way.
                shop.host.kill_9();
                shop.host.restart();
            }
        }
        assert_eq!(end_of(&shop).await.with_codes_numbered(), undisturbed, "killed after the shopper {killed_after}");
    }
}

#[tokio::test]
async fn a_code_whose_making_was_not_answered_is_found_again_and_not_made_twice() {
    use regulars_tests::shopify_admin::Fault;
    let shop = Shop::open().await;
    for step in ["signs up", "pays an order"] {
        take(&shop, step).await;
    }
    shop.settled(2).await;
    shop.shopify.set_fault(Fault::DropAfterExecuting, 1);
    shop.redeem(CUSTOMER, "redeem-1").await;
    shop.settled(3).await;
    assert_eq!(shop.codes().len(), 1);
    let effects = shop.effects().await;
    let discount = effects.iter().find(|effect| effect["kind"] == "discount.create").expect("it was queued");
    assert_eq!((&discount["status"], &discount["attempts"]), (&"done".into(), &2.into()), "{discount}");
}
