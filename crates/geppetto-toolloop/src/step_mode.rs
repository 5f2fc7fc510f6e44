//! Step mode: runs that wait between their steps until somebody has looked.

use geppetto_events::{EventBody, InferenceId, SessionId};
use geppetto_inference::RunContext;
use geppetto_time::Deadline;
use std::collections::HashSet;
use std::fmt;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// Where a run waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PausePhase {
    /// The engine has answered and asks for tools, none of which has been called yet.
    AfterInference,
    /// Tools have answered; the engine comes next.
    AfterTools,
}

impl PausePhase {
    /// As events give it: `after_inference` or `after_tools`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AfterInference => "after_inference",
            Self::AfterTools => "after_tools",
        }
    }
}

/// A run that waits.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Pause {
    /// What [`StepController::resume`] takes.
    pub id: Arc<str>,
    /// The session of the run.
    pub session_id: SessionId,
    /// The run.
    pub inference_id: InferenceId,
    /// Where it waits.
    pub phase: PausePhase,
    /// What happens next, for people.
    pub summary: String,
    /// When it goes on by itself.
    pub deadline: Deadline,
}

/// No run waits with this id: it has gone on, has ended, or never was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no run is paused with the id {id:?}: it may have gone on already")]
pub struct UnknownPause {
    /// The id.
    pub id: String,
}

/// Pauses the runs of sessions after the engine has asked for tools, and after tools have answered. Clones are the same
/// controller; one may serve any number of sessions.
///
/// A paused run publishes `debugger.pause` and waits until it is resumed by the pause's id, or until its deadline. It
/// is still a run: it can be cancelled, and its timeout goes on.
///
/// ```
/// use geppetto_inference::{RunOptions, Session, engines::{ScriptedCall, ScriptedEngine, ScriptedResponse}};
/// use geppetto_toolloop::{LoopConfig, SessionSteps, SessionTools, StepController, ToolRegistry};
///
/// let call = ScriptedCall { name: "look".into(), ..ScriptedCall::default() };
/// let asks = ScriptedResponse { tool_calls: vec![call], ..ScriptedResponse::default() };
/// let engine = std::sync::Arc::new(ScriptedEngine::new(vec![asks, ScriptedResponse::default()]));
/// let steps = StepController::new();
/// let session =
///     Session::builder(engine).tools(ToolRegistry::new(), LoopConfig::default()).steps(steps.clone()).build();
/// steps.enable(session.id().clone());
/// let run = session.begin("Look around.", RunOptions::default()).unwrap();
/// # futures_lite::future::block_on(async {
/// let drive = run.drive();
/// let resume = async {
///     loop {
///         let pause = steps.paused().await;
///         println!("{}", pause.summary);
///         steps.resume(&pause.id).unwrap();
///     }
/// };
/// futures_lite::future::or(async { drop(drive.await) }, resume).await;
/// # });
/// ```
#[derive(Clone)]
pub struct StepController {
    inner: Arc<Inner>,
}

struct Inner {
    timeout: Duration,
    /// Moves only; nothing waits while it is held.
    state: Mutex<State>,
    /// Told when a pause begins or ends.
    changed: Notify,
}

#[derive(Default)]
struct State {
    all: bool,
    sessions: HashSet<SessionId>,
    waiting: Vec<(Pause, Arc<Notify>)>,
}

impl Default for StepController {
    fn default() -> Self {
        Self::new()
    }
}

impl StepController {
    /// A controller whose pauses end by themselves after 30 seconds. No session is paused until it is enabled.
    #[must_use]
    pub fn new() -> Self {
        Self::with_timeout(Duration::from_secs(30))
    }

    /// A controller whose pauses end by themselves after `timeout`.
    #[must_use]
    pub fn with_timeout(timeout: Duration) -> Self {
        let inner = Inner { timeout, state: Mutex::default(), changed: Notify::new() };
        Self { inner: Arc::new(inner) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Pauses the runs of a session from now on.
    pub fn enable(&self, session: SessionId) {
        self.state().sessions.insert(session);
    }

    /// Pauses the runs of all sessions that have this controller.
    pub fn enable_all(&self) {
        self.state().all = true;
    }

    /// Takes back what [`enable`](Self::enable) said of a session, and lets a pause of it go on.
    pub fn disable(&self, session: &SessionId) {
        let mut state = self.state();
        state.sessions.remove(session);
        state
            .waiting
            .iter()
            .filter(|(pause, _)| pause.session_id == *session)
            .for_each(|(_, go)| go.notify_one());
    }

    /// Whether the runs of a session are paused.
    #[must_use]
    pub fn is_enabled(&self, session: &SessionId) -> bool {
        let state = self.state();
        state.all || state.sessions.contains(session)
    }

    /// The runs that wait, in the order in which they began to.
    #[must_use]
    pub fn pauses(&self) -> Vec<Pause> {
        self.state().waiting.iter().map(|(pause, _)| pause.clone()).collect()
    }

    /// Waits until some run waits, and gives the first that does.
    pub async fn paused(&self) -> Pause {
        self.until(|pauses| pauses.first().cloned()).await
    }

    /// Waits until no run waits with this id: it was resumed or cancelled, or its time is over.
    pub async fn ended(&self, id: &str) {
        self.until(|pauses| pauses.iter().all(|pause| &*pause.id != id).then_some(())).await;
    }

    async fn until<T>(&self, found: impl Fn(&[Pause]) -> Option<T>) -> T {
        loop {
            let mut next = pin!(self.inner.changed.notified());
            next.as_mut().enable();
            if let Some(found) = found(&self.pauses()) {
                return found;
            }
            next.await;
        }
    }

    /// Lets a run go on.
    ///
    /// # Errors
    /// When no run waits with this id.
    pub fn resume(&self, id: &str) -> Result<(), UnknownPause> {
        let mut state = self.state();
        let at = state.waiting.iter().position(|(pause, _)| &*pause.id == id);
        let (_, go) = state.waiting.remove(at.ok_or_else(|| UnknownPause { id: id.to_owned() })?);
        go.notify_one();
        drop(state);
        self.inner.changed.notify_waiters();
        Ok(())
    }

    /// Waits, in the run's own future, until the run may go on.
    pub(crate) async fn pause(&self, phase: PausePhase, tools: &[&str], ctx: &RunContext) {
        if !self.is_enabled(&ctx.ids().session_id) {
            return;
        }
        let tools = tools.join(", ");
        let summary = match phase {
            PausePhase::AfterInference => format!("the model asks for {tools}"),
            PausePhase::AfterTools => format!("{tools} answered; the model comes next"),
        };
        let pause = Pause {
            id: geppetto_turns::fresh_id().into(),
            session_id: ctx.ids().session_id.clone(),
            inference_id: ctx.ids().inference_id.clone(),
            phase,
            summary: summary.clone(),
            deadline: Deadline::after(&**ctx.clock(), self.inner.timeout),
        };
        let (id, deadline, go) = (pause.id.clone(), pause.deadline, Arc::new(Notify::new()));
        self.state().waiting.push((pause, go.clone()));
        // Dropped with the run when that is cancelled.
        let _forget = Forget { controller: self, id: &id };
        let _ = ctx.publish(EventBody::DebuggerPause {
            pause_id: id.to_string(),
            phase: phase.as_str().to_owned(),
            summary,
            deadline_ms: deadline.unix_ms(),
        });
        // Whoever shows the pause has heard all that came before it.
        ctx.sinks_caught_up().await;
        self.inner.changed.notify_waiters();
        futures_util::future::select(pin!(go.notified()), ctx.clock().sleep_until(deadline.at())).await;
    }
}

/// A pause that is over is listed no longer.
struct Forget<'a> {
    controller: &'a StepController,
    id: &'a str,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        self.controller.state().waiting.retain(|(pause, _)| &*pause.id != self.id);
        self.controller.inner.changed.notify_waiters();
    }
}

impl fmt::Debug for StepController {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StepController").field("waiting", &self.pauses().len()).finish_non_exhaustive()
    }
}
