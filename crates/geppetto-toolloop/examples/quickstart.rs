//! The agent of `ts/examples/quickstart.js` in Rust, without QuickJS: an engine, a middleware and a tool, streamed
//! word by word. `cargo run -p geppetto-toolloop --example quickstart -- "What is 17 * 23?"`
#![allow(clippy::print_stdout, reason = "an example talks to its terminal")]

use async_trait::async_trait;
use futures_util::StreamExt;
use geppetto_inference::engines::{ScriptedCall, ScriptedEngine, ScriptedResponse};
use geppetto_inference::events::EventBody;
use geppetto_inference::{InferenceError, Middleware, Next, RunContext, RunOptions, Session};
use geppetto_toolloop::{
    LoopConfig, SessionTools, Tool, ToolContext, ToolDefinition, ToolError, ToolRegistry,
};
use geppetto_turns::Turn;
use serde_json::{Value, json};
use std::io::Write;
use std::sync::Arc;

/// A tool that multiplies.
struct Multiply(ToolDefinition);

#[async_trait]
impl Tool for Multiply {
    fn definition(&self) -> &ToolDefinition {
        &self.0
    }

    async fn call(&self, args: Value, _ctx: &ToolContext) -> Result<Value, ToolError> {
        let (a, b) = (args["a"].as_i64(), args["b"].as_i64());
        let product = a.zip(b).and_then(|(a, b)| a.checked_mul(b));
        product
            .map(|product| json!({ "product": product }))
            .ok_or_else(|| ToolError::failed("the product is too large"))
    }
}

/// A middleware that tells of each engine call.
struct TellCalls;

#[async_trait]
impl Middleware for TellCalls {
    fn name(&self) -> Arc<str> {
        "tellCalls".into()
    }

    async fn handle(&self, turn: Turn, next: Next, ctx: &RunContext) -> Result<Turn, InferenceError> {
        // After the end of the run nobody listens; that is no reason to fail.
        let _ = ctx.emit(format!("engine call with {} blocks", turn.blocks.len()), None);
        next.call(turn).await
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let question = std::env::args().nth(1).unwrap_or_else(|| "What is 17 * 23?".to_owned());
    let number = json!({ "type": "integer" });
    let multiply =
        ToolDefinition::new("multiply").description("Multiplies two integers.").parameters(json!({
            "type": "object", "properties": { "a": number, "b": number }, "required": ["a", "b"],
        }));
    let tools = ToolRegistry::new();
    tools.register(Arc::new(Multiply(multiply)))?;

    let call = ScriptedCall {
        name: "multiply".into(),
        args: json!({ "a": 17, "b": 23 }),
        ..ScriptedCall::default()
    };
    let engine = ScriptedEngine::new(vec![
        ScriptedResponse { tool_calls: vec![call], ..ScriptedResponse::default() },
        ScriptedResponse { text: Some("17 * 23 is 391.".into()), ..ScriptedResponse::default() },
    ]);
    let session = Session::builder(Arc::new(engine))
        .middleware(Arc::new(TellCalls))
        .tools(tools, LoopConfig::default())
        .build();

    let run = session.begin(question, RunOptions::default())?;
    let mut events = run.handle().events(0);
    let printing = async {
        while let Some(event) = events.next().await {
            match &event.body {
                EventBody::Custom { name, .. } => println!("[{name}]"),
                EventBody::Partial { delta, .. } => print!("{delta}"),
                EventBody::ToolResult { tool_result } => {
                    println!("[{} -> {:?}]", tool_result.name, tool_result.result);
                }
                _ => continue,
            }
            let _ = std::io::stdout().flush();
        }
        println!();
    };
    let (turn, ()) = tokio::join!(run.drive(), printing);
    println!("[{} blocks]", turn?.blocks.len());
    Ok(())
}
