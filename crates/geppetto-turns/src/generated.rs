//! Block kinds, payload keys and the typed keys of metadata and data.
//!
//! Generated from xtask/schema.yaml by `cargo xtask codegen`. Do not edit.

use crate::keys::{BlockMetaKey, RunMetaKey, TurnDataKey, TurnMetaKey};
use crate::payload::{PayloadKey, PayloadType};
use crate::usage::Usage;
use serde_json::Value;

crate::string_enum! {
    /// What a block is. Its payload depends on it.
    pub enum BlockKind: "block kind" {
        /// What the person said: `text`, and `images` if there are any.
        User = "user",
        /// What the model said: `text`.
        LlmText = "llm_text",
        /// Instructions for the model: `text`.
        System = "system",
        /// The model asks for a tool: `id`, `name`, `args`.
        ToolCall = "tool_call",
        /// The answer to a tool call: `id` of the call, `result` as JSON text, `error` (empty when fine).
        ToolUse = "tool_use",
        /// The model's reasoning: `text`, `summary`, `encrypted_content`, `item_id`.
        Reasoning = "reasoning",
        /// Anything else an application wants to keep in the conversation.
        Other = "other",
    }
}

impl BlockKind {
    /// The role a block of this kind has in a conversation, if any.
    #[must_use]
    pub const fn role(self) -> Option<&'static str> {
        match self {
            Self::User => Some("user"),
            Self::LlmText => Some("assistant"),
            Self::System => Some("system"),
            Self::ToolCall => None,
            Self::ToolUse => None,
            Self::Reasoning => None,
            Self::Other => None,
        }
    }
}

/// The payload keys that geppetto knows, and what they must hold.
pub const PAYLOAD_KEYS: [PayloadKey; 10] = [
    PayloadKey { name: "text", ty: PayloadType::String },
    PayloadKey { name: "id", ty: PayloadType::String },
    PayloadKey { name: "name", ty: PayloadType::String },
    PayloadKey { name: "args", ty: PayloadType::Any },
    PayloadKey { name: "result", ty: PayloadType::String },
    PayloadKey { name: "error", ty: PayloadType::String },
    PayloadKey { name: "images", ty: PayloadType::Array },
    PayloadKey { name: "encrypted_content", ty: PayloadType::String },
    PayloadKey { name: "summary", ty: PayloadType::Any },
    PayloadKey { name: "item_id", ty: PayloadType::String },
];

/// Keys of a turn's `data`.
pub mod turn_data {
    use super::{TurnDataKey, Value};

    /// How the model may use tools in this turn.
    pub const TOOL_CONFIG: TurnDataKey<Value> = TurnDataKey::new("geppetto.tool_config@v1");
    /// The tools that are offered to the model.
    pub const TOOL_DEFINITIONS: TurnDataKey<Value> = TurnDataKey::new("geppetto.tool_definitions@v1");
    /// The JSON Schema the answer must have.
    pub const STRUCTURED_OUTPUT_CONFIG: TurnDataKey<Value> = TurnDataKey::new("geppetto.structured_output_config@v1");
    /// Model settings for this turn, for every provider.
    pub const INFERENCE_CONFIG: TurnDataKey<Value> = TurnDataKey::new("geppetto.inference_config@v1");
    /// Model settings for this turn, for Claude.
    pub const CLAUDE_INFERENCE_CONFIG: TurnDataKey<Value> = TurnDataKey::new("geppetto.claude_inference_config@v1");
    /// Model settings for this turn, for OpenAI.
    pub const OPENAI_INFERENCE_CONFIG: TurnDataKey<Value> = TurnDataKey::new("geppetto.openai_inference_config@v1");
    /// The tools the current agent mode allows.
    pub const AGENT_MODE_ALLOWED_TOOLS: TurnDataKey<Value> = TurnDataKey::new("geppetto.agent_mode_allowed_tools@v1");
    /// The current agent mode.
    pub const AGENT_MODE: TurnDataKey<String> = TurnDataKey::new("geppetto.agent_mode@v1");
    /// Tools that the provider runs on its side.
    pub const RESPONSES_SERVER_TOOLS: TurnDataKey<Value> = TurnDataKey::new("geppetto.responses_server_tools@v1");
}

/// Keys of a turn's `metadata`.
pub mod turn_metadata {
    use super::{TurnMetaKey, Usage, Value};

    /// The provider that answered.
    pub const PROVIDER: TurnMetaKey<String> = TurnMetaKey::new("geppetto.provider@v1");
    /// What the host notes about its runtime.
    pub const RUNTIME: TurnMetaKey<Value> = TurnMetaKey::new("geppetto.runtime@v1");
    /// The session that produced the turn.
    pub const SESSION_ID: TurnMetaKey<String> = TurnMetaKey::new("geppetto.session_id@v1");
    /// The run that produced the turn.
    pub const INFERENCE_ID: TurnMetaKey<String> = TurnMetaKey::new("geppetto.inference_id@v1");
    /// The trace the run belongs to.
    pub const TRACE_ID: TurnMetaKey<String> = TurnMetaKey::new("geppetto.trace_id@v1");
    /// The tokens that were used.
    pub const USAGE: TurnMetaKey<Usage> = TurnMetaKey::new("geppetto.usage@v1");
    /// Why the model stopped.
    pub const STOP_REASON: TurnMetaKey<String> = TurnMetaKey::new("geppetto.stop_reason@v1");
    /// The model that answered.
    pub const MODEL: TurnMetaKey<String> = TurnMetaKey::new("geppetto.model@v1");
    /// What the engine says about the whole inference.
    pub const INFERENCE_RESULT: TurnMetaKey<Value> = TurnMetaKey::new("geppetto.inference_result@v1");
}

/// Keys of a block's `metadata`.
pub mod block_metadata {
    use super::{BlockMetaKey, Value};

    /// Content in Claude's own form, for replay.
    pub const CLAUDE_ORIGINAL_CONTENT: BlockMetaKey<Value> = BlockMetaKey::new("geppetto.claude_original_content@v1");
    /// Tool calls that belong to a text block.
    pub const TOOL_CALLS: BlockMetaKey<Value> = BlockMetaKey::new("geppetto.tool_calls@v1");
    /// The middleware that added the block.
    pub const MIDDLEWARE: BlockMetaKey<String> = BlockMetaKey::new("geppetto.middleware@v1");
    /// Marks a block of the agent-mode middleware.
    pub const AGENTMODE_TAG: BlockMetaKey<Value> = BlockMetaKey::new("geppetto.agentmode_tag@v1");
    /// The agent mode a block belongs to.
    pub const AGENTMODE: BlockMetaKey<String> = BlockMetaKey::new("geppetto.agentmode@v1");
    /// What the engine says about this block.
    pub const INFERENCE_RESULT: BlockMetaKey<Value> = BlockMetaKey::new("geppetto.inference_result@v1");
    /// Provider data that is needed to replay the block.
    pub const NATIVE: BlockMetaKey<Value> = BlockMetaKey::new("geppetto.native@v1");
}

/// Keys of a run's metadata.
pub mod run_metadata {
    use super::RunMetaKey;

    /// The trace the run belongs to.
    pub const TRACE_ID: RunMetaKey<String> = RunMetaKey::new("geppetto.trace_id@v1");
}
