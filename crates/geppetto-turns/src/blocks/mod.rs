//! The blocks of a turn: a persistent vector, made so that what one turn shares with another need not be looked at.
//!
//! A tree of nodes with sixteen places each, as in Clojure's vectors: changing one place copies the nodes above it and
//! shares all others, so a clone is O(1), appending and replacing O(log n), and two vectors of one origin differ only in
//! the nodes that [`Blocks::changes`] has to enter.

mod as_vector;

pub use as_vector::Iter;

use crate::Block;
use arrayvec::ArrayVec;
use std::ops::ControlFlow;
use std::sync::Arc;

/// How many bits of an index choose a place in a node.
const BITS: usize = 4;
/// How many places a node has.
const WIDTH: usize = 1 << BITS;

/// The blocks of a turn, oldest first. Cloning it is O(1), appending and replacing O(log n); inserting and splitting
/// take as long as what stands behind the place.
#[derive(Clone)]
pub struct Blocks {
    root: Arc<Node>,
    /// How many levels of branches stand above the leaves: no more than `len` needs.
    height: usize,
    len: usize,
}

#[derive(Clone)]
enum Node {
    Leaf(ArrayVec<Arc<Block>, WIDTH>),
    Branch(ArrayVec<Arc<Node>, WIDTH>),
}

/// Which place of a node of this height leads to an index.
const fn place(index: usize, height: usize) -> usize {
    (index >> (BITS * height)) & (WIDTH - 1)
}

/// How many blocks fit under a node of this height.
const fn room(height: usize) -> usize {
    WIDTH << (BITS * height)
}

impl Blocks {
    /// No blocks.
    #[must_use]
    pub fn new() -> Self {
        Self { root: Arc::new(Node::Leaf(ArrayVec::new())), height: 0, len: 0 }
    }

    /// How many blocks there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The block at this index, if there are so many.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&Arc<Block>> {
        let mut node = &*self.root;
        let mut height = self.height;
        if index >= self.len {
            return None;
        }
        loop {
            match node {
                Node::Leaf(blocks) => return blocks.get(place(index, 0)),
                Node::Branch(children) => node = children.get(place(index, height))?,
            }
            height -= 1;
        }
    }

    /// The last block, if there is one.
    #[must_use]
    pub fn last(&self) -> Option<&Arc<Block>> {
        self.get(self.len.checked_sub(1)?)
    }

    /// Appends a block.
    pub fn push(&mut self, block: impl Into<Arc<Block>>) {
        if self.len == room(self.height) {
            let below = std::mem::replace(&mut self.root, Arc::new(Node::Branch(ArrayVec::new())));
            if let Node::Branch(children) = Arc::make_mut(&mut self.root) {
                children.push(below);
            }
            self.height += 1;
        }
        Arc::make_mut(&mut self.root).push(self.height, self.len, block.into());
        self.len += 1;
    }

    /// Takes the last block away.
    pub fn pop(&mut self) -> Option<Arc<Block>> {
        let last = Arc::make_mut(&mut self.root).pop()?;
        self.len -= 1;
        while let Node::Branch(children) = &*self.root
            && self.len <= room(self.height - 1)
        {
            self.root = children[0].clone();
            self.height -= 1;
        }
        Some(last)
    }

    /// Puts another block in a block's place.
    ///
    /// # Panics
    /// If there is no block at this index.
    pub fn set(&mut self, index: usize, block: impl Into<Arc<Block>>) {
        assert!(index < self.len, "index {index} of {} blocks", self.len);
        let mut node = Arc::make_mut(&mut self.root);
        let mut height = self.height;
        loop {
            match node {
                Node::Leaf(blocks) => {
                    blocks[place(index, 0)] = block.into();
                    return;
                }
                Node::Branch(children) => node = Arc::make_mut(&mut children[place(index, height)]),
            }
            height -= 1;
        }
    }

    /// Puts a block before the one at this index, or at the end.
    ///
    /// # Panics
    /// If there are fewer than `index` blocks.
    pub fn insert(&mut self, index: usize, block: impl Into<Arc<Block>>) {
        let behind = self.split_off(index);
        self.push(block);
        self.extend(behind);
    }

    /// Takes away what stands at this index and behind.
    ///
    /// # Panics
    /// If there are fewer than `index` blocks.
    pub fn split_off(&mut self, index: usize) -> Vec<Arc<Block>> {
        assert!(index <= self.len, "index {index} of {} blocks", self.len);
        let mut behind: Vec<_> = (index..self.len).filter_map(|_| self.pop()).collect();
        behind.reverse();
        behind
    }

    /// Shows each block that is not the very one that `before` has in its place, with its index, in their order, until
    /// `see` breaks off. What both share is skipped node by node: a block appended, or replaced, costs O(log n) to find.
    pub fn changes<'a>(
        &'a self,
        before: &Self,
        mut see: impl FnMut(usize, &'a Arc<Block>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut old = &before.root;
        for _ in self.height..before.height {
            match &**old {
                Node::Branch(children) => old = &children[0],
                Node::Leaf(_) => {}
            }
        }
        changes(&self.root, Some((old, before.height.min(self.height))), self.height, 0, &mut see)
    }
}

impl Node {
    fn push(&mut self, height: usize, index: usize, block: Arc<Block>) {
        match self {
            Self::Leaf(blocks) => blocks.push(block),
            Self::Branch(children) => {
                let at = place(index, height);
                if at == children.len() {
                    children.push(Arc::new(match height {
                        1 => Self::Leaf(ArrayVec::new()),
                        _ => Self::Branch(ArrayVec::new()),
                    }));
                }
                Arc::make_mut(&mut children[at]).push(height - 1, index, block);
            }
        }
    }

    fn pop(&mut self) -> Option<Arc<Block>> {
        match self {
            Self::Leaf(blocks) => blocks.pop(),
            Self::Branch(children) => {
                let last = Arc::make_mut(children.last_mut()?);
                let popped = last.pop();
                if last.is_empty() {
                    children.pop();
                }
                popped
            }
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Leaf(blocks) => blocks.is_empty(),
            Self::Branch(children) => children.is_empty(),
        }
    }
}

/// Compares a node with the one in its place, which may stand lower: then it is the first of the first, and so on.
fn changes<'a>(
    node: &'a Arc<Node>,
    before: Option<(&Arc<Node>, usize)>,
    height: usize,
    base: usize,
    see: &mut impl FnMut(usize, &'a Arc<Block>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    if before.is_some_and(|(before, _)| Arc::ptr_eq(before, node)) {
        return ControlFlow::Continue(());
    }
    match &**node {
        Node::Leaf(blocks) => {
            let old = before.and_then(|(before, _)| match &**before {
                Node::Leaf(blocks) => Some(blocks),
                Node::Branch(_) => None,
            });
            let is_old = |at: usize, block| {
                old.and_then(|old| old.get(at)).is_some_and(|old: &Arc<Block>| Arc::ptr_eq(old, block))
            };
            let mut new = blocks.iter().enumerate().filter(|(at, block)| !is_old(*at, block));
            new.try_for_each(|(at, block)| see(base + at, block))
        }
        Node::Branch(children) => children.iter().enumerate().try_for_each(|(at, child)| {
            let before = before.and_then(|(before, below)| match &**before {
                _ if below < height => (at == 0).then_some((before, below)),
                Node::Branch(children) => children.get(at).map(|child| (child, below - 1)),
                Node::Leaf(_) => None,
            });
            changes(child, before, height - 1, base + (at << (BITS * height)), see)
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn block(n: usize) -> Arc<Block> {
        Arc::new(Block::user(n.to_string()))
    }

    fn changed(after: &Blocks, before: &Blocks) -> Vec<usize> {
        let mut places = Vec::new();
        let _ = after.changes(before, |at, _| {
            places.push(at);
            ControlFlow::Continue(())
        });
        places
    }

    #[derive(Debug, Clone)]
    enum Step {
        Push,
        Pop,
        Set(usize),
        Insert(usize),
        SplitOff(usize),
        Keep,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            8 => Just(Step::Push),
            2 => Just(Step::Pop),
            2 => any::<usize>().prop_map(Step::Set),
            1 => any::<usize>().prop_map(Step::Insert),
            1 => any::<usize>().prop_map(Step::SplitOff),
            1 => Just(Step::Keep),
        ]
    }

    proptest! {
        #[test]
        fn it_is_a_vector_whose_clones_keep_what_they_had(
            start in 0_usize..600, steps in prop::collection::vec(step(), 0..80)
        ) {
            let mut model: Vec<_> = (0..start).map(block).collect();
            let mut blocks: Blocks = model.iter().cloned().collect();
            let mut kept = vec![(blocks.clone(), model.clone())];
            for (n, step) in steps.into_iter().enumerate() {
                let new = block(10_000 + n);
                match step {
                    Step::Push => (blocks.push(new.clone()), model.push(new)).0,
                    Step::Pop => prop_assert_eq!(blocks.pop(), model.pop()),
                    Step::Set(at) if !model.is_empty() => {
                        let at = at % model.len();
                        blocks.set(at, new.clone());
                        model[at] = new;
                    }
                    Step::Insert(at) => {
                        let at = at % (model.len() + 1);
                        blocks.insert(at, new.clone());
                        model.insert(at, new);
                    }
                    Step::SplitOff(at) => {
                        let at = at % (model.len() + 1);
                        prop_assert_eq!(blocks.split_off(at), model.split_off(at));
                    }
                    Step::Set(_) => {}
                    Step::Keep => kept.push((blocks.clone(), model.clone())),
                }
                prop_assert_eq!(blocks.len(), model.len());
                prop_assert_eq!(blocks.last(), model.last());
            }
            kept.push((blocks, model));
            for (blocks, model) in &kept {
                prop_assert!(blocks.iter().eq(model.iter()));
                prop_assert!(blocks.iter().rev().eq(model.iter().rev()));
                prop_assert!(blocks.get(model.len()).is_none());
                for (other, its_model) in &kept {
                    let is_changed = |at: &usize| {
                        its_model.get(*at).is_none_or(|old| !Arc::ptr_eq(old, &model[*at]))
                    };
                    let expected: Vec<_> = (0..model.len()).filter(is_changed).collect();
                    prop_assert_eq!(changed(blocks, other), expected);
                    prop_assert_eq!(blocks == other, model == its_model);
                }
            }
        }
    }

    #[test]
    fn what_two_of_one_origin_share_is_never_entered() {
        let long: Blocks = (0..100_000).map(block).collect();
        let mut longer = long.clone();
        longer.push(block(1));
        longer.set(50_000, block(2));
        assert_eq!(changed(&longer, &long), [50_000, 100_000]);
        let shared = |blocks: &Blocks| Arc::strong_count(blocks.get(0).unwrap());
        assert_eq!((shared(&long), shared(&longer)), (1, 1), "the first leaf is one leaf, of both");
    }
}
