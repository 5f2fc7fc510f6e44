//! Whether the machine does something else meanwhile: the same work of the engine alone, right before and right after a
//! sample, tells. On a shared machine it may take twice as long for a second, and every sample with it.

use rquickjs::{Context, Function, Runtime};
use std::cell::RefCell;
use std::time::Instant;

const WORK: &str = "() => { let sum = 0; for (let i = 0; i < 20000; i++) sum += i % 7; return sum; }";

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

/// How much longer than at its fastest the work may take.
const UNDISTURBED: f64 = 1.1;

/// The samples that nothing disturbed, of all with the pace of the machine at their slower end.
pub(crate) fn undisturbed(samples: &[(f64, f64)]) -> Vec<f64> {
    let fastest = samples.iter().map(|(_, pace)| *pace).fold(f64::INFINITY, f64::min);
    let quiet = samples.iter().filter(|(_, pace)| *pace <= fastest * UNDISTURBED);
    quiet.map(|(sample, _)| *sample).collect()
}
