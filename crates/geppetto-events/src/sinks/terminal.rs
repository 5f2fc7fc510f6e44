//! Events for a person at a terminal.

use crate::{Event, EventBody, EventSink, SinkError};
use async_trait::async_trait;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

/// Prints a run as it happens: the text word by word, a line for each tool call and result, errors as errors.
///
/// Control characters in what models and tools say are shown as pictures: they cannot command the terminal.
pub struct TerminalSink<W> {
    output: Mutex<Output<W>>,
}

struct Output<W> {
    writer: W,
    /// Whether the cursor stands behind text, so that a line of our own has to begin a new one.
    in_line: bool,
}

impl<W: Write + Send> TerminalSink<W> {
    /// A sink that prints to `writer`.
    pub fn new(writer: W) -> Self {
        Self { output: Mutex::new(Output { writer, in_line: false }) }
    }
}

impl<W: Write> Output<W> {
    fn text(&mut self, text: &str) -> std::io::Result<()> {
        self.in_line = !text.ends_with('\n');
        write!(self.writer, "{}", printable(text))
    }

    fn line(&mut self, line: &str) -> std::io::Result<()> {
        if self.in_line {
            writeln!(self.writer)?;
        }
        self.in_line = false;
        writeln!(self.writer, "{}", printable(line))
    }

    fn print(&mut self, body: &EventBody) -> std::io::Result<()> {
        match body {
            EventBody::Partial { delta, .. } => self.text(delta)?,
            EventBody::ToolCall { tool_call } => {
                self.line(&format!("> {}({})", tool_call.name, tool_call.input))?;
            }
            EventBody::ToolResult { tool_result } => match (&tool_result.error, &tool_result.result) {
                (Some(error), _) => self.line(&format!("< {} failed: {error}", tool_result.name))?,
                (None, result) => {
                    let result = result.as_deref().unwrap_or("null");
                    self.line(&format!("< {}: {result}", tool_result.name))?;
                }
            },
            EventBody::Info { message, .. } => self.line(&format!("i {message}"))?,
            EventBody::Error { error, code } => self.line(&format!("! {code}: {error}"))?,
            EventBody::Interrupt { .. } => self.line("! interrupted")?,
            EventBody::RunFinished { .. } if self.in_line => {
                self.in_line = false;
                writeln!(self.writer)?;
            }
            _ => return Ok(()),
        }
        self.writer.flush()
    }
}

#[async_trait]
impl<W: Write + Send> EventSink for TerminalSink<W> {
    async fn publish(&self, event: Arc<Event>) -> Result<(), SinkError> {
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        output.print(&event.body).map_err(SinkError::Write)
    }
}

/// The text with every control character but tab and line feed replaced by its picture (`␛` for escape) or, beyond
/// ASCII, by `�`. Works on any piece of a stream: a sequence that is cut in two is as harmless as a whole one.
#[must_use]
pub fn printable(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\t' => c,
            '\u{7f}' => '\u{2421}',
            c if c.is_ascii_control() => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_sequences_are_shown_and_not_sent() {
        assert_eq!(printable("\u{1b}[2Jred\u{9b}31m\r\n\tok"), "␛[2Jred�31m␍\n\tok");
    }
}
