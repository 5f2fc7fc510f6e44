//! A clock that a test moves by hand.

use crate::{Clock, Sleep};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// A clock that stands still until [`advance`](ManualClock::advance) moves it. Clones share their time.
#[derive(Debug, Clone)]
pub struct ManualClock {
    shared: Arc<Shared>,
}

/// Written by `advance` and by sleepers; a test thread waits on `changed` for sleepers to appear.
#[derive(Debug)]
struct Shared {
    start: Instant,
    start_unix_ms: u64,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    elapsed: Duration,
    next_id: u64,
    sleepers: BTreeMap<(Instant, u64), Waker>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ManualClock {
    /// A clock that stands at `unix_ms` milliseconds since the Unix epoch.
    #[must_use]
    pub fn new(unix_ms: u64) -> Self {
        let shared = Shared {
            start: Instant::now(),
            start_unix_ms: unix_ms,
            state: Mutex::default(),
            changed: Condvar::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Moves the present forward and wakes every sleeper whose instant has come, in the order of their instants.
    pub fn advance(&self, by: Duration) {
        let due: Vec<Waker> = {
            let mut state = self.shared.lock();
            state.elapsed += by;
            let now = self.shared.start + state.elapsed;
            let later = state.sleepers.split_off(&(now, u64::MAX));
            std::mem::replace(&mut state.sleepers, later).into_values().collect()
        };
        due.into_iter().for_each(Waker::wake);
    }

    /// How many sleepers wait for the clock to move.
    #[must_use]
    pub fn sleepers(&self) -> usize {
        self.shared.lock().sleepers.len()
    }

    /// Blocks the calling thread until at least `count` sleepers wait: the moment at which a test may move the clock.
    pub fn wait_for_sleepers(&self, count: usize) {
        let mut state = self.shared.lock();
        while state.sleepers.len() < count {
            state = self.shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Default for ManualClock {
    /// A clock that stands at 2026-01-01T00:00:00Z.
    fn default() -> Self {
        Self::new(1_767_225_600_000)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Instant {
        self.shared.start + self.shared.lock().elapsed
    }

    fn unix_ms(&self) -> u64 {
        self.shared.start_unix_ms + crate::whole_ms(self.shared.lock().elapsed)
    }

    fn sleep_until(&self, at: Instant) -> Sleep {
        Box::pin(ManualSleep { shared: self.shared.clone(), at, key: None })
    }
}

struct ManualSleep {
    shared: Arc<Shared>,
    at: Instant,
    key: Option<(Instant, u64)>,
}

impl Future for ManualSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let shared = self.shared.clone();
        let mut state = shared.lock();
        if shared.start + state.elapsed >= self.at {
            return Poll::Ready(());
        }
        let key = self.key.unwrap_or_else(|| {
            state.next_id += 1;
            (self.at, state.next_id)
        });
        self.key = Some(key);
        state.sleepers.insert(key, cx.waker().clone());
        shared.changed.notify_all();
        Poll::Pending
    }
}

impl Drop for ManualSleep {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.shared.lock().sleepers.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Deadline;
    use futures_lite::future::{block_on, poll_once};

    #[test]
    fn a_sleeper_wakes_when_the_clock_reaches_its_instant_and_not_before() {
        let clock = ManualClock::default();
        let mut sleep = clock.sleep_until(clock.now() + Duration::from_secs(2));
        assert_eq!(block_on(poll_once(&mut sleep)), None);
        assert_eq!(clock.sleepers(), 1);
        clock.advance(Duration::from_secs(1));
        assert_eq!(block_on(poll_once(&mut sleep)), None);
        clock.advance(Duration::from_secs(1));
        assert_eq!(block_on(poll_once(&mut sleep)), Some(()));
        assert_eq!(clock.sleepers(), 0);
    }

    #[test]
    fn a_dropped_sleeper_leaves_nothing_behind() {
        let clock = ManualClock::default();
        let mut sleep = clock.sleep_until(clock.now() + Duration::from_secs(1));
        assert_eq!(block_on(poll_once(&mut sleep)), None);
        drop(sleep);
        assert_eq!(clock.sleepers(), 0);
    }

    #[test]
    fn the_nearest_deadline_wins_and_an_absent_one_never_comes() {
        let clock = ManualClock::new(1_000);
        let near = Deadline::after(&clock, Duration::from_millis(5));
        let far = Deadline::after(&clock, Duration::MAX);
        assert_eq!(Deadline::nearest(Some(far), Some(near)), Some(near));
        assert_eq!(Deadline::nearest(None, Some(far)), Some(far));
        assert_eq!(Deadline::nearest(None, None), None);
        assert_eq!(near.unix_ms(), 1_005);
        assert!(!near.is_past(&clock));
        clock.advance(Duration::from_millis(5));
        assert!(near.is_past(&clock));
    }
}
