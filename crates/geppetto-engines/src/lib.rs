//! Real models as engines: OpenAI (chat completions, and every server that speaks them), OpenAI Responses, Claude, Gemini
//! and Ollama.
//!
//! [`Engines`] makes them from [`Settings`]; what it is given says which keys there are, where they may go, and which
//! servers a script may name. The turn is authoritative: what a provider cannot take is an error before any request.
//!
//! ```no_run
//! use geppetto_engines::{Engines, Key, Policy, Settings};
//! use geppetto_inference::{RunOptions, Session};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let policy = Policy { keys: Key::from_environment(), ..Policy::default() };
//! let engines = Engines::new(tokio::runtime::Handle::current(), policy)?;
//! let settings = Settings { model: "claude-sonnet-4-5".to_owned(), ..Settings::default() };
//! let session = Session::builder(engines.make(settings)?).build();
//! let turn = session.begin("Hello!", RunOptions::default())?.drive().await;
//! # Ok(())
//! # }
//! ```
//!
//! What speaks to a provider runs as a task of the given tokio runtime: cancelling a run drops its connection at once,
//! whatever the thread that polls the run is doing.

mod api;
mod engine;
mod engines;
#[cfg(feature = "fake")]
pub mod fake;
mod http;
mod key_source;
mod overrides;
mod profiles;
mod providers;
mod recordings;
mod retry;
mod secret;
mod settings;

pub use api::{Api, UnknownApi};
pub use engines::{AnswerCheck, Engines, Key, Policy};
pub use key_source::KeySource;
pub use profiles::{Profile, ProfileError, Profiles};
pub use recordings::{Recorder, Replay};
pub use secret::Secret;
pub use settings::Settings;
