//! The log of a run: appended to from any thread, read through cursors.

use crate::{Event, EventBody, EventType, Kept, MemoryMeter, RunIds, json_size};
use futures_util::Stream;
#[cfg(shuttle)]
use shuttle::sync::{Mutex, MutexGuard};
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
#[cfg(not(shuttle))]
use std::sync::{Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

/// The events of one run, in order and without gaps. Clones share the log.
///
/// Appending is synchronous and may happen on any thread. The log closes with its `run-finished` event: later
/// appends are refused, and cursors end behind it.
#[derive(Debug, Clone)]
pub struct EventLog {
    run: Arc<RunIds>,
    inner: Arc<Mutex<Inner>>,
    is_metered: bool,
}

/// Appenders write, cursors read and leave a waker when they have read everything. A mutex, because every hold is
/// a few pointer moves; no waker is called and no other code runs while it is held.
#[derive(Debug, Default)]
struct Inner {
    events: Vec<Arc<Event>>,
    closed: bool,
    wakers: Vec<Waker>,
    kept: Kept,
}

impl EventLog {
    /// An empty log for the run with these ids.
    #[must_use]
    pub fn new(run: RunIds) -> Self {
        Self::metered(run, None)
    }

    /// The same, counted for as long as the log lives.
    #[must_use]
    pub fn metered(run: RunIds, meter: Option<Arc<dyn MemoryMeter>>) -> Self {
        let is_metered = meter.is_some();
        let inner = Inner { kept: Kept::new(meter, RUN_SIZE), ..Inner::default() };
        Self { run: Arc::new(run), inner: Arc::new(Mutex::new(inner)), is_metered }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The ids that all its events carry.
    #[must_use]
    pub fn run(&self) -> &Arc<RunIds> {
        &self.run
    }

    /// Appends an event; `None` when the log is closed. A `run-finished` closes it.
    pub fn append(&self, timestamp_ms: u64, body: EventBody) -> Option<Arc<Event>> {
        let size = if self.is_metered { size_of(&body) } else { 0 };
        let mut inner = self.lock();
        if inner.closed {
            return None;
        }
        inner.kept.add(|| size);
        inner.closed = body.event_type() == EventType::RunFinished;
        let seq = inner.events.len() as u64;
        let event = Arc::new(Event { seq, timestamp_ms, run: self.run.clone(), body });
        inner.events.push(event.clone());
        let wakers = std::mem::take(&mut inner.wakers);
        drop(inner);
        wakers.into_iter().for_each(Waker::wake);
        Some(event)
    }

    /// The event with this `seq`, if it has happened.
    #[must_use]
    pub fn get(&self, seq: usize) -> Option<Arc<Event>> {
        self.lock().events.get(seq).cloned()
    }

    /// How many events there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().events.len()
    }

    /// Whether there is no event yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the last event has been appended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// A cursor that stands before the event with this `seq`, which may not have happened yet.
    #[must_use]
    pub fn cursor(&self, from: usize) -> Cursor {
        Cursor { log: self.clone(), next: from }
    }
}

/// About as many bytes as a run takes beside its events.
const RUN_SIZE: usize = 4096;
/// About as many bytes as an event takes beside what it tells.
const EVENT_SIZE: usize = 256;

fn size_of(body: &EventBody) -> usize {
    EVENT_SIZE
        + match body {
            // In the event, in the text so far, and at the end in the event that tells it and in the turn.
            EventBody::Partial { delta, .. } => 4 * delta.len(),
            EventBody::PartialThinking { delta, .. } => 2 * delta.len(),
            other => json_size(other),
        }
}

/// A reader's place in a log. As a stream it yields each event once and ends behind `run-finished`.
#[derive(Debug, Clone)]
pub struct Cursor {
    log: EventLog,
    next: usize,
}

impl Cursor {
    /// The next event, if it has happened.
    pub fn try_next(&mut self) -> Option<Arc<Event>> {
        let event = self.log.get(self.next)?;
        self.next += 1;
        Some(event)
    }

    /// The `seq` of the event that comes next.
    #[must_use]
    pub fn position(&self) -> usize {
        self.next
    }

    /// Whether the log is closed and everything in it has been read.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        let inner = self.log.lock();
        inner.closed && self.next >= inner.events.len()
    }

    /// The next event; `None` at the end of the run. Pending until it happens.
    pub fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Arc<Event>>> {
        let mut inner = self.log.lock();
        if let Some(event) = inner.events.get(self.next) {
            let event = event.clone();
            self.next += 1;
            return Poll::Ready(Some(event));
        }
        if inner.closed {
            return Poll::Ready(None);
        }
        if !inner.wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
            inner.wakers.push(cx.waker().clone());
        }
        Poll::Pending
    }
}

impl Stream for Cursor {
    type Item = Arc<Event>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Arc<Event>>> {
        self.poll_event(cx)
    }
}

/// Run by `cargo xtask shuttle`, which explores schedules and prints the seed of one that fails.
#[cfg(all(test, shuttle))]
mod schedules {
    use super::*;
    use crate::{InferenceId, RunStatus, SessionId};
    use futures_util::StreamExt;
    use geppetto_turns::TurnId;
    use shuttle::{check_random, future, thread};

    const SCHEDULES: usize = 50_000;

    #[test]
    fn readers_that_come_at_any_time_see_every_event_once_and_one_end() {
        check_random(
            || {
                let log = EventLog::new(RunIds {
                    session_id: SessionId::from("s"),
                    inference_id: InferenceId::from("i"),
                    turn_id: TurnId::from("t"),
                });
                let readers: Vec<_> = (0..2)
                    .map(|_| {
                        let log = log.clone();
                        thread::spawn(move || {
                            let seqs = log.cursor(0).map(|event| event.seq).collect::<Vec<_>>();
                            future::block_on(seqs)
                        })
                    })
                    .collect();
                let writers: Vec<_> = (0..2)
                    .map(|_| {
                        let log = log.clone();
                        thread::spawn(move || {
                            let info = || EventBody::Info { message: "x".to_owned(), data: None };
                            (0..2).filter(|_| log.append(0, info()).is_some()).count()
                        })
                    })
                    .collect();
                // Two want to end the run: one of them does.
                let enders: Vec<_> = (0..2)
                    .map(|_| {
                        let log = log.clone();
                        thread::spawn(move || {
                            let (status, usage) = (RunStatus::Completed, None);
                            let end = EventBody::RunFinished {
                                status,
                                error: None,
                                code: None,
                                usage,
                                duration_ms: 0,
                            };
                            log.append(0, end).is_some()
                        })
                    })
                    .collect();
                let written: usize = writers.into_iter().map(|writer| writer.join().unwrap()).sum();
                let ended = enders.into_iter().map(|ender| ender.join().unwrap());
                assert_eq!(ended.filter(|ended| *ended).count(), 1);
                for reader in readers {
                    let seen = reader.join().unwrap();
                    assert_eq!(seen, (0..=written as u64).collect::<Vec<_>>());
                }
                assert!(log.is_closed());
            },
            SCHEDULES,
        );
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;
    use crate::{InferenceId, RunStatus, SessionId};
    use futures_lite::future::block_on;
    use futures_util::StreamExt;
    use geppetto_turns::TurnId;

    fn log() -> EventLog {
        EventLog::new(RunIds {
            session_id: SessionId::from("s"),
            inference_id: InferenceId::from("i"),
            turn_id: TurnId::from("t"),
        })
    }

    fn info(message: &str) -> EventBody {
        EventBody::Info { message: message.to_owned(), data: None }
    }

    fn finished() -> EventBody {
        EventBody::RunFinished {
            status: RunStatus::Completed,
            error: None,
            code: None,
            usage: None,
            duration_ms: 0,
        }
    }

    #[test]
    fn a_late_cursor_reads_everything_from_the_start() {
        let log = log();
        log.append(1, info("a"));
        log.append(2, finished());
        let seqs: Vec<u64> = block_on(log.cursor(0).map(|event| event.seq).collect());
        assert_eq!(seqs, [0, 1]);
    }

    #[test]
    fn nothing_follows_run_finished() {
        let log = log();
        assert!(log.append(1, finished()).is_some());
        assert!(log.append(2, info("late")).is_none());
        assert!(log.append(3, finished()).is_none());
        assert_eq!(log.len(), 1);
    }

    #[test]
    fn readers_on_other_threads_see_what_many_writers_append_without_a_gap() {
        const WRITERS: u64 = 4;
        const EVENTS: u64 = 500;
        let log = log();
        let readers: Vec<_> = (0..3)
            .map(|_| {
                let cursor = log.cursor(0);
                std::thread::spawn(move || block_on(cursor.map(|event| event.seq).collect::<Vec<_>>()))
            })
            .collect();
        std::thread::scope(|scope| {
            for _ in 0..WRITERS {
                scope.spawn(|| (0..EVENTS).for_each(|n| drop(log.append(n, info("x")))));
            }
        });
        log.append(0, finished());
        for reader in readers {
            assert_eq!(reader.join().unwrap(), (0..=WRITERS * EVENTS).collect::<Vec<_>>());
        }
    }

    #[test]
    fn an_event_is_one_flat_json_object() {
        let event = log().append(7, info("hello")).unwrap();
        assert_eq!(
            serde_json::to_string(&*event).unwrap(),
            r#"{"type":"info","seq":0,"timestampMs":7,"sessionId":"s","inferenceId":"i","turnId":"t","message":"hello"}"#
        );
    }
}
