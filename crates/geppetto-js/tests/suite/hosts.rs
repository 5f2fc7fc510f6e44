//! Hosts of all kinds: what they see of a runtime, whatever their own executor does.

use crate::{read, run, silent};
use geppetto_inference::{Engine, Failure, RunOptions};
use geppetto_js::{
    BuildError, CallOptions, EngineFactory, EngineRequest, MiddlewareFactory, NativeModule, Runtime, Source,
};
use geppetto_runner::{JsRef, Local};
use geppetto_toolloop::{FunctionTool, StepController, ToolDefinition};
use rquickjs::{Ctx, Object};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

/// Notes that it was installed.
struct Noting(&'static str, Arc<Mutex<Vec<&'static str>>>);

impl NativeModule for Noting {
    fn name(&self) -> &str {
        self.0
    }

    fn docs(&self) -> &str {
        "Notes that it was installed."
    }

    fn typings(&self) -> Option<&str> {
        (self.0 == "typed").then_some(
            "export const answer: 42;\ndeclare const typed: { answer: 42 };\nexport default typed;\n",
        )
    }

    fn globals(&self) -> Option<&str> {
        (self.0 == "typed").then_some("declare const ANSWER: 42;\n")
    }

    fn install<'js>(&self, ctx: &Ctx<'js>) -> rquickjs::Result<Object<'js>> {
        self.1.lock().unwrap().push(self.0);
        Object::new(ctx.clone())
    }
}

#[test]
fn modules_are_installed_in_their_order_and_typed_exactly() {
    let installed = Arc::new(Mutex::new(Vec::new()));
    let module = |name| Noting(name, installed.clone());
    let runtime =
        Runtime::builder().module(module("b")).module(module("typed")).module(module("a")).build().unwrap();
    assert_eq!(*installed.lock().unwrap(), ["b", "typed", "a"]);
    let typings = runtime.typings();
    assert!(typings.contains("declare module \"geppetto\" {\n"));
    assert!(typings.contains("/** Notes that it was installed. */\ndeclare module \"b\";\n"));
    assert!(typings.contains(
        "declare module \"typed\" {\n  export const answer: 42;\n  const typed: { answer: 42 };\n"
    ));
    assert!(typings.contains("declare const ANSWER: 42;\n"));
    assert!(!typings.contains("geppetto/terminal"), "that is the command's");
}

/// Remembers what engines it was asked for, and makes none.
#[derive(Default)]
struct Asked(Mutex<Vec<(Option<String>, Value)>>);

impl EngineFactory for Asked {
    fn create(&self, request: EngineRequest) -> Result<Arc<dyn Engine>, Failure> {
        self.0.lock().unwrap().push((request.profile, request.options.into()));
        Err(Failure::new("no such model"))
    }
}

#[test]
fn a_host_is_asked_for_engines_by_profile_and_options_without_their_aliases() {
    let asked = Arc::new(Asked::default());
    let runtime = Runtime::builder().engine_factory(asked.clone()).build().unwrap();
    let script = r#"
        const { engines } = require("geppetto");
        const make = (from, ...options) => { try { engines[from](...options); } catch (error) { if (error.message !== "no such model") throw error; } };
        make("fromConfig", { model: "m", provider: "claude", timeoutSeconds: 2, profile: "inner", seed: 7 });
        make("fromProfile", "outer", { profile: "inner", apiType: "openai", provider: "openai", timeoutMs: 2000, timeoutSeconds: 2 });
        make("fromProfile");
    "#;
    runtime.run_blocking(Source::text("asks.js", script)).unwrap();
    let expected = [
        (Some("inner"), json!({ "model": "m", "apiType": "claude", "seed": 7, "timeoutMs": 2000.0 })),
        (Some("outer"), json!({ "apiType": "openai", "timeoutMs": 2000.0 })),
        (None, json!({})),
    ];
    let expected = expected.map(|(profile, options)| (profile.map(str::to_owned), options));
    assert_eq!(*asked.0.lock().unwrap(), expected);
}

#[test]
fn two_host_middlewares_of_one_name_are_an_error_of_build() {
    let factory: MiddlewareFactory = Arc::new(|_| Err("makes none".to_owned()));
    let built = Runtime::builder().middleware("m", factory.clone()).middleware("m", factory).build();
    assert!(matches!(built, Err(BuildError::Duplicate { kind: "host middleware", name }) if name == "m"));
}

#[test]
fn two_host_tools_of_one_name_are_an_error_of_build() {
    let tool = || Arc::new(FunctionTool::new(ToolDefinition::new("twice"), |_, _| Ok(json!(null))));
    let built = Runtime::builder().tool(tool()).tool(tool()).build();
    assert!(matches!(built, Err(BuildError::Duplicate { kind: "host tool", name }) if name == "twice"));
}

#[test]
fn an_embedded_script_has_no_arguments_no_terminal_and_prints_to_its_host() {
    let printed = Arc::new(Mutex::new(Vec::new()));
    let heard = printed.clone();
    let console =
        Arc::new(move |level: &str, text: &str| heard.lock().unwrap().push(format!("{level}: {text}")));
    let runtime = Runtime::builder().console(console).build().unwrap();
    run(
        &runtime,
        "console.log(require('geppetto').args); console.warn({ a: 1 });
         try { require('geppetto/terminal') } catch (error) { console.error(error.message.slice(0, 38)) }",
    );
    let expected = ["log: []", "warn: { a: 1 }", "error: cannot find module \"geppetto/terminal\""];
    assert_eq!(*printed.lock().unwrap(), expected);
    assert_eq!(read(&runtime, "typeof process + typeof Deno"), "undefinedundefined");
}

const ASKS: &str = r#"
import gp from "geppetto";
const tools = gp.tools.createRegistry().register({ name: "wait", handler: async () => { await null; return gp.runInference(gp.engines.echo(), "x").blocks.length; } });
export const ask = async (text) => {
  const engine = gp.engines.scripted({ responses: [{ toolCalls: [{ name: "wait" }] }, { text }] });
  return gp.turns.text(await gp.createSession({ engine, tools }).runAsync(text));
};
export const session = () => gp.createSession({ engine: gp.engines.fromConfig({}) });
"#;

#[test]
fn scripts_run_whatever_flavour_the_hosts_tokio_runtime_has() {
    let current = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let multi = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    for host in [current, multi] {
        let runtime = Runtime::builder().build().unwrap();
        let answer = host.block_on(async {
            let script = runtime.load(Source::text("asks.mjs", ASKS)).await.unwrap();
            script.call("ask", vec![json!("hi")], CallOptions::default()).await
        });
        assert_eq!(answer, Ok(json!("hi")));
        host.block_on(runtime.shutdown(std::time::Duration::ZERO));
    }
}

#[test]
fn a_host_whose_tokio_runtime_goes_first_ends_its_runs_and_can_go_on() {
    let (builder, reached) = silent();
    let runtime = builder.build().unwrap();
    let host = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let script = host.block_on(runtime.load(Source::text("asks.mjs", ASKS))).unwrap();
    let session = host.block_on(script.session("session")).unwrap();
    let run = session.begin("hi", RunOptions::default()).unwrap();
    let handle = run.handle();
    host.spawn(run.drive());
    reached.recv().unwrap();
    // The runtime drops the run's future: the run is over, and told so.
    drop(host);
    assert_eq!(handle.outcome().unwrap().unwrap_err().code().as_str(), "cancelled");
    assert!(!session.is_running());
    let again = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let answer = again.block_on(script.call("ask", vec![json!("still here")], CallOptions::default()));
    assert_eq!(answer, Ok(json!("still here")));
}

#[test]
fn a_value_of_another_runtime_is_none_here() {
    let (one, other) = (Runtime::builder().build().unwrap(), Runtime::builder().build().unwrap());
    let keep = |ctx: Ctx<'_>| {
        let engine = ctx.eval("1 + 1").unwrap();
        JsRef::new(&Local::current().unwrap(), engine)
    };
    let kept = one.owner().call_blocking("keep", keep).unwrap();
    let here = kept.clone();
    assert!(one.owner().call_blocking("get", move |ctx| here.get(&ctx).is_some()).unwrap());
    assert!(!other.owner().call_blocking("get", move |ctx| kept.get(&ctx).is_some()).unwrap());
}

#[test]
fn a_host_can_step_through_the_runs_of_its_scripts() {
    let steps = StepController::new();
    steps.enable_all();
    let runtime = Runtime::builder().steps(steps.clone()).build().unwrap();
    let host = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let answer = host.block_on(async {
        let script = runtime.load(Source::text("asks.mjs", ASKS)).await.unwrap();
        let asked = script.call("ask", vec![json!("stepped")], CallOptions::default());
        let stepping = async {
            for phase in ["after_inference", "after_tools"] {
                let pause = steps.paused().await;
                assert_eq!(pause.phase.as_str(), phase);
                steps.resume(&pause.id).unwrap();
            }
        };
        futures_util::join!(asked, stepping).0
    });
    assert_eq!(answer, Ok::<Value, _>(json!("stepped")));
}
