//! A runtime to embed: a VM with its modules, and what its host gives it.

use crate::builder::RuntimeBuilder;
use crate::exports::Script;
use crate::health::{Health, Status};
use crate::host::ActiveRuns;
use crate::script::{self, Running, ScriptError, Source};
use crate::typings::Typings;
use crate::vm::Vm;
use futures_util::FutureExt;
use futures_util::future::{Either, select};
use geppetto_inference::CancelReason;
use geppetto_runner::{JsError, Owner, OwnerRef, block_on};
use geppetto_time::Clock;
use rquickjs::Ctx;
use std::fmt;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// A VM with its modules. Clones are the same runtime; dropping the last one shuts it down.
#[derive(Clone)]
pub struct Runtime {
    pub(crate) owner: Owner,
    pub(crate) runs: ActiveRuns,
    /// How many runs, timers and host operations of scripts are pending.
    pub(crate) pending: watch::Receiver<usize>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) largest_source: usize,
    pub(crate) typings: Arc<Typings>,
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
                let largest = self.largest_source;
                let start = move |ctx: Ctx<'_>| {
                    script::check_size(text.as_bytes(), &name, largest)?;
                    script::start(&ctx, &name, &text)
                };
                self.owner.call("script", start).await
            }
            Source::File(path) => {
                let unreadable = |error: std::io::Error| ScriptError::Read {
                    path: path.clone(),
                    message: error.to_string(),
                };
                let path = path.canonicalize().map_err(unreadable)?;
                let bytes = script::read_bounded(&path, self.largest_source).map_err(unreadable)?;
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
        self.load(source).await?;
        // Its microtasks came before the reply: where nothing was ever pending, there is nothing to wait for.
        if self.pending.has_changed().unwrap_or(true) {
            self.idle().await;
        }
        match self.owner.condemned() {
            None => Ok(()),
            Some(_) => Err(ScriptError::Call(self.owner.gone())),
        }
    }

    /// Runs a script to its end and blocks the calling thread meanwhile.
    ///
    /// # Errors
    /// As [`run`](Runtime::run).
    pub fn run_blocking(&self, source: Source) -> Result<(), ScriptError> {
        block_on(self.run(source))
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
        if self.owner.is_closed() { ScriptError::Call(self.owner.gone()) } else { ScriptError::NeverSettles }
    }

    /// The TypeScript declarations of exactly what scripts find here: its modules and globals, as one ambient file.
    #[must_use]
    pub fn typings(&self) -> &str {
        self.typings.text()
    }

    /// How it is, now.
    #[must_use]
    pub fn health(&self) -> Health {
        let status = match (self.owner.is_closed(), self.owner.is_stopped()) {
            _ if self.owner.condemned().is_some() => Status::Condemned,
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
        runs.iter().for_each(|run| run.core().cancel(reason.clone()));
        runs.len()
    }

    /// Waits until no run goes on.
    pub async fn runs_finished(&self) {
        loop {
            let runs = self.runs.all();
            if runs.is_empty() {
                return;
            }
            for run in runs {
                run.core().finished().await;
            }
        }
    }

    /// Shuts down: cancels what runs, gives it `grace` to end, and waits until the VM is gone.
    pub async fn shutdown(&self, grace: Duration) {
        self.owner.shutdown(grace).await;
    }
}

fn start_file(ctx: &Ctx<'_>, path: &Path, bytes: Vec<u8>) -> Result<Running, JsError> {
    let name = path.display().to_string();
    let text = script::read_text(bytes, &name, Vm::of(ctx).host.config.largest_source)?;
    if let Some(folder) = path.parent() {
        let host = Vm::of(ctx).host.clone();
        let mut roots = host.module_roots.borrow_mut();
        if !roots.iter().any(|root| root == folder) {
            roots.push(folder.to_path_buf());
        }
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
