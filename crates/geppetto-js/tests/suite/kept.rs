//! What Rust keeps for a script counts against its VM's memory, whoever still holds it.

use geppetto_js::{Limits, Runtime, ScriptError, Source};
use geppetto_runner::CallError;
use std::sync::Arc;

/// The script keeps no handle of what is large.
const KEPT: [&str; 5] = [
    "gp.createSession({ engine: gp.engines.echo({ reply: long }) })",
    "gp.createSession({ engine, tools: gp.tools.createRegistry().register({ name: 't', description: long, handler() {} }) })",
    "gp.createSession({ engine, middlewares: [gp.middlewares.fromJS((turn, next) => next(turn), long)] })",
    "gp.createBuilder().withEngine(gp.engines.scripted({ responses: [{ text: long }] }))",
    "gp.createBuilder().useHostMiddleware('systemPrompt', { prompt: long })",
];

fn result(make: &str) -> Result<(), Box<ScriptError>> {
    let limits = Limits { memory: Some(16 << 20), ..Limits::default() };
    let runtime = Runtime::builder().limits(limits).on_uncaught(Arc::new(|_| {})).build().unwrap();
    let script = format!(
        "const gp = require('geppetto'), long = 'x'.repeat(200_000), engine = gp.engines.echo(), kept = [];
         for (let i = 0; i < 200; i++) {make};"
    );
    runtime.run_blocking(Source::text("kept.js", script)).map_err(Box::new)
}

#[test]
fn a_session_or_builder_is_charged_for_the_parts_that_only_it_holds() {
    for part in KEPT {
        assert_eq!(result(part), Ok(()), "{part}: each is let go of");
        let kept = result(&format!("kept.push({part})"));
        assert_eq!(kept, Err(Box::new(ScriptError::Call(CallError::OutOfMemory))), "{part}");
    }
}
