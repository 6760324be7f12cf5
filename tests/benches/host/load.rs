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

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};

use crate::workload::Request;

/// How much is sent.
#[derive(Clone, Copy, Debug)]
pub enum Until {
    /// Every request once.
    Once,
    /// The requests over and over, each time under another webhook id.
    After(Duration),
}

/// What the answers to many requests were.
#[derive(Debug, Default)]
pub struct Answers {
    /// From the first request to the last answer.
    pub took: Duration,
    /// Of every request that was answered 200, the shortest first.
    pub latencies: Vec<Duration>,
    /// How many answers were not 200, by what they were instead.
    pub failed: BTreeMap<String, u64>,
}

impl Answers {
    /// Answers of 200 per second.
    pub fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.took.as_secs_f64()
    }
}

/// Sends requests: each connection takes the next one as soon as it has an answer.
pub fn send(address: SocketAddr, requests: &Arc<[Request]>, connections: usize, until: Until) -> io::Result<Answers> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let next = Arc::new(AtomicUsize::new(0));
        let began = Instant::now();
        let mut tasks = JoinSet::new();
        for _ in 0..connections {
            let (requests, next) = (Arc::clone(requests), Arc::clone(&next));
            tasks.spawn(async move { keep_sending(address, &requests, &next, until, began).await });
        }
        let mut all = Answers::default();
        while let Some(ended) = tasks.join_next().await {
            let answers = ended?;
            all.latencies.extend(answers.latencies);
            for (failure, count) in answers.failed {
                *all.failed.entry(failure).or_default() += count;
            }
        }
        all.took = began.elapsed();
        all.latencies.sort_unstable();
        Ok(all)
    })
}

async fn keep_sending(
    address: SocketAddr,
    requests: &[Request],
    next: &AtomicUsize,
    until: Until,
    start: Instant,
) -> Answers {
    let mut answers = Answers::default();
    let mut connection = None;
    let mut bytes = Vec::new();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let ends = match until {
            Until::Once => number >= requests.len(),
            Until::After(duration) => start.elapsed() >= duration,
        };
        if ends {
            return answers;
        }
        requests[number % requests.len()].write(&mut bytes, number / requests.len());
        let began = Instant::now();
        match exchange(&mut connection, address, &bytes).await {
            Ok(200) => answers.latencies.push(began.elapsed()),
            Ok(status) => *answers.failed.entry(format!("answer {status}")).or_default() += 1,
            Err(error) => {
                connection = None;
                *answers.failed.entry(error.to_string()).or_default() += 1;
            }
        }
    }
}

/// Sends one request and reads its answer to the end: its status.
async fn exchange(connection: &mut Option<TcpStream>, address: SocketAddr, request: &[u8]) -> io::Result<u16> {
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
            return Ok(status);
        }
        match stream.read(&mut answer[length..]).await? {
            0 => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the answer broke off or is too long")),
            read => length += read,
        }
    }
}

/// The status of an answer and its length with its body, once the head is there.
fn parse(answer: &[u8]) -> Option<(u16, usize)> {
    let head_length = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&answer[..head_length]).ok()?;
    let (first, fields) = head.split_once("\r\n")?;
    let body_length = fields.lines().find_map(|field| {
        let (name, value) = field.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    Some((first.split(' ').nth(1)?.parse().ok()?, head_length + body_length.unwrap_or(0)))
}
