//! Event types, error codes and run statuses.
//!
//! Generated from xtask/schema.yaml by `cargo xtask codegen`. Do not edit.

geppetto_turns::string_enum! {
    /// What an event tells.
    pub enum EventType: "event type" {
        /// The first event of every run.
        RunStarted = "run-started",
        /// The last event of every run: `status`, `error?`, `code?`, `usage?`, `durationMs`.
        RunFinished = "run-finished",
        /// An engine begins to answer.
        Start = "start",
        /// An engine has answered: `text`, `usage?`, `stopReason?`.
        Final = "final",
        /// A piece of the answer: `delta`, and `completion`, the text so far.
        Partial = "partial",
        /// A piece of the reasoning.
        PartialThinking = "partial-thinking",
        /// A piece of a tool call that is still being written.
        ToolCallDelta = "tool-call-delta",
        /// The model asks for a tool; the call is complete.
        ToolCall = "tool-call",
        /// An attempt at a tool call begins.
        ToolCallExecute = "tool-call-execute",
        /// An attempt at a tool call has ended.
        ToolCallExecutionResult = "tool-call-execution-result",
        /// What went into the turn for a tool call.
        ToolResult = "tool-result",
        /// A log line of a callback.
        Log = "log",
        /// Something a person may want to know.
        Info = "info",
        /// An application's own event.
        Custom = "custom",
        /// Something failed.
        Error = "error",
        /// An engine was stopped; `text` is what it had said.
        Interrupt = "interrupt",
        /// The run waits for a debugger.
        DebuggerPause = "debugger.pause",
    }
}

geppetto_turns::string_enum! {
    /// Why a run failed, in one word that programs can rely on.
    pub enum ErrorCode: "error code" {
        /// The session already has an active run.
        Busy = "busy",
        /// There is no turn to start from.
        NoSeed = "no_seed",
        /// Somebody cancelled the run.
        Cancelled = "cancelled",
        /// A deadline passed.
        Timeout = "timeout",
        /// The tool loop asked the engine too often.
        MaxIterations = "max_iterations",
        /// The engine failed.
        Engine = "engine",
        /// A middleware failed.
        Middleware = "middleware",
        /// A tool failed and the policy is `abort`.
        ToolError = "tool_error",
        /// A hook failed outside a call.
        Hook = "hook",
        /// A script broke a rule of the runtime.
        Script = "script",
        /// A limit of the runtime was reached.
        Limit = "limit",
        /// The runtime was shut down.
        Shutdown = "shutdown",
        /// A bug in geppetto or in host code.
        Internal = "internal",
    }
}

geppetto_turns::string_enum! {
    /// How a run ended.
    pub enum RunStatus: "run status" {
        /// The run produced a turn.
        Completed = "completed",
        /// Something went wrong; the event's `code` says what.
        Failed = "failed",
        /// Somebody cancelled it, or the runtime was shut down.
        Cancelled = "cancelled",
        /// Its deadline passed.
        Timeout = "timeout",
    }
}

geppetto_turns::string_enum! {
    /// How much a log line matters.
    pub enum LogLevel: "log level" {
        /// For whoever looks for a fault.
        Debug = "debug",
        /// What goes on.
        Info = "info",
        /// Something is odd.
        Warn = "warn",
        /// Something failed.
        Error = "error",
    }
}
