//! Faults of the host's side, each a small host in a process of its own.

use async_trait::async_trait;
use futures_util::FutureExt;
use futures_util::future::join_all;
use geppetto_events::{Event, EventSink, SinkError};
use geppetto_inference::{Engine, Failure, InferenceError, RunContext, RunOptions};
use geppetto_js::{CallOptions, EngineFactory, EngineRequest, Limits, Runtime, Source};
use geppetto_runner::{CallError, Local, OwnerRef};
use geppetto_toolloop::{FunctionTool, Tool, ToolContext, ToolDefinition, ToolError};
use geppetto_turns::Turn;
use serde_json::{Value, json};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// A host, and what it prints at its end.
pub(crate) struct Host {
    pub(crate) name: &'static str,
    pub(crate) says: &'static str,
    run: fn(),
}

/// All of them: the number of the fault, and what happens.
pub(crate) const ALL: &[Host] = &[
    Host { name: "2-a-loop-behind-a-long-wait", says: "condemned", run: loop_behind_a_wait },
    Host { name: "33-shutdown-amid-jobs-and-runs", says: "all have ended", run: shutdown },
    Host { name: "34-panics-on-every-side", says: "owner and session live", run: panics },
    Host { name: "36-ten-thousand-operations", says: "10000 answers", run: operations },
    Host { name: "46-a-tool-calls-back-from-another-thread", says: "called back 3", run: call_back },
    Host { name: "47-the-hosts-own-runtime-goes-first", says: "cancelled, and on", run: runtime_first },
];

/// Is the host of this name.
pub(crate) fn be(name: &str) {
    let host = ALL.iter().find(|host| host.name == name).expect("a host of this name");
    (host.run)();
    println!("{}", host.says);
}

fn tokio() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap()
}

/// Answers never, or panics.
struct Odd(&'static str);

#[async_trait]
impl Engine for Odd {
    fn name(&self) -> Arc<str> {
        "odd".into()
    }

    async fn infer(&self, _turn: Turn, _ctx: &RunContext) -> Result<Turn, InferenceError> {
        assert_ne!(self.0, "panics", "a bug in the engine");
        std::future::pending().await
    }
}

impl EngineFactory for Odd {
    fn create(&self, _request: EngineRequest) -> Result<Arc<dyn Engine>, Failure> {
        Ok(Arc::new(Odd(self.0)))
    }
}

/// The watchdog has nothing to look at while the VM waits, and falls asleep.
fn loop_behind_a_wait() {
    let limits = Limits { job_time: Some(Duration::from_millis(50)), ..Limits::default() };
    let runtime = Runtime::builder().limits(limits).on_uncaught(Arc::new(|_| {})).build().unwrap();
    let answer = runtime.owner().call_blocking("wait", |ctx| {
        let waited = Local::current().unwrap().block_on(1, tokio::time::sleep(Duration::from_millis(1500)));
        assert_eq!(waited, Ok(()));
        ctx.eval::<(), _>("const a = []; a[4294967294] = 1; a.sort()").is_ok()
    });
    assert!(matches!(answer, Err(CallError::Condemned { .. })), "{answer:?}");
}

fn shutdown() {
    let runtime = Runtime::builder().engine_factory(Arc::new(Odd("silent"))).build().unwrap();
    let text = "const gp = require('geppetto');\
        exports.go = () => gp.createSession({ engine: gp.engines.fromConfig({}) }).runAsync('hi');\
        exports.busy = () => { for (;;); };";
    let host = tokio();
    let script = host.block_on(runtime.load(Source::text("host.js", text))).unwrap();
    let call = |export: &'static str| {
        let script = script.clone();
        host.spawn(async move { script.call(export, vec![], CallOptions::default()).await })
    };
    let calls: Vec<_> =
        (0..20).map(|_| call("go")).chain([call("busy")]).chain((0..20).map(|_| call("go"))).collect();
    let owner = runtime.owner();
    let posts = (0..100).filter(|_| owner.post("post", |_| {}).is_ok()).count();
    assert_eq!(posts, 100);
    let grace = Duration::from_millis(100);
    host.block_on(async {
        // Twice, and once from inside: the last only begins it.
        let inside = runtime.clone();
        let _ = owner.post("shutdown", move |_| {
            inside.shutdown(grace).now_or_never();
        });
        futures_util::join!(runtime.shutdown(grace), runtime.shutdown(grace));
        for ended in join_all(calls).await {
            assert!(ended.unwrap().is_err());
        }
    });
    assert_eq!(owner.post("late", |_| {}), Err(CallError::Closed));
}

/// Panics at every event.
struct PanickingSink;

#[async_trait]
impl EventSink for PanickingSink {
    async fn publish(&self, _event: Arc<Event>) -> Result<(), SinkError> {
        panic!("a bug in the sink")
    }
}

fn panics() {
    let tool = FunctionTool::new(ToolDefinition::new("panics"), |_, _| panic!("a bug in the tool"));
    let runtime = Runtime::builder()
        .engine_factory(Arc::new(Odd("panics")))
        .tool(Arc::new(tool))
        .sink(Arc::new(PanickingSink));
    let runtime = runtime.build().unwrap();
    let text = r#"
        const gp = require("geppetto");
        const tools = gp.tools.createRegistry().useHostTools();
        const responses = [{ toolCalls: [{ name: "panics" }] }, { text: "fine" }, { text: "and again" }];
        const session = gp.createSession({ engine: gp.engines.scripted({ responses }), tools });
        exports.tool = () => session.run("hi").blocks.find((block) => block.kind === "tool_use").payload.error;
        exports.again = () => gp.turns.text(session.run("hi"));
        exports.engine = () => { try { gp.createSession({ engine: gp.engines.fromConfig({}) }).run("hi"); } catch (error) { return error.code; } };
    "#;
    let host = tokio();
    let script = host.block_on(runtime.load(Source::text("host.js", text))).unwrap();
    let call = |export: &str| host.block_on(script.call(export, vec![], CallOptions::default())).unwrap();
    assert_eq!(call("tool"), json!("the tool panicked: a bug in the tool"));
    assert_eq!(call("engine"), json!("internal"));
    let job = runtime.owner().call_blocking("job", |_| panic!("a bug in the job"));
    assert!(matches!(job, Err::<(), _>(CallError::Panicked { op: "job", .. })), "{job:?}");
    assert_eq!(call("again"), json!("and again"));
}

fn operations() {
    let limits = Limits { queue: 20_000, ..Limits::default() };
    let runtime = Runtime::builder().limits(limits).build().unwrap();
    runtime.run_blocking(Source::text("host.js", "globalThis.count = 0;")).unwrap();
    let host = tokio();
    let tasks = (0..500).map(|task| {
        let owner = runtime.owner();
        host.spawn(async move {
            let mut last = 0;
            for operation in 0..20 {
                // Every third is given up before it is done.
                let count = owner.call("count", |ctx| ctx.eval::<u32, _>("++count").unwrap());
                if (task + operation) % 3 == 0 {
                    let given_up = std::pin::pin!(count);
                    given_up.now_or_never();
                    continue;
                }
                let count = count.await.unwrap();
                assert!(count > last, "serial, in the order of the task");
                last = count;
            }
        })
    });
    let tasks: Vec<_> = tasks.collect();
    host.block_on(join_all(tasks)).into_iter().for_each(|task| task.unwrap());
}

/// A tool that calls a function of the script from a thread of its own.
struct CallBack(ToolDefinition, Arc<OnceLock<OwnerRef>>);

#[async_trait]
impl Tool for CallBack {
    fn definition(&self) -> &ToolDefinition {
        &self.0
    }

    async fn call(&self, _args: Value, ctx: &ToolContext) -> Result<Value, ToolError> {
        let (owner, scope) = (self.1.get().unwrap().clone(), ctx.run.as_ref().map(|run| run.scope()));
        let (reply, answer) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            let job = |ctx: rquickjs::Ctx<'_>| ctx.eval::<i32, _>("++calledBack").unwrap();
            let _ = reply.send(tokio().block_on(owner.call_in(scope, "call back", job)));
        });
        answer.await.unwrap().map(Value::from).map_err(|error| ToolError::failed(error.to_string()))
    }
}

fn call_back() {
    let owner = Arc::new(OnceLock::new());
    let tool = CallBack(ToolDefinition::new("callBack"), owner.clone());
    let runtime = Runtime::builder().tool(Arc::new(tool)).build().unwrap();
    owner.set(runtime.owner()).unwrap_or_else(|_| panic!("set once"));
    let text = r#"
        const gp = require("geppetto");
        globalThis.calledBack = 0;
        const toolCalls = [{ name: "callBack" }, { name: "callBack" }, { name: "callBack" }];
        const engine = gp.engines.scripted({ responses: [{ toolCalls }, { text: "done" }] });
        gp.createSession({ engine, tools: gp.tools.createRegistry().useHostTools() }).run("go");
        if (calledBack !== 3) throw new Error("called back " + calledBack);
    "#;
    runtime.run_blocking(Source::text("host.js", text)).unwrap();
}

fn runtime_first() {
    let runtime = Runtime::builder().engine_factory(Arc::new(Odd("silent"))).build().unwrap();
    let text = "const gp = require('geppetto');\
        exports.session = () => gp.createSession({ engine: gp.engines.fromConfig({}) });\
        exports.ask = async () => 'still here';";
    let host = tokio();
    let script = host.block_on(runtime.load(Source::text("host.js", text))).unwrap();
    let session = host.block_on(script.session("session")).unwrap();
    let run = session.begin("hi", RunOptions::default()).unwrap();
    let handle = run.handle();
    host.spawn(run.drive());
    drop(host);
    assert_eq!(handle.outcome().unwrap().unwrap_err().code().as_str(), "cancelled");
    let current = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let answer = current.block_on(script.call("ask", vec![], CallOptions::default()));
    assert_eq!(answer, Ok(json!("still here")));
}
