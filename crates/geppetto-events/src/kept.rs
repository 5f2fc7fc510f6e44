//! What is kept for somebody, counted for whoever bounds it.

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{Formatter, Serializer};
use std::cell::Cell;
use std::fmt;
use std::io::Write;
use std::sync::Arc;

/// Counts what is kept for somebody, in bytes, from any thread.
pub trait MemoryMeter: Send + Sync {
    /// Something is kept.
    fn add(&self, bytes: usize);
    /// It is kept no longer.
    fn remove(&self, bytes: usize);
}

/// An amount that a meter counts for as long as this lives. Without a meter nothing is counted.
#[derive(Default)]
pub struct Kept {
    meter: Option<Arc<dyn MemoryMeter>>,
    bytes: usize,
}

impl Kept {
    /// Counts `bytes` now.
    #[must_use]
    pub fn new(meter: Option<Arc<dyn MemoryMeter>>, bytes: usize) -> Self {
        let mut kept = Self { meter, bytes: 0 };
        kept.add(|| bytes);
        kept
    }

    /// Counts more. The amount is worked out only if somebody counts.
    pub fn add(&mut self, bytes: impl FnOnce() -> usize) {
        if let Some(meter) = &self.meter {
            let bytes = bytes();
            self.bytes += bytes;
            meter.add(bytes);
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(meter) = &self.meter {
            meter.remove(self.bytes);
        }
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kept({} bytes)", self.bytes)
    }
}

/// About as many bytes as data takes in memory: its text, and the nodes that hold it.
#[must_use]
pub fn json_size(data: &impl Serialize) -> usize {
    let size = Cell::new(0);
    let mut counting = Serializer::with_formatter(Text(&size), Nodes(&size));
    // What cannot be written takes nothing more.
    let _ = data.serialize(&mut counting);
    size.get()
}

/// The place of a value in a list.
const ITEM: usize = size_of::<Value>();
/// The place of a value in a map, with its key and the key's place in the index.
const ENTRY: usize = ITEM + size_of::<String>() + 3 * size_of::<usize>();
/// A map has room for as many at first.
const FIRST_ENTRIES: usize = 4;

/// Counts what text takes.
struct Text<'a>(&'a Cell<usize>);

impl Write for Text<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(|size| size + bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Counts what lists and maps take beside it.
struct Nodes<'a>(&'a Cell<usize>);

impl Formatter for Nodes<'_> {
    fn begin_array_value<W: ?Sized + Write>(&mut self, _: &mut W, _first: bool) -> std::io::Result<()> {
        self.0.update(|size| size + ITEM);
        Ok(())
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, _: &mut W, first: bool) -> std::io::Result<()> {
        self.0.update(|size| size + if first { FIRST_ENTRIES * ENTRY } else { ENTRY });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn many_small_maps_take_what_their_nodes_take() {
        let maps = json!(vec![json!({ "a": 1 }); 1_000]);
        let each = json_size(&maps) / 1_000;
        assert!((400..800).contains(&each), "{each} bytes for each map");
        let text = json_size(&json!("x".repeat(10_000)));
        assert!((10_000..10_100).contains(&text), "{text} bytes for ten thousand letters");
    }
}
