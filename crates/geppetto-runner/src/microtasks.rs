//! What follows a job: its microtasks, and the rejections that nobody handles.

#![allow(unsafe_code, reason = "the binding drops what a microtask throws")]

use crate::budget::{Cause, Interruption};
use crate::local::Local;
use crate::{CallError, JsError, current};
use rquickjs::{Ctx, qjs};
use std::mem::MaybeUninit;
use std::sync::atomic::Ordering;

/// The job that runs the microtasks which were left behind.
const LEFT_BEHIND: &str = "microtasks";

impl Local {
    /// What follows the outermost job.
    pub(crate) fn after_job(&self, op: &'static str, ctx: &Ctx<'_>) {
        self.run_microtasks(op, ctx);
        let shared = &self.vm().shared;
        match shared.budget.take_interruption() {
            None => {}
            // The whole VM is given up for it.
            Some(Interruption { cause: Cause::Memory, .. }) => return,
            Some(Interruption { cause: Cause::JobTime, after }) => {
                shared.microtasks_killed.notify_waiters();
                shared.report("microtasks", CallError::Interrupted { after });
                if op != LEFT_BEHIND {
                    self.run_left_behind();
                }
            }
            Some(Interruption { cause: Cause::Enclosing, after }) => {
                shared.continuations_interrupted.fetch_add(1, Ordering::Relaxed);
                // Each ends what computes once: afterwards it may be somebody else's.
                shared.budget.pending_frames.pass_over(shared.clock.now(), shared.budget.thread.get());
                // What can never be settled any more is told to whoever waits for it.
                self.collect_now(ctx);
                shared.report("continuation", CallError::Interrupted { after });
                self.run_left_behind();
            }
        }
        if self.vm().rejections.is_empty() {
            return;
        }
        for error in self.vm().rejections.take(ctx) {
            // What was thrown may have getters that compute for ever. The limit first: it counts more than an error.
            if let Some(Interruption { after, cause: Cause::JobTime | Cause::Enclosing }) =
                shared.budget.take_interruption()
            {
                shared.report("promise", CallError::Interrupted { after });
            }
            shared.report("promise", CallError::Script(error));
        }
    }

    fn run_microtasks(&self, op: &'static str, ctx: &Ctx<'_>) {
        let shared = &self.vm().shared;
        let (budget, limit) = (&shared.budget, self.vm().microtask_limit);
        let mut followed = 0;
        budget.drain(|| {
            while followed <= limit && !budget.is_interrupted() {
                match run_one(ctx) {
                    Ran::Nothing => break,
                    Ran::Done => {}
                    Ran::Threw(error) => shared.report("microtask", CallError::Script(error)),
                }
                followed += 1;
                // What one microtask let go of need not wait for the last.
                self.vm().table.remove(shared.take_releases());
            }
        });
        if followed > limit {
            shared.report("microtasks", CallError::TooManyMicrotasks { limit });
            match op {
                // Those that breed would go on for ever.
                LEFT_BEHIND => shared.microtasks_killed.notify_waiters(),
                _ => self.run_left_behind(),
            }
        }
    }

    /// Microtasks behind those that were stopped get a job of their own: nobody may come with another.
    fn run_left_behind(&self) {
        let shared = &self.vm().shared;
        if shared.budget.kill.get().is_some_and(|kill| shared.clock.now() >= kill) {
            return;
        }
        let local = self.clone();
        self.spawn(async move {
            // What interrupts them is reported there; a VM that was given up runs nothing.
            let _ = local.enter(LEFT_BEHIND, |_| ());
        });
    }
}

enum Ran {
    Nothing,
    Done,
    /// What nobody can catch: promises reject, but the callback of a `FinalizationRegistry` has none.
    Threw(JsError),
}

/// Runs the next microtask, if there is one.
fn run_one(ctx: &Ctx<'_>) -> Ran {
    let mut context = MaybeUninit::uninit();
    // SAFETY: the runtime is that of a live context, on its own thread; which context ran is written there, and not read.
    let ran =
        unsafe { qjs::JS_ExecutePendingJob(qjs::JS_GetRuntime(ctx.as_raw().as_ptr()), context.as_mut_ptr()) };
    match ran {
        0 => Ran::Nothing,
        1.. => Ran::Done,
        _ => {
            // A runtime has this one context.
            let thrown = ctx.catch();
            // That something was interrupted is told where it was.
            if current::is_kill(&thrown) { Ran::Done } else { Ran::Threw(JsError::from_value(&thrown)) }
        }
    }
}
