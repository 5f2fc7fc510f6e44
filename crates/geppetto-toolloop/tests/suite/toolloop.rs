//! The loop from the outside: what it calls, what it appends, what it tells.

use crate::common::{AsyncTool, calls, double, says, story};
use async_trait::async_trait;
use futures_lite::future::{block_on, poll_once};
use geppetto_inference::engines::{ScriptedEngine, ScriptedResponse};
use geppetto_inference::events::sinks::CollectorSink;
use geppetto_inference::events::{ErrorCode, EventBody};
use geppetto_inference::{Failure, RunOptions, Session};
use geppetto_time::{Clock, ManualClock};
use geppetto_toolloop::{
    AfterAction, BeforeAction, ErrorAction, HookCall, HookedError, HookedResult, LoopConfig, SessionHooks,
    SessionTools, ToolContext, ToolError, ToolErrorHandling, ToolHooks, ToolRegistry,
};
use geppetto_turns::{Block, Turn, Usage};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn run(responses: Vec<ScriptedResponse>, tools: ToolRegistry, config: LoopConfig) -> (String, Turn) {
    let session = Session::builder(Arc::new(ScriptedEngine::new(responses))).tools(tools, config).build();
    let run = session.begin("go", RunOptions::default()).unwrap();
    let handle = run.handle();
    let turn = block_on(run.drive())
        .or_else(|error| error.partial_turn.map(|turn| *turn).ok_or(error.error))
        .unwrap();
    (story(&handle), turn)
}

#[test]
fn a_tool_call_is_executed_and_the_model_hears_its_result() {
    let (story, turn) = run(vec![calls("double", &["a"]), says("It is 2.")], double(), LoopConfig::default());
    insta::assert_snapshot!(story, @r#"
    run-started
    start
    tool-call-delta
    tool-call a double
    final ""
    tool-call-execute a attempt 1
    tool-call-execution-result a Some("2") None
    tool-result a Some("2") None
    start
    partial "It "
    partial "is "
    partial "2."
    final "It is 2."
    run-finished completed None
    "#);
    assert_eq!(turn.last_assistant_text(), Some("It is 2."));
}

#[test]
fn unknown_and_disallowed_tools_are_answered_with_errors_and_the_run_goes_on() {
    let config = LoopConfig { allowed_tools: Some(vec!["other".into()]), ..LoopConfig::default() };
    let (_, turn) = run(vec![calls("double", &["a"]), calls("other", &["b"]), says("ok")], double(), config);
    let errors: Vec<_> = turn.blocks.iter().filter_map(|block| block.text_at("error")).collect();
    assert_eq!(errors, ["tool not allowed: double", "tool not found: other"]);
}

#[test]
fn a_duplicate_call_is_executed_once_and_results_follow_the_order_of_calls() {
    let order = Arc::new(Mutex::new(Vec::new()));
    let tools = ToolRegistry::new();
    let seen = order.clone();
    let slow_first = move |_args, ctx: ToolContext| {
        let seen = seen.clone();
        async move {
            if &*ctx.call_id == "a" {
                futures_lite::future::yield_now().await;
            }
            seen.lock().unwrap().push(ctx.call_id.to_string());
            Ok(json!(1))
        }
    };
    tools.register(AsyncTool::arc("work", slow_first)).unwrap();
    let config = LoopConfig { max_parallel_tools: 3, ..LoopConfig::default() };
    let (_, turn) = run(vec![calls("work", &["a", "b", "a"]), says("ok")], tools, config);
    assert_eq!(*order.lock().unwrap(), ["b", "a"]);
    let results = turn.blocks.iter().filter(|block| block.payload.contains_key("result"));
    assert_eq!(results.map(|block| block.text_at("id").unwrap()).collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn the_abort_policy_ends_the_run_and_the_partial_turn_keeps_what_was_answered() {
    let config = LoopConfig { tool_error_handling: ToolErrorHandling::Abort, ..LoopConfig::default() };
    let (story, turn) = run(vec![calls("none", &["a", "b"])], double(), config);
    assert!(
        story.ends_with(
            "error tool_error: tool none failed: tool not found: none\nrun-finished failed Some(ToolError)\n"
        ),
        "{story}"
    );
    let errors: Vec<_> = turn.blocks.iter().filter_map(|block| block.text_at("error")).collect();
    assert_eq!(errors[0], "tool not found: none");
    assert!(errors[1].starts_with("no result"));
}

#[test]
fn a_model_that_keeps_asking_is_stopped_after_its_iterations() {
    let responses = vec![calls("double", &["a"]), calls("double", &["b"]), says("never")];
    let config = LoopConfig { max_iterations: 2, ..LoopConfig::default() };
    let (story, turn) = run(responses, double(), config);
    assert!(story.ends_with("run-finished failed Some(MaxIterations)\n"), "{story}");
    assert!(turn.pending_calls().is_empty());
}

#[test]
fn a_panicking_tool_becomes_the_calls_error() {
    let tools = ToolRegistry::new();
    let panics = |_args: Value, _ctx: ToolContext| async move {
        if true {
            panic!("boom");
        }
        Ok(json!(null))
    };
    tools.register(AsyncTool::arc("bad", panics)).unwrap();
    let (_, turn) = run(vec![calls("bad", &["a"]), says("ok")], tools, LoopConfig::default());
    assert_eq!(turn.blocks[2].text_at("error"), Some("the tool panicked: boom"));
}

#[test]
fn an_attempt_is_bounded_and_retried_with_exponential_backoff() {
    let clock = ManualClock::default();
    let attempts = Arc::new(AtomicUsize::new(0));
    let tools = ToolRegistry::new();
    let count = attempts.clone();
    let hangs_twice = move |_args, _ctx| {
        let attempt = count.fetch_add(1, Ordering::SeqCst);
        async move { if attempt < 2 { futures_lite::future::pending().await } else { Ok(json!("third")) } }
    };
    tools.register(AsyncTool::arc("flaky", hangs_twice)).unwrap();
    let config = LoopConfig { tool_error_handling: ToolErrorHandling::Retry, ..LoopConfig::default() };
    let engine = Arc::new(ScriptedEngine::new(vec![calls("flaky", &["a"]), says("ok")]));
    let session = Session::builder(engine).tools(tools, config).clock(Arc::new(clock.clone())).build();
    let mut drive = Box::pin(session.begin("go", RunOptions::default()).unwrap().drive());
    // 30 s for each attempt that hangs, then 1 s and 2 s of backoff.
    for seconds in [30, 1, 30, 2] {
        assert!(block_on(poll_once(&mut drive)).is_none());
        clock.advance(Duration::from_secs(seconds));
    }
    let turn = block_on(drive).unwrap();
    assert_eq!(turn.blocks[2].text_at("result"), Some("\"third\""));
    assert_eq!(attempts.load(Ordering::SeqCst), 3);
    assert_eq!(clock.sleepers(), 0);
}

/// Renames, replaces and retries.
struct Meddler;

#[async_trait]
impl ToolHooks for Meddler {
    async fn before_tool_call(&self, call: &HookCall, _ctx: &ToolContext) -> Result<BeforeAction, Failure> {
        Ok(match call.id.as_str() {
            "refused" => BeforeAction::Abort { error: Some("no".into()) },
            "broken" => return Err(Failure::new("hook bug")),
            _ => BeforeAction::Continue { args: Some(json!({ "n": 21 })), name: Some("double".into()) },
        })
    }

    async fn after_tool_call(
        &self,
        _call: &HookCall,
        result: &HookedResult,
        ctx: &ToolContext,
    ) -> Result<AfterAction, Failure> {
        assert_eq!((&*ctx.tool_name, &*ctx.call_name), ("double", "triple"));
        Ok(AfterAction::Continue { result: Some(json!({ "was": result.value })), error: None })
    }
}

#[test]
fn hooks_change_refuse_and_fail_calls() {
    let engine =
        Arc::new(ScriptedEngine::new(vec![calls("triple", &["a", "refused", "broken"]), says("ok")]));
    let session =
        Session::builder(engine).tools(double(), LoopConfig::default()).hooks(Arc::new(Meddler)).build();
    let turn = block_on(session.begin("go", RunOptions::default()).unwrap().drive()).unwrap();
    assert_eq!(turn.blocks[4].parsed_result(), Some(json!({ "was": 42 })));
    assert_eq!(turn.blocks[5].text_at("error"), Some("no"));
    assert_eq!(turn.blocks[6].text_at("error"), Some("beforeToolCall hook: hook bug"));
}

/// Retries whatever fails, for ever.
struct Stubborn;

#[async_trait]
impl ToolHooks for Stubborn {
    async fn on_tool_error(
        &self,
        _: &HookCall,
        _: &HookedError,
        _: &ToolContext,
    ) -> Result<ErrorAction, Failure> {
        Ok(ErrorAction::Retry { backoff: Some(Duration::ZERO) })
    }
}

#[test]
fn a_hook_may_retry_under_every_policy_but_not_for_ever() {
    let attempts = Arc::new(AtomicUsize::new(0));
    let count = attempts.clone();
    let tools = ToolRegistry::new();
    let fails = move |_args, _ctx| {
        count.fetch_add(1, Ordering::SeqCst);
        async { Err(ToolError::failed("no")) }
    };
    tools.register(AsyncTool::arc("fails", fails)).unwrap();
    let engine = Arc::new(ScriptedEngine::new(vec![calls("fails", &["a"]), says("ok")]));
    let session =
        Session::builder(engine).tools(tools, LoopConfig::default()).hooks(Arc::new(Stubborn)).build();
    block_on(session.begin("go", RunOptions::default()).unwrap().drive()).unwrap();
    assert_eq!(attempts.load(Ordering::SeqCst), 11);
}

#[test]
fn sinks_hear_every_event_and_a_second_run_is_refused_while_one_is_active() {
    let sink = CollectorSink::default();
    let engine = Arc::new(ScriptedEngine::new(vec![calls("double", &["a"]), says("ok")]));
    let session = Session::builder(engine)
        .tools(double(), LoopConfig::default())
        .sink(Arc::new(sink.clone()))
        .clock(Arc::new(ManualClock::default()) as Arc<dyn Clock>)
        .build();
    let run = session.begin("go", RunOptions::default()).unwrap();
    assert!(session.begin("again", RunOptions::default()).is_err());
    assert!(session.append(Turn::new().with(Block::user("x"))).is_err());
    let handle = run.handle();
    block_on(run.drive()).unwrap();
    let told: Vec<_> = crate::common::events(&handle).iter().map(|event| event.event_type()).collect();
    assert_eq!(sink.types(), told);
}

#[test]
fn a_session_without_a_turn_gives_a_run_that_fails() {
    let session = Session::builder(Arc::new(ScriptedEngine::new(Vec::new()))).build();
    let run = session.begin(geppetto_inference::Seed::Latest, RunOptions::default()).unwrap();
    let handle = run.handle();
    let error = block_on(run.drive()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::NoSeed);
    assert_eq!(
        story(&handle),
        "run-started\nerror no_seed: session has no seed turn\nrun-finished failed Some(NoSeed)\n"
    );
}

#[test]
fn usage_is_that_of_each_call_in_final_and_the_sum_at_the_end() {
    let usage = Usage { input_tokens: 10, output_tokens: 5, ..Usage::default() };
    let with_usage = ScriptedResponse { usage: Some(usage), ..calls("double", &["a"]) };
    let engine = Arc::new(ScriptedEngine::new(vec![with_usage, says("without")]));
    let session = Session::builder(engine).tools(double(), LoopConfig::default()).build();
    let run = session.begin("go", RunOptions::default()).unwrap();
    let handle = run.handle();
    block_on(run.drive()).unwrap();
    let used: Vec<_> = crate::common::events(&handle)
        .iter()
        .filter_map(|event| match &event.body {
            EventBody::Final { usage, .. } | EventBody::RunFinished { usage, .. } => Some(*usage),
            _ => None,
        })
        .collect();
    assert_eq!(used, [Some(usage), None, Some(usage)]);
}
