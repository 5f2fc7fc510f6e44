//! Ready-made sinks.

mod channel;
mod collector;
mod ndjson;
mod null;
mod tagged_data;
mod terminal;

pub use channel::ChannelSink;
pub use collector::CollectorSink;
pub use ndjson::NdjsonSink;
pub use null::NullSink;
pub use tagged_data::{TaggedData, TaggedDataSink, Unclosed};
pub use terminal::{TerminalSink, printable};
