//! The HTTP client behind providers: it sends keys to one origin alone, follows nothing, and bounds what it reads.

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use futures_util::future::{Either, select};
use geppetto_time::Clock;
use http::{HeaderName, HeaderValue};
use rig_core::http_client::{
    BoxedStream, Error, HttpClientExt, LazyBody, MultipartForm, Request, Response, Result, StreamingResponse,
};
use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

/// The most bytes of an event of an answer, however many lines it has.
const LONGEST_EVENT: usize = 16 * 1024 * 1024;
/// The most bytes that are read of an error's body.
const LONGEST_ERROR: usize = 64 * 1024;
/// How long an error's body is waited for.
const ERROR_TIME: Duration = Duration::from_secs(5);
/// Headers that hold keys.
const CREDENTIALS: [&str; 3] = ["authorization", "x-api-key", "x-goog-api-key"];

/// What goes wrong between us and a provider. No text of it holds a URL: one could hold a key.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// The request would go to another origin than the key belongs to.
    ForeignOrigin,
    /// A line of the answer is longer than any answer's.
    LineTooLong,
    /// The provider said nothing for so long.
    Idle(Duration),
    /// The connection failed, or broke.
    Transport(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ForeignOrigin => f.write_str("the request would have left the provider's origin"),
            Self::LineTooLong => write!(f, "a line of the answer is longer than {LONGEST_EVENT} bytes"),
            Self::Idle(span) => write!(f, "the provider sent nothing for {} s", span.as_secs_f64()),
            Self::Transport(what) => write!(f, "the connection failed: {what}"),
        }
    }
}

impl std::error::Error for Fault {}

fn transport(error: reqwest::Error) -> Error {
    let error = error.without_url();
    let mut told = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        told = format!("{told}: {cause}");
        source = cause.source();
    }
    Error::instance(Fault::Transport(told))
}

/// A client for one provider's origin.
#[derive(Clone)]
pub(crate) struct Guarded {
    pub(crate) client: reqwest::Client,
    /// Scheme, host and port that requests may go to.
    pub(crate) origin: String,
    pub(crate) headers: Arc<[(HeaderName, HeaderValue)]>,
    pub(crate) clock: Arc<dyn Clock>,
    /// How long the provider may send nothing.
    pub(crate) idle: Duration,
}

impl Guarded {
    async fn open(self, request: Request<Bytes>) -> Result<reqwest::Response> {
        let (mut parts, body) = request.into_parts();
        let mut url =
            reqwest::Url::parse(&parts.uri.to_string()).map_err(|_| Error::instance(Fault::ForeignOrigin))?;
        if url.origin().ascii_serialization() != self.origin {
            return Err(Error::instance(Fault::ForeignOrigin));
        }
        move_key(&mut url, &mut parts.headers);
        for (name, value) in self.headers.iter() {
            parts.headers.insert(name, value.clone());
        }
        for name in CREDENTIALS {
            match parts.headers.get_mut(name) {
                // Without a key there is nothing to show.
                Some(value) if value.is_empty() || value.as_bytes().trim_ascii() == b"Bearer" => {
                    parts.headers.remove(name);
                }
                Some(value) => value.set_sensitive(true),
                None => {}
            }
        }
        let sent = self.client.request(parts.method, url).headers(parts.headers).body(body).send();
        let response = self.in_time(sent).await?.map_err(transport)?;
        if response.status().as_u16() == 200 {
            return Ok(response);
        }
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        let mut chunks = response.bytes_stream();
        let read = async {
            while let Some(Ok(chunk)) = chunks.next().await {
                body.extend_from_slice(&chunk);
                if body.len() > LONGEST_ERROR {
                    body.truncate(LONGEST_ERROR);
                    break;
                }
            }
        };
        // What it says is good to know; its status is known already.
        drop(select(pin!(read), self.clock.sleep(ERROR_TIME)).await);
        Err(Error::non_success_with_details(status, headers, String::from_utf8_lossy(&body).into_owned()))
    }

    async fn in_time<T>(&self, work: impl Future<Output = T>) -> Result<T> {
        match select(pin!(work), self.clock.sleep(self.idle)).await {
            Either::Left((done, _)) => Ok(done),
            Either::Right(_) => Err(Error::instance(Fault::Idle(self.idle))),
        }
    }

    /// The chunks of a body. Of an answer whose lines are records the last is kept back until it is whole: one that was
    /// cut looks like an answer that ended too early, and not like one that is wrong.
    fn chunks(self, response: reqwest::Response, are_records: bool) -> BoxedStream {
        struct State<S> {
            chunks: S,
            /// The letters of the line so far, and the bytes of the event: a line of records, or lines up to an empty one.
            line: usize,
            event: usize,
            held: BytesMut,
            is_over: bool,
        }
        let chunks = response.bytes_stream().boxed();
        let state = State { chunks, line: 0, event: 0, held: BytesMut::new(), is_over: false };
        let guarded = Arc::new(self);
        Box::pin(futures_util::stream::unfold(state, move |mut state| {
            let guarded = guarded.clone();
            async move {
                loop {
                    if state.is_over {
                        return None;
                    }
                    let chunk = match guarded.in_time(state.chunks.next()).await {
                        Ok(Some(Ok(chunk))) => chunk,
                        Ok(None) => {
                            let whole = serde_json::from_slice::<serde_json::Value>(&state.held).is_ok();
                            state.is_over = true;
                            return (are_records && whole).then(|| (Ok(state.held.split().freeze()), state));
                        }
                        Ok(Some(Err(error))) => {
                            state.is_over = true;
                            return Some((Err(transport(error)), state));
                        }
                        Err(error) => {
                            state.is_over = true;
                            return Some((Err(error), state));
                        }
                    };
                    for byte in &chunk {
                        state.event += 1;
                        match byte {
                            b'\n' if state.line == 0 => state.event = 0,
                            b'\n' => state.line = 0,
                            b'\r' => {}
                            _ => state.line += 1,
                        }
                        if are_records && state.line == 0 {
                            state.event = 0;
                        }
                        if state.event > LONGEST_EVENT {
                            state.is_over = true;
                            return Some((Err(Error::instance(Fault::LineTooLong)), state));
                        }
                    }
                    if !are_records {
                        return Some((Ok(chunk), state));
                    }
                    state.held.extend_from_slice(&chunk);
                    if let Some(end) = state.held.iter().rposition(|byte| *byte == b'\n') {
                        return Some((Ok(state.held.split_to(end + 1).freeze()), state));
                    }
                }
            }
        }))
    }
}

/// Moves a key from the query, where logs and errors would show it, to a header.
fn move_key(url: &mut reqwest::Url, headers: &mut http::HeaderMap) {
    let (keys, rest): (Vec<_>, Vec<_>) = url.query_pairs().into_owned().partition(|(name, _)| name == "key");
    let Some((_, key)) = keys.into_iter().next() else { return };
    url.set_query(None);
    if !rest.is_empty() {
        url.query_pairs_mut().extend_pairs(rest);
    }
    if let Ok(mut key) = HeaderValue::from_str(&key) {
        key.set_sensitive(true);
        headers.insert("x-goog-api-key", key);
    }
}

/// What comes before the body.
fn head(response: &reqwest::Response) -> Response<()> {
    let mut head = Response::new(());
    *head.status_mut() = response.status();
    *head.headers_mut() = response.headers().clone();
    head
}

impl HttpClientExt for Guarded {
    fn send<T, U>(
        &self,
        request: Request<T>,
    ) -> impl Future<Output = Result<Response<LazyBody<U>>>> + Send + 'static
    where
        T: Into<Bytes> + Send,
        U: From<Bytes> + Send + 'static,
    {
        let opened = self.clone().open(request.map(Into::into));
        async move {
            let response = opened.await?;
            let head = head(&response);
            let body: LazyBody<U> =
                Box::pin(async move { Ok(U::from(response.bytes().await.map_err(transport)?)) });
            Ok(head.map(|()| body))
        }
    }

    fn send_multipart<U>(
        &self,
        _request: Request<MultipartForm>,
    ) -> impl Future<Output = Result<Response<LazyBody<U>>>> + Send + 'static
    where
        U: From<Bytes> + Send + 'static,
    {
        // Nothing here uploads.
        std::future::ready(Err(Error::instance(Fault::ForeignOrigin)))
    }

    fn send_streaming<T>(&self, request: Request<T>) -> impl Future<Output = Result<StreamingResponse>> + Send
    where
        T: Into<Bytes> + Send,
    {
        let (guarded, opened) = (self.clone(), self.clone().open(request.map(Into::into)));
        async move {
            let response = opened.await?;
            let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok());
            let are_records = !kind.is_some_and(|kind| kind.starts_with("text/event-stream"));
            let head = head(&response);
            Ok(head.map(|()| guarded.chunks(response, are_records)))
        }
    }
}
