//! The synchronous wait: a job polls one future in place, and nothing else happens in the VM but what belongs to it.
//!
//! This is the only place where the owner's thread waits inside a job. It never waits for its own queue: calls of
//! the scopes that are being waited for are served from it meanwhile, whichever thread they come from.

use crate::local::Local;
use crate::{Frame, WaitError};
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

/// Blocks the calling thread until a future ends: also one that a task of tokio's is being polled on. Such a task may
/// be ready only so often before it has to yield, which one that blocks never does.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    futures_lite::future::block_on(tokio::task::unconstrained(future))
}

impl Local {
    /// Whether a synchronous wait is going on: then no microtask runs, and no promise will settle.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        !self.vm().waiting_scopes.borrow().is_empty()
    }

    /// Whether one more wait may be nested inside those that go on.
    ///
    /// # Errors
    /// When they are as deep as they may be.
    pub fn check_depth(&self) -> Result<(), WaitError> {
        let limit = self.vm().depth_limit;
        let deep = self.vm().waiting_scopes.borrow().len() >= limit;
        if deep { Err(WaitError::TooDeep { limit }) } else { Ok(()) }
    }

    /// Waits for `future`, polling it in place. Calls of `scope`, and of the waits around this one, are served
    /// meanwhile; no other job, timer or microtask runs. The time it is parked is not counted as job time.
    ///
    /// # Errors
    /// When the owner shuts down or is out of memory, when a deadline or stop around the wait tells it to end, or when waits are nested
    /// too deeply. The future is dropped then.
    pub fn block_on<F: Future>(&self, scope: u64, future: F) -> Result<F::Output, WaitError> {
        self.check_depth()?;
        self.vm().waiting_scopes.borrow_mut().push(scope);
        let _scope = LeaveScope(self);
        let mut future = pin!(future);
        let budget = &self.shared().budget;
        let frames = budget.frames();
        let mut stops: Option<Stops<'_>> = None;
        let clock = &self.shared().clock;
        block_on(poll_fn(|cx| {
            budget.unpark();
            // The future first: what is there at once needs nobody else.
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                self.shared().queue.forget(cx.waker());
                return Poll::Ready(Ok(output));
            }
            if budget.memory.is_exhausted() {
                self.shared().queue.forget(cx.waker());
                return Poll::Ready(Err(WaitError::OutOfMemory));
            }
            self.serve_scopes(cx);
            let parked = clock.now();
            let stops = stops.get_or_insert_with(|| self.stops(&frames));
            for (stop, error) in stops.iter_mut() {
                if stop.as_mut().poll(cx).is_ready() {
                    self.shared().queue.forget(cx.waker());
                    return Poll::Ready(Err(*error));
                }
            }
            budget.park(parked);
            Poll::Pending
        }))
    }

    /// Runs queued calls that belong to what is being waited for. After a few of them the wait itself is looked at.
    fn serve_scopes(&self, cx: &mut Context<'_>) {
        const BATCH: usize = 16;
        for _ in 0..BATCH {
            let scopes = self.vm().waiting_scopes.borrow().clone();
            let Some(job) = self.shared().queue.pop_scope(&scopes, cx) else { return };
            self.run_job(job);
        }
        cx.waker().wake_by_ref();
    }

    /// Everything that ends the wait from outside.
    fn stops<'f>(&'f self, frames: &'f [Frame]) -> Stops<'f> {
        let stopping: Pin<Box<dyn Future<Output = ()> + 'f>> = Box::pin(self.shared().stopping.cancelled());
        let mut stops = vec![(stopping, WaitError::Shutdown)];
        let nearest = frames.iter().filter_map(|frame| frame.deadline).min();
        if let Some(deadline) = nearest {
            stops.push((self.shared().clock.sleep_until(deadline), WaitError::Stopped));
        }
        let tokens = frames.iter().filter_map(|frame| frame.stop.as_ref());
        stops.extend(tokens.map(|stop| (stop.stopped(), WaitError::Stopped)));
        stops
    }
}

type Stops<'f> = Vec<(Pin<Box<dyn Future<Output = ()> + 'f>>, WaitError)>;

struct LeaveScope<'a>(&'a Local);

impl Drop for LeaveScope<'_> {
    fn drop(&mut self) {
        self.0.vm().waiting_scopes.borrow_mut().pop();
    }
}
