//! Turns, events and runs between Rust and scripts.

use super::{bare, rust};
use crate::measure::{Row, Target, microseconds, rates};
use futures_lite::future::block_on;
use geppetto_js::bench::turn_round_trip;
use geppetto_js::{CallOptions, Limits, Runtime, Script, Source};
use geppetto_turns::{Block, Turn};
use rquickjs::Function;

pub(super) fn runtime() -> Runtime {
    let limits = Limits { job_time: None, memory: None, ..Limits::default() };
    Runtime::builder().limits(limits).build().expect("a runtime")
}

fn script(runtime: &Runtime, text: &str) -> Script {
    block_on(runtime.load(Source::text("bench.js", text))).expect("a script")
}

/// What an exported function returns when it has done the work `n` times.
fn call(script: &Script, export: &str, n: usize) -> serde_json::Value {
    let called = script.call(export, vec![n.into()], CallOptions::default());
    block_on(called).unwrap_or_else(|error| panic!("{export}: {error}"))
}

fn turn_row(blocks: usize, n: usize, target: f64) -> Vec<Row> {
    let runtime = runtime();
    let turn: Turn = (0..blocks).map(|i| Block::user(format!("message {i}"))).collect();
    let samples = runtime.owner().call_blocking("measure", move |ctx| {
        let push = "(turn) => { turn.blocks.push({ kind: 'user', payload: { text: 'one more' } }); }";
        let push: Function<'_> = ctx.eval(push).expect("a function");
        microseconds(n, || {
            for _ in 0..n {
                let back = turn_round_trip(&ctx, &push, &turn).expect("a turn");
                assert_eq!(back.blocks.len(), blocks + 1);
            }
        })
    });
    let name = format!("{blocks}-block turn: Rust, JS, a block more, Rust");
    vec![Row::new(name, "µs", Target::AtMost(target), n, samples.expect("measured"))]
}

/// 4. A small turn into the VM and back.
pub(crate) fn small_turn() -> Vec<Row> {
    turn_row(3, 20_000, 7.0)
}

/// 5. A large one.
pub(crate) fn large_turn() -> Vec<Row> {
    turn_row(100, 1_000, 150.0)
}

const EVENTS: &str = r#"
const gp = require("geppetto");
exports.stream = (n) => new Promise((resolve, reject) => {
  const engine = gp.engines.fromFunction((turn, ctx) => { for (let i = 0; i < n; i++) ctx.partial("delta"); });
  let heard = 0;
  const run = gp.createSession({ engine }).start("go");
  run.on("partial", (event) => { heard++; });
  run.promise.then(() => resolve(heard), reject);
});
"#;

/// 6. Events from an engine to a listener of the script, made and heard.
pub(crate) fn events() -> Vec<Row> {
    const N: usize = 100_000;
    let runtime = runtime();
    let script = script(&runtime, EVENTS);
    let samples = microseconds(N, || assert_eq!(call(&script, "stream", N), N));
    let target = Target::AtLeast(800_000.0);
    vec![Row::new("events to one JS listener, end to end", "/s", target, N, rates(&samples))]
}

const RUNS: &str = r#"
const gp = require("geppetto");
const engine = gp.engines.echo({ reply: "ok" });
const middleware = gp.middlewares.fromJS((turn, next) => next(turn));
const session = () => gp.createBuilder().withEngine(engine).useMiddleware(middleware).buildSession();
exports.fresh = (n) => {
  for (let i = 0; i < n; i++) {
    const one = session();
    one.append(gp.turns.newTurn({ blocks: [gp.turns.newUserBlock("hi")] }));
    one.run();
  }
  return n;
};
exports.growing = (n) => {
  const one = session();
  for (let i = 0; i < n; i++) one.run("and again");
  return one.turnCount();
};
const tools = gp.tools.createRegistry().register({
  name: "add",
  parameters: { type: "object", properties: { a: { type: "number" } }, required: ["a"] },
  handler: ({ a }) => ({ sum: a + 1 }),
});
const asks = gp.engines.fromFunction((turn) => {
  const answered = turn.blocks.length > 1;
  turn.blocks.push(answered
    ? { kind: "llm_text", role: "assistant", payload: { text: "done" } }
    : { kind: "tool_call", payload: { id: "c", name: "add", args: { a: 1 } } });
});
const loop = () => gp.createSession({ engine: asks, tools, toolLoop: { maxIterations: 3 } });
const check = (turn) => { if (turn.blocks.length !== 4) throw new Error(JSON.stringify(turn)); };
exports.loop = (n) => { for (let i = 0; i < n; i++) check(loop().run("go")); return n; };
exports.loopAsync = async (n) => { for (let i = 0; i < n; i++) check(await loop().runAsync("go")); return n; };
"#;

fn runs(export: &str, name: &str, n: usize, target: f64) -> Vec<Row> {
    let runtime = runtime();
    let script = script(&runtime, RUNS);
    let samples = microseconds(n, || assert_eq!(call(&script, export, n), n));
    vec![Row::new(name, "µs", Target::AtMost(target), n, samples)]
}

/// 7. A new session, a turn, a run.
pub(crate) fn new_session() -> Vec<Row> {
    let mut rows = runs("fresh", "new session + append + run, echo + 1 JS middleware", 1_000, 22.0);
    rows.extend(bare::run("fresh", 1_000));
    rows.push(rust::new_session());
    rows
}

/// 8. One session that grows to 50 turns.
pub(crate) fn growing_session() -> Vec<Row> {
    runs("growing", "one session growing to 50 turns, mean per run", 50, 200.0)
}

/// 9. The tool loop: an engine of the script twice, its tool once.
pub(crate) fn tool_loop() -> Vec<Row> {
    let mut rows = runs("loop", "tool loop: JS engine twice + JS tool, run", 500, 50.0);
    rows.extend(bare::run("loop", 500));
    rows.push(rust::tool_loop());
    rows
}

/// 10. The same without keeping the VM.
pub(crate) fn tool_loop_async() -> Vec<Row> {
    runs("loopAsync", "the same, runAsync", 500, 60.0)
}
