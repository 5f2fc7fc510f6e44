//! `gp.engines`: what answers turns.

use crate::call::Call;
use crate::callback::{Arguments, Callback, function_arg};
use crate::callback_context;
use crate::callback_error::ASYNCHRONOUSLY;
use crate::codec::turn;
use crate::counted::Counted;
use crate::fault::{Fallible, Fault};
use crate::function::Members;
use crate::handle::{self, HandleState};
use crate::module::{EngineFactory, EngineRequest};
use crate::options::Options;
use crate::vm::Vm;
use async_trait::async_trait;
use geppetto_events::json_size;
use geppetto_inference::engines::{
    EchoEngine, ScriptedCall, ScriptedEngine, ScriptedError, ScriptedResponse,
};
use geppetto_inference::{Engine, InferenceError, RunContext};
use geppetto_turns::{Map, Turn, Usage};
use rquickjs::{IntoJs, Result, Value};
use serde_json::Value as Json;
use std::sync::Arc;

/// An engine as scripts hold it.
pub(crate) struct EngineHandle {
    pub(crate) engine: Arc<dyn Engine>,
    /// The same, when it is a scripted one: it tells what it was asked.
    scripted: Option<Arc<ScriptedEngine>>,
}

impl HandleState for EngineHandle {
    const NAME: &'static str = "Engine";
    const PUBLIC: &'static [&'static str] = &["name"];

    fn members(members: &Members<'_>) -> Result<()> {
        members.getter("name", |call| Ok((&*call.this::<Self>()?.engine.name()).into_js(call.ctx())?))?;
        members.getter("calls", |call| match &call.this::<Self>()?.scripted {
            None => Ok(call.undefined()),
            Some(scripted) => {
                let calls = scripted.calls();
                let calls = calls.iter().map(|seen| Ok(turn::encode(call.ctx(), seen)?.into_value()));
                Ok(crate::codec::array(call.ctx(), calls)?)
            }
        })?;
        members.getter("lastCall", |call| {
            let last = call.this::<Self>()?.scripted.as_ref().and_then(|scripted| scripted.calls().pop());
            match last {
                None => Ok(call.undefined()),
                Some(last) => Ok(turn::encode(call.ctx(), &last)?.into_value()),
            }
        })?;
        members.getter("remaining", |call| {
            let remaining = call.this::<Self>()?.scripted.as_ref().map(|scripted| scripted.remaining());
            Ok(remaining.into_js(call.ctx())?)
        })?;
        members.method("assertComplete", 0, |call| {
            let this = call.this::<Self>()?;
            let scripted = this.scripted.as_ref();
            let scripted =
                scripted.ok_or_else(|| Fault::type_error("assertComplete: this is no scripted engine"))?;
            scripted.assert_complete().map_err(|error| Fault::Plain(error.to_string()))?;
            Ok(call.undefined())
        })?;
        Ok(())
    }
}

pub(super) fn namespace(members: &Members<'_>) -> Result<()> {
    members.function("echo", 1, |call| {
        let options = Options::read(call.ctx(), call.arg(0), "options")?;
        let reply = options.string("reply")?.unwrap_or_else(|| "READY".to_owned());
        let delay = options.milliseconds("delayMs")?.unwrap_or_default();
        options.finish()?;
        let size = reply.len();
        made(call, Arc::new(EchoEngine::new(reply).with_delay(delay)), None, size)
    })?;
    members.function("scripted", 1, |call| {
        let options = Options::read(call.ctx(), call.arg(0), "options")?;
        let responses = options.values("responses")?;
        let responses = options.required("responses", "an array of responses", responses)?;
        let responses = responses.into_iter().enumerate().map(|(index, value)| {
            response(&Options::read(call.ctx(), Some(value), format!("options.responses[{index}]"))?)
        });
        let responses: Vec<ScriptedResponse> = responses.collect::<Fallible<_>>()?;
        let size = responses.iter().map(size_of).sum();
        let meter = Vm::of(call.ctx()).host.meter();
        let engine = Arc::new(ScriptedEngine::new(responses).metered(meter));
        made(call, engine.clone(), Some(engine), size)
    })?;
    members.function("fromFunction", 1, |call| {
        let function = function_arg(call.arg(0), "engines.fromFunction")?;
        let callback = Callback::new(call.ctx(), function.into_value())?;
        made(call, Arc::new(JsEngine { name: "jsFunction".into(), callback }), None, 0)
    })?;
    members.function("fromConfig", 1, |call| from_host(call, None, 0))?;
    members.function("fromProfile", 2, |call| {
        let profile = callback_context::optional_text_arg(call, 0, "profile")?;
        from_host(call, profile, 1)
    })?;
    members.function("replay", 1, |call| {
        let folder = callback_context::text_arg(call, 0, "replay: folder")?;
        let folder = crate::loader::folder(call.ctx(), &folder)
            .map_err(|why| Fault::Plain(format!("replay: {why}")))?;
        let engine = factory(call)?.replay(&folder).map_err(|failure| Fault::Plain(failure.message))?;
        made(call, engine, None, 0)
    })?;
    Ok(())
}

/// About as many bytes as a response takes.
fn size_of(response: &ScriptedResponse) -> usize {
    let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let calls = response.tool_calls.iter().map(|call| call.name.len() + json_size(&call.args)).sum::<usize>();
    size_of_val(response) + text(&response.reasoning) + text(&response.text) + calls
}

/// About as many bytes as an engine takes beside what it says.
const ENGINE_SIZE: usize = 256;

/// An engine, and about as many bytes as Rust keeps of what it says.
fn made<'js>(
    call: &Call<'_, 'js>,
    engine: Arc<dyn Engine>,
    scripted: Option<Arc<ScriptedEngine>>,
    size: usize,
) -> Fallible<Value<'js>> {
    let kept = Vm::of(call.ctx()).host.keep(ENGINE_SIZE + size);
    let engine = Arc::new(Counted::new(engine, kept));
    Ok(handle::create(call.ctx(), EngineHandle { engine, scripted })?.into_value())
}

/// The engine that an argument has to be.
pub(crate) fn engine_of(value: &Value<'_>, path: &str) -> Fallible<Arc<dyn Engine>> {
    Ok(handle::state::<EngineHandle>(value, path)?.engine.clone())
}

/// The options of a real model, as the host's factory takes them: an alias counts as what it stands for.
fn request(call: &Call<'_, '_>, profile: Option<String>, index: usize) -> Fallible<EngineRequest> {
    let options = Options::read(call.ctx(), call.arg(index), "options")?;
    let mut config = Map::new();
    let mut set =
        |name: &str, value: Option<Json>| drop(value.map(|value| config.insert(name.to_owned(), value)));
    set("model", options.string("model")?.map(Json::from));
    let given = [("apiType", options.string("apiType")?), ("provider", options.string("provider")?)];
    set("apiType", options.agreed(given)?.map(Json::from));
    set("temperature", options.number("temperature")?.map(Json::from));
    set("topP", options.share("topP")?.map(Json::from));
    set("maxTokens", options.integer("maxTokens", 1)?.map(Json::from));
    set("seed", options.count("seed")?.map(Json::from));
    set("stop", options.strings("stop")?.map(Json::from));
    set("reasoningEffort", options.string("reasoningEffort")?.map(Json::from));
    let seconds = options.number("timeoutSeconds")?.map(|seconds| (seconds * 1e9).round() / 1e6);
    let given = [("timeoutMs", options.number("timeoutMs")?), ("timeoutSeconds", seconds)];
    set("timeoutMs", options.agreed(given)?.map(Json::from));
    set("apiKey", options.secret("apiKey")?.map(Json::from));
    set("baseURL", options.string("baseURL")?.map(Json::from));
    set("headers", options.secrets("headers")?.map(Json::from));
    let profile = profile.or(options.string("profile")?);
    options.finish()?;
    Ok(EngineRequest { profile, from_profile: index > 0, options: config })
}

fn from_host<'js>(call: &Call<'_, 'js>, profile: Option<String>, index: usize) -> Fallible<Value<'js>> {
    let request = request(call, profile, index)?;
    let size = json_size(&request.options);
    let engine = factory(call)?.create(request).map_err(|failure| match failure.is_misuse() {
        true => Fault::Type(failure.message),
        false => Fault::Plain(failure.message),
    })?;
    made(call, engine, None, size)
}

fn factory(call: &Call<'_, '_>) -> Fallible<Arc<dyn EngineFactory>> {
    Vm::of(call.ctx()).host.config.engines.clone().ok_or_else(|| {
        Fault::Plain(
            "this host offers no model engines; use engines.echo, scripted or fromFunction".to_owned(),
        )
    })
}

fn response(options: &Options<'_>) -> Fallible<ScriptedResponse> {
    let mut calls = Vec::new();
    for (index, value) in options.values("toolCalls")?.unwrap_or_default().into_iter().enumerate() {
        let path = format!("{}[{index}]", options.path_of("toolCalls"));
        let call = Options::read(options.ctx(), Some(value), path)?;
        let (id, name, args) = (call.string("id")?, call.string("name")?, call.json("args")?);
        calls.push(ScriptedCall {
            id,
            name: call.required("name", "a tool's name", name)?,
            args: args.unwrap_or_else(|| serde_json::json!({})),
        });
    }
    let response = ScriptedResponse {
        reasoning: options.string("reasoning")?,
        text: options.string("text")?,
        tool_calls: calls,
        usage: usage(&options.nested("usage")?)?,
        stop_reason: options.string("stopReason")?,
        delay: options.milliseconds("delayMs")?.unwrap_or_default(),
        error: error(options)?,
    };
    options.finish()?;
    Ok(response)
}

fn usage(options: &Options<'_>) -> Fallible<Option<Usage>> {
    let count = |name| Ok::<_, Fault>(options.count(name)?.unwrap_or(0));
    let usage = Usage {
        input_tokens: count("inputTokens")?,
        output_tokens: count("outputTokens")?,
        cached_input_tokens: count("cachedInputTokens")?,
        reasoning_tokens: count("reasoningTokens")?,
    };
    options.finish()?;
    Ok((!options.is_absent()).then_some(usage))
}

fn error(options: &Options<'_>) -> Fallible<Option<ScriptedError>> {
    let Some(value) = options.value("error")? else { return Ok(None) };
    if value.is_string() {
        let message = crate::codec::text(options.ctx(), &value)?;
        return Ok(Some(ScriptedError { message, ..ScriptedError::default() }));
    }
    if !value.is_object() {
        let (path, found) = (options.path_of("error"), handle::describe(&value));
        return Err(Fault::type_error(format!(
            "invalid {path}: expected a string or an object, got {found}"
        )));
    }
    let error = Options::read(options.ctx(), Some(value), options.path_of("error"))?;
    let message = error.string("message")?;
    let (status, retryable) = (error.status("status")?, error.boolean("retryable")?);
    let message = error.required("message", "a string", message)?;
    Ok(Some(ScriptedError { message, status, retryable }))
}

/// A script's own model.
struct JsEngine {
    name: Arc<str>,
    callback: Callback,
}

#[async_trait]
impl Engine for JsEngine {
    fn name(&self) -> Arc<str> {
        self.name.clone()
    }

    async fn infer(&self, turn: Turn, ctx: &RunContext) -> std::result::Result<Turn, InferenceError> {
        let (given, run) = (turn.clone(), ctx.clone());
        let called = self.callback.call(
            "engine",
            Some(ctx.clone()),
            move |js| {
                let given = turn::encode(js, &given)?.into_value();
                let context = callback_context::for_engine(js, &run)?.into_value();
                Ok(Arguments { values: vec![given.clone(), context], fallback: given })
            },
            move |js, returned| {
                // Nothing returned: the given turn, with its mutations.
                let nothing = returned.value.is_undefined() || returned.value.is_null();
                let value = if nothing { returned.fallback } else { returned.value };
                turn::decode(js, &value, Some(&turn), "the engine's turn")
            },
        );
        called.await.map_err(|error| {
            error.in_run(ctx, ASYNCHRONOUSLY, |failure| InferenceError::engine(self.name(), failure))
        })
    }
}
