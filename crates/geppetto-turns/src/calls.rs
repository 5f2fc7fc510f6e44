//! Tool calls of a turn: which wait for an answer, and which blocks a step has added.

use crate::{Block, BlockId, BlockKind, Turn};
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

    /// Gives a fresh id to every block that was put behind those of `before` and repeats an id: what is told of blocks goes
    /// by their ids.
    pub fn ensure_unique_ids(&mut self, before: &Self) {
        let kept = shared(before, self);
        if kept == self.blocks.len() {
            return;
        }
        let mut known = HashSet::new();
        let ids = self.blocks.iter().enumerate();
        let repeated = ids.filter(|(at, block)| !known.insert(&block.id) && *at >= kept);
        let repeated: Vec<_> = repeated.map(|(at, block)| (at, Block::clone(block))).collect();
        for (at, block) in repeated {
            self.blocks.set(at, Arc::new(Block { id: BlockId::fresh(), ..block }));
        }
    }

    /// Answers every pending call with this error, so that the turn can be continued. The results at the turn's end stand
    /// in the order of their calls.
    pub fn close_pending_calls(&mut self, error: &str) {
        let pending = self.pending_calls();
        if pending.is_empty() {
            return;
        }
        for call in pending {
            self.push(Block::tool_error(call.id, error));
        }
        let is_result = |block: &&Arc<Block>| block.kind == BlockKind::ToolUse;
        let results = self.blocks.iter().rev().take_while(is_result).count();
        let mut results: Vec<_> = self.blocks.split_off(self.blocks.len() - results).into_iter().collect();
        let calls = self.blocks.iter().enumerate().filter(|(_, block)| block.kind == BlockKind::ToolCall);
        let order: HashMap<_, _> = calls.map(|(at, block)| (block.text_at("id"), at)).collect();
        results.sort_by_key(|block| order.get(&block.text_at("id")).copied());
        self.blocks.extend(results);
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
    let mut rest = after.blocks.iter().skip(shared(before, after)).peekable();
    if rest.peek().is_none() {
        return Vec::new();
    }
    let known: HashSet<_> = before.blocks.iter().map(|block| &block.id).collect();
    rest.filter(|block| !known.contains(&block.id)).cloned().collect()
}

/// How many blocks both have at their start. A conversation grows at its end: they need no look-up.
fn shared(before: &Turn, after: &Turn) -> usize {
    let pairs = before.blocks.iter().zip(&after.blocks);
    pairs.take_while(|(a, b)| Arc::ptr_eq(a, b) || a.id == b.id).count()
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
    fn closing_pending_calls_keeps_results_in_the_order_of_their_calls() {
        let mut turn = Turn::new()
            .with(Block::tool_result("x", &json!(0)))
            .with(Block::tool_call("a", "add", json!({})))
            .with(Block::tool_call("b", "add", json!({})))
            .with(Block::tool_call("c", "add", json!({})))
            .with(Block::tool_result("b", &json!(2)));
        turn.close_pending_calls("cancelled");
        let results = turn.blocks.iter().filter(|block| block.kind == BlockKind::ToolUse);
        let ids: Vec<_> = results.map(|block| block.text_at("id").unwrap()).collect();
        assert_eq!(ids, ["x", "a", "b", "c"]);
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

    #[test]
    fn a_block_that_repeats_an_id_gets_its_own_and_those_that_were_there_keep_theirs() {
        let block = |text: &str| Block { id: "same".into(), ..Block::assistant(text) };
        let before = Turn::new().with(block("a")).with(block("b"));
        let mut after = before.clone().with(block("c"));
        assert!(added_blocks(&before, &after).is_empty());
        after.ensure_unique_ids(&before);
        let texts: Vec<_> =
            added_blocks(&before, &after).iter().map(|block| block.text().unwrap().to_owned()).collect();
        assert_eq!(texts, ["c"]);
        assert_eq!((after.blocks[0].id.as_str(), after.blocks[1].id.as_str()), ("same", "same"));
    }

    impl Turn {
        fn push_front_for_test(&mut self, block: Block) {
            self.blocks.push_front(Arc::new(block));
        }
    }
}
