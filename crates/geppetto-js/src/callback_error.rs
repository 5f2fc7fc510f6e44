//! Why a callback has no result: what a script threw, returned or was kept from, and what a run makes of it.

use crate::fault::Fault;
use crate::run_error;
use geppetto_inference::{Failure, InferenceError, RunContext, RunError};
use geppetto_runner::{CallError, JsError, JsRef, Local};
use geppetto_time::whole_ms;
use geppetto_toolloop::{ToolContext, ToolError};
use rquickjs::{Ctx, Value};
use std::fmt;
use std::time::Duration;

/// What to use instead of what cannot wait for a promise: a synchronous run, or a plain `next`.
pub(crate) const ASYNCHRONOUSLY: &str =
    "use session.runAsync() or session.start(), and gp.middlewares.fromAsync() for middleware around it";

/// What a script threw: bounded text, and the very object for those who stay in its VM.
#[derive(Debug, Clone)]
pub(crate) struct Thrown {
    error: JsError,
    pub(crate) value: JsRef,
    run_error: Option<Box<RunError>>,
    retryable: Option<bool>,
    status: Option<u16>,
}

/// Why a callback has no result.
#[derive(Debug)]
pub(crate) enum CallbackError {
    Thrown(Thrown),
    /// It returned something that cannot be used.
    Invalid(String),
    /// It returned a promise where nothing can wait for one.
    Promise,
    Call(CallError),
}

/// A fault on the way, as what the callback failed with.
pub(crate) fn caught<'js>(ctx: &Ctx<'js>, fault: Fault) -> CallbackError {
    match fault {
        Fault::Type(message) | Fault::Plain(message) => CallbackError::Invalid(message),
        fault => match fault.into_value(ctx) {
            Ok(value) => thrown(ctx, value),
            Err(error) => CallbackError::Invalid(error.to_string()),
        },
    }
}

/// What a thrown value tells.
pub(crate) fn thrown<'js>(ctx: &Ctx<'js>, value: Value<'js>) -> CallbackError {
    let Some(local) = Local::current() else { return CallbackError::Call(CallError::Closed) };
    let error = JsError::from_value(&value);
    let (retryable, status) = retry_facts(&value);
    CallbackError::Thrown(Thrown {
        error,
        run_error: run_error::carried(ctx, &value).map(Box::new),
        value: JsRef::new(&local, value),
        retryable,
        status,
    })
}

/// What a thrown error says of itself: an engine in a script can tell as much as one in Rust.
fn retry_facts(value: &Value<'_>) -> (Option<bool>, Option<u16>) {
    let Some(object) = value.as_object().filter(|object| object.is_error()) else { return (None, None) };
    let read = |key| object.get::<_, Value<'_>>(key).inspect_err(|_| drop(object.ctx().catch())).ok();
    let retryable = read("retryable").and_then(|value| value.as_bool());
    let status = read("status").and_then(|value| u16::try_from(value.as_int()?).ok());
    (retryable, status)
}

impl Thrown {
    pub(crate) fn into_error(self) -> JsError {
        self.error
    }
}

impl fmt::Display for Thrown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.error.message.is_empty() {
            let what = if self.error.name.is_empty() { "a value" } else { &self.error.name };
            return write!(f, "{what} was thrown without a message");
        }
        // `Error: ` before a message says nothing; the name of any other error does.
        match self.error.name.as_str() {
            "Error" | "RunError" => f.write_str(&self.error.message),
            _ => self.error.fmt(f),
        }
    }
}

impl std::error::Error for Thrown {}

fn interrupted(after: Duration) -> String {
    format!("a callback computed for {} ms and was interrupted", whole_ms(after))
}

impl CallbackError {
    /// What a run fails with because of this, unless it is one of its own errors that was thrown on.
    pub(crate) fn in_run(
        self,
        run: &RunContext,
        hint: &str,
        wrap: impl FnOnce(Failure) -> InferenceError,
    ) -> InferenceError {
        match self {
            Self::Thrown(Thrown { run_error: Some(error), .. })
                if error.inference_id.as_ref() == Some(&run.ids().inference_id) =>
            {
                error.error
            }
            Self::Call(CallError::Interrupted { .. } | CallError::Stranded) => {
                run.check().err().unwrap_or_else(|| InferenceError::Limit { failure: self.failure(hint) })
            }
            Self::Call(CallError::Closed) => {
                InferenceError::Shutdown { what: "the runtime was shut down".into() }
            }
            Self::Call(CallError::OutOfMemory | CallError::Condemned { .. } | CallError::TooDeep { .. }) => {
                InferenceError::Limit { failure: self.failure(hint) }
            }
            Self::Call(_) => InferenceError::Internal { failure: self.failure(hint) },
            other => wrap(other.failure(hint)),
        }
    }

    /// In words. `hint` is what to use instead of a promise.
    pub(crate) fn failure(self, hint: &str) -> Failure {
        match self {
            Self::Thrown(thrown) => Failure {
                message: thrown.to_string(),
                retryable: thrown.retryable,
                status: thrown.status,
                source: Some(std::sync::Arc::new(thrown)),
            },
            Self::Invalid(message) => Failure::new(message),
            Self::Promise => Failure::new(format!(
                "it returned a Promise, but nothing can wait for one inside a synchronous call: {hint}"
            )),
            Self::Call(CallError::Interrupted { after }) => Failure::new(interrupted(after)),
            Self::Call(error) => Failure::because(error.to_string(), error),
        }
    }

    /// What a tool call fails with because of this.
    pub(crate) fn in_tool(self, ctx: &ToolContext) -> ToolError {
        let (is_over, hint) = match &ctx.run {
            Some(run) => (run.check().is_err(), ASYNCHRONOUSLY),
            None => (ctx.token.is_cancelled(), "use callAsync()"),
        };
        match self {
            Self::Call(CallError::Interrupted { after }) if is_over => ToolError::TimedOut { after },
            other => ToolError::Failed(other.failure(hint)),
        }
    }
}
