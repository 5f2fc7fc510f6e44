//! Out of memory at every turn: whatever allocation is refused, the process lives. In a process of its own, because
//! an abort would take the other tests with it.

use futures_lite::future::block_on;
use geppetto_js::{Limits, Runtime, Source};
use std::process::Command;
use std::time::Duration;

const CHILD: &str = "GEPPETTO_EXHAUSTION_CHILD";
/// How many limits are tried between the least with which a runtime starts and the most that the script needs.
const LIMITS: usize = 300;

/// Crosses into the host and back in as many ways as a script has.
const SCRIPT: &str = r#"
const gp = require("geppetto");
const tools = gp.tools.createRegistry().register({
  name: "add",
  parameters: { type: "object", properties: { a: { type: "number" } }, required: ["a"] },
  handler: ({ a }, ctx) => { ctx.emit("noted", { a, list: Array.from({ length: 50 }, (_, i) => ({ i })) }); return { sum: a + 1 }; },
});
const engine = gp.engines.fromFunction((turn, ctx) => {
  ctx.partial("some text");
  return turn.blocks.length > 2 ? "done" : { toolCalls: [{ name: "add", args: { a: turn.blocks.length } }] };
});
const middleware = gp.middlewares.fromJS((turn, next) => { turn.metadata.seen = structuredClone(turn.blocks); return next(turn); });
const session = gp.createBuilder().withEngine(engine).useMiddleware(middleware).withTools(tools, { maxIterations: 3 }).buildSession();
const run = session.start("hi");
run.on("*", (event) => JSON.stringify(event));
run.on("error", () => {});
setTimeout(() => { new URL("http://host/path?a=1").searchParams.set("b", "2"); }, 1);
console.log("%o", { session, engine, when: new Date(0), map: new Map([[1, 2]]) });
(async () => { for await (const event of run) event.type; })().catch(() => {});
"#;

fn attempt(memory: Option<usize>) -> Option<Runtime> {
    let limits = Limits { memory, ..Limits::default() };
    let builder = Runtime::builder().limits(limits).console(std::sync::Arc::new(|_, _| {}));
    let runtime = builder.on_uncaught(std::sync::Arc::new(|_| {})).build().ok()?;
    let _ = block_on(runtime.run(Source::text("main.js", SCRIPT)));
    Some(runtime)
}

fn sweep() {
    let whole = attempt(None).unwrap();
    let most = whole.owner().stats().heap_bytes + whole.owner().stats().kept_bytes + 200_000;
    drop(whole);
    let (mut started, mut ended_well) = (0, 0);
    for step in 0..LIMITS {
        // Odd steps, so that another allocation is hit each time.
        let limit = most * (step + 1) / LIMITS + step % 7 * 8;
        if let Some(runtime) = attempt(Some(limit)) {
            started += 1;
            ended_well += usize::from(runtime.owner().condemned().is_none());
            block_on(runtime.shutdown(Duration::ZERO));
        }
    }
    assert!(started > ended_well && ended_well > 0, "{started} started, {ended_well} ended well");
}

#[test]
fn out_of_memory_at_any_allocation_ends_the_vm_and_never_the_process() {
    if std::env::var_os(CHILD).is_some() {
        return sweep();
    }
    let mut child = Command::new(std::env::current_exe().unwrap());
    let output = child.arg("--nocapture").env(CHILD, "1").output().unwrap();
    let said =
        [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned()).concat();
    assert!(output.status.success(), "{}\n{}", output.status, said);
}
