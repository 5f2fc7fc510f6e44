//! One attempt at a call, and one call of a hook: bounded in time, panics caught.

use crate::{HookConfig, ToolError};
use futures_util::FutureExt;
use futures_util::future::{Either, select};
use geppetto_inference::{CancelReason, Failure, RunContext, RunToken, panic_message};
use geppetto_time::{Clock, Deadline};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::Duration;
use tracing::Instrument;

/// The future's result, or that it panicked.
async fn caught<T>(work: impl Future<Output = Result<T, ToolError>>) -> Result<T, ToolError> {
    let result = AssertUnwindSafe(work).catch_unwind().await;
    result.unwrap_or_else(|panic| Err(ToolError::Panicked { message: panic_message(&*panic).to_owned() }))
}

/// A context whose deadline is at most `timeout` away, if that is not zero.
pub(crate) fn bounded(ctx: &RunContext, timeout: Duration) -> RunContext {
    let deadline = (!timeout.is_zero()).then(|| Deadline::after(&**ctx.clock(), timeout));
    ctx.with_deadline(deadline)
}

/// The work's result, unless its own `timeout` is over first: then its token is cancelled, and the work dropped or what
/// it came up with too late refused. The run's deadline is the run's to watch. Zero: as long as it wants.
pub(crate) async fn in_time<T>(
    (clock, token): (&dyn Clock, &RunToken),
    timeout: Duration,
    work: impl Future<Output = Result<T, ToolError>>,
) -> Result<T, ToolError> {
    let work = pin!(caught(work));
    if timeout.is_zero() {
        return work.await;
    }
    let end = clock.after(timeout);
    match select(work, clock.sleep_until(end)).await {
        Either::Left((result, _)) if clock.now() < end => result,
        _ => {
            token.cancel(CancelReason::Timeout);
            Err(ToolError::TimedOut { after: timeout })
        }
    }
}

/// What a hook returned; `None` when it failed and that is to be passed over.
pub(crate) async fn hooked<T>(
    hook: &'static str,
    config: HookConfig,
    bounds: (&dyn Clock, &RunToken),
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<Option<T>, ToolError> {
    let failed = |failure| ToolError::Hook { hook, failure };
    let work = async { work.await.map_err(failed) }.instrument(tracing::debug_span!("hook", hook));
    match in_time(bounds, config.timeout, work).await {
        Ok(value) => Ok(Some(value)),
        Err(error) => {
            let error = match error {
                ToolError::Hook { .. } => error,
                other => failed(Failure::new(other.to_string())),
            };
            if !config.fail_open {
                return Err(error);
            }
            tracing::warn!(hook, %error, "a hook failed and is passed over");
            Ok(None)
        }
    }
}
