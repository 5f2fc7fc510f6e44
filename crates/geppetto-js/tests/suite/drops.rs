//! Every order of dropping what a host can hold of a runtime, at rest and during runs. An abort would end the whole
//! process, so each half runs in a child process, which counts its threads at the end.

use crate::silent;
use geppetto_js::{ConsoleSink, Runtime, Source};
use geppetto_runner::{JsRef, LeftBehind, Local, left_behind};
use std::any::Any;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What the script leaves for the host: a session, a run's handle, a registry, a pending promise and a timer.
const AT_REST: &str = r#"
const gp = require("geppetto");
const registry = gp.tools.createRegistry().register({ name: "t", handler: () => registry });
const session = gp.createSession({ engine: gp.engines.fromFunction((turn) => { session; }), tools: registry });
session.run("hi");
const handle = session.start("again");
globalThis.kept = [session, handle, registry, new Promise(() => {}), () => registry];
setInterval(() => session, 3600000);
"#;

/// The same while runs go on: one waits for a promise, one for a host engine, one for its tool.
const RUNNING: &str = r#"
const gp = require("geppetto");
const registry = gp.tools.createRegistry().register({ name: "t", handler: () => new Promise(() => { registry; }) });
const session = gp.createSession({ engine: gp.engines.fromFunction(() => new Promise(() => { session; })) });
const handle = session.start("hi");
handle.on("*", () => handle);
(async () => { for await (const event of handle) event; })().catch(() => {});
const parked = gp.createSession({ engine: gp.engines.fromConfig({}) });
const pending = parked.runAsync("hi");
pending.catch(() => {});
const inTool = gp.createSession({ engine: gp.engines.scripted({ responses: [{ toolCalls: [{ name: "t" }] }] }), tools: registry }).start("go");
inTool.on("error", () => {});
globalThis.kept = [session, handle, registry, pending, () => registry];
setTimeout(() => session, 3600000);
"#;

const ITEMS: usize = 6;

/// Everything a host can hold: the runtime, and a handle to each of the script's things.
fn held(script: &'static str, console: &ConsoleSink) -> (Vec<Box<dyn Any>>, std::thread::JoinHandle<()>) {
    let (builder, _reached) = silent();
    let runtime = builder.console(console.clone()).build().unwrap();
    let started = futures_lite::future::block_on(runtime.start(Source::text("drops.js", script))).unwrap();
    let owner = runtime.owner();
    let kept = owner.call_blocking("keep", |ctx| {
        let local = Local::current().unwrap();
        (0..5)
            .map(|index| JsRef::new(&local, ctx.eval(format!("kept[{index}]")).unwrap()))
            .collect::<Vec<_>>()
    });
    let [session, handle, registry, promise, function] = <[JsRef; 5]>::try_from(kept.unwrap()).unwrap();
    // Somebody waits for the end of the script, and must hear of it.
    let mut waiting = started.clone();
    let waiter = std::thread::spawn({
        let owner = runtime.owner();
        move || {
            futures_lite::future::block_on(async { drop(waiting.finished().await) });
            while owner.call_blocking("wait", |_| ()).is_ok() {
                std::thread::yield_now();
            }
        }
    });
    let items: Vec<Box<dyn Any>> = vec![
        Box::new(runtime),
        Box::new((owner, started)),
        Box::new(session),
        Box::new(handle),
        Box::new(registry),
        Box::new((promise, function)),
    ];
    assert_eq!(items.len(), ITEMS);
    (items, waiter)
}

/// All orders of `ITEMS` things.
fn orders() -> Vec<Vec<usize>> {
    let mut orders = vec![Vec::new()];
    for _ in 0..ITEMS {
        let longer = |order: Vec<usize>| {
            let rest: Vec<usize> = (0..ITEMS).filter(|item| !order.contains(item)).collect();
            rest.into_iter().map(move |item| order.iter().copied().chain([item]).collect())
        };
        orders = orders.into_iter().flat_map(longer).collect();
    }
    orders
}

/// The threads of VMs that are alive, where the system tells.
fn vm_threads() -> usize {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return 0 };
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|name| name.starts_with("geppetto-vm")).count()
}

/// What the child process does: every order, and then the count.
fn drop_in_every_order(script: &'static str) {
    let orders = orders();
    assert_eq!(orders.len(), 720);
    // What every VM holds: the count tells how many are left.
    let console: ConsoleSink = Arc::new(|_, _| {});
    for order in orders {
        let (items, waiter) = held(script, &console);
        let mut items: Vec<_> = items.into_iter().map(Some).collect();
        for item in order {
            drop(items[item].take());
        }
        waiter.join().unwrap();
    }
    // Whoever joins a thread may be told before the system has taken it off its list.
    let began = Instant::now();
    while vm_threads() > 0 && began.elapsed() < Duration::from_secs(10) {
        std::thread::yield_now();
    }
    assert_eq!(vm_threads(), 0, "every thread has ended");
    assert_eq!(Arc::strong_count(&console), 1, "every VM is gone, with what it held");
    assert_eq!(left_behind(), LeftBehind::default());
}

/// Runs one of the tests below in a process of its own.
fn in_child(test: &str) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env("GEPPETTO_DROPS_CHILD", "1")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {told}", output.status);
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "the child has run its test");
}

fn is_child() -> bool {
    std::env::var_os("GEPPETTO_DROPS_CHILD").is_some()
}

#[test]
fn at_rest_every_order_of_drops_is_harmless() {
    if is_child() {
        drop_in_every_order(AT_REST);
    } else {
        in_child("drops::at_rest_every_order_of_drops_is_harmless");
    }
}

#[test]
fn during_runs_every_order_of_drops_is_harmless() {
    if is_child() {
        drop_in_every_order(RUNNING);
    } else {
        in_child("drops::during_runs_every_order_of_drops_is_harmless");
    }
}

#[test]
fn a_runtime_dropped_during_a_synchronous_run_ends_it() {
    let (builder, reached) = silent();
    let runtime = builder.build().unwrap();
    let owner = runtime.owner();
    let script = "const gp = require('geppetto'); globalThis.park = () => gp.createSession({ engine: gp.engines.fromConfig({}) }).run('hi')";
    runtime.run_blocking(Source::text("park.js", script)).unwrap();
    let running = std::thread::spawn(move || {
        owner.call_blocking("run", |ctx| ctx.eval::<(), _>("park()").is_err() && ctx.catch().is_error())
    });
    reached.recv().unwrap();
    drop(runtime);
    assert_eq!(running.join().unwrap(), Ok(true));
}

#[test]
fn the_last_runtime_may_be_dropped_on_its_own_thread() {
    let runtime = Runtime::builder().build().unwrap();
    let owner = runtime.owner();
    let stopping = owner.stopping().clone();
    let slot = Arc::new(std::sync::Mutex::new(Some(runtime)));
    owner.post("drop", move |_| drop(slot.lock().unwrap().take())).unwrap();
    futures_lite::future::block_on(stopping.cancelled());
}
