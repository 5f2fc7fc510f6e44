//! What an owner has done, and how long it took.

use crate::memory::Memory;
use hdrhistogram::Histogram;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What an owner has done so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Jobs that wait now.
    pub queue_depth: usize,
    /// Jobs taken from the queue and run.
    pub run: u64,
    /// Jobs run at once, because their caller was on the owner's thread.
    pub inline: u64,
    /// Jobs not run, because their caller was gone or the owner closed.
    pub cancelled: u64,
    /// Jobs that were interrupted or too deep.
    pub failed: u64,
    /// Jobs that panicked.
    pub panicked: u64,
    /// Bytes of the engine's heap.
    pub heap_bytes: usize,
    /// Bytes that Rust keeps for the VM, as far as they are counted against its limit.
    pub kept_bytes: usize,
    /// What was done, by the names of jobs; that which took longest in all first.
    pub ops: Vec<OpStats>,
}

/// What jobs of one name took.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpStats {
    /// The name.
    pub op: &'static str,
    /// How long they waited in the queue; those that ran at once did not.
    pub wait: Spread,
    /// How long they ran, with everything they called.
    pub run: Spread,
}

/// How durations are spread, to one significant digit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Spread {
    /// How many there were.
    pub count: u64,
    /// Half of them were at most this.
    pub p50: Duration,
    /// 95 of 100 were at most this.
    pub p95: Duration,
    /// 99 of 100 were at most this.
    pub p99: Duration,
    /// The longest.
    pub max: Duration,
}

/// Durations in nanoseconds. It grows with what it has seen, up to 2 KB for a minute.
struct Durations {
    histogram: Option<Histogram<u32>>,
    total: u64,
}

impl Durations {
    fn new() -> Self {
        Self { histogram: Histogram::new(1).ok(), total: 0 }
    }

    fn record(&mut self, duration: Duration) {
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.total = self.total.saturating_add(nanoseconds);
        if let Some(histogram) = &mut self.histogram {
            // It grows as needed, and counts up to 2^32.
            let _ = histogram.record(nanoseconds);
        }
    }

    fn spread(&self) -> Spread {
        let Some(histogram) = &self.histogram else { return Spread::default() };
        let at = |quantile| Duration::from_nanos(histogram.value_at_quantile(quantile));
        let max = Duration::from_nanos(histogram.max());
        Spread { count: histogram.len(), p50: at(0.5), p95: at(0.95), p99: at(0.99), max }
    }
}

struct Op {
    name: &'static str,
    wait: Durations,
    run: Durations,
}

/// The counters behind [`Stats`]. Written by the owner's thread, read by anyone.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) run: AtomicU64,
    pub(crate) inline: AtomicU64,
    pub(crate) cancelled: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) panicked: AtomicU64,
    /// A mutex for those who read; the owner's thread finds it free.
    ops: Mutex<Vec<Op>>,
}

impl Counters {
    pub(crate) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// A job of this name waited so long.
    pub(crate) fn waited(&self, name: &'static str, wait: Duration) {
        self.record(name, |op| op.wait.record(wait));
    }

    /// A job of this name ran so long.
    pub(crate) fn ran(&self, name: &'static str, run: Duration) {
        self.record(name, |op| op.run.record(run));
    }

    fn record(&self, name: &'static str, record: impl FnOnce(&mut Op)) {
        let mut ops = self.ops.lock().unwrap_or_else(PoisonError::into_inner);
        // There are few names, and each stands in one place of the program.
        let known = ops.iter().position(|op| std::ptr::eq(op.name, name));
        let at = known.or_else(|| ops.iter().position(|op| op.name == name));
        let at = at.unwrap_or_else(|| {
            ops.push(Op { name, wait: Durations::new(), run: Durations::new() });
            ops.len() - 1
        });
        record(&mut ops[at]);
    }

    pub(crate) fn stats(&self, queue_depth: usize, memory: &Memory) -> Stats {
        let ops = self.ops.lock().unwrap_or_else(PoisonError::into_inner);
        let mut by_time: Vec<_> = ops.iter().collect();
        by_time.sort_by_key(|op| std::cmp::Reverse(op.run.total));
        let ops = by_time.into_iter();
        Stats {
            heap_bytes: memory.heap(),
            kept_bytes: memory.kept(),
            queue_depth,
            run: self.run.load(Ordering::Relaxed),
            inline: self.inline.load(Ordering::Relaxed),
            cancelled: self.cancelled.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            panicked: self.panicked.load(Ordering::Relaxed),
            ops: ops
                .map(|op| OpStats { op: op.name, wait: op.wait.spread(), run: op.run.spread() })
                .collect(),
        }
    }
}
