//! What becomes of what a script has going on when its VM is given up.

use async_trait::async_trait;
use futures_lite::future::block_on;
use geppetto_events::sinks::CollectorSink;
use geppetto_inference::{Engine, Failure, InferenceError, RunContext, RunOptions};
use geppetto_js::{CallOptions, EngineFactory, EngineRequest, Limits, Runtime, ScriptError, Source, Status};
use geppetto_runner::CallError;
use geppetto_turns::Turn;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The engine never asks whether to go on in `spin`, and it takes minutes.
const SCRIPT: &str = r#"
const gp = require("geppetto");
const spin = () => { const a = []; a[4294967294] = 1; a.sort(); };
exports.spin = spin;
exports.session = gp.createSession({ engine: gp.engines.fromFunction(spin) });
exports.waits = () => new Promise(() => {});
exports.start = () => { gp.createSession({ engine: gp.engines.echo({ delayMs: 3600000 }) }).start("parked").promise.catch(() => {}); };
"#;

fn runtime(sink: &Arc<CollectorSink>) -> Runtime {
    let limits = Limits { job_time: Some(Duration::from_secs(1)), ..Limits::default() };
    let builder = Runtime::builder().limits(limits).sink(sink.clone());
    builder.on_uncaught(Arc::new(|_| {})).build().unwrap()
}

/// Streams a megabyte at a time.
struct Flood;

#[async_trait]
impl Engine for Flood {
    fn name(&self) -> Arc<str> {
        "flood".into()
    }

    async fn infer(&self, turn: Turn, ctx: &RunContext) -> Result<Turn, InferenceError> {
        for _ in 0..300 {
            let _ = ctx.partial(&"x".repeat(1 << 20));
            futures_lite::future::yield_now().await;
        }
        Ok(turn)
    }
}

impl EngineFactory for Flood {
    fn create(&self, _request: EngineRequest) -> Result<Arc<dyn Engine>, Failure> {
        Ok(Arc::new(Flood))
    }
}

#[test]
fn the_memory_of_a_vm_is_bounded_while_it_waits_and_its_end_is_told_once() {
    for how in [
        "session.run('x');",
        "session.runAsync('x').catch(() => {});",
        "session.start('x').on('*', () => {});",
    ] {
        let reports = Arc::new(Mutex::new(Vec::new()));
        let told = reports.clone();
        let limits = Limits { memory: Some(32 << 20), ..Limits::default() };
        let runtime = Runtime::builder()
            .limits(limits)
            .engine_factory(Arc::new(Flood))
            .on_uncaught(Arc::new(move |report| told.lock().unwrap().push(report.to_owned())))
            .build()
            .unwrap();
        let text = "const session = require('geppetto').createSession({ engine: require('geppetto').engines.fromConfig({}) });";
        let ended = runtime.run_blocking(Source::text("flood.js", format!("{text} {how}")));
        assert_eq!(ended, Err(ScriptError::Call(CallError::OutOfMemory)), "{how}");
        let kept = runtime.owner().stats().kept_bytes;
        assert!(kept < 64 << 20, "{how}: {kept} bytes");
        block_on(runtime.shutdown(Duration::ZERO));
        let reports = reports.lock().unwrap();
        assert!(reports.len() <= 3, "{how}: {} reports such as {:?}", reports.len(), reports[0]);
    }
}

#[test]
fn everything_a_script_has_going_on_is_ended_when_its_vm_is_given_up() {
    let sink = Arc::new(CollectorSink::default());
    let runtime = runtime(&sink);
    let script = block_on(runtime.load(Source::text("main.js", SCRIPT))).unwrap();
    block_on(script.call("start", Vec::new(), CallOptions::default())).unwrap();
    let waiting = {
        let script = script.clone();
        let call = async move { script.call("waits", Vec::new(), CallOptions::default()).await.err() };
        std::thread::spawn(move || block_on(call).map(Box::new))
    };
    let session = block_on(script.session("session")).unwrap();
    // The host drives the run from this thread; its engine is in the VM.
    let driven = block_on(session.begin("hi", RunOptions::default()).unwrap().drive());
    let error = driven.unwrap_err().error;
    assert!(matches!(error, InferenceError::Limit { .. }), "{error:?}");
    let condemned = |error: &ScriptError| matches!(error, ScriptError::Call(CallError::Condemned { .. }));
    let waited = waiting.join().unwrap().unwrap();
    assert!(condemned(&waited), "{waited:?}");
    let later = block_on(script.call("spin", Vec::new(), CallOptions::default())).unwrap_err();
    assert!(condemned(&later), "{later:?}");
    assert_eq!(runtime.health().status, Status::Condemned);
    block_on(runtime.runs_finished());
    let ends = |events: &[Arc<geppetto_events::Event>]| {
        let finished = events.iter().filter(|event| event.body.event_type().as_str() == "run-finished");
        finished.map(|event| serde_json::to_value(&**event).unwrap()["code"].clone()).collect::<Vec<_>>()
    };
    // That of the parked run, which the script started, and that of the driven one.
    assert_eq!(ends(&sink.events()), ["limit", "limit"]);
    block_on(runtime.shutdown(Duration::ZERO));
}
