//! What encloses callbacks: deadlines and tokens that hold for everything in them, and how long past these they may go on.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

/// A callback that goes on computing is interrupted this long after it was told to end…
const GRACE: Duration = Duration::from_millis(100);
/// … and this long after a deadline that it could know of.
const DEADLINE_GRACE: Duration = Duration::from_millis(25);

/// Tells that something has to end: a cancellation token, for instance. It is asked from any thread, and may not call
/// the owner while it tells.
pub trait Stop {
    /// Whether it has to end.
    fn is_stopped(&self) -> bool;
    /// Whether somebody on another thread than the owner's has told it to end.
    fn is_stopped_from_outside(&self, _owner: ThreadId) -> bool {
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
    pub(crate) fn is_over(
        &self,
        since: &mut Option<Instant>,
        now: Instant,
        stopped: impl Fn(&dyn Stop) -> bool,
    ) -> bool {
        let late = self.deadline.is_some_and(|deadline| now >= deadline + DEADLINE_GRACE);
        if since.is_none() && self.stop.as_ref().is_some_and(|stop| stopped(&**stop)) {
            *since = Some(now);
        }
        late || since.is_some_and(|since| now >= since + GRACE)
    }
}

/// The frames of callbacks whose promises are pending: their continuations run between jobs, where nothing tells
/// which callback they belong to. Callbacks add and remove, from any thread; the interrupt handler reads.
#[derive(Default)]
pub(crate) struct PendingFrames(Mutex<Pending>);

#[derive(Default)]
struct Pending {
    frames: BTreeMap<u64, (Frame, Option<Instant>)>,
    next: u64,
    /// When they were last looked at.
    looked: Option<Instant>,
}

/// There may be thousands of them, and the engine asks often.
const LOOK_EVERY: Duration = Duration::from_millis(2);

impl PendingFrames {
    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, frame: Frame) -> u64 {
        let mut pending = self.lock();
        let id = pending.next;
        pending.next += 1;
        pending.frames.insert(id, (frame, None));
        id
    }

    pub(crate) fn remove(&self, id: u64) {
        let removed = self.lock().frames.remove(&id);
        drop(removed);
    }

    pub(crate) fn one_is_over(&self, now: Instant, owner: Option<&ThreadId>) -> bool {
        let mut pending = self.lock();
        if pending.looked.is_some_and(|looked| now < looked + LOOK_EVERY) {
            return false;
        }
        let is_over = pending.frames.values_mut().any(|frame| is_over(frame, now, owner));
        // One that is over is so at the next look, too.
        pending.looked = (!is_over).then_some(now);
        is_over
    }

    /// Those that are over have interrupted what computed, and do not again.
    pub(crate) fn pass_over(&self, now: Instant, owner: Option<&ThreadId>) {
        let passed: Vec<_> =
            self.lock().frames.extract_if(.., |_, frame| is_over(frame, now, owner)).collect();
        drop(passed);
    }
}

fn is_over((frame, since): &mut (Frame, Option<Instant>), now: Instant, owner: Option<&ThreadId>) -> bool {
    // A continuation that cancels a run and goes on computing is not that run's.
    let told = |stop: &dyn Stop| {
        owner.map_or_else(|| stop.is_stopped(), |owner| stop.is_stopped_from_outside(*owner))
    };
    frame.is_over(since, now, told)
}

impl Stop for tokio_util::sync::CancellationToken {
    fn is_stopped(&self) -> bool {
        self.is_cancelled()
    }

    fn stopped(&self) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        Box::pin(self.cancelled())
    }
}
