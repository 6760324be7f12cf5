//! What a plugin hears of its effects that came to nothing.

use super::*;

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
    let body = post.bench.inbox.get(Position(1)).unwrap().unwrap().body;
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
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
