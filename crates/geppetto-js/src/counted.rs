//! What Rust keeps of a script's values, counted as long as somebody uses them: a session outlives the handles of its parts.

use geppetto_events::Kept;
use geppetto_inference::{Engine, InferenceError, Middleware, Next, RunContext};
use geppetto_turns::Turn;
use std::pin::Pin;
use std::sync::Arc;

/// An engine or a middleware with what it takes.
pub(crate) struct Counted<T: ?Sized> {
    inner: Arc<T>,
    _kept: Kept,
}

impl<T: ?Sized> Counted<T> {
    pub(crate) fn new(inner: Arc<T>, kept: Kept) -> Self {
        Self { inner, _kept: kept }
    }
}

/// The future of a method, as `async_trait` has it.
type Answer<'a> = Pin<Box<dyn Future<Output = Result<Turn, InferenceError>> + Send + 'a>>;

// Without futures of their own around the ones they stand for.
impl Engine for Counted<dyn Engine> {
    fn name(&self) -> Arc<str> {
        self.inner.name()
    }

    fn infer<'a, 'b, 'async_trait>(&'a self, turn: Turn, ctx: &'b RunContext) -> Answer<'async_trait>
    where
        'a: 'async_trait,
        'b: 'async_trait,
        Self: 'async_trait,
    {
        self.inner.infer(turn, ctx)
    }
}

impl Middleware for Counted<dyn Middleware> {
    fn name(&self) -> Arc<str> {
        self.inner.name()
    }

    fn handle<'a, 'b, 'async_trait>(
        &'a self,
        turn: Turn,
        next: Next,
        ctx: &'b RunContext,
    ) -> Answer<'async_trait>
    where
        'a: 'async_trait,
        'b: 'async_trait,
        Self: 'async_trait,
    {
        self.inner.handle(turn, next, ctx)
    }
}
