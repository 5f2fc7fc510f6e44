//! A conversation and its runs, one at a time.

use crate::delivery::Delivery;
use crate::history::{History, own_size};
use crate::run_core::{Commit, Outcome, RunSetup};
use crate::{
    BeginError, CancelReason, Engine, InferenceRunner, NoActiveRun, Run, RunContext, RunCore, RunOptions,
    RunToken, Seed, SessionBuilder,
};
use geppetto_events::{EventSink, InferenceId, MemoryMeter, RunIds, SessionId};
use geppetto_time::{Clock, Deadline};
use geppetto_turns::{Turn, TurnId, turn_metadata};
#[cfg(shuttle)]
use shuttle::sync::{Mutex, MutexGuard};
use std::fmt;
use std::sync::{Arc, PoisonError, Weak};
#[cfg(not(shuttle))]
use std::sync::{Mutex, MutexGuard};

/// A conversation: the turns so far, what answers them, and at most one active run. Clones are the same session.
///
/// Turns are cumulative: each holds the conversation up to it. A run that succeeds replaces the turn it started
/// from, or joins the history; one that fails leaves the history as it was.
#[derive(Clone)]
pub struct Session {
    inner: Arc<Inner>,
}

struct Inner {
    id: SessionId,
    clock: Arc<dyn Clock>,
    sinks: Vec<Arc<dyn EventSink>>,
    /// Held for moves of turns only; nothing is called while it is held.
    state: Mutex<State>,
}

struct State {
    history: History,
    active: Option<RunCore>,
    /// `None` once the session is closed: whatever the runner holds is let go.
    runner: Option<Arc<dyn InferenceRunner>>,
}

pub(crate) struct SessionParts {
    pub(crate) id: Option<SessionId>,
    pub(crate) history: Vec<Turn>,
    pub(crate) sinks: Vec<Arc<dyn EventSink>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) meter: Option<Arc<dyn MemoryMeter>>,
    pub(crate) settings_size: usize,
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn idle_runner(&self) -> Result<Arc<dyn InferenceRunner>, BeginError> {
        if self.active.is_some() {
            return Err(BeginError::Busy);
        }
        self.runner.clone().ok_or(BeginError::Closed)
    }
}

impl Session {
    /// Begins to build a session around an engine.
    #[must_use]
    pub fn builder(engine: Arc<dyn Engine>) -> SessionBuilder {
        SessionBuilder::new(engine)
    }

    pub(crate) fn new(runner: Arc<dyn InferenceRunner>, parts: SessionParts) -> Self {
        let history = History::new(parts.history, parts.meter, parts.settings_size);
        let state = State { history, active: None, runner: Some(runner) };
        let inner = Inner {
            id: parts.id.unwrap_or_else(SessionId::fresh),
            clock: parts.clock,
            sinks: parts.sinks,
            state: Mutex::new(state),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The session's id.
    #[must_use]
    pub fn id(&self) -> &SessionId {
        &self.inner.id
    }

    /// The clock the session goes by.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.clock
    }

    /// Appends a turn to the history.
    ///
    /// # Errors
    /// When a run is active, or the session is closed.
    pub fn append(&self, turn: Turn) -> Result<(), BeginError> {
        let mut state = self.inner.state();
        state.idle_runner()?;
        let mut turn = turn;
        turn.ensure_call_ids(state.history.latest());
        state.history.push(turn);
        Ok(())
    }

    /// The latest turn.
    #[must_use]
    pub fn latest(&self) -> Option<Turn> {
        self.inner.state().history.latest().cloned()
    }

    /// How many turns there are.
    #[must_use]
    pub fn turn_count(&self) -> usize {
        self.inner.state().history.turns().len()
    }

    /// All turns, oldest first.
    #[must_use]
    pub fn turns(&self) -> Vec<Turn> {
        self.inner.state().history.turns().to_vec()
    }

    /// The turn at this index, counted from 0.
    #[must_use]
    pub fn turn(&self, index: usize) -> Option<Turn> {
        self.inner.state().history.turns().get(index).cloned()
    }

    /// Whether a run is active.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.inner.state().active.is_some()
    }

    /// Cancels the active run.
    ///
    /// # Errors
    /// When there is none.
    pub fn cancel_active(&self, reason: Option<Arc<str>>) -> Result<(), NoActiveRun> {
        let active = self.inner.state().active.clone().ok_or(NoActiveRun)?;
        active.cancel(CancelReason::Cancelled(reason));
        Ok(())
    }

    /// Closes the session: an active run is told to end, later ones are refused, and the engine, middlewares and
    /// tools are let go. The history stays readable.
    pub fn close(&self) {
        let (runner, active) = {
            let mut state = self.inner.state();
            (state.runner.take(), state.active.clone())
        };
        if let Some(active) = active {
            active.cancel(CancelReason::Shutdown("session is closed".into()));
        }
        drop(runner);
    }

    /// Checks, marks the session active and makes the run. Nothing runs until [`Run::drive`] is polled. A session
    /// without a turn to start from gives a run that fails with code `no_seed`.
    ///
    /// # Errors
    /// When a run is active, the session is closed, or runs are nested too deeply.
    pub fn begin(&self, seed: impl Into<Seed>, options: RunOptions) -> Result<Run, BeginError> {
        if options.parent.as_ref().is_some_and(|parent| parent.depth() >= MOST_NESTED) {
            return Err(BeginError::TooDeep { limit: MOST_NESTED });
        }
        let mut state = self.inner.state();
        let runner = state.idle_runner()?;
        let (seed, replaces) = seed_turn(seed.into(), state.history.latest());
        let seed = seed.filter(|turn| !turn.is_empty()).map(|mut turn| {
            turn.ensure_call_ids(state.history.latest());
            turn
        });
        let ids = RunIds {
            session_id: self.inner.id.clone(),
            inference_id: InferenceId::fresh(),
            turn_id: seed.as_ref().map_or_else(TurnId::fresh, |turn| turn.id.clone()),
        };
        let core = RunCore::start(RunSetup {
            ids,
            clock: self.inner.clock.clone(),
            tags: options.tags.map(Arc::new),
            trace_id: options.trace_id.or_else(|| seed.as_ref().and_then(trace_of)).map(Arc::from),
            token: RunToken::child_of(
                options.signal.iter().chain(options.parent.as_ref().map(RunContext::token)),
            ),
            seed_size: match &seed {
                Some(seed) if state.history.is_metered() => own_size(state.history.latest(), seed),
                _ => 0,
            },
            seed: seed.clone(),
            commit: commit(&self.inner, replaces, options.keep_partial),
            meter: state.history.meter(),
        });
        state.active = Some(core.clone());
        drop(state);
        // Not while the session is locked: it may look at it.
        let runner = runner.begun().unwrap_or(runner);
        let timeout = options.timeout.filter(|timeout| !timeout.is_zero());
        let own = timeout.map(|timeout| Deadline::after(&*self.inner.clock, timeout));
        let signalled = options.signal.as_ref().and_then(RunToken::time_left);
        let deadline = [
            signalled.map(|left| Deadline::after(&*self.inner.clock, left)),
            options.parent.as_ref().and_then(RunContext::deadline),
        ];
        let deadline = deadline.into_iter().fold(own, Deadline::nearest);
        let sinks = self.inner.sinks.iter().cloned().chain(options.sinks).collect();
        let ctx = RunContext::new(core, deadline, options.parent.as_ref(), Arc::new(Delivery::to(sinks)));
        // Only the run's own timeout is named in its error, not a nearer deadline of something around it.
        let named = timeout.filter(|_| deadline == own);
        Ok(Run::new(ctx, runner, seed, named))
    }
}

/// So many runs may be inside each other: each knows those around it.
const MOST_NESTED: usize = 100;

/// The trace that a turn belongs to already.
fn trace_of(turn: &Turn) -> Option<String> {
    turn_metadata::TRACE_ID.get(turn).ok().flatten()
}

/// The turn a run starts from, and whether its result replaces the latest turn.
fn seed_turn(seed: Seed, latest: Option<&Turn>) -> (Option<Turn>, bool) {
    match seed {
        Seed::Latest => (latest.cloned(), true),
        Seed::Turn(turn) => (Some(turn), false),
        Seed::Blocks(blocks) => {
            // A new turn: the conversation goes on, what is known about the old turn does not hold for it.
            let mut turn = Turn::new();
            if let Some(latest) = latest {
                turn.blocks = latest.blocks.clone();
                turn.data = latest.data.clone();
            }
            turn.blocks.extend(blocks.into_iter().map(Arc::new));
            (Some(turn), false)
        }
    }
}

/// Stores what a run ended with and marks the session idle. A session that is gone needs neither.
fn commit(session: &Arc<Inner>, replaces: bool, keep_partial: bool) -> Commit {
    let session: Weak<Inner> = Arc::downgrade(session);
    Box::new(move |outcome: &Outcome| {
        let Some(session) = session.upgrade() else { return };
        let turn = match outcome {
            Ok(turn) => Some(turn),
            Err(error) => error.partial_turn.as_deref().filter(|_| keep_partial),
        };
        let mut state = session.state();
        let finished = state.active.take();
        if let Some(turn) = turn.cloned() {
            if replaces {
                state.history.replace_latest(turn);
            } else {
                state.history.push(turn);
            }
        }
        drop(state);
        drop(finished);
    })
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("id", self.id())
            .field("turns", &self.turn_count())
            .finish_non_exhaustive()
    }
}
