//! How long JS may compute: the budget of a job, the frames around it, and the kill of a shutdown.
//!
//! The interrupt handler of the engine asks here. Time is read from the owner's clock.

use crate::frames::{Frame, PendingFrames, Stop};
use crate::memory::Memory;
use crate::watchdog;
use geppetto_time::Clock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

/// So many callbacks of a job may use up a job's time before that is counted as the job's own: a script may go on after one,
/// and not begin the next for ever…
const FORGIVEN: u32 = 1;
/// … and one more for each time that it goes on for so many jobs' times.
const FORGIVEN_EVERY: u32 = 10;

/// When the running job is killed because the owner shuts down. Written by whoever shuts down.
#[derive(Debug, Default)]
pub(crate) struct Kill(Mutex<Option<Instant>>);

impl Kill {
    /// Kills what runs at `instant`, unless it is killed earlier already.
    pub(crate) fn at(&self, instant: Instant) {
        let mut kill = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *kill = Some(kill.map_or(instant, |known| known.min(instant)));
    }

    pub(crate) fn get(&self) -> Option<Instant> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was interrupted, and why.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Interruption {
    /// How long it had run.
    pub(crate) after: Duration,
    pub(crate) cause: Cause,
}

/// Why something was interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// It had used up its job time.
    JobTime,
    /// The VM wanted more memory than it may have.
    Memory,
    /// Something around it told it to end, and tells so itself.
    Enclosing,
}

/// How long what runs in a VM may compute. The owner's thread writes, the interrupt handler and the watchdog ask.
pub(crate) struct Budget {
    clock: Arc<dyn Clock>,
    pub(crate) memory: Arc<Memory>,
    pub(crate) kill: Kill,
    pub(crate) pending_frames: PendingFrames,
    /// Set by the owner's thread as its first act.
    pub(crate) thread: OnceLock<ThreadId>,
    /// A mutex, because the watchdog reads it too. No code of a script or host runs while it is held, but for the
    /// stops of frames, which only tell.
    state: Mutex<State>,
    /// Set when the engine was interrupted, because its error alone does not tell; `state` says why.
    is_interrupted: AtomicBool,
    /// Set by the watchdog when what runs should have ended: crossings into the host look at it.
    is_overdue: AtomicBool,
}

#[derive(Default)]
struct State {
    /// Set once the program's own set-up is done: that is no job.
    job_time: Option<Duration>,
    /// When the current job or callback began, moved forward by the time it was parked.
    began: Option<Instant>,
    /// When the outermost job began.
    outermost_began: Option<Instant>,
    /// How many callbacks of the current job have used up a job's time.
    overruns: u32,
    /// How long the VM was parked in all.
    parked: Duration,
    /// Since when a synchronous wait has nothing to do.
    parked_since: Option<Instant>,
    /// Counts outermost jobs, so that the watchdog can tell them apart.
    serial: u64,
    /// What encloses the current callback, outermost first, each with the time since when it has been stopped.
    frames: Vec<(Frame, Option<Instant>)>,
    /// Whether microtasks run: continuations, which the frames of pending callbacks hold for.
    draining: bool,
    interruption: Option<Interruption>,
}

impl State {
    /// Whether the callbacks that have used up a job's time are few for how long the job goes on.
    fn goes_on_between(&self, now: Instant) -> bool {
        let (Some(began), Some(limit)) = (self.outermost_began, self.job_time) else { return true };
        let jobs_times = now.saturating_duration_since(began).as_nanos() / limit.as_nanos().max(1);
        u128::from(self.overruns - FORGIVEN) <= jobs_times / u128::from(FORGIVEN_EVERY)
    }
}

/// What the watchdog sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Nothing computes.
    Idle,
    /// A job computes, within its time.
    Busy,
    /// A job computes that should have ended.
    Overdue(u64),
}

impl Budget {
    pub(crate) fn new(clock: Arc<dyn Clock>, memory: Arc<Memory>) -> Self {
        Self {
            clock,
            memory,
            kill: Kill::default(),
            pending_frames: PendingFrames::default(),
            thread: OnceLock::new(),
            state: Mutex::default(),
            is_interrupted: AtomicBool::new(false),
            is_overdue: AtomicBool::new(false),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bounds jobs from now on.
    pub(crate) fn limit_jobs(&self, job_time: Option<Duration>) {
        self.state().job_time = job_time;
    }

    /// Runs `work` with a budget of its own. What it takes is not counted for the job around it. Returns how long it
    /// took, too.
    pub(crate) fn spend<R>(&self, work: impl FnOnce() -> R) -> (R, Duration) {
        let began = self.clock.now();
        let (outer, parked) = {
            let mut state = self.state();
            if state.began.is_none() {
                state.serial += 1;
                state.overruns = 0;
                state.outermost_began = Some(began);
                self.is_overdue.store(false, Ordering::Relaxed);
            }
            (state.began.replace(began), state.parked)
        };
        if outer.is_none() {
            watchdog::wake();
        }
        let mut spending = Spending { budget: self, outer, began, parked, spent: Duration::ZERO };
        let result = work();
        spending.end();
        (result, spending.spent)
    }

    /// Runs microtasks.
    pub(crate) fn drain(&self, work: impl FnOnce()) {
        let outer = std::mem::replace(&mut self.state().draining, true);
        work();
        self.state().draining = outer;
    }

    /// A synchronous wait has nothing to do from `now` on.
    pub(crate) fn park(&self, now: Instant) {
        self.state().parked_since = Some(now);
    }

    /// It goes on: the time it was parked was not spent computing.
    pub(crate) fn unpark(&self) {
        let mut state = self.state();
        let Some(since) = state.parked_since.take() else { return };
        let parked = self.clock.now().saturating_duration_since(since);
        state.began = state.began.map(|began| began + parked);
        state.parked += parked;
        drop(state);
        // It may have fallen asleep meanwhile.
        watchdog::wake();
    }

    /// Whether what runs is parked.
    pub(crate) fn is_parked(&self) -> bool {
        self.state().parked_since.is_some()
    }

    /// Runs `work` inside a frame.
    pub(crate) fn framed<R>(&self, frame: Frame, work: impl FnOnce() -> R) -> R {
        self.state().frames.push((frame, None));
        let _pop = Pop(self);
        work()
    }

    /// The frames around the current callback.
    pub(crate) fn frames(&self) -> Vec<Frame> {
        self.state().frames.iter().map(|(frame, _)| frame.clone()).collect()
    }

    /// Whether the engine was interrupted since the last call of this, and after how long.
    pub(crate) fn take_interruption(&self) -> Option<Interruption> {
        if !self.is_interrupted.swap(false, Ordering::Relaxed) {
            return None;
        }
        let mut state = self.state();
        let interruption = state.interruption.take();
        state.overruns += u32::from(interruption.is_some_and(|it| it.cause == Cause::JobTime));
        interruption
    }

    pub(crate) fn is_interrupted(&self) -> bool {
        self.is_interrupted.load(Ordering::Relaxed)
    }

    /// The engine asks whether to interrupt what it runs.
    pub(crate) fn must_interrupt(&self) -> bool {
        let mut state = self.state();
        let interruption = self.over(&mut state, self.clock.now());
        if interruption.is_some() {
            state.interruption = interruption;
            self.is_interrupted.store(true, Ordering::Relaxed);
            // A promise turns what was thrown into a rejection, and lets what called it go on.
            self.stop_at_crossings();
        }
        interruption.is_some()
    }

    /// The same at a crossing into the host, where it has to cost nothing.
    pub(crate) fn must_stop_here(&self) -> bool {
        (self.is_overdue.load(Ordering::Relaxed) || self.memory.is_exhausted()) && self.must_interrupt()
    }

    /// The watchdog looks.
    pub(crate) fn look(&self) -> Seen {
        let mut state = self.state();
        if state.began.is_none() || state.parked_since.is_some() {
            return Seen::Idle;
        }
        match self.over(&mut state, self.clock.now()) {
            None => Seen::Busy,
            Some(_) => Seen::Overdue(state.serial),
        }
    }

    /// Crossings into the host stop what runs, if it still should have ended.
    pub(crate) fn stop_at_crossings(&self) {
        self.is_overdue.store(true, Ordering::Relaxed);
    }

    /// Why what runs now should have ended, if it should.
    fn over(&self, state: &mut State, now: Instant) -> Option<Interruption> {
        let spent = state.began.map_or(Duration::ZERO, |began| now.saturating_duration_since(began));
        let cause = if self.memory.is_exhausted() {
            Cause::Memory
        } else if state.job_time.is_some_and(|limit| spent > limit) {
            Cause::JobTime
        } else {
            let killed = self.kill.get().is_some_and(|kill| now >= kill);
            let told = |stop: &dyn Stop| stop.is_stopped();
            let framed = state.frames.iter_mut().any(|(frame, since)| frame.is_over(since, now, told));
            let continued = state.draining && self.pending_frames.one_is_over(now, self.thread.get());
            if !(killed || framed || continued) {
                return None;
            }
            Cause::Enclosing
        };
        Some(Interruption { after: spent, cause })
    }
}

/// Ends a spending, however its work ends.
struct Spending<'a> {
    budget: &'a Budget,
    outer: Option<Instant>,
    began: Instant,
    /// How long the VM had been parked in all by then.
    parked: Duration,
    spent: Duration,
}

impl Spending<'_> {
    fn end(&mut self) {
        self.spent = self.budget.clock.now().saturating_duration_since(self.began);
    }
}

impl Drop for Spending<'_> {
    fn drop(&mut self) {
        if self.spent.is_zero() {
            self.end();
        }
        let mut state = self.budget.state();
        let is_forgiven = state.overruns <= FORGIVEN || state.goes_on_between(self.budget.clock.now());
        let free = if is_forgiven { self.spent } else { state.parked.saturating_sub(self.parked) };
        state.began = self.outer.map(|outer| outer + free);
        if !is_forgiven {
            // The engine may not ask for long.
            self.budget.stop_at_crossings();
        }
    }
}

struct Pop<'a>(&'a Budget);

impl Drop for Pop<'_> {
    fn drop(&mut self) {
        let frame = self.0.state().frames.pop();
        drop(frame);
    }
}
