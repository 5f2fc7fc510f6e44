//! An engine that always gives the same answer.

use super::speak;
use crate::{Engine, InferenceError, RunContext};
use async_trait::async_trait;
use geppetto_turns::{Block, Turn};
use std::sync::Arc;
use std::time::Duration;

/// Always gives the same answer, word by word, without a network.
#[derive(Debug, Clone)]
pub struct EchoEngine {
    name: Arc<str>,
    reply: String,
    delay: Duration,
}

impl EchoEngine {
    /// An engine that answers `reply`.
    #[must_use]
    pub fn new(reply: impl Into<String>) -> Self {
        Self { name: "echo".into(), reply: reply.into(), delay: Duration::ZERO }
    }

    /// The same, waiting this long before each word.
    #[must_use]
    pub fn with_delay(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }
}

impl Default for EchoEngine {
    /// An engine that answers `READY`.
    fn default() -> Self {
        Self::new("READY")
    }
}

#[async_trait]
impl Engine for EchoEngine {
    fn name(&self) -> Arc<str> {
        self.name.clone()
    }

    async fn infer(&self, turn: Turn, ctx: &RunContext) -> Result<Turn, InferenceError> {
        speak(ctx, &self.reply, self.delay, false).await?;
        Ok(turn.with(Block::assistant(&*self.reply)))
    }
}
