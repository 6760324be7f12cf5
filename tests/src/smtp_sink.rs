//! A mail server on loopback that delivers nothing: it keeps what it is sent, parsed, and judges it.
//!
//! It is stricter than most servers on the Internet, so that what passes here passes there: a command out of order, a
//! line that ends in a bare line feed or is too long, a parameter that was not offered are refused, and noted as
//! violations. So are flaws of the message itself, though it is accepted: see [`Message::violations`].
//!
//! It is our own rather than a server crate because those forgive exactly what is to be found out here.
//!
//! ```
//! use regulars_tests::smtp_sink::SmtpSink;
//!
//! let sink = SmtpSink::start().unwrap();
//! assert!(sink.url().starts_with("smtp://127.0.0.1:"));
//! assert!(sink.messages().is_empty() && sink.violations().is_empty());
//! ```

mod message;
mod session;

use std::{
    collections::{BTreeSet, VecDeque},
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use tokio::sync::watch;

pub use self::message::Message;
use crate::{TimedOut, peer::Peer};

/// What goes wrong with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `DATA` is answered with 451: nothing is kept, the sender should try again.
    RefuseData,
    /// The message is kept, then the connection is closed without an answer: the sender cannot know.
    DropAfterAccepting,
}

/// The running server; dropping it closes the port and all connections.
pub struct SmtpSink {
    peer: Peer,
    desk: Arc<Desk>,
}

/// What all sessions share.
#[derive(Default)]
struct Desk {
    faults: Mutex<VecDeque<Fault>>,
    rejected: Mutex<BTreeSet<String>>,
    kept: watch::Sender<Kept>,
}

#[derive(Clone, Debug, Default)]
struct Kept {
    messages: Vec<Message>,
    violations: Vec<String>,
}

impl SmtpSink {
    /// Listens on a free port.
    pub fn start() -> io::Result<Self> {
        Self::start_on(0)
    }

    /// Listens on this port; 0 picks a free one.
    pub fn start_on(port: u16) -> io::Result<Self> {
        let desk = Arc::new(Desk::default());
        let shared = Arc::clone(&desk);
        let peer = Peer::start("smtp-sink", port, async move |listener| {
            // A failed accept concerns one client, which is gone; the next one is served.
            loop {
                if let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(session::converse(stream, Arc::clone(&shared)));
                }
            }
        })?;
        Ok(Self { peer, desk })
    }

    pub fn address(&self) -> SocketAddr {
        self.peer.address()
    }

    /// As a configuration names it.
    pub fn url(&self) -> String {
        format!("smtp://{}", self.address())
    }

    /// Messages kept so far, in order of arrival.
    pub fn messages(&self) -> Vec<Message> {
        self.desk.kept.borrow().messages.clone()
    }

    /// What the senders did against the protocol, in order.
    pub fn violations(&self) -> Vec<String> {
        self.desk.kept.borrow().violations.clone()
    }

    /// Lets the next `messages` messages go wrong; replaces what was set before, so that 0 ends it.
    pub fn set_fault(&self, fault: Fault, messages: usize) {
        *lock(&self.desk.faults) = std::iter::repeat_n(fault, messages).collect();
    }

    /// Refuses this recipient with 550 from now on.
    pub fn reject_recipient(&self, address: &str) {
        lock(&self.desk.rejected).insert(address.to_ascii_lowercase());
    }

    /// Waits until at least `count` messages are kept, and returns all.
    pub async fn wait_for(&self, count: usize, deadline: Duration) -> Result<Vec<Message>, TimedOut> {
        self.wait_until(deadline, |messages| messages.len() >= count).await
    }

    /// Waits until the messages kept satisfy `condition`, and returns them.
    pub async fn wait_until(
        &self,
        deadline: Duration,
        mut condition: impl FnMut(&[Message]) -> bool,
    ) -> Result<Vec<Message>, TimedOut> {
        let mut kept = self.desk.kept.subscribe();
        match tokio::time::timeout(deadline, kept.wait_for(|kept| condition(&kept.messages))).await {
            Ok(Ok(kept)) => Ok(kept.messages.clone()),
            // The sender lives as long as `self`: only the deadline ends the wait.
            Ok(Err(_)) | Err(_) => Err(TimedOut { after: deadline }),
        }
    }

    /// Closes the port and all connections, as dropping does.
    pub fn stop(self) {}
}

impl Desk {
    fn keep(&self, message: Message) {
        self.kept.send_modify(|kept| kept.messages.push(message));
    }

    fn violation(&self, violation: String) {
        self.kept.send_modify(|kept| kept.violations.push(violation));
    }

    fn next_fault(&self) -> Option<Fault> {
        lock(&self.faults).pop_front()
    }

    fn rejects(&self, address: &str) -> bool {
        lock(&self.rejected).contains(&address.to_ascii_lowercase())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

#[cfg(test)]
mod tests;
