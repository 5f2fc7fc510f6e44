//! Events as lines of JSON.

use crate::{Event, EventSink, SinkError};
use async_trait::async_trait;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

/// Writes each event as one line of JSON, and flushes after it, so that a reader sees it at once. Control characters are
/// escaped, also those beyond ASCII: a line that is shown in a terminal cannot command it.
pub struct NdjsonSink<W> {
    // A mutex, because runs of several sessions may write at once and a line must stay whole.
    writer: Mutex<W>,
}

impl<W: Write + Send> NdjsonSink<W> {
    /// A sink that writes to `writer`.
    pub fn new(writer: W) -> Self {
        Self { writer: Mutex::new(writer) }
    }
}

#[async_trait]
impl<W: Write + Send> EventSink for NdjsonSink<W> {
    async fn publish(&self, event: Arc<Event>) -> Result<(), SinkError> {
        let mut line = serde_json::to_string(&*event).map_err(SinkError::Encode)?;
        if line.contains(char::is_control) {
            // They stand in strings only.
            let escaped =
                |c: char| if c.is_control() { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() };
            line = line.chars().map(escaped).collect();
        }
        line.push('\n');
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.write_all(line.as_bytes()).and_then(|()| writer.flush()).map_err(SinkError::Write)
    }
}
