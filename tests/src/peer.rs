//! The thread and the socket under every simulated peer.
//!
//! A peer runs on a thread and runtime of its own: it answers while a test's only thread waits for a child process,
//! and dropping it closes every connection, as a crash of the real one would.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    thread::JoinHandle,
};

use axum::{Router, http::header, middleware, response::Response};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::oneshot;

/// A peer's clock, by which its answers are dated.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clock {
    ahead_seconds: Arc<AtomicI64>,
}

impl Clock {
    /// Puts it ahead of this machine's, or behind.
    pub(crate) fn set_ahead(&self, seconds: i64) {
        self.ahead_seconds.store(seconds, Ordering::SeqCst);
    }

    #[expect(clippy::disallowed_methods, reason = "a peer has a clock of its own, which is not the host's")]
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::now() + SignedDuration::from_secs(self.ahead_seconds.load(Ordering::SeqCst))
    }

    /// Dates every answer of a router.
    pub(crate) fn date<S: Clone + Send + Sync + 'static>(&self, router: Router<S>) -> Router<S> {
        let clock = self.clone();
        router.layer(middleware::map_response(move |mut response: Response| {
            let date = clock.now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
            response.headers_mut().insert(header::DATE, date.parse().expect("a date fits a header"));
            std::future::ready(response)
        }))
    }
}

/// A server on loopback that lives as long as this value.
#[derive(Debug)]
pub(crate) struct Peer {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Peer {
    /// Binds `port` on loopback (0 picks a free one) and runs `serve` until the peer is dropped.
    pub(crate) fn start<F>(name: &str, port: u16, serve: F) -> io::Result<Self>
    where
        F: AsyncFnOnce(tokio::net::TcpListener) + Send + 'static,
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name(name.into()).spawn(move || {
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).expect("the listener is non-blocking");
                tokio::select! {
                    () = serve(listener) => {}
                    _ = stopped => {}
                }
            });
            // Dropping the runtime ends every connection's task with it.
        })?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the peer has been printed already; a second one here would abort the test run.
            let _ = thread.join();
        }
    }
}
