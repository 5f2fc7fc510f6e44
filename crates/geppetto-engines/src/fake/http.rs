//! As much of HTTP/1.1 as a provider needs, and the ways in which one fails.

use super::{Script, lock};
use serde_json::Value;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

/// The most bytes of a request.
const LARGEST: usize = 16 * 1024 * 1024;

/// How many requests are remembered: the last.
const KEPT: usize = 256;

/// A request.
#[derive(Debug, Clone)]
pub struct Received {
    /// The path, with its query.
    pub path: String,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body; `null` when it is no JSON.
    pub body: Value,
}

impl Received {
    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// An answer: its pieces are written one by one.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Headers beside those of the transfer.
    pub headers: Vec<(String, String)>,
    /// The body, in the pieces in which it is sent.
    pub pieces: Vec<Vec<u8>>,
    /// What follows.
    pub tail: Tail,
}

/// How an answer goes on when its pieces were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    /// It ends, as HTTP has it.
    End,
    /// The connection breaks.
    Break,
    /// Nothing comes any more, and nothing ends.
    Stall,
}

impl Reply {
    /// A stream of events, or of records, in one piece.
    #[must_use]
    pub fn stream(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Self { status: 200, headers, pieces: vec![body.into()], tail: Tail::End }
    }

    /// An error with a body of JSON.
    #[must_use]
    pub fn error(status: u16, body: &Value) -> Self {
        Self { status, ..Self::stream("application/json", body.to_string()) }
    }

    /// With a header more.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Only so many bytes of the body, and then this.
    #[must_use]
    pub fn cut(mut self, bytes: usize, tail: Tail) -> Self {
        let mut body = self.pieces.concat();
        body.truncate(bytes);
        (self.pieces, self.tail) = (vec![body], tail);
        self
    }

    /// The body in pieces of so many bytes, wherever that is in a letter or a line.
    #[must_use]
    pub fn in_pieces(mut self, bytes: usize) -> Self {
        self.pieces = self.pieces.concat().chunks(bytes.max(1)).map(<[u8]>::to_vec).collect();
        self
    }
}

pub(super) struct Connection {
    pub(super) stream: TcpStream,
    pub(super) script: Script,
    pub(super) received: Arc<Mutex<Vec<Received>>>,
    pub(super) count: Arc<AtomicUsize>,
    pub(super) closed: mpsc::UnboundedSender<usize>,
}

impl Connection {
    pub(super) async fn serve(mut self) {
        let _ = self.stream.set_nodelay(true);
        while let Ok(Some(request)) = self.read().await {
            let number = self.count.fetch_add(1, Ordering::Relaxed);
            {
                let mut received = lock(&self.received);
                if received.len() == KEPT {
                    received.remove(0);
                }
                received.push(request.clone());
            }
            let reply = (self.script)(number, &request);
            if self.write(&reply).await.is_err() {
                let _ = self.closed.send(number);
                return;
            }
            match reply.tail {
                Tail::End => {}
                Tail::Break => return,
                Tail::Stall => {
                    // Until the client has had enough.
                    let mut nothing = [0; 1];
                    let _ = self.stream.read(&mut nothing).await;
                    let _ = self.closed.send(number);
                    return;
                }
            }
        }
    }

    async fn read(&mut self) -> io::Result<Option<Received>> {
        let mut bytes = Vec::new();
        let head = loop {
            if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break end;
            }
            if self.stream.read_buf(&mut bytes).await? == 0 || bytes.len() > LARGEST {
                return Ok(None);
            }
        };
        let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
        let mut lines = text.split("\r\n");
        let path = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or_default().to_owned();
        let header = |line: &str| {
            line.split_once(':').map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        };
        let headers: Vec<_> = lines.filter_map(header).collect();
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let length = length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0).min(LARGEST);
        let mut body = bytes.split_off(head + 4);
        while body.len() < length {
            if self.stream.read_buf(&mut body).await? == 0 {
                return Ok(None);
            }
        }
        let body = serde_json::from_slice(&body).unwrap_or_default();
        Ok(Some(Received { path, headers, body }))
    }

    async fn write(&mut self, reply: &Reply) -> io::Result<()> {
        let mut head = format!("HTTP/1.1 {} Status\r\ntransfer-encoding: chunked\r\n", reply.status);
        for (name, value) in &reply.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        self.stream.write_all(head.as_bytes()).await?;
        for piece in reply.pieces.iter().filter(|piece| !piece.is_empty()) {
            self.stream.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).await?;
            self.stream.write_all(piece).await?;
            self.stream.write_all(b"\r\n").await?;
            self.stream.flush().await?;
        }
        if reply.tail == Tail::End {
            self.stream.write_all(b"0\r\n\r\n").await?;
        }
        self.stream.flush().await
    }
}
