//! The same runs in Rust alone: sessions, events and the tool loop, with nothing that crosses into a script.

use crate::measure::{Row, Target, microseconds};
use async_trait::async_trait;
use futures_lite::future::block_on;
use geppetto_inference::engines::EchoEngine;
use geppetto_inference::{Engine, InferenceError, Middleware, Next, RunContext, RunOptions, Seed, Session};
use geppetto_toolloop::{FunctionTool, LoopConfig, SessionTools, ToolDefinition, ToolRegistry};
use geppetto_turns::{Block, Turn};
use serde_json::json;
use std::sync::Arc;

/// Calls what is next.
struct Through;

#[async_trait]
impl Middleware for Through {
    fn name(&self) -> Arc<str> {
        "through".into()
    }

    async fn handle(&self, turn: Turn, next: Next, _ctx: &RunContext) -> Result<Turn, InferenceError> {
        next.call(turn).await
    }
}

/// Calls the tool, and then says that it is done.
struct Asks;

#[async_trait]
impl Engine for Asks {
    fn name(&self) -> Arc<str> {
        "asks".into()
    }

    async fn infer(&self, mut turn: Turn, _ctx: &RunContext) -> Result<Turn, InferenceError> {
        turn.push(match turn.blocks.len() {
            1 => Block::tool_call("c", "add", json!({ "a": 1 })),
            _ => Block::assistant("done"),
        });
        Ok(turn)
    }
}

fn ran(session: &Session, seed: impl Into<Seed>) -> Turn {
    block_on(session.begin(seed, RunOptions::default()).expect("a run").drive()).expect("a turn")
}

fn row(n: usize, mut one: impl FnMut()) -> Row {
    let samples = microseconds(n, || (0..n).for_each(|_| one()));
    Row::new("  the same in Rust alone, without its crossings", "µs", Target::None, n, samples)
}

/// What row 7 does.
pub(super) fn new_session() -> Row {
    let engine: Arc<dyn Engine> = Arc::new(EchoEngine::new("ok"));
    row(1_000, || {
        let session = Session::builder(engine.clone()).middleware(Arc::new(Through)).build();
        session.append(Turn::new().with(Block::user("hi"))).expect("appended");
        ran(&session, Seed::Latest);
    })
}

/// What rows 9 and 10 do.
pub(super) fn tool_loop() -> Row {
    let tools = ToolRegistry::new();
    let parameters =
        json!({ "type": "object", "properties": { "a": { "type": "number" } }, "required": ["a"] });
    let add = FunctionTool::new(ToolDefinition::new("add").parameters(parameters), |args, _| {
        Ok(json!({ "sum": args["a"].as_f64().unwrap_or_default() + 1.0 }))
    });
    tools.register(Arc::new(add)).expect("a tool");
    let config = LoopConfig { max_iterations: 3, ..LoopConfig::default() };
    row(500, || {
        let session = Session::builder(Arc::new(Asks)).tools(tools.clone(), config.clone()).build();
        assert_eq!(ran(&session, "go").blocks.len(), 4);
    })
}
