//! The conversation so far.

use crate::{Block, BlockKind, Blocks, Map, TurnId};
use std::sync::Arc;

/// The conversation so far: blocks, metadata about it, and data for engines and middleware.
///
/// Clones share everything until one of them changes it, and then all but what changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// Unique within the session.
    pub id: TurnId,
    /// What was said, oldest first.
    pub blocks: Blocks,
    /// What is known about the turn; keys are typed, see [`turn_metadata`](crate::turn_metadata).
    pub metadata: Arc<Map>,
    /// Settings for engines and middleware; keys are typed, see [`turn_data`](crate::turn_data).
    pub data: Arc<Map>,
}

impl Turn {
    /// An empty turn with a fresh id.
    #[must_use]
    pub fn new() -> Self {
        Self { id: TurnId::fresh(), blocks: Blocks::new(), metadata: Arc::default(), data: Arc::default() }
    }

    /// The turn with one block more.
    #[must_use]
    pub fn with(mut self, block: Block) -> Self {
        self.push(block);
        self
    }

    /// Appends a block.
    pub fn push(&mut self, block: Block) {
        self.blocks.push(block);
    }

    /// Whether there is nothing in it that a model could answer.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// What the model said last.
    #[must_use]
    pub fn last_assistant_text(&self) -> Option<&str> {
        self.blocks.iter().rev().find(|block| block.kind == BlockKind::LlmText)?.text()
    }

    /// The metadata, to change it. Other turns that share it keep what they have.
    pub fn metadata_mut(&mut self) -> &mut Map {
        Arc::make_mut(&mut self.metadata)
    }

    /// The data, to change it. Other turns that share it keep what they have.
    pub fn data_mut(&mut self) -> &mut Map {
        Arc::make_mut(&mut self.data)
    }
}

impl Default for Turn {
    fn default() -> Self {
        Self::new()
    }
}

impl FromIterator<Block> for Turn {
    fn from_iter<I: IntoIterator<Item = Block>>(blocks: I) -> Self {
        let mut turn = Self::new();
        turn.blocks.extend(blocks.into_iter().map(Arc::new));
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_their_blocks_until_one_changes() {
        let turn: Turn = (0..100).map(|n| Block::user(n.to_string())).collect();
        let mut longer = turn.clone();
        longer.push(Block::user("one more"));
        assert_eq!(turn.blocks.len(), 100);
        assert_eq!(longer.blocks.len(), 101);
        assert!(turn.blocks.iter().zip(&longer.blocks).all(|(a, b)| Arc::ptr_eq(a, b)));
    }

    #[test]
    fn changing_metadata_of_a_clone_leaves_the_original_alone() {
        let turn = Turn::new();
        let mut other = turn.clone();
        other.metadata_mut().insert("app.note@v1".into(), "x".into());
        assert!(turn.metadata.is_empty());
    }
}
