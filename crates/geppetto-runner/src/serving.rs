//! What an owner's thread does: jobs in their order, after each a batch of local tasks, and in the end the VM's own end.

use crate::block_on;
use crate::condemn::OUT_OF_MEMORY;
use crate::job::Job;
use crate::local::Local;
use crate::stats::Counters;
use async_executor::LocalExecutor;
use futures_lite::future::{or, yield_now};
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

impl Local {
    pub(crate) fn run_job(&self, job: Job) {
        let counters = &self.vm().shared.counters;
        if job.work.is_abandoned() {
            return Counters::count(&counters.cancelled);
        }
        Counters::count(&counters.run);
        let shared = &self.vm().shared;
        let waited = shared.clock.now().saturating_duration_since(job.since);
        counters.waited(job.op, waited);
        if waited > shared.slow_wait {
            let waited_ms = waited.as_millis();
            tracing::warn!(name = shared.name, op = job.op, waited_ms, "a call waited long for its runtime");
        }
        job.work.run(self);
    }

    /// Jobs in their order, after each a batch of local tasks, until the queue is closed; then the tasks get the
    /// grace of the shutdown to end.
    pub(crate) fn run_until_closed(&self) {
        let vm = self.vm();
        let jobs = async {
            while let Some(job) = poll_fn(|cx| {
                self.release_dropped();
                vm.shared.queue.poll_pop(cx)
            })
            .await
            {
                self.run_job(job);
                yield_now().await;
            }
        };
        let Some(executor) = vm.executor.borrow().clone() else { return };
        block_on(self.beside_tasks(&executor, jobs));
        let tasks_end = poll_fn(|cx| {
            if vm.tasks.get() == 0 {
                return Poll::Ready(());
            }
            *vm.tasks_waker.borrow_mut() = Some(cx.waker().clone());
            Poll::Pending
        });
        // Tasks that heed the shutdown end within a few polls, or in the grace; others are dropped, which ends them.
        let patience = async {
            for _ in 0..LAST_POLLS {
                yield_now().await;
            }
            loop {
                let shortened = vm.shared.kill_changed.notified();
                let Some(kill) = vm.shared.budget.kill.get() else { return };
                let over = async {
                    vm.shared.clock.sleep_until(kill).await;
                    true
                };
                if or(over, async {
                    shortened.await;
                    false
                })
                .await
                {
                    return;
                }
            }
        };
        block_on(self.beside_tasks(&executor, or(tasks_end, patience)));
    }

    /// Runs a future and the local tasks, a batch of them after each of its polls. What the executor does itself for this
    /// reserves places for tasks of other threads.
    async fn beside_tasks<T>(&self, executor: &LocalExecutor<'_>, future: impl Future<Output = T>) -> T {
        const BATCH: usize = 200;
        let tasks = async {
            loop {
                for _ in 0..BATCH {
                    let mut tick = pin!(executor.tick());
                    poll_fn(|cx| self.watched(|| tick.as_mut().poll(cx))).await;
                }
                yield_now().await;
            }
        };
        or(future, tasks).await
    }

    /// What is computed for a script without entering its VM is bounded as its jobs are.
    fn watched<R>(&self, work: impl FnOnce() -> R) -> R {
        let shared = &self.vm().shared;
        let (result, _) = shared.budget.spend(work);
        if shared.budget.memory.is_exhausted() {
            shared.condemn(OUT_OF_MEMORY, false);
        }
        result
    }

    /// Drops what the VM holds before the VM: tasks, kept values, then the engine itself.
    pub(crate) fn tear_down(self) {
        let vm = self.vm();
        // Tasks are dropped with the VM still in place: their ends may look at it.
        let tasks = vm.executor.take();
        drop(tasks);
        vm.rejections.clear();
        self.release_dropped();
        vm.table.clear();
        Local::uninstall();
    }
}

/// How often local tasks are polled after a shutdown began, even without any grace, before they are dropped.
const LAST_POLLS: usize = 1_000;
