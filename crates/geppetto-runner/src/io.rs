//! The process-wide runtime for I/O of what runs on owners: a host's tool or engine that uses tokio finds it there,
//! whatever runtime the host itself has, and however that one ends.

use std::sync::OnceLock;
use tokio::runtime::{Builder, Handle, Runtime};

static IO: OnceLock<Option<Runtime>> = OnceLock::new();

/// The handle of the I/O runtime, which starts with the first owner; one worker thread. `None` when the operating
/// system gave no thread for it.
#[must_use]
pub fn io_handle() -> Option<&'static Handle> {
    let start =
        || Builder::new_multi_thread().worker_threads(1).thread_name("geppetto-io").enable_all().build().ok();
    IO.get_or_init(start).as_ref().map(Runtime::handle)
}
