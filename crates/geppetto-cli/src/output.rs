//! Where things are written: what scripts print, and events.

use crate::arguments::Events;
use geppetto_events::EventSink;
use geppetto_events::sinks::{NdjsonSink, TerminalSink, printable};
use geppetto_js::ConsoleSink;
use std::io::{ErrorKind, IsTerminal, Write, stderr, stdout};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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
        let (mut out, mut err) = (stdout(), stderr());
        let (writer, is_terminal): (&mut dyn Write, bool) = match self {
            Self::Stdout => {
                let is_terminal = out.is_terminal();
                (&mut out, is_terminal)
            }
            Self::Stderr => {
                let is_terminal = err.is_terminal();
                (&mut err, is_terminal)
            }
        };
        let shown = if is_terminal { printable(text) } else { text.to_owned() };
        let written = writer.write_all(shown.as_bytes()).and_then(|()| writer.flush());
        match written {
            // A reader that went away does not want the rest.
            Err(error) if error.kind() != ErrorKind::BrokenPipe => self.failed(&error),
            _ => {}
        }
    }
}

impl Stream {
    /// What is lost is told once, where that is still possible.
    fn failed(self, error: &std::io::Error) {
        if !FAILED.swap(true, Ordering::Relaxed) && self == Self::Stdout {
            let _ = writeln!(stderr(), "geppetto: could not write to stdout: {error}");
        }
    }
}

/// Whether something could not be written.
static FAILED: AtomicBool = AtomicBool::new(false);

/// Whether something could not be written: the command has failed then.
pub(crate) fn has_failed() -> bool {
    FAILED.load(Ordering::Relaxed)
}

/// For what writes bytes: the host's log.
impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        // A line of the log is one: what is in it cannot look like another.
        let line = String::from_utf8_lossy(bytes);
        Self::write(*self, &(printable(line.trim_end_matches('\n')).replace('\n', "\n    ") + "\n"));
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
        Events::Ndjson => Some(Arc::new(NdjsonSink::new(stdout()))),
        Events::Pretty => Some(Arc::new(TerminalSink::new(stderr()))),
        Events::Off => None,
    }
}
