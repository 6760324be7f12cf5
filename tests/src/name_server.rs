//! A name server on a loopback port that knows a handful of names.
//!
//! ```
//! use regulars_tests::name_server::NameServer;
//!
//! let dns = NameServer::start().unwrap();
//! dns.put_text("fern.example", "v=spf1 -all");
//! assert!(dns.address().ip().is_loopback());
//! ```

use std::{
    collections::BTreeMap,
    io,
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
};

use hickory_proto::{
    op::{Message, ResponseCode},
    rr::{
        Name, RData, Record, RecordType,
        rdata::{A, MX, TXT},
    },
};

/// Bytes of a question, and of an answer without a truncation.
const MESSAGE_BYTES: usize = 1_232;
/// Bytes of one part of a text.
const PART_BYTES: usize = 255;

type Names = BTreeMap<Name, Vec<RData>>;

/// A running name server; dropping it closes the port.
pub struct NameServer {
    address: SocketAddr,
    names: Arc<Mutex<Names>>,
    stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl NameServer {
    pub fn start() -> io::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = socket.local_addr()?;
        let (names, stopped) = (Arc::<Mutex<Names>>::default(), Arc::new(AtomicBool::new(false)));
        let (known, ended) = (Arc::clone(&names), Arc::clone(&stopped));
        let serve = move || {
            let mut question = [0; MESSAGE_BYTES];
            while !ended.load(Ordering::SeqCst) {
                let Ok((length, from)) = socket.recv_from(&mut question) else { return };
                if let Some(answer) = answer(&lock(&known), &question[..length]) {
                    // Whoever has gone away since is not answered.
                    let _ = socket.send_to(&answer, from);
                }
            }
        };
        let thread = std::thread::Builder::new().name("name-server".into()).spawn(serve)?;
        Ok(Self { address, names, stopped, thread: Some(thread) })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Adds a text, in as many parts as it takes.
    pub fn put_text(&self, name: &str, text: &str) {
        let parts = text.as_bytes().chunks(PART_BYTES).map(|part| String::from_utf8_lossy(part).into_owned());
        self.put(name, RData::TXT(TXT::new(parts.collect())));
    }

    pub fn put_address(&self, name: &str, address: Ipv4Addr) {
        self.put(name, RData::A(A(address)));
    }

    /// Names the host that takes a domain's mail; `.` says that none does.
    pub fn put_mail_host(&self, domain: &str, host: &str) {
        self.put(domain, RData::MX(MX::new(10, name_of(host))));
    }

    /// Forgets everything that it knows of a name.
    pub fn forget(&self, name: &str) {
        lock(&self.names).remove(&name_of(name));
    }

    fn put(&self, name: &str, data: RData) {
        lock(&self.names).entry(name_of(name)).or_default().push(data);
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        if let Ok(socket) = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)) {
            let _ = socket.send_to(&[], self.address);
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn name_of(text: &str) -> Name {
    let mut name = Name::from_ascii(text).expect("it is a name");
    name.set_fqdn(true);
    name.to_lowercase()
}

/// The answer to a question; none to what is no question.
fn answer(names: &Names, question: &[u8]) -> Option<Vec<u8>> {
    let asked = Message::from_vec(question).ok()?;
    let query = asked.queries.first()?.clone();
    let mut reply = Message::response(asked.metadata.id, asked.metadata.op_code);
    reply.metadata.authoritative = true;
    reply.metadata.recursion_available = true;
    match names.get(&query.name.to_lowercase()) {
        None => reply.metadata.response_code = ResponseCode::NXDomain,
        Some(records) => {
            let wanted = records
                .iter()
                .filter(|data| query.query_type == data.record_type() || query.query_type == RecordType::ANY);
            reply.add_answers(wanted.map(|data| Record::from_rdata(query.name.clone(), 60, data.clone())));
        }
    }
    reply.add_query(query);
    reply.to_vec().ok()
}

fn lock(names: &Mutex<Names>) -> MutexGuard<'_, Names> {
    names.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
