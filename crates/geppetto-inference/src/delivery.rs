//! Delivers a run's events to its sinks, inside the run's own future.
//!
//! Each sink reads the log at its own pace. Between its steps the run waits until all have caught up, and at its end
//! until all have everything, but never longer than [`BOUND`]. A sink that fails is reported once and left alone.

use crate::RunCore;
use futures_util::future::{Either, join_all, select};
use futures_util::{FutureExt, StreamExt};
use geppetto_events::{Event, EventSink};
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::sync::Notify;

/// How long a run waits for its slowest sink, between two steps and at its end.
const BOUND: Duration = Duration::from_secs(5);

/// The sinks of one run and how far each has come.
#[derive(Default)]
pub(crate) struct Delivery {
    slots: Vec<Slot>,
    /// Woken by a pump after each event, waited on between steps.
    progress: Notify,
    /// Whether the sinks got what they get: everything, or as much as they took in time.
    settled: AtomicBool,
}

struct Slot {
    sink: Arc<dyn EventSink>,
    /// How many events the sink has taken. Written by its pump alone.
    delivered: AtomicUsize,
    failed: AtomicBool,
}

impl Delivery {
    pub(crate) fn to(sinks: Vec<Arc<dyn EventSink>>) -> Self {
        let slot = |sink| Slot { sink, delivered: AtomicUsize::new(0), failed: AtomicBool::new(false) };
        Self {
            slots: sinks.into_iter().map(slot).collect(),
            progress: Notify::new(),
            settled: AtomicBool::new(false),
        }
    }

    /// Pumps events until the log is closed and read.
    pub(crate) async fn pump(&self, core: &RunCore) {
        join_all(self.slots.iter().map(|slot| self.pump_one(slot, core))).await;
    }

    async fn pump_one(&self, slot: &Slot, core: &RunCore) {
        let mut cursor = core.log().cursor(0);
        while let Some(event) = cursor.next().await {
            // Somebody else has given the sinks what was left.
            if self.settled.load(Ordering::Relaxed) {
                return;
            }
            slot.publish(event).await;
            self.progress.notify_waiters();
            if slot.failed.load(Ordering::Relaxed) {
                return;
            }
        }
    }

    fn behind(&self, length: usize) -> usize {
        let open = self.slots.iter().filter(|slot| !slot.failed.load(Ordering::Relaxed));
        open.map(|slot| length.saturating_sub(slot.delivered.load(Ordering::Relaxed))).max().unwrap_or(0)
    }

    /// Waits until every sink has what is in the log now.
    pub(crate) async fn caught_up(&self, core: &RunCore) {
        if self.slots.is_empty() {
            return;
        }
        let length = core.log().len();
        let caught_up = pin!(async {
            loop {
                let mut moved = pin!(self.progress.notified());
                moved.as_mut().enable();
                if self.behind(length) == 0 {
                    return;
                }
                moved.await;
            }
        });
        let bound = core.clock().sleep(BOUND);
        if let Either::Right(_) = select(caught_up, bound).await {
            tracing::warn!(behind = self.behind(length), "an event sink is slow; the run goes on without it");
        }
    }

    /// After the run: gives sinks their last events, and says so when one does not take them.
    pub(crate) async fn drain(&self, core: &RunCore, pumps: impl Future<Output = ()> + Unpin) {
        if self.slots.is_empty() {
            return;
        }
        let bound = core.clock().sleep(BOUND);
        if let Either::Right(_) = select(pumps, bound).await {
            self.report_undelivered(core);
        }
    }

    /// The sinks got what they get.
    pub(crate) fn settled(&self) {
        self.settled.store(true, Ordering::Relaxed);
    }

    /// For a run that was dropped and can wait for nobody: gives sinks what they take at once.
    pub(crate) fn flush_now(&self, core: &RunCore) {
        if self.settled.swap(true, Ordering::Relaxed) {
            return;
        }
        for slot in &self.slots {
            let mut cursor = core.log().cursor(slot.delivered.load(Ordering::Relaxed));
            while let Some(event) = cursor.try_next().filter(|_| !slot.failed.load(Ordering::Relaxed)) {
                let mut publish = pin!(slot.publish(event));
                if publish.as_mut().poll(&mut Context::from_waker(Waker::noop())) == Poll::Pending {
                    break;
                }
            }
        }
        self.report_undelivered(core);
    }

    fn report_undelivered(&self, core: &RunCore) {
        let behind = self.behind(core.log().len());
        if behind > 0 {
            let inference_id = core.ids().inference_id.as_str();
            tracing::warn!(
                inference_id,
                behind,
                "the run has ended before a slow event sink took its last events"
            );
        }
    }
}

impl Slot {
    async fn publish(&self, event: Arc<Event>) {
        let published = AssertUnwindSafe(self.sink.publish(event)).catch_unwind().await;
        let failure = match published {
            Ok(Ok(())) => {
                self.delivered.fetch_add(1, Ordering::Relaxed);
                return;
            }
            Ok(Err(error)) => error.to_string(),
            Err(panic) => format!("panicked: {}", crate::run::panic_message(&*panic)),
        };
        self.failed.store(true, Ordering::Relaxed);
        tracing::error!(failure, "an event sink failed and gets no further events of this run");
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Delivery({} sinks)", self.slots.len())
    }
}
