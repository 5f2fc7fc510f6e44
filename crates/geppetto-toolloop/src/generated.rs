//! The enumerations of the tool loop's settings and hooks.
//!
//! Generated from xtask/schema.yaml by `cargo xtask codegen`. Do not edit.

geppetto_turns::string_enum! {
    /// Whether the model may, must not or must call a tool.
    pub enum ToolChoice: "tool choice" {
        /// The model decides.
        Auto = "auto",
        /// The model must not call a tool.
        None = "none",
        /// The model must call a tool.
        Required = "required",
    }
}

geppetto_turns::string_enum! {
    /// What a failed tool call means for the run.
    pub enum ToolErrorHandling: "tool error handling" {
        /// The error becomes the call's result; the run goes on.
        Continue = "continue",
        /// The run ends with code `tool_error`.
        Abort = "abort",
        /// The call is retried with exponential backoff; then as `continue`.
        Retry = "retry",
    }
}

geppetto_turns::string_enum! {
    /// What a hook asks for.
    pub enum HookAction: "hook action" {
        /// Go on; after an error: stop retrying.
        Continue = "continue",
        /// Try the call again.
        Retry = "retry",
        /// Refuse the call, or stop retrying.
        Abort = "abort",
    }
}
