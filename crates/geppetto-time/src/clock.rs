//! The [`Clock`] trait and the clock of the real world.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A future that is ready once its instant has come. Dropping it costs nothing and leaves nothing behind.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where time comes from.
///
/// `now` never goes backwards. `sleep_until` may be polled by any executor, on any thread: it needs no async
/// runtime to be alive. A sleep whose instant has passed is ready at its first poll.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The present, for measuring and for deadlines.
    fn now(&self) -> Instant;

    /// The present in milliseconds since the Unix epoch, for people and logs.
    fn unix_ms(&self) -> u64;

    /// A future that is ready at `at`.
    fn sleep_until(&self, at: Instant) -> Sleep;

    /// The instant that lies `span` from the present. A span of more than 100 years counts as that: no caller has to
    /// fear an overflow.
    fn after(&self, span: Duration) -> Instant {
        self.now() + span.min(LONGEST)
    }

    /// A future that is ready when `span` has gone by.
    fn sleep(&self, span: Duration) -> Sleep {
        self.sleep_until(self.after(span))
    }
}

/// Longer than anybody waits, and far from what an [`Instant`] cannot hold.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// The clock of the real world.
///
/// Sleeping is served by the process-wide timer of `async-io`, so that a sleep outlives any tokio runtime and
/// works on threads that never entered one.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn unix_ms(&self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, crate::whole_ms)
    }

    fn sleep_until(&self, at: Instant) -> Sleep {
        Box::pin(async move {
            async_io::Timer::at(at).await;
        })
    }
}
