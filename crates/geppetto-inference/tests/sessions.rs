//! Sessions as a Rust host uses them, without scripts: engines, middlewares, handles, and panics in any of them.

use async_trait::async_trait;
use futures_lite::future::block_on;
use futures_util::StreamExt;
use geppetto_events::sinks::{CollectorSink, NullSink};
use geppetto_events::{ErrorCode, Event, EventBody, EventSink, EventType, RunStatus, SinkError};
use geppetto_inference::engines::EchoEngine;
use geppetto_inference::{Engine, InferenceError, Middleware, Next, RunContext, RunOptions, Session};
use geppetto_turns::{Block, Turn};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// An engine or middleware that panics.
struct Panics;

#[async_trait]
impl Engine for Panics {
    fn name(&self) -> Arc<str> {
        "panics".into()
    }

    async fn infer(&self, _turn: Turn, _ctx: &RunContext) -> Result<Turn, InferenceError> {
        panic!("a bug in the engine")
    }
}

#[async_trait]
impl Middleware for Panics {
    fn name(&self) -> Arc<str> {
        "panics".into()
    }

    async fn handle(&self, _turn: Turn, _next: Next, _ctx: &RunContext) -> Result<Turn, InferenceError> {
        panic!("a bug in the middleware")
    }
}

#[test]
fn a_panic_in_an_engine_or_middleware_ends_its_run_with_code_internal_and_the_session_lives_on() {
    let engines: [(Arc<dyn Engine>, &str); 2] =
        [(Arc::new(Panics), "engine"), (Arc::new(EchoEngine::new("hi")), "middleware")];
    for (engine, culprit) in engines {
        let sink = CollectorSink::default();
        let mut builder = Session::builder(engine).sink(Arc::new(sink.clone()));
        if culprit == "middleware" {
            builder = builder.middleware(Arc::new(Panics));
        }
        let session = builder.build();
        for _ in 0..2 {
            let error = block_on(session.begin("go", RunOptions::default()).unwrap().drive()).unwrap_err();
            assert_eq!(error.code(), ErrorCode::Internal);
            assert!(error.to_string().contains(&format!("a bug in the {culprit}")), "{error}");
            let last = sink.events().pop().unwrap();
            assert!(matches!(
                last.body,
                EventBody::RunFinished { status: RunStatus::Failed, code: Some(ErrorCode::Internal), .. }
            ));
        }
        assert!(!session.is_running());
    }
}

/// Keeps its `next` for later.
struct Keeps(Arc<Mutex<Option<Next>>>);

#[async_trait]
impl Middleware for Keeps {
    fn name(&self) -> Arc<str> {
        "keeps".into()
    }

    async fn handle(&self, turn: Turn, next: Next, _ctx: &RunContext) -> Result<Turn, InferenceError> {
        *self.0.lock().unwrap() = Some(next.clone());
        next.call(turn).await
    }
}

#[test]
fn next_can_be_kept_and_sent_but_is_revoked_when_its_middleware_ends() {
    fn cloned_and_sent<T: Clone + Send + 'static>() {}
    cloned_and_sent::<Next>();
    let kept = Arc::new(Mutex::new(None));
    let session = Session::builder(Arc::new(EchoEngine::new("hi")))
        .middleware(Arc::new(Keeps(kept.clone())))
        .id("mine")
        .history(vec![Turn::new().with(Block::user("before"))])
        .build();
    assert_eq!((session.id().as_str(), session.turn_count()), ("mine", 1));
    block_on(session.begin("go", RunOptions::default()).unwrap().drive()).unwrap();
    let next = kept.lock().unwrap().take().unwrap();
    let late = std::thread::spawn(move || block_on(next.call(Turn::new()))).join().unwrap().unwrap_err();
    assert_eq!(late.to_string(), "middleware keeps failed: next was called after the middleware had ended");
}

#[test]
fn events_are_a_stream_from_any_place_of_the_log() {
    let session = Session::builder(Arc::new(EchoEngine::new("one two"))).sink(Arc::new(NullSink)).build();
    let run = session.begin("go", RunOptions::default()).unwrap();
    let (handle, reader) = (run.handle(), run.handle());
    let reading = std::thread::spawn(move || block_on(reader.events(0).collect::<Vec<Arc<Event>>>()));
    block_on(run.drive()).unwrap();
    let all = reading.join().unwrap();
    assert_eq!(all.first().map(|event| event.event_type()), Some(EventType::RunStarted));
    assert_eq!(all.last().map(|event| event.event_type()), Some(EventType::RunFinished));
    let seqs: Vec<u64> = block_on(handle.events(2).map(|event| event.seq).collect());
    assert_eq!(seqs, (2..all.len() as u64).collect::<Vec<_>>());
}

/// Fails, and counts how often it was asked.
struct Broken(Arc<AtomicUsize>);

#[async_trait]
impl EventSink for Broken {
    async fn publish(&self, _event: Arc<Event>) -> Result<(), SinkError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Err(SinkError::Closed)
    }
}

#[test]
fn a_sink_that_fails_is_asked_and_reported_once_a_run() {
    let asked = Arc::new(AtomicUsize::new(0));
    let sink = Arc::new(Broken(asked.clone()));
    let session = Session::builder(Arc::new(EchoEngine::new("one two three"))).sink(sink).build();
    for run in 1..=2 {
        block_on(session.begin("go", RunOptions::default()).unwrap().drive()).unwrap();
        assert_eq!(asked.load(Ordering::Relaxed), run);
    }
}
