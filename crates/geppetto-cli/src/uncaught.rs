//! Errors that nobody caught: printed when they happen, and remembered for the exit code.

use crate::output::Stream;
use geppetto_js::{CallError, ErrorReport, ScriptError};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// How a script failed; the worst counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Failed {
    Error,
    Limit,
}

/// Prints uncaught errors and remembers them.
#[derive(Clone)]
pub(crate) struct Uncaught {
    failed: Arc<Mutex<Option<Failed>>>,
    /// Told when the command has to end at once: any error but a listener's.
    fatal: Arc<Notify>,
    /// Set when the command ends: what a shutdown makes of promises is nobody's error.
    is_over: Arc<AtomicBool>,
    is_exhausted: Arc<AtomicBool>,
    /// Set when the command ends for a limit of time or microtasks.
    is_late: Arc<AtomicBool>,
    /// How many are telling something: another thread may have been first with what the command ends for.
    saying: watch::Sender<usize>,
    job_timeout: Duration,
    memory_limit: usize,
}

impl Uncaught {
    pub(crate) fn new(job_timeout: Duration, memory_limit: usize) -> Self {
        Self {
            failed: Arc::default(),
            fatal: Arc::new(Notify::new()),
            is_over: Arc::default(),
            is_exhausted: Arc::default(),
            is_late: Arc::default(),
            saying: watch::Sender::default(),
            job_timeout,
            memory_limit,
        }
    }

    /// What went wrong where nobody waited for a result.
    pub(crate) fn report(&self, report: &ErrorReport) {
        if self.is_over.load(Ordering::Relaxed) {
            return;
        }
        if report.op == "continuation" {
            let warning = "a continuation computed on after the end of a run's time and was interrupted";
            return Stream::Stderr.write(&format!("geppetto: warning: {warning}\n"));
        }
        if let (CallError::Script(error), "synchronous callback") = (&report.error, report.op) {
            return Stream::Stderr.write(&format!("geppetto: warning: {}\n", error.message));
        }
        if let (CallError::Interrupted { after }, "listener") = (&report.error, report.op)
            && *after < self.job_timeout
        {
            let what = "a listener computed on after the end of its run's time and was interrupted";
            return self.say(&format!("geppetto: {what}"), Failed::Error);
        }
        if ["listener", "run callback"].contains(&report.op) {
            return self.print(&report.error);
        }
        self.print_last(&report.error);
        self.fatal.notify_one();
    }

    /// The command ends: nothing is reported any more.
    pub(crate) fn over(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    /// What the script itself ended with.
    pub(crate) fn script(&self, error: &ScriptError) {
        match error {
            ScriptError::Thrown(error) => self.print(&CallError::Script(error.clone())),
            ScriptError::Call(error) => self.print_last(error),
            other => self.say(&format!("geppetto: {other}"), Failed::Error),
        }
    }

    pub(crate) fn limit(&self, what: &str) {
        self.say(&format!("geppetto: limit: {what}"), Failed::Limit);
    }

    /// Prints what the command ends for. What runs into a limit meanwhile is no news.
    fn print_last(&self, error: &CallError) {
        let _saying = self.saying();
        let late = matches!(error, CallError::Interrupted { .. } | CallError::TooManyMicrotasks { .. });
        if !(late && self.is_late.swap(true, Ordering::Relaxed)) {
            self.print(error);
        }
    }

    fn print(&self, error: &CallError) {
        match error {
            CallError::Interrupted { .. } | CallError::Stranded => self.interrupted(),
            CallError::OutOfMemory => self.out_of_memory(),
            CallError::TooManyMicrotasks { limit } => {
                let what =
                    format!("more microtasks followed a callback than --microtask-limit, which is {limit}");
                self.limit(&what);
            }
            CallError::Script(error)
                if error.name == "RunError" && error.code.as_deref() == Some("limit") =>
            {
                self.say(&format!("Uncaught {}", error.full()), Failed::Limit);
            }
            CallError::Script(error) => self.say(&format!("Uncaught {}", error.full()), Failed::Error),
            // What it was given up for was told, and what follows from it is no news.
            CallError::Condemned { .. } if self.failed() == Some(Failed::Limit) => {}
            CallError::Condemned { why } => self.limit(&format!("the runtime was given up: {why}")),
            other => self.say(&format!("geppetto: {other}"), Failed::Error),
        }
    }

    fn interrupted(&self) {
        let limit = humantime::format_duration(self.job_timeout);
        self.limit(&format!("a callback computed for longer than --job-timeout, which is {limit}"));
    }

    fn out_of_memory(&self) {
        let _saying = self.saying();
        self.fail(Failed::Limit);
        // Told once, whoever hears of it.
        if self.is_exhausted.swap(true, Ordering::Relaxed) {
            return;
        }
        let limit = bytesize::ByteSize(self.memory_limit as u64);
        self.limit(&format!("the script needs more memory than --memory-limit, which is {limit}"));
    }

    fn say(&self, text: &str, failed: Failed) {
        let _saying = self.saying();
        // First, because the end of the script may be near, and counts it.
        self.fail(failed);
        Stream::Stderr.write(&format!("{text}\n"));
    }

    fn saying(&self) -> Saying<'_> {
        self.saying.send_modify(|count| *count += 1);
        Saying(&self.saying)
    }

    /// Waits until all that is being told is told.
    pub(crate) async fn said(&self) {
        let _ = self.saying.subscribe().wait_for(|count| *count == 0).await;
    }

    fn fail(&self, failed: Failed) {
        let mut worst = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        *worst = (*worst).max(Some(failed));
    }

    pub(crate) fn failed(&self) -> Option<Failed> {
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for an error that ends the command at once.
    pub(crate) async fn fatal(&self) {
        self.fatal.notified().await;
    }
}

/// Somebody tells something, as long as this lives.
struct Saying<'a>(&'a watch::Sender<usize>);

impl Drop for Saying<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn the_end_waits_for_what_another_thread_is_telling() {
        let uncaught = Uncaught::new(Duration::from_secs(1), 1024);
        let clone = uncaught.clone();
        let saying = clone.saying();
        assert_eq!(uncaught.said().now_or_never(), None);
        drop(saying);
        assert_eq!(uncaught.said().now_or_never(), Some(()));
    }
}
