//! What events tell, type by type.

use crate::{Completion, ErrorCode, EventType, LogLevel, RunStatus};
use geppetto_turns::{Map, Usage};
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;

/// A complete tool call. `input` is JSON text, as the model wrote it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "typings", derive(ts_rs::TS), ts(optional_fields))]
pub struct ToolCallInfo {
    /// The call's id.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// The arguments as JSON text.
    pub input: String,
}

/// A tool's result. `result` is JSON text, absent on failure.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "typings", derive(ts_rs::TS), ts(optional_fields))]
pub struct ToolResultInfo {
    /// The id of the call.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// What the tool returned, as JSON text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// Why the tool failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The callback a custom event came from.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "typings", derive(ts_rs::TS), ts(rename_all = "camelCase", optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct EventOrigin {
    /// The tool, in a tool handler or hook.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_name: Option<Arc<str>>,
    /// The call, in a tool handler or hook.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call_id: Option<Arc<str>>,
    /// The middleware, in a middleware.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub middleware_name: Option<Arc<str>>,
}

/// What an event tells. The variants are the event types; see the table of events in the documentation.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "typings", derive(ts_rs::TS))]
#[cfg_attr(
    feature = "typings",
    ts(tag = "type", rename_all = "kebab-case", rename_all_fields = "camelCase", optional_fields)
)]
#[serde(untagged, rename_all_fields = "camelCase")]
#[non_exhaustive]
#[allow(missing_docs, reason = "the fields are named in the table of events; each variant has its sentence")]
pub enum EventBody {
    /// The first event of every run.
    RunStarted {
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "typings", ts(as = "Option<geppetto_turns::typings::Keys>"))]
        tags: Option<Arc<Map>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        trace_id: Option<Arc<str>>,
    },
    /// The last event of every run.
    RunFinished {
        #[cfg_attr(feature = "typings", ts(type = "RunStatus"))]
        status: RunStatus,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "typings", ts(as = "Option<crate::typings::Code>"))]
        code: Option<ErrorCode>,
        #[serde(skip_serializing_if = "Option::is_none")]
        usage: Option<Usage>,
        duration_ms: u64,
    },
    /// An engine begins to answer.
    Start { engine: Arc<str> },
    /// An engine has answered.
    Final {
        text: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        usage: Option<Usage>,
        #[serde(skip_serializing_if = "Option::is_none")]
        stop_reason: Option<String>,
    },
    /// A piece of the answer. The text so far is not part of the JSON.
    Partial {
        delta: Arc<str>,
        #[serde(skip)]
        #[cfg_attr(feature = "typings", ts(skip))]
        completion: Completion,
    },
    /// A piece of the reasoning. The text so far is not part of the JSON.
    PartialThinking {
        delta: Arc<str>,
        #[serde(skip)]
        #[cfg_attr(feature = "typings", ts(skip))]
        completion: Completion,
    },
    /// A piece of a tool call that is still being written.
    ToolCallDelta { tool_call: ToolCallDelta },
    /// The model asks for a tool; the call is complete.
    ToolCall { tool_call: ToolCallInfo },
    /// An attempt at a tool call begins. Attempts count from 1.
    ToolCallExecute { tool_call: ToolCallInfo, attempt: u32 },
    /// An attempt at a tool call has ended.
    ToolCallExecutionResult {
        tool_result: ToolResultInfo,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<String>,
        attempt: u32,
        duration_ms: u64,
    },
    /// What went into the turn for a tool call.
    ToolResult { tool_result: ToolResultInfo },
    /// A log line of a callback.
    Log {
        #[cfg_attr(feature = "typings", ts(type = "LogLevel"))]
        level: LogLevel,
        message: String,
        fields: Map,
    },
    /// Something a person may want to know.
    Info {
        message: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "typings", ts(as = "Option<crate::typings::Json>"))]
        data: Option<Value>,
    },
    /// An application's own event.
    Custom {
        name: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "typings", ts(as = "Option<crate::typings::Json>"))]
        data: Option<Value>,
        origin: EventOrigin,
    },
    /// Something failed.
    Error {
        error: String,
        #[cfg_attr(feature = "typings", ts(as = "crate::typings::Code"))]
        code: ErrorCode,
    },
    /// An engine was stopped; `text` is what it had said.
    Interrupt { text: String },
    /// The run waits for a debugger.
    #[cfg_attr(feature = "typings", ts(rename = "debugger.pause"))]
    DebuggerPause { pause_id: String, phase: String, summary: String, deadline_ms: u64 },
}

/// A piece of a tool call: its id and name as soon as they are known, and a piece of the arguments' JSON text.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "typings", derive(ts_rs::TS), ts(optional_fields))]
pub struct ToolCallDelta {
    /// The call's id, once known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The tool's name, once known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A piece of the arguments.
    pub delta: String,
}

impl EventBody {
    /// The type that names this body.
    #[must_use]
    pub fn event_type(&self) -> EventType {
        match self {
            Self::RunStarted { .. } => EventType::RunStarted,
            Self::RunFinished { .. } => EventType::RunFinished,
            Self::Start { .. } => EventType::Start,
            Self::Final { .. } => EventType::Final,
            Self::Partial { .. } => EventType::Partial,
            Self::PartialThinking { .. } => EventType::PartialThinking,
            Self::ToolCallDelta { .. } => EventType::ToolCallDelta,
            Self::ToolCall { .. } => EventType::ToolCall,
            Self::ToolCallExecute { .. } => EventType::ToolCallExecute,
            Self::ToolCallExecutionResult { .. } => EventType::ToolCallExecutionResult,
            Self::ToolResult { .. } => EventType::ToolResult,
            Self::Log { .. } => EventType::Log,
            Self::Info { .. } => EventType::Info,
            Self::Custom { .. } => EventType::Custom,
            Self::Error { .. } => EventType::Error,
            Self::Interrupt { .. } => EventType::Interrupt,
            Self::DebuggerPause { .. } => EventType::DebuggerPause,
        }
    }
}
