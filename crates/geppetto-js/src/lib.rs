//! Agents in JavaScript: a runtime to embed, and the module that scripts see.
//!
//! ```
//! use geppetto_js::{Runtime, Source};
//!
//! let runtime = Runtime::builder().build().unwrap();
//! let script = Source::text("hello.js", r#"
//!     const gp = require("geppetto");
//!     const session = gp.createSession({ engine: gp.engines.echo({ reply: "Hello!" }) });
//!     if (gp.turns.text(session.run("Hi")) !== "Hello!") throw new Error("no greeting");
//! "#);
//! runtime.run_blocking(script).unwrap();
//! ```
//!
//! A host owns the limits, the sinks for events, the tools and middlewares it offers, and the engines behind
//! `fromConfig`; see [`RuntimeBuilder`]. What scripts can do is in the documentation of the module.

mod around;
#[cfg(feature = "bench")]
pub mod bench;
mod builder;
mod call;
mod callback;
mod callback_context;
mod callback_error;
mod codec;
mod counted;
mod exports;
mod fault;
mod function;
mod globals;
mod handle;
mod health;
mod host;
mod lazy;
mod loader;
mod module;
mod ns;
mod options;
mod prelude;
mod promise;
mod pump;
mod pumps;
mod run_error;
mod runtime;
mod script;
mod typings;
mod vm;
mod watches;
#[rustfmt::skip]
mod generated;

pub mod native;

pub use builder::{BuildError, RuntimeBuilder};
pub use exports::{CallOptions, Script};
pub use geppetto_runner::{CallError, ErrorHandler, ErrorReport, JsError, Limits};
pub use health::{Health, Status};
pub use host::{ConsoleSink, MiddlewareFactory};
pub use module::{EngineFactory, EngineRequest, GeppettoModule, NativeModule};
pub use runtime::Runtime;
pub use script::{Running, ScriptError, Source};

/// Our own scripts of this name, compiled: what `cargo xtask codegen` writes.
///
/// # Errors
/// When one does not compile, or there are none of that name.
#[cfg(feature = "codegen")]
#[doc(hidden)]
pub fn compiled_script(name: &str) -> rquickjs::Result<Vec<u8>> {
    prelude::compiled(name)
}
