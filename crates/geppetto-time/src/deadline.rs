//! A point in time by which something must have ended.

use crate::Clock;
use std::time::{Duration, Instant};

/// A span in milliseconds, whole ones.
#[must_use]
pub fn whole_ms(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// A point in time by which something must have ended, on the clock it was made from.
///
/// The epoch time is fixed when the deadline is made: whoever is told a deadline twice is told the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    at: Instant,
    unix_ms: u64,
}

impl Deadline {
    /// The deadline that lies `span` from the clock's present; see [`Clock::after`].
    #[must_use]
    pub fn after(clock: &dyn Clock, span: Duration) -> Self {
        let (now, at) = (clock.now(), clock.after(span));
        let span_ms = whole_ms(at.saturating_duration_since(now));
        Self { at, unix_ms: clock.unix_ms().saturating_add(span_ms) }
    }

    /// The instant on the clock.
    #[must_use]
    pub fn at(&self) -> Instant {
        self.at
    }

    /// The instant in milliseconds since the Unix epoch.
    #[must_use]
    pub fn unix_ms(&self) -> u64 {
        self.unix_ms
    }

    /// Whether the deadline has come.
    #[must_use]
    pub fn is_past(&self, clock: &dyn Clock) -> bool {
        clock.now() >= self.at
    }

    /// The nearer of two deadlines, where an absent one never comes.
    #[must_use]
    pub fn nearest(a: Option<Self>, b: Option<Self>) -> Option<Self> {
        match (a, b) {
            (Some(a), Some(b)) => Some(if b.at < a.at { b } else { a }),
            (a, b) => a.or(b),
        }
    }
}
