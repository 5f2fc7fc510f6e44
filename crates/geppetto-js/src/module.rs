//! Native modules, and what a host injects into geppetto's own.

use geppetto_inference::{Engine, Failure};
use geppetto_turns::Map;
use rquickjs::{Ctx, Object};
use std::path::Path;
use std::sync::Arc;

/// A module that a host offers to scripts: `require(name)`, or `import` from it.
pub trait NativeModule: Send + Sync {
    /// The name scripts ask for. It must not look like a path.
    fn name(&self) -> &str;

    /// What it is for, in a sentence.
    fn docs(&self) -> &str;

    /// The TypeScript declarations of what it exports, if it has any: `export` declarations as of an ES module, with
    /// a default export for `import module from`.
    fn typings(&self) -> Option<&str> {
        None
    }

    /// The TypeScript declarations of the globals that it sets, if it sets any: `declare` statements.
    fn globals(&self) -> Option<&str> {
        None
    }

    /// Makes the module's object, once per runtime, while the runtime is built.
    ///
    /// # Errors
    /// A failure, which fails the building of the runtime.
    fn install<'js>(&self, ctx: &Ctx<'js>) -> rquickjs::Result<Object<'js>>;
}

/// The module `geppetto`.
#[derive(Debug, Clone, Copy, Default)]
pub struct GeppettoModule;

impl NativeModule for GeppettoModule {
    fn name(&self) -> &str {
        "geppetto"
    }

    fn docs(&self) -> &str {
        "Turns, engines, middlewares, tools and sessions of LLM agents."
    }

    fn typings(&self) -> Option<&str> {
        Some(crate::typings::GEPPETTO)
    }

    fn install<'js>(&self, ctx: &Ctx<'js>) -> rquickjs::Result<Object<'js>> {
        crate::ns::module(ctx)
    }
}

/// What a script asked for with `engines.fromConfig` or `engines.fromProfile`. The options' names and types have
/// been checked.
#[derive(Debug, Clone, Default)]
pub struct EngineRequest {
    /// The profile, when the script named one: as an argument, else among the options.
    pub profile: Option<String>,
    /// Whether a profile was asked for, by `engines.fromProfile`: where none is named, the host knows which.
    pub from_profile: bool,
    /// The other options, by their own names where a script has used an alias: `model`, `apiType`, `temperature`, `topP`,
    /// `maxTokens`, `stop`, `seed`, `reasoningEffort`, `timeoutMs`, `apiKey`, `baseURL`, `headers`.
    pub options: Map,
}

/// Makes real engines. The host injects one: this crate knows no provider.
pub trait EngineFactory: Send + Sync {
    /// Makes an engine.
    ///
    /// # Errors
    /// When there is no such provider, profile or model, or a setting is wrong: a [`Failure::misuse`] for what scripts
    /// get a `TypeError` for.
    fn create(&self, request: EngineRequest) -> Result<Arc<dyn Engine>, Failure>;

    /// Makes an engine that answers from a recording: a folder beneath that of the script.
    ///
    /// # Errors
    /// When there is no recording in it, or the host reads none.
    fn replay(&self, folder: &Path) -> Result<Arc<dyn Engine>, Failure> {
        let _ = folder;
        Err(Failure::new("this host reads no recordings"))
    }
}
