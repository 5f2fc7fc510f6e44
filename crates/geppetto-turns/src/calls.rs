//! Tool calls of a turn: which wait for an answer, and which blocks a step has added.

use crate::{Block, BlockKind, Turn};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A tool call that no later `tool_use` answers.
#[derive(Debug, Clone, PartialEq)]
pub struct PendingCall {
    /// The call's id.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// The arguments; an empty object when the model gave none.
    pub args: Value,
    /// Why the text that the model wrote is no JSON, if it is none; `args` is that text then.
    pub malformed: Option<String>,
}

impl Turn {
    /// The calls that wait for an answer, in the order they were asked for. A call is answered only by a later
    /// `tool_use` of its id; an id that occurs twice before its answer is one call.
    #[must_use]
    pub fn pending_calls(&self) -> Vec<PendingCall> {
        // Calls in their order, and where each pending id stands among them.
        let mut calls: Vec<Option<(&str, &Arc<Block>)>> = Vec::new();
        let mut pending: HashMap<&str, usize> = HashMap::new();
        for block in &self.blocks {
            let Some(id) = block.text_at("id") else { continue };
            match block.kind {
                BlockKind::ToolCall if !pending.contains_key(id) => {
                    pending.insert(id, calls.len());
                    calls.push(Some((id, block)));
                }
                BlockKind::ToolUse => {
                    if let Some(at) = pending.remove(id) {
                        calls[at] = None;
                    }
                }
                _ => {}
            }
        }
        calls
            .into_iter()
            .flatten()
            .map(|(id, block)| {
                let (args, malformed) = block.read_args();
                let name = block.text_at("name").unwrap_or_default().to_owned();
                PendingCall { id: id.to_owned(), name, args, malformed }
            })
            .collect()
    }

    /// Gives every tool call an id that has none, so that each can be answered.
    pub fn ensure_call_ids(&mut self) {
        let lacks_id = |block: &Block| {
            block.kind == BlockKind::ToolCall && block.text_at("id").is_none_or(str::is_empty)
        };
        if !self.blocks.iter().any(|block| lacks_id(block)) {
            return;
        }
        for block in self.blocks.iter_mut().filter(|block| lacks_id(block)) {
            Arc::make_mut(block).payload.insert("id".to_owned(), crate::fresh_id().into());
        }
    }

    /// Answers every pending call with this error, so that the turn can be continued.
    pub fn close_pending_calls(&mut self, error: &str) {
        for call in self.pending_calls() {
            self.push(Block::tool_error(call.id, error));
        }
    }
}

impl Block {
    /// The arguments of a tool call: an empty object when the model gave none, and what a JSON text holds when they
    /// are still the text that the model wrote.
    #[must_use]
    pub fn call_args(&self) -> Value {
        self.read_args().0
    }

    fn read_args(&self) -> (Value, Option<String>) {
        match self.payload.get("args") {
            None | Some(Value::Null) => (json!({}), None),
            Some(Value::String(text)) if text.trim().is_empty() => (json!({}), None),
            Some(Value::String(text)) => match serde_json::from_str(text) {
                Ok(args) => (args, None),
                Err(error) => (Value::String(text.clone()), Some(error.to_string())),
            },
            Some(args) => (args.clone(), None),
        }
    }
}

/// The blocks that `after` has, by id, and `before` has not, in their order.
#[must_use]
pub fn added_blocks(before: &Turn, after: &Turn) -> Vec<Arc<Block>> {
    // A conversation grows at its end: what both share at the start needs no look-up.
    let shared = before
        .blocks
        .iter()
        .zip(&after.blocks)
        .take_while(|(a, b)| Arc::ptr_eq(a, b) || a.id == b.id)
        .count();
    let mut rest = after.blocks.iter().skip(shared).peekable();
    if rest.peek().is_none() {
        return Vec::new();
    }
    let known: HashSet<_> = before.blocks.iter().map(|block| &block.id).collect();
    rest.filter(|block| !known.contains(&block.id)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pending_ids(turn: &Turn) -> Vec<String> {
        turn.pending_calls().into_iter().map(|call| call.id).collect()
    }

    #[test]
    fn a_call_is_answered_only_by_a_later_result_of_its_id() {
        let turn = Turn::new()
            .with(Block::tool_result("a", &json!(1)))
            .with(Block::tool_call("a", "add", json!({})))
            .with(Block::tool_call("b", "add", json!({})))
            .with(Block::tool_result("b", &json!(2)));
        assert_eq!(pending_ids(&turn), ["a"]);
    }

    #[test]
    fn an_id_used_again_after_its_answer_is_pending_again_and_a_duplicate_is_one_call() {
        let turn = Turn::new()
            .with(Block::tool_call("a", "add", json!({})))
            .with(Block::tool_result("a", &json!(1)))
            .with(Block::tool_call("a", "add", json!({})))
            .with(Block::tool_call("a", "add", json!({})));
        assert_eq!(pending_ids(&turn), ["a"]);
    }

    #[test]
    fn closing_pending_calls_leaves_none() {
        let mut turn = Turn::new().with(Block::tool_call("a", "add", json!({})));
        turn.close_pending_calls("cancelled");
        assert!(turn.pending_calls().is_empty());
        assert_eq!(turn.blocks.last().unwrap().text_at("error"), Some("cancelled"));
    }

    #[test]
    fn added_blocks_are_told_by_id_even_when_earlier_ones_were_replaced() {
        let before = Turn::new().with(Block::system("a")).with(Block::user("b"));
        let mut after = before.clone();
        after.push_front_for_test(Block::system("c"));
        after.push(Block::assistant("d"));
        let texts: Vec<_> =
            added_blocks(&before, &after).iter().map(|block| block.text().unwrap().to_owned()).collect();
        assert_eq!(texts, ["c", "d"]);
    }

    impl Turn {
        fn push_front_for_test(&mut self, block: Block) {
            self.blocks.push_front(Arc::new(block));
        }
    }
}
