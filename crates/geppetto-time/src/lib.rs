//! Time as a dependency: a [`Clock`] that is passed in, and [`Deadline`]s on it.
//!
//! Nothing in geppetto reads the system time or sleeps on its own. Programs pass [`SystemClock`]; tests pass
//! [`ManualClock`] and move it by hand, so that no test waits for time to go by.

mod clock;
mod deadline;
mod manual;

pub use clock::{Clock, Sleep, SystemClock};
pub use deadline::{Deadline, whole_ms};
pub use manual::ManualClock;
