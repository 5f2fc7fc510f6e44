//! `gp.tools`: registries of tools.

use crate::around::Around;
use crate::call::Call;
use crate::callback::{Arguments, Callback};
use crate::callback_context::{self, deadline_token, text_arg};
use crate::codec::json;
use crate::fault::{Fallible, Fault};
use crate::function::Members;
use crate::handle::{self, HandleState};
use crate::host::Host;
use crate::native;
use crate::options::Options;
use crate::promise::{promise_of, rejected};
use crate::run_error::{caller_stack, thrown_in};
use crate::vm::Vm;
use async_trait::async_trait;
use geppetto_events::{Kept, json_size};
use geppetto_inference::RunToken;
use geppetto_runner::WaitError;
use geppetto_toolloop::{Tool, ToolContext, ToolDefinition, ToolError, ToolRegistry};
use geppetto_turns::{Map, did_you_mean};
use rquickjs::{Result, Value};
use serde_json::Value as Json;
use std::sync::Arc;
use std::time::Duration;

/// A registry as scripts hold it.
pub(crate) struct RegistryHandle(ToolRegistry);

impl HandleState for RegistryHandle {
    const NAME: &'static str = "ToolRegistry";

    fn members(members: &Members<'_>) -> Result<()> {
        members.method("register", 1, |call| {
            let this = call.this::<Self>()?;
            let tool = read_tool(call)?;
            this.0.register(Arc::new(tool)).map_err(|error| Fault::type_error(error.to_string()))?;
            Ok(call.this_value())
        })?;
        // The second is the Go project's name.
        for name in ["useHostTools", "useGoTools"] {
            members.method(name, 1, |call| {
                use_host_tools(call, &call.this::<Self>()?.0)?;
                Ok(call.this_value())
            })?;
        }
        members.method("list", 0, |call| {
            let definitions = call.this::<Self>()?.0.definitions();
            let definitions = definitions.iter().map(|tool| json::encode(call.ctx(), &tool.to_json()));
            Ok(crate::codec::array(call.ctx(), definitions)?)
        })?;
        members.method("call", 2, |call| {
            let (registry, name, args) = call_arguments(call)?;
            let host = Vm::of(call.ctx()).host.clone();
            let (scope, within) = around(&host);
            let called = registry.call(&name, args, &host.config.clock, &within);
            let result = host.wait((scope, &within), called).map_err(|error| match error {
                WaitError::Stopped => Fault::Plain(format!("tool {name}: stopped by the run around it")),
                other => Fault::wait(other),
            })?;
            Ok(json::encode(call.ctx(), &result.map_err(|error| tool_fault(&name, &error, None))?)?)
        })?;
        members.method("callAsync", 2, |call| {
            let host = Vm::of(call.ctx()).host.clone();
            let (clock, (_, within)) = (host.config.clock.clone(), around(&host));
            match call_arguments(call) {
                Err(fault) => rejected(call, fault),
                Ok((registry, name, args)) => {
                    let started = caller_stack(call.ctx())?;
                    let kept = host.keep(CALL_SIZE);
                    promise_of(
                        call,
                        async move {
                            let _kept = kept;
                            let called = registry.call(&name, args, &clock, &within).await;
                            called.map_err(|error| tool_fault(&name, &error, Some(started)))
                        },
                        |ctx, value| json::encode(ctx, &value),
                    )
                }
            }
        })?;
        Ok(())
    }
}

/// What a call is made in: the scope of the run, if there is one, and what ends the call, which is all of it.
fn around(host: &Host) -> (u64, RunToken) {
    let (run, tokens) = host.enclosing();
    let within = RunToken::child_of(run.as_ref().map(deadline_token).iter().chain(&tokens));
    (run.map_or(u64::MAX, |run| run.scope()), within)
}

/// About as many bytes as a call takes while it waits.
const CALL_SIZE: usize = 3 * 1024;

/// About as many bytes as a tool takes beside what describes it.
const TOOL_SIZE: usize = 448;

/// About as many bytes as a tool takes, with its schema as it was written and as it is compiled.
fn size_of(definition: &ToolDefinition) -> usize {
    fn patterns(schema: &Json) -> usize {
        match schema {
            Json::Array(items) => items.iter().map(patterns).sum(),
            Json::Object(map) => {
                // A property may have that name as well: then it is no text.
                let own = map.get("pattern").and_then(Json::as_str);
                let named = map.get("patternProperties").and_then(Json::as_object);
                let named = named.into_iter().flat_map(Map::keys).map(String::as_str);
                own.into_iter().chain(named).map(pattern_size).sum::<usize>()
                    + map.values().map(patterns).sum::<usize>()
            }
            _ => 0,
        }
    }
    let description = definition.description.as_ref().map_or(0, String::len);
    let schema = definition.parameters.as_ref();
    let schema = schema.map_or(0, |schema| 3 * json_size(schema) + patterns(schema));
    TOOL_SIZE + definition.name.len() + description + schema
}

/// A compiled pattern takes up to so many bytes…
const LARGEST_PATTERN: usize = 1024 * 1024;
/// … and about so many for each of its characters, as often as it is repeated.
const PATTERN_CHARACTER: usize = 32;

/// About as many bytes as a pattern takes once it is compiled.
fn pattern_size(pattern: &str) -> usize {
    let bounds = pattern.split('{').skip(1).filter_map(|bound| {
        let (bound, _) = bound.split_once('}')?;
        bound.rsplit(',').find_map(|bound| bound.trim().parse::<usize>().ok())
    });
    let repeated = bounds.map(|bound| bound.max(1)).fold(1, usize::saturating_mul);
    // Of all characters but some there are many, and of those of Unicode's properties more.
    let count = |classes: &[&str]| classes.iter().map(|class| pattern.matches(class).count()).sum::<usize>();
    let characters =
        32 + pattern.len() + 128 * count(&["\\D", "\\S", "\\W", "[^"]) + 1600 * count(&["\\p", "\\P"]);
    characters.saturating_mul(repeated).saturating_mul(PATTERN_CHARACTER).min(LARGEST_PATTERN)
}

/// A call that failed; `started` is the stack of one that had returned by then.
fn tool_fault(name: &str, error: &ToolError, started: Option<String>) -> Fault {
    let message = match error {
        ToolError::NotFound { .. } => error.to_string(),
        _ => format!("tool {name}: {error}"),
    };
    let cause = match error {
        ToolError::Failed(failure) => thrown_in(failure),
        _ => None,
    };
    Fault::Caused { message, cause, started }
}

fn call_arguments(call: &Call<'_, '_>) -> Fallible<(ToolRegistry, String, Json)> {
    let registry = call.this::<RegistryHandle>()?.0.clone();
    let name = text_arg(call, 0, "name")?;
    let args = native::json(call, 1, "args")?;
    Ok((registry, name, args.unwrap_or_else(|| serde_json::json!({}))))
}

pub(super) fn namespace(members: &Members<'_>) -> Result<()> {
    members.function("createRegistry", 0, |call| {
        if call.arg(0).is_some() {
            return Err(Fault::type_error(
                "createRegistry takes nothing; add tools with register() or useHostTools()",
            ));
        }
        Ok(handle::create(call.ctx(), RegistryHandle(ToolRegistry::new()))?.into_value())
    })?;
    Ok(())
}

/// The registry that an argument has to be.
pub(crate) fn registry_of(value: &Value<'_>, path: &str) -> Fallible<ToolRegistry> {
    Ok(handle::state::<RegistryHandle>(value, path)?.0.clone())
}

fn use_host_tools(call: &Call<'_, '_>, registry: &ToolRegistry) -> Fallible<()> {
    let offered = Vm::of(call.ctx()).host.config.tools.clone();
    let wanted: Option<Vec<String>> = native::json(call, 0, "useHostTools: names")?
        .map(serde_json::from_value)
        .transpose()
        .map_err(|_| Fault::type_error("useHostTools: names: expected an array of strings"))?;
    let known: Vec<&str> = offered.iter().map(|tool| tool.definition().name.as_str()).collect();
    if let Some(unknown) = wanted.iter().flatten().find(|name| !known.contains(&name.as_str())) {
        let guess = did_you_mean(unknown, known.iter().copied());
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        return Err(Fault::type_error(format!(
            "useHostTools: the host has no tool {unknown:?}; it offers {known}{guess}"
        )));
    }
    for tool in &offered {
        let name = &tool.definition().name;
        if wanted.as_ref().is_none_or(|wanted| wanted.contains(name)) {
            registry.register(tool.clone()).map_err(|error| Fault::type_error(error.to_string()))?;
        }
    }
    Ok(())
}

fn read_tool(call: &Call<'_, '_>) -> Fallible<JsTool> {
    let options = Options::read(call.ctx(), call.arg(0), "tool")?;
    let name = options.string("name")?;
    let description = options.string("description")?;
    let parameters = options.json("parameters")?;
    let handler = options.function("handler")?;
    let timeout = options.milliseconds("timeoutMs")?;
    options.finish()?;
    let name = options.required("name", "a string", name)?;
    let handler = options.required("handler", "a function", handler)?;
    let definition = ToolDefinition { name, description, parameters };
    let kept = Vm::of(call.ctx()).host.keep(size_of(&definition));
    Ok(JsTool { definition, timeout, callback: Callback::new(call.ctx(), handler)?, _kept: kept })
}

/// A script's tool.
struct JsTool {
    definition: ToolDefinition,
    timeout: Option<Duration>,
    callback: Callback,
    _kept: Kept,
}

#[async_trait]
impl Tool for JsTool {
    fn definition(&self) -> &ToolDefinition {
        &self.definition
    }

    fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    async fn call(&self, args: Json, ctx: &ToolContext) -> std::result::Result<Json, ToolError> {
        let tool = ctx.clone();
        let around = match &ctx.run {
            Some(run) => Around::Run(Box::new(run.clone())),
            None => Around::Call(ctx.token.clone()),
        };
        let called = self.callback.call(
            "tool",
            around,
            move |js| {
                if let Some(path) = json::inexact(&args, "args") {
                    return Err(Fault::type_error(format!(
                        "{path}: a JavaScript number cannot hold this integer exactly; pass it as a string"
                    )));
                }
                let args = json::encode(js, &args)?;
                let context = callback_context::for_tool(js, &tool)?.into_value();
                Ok(Arguments { values: vec![args, context], fallback: Value::new_undefined(js.clone()) })
            },
            |js, returned| {
                json::decode(js, &returned.value).map_err(|error| error.fault("the tool's result"))
            },
        );
        called.await.map_err(|error| {
            if ctx.run.is_some() {
                self.callback.warn_of_promise(&format!("the handler of tool {}", ctx.tool_name), &error);
            }
            error.in_tool(ctx)
        })
    }
}
