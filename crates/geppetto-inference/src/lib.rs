//! Engines, middleware, sessions and runs.
//!
//! A [`Session`] owns a conversation. [`Session::begin`] checks and marks it active; the [`Run`] it returns is one
//! future: polling it is running it, dropping it is cancelling it, and everything the run does concurrently is
//! inside it. A run works on a copy of the conversation and commits it in one step when it succeeds.
//!
//! ```
//! use geppetto_inference::{RunOptions, Session, engines::EchoEngine};
//! use std::sync::Arc;
//!
//! let session = Session::builder(Arc::new(EchoEngine::new("Hello!"))).build();
//! let run = session.begin("Hi", RunOptions::default()).unwrap();
//! let events = run.handle().events(0);
//! let turn = futures_lite::future::block_on(run.drive()).unwrap();
//! assert_eq!(turn.last_assistant_text(), Some("Hello!"));
//! assert!(events.clone().try_next().is_some());
//! ```
//!
//! The crate knows neither tools nor scripts: a session drives an [`InferenceRunner`], and the tool loop is one.

mod builder;
mod context;
mod delivery;
mod engine;
pub mod engines;
mod error;
mod history;
mod middleware;
pub mod middlewares;
mod options;
mod progress;
mod run;
mod run_core;
#[cfg(all(test, shuttle))]
mod schedules;
mod session;
mod token;

/// The events that runs tell, for programs that depend on this crate alone.
pub use geppetto_events as events;

pub use builder::{RunnerFactory, SessionBuilder, SingleCall};
pub use context::{RunContext, log_line};
pub use engine::{Engine, InferenceRunner};
pub use error::{BeginError, Failure, InferenceError, NoActiveRun, RunEnded, RunError};
pub use middleware::{EngineChain, Middleware, Next};
pub use options::{RunOptions, Seed};
pub use run::{Run, RunHandle, panic_message};
pub use run_core::RunCore;
pub use session::Session;
pub use token::{CancelReason, RunToken};
