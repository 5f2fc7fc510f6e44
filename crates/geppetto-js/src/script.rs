//! Scripts: where they come from, and what becomes of them.

use crate::fault::Fault;
use crate::loader::{self, Kind};
use crate::promise::{keep, when_settled};
use crate::vm::Vm;
use futures_util::future::{Either, select};
use geppetto_inference::CancelReason;
use geppetto_runner::{CallError, ErrorReport, JsError, JsRef, OwnerRef};
use geppetto_turns::did_you_mean;
use rquickjs::{Ctx, Value};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use tokio::sync::watch;

/// A script to run.
#[derive(Debug, Clone)]
pub enum Source {
    /// A file. Its relative modules are resolved beneath its folder, which has to be the runtime's.
    File(PathBuf),
    /// A text with a name for its errors. It has no relative modules.
    Text {
        /// The name.
        name: String,
        /// The text.
        text: String,
    },
}

impl Source {
    /// A text with a name for its errors.
    pub fn text(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self::Text { name: name.into(), text: text.into() }
    }
}

/// Why a script did not run to its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScriptError {
    /// It could not be read.
    #[error("could not read {}: {message}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        message: String,
    },
    /// It threw, or could not be compiled.
    #[error("{}", placed(.0))]
    Thrown(JsError),
    /// The runtime ended it.
    #[error(transparent)]
    Call(CallError),
    /// It waits for something that will never happen.
    #[error("the script waits for a promise that nothing will settle")]
    NeverSettles,
    /// It exports no such function.
    #[error("{}", no_export(script, export, found.as_deref(), known))]
    NoExport {
        /// The script.
        script: Arc<str>,
        /// What was asked for.
        export: String,
        /// What it exports under this name, if anything.
        found: Option<String>,
        /// What it does export.
        known: Vec<String>,
    },
    /// What an exported function returned cannot be used.
    #[error("{export} of {script}: {message}")]
    Result {
        /// The script.
        script: Arc<str>,
        /// The function.
        export: String,
        /// What is wrong with it, with its path.
        message: String,
    },
    /// The deadline or the token of a call ended it.
    #[error("{export} was stopped: {}", stopped(reason))]
    Stopped {
        /// The function.
        export: String,
        /// Why.
        reason: CancelReason,
    },
}

/// What was thrown, and where.
fn placed(error: &JsError) -> String {
    match error.stack.lines().map(str::trim).find(|line| !line.is_empty() && !line.ends_with("(native)")) {
        Some(place) => format!("{error} ({place})"),
        None => error.to_string(),
    }
}

fn no_export(script: &str, export: &str, found: Option<&str>, known: &[String]) -> String {
    let guess = match found {
        None => did_you_mean(export, known.iter().map(String::as_str)),
        Some(_) => String::new(),
    };
    let found = found.unwrap_or("nothing");
    let known = if known.is_empty() { "nothing".to_owned() } else { known.join(", ") };
    format!("{script} exports no function {export:?} but {found}; it exports {known}{guess}")
}

fn stopped(reason: &CancelReason) -> String {
    match reason {
        CancelReason::Timeout => "its deadline passed".to_owned(),
        CancelReason::Cancelled(Some(why)) => format!("it was cancelled: {why}"),
        CancelReason::Cancelled(None) => "it was cancelled".to_owned(),
        CancelReason::Shutdown(what) => what.to_string(),
    }
}

/// A script that was started. Its top level may still wait for something.
#[derive(Debug, Clone)]
pub struct Running {
    /// The namespace of a module, or what a CommonJS script exports.
    exports: JsRef,
    settled: watch::Receiver<Option<Result<(), JsError>>>,
    owner: OwnerRef,
}

impl Running {
    pub(crate) fn exports(&self) -> JsRef {
        self.exports.clone()
    }

    /// What became of the script's top level, once it is there.
    #[must_use]
    pub fn result(&self) -> Option<Result<(), ScriptError>> {
        self.settled.borrow().clone().map(|result| result.map_err(ScriptError::Thrown))
    }

    /// Waits for the end of the script's top level.
    ///
    /// # Errors
    /// What it threw.
    pub async fn finished(&mut self) -> Result<(), ScriptError> {
        let settled = pin!(self.settled.wait_for(Option::is_some));
        match select(settled, pin!(self.owner.ended())).await {
            Either::Left((Ok(settled), _)) => settled.clone().unwrap_or(Ok(())).map_err(ScriptError::Thrown),
            Either::Left((Err(_), ended)) if self.owner.is_closed() || !self.owner.memory().has_room(0) => {
                Err(ScriptError::Call(ended.await))
            }
            Either::Left((Err(_), _)) => Err(ScriptError::NeverSettles),
            Either::Right((gone, _)) => Err(ScriptError::Call(gone)),
        }
    }
}

/// Evaluates a script that has been read.
pub(crate) fn start(ctx: &Ctx<'_>, name: &str, text: &str) -> Result<Running, JsError> {
    evaluate(ctx, name, text).map_err(tidy)
}

fn evaluate(ctx: &Ctx<'_>, name: &str, text: &str) -> Result<Running, JsError> {
    let (settle, settled) = watch::channel(None);
    let failed = |error: rquickjs::Error| JsError::from_error(ctx, &error);
    loader::check_name(ctx, name)?;
    let exports = match loader::kind_of(ctx, name, text)? {
        Kind::CommonJs(function) => {
            let exports = loader::run_common_js(ctx, name, &function, name).map_err(failed)?;
            settle.send_replace(Some(Ok(())));
            exports
        }
        Kind::Json => return Err(plain("a JSON file is not a script")),
        Kind::Module(module) => {
            let unlinked = |error| loader::placed(failed(error), name, text);
            let (module, promise) = module.eval().map_err(unlinked)?;
            let undefined = Value::new_undefined(ctx.clone());
            let awaited = when_settled(ctx, promise.into_value(), undefined, move |_, outcome| {
                let outcome = outcome.map(drop).map_err(|error| tidy(JsError::from_value(&error)));
                settle.send_replace(Some(outcome));
                Ok(())
            });
            awaited.map_err(failed)?;
            module.namespace().map_err(failed)?.into_value()
        }
    };
    let exports = keep(exports).map_err(|fault| js_error(ctx, fault))?;
    Ok(Running { exports, settled, owner: Vm::of(ctx).host.owner.clone() })
}

/// What a fault throws, as an error that can leave the VM.
pub(crate) fn js_error(ctx: &Ctx<'_>, fault: Fault) -> JsError {
    match fault.into_value(ctx) {
        Ok(value) => JsError::from_value(&value),
        Err(error) => JsError::from_error(ctx, &error),
    }
}

pub(crate) fn plain(message: impl Into<String>) -> JsError {
    JsError { name: "Error".to_owned(), message: message.into(), ..JsError::default() }
}

/// A source text: without the mark of its byte order, and with its first line a comment if it names an interpreter.
pub(crate) fn read_text(bytes: Vec<u8>, name: &str, largest: usize) -> Result<String, JsError> {
    check_size(&bytes, name, largest)?;
    let text = String::from_utf8(bytes).map_err(|error| plain(format!("{name} is not UTF-8: {error}")))?;
    let text = text.strip_prefix('\u{feff}').map_or(text.clone(), str::to_owned);
    if text.contains('\0') {
        return Err(plain(format!("{name} contains a NUL character")));
    }
    Ok(match text.strip_prefix("#!") {
        Some(rest) => format!("//{rest}"),
        None => text,
    })
}

/// The bytes of a file, and no more than one beyond the largest that is allowed.
pub(crate) fn read_bounded(path: &Path, largest: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(largest as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Refuses a source text that is larger than the host allows.
pub(crate) fn check_size(text: &[u8], name: &str, largest: usize) -> Result<(), JsError> {
    if text.len() <= largest {
        return Ok(());
    }
    Err(plain(format!("{name} is too large: at most {largest} bytes are allowed")))
}

/// The stack as the script's author knows it: without frames of the bridge, and with the columns of the file where
/// CommonJS is wrapped. Called on the owner's thread, which knows those files.
pub(crate) fn tidy(mut error: JsError) -> JsError {
    let lines = error.stack.lines().filter(|line| !line.contains("geppetto:"));
    error.stack = lines.map(|line| unshifted(line, loader::is_common_js)).collect::<Vec<_>>().join("\n");
    error.cause = error.cause.map(|cause| Box::new(tidy(*cause)));
    error
}

pub(crate) fn tidy_report(report: &ErrorReport) -> ErrorReport {
    let error = match &report.error {
        CallError::Script(error) => CallError::Script(tidy(error.clone())),
        other => other.clone(),
    };
    ErrorReport { op: report.op, error }
}

/// An error of compiling CommonJS, with its columns as they are in the file.
pub(crate) fn unwrapped(error: JsError) -> JsError {
    let stack = error.stack.lines().map(|line| unshifted(line, |_| true)).collect::<Vec<_>>().join("\n");
    JsError { stack, ..error }
}

/// A frame on the first line of a CommonJS file, with the wrapper's length taken off its column.
fn unshifted(line: &str, is_common_js: impl Fn(&str) -> bool) -> String {
    let shifted = || {
        let (place, column) = line.trim_end_matches(')').rsplit_once(':')?;
        let file = place.strip_suffix(":1")?;
        let file = file.rsplit_once('(').map_or(file.trim().trim_start_matches("at "), |(_, file)| file);
        let column: usize = column.parse().ok()?;
        let column = column.checked_sub(loader::WRAPPER.len())?.max(1);
        let end = if line.ends_with(')') { ")" } else { "" };
        is_common_js(file).then(|| format!("{place}:{column}{end}"))
    };
    shifted().unwrap_or_else(|| line.to_owned())
}
