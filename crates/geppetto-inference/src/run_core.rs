//! What all parties of a run share: its log, its progress, its token and its outcome.

use crate::error::{InferenceError, RunEnded, RunError};
use crate::progress::{Progress, StreamId, Voice};
use crate::token::{CancelReason, RunToken};
use geppetto_events::{ErrorCode, EventBody, EventLog, Kept, MemoryMeter, RunIds, RunStatus, ToolCallInfo};
use geppetto_time::{Clock, whole_ms};
use geppetto_turns::{Block, Map, Turn, turn_metadata};
#[cfg(shuttle)]
use shuttle::sync::{Mutex, MutexGuard};
use std::fmt;
use std::sync::{Arc, PoisonError};
#[cfg(not(shuttle))]
use std::sync::{Mutex, MutexGuard};
use std::time::Instant;
use tokio_util::sync::CancellationToken;

/// What a run ends with.
pub(crate) type Outcome = Result<Turn, RunError>;

/// Stores the outcome where it belongs, before anybody hears of it.
pub(crate) type Commit = Box<dyn Fn(&Outcome) + Send + Sync>;

/// The shared core of a run. Clones are the same core.
///
/// Publishing is a synchronous append and finishing is first-wins; both may happen on any thread, `finish` also
/// from `Drop` and from outside the run.
#[derive(Clone)]
pub struct RunCore {
    shared: Arc<Shared>,
}

struct Shared {
    log: EventLog,
    clock: Arc<dyn Clock>,
    started: Instant,
    tags: Option<Arc<Map>>,
    trace_id: Option<Arc<str>>,
    token: RunToken,
    /// Engines, middleware and the tool loop write. A mutex, because events are appended while it is held, so that
    /// they tell of the progress in its order; appending calls nobody.
    progress: Mutex<Progress>,
    /// Written once by the first finisher, who holds it until `run-finished` is in the log.
    outcome: Mutex<Option<Outcome>>,
    /// Cancelled when the outcome is there; waiters of the run wait on it.
    finished: CancellationToken,
    commit: Commit,
    /// What the seed takes, until it is part of a history.
    seed: Mutex<Option<Kept>>,
}

/// How a run is set up.
pub(crate) struct RunSetup {
    pub(crate) ids: RunIds,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) tags: Option<Arc<Map>>,
    pub(crate) trace_id: Option<Arc<str>>,
    pub(crate) token: RunToken,
    pub(crate) seed: Option<Turn>,
    /// About as many bytes as the seed takes that the history does not share.
    pub(crate) seed_size: usize,
    pub(crate) commit: Commit,
    pub(crate) meter: Option<Arc<dyn MemoryMeter>>,
}

impl RunCore {
    /// Sets the run up and appends `run-started`.
    pub(crate) fn start(setup: RunSetup) -> Self {
        let progress = Progress::from_seed(setup.seed);
        let seed = Kept::new(setup.meter.clone(), setup.seed_size);
        let shared = Shared {
            seed: Mutex::new(Some(seed)),
            log: EventLog::metered(setup.ids, setup.meter),
            started: setup.clock.now(),
            clock: setup.clock,
            tags: setup.tags,
            trace_id: setup.trace_id,
            token: setup.token,
            progress: Mutex::new(progress),
            outcome: Mutex::new(None),
            finished: CancellationToken::new(),
            commit: setup.commit,
        };
        let core = Self { shared: Arc::new(shared) };
        let started =
            EventBody::RunStarted { tags: core.shared.tags.clone(), trace_id: core.shared.trace_id.clone() };
        let _ = core.publish(started);
        core
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.shared.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The run's log.
    #[must_use]
    pub fn log(&self) -> &EventLog {
        &self.shared.log
    }

    /// The ids of the run, its session and its turn.
    #[must_use]
    pub fn ids(&self) -> &Arc<RunIds> {
        self.shared.log.run()
    }

    /// The clock the run goes by.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.shared.clock
    }

    /// The application's tags.
    #[must_use]
    pub fn tags(&self) -> Option<&Arc<Map>> {
        self.shared.tags.as_ref()
    }

    /// The trace the run belongs to.
    #[must_use]
    pub fn trace_id(&self) -> Option<&Arc<str>> {
        self.shared.trace_id.as_ref()
    }

    /// The token that tells the run to end.
    #[must_use]
    pub fn token(&self) -> &RunToken {
        &self.shared.token
    }

    /// Tells the run to end. It ends when whoever drives it notices, which is at once unless it computes.
    pub fn cancel(&self, reason: CancelReason) {
        self.shared.token.cancel(reason);
    }

    /// Appends an event.
    ///
    /// # Errors
    /// When the run has ended.
    pub fn publish(&self, body: EventBody) -> Result<(), RunEnded> {
        self.shared.log.append(self.shared.clock.unix_ms(), body).map(drop).ok_or(RunEnded)
    }

    fn publish_all(&self, bodies: impl IntoIterator<Item = EventBody>) -> Result<(), RunEnded> {
        bodies.into_iter().try_for_each(|body| self.publish(body))
    }

    pub(crate) fn checkpoint(&self, turn: Turn) {
        self.progress().checkpoint(turn);
    }

    pub(crate) fn open_chain(&self) -> u64 {
        self.progress().open_chain()
    }

    pub(crate) fn close_chain(&self, answers_before: u64, added: Vec<Arc<Block>>) {
        let mut progress = self.progress();
        let events = progress.close_chain(answers_before, added);
        let _ = self.publish_all(events);
    }

    /// An engine call begins.
    pub(crate) fn open_stream(&self, engine: Arc<str>) -> StreamId {
        let mut progress = self.progress();
        let (id, event) = progress.open(engine);
        // When the run has ended, whoever drives it is about to drop the call.
        let _ = self.publish(event);
        id
    }

    pub(crate) fn speak(&self, id: StreamId, voice: Voice, delta: &str) -> Result<(), RunEnded> {
        if self.shared.log.is_closed() {
            return Err(RunEnded);
        }
        let mut progress = self.progress();
        let events = progress.speak(id, voice, delta)?;
        self.publish_all(events)
    }

    pub(crate) fn tell_call(&self, id: StreamId, call: ToolCallInfo) -> Result<(), RunEnded> {
        let mut progress = self.progress();
        let events = progress.call(id, call)?;
        self.publish_all(events)
    }

    /// The text that an engine call has streamed, as a block.
    pub(crate) fn said(&self, id: StreamId) -> Option<Arc<Block>> {
        self.progress().said(id)
    }

    pub(crate) fn close_stream(&self, id: StreamId, added: Vec<Arc<Block>>, turn: &Turn) {
        let mut progress = self.progress();
        let events = progress.close(id, added, turn);
        let _ = self.publish_all(events);
    }

    pub(crate) fn fail_stream(&self, id: StreamId, error: &InferenceError) {
        let mut progress = self.progress();
        progress.fail(id);
        progress.error_told = true;
        let _ = self.publish(EventBody::Error { error: error.to_string(), code: error.code() });
    }

    pub(crate) fn interrupt_stream(&self, id: StreamId) {
        let mut progress = self.progress();
        let event = progress.interrupt(id);
        let _ = self.publish_all(event);
    }

    fn interrupt_all(&self) {
        let mut progress = self.progress();
        let events = progress.interrupt_all();
        let _ = self.publish_all(events);
    }

    /// Whether the run has ended.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.shared.finished.is_cancelled()
    }

    /// Waits until the run has ended.
    pub async fn finished(&self) {
        self.shared.finished.cancelled().await;
    }

    /// What the run ended with, once it has.
    #[must_use]
    pub fn outcome(&self) -> Option<Result<Turn, RunError>> {
        self.shared.outcome.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends the run: commits the outcome, appends `run-finished`. Only the first call does anything; it says so.
    pub fn finish(&self, result: Result<Turn, InferenceError>) -> bool {
        let mut slot = self.shared.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        if slot.is_some() {
            return false;
        }
        self.interrupt_all();
        let outcome = self.outcome_of(result);
        if let Err(error) = &outcome {
            self.tell_failure(&error.error);
        }
        (self.shared.commit)(&outcome);
        if outcome.is_ok() {
            drop(self.shared.seed.lock().unwrap_or_else(PoisonError::into_inner).take());
        }
        let event = self.finished_event(&outcome);
        *slot = Some(outcome);
        let _ = self.publish(event);
        self.shared.finished.cancel();
        true
    }

    fn outcome_of(&self, result: Result<Turn, InferenceError>) -> Outcome {
        let ids = self.ids();
        let stamped = result.map(|mut turn| {
            // The turn's usage is that of the whole run, as in run-finished.
            if let Some(usage) = self.progress().usage {
                turn_metadata::USAGE.set(&mut turn, &usage);
            }
            self.stamp(turn)
        });
        stamped.map_err(|error| {
            let why = format!("no result: {error}");
            let partial_turn = self.progress().partial_turn(&why).map(|turn| Box::new(self.stamp(turn)));
            RunError {
                error,
                session_id: ids.session_id.clone(),
                inference_id: Some(ids.inference_id.clone()),
                partial_turn,
            }
        })
    }

    /// Fixes the ids that the turn of a run carries.
    fn stamp(&self, mut turn: Turn) -> Turn {
        let ids = self.ids();
        turn.id = ids.turn_id.clone();
        turn_metadata::SESSION_ID.set(&mut turn, &ids.session_id.to_string());
        turn_metadata::INFERENCE_ID.set(&mut turn, &ids.inference_id.to_string());
        if let Some(trace_id) = &self.shared.trace_id {
            turn_metadata::TRACE_ID.set(&mut turn, &trace_id.to_string());
        }
        turn
    }

    /// A run that fails by itself says so in an `error` event, unless its engine just did.
    fn tell_failure(&self, error: &InferenceError) {
        self.shared.token.cancel(match error {
            InferenceError::Timeout { .. } => CancelReason::Timeout,
            InferenceError::Shutdown { what } => CancelReason::Shutdown(what.clone()),
            InferenceError::Cancelled { reason } => CancelReason::Cancelled(reason.clone()),
            _ => CancelReason::Cancelled(Some("the run has failed".into())),
        });
        let told = matches!(error, InferenceError::Cancelled { .. }) || self.progress().error_told;
        if !told {
            let _ = self.publish(EventBody::Error { error: error.to_string(), code: error.code() });
        }
    }

    fn finished_event(&self, outcome: &Outcome) -> EventBody {
        let (status, error) = match outcome {
            Ok(_) => (RunStatus::Completed, None),
            Err(error) => (status_of(error.code()), Some(&error.error)),
        };
        let elapsed = self.shared.clock.now().saturating_duration_since(self.shared.started);
        EventBody::RunFinished {
            status,
            error: error.map(ToString::to_string),
            code: error.map(InferenceError::code),
            usage: self.progress().usage,
            duration_ms: whole_ms(elapsed),
        }
    }
}

fn status_of(code: ErrorCode) -> RunStatus {
    match code {
        ErrorCode::Cancelled | ErrorCode::Shutdown => RunStatus::Cancelled,
        ErrorCode::Timeout => RunStatus::Timeout,
        _ => RunStatus::Failed,
    }
}

impl fmt::Debug for RunCore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunCore")
            .field("inference_id", &self.ids().inference_id)
            .field("finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}
