//! What is kept for somebody, counted for whoever bounds it.

use serde::Serialize;
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

/// About as many bytes as data takes: the length of its JSON.
#[must_use]
pub fn json_size(data: &impl Serialize) -> usize {
    struct Count(usize);
    impl Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    // What cannot be written takes nothing more.
    let _ = serde_json::to_writer(&mut count, data);
    count.0
}
