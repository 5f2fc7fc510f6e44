//! A synchronous run that is parked on a host engine which never answers: everything that ends it.

use crate::{read, silent};
use geppetto_events::sinks::CollectorSink;
use geppetto_events::{ErrorCode, EventBody, EventType};
use geppetto_inference::CancelReason;
use geppetto_js::{Limits, Runtime, Source};
use geppetto_time::ManualClock;
use std::sync::Arc;
use std::thread::{JoinHandle, spawn};
use std::time::Duration;

/// Runs a script that leaves what happened in `outcome`.
fn start(runtime: &Runtime, attempt: &'static str) -> JoinHandle<()> {
    let runtime = runtime.clone();
    spawn(move || {
        let text = format!(
            "const gp = require('geppetto');
             const parked = () => gp.createSession({{ engine: gp.engines.fromConfig({{}}) }});
             try {{ {attempt} }} catch (error) {{ globalThis.outcome = error.code + ' ' + error.message; }}"
        );
        // A shutdown ends the call as well.
        let _ = runtime.run_blocking(Source::text("parked.js", text));
    })
}

#[test]
fn its_own_timeout_ends_it() {
    let clock = ManualClock::default();
    let (builder, reached) = silent();
    let runtime = builder.clock(Arc::new(clock.clone())).build().unwrap();
    let script = start(&runtime, "parked().run('hi', { timeoutMs: 5000 })");
    reached.recv().unwrap();
    clock.wait_for_sleepers(1);
    clock.advance(Duration::from_secs(5));
    script.join().unwrap();
    assert_eq!(read(&runtime, "outcome"), "timeout the run timed out after 5000 ms");
}

#[test]
fn without_a_timeout_it_gets_ten_minutes_and_a_slow_engine_is_no_hang() {
    let clock = ManualClock::default();
    let (builder, reached) = silent();
    let limits = Limits { job_time: Some(Duration::from_secs(1)), ..Limits::default() };
    let runtime = builder.clock(Arc::new(clock.clone())).limits(limits).build().unwrap();
    let script = start(&runtime, "parked().run('hi')");
    reached.recv().unwrap();
    clock.wait_for_sleepers(1);
    clock.advance(Duration::from_secs(599));
    clock.wait_for_sleepers(1);
    clock.advance(Duration::from_secs(1));
    script.join().unwrap();
    assert_eq!(read(&runtime, "outcome"), "timeout the run timed out after 600000 ms");
}

#[test]
fn its_parents_timeout_ends_it() {
    let clock = ManualClock::default();
    let (builder, reached) = silent();
    let runtime = builder.clock(Arc::new(clock.clone())).build().unwrap();
    let nested = "
        const inner = gp.engines.fromFunction((turn) => {
            try { parked().run('inner', { timeoutMs: 100000 }); } catch (error) { globalThis.inner = error.code; throw error; }
        });
        gp.createSession({ engine: inner }).run('outer', { timeoutMs: 5000 });";
    let script = start(&runtime, nested);
    reached.recv().unwrap();
    clock.wait_for_sleepers(1);
    clock.advance(Duration::from_secs(5));
    script.join().unwrap();
    assert_eq!(read(&runtime, "inner"), "timeout");
    assert_eq!(read(&runtime, "outcome"), "timeout the run timed out after 5000 ms");
}

#[test]
fn the_deadline_of_a_tools_attempt_ends_a_run_inside_it_and_the_outer_run_goes_on() {
    let clock = ManualClock::default();
    let (builder, reached) = silent();
    let runtime = builder.clock(Arc::new(clock.clone())).build().unwrap();
    let nested = "
        const tools = gp.tools.createRegistry().register({ name: 't', timeoutMs: 3000, handler: () => {
            try { parked().run('inner'); } catch (error) { globalThis.inner = error.code; throw error; }
        } });
        const engine = gp.engines.scripted({ responses: [{ toolCalls: [{ name: 't' }] }, { text: 'went on' }] });
        globalThis.outcome = gp.turns.text(gp.createSession({ engine, tools }).run('outer'));";
    let script = start(&runtime, nested);
    reached.recv().unwrap();
    clock.wait_for_sleepers(1);
    clock.advance(Duration::from_secs(3));
    script.join().unwrap();
    assert_eq!(read(&runtime, "inner"), "timeout");
    assert_eq!(read(&runtime, "outcome"), "went on");
}

#[test]
fn a_cancel_from_another_thread_ends_it() {
    let (builder, reached) = silent();
    let runtime = builder.build().unwrap();
    let script = start(&runtime, "parked().run('hi')");
    reached.recv().unwrap();
    assert_eq!(runtime.cancel_runs(&CancelReason::Cancelled(Some("enough".into()))), 1);
    script.join().unwrap();
    assert_eq!(read(&runtime, "outcome"), "cancelled the run was cancelled: enough");
}

#[test]
fn a_plain_next_that_is_parked_ends_with_its_run() {
    let clock = ManualClock::default();
    let (builder, reached) = silent();
    let runtime = builder.clock(Arc::new(clock.clone())).build().unwrap();
    let nested = "
        const middleware = (turn, next) => { try { return next(turn); } catch (error) { globalThis.inner = error.code; throw error; } };
        gp.createSession({ engine: gp.engines.fromConfig({}), middlewares: [middleware] }).run('hi', { timeoutMs: 2000 });";
    let script = start(&runtime, nested);
    reached.recv().unwrap();
    clock.wait_for_sleepers(1);
    clock.advance(Duration::from_secs(2));
    script.join().unwrap();
    assert_eq!(read(&runtime, "inner"), "timeout");
    assert_eq!(read(&runtime, "outcome"), "timeout the run timed out after 2000 ms");
}

#[test]
fn a_shutdown_aborts_the_signal_of_a_callback_that_computes() {
    let (tell, told) = std::sync::mpsc::channel();
    let (builder, _) = silent();
    let console = Arc::new(move |_: &str, text: &str| drop(tell.send(text.to_owned())));
    let runtime = builder.console(console).clock(Arc::new(ManualClock::default())).build().unwrap();
    let script = start(
        &runtime,
        "gp.createSession({ engine: gp.engines.fromFunction((turn, { signal }) => {
            console.log('computes');
            while (!signal.aborted);
            console.log(signal.reason.name + ': ' + signal.reason.message);
        }) }).run('hi')",
    );
    assert_eq!(told.recv().unwrap(), "computes");
    futures_lite::future::block_on(runtime.shutdown(Duration::from_secs(5)));
    script.join().unwrap();
    assert_eq!(told.recv().unwrap(), "AbortError: the runtime was shut down");
}

#[test]
fn a_shutdown_ends_it_and_its_end_is_told() {
    let sink = CollectorSink::default();
    let (builder, reached) = silent();
    let runtime = builder.sink(Arc::new(sink.clone())).build().unwrap();
    let script = start(&runtime, "parked().run('hi')");
    reached.recv().unwrap();
    futures_lite::future::block_on(runtime.shutdown(Duration::from_secs(1)));
    script.join().unwrap();
    let events = sink.events();
    assert_eq!(sink.types().iter().filter(|event| **event == EventType::RunFinished).count(), 1);
    let EventBody::RunFinished { code, .. } = events.last().unwrap().body else {
        panic!("run-finished comes last")
    };
    assert_eq!(code, Some(ErrorCode::Shutdown));
}
