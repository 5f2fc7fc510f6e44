//! Structured data that a model writes between the lines of its answer.

mod scanner;

use crate::{Event, EventBody, EventSink, InferenceId, RunIds, SinkError, TextBuffer};
use async_trait::async_trait;
use scanner::{Found, Scanner};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A block of tagged data: `<tag>data</tag>` in a model's answer, without the tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaggedData {
    /// The tag, such as `app:plan:v1`.
    pub tag: Arc<str>,
    /// The ids of the run in whose answer it stood.
    pub run: Arc<RunIds>,
    /// What stood between the tags; of a block that was never closed, what there was.
    pub text: String,
    /// Whether the block was closed before the answer ended.
    pub complete: bool,
}

/// What becomes of the text of a block that is never closed, beside the handler hearing of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Unclosed {
    /// It goes back into the answer, with the tag that opened it: nothing is lost.
    #[default]
    Restore,
    /// It is left out of the answer.
    LeaveOut,
}

type Handler = Arc<dyn Fn(TaggedData) + Send + Sync>;

/// A sink in front of another: takes blocks of known tags out of `partial`, `final` and `interrupt` and hands them to
/// their handlers; everything else passes. Tags may be cut anywhere between two deltas. Blocks do not nest.
///
/// ```
/// use geppetto_events::sinks::{CollectorSink, TaggedDataSink};
/// use std::sync::{Arc, Mutex};
///
/// let plans = Arc::new(Mutex::new(Vec::new()));
/// let heard = plans.clone();
/// let sink = TaggedDataSink::new(Arc::new(CollectorSink::default()))
///     .on("app:plan:v1", move |data| heard.lock().unwrap().push(data.text));
/// # let _ = sink;
/// ```
pub struct TaggedDataSink {
    next: Arc<dyn EventSink>,
    handlers: Vec<(Arc<str>, Handler)>,
    unclosed: Unclosed,
    /// By run. A mutex, because runs of several sessions may publish at once; nothing waits while it is held.
    streams: Mutex<HashMap<InferenceId, Stream>>,
}

/// The answer of one engine call, as far as it has come.
struct Stream {
    scanner: Scanner,
    /// The block that is open: its tag, and what has come of it.
    block: Option<(usize, String)>,
    /// The answer without its blocks.
    text: TextBuffer,
    /// How many of its blocks have been told.
    told: usize,
}

impl TaggedDataSink {
    /// A filter in front of `next`, without tags.
    #[must_use]
    pub fn new(next: Arc<dyn EventSink>) -> Self {
        Self { next, handlers: Vec::new(), unclosed: Unclosed::default(), streams: Mutex::default() }
    }

    /// Takes blocks of this tag out. The tag is what stands between the angle brackets: `app:plan:v1`.
    #[must_use]
    pub fn on(
        mut self,
        tag: impl Into<Arc<str>>,
        handler: impl Fn(TaggedData) + Send + Sync + 'static,
    ) -> Self {
        self.handlers.push((tag.into(), Arc::new(handler)));
        self
    }

    /// What becomes of blocks that are never closed.
    #[must_use]
    pub fn unclosed(self, unclosed: Unclosed) -> Self {
        Self { unclosed, ..self }
    }

    fn streams(&self) -> MutexGuard<'_, HashMap<InferenceId, Stream>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stream(&self) -> Stream {
        let scanner = Scanner::new(self.handlers.iter().map(|(tag, _)| tag.to_string()));
        Stream { scanner, block: None, text: TextBuffer::default(), told: 0 }
    }

    /// The text that is left of a piece of the answer, and the blocks that were closed in it.
    fn feed(stream: &mut Stream, piece: &str, blocks: &mut Vec<(usize, String, bool)>) -> String {
        let found = stream.scanner.feed(piece);
        Self::take(stream, found, blocks)
    }

    fn take(stream: &mut Stream, found: Vec<Found>, blocks: &mut Vec<(usize, String, bool)>) -> String {
        let mut left = String::new();
        for found in found {
            match found {
                Found::Text(text) => left.push_str(&text),
                Found::Opened(tag) => stream.block = Some((tag, String::new())),
                Found::Data(text) => {
                    if let Some((_, data)) = &mut stream.block {
                        data.push_str(&text);
                    }
                }
                Found::Closed => {
                    blocks.extend(stream.block.take().map(|(tag, data)| (tag, data, true)));
                }
            }
        }
        left
    }

    /// The rest of an answer that is over: what was held back, and a block that was never closed.
    fn end(&self, stream: &mut Stream, blocks: &mut Vec<(usize, String, bool)>) -> String {
        let (found, _) = stream.scanner.end();
        let mut left = Self::take(stream, found, blocks);
        if let Some((tag, data)) = stream.block.take() {
            if self.unclosed == Unclosed::Restore {
                left.push_str(stream.scanner.opening(tag));
                left.push_str(&data);
            }
            blocks.push((tag, data, false));
        }
        left
    }

    /// What goes on in the place of an event, and the blocks that were found in it.
    fn filtered(&self, event: &Arc<Event>) -> (Vec<Arc<Event>>, Vec<TaggedData>) {
        let mut streams = self.streams();
        let id = &event.run.inference_id;
        let mut blocks = Vec::new();
        let with = |body| Arc::new(Event { body, ..(**event).clone() });
        let passed = match &event.body {
            EventBody::Partial { delta, .. } => {
                let stream = streams.entry(id.clone()).or_insert_with(|| self.stream());
                let left = Self::feed(stream, delta, &mut blocks);
                stream.told += blocks.len();
                partial(stream, left).map(with).into_iter().collect()
            }
            EventBody::Final { text, .. } | EventBody::Interrupt { text } => {
                let (mut last, mut told) = (None, 0);
                if let Some(mut stream) = streams.remove(id) {
                    let left = self.end(&mut stream, &mut blocks);
                    told = stream.told + blocks.len();
                    last = partial(&mut stream, left).map(with);
                }
                // The whole answer once more: an engine may return more than it has streamed.
                let mut whole = self.stream();
                let mut all = Vec::new();
                let mut text = Self::feed(&mut whole, text, &mut all);
                text.push_str(&self.end(&mut whole, &mut all));
                blocks.extend(all.into_iter().skip(told));
                let body = match event.body.clone() {
                    EventBody::Final { usage, stop_reason, .. } => {
                        EventBody::Final { text, usage, stop_reason }
                    }
                    _ => EventBody::Interrupt { text },
                };
                last.into_iter().chain([with(body)]).collect()
            }
            EventBody::RunFinished { .. } => {
                streams.remove(id);
                vec![event.clone()]
            }
            _ => vec![event.clone()],
        };
        let data = |(tag, text, complete): (usize, String, bool)| TaggedData {
            tag: self.handlers[tag].0.clone(),
            run: event.run.clone(),
            text,
            complete,
        };
        (passed, blocks.into_iter().map(data).collect())
    }
}

/// The event for text that is left, if there is any.
fn partial(stream: &mut Stream, left: String) -> Option<EventBody> {
    if left.is_empty() {
        return None;
    }
    let completion = stream.text.append(&left);
    Some(EventBody::Partial { delta: left.into(), completion })
}

#[async_trait]
impl EventSink for TaggedDataSink {
    async fn publish(&self, event: Arc<Event>) -> Result<(), SinkError> {
        let (events, found) = self.filtered(&event);
        for data in found {
            let handler = self.handlers.iter().find(|(tag, _)| *tag == data.tag).map(|(_, handler)| handler);
            if let Some(handler) = handler {
                handler(data);
            }
        }
        for event in events {
            self.next.publish(event).await?;
        }
        Ok(())
    }
}
