//! The settings of the tool loop.

use crate::{ToolChoice, ToolErrorHandling};
use serde_json::{Value, json};
use std::time::Duration;

/// The settings of the tool loop.
#[derive(Debug, Clone, PartialEq)]
pub struct LoopConfig {
    /// Whether tools are offered and run at all. Without, a run is one engine call and completes with its calls
    /// pending.
    pub enabled: bool,
    /// How many engine calls a run may make; at least one is made.
    pub max_iterations: u32,
    /// How many calls run at once.
    pub max_parallel_tools: u32,
    /// How long one attempt may take, unless its tool says otherwise; zero: as long as it wants.
    pub execution_timeout: Duration,
    /// Whether the model may, must not or must call a tool.
    pub tool_choice: ToolChoice,
    /// What a failed call means for the run.
    pub tool_error_handling: ToolErrorHandling,
    /// How many retries after the first attempt, when errors are retried.
    pub retry_max_retries: u32,
    /// How long to wait before the first retry.
    pub retry_backoff: Duration,
    /// By how much the wait grows with each retry.
    pub retry_backoff_factor: f64,
    /// The only tools that may be called; an empty list allows none, `None` allows all.
    pub allowed_tools: Option<Vec<String>>,
    /// The run completes once one of these has been called.
    pub stop_at_tools: Vec<String>,
}

impl Default for LoopConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            max_iterations: 5,
            max_parallel_tools: 1,
            execution_timeout: Duration::from_secs(30),
            tool_choice: ToolChoice::Auto,
            tool_error_handling: ToolErrorHandling::Continue,
            retry_max_retries: 2,
            retry_backoff: Duration::from_secs(1),
            retry_backoff_factor: 2.0,
            allowed_tools: None,
            stop_at_tools: Vec::new(),
        }
    }
}

impl LoopConfig {
    /// Whether this tool may be called.
    pub(crate) fn allows(&self, tool: &str) -> bool {
        self.allowed_tools.as_ref().is_none_or(|allowed| allowed.iter().any(|name| name == tool))
    }

    /// What engines find in a turn's data under `tool_config`.
    pub(super) fn to_json(&self) -> Value {
        let mut json = json!({
            "enabled": self.enabled,
            "tool_choice": self.tool_choice,
            "max_iterations": self.max_iterations,
            "max_parallel_tools": self.max_parallel_tools,
        });
        if let Some(allowed) = &self.allowed_tools {
            json["allowed_tools"] = json!(allowed);
        }
        json
    }
}
