//! What a plugin hears of its effects: of those that came to nothing, and of those that are done.

use super::*;
use crate::{
    domain::{OrderTagChange, Topic},
    store::keys::Due,
};

/// A plugin that counts what it is told, and says so if it is to.
fn told(says_so: bool) -> Vec<u8> {
    let mut guest = Guest::default();
    let [told, why] = ["told", "made up for"].map(|text| guest.text(text));
    let note = format!("(call $note {why} (i32.const 0) (i32.const 0) (i32.const {ANSWER}))");
    guest.module(&format!("(call $count {told}) {}", if says_so { note } else { String::new() }))
}

/// Tells what is to be told, and applies it.
async fn tell_all(post: &Post) {
    let before = *post.bench.inbox.durable().borrow();
    tell::tell_due(&post.outbox, &mut Round::default()).await.unwrap();
    for position in before.0 + 1..=post.bench.inbox.durable().borrow().0 {
        post.bench.apply_at(Position(position)).await;
    }
}

#[tokio::test]
async fn a_plugin_is_told_once_of_an_effect_that_failed_for_good_or_was_dropped() {
    let (_, mailer) = MailServer::answering(["550 no such person"]).await;
    let post = Post::new(Some(mailer)).await;
    post.bench.enable("writer", &[], &told(true)).await;
    post.queue("a-dead", mail_to("7"), None).await;
    post.queue("b-dropped", mail_to("unknown"), None).await;
    post.queue("c-sent", mail_to("7"), None).await;
    post.run_due().await;
    tell_all(&post).await;
    assert_eq!((post.bench.counted("writer", "told"), post.bench.queued(DueQueue::Tellings)), (2, 0));
    let record = post.bench.record(Position(1));
    assert_eq!((record.topic.as_str(), record.customer), ("effect.failed", Some("7".into())));
    let body = body_at(&post, Position(1));
    assert_eq!((&body["effect"], &body["kind"], &body["status"]), (&"a-dead".into(), &"mail".into(), &"dead".into()));
    assert!(body["reason"].as_str().unwrap().contains("no such person"), "{body}");

    // A crash between the inbox and the row that goes.
    let again = Due::Telling { store: post.bench.id, id: "a-dead".into() };
    post.bench.put_bytes(again.key(post.bench.clock.now()), &[]).await;
    tell_all(&post).await;
    assert_eq!(post.bench.counted("writer", "told"), 2);
    // What has been made up for is not tried again, by itself or among others.
    let retried = retry(&post.outbox, post.bench.id, &"a-dead".into()).await;
    assert!(matches!(retried, Err(RetryError::Told)), "{retried:?}");
    for dry_run in [true, false] {
        let page = retry_page(&post.outbox, post.bench.id, &Selection::default(), None, dry_run).await.unwrap();
        assert_eq!((page.effects.len(), page.skipped.values().sum::<u64>()), (0, 1));
    }
}

#[tokio::test]
async fn an_effect_that_is_tried_again_before_its_plugin_hears_of_it_is_not_told() {
    let (server, mailer) = MailServer::answering(["550 no such person"]).await;
    let post = Post::new(Some(mailer)).await;
    post.bench.enable("writer", &[], &told(true)).await;
    post.queue("first", mail_to("7"), None).await;
    post.run_due().await;
    tell::tell_due(&post.outbox, &mut Round::default()).await.unwrap();
    retry(&post.outbox, post.bench.id, &"first".into()).await.unwrap();
    post.bench.apply_at(Position(1)).await;
    post.run_due().await;
    assert_eq!((post.bench.counted("writer", "told"), server.taken().len()), (0, 1));
}

#[tokio::test]
async fn all_dead_letters_are_tried_again_and_those_whose_plugin_only_took_notice_too() {
    let (server, mailer) = MailServer::answering(["550 no"; 3]).await;
    let post = Post::new(Some(mailer)).await;
    post.bench.enable("writer", &[], &told(false)).await;
    for id in ["a", "b", "c"] {
        post.queue(id, mail_to("7"), None).await;
    }
    post.queue("sent", mail_to("7"), None).await;
    post.run_due().await;
    tell_all(&post).await;
    assert_eq!(post.bench.counted("writer", "told"), 3);
    let all = Selection::default();
    let page = retry_page(&post.outbox, post.bench.id, &all, None, true).await.unwrap();
    assert_eq!((page.effects.get("mail"), page.next), (Some(&3), None));
    let of_another = Selection { plugin: Some("other".into()), ..all.clone() };
    let page = retry_page(&post.outbox, post.bench.id, &of_another, None, false).await.unwrap();
    assert_eq!(page, RetriedPage::default());
    for found in [3, 0] {
        let page = retry_page(&post.outbox, post.bench.id, &all, None, false).await.unwrap();
        assert_eq!(page.effects.values().sum::<u64>(), found);
        post.run_due().await;
    }
    assert_eq!(server.taken().len(), 4, "each once");
}

/// The payload of the event at a position.
fn body_at(post: &Post, position: Position) -> serde_json::Value {
    serde_json::from_slice(&post.bench.inbox.get(position).unwrap().unwrap().body).unwrap()
}

#[tokio::test]
async fn a_plugin_that_lists_it_is_told_once_of_an_effect_that_is_done() {
    let (_, mailer) = MailServer::answering([]).await;
    let post = Post::new(Some(mailer)).await;
    post.bench.install_for(&[Topic::EFFECT_DONE.as_str()], "writer", &[], &told(false)).await;
    post.bench.switch_on("writer", &[]).await;
    post.queue("sent", mail_to("7"), None).await;
    post.queue("nobody", mail_to("unknown"), None).await;
    post.run_due().await;
    for _ in 0..2 {
        tell_all(&post).await;
        // A crash between the inbox and the row that goes.
        let again = Due::Telling { store: post.bench.id, id: "sent".into() };
        post.bench.put_bytes(again.key(post.effect("sent").updated_at), &[]).await;
    }
    assert_eq!(post.bench.counted("writer", "told"), 1, "what failed is another topic");
    let (record, body) = (post.bench.record(Position(1)), body_at(&post, Position(1)));
    assert_eq!((record.topic.as_str(), record.customer), ("effect.done", Some("7".into())));
    assert_eq!((&body["status"], &body["customer_id"]), (&"done".into(), &"7".into()));
    assert_eq!(body["reason"], "<sent@fern.example>");
}

#[tokio::test]
async fn the_end_of_an_effect_on_an_order_is_told_with_the_order_and_its_customer() {
    let post = Post::new(None).await;
    let topics = [Topic::EFFECT_DONE, Topic::EFFECT_FAILED].map(|topic| topic.to_string());
    post.bench.install_for(&topics.each_ref().map(String::as_str), "writer", &[], &told(false)).await;
    post.bench.switch_on("writer", &[]).await;
    let position = post.bench.accept(&post.bench.order("1")).await;
    let change = OrderTagChange { order: "1".into(), add: vec!["gift".into()], remove: Vec::new() };
    // The shop has no token, so that the call fails for good.
    post.queue("tags", EffectKind::ChangeOrderTags(change), None).await;
    post.run_due().await;
    tell::tell_due(&post.outbox, &mut Round::default()).await.unwrap();
    post.bench.apply_at(position.next()).await;
    let record = post.bench.record(position.next());
    assert_eq!(
        (record.topic.as_str(), record.customer, record.order),
        ("effect.failed", Some("7".into()), Some("1".into()))
    );
    let body = body_at(&post, position.next());
    assert_eq!((&body["order_id"], &body["customer_id"]), (&"1".into(), &serde_json::Value::Null));
    assert_eq!(post.bench.counted("writer", "told"), 1);
}
