//! Runs the calls a model asked for: hooks, checks, attempts, retries.

use crate::attempt::{bounded, hooked, in_time};
use crate::hooks::{AfterAction, BeforeAction, ErrorAction, HookCall, HookedError, HookedResult, ToolHooks};
use crate::registry::{Registered, ToolSet};
use crate::{LoopConfig, ToolContext, ToolError, retry};
use futures_util::lock::{Mutex, MutexGuard};
use futures_util::{Stream, StreamExt, stream};
use geppetto_events::{EventBody, EventOrigin, ToolCallInfo, ToolResultInfo};
use geppetto_inference::{RunContext, RunToken};
use geppetto_time::{Clock, whole_ms};
use geppetto_turns::PendingCall;
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::Instrument;

/// Runs calls of one run.
pub(crate) struct Executor<'a> {
    pub(crate) ctx: &'a RunContext,
    pub(crate) tools: &'a ToolSet,
    pub(crate) config: &'a LoopConfig,
    pub(crate) hooks: Option<&'a dyn ToolHooks>,
    /// Held while a hook runs, so that hooks of parallel calls do not overlap.
    pub(crate) hook_turn: Mutex<()>,
}

/// A call that has its answer; `index` is its place among the calls.
pub(crate) struct Answered {
    pub(crate) index: usize,
    pub(crate) call: PendingCall,
    /// The tool that was called, if one was.
    pub(crate) called: Option<String>,
    pub(crate) result: Result<Value, ToolError>,
}

impl<'a> Executor<'a> {
    /// Runs the calls, at most `max_parallel_tools` at once, and yields each answer when it is there. Dropping the
    /// stream drops what runs.
    pub(crate) fn run(&'a self, calls: Vec<PendingCall>) -> impl Stream<Item = Answered> + 'a {
        let parallel = usize::try_from(self.config.max_parallel_tools.max(1)).unwrap_or(usize::MAX);
        stream::iter(calls.into_iter().enumerate())
            .map(move |(index, call)| async move {
                let mut called = None;
                let result = self.answer(&call, &mut called).await;
                Answered { index, call, called, result }
            })
            .buffer_unordered(parallel)
    }

    async fn answer(&self, pending: &PendingCall, called: &mut Option<String>) -> Result<Value, ToolError> {
        let mut call =
            HookCall { id: pending.id.clone(), name: pending.name.clone(), args: pending.args.clone() };
        self.before(&mut call, pending).await?;
        let registered = self.find(&call.name)?;
        // What a hook has put in the place of broken arguments is not broken any more.
        if let Some(why) = pending.malformed.as_ref().filter(|_| call.args == pending.args) {
            return Err(ToolError::malformed(&call.name, why));
        }
        registered.check(&call.args)?;
        *called = Some(call.name.clone());
        let (result, ctx, duration) = self.attempts(registered, &call, pending).await;
        self.after(&call, pending, result, (&ctx, duration)).await
    }

    fn find(&self, name: &str) -> Result<&Registered, ToolError> {
        if !self.config.allows(name) {
            return Err(ToolError::NotAllowed { name: name.to_owned() });
        }
        self.tools.get(name).ok_or_else(|| ToolError::NotFound { name: name.to_owned() })
    }

    /// The context of an attempt or hook that may take `timeout`.
    fn context(
        &self,
        call: &HookCall,
        pending: &PendingCall,
        attempt: u32,
        timeout: Duration,
    ) -> ToolContext {
        let tool_name: Arc<str> = call.name.as_str().into();
        let call_id: Arc<str> = call.id.as_str().into();
        let origin = EventOrigin {
            tool_name: Some(tool_name.clone()),
            call_id: Some(call_id.clone()),
            middleware_name: None,
        };
        let run = bounded(self.ctx, timeout).with_origin(origin);
        ToolContext {
            token: run.token().clone(),
            run: Some(run),
            tool_name,
            call_id,
            call_name: pending.name.as_str().into(),
            attempt,
        }
    }

    /// What bounds an attempt or hook: the run's clock and its own token.
    fn bounds<'c>(&'c self, ctx: &'c ToolContext) -> (&'c dyn Clock, &'c RunToken) {
        (&**self.ctx.clock(), &ctx.token)
    }

    /// Waits for its turn to call a hook, which no hook has once the run has to end.
    async fn hook_turn(&self) -> MutexGuard<'_, ()> {
        let turn = self.hook_turn.lock().await;
        self.ctx.may_begin().await;
        turn
    }

    async fn before(&self, call: &mut HookCall, pending: &PendingCall) -> Result<(), ToolError> {
        let Some(hooks) = self.hooks else { return Ok(()) };
        let config = hooks.config();
        let _turn = self.hook_turn().await;
        let ctx = self.context(call, pending, 1, config.timeout);
        let action =
            hooked("beforeToolCall", config, self.bounds(&ctx), hooks.before_tool_call(call, &ctx)).await?;
        match action {
            Some(BeforeAction::Continue { args, name }) => {
                call.args = args.unwrap_or_else(|| call.args.clone());
                call.name = name.unwrap_or_else(|| call.name.clone());
                Ok(())
            }
            Some(BeforeAction::Abort { error }) => Err(refused(error, "beforeToolCall")),
            None => Ok(()),
        }
    }

    async fn after(
        &self,
        call: &HookCall,
        pending: &PendingCall,
        result: Result<Value, ToolError>,
        (last, duration): (&ToolContext, Duration),
    ) -> Result<Value, ToolError> {
        let Some(hooks) = self.hooks else { return result };
        let config = hooks.config();
        let _turn = self.hook_turn().await;
        let ctx = &self.context(call, pending, last.attempt, config.timeout);
        let seen = HookedResult {
            value: result.as_ref().ok().cloned(),
            error: result.as_ref().err().map(ToString::to_string),
            duration,
        };
        let action =
            hooked("afterToolCall", config, self.bounds(ctx), hooks.after_tool_call(call, &seen, ctx))
                .await?;
        match action {
            Some(AfterAction::Continue { error: Some(error), .. }) => Err(ToolError::failed(error)),
            Some(AfterAction::Continue { result: Some(value), .. }) => Ok(value),
            Some(AfterAction::Abort { error }) => Err(refused(error, "afterToolCall")),
            _ => result,
        }
    }

    /// Attempts until one succeeds or there is no reason to try again.
    async fn attempts(
        &self,
        registered: &Registered,
        call: &HookCall,
        pending: &PendingCall,
    ) -> (Result<Value, ToolError>, ToolContext, Duration) {
        let timeout = registered.tool.timeout().unwrap_or(self.config.execution_timeout);
        let mut hook_retries = 0;
        let mut attempt = 1;
        loop {
            let ctx = self.context(call, pending, attempt, timeout);
            let (result, duration) = self.attempt(registered, call, &ctx, timeout).await;
            let Err(error) = result else { return (result, ctx, duration) };
            match self.retry_after(call, pending, error, attempt, &mut hook_retries).await {
                Ok(wait) => self.pause(wait).await,
                Err(error) => return (Err(error), ctx, duration),
            }
            attempt += 1;
        }
    }

    async fn attempt(
        &self,
        registered: &Registered,
        call: &HookCall,
        ctx: &ToolContext,
        timeout: Duration,
    ) -> (Result<Value, ToolError>, Duration) {
        self.ctx.may_begin().await;
        let attempt = ctx.attempt;
        let tool_call =
            ToolCallInfo { id: call.id.clone(), name: call.name.clone(), input: call.args.to_string() };
        let _ = self.ctx.publish(EventBody::ToolCallExecute { tool_call, attempt });
        let started: Instant = self.ctx.clock().now();
        let (tool, call_id) = (&*call.name, &*call.id);
        let span = tracing::debug_span!("tool", tool, call_id, attempt);
        let called = registered.tool.call(call.args.clone(), ctx).instrument(span);
        let result = in_time(self.bounds(ctx), timeout, called).await;
        let duration = self.ctx.clock().now().saturating_duration_since(started);
        let _ = self.ctx.publish(EventBody::ToolCallExecutionResult {
            error: result.as_ref().err().map(ToString::to_string),
            tool_result: result_info(&call.id, &call.name, &result),
            attempt,
            duration_ms: whole_ms(duration),
        });
        (result, duration)
    }

    /// How long to wait before the next attempt; the error when there is none.
    async fn retry_after(
        &self,
        call: &HookCall,
        pending: &PendingCall,
        error: ToolError,
        attempt: u32,
        hook_retries: &mut u32,
    ) -> Result<Duration, ToolError> {
        let default_retry = retry::retries(self.config, attempt);
        let default_backoff = retry::backoff(self.config, attempt);
        let action = match self.hooks {
            None => ErrorAction::Default,
            Some(hooks) => {
                let config = hooks.config();
                let _turn = self.hook_turn().await;
                let ctx = self.context(call, pending, attempt, config.timeout);
                let seen = HookedError { error: error.clone(), default_retry, default_backoff };
                let action =
                    hooked("onToolError", config, self.bounds(&ctx), hooks.on_tool_error(call, &seen, &ctx))
                        .await?;
                match action {
                    Some(ErrorAction::Retry { .. }) if *hook_retries >= config.max_retries => {
                        ErrorAction::Stop
                    }
                    other => other.unwrap_or(ErrorAction::Default),
                }
            }
        };
        match action {
            ErrorAction::Retry { backoff } => {
                *hook_retries += 1;
                Ok(backoff.unwrap_or(default_backoff))
            }
            ErrorAction::Default if default_retry => Ok(default_backoff),
            _ => Err(error),
        }
    }

    async fn pause(&self, wait: Duration) {
        if !wait.is_zero() {
            self.ctx.clock().sleep(wait).await;
        }
    }
}

fn refused(error: Option<String>, hook: &str) -> ToolError {
    let message = error.filter(|error| !error.is_empty());
    ToolError::Refused { message: message.unwrap_or_else(|| format!("refused by {hook} hook")) }
}

/// A call's answer as events tell it.
pub(crate) fn result_info(id: &str, name: &str, result: &Result<Value, ToolError>) -> ToolResultInfo {
    ToolResultInfo {
        id: id.to_owned(),
        name: name.to_owned(),
        result: result.as_ref().ok().map(ToString::to_string),
        error: result.as_ref().err().map(ToString::to_string),
    }
}
