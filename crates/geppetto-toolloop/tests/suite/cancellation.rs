//! Cancelling a run at each of its steps, in each of the ways there are: always one `run-finished`, the right code,
//! an unchanged history, and a partial turn that can be appended and run.

use crate::common::{AsyncTool, calls, events, says};
use async_trait::async_trait;
use futures_lite::future::{block_on, pending, poll_once};
use geppetto_inference::engines::{EchoEngine, ScriptedEngine};
use geppetto_inference::events::{ErrorCode, EventBody, EventType, RunStatus};
use geppetto_inference::{
    CancelReason, Engine, Failure, InferenceError, RunContext, RunHandle, RunOptions, RunToken, Session,
};
use geppetto_time::{Clock, ManualClock};
use geppetto_toolloop::{
    BeforeAction, HookCall, HookConfig, LoopConfig, SessionHooks, SessionTools, ToolContext, ToolError,
    ToolErrorHandling, ToolHooks, ToolRegistry,
};
use geppetto_turns::{Block, Turn};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    BeforeFirstPoll,
    Engine,
    Tool,
    Backoff,
    Hook,
    AfterEnd,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    Handle,
    Signal,
    Timeout,
    Drop,
    Shutdown,
}

const STEPS: [Step; 6] =
    [Step::BeforeFirstPoll, Step::Engine, Step::Tool, Step::Backoff, Step::Hook, Step::AfterEnd];
const WAYS: [Way; 5] = [Way::Handle, Way::Signal, Way::Timeout, Way::Drop, Way::Shutdown];

/// Says something and never ends.
struct Stuck;

#[async_trait]
impl Engine for Stuck {
    fn name(&self) -> Arc<str> {
        "stuck".into()
    }

    async fn infer(&self, _turn: Turn, ctx: &RunContext) -> Result<Turn, InferenceError> {
        ctx.partial("Let me ").map_err(|_| InferenceError::NoSeed)?;
        ctx.partial("see").map_err(|_| InferenceError::NoSeed)?;
        pending().await
    }
}

struct StuckHooks(Step);

#[async_trait]
impl ToolHooks for StuckHooks {
    async fn before_tool_call(&self, _call: &HookCall, _ctx: &ToolContext) -> Result<BeforeAction, Failure> {
        if self.0 == Step::Hook {
            return pending().await;
        }
        Ok(BeforeAction::Continue { args: None, name: None })
    }

    fn config(&self) -> HookConfig {
        HookConfig { timeout: Duration::ZERO, ..HookConfig::default() }
    }
}

fn session(step: Step, clock: &ManualClock) -> Session {
    let engine: Arc<dyn Engine> = match step {
        Step::Engine => Arc::new(Stuck),
        Step::AfterEnd => Arc::new(EchoEngine::new("done")),
        _ => Arc::new(ScriptedEngine::new(vec![calls("work", &["c1", "c2"]), says("done")])),
    };
    let tools = ToolRegistry::new();
    let work = move |_args, _ctx| async move {
        match step {
            Step::Tool => pending().await,
            _ => Err(ToolError::failed("not yet")),
        }
    };
    tools.register(AsyncTool::arc("work", work)).unwrap();
    let config = LoopConfig {
        tool_error_handling: ToolErrorHandling::Retry,
        retry_backoff: Duration::from_secs(1000),
        execution_timeout: Duration::ZERO,
        ..LoopConfig::default()
    };
    Session::builder(engine)
        .tools(tools, config)
        .hooks(Arc::new(StuckHooks(step)))
        .clock(Arc::new(clock.clone()))
        .history(vec![Turn::new().with(Block::user("before")).with(Block::assistant("yes?"))])
        .build()
}

type Driven = Pin<Box<dyn Future<Output = Result<Turn, geppetto_inference::RunError>> + Send>>;

/// Ends the run in this way; what is left of it runs to its end.
fn end(way: Way, handle: &RunHandle, parts: (&Session, &RunToken, &ManualClock), drive: Driven) {
    let (session, signal, clock) = parts;
    match way {
        Way::Handle => handle.cancel(Some("enough".into())),
        Way::Signal => signal.cancel(CancelReason::Cancelled(None)),
        Way::Timeout => clock.advance(Duration::from_secs(10)),
        Way::Drop => return drop(drive),
        Way::Shutdown => session.close(),
    }
    let _ = block_on(drive);
}

fn expected(way: Way) -> (RunStatus, ErrorCode) {
    match way {
        Way::Timeout => (RunStatus::Timeout, ErrorCode::Timeout),
        Way::Shutdown => (RunStatus::Cancelled, ErrorCode::Shutdown),
        _ => (RunStatus::Cancelled, ErrorCode::Cancelled),
    }
}

fn check(step: Step, way: Way) {
    let what = format!("{step:?} by {way:?}");
    let clock = ManualClock::default();
    let session = session(step, &clock);
    let before = session.turns();
    let signal = RunToken::new();
    let timeout = Some(Duration::from_secs(10));
    let options = RunOptions { timeout, signal: Some(signal.clone()), ..RunOptions::default() };
    let run = session.begin("go on", options).unwrap();
    let handle = run.handle();
    let mut drive: Driven = Box::pin(run.drive());
    if step != Step::BeforeFirstPoll {
        let ended = block_on(poll_once(&mut drive)).is_some();
        assert_eq!(ended, step == Step::AfterEnd, "{what}: reached its step");
    }
    if step == Step::AfterEnd {
        // The future is done; the other ways must not change anything any more.
        end(way, &handle, (&session, &signal, &clock), Box::pin(pending_result()));
    } else {
        end(way, &handle, (&session, &signal, &clock), drive);
    }

    let events = events(&handle);
    let seqs: Vec<_> = events.iter().map(|event| event.seq).collect();
    assert_eq!(seqs, (0..events.len() as u64).collect::<Vec<_>>(), "{what}: gapless");
    let finished: Vec<_> =
        events.iter().filter(|event| event.event_type() == EventType::RunFinished).collect();
    assert_eq!(finished.len(), 1, "{what}: one run-finished");
    let EventBody::RunFinished { status, code, .. } = &events.last().unwrap().body else {
        panic!("{what}: run-finished comes last")
    };
    assert!(!session.is_running(), "{what}");
    if step == Step::AfterEnd {
        assert_eq!((*status, *code), (RunStatus::Completed, None), "{what}");
        assert_eq!(session.turn_count(), before.len() + 1, "{what}");
        return;
    }
    let (expected_status, expected_code) = expected(way);
    assert_eq!((*status, *code), (expected_status, Some(expected_code)), "{what}");
    assert_eq!(session.turns(), before, "{what}: the history is unchanged");
    let error = handle.outcome().unwrap().unwrap_err();
    assert_eq!(error.code(), expected_code, "{what}");
    can_be_continued(&what, step, *error.partial_turn.unwrap());
}

async fn pending_result() -> Result<Turn, geppetto_inference::RunError> {
    let id = geppetto_inference::events::SessionId::from("none");
    Err(geppetto_inference::RunError {
        error: InferenceError::NoSeed,
        session_id: id,
        inference_id: None,
        partial_turn: None,
    })
}

fn can_be_continued(what: &str, step: Step, partial: Turn) {
    assert!(partial.pending_calls().is_empty(), "{what}: every pending call is closed");
    let last = partial.blocks.last().unwrap();
    match step {
        Step::Engine => assert_eq!(last.text(), Some("Let me see"), "{what}: partial text is kept"),
        Step::BeforeFirstPoll => assert_eq!(last.text(), Some("go on"), "{what}: nothing was done"),
        _ => assert!(last.text_at("error").unwrap().starts_with("no result: "), "{what}: {last:?}"),
    }
    let again = Session::builder(Arc::new(EchoEngine::default())).build();
    again.append(partial).unwrap();
    let turn = block_on(again.begin("and now?", RunOptions::default()).unwrap().drive()).unwrap();
    assert_eq!(turn.last_assistant_text(), Some("READY"), "{what}");
}

#[test]
fn a_run_can_be_ended_at_each_step_in_each_way() {
    for step in STEPS {
        for way in WAYS {
            check(step, way);
        }
    }
}

#[test]
fn keep_partial_commits_what_had_completed_and_still_fails() {
    let clock = ManualClock::default();
    let session = session(Step::Engine, &clock);
    let options = RunOptions { keep_partial: true, ..RunOptions::default() };
    let run = session.begin("go on", options).unwrap();
    let handle = run.handle();
    let mut drive: Driven = Box::pin(run.drive());
    assert!(block_on(poll_once(&mut drive)).is_none());
    handle.cancel(None);
    let error = block_on(drive).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Cancelled);
    assert_eq!(session.latest(), error.partial_turn.map(|turn| *turn));
    assert_eq!(session.turn_count(), 2);
}

#[test]
fn a_child_run_ends_with_its_parents_deadline() {
    let clock = ManualClock::default();
    let outer = session(Step::Tool, &clock);
    let timeout = Some(Duration::from_secs(5));
    let parent = outer.begin("outer", RunOptions { timeout, ..RunOptions::default() }).unwrap();
    let inner = session(Step::Engine, &clock);
    let options = RunOptions { parent: Some(parent.context().clone()), ..RunOptions::default() };
    let mut drive = Box::pin(inner.begin("inner", options).unwrap().drive());
    assert!(block_on(poll_once(&mut drive)).is_none());
    assert_eq!(clock.now(), clock.now());
    clock.advance(Duration::from_secs(5));
    assert_eq!(block_on(drive).unwrap_err().code(), ErrorCode::Timeout);
}
