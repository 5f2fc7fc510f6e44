//! Ready-made sinks.

mod channel;
mod collector;
mod ndjson;
mod null;
mod terminal;

pub use channel::ChannelSink;
pub use collector::CollectorSink;
pub use ndjson::NdjsonSink;
pub use null::NullSink;
pub use terminal::{TerminalSink, printable};
