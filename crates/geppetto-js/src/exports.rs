//! A loaded script and what it exports: functions that the host calls, sessions that the host drives.

use crate::around::Around;
use crate::callback::{Arguments, Callback};
use crate::callback_error::CallbackError;
use crate::codec::{self, json};
use crate::fault::{Fallible, Fault};
use crate::handle;
use crate::ns::session::SessionHandle;
use crate::script::{self, ScriptError};
use futures_util::future::{Either, select};
use geppetto_inference::{CancelReason, RunToken, Session};
use geppetto_runner::{CallError, JsRef, OwnerRef};
use geppetto_time::{Clock, Deadline};
use rquickjs::{Ctx, Value};
use serde_json::Value as Json;
use std::fmt;
use std::pin::pin;
use std::sync::Arc;

/// A script whose top level has run to its end. Clones are the same script.
///
/// It does not keep its runtime alive: calls fail with [`CallError::Closed`] once that is gone.
#[derive(Clone)]
pub struct Script {
    name: Arc<str>,
    exports: JsRef,
    owner: OwnerRef,
    clock: Arc<dyn Clock>,
}

/// What bounds a call of a script's function, and every run it starts before its first `await`.
#[derive(Debug, Clone, Default)]
pub struct CallOptions {
    /// When it has to have returned, on the runtime's clock.
    pub deadline: Option<Deadline>,
    /// Tells it to end earlier.
    pub token: Option<RunToken>,
}

/// What becomes of a call: where the function was found, what it was called with, how it ended.
type Called<T> = Result<T, ScriptError>;

impl Script {
    pub(crate) fn new(name: Arc<str>, exports: JsRef, owner: OwnerRef, clock: Arc<dyn Clock>) -> Self {
        Self { name, exports, owner, clock }
    }

    /// The name that errors give it: its path, or what it was called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The names of what it exports.
    ///
    /// # Errors
    /// When the runtime is gone.
    pub async fn exports(&self) -> Called<Vec<String>> {
        let exports = self.exports.clone();
        let names = move |ctx: Ctx<'_>| Ok(names(&exports_of(&ctx, &exports)?)?);
        let listed = self.owner.call("script exports", move |ctx| in_script(&ctx, names)).await;
        listed.map_err(ScriptError::Call)?
    }

    /// Calls an exported function with JSON values, awaits what it returns and gives that as JSON, `undefined` as
    /// `null`. `"default"` is the default export, or the function that a CommonJS module is.
    ///
    /// ```
    /// # use geppetto_js::{CallOptions, Runtime, Source};
    /// # use serde_json::json;
    /// # futures_lite::future::block_on(async {
    /// let runtime = Runtime::builder().build().unwrap();
    /// let source = Source::text("math.mjs", "export const add = async (a, b) => ({ sum: a + b });");
    /// let script = runtime.load(source).await.unwrap();
    /// let sum = script.call("add", vec![json!(2), json!(3)], CallOptions::default()).await.unwrap();
    /// assert_eq!(sum, json!({ "sum": 5 }));
    /// # });
    /// ```
    ///
    /// # Errors
    /// When there is no such function, it throws, it returns what JSON cannot hold, or it is stopped.
    pub async fn call(&self, export: &str, args: Vec<Json>, options: CallOptions) -> Called<Json> {
        self.bounded(export, args, options, |ctx, value| {
            json::decode(ctx, value).map_err(|error| error.fault("result"))
        })
        .await
    }

    /// A session that the script built, for the host to drive from any thread: an export that is a session, or the
    /// one that an exported function returns.
    ///
    /// # Errors
    /// When the export is neither, or the function fails.
    pub async fn session(&self, export: &str) -> Called<Session> {
        let (exports, name) = (self.exports.clone(), export.to_owned());
        let held = move |ctx: Ctx<'_>| {
            let value = export_of(&exports_of(&ctx, &exports)?, &name)?;
            Ok(value.and_then(|value| Some(handle::try_state::<SessionHandle>(&value)?.0.clone())))
        };
        let held = self.owner.call("script session", move |ctx| in_script(&ctx, held)).await;
        if let Some(session) = held.map_err(ScriptError::Call)?? {
            return Ok(session);
        }
        self.bounded(export, Vec::new(), CallOptions::default(), |_, value| {
            Ok(handle::state::<SessionHandle>(value, "result")?.0.clone())
        })
        .await
    }

    async fn bounded<R: Send + 'static>(
        &self,
        export: &str,
        args: Vec<Json>,
        options: CallOptions,
        decode: impl for<'js> FnOnce(&Ctx<'js>, &Value<'js>) -> Fallible<R> + Send + 'static,
    ) -> Called<R> {
        let limit = options.deadline.map(|deadline| RunToken::at(self.clock.clone(), deadline.at()));
        let token = RunToken::child_of(limit.iter().chain(options.token.iter()));
        let stopped = |reason: CancelReason| ScriptError::Stopped { export: export.to_owned(), reason };
        let called = async {
            let callback = self.function(export).await?;
            let called = callback.call(
                "script call",
                Around::Host(token.clone()),
                move |ctx| encode(ctx, &args),
                |ctx, returned| decode(ctx, &returned.value),
            );
            called.await.map_err(|error| self.failed(export, error))
        };
        match select(pin!(called), pin!(token.cancelled())).await {
            // What it was interrupted for, or threw, may be that the token has ended it: that was first to be heard.
            Either::Left((
                Err(
                    error @ (ScriptError::Call(CallError::Interrupted { .. } | CallError::Stranded)
                    | ScriptError::Thrown(_)),
                ),
                _,
            )) => Err(token.reason().map_or(error, stopped)),
            Either::Left((result, _)) => result,
            Either::Right((reason, _)) => Err(stopped(reason)),
        }
    }

    /// An exported function, or why there is none.
    async fn function(&self, export: &str) -> Called<Callback> {
        let (exports, name, script) = (self.exports.clone(), export.to_owned(), self.name.clone());
        let find = move |ctx: Ctx<'_>| -> Fallible<Called<Callback>> {
            let exports = exports_of(&ctx, &exports)?;
            let found = export_of(&exports, &name)?;
            match found {
                Some(value) if value.is_function() => Ok(Ok(Callback::new(&ctx, value)?)),
                found => {
                    let found = found.as_ref().map(handle::describe);
                    let known = names(&exports)?;
                    Ok(Err(ScriptError::NoExport { script, export: name, found, known }))
                }
            }
        };
        let found = self.owner.call("script export", move |ctx| in_script(&ctx, find)).await;
        found.map_err(ScriptError::Call)??
    }

    fn failed(&self, export: &str, error: CallbackError) -> ScriptError {
        match error {
            CallbackError::Thrown(thrown) => ScriptError::Thrown(script::tidy(thrown.into_error())),
            CallbackError::Call(error) => ScriptError::Call(error),
            CallbackError::Invalid(message) => {
                ScriptError::Result { script: self.name.clone(), export: export.to_owned(), message }
            }
            CallbackError::Promise => ScriptError::Result {
                script: self.name.clone(),
                export: export.to_owned(),
                message: "it returned a Promise while a synchronous run keeps the VM busy".to_owned(),
            },
        }
    }
}

/// Runs `work`; what it throws is the script's error.
fn in_script<T>(ctx: &Ctx<'_>, work: impl FnOnce(Ctx<'_>) -> Fallible<T>) -> Called<T> {
    work(ctx.clone()).map_err(|fault| ScriptError::Thrown(script::tidy(script::js_error(ctx, fault))))
}

fn exports_of<'js>(ctx: &Ctx<'js>, exports: &JsRef) -> Fallible<Value<'js>> {
    exports.get(ctx).ok_or_else(|| Fault::Plain("the script's runtime is gone".to_owned()))
}

/// An export by its name.
fn export_of<'js>(exports: &Value<'js>, name: &str) -> Fallible<Option<Value<'js>>> {
    let Some(object) = exports.as_object() else { return Ok(None) };
    if codec::names(object)?.iter().any(|known| known == name) {
        return Ok(Some(object.get(name)?));
    }
    // `module.exports = function`: the module is its own default.
    Ok((name == "default" && exports.is_function()).then(|| exports.clone()))
}

fn names(exports: &Value<'_>) -> rquickjs::Result<Vec<String>> {
    exports.as_object().map_or(Ok(Vec::new()), codec::names)
}

fn encode<'js>(ctx: &Ctx<'js>, args: &[Json]) -> Fallible<Arguments<'js>> {
    let values = args.iter().map(|value| json::encode(ctx, value)).collect::<rquickjs::Result<_>>()?;
    Ok(Arguments { values, fallback: Value::new_undefined(ctx.clone()) })
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script").field("name", &self.name).field("owner", &self.owner).finish_non_exhaustive()
    }
}
