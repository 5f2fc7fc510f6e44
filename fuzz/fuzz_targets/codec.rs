//! Values between scripts and Rust: what an expression gives crosses into Rust and back, or is refused; nothing aborts.
#![no_main]

use futures_lite::future::block_on;
use geppetto_js::{CallOptions, Limits, Runtime, Script, Source};
use libfuzzer_sys::fuzz_target;
use std::sync::Arc;
use std::time::Duration;

const SCRIPT: &str = r#"
const gp = require("geppetto");
exports.evaluate = (text) => (0, eval)("(" + text + ")");
exports.same = (value) => value;
exports.turn = (text) => gp.turns.newTurn((0, eval)("(" + text + ")"));
"#;

fn fresh() -> (Runtime, Script) {
    let limits =
        Limits { job_time: Some(Duration::from_millis(200)), memory: Some(64 << 20), ..Limits::default() };
    let builder = Runtime::builder().limits(limits).console(Arc::new(|_, _| {}));
    let runtime = builder.on_uncaught(Arc::new(|_| {})).build().expect("a runtime");
    let script = block_on(runtime.load(Source::text("fuzz.js", SCRIPT))).expect("a script");
    (runtime, script)
}

thread_local! {
    static VM: std::cell::RefCell<(Runtime, Script)> = std::cell::RefCell::new(fresh());
}

fuzz_target!(|text: &str| {
    VM.with_borrow_mut(|vm| {
        // A script that has changed its own built-ins, or was given up, is not asked again.
        if vm.0.owner().is_closed() {
            *vm = fresh();
        }
        let call = |export: &str, value| block_on(vm.1.call(export, vec![value], CallOptions::default()));
        for export in ["evaluate", "turn"] {
            if let Ok(value) = call(export, text.into()) {
                if let Ok(back) = call("same", value.clone()) {
                    assert_eq!(back, value);
                }
            }
        }
    });
});
