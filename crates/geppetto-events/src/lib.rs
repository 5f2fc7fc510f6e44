//! What a run tells, and how nothing of it is lost.
//!
//! A run appends [`Event`]s to its [`EventLog`]; whoever wants to hear them reads the log through a [`Cursor`] of
//! its own, from the first event or from any other, at its own pace. So a listener that comes late misses nothing,
//! and a slow one holds up nobody. Programs that are pushed to instead implement [`EventSink`]; ready-made sinks
//! are in [`sinks`].

mod body;
mod completion;
mod event;
#[rustfmt::skip]
mod generated;
mod id;
mod kept;
mod log;
mod sink;
pub mod sinks;
#[cfg(feature = "typings")]
pub mod typings;

pub use body::{EventBody, EventOrigin, ToolCallDelta, ToolCallInfo, ToolResultInfo};
pub use completion::{Completion, TextBuffer};
pub use event::{Event, RunIds};
pub use generated::{ErrorCode, EventType, LogLevel, RunStatus};
pub use id::{InferenceId, SessionId};
pub use kept::{Kept, MemoryMeter, json_size};
pub use log::{Cursor, EventLog};
pub use sink::{EventSink, SinkError};
