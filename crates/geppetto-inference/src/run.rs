//! A run: begun, driven, observed.

use crate::error::Failure;
use crate::{CancelReason, InferenceError, InferenceRunner, RunContext, RunCore, RunError};
use futures_util::FutureExt;
use futures_util::future::FusedFuture;
use futures_util::future::{Either, pending, select};
use geppetto_events::{Cursor, RunIds};
use geppetto_turns::Turn;
use std::any::Any;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tracing::Instrument;

/// A run that has begun: its session is active and its `run-started` is in the log. Dropping it cancels it.
#[must_use = "a run does nothing until `drive` is polled, and ends cancelled when it is dropped"]
pub struct Run {
    guard: FinishOnDrop,
    runner: Arc<dyn InferenceRunner>,
    seed: Option<Turn>,
    timeout: Option<Duration>,
}

impl Run {
    pub(crate) fn new(
        ctx: RunContext,
        runner: Arc<dyn InferenceRunner>,
        seed: Option<Turn>,
        timeout: Option<Duration>,
    ) -> Self {
        Self { guard: FinishOnDrop { ctx }, runner, seed, timeout }
    }

    /// A handle to watch and cancel the run.
    #[must_use]
    pub fn handle(&self) -> RunHandle {
        RunHandle { core: self.guard.ctx.core().clone() }
    }

    /// The run's context.
    #[must_use]
    pub fn context(&self) -> &RunContext {
        &self.guard.ctx
    }

    /// Runs it: whoever polls the future runs the run, on any executor. Dropping the future cancels the run;
    /// `run-finished` still comes.
    ///
    /// # Errors
    /// What the run ended with, when not with a turn.
    pub fn drive(self) -> impl Future<Output = Result<Turn, RunError>> + Send {
        let Self { guard, runner, seed, timeout } = self;
        async move {
            let ctx = &guard.ctx;
            let core = ctx.core();
            let delivery = ctx.delivery();
            let mut pumps = pin!(delivery.pump(core).fuse());
            {
                let work = pin!(async {
                    let ids = core.ids();
                    let (session_id, inference_id) = (ids.session_id.as_str(), ids.inference_id.as_str());
                    let span = tracing::debug_span!("run", session_id, inference_id);
                    let result = stopped_or(ctx, work(&*runner, seed, ctx)).instrument(span).await;
                    // Somebody else's deadline may have ended it earlier.
                    let timeout =
                        timeout.filter(|_| ctx.deadline().is_some_and(|own| own.is_past(&**ctx.clock())));
                    core.finish(result.map_err(|error| named(error, timeout)));
                });
                // Pumps may end first: when there are none, or all have failed.
                if let Either::Right(((), work)) = select(work, &mut pumps).await {
                    work.await;
                }
            }
            if !pumps.is_terminated() {
                delivery.drain(core, pumps).await;
            }
            delivery.settled();
            core.outcome().unwrap_or_else(|| Err(unfinished(core)))
        }
    }
}

/// The work of a run, with panics caught.
async fn work(
    runner: &dyn InferenceRunner,
    seed: Option<Turn>,
    ctx: &RunContext,
) -> Result<Turn, InferenceError> {
    let seed = seed.ok_or(InferenceError::NoSeed)?;
    AssertUnwindSafe(runner.run(seed, ctx)).catch_unwind().await.unwrap_or_else(|panic| {
        let message = format!("the run panicked: {}", panic_message(&*panic));
        Err(InferenceError::Internal { failure: Failure::new(message) })
    })
}

/// The work's result, unless the run is told to end first.
async fn stopped_or(
    ctx: &RunContext,
    work: impl Future<Output = Result<Turn, InferenceError>>,
) -> Result<Turn, InferenceError> {
    let told = pin!(async {
        let told = pin!(ctx.token().cancelled());
        let finished = pin!(ctx.core().finished());
        match select(told, finished).await {
            Either::Left((reason, _)) => InferenceError::from(reason),
            // Finished from outside; what is returned here is not heard any more.
            Either::Right(_) => InferenceError::Cancelled { reason: None },
        }
    });
    let late = pin!(async {
        match ctx.deadline() {
            Some(deadline) => ctx.clock().sleep_until(deadline.at()).await,
            None => pending().await,
        }
        InferenceError::Timeout { after: None }
    });
    // The work is polled first: what ends at its first poll needs no timer.
    ctx.check()?;
    let result = match select(pin!(work), select(told, late)).await {
        Either::Left((result, _)) => result,
        Either::Right((Either::Left((stop, _)) | Either::Right((stop, _)), _)) => return Err(stop),
    };
    // Somebody may have cancelled, or the deadline passed, while the last step computed: then the run was cancelled or
    // has timed out, whatever came of that step.
    ctx.check().and(result)
}

/// A timeout with the run's own time in its message.
fn named(error: InferenceError, timeout: Option<Duration>) -> InferenceError {
    match error {
        InferenceError::Timeout { after: None } => InferenceError::Timeout { after: timeout },
        error => error,
    }
}

fn unfinished(core: &RunCore) -> RunError {
    let ids = core.ids();
    RunError {
        error: InferenceError::Internal { failure: Failure::new("the run ended without an outcome") },
        session_id: ids.session_id.clone(),
        inference_id: Some(ids.inference_id.clone()),
        partial_turn: None,
    }
}

/// What a caught panic said.
#[must_use]
pub fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

/// Finishes a run that nobody drives any more.
struct FinishOnDrop {
    ctx: RunContext,
}

impl Drop for FinishOnDrop {
    fn drop(&mut self) {
        let core = self.ctx.core();
        // A token that was cancelled, or a deadline that passed, knows better why nobody drives the run.
        let dropped = || InferenceError::Cancelled { reason: Some("the run was dropped".into()) };
        core.finish(Err(self.ctx.check().err().unwrap_or_else(dropped)));
        self.ctx.delivery().flush_now(core);
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("core", self.guard.ctx.core()).finish_non_exhaustive()
    }
}

/// Watches and cancels a run. It does not keep the run going: whoever drives it does.
#[derive(Debug, Clone)]
pub struct RunHandle {
    core: RunCore,
}

impl RunHandle {
    /// The ids of the session, the run and its turn.
    #[must_use]
    pub fn ids(&self) -> &RunIds {
        self.core.ids()
    }

    /// Cancels the run; later calls, and calls after its end, change nothing.
    pub fn cancel(&self, reason: Option<Arc<str>>) {
        self.core.cancel(CancelReason::Cancelled(reason));
    }

    /// The run's events from the one with this `seq`, past and future, as a stream that ends with the run.
    #[must_use]
    pub fn events(&self, from: usize) -> Cursor {
        self.core.log().cursor(from)
    }

    /// What the run ended with, once it has.
    #[must_use]
    pub fn outcome(&self) -> Option<Result<Turn, RunError>> {
        self.core.outcome()
    }

    /// Waits for the run's end. Somebody else has to drive it meanwhile.
    ///
    /// # Errors
    /// What the run ended with, when not with a turn.
    pub async fn finished(&self) -> Result<Turn, RunError> {
        self.core.finished().await;
        self.core.outcome().unwrap_or_else(|| Err(unfinished(&self.core)))
    }

    /// The run's shared core.
    #[must_use]
    pub fn core(&self) -> &RunCore {
        &self.core
    }
}
