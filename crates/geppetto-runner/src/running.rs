//! The answers that callers wait for, and the queued calls that run now: whoever gives the owner up answers them in its
//! place.

use crate::CallError;
#[cfg(shuttle)]
use shuttle::sync::{Mutex, MutexGuard};
use std::sync::{Arc, PoisonError};
#[cfg(not(shuttle))]
use std::sync::{Mutex, MutexGuard};
use tokio::sync::oneshot;

/// Where a caller waits for its answer.
pub(crate) type Reply<R> = oneshot::Receiver<Result<R, CallError>>;

/// Where the answer goes. The first one counts: the owner's, or that of whoever gives it up.
pub(crate) struct ReplySlot<R>(Mutex<Option<oneshot::Sender<Result<R, CallError>>>>);

/// A slot for an answer, and where to wait for it.
pub(crate) fn reply<R>() -> (Arc<ReplySlot<R>>, Reply<R>) {
    let (sender, reply) = oneshot::channel();
    (Arc::new(ReplySlot(Mutex::new(Some(sender)))), reply)
}

impl<R> ReplySlot<R> {
    fn sender(&self) -> MutexGuard<'_, Option<oneshot::Sender<Result<R, CallError>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nobody waits any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.sender().as_ref().is_none_or(oneshot::Sender::is_closed)
    }

    fn send(&self, result: Result<R, CallError>) {
        let sender = self.sender().take();
        if let Some(sender) = sender {
            // A caller that went away meanwhile does not want the result.
            let _ = sender.send(result);
        }
    }
}

/// Something that somebody waits for an answer from.
pub(crate) trait Refuse: Send + Sync {
    /// Answers with an error, unless it was answered.
    fn refuse(&self, error: CallError);
}

impl<R: Send> Refuse for ReplySlot<R> {
    fn refuse(&self, error: CallError) {
        self.send(Err(error));
    }
}

/// The calls that run now, outermost first: a synchronous wait runs others inside one.
#[derive(Default)]
pub(crate) struct Running(Mutex<Calls>);

#[derive(Default)]
struct Calls {
    now: Vec<Arc<dyn Refuse>>,
    /// What later ones are answered with, once their owner was given up.
    given_up: Option<CallError>,
}

impl Running {
    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers with what `work` returns, unless somebody else answers while it runs. What the thread of an owner that
    /// was given up begins after all is refused.
    pub(crate) fn answer<R: Send + 'static>(
        &self,
        slot: &Arc<ReplySlot<R>>,
        work: impl FnOnce() -> Result<R, CallError>,
    ) {
        let given_up = {
            let mut calls = self.calls();
            calls.now.push(slot.clone());
            calls.given_up.clone()
        };
        let _left = Leave(self);
        slot.send(match given_up {
            Some(error) => Err(error),
            None => work(),
        });
    }

    /// Answers those that run, and all that are yet to begin, with this error.
    pub(crate) fn give_up(&self, error: CallError) {
        let running = {
            let mut calls = self.calls();
            calls.given_up = Some(error.clone());
            std::mem::take(&mut calls.now)
        };
        running.into_iter().for_each(|call| call.refuse(error.clone()));
    }
}

struct Leave<'a>(&'a Running);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        let left = self.0.calls().now.pop();
        drop(left);
    }
}

/// Run by `cargo xtask shuttle`, which explores schedules and prints the seed of one that fails.
#[cfg(all(test, shuttle))]
mod schedules {
    use super::*;
    use crate::job::{Job, Work};
    use crate::queue::Refused;
    use crate::shared::Shared;
    use crate::{Local, OwnerOptions};
    use shuttle::{check_random, future, thread};
    use std::future::poll_fn;
    use std::time::Duration;
    use tokio_util::sync::CancellationToken;

    const SCHEDULES: usize = 50_000;
    const CALLERS: u64 = 3;

    /// A job whose answer stands for what the VM would do.
    struct Numbered(Arc<ReplySlot<u64>>);

    impl Work for Numbered {
        fn is_abandoned(&self) -> bool {
            self.0.is_closed()
        }

        fn run(self: Box<Self>, _local: &Local) {
            unreachable!("there is no VM: the thread that stands for the owner answers")
        }

        fn refuse(self: Box<Self>, error: CallError) {
            self.0.refuse(error);
        }
    }

    /// What the owner's thread does with its queue, without a VM: it answers each job with its number. One of them may
    /// be stuck until `freed`.
    fn answer_until_closed(
        shared: &Shared,
        slots: &[Arc<ReplySlot<u64>>],
        stuck: Option<u64>,
        freed: &CancellationToken,
    ) {
        while let Some(job) = future::block_on(poll_fn(|cx| shared.queue.poll_pop(cx))) {
            let Some(number) = job.scope.filter(|_| !job.work.is_abandoned()) else { continue };
            shared.running.answer(&slots[usize::try_from(number).unwrap()], || {
                match stuck == Some(number) {
                    true => future::block_on(freed.cancelled()),
                    false => thread::yield_now(),
                }
                Ok(number)
            });
        }
        shared.begin_shutdown(Duration::ZERO);
        shared.stopped.cancel();
        shared.came_back();
    }

    fn call(
        shared: &Shared,
        number: u64,
        slot: Arc<ReplySlot<u64>>,
        reply: Reply<u64>,
    ) -> Result<u64, CallError> {
        let job = Job {
            op: "call",
            scope: Some(number),
            since: shared.clock.now(),
            work: Box::new(Numbered(slot)),
        };
        match shared.queue.push(job) {
            Ok(()) => future::block_on(reply).unwrap_or_else(|_| Err(shared.gone())),
            Err(Refused::Closed(_) | Refused::Full(_)) => Err(shared.gone()),
        }
    }

    fn every_call_is_answered(stuck: Option<u64>, end: impl Fn(&Shared) + Send + Sync + 'static) {
        let end = Arc::new(end);
        check_random(
            move || {
                let shared = Arc::new(Shared::new(&OwnerOptions::default()));
                let (slots, replies): (Vec<_>, Vec<_>) = (0..CALLERS).map(|_| reply()).unzip();
                let freed = CancellationToken::new();
                let owner = {
                    let (shared, slots, freed) = (shared.clone(), slots.clone(), freed.clone());
                    thread::spawn(move || answer_until_closed(&shared, &slots, stuck, &freed))
                };
                let callers = (0..CALLERS).zip(slots).zip(replies).map(|((number, slot), reply)| {
                    let shared = shared.clone();
                    thread::spawn(move || call(&shared, number, slot, reply))
                });
                let callers: Vec<_> = callers.collect();
                let enders = [end.clone(), end.clone()].map(|end| {
                    let shared = shared.clone();
                    thread::spawn(move || {
                        end(&shared);
                        future::block_on(shared.stopped.cancelled());
                    })
                });
                // None of them waits for a thread that is stuck.
                for (number, caller) in (0..CALLERS).zip(callers) {
                    let answer = caller.join().unwrap();
                    assert!(
                        matches!(&answer, Ok(n) if *n == number) || answer.is_err(),
                        "{number}: {answer:?}"
                    );
                }
                enders.into_iter().for_each(|ender| ender.join().unwrap());
                freed.cancel();
                owner.join().unwrap();
                assert!(shared.queue.close().is_empty() && shared.running.calls().now.is_empty());
            },
            SCHEDULES,
        );
    }

    #[test]
    fn a_shutdown_at_any_time_leaves_no_caller_waiting() {
        every_call_is_answered(None, |shared| shared.begin_shutdown(Duration::ZERO));
    }

    #[test]
    fn giving_the_owner_up_at_any_time_leaves_no_caller_waiting() {
        every_call_is_answered(Some(1), |shared| shared.condemn("it does not end", true));
    }
}
