//! What the tests of the loop share: engines, tools and a look at events.

use async_trait::async_trait;
use geppetto_inference::RunHandle;
use geppetto_inference::engines::{ScriptedCall, ScriptedResponse};
use geppetto_inference::events::{Event, EventBody};
use geppetto_toolloop::{Tool, ToolContext, ToolDefinition, ToolError, ToolRegistry};
use serde_json::{Value, json};
use std::sync::Arc;

/// A scripted answer that calls the tool `name`.
pub(crate) fn calls(name: &str, ids: &[&str]) -> ScriptedResponse {
    let call = |id: &&str| ScriptedCall {
        id: Some((*id).to_owned()),
        name: name.to_owned(),
        args: json!({ "n": 1 }),
    };
    ScriptedResponse { tool_calls: ids.iter().map(call).collect(), ..ScriptedResponse::default() }
}

/// A scripted answer in text.
pub(crate) fn says(text: &str) -> ScriptedResponse {
    ScriptedResponse { text: Some(text.to_owned()), ..ScriptedResponse::default() }
}

/// A tool from an asynchronous function.
pub(crate) struct AsyncTool<F> {
    definition: ToolDefinition,
    function: F,
}

impl<F> AsyncTool<F> {
    /// The tool `name` that does what `function` does.
    pub(crate) fn arc(name: &str, function: F) -> Arc<Self> {
        Arc::new(Self { definition: ToolDefinition::new(name), function })
    }
}

#[async_trait]
impl<F, T> Tool for AsyncTool<F>
where
    F: Fn(Value, ToolContext) -> T + Send + Sync,
    T: Future<Output = Result<Value, ToolError>> + Send,
{
    fn definition(&self) -> &ToolDefinition {
        &self.definition
    }

    async fn call(&self, args: Value, ctx: &ToolContext) -> Result<Value, ToolError> {
        (self.function)(args, ctx.clone()).await
    }
}

/// All events of a run so far.
pub(crate) fn events(handle: &RunHandle) -> Vec<Arc<Event>> {
    let mut cursor = handle.events(0);
    std::iter::from_fn(|| cursor.try_next()).collect()
}

/// The events of a run, a line each, without what differs from run to run.
pub(crate) fn story(handle: &RunHandle) -> String {
    let line = |event: Arc<Event>| {
        let told = match &event.body {
            EventBody::Partial { delta, .. } => format!(" {delta:?}"),
            EventBody::Final { text, .. } | EventBody::Interrupt { text } => format!(" {text:?}"),
            EventBody::ToolCall { tool_call } => format!(" {} {}", tool_call.id, tool_call.name),
            EventBody::ToolCallExecute { tool_call, attempt } => {
                format!(" {} attempt {attempt}", tool_call.id)
            }
            EventBody::ToolCallExecutionResult { tool_result, error, .. } => {
                format!(" {} {:?} {error:?}", tool_result.id, tool_result.result)
            }
            EventBody::ToolResult { tool_result } => {
                format!(" {} {:?} {:?}", tool_result.id, tool_result.result, tool_result.error)
            }
            EventBody::Error { error, code } => format!(" {code}: {error}"),
            EventBody::RunFinished { status, code, .. } => format!(" {status} {code:?}"),
            EventBody::Custom { name, .. } => format!(" {name}"),
            _ => String::new(),
        };
        format!("{}{told}\n", event.event_type())
    };
    events(handle).into_iter().map(line).collect()
}

/// A registry with the tool `double`.
pub(crate) fn double() -> ToolRegistry {
    let tools = ToolRegistry::new();
    let double = |args: Value, _ctx| async move { Ok(json!(args["n"].as_i64().unwrap_or(0) * 2)) };
    tools.register(AsyncTool::arc("double", double)).unwrap();
    tools
}
