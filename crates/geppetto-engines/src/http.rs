//! The HTTP client behind providers: it sends keys to one origin alone, follows nothing, and bounds what it reads.

use crate::providers::lane::TextLane;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use futures_util::future::{Either, select};
use geppetto_time::Clock;
use http::{HeaderName, HeaderValue};
use rig_core::completion::history::{IMAGE_UNSENDABLE, USER_IMAGE_OMITTED};
use rig_core::http_client::{
    BoxedStream, Error, HttpClientExt, LazyBody, MultipartForm, Request, Response, Result, StreamingResponse,
};
use serde::de::IgnoredAny;
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
    /// rig has put a sentence in the place of an image that this model or its format does not take.
    ImageOmitted,
    /// An event of the answer, or a record, is longer than any answer's.
    EventTooLong,
    /// The provider said nothing for so long.
    Idle(Duration),
    /// The connection failed, or broke.
    Transport(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ForeignOrigin => f.write_str("the request would have left the provider's origin"),
            Self::ImageOmitted => {
                f.write_str("this model does not take such an image: nothing was sent. Pass { content, mediaType }, or ask a model that sees")
            }
            Self::EventTooLong => write!(f, "an event of the answer is longer than {LONGEST_EVENT} bytes"),
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

/// Whether a part of a request's body stands for an image that was left out.
fn omits_an_image(body: &[u8]) -> bool {
    let stands_there = |text: &str| memchr::memmem::find(body, format!("\"{text}\"").as_bytes()).is_some();
    [IMAGE_UNSENDABLE, USER_IMAGE_OMITTED].into_iter().any(stands_there)
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
    pub(crate) lane: Arc<TextLane>,
}

impl Guarded {
    async fn open(self, request: Request<Bytes>) -> Result<reqwest::Response> {
        let (mut parts, body) = request.into_parts();
        if omits_an_image(&body) {
            return Err(Error::instance(Fault::ImageOmitted));
        }
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

    /// The body of an answer, in whole records or events: one that was cut looks like an answer that
    /// ended too early, and not like one that is wrong.
    fn frames(self, response: reqwest::Response, are_records: bool) -> BoxedStream {
        let chunks = response.bytes_stream().boxed();
        let frames = Frames { are_records, lane: self.lane.clone(), held: BytesMut::new(), seen: 0 };
        let guarded = Arc::new(self);
        Box::pin(futures_util::stream::unfold(Some((chunks, frames)), move |state| {
            let guarded = guarded.clone();
            async move {
                let (mut chunks, mut frames) = state?;
                loop {
                    if let Some(frame) = frames.next() {
                        return Some((Ok(frame), Some((chunks, frames))));
                    }
                    let error = match guarded.in_time(chunks.next()).await {
                        Ok(Some(Ok(chunk))) => {
                            frames.held.extend_from_slice(&chunk);
                            if frames.held.len() <= LONGEST_EVENT {
                                continue;
                            }
                            Error::instance(Fault::EventTooLong)
                        }
                        Ok(Some(Err(error))) => transport(error),
                        Ok(None) => return frames.last().map(|last| (Ok(last), None)),
                        Err(error) => error,
                    };
                    return Some((Err(error), None));
                }
            }
        }))
    }
}

/// What has come of a body.
struct Frames {
    are_records: bool,
    lane: Arc<TextLane>,
    held: BytesMut,
    /// So many bytes hold no end of a frame.
    seen: usize,
}

impl Frames {
    /// The first frame of what has come, or what its lane makes of it and those behind it.
    fn next(&mut self) -> Option<Bytes> {
        let Some(first) = self.end(self.seen) else {
            // An end that is only begun is looked at again.
            self.seen = self.held.len().saturating_sub(3);
            return None;
        };
        self.seen = 0;
        let ends = std::iter::successors(Some(first), |end| self.end(*end));
        let frames = ends.scan(0, |start, end| Some(&self.held[std::mem::replace(start, end)..end]));
        let (length, merged) = self.lane.take(self.are_records, frames);
        let frame = self.held.split_to(length).freeze();
        Some(merged.unwrap_or(frame))
    }

    /// Behind the first frame that ends behind this place: a line, or lines up to an empty one.
    fn end(&self, from: usize) -> Option<usize> {
        let held = &self.held[..];
        if self.are_records {
            return memchr::memchr(b'\n', &held[from..]).map(|found| from + found + 1);
        }
        let behind = |at: usize| if held[at..].starts_with(b"\r\n") { at + 2 } else { at + 1 };
        let mut at = from;
        while let Some(found) = memchr::memchr2(b'\n', b'\r', &held[at..]) {
            at = behind(at + found);
            match held.get(at) {
                // Its other half may be yet to come.
                Some(b'\r') if at + 1 == held.len() => return None,
                Some(b'\n' | b'\r') => return Some(behind(at)),
                _ => {}
            }
        }
        None
    }

    /// What is left at the end: of records only one that is whole but for its line's end.
    fn last(&mut self) -> Option<Bytes> {
        if self.held.ends_with(b"\r") {
            // Nothing follows: it was a line's end.
            self.held.extend_from_slice(b"\n");
        }
        let is_whole = !self.are_records || serde_json::from_slice::<IgnoredAny>(&self.held).is_ok();
        is_whole.then(|| self.held.split().freeze())
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
            Ok(head.map(|()| guarded.frames(response, are_records)))
        }
    }
}
