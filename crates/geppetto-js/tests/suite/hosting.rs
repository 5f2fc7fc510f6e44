//! Scripts that a host loads: their functions called with JSON, their sessions driven from the host's threads.

use crate::silent;
use geppetto_inference::{CancelReason, RunOptions, RunToken};
use geppetto_js::{CallOptions, Runtime, Script, ScriptError, Source, Status};
use geppetto_time::{Deadline, ManualClock, SystemClock};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

const AGENT: &str = r#"
import gp from "geppetto";
export const add = async (a, b) => { await null; return { sum: a + b }; };
export function nothing() {}
export const fails = () => { throw new TypeError("not like this"); };
export const rejects = async () => { throw new RangeError("later"); };
export const big = () => 10n;
export const forever = () => new Promise(() => {});
export const loop = () => { for (;;); };
export const answer = 42;
export const session = gp.createSession({ engine: gp.engines.fromFunction(async (turn) => {
  turn.blocks.push(gp.turns.newAssistantBlock("heard " + turn.blocks.at(-1).payload.text));
}) });
export const build = async (name) => gp.createSession({ engine: gp.engines.echo({ reply: "built" }) });
export default (...words) => words.join(" ");
"#;

async fn agent(runtime: &Runtime) -> Script {
    runtime.load(Source::text("agent.mjs", AGENT)).await.unwrap()
}

async fn call(script: &Script, export: &str, args: &[Value]) -> Result<Value, String> {
    let called = script.call(export, args.to_vec(), CallOptions::default()).await;
    called.map_err(|error| error.to_string())
}

#[tokio::test]
async fn exported_functions_take_and_give_json() {
    let runtime = Runtime::builder().build().unwrap();
    let script = agent(&runtime).await;
    assert_eq!(call(&script, "add", &[json!(2), json!(3.5)]).await, Ok(json!({ "sum": 5.5 })));
    assert_eq!(call(&script, "nothing", &[]).await, Ok(Value::Null));
    assert_eq!(call(&script, "default", &[json!("a"), json!("b")]).await, Ok(json!("a b")));
    let common =
        Source::text("common.js", "module.exports = (x) => [x]; module.exports.twice = (x) => x * 2;");
    let common = runtime.load(common).await.unwrap();
    assert_eq!(common.exports().await.unwrap(), ["twice"]);
    assert_eq!(call(&common, "twice", &[json!(4)]).await, Ok(json!(8)));
    assert_eq!(call(&common, "default", &[json!(4)]).await, Ok(json!([4])));
}

#[tokio::test]
async fn what_goes_wrong_in_a_call_is_said_with_its_place() {
    let runtime = Runtime::builder().build().unwrap();
    let script = agent(&runtime).await;
    for (export, expected) in [
        ("fails", "TypeError: not like this (at fails (agent.mjs:5:40))"),
        ("rejects", "RangeError: later (at rejects (agent.mjs:6:48))"),
        ("big", "big of agent.mjs: result: a BigInt has no JSON form; pass a number or a string"),
        (
            "answer",
            "agent.mjs exports no function \"answer\" but a number; it exports add, answer, big, build, default, fails, forever, loop, nothing, rejects, session",
        ),
        (
            "ad",
            "agent.mjs exports no function \"ad\" but nothing; it exports add, answer, big, build, default, fails, forever, loop, nothing, rejects, session; did you mean \"add\"?",
        ),
    ] {
        assert_eq!(call(&script, export, &[]).await.unwrap_err(), expected, "{export}");
    }
    let thrown = script.call("fails", Vec::new(), CallOptions::default()).await.unwrap_err();
    assert!(matches!(thrown, ScriptError::Thrown(error) if error.stack.contains("agent.mjs:5")));
}

#[tokio::test]
async fn a_deadline_and_a_token_end_a_call_that_waits() {
    let clock = ManualClock::new(0);
    let runtime = Runtime::builder().clock(Arc::new(clock.clone())).build().unwrap();
    let script = agent(&runtime).await;
    let deadline = Some(Deadline::after(&clock, Duration::from_secs(5)));
    let bounded = CallOptions { deadline, token: None };
    let late = script.call("forever", Vec::new(), bounded);
    let (late, ()) = futures_util::join!(late, async {
        clock.wait_for_sleepers(1);
        clock.advance(Duration::from_secs(5));
    });
    assert_eq!(late.unwrap_err().to_string(), "forever was stopped: its deadline passed");

    let token = RunToken::new();
    let bounded = CallOptions { deadline: None, token: Some(token.clone()) };
    let (cancelled, ()) = futures_util::join!(script.call("forever", Vec::new(), bounded), async {
        token.cancel(CancelReason::Cancelled(Some("the client left".into())));
    });
    assert_eq!(cancelled.unwrap_err().to_string(), "forever was stopped: it was cancelled: the client left");
}

#[tokio::test]
async fn a_deadline_ends_a_call_that_computes_and_the_runtime_lives_on() {
    let runtime = Runtime::builder().build().unwrap();
    let script = agent(&runtime).await;
    let deadline = Some(Deadline::after(&SystemClock, Duration::from_millis(30)));
    let stopped = script.call("loop", Vec::new(), CallOptions { deadline, token: None }).await;
    assert!(
        matches!(stopped, Err(ScriptError::Stopped { reason: CancelReason::Timeout, .. })),
        "{stopped:?}"
    );
    assert_eq!(call(&script, "add", &[json!(1), json!(1)]).await, Ok(json!({ "sum": 2 })));
}

#[tokio::test]
async fn what_follows_a_call_from_another_thread_ends_with_its_deadline_too() {
    let runtime = Runtime::builder().on_uncaught(Arc::new(|_| {})).build().unwrap();
    let text = "export const later = async () => { await null; for (;;); };";
    let script = runtime.load(Source::text("later.mjs", text)).await.unwrap();
    let deadline = Some(Deadline::after(&SystemClock, Duration::from_millis(100)));
    let called = script.call("later", vec![], CallOptions { deadline, token: None }).await;
    assert!(matches!(called, Err(ScriptError::Stopped { reason: CancelReason::Timeout, .. })), "{called:?}");
    // A job may take 30 s: who comes next does not wait for so long.
    let began = Instant::now();
    assert_eq!(runtime.owner().call("next", |ctx| ctx.eval::<i32, _>("1 + 1").unwrap()).await, Ok(2));
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_run_that_nobody_polls_interrupts_no_other_twice() {
    let clock = ManualClock::default();
    let builder = Runtime::builder().on_uncaught(Arc::new(|_| {})).clock(Arc::new(clock.clone()));
    let runtime = builder.build().unwrap();
    let text = "import gp from 'geppetto';
        export const session = gp.createSession({ engine: gp.engines.fromFunction(() => new Promise(() => {})) });
        export const work = async () => { await null; for (let i = 0; i < 1e6; i++); return 'done'; };";
    let script = runtime.load(Source::text("work.mjs", text)).await.unwrap();
    let session = script.session("session").await.unwrap();
    let options = RunOptions { timeout: Some(Duration::from_millis(50)), ..RunOptions::default() };
    let mut driven = Box::pin(session.begin("x", options).unwrap().drive());
    // Its engine is reached, and then it is left alone beyond its time.
    while runtime.owner().stats().ops.iter().all(|op| op.op != "engine") {
        assert!(futures_util::poll!(&mut driven).is_pending());
        tokio::task::yield_now().await;
    }
    clock.advance(Duration::from_millis(100));
    let work = || async {
        let deadline = Some(Deadline::after(&clock, Duration::from_secs(20)));
        script.call("work", vec![], CallOptions { deadline, token: None }).await
    };
    let first = work().await;
    assert!(first.is_err(), "the run that is over may be what computes: {first:?}");
    for _ in 0..2 {
        assert_eq!(work().await, Ok(json!("done")));
    }
    drop(driven);
}

#[tokio::test]
async fn a_run_that_a_call_starts_ends_with_the_call() {
    let (builder, reached) = silent();
    let runtime = builder.build().unwrap();
    let source = "import gp from 'geppetto'; export const ask = () => gp.createSession({ engine: gp.engines.fromConfig({}) }).runAsync('hi');";
    let script = runtime.load(Source::text("ask.mjs", source)).await.unwrap();
    let token = RunToken::new();
    let asked = script.call("ask", Vec::new(), CallOptions { deadline: None, token: Some(token.clone()) });
    let cancel = async {
        tokio::task::spawn_blocking(move || reached.recv()).await.unwrap().unwrap();
        token.cancel(CancelReason::Cancelled(None));
    };
    let (asked, ()) = futures_util::join!(asked, cancel);
    assert!(matches!(asked, Err(ScriptError::Stopped { .. })), "{asked:?}");
    runtime.runs_finished().await;
    assert_eq!(runtime.health().active_runs, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_of_a_script_is_driven_on_the_hosts_threads() {
    let runtime = Runtime::builder().build().unwrap();
    let script = agent(&runtime).await;
    let session = script.session("session").await.unwrap();
    for word in ["one", "two"] {
        let run = session.begin(word, RunOptions::default()).unwrap();
        let turn = tokio::spawn(run.drive()).await.unwrap().unwrap();
        assert_eq!(turn.last_assistant_text(), Some(&*format!("heard {word}")));
    }
    assert_eq!(session.turn_count(), 2);
    let built = script.session("build").await.unwrap();
    let turn = built.begin("hi", RunOptions::default()).unwrap().drive().await.unwrap();
    assert_eq!(turn.last_assistant_text(), Some("built"));
    let wrong = script.session("add").await.unwrap_err().to_string();
    assert_eq!(
        wrong,
        "add of agent.mjs: result: expected a Session, got a plain object (was it copied with {...}?)"
    );
}

#[tokio::test]
async fn each_script_loads_what_lies_beneath_its_own_folder() {
    let folder = std::env::temp_dir().join(format!("geppetto-roots-{}", std::process::id()));
    let runtime = Runtime::builder().build().unwrap();
    let mut scripts = Vec::new();
    for name in ["one", "two"] {
        let own = folder.join(name);
        std::fs::create_dir_all(&own).unwrap();
        std::fs::write(own.join("part.mjs"), format!("export const part = '{name}';")).unwrap();
        let main =
            "export const read = (path) => import(path).then(({ part }) => part, (error) => error.message);";
        std::fs::write(own.join("main.mjs"), main).unwrap();
        scripts.push(runtime.load(Source::File(own.join("main.mjs"))).await.unwrap());
    }
    for (script, name) in scripts.iter().zip(["one", "two"]) {
        assert_eq!(call(script, "read", &[json!("./part.mjs")]).await, Ok(json!(name)));
    }
    let outside = call(&scripts[0], "read", &[json!("../two/part.mjs")]).await.unwrap();
    assert!(outside.as_str().unwrap().contains("lies outside the script's folder"), "{outside}");
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_text_is_no_module_of_others_and_never_stands_for_one_of_the_host() {
    let runtime = Runtime::builder().build().unwrap();
    runtime.run(Source::text("agent.js", "exports.secret = 42;")).await.unwrap();
    for text in ["require('agent.js')", "import 'agent.js'"] {
        let error = runtime.run(Source::text("other.js", text)).await.unwrap_err().to_string();
        assert!(error.contains("cannot find module \"agent.js\": this host offers geppetto;"), "{error}");
    }
    for text in ["exports.x = 1;", "export const x = 1;"] {
        let error = runtime.run(Source::text("geppetto", text)).await.unwrap_err().to_string();
        assert!(error.contains("a script cannot be named \"geppetto\""), "{error}");
    }
    let uses = "exports.version = require('geppetto').version;";
    assert!(runtime.load(Source::text("uses.js", uses)).await.is_ok());
}

#[tokio::test]
async fn loading_fails_as_running_does() {
    let runtime = Runtime::builder().build().unwrap();
    let load = async |text: &str| runtime.load(Source::text("x.mjs", text)).await.unwrap_err().to_string();
    assert_eq!(load("throw new Error('no')").await, "Error: no (at <anonymous> (x.mjs:1:11))");
    assert_eq!(
        load("await new Promise(() => {})").await,
        "the script waits for a promise that nothing will settle"
    );
    assert!(load("let let = 1").await.starts_with("SyntaxError"));
    // What a top level has started does not keep it from being loaded.
    let ticking = "setInterval(() => {}, 1000); await null; export const ok = () => 1;";
    let script = runtime.load(Source::text("ticking.mjs", ticking)).await.unwrap();
    assert_eq!(call(&script, "ok", &[]).await, Ok(json!(1)));
    assert_eq!(runtime.health().pending, 1);
}

#[tokio::test]
async fn health_tells_of_runs_and_of_the_end() {
    let (builder, reached) = silent();
    let runtime = builder.build().unwrap();
    assert_eq!(runtime.health().status, Status::Running);
    let source = "const gp = require('geppetto'); gp.createSession({ engine: gp.engines.fromConfig({}) }).start('hi').promise.catch(() => {})";
    let script = runtime.load(Source::text("run.js", source)).await.unwrap();
    reached.recv().unwrap();
    assert_eq!(runtime.health().active_runs, 1);
    runtime.shutdown(Duration::ZERO).await;
    assert_eq!(runtime.health().status, Status::Stopped);
    let gone = script.call("x", Vec::new(), CallOptions::default()).await.unwrap_err();
    assert_eq!(gone.to_string(), "the runtime was shut down");
}
