//! Mails between the arbiter and the mail server: who gets them, when, with which headers, and what comes back.

use super::*;
use crate::{
    catalog::{package, templates::Locale},
    domain::{Benefit, Contact, Guard, NewDiscount, Origin, ProtectedData, SuppressionCause},
    effects::{
        contacts::{self, Choice, Pause},
        reports::{self, Consequence, ReportError},
    },
    store::TemplateOverride,
};

const DAY: Duration = Duration::from_secs(86_400);
const ADDRESS: &str = "mira@example.com";

/// 26 characters as every effect's id has.
fn id(name: &str) -> String {
    format!("{name:a<26}")
}

fn marketing(purpose: Purpose) -> Mail {
    let EffectKind::Mail(mail) = mail_to("7") else { panic!() };
    Mail { purpose, valid_until: START + 30 * DAY, ..mail }
}

/// A post whose customer 7 accepts marketing.
async fn post(answers: impl IntoIterator<Item = &'static str>) -> (MailServer, Post) {
    let (server, mailer) = MailServer::answering(answers).await;
    let post = Post::new(Some(mailer)).await;
    post.knows(Customer { accepts_marketing: Some(true), ..customer("7", Some(ADDRESS)) }).await;
    (server, post)
}

impl Post {
    async fn queue_mail(&self, name: &str, mail: Mail) {
        self.queue(&id(name), EffectKind::Mail(mail), None).await;
    }

    fn contact(&self) -> Contact {
        let id = contacts::id_of(&self.outbox, self.bench.id, ADDRESS);
        contacts::read(&self.outbox, self.bench.id, id).unwrap().unwrap_or_default()
    }

    /// Why a mail waits, and until when, or why it is not sent.
    fn told(&self, name: &str) -> (EffectStage, String, Option<Timestamp>) {
        match self.status(&id(name)) {
            EffectStatus::Pending { due, last_error } => {
                (EffectStage::Pending, last_error.unwrap_or_default(), Some(due))
            }
            EffectStatus::Dropped { reason } => (EffectStage::Dropped, reason, None),
            EffectStatus::Dead { reason } => (EffectStage::Dead, reason, None),
            EffectStatus::Done { receipt } => (EffectStage::Done, receipt, None),
        }
    }

    fn recipient(&self) -> Recipient {
        let contact = contacts::id_of(&self.outbox, self.bench.id, ADDRESS);
        Recipient { store: self.bench.id, contact, plugin: "writer".into() }
    }
}

#[tokio::test]
async fn marketing_names_the_ways_out_in_its_headers_and_what_is_none_names_none() {
    let (server, post) = post([]).await;
    post.queue_mail("a", marketing(Purpose::WinBack)).await;
    post.queue_mail("b", marketing(Purpose::Service)).await;
    post.run_due().await;
    let taken = lock(&server.taken).clone();
    let token = post.outbox.mails.links.key.token(&post.recipient());
    let one_click = format!("List-Unsubscribe: <https://mail.fern.example/u/{token}>");
    assert!(taken[0].contains(&one_click), "{}", taken[0]);
    assert!(taken[0].contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click"));
    assert!(!taken[1].contains("List-Unsubscribe"), "{}", taken[1]);
    assert_eq!(contacts::recipient(&post.outbox, &token), Some(post.recipient()));
}

#[tokio::test]
async fn of_two_mails_that_are_due_together_the_higher_purpose_takes_the_slot_and_the_other_waits_a_day() {
    let (server, post) = post([]).await;
    // In the order in which the outbox looks at them.
    post.queue_mail("a", marketing(Purpose::Loyalty)).await;
    post.queue_mail("b", marketing(Purpose::Cart)).await;
    post.run_due().await;
    assert_eq!(server.taken(), [id("b")]);
    let (stage, reason, _) = post.told("a");
    assert_eq!((stage, reason.contains("come first")), (EffectStage::Pending, true), "{reason}");
    post.advance(BEHIND).await;
    let (stage, reason, due) = post.told("a");
    assert_eq!((stage, due), (EffectStage::Pending, Some(START + DAY)));
    assert!(reason.contains("1 in 24 hours"), "{reason}");
    assert_eq!(post.effect(&id("a")).attempts, 0, "to wait uses up no try");
    post.advance(DAY - BEHIND).await;
    assert_eq!(server.taken(), [id("b"), id("a")]);
}

#[tokio::test]
async fn two_tries_at_the_same_moment_cannot_both_take_the_last_slot() {
    let (server, post) = post([]).await;
    let mails: Vec<_> = (0..8).map(|number| format!("m{number}")).collect();
    for name in &mails {
        post.queue_mail(name, marketing(Purpose::Digest)).await;
    }
    let running = tokio::spawn(run(Arc::clone(&post.outbox)));
    let all_decided = async {
        while mails.iter().any(|name| post.told(name).2.is_some_and(|due| due < START + DAY)) {
            tokio::time::sleep(Duration::from_millis(5)).await;
            // What lets others go first looks again soon.
            post.bench.clock.advance(Duration::from_millis(1));
        }
    };
    tokio::time::timeout(Duration::from_secs(60), all_decided).await.expect("all are sent or wait for their slot");
    running.abort();
    assert_eq!(server.taken(), [id("m0")]);
}

#[tokio::test]
async fn two_customers_of_one_address_are_one_person() {
    let (server, post) = post([]).await;
    post.knows(Customer { accepts_marketing: Some(true), ..customer("8", Some("MIRA@example.com")) }).await;
    post.queue_mail("a", marketing(Purpose::Cart)).await;
    post.queue_mail("b", Mail { customer: "8".into(), ..marketing(Purpose::Cart) }).await;
    post.run_due().await;
    assert_eq!(server.taken().len(), 1);
    assert!(post.told("b").1.contains("1 in 24 hours"));
}

#[tokio::test]
async fn what_cannot_wait_for_its_slot_is_dropped_with_the_reason() {
    let (server, post) = post([]).await;
    post.queue_mail("a", marketing(Purpose::Cart)).await;
    post.queue_mail("b", Mail { valid_until: START + DAY, ..marketing(Purpose::Digest) }).await;
    post.run_due().await;
    post.advance(BEHIND).await;
    assert_eq!(server.taken(), [id("a")]);
    let (stage, reason, _) = post.told("b");
    assert_eq!(stage, EffectStage::Dropped);
    assert!(reason.contains("its time is over before that ends"), "{reason}");
}

#[tokio::test]
async fn consent_is_asked_of_marketing_alone() {
    let (server, post) = post([]).await;
    post.knows(Customer { accepts_marketing: None, ..customer("7", Some(ADDRESS)) }).await;
    post.queue_mail("a", marketing(Purpose::Cart)).await;
    post.queue_mail("b", marketing(Purpose::Transactional)).await;
    post.run_due().await;
    assert_eq!(server.taken(), [id("b")]);
    assert_eq!(post.told("a").1, "no consent to marketing mails is known");
}

#[tokio::test]
async fn who_unsubscribes_gets_no_more_marketing_and_what_they_have_to_know_all_the_same() {
    let (server, post) = post([]).await;
    contacts::unsubscribe(&post.outbox, post.bench.id, post.recipient().contact).await.unwrap();
    post.queue_mail("a", marketing(Purpose::Cart)).await;
    post.queue_mail("b", marketing(Purpose::Service)).await;
    post.run_due().await;
    assert_eq!(server.taken(), [id("b")]);
    assert_eq!(post.told("a"), (EffectStage::Dropped, "the recipient has unsubscribed".into(), None));
}

#[tokio::test]
async fn a_choice_turns_topics_off_and_on_pauses_and_subscribes_again() {
    let (server, post) = post([]).await;
    let choice = |wanted: &[&str], pause| Choice {
        offered: ["writer".into(), "points".into()].into(),
        wanted: wanted.iter().map(|name| (*name).into()).collect(),
        pause,
    };
    let choose = async |choice: &Choice| {
        contacts::choose(&post.outbox, &post.recipient(), choice).await.unwrap();
        post.contact()
    };
    contacts::unsubscribe(&post.outbox, post.bench.id, post.recipient().contact).await.unwrap();
    let left = choose(&choice(&[], Pause::Keep)).await;
    assert_eq!((left.unsubscribed_at, left.topics_off.len()), (Some(START), 2), "nobody is subscribed unasked");
    let back = choose(&choice(&["points"], Pause::For(30 * DAY))).await;
    assert_eq!((back.unsubscribed_at, back.paused_until), (None, Some(START + 30 * DAY)));
    post.queue_mail("a", marketing(Purpose::Cart)).await;
    post.run_due().await;
    assert_eq!(post.told("a").1, "the recipient wants no mails of `writer`");

    choose(&choice(&["writer", "points"], Pause::For(2 * DAY))).await;
    post.queue_mail("b", marketing(Purpose::Cart)).await;
    post.run_due().await;
    assert_eq!(post.told("b").2, Some(START + 2 * DAY));
    choose(&choice(&["writer"], Pause::None)).await;
    post.queue_mail("c", marketing(Purpose::Cart)).await;
    post.run_due().await;
    assert_eq!(server.taken(), [id("c")]);
}

#[tokio::test]
async fn marketing_without_a_way_out_does_not_go_and_says_what_is_missing() {
    let (server, mut post) = post([]).await;
    let outbox = Arc::get_mut(&mut post.outbox).unwrap();
    outbox.mails.links.base = None;
    post.queue_mail("a", marketing(Purpose::Cart)).await;
    post.queue_mail("b", marketing(Purpose::Service)).await;
    post.run_due().await;
    assert_eq!(server.taken(), [id("b")]);
    let (stage, reason, _) = post.told("a");
    assert!(stage == EffectStage::Pending && reason.contains("`public_url`"), "{reason}");
    assert_eq!(post.contact().mails.len(), 1, "it holds no slot");
}

#[tokio::test]
async fn a_mail_that_a_crash_kept_from_going_goes_once_in_the_slot_that_it_holds() {
    let (server, post) = post([]).await;
    post.queue_mail("a", marketing(Purpose::Cart)).await;
    // As a crash leaves it between the commit and the server.
    contacts::change(&post.outbox, post.bench.id, post.recipient().contact, |contact| {
        contact.claim(id("a").into(), "7".into(), START, true);
    })
    .await
    .unwrap();
    post.run_due().await;
    post.run_due().await;
    assert_eq!(server.taken(), [id("a")]);
    assert_eq!(post.contact().mails.len(), 1);
}

#[tokio::test]
async fn a_refused_mail_gives_its_slot_back_and_one_for_nobody_suppresses_the_address() {
    let (server, post) = post(["550 not today", "550 5.1.1 No such mailbox"]).await;
    post.queue_mail("a", marketing(Purpose::Cart)).await;
    post.run_due().await;
    assert_eq!((post.told("a").0, post.contact().mails.len()), (EffectStage::Dead, 0));
    post.queue_mail("b", marketing(Purpose::Cart)).await;
    post.run_due().await;
    assert_eq!(post.told("b").0, EffectStage::Dead);
    assert_eq!(post.contact().suppression.unwrap().cause, SuppressionCause::HardBounce);
    post.queue_mail("c", marketing(Purpose::Transactional)).await;
    post.run_due().await;
    assert_eq!((post.told("c").0, server.taken().len()), (EffectStage::Dropped, 0));

    let listed = contacts::suppressed(&post.outbox, post.bench.id, 10).unwrap();
    assert_eq!(listed.len(), 1);
    assert!(contacts::lift_suppression(&post.outbox, post.bench.id, listed[0].0).await.unwrap());
    assert!(!contacts::lift_suppression(&post.outbox, post.bench.id, listed[0].0).await.unwrap());
    assert_eq!(contacts::suppressed(&post.outbox, post.bench.id, 10).unwrap(), []);
    post.queue_mail("d", marketing(Purpose::Transactional)).await;
    post.run_due().await;
    assert_eq!(server.taken(), [id("d")]);
}

#[tokio::test]
async fn a_guard_that_does_not_hold_when_the_mail_would_go_drops_it() {
    let (server, post) = post([]).await;
    let guarded = |guard| Mail { guards: vec![guard], ..marketing(Purpose::Service) };
    let code = NewDiscount {
        customer: None,
        code: "TEA-1".into(),
        benefit: Benefit::FreeShipping,
        minimum_subtotal: None,
        collections: Vec::new(),
        products: Vec::new(),
        starts_at: START,
        ends_at: None,
        uses: None,
        once_per_customer: false,
        combines: false,
        offer: false,
    };
    post.queue("code", EffectKind::CreateDiscount(code), None).await;
    post.bench.accept(&post.bench.order("1")).await;
    post.bench.put_bytes(keys::state(post.bench.id, &"writer".into(), "kept"), b"1").await;
    for (name, guard, goes) in [
        ("a", Guard::NoOrderSince(START + Duration::from_millis(1)), true),
        ("b", Guard::NoOrderSince(Timestamp(0)), false),
        ("c", Guard::OrderNotCancelled("1".into()), true),
        ("d", Guard::OrderNotCancelled("unknown".into()), true),
        ("e", Guard::State("kept".into()), true),
        ("f", Guard::State("gone".into()), false),
        ("g", Guard::CodeLive("code".into()), false),
        ("h", Guard::CodeLive("unknown".into()), false),
    ] {
        post.queue_mail(name, guarded(guard.clone())).await;
        post.run_due().await;
        let (stage, reason, _) = post.told(name);
        let expected = if goes { EffectStage::Done } else { EffectStage::Dropped };
        assert_eq!(stage, expected, "{guard:?}: {reason}");
    }
    assert_eq!(server.taken().len(), 4);
}

/// A report on a mail of ours: `kind` is the type of the part for programs, `fields` what it says.
fn report(kind: &str, fields: &str, name: &str) -> String {
    format!(
        "From: mx@example.com\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; boundary=cut\r\n\r\n\
         --cut\r\nContent-Type: message/{kind}\r\n\r\n{fields}\r\n\r\n\
         --cut\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{}@fern.example>\r\n\r\n--cut--\r\n",
        id(name)
    )
}

fn bounce(status: &str, name: &str) -> String {
    report("delivery-status", &format!("Reporting-MTA: dns; mx\r\n\r\nAction: failed\r\nStatus: {status}"), name)
}

#[tokio::test]
async fn a_bounce_suppresses_the_address_that_the_mail_went_to_whatever_the_customers_is_now() {
    let (_, post) = post([]).await;
    post.queue_mail("a", marketing(Purpose::Service)).await;
    post.run_due().await;
    post.knows(customer("7", Some("new@example.com"))).await;
    let outcome = reports::take(&post.outbox, bounce("5.1.1", "a").as_bytes()).await.unwrap();
    assert_eq!(outcome.consequence, Consequence::Suppressed(SuppressionCause::HardBounce));
    assert_eq!(post.contact().suppression.unwrap().detail, "failed 5.1.1");
    let unknown = reports::take(&post.outbox, bounce("5.1.1", "b").as_bytes()).await;
    assert!(matches!(unknown, Err(ReportError::UnknownMail(_))));
}

#[tokio::test]
async fn eight_soft_bounces_in_a_row_suppress_marketing() {
    let (_, post) = post([]).await;
    for (number, name) in "bcdefghi".chars().map(String::from).enumerate() {
        post.queue_mail(&name, marketing(Purpose::Service)).await;
        post.run_due().await;
        let outcome = reports::take(&post.outbox, bounce("4.2.2", &name).as_bytes()).await.unwrap();
        let suppressed = Consequence::Suppressed(SuppressionCause::SoftBounces);
        assert_eq!(outcome.consequence, if number == 7 { suppressed } else { Consequence::Counted });
    }
}

#[tokio::test]
async fn a_complaint_suppresses_and_unsubscribes() {
    let (_, post) = post([]).await;
    post.queue_mail("a", marketing(Purpose::Cart)).await;
    post.run_due().await;
    let complaint = report("feedback-report", "Feedback-Type: abuse\r\nVersion: 1", "a");
    let outcome = reports::take(&post.outbox, complaint.as_bytes()).await.unwrap();
    assert_eq!(outcome.consequence, Consequence::Suppressed(SuppressionCause::Complaint));
    let contact = post.contact();
    assert_eq!((contact.unsubscribed_at, contact.suppression.unwrap().since), (Some(START), START));
    let told = post.outbox.inbox.read(Position(0), 10, 1 << 20).unwrap();
    let withdrawn = Origin::Consent { customer: "7".into(), accepts_marketing: false };
    assert!(told.iter().any(|(_, event)| event.origin == withdrawn), "the shop's own newsletter hears of it");
}

/// Installs a version of the plugin `writer` whose mail greets by a text of this name.
async fn upgrade(post: &Post, version: &str, name: &str, greeting: &str) {
    let manifest = format!(
        "[plugin]\nname = \"writer\"\nversion = \"{version}\"\ntitle = \"T\"\nsummary = \"S\"\ntopics = [\"order.paid\"]\n\
         [templates.welcome.sample]\n"
    );
    let texts = format!("[welcome]\nsubject = \"Hello\"\n{name} = \"{greeting}\"\n");
    let body = |content: &str| format!("{{% extends \"layout\" %}}{{% block content %}}{content}{{% endblock %}}");
    let text = format!("{{{{ t.{name} }}}}");
    let mjml = format!("<mj-section><mj-column><mj-text>{text}</mj-text></mj-column></mj-section>");
    let sources =
        [("welcome.mjml", body(&mjml)), ("welcome.txt", body(&text)), ("en.toml", texts.clone()), ("de.toml", texts)];
    let sources = sources.map(|(name, text)| (name.to_owned(), text)).into();
    let file = package::pack(&Guest::default().module(""), &manifest, &sources).unwrap();
    post.bench.catalog.install(file).await.unwrap();
}

#[tokio::test]
async fn a_merchants_words_outlast_an_upgrade_and_give_way_with_a_warning_where_they_do_not_fit_it() {
    let (server, post) = post([]).await;
    post.knows(Customer { locale: Some("de-AT".into()), ..customer("7", Some(ADDRESS)) }).await;
    let catalog = &post.bench.catalog;
    let said = async |name: &str| {
        post.queue_mail(name, marketing(Purpose::Service)).await;
        post.run_due().await;
        let last = lock(&server.taken).last().cloned().unwrap_or_default();
        let said = ["Moin Mira", "Guten Tag", "Servus"].into_iter().find(|greeting| last.contains(greeting));
        let store = catalog.store_named(DOMAIN).unwrap();
        let mails = &store.plugin(&"writer".into()).unwrap().mails;
        (said, mails.changes.iter().filter(|change| change.warning.is_some()).count())
    };
    upgrade(&post, "1.1.0", "hello", "Guten Tag").await;
    assert_eq!(said("a").await, (Some("Guten Tag"), 0));
    let texts = [("hello".to_owned(), "Moin {{ customer.first_name }}".to_owned())].into();
    let change = TemplateOverride { texts, ..TemplateOverride::default() };
    let german = Locale::parse("de").unwrap();
    let saved = catalog.change_template(DOMAIN, &"writer".into(), "welcome", &german, change).await.unwrap();
    assert_eq!((saved, said("b").await), (1, (Some("Moin Mira"), 0)));
    upgrade(&post, "1.2.0", "hello", "Servus").await;
    assert_eq!(said("c").await, (Some("Moin Mira"), 0));
    upgrade(&post, "1.3.0", "greeting", "Servus").await;
    assert_eq!(said("d").await, (Some("Servus"), 1), "the text has another name");
    upgrade(&post, "1.4.0", "hello", "Servus").await;
    assert_eq!(said("e").await, (Some("Moin Mira"), 0), "it was kept all the while");
}

#[tokio::test]
async fn where_plugins_see_no_names_the_host_still_greets_by_name() {
    let (server, post) = post([]).await;
    post.knows(Customer { first_name: Some("Mira".into()), ..customer("7", Some(ADDRESS)) }).await;
    let change = StoreChange { protected_data: Some(ProtectedData::Level1), ..StoreChange::default() };
    post.bench.catalog.change_store(DOMAIN, change).await.unwrap();
    post.queue_mail("a", marketing(Purpose::Service)).await;
    post.run_due().await;
    let taken = lock(&server.taken).clone();
    assert!(taken[0].contains("Subject: Hello Mira"), "{}", taken[0]);
}
