//! Whether the machine does something else meanwhile: the same work of the engine alone, right before and right after a
//! sample, tells. On a shared machine it may take twice as long for a second, and every sample with it.

use rquickjs::{Context, Function, Runtime};
use std::cell::RefCell;
use std::time::Instant;

/// What crosses is mostly small objects and text.
const WORK: &str = r#"() => {
  const all = [];
  for (let i = 0; i < 1000; i++) all.push({ id: "block-" + i, kind: "user", payload: { text: "hello" } });
  return JSON.stringify(all).length;
}"#;

thread_local! {
    static ENGINE: RefCell<Option<Context>> = const { RefCell::new(None) };
}

/// Microseconds that the work takes now.
pub(crate) fn pace() -> f64 {
    ENGINE.with_borrow_mut(|engine| {
        let engine = engine
            .get_or_insert_with(|| Context::full(&Runtime::new().expect("an engine")).expect("a context"));
        engine.with(|ctx| {
            let work: Function<'_> = ctx.eval(WORK).expect("a function");
            let began = Instant::now();
            work.call::<_, f64>(()).expect("a sum");
            began.elapsed().as_secs_f64() * 1e6
        })
    })
}

/// Its fastest while the rows before were measured, as their process says.
fn known() -> f64 {
    std::env::var(FASTEST).ok().and_then(|pace| pace.parse().ok()).unwrap_or(f64::INFINITY)
}

/// The environment variable by which a row's process is told.
pub(crate) const FASTEST: &str = "GEPPETTO_BENCH_PACE";

/// The fastest of some.
pub(crate) fn fastest() -> f64 {
    (0..200).map(|_| pace()).fold(f64::INFINITY, f64::min)
}

/// How much longer than at its fastest the work may take.
const UNDISTURBED: f64 = 1.1;

/// The samples that nothing disturbed, of all with the pace of the machine at their slower end.
pub(crate) fn undisturbed(samples: &[(f64, f64)]) -> Vec<f64> {
    let fastest = samples.iter().map(|(_, pace)| *pace).fold(known(), f64::min);
    let quiet = samples.iter().filter(|(_, pace)| *pace <= fastest * UNDISTURBED);
    quiet.map(|(sample, _)| *sample).collect()
}
