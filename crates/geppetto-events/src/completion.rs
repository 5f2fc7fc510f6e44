//! The text so far of a stream, without a copy per piece.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The text an engine call has streamed. Pieces are appended by whoever streams; every [`Completion`] made from it
/// remembers only where its piece ended, so that a stream of n pieces costs O(n).
#[derive(Debug, Clone, Default)]
pub struct TextBuffer {
    text: Arc<Mutex<String>>,
}

impl TextBuffer {
    fn lock(&self) -> MutexGuard<'_, String> {
        self.text.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends a piece and returns the text up to its end.
    #[must_use]
    pub fn append(&self, delta: &str) -> Completion {
        let mut text = self.lock();
        text.push_str(delta);
        Completion { buffer: self.clone(), end: text.len() }
    }

    /// All of the text.
    #[must_use]
    pub fn text(&self) -> String {
        self.lock().clone()
    }

    /// Whether nothing was appended yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }
}

/// The text of a stream up to the end of one piece; the copy is made when it is asked for.
#[derive(Clone)]
pub struct Completion {
    buffer: TextBuffer,
    end: usize,
}

impl Completion {
    /// The text up to the end of the piece.
    #[must_use]
    pub fn text(&self) -> String {
        self.buffer.lock()[..self.end].to_owned()
    }
}

impl fmt::Debug for Completion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Completion({} bytes)", self.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_completion_is_the_text_up_to_its_piece_whatever_comes_later() {
        let buffer = TextBuffer::default();
        let first = buffer.append("Hé");
        let second = buffer.append("llo");
        assert_eq!(first.text(), "Hé");
        assert_eq!(second.text(), "Héllo");
    }
}
