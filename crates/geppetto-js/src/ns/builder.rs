//! `gp.createSession` and `gp.createBuilder`: the parts of a session.

use crate::call::Call;
use crate::callback_context::text_arg;
use crate::fault::{Fallible, Fault};
use crate::function::Members;
use crate::handle::{self, HandleState};
use crate::ns::engines::engine_of;
use crate::ns::hooks::JsHooks;
use crate::ns::middlewares::{host_middleware, middleware_of};
use crate::ns::session::SessionHandle;
use crate::ns::tools::registry_of;
use crate::options::Options;
use crate::vm::Vm;
use geppetto_events::Kept;
use geppetto_inference::{Engine, Middleware, Session};
use geppetto_toolloop::{LoopConfig, SessionHooks, SessionSteps, SessionTools, ToolHooks, ToolRegistry};
use rquickjs::{Ctx, Result, Value};
use std::cell::RefCell;
use std::sync::Arc;

/// More would not fit on the stack of the thread.
const MOST_MIDDLEWARES: usize = 100;

/// The most bytes of a session's id, which each of its events has.
const LONGEST_ID: usize = 1024;

/// The parts of a session.
#[derive(Clone, Default)]
pub(crate) struct Parts {
    engine: Option<Arc<dyn Engine>>,
    middlewares: Vec<Arc<dyn Middleware>>,
    tools: Option<ToolRegistry>,
    config: LoopConfig,
    hooks: Option<Arc<dyn ToolHooks>>,
    id: Option<String>,
}

impl Parts {
    /// Reads the options of a session, its engine among them unless it is given; other options may follow.
    pub(crate) fn read(options: &Options<'_>, engine: Option<Arc<dyn Engine>>) -> Fallible<Self> {
        let mut parts = Self { engine, ..Self::default() };
        if parts.engine.is_none()
            && let Some(engine) = options.value("engine")?
        {
            parts.engine = Some(engine_of(&engine, &options.path_of("engine"))?);
        }
        for (index, value) in options.values("middlewares")?.unwrap_or_default().iter().enumerate() {
            let path = format!("{}[{index}]", options.path_of("middlewares"));
            parts.add_middleware(middleware_of(options.ctx(), value, &path)?)?;
        }
        if let Some(tools) = options.value("tools")? {
            parts.tools = Some(registry_of(&tools, &options.path_of("tools"))?);
        }
        parts.read_loop(&options.nested("toolLoop")?)?;
        if let Some(hooks) = JsHooks::read(&options.nested("toolHooks")?)? {
            if parts.hooks.is_some() {
                let (here, there) = (options.path_of("toolHooks"), options.path_of("toolLoop.hooks"));
                return Err(Fault::type_error(format!(
                    "hooks are given twice, in {here} and {there}: leave one out"
                )));
            }
            parts.hooks = Some(Arc::new(hooks));
        }
        parts.id = options.string("id")?;
        if parts.id.as_deref() == Some("") {
            return Err(Fault::type_error(format!("{} is empty", options.path_of("id"))));
        }
        if parts.id.as_ref().is_some_and(|id| id.len() > LONGEST_ID) {
            let path = options.path_of("id");
            return Err(Fault::type_error(format!("invalid {path}: expected at most {LONGEST_ID} bytes")));
        }
        Ok(parts)
    }

    fn add_middleware(&mut self, middleware: Arc<dyn Middleware>) -> Fallible<()> {
        if self.middlewares.len() >= MOST_MIDDLEWARES {
            let message = format!(
                "a session has at most {MOST_MIDDLEWARES} middlewares: each is called inside the one before"
            );
            return Err(Fault::type_error(message));
        }
        self.middlewares.push(middleware);
        Ok(())
    }

    /// Reads settings of the tool loop; what is not there stays as it was.
    fn read_loop(&mut self, options: &Options<'_>) -> Fallible<()> {
        let config = &mut self.config;
        macro_rules! read {
            ($($field:ident = $value:expr;)*) => { $(if let Some(value) = $value { config.$field = value; })* };
        }
        read! {
            enabled = options.boolean("enabled")?;
            max_iterations = options.integer("maxIterations", 1)?;
            max_parallel_tools = options.integer("maxParallelTools", 1)?;
            execution_timeout = options.milliseconds("executionTimeoutMs")?;
            tool_choice = options.one_of("toolChoice")?;
            tool_error_handling = options.one_of("toolErrorHandling")?;
            retry_max_retries = options.integer("retryMaxRetries", 0)?;
            retry_backoff = options.milliseconds("retryBackoffMs")?;
            retry_backoff_factor = options.number("retryBackoffFactor")?;
            stop_at_tools = options.strings("stopAtTools")?;
        }
        if let Some(allowed) = options.strings("allowedTools")? {
            config.allowed_tools = Some(allowed);
        }
        if let Some(hooks) = JsHooks::read(&options.nested("hooks")?)? {
            self.hooks = Some(Arc::new(hooks));
        }
        options.finish()
    }

    /// About as many bytes as the settings take.
    fn size(&self) -> usize {
        let lists = self.config.allowed_tools.iter().flatten().chain(&self.config.stop_at_tools);
        lists.map(|name| size_of::<String>() + name.len()).sum::<usize>()
            + self.middlewares.len() * size_of::<usize>() * 2
    }

    /// The session of these parts.
    pub(crate) fn build(&self, ctx: &Ctx<'_>) -> Fallible<Session> {
        let engine = self.engine.clone().ok_or_else(|| {
            Fault::type_error(
                "options.engine is missing: expected an Engine, such as gp.engines.echo(), or withEngine()",
            )
        })?;
        let host = Vm::of(ctx).host.clone();
        let mut builder = Session::builder(engine).clock(host.config.clock.clone());
        builder = builder.meter(host.meter()).settings_size(self.size());
        for middleware in &self.middlewares {
            builder = builder.middleware(middleware.clone());
        }
        for sink in &host.config.sinks {
            builder = builder.sink(sink.clone());
        }
        if let Some(id) = &self.id {
            builder = builder.id(id.as_str());
        }
        Ok(match &self.tools {
            None => builder.build(),
            Some(tools) => {
                let mut builder = builder.tools(tools.clone(), self.config.clone());
                if let Some(hooks) = &self.hooks {
                    builder = builder.hooks(hooks.clone());
                }
                if let Some(steps) = &host.config.steps {
                    builder = builder.steps(steps.clone());
                }
                builder.build()
            }
        })
    }
}

/// A builder as scripts hold it.
struct BuilderHandle {
    parts: RefCell<Parts>,
    /// Counts the settings.
    kept: RefCell<Kept>,
}

impl HandleState for BuilderHandle {
    const NAME: &'static str = "Builder";

    fn members(members: &Members<'_>) -> Result<()> {
        members.method("withEngine", 1, |call| {
            let engine = engine_of(&call.required(0, "engine", "an Engine")?, "engine")?;
            change(call, |parts| {
                parts.engine = Some(engine);
                Ok(())
            })
        })?;
        members.method("useMiddleware", 1, |call| {
            let value = call.required(0, "middleware", "a Middleware or a function")?;
            let middleware = middleware_of(call.ctx(), &value, "middleware")?;
            change(call, |parts| parts.add_middleware(middleware))
        })?;
        // The second is the Go project's name.
        for name in ["useHostMiddleware", "useGoMiddleware"] {
            members.method(name, 2, |call| {
                let name = text_arg(call, 0, "name")?;
                let middleware = host_middleware(call.ctx(), &name, call.arg(1))?;
                change(call, |parts| parts.add_middleware(middleware))
            })?;
        }
        members.method("withTools", 2, |call| {
            let registry = registry_of(&call.required(0, "tools", "a ToolRegistry")?, "tools")?;
            set_loop(call, 1)?;
            change(call, |parts| {
                parts.tools = Some(registry);
                Ok(())
            })
        })?;
        members.method("withToolLoop", 1, |call| set_loop(call, 0))?;
        members.method("withToolHooks", 1, |call| {
            let hooks = JsHooks::read(&Options::read(call.ctx(), call.arg(0), "toolHooks")?)?;
            change(call, |parts| {
                parts.hooks = hooks.map(|hooks| Arc::new(hooks) as Arc<dyn ToolHooks>);
                Ok(())
            })
        })?;
        members.method("buildSession", 0, |call| {
            let parts = call.this::<Self>()?.parts.borrow().clone();
            session_handle(call, &parts)
        })?;
        Ok(())
    }
}

fn change<'js>(
    call: &Call<'_, 'js>,
    change: impl FnOnce(&mut Parts) -> Fallible<()>,
) -> Fallible<Value<'js>> {
    let builder = call.this::<BuilderHandle>()?;
    let mut parts = builder.parts.borrow_mut();
    change(&mut parts)?;
    *builder.kept.borrow_mut() = kept(call, &parts);
    Ok(call.this_value())
}

fn set_loop<'js>(call: &Call<'_, 'js>, index: usize) -> Fallible<Value<'js>> {
    let builder = call.this::<BuilderHandle>()?;
    let options = Options::read(call.ctx(), call.arg(index), "toolLoop")?;
    // Options may run getters of the script: the parts are changed only once they have been read.
    let mut parts = builder.parts.borrow().clone();
    parts.read_loop(&options)?;
    change(call, |before| {
        *before = parts;
        Ok(())
    })
}

fn kept(call: &Call<'_, '_>, parts: &Parts) -> Kept {
    Vm::of(call.ctx()).host.keep(parts.size())
}

fn session_handle<'js>(call: &Call<'_, 'js>, parts: &Parts) -> Fallible<Value<'js>> {
    let session = parts.build(call.ctx())?;
    Ok(handle::create(call.ctx(), SessionHandle(session))?.into_value())
}

fn read_parts(call: &Call<'_, '_>) -> Fallible<Parts> {
    let options = Options::read(call.ctx(), call.arg(0), "options")?;
    let parts = Parts::read(&options, None)?;
    options.finish()?;
    Ok(parts)
}

pub(super) fn functions(members: &Members<'_>) -> Result<()> {
    members.function("createSession", 1, |call| session_handle(call, &read_parts(call)?))?;
    members.function("createBuilder", 1, |call| {
        let parts = read_parts(call)?;
        let (kept, parts) = (RefCell::new(kept(call, &parts)), RefCell::new(parts));
        Ok(handle::create(call.ctx(), BuilderHandle { parts, kept })?.into_value())
    })?;
    Ok(())
}
