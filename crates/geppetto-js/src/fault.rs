//! What a host function fails with, and how it is thrown.

use crate::function::define;
use crate::vm::Vm;
use geppetto_inference::{InferenceError, NoActiveRun, RunEnded, RunError};
use geppetto_runner::{JsRef, Local, WaitError};
use rquickjs::object::Property;
use rquickjs::{Ctx, Error, Object, Value};

/// What a host function fails with, and what is thrown for it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Fault {
    /// Wrong arguments or options: a `TypeError`.
    Type(String),
    /// A run, or a session's refusal: a `RunError`.
    Run(Box<RunError>),
    /// A run that failed after its call had returned, and the stack of that call.
    StartedRun(Box<RunError>, String),
    /// Something else in words: an `Error`.
    Plain(String),
    /// The same, with what a script threw as its cause, and the stack of a call that had returned.
    Caused {
        /// In words.
        message: String,
        /// What was thrown.
        cause: Option<JsRef>,
        /// Where the call was made, if it had returned.
        started: Option<String>,
    },
    /// Reading a value threw: a getter, a revoked Proxy. The exception is pending.
    Read {
        /// What is pending.
        error: Error,
        /// The path of the value.
        path: String,
    },
    /// The engine's binding failed, or an exception is pending already.
    Js(Error),
}

/// What a host function returns.
pub type Fallible<T> = Result<T, Fault>;

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Js(error)
    }
}

impl From<RunError> for Fault {
    fn from(error: RunError) -> Self {
        Self::Run(Box::new(error))
    }
}

impl From<RunEnded> for Fault {
    fn from(error: RunEnded) -> Self {
        Self::Plain(error.to_string())
    }
}

impl From<NoActiveRun> for Fault {
    fn from(error: NoActiveRun) -> Self {
        Self::Plain(error.to_string())
    }
}

impl Fault {
    /// Wrong arguments or options.
    pub fn type_error(message: impl Into<String>) -> Self {
        Self::Type(message.into())
    }

    /// Why a session begins no run.
    pub(crate) fn refused(error: InferenceError, session: &geppetto_inference::Session) -> Self {
        RunError { error, session_id: session.id().clone(), inference_id: None, partial_turn: None }.into()
    }

    /// A synchronous wait that ended without its run.
    pub(crate) fn wait(error: WaitError) -> Self {
        Self::Plain(error.to_string())
    }

    /// The value that is thrown.
    pub(crate) fn into_value<'js>(self, ctx: &Ctx<'js>) -> rquickjs::Result<Value<'js>> {
        let vm = Vm::of(ctx);
        match self {
            Self::Type(message) => vm.type_error.construct((bounded(&message),)),
            Self::Plain(message) => vm.error.construct((bounded(&message),)),
            Self::Caused { message, cause, started } => {
                let options = Object::new(ctx.clone())?;
                if let Some(cause) = cause.and_then(|cause| cause.get(ctx)) {
                    define(&options, "cause", cause)?;
                }
                let error: Object<'js> = vm.error.construct((bounded(&message), options))?;
                if let Some(started) = started {
                    error.prop("stack", Property::from(started).writable().configurable())?;
                }
                Ok(error.into_value())
            }
            // An interruption stays what it is.
            Self::Read { error, .. } if !error.is_exception() || is_interrupted() => {
                Self::Js(error).into_value(ctx)
            }
            Self::Read { path, .. } => {
                let cause = ctx.catch();
                let thrown = geppetto_runner::JsError::from_value(&cause);
                let options = Object::new(ctx.clone())?;
                define(&options, "cause", cause)?;
                let message = bounded(&format!("{path}: reading it threw {thrown}"));
                vm.type_error.construct((message, options))
            }
            Self::Run(error) => crate::run_error::to_js(ctx, &error, None),
            Self::StartedRun(error, started) => crate::run_error::to_js(ctx, &error, Some(&started)),
            Self::Js(error) if error.is_exception() => Ok(ctx.catch()),
            // The binding's own errors are about types of arguments.
            Self::Js(error) => vm.type_error.construct((error.to_string(),)),
        }
    }

    /// Throws it.
    pub(crate) fn throw(self, ctx: &Ctx<'_>) -> Error {
        match self {
            Self::Js(error) if error.is_exception() => error,
            Self::Read { error, .. } if error.is_exception() && is_interrupted() => error,
            fault => match fault.into_value(ctx) {
                Ok(value) => ctx.throw(value),
                Err(error) => error,
            },
        }
    }
}

/// Longer messages are cut in their middle.
const MAX_MESSAGE: usize = 4096;

fn bounded(message: &str) -> String {
    crate::codec::shortened(message, MAX_MESSAGE)
}

/// Whether what is pending is an interruption, which nothing may turn into something else.
fn is_interrupted() -> bool {
    Local::current().is_some_and(|local| local.is_interrupted())
}
