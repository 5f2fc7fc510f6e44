//! Engines without a network: for tests, demonstrations and first steps.

mod echo;
mod scripted;

pub use echo::EchoEngine;
pub use scripted::{Incomplete, ScriptedCall, ScriptedEngine, ScriptedError, ScriptedResponse};

use crate::{InferenceError, RunContext};
use std::time::Duration;

/// After so many words others have their turn, and the run is looked at: it may have to end.
const WORDS: usize = 256;

/// Streams a text word by word, waiting `delay` before each word.
async fn speak(ctx: &RunContext, text: &str, delay: Duration, thinking: bool) -> Result<(), InferenceError> {
    for (at, word) in text.split_inclusive(char::is_whitespace).enumerate() {
        pause(ctx, delay).await;
        if at % WORDS == WORDS - 1 {
            ctx.check()?;
            futures_lite::future::yield_now().await;
        }
        let spoken = if thinking { ctx.thinking(word) } else { ctx.partial(word) };
        if spoken.is_err() {
            return Err(InferenceError::Cancelled { reason: None });
        }
    }
    Ok(())
}

/// Waits on the run's clock.
async fn pause(ctx: &RunContext, delay: Duration) {
    if !delay.is_zero() {
        ctx.clock().sleep(delay).await;
    }
}
