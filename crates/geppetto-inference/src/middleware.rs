//! Middleware: what stands around each engine call.

use crate::engine::call_engine;
use crate::{Engine, Failure, InferenceError, RunContext};
use async_trait::async_trait;
use futures_util::future::BoxFuture;
use geppetto_events::EventOrigin;
use geppetto_turns::Turn;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tracing::Instrument;

/// Stands around each engine call: may change the turn before it, the result after it, call the rest several times,
/// with another engine, or not at all.
///
/// Middlewares run in the order they were added, the first outermost. `next` is revoked when `handle` ends, however
/// it ends. Dropping the future of `handle` drops what it waits for.
#[async_trait]
pub trait Middleware: Send + Sync {
    /// The middleware's name, as events and errors give it.
    fn name(&self) -> Arc<str>;

    /// Produces the turn for this engine call.
    ///
    /// # Errors
    /// What `next` failed with, or an error of its own.
    async fn handle(&self, turn: Turn, next: Next, ctx: &RunContext) -> Result<Turn, InferenceError>;
}

/// An engine with its middlewares: one engine call of a run.
#[derive(Clone)]
pub struct EngineChain {
    engine: Arc<dyn Engine>,
    middlewares: Arc<[Arc<dyn Middleware>]>,
}

impl EngineChain {
    /// The chain of these middlewares around this engine.
    pub fn new(engine: Arc<dyn Engine>, middlewares: impl IntoIterator<Item = Arc<dyn Middleware>>) -> Self {
        Self { engine, middlewares: middlewares.into_iter().collect() }
    }

    /// One engine call. The result has the run's turn id, and an id for every tool call. Where no engine ran, what
    /// the middlewares added is told as an engine's answer would be.
    ///
    /// # Errors
    /// What a middleware or the engine failed with.
    pub async fn call(&self, turn: Turn, ctx: &RunContext) -> Result<Turn, InferenceError> {
        ctx.check()?;
        let core = ctx.core();
        let answers = core.open_chain();
        let before = turn.clone();
        let ctx_here = ctx.with_engine_name(self.engine.name());
        let mut turn = self.call_from(0, self.engine.clone(), turn, &ctx_here).await?;
        // What an engine alone answers was seen to already.
        let is_settled = self.middlewares.is_empty();
        core.close_chain(answers, if is_settled { Vec::new() } else { turn.settle_added(&before) });
        Ok(turn)
    }

    fn call_from<'a>(
        &'a self,
        index: usize,
        engine: Arc<dyn Engine>,
        mut turn: Turn,
        ctx: &'a RunContext,
    ) -> BoxFuture<'a, Result<Turn, InferenceError>> {
        Box::pin(async move {
            // A run's turn id is fixed, whatever a middleware makes of it on the way in or out.
            turn.id = ctx.turn_id().clone();
            let Some(middleware) = self.middlewares.get(index) else {
                let span = tracing::debug_span!("engine", engine = &*engine.name());
                return call_engine(&*engine, turn, ctx).instrument(span).await;
            };
            let name = middleware.name();
            let origin = EventOrigin { middleware_name: Some(name.clone()), ..EventOrigin::default() };
            let ctx = ctx.with_origin(origin).with_engine_name(engine.name());
            let live = Live::new();
            let next = Next {
                chain: self.clone(),
                index: index + 1,
                engine,
                ctx: ctx.with_origin(EventOrigin::default()),
                middleware: name,
                live: live.flag.clone(),
            };
            let mut turn = middleware.handle(turn, next, &ctx).await?;
            turn.id = ctx.turn_id().clone();
            Ok(turn)
        })
    }
}

impl fmt::Debug for EngineChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.middlewares.iter().map(|middleware| middleware.name()).collect();
        f.debug_struct("EngineChain")
            .field("engine", &self.engine.name())
            .field("middlewares", &names)
            .finish()
    }
}

/// True until it is dropped with the middleware's call.
struct Live {
    flag: Arc<AtomicBool>,
}

impl Live {
    fn new() -> Self {
        Self { flag: Arc::new(AtomicBool::new(true)) }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.flag.store(false, Ordering::Release);
    }
}

/// The rest of an engine call: the middlewares further in, and the engine. May be cloned, sent, and called several
/// times while its middleware runs.
#[derive(Debug, Clone)]
pub struct Next {
    chain: EngineChain,
    index: usize,
    engine: Arc<dyn Engine>,
    ctx: RunContext,
    middleware: Arc<str>,
    live: Arc<AtomicBool>,
}

impl Next {
    /// The same rest with another engine at its end.
    #[must_use]
    pub fn with_engine(&self, engine: Arc<dyn Engine>) -> Self {
        Self { engine, ..self.clone() }
    }

    /// Runs the rest.
    ///
    /// # Errors
    /// What it failed with; or code `middleware` when the middleware it was given to has ended.
    pub async fn call(&self, turn: Turn) -> Result<Turn, InferenceError> {
        if !self.live.load(Ordering::Acquire) {
            let failure = Failure::new("next was called after the middleware had ended");
            return Err(InferenceError::middleware(self.middleware.clone(), failure));
        }
        self.ctx.check()?;
        self.chain.call_from(self.index, self.engine.clone(), turn, &self.ctx).await
    }

    /// The context of the run.
    #[must_use]
    pub fn context(&self) -> &RunContext {
        &self.ctx
    }
}

impl fmt::Debug for dyn Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Engine({})", self.name())
    }
}

impl fmt::Debug for dyn Middleware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Middleware({})", self.name())
    }
}
