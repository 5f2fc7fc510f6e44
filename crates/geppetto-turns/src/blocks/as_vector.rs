//! What any vector can do.

use super::Blocks;
use crate::Block;
use std::fmt;
use std::ops::{ControlFlow, Index, Range};
use std::sync::Arc;

impl Blocks {
    /// The blocks in their order.
    #[must_use]
    pub const fn iter(&self) -> Iter<'_> {
        Iter { blocks: self, places: 0..self.len() }
    }
}

/// The blocks of a turn in their order.
#[derive(Clone)]
pub struct Iter<'a> {
    blocks: &'a Blocks,
    places: Range<usize>,
}

impl<'a> Iterator for Iter<'a> {
    type Item = &'a Arc<Block>;

    fn next(&mut self) -> Option<Self::Item> {
        self.blocks.get(self.places.next()?)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.places.size_hint()
    }

    fn nth(&mut self, n: usize) -> Option<Self::Item> {
        self.blocks.get(self.places.nth(n)?)
    }
}

impl DoubleEndedIterator for Iter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.blocks.get(self.places.next_back()?)
    }
}

impl ExactSizeIterator for Iter<'_> {}

impl<'a> IntoIterator for &'a Blocks {
    type Item = &'a Arc<Block>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl Index<usize> for Blocks {
    type Output = Arc<Block>;

    fn index(&self, index: usize) -> &Arc<Block> {
        self.get(index).unwrap_or_else(|| panic!("index {index} of {} blocks", self.len()))
    }
}

impl Extend<Arc<Block>> for Blocks {
    fn extend<I: IntoIterator<Item = Arc<Block>>>(&mut self, blocks: I) {
        blocks.into_iter().for_each(|block| self.push(block));
    }
}

impl FromIterator<Arc<Block>> for Blocks {
    fn from_iter<I: IntoIterator<Item = Arc<Block>>>(blocks: I) -> Self {
        let mut all = Self::new();
        all.extend(blocks);
        all
    }
}

impl PartialEq for Blocks {
    fn eq(&self, other: &Self) -> bool {
        let equal = |at: usize, block: &Arc<Block>| match other.get(at) == Some(block) {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        };
        self.len() == other.len() && self.changes(other, equal).is_continue()
    }
}

impl Default for Blocks {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Blocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}
