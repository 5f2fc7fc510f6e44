//! The runtime a host builds: its modules, what it gives to scripts, and what it hears of them.

use crate::{read, run};
use geppetto_inference::middlewares::SystemPrompt;
use geppetto_js::{BuildError, NativeModule, Runtime, ScriptError, Source};
use geppetto_toolloop::{FunctionTool, ToolDefinition};
use rquickjs::{Ctx, Object};
use serde_json::json;
use std::sync::{Arc, Mutex};

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
    assert!(matches!(twice, Err(BuildError::DuplicateModule { name }) if name == "a"));
    let taken = Runtime::builder().module(Named("geppetto", false)).build();
    assert!(matches!(taken, Err(BuildError::DuplicateModule { .. })));
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
    let script = "const gp = require('geppetto'); gp.createSession({ engine: gp.engines.echo() }).run('hi')";
    let error = runtime.run_blocking(Source::text("sync.js", script)).unwrap_err();
    assert_eq!(error.to_string(), "Error: this host forbids synchronous runs; use runAsync() or start()");
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
    assert_eq!(error.to_string(), r#"Error: cannot load "./x": this host allows no files"#);
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
