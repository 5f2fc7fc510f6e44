//! What must not grow: time for each delta of a stream, and for a run of a long conversation.

use crate::measure::{Row, SAMPLES, Target, per};
use async_trait::async_trait;
use futures_lite::StreamExt;
use futures_lite::future::block_on;
use geppetto_inference::engines::EchoEngine;
use geppetto_inference::{Engine, InferenceError, RunContext, RunOptions, Seed, Session};
use geppetto_turns::{Block, Turn};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

/// The row of a series that has to stay within 20 %: the largest time for each, by the smallest. Each size is measured
/// in every round, so that what slows the machine for a while slows them all.
fn constant(name: &str, sizes: &[usize], sample: impl Fn(usize) -> f64) -> Vec<Row> {
    let round = || sizes.iter().map(|n| sample(*n)).collect();
    let _to_warm_up: Vec<f64> = round();
    let rounds: [Vec<f64>; SAMPLES] = std::array::from_fn(|_| round());
    let of = |at: usize| rounds.iter().map(|round| round[at]).collect();
    let mut rows: Vec<Row> = sizes
        .iter()
        .enumerate()
        .map(|(at, n)| Row::new(format!("  n = {n}"), "µs", Target::None, *n, of(at)))
        .collect();
    let medians: Vec<f64> = rows.iter().map(Row::median).collect();
    let most = medians.iter().copied().fold(0.0, f64::max);
    let least = medians.iter().copied().fold(f64::INFINITY, f64::min);
    rows.insert(0, Row::new(name, "ratio", Target::AtMost(1.2), 1, vec![most / least]));
    rows
}

/// Streams so many deltas.
struct Streaming(usize);

#[async_trait]
impl Engine for Streaming {
    fn name(&self) -> Arc<str> {
        "streaming".into()
    }

    async fn infer(&self, turn: Turn, ctx: &RunContext) -> Result<Turn, InferenceError> {
        for _ in 0..self.0 {
            ctx.partial("delta").expect("a run that goes on");
        }
        Ok(turn)
    }
}

/// 13. A stream of n deltas, made by an engine of Rust and read from its log.
pub(crate) fn stream() -> Vec<Row> {
    constant("a stream of n deltas: largest time per delta by smallest", &[1_000, 10_000, 100_000], |n| {
        let session = Session::builder(Arc::new(Streaming(n))).build();
        let began = Instant::now();
        let run = session.begin("go", RunOptions::default()).expect("a run");
        let events = run.handle().events(0);
        block_on(run.drive()).expect("a turn");
        let heard = block_on(events.count());
        assert!(heard >= n);
        per(began.elapsed(), n)
    })
}

/// 14. Append and run in a session of n blocks, without scripts.
pub(crate) fn long_history() -> Vec<Row> {
    const SESSIONS: usize = 5;
    const RUNS: usize = 200;
    const SIZES: [usize; 4] = [10, 100, 1_000, 10_000];
    let long = |n| (0..n).map(|i| Block::user(format!("message {i}"))).collect::<Turn>();
    // Made once: ten thousand blocks given back slow what the allocator does next.
    let turns = HashMap::from(SIZES.map(|n| (n, long(n))));
    constant("append + run of n blocks, no JS: largest time by smallest", &SIZES, |n| {
        let session =
            || Session::builder(Arc::new(EchoEngine::default())).history(vec![turns[&n].clone()]).build();
        let sessions: [Session; SESSIONS] = std::array::from_fn(|_| session());
        let began = Instant::now();
        for session in sessions.iter().flat_map(|session| std::iter::repeat_n(session, RUNS)) {
            let latest = session.latest().expect("a turn");
            session.append(latest.with(Block::user("more"))).expect("appended");
            let run = session.begin(Seed::Latest, RunOptions::default()).expect("a run");
            block_on(run.drive()).expect("a turn");
        }
        per(began.elapsed(), SESSIONS * RUNS)
    })
}
