//! The globals beside the module: what scripts expect of any runtime.

pub(crate) mod abort;
pub(crate) mod console;
pub(crate) mod inspect;
pub(crate) mod timers;
pub(crate) mod web;
