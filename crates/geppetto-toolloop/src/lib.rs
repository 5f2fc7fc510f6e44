//! Tools, hooks and the loop that runs what a model asks for.
//!
//! ```
//! use geppetto_inference::{RunOptions, Session, engines::{ScriptedCall, ScriptedEngine, ScriptedResponse}};
//! use geppetto_toolloop::{FunctionTool, LoopConfig, SessionHooks, SessionTools, ToolDefinition, ToolRegistry};
//! use serde_json::json;
//! use std::sync::Arc;
//!
//! let tools = ToolRegistry::new();
//! let add = ToolDefinition::new("add").parameters(json!({
//!     "type": "object",
//!     "properties": { "a": { "type": "number" }, "b": { "type": "number" } },
//!     "required": ["a", "b"],
//! }));
//! tools.register(Arc::new(FunctionTool::new(add, |args, _ctx| {
//!     Ok(json!(args["a"].as_f64().unwrap_or(0.0) + args["b"].as_f64().unwrap_or(0.0)))
//! }))).unwrap();
//!
//! let call = ScriptedCall { name: "add".into(), args: json!({ "a": 2, "b": 3 }), ..ScriptedCall::default() };
//! let engine = ScriptedEngine::new(vec![
//!     ScriptedResponse { tool_calls: vec![call], ..ScriptedResponse::default() },
//!     ScriptedResponse { text: Some("It is 5.".into()), ..ScriptedResponse::default() },
//! ]);
//! let session = Session::builder(Arc::new(engine)).tools(tools, LoopConfig::default()).build();
//! let run = session.begin("2 + 3?", RunOptions::default()).unwrap();
//! let turn = futures_lite::future::block_on(run.drive()).unwrap();
//! assert_eq!(turn.last_assistant_text(), Some("It is 5."));
//! ```

mod attempt;
mod error;
mod executor;
mod hooks;
mod registry;
mod retry;
mod schema;
mod schema_effort;
mod step_mode;
mod tool;
mod toolloop;
mod typed;
#[rustfmt::skip]
mod generated;

pub use error::{RegisterError, SchemaError, SchemaIssue, ToolError};
pub use generated::{HookAction, ToolChoice, ToolErrorHandling};
pub use hooks::{
    AfterAction, BeforeAction, ErrorAction, HookCall, HookConfig, HookedError, HookedResult, ToolHooks,
};
pub use registry::ToolRegistry;
pub use schema::ArgumentSchema;
pub use step_mode::{Pause, PausePhase, StepController, UnknownPause};
pub use tool::{FunctionTool, Tool, ToolContext, ToolDefinition};
pub use toolloop::{LoopConfig, SessionHooks, SessionSteps, SessionTools, ToolLoop, ToolLoopFactory};
pub use typed::TypedTool;
