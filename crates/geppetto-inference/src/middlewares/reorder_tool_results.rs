//! Puts tool results where providers want them.

use crate::{InferenceError, Middleware, Next, RunContext};
use async_trait::async_trait;
use geppetto_turns::{BlockKind, Blocks, Turn};
use std::collections::HashMap;
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
    // Where the calls and results of an id stand, the nearest last.
    let mut places: HashMap<Option<&str>, Vec<usize>> = HashMap::new();
    for (at, block) in blocks.iter().enumerate().rev() {
        if matches!(block.kind, BlockKind::ToolCall | BlockKind::ToolUse) {
            places.entry(block.text_at("id")).or_default().push(at);
        }
    }
    let mut taken = vec![false; blocks.len()];
    let mut ordered = Blocks::new();
    let mut group = 0;
    for at in 0..blocks.len() {
        let is_call = |at: usize| blocks.get(at).is_some_and(|block| block.kind == BlockKind::ToolCall);
        if !taken[at] {
            ordered.push(blocks[at].clone());
        }
        if !is_call(at) {
            group = at + 1;
        } else if !is_call(at + 1) {
            for call in group..=at {
                let Some(places) = places.get_mut(&blocks[call].text_at("id")) else { continue };
                while places.last().is_some_and(|&place| place <= at || taken[place]) {
                    places.pop();
                }
                // A result that follows a later call of this id answers that one as well: it stays behind it.
                if let Some(&result) =
                    places.last().filter(|&&place| blocks[place].kind == BlockKind::ToolUse)
                {
                    taken[result] = true;
                    ordered.push(blocks[result].clone());
                }
            }
        }
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;
    use geppetto_turns::Block;
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
