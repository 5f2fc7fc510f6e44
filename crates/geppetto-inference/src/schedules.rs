//! Runs that are driven, cancelled, finished from outside and dropped at once, in every order. Run by
//! `cargo xtask shuttle`, which explores schedules and prints the seed of one that fails.

use crate::{CancelReason, Engine, InferenceError, RunContext, RunHandle, RunOptions, Session};
use async_trait::async_trait;
use futures_util::StreamExt;
use geppetto_events::EventType;
use geppetto_turns::{Block, Turn};
use shuttle::rand::{Rng, thread_rng};
use shuttle::{check_random, future, thread};
use std::sync::Arc;

const SCHEDULES: usize = 50_000;

/// Streams a little, giving others their turn.
struct Slow;

#[async_trait]
impl Engine for Slow {
    fn name(&self) -> Arc<str> {
        "slow".into()
    }

    async fn infer(&self, turn: Turn, ctx: &RunContext) -> Result<Turn, InferenceError> {
        for _ in 0..2 {
            // Somebody may have finished the run from outside.
            if ctx.partial("x").is_err() {
                return Err(InferenceError::Cancelled { reason: None });
            }
            future::yield_now().await;
        }
        Ok(turn.with(Block::assistant("xx")))
    }
}

/// What happens to a run beside its being driven.
type Blow = fn(&RunHandle);

fn a_run_ends_once(blows: [Blow; 2], drive: fn(crate::Run)) {
    check_random(
        move || {
            let session = Session::builder(Arc::new(Slow)).build();
            let run = session.begin("go", RunOptions::default()).unwrap();
            let handle = run.handle();
            let reader = {
                let events = handle.events(0);
                thread::spawn(move || future::block_on(events.collect::<Vec<_>>()))
            };
            let waiter = {
                let handle = handle.clone();
                thread::spawn(move || future::block_on(handle.finished()))
            };
            let blows = blows.map(|blow| {
                let handle = handle.clone();
                thread::spawn(move || {
                    // Early or late: the run may be over by then.
                    (0..thread_rng().gen_range(0..40)).for_each(|_| thread::yield_now());
                    blow(&handle);
                })
            });
            drive(run);
            blows.into_iter().for_each(|blow| blow.join().unwrap());
            let ended = waiter.join().unwrap();
            let events = reader.join().unwrap();
            assert!(events.iter().enumerate().all(|(at, event)| event.seq == at as u64));
            let ends = events.iter().filter(|event| event.event_type() == EventType::RunFinished).count();
            assert_eq!((ends, events.last().unwrap().event_type()), (1, EventType::RunFinished));
            assert_eq!(format!("{:?}", handle.outcome().unwrap()), format!("{ended:?}"));
            assert_eq!(session.turn_count(), usize::from(ended.is_ok()));
            assert!(!session.is_running());
            drop(session.begin("again", RunOptions::default()).unwrap());
        },
        SCHEDULES,
    );
}

fn cancel(handle: &RunHandle) {
    handle.cancel(None);
}

fn finish(handle: &RunHandle) {
    handle.core().cancel(CancelReason::Shutdown("the runtime is gone".into()));
    handle.core().finish(Err(InferenceError::Shutdown { what: "the runtime is gone".into() }));
}

fn to_its_end(run: crate::Run) {
    drop(future::block_on(run.drive()));
}

/// Polls it once and drops it.
fn given_up(run: crate::Run) {
    let mut drive = Box::pin(run.drive());
    future::block_on(std::future::poll_fn(|cx| {
        let _ = drive.as_mut().poll(cx);
        std::task::Poll::Ready(())
    }));
}

#[test]
fn a_run_that_is_cancelled_twice_at_any_time_ends_once() {
    a_run_ends_once([cancel, cancel], to_its_end);
}

#[test]
fn a_run_that_is_cancelled_and_finished_from_outside_ends_once() {
    a_run_ends_once([cancel, finish], to_its_end);
}

#[test]
fn a_run_that_is_dropped_while_others_cancel_and_finish_it_ends_once() {
    a_run_ends_once([cancel, finish], given_up);
}
