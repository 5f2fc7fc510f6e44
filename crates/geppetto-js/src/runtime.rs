//! A runtime to embed: a VM with its modules, and what its host gives it.

use crate::exports::Script;
use crate::health::{Health, Status};
use crate::host::{ActiveRuns, ConsoleSink, Host, HostConfig, MiddlewareFactory};
use crate::loader::Files;
use crate::module::{EngineFactory, GeppettoModule, NativeModule};
use crate::script::{self, Running, ScriptError, Source};
use crate::typings;
use crate::vm::Vm;
use futures_util::FutureExt;
use futures_util::future::{Either, select};
use geppetto_events::EventSink;
use geppetto_inference::CancelReason;
use geppetto_runner::{CallError, ErrorHandler, JsError, Limits, Owner, OwnerOptions, OwnerRef, SpawnError};
use geppetto_time::{Clock, SystemClock};
use geppetto_toolloop::{StepController, Tool};
use rquickjs::Ctx;
use std::fmt;
use std::path::Path;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Why a runtime could not be built. Nothing is left of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Two modules have one name.
    #[error("two modules are named {name:?}")]
    DuplicateModule {
        /// The name.
        name: String,
    },
    /// Two host tools have one name.
    #[error("two host tools are named {name:?}")]
    DuplicateTool {
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
    /// `promise` for rejections that nobody handles, `timer`, …; `continuation` for one that was interrupted because
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
    /// When two modules or tools have one name, or an installation fails.
    pub fn build(self) -> Result<Runtime, BuildError> {
        let Self { modules, limits, on_uncaught, config } = self;
        for (at, module) in modules.iter().enumerate() {
            if modules[..at].iter().any(|known| known.name() == module.name()) {
                return Err(BuildError::DuplicateModule { name: module.name().to_owned() });
            }
        }
        for (at, tool) in config.tools.iter().enumerate() {
            let name = &tool.definition().name;
            if config.tools[..at].iter().any(|known| known.definition().name == *name) {
                return Err(BuildError::DuplicateTool { name: name.clone() });
            }
        }
        let (pending, is_pending) = watch::channel(0);
        let mut options = OwnerOptions { clock: config.clock.clone(), limits, ..OwnerOptions::default() };
        if let Some(on_uncaught) = on_uncaught {
            options.on_error = Arc::new(move |report| on_uncaught(&script::tidy_report(report)));
        }
        let clock = config.clock.clone();
        let typings = typings::of(&modules).into();
        let runs = ActiveRuns::default();
        let on_thread = runs.clone();
        let owner = Owner::spawn(options, move |engine, local| {
            engine.set_loader(Files, Files);
            let host = Rc::new(Host::new(local.owner(), config, on_thread, pending));
            let installed = local.enter("setup", |ctx| install(&ctx, &modules, host));
            installed.map_err(|error| error.to_string())?
        })?;
        Ok(Runtime { owner, runs, pending: is_pending, clock, typings })
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

/// A VM with its modules. Clones are the same runtime; dropping the last one shuts it down.
#[derive(Clone)]
pub struct Runtime {
    owner: Owner,
    runs: ActiveRuns,
    /// How many runs, timers and host operations of scripts are pending.
    pending: watch::Receiver<usize>,
    clock: Arc<dyn Clock>,
    typings: Arc<str>,
}

impl Runtime {
    /// Begins to set up a runtime with the module `geppetto`.
    #[must_use]
    pub fn builder() -> RuntimeBuilder {
        RuntimeBuilder::default()
    }

    /// The owner of the VM, for calls into it.
    #[must_use]
    pub fn owner(&self) -> OwnerRef {
        self.owner.weak()
    }

    /// Starts a script. Its top level has been run when this returns, as far as it goes without waiting.
    ///
    /// # Errors
    /// When it cannot be read or compiled, or throws at once.
    pub async fn start(&self, source: Source) -> Result<Running, ScriptError> {
        let started = match source {
            Source::Text { name, text } => {
                self.owner.call("script", move |ctx| script::start(&ctx, &name, &text)).await
            }
            Source::File(path) => {
                let unreadable = |error: std::io::Error| ScriptError::Read {
                    path: path.clone(),
                    message: error.to_string(),
                };
                let path = path.canonicalize().map_err(unreadable)?;
                let bytes = std::fs::read(&path).map_err(unreadable)?;
                self.owner.call("script", move |ctx| start_file(&ctx, &path, bytes)).await
            }
        };
        started.map_err(ScriptError::Call)?.map_err(ScriptError::Thrown)
    }

    /// Waits until nothing is pending: no timer, no run, no operation of the host.
    pub async fn idle(&self) {
        let mut pending = self.pending.clone();
        let stopping = self.owner.stopping().clone();
        loop {
            let none = pending.wait_for(|count| *count == 0);
            if let Either::Right(_) = select(pin!(none), pin!(stopping.cancelled())).await {
                return;
            }
            // What was settled last may have started something new.
            if self.owner.call("idle", |_| ()).await.is_err() || *self.pending.borrow() == 0 {
                return;
            }
        }
    }

    /// Runs a script to its end: its top level, and all it has started.
    ///
    /// # Errors
    /// When it cannot be read or compiled, throws, or waits for what will never happen.
    pub async fn run(&self, source: Source) -> Result<(), ScriptError> {
        let running = self.start(source).await?;
        self.idle().await;
        match running.result() {
            Some(result) => result,
            None => Err(self.never_settles()),
        }
    }

    /// Runs a script to its end and blocks the calling thread meanwhile.
    ///
    /// # Errors
    /// As [`run`](Runtime::run).
    pub fn run_blocking(&self, source: Source) -> Result<(), ScriptError> {
        let (done, is_done) = std::sync::mpsc::sync_channel(1);
        let Some(io) = geppetto_runner::io_handle() else { return Err(ScriptError::Call(CallError::Closed)) };
        let runtime = self.clone();
        io.spawn(async move {
            let result = runtime.run(source).await;
            drop(runtime);
            let _ = done.send(result);
        });
        is_done.recv().unwrap_or(Err(ScriptError::Call(CallError::Closed)))
    }

    /// Loads a script: runs its top level to its end. What that has started goes on, and the script's exports can be
    /// used.
    ///
    /// # Errors
    /// When it cannot be read or compiled, throws, or waits for what will never happen.
    pub async fn load(&self, source: Source) -> Result<Script, ScriptError> {
        let name: Arc<str> = match &source {
            Source::Text { name, .. } => name.as_str().into(),
            Source::File(path) => path.display().to_string().into(),
        };
        let mut running = self.start(source).await?;
        let exports = running.exports();
        let mut top_level = running.clone();
        match select(pin!(running.finished()), pin!(self.idle())).await {
            Either::Left((result, _)) => result?,
            // What was pending last may have settled the top level.
            Either::Right(_) => {
                top_level.finished().now_or_never().unwrap_or_else(|| Err(self.never_settles()))?;
            }
        }
        Ok(Script::new(name, exports, self.owner.weak(), self.clock.clone()))
    }

    fn never_settles(&self) -> ScriptError {
        if self.owner.is_closed() { ScriptError::Call(CallError::Closed) } else { ScriptError::NeverSettles }
    }

    /// The TypeScript declarations of exactly what scripts find here: its modules and globals, as one ambient file.
    #[must_use]
    pub fn typings(&self) -> &str {
        &self.typings
    }

    /// How it is, now.
    #[must_use]
    pub fn health(&self) -> Health {
        let status = match (self.owner.is_closed(), self.owner.is_stopped()) {
            (_, true) => Status::Stopped,
            (true, _) => Status::Stopping,
            _ => Status::Running,
        };
        Health {
            status,
            active_runs: self.runs.all().len(),
            pending: *self.pending.borrow(),
            queue_depth: self.owner.stats().queue_depth,
        }
    }

    /// Cancels every run that goes on, also one that a script waits for synchronously. Returns how many there were;
    /// [`runs_finished`](Runtime::runs_finished) waits for their ends.
    pub fn cancel_runs(&self, reason: &CancelReason) -> usize {
        let runs = self.runs.all();
        runs.iter().for_each(|run| run.cancel(reason.clone()));
        runs.len()
    }

    /// Waits until no run goes on.
    pub async fn runs_finished(&self) {
        while let Some(run) = self.runs.all().into_iter().next() {
            run.finished().await;
        }
    }

    /// Shuts down: cancels what runs, gives it `grace` to end, and waits until the VM is gone.
    pub async fn shutdown(&self, grace: Duration) {
        self.owner.shutdown(grace).await;
    }
}

fn start_file(ctx: &Ctx<'_>, path: &Path, bytes: Vec<u8>) -> Result<Running, JsError> {
    let name = path.display().to_string();
    let text = script::read_text(bytes, &name)?;
    if let Some(folder) = path.parent() {
        *Vm::of(ctx).host.module_root.borrow_mut() = Some(folder.to_path_buf());
    }
    script::start(ctx, &name, &text)
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime")
            .field("owner", &self.owner)
            .field("pending", &*self.pending.borrow())
            .finish()
    }
}
