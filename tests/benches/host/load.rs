//! The load generator: prepared requests over connections that stay open. It shares the machine with the host, so that
//! it does next to nothing: it writes bytes, and reads of an answer its status and its length.

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use regulars_tests::population::Webhook;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};

/// What the answers to many requests were.
#[derive(Debug, Default)]
pub struct Answers {
    /// From the first request to the last answer.
    pub took: Duration,
    /// Of every request that was answered, the shortest first.
    pub latencies: Vec<Duration>,
    /// How many answers were not 200, by what they were instead.
    pub failed: BTreeMap<String, usize>,
}

impl Answers {
    /// Answers per second.
    pub fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.took.as_secs_f64()
    }
}

/// A webhook as bytes on the wire.
pub fn request(webhook: &Webhook) -> Vec<u8> {
    let mut head =
        format!("POST /webhooks/shopify HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n", webhook.body.len());
    for (name, value) in &webhook.headers {
        head += &format!("{name}: {value}\r\n");
    }
    [head.as_bytes(), b"\r\n", &webhook.body].concat()
}

/// Sends every request once: each connection takes the next one as soon as it has an answer.
pub async fn send(address: SocketAddr, requests: &Arc<[Vec<u8>]>, connections: usize) -> Answers {
    let next = Arc::new(AtomicUsize::new(0));
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        tasks.spawn(keep_sending(address, Arc::clone(requests), Arc::clone(&next)));
    }
    let mut all = Answers::default();
    while let Some(ended) = tasks.join_next().await {
        let answers = ended.expect("a sender does not panic");
        all.latencies.extend(answers.latencies);
        for (failure, count) in answers.failed {
            *all.failed.entry(failure).or_default() += count;
        }
    }
    all.took = began.elapsed();
    all.latencies.sort_unstable();
    all
}

async fn keep_sending(address: SocketAddr, requests: Arc<[Vec<u8>]>, next: Arc<AtomicUsize>) -> Answers {
    let mut answers = Answers::default();
    let mut connection = None;
    while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
        let began = Instant::now();
        match exchange(&mut connection, address, request).await {
            Ok(status) => {
                answers.latencies.push(began.elapsed());
                if status != "200" {
                    *answers.failed.entry(status).or_default() += 1;
                }
            }
            Err(error) => {
                connection = None;
                *answers.failed.entry(error.to_string()).or_default() += 1;
            }
        }
    }
    answers
}

/// Sends one request and reads its answer to the end: its status.
async fn exchange(connection: &mut Option<TcpStream>, address: SocketAddr, request: &[u8]) -> io::Result<String> {
    let stream = match connection {
        Some(stream) => stream,
        None => {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            connection.insert(stream)
        }
    };
    stream.write_all(request).await?;
    let mut answer = [0; 2048];
    let mut length = 0;
    loop {
        if let Some((status, whole)) = parse(&answer[..length])
            && whole <= length
        {
            return Ok(status.to_owned());
        }
        match stream.read(&mut answer[length..]).await? {
            0 => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the answer broke off or is too long")),
            read => length += read,
        }
    }
}

/// The status of an answer and its length with its body, once the head is there.
fn parse(answer: &[u8]) -> Option<(&str, usize)> {
    let head_length = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&answer[..head_length]).ok()?;
    let (first, fields) = head.split_once("\r\n")?;
    let body_length = fields.lines().find_map(|field| {
        let (name, value) = field.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    Some((first.split(' ').nth(1)?, head_length + body_length.unwrap_or(0)))
}
