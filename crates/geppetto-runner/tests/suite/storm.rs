//! Many tasks at once, with a shutdown in the middle: nothing hangs, no reply is lost, none comes twice.

use crate::owner_with;
use async_executor::Executor;
use futures_lite::future::{block_on, poll_once};
use geppetto_runner::{CallError, Limits, Owner, OwnerRef};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const TASKS: usize = 500;
const OPERATIONS: usize = 20;
const ROUNDS: u64 = 100;

/// What became of the operations of one round.
struct Round {
    /// How often the job of each operation was run.
    runs: Vec<AtomicU32>,
    /// Jobs are serial: how many are inside at once.
    inside: AtomicUsize,
    done: AtomicUsize,
    accepted: AtomicUsize,
}

impl Round {
    fn job(
        self: &Arc<Self>,
        id: usize,
    ) -> impl for<'js> FnOnce(rquickjs::Ctx<'js>) -> usize + Send + 'static {
        let round = self.clone();
        move |_| {
            assert_eq!(round.inside.fetch_add(1, Ordering::SeqCst), 0, "jobs are serial");
            round.runs[id].fetch_add(1, Ordering::SeqCst);
            round.inside.fetch_sub(1, Ordering::SeqCst);
            id
        }
    }

    fn runs(&self, id: usize) -> u32 {
        self.runs[id].load(Ordering::SeqCst)
    }

    /// The reply says exactly what happened.
    fn check(&self, id: usize, reply: Result<usize, CallError>) {
        match reply {
            Ok(answer) => {
                assert_eq!((answer, self.runs(id)), (id, 1));
                self.accepted.fetch_add(1, Ordering::SeqCst);
            }
            Err(CallError::Closed | CallError::QueueFull { .. }) => assert_eq!(self.runs(id), 0),
            Err(other) => panic!("operation {id}: {other:?}"),
        }
    }
}

/// One of the ways to reach an owner, told by the number.
async fn operate(owner: OwnerRef, round: Arc<Round>, id: usize, how: u64) {
    match how % 5 {
        0 => round.check(id, owner.call("call", round.job(id)).await),
        1 => round.check(id, owner.call_in(Some(how % 3), "call_in", round.job(id)).await),
        2 => {
            // Polled once and dropped: run once or not at all.
            let mut call = Box::pin(owner.call("dropped", round.job(id)));
            drop(poll_once(&mut call).await);
            drop(call);
        }
        3 => {
            let job = round.job(id);
            let posted = owner.post("post", move |ctx| {
                job(ctx);
            });
            assert!(matches!(posted, Ok(()) | Err(CallError::Closed | CallError::QueueFull { .. })));
        }
        _ => {
            let (job, inner) = (round.job(id), owner.clone());
            // A job that calls its own owner: at once, in place.
            let outer = owner.call("outer", move |_| block_on(inner.call("inner", job))).await;
            round.check(id, outer.and_then(|inner| inner));
        }
    }
    round.done.fetch_add(1, Ordering::SeqCst);
}

fn round(seed: u64) {
    let (owner, reports) = owner_with(Limits { queue: 4096, ..Limits::default() }, None);
    let round = Arc::new(Round {
        runs: (0..TASKS * OPERATIONS).map(|_| AtomicU32::new(0)).collect(),
        inside: AtomicUsize::new(0),
        done: AtomicUsize::new(0),
        accepted: AtomicUsize::new(0),
    });
    let executor = Arc::new(Executor::new());
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let (owner, round) = (owner.weak(), round.clone());
            executor.spawn(async move {
                for operation in 0..OPERATIONS {
                    let id = task * OPERATIONS + operation;
                    let how = (id as u64 ^ seed).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33;
                    operate(owner.clone(), round.clone(), id, how).await;
                }
            })
        })
        .collect();
    let all = async {
        for task in tasks {
            task.await;
        }
    };
    let over = CancellationToken::new();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            let executor = executor.clone();
            let over = over.clone();
            scope.spawn(move || block_on(executor.run(over.cancelled())));
        }
        scope.spawn(|| shut_down_in_the_middle(owner, &round));
        block_on(executor.run(all));
        over.cancel();
    });
    assert!(round.runs.iter().all(|runs| runs.load(Ordering::SeqCst) <= 1), "a job was run twice");
    assert!(round.accepted.load(Ordering::SeqCst) > 0);
    for report in reports.lock().unwrap().iter() {
        assert!(matches!(report.error, CallError::Closed), "{report:?}");
    }
}

/// When half of the operations are through, while the others go on.
fn shut_down_in_the_middle(owner: Owner, round: &Round) {
    while round.done.load(Ordering::SeqCst) < TASKS * OPERATIONS / 2 {
        std::thread::yield_now();
    }
    block_on(owner.shutdown(Duration::from_millis(100)));
    assert!(owner.is_stopped());
}

#[test]
fn ten_thousand_operations_of_five_hundred_tasks_survive_a_shutdown_in_their_middle() {
    for seed in 0..ROUNDS {
        let (ended, has_ended) = mpsc::channel();
        let running = std::thread::spawn(move || {
            round(seed);
            ended.send(()).unwrap();
        });
        let end = has_ended.recv_timeout(Duration::from_secs(60));
        assert_ne!(end, Err(mpsc::RecvTimeoutError::Timeout), "round {seed} hangs");
        running.join().unwrap();
    }
}
