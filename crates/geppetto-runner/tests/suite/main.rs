//! The owner from the outside. One program, so that it is linked once.

mod calls;
mod limits;
mod shutdown;
mod waits;

use geppetto_runner::{ErrorReport, Limits, Owner, OwnerOptions};
use geppetto_time::Clock;
use std::sync::{Arc, Mutex};

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

/// An owner with default limits.
pub(crate) fn owner() -> Owner {
    owner_with(Limits::default(), None).0
}
