//! The bridge from the host's side. One program, so that it is linked once.

mod callers;
mod condemned;
mod deliveries;
mod drops;
mod hosting;
mod hosts;
mod kept;
mod parked;
mod round_trip;
mod runtime;
mod sharing;

use async_trait::async_trait;
use geppetto_inference::{Engine, Failure, InferenceError, RunContext};
use geppetto_js::{EngineFactory, EngineRequest, Runtime, RuntimeBuilder, Source};
use geppetto_turns::Turn;
use std::sync::{Arc, Mutex, mpsc};

/// A host engine that never answers, and tells when it was reached.
pub(crate) struct Silent(pub(crate) Mutex<Option<mpsc::Sender<()>>>);

#[async_trait]
impl Engine for Silent {
    fn name(&self) -> Arc<str> {
        "silent".into()
    }

    async fn infer(&self, _turn: Turn, _ctx: &RunContext) -> Result<Turn, InferenceError> {
        if let Some(reached) = self.0.lock().unwrap().as_ref() {
            let _ = reached.send(());
        }
        std::future::pending().await
    }
}

/// Gives scripts the silent engine whatever they ask for.
pub(crate) struct SilentFactory(pub(crate) Mutex<Option<mpsc::Sender<()>>>);

impl EngineFactory for SilentFactory {
    fn create(&self, _request: EngineRequest) -> Result<Arc<dyn Engine>, Failure> {
        Ok(Arc::new(Silent(Mutex::new(self.0.lock().unwrap().clone()))))
    }
}

/// A runtime builder with the silent engine; the channel tells when it was reached.
pub(crate) fn silent() -> (RuntimeBuilder, mpsc::Receiver<()>) {
    let (reached, is_reached) = mpsc::channel();
    let factory = SilentFactory(Mutex::new(Some(reached)));
    (Runtime::builder().engine_factory(Arc::new(factory)), is_reached)
}

/// Runs a text to its end.
pub(crate) fn run(runtime: &Runtime, text: &str) {
    runtime.run_blocking(Source::text("test.js", text)).unwrap();
}

/// The value of an expression in the VM, as text.
pub(crate) fn read(runtime: &Runtime, expression: &'static str) -> String {
    let value = runtime
        .owner()
        .call_blocking("read", move |ctx| ctx.eval::<String, _>(format!("String({expression})")));
    value.unwrap().unwrap()
}
