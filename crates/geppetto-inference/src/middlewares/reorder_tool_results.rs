//! Puts tool results where providers want them.

use crate::{InferenceError, Middleware, Next, RunContext};
use async_trait::async_trait;
use geppetto_turns::{Block, BlockKind, Blocks, Turn};
use std::sync::Arc;

/// Makes each group of tool calls be followed by its results, in the order of the calls. Loses no block: a result
/// without a call stays where it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReorderToolResults;

#[async_trait]
impl Middleware for ReorderToolResults {
    fn name(&self) -> Arc<str> {
        "reorderToolResults".into()
    }

    async fn handle(&self, mut turn: Turn, next: Next, _ctx: &RunContext) -> Result<Turn, InferenceError> {
        turn.blocks = reordered(&turn.blocks);
        next.call(turn).await
    }
}

fn reordered(blocks: &Blocks) -> Blocks {
    let mut taken = vec![false; blocks.len()];
    let mut ordered = Blocks::new();
    let mut at = 0;
    while at < blocks.len() {
        if !taken[at] {
            ordered.push(blocks[at].clone());
        }
        let ends_group = |next: Option<&Arc<Block>>| next.is_none_or(|next| next.kind != BlockKind::ToolCall);
        if blocks[at].kind == BlockKind::ToolCall && ends_group(blocks.get(at + 1)) {
            let group =
                (0..=at).rev().take_while(|&i| blocks[i].kind == BlockKind::ToolCall).last().unwrap_or(at);
            for call in group..=at {
                let id = blocks[call].text_at("id");
                let of_call = |i: &usize| !taken[*i] && blocks[*i].text_at("id") == id;
                let next = (at + 1..blocks.len()).find(of_call);
                // A result that follows a later call of this id answers that one as well: it stays behind it.
                if let Some(result) = next.filter(|&next| blocks[next].kind == BlockKind::ToolUse) {
                    taken[result] = true;
                    ordered.push(blocks[result].clone());
                }
            }
        }
        at += 1;
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shape(blocks: &Blocks) -> String {
        let label = |block: &Arc<Block>| match block.kind {
            BlockKind::ToolCall => format!("call {}", block.text_at("id").unwrap()),
            BlockKind::ToolUse => format!("result {}", block.text_at("id").unwrap()),
            _ => block.text().unwrap().to_owned(),
        };
        blocks.iter().map(label).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn a_result_of_two_calls_of_one_id_stays_behind_both() {
        let turn: Turn = [
            Block::tool_call("a", "t", json!({})),
            Block::user("meanwhile"),
            Block::tool_call("a", "t", json!({})),
            Block::user("and"),
            Block::tool_result("a", &json!(1)),
        ]
        .into_iter()
        .collect();
        assert_eq!(shape(&reordered(&turn.blocks)), "call a, meanwhile, call a, result a, and");
    }

    #[test]
    fn each_group_of_calls_is_followed_by_its_results_in_order_and_nothing_is_lost() {
        let turn: Turn = [
            Block::tool_call("a", "t", json!({})),
            Block::tool_call("b", "t", json!({})),
            Block::user("meanwhile"),
            Block::tool_result("b", &json!(2)),
            Block::tool_result("x", &json!(0)),
            Block::tool_result("a", &json!(1)),
            Block::tool_call("a", "t", json!({})),
            Block::tool_result("a", &json!(3)),
        ]
        .into_iter()
        .collect();
        assert_eq!(
            shape(&reordered(&turn.blocks)),
            "call a, call b, result a, result b, meanwhile, result x, call a, result a"
        );
    }
}
