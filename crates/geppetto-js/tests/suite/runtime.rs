//! The runtime a host builds: its modules, what it gives to scripts, and what it hears of them.

use crate::{read, run};
use geppetto_inference::middlewares::SystemPrompt;
use geppetto_js::{BuildError, NativeModule, Runtime, ScriptError, Source};
use geppetto_toolloop::{FunctionTool, ToolDefinition};
use rquickjs::{Ctx, Object};
use serde_json::json;
use std::sync::{Arc, Mutex};
use std::time::Duration;

struct Named(&'static str, bool);

impl NativeModule for Named {
    fn name(&self) -> &str {
        self.0
    }

    fn docs(&self) -> &str {
        "A module for tests."
    }

    fn install<'js>(&self, ctx: &Ctx<'js>) -> rquickjs::Result<Object<'js>> {
        if self.1 {
            return Err(rquickjs::Exception::throw_message(ctx, "no database"));
        }
        Object::new(ctx.clone())
    }
}

#[test]
fn two_modules_of_one_name_or_a_failing_one_are_errors_of_build() {
    let twice = Runtime::builder().module(Named("a", false)).module(Named("a", false)).build();
    assert!(matches!(twice, Err(BuildError::Duplicate { kind: "module", name }) if name == "a"));
    let taken = Runtime::builder().module(Named("geppetto", false)).build();
    assert!(matches!(taken, Err(BuildError::Duplicate { kind: "module", .. })));
    let failing = Runtime::builder().module(Named("db", true)).build().unwrap_err();
    assert!(failing.to_string().contains("db: Error: no database"), "{failing}");
}

#[test]
fn scripts_get_the_hosts_tools_and_middlewares() {
    let double = FunctionTool::new(ToolDefinition::new("double"), |args, _| {
        Ok(json!(args["n"].as_i64().unwrap() * 2))
    });
    let runtime = Runtime::builder()
        .tool(Arc::new(double))
        .middleware(
            "polite",
            Arc::new(|options| {
                let name =
                    options.get("name").and_then(serde_json::Value::as_str).ok_or("name is missing")?;
                Ok(Arc::new(SystemPrompt::new(format!("Be polite to {name}."))))
            }),
        )
        .build()
        .unwrap();
    run(
        &runtime,
        r#"
        const gp = require("geppetto");
        const tools = gp.tools.createRegistry().useHostTools(["double"]);
        globalThis.doubled = tools.call("double", { n: 21 });
        const session = gp.createSession({ engine: gp.engines.echo(), middlewares: [gp.middlewares.host("polite", { name: "Ada" })] });
        globalThis.prompt = session.run("hi").blocks[0].payload.text;
        try { gp.middlewares.host("polite"); } catch (error) { globalThis.refused = error.message; }
    "#,
    );
    assert_eq!(read(&runtime, "doubled"), "42");
    assert_eq!(read(&runtime, "prompt"), "Be polite to Ada.");
    assert_eq!(read(&runtime, "refused"), "middleware polite: name is missing");
}

#[test]
fn what_nobody_caught_reaches_the_hosts_handler_with_its_place() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let told = heard.clone();
    let runtime = Runtime::builder()
        .on_uncaught(Arc::new(move |report| {
            told.lock().unwrap().push(format!("{}: {}", report.op, report.error));
        }))
        .build()
        .unwrap();
    run(
        &runtime,
        "setTimeout(() => { throw new Error('in a timer') }, 1); Promise.reject(new TypeError('nobody'))",
    );
    assert_eq!(*heard.lock().unwrap(), ["promise: TypeError: nobody", "timer: Error: in a timer"]);
}

#[test]
fn a_host_can_forbid_synchronous_runs() {
    let runtime = Runtime::builder().forbid_sync_runs(true).build().unwrap();
    for run in ["gp.createSession({ engine }).run('hi')", "gp.runInference(engine, 'hi')"] {
        let script = format!("const gp = require('geppetto'), engine = gp.engines.echo(); {run}");
        let error = runtime.run_blocking(Source::text("sync.js", script)).unwrap_err();
        let expected =
            "Error: this host forbids synchronous runs; use runAsync(), start() or runInferenceAsync()";
        assert!(error.to_string().starts_with(expected), "{error}");
    }
}

#[test]
fn what_blocks_ends_within_a_task_too_however_often() {
    let (done, is_done) = std::sync::mpsc::channel();
    let task = async move {
        // A task of tokio's may only be ready so many times before it has to yield.
        for _ in 0..200 {
            let runtime = Runtime::builder().build().unwrap();
            run(&runtime, "setTimeout(() => {}, 1)");
            runtime.owner().call_blocking("test", |_| ()).unwrap();
        }
        done.send(()).unwrap();
    };
    std::thread::spawn(|| tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(task));
    assert_eq!(is_done.recv_timeout(Duration::from_secs(60)), Ok(()));
}

#[test]
fn a_script_that_waits_for_nothing_is_told_apart_from_one_that_ended() {
    let runtime = Runtime::builder().build().unwrap();
    let waiting = runtime.run_blocking(Source::text("wait.mjs", "await new Promise(() => {})"));
    assert_eq!(waiting, Err(ScriptError::NeverSettles));
    assert_eq!(runtime.run_blocking(Source::text("end.mjs", "await null; globalThis.ended = true")), Ok(()));
    assert_eq!(read(&runtime, "ended"), "true");
}

#[test]
fn an_embedded_text_has_no_files() {
    let runtime = Runtime::builder().build().unwrap();
    let error = runtime.run_blocking(Source::text("text.js", "require('./x')")).unwrap_err();
    let expected = r#"Error: cannot load "./x": this host allows no files (at "#;
    assert!(error.to_string().starts_with(expected), "{error}");
}

#[test]
fn a_panicking_host_function_is_reported_and_the_runtime_lives_on() {
    let panics = FunctionTool::new(ToolDefinition::new("panics"), |_, _| panic!("host bug"));
    let runtime = Runtime::builder().tool(Arc::new(panics)).build().unwrap();
    run(
        &runtime,
        r#"
        const gp = require("geppetto");
        const tools = gp.tools.createRegistry().useHostTools();
        try { tools.call("panics"); } catch (error) { globalThis.caught = error.message; }
        globalThis.after = gp.turns.text(gp.createSession({ engine: gp.engines.echo() }).run("hi"));
    "#,
    );
    assert_eq!(read(&runtime, "caught"), "tool panics: the tool panicked: host bug");
    assert_eq!(read(&runtime, "after"), "READY");
}

/// How many JS values Rust keeps once the collector has run.
fn kept_values(runtime: &Runtime) -> usize {
    let kept = |ctx: Ctx<'_>| {
        ctx.run_gc();
        geppetto_runner::Local::current().unwrap().kept_values()
    };
    // What the collector freed is released between jobs.
    runtime.owner().call_blocking("collect", kept).unwrap();
    runtime.owner().call_blocking("collect", kept).unwrap()
}

#[test]
fn runs_leave_no_values_behind() {
    let runtime = Runtime::builder().build().unwrap();
    let script = r#"
        import gp from "geppetto";
        const tools = gp.tools.createRegistry().register({ name: "t", handler: async (_, ctx) => { ctx.signal.onabort = () => ctx; return 1; } });
        const engine = gp.engines.fromFunction(async (turn, ctx) => {
            ctx.signal.addEventListener("abort", () => ctx.log.info("aborted"));
            const asked = turn.blocks.some((block) => block.kind === "tool_use");
            turn.blocks.push(asked ? gp.turns.newAssistantBlock("ok") : gp.turns.newToolCallBlock("c", "t"));
        });
        const wait = gp.middlewares.fromAsync(async (turn, next) => next(turn));
        globalThis.session = gp.createSession({ engine, tools, middlewares: [wait], toolHooks: { beforeToolCall: async () => {} } });
        globalThis.once = async (text) => {
            const run = session.start(text);
            run.on("*", () => run).on("partial", () => {});
            for await (const event of run) if (event.type === "start") break;
            await run.promise;
        };
        await once("first");
    "#;
    runtime.run_blocking(Source::text("leak.mjs", script)).unwrap();
    let before = kept_values(&runtime);
    runtime
        .run_blocking(Source::text(
            "again.mjs",
            "for (let i = 0; i < 50; i++) { await once('again'); await once('x'); }",
        ))
        .unwrap();
    assert_eq!(kept_values(&runtime), before);
}

#[test]
fn a_closed_session_lets_go_of_functions_that_mention_it() {
    let runtime = Runtime::builder().build().unwrap();
    run(&runtime, "globalThis.gp = require('geppetto')");
    let before = kept_values(&runtime);
    run(
        &runtime,
        r#"
        for (let i = 0; i < 20; i++) {
            const session = gp.createSession({ engine: gp.engines.fromFunction(() => { session; }) });
            session.run("hi");
            session.close();
        }
    "#,
    );
    assert_eq!(kept_values(&runtime), before);
}
