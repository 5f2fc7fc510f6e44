//! The tool loop from the outside. One program, so that it is linked once.

mod cancellation;
mod common;
mod executors;
mod sinks;
mod steps;
mod toolloop;
