//! The watchdog: one thread of the process that sees which VM computes longer than it may, and gives up one that
//! does not heed its interruption.
//!
//! The engine asks now and then whether to go on, but some of its loops never do. So somebody else has to look.

use crate::budget::Seen;
use crate::condemn::OUT_OF_MEMORY;
use crate::shared::Shared;
use crate::turns::Turns;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::thread::Thread;
use std::time::Duration;

/// How often the watchdog looks while something computes. Real time: a VM that a manual clock makes late is given its
/// grace all the same.
const TICK: Duration = Duration::from_millis(25);
/// A VM that is overdue for so many looks does not heed its interruption. Looks are counted instead of time, so that
/// a process that was stopped meanwhile condemns nobody; and only those between which its thread had its turn, so that a
/// busy machine does not either.
const LOOKS: u32 = 10;
/// After so many looks at nothing, the watchdog sleeps until it is woken.
const IDLE_LOOKS: u32 = 40;

static WATCHED: Mutex<Vec<Watched>> = Mutex::new(Vec::new());
static THREAD: OnceLock<Option<Thread>> = OnceLock::new();
static IS_ASLEEP: AtomicBool = AtomicBool::new(false);

struct Watched {
    owner: Weak<Shared>,
    overdue: Option<Overdue>,
}

/// The job that was overdue at the last look, and for how many looks.
struct Overdue {
    job: u64,
    looks: u32,
    turns: Option<Turns>,
}

/// Watches an owner from now on. The first one starts the thread.
///
/// # Errors
/// When the operating system gives no thread for it.
pub(crate) fn watch(owner: &Arc<Shared>) -> std::io::Result<()> {
    let mut failed = None;
    let start = || match std::thread::Builder::new().name("geppetto-watchdog".to_owned()).spawn(run) {
        Ok(handle) => Some(handle.thread().clone()),
        Err(error) => {
            failed = Some(error);
            None
        }
    };
    if THREAD.get_or_init(start).is_none() {
        return Err(failed.unwrap_or_else(|| std::io::ErrorKind::OutOfMemory.into()));
    }
    let watched = Watched { owner: Arc::downgrade(owner), overdue: None };
    WATCHED.lock().unwrap_or_else(PoisonError::into_inner).push(watched);
    Ok(())
}

/// Something begins to compute.
pub(crate) fn wake() {
    // Either the watchdog sees that something computes before it sleeps, or this sees that it is about to.
    fence(Ordering::SeqCst);
    if IS_ASLEEP.load(Ordering::Relaxed)
        && IS_ASLEEP.swap(false, Ordering::SeqCst)
        && let Some(Some(thread)) = THREAD.get()
    {
        thread.unpark();
    }
}

fn run() {
    let mut idle_looks = 0;
    loop {
        idle_looks = if look_at_all() { 0 } else { idle_looks + 1 };
        if idle_looks < IDLE_LOOKS {
            std::thread::sleep(TICK);
            continue;
        }
        IS_ASLEEP.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        if look_at_all() {
            IS_ASLEEP.store(false, Ordering::SeqCst);
        }
        while IS_ASLEEP.load(Ordering::SeqCst) {
            std::thread::park();
        }
        idle_looks = 0;
    }
}

/// Whether anything computes.
fn look_at_all() -> bool {
    let mut any = false;
    let (mut unheeding, mut watched_now) = (Vec::new(), Vec::new());
    WATCHED.lock().unwrap_or_else(PoisonError::into_inner).retain_mut(|watched| {
        let Some(owner) = watched.owner.upgrade().filter(|owner| !owner.stopped.is_cancelled()) else {
            return false;
        };
        let seen = owner.budget.look();
        any |= seen != Seen::Idle;
        watched.overdue = match (seen, watched.overdue.take()) {
            (Seen::Overdue(job), Some(known)) if job == known.job => {
                owner.budget.stop_at_crossings();
                let turns = owner.turns();
                let looks = known.looks + u32::from(!Turns::had_none(known.turns, turns));
                Some(Overdue { job, looks, turns })
            }
            (Seen::Overdue(job), _) => Some(Overdue { job, looks: 0, turns: owner.turns() }),
            _ => None,
        };
        let is_heeding = watched.overdue.as_ref().is_none_or(|overdue| overdue.looks < LOOKS);
        if is_heeding {
            // Let go of behind the lock: it may be the last, and what the host put into it may do anything.
            watched_now.push(owner);
        } else {
            unheeding.push(owner);
        }
        is_heeding
    });
    drop(watched_now);
    for owner in unheeding {
        let exhausted = owner.budget.memory.is_exhausted();
        owner.condemn_stuck(if exhausted { OUT_OF_MEMORY } else { "its script could not be interrupted" });
    }
    any
}
