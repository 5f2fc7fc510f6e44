//! Hooks: what may look at, change or refuse tool calls.

use crate::{ToolContext, ToolError};
use async_trait::async_trait;
use geppetto_inference::Failure;
use serde_json::Value;
use std::time::Duration;

/// A call as a hook sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct HookCall {
    /// The call's id; a hook cannot change it.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// The arguments.
    pub args: Value,
}

/// A call's result as a hook sees it: a value, or an error.
#[derive(Debug, Clone)]
pub struct HookedResult {
    /// What the tool returned.
    pub value: Option<Value>,
    /// Why it failed.
    pub error: Option<String>,
    /// How long the last attempt took.
    pub duration: Duration,
}

/// A failed attempt as a hook sees it.
#[derive(Debug, Clone)]
pub struct HookedError {
    /// Why it failed.
    pub error: ToolError,
    /// Whether the loop's settings would retry.
    pub default_retry: bool,
    /// How long the settings would wait first.
    pub default_backoff: Duration,
}

/// What to do with a call.
#[derive(Debug, Clone, PartialEq)]
pub enum BeforeAction {
    /// Make the call, with other arguments or another tool where given.
    Continue {
        /// Other arguments.
        args: Option<Value>,
        /// Another tool.
        name: Option<String>,
    },
    /// Refuse it: this is its error.
    Abort {
        /// Why; `refused by beforeToolCall hook` otherwise.
        error: Option<String>,
    },
}

/// What to do with a result.
#[derive(Debug, Clone, PartialEq)]
pub enum AfterAction {
    /// Keep it, or put another result or an error in its place.
    Continue {
        /// Another result.
        result: Option<Value>,
        /// An error instead.
        error: Option<String>,
    },
    /// Make it an error.
    Abort {
        /// Why; `refused by afterToolCall hook` otherwise.
        error: Option<String>,
    },
}

/// What to do after a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorAction {
    /// What the loop's settings say.
    Default,
    /// Try again under every policy, after this time or the settings' backoff.
    Retry {
        /// How long to wait first.
        backoff: Option<Duration>,
    },
    /// Do not try again; the error is the call's result.
    Stop,
}

/// Looks at, changes or refuses tool calls. Hooks of parallel calls never overlap.
///
/// A hook that fails or takes too long fails its call, or is passed over, as [`HookConfig`] says. Dropping the
/// future of a hook cancels it.
#[async_trait]
pub trait ToolHooks: Send + Sync {
    /// Before the arguments are checked.
    ///
    /// # Errors
    /// When the hook itself fails.
    async fn before_tool_call(&self, call: &HookCall, ctx: &ToolContext) -> Result<BeforeAction, Failure> {
        let _ = (call, ctx);
        Ok(BeforeAction::Continue { args: None, name: None })
    }

    /// After the last attempt.
    ///
    /// # Errors
    /// When the hook itself fails.
    async fn after_tool_call(
        &self,
        call: &HookCall,
        result: &HookedResult,
        ctx: &ToolContext,
    ) -> Result<AfterAction, Failure> {
        let _ = (call, result, ctx);
        Ok(AfterAction::Continue { result: None, error: None })
    }

    /// After each failed attempt.
    ///
    /// # Errors
    /// When the hook itself fails.
    async fn on_tool_error(
        &self,
        call: &HookCall,
        error: &HookedError,
        ctx: &ToolContext,
    ) -> Result<ErrorAction, Failure> {
        let _ = (call, error, ctx);
        Ok(ErrorAction::Default)
    }

    /// How hooks are bounded, and what a failed hook means.
    fn config(&self) -> HookConfig {
        HookConfig::default()
    }
}

/// How hooks are bounded, and what a failed hook means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HookConfig {
    /// How long a hook may take; zero: as long as its run.
    pub timeout: Duration,
    /// Whether a failed hook is logged and passed over, rather than failing its call.
    pub fail_open: bool,
    /// How many retries hooks may ask for in one call.
    pub max_retries: u32,
}

impl Default for HookConfig {
    /// 30 s, fail-closed, 10 retries.
    fn default() -> Self {
        Self { timeout: Duration::from_secs(30), fail_open: false, max_retries: 10 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_of_hooks_are_those_of_the_documentation() {
        let HookConfig { timeout, fail_open, max_retries } = HookConfig::default();
        assert_eq!((timeout, fail_open, max_retries), (Duration::from_millis(30_000), false, 10));
    }
}
