//! Sinks that fail, stall, or are read from elsewhere.

use crate::common::{calls, double, says};
use async_trait::async_trait;
use futures_lite::future::{block_on, poll_once};
use geppetto_inference::engines::{EchoEngine, ScriptedEngine};
use geppetto_inference::events::sinks::{ChannelSink, CollectorSink};
use geppetto_inference::events::{Event, EventSink, EventType, SinkError};
use geppetto_inference::{RunOptions, Session};
use geppetto_time::ManualClock;
use geppetto_toolloop::{LoopConfig, SessionTools};
use std::sync::Arc;
use std::time::Duration;

/// Takes nothing.
struct Broken;

#[async_trait]
impl EventSink for Broken {
    async fn publish(&self, _event: Arc<Event>) -> Result<(), SinkError> {
        Err(SinkError::Closed)
    }
}

#[test]
fn a_sink_that_fails_while_the_run_waits_stops_nothing() {
    let clock = ManualClock::default();
    let engine = Arc::new(EchoEngine::new("done").with_delay(Duration::from_secs(1)));
    let session = Session::builder(engine).sink(Arc::new(Broken)).clock(Arc::new(clock.clone())).build();
    let mut drive = Box::pin(session.begin("go", RunOptions::default()).unwrap().drive());
    assert!(block_on(poll_once(&mut drive)).is_none());
    clock.advance(Duration::from_secs(1));
    assert_eq!(block_on(drive).unwrap().last_assistant_text(), Some("done"));
}

#[test]
fn a_dropped_run_tells_its_sinks_of_its_end() {
    let sink = CollectorSink::default();
    let clock = ManualClock::default();
    let engine = Arc::new(EchoEngine::new("never").with_delay(Duration::from_secs(1)));
    let session = Session::builder(engine).sink(Arc::new(sink.clone())).clock(Arc::new(clock)).build();
    let mut drive = Box::pin(session.begin("go", RunOptions::default()).unwrap().drive());
    assert!(block_on(poll_once(&mut drive)).is_none());
    drop(drive);
    assert_eq!(sink.types().last(), Some(&EventType::RunFinished));
}

/// Never gets anywhere.
struct Stalled;

#[async_trait]
impl EventSink for Stalled {
    async fn publish(&self, _event: Arc<Event>) -> Result<(), SinkError> {
        std::future::pending().await
    }
}

#[test]
fn a_run_waits_for_a_slow_sink_between_steps_and_at_its_end_but_not_for_ever() {
    let clock = ManualClock::default();
    let engine = Arc::new(EchoEngine::new("done"));
    let session = Session::builder(engine)
        .tools(double(), LoopConfig::default())
        .sink(Arc::new(Stalled))
        .clock(Arc::new(clock.clone()))
        .build();
    let run = session.begin("go", RunOptions::default()).unwrap();
    let handle = run.handle();
    let mut drive = Box::pin(run.drive());
    assert!(block_on(poll_once(&mut drive)).is_none(), "waits behind the engine's step");
    assert!(handle.outcome().is_none());
    clock.advance(Duration::from_secs(5));
    assert!(block_on(poll_once(&mut drive)).is_none(), "waits at the end");
    assert!(handle.outcome().is_some());
    clock.advance(Duration::from_secs(5));
    assert!(block_on(poll_once(&mut drive)).is_some());
}

#[test]
fn a_channel_takes_the_events_in_order_while_somebody_reads() {
    let (sink, mut events) = ChannelSink::new(1);
    let engine = Arc::new(ScriptedEngine::new(vec![calls("double", &["a"]), says("It is 2.")]));
    let session =
        Session::builder(engine).tools(double(), LoopConfig::default()).sink(Arc::new(sink)).build();
    let reader = std::thread::spawn(move || {
        let mut seqs = Vec::new();
        while let Some(event) = events.blocking_recv() {
            seqs.push(event.seq);
        }
        seqs
    });
    let run = session.begin("go", RunOptions::default()).unwrap();
    let count = run.handle();
    block_on(run.drive()).unwrap();
    drop(session);
    assert_eq!(reader.join().unwrap(), (0..crate::common::events(&count).len() as u64).collect::<Vec<_>>());
}
