//! How long JS may compute: the budget of a job, the deadlines and tokens around it, and the kill of a shutdown.
//!
//! The interrupt handler of the engine asks here. Time is read from the owner's clock.

use geppetto_time::Clock;
use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A callback that goes on computing is interrupted this long after it was told to end.
const GRACE: Duration = Duration::from_millis(100);

/// Tells that something has to end: a cancellation token, for instance.
pub trait Stop {
    /// Whether it has to end.
    fn is_stopped(&self) -> bool;
    /// Whether somebody on another thread than the owner's has told it to end.
    fn is_stopped_from_outside(&self) -> bool {
        self.is_stopped()
    }
    /// Waits until it has to end.
    fn stopped(&self) -> Pin<Box<dyn Future<Output = ()> + '_>>;
}

/// A deadline and a stop that hold for everything that happens inside a callback.
#[derive(Clone, Default)]
pub struct Frame {
    /// When it has to end.
    pub deadline: Option<Instant>,
    /// What may tell it to end earlier.
    pub stop: Option<Arc<dyn Stop + Send + Sync>>,
}

impl Frame {
    /// Whether it is over for longer than the grace. `since` remembers since when its stop has been seen.
    fn is_over(&self, since: &mut Option<Instant>, now: Instant, stopped: fn(&dyn Stop) -> bool) -> bool {
        let late = self.deadline.is_some_and(|deadline| now >= deadline + GRACE);
        if since.is_none() && self.stop.as_ref().is_some_and(|stop| stopped(&**stop)) {
            *since = Some(now);
        }
        late || since.is_some_and(|since| now >= since + GRACE)
    }
}

/// The frames of callbacks whose promises are pending: their continuations run between jobs, where nothing tells
/// which callback they belong to. Callbacks add and remove, from any thread; the interrupt handler reads.
#[derive(Default)]
pub(crate) struct PendingFrames(Mutex<Vec<(u64, Frame, Option<Instant>)>>);

impl PendingFrames {
    pub(crate) fn add(&self, frame: Frame) -> u64 {
        let mut frames = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let id = frames.last().map_or(0, |(last, ..)| last + 1);
        frames.push((id, frame, None));
        id
    }

    pub(crate) fn remove(&self, id: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|(known, ..)| *known != id);
    }

    fn one_is_over(&self, now: Instant) -> bool {
        let mut frames = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A continuation that cancels a run and goes on computing is not that run's.
        frames
            .iter_mut()
            .any(|(_, frame, since)| frame.is_over(since, now, |stop| stop.is_stopped_from_outside()))
    }
}

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
    /// Whether it had used up its job time; otherwise something around it told it to end, and tells so itself.
    pub(crate) job_time: bool,
}

/// Lives on the owner's thread; shared by its jobs and the interrupt handler.
pub(crate) struct Budget {
    clock: Arc<dyn Clock>,
    /// Set once the program's own set-up is done: that is no job.
    job_time: Cell<Option<Duration>>,
    /// When the current job or callback began, moved forward by the time it was parked.
    began: Cell<Option<Instant>>,
    /// What encloses the current callback, outermost first, each with the time since when it has been stopped.
    frames: RefCell<Vec<(Frame, Option<Instant>)>>,
    /// Set by the handler when it interrupts: the engine's error alone does not tell.
    interrupted: Cell<Option<Interruption>>,
    /// Whether microtasks run: continuations, which the frames of pending callbacks hold for.
    draining: Cell<bool>,
}

impl Budget {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            job_time: Cell::new(None),
            began: Cell::new(None),
            frames: RefCell::default(),
            interrupted: Cell::new(None),
            draining: Cell::new(false),
        }
    }

    /// Bounds jobs from now on.
    pub(crate) fn limit_jobs(&self, job_time: Option<Duration>) {
        self.job_time.set(job_time);
    }

    /// Runs `work` with a budget of its own. What it takes is not counted for the job around it.
    pub(crate) fn spend<R>(&self, work: impl FnOnce() -> R) -> R {
        let began = self.clock.now();
        let outer = Restore { budget: self, outer: self.began.replace(Some(began)), began };
        let result = work();
        drop(outer);
        result
    }

    /// Runs microtasks.
    pub(crate) fn drain(&self, work: impl FnOnce()) {
        let outer = self.draining.replace(true);
        work();
        self.draining.set(outer);
    }

    /// The time `parked` was not spent computing.
    pub(crate) fn forgive(&self, parked: Duration) {
        self.began.set(self.began.get().map(|began| began + parked));
    }

    /// Runs `work` inside a frame.
    pub(crate) fn framed<R>(&self, frame: Frame, work: impl FnOnce() -> R) -> R {
        self.frames.borrow_mut().push((frame, None));
        let _pop = Pop(&self.frames);
        work()
    }

    /// The frames around the current callback.
    pub(crate) fn frames(&self) -> Vec<Frame> {
        self.frames.borrow().iter().map(|(frame, _)| frame.clone()).collect()
    }

    /// Whether the engine was interrupted since the last call of this, and after how long.
    pub(crate) fn take_interruption(&self) -> Option<Interruption> {
        self.interrupted.take()
    }

    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupted.get().is_some()
    }

    /// The engine asks whether to interrupt what it runs.
    pub(crate) fn must_interrupt(&self, kill: &Kill, pending: &PendingFrames) -> bool {
        let now = self.clock.now();
        let spent = self.began.get().map_or(Duration::ZERO, |began| now.saturating_duration_since(began));
        let over = self.job_time.get().is_some_and(|limit| spent > limit);
        let killed = kill.get().is_some_and(|kill| now >= kill);
        let continuation = self.draining.get() && pending.one_is_over(now);
        if over || killed || self.frame_is_over(now) || continuation {
            self.interrupted.set(Some(Interruption { after: spent, job_time: over }));
            return true;
        }
        false
    }

    fn frame_is_over(&self, now: Instant) -> bool {
        // A stop that is being asked may not re-enter: the frames are borrowed for reading the tokens only.
        let Ok(mut frames) = self.frames.try_borrow_mut() else { return false };
        frames.iter_mut().any(|(frame, since)| frame.is_over(since, now, |stop| stop.is_stopped()))
    }
}

struct Restore<'a> {
    budget: &'a Budget,
    outer: Option<Instant>,
    began: Instant,
}

impl Drop for Restore<'_> {
    fn drop(&mut self) {
        let spent = self.budget.clock.now().saturating_duration_since(self.began);
        self.budget.began.set(self.outer.map(|outer| outer + spent));
    }
}

struct Pop<'a>(&'a RefCell<Vec<(Frame, Option<Instant>)>>);

impl Drop for Pop<'_> {
    fn drop(&mut self) {
        self.0.borrow_mut().pop();
    }
}

impl Stop for tokio_util::sync::CancellationToken {
    fn is_stopped(&self) -> bool {
        self.is_cancelled()
    }

    fn stopped(&self) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        Box::pin(self.cancelled())
    }
}
