//! What a callback of a run knows and may do: one explicit argument, cheap to clone.

use crate::delivery::Delivery;
use crate::error::RunEnded;
use crate::progress::{MIDDLEWARE, StreamId, Voice};
use crate::{InferenceError, RunCore, RunToken};
use geppetto_events::{EventBody, EventOrigin, LogLevel, RunIds, ToolCallDelta, ToolCallInfo};
use geppetto_time::{Clock, Deadline};
use geppetto_turns::{Map, Turn, TurnId};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The context of a run as one engine, middleware, tool or hook sees it.
///
/// A part of a run that has a deadline or an origin of its own gets a context made with [`with_deadline`]
/// (a child token and the nearer deadline) or [`with_origin`].
///
/// [`with_deadline`]: RunContext::with_deadline
/// [`with_origin`]: RunContext::with_origin
#[derive(Debug, Clone)]
pub struct RunContext {
    core: RunCore,
    deadline: Option<Deadline>,
    token: RunToken,
    origin: Arc<EventOrigin>,
    scope: u64,
    /// How many runs it is inside.
    depth: usize,
    engine_name: Arc<str>,
    /// The engine call it belongs to: what is streamed through it is that call's.
    stream: StreamId,
    delivery: Arc<Delivery>,
}

static NEXT_SCOPE: AtomicU64 = AtomicU64::new(1);

impl RunContext {
    /// The context of a whole run. A child run belongs to the scope of its parent.
    pub(crate) fn new(
        core: RunCore,
        deadline: Option<Deadline>,
        parent: Option<&Self>,
        delivery: Arc<Delivery>,
    ) -> Self {
        Self {
            token: core.token().clone(),
            core,
            deadline,
            origin: Arc::default(),
            depth: parent.map_or(0, |parent| parent.depth + 1),
            scope: parent.map_or_else(|| NEXT_SCOPE.fetch_add(1, Ordering::Relaxed), |parent| parent.scope),
            engine_name: "".into(),
            stream: MIDDLEWARE,
            delivery,
        }
    }

    /// The same with a nearer deadline, if it is nearer, and a token of its own that the parent's cancels too.
    #[must_use]
    pub fn with_deadline(&self, deadline: Option<Deadline>) -> Self {
        let deadline = Deadline::nearest(self.deadline, deadline);
        Self { deadline, token: self.token.child(), ..self.clone() }
    }

    /// The same for a callback that custom events should name.
    #[must_use]
    pub fn with_origin(&self, origin: EventOrigin) -> Self {
        Self { origin: Arc::new(origin), ..self.clone() }
    }

    pub(crate) fn with_engine_name(&self, engine_name: Arc<str>) -> Self {
        Self { engine_name, ..self.clone() }
    }

    pub(crate) fn with_stream(&self, stream: StreamId) -> Self {
        Self { stream, ..self.clone() }
    }

    /// The run's shared core.
    #[must_use]
    pub fn core(&self) -> &RunCore {
        &self.core
    }

    /// The ids of the session, the run and its turn.
    #[must_use]
    pub fn ids(&self) -> &Arc<RunIds> {
        self.core.ids()
    }

    /// The id of the turn the run produces.
    #[must_use]
    pub fn turn_id(&self) -> &TurnId {
        &self.ids().turn_id
    }

    /// The application's tags.
    #[must_use]
    pub fn tags(&self) -> Option<&Arc<Map>> {
        self.core.tags()
    }

    /// The trace the run belongs to.
    #[must_use]
    pub fn trace_id(&self) -> Option<&Arc<str>> {
        self.core.trace_id()
    }

    /// The nearest deadline.
    #[must_use]
    pub fn deadline(&self) -> Option<Deadline> {
        self.deadline
    }

    /// Tells the work to end.
    #[must_use]
    pub fn token(&self) -> &RunToken {
        &self.token
    }

    /// Whether the work may go on. Loops ask between their steps, so that one that never waits ends too.
    ///
    /// # Errors
    /// Why it has to end.
    pub fn check(&self) -> Result<(), InferenceError> {
        if let Some(reason) = self.token.reason() {
            return Err(reason.into());
        }
        match self.deadline {
            Some(deadline) if deadline.is_past(&**self.clock()) => {
                Err(InferenceError::Timeout { after: None })
            }
            _ => Ok(()),
        }
    }

    /// To be awaited before something new is begun: while the work may go on this returns at once. Once it has to end
    /// it never does, and whoever drives the run ends it.
    pub async fn may_begin(&self) {
        if self.check().is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// The clock the run goes by.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        self.core.clock()
    }

    /// The callback that custom events name.
    #[must_use]
    pub fn origin(&self) -> &EventOrigin {
        &self.origin
    }

    /// The name of the engine that the current call will reach; empty outside an engine call.
    #[must_use]
    pub fn engine_name(&self) -> &Arc<str> {
        &self.engine_name
    }

    /// A number that this run shares with the runs inside it and with no other. A runtime owner serves the calls of
    /// a scope while it waits for that scope.
    #[must_use]
    pub fn scope(&self) -> u64 {
        self.scope
    }

    /// How many runs it is inside.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    /// Streams a piece of the answer.
    ///
    /// # Errors
    /// When the run has ended.
    pub fn partial(&self, delta: &str) -> Result<(), RunEnded> {
        self.core.speak(self.stream, Voice::Text, delta)
    }

    /// Streams a piece of the reasoning.
    ///
    /// # Errors
    /// When the run has ended.
    pub fn thinking(&self, delta: &str) -> Result<(), RunEnded> {
        self.core.speak(self.stream, Voice::Thinking, delta)
    }

    /// Streams a piece of a tool call that is not complete yet.
    ///
    /// # Errors
    /// When the run has ended.
    pub fn tool_call_delta(&self, tool_call: ToolCallDelta) -> Result<(), RunEnded> {
        self.publish(EventBody::ToolCallDelta { tool_call })
    }

    /// Tells of a complete tool call before the engine has ended. Calls that an engine returns without telling are
    /// told when it ends.
    ///
    /// # Errors
    /// When the run has ended.
    pub fn tool_call(&self, call: ToolCallInfo) -> Result<(), RunEnded> {
        self.core.tell_call(self.stream, call)
    }

    /// Publishes an event of the application.
    ///
    /// # Errors
    /// When the run has ended.
    pub fn emit(&self, name: impl Into<String>, data: Option<Value>) -> Result<(), RunEnded> {
        let origin = (*self.origin).clone();
        self.publish(EventBody::Custom { name: name.into(), data, origin })
    }

    /// Writes a line to the host's log, with the ids of the run, and a `log` event while the run goes on.
    pub fn log(&self, level: LogLevel, message: &str, fields: Map) {
        log_line(Some(self.ids()), level, message, &fields);
        let body = EventBody::Log { level, message: message.to_owned(), fields };
        // After the end the line is in the host's log; the run's own log is closed.
        let _ = self.publish(body);
    }

    /// Publishes any event.
    ///
    /// # Errors
    /// When the run has ended.
    pub fn publish(&self, body: EventBody) -> Result<(), RunEnded> {
        self.core.publish(body)
    }

    /// A step is complete: if the run ends early from here, its partial turn builds on this one.
    pub fn checkpoint(&self, turn: &Turn) {
        self.core.checkpoint(turn.clone());
    }

    /// Ends a run that whoever drives it will never end: commits the error, appends `run-finished`, and gives sinks
    /// what they take at once. Nothing happens when the run has ended.
    pub fn abandon(&self, error: InferenceError) {
        if self.core.finish(Err(error)) {
            self.delivery.flush_now(&self.core);
        }
    }

    pub(crate) fn delivery(&self) -> Arc<Delivery> {
        self.delivery.clone()
    }

    /// Waits until the run's sinks have taken what was published, for a bounded time.
    pub async fn sinks_caught_up(&self) {
        self.delivery.caught_up(&self.core).await;
    }
}

/// Writes a line of a script to the host's log, with the ids of its run, if it belongs to one.
pub fn log_line(ids: Option<&RunIds>, level: LogLevel, message: &str, fields: &Map) {
    let session_id = ids.map(|ids| ids.session_id.as_str());
    let inference_id = ids.map(|ids| ids.inference_id.as_str());
    let fields = if fields.is_empty() { String::new() } else { Value::Object(fields.clone()).to_string() };
    macro_rules! line {
        ($level:ident) => {
            tracing::event!(tracing::Level::$level, session_id, inference_id, fields, "{message}")
        };
    }
    match level {
        LogLevel::Debug => line!(DEBUG),
        LogLevel::Info => line!(INFO),
        LogLevel::Warn => line!(WARN),
        LogLevel::Error => line!(ERROR),
    }
}
