//! The same agent on tokio's executors, and the Rust example as a user runs it.

use crate::common::{AsyncTool, calls, says};
use geppetto_inference::engines::ScriptedEngine;
use geppetto_inference::{RunOptions, Session};
use geppetto_toolloop::{LoopConfig, SessionTools, ToolRegistry};
use serde_json::json;
use std::process::Command;
use std::sync::Arc;

async fn agent() {
    let tools = ToolRegistry::new();
    tools
        .register(AsyncTool::arc("work", |_args, _ctx| async {
            // The result comes from another task: the run is woken from outside.
            tokio::spawn(async { json!(42) }).await.map_err(|_| geppetto_toolloop::ToolError::failed("lost"))
        }))
        .unwrap();
    let engine = Arc::new(ScriptedEngine::new(vec![calls("work", &["a", "b"]), says("done")]));
    let config = LoopConfig { max_parallel_tools: 2, ..LoopConfig::default() };
    let session = Session::builder(engine).tools(tools, config).build();
    let drive = session.begin("go", RunOptions::default()).unwrap().drive();
    let turn = tokio::spawn(drive).await.unwrap().unwrap();
    assert_eq!(turn.blocks[3].text_at("result"), Some("42"));
    assert_eq!(turn.last_assistant_text(), Some("done"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_agent_runs_on_a_multi_thread_runtime() {
    agent().await;
}

#[tokio::test(flavor = "current_thread")]
async fn the_agent_runs_on_a_current_thread_runtime() {
    agent().await;
}

#[test]
fn the_rust_example_streams_an_answer_with_the_tools_result() {
    // Cargo puts examples beside the folder of the test programs.
    let here = std::env::current_exe().unwrap();
    let example = here.parent().unwrap().parent().unwrap().join("examples/quickstart");
    let output = Command::new(example).arg("What is 17 * 23?").output().unwrap();
    insta::assert_snapshot!(String::from_utf8(output.stdout).unwrap(), @r#"
    [engine call with 1 blocks]
    [multiply -> Some("{\"product\":391}")]
    [engine call with 3 blocks]
    17 * 23 is 391.
    [4 blocks]
    "#);
}
