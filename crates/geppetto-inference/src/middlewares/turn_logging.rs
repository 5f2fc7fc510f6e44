//! Tells the host's log of each engine call.

use crate::{InferenceError, Middleware, Next, RunContext};
use async_trait::async_trait;
use geppetto_turns::{Turn, added_blocks};
use std::sync::Arc;

/// Writes a line to the host's log before and after each engine call: how many blocks there are, which were added,
/// and how long it took. It logs counts and kinds, never what was said.
#[derive(Debug, Clone, Copy, Default)]
pub struct TurnLogging;

#[async_trait]
impl Middleware for TurnLogging {
    fn name(&self) -> Arc<str> {
        "turnLogging".into()
    }

    async fn handle(&self, turn: Turn, next: Next, ctx: &RunContext) -> Result<Turn, InferenceError> {
        let (session_id, inference_id) = (ctx.ids().session_id.as_str(), ctx.ids().inference_id.as_str());
        let (before, started) = (turn.clone(), ctx.clock().now());
        let engine = ctx.engine_name();
        tracing::info!(session_id, inference_id, %engine, blocks = before.blocks.len(), "engine call begins");
        let result = next.call(turn).await;
        let duration_ms = ctx.clock().now().saturating_duration_since(started).as_millis();
        match &result {
            Ok(after) => {
                let added = added_blocks(&before, after);
                let added: Vec<_> = added.iter().map(|block| block.kind.as_str()).collect();
                tracing::info!(session_id, inference_id, %engine, ?added, duration_ms, "engine call ends");
            }
            Err(error) => {
                let code = error.code();
                tracing::warn!(session_id, inference_id, %engine, %code, duration_ms, "engine call fails");
            }
        }
        result
    }
}
