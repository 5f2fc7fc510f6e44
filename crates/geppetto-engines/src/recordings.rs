//! Engine calls in files: written while a model answers, and answered from later, without a network.
//!
//! A recording is a folder with a file of JSON for each call: what was asked, what was told and when, and what came of it.
//! No key and no header is among it.

use async_trait::async_trait;
use geppetto_events::{EventBody, ToolCallDelta, ToolCallInfo};
use geppetto_inference::{Engine, Failure, InferenceError, RunContext};
use geppetto_turns::{Block, Map, Turn, added_blocks, turn_metadata};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// One call.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Call {
    engine: String,
    request: Value,
    events: Vec<Told>,
    result: Outcome,
}

/// What was told, so many milliseconds after the call began.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Told {
    at_ms: u64,
    #[serde(flatten)]
    what: Piece,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Piece {
    Partial(String),
    PartialThinking(String),
    ToolCallDelta { name: Option<String>, delta: String },
    ToolCall { id: String, name: String, input: String },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Outcome {
    Answer { blocks: Vec<Block>, metadata: Map },
    Error { message: String, status: Option<u16>, retryable: Option<bool> },
}

/// What a model is asked, as far as it is the same in every run: without ids, and what engines note for themselves.
fn request(turn: &Turn) -> Value {
    let block =
        |block: &Arc<Block>| json!({ "kind": block.kind, "role": block.role, "payload": block.payload });
    json!({ "blocks": turn.blocks.iter().map(block).collect::<Vec<_>>(), "data": &*turn.data })
}

/// Writes the calls of engines to a folder.
#[derive(Debug)]
pub struct Recorder {
    folder: PathBuf,
    next: Mutex<usize>,
}

impl Recorder {
    /// A recorder for this folder, which is made.
    ///
    /// # Errors
    /// When it cannot be made, or holds a recording already.
    pub fn new(folder: &Path) -> Result<Arc<Self>, Failure> {
        let failed = |error: std::io::Error| Failure::new(format!("{}: {error}", folder.display()));
        std::fs::create_dir_all(folder).map_err(failed)?;
        if file(folder, 1).exists() {
            let message = format!(
                "{} holds a recording already: choose another folder, or remove it",
                folder.display()
            );
            return Err(Failure::new(message));
        }
        Ok(Arc::new(Self { folder: folder.to_owned(), next: Mutex::new(1) }))
    }

    /// The engine, with its calls written.
    #[must_use]
    pub fn wrap(self: &Arc<Self>, engine: Arc<dyn Engine>) -> Arc<dyn Engine> {
        Arc::new(Recorded { engine, recorder: self.clone() })
    }

    fn take_number(&self) -> usize {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        *next += 1;
        *next - 1
    }
}

fn file(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!("{number:04}.json"))
}

struct Recorded {
    engine: Arc<dyn Engine>,
    recorder: Arc<Recorder>,
}

#[async_trait]
impl Engine for Recorded {
    fn name(&self) -> Arc<str> {
        self.engine.name()
    }

    async fn infer(&self, turn: Turn, ctx: &RunContext) -> Result<Turn, InferenceError> {
        let number = self.recorder.take_number();
        let (log, began) = (ctx.core().log(), ctx.clock().unix_ms());
        let first = log.len();
        let answered = self.engine.infer(turn.clone(), ctx).await;
        let told = (first..log.len()).filter_map(|seq| {
            let event = log.get(seq)?;
            let at_ms = event.timestamp_ms.saturating_sub(began);
            let what = match &event.body {
                EventBody::Partial { delta, .. } => Piece::Partial(delta.to_string()),
                EventBody::PartialThinking { delta, .. } => Piece::PartialThinking(delta.to_string()),
                EventBody::ToolCallDelta { tool_call: ToolCallDelta { name, delta, .. } } => {
                    Piece::ToolCallDelta { name: name.clone(), delta: delta.clone() }
                }
                EventBody::ToolCall { tool_call: ToolCallInfo { id, name, input } } => {
                    Piece::ToolCall { id: id.clone(), name: name.clone(), input: input.clone() }
                }
                _ => return None,
            };
            Some(Told { at_ms, what })
        });
        let result = match &answered {
            Ok(answer) => {
                let noted = [
                    turn_metadata::PROVIDER.as_str(),
                    turn_metadata::MODEL.as_str(),
                    turn_metadata::USAGE.as_str(),
                    turn_metadata::STOP_REASON.as_str(),
                ];
                let metadata = answer.metadata.iter().filter(|(key, _)| noted.contains(&key.as_str()));
                Outcome::Answer {
                    blocks: added_blocks(&turn, answer).iter().map(|block| Block::clone(block)).collect(),
                    metadata: metadata.map(|(key, value)| (key.clone(), value.clone())).collect(),
                }
            }
            Err(error) => {
                let failure = error.failure();
                Outcome::Error {
                    message: failure.map_or_else(|| error.to_string(), ToString::to_string),
                    status: failure.and_then(|failure| failure.status),
                    retryable: failure.and_then(|failure| failure.retryable),
                }
            }
        };
        let call =
            Call { engine: self.name().to_string(), request: request(&turn), events: told.collect(), result };
        let text = serde_json::to_string_pretty(&call).map_err(|error| error.to_string());
        let file = file(&self.recorder.folder, number);
        let written =
            text.and_then(|text| std::fs::write(&file, text + "\n").map_err(|error| error.to_string()));
        if let Err(error) = written {
            // A recording with a hole in it would be none.
            let message = format!("the call could not be recorded in {}: {error}", file.display());
            return Err(InferenceError::engine(self.name(), Failure::new(message)));
        }
        answered
    }
}

/// Answers from a recording.
#[derive(Debug)]
pub struct Replay {
    folder: PathBuf,
    /// Those that nobody has asked for yet.
    calls: Mutex<Vec<(usize, Call)>>,
    names: Vec<String>,
}

impl Replay {
    /// Reads a recording.
    ///
    /// # Errors
    /// When there is none, or a file of it is not one.
    pub fn open(folder: &Path) -> Result<Arc<Self>, Failure> {
        let mut calls = Vec::new();
        for number in 1.. {
            let file = file(folder, number);
            if !file.exists() {
                break;
            }
            let wrong = |error: &dyn std::fmt::Display| Failure::new(format!("{}: {error}", file.display()));
            let text = std::fs::read_to_string(&file).map_err(|error| wrong(&error))?;
            calls.push((number, serde_json::from_str::<Call>(&text).map_err(|error| wrong(&error))?));
        }
        if calls.is_empty() {
            return Err(Failure::new(format!(
                "{} holds no recording: expected 0001.json in it",
                folder.display()
            )));
        }
        let names = calls.iter().map(|(_, call)| call.engine.clone()).collect();
        Ok(Arc::new(Self { folder: folder.to_owned(), calls: Mutex::new(calls), names }))
    }

    /// An engine that answers from the recording, under the name that the recorded one had: that of the profile, where
    /// one is named or implied and was recorded.
    #[must_use]
    pub fn engine(self: &Arc<Self>, profile: Option<&str>, by_profile: bool) -> Arc<dyn Engine> {
        let is_wanted = |name: &&String| match profile {
            Some(profile) => name.strip_prefix("profile:") == Some(profile),
            None => by_profile && name.starts_with("profile:"),
        };
        let name = self.names.iter().find(is_wanted).map_or("config", String::as_str);
        Arc::new(Replayed { name: name.into(), replay: self.clone() })
    }

    /// How many calls nobody has asked for.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// The call that was recorded for this request.
    fn take(&self, asked: &Value) -> Result<Call, Failure> {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = calls.iter().position(|(_, call)| call.request == *asked) {
            return Ok(calls.remove(at).1);
        }
        let Some((number, next)) = calls.first() else {
            let (folder, count) = (self.folder.display(), self.names.len());
            return Err(Failure::new(format!(
                "the recording {folder} has {count} calls, and all of them were asked for"
            )));
        };
        let pretty = |json: &Value| serde_json::to_string_pretty(json).unwrap_or_default() + "\n";
        let (recorded, asked) = (pretty(&next.request), pretty(asked));
        let diff = similar::TextDiff::from_lines(&recorded, &asked);
        let diff = diff.unified_diff().context_radius(2).header("recorded", "asked now").to_string();
        let file = file(&self.folder, *number);
        Err(Failure::new(format!(
            "the request is not the one recorded in {}:\n{}",
            file.display(),
            diff.trim_end()
        )))
    }
}

struct Replayed {
    name: Arc<str>,
    replay: Arc<Replay>,
}

#[async_trait]
impl Engine for Replayed {
    fn name(&self) -> Arc<str> {
        self.name.clone()
    }

    async fn infer(&self, mut turn: Turn, ctx: &RunContext) -> Result<Turn, InferenceError> {
        let failed = |failure| InferenceError::engine(self.name(), failure);
        let call = self
            .replay
            .take(&request(&turn))
            .map_err(|failure| failed(Failure { retryable: Some(false), ..failure }))?;
        for told in call.events {
            ctx.check()?;
            let _ = match told.what {
                Piece::Partial(delta) => ctx.partial(&delta),
                Piece::PartialThinking(delta) => ctx.thinking(&delta),
                Piece::ToolCallDelta { name, delta } => {
                    ctx.tool_call_delta(ToolCallDelta { id: None, name, delta })
                }
                Piece::ToolCall { id, name, input } => ctx.tool_call(ToolCallInfo { id, name, input }),
            };
        }
        match call.result {
            Outcome::Answer { blocks, metadata } => {
                turn.blocks.extend(blocks.into_iter().map(Arc::new));
                turn.metadata_mut().extend(metadata);
                Ok(turn)
            }
            Outcome::Error { message, status, retryable } => {
                Err(failed(Failure { status, retryable, ..Failure::new(message) }))
            }
        }
    }
}
