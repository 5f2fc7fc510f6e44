//! Hooks of scripts: what they get, and what they may return.

use crate::callback::{Arguments, Callback};
use crate::callback_context;
use crate::callback_error::ASYNCHRONOUSLY;
use crate::codec::json;
use crate::fault::{Fallible, Fault};
use crate::function::define;
use crate::options::Options;
use async_trait::async_trait;
use geppetto_inference::Failure;
use geppetto_time::whole_ms;
use geppetto_toolloop::{
    AfterAction, BeforeAction, ErrorAction, HookAction, HookCall, HookConfig, HookedError, HookedResult,
    ToolContext, ToolHooks,
};
use rquickjs::{Ctx, Object, Result, Value};
use serde_json::{Value as Json, json};

/// A script's hooks.
pub(crate) struct JsHooks {
    before: Option<Callback>,
    after: Option<Callback>,
    on_error: Option<Callback>,
    config: HookConfig,
}

impl JsHooks {
    /// Reads the option that holds hooks; `None` when it is absent.
    pub(crate) fn read(options: &Options<'_>) -> Fallible<Option<Self>> {
        let defaults = HookConfig::default();
        let callback = |name| -> Fallible<Option<Callback>> {
            options.function(name)?.map(|function| Callback::new(options.ctx(), function)).transpose()
        };
        let hooks = Self {
            before: callback("beforeToolCall")?,
            after: callback("afterToolCall")?,
            on_error: callback("onToolError")?,
            config: HookConfig {
                timeout: options.milliseconds("hookTimeoutMs")?.unwrap_or(defaults.timeout),
                fail_open: fail_open(options)?,
                max_retries: options.integer("maxHookRetries", 0)?.unwrap_or(defaults.max_retries),
            },
        };
        options.finish()?;
        Ok((!options.is_absent()).then_some(hooks))
    }
}

/// What a failed hook means: `hookErrorPolicy`, its alias `onHookError`, or `failOpen`.
fn fail_open(options: &Options<'_>) -> Fallible<bool> {
    const POLICIES: [(&str, bool); 4] =
        [("fail-closed", false), ("fail-open", true), ("closed", false), ("open", true)];
    let policy = |name| Ok::<_, Fault>((name, options.named(name, &POLICIES)?));
    let given =
        [policy("hookErrorPolicy")?, policy("onHookError")?, ("failOpen", options.boolean("failOpen")?)];
    Ok(options.agreed(given)?.unwrap_or(false))
}

/// What all hooks get: the phase, the call, and the facts of the run.
fn payload<'js>(js: &Ctx<'js>, phase: &str, call: &HookCall, tool: &ToolContext) -> Result<Object<'js>> {
    let payload = Object::new(js.clone())?;
    define(&payload, "phase", phase)?;
    define(
        &payload,
        "call",
        json::encode(js, &json!({ "id": call.id, "name": call.name, "args": call.args }))?,
    )?;
    if let Some(run) = &tool.run {
        callback_context::common(js, &payload, run)?;
    }
    Ok(payload)
}

async fn call<R, D>(
    callback: &Callback,
    phase: &'static str,
    (call, tool): (&HookCall, &ToolContext),
    extra: Vec<(&'static str, Json)>,
    decode: D,
) -> std::result::Result<R, Failure>
where
    R: Send + 'static,
    D: FnOnce(&Options<'_>) -> Fallible<R> + Send + 'static,
{
    let (hooked, context) = (call.clone(), tool.clone());
    let called = callback.call(
        phase,
        tool.run.clone(),
        move |js| {
            let payload = payload(js, phase, &hooked, &context)?;
            for (name, value) in &extra {
                define(&payload, name, json::encode(js, value)?)?;
            }
            let context = callback_context::for_tool(js, &context)?.into_value();
            Ok(Arguments {
                values: vec![payload.into_value(), context],
                fallback: Value::new_undefined(js.clone()),
            })
        },
        move |js, returned| {
            let options = Options::read(js, Some(returned.value), "result")?;
            let action = decode(&options)?;
            options.finish()?;
            Ok(action)
        },
    );
    called.await.map_err(|error| {
        callback.warn_of_promise(&format!("the hook {phase}"), &error);
        error.failure(ASYNCHRONOUSLY)
    })
}

/// Whether a hook's result says to abort: `action: "abort"` or `abort: true`.
fn aborts(options: &Options<'_>) -> Fallible<bool> {
    let action = options.one_of::<HookAction>("action")?;
    let abort = options.boolean("abort")?.unwrap_or(false);
    match action {
        Some(HookAction::Retry) => {
            Err(Fault::type_error("result: action \"retry\" is for onToolError alone"))
        }
        action => Ok(abort || action == Some(HookAction::Abort)),
    }
}

#[async_trait]
impl ToolHooks for JsHooks {
    async fn before_tool_call(
        &self,
        hooked: &HookCall,
        ctx: &ToolContext,
    ) -> std::result::Result<BeforeAction, Failure> {
        let Some(callback) = &self.before else {
            return Ok(BeforeAction::Continue { args: None, name: None });
        };
        let given = hooked.clone();
        call(callback, "beforeToolCall", (hooked, ctx), Vec::new(), move |options| {
            let error = options.string("error")?;
            if aborts(options)? {
                return Ok(BeforeAction::Abort { error });
            }
            if error.is_some() {
                return Err(Fault::type_error(
                    "result.error is for a call that is refused: add action: \"abort\"",
                ));
            }
            let nested = options.nested("call")?;
            if nested.string("id")?.is_some_and(|other| other != given.id) {
                return Err(Fault::type_error("result.call.id: a hook cannot change the id of a call"));
            }
            // The call as it was given says nothing: `{ call, args }` changes the arguments.
            let changed = |args: Option<Json>| args.filter(|args| *args != given.args);
            let args = options.agreed([
                ("args", changed(options.json("args")?)),
                ("arguments", changed(options.json("arguments")?)),
                ("call.args", changed(nested.json("args")?)),
                ("call.arguments", changed(nested.json("arguments")?)),
            ])?;
            let renamed = |name: Option<String>| name.filter(|name| *name != given.name);
            let name =
                [("name", renamed(options.string("name")?)), ("call.name", renamed(nested.string("name")?))];
            nested.finish()?;
            Ok(BeforeAction::Continue { args, name: options.agreed(name)? })
        })
        .await
    }

    async fn after_tool_call(
        &self,
        hooked: &HookCall,
        result: &HookedResult,
        ctx: &ToolContext,
    ) -> std::result::Result<AfterAction, Failure> {
        let Some(callback) = &self.after else {
            return Ok(AfterAction::Continue { result: None, error: None });
        };
        let duration = whole_ms(result.duration);
        let seen = json!({ "value": result.value, "error": result.error.as_deref().unwrap_or(""), "durationMs": duration });
        call(callback, "afterToolCall", (hooked, ctx), vec![("result", seen)], |options| {
            let error = options.string("error")?;
            if aborts(options)? {
                return Ok(AfterAction::Abort { error });
            }
            Ok(AfterAction::Continue {
                result: options.json_or_null("result")?,
                error: error.filter(|e| !e.is_empty()),
            })
        })
        .await
    }

    async fn on_tool_error(
        &self,
        hooked: &HookCall,
        error: &HookedError,
        ctx: &ToolContext,
    ) -> std::result::Result<ErrorAction, Failure> {
        let Some(callback) = &self.on_error else { return Ok(ErrorAction::Default) };
        let (backoff, default_retry) = (whole_ms(error.default_backoff), error.default_retry);
        let extra = vec![
            ("attempt", json!(ctx.attempt)),
            ("error", json!(error.error.to_string())),
            ("defaultRetry", json!(default_retry)),
            ("defaultBackoffMs", json!(backoff)),
        ];
        call(callback, "onToolError", (hooked, ctx), extra, move |options| {
            let backoff = options.milliseconds("backoffMs")?;
            let retry = options.boolean("retry")?;
            let abort = options.boolean("abort")?.unwrap_or(false);
            let action = options.one_of::<HookAction>("action")?.map(|action| action == HookAction::Retry);
            let given = [("action", action), ("retry", retry), ("abort", abort.then_some(false))];
            Ok(match options.agreed(given)? {
                Some(true) => ErrorAction::Retry { backoff },
                Some(false) => ErrorAction::Stop,
                // What waits differently before a retry that comes anyway.
                None if backoff.is_some() && default_retry => ErrorAction::Retry { backoff },
                None => ErrorAction::Default,
            })
        })
        .await
    }

    fn config(&self) -> HookConfig {
        self.config
    }
}
