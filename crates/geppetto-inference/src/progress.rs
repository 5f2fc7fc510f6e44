//! How far a run has come: the last complete turn, and what the current engine call has streamed on top of it.

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
    stream: Option<Stream>,
    /// Counts the engine calls that ended well, so that a chain can tell whether one did.
    pub(crate) answers: u64,
    /// Whether the last thing that went wrong was told by an `error` event.
    pub(crate) error_told: bool,
    pub(crate) usage: Option<Usage>,
}

/// An engine call that has begun and not ended.
#[derive(Debug, Default)]
struct Stream {
    /// Whether a middleware speaks, rather than an engine.
    by_middleware: bool,
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

    pub(crate) fn is_streaming(&self) -> bool {
        self.stream.is_some()
    }

    /// An engine call begins; one that was left open was interrupted.
    pub(crate) fn open(&mut self, engine: Arc<str>) -> Vec<EventBody> {
        let mut events: Vec<_> = self.interrupt().into_iter().collect();
        self.completed.clear();
        self.stream = Some(Stream::default());
        self.error_told = false;
        events.push(EventBody::Start { engine });
        events
    }

    /// A middleware begins to speak. What an engine has completed stays completed.
    fn open_middleware(&mut self) -> EventBody {
        self.stream = Some(Stream { by_middleware: true, ..Stream::default() });
        EventBody::Start { engine: "middleware".into() }
    }

    /// A piece of text. Whoever speaks without an engine having started is a middleware.
    pub(crate) fn speak(&mut self, voice: Voice, delta: &str) -> Vec<EventBody> {
        let mut events = if self.is_streaming() { Vec::new() } else { vec![self.open_middleware()] };
        if let Some(stream) = &self.stream {
            let delta_text = Arc::from(delta);
            events.push(match voice {
                Voice::Text => {
                    EventBody::Partial { delta: delta_text, completion: stream.text.append(delta) }
                }
                Voice::Thinking => EventBody::PartialThinking {
                    delta: delta_text,
                    completion: stream.thinking.append(delta),
                },
            });
        }
        events
    }

    /// A complete tool call that an engine tells before it ends.
    pub(crate) fn call(&mut self, call: ToolCallInfo) -> Option<EventBody> {
        if let Some(stream) = &mut self.stream {
            if stream.calls.iter().any(|known| known.id == call.id) {
                return None;
            }
            stream.calls.push(call.clone());
        }
        Some(EventBody::ToolCall { tool_call: call })
    }

    /// The engine call has ended well: `added` is what it put into `turn`.
    pub(crate) fn close(&mut self, added: Vec<Arc<Block>>, turn: &Turn) -> Vec<EventBody> {
        let Some(stream) = self.stream.take() else { return Vec::new() };
        let calls = added.iter().filter_map(|block| call_info(block));
        let untold = calls.filter(|call| !stream.calls.iter().any(|told| told.id == call.id));
        let mut events: Vec<_> = untold.map(|tool_call| EventBody::ToolCall { tool_call }).collect();
        let text = text_of(&added);
        // Metadata of the wrong type is the engine's to mend; an event can do without it.
        let usage = turn_metadata::USAGE.get(turn).ok().flatten();
        let stop_reason = turn_metadata::STOP_REASON.get(turn).ok().flatten();
        if let Some(usage) = usage {
            *self.usage.get_or_insert_default() += usage;
        }
        self.answers += 1;
        self.completed = added;
        events.push(EventBody::Final { text, usage, stop_reason });
        events
    }

    /// A chain of middlewares has ended well. Where an engine answered, only what a middleware said by itself is told;
    /// where none did, all that was `added`.
    pub(crate) fn close_chain(&mut self, answers_before: u64, added: Vec<Arc<Block>>) -> Vec<EventBody> {
        self.error_told = false;
        if self.answers > answers_before {
            let Some(stream) = self.stream.take_if(|stream| stream.by_middleware) else { return Vec::new() };
            return vec![EventBody::Final { text: stream.text.text(), usage: None, stop_reason: None }];
        }
        let mut events = Vec::new();
        if !self.is_streaming() {
            events.push(self.open_middleware());
        }
        let told = self.stream.take().map(|stream| stream.calls).unwrap_or_default();
        let calls = added.iter().filter_map(|block| call_info(block));
        let untold = calls.filter(|call| !told.iter().any(|known| known.id == call.id));
        events.extend(untold.map(|tool_call| EventBody::ToolCall { tool_call }));
        events.push(EventBody::Final { text: text_of(&added), usage: None, stop_reason: None });
        self.completed = added;
        events
    }

    /// The engine call has failed: what it had said stays for the partial turn.
    pub(crate) fn fail(&mut self) {
        if let Some(stream) = self.stream.take() {
            self.completed.extend(stream.blocks());
        }
    }

    /// The engine call was stopped, if one was open.
    pub(crate) fn interrupt(&mut self) -> Option<EventBody> {
        let text = self.stream.as_ref()?.text.text();
        self.fail();
        Some(EventBody::Interrupt { text })
    }

    /// Everything that had completed, with every pending call closed by `why`.
    pub(crate) fn partial_turn(&self, why: &str) -> Option<Turn> {
        let mut turn = self.base.clone()?;
        let said = self.stream.as_ref().map(Stream::blocks).unwrap_or_default();
        turn.blocks.extend(self.completed.iter().cloned().chain(said));
        turn.close_pending_calls(why);
        Some(turn)
    }
}

impl Stream {
    /// What was said, as blocks. Reasoning that was cut is left out: no provider accepts half of it again.
    fn blocks(&self) -> Vec<Arc<Block>> {
        let text = (!self.text.is_empty()).then(|| Block::assistant(self.text.text()));
        let calls = self.calls.iter().map(|call| {
            let args = serde_json::from_str(&call.input).unwrap_or_else(|_| Value::from(call.input.clone()));
            Block::tool_call(&*call.id, &*call.name, args)
        });
        text.into_iter().chain(calls).map(Arc::new).collect()
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
        input: block.payload.get("args").unwrap_or(&Value::Null).to_string(),
    })
}
