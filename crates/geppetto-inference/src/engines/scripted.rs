//! A test double: answers what it was told to, and remembers what it was asked.

use super::{pause, speak};
use crate::history::own_size;
use crate::progress::call_info;
use crate::{Engine, Failure, InferenceError, RunContext};
use async_trait::async_trait;
use geppetto_events::{Kept, MemoryMeter, ToolCallDelta};
use geppetto_turns::{Block, Turn, Usage, fresh_id, turn_metadata};
use serde_json::Value;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// One answer: any mix of reasoning, text and tool calls, told in this order, or an error at its end.
#[derive(Debug, Clone, Default)]
pub struct ScriptedResponse {
    /// Streamed as thinking, word by word.
    pub reasoning: Option<String>,
    /// Streamed word by word.
    pub text: Option<String>,
    /// Tool calls of the answer.
    pub tool_calls: Vec<ScriptedCall>,
    /// The tokens it claims to have used.
    pub usage: Option<Usage>,
    /// Why it claims to have stopped.
    pub stop_reason: Option<String>,
    /// How long it waits before each piece.
    pub delay: Duration,
    /// What it fails with after having streamed the rest.
    pub error: Option<ScriptedError>,
}

/// A tool call of a scripted answer.
#[derive(Debug, Clone, Default)]
pub struct ScriptedCall {
    /// The call's id; a fresh one otherwise.
    pub id: Option<String>,
    /// The tool's name.
    pub name: String,
    /// The arguments.
    pub args: Value,
}

/// The failure of a scripted answer.
#[derive(Debug, Clone, Default)]
pub struct ScriptedError {
    /// In words.
    pub message: String,
    /// An HTTP status, as a provider would give.
    pub status: Option<u16>,
    /// Whether trying again may help.
    pub retryable: Option<bool>,
}

/// Gives one prepared answer per inference and remembers the turns it saw.
#[derive(Debug)]
pub struct ScriptedEngine {
    name: Arc<str>,
    responses: Vec<ScriptedResponse>,
    calls: Mutex<Calls>,
}

/// What it saw, counted where somebody counts.
#[derive(Debug, Default)]
struct Calls {
    turns: Vec<Turn>,
    kept: Kept,
}

/// Not all prepared answers were asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the scripted engine was called {calls} times, {remaining} of its {total} responses remain")]
pub struct Incomplete {
    /// How often it was called.
    pub calls: usize,
    /// How many answers remain.
    pub remaining: usize,
    /// How many answers there were.
    pub total: usize,
}

impl ScriptedEngine {
    /// An engine with these answers.
    #[must_use]
    pub fn new(responses: Vec<ScriptedResponse>) -> Self {
        Self { name: "scripted".into(), responses, calls: Mutex::default() }
    }

    /// The same, with the turns it sees counted.
    #[must_use]
    pub fn metered(self, meter: Arc<dyn MemoryMeter>) -> Self {
        let calls = Calls { turns: Vec::new(), kept: Kept::new(Some(meter), 0) };
        Self { calls: Mutex::new(calls), ..self }
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The turns it saw, one per call.
    #[must_use]
    pub fn calls(&self) -> Vec<Turn> {
        self.lock().turns.clone()
    }

    /// How many answers remain.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.responses.len().saturating_sub(self.lock().turns.len())
    }

    /// Checks that every answer was asked for.
    ///
    /// # Errors
    /// When some remain.
    pub fn assert_complete(&self) -> Result<(), Incomplete> {
        let calls = self.lock().turns.len();
        let total = self.responses.len();
        let remaining = total.saturating_sub(calls);
        if remaining == 0 { Ok(()) } else { Err(Incomplete { calls, remaining, total }) }
    }

    fn next(&self, turn: &Turn) -> Result<&ScriptedResponse, InferenceError> {
        let mut calls = self.lock();
        let Calls { turns: calls, kept } = &mut *calls;
        kept.add(|| own_size(calls.last(), turn));
        calls.push(turn.clone());
        self.responses.get(calls.len() - 1).ok_or_else(|| {
            let (call, total) = (calls.len(), self.responses.len());
            let message = format!("call {call} has no response: the script has {total}");
            InferenceError::engine("scripted", Failure::new(message))
        })
    }
}

#[async_trait]
impl Engine for ScriptedEngine {
    fn name(&self) -> Arc<str> {
        self.name.clone()
    }

    async fn infer(&self, mut turn: Turn, ctx: &RunContext) -> Result<Turn, InferenceError> {
        let response = self.next(&turn)?;
        if let Some(reasoning) = &response.reasoning {
            speak(ctx, reasoning, response.delay, true).await?;
            turn.push(Block::reasoning(reasoning));
        }
        if let Some(text) = &response.text {
            speak(ctx, text, response.delay, false).await?;
            turn.push(Block::assistant(text));
        }
        for call in &response.tool_calls {
            pause(ctx, response.delay).await;
            let id = call.id.clone().unwrap_or_else(fresh_id);
            let name = Some(call.name.clone());
            let delta = ToolCallDelta { id: Some(id.clone()), name, delta: call.args.to_string() };
            let _ = ctx.tool_call_delta(delta);
            let block = Block::tool_call(id, &*call.name, call.args.clone());
            if let Some(call) = call_info(&block) {
                let _ = ctx.tool_call(call);
            }
            turn.push(block);
        }
        if let Some(error) = &response.error {
            pause(ctx, response.delay).await;
            let failure =
                Failure { retryable: error.retryable, status: error.status, ..Failure::new(&*error.message) };
            return Err(InferenceError::engine("scripted", failure));
        }
        if let Some(usage) = &response.usage {
            turn_metadata::USAGE.set(&mut turn, usage);
        }
        let stop_reason = response
            .stop_reason
            .clone()
            .unwrap_or_else(|| if response.tool_calls.is_empty() { "stop" } else { "tool_calls" }.to_owned());
        turn_metadata::STOP_REASON.set(&mut turn, &stop_reason);
        Ok(turn)
    }
}
