//! What a host gives a runtime, and how it is set up: all of it, or nothing.

use crate::host::{ActiveRuns, ConsoleSink, Host, HostConfig, MiddlewareFactory};
use crate::loader::Files;
use crate::module::{EngineFactory, GeppettoModule, NativeModule};
use crate::runtime::Runtime;
use crate::script;
use crate::typings::Typings;
use crate::vm::Vm;
use geppetto_events::EventSink;
use geppetto_runner::{ErrorHandler, JsError, Limits, Owner, OwnerOptions, SpawnError};
use geppetto_time::{Clock, SystemClock};
use geppetto_toolloop::{StepController, Tool};
use rquickjs::Ctx;
use std::collections::HashSet;
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::watch;

/// Why a runtime could not be built. Nothing is left of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Two of a kind have one name.
    #[error("two {kind}s are named {name:?}")]
    Duplicate {
        /// What they are: `module`, `host tool` or `host middleware`.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// The VM could not be started, or a module's installation failed.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
}

/// Sets up a runtime.
pub struct RuntimeBuilder {
    modules: Vec<Box<dyn NativeModule>>,
    limits: Limits,
    on_uncaught: Option<ErrorHandler>,
    config: HostConfig,
}

impl Default for RuntimeBuilder {
    fn default() -> Self {
        let console: ConsoleSink = Arc::new(|level, text| match level {
            "error" => tracing::error!(target: "console", "{text}"),
            "warn" => tracing::warn!(target: "console", "{text}"),
            "debug" => tracing::debug!(target: "console", "{text}"),
            _ => tracing::info!(target: "console", "{text}"),
        });
        let config = HostConfig {
            clock: Arc::new(SystemClock),
            sinks: Vec::new(),
            tools: Vec::new(),
            middlewares: Vec::new(),
            engines: None,
            console,
            largest_source: Limits::default().source,
            args: Vec::new(),
            forbid_sync_runs: false,
            steps: None,
        };
        Self { modules: vec![Box::new(GeppettoModule)], limits: Limits::default(), on_uncaught: None, config }
    }
}

impl RuntimeBuilder {
    /// Offers a module. They are installed in the order they are added, behind `geppetto`.
    #[must_use]
    pub fn module(mut self, module: impl NativeModule + 'static) -> Self {
        self.modules.push(Box::new(module));
        self
    }

    /// What the VM may use.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.config.largest_source = limits.source;
        self.limits = limits;
        self
    }

    /// Where time comes from; the system otherwise.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.config.clock = clock;
        self
    }

    /// Makes the engines behind `engines.fromConfig` and `engines.fromProfile`.
    #[must_use]
    pub fn engine_factory(mut self, factory: Arc<dyn EngineFactory>) -> Self {
        self.config.engines = Some(factory);
        self
    }

    /// A sink for the events of all runs of scripts.
    #[must_use]
    pub fn sink(mut self, sink: Arc<dyn EventSink>) -> Self {
        self.config.sinks.push(sink);
        self
    }

    /// A tool that scripts get with `registry.useHostTools()`.
    #[must_use]
    pub fn tool(mut self, tool: Arc<dyn Tool>) -> Self {
        self.config.tools.push(tool);
        self
    }

    /// A middleware that scripts get with `gp.middlewares.host(name, options)`.
    #[must_use]
    pub fn middleware(mut self, name: impl Into<String>, factory: MiddlewareFactory) -> Self {
        self.config.middlewares.push((name.into(), factory));
        self
    }

    /// Hears of what goes wrong where nobody waits for a result: `listener` for event and abort listeners,
    /// `promise` for rejections that nobody handles, `timer`, …; `run callback` for a callback of a run that computed longer
    /// than a job may, which its run is told as well; `continuation` for one that was interrupted because
    /// the time of a run was over, which that run tells itself. Logged otherwise.
    #[must_use]
    pub fn on_uncaught(mut self, handler: ErrorHandler) -> Self {
        self.on_uncaught = Some(handler);
        self
    }

    /// Takes what scripts print; logged otherwise.
    #[must_use]
    pub fn console(mut self, console: ConsoleSink) -> Self {
        self.config.console = console;
        self
    }

    /// Pauses the runs of sessions that have tools, once the controller is enabled for them.
    #[must_use]
    pub fn steps(mut self, controller: StepController) -> Self {
        self.config.steps = Some(controller);
        self
    }

    /// What scripts find in `gp.args`.
    #[must_use]
    pub fn args(mut self, args: Vec<String>) -> Self {
        self.config.args = args;
        self
    }

    /// Whether `session.run()` and its like are refused: they keep the VM busy while they wait.
    #[must_use]
    pub fn forbid_sync_runs(mut self, forbid: bool) -> Self {
        self.config.forbid_sync_runs = forbid;
        self
    }

    /// Builds the runtime: starts its thread and installs its modules.
    ///
    /// # Errors
    /// When two modules, tools or middlewares have one name, or an installation fails.
    pub fn build(self) -> Result<Runtime, BuildError> {
        let Self { modules, limits, on_uncaught, config } = self;
        one_of_each("module", modules.iter().map(|module| module.name()))?;
        one_of_each("host tool", config.tools.iter().map(|tool| tool.definition().name.as_str()))?;
        one_of_each("host middleware", config.middlewares.iter().map(|(name, _)| name.as_str()))?;
        let (pending, is_pending) = watch::channel(0);
        let mut options = OwnerOptions { clock: config.clock.clone(), limits, ..OwnerOptions::default() };
        if let Some(on_uncaught) = on_uncaught {
            options.on_error = Arc::new(move |report| on_uncaught(&script::tidy_report(report)));
        }
        let runs = ActiveRuns::default();
        let condemned = runs.clone();
        options.on_condemned = Some(Arc::new(move |why| condemned.condemn(why)));
        let (clock, largest_source) = (config.clock.clone(), config.largest_source);
        let modules = Arc::new(modules);
        let typings = Arc::new(Typings::new(modules.clone()));
        let on_thread = runs.clone();
        let owner = Owner::spawn(options, move |engine, local| {
            engine.set_loader(Files, Files);
            let host = Rc::new(Host::new(local.owner(), config, on_thread, pending));
            let installed = local.enter("setup", |ctx| install(&ctx, &modules, host));
            installed.map_err(|error| error.to_string())?
        })?;
        Ok(Runtime { owner, runs, pending: is_pending, clock, largest_source, typings })
    }
}

fn one_of_each<'a>(kind: &'static str, names: impl Iterator<Item = &'a str>) -> Result<(), BuildError> {
    let mut known = HashSet::new();
    match names.into_iter().find(|name| !known.insert(*name)) {
        None => Ok(()),
        Some(name) => Err(BuildError::Duplicate { kind, name: name.to_owned() }),
    }
}

fn install(ctx: &Ctx<'_>, modules: &[Box<dyn NativeModule>], host: Rc<Host>) -> Result<(), String> {
    let failed =
        |what: &str, error: &rquickjs::Error| format!("{what}: {}", JsError::from_error(ctx, error).full());
    Vm::install(ctx, host).map_err(|error| failed("prelude", &error))?;
    for module in modules {
        let object = module.install(ctx).map_err(|error| failed(module.name(), &error))?;
        Vm::of(ctx).modules.borrow_mut().insert(module.name().to_owned(), object.into_value());
    }
    Ok(())
}
