//! What can go wrong with a run, each with the code that programs rely on.

use geppetto_events::{ErrorCode, InferenceId, SessionId};
use geppetto_turns::Turn;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Why a part of a run failed: what it said, and what is known about trying again.
#[derive(Debug, Clone, Default)]
pub struct Failure {
    /// In words, for people.
    pub message: String,
    /// Whether trying again may help, where known.
    pub retryable: Option<bool>,
    /// The HTTP status of a provider, where there was one.
    pub status: Option<u16>,
    /// The error behind it.
    pub source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Failure {
    /// A failure of which only the message is known.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), ..Self::default() }
    }

    /// A failure caused by `source`.
    pub fn because(message: impl Into<String>, source: impl StdError + Send + Sync + 'static) -> Self {
        Self { source: Some(Arc::new(source)), ..Self::new(message) }
    }

    /// A failure that a wrong option of the caller's is the reason of: scripts get a `TypeError` for it.
    pub fn misuse(message: impl Into<String>) -> Self {
        Self::because(message, Misuse)
    }

    /// Whether a wrong option of the caller's is the reason.
    #[must_use]
    pub fn is_misuse(&self) -> bool {
        self.source.as_deref().is_some_and(|source| source.is::<Misuse>())
    }
}

/// Stands behind failures that are the caller's own.
#[derive(Debug, thiserror::Error)]
#[error("an option of the caller's is wrong")]
struct Misuse;

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An empty error would look like none.
        f.write_str(if self.message.is_empty() { "failed without a message" } else { &self.message })
    }
}

impl StdError for Failure {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_ref().map(|source| &**source as _)
    }
}

/// What an engine, a middleware or the tool loop fails with. Each variant has its [`ErrorCode`].
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the fields say themselves in the messages")]
pub enum InferenceError {
    /// The session has an active run; one at a time.
    #[error("session already has an active inference")]
    Busy,
    /// There is no turn to start from, or it is empty.
    #[error("session has no seed turn")]
    NoSeed,
    /// Somebody cancelled the run, or dropped it.
    #[error("the run was cancelled{}", reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default())]
    Cancelled { reason: Option<Arc<str>> },
    /// A deadline passed: the run's own, or that of something around it.
    #[error("the run timed out{}", after.map(|after| format!(" after {} ms", after.as_millis())).unwrap_or_default())]
    Timeout { after: Option<Duration> },
    /// The model kept asking for tools.
    #[error(
        "the tool loop reached its limit of {max_iterations} iterations; raise maxIterations or look at what the model keeps asking for"
    )]
    MaxIterations { max_iterations: u32 },
    /// An engine failed.
    #[error("engine {engine} failed: {failure}")]
    Engine { engine: Arc<str>, failure: Failure },
    /// A middleware failed.
    #[error("middleware {middleware} failed: {failure}")]
    Middleware { middleware: Arc<str>, failure: Failure },
    /// A tool failed and the policy is to end the run.
    #[error("tool {tool} failed: {failure}")]
    Tool { tool: Arc<str>, call_id: Arc<str>, failure: Failure },
    /// A hook failed outside a call.
    #[error("{hook} hook failed: {failure}")]
    Hook { hook: Arc<str>, failure: Failure },
    /// A script broke a rule of the runtime.
    #[error("{failure}")]
    Script { failure: Failure },
    /// A limit of the runtime was reached.
    #[error("{failure}")]
    Limit { failure: Failure },
    /// The session was closed, or the runtime was shut down.
    #[error("{what}")]
    Shutdown { what: Arc<str> },
    /// A bug in geppetto or in host code, such as a panic.
    #[error("internal error: {failure}")]
    Internal { failure: Failure },
}

impl InferenceError {
    /// The engine `engine` failed.
    pub fn engine(engine: impl Into<Arc<str>>, failure: Failure) -> Self {
        Self::Engine { engine: engine.into(), failure }
    }

    /// The middleware `middleware` failed.
    pub fn middleware(middleware: impl Into<Arc<str>>, failure: Failure) -> Self {
        Self::Middleware { middleware: middleware.into(), failure }
    }

    /// The code that programs rely on.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Busy => ErrorCode::Busy,
            Self::NoSeed => ErrorCode::NoSeed,
            Self::Cancelled { .. } => ErrorCode::Cancelled,
            Self::Timeout { .. } => ErrorCode::Timeout,
            Self::MaxIterations { .. } => ErrorCode::MaxIterations,
            Self::Engine { .. } => ErrorCode::Engine,
            Self::Middleware { .. } => ErrorCode::Middleware,
            Self::Tool { .. } => ErrorCode::ToolError,
            Self::Hook { .. } => ErrorCode::Hook,
            Self::Script { .. } => ErrorCode::Script,
            Self::Limit { .. } => ErrorCode::Limit,
            Self::Shutdown { .. } => ErrorCode::Shutdown,
            Self::Internal { .. } => ErrorCode::Internal,
        }
    }

    /// What is known about the failure, for the codes that have one.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Engine { failure, .. }
            | Self::Middleware { failure, .. }
            | Self::Tool { failure, .. }
            | Self::Hook { failure, .. }
            | Self::Script { failure }
            | Self::Limit { failure }
            | Self::Internal { failure } => Some(failure),
            _ => None,
        }
    }
}

/// A run that did not produce a turn.
#[derive(Debug, Clone)]
pub struct RunError {
    /// What went wrong.
    pub error: InferenceError,
    /// The session.
    pub session_id: SessionId,
    /// The run; absent when it never began.
    pub inference_id: Option<InferenceId>,
    /// Everything that had completed, partial text included, every pending call closed by an error: it can be
    /// appended and continued. Absent when the run had nothing to start from.
    pub partial_turn: Option<Box<Turn>>,
}

impl RunError {
    /// The code that programs rely on.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        self.error.code()
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl StdError for RunError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source = self.error.failure()?.source.as_ref()?;
        Some(&**source)
    }
}

/// Why a run could not begin. Nothing was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BeginError {
    /// The session has an active run; one at a time.
    #[error("session already has an active inference")]
    Busy,
    /// The session was closed.
    #[error("session is closed")]
    Closed,
    /// It would be inside more runs than may be inside each other.
    #[error("runs are nested more than {limit} deep")]
    TooDeep {
        /// How deep they may be.
        limit: usize,
    },
}

impl From<BeginError> for InferenceError {
    fn from(error: BeginError) -> Self {
        match error {
            BeginError::Busy => Self::Busy,
            BeginError::Closed => Self::Shutdown { what: "session is closed".into() },
            BeginError::TooDeep { .. } => Self::Limit { failure: Failure::new(error.to_string()) },
        }
    }
}

/// There was no run to cancel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("session has no active inference")]
pub struct NoActiveRun;

/// The run, or the engine call that something is said in, has ended: it takes no further events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the run or engine call has ended; nothing can be published any more")]
pub struct RunEnded;
