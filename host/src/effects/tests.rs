//! The outbox against a mail server and a shop on the loopback that answer from a script, and a clock moved by hand.

use std::collections::{BTreeMap, VecDeque};

use axum::Router;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
};

use super::{place::lock, *};
use crate::{
    access::Keeper,
    catalog::StoreChange,
    dispatch::bench::{Bench, DOMAIN, START},
    domain::{Customer, EffectStage, Mail, Purpose, TagChange},
    engine::guest::{ANSWER, Guest},
    platform::http::{Http, Limits},
    store::{
        Access, Commit, Key, Position, Scan, Submitted, Value,
        due::Round,
        keys::DueQueue,
        memory::{MemoryInbox, MemoryStore},
    },
};

mod ends;
mod mails;
mod storefront;
mod told;

const LATER_FOR: Duration = Duration::from_secs(3_600);

const WAITS: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(30)];

/// Mails as sent, in memory.
#[derive(Default)]
struct MemoryArchive(Mutex<Vec<Vec<u8>>>);

impl Archive for MemoryArchive {
    fn append(&self, record: Vec<u8>) -> Submitted<Result<Position, Error>> {
        let mut records = lock(&self.0);
        records.push(record);
        Submitted::ready(Ok(Position(records.len() as u64)))
    }

    fn get(&self, position: Position) -> Result<Option<bytes::Bytes>, Error> {
        let records = lock(&self.0);
        Ok(records.get(position.0 as usize - 1).map(|record| record.clone().into()))
    }
}

/// A mail server that answers each recipient from a script, and then with `250`.
#[derive(Clone, Default)]
struct MailServer {
    answers: Arc<Mutex<VecDeque<&'static str>>>,
    /// Whole messages, in order of arrival.
    taken: Arc<Mutex<Vec<String>>>,
}

impl MailServer {
    async fn answering(answers: impl IntoIterator<Item = &'static str>) -> (Self, Mailer) {
        let server = Self { answers: Arc::new(Mutex::new(answers.into_iter().collect())), ..Self::default() };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let serving = server.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let server = serving.clone();
                // A client that hangs up has ended the conversation.
                tokio::spawn(async move { server.converse(socket).await.ok() });
            }
        });
        (server, Mailer::new(&url, "Fern <hello@fern.example>", Duration::from_secs(30)).unwrap())
    }

    async fn converse(self, socket: tokio::net::TcpStream) -> std::io::Result<()> {
        let (reader, mut writer) = socket.into_split();
        let mut lines = BufReader::new(reader).lines();
        writer.write_all(b"220 fern\r\n").await?;
        while let Some(line) = lines.next_line().await? {
            let answer = match line.split([' ', ':']).next() {
                Some("RCPT") => lock(&self.answers).pop_front().unwrap_or("250 ok"),
                Some("DATA") => {
                    writer.write_all(b"354 go on\r\n").await?;
                    let mut message = String::new();
                    while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                        message += &(line + "\n");
                    }
                    lock(&self.taken).push(message);
                    "250 taken"
                }
                Some("QUIT") => "221 bye",
                _ => "250 ok",
            };
            writer.write_all(format!("{answer}\r\n").as_bytes()).await?;
        }
        Ok(())
    }

    /// The Message-IDs of what has been taken, without what stands round the effect's id.
    fn taken(&self) -> Vec<String> {
        let id = |mail: &String| {
            let header = mail.lines().find_map(|line| line.strip_prefix("Message-ID: <")).unwrap();
            header.split('@').next().unwrap().to_owned()
        };
        lock(&self.taken).iter().map(id).collect()
    }
}

/// Caps as they ship, no quiet hours.
fn policy() -> MailPolicy {
    let links = Links { key: LinkKey::new([7; 32]), base: Some("https://mail.fern.example".into()) };
    MailPolicy { rules: Rules { per_day: Some(1), per_week: Some(3), quiet: None }, links }
}

struct Post {
    bench: Bench,
    outbox: Arc<Outbox>,
}

fn storefronts(bench: &Bench) -> Storefronts {
    let (http, clock) = (Http::new().unwrap(), Arc::new(bench.clock.clone()));
    let access = Keeper::new(Arc::clone(&bench.catalog), Arc::clone(&clock) as _, http.clone(), None);
    Storefronts::new(http, Arc::new(access), clock, Limits::default())
}

impl Post {
    async fn new(mailer: Option<Mailer>) -> Self {
        Self::over(Arc::new(MemoryStore::default()), mailer).await
    }

    async fn over(store: Arc<dyn Store>, mailer: Option<Mailer>) -> Self {
        let bench = Bench::over(store, Arc::new(MemoryInbox::default())).await;
        bench.enable("writer", &[], &Guest::default().module("")).await;
        let clock: Arc<dyn Clock> = Arc::new(bench.clock.clone());
        let outbox = Arc::new(Outbox {
            catalog: Arc::clone(&bench.catalog),
            store: Arc::clone(&bench.store),
            clock: Arc::clone(&clock),
            counters: Arc::default(),
            retries: Schedule { waits: WAITS.to_vec(), jitter: 0.0 },
            later_for: LATER_FOR,
            places: Mutex::default(),
            mailer,
            mails: policy(),
            archive: Arc::new(MemoryArchive::default()),
            inbox: Arc::clone(&bench.inbox),
            storefronts: storefronts(&bench),
            due: Arc::new(Notify::new()),
        });
        let post = Self { bench, outbox };
        post.knows(customer("7", Some("mira@example.com"))).await;
        post
    }

    async fn knows(&self, customer: Customer) {
        let mut transaction = self.bench.transaction();
        transaction.put(keys::customer(self.bench.id, &customer.id), &customer);
        transaction.commit().await.unwrap();
    }

    async fn queue(&self, id: &str, kind: EffectKind, after: Option<&str>) {
        let now = self.bench.clock.now();
        let effect = Effect {
            id: id.into(),
            plugin: "writer".into(),
            event: "webhook/1".into(),
            kind,
            after: after.map(Into::into),
            status: EffectStatus::Pending { due: now, last_error: None },
            attempts: 0,
            queued_at: now,
            updated_at: now,
        };
        let mut transaction = self.bench.transaction();
        transaction.put_effect(self.bench.id, None, &effect);
        transaction.put_bytes(due_of(self.bench.id, &effect).key(now), Vec::new());
        transaction.commit().await.unwrap();
    }

    /// Tries all that is due now, once.
    async fn run_due(&self) {
        run::run_due(&self.outbox).await;
    }

    async fn advance(&self, by: Duration) {
        self.bench.clock.advance(by);
        self.run_due().await;
    }

    fn effect(&self, id: &str) -> Effect {
        self.bench.read(&keys::effect(self.bench.id, &id.into())).unwrap()
    }

    fn status(&self, id: &str) -> EffectStatus {
        self.effect(id).status
    }

    fn queued(&self) -> usize {
        self.bench.queued(DueQueue::Effects)
    }
}

fn customer(id: &str, email: Option<&str>) -> Customer {
    Customer {
        email: email.map(Into::into),
        first_name: Some("Mira".into()),
        updated_at: Timestamp(1),
        ..Customer::nobody(id.into())
    }
}

fn mail_to(customer: &str) -> EffectKind {
    EffectKind::Mail(Mail {
        customer: customer.into(),
        template: "welcome".into(),
        vars: BTreeMap::new(),
        purpose: Purpose::Service,
        send_at: START,
        valid_until: START + Duration::from_secs(3 * 86_400),
        guards: Vec::new(),
    })
}

fn tags() -> EffectKind {
    EffectKind::ChangeTags(TagChange { customer: "7".into(), add: vec!["vip".into()], remove: Vec::new() })
}

fn is_done(status: &EffectStatus) -> bool {
    matches!(status, EffectStatus::Done { .. })
}

#[tokio::test]
async fn a_mail_is_sent_once_and_a_copy_of_it_kept() {
    let (server, mailer) = MailServer::answering([]).await;
    let post = Post::new(Some(mailer)).await;
    post.queue("first", mail_to("7"), None).await;
    post.run_due().await;
    post.run_due().await;
    assert_eq!(server.taken(), ["first"]);
    assert_eq!(post.status("first"), EffectStatus::Done { receipt: "<first@fern.example>".into() });
    assert_eq!((post.effect("first").attempts, post.queued()), (1, 0));
    assert_eq!(post.outbox.counters.effects_done.get(), 1);
    let copy = read_copy(&post.outbox, post.bench.id, &"first".into()).unwrap().unwrap();
    assert_eq!((copy.subject.as_str(), copy.to.as_str()), ("Hello Mira", "Mira <mira@example.com>"));
}

#[tokio::test]
async fn a_mail_waits_for_the_effect_before_it_without_using_up_its_tries() {
    let (server, mailer) = MailServer::answering(["451 come again", "451 come again"]).await;
    let post = Post::new(Some(mailer)).await;
    post.queue("b-first", mail_to("7"), None).await;
    post.queue("a-second", mail_to("7"), Some("b-first")).await;
    post.run_due().await;
    // Looked at before the one that it waits for, and then behind it.
    for wait in [LATER_MIN, LATER_MIN] {
        let EffectStatus::Pending { last_error: Some(reason), .. } = post.status("a-second") else { panic!() };
        assert!(reason.contains("waits for effect b-first"), "{reason}");
        assert_eq!((post.effect("a-second").attempts, server.taken().len()), (0, 0));
        post.advance(BEHIND).await;
        post.advance(wait - BEHIND).await;
    }
    assert!(is_done(&post.status("b-first")));
    post.advance(BEHIND).await;
    assert!(is_done(&post.status("a-second")));
    assert_eq!(server.taken(), ["b-first", "a-second"]);
    assert_eq!((post.effect("b-first").attempts, post.effect("a-second").attempts), (1, 1));
}

#[tokio::test]
async fn a_mail_is_not_sent_when_the_effect_before_it_has_failed_until_both_are_tried_again() {
    let (server, mailer) = MailServer::answering(["550 no such person"]).await;
    let post = Post::new(Some(mailer)).await;
    post.queue("a-first", mail_to("7"), None).await;
    post.queue("b-second", mail_to("7"), Some("a-first")).await;
    post.run_due().await;
    for id in ["a-first", "b-second"] {
        let status = post.status(id);
        assert!(matches!(&status, EffectStatus::Dead { reason } if reason.contains("no such person")), "{status:?}");
    }
    assert_eq!((post.queued(), post.outbox.counters.effects_dead.get()), (0, 2));

    for id in ["a-first", "b-second"] {
        retry(&post.outbox, post.bench.id, &id.into()).await.unwrap();
        assert_eq!(post.effect(id).attempts, 0);
    }
    post.run_due().await;
    assert_eq!(server.taken(), ["a-first", "b-second"]);
    let again = retry(&post.outbox, post.bench.id, &"a-first".into()).await;
    assert!(matches!(again, Err(RetryError::NotFailed("done"))));
    let unknown = retry(&post.outbox, post.bench.id, &"unknown".into()).await;
    assert!(matches!(unknown, Err(RetryError::NoEffect)));
}

#[tokio::test]
async fn what_follows_a_dropped_or_unknown_effect_is_dropped() {
    let (_, mailer) = MailServer::answering([]).await;
    let post = Post::new(Some(mailer)).await;
    post.queue("a-first", mail_to("nobody"), None).await;
    post.queue("b-second", mail_to("7"), Some("a-first")).await;
    post.queue("c-third", mail_to("7"), Some("gone")).await;
    post.run_due().await;
    for id in ["a-first", "b-second", "c-third"] {
        assert!(matches!(post.status(id), EffectStatus::Dropped { .. }), "{id}");
    }
    assert_eq!(post.outbox.counters.effects_dropped.get(), 3);
}

#[tokio::test]
async fn an_effect_is_tried_by_the_schedule_and_then_given_up() {
    let post = Post::new(None).await;
    post.queue("first", mail_to("7"), None).await;
    post.run_due().await;
    for (tries, wait) in (1..).zip(WAITS) {
        let due = post.bench.clock.now() + wait;
        let effect = post.effect("first");
        assert!(matches!(effect.status, EffectStatus::Pending { due: at, .. } if at == due), "{effect:?}");
        assert_eq!(effect.attempts, tries);
        post.advance(wait - Duration::from_millis(1)).await;
        assert_eq!(post.effect("first").attempts, tries, "not before it is due");
        post.advance(Duration::from_millis(1)).await;
    }
    assert!(matches!(post.status("first"), EffectStatus::Dead { .. }));
    assert_eq!((post.effect("first").attempts, post.queued()), (3, 0));
    let counters = &post.outbox.counters;
    assert_eq!((counters.effects_failed.get(), counters.effects_dead.get()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_mail_server_that_falls_silent_in_the_middle_is_given_up_and_tried_again() {
    let (client, server) = tokio::io::duplex(4096);
    let streams = Mutex::new(vec![client]);
    let connect: simulated::Connect = Arc::new(move || Box::new(simulated::Stream(lock(&streams).remove(0))));
    tokio::spawn(async move {
        let (reader, mut writer) = tokio::io::split(server);
        let mut lines = BufReader::new(reader).lines();
        writer.write_all(b"220 fern\r\n").await?;
        while let Some(line) = lines.next_line().await? {
            match line.as_str() {
                "DATA" => std::future::pending().await,
                _ => writer.write_all(b"250 ok\r\n").await?,
            }
        }
        std::io::Result::Ok(())
    });
    let mailer = Mailer::simulated(connect, "hello@fern.example", Duration::from_secs(20)).unwrap();
    let post = Post::new(Some(mailer)).await;
    post.queue("first", mail_to("7"), None).await;
    post.run_due().await;
    let EffectStatus::Pending { last_error: Some(reason), .. } = post.status("first") else { panic!() };
    assert!(reason.contains("no answer within 20 s"), "{reason}");
    assert_eq!(post.effect("first").attempts, 1);
}

#[tokio::test]
async fn a_mail_to_nobody_is_dropped() {
    let (server, mailer) = MailServer::answering([]).await;
    let post = Post::new(Some(mailer)).await;
    post.knows(customer("silent", None)).await;
    post.knows(Customer { deleted: true, ..customer("deleted", Some("gone@example.com")) }).await;
    for id in ["silent", "deleted", "unknown"] {
        post.queue(id, mail_to(id), None).await;
    }
    post.run_due().await;
    for id in ["silent", "deleted", "unknown"] {
        assert!(matches!(post.status(id), EffectStatus::Dropped { .. }), "{id}");
    }
    assert_eq!((server.taken().len(), post.queued()), (0, 0));
}

#[tokio::test]
async fn a_mail_to_a_merged_customer_goes_to_the_one_that_is_left() {
    let (server, mailer) = MailServer::answering([]).await;
    let post = Post::new(Some(mailer)).await;
    let merged = Customer { merged_into: Some("7".into()), ..customer("6", Some("old@example.com")) };
    post.knows(merged).await;
    post.queue("first", mail_to("6"), None).await;
    post.run_due().await;
    assert!(lock(&server.taken)[0].contains("mira@example.com"));
}

#[tokio::test]
async fn a_mail_to_a_merged_customer_goes_to_its_own_address_while_the_other_has_none() {
    let (server, mailer) = MailServer::answering([]).await;
    let post = Post::new(Some(mailer)).await;
    post.knows(customer("8", None)).await;
    post.knows(Customer { merged_into: Some("8".into()), ..customer("6", Some("old@example.com")) }).await;
    post.queue("first", mail_to("6"), None).await;
    post.run_due().await;
    assert!(lock(&server.taken)[0].contains("old@example.com"));
}

#[tokio::test]
async fn a_mail_to_a_customer_known_from_a_merge_alone_waits_until_the_platform_tells_of_it() {
    let (server, mailer) = MailServer::answering([]).await;
    let post = Post::new(Some(mailer)).await;
    post.knows(Customer { updated_at: Timestamp(0), ..customer("8", None) }).await;
    post.queue("first", mail_to("8"), None).await;
    post.run_due().await;
    let EffectStatus::Pending { last_error: Some(reason), .. } = post.status("first") else { panic!() };
    assert!(reason.contains("nothing yet of customer 8"), "{reason}");
    post.knows(customer("8", Some("kept@example.com"))).await;
    post.advance(WAITS[0]).await;
    assert!(is_done(&post.status("first")));
    assert!(lock(&server.taken)[0].contains("kept@example.com"));
}

/// A store whose disk can stall: what was committed before is seen, and nobody can say that it is durable.
#[derive(Default)]
struct Stalling {
    store: MemoryStore,
    stalls: std::sync::atomic::AtomicBool,
    unanswered: Mutex<Vec<tokio::sync::oneshot::Sender<Result<(), CommitError>>>>,
}

impl Store for Stalling {
    fn get(&self, key: &Key) -> Result<Option<Value>, Error> {
        self.store.get(key)
    }

    fn scan(&self, scan: &Scan) -> Result<Vec<(Key, Value)>, Error> {
        self.store.scan(scan)
    }

    fn commit(&self, commit: Commit) -> Submitted<Result<(), CommitError>> {
        if !self.stalls.load(std::sync::atomic::Ordering::SeqCst) {
            return self.store.commit(commit);
        }
        let (sender, submitted) = Submitted::channel();
        lock(&self.unanswered).push(sender);
        submitted
    }
}

#[tokio::test]
async fn an_effect_that_is_seen_before_it_is_durable_waits_until_it_is() {
    let connections = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let counted = Arc::clone(&connections);
    let connect: simulated::Connect = Arc::new(move || {
        counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        Box::new(simulated::Stream(tokio::io::duplex(1).0))
    });
    let mailer = Mailer::simulated(connect, "hello@fern.example", Duration::from_secs(20)).unwrap();
    let store = Arc::new(Stalling::default());
    let post = Post::over(Arc::<Stalling>::clone(&store), Some(mailer)).await;
    post.queue("first", mail_to("7"), None).await;
    for (stalls, tried) in [(true, 0), (false, 1)] {
        store.stalls.store(stalls, std::sync::atomic::Ordering::SeqCst);
        // The first poll of an attempt that waits for nothing makes a connection.
        let _ = futures_util::FutureExt::now_or_never(post.run_due());
        assert_eq!(connections.load(std::sync::atomic::Ordering::SeqCst), tried, "while the disk stalls: {stalls}");
    }
}

#[tokio::test]
async fn nothing_is_done_for_a_store_that_has_been_removed() {
    let (server, mailer) = MailServer::answering([]).await;
    let post = Post::new(Some(mailer)).await;
    post.queue("first", mail_to("7"), None).await;
    post.bench.catalog.remove_store(DOMAIN).await.unwrap();
    post.run_due().await;
    assert!(matches!(post.status("first"), EffectStatus::Dropped { .. }));
    assert_eq!(server.taken().len(), 0);
}

/// A shop that does whatever it is asked.
async fn willing_shop() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let routes = Router::new().fallback(async || r#"{"data":{"tagsAdd":{"userErrors":[]}}}"#);
    tokio::spawn(async move { axum::serve(listener, routes).await });
    url
}

#[tokio::test]
async fn the_loop_takes_up_what_is_rung_for() {
    let (server, mailer) = MailServer::answering([]).await;
    let post = Post::new(Some(mailer)).await;
    let running = tokio::spawn(run(Arc::clone(&post.outbox)));
    for id in ["first", "second"] {
        post.queue(id, mail_to("7"), None).await;
    }
    post.outbox.due.notify_waiters();
    let all_done = async {
        while !["first", "second"].iter().all(|id| is_done(&post.status(id))) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), all_done).await.expect("both are sent");
    running.abort();
    assert_eq!((server.taken().len(), post.queued()), (2, 0));
}

#[tokio::test]
async fn a_mail_server_that_says_later_is_obeyed_without_using_up_tries_until_it_has_gone_on_too_long() {
    let (server, mailer) = MailServer::answering(["450 greylisted"; 40]).await;
    let post = Post::new(Some(mailer)).await;
    post.queue("first", mail_to("7"), None).await;
    post.run_due().await;
    let queued_at = post.bench.clock.now();
    let mut waits = Vec::new();
    while post.effect("first").attempts == 0 {
        let EffectStatus::Pending { due, .. } = post.status("first") else { panic!() };
        waits.push(due.since(post.bench.clock.now()).as_secs());
        post.advance(due.since(post.bench.clock.now())).await;
    }
    assert_eq!(waits, [30, 30, 60, 120, 240, 480, 900, 900, 900], "longer each time");
    assert_eq!(post.bench.clock.now().since(queued_at), Duration::from_secs(3_660), "not before its time");
    // From then on it is a failure like any other.
    assert_eq!((post.effect("first").attempts, post.outbox.counters.effects_failed.get()), (1, 1));
    for wait in WAITS {
        post.advance(wait).await;
    }
    assert!(matches!(post.status("first"), EffectStatus::Dead { .. }));
    assert_eq!(server.taken().len(), 0);
}

#[tokio::test]
async fn a_mail_server_that_hangs_leaves_the_shop_its_slots() {
    let hanging = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtp://{}", hanging.local_addr().unwrap());
    let mailer = Mailer::new(&url, "Fern <hello@fern.example>", Duration::from_secs(600)).unwrap();
    let post = Post::new(Some(mailer)).await;
    let change = StoreChange {
        access: Some(Access::lasting("token")),
        api_url: Some(willing_shop().await),
        ..StoreChange::default()
    };
    post.bench.catalog.change_store(DOMAIN, change).await.unwrap();
    for number in 0..40 {
        post.queue(&format!("a-mail-{number:02}"), mail_to("7"), None).await;
    }
    for number in 0..40 {
        post.queue(&format!("tags-{number:02}"), tags(), None).await;
    }
    let running = tokio::spawn(run(Arc::clone(&post.outbox)));
    let all_tags = async {
        while !(0..40).all(|number| is_done(&post.status(&format!("tags-{number:02}")))) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), all_tags).await.expect("the shop's effects are done");
    assert_eq!(post.queued(), 40, "no mail is");
    running.abort();
}

#[tokio::test]
async fn effects_are_listed_by_how_far_they_have_come() {
    let (_, mailer) = MailServer::answering([]).await;
    let post = Post::new(Some(mailer)).await;
    post.queue("sent", mail_to("7"), None).await;
    post.queue("nobody", mail_to("unknown"), None).await;
    let listed = |stage| {
        let rows = post.bench.store.scan(&Scan::of(keys::effects_listed(post.bench.id, stage), 10)).unwrap();
        rows.iter().map(|(key, _)| keys::effect_of(key).unwrap().1.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(listed(EffectStage::Pending), ["nobody", "sent"]);
    post.run_due().await;
    let all = EffectStage::ALL.map(listed);
    assert_eq!(all, [vec![], vec!["sent".to_owned()], vec![], vec!["nobody".to_owned()]]);
    retry(&post.outbox, post.bench.id, &"nobody".into()).await.unwrap();
    assert_eq!((listed(EffectStage::Pending), listed(EffectStage::Dropped)), (vec!["nobody".to_owned()], vec![]));
}
