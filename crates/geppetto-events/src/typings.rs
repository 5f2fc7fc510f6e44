//! TypeScript shapes of events, taken from the types that write them. For the generation of the typings.

use crate::{EventBody, EventOrigin, ToolCallDelta, ToolCallInfo, ToolResultInfo};
use geppetto_turns::typings::{Shape, shape};
use ts_rs::{Config, TS};

/// An error code.
#[derive(TS)]
#[ts(rename = "ErrorCode")]
pub(crate) struct Code;

/// Any JSON value.
#[derive(TS)]
#[ts(rename = "JsonValue")]
pub(crate) struct Json;

/// The shapes of this crate.
#[must_use]
pub fn shapes(config: &Config) -> Vec<Shape> {
    vec![
        shape::<ToolCallInfo>(config),
        shape::<ToolResultInfo>(config),
        shape::<ToolCallDelta>(config),
        shape::<EventOrigin>(config),
        shape::<EventBody>(config),
    ]
}
