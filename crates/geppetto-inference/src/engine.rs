//! What answers a turn: an engine, and the runner that drives engines to the end of a run.

use crate::progress::StreamId;
use crate::{InferenceError, RunContext};
use async_trait::async_trait;
use geppetto_turns::{Block, BlockKind, Turn, turn_metadata};
use std::sync::Arc;

/// Answers a turn: a model, or something that stands for one.
///
/// `infer` returns the turn with its answer appended; text that it streams and appends in no block becomes one. While it
/// works it may stream through the context
/// ([`partial`](RunContext::partial), [`thinking`](RunContext::thinking), …). `start`, `tool-call`, `final`, `error`
/// and `interrupt` are published around it, from what it streamed and returned: an engine cannot forget them.
///
/// Dropping the future cancels the call: an engine must let go of its connection then, and needs no clean-up of its
/// own. A panic is caught and ends the run with code `internal`. Calls of several runs may overlap.
#[async_trait]
pub trait Engine: Send + Sync {
    /// The engine's name, as events and scripts see it.
    fn name(&self) -> Arc<str>;

    /// Answers the turn.
    ///
    /// # Errors
    /// When there is no answer. What was streamed until then is kept for the run's partial turn.
    async fn infer(&self, turn: Turn, ctx: &RunContext) -> Result<Turn, InferenceError>;
}

/// Drives engines to the end of a run. A session has one: a single engine call, or the tool loop.
#[async_trait]
pub trait InferenceRunner: Send + Sync {
    /// What drives a run that begins now, when it is not this very runner: one that has read what may change until the
    /// run is polled.
    fn begun(&self) -> Option<Arc<dyn InferenceRunner>> {
        None
    }

    /// Produces the run's turn from its seed.
    ///
    /// # Errors
    /// What the run fails with.
    async fn run(&self, turn: Turn, ctx: &RunContext) -> Result<Turn, InferenceError>;
}

/// Calls an engine and publishes what has to be told of every engine call.
pub(crate) async fn call_engine(
    engine: &dyn Engine,
    mut turn: Turn,
    ctx: &RunContext,
) -> Result<Turn, InferenceError> {
    let core = ctx.core();
    // What an earlier call used, and why it stopped, is not what this one will say.
    for key in [turn_metadata::USAGE.as_str(), turn_metadata::STOP_REASON.as_str()] {
        if turn.metadata.contains_key(key) {
            turn.metadata_mut().shift_remove(key);
        }
    }
    let before = turn.clone();
    let stream = core.open_stream(engine.name());
    let interrupted = InterruptOnDrop { ctx, stream, armed: true };
    let result = engine.infer(turn, &ctx.with_stream(stream)).await;
    match result {
        Ok(mut turn) => {
            interrupted.disarm();
            turn.id = ctx.turn_id().clone();
            let mut added = turn.settle_added(&before);
            keep_said(core.said(stream), &mut turn, &mut added);
            core.close_stream(stream, added, &turn);
            Ok(turn)
        }
        Err(error) => {
            // One that ends because its run has to is interrupted, whether it was dropped or heeds that itself.
            if ctx.check().is_ok() {
                interrupted.disarm();
                core.fail_stream(stream, &error);
            }
            Err(error)
        }
    }
}

/// What was streamed is the answer, also where the engine adds no text: it stands before what it adds.
fn keep_said(said: Option<Arc<Block>>, turn: &mut Turn, added: &mut Vec<Arc<Block>>) {
    let Some(said) = said.filter(|_| added.iter().all(|block| block.kind != BlockKind::LlmText)) else {
        return;
    };
    let first =
        added.first().and_then(|first| turn.blocks.iter().rposition(|block| Arc::ptr_eq(first, block)));
    turn.blocks.insert(first.unwrap_or(turn.blocks.len()), said.clone());
    added.insert(0, said);
}

/// Tells of an engine call that was dropped before its end.
struct InterruptOnDrop<'a> {
    ctx: &'a RunContext,
    stream: StreamId,
    armed: bool,
}

impl InterruptOnDrop<'_> {
    fn disarm(mut self) {
        self.armed = false;
    }
}

impl Drop for InterruptOnDrop<'_> {
    fn drop(&mut self) {
        if self.armed {
            self.ctx.core().interrupt_stream(self.stream);
        }
    }
}
