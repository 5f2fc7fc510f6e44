//! Step mode: a run waits where it should, and goes on when it is told, at its deadline, or not at all.

use geppetto_events::sinks::CollectorSink;
use geppetto_events::{EventBody, RunStatus};
use geppetto_inference::engines::{ScriptedCall, ScriptedEngine, ScriptedResponse};
use geppetto_inference::{RunOptions, Session};
use geppetto_time::{Clock, ManualClock};
use geppetto_toolloop::{
    FunctionTool, LoopConfig, PausePhase, SessionSteps, SessionTools, StepController, ToolDefinition,
    ToolRegistry,
};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

struct Stepped {
    session: Session,
    steps: StepController,
    clock: ManualClock,
    sink: CollectorSink,
    /// How often the tool was called.
    called: Arc<AtomicUsize>,
}

fn stepped() -> Stepped {
    let called = Arc::new(AtomicUsize::new(0));
    let count = called.clone();
    let tools = ToolRegistry::new();
    let look = FunctionTool::new(ToolDefinition::new("look"), move |_, _| {
        count.fetch_add(1, Ordering::SeqCst);
        Ok(json!("a wall"))
    });
    tools.register(Arc::new(look)).unwrap();
    let call = ScriptedCall { name: "look".into(), ..ScriptedCall::default() };
    let asks = ScriptedResponse { tool_calls: vec![call], ..ScriptedResponse::default() };
    let says = ScriptedResponse { text: Some("I see.".into()), ..ScriptedResponse::default() };
    let (steps, clock, sink) = (StepController::new(), ManualClock::new(0), CollectorSink::default());
    let session = Session::builder(Arc::new(ScriptedEngine::new(vec![asks, says])))
        .clock(Arc::new(clock.clone()))
        .sink(Arc::new(sink.clone()))
        .tools(tools, LoopConfig::default())
        .steps(steps.clone())
        .build();
    Stepped { session, steps, clock, sink, called }
}

#[tokio::test]
async fn a_run_waits_after_inference_and_after_tools_until_it_is_resumed() {
    let Stepped { session, steps, sink, called, .. } = stepped();
    steps.enable(session.id().clone());
    let run = tokio::spawn(session.begin("hi", RunOptions::default()).unwrap().drive());
    let first = steps.paused().await;
    assert_eq!(
        (first.phase, first.summary.as_str()),
        (PausePhase::AfterInference, "the model asks for look")
    );
    assert_eq!(called.load(Ordering::SeqCst), 0, "no tool has been called yet");
    let told = sink.events().into_iter().find_map(|event| match &event.body {
        EventBody::DebuggerPause { pause_id, deadline_ms, .. } => Some((pause_id.clone(), *deadline_ms)),
        _ => None,
    });
    assert_eq!(told, Some((first.id.to_string(), 30_000)));
    steps.resume(&first.id).unwrap();
    assert!(steps.resume(&first.id).is_err(), "it has gone on");
    let second = steps.paused().await;
    assert_eq!((second.phase, called.load(Ordering::SeqCst)), (PausePhase::AfterTools, 1));
    steps.resume(&second.id).unwrap();
    assert_eq!(run.await.unwrap().unwrap().last_assistant_text(), Some("I see."));
    assert!(steps.pauses().is_empty());
}

#[tokio::test]
async fn a_pause_ends_by_itself_at_its_deadline() {
    let Stepped { session, steps, clock, .. } = stepped();
    steps.enable_all();
    let run = tokio::spawn(session.begin("hi", RunOptions::default()).unwrap().drive());
    for _ in 0..2 {
        let pause = steps.paused().await;
        clock.advance(pause.deadline.at() - clock.now());
        steps.ended(&pause.id).await;
    }
    assert!(run.await.unwrap().is_ok());
}

#[tokio::test]
async fn a_paused_run_can_be_cancelled_and_is_forgotten() {
    let Stepped { session, steps, sink, called, .. } = stepped();
    steps.enable(session.id().clone());
    let run = session.begin("hi", RunOptions::default()).unwrap();
    let handle = run.handle();
    let run = tokio::spawn(run.drive());
    let pause = steps.paused().await;
    handle.cancel(None);
    steps.ended(&pause.id).await;
    let error = run.await.unwrap().unwrap_err();
    assert_eq!(error.code().as_str(), "cancelled");
    assert!(error.partial_turn.is_some_and(|turn| turn.pending_calls().is_empty()));
    assert!(steps.pauses().is_empty());
    assert_eq!(called.load(Ordering::SeqCst), 0);
    let last = sink.events().pop().unwrap();
    assert!(matches!(last.body, EventBody::RunFinished { status: RunStatus::Cancelled, .. }));
}

#[tokio::test]
async fn a_session_that_is_not_enabled_does_not_wait_and_one_that_is_disabled_goes_on() {
    let Stepped { session, .. } = stepped();
    assert!(session.begin("hi", RunOptions::default()).unwrap().drive().await.is_ok());
    let Stepped { session, steps, .. } = stepped();
    steps.enable(session.id().clone());
    let run = tokio::spawn(session.begin("hi", RunOptions::default()).unwrap().drive());
    steps.paused().await;
    steps.disable(session.id());
    assert!(run.await.unwrap().is_ok());
}
