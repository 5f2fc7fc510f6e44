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
    Answer {
        blocks: Vec<Block>,
        metadata: Map,
    },
    Error {
        message: String,
        status: Option<u16>,
        retryable: Option<bool>,
    },
    /// Nobody waited for the rest.
    Interrupted {},
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
        if !files(folder).map_err(failed)?.is_empty() {
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

/// The files of a recording, in their order.
fn files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let is_number = !stem.is_empty() && stem.bytes().all(|byte| byte.is_ascii_digit());
        if is_number && path.extension().is_some_and(|ending| ending == "json") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
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
        let mut recording = Recording {
            file: file(&self.recorder.folder, self.recorder.take_number()),
            engine: self.name().to_string(),
            request: request(&turn),
            ctx: ctx.clone(),
            first: ctx.core().log().len(),
            began: ctx.clock().unix_ms(),
            is_written: false,
        };
        let answered = self.engine.infer(turn.clone(), ctx).await;
        if answered.is_err() && ctx.check().is_err() {
            // The engine has noticed the end of its run before it was dropped for it.
            return answered;
        }
        let result = match &answered {
            Ok(answer) => Outcome::Answer {
                blocks: added_blocks(&turn, answer).iter().map(|block| Block::clone(block)).collect(),
                metadata: noted(answer),
            },
            Err(error) => {
                let failure = error.failure();
                Outcome::Error {
                    message: failure.map_or_else(|| error.to_string(), ToString::to_string),
                    status: failure.and_then(|failure| failure.status),
                    retryable: failure.and_then(|failure| failure.retryable),
                }
            }
        };
        if let Err(error) = recording.write(result) {
            // A recording with a hole in it would be none.
            let message = format!("the call could not be recorded in {}: {error}", recording.file.display());
            return Err(InferenceError::engine(self.name(), Failure::new(message)));
        }
        answered
    }
}

/// What an engine notes of its answer in the turn's metadata.
fn noted(answer: &Turn) -> Map {
    let keys = [&turn_metadata::PROVIDER, &turn_metadata::MODEL, &turn_metadata::STOP_REASON]
        .map(|key| key.as_str());
    let is_noted = |key: &str| keys.contains(&key) || key == turn_metadata::USAGE.as_str();
    let noted = answer.metadata.iter().filter(|(key, _)| is_noted(key));
    noted.map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// A call that is being recorded: one that is given up is written with what had come.
struct Recording {
    file: PathBuf,
    engine: String,
    request: Value,
    ctx: RunContext,
    /// The first event of the call.
    first: usize,
    began: u64,
    is_written: bool,
}

impl Recording {
    fn write(&mut self, result: Outcome) -> Result<(), String> {
        self.is_written = true;
        let log = self.ctx.core().log();
        let told = (self.first..log.len()).filter_map(|seq| {
            let event = log.get(seq)?;
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
            Some(Told { at_ms: event.timestamp_ms.saturating_sub(self.began), what })
        });
        let (engine, request) = (std::mem::take(&mut self.engine), self.request.take());
        let call = Call { engine, request, events: told.collect(), result };
        let text = serde_json::to_string_pretty(&call).map_err(|error| error.to_string())?;
        std::fs::write(&self.file, text + "\n").map_err(|error| error.to_string())
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        if !self.is_written
            && let Err(error) = self.write(Outcome::Interrupted {})
        {
            tracing::error!(file = %self.file.display(), error, "an interrupted call could not be recorded");
        }
    }
}

/// Answers from a recording.
#[derive(Debug)]
pub struct Replay {
    folder: PathBuf,
    /// Those that nobody has asked for yet.
    calls: Mutex<Vec<(PathBuf, Call)>>,
    names: Vec<String>,
}

impl Replay {
    /// Reads a recording.
    ///
    /// # Errors
    /// When there is none, or a file of it is not one.
    pub fn open(folder: &Path) -> Result<Arc<Self>, Failure> {
        let mut calls = Vec::new();
        let listed = files(folder).map_err(|error| Failure::new(format!("{}: {error}", folder.display())))?;
        for file in listed {
            let wrong = |error: &dyn std::fmt::Display| Failure::new(format!("{}: {error}", file.display()));
            let text = std::fs::read_to_string(&file).map_err(|error| wrong(&error))?;
            calls.push((file.clone(), serde_json::from_str::<Call>(&text).map_err(|error| wrong(&error))?));
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

    /// An engine that answers from the recording, under the name of the first that was recorded.
    #[must_use]
    pub fn first_engine(self: &Arc<Self>) -> Arc<dyn Engine> {
        let name = self.names.first().map_or("config", String::as_str);
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
        let Some((file, next)) = calls.first() else {
            let (folder, count) = (self.folder.display(), self.names.len());
            return Err(Failure::new(format!(
                "nothing is left of the recording {folder} (calls in it: {count})"
            )));
        };
        let pretty = |json: &Value| serde_json::to_string_pretty(json).unwrap_or_default() + "\n";
        let (recorded, asked) = (pretty(&next.request), pretty(asked));
        let diff = similar::TextDiff::from_lines(&recorded, &asked);
        let diff = diff.unified_diff().context_radius(2).header("recorded", "asked now").to_string();
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
            Outcome::Interrupted {} => Err(failed(Failure::new("the recorded call was interrupted here"))),
            Outcome::Error { message, status, retryable } => {
                Err(failed(Failure { status, retryable, ..Failure::new(message) }))
            }
        }
    }
}
