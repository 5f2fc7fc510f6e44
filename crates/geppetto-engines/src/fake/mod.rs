//! A server that speaks for providers: it answers what it is told to, with every fault that one may have, and remembers
//! what it was asked. For tests, and for trying geppetto without a key.

mod answers;
mod http;

pub use answers::{Answer, format_of, last_question};
pub use http::{Received, Reply, Tail};

use std::net::SocketAddr;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// What answers a request: the first argument counts them from 0.
pub type Script = Arc<dyn Fn(usize, &Received) -> Reply + Send + Sync>;

/// A server on a port of this machine, until it is dropped.
pub struct FakeProvider {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    closed: mpsc::UnboundedReceiver<usize>,
    task: JoinHandle<()>,
}

impl FakeProvider {
    /// Starts a server on this address; port 0 takes any that is free.
    ///
    /// # Errors
    /// When the port is taken.
    pub async fn start(address: SocketAddr, script: Script) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let received = Arc::new(Mutex::new(Vec::new()));
        let (tell_closed, closed) = mpsc::unbounded_channel();
        let (requests, count) = (received.clone(), Arc::new(AtomicUsize::new(0)));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let connection = http::Connection {
                    stream,
                    script: script.clone(),
                    received: requests.clone(),
                    count: count.clone(),
                    closed: tell_closed.clone(),
                };
                tokio::spawn(connection.serve());
            }
        });
        Ok(Self { address, received, closed, task })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it was asked so far, the last few hundred requests of it.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        lock(&self.received).clone()
    }

    /// Waits until a client closes a connection in the midst of an answer, and tells of which request.
    pub async fn closed(&mut self) -> Option<usize> {
        self.closed.recv().await
    }
}

impl Drop for FakeProvider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
