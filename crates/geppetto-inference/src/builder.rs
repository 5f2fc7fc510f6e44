//! Builds a session.

use crate::session::SessionParts;
use crate::{Engine, EngineChain, InferenceError, InferenceRunner, Middleware, RunContext, Session};
use async_trait::async_trait;
use geppetto_events::{EventSink, MemoryMeter, SessionId};
use geppetto_time::{Clock, SystemClock};
use geppetto_turns::Turn;
use std::sync::Arc;

/// Makes the runner of a session from its engine and middlewares.
pub trait RunnerFactory {
    /// The runner.
    fn runner(self, chain: EngineChain) -> Arc<dyn InferenceRunner>;
}

/// One engine call a run: what a session does without tools.
#[derive(Debug, Clone, Copy, Default)]
pub struct SingleCall;

struct SingleCallRunner(EngineChain);

impl RunnerFactory for SingleCall {
    fn runner(self, chain: EngineChain) -> Arc<dyn InferenceRunner> {
        Arc::new(SingleCallRunner(chain))
    }
}

#[async_trait]
impl InferenceRunner for SingleCallRunner {
    async fn run(&self, turn: Turn, ctx: &RunContext) -> Result<Turn, InferenceError> {
        let turn = self.0.call(turn, ctx).await?;
        ctx.checkpoint(&turn);
        Ok(turn)
    }
}

/// Builds a session. The tool loop adds `tools` and `hooks` to it.
pub struct SessionBuilder<F = SingleCall> {
    engine: Arc<dyn Engine>,
    middlewares: Vec<Arc<dyn Middleware>>,
    factory: F,
    parts: SessionParts,
}

impl SessionBuilder {
    pub(crate) fn new(engine: Arc<dyn Engine>) -> Self {
        let parts = SessionParts {
            id: None,
            history: Vec::new(),
            sinks: Vec::new(),
            clock: Arc::new(SystemClock) as Arc<dyn Clock>,
            meter: None,
            settings_size: 0,
        };
        Self { engine, middlewares: Vec::new(), factory: SingleCall, parts }
    }
}

impl<F> SessionBuilder<F> {
    /// Adds a middleware inside those that are there.
    #[must_use]
    pub fn middleware(mut self, middleware: Arc<dyn Middleware>) -> Self {
        self.middlewares.push(middleware);
        self
    }

    /// The session's id; a fresh one otherwise.
    #[must_use]
    pub fn id(mut self, id: impl Into<SessionId>) -> Self {
        self.parts.id = Some(id.into());
        self
    }

    /// The turns the session begins with, oldest first.
    #[must_use]
    pub fn history(mut self, turns: Vec<Turn>) -> Self {
        self.parts.history = turns;
        self
    }

    /// A sink for the events of all runs.
    #[must_use]
    pub fn sink(mut self, sink: Arc<dyn EventSink>) -> Self {
        self.parts.sinks.push(sink);
        self
    }

    /// The clock the session goes by; the system's otherwise.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.parts.clock = clock;
        self
    }

    /// Counts what the session keeps: its history, and the events of its runs.
    #[must_use]
    pub fn meter(mut self, meter: Arc<dyn MemoryMeter>) -> Self {
        self.parts.meter = Some(meter);
        self
    }

    /// About as many bytes as its settings take, which are counted with it; 0 otherwise.
    #[must_use]
    pub fn settings_size(mut self, bytes: usize) -> Self {
        self.parts.settings_size = bytes;
        self
    }

    /// The same with another way to make its runner. For crates that extend the builder.
    #[must_use]
    pub fn map_factory<G>(self, map: impl FnOnce(F) -> G) -> SessionBuilder<G> {
        let Self { engine, middlewares, factory, parts } = self;
        SessionBuilder { engine, middlewares, factory: map(factory), parts }
    }
}

impl<F: RunnerFactory> SessionBuilder<F> {
    /// The session.
    #[must_use]
    pub fn build(self) -> Session {
        let chain = EngineChain::new(self.engine, self.middlewares);
        Session::new(self.factory.runner(chain), self.parts)
    }
}
