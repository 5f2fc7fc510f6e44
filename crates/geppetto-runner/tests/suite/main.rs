//! The owner from the outside. One program, so that it is linked once.

mod calls;
mod condemned;
mod interleavings;
mod limits;
mod shutdown;
mod storm;
mod waits;

use geppetto_runner::{ErrorReport, Limits, Owner, OwnerOptions};
use geppetto_time::Clock;
use std::sync::{Arc, Mutex, mpsc};

/// An owner whose uncaught errors are collected.
pub(crate) fn owner_with(
    limits: Limits,
    clock: Option<Arc<dyn Clock>>,
) -> (Owner, Arc<Mutex<Vec<ErrorReport>>>) {
    let reports = Arc::new(Mutex::new(Vec::new()));
    let collected = reports.clone();
    let mut options = OwnerOptions {
        limits,
        on_error: Arc::new(move |report| collected.lock().unwrap().push(report.clone())),
        ..OwnerOptions::default()
    };
    if let Some(clock) = clock {
        options.clock = clock;
    }
    (Owner::spawn(options, |_, _| Ok(())).unwrap(), reports)
}

/// Keeps an owner busy from the return of this until something is sent or the sender is dropped.
pub(crate) fn keep_busy(owner: &Owner) -> mpsc::Sender<()> {
    let (go, wait) = mpsc::channel::<()>();
    let (began, has_begun) = mpsc::channel();
    owner
        .post("busy", move |_| {
            began.send(()).unwrap();
            let _ = wait.recv();
        })
        .unwrap();
    has_begun.recv().unwrap();
    go
}

/// An owner with default limits.
pub(crate) fn owner() -> Owner {
    owner_with(Limits::default(), None).0
}
