//! The pumps of a VM, and which of them have something to tell: asking each of them would take longer the more runs go on.

use crate::pump::Pump;
use geppetto_events::EventLog;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::{Rc, Weak};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// The pumps of a VM, in the order in which their runs were started.
#[derive(Default)]
pub(crate) struct Pumps {
    all: RefCell<BTreeMap<u64, Weak<Pump>>>,
    next: Cell<u64>,
    due: Arc<Mutex<Due>>,
}

/// Logs add to it on any thread. A mutex, because every hold is a few moves; no waker is called while it is held.
#[derive(Default)]
struct Due {
    pumps: BTreeSet<u64>,
    /// Synchronous waits that tell of what is due, outermost first.
    waits: Vec<Option<Waker>>,
}

fn lock(due: &Mutex<Due>) -> MutexGuard<'_, Due> {
    due.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pumps {
    /// A pump, with its place among the others.
    pub(crate) fn add(self: &Rc<Self>, pump: impl FnOnce(Place) -> Pump) -> Rc<Pump> {
        let place = self.place();
        let number = place.number;
        let pump = Rc::new(pump(place));
        self.all.borrow_mut().insert(number, Rc::downgrade(&pump));
        pump
    }

    fn place(self: &Rc<Self>) -> Place {
        let number = self.next.replace(self.next.get() + 1);
        let bell = Arc::new(Bell { number, due: self.due.clone() }).into();
        Place { number, bell, pumps: self.clone() }
    }

    /// Those that may have something to tell.
    pub(crate) fn due(&self) -> Vec<Rc<Pump>> {
        let all = self.all.borrow();
        lock(&self.due).pumps.iter().filter_map(|number| all.get(number)?.upgrade()).collect()
    }

    /// Whether none has something to tell.
    pub(crate) fn is_idle(&self) -> bool {
        lock(&self.due).pumps.is_empty()
    }

    /// A synchronous wait begins. It lasts until what is returned is dropped.
    pub(crate) fn wait(&self) -> Wait {
        lock(&self.due).waits.push(None);
        Wait(self.due.clone())
    }
}

/// A synchronous wait.
pub(crate) struct Wait(Arc<Mutex<Due>>);

impl Wait {
    /// Called at each poll: a pump that is due wakes it.
    pub(crate) fn register(&self, cx: &Context<'_>) {
        if let Some(wait) = lock(&self.0).waits.last_mut() {
            *wait = Some(cx.waker().clone());
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        lock(&self.0).waits.pop();
    }
}

/// Makes a pump due, on any thread.
struct Bell {
    number: u64,
    due: Arc<Mutex<Due>>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        let mut due = lock(&self.due);
        due.pumps.insert(self.number);
        // Those around the innermost are being polled.
        let wait = due.waits.last_mut().and_then(Option::take);
        drop(due);
        if let Some(wait) = wait {
            wait.wake();
        }
    }
}

/// A pump's place among the others. Either it is due, or its log makes it due with the next event.
pub(crate) struct Place {
    number: u64,
    bell: Waker,
    pumps: Rc<Pumps>,
}

impl Place {
    pub(crate) fn make_due(&self) {
        self.bell.wake_by_ref();
    }

    /// It is about to be looked at: what happens from now on makes it due again.
    pub(crate) fn look(&self, log: &EventLog) {
        // In this order: the other would forget a bell that has rung meanwhile, which rings once.
        lock(&self.pumps.due).pumps.remove(&self.number);
        wake_of_next(log, &self.bell);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.pumps.due).pumps.remove(&self.number);
        self.pumps.all.borrow_mut().remove(&self.number);
    }
}

/// The next event of the log wakes this. What has happened meanwhile, also on another thread, does not: look after.
pub(crate) fn wake_of_next(log: &EventLog, waker: &Waker) {
    let mut cursor = log.cursor(log.len());
    while let Poll::Ready(Some(_)) = cursor.poll_event(&mut Context::from_waker(waker)) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use geppetto_events::{EventBody, InferenceId, RunIds, SessionId};
    use geppetto_turns::TurnId;
    use std::sync::mpsc;
    use std::time::Duration;

    const ROUNDS: usize = 300;
    const EVENTS: usize = 1_000;

    fn log() -> EventLog {
        EventLog::new(RunIds {
            session_id: SessionId::from("s"),
            inference_id: InferenceId::from("i"),
            turn_id: TurnId::from("t"),
        })
    }

    /// Waits as a synchronous wait does, until a log that another thread appends to has told everything.
    fn hears_all() {
        let (pumps, log) = (Rc::new(Pumps::default()), log());
        let (place, wait) = (pumps.place(), pumps.wait());
        place.look(&log);
        let appended = log.clone();
        let appender = std::thread::spawn(move || {
            for n in 0..EVENTS {
                let message = String::new();
                appended.append(0, EventBody::Info { message, data: None }).expect("an open log");
                (0..n % 50).for_each(|_| std::hint::spin_loop());
            }
        });
        let mut cursor = log.cursor(0);
        futures_lite::future::block_on(std::future::poll_fn(|cx| {
            wait.register(cx);
            if !pumps.is_idle() {
                place.look(&log);
                while cursor.try_next().is_some() {}
            }
            if cursor.position() == EVENTS { Poll::Ready(()) } else { Poll::Pending }
        }));
        appender.join().expect("the appender ends");
    }

    #[test]
    fn no_event_is_missed_however_appending_and_looking_meet() {
        let (done, is_done) = mpsc::channel();
        std::thread::spawn(move || {
            for _ in 0..ROUNDS {
                hears_all();
                done.send(()).expect("somebody who waits");
            }
        });
        for round in 0..ROUNDS {
            let heard = is_done.recv_timeout(Duration::from_secs(60));
            assert!(heard.is_ok(), "round {round} waits for an event that has happened");
        }
    }
}
