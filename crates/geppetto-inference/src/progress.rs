//! How far a run has come: the last complete turn, and what the current engine call has streamed on top of it.

use crate::error::RunEnded;
use geppetto_events::{EventBody, TextBuffer, ToolCallInfo};
use geppetto_turns::{Block, BlockKind, Turn, Usage, turn_metadata};
use serde_json::Value;
use std::sync::Arc;

/// Kept by the run's core behind its lock, which also orders the events that tell of it.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// The turn as it was after the last complete step.
    base: Option<Turn>,
    /// What engine calls have added to the base since.
    completed: Vec<Arc<Block>>,
    /// The engine calls that are open: one, unless a middleware calls `next` several times at once.
    streams: Vec<Stream>,
    /// The id of the last engine call.
    last_stream: StreamId,
    /// Counts the engine calls that ended well, so that a chain can tell whether one did.
    answers: u64,
    /// Whether a chain of middlewares goes on: outside one a middleware has nothing to say.
    in_chain: bool,
    /// The ids of the calls that were told since the current chain began.
    told_calls: Vec<String>,
    /// Whether the last thing that went wrong was told by an `error` event.
    pub(crate) error_told: bool,
    pub(crate) usage: Option<Usage>,
}

/// Tells engine calls apart. What middlewares say by themselves is a stream of its own: [`MIDDLEWARE`].
pub(crate) type StreamId = u64;

/// The stream of what middlewares say by themselves.
pub(crate) const MIDDLEWARE: StreamId = 0;

/// An engine call that has begun and not ended.
#[derive(Debug, Default)]
struct Stream {
    id: StreamId,
    text: TextBuffer,
    thinking: TextBuffer,
    calls: Vec<ToolCallInfo>,
}

/// Which of the two streams of text a piece belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Voice {
    Text,
    Thinking,
}

impl Progress {
    pub(crate) fn from_seed(seed: Option<Turn>) -> Self {
        Self { base: seed, ..Self::default() }
    }

    /// A step is complete: `turn` is what a partial turn builds on from here.
    pub(crate) fn checkpoint(&mut self, turn: Turn) {
        self.base = Some(turn);
        self.completed.clear();
    }

    fn stream(&mut self, id: StreamId) -> Option<&mut Stream> {
        self.streams.iter_mut().find(|stream| stream.id == id)
    }

    fn take(&mut self, id: StreamId) -> Option<Stream> {
        let at = self.streams.iter().position(|stream| stream.id == id)?;
        Some(self.streams.remove(at))
    }

    /// An engine call begins.
    pub(crate) fn open(&mut self, engine: Arc<str>) -> (StreamId, EventBody) {
        if self.streams.iter().all(|stream| stream.id == MIDDLEWARE) {
            // What an earlier attempt had said is replaced by what this one says.
            self.completed.clear();
        }
        self.last_stream += 1;
        self.streams.push(Stream { id: self.last_stream, ..Stream::default() });
        self.error_told = false;
        (self.last_stream, EventBody::Start { engine })
    }

    /// A piece of text. A middleware that speaks opens its own stream; a call that has ended says nothing any more.
    pub(crate) fn speak(
        &mut self,
        id: StreamId,
        voice: Voice,
        delta: &str,
    ) -> Result<Vec<EventBody>, RunEnded> {
        let mut events: Vec<_> = self.open_middleware(id).into_iter().collect();
        let stream = self.stream(id).ok_or(RunEnded)?;
        let text = Arc::from(delta);
        events.push(match voice {
            Voice::Text => EventBody::Partial { delta: text, completion: stream.text.append(delta) },
            Voice::Thinking => {
                EventBody::PartialThinking { delta: text, completion: stream.thinking.append(delta) }
            }
        });
        Ok(events)
    }

    /// A middleware that says something opens its own stream.
    fn open_middleware(&mut self, id: StreamId) -> Option<EventBody> {
        if id != MIDDLEWARE || !self.in_chain || self.stream(id).is_some() {
            return None;
        }
        self.streams.push(Stream::default());
        Some(EventBody::Start { engine: "middleware".into() })
    }

    /// A complete tool call that is told before its engine or middleware ends.
    pub(crate) fn call(&mut self, id: StreamId, call: ToolCallInfo) -> Result<Vec<EventBody>, RunEnded> {
        let mut events: Vec<_> = self.open_middleware(id).into_iter().collect();
        let stream = self.stream(id).ok_or(RunEnded)?;
        if stream.calls.iter().any(|known| known.id == call.id) {
            return Ok(events);
        }
        stream.calls.push(call.clone());
        self.told_calls.push(call.id.clone());
        events.push(EventBody::ToolCall { tool_call: call });
        Ok(events)
    }

    /// A chain of middlewares begins; what it returns is for [`close_chain`](Self::close_chain).
    pub(crate) fn open_chain(&mut self) -> u64 {
        self.told_calls.clear();
        self.in_chain = true;
        self.answers
    }

    /// The calls among `added` that were not told yet; now they are.
    fn untold_calls(&mut self, added: &[Arc<Block>]) -> Vec<EventBody> {
        let calls = added.iter().filter_map(|block| call_info(block));
        let untold: Vec<_> = calls.filter(|call| !self.told_calls.contains(&call.id)).collect();
        self.told_calls.extend(untold.iter().map(|call| call.id.clone()));
        untold.into_iter().map(|tool_call| EventBody::ToolCall { tool_call }).collect()
    }

    /// The text that an engine call has streamed, as a block.
    pub(crate) fn said(&mut self, id: StreamId) -> Option<Arc<Block>> {
        self.stream(id)?.said().map(Arc::new)
    }

    /// The engine call has ended well: `added` is what it put into `turn`.
    pub(crate) fn close(&mut self, id: StreamId, added: Vec<Arc<Block>>, turn: &Turn) -> Vec<EventBody> {
        if self.take(id).is_none() {
            return Vec::new();
        }
        let mut events = self.untold_calls(&added);
        // Metadata of the wrong type is the engine's to mend; an event can do without it.
        let usage = turn_metadata::USAGE.get(turn).ok().flatten();
        let stop_reason = turn_metadata::STOP_REASON.get(turn).ok().flatten();
        if let Some(usage) = usage {
            *self.usage.get_or_insert_default() += usage;
        }
        self.answers += 1;
        events.push(EventBody::Final { text: text_of(&added), usage, stop_reason });
        self.completed = added;
        events
    }

    /// A chain of middlewares has ended well. Where an engine answered, only what a middleware said by itself is told;
    /// where none did, all that was `added`.
    pub(crate) fn close_chain(&mut self, answers_before: u64, added: Vec<Arc<Block>>) -> Vec<EventBody> {
        (self.error_told, self.in_chain) = (false, false);
        let spoken = self.take(MIDDLEWARE);
        let answered = self.answers > answers_before;
        let mut events = Vec::new();
        if spoken.is_none() && !answered {
            events.push(EventBody::Start { engine: "middleware".into() });
        }
        events.extend(self.untold_calls(&added));
        let text = if answered { spoken.map(|stream| stream.text.text()) } else { Some(text_of(&added)) };
        events.extend(text.map(|text| EventBody::Final { text, usage: None, stop_reason: None }));
        if !answered {
            self.completed = added;
        }
        events
    }

    /// The engine call has failed: what it had said stays for the partial turn.
    pub(crate) fn fail(&mut self, id: StreamId) {
        if let Some(stream) = self.take(id) {
            self.completed.extend(stream.blocks());
        }
    }

    /// The engine call was stopped, if it was open.
    pub(crate) fn interrupt(&mut self, id: StreamId) -> Option<EventBody> {
        let text = self.stream(id)?.text.text();
        self.fail(id);
        Some(EventBody::Interrupt { text })
    }

    /// All that is open was stopped.
    pub(crate) fn interrupt_all(&mut self) -> Vec<EventBody> {
        let open: Vec<_> = self.streams.iter().map(|stream| stream.id).collect();
        open.into_iter().filter_map(|id| self.interrupt(id)).collect()
    }

    /// Everything that had completed, with every pending call closed by `why`.
    pub(crate) fn partial_turn(&self, why: &str) -> Option<Turn> {
        let mut turn = self.base.clone()?;
        let said = self.streams.iter().flat_map(Stream::blocks);
        turn.blocks.extend(self.completed.iter().cloned().chain(said));
        turn.close_pending_calls(why);
        Some(turn)
    }
}

impl Stream {
    /// What was said, as blocks. Reasoning that was cut is left out: no provider accepts half of it again.
    fn blocks(&self) -> Vec<Arc<Block>> {
        let calls = self.calls.iter().map(|call| {
            let args = serde_json::from_str(&call.input).unwrap_or_else(|_| Value::from(call.input.clone()));
            Block::tool_call(&*call.id, &*call.name, args)
        });
        self.said().into_iter().chain(calls).map(Arc::new).collect()
    }

    fn said(&self) -> Option<Block> {
        (!self.text.is_empty()).then(|| Block::assistant(self.text.text()))
    }
}

fn text_of(blocks: &[Arc<Block>]) -> String {
    blocks.iter().filter(|block| block.kind == BlockKind::LlmText).filter_map(|block| block.text()).collect()
}

/// A tool call block as events tell it.
pub(crate) fn call_info(block: &Block) -> Option<ToolCallInfo> {
    (block.kind == BlockKind::ToolCall).then(|| ToolCallInfo {
        id: block.text_at("id").unwrap_or_default().to_owned(),
        name: block.text_at("name").unwrap_or_default().to_owned(),
        input: block.call_args().to_string(),
    })
}
