//! Turns for people: who said what, in order.

use crate::{Block, BlockKind, Turn};
use serde_json::Value;
use std::fmt;

/// A turn as people read it; see [`Turn::pretty`].
#[derive(Debug, Clone, Copy)]
pub struct Pretty<'a>(&'a Turn);

impl Turn {
    /// The turn as people read it: a paragraph for each message, a line for each tool call and result. Payload keys
    /// that no kind knows, and metadata, are left to the JSON form. Text is shown as it is: whoever prints it to a
    /// terminal has to take care of control characters.
    ///
    /// ```
    /// use geppetto_turns::{Block, Turn};
    /// use serde_json::json;
    ///
    /// let turn = Turn::new()
    ///     .with(Block::user("How is\nthe weather?"))
    ///     .with(Block::tool_call("c1", "weather", json!({ "city": "Rome" })))
    ///     .with(Block::tool_result("c1", &json!("warm")));
    /// assert_eq!(
    ///     turn.pretty().to_string(),
    ///     "user: How is\n  the weather?\n> weather({\"city\":\"Rome\"})\n< weather: \"warm\"\n"
    /// );
    /// ```
    #[must_use]
    pub fn pretty(&self) -> Pretty<'_> {
        Pretty(self)
    }
}

impl fmt::Display for Pretty<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, block) in self.0.blocks.iter().enumerate() {
            match block.kind {
                BlockKind::ToolCall => {
                    let name = block.text_at("name").unwrap_or("?");
                    writeln!(f, "> {name}({})", block.call_args())?;
                }
                BlockKind::ToolUse => result(f, self.called(index), block)?,
                BlockKind::Other => writeln!(f, "other: {}", Value::Object(block.payload.clone()))?,
                kind => {
                    let who = block.role.as_deref().unwrap_or(kind.as_str());
                    writeln!(f, "{who}: {}", message(block).trim_end().replace('\n', "\n  "))?;
                }
            }
        }
        Ok(())
    }
}

impl Pretty<'_> {
    /// The name of the tool whose call the result at this index answers.
    fn called(&self, index: usize) -> &str {
        let id = self.0.blocks[index].text_at("id");
        let mut calls = self.0.blocks.iter().take(index).rev();
        let call = calls.find(|block| block.kind == BlockKind::ToolCall && block.text_at("id") == id);
        call.and_then(|call| call.text_at("name")).unwrap_or("?")
    }
}

fn result(f: &mut fmt::Formatter<'_>, name: &str, block: &Block) -> fmt::Result {
    match block.text_at("error").filter(|error| !error.is_empty()) {
        Some(error) => writeln!(f, "< {name} failed: {error}"),
        None => writeln!(f, "< {name}: {}", block.text_at("result").unwrap_or("null")),
    }
}

fn message(block: &Block) -> String {
    let text = block.text().unwrap_or_default();
    let images = block.payload.get("images").and_then(Value::as_array).map_or(0, Vec::len);
    match (images, text.is_empty()) {
        (0, true) if block.payload.contains_key("encrypted_content") => "[encrypted]".to_owned(),
        (0, _) => text.to_owned(),
        (1, true) => "[1 image]".to_owned(),
        (count, true) => format!("[{count} images]"),
        (1, false) => format!("{text} [1 image]"),
        (count, false) => format!("{text} [{count} images]"),
    }
}
