//! Gives the model its instructions.

use crate::{InferenceError, Middleware, Next, RunContext};
use async_trait::async_trait;
use geppetto_turns::{Block, BlockKind, Turn};
use std::sync::Arc;

/// Replaces the text of the first system block, or puts one first.
#[derive(Debug, Clone)]
pub struct SystemPrompt {
    prompt: String,
}

impl SystemPrompt {
    /// A middleware that gives the model this prompt.
    #[must_use]
    pub fn new(prompt: impl Into<String>) -> Self {
        Self { prompt: prompt.into() }
    }

    fn apply(&self, turn: &mut Turn) {
        match turn.blocks.iter().position(|block| block.kind == BlockKind::System) {
            None => turn.blocks.insert(0, Block::system(&*self.prompt)),
            // An equal block stays the very block it is, so that nothing is copied from run to run.
            Some(at) if turn.blocks[at].text() == Some(&*self.prompt) => {}
            Some(at) => {
                let mut block = (*turn.blocks[at]).clone();
                block.payload.insert("text".to_owned(), self.prompt.clone().into());
                turn.blocks.set(at, block);
            }
        }
    }
}

#[async_trait]
impl Middleware for SystemPrompt {
    fn name(&self) -> Arc<str> {
        "systemPrompt".into()
    }

    async fn handle(&self, mut turn: Turn, next: Next, _ctx: &RunContext) -> Result<Turn, InferenceError> {
        self.apply(&mut turn);
        next.call(turn).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_system_block_gets_the_prompt_and_one_is_put_first_where_there_is_none() {
        let mut turn = Turn::new().with(Block::user("hi"));
        SystemPrompt::new("one").apply(&mut turn);
        let id = turn.blocks[0].id.clone();
        SystemPrompt::new("two").apply(&mut turn);
        assert_eq!(turn.blocks.len(), 2);
        assert_eq!(turn.blocks[0].text(), Some("two"));
        assert_eq!(turn.blocks[0].id, id);
        let same = turn.blocks[0].clone();
        SystemPrompt::new("two").apply(&mut turn);
        assert!(Arc::ptr_eq(&turn.blocks[0], &same));
    }
}
