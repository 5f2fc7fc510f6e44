//! What a model may call.

use crate::ToolError;
use async_trait::async_trait;
use geppetto_inference::{RunContext, RunToken};
use geppetto_time::Deadline;
use serde_json::{Value, json};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What a model is told about a tool.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolDefinition {
    /// The name it is called by.
    pub name: String,
    /// What it does, for the model.
    pub description: Option<String>,
    /// The JSON Schema of its arguments; without one any arguments are passed on.
    pub parameters: Option<Value>,
}

impl ToolDefinition {
    /// A tool of this name, without description and parameters.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), description: None, parameters: None }
    }

    /// The same with a description.
    #[must_use]
    pub fn description(self, description: impl Into<String>) -> Self {
        Self { description: Some(description.into()), ..self }
    }

    /// The same with a JSON Schema of its arguments.
    #[must_use]
    pub fn parameters(self, parameters: Value) -> Self {
        Self { parameters: Some(parameters), ..self }
    }

    /// As it stands in a turn's data: `{"name", "description"?, "parameters"?}`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut json = json!({ "name": self.name });
        if let Some(description) = &self.description {
            json["description"] = json!(description);
        }
        if let Some(parameters) = &self.parameters {
            json["parameters"] = parameters.clone();
        }
        json
    }
}

/// What a tool knows of its call.
#[derive(Debug, Clone)]
pub struct ToolContext {
    /// The run it belongs to, with the attempt's deadline and token; absent when a registry is called directly.
    pub run: Option<RunContext>,
    /// Tells the call to end: its time is over, or its run is.
    pub token: RunToken,
    /// The tool that is called.
    pub tool_name: Arc<str>,
    /// The call's id.
    pub call_id: Arc<str>,
    /// The name the model asked for; a hook may have chosen another tool.
    pub call_name: Arc<str>,
    /// Which attempt this is, from 1.
    pub attempt: u32,
}

impl ToolContext {
    /// The nearest deadline.
    #[must_use]
    pub fn deadline(&self) -> Option<Deadline> {
        self.run.as_ref()?.deadline()
    }
}

/// Something a model may call.
///
/// Arguments have been checked against the definition's schema. Dropping the future cancels the attempt; when the
/// attempt's time is over it is dropped. A panic becomes the call's error. Calls may overlap.
#[async_trait]
pub trait Tool: Send + Sync {
    /// What the model is told. It must not change.
    fn definition(&self) -> &ToolDefinition;

    /// How long an attempt may take, instead of what the loop's settings say. Zero: as long as it wants.
    fn timeout(&self) -> Option<Duration> {
        None
    }

    /// Does what the tool does.
    ///
    /// # Errors
    /// What goes to the model instead of a result.
    async fn call(&self, args: Value, ctx: &ToolContext) -> Result<Value, ToolError>;
}

/// A tool from a function that answers at once.
pub struct FunctionTool<F> {
    definition: ToolDefinition,
    function: F,
}

impl<F> FunctionTool<F>
where
    F: Fn(Value, &ToolContext) -> Result<Value, ToolError> + Send + Sync,
{
    /// The tool with this definition that does what `function` does.
    pub fn new(definition: ToolDefinition, function: F) -> Self {
        Self { definition, function }
    }
}

#[async_trait]
impl<F> Tool for FunctionTool<F>
where
    F: Fn(Value, &ToolContext) -> Result<Value, ToolError> + Send + Sync,
{
    fn definition(&self) -> &ToolDefinition {
        &self.definition
    }

    async fn call(&self, args: Value, ctx: &ToolContext) -> Result<Value, ToolError> {
        (self.function)(args, ctx)
    }
}

impl fmt::Debug for dyn Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tool({})", self.definition().name)
    }
}
