//! One piece of a conversation.

use crate::{BlockId, BlockKind, Map, PayloadError, fresh_id, payload};
use serde_json::{Value, json};
use std::borrow::Cow;

/// One piece of a conversation: a message, a tool call, a tool's result, reasoning.
///
/// The kind says which payload keys to expect; a payload may hold others besides.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// Unique within the conversation.
    pub id: BlockId,
    /// What the block is.
    pub kind: BlockKind,
    /// Who says it: `user`, `assistant`, `system`; absent for tool calls, results and reasoning.
    pub role: Option<Cow<'static, str>>,
    /// What it says; see [`BlockKind`] for the keys of each kind.
    pub payload: Map,
    /// What is known about the block; keys are typed, see [`block_metadata`](crate::block_metadata).
    pub metadata: Map,
}

impl Block {
    /// A block of this kind with a fresh id, the kind's role and this payload.
    #[must_use]
    pub fn new(kind: BlockKind, payload: Map) -> Self {
        Self {
            id: BlockId::fresh(),
            kind,
            role: kind.role().map(Cow::Borrowed),
            payload,
            metadata: Map::new(),
        }
    }

    /// What the person said.
    #[must_use]
    pub fn user(text: impl Into<String>) -> Self {
        Self::new(BlockKind::User, object(json!({ "text": text.into() })))
    }

    /// What the person said, with images. An image is an object such as `{"url": "https://…"}` or
    /// `{"content": "<base64>", "mediaType": "image/png"}`.
    #[must_use]
    pub fn user_with_images(text: impl Into<String>, images: Vec<Value>) -> Self {
        Self::new(BlockKind::User, object(json!({ "text": text.into(), "images": images })))
    }

    /// Instructions for the model.
    #[must_use]
    pub fn system(text: impl Into<String>) -> Self {
        Self::new(BlockKind::System, object(json!({ "text": text.into() })))
    }

    /// What the model said.
    #[must_use]
    pub fn assistant(text: impl Into<String>) -> Self {
        Self::new(BlockKind::LlmText, object(json!({ "text": text.into() })))
    }

    /// The model's reasoning in plain text.
    #[must_use]
    pub fn reasoning(text: impl Into<String>) -> Self {
        Self::new(BlockKind::Reasoning, object(json!({ "text": text.into() })))
    }

    /// The model asks for the tool `name`. An empty `id` is replaced by a fresh one.
    #[must_use]
    pub fn tool_call(id: impl Into<String>, name: impl Into<String>, args: Value) -> Self {
        let id = Some(id.into()).filter(|id| !id.is_empty()).unwrap_or_else(fresh_id);
        Self::new(BlockKind::ToolCall, object(json!({ "id": id, "name": name.into(), "args": args })))
    }

    /// The answer to the call `id`: what the tool returned, stored as JSON text.
    #[must_use]
    pub fn tool_result(id: impl Into<String>, result: &Value) -> Self {
        let payload = json!({ "id": id.into(), "result": result.to_string(), "error": "" });
        Self::new(BlockKind::ToolUse, object(payload))
    }

    /// The answer to the call `id`: why the tool failed.
    #[must_use]
    pub fn tool_error(id: impl Into<String>, error: impl Into<String>) -> Self {
        Self::new(BlockKind::ToolUse, object(json!({ "id": id.into(), "error": error.into() })))
    }

    /// Checks that the known payload keys hold what they must.
    ///
    /// # Errors
    /// The first key that does not.
    pub fn check(&self) -> Result<(), PayloadError> {
        payload::check(&self.payload)
    }

    /// The payload's string under `key`, if there is one.
    #[must_use]
    pub fn text_at(&self, key: &str) -> Option<&str> {
        self.payload.get(key)?.as_str()
    }

    /// The block's text, for kinds that have one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.text_at("text")
    }

    /// What a `tool_use` block holds, parsed; `None` when the tool failed or the text is not JSON.
    #[must_use]
    pub fn parsed_result(&self) -> Option<Value> {
        serde_json::from_str(self.text_at("result")?).ok()
    }
}

/// The object that a `json!` of an object is.
fn object(value: Value) -> Map {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
