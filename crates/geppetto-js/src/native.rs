//! For native modules of hosts: functions that scripts call.
//!
//! ```
//! use geppetto_js::native::{Members, text};
//! use geppetto_js::{NativeModule, Runtime, Source};
//! use rquickjs::{Ctx, IntoJs, Object, Result};
//!
//! struct Shout;
//!
//! impl NativeModule for Shout {
//!     fn name(&self) -> &str {
//!         "shout"
//!     }
//!
//!     fn docs(&self) -> &str {
//!         "Makes text loud."
//!     }
//!
//!     fn install<'js>(&self, ctx: &Ctx<'js>) -> Result<Object<'js>> {
//!         let module = Members::new(ctx)?;
//!         module.function("shout", 1, |call| {
//!             Ok(text(call, 0, "shout: text")?.to_uppercase().into_js(call.ctx())?)
//!         })?;
//!         Ok(module.into_object())
//!     }
//! }
//!
//! let runtime = Runtime::builder().module(Shout).build().unwrap();
//! let script = "if (require('shout').shout('hi') !== 'HI') throw new Error('too quiet')";
//! runtime.run_blocking(Source::text("shout.js", script)).unwrap();
//! ```

pub use crate::call::{Call, function};
pub use crate::callback::Callback;
pub use crate::callback_context::{optional_text_arg as optional_text, text_arg as text};
pub use crate::fault::{Fallible, Fault};
pub use crate::function::Members;
pub use crate::promise::promise_of as promise;

use crate::codec;
use crate::globals::abort::token_of;
use crate::options::Options;
use geppetto_inference::RunToken;
use rquickjs::{Result, Value};
use serde_json::Value as Json;

/// An argument as JSON; absent when it is `undefined` or `null`.
///
/// # Errors
/// A `TypeError` with the path behind `place` for what JSON cannot hold.
pub fn json(call: &Call<'_, '_>, index: usize, place: &str) -> Fallible<Option<Json>> {
    let value = call.arg(index).map(|value| codec::json::decode(call.ctx(), &value)).transpose();
    value.map_err(|error| error.fault(place))
}

/// A JSON value as what a function returns.
///
/// # Errors
/// When the engine has no memory for it.
pub fn to_js<'js>(call: &Call<'_, 'js>, value: &Json) -> Result<Value<'js>> {
    codec::json::encode(call.ctx(), value)
}

/// The token of an option that is an `AbortSignal`: `{ signal }` as an argument. Other options are refused.
///
/// # Errors
/// A `TypeError` when it is something else.
pub fn signal_option<'js>(call: &Call<'_, 'js>, index: usize, path: &str) -> Fallible<Option<RunToken>> {
    let options = Options::read(call.ctx(), call.arg(index), path.to_owned())?;
    let signal: Option<Value<'js>> = options.value("signal")?;
    options.finish()?;
    signal.map(|signal| token_of(call.ctx(), &signal, &format!("{path}.signal"))).transpose()
}
