//! What must not grow: time for each delta of a stream, and for a run of a long conversation.

use crate::measure::{Row, SAMPLES, Target, per};
use async_trait::async_trait;
use futures_lite::future::block_on;
use geppetto_inference::engines::EchoEngine;
use geppetto_inference::{Engine, InferenceError, RunContext, RunOptions, Session};
use geppetto_turns::{Block, Turn};
use std::sync::Arc;
use std::time::Instant;

/// The row of a series that has to stay within 20 %: the largest time for each, by the smallest.
fn constant(name: &str, series: Vec<(usize, Vec<f64>)>) -> Vec<Row> {
    let mut rows: Vec<Row> = series
        .into_iter()
        .map(|(n, samples)| Row::new(format!("  n = {n}"), "µs", Target::None, n, samples))
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
    let sizes = [1_000, 10_000, 100_000];
    let series = sizes.map(|n| {
        let work = || {
            let session = Session::builder(Arc::new(Streaming(n))).build();
            let began = Instant::now();
            let run = session.begin("go", RunOptions::default()).expect("a run");
            let events = run.handle().events(0);
            block_on(run.drive()).expect("a turn");
            let heard = block_on(async {
                use futures_lite::StreamExt;
                events.count().await
            });
            assert!(heard >= n);
            per(began.elapsed(), n)
        };
        work();
        (n, (0..SAMPLES).map(|_| work()).collect())
    });
    constant("a stream of n deltas: largest time per delta by smallest", series.into())
}

/// 14. Append and run in a session of n blocks, without scripts.
pub(crate) fn long_history() -> Vec<Row> {
    const RUNS: usize = 200;
    let sizes = [10, 100, 1_000, 10_000];
    let series = sizes.map(|n| {
        let turn: Turn = (0..n).map(|i| Block::user(format!("message {i}"))).collect();
        let work = || {
            let session =
                Session::builder(Arc::new(EchoEngine::default())).history(vec![turn.clone()]).build();
            let began = Instant::now();
            for _ in 0..RUNS {
                let latest = session.latest().expect("a turn");
                session.append(latest.with(Block::user("more"))).expect("appended");
                block_on(
                    session
                        .begin(geppetto_inference::Seed::Latest, RunOptions::default())
                        .expect("a run")
                        .drive(),
                )
                .expect("a turn");
            }
            per(began.elapsed(), RUNS)
        };
        work();
        (n, (0..SAMPLES).map(|_| work()).collect())
    });
    constant("append + run of n blocks, no JS: largest time by smallest", series.into())
}
