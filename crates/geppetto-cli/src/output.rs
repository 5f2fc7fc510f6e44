//! Where things are written: what scripts print, and events.

use crate::arguments::Events;
use geppetto_events::EventSink;
use geppetto_events::sinks::{NdjsonSink, TerminalSink, printable};
use geppetto_js::ConsoleSink;
use std::io::{ErrorKind, IsTerminal, Write, stderr, stdout};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;

/// Where a script's own output goes: stdout belongs to the events when they are NDJSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

impl Stream {
    /// The stream of a script's ordinary output.
    pub(crate) fn of_scripts(events: Events) -> Self {
        if events == Events::Ndjson { Self::Stderr } else { Self::Stdout }
    }

    /// Writes text and flushes it. On a terminal, control characters are shown and not sent: what a model says must
    /// not command it.
    pub(crate) fn write(self, text: &str) {
        let is_terminal = if self == Self::Stdout { stdout().is_terminal() } else { stderr().is_terminal() };
        let shown = if is_terminal { printable(text) } else { text.to_owned() };
        self.send(shown.as_bytes());
    }

    /// Sends bytes as they are. What is lost is told once, where that is still possible.
    fn send(self, bytes: &[u8]) {
        let (mut out, mut err) = (stdout(), stderr());
        let writer: &mut dyn Write = if self == Self::Stdout { &mut out } else { &mut err };
        match writer.write_all(bytes).and_then(|()| writer.flush()) {
            // A reader that went away does not want the rest: of stdout, nor that it is made.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => match self {
                Self::Stdout => READER_GONE.notify_one(),
                Self::Stderr => {}
            },
            Err(error) if !FAILED.swap(true, Ordering::Relaxed) && self == Self::Stdout => {
                let _ = writeln!(err, "geppetto: could not write to stdout: {error}");
            }
            _ => {}
        }
    }
}

/// Whether something could not be written.
static FAILED: AtomicBool = AtomicBool::new(false);

/// Whether something could not be written: the command has failed then.
pub(crate) fn has_failed() -> bool {
    FAILED.load(Ordering::Relaxed)
}

static READER_GONE: Notify = Notify::const_new();

/// Waits until nobody reads stdout any more, and something was written to it nevertheless.
pub(crate) async fn reader_gone() {
    READER_GONE.notified().await;
}

/// Shows the result of a command, and is its exit code.
pub(crate) fn finish(result: Result<String, String>) -> ExitCode {
    match &result {
        Ok(text) => Stream::Stdout.write(text),
        Err(error) => Stream::Stderr.write(&format!("geppetto: {error}\n")),
    }
    if result.is_ok() && !has_failed() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// For sinks, which make harmless what they write.
impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.send(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The host's log, on stderr.
pub(crate) struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        // A line of the log is one: what is in it cannot look like another.
        let line = String::from_utf8_lossy(bytes);
        let line = printable(line.trim_end_matches('\n')).replace('\n', "\n    ");
        Stream::Stderr.send(format!("{line}\n").as_bytes());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// `console`: errors and warnings on stderr, the rest where the script's output goes.
pub(crate) fn console(scripts: Stream) -> ConsoleSink {
    Arc::new(move |level, text| {
        let stream = if matches!(level, "error" | "warn") { Stream::Stderr } else { scripts };
        stream.write(&format!("{text}\n"));
    })
}

/// The sink for events, if they are to be shown.
pub(crate) fn event_sink(events: Events) -> Option<Arc<dyn EventSink>> {
    match events {
        Events::Ndjson => Some(Arc::new(NdjsonSink::new(Stream::Stdout))),
        Events::Pretty => Some(Arc::new(TerminalSink::new(Stream::Stderr))),
        Events::Off => None,
    }
}
