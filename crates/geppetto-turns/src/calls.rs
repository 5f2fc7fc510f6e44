//! Tool calls of a turn: which wait for an answer, and which blocks a step has added.

use crate::{Block, BlockId, BlockKind, Turn};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
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

    /// Gives every tool call an id that has none, so that each can be answered; only to those that stand behind what the
    /// turn shares with `before`, which had theirs.
    pub fn ensure_call_ids(&mut self, before: Option<&Self>) {
        self.ensure_call_ids_from(before.map_or(0, |before| shared(before, self)));
    }

    fn ensure_call_ids_from(&mut self, kept: usize) {
        let lacks_id = |block: &Block| {
            block.kind == BlockKind::ToolCall && block.text_at("id").is_none_or(str::is_empty)
        };
        for at in kept..self.blocks.len() {
            if lacks_id(&self.blocks[at]) {
                let mut block = Block::clone(&self.blocks[at]);
                block.payload.insert("id".to_owned(), crate::fresh_id().into());
                self.blocks.set(at, block);
            }
        }
    }

    /// Sees to what was put behind the blocks of `before`: tool calls without an id get one, and so does every block that
    /// repeats the id of another, because what is told of blocks goes by their ids. Returns the blocks that `before` has
    /// not, by id, in their order.
    pub fn settle_added(&mut self, before: &Self) -> Vec<Arc<Block>> {
        let kept = shared(before, self);
        self.ensure_call_ids_from(kept);
        let mut behind = kept..self.blocks.len();
        if !behind.all(|at| is_new(before, kept, &self.blocks[at])) {
            let mut known = HashSet::new();
            let ids = self.blocks.iter().enumerate();
            let repeated = ids.filter(|(at, block)| !known.insert(&block.id) && *at >= kept);
            let repeated: Vec<_> = repeated.map(|(at, block)| (at, Block::clone(block))).collect();
            for (at, block) in repeated {
                self.blocks.set(at, Block { id: BlockId::fresh(), ..block });
            }
        }
        added_behind(kept, before, self)
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
        let mut results = self.blocks.split_off(self.blocks.len() - results);
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
    added_behind(shared(before, after), before, after)
}

fn added_behind(kept: usize, before: &Turn, after: &Turn) -> Vec<Arc<Block>> {
    let mut known: Option<HashSet<&BlockId>> = None;
    let mut is_known = |block: &Block| {
        let known = known.get_or_insert_with(|| before.blocks.iter().map(|block| &block.id).collect());
        known.contains(&block.id)
    };
    let rest = (kept..after.blocks.len()).map(|at| &after.blocks[at]);
    rest.filter(|block| is_new(before, kept, block) || !is_known(block)).cloned().collect()
}

/// Whether a block behind the `kept` ones can be told to be new without looking at all of `before`: that stands at the
/// turn's start, and nobody else holds the block or its id.
fn is_new(before: &Turn, kept: usize, block: &Arc<Block>) -> bool {
    kept == before.blocks.len() && Arc::strong_count(block) == 1 && block.id.is_unique()
}

/// How many blocks both have at their start.
fn shared(before: &Turn, after: &Turn) -> usize {
    let mut most = before.blocks.len().min(after.blocks.len());
    let _ = after.blocks.changes(&before.blocks, |at, block| {
        if before.blocks.get(at).is_some_and(|old| old.id == block.id) {
            return ControlFlow::Continue(());
        }
        most = most.min(at);
        ControlFlow::Break(())
    });
    most
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
        after.settle_added(&before);
        let texts: Vec<_> =
            added_blocks(&before, &after).iter().map(|block| block.text().unwrap().to_owned()).collect();
        assert_eq!(texts, ["c"]);
        assert_eq!((after.blocks[0].id.as_str(), after.blocks[1].id.as_str()), ("same", "same"));
    }

    impl Turn {
        fn push_front_for_test(&mut self, block: Block) {
            self.blocks.insert(0, block);
        }
    }
}
