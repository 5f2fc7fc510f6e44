//! A run that many threads publish to, cancel and finish at once: one winner, one `run-finished`, no gap.

use futures_lite::future::{block_on, poll_once};
use geppetto_events::{EventBody, EventType};
use geppetto_inference::engines::EchoEngine;
use geppetto_inference::{CancelReason, InferenceError, RunOptions, Session};
use geppetto_time::ManualClock;
use geppetto_turns::{Block, Turn};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

#[test]
fn of_many_who_finish_a_run_at_once_one_wins_and_its_end_is_told_once() {
    for round in 0..200 {
        let clock = ManualClock::default();
        let engine = EchoEngine::new("never").with_delay(Duration::from_secs(1));
        let session = Session::builder(Arc::new(engine)).clock(Arc::new(clock)).build();
        let run = session.begin("go", RunOptions::default()).unwrap();
        let handle = run.handle();
        let mut drive = Box::pin(run.drive());
        assert!(block_on(poll_once(&mut drive)).is_none());
        let winners = AtomicUsize::new(0);
        let together = Barrier::new(6);
        std::thread::scope(|scope| {
            for thread in 0..3 {
                let (core, winners, together) = (handle.core(), &winners, &together);
                scope.spawn(move || {
                    together.wait();
                    let result = match thread {
                        0 => Ok(Turn::new().with(Block::assistant("from outside"))),
                        1 => Err(InferenceError::NoSeed),
                        _ => Err(InferenceError::Timeout { after: None }),
                    };
                    winners.fetch_add(usize::from(core.finish(result)), Ordering::Relaxed);
                });
            }
            scope.spawn(|| {
                together.wait();
                for n in 0..50 {
                    let _ = handle.core().publish(EventBody::Info { message: n.to_string(), data: None });
                }
            });
            scope.spawn(|| {
                together.wait();
                handle.core().cancel(CancelReason::Cancelled(None));
            });
            scope.spawn(|| {
                together.wait();
                // Dropped in odd rounds, driven to its end in even ones.
                if round % 2 == 0 { drop(block_on(drive)) } else { drop(drive) }
            });
        });
        // The winner may have been the future itself.
        assert!(winners.into_inner() <= 1);
        let mut cursor = handle.events(0);
        let events: Vec<_> = std::iter::from_fn(|| cursor.try_next()).collect();
        assert!(events.iter().enumerate().all(|(at, event)| event.seq == at as u64));
        let ends = events.iter().filter(|event| event.event_type() == EventType::RunFinished).count();
        assert_eq!((ends, events.last().unwrap().event_type()), (1, EventType::RunFinished));
        assert!(!session.is_running());
        assert_eq!(session.turn_count(), usize::from(handle.outcome().unwrap().is_ok()));
    }
}
