//! The turns of a session, and what they take.

use geppetto_events::{Kept, MemoryMeter, json_size};
use geppetto_turns::{Block, Turn};
use std::sync::Arc;

/// About as many bytes as a session takes beside its turns.
const SESSION_SIZE: usize = 4096;
/// About as many bytes as a block, or a turn, takes beside what it says.
const ENTRY_SIZE: usize = 256;

/// The turns of a session, oldest first.
pub(crate) struct History {
    turns: Vec<Turn>,
    meter: Option<Arc<dyn MemoryMeter>>,
    /// What each turn takes that the one before it does not share; empty without a meter.
    kept: Vec<Kept>,
    _session: Kept,
}

impl History {
    pub(crate) fn new(turns: Vec<Turn>, meter: Option<Arc<dyn MemoryMeter>>) -> Self {
        let session = Kept::new(meter.clone(), SESSION_SIZE);
        let mut history = Self { turns: Vec::new(), meter, kept: Vec::new(), _session: session };
        for mut turn in turns {
            turn.ensure_call_ids(history.latest());
            history.push(turn);
        }
        history
    }

    pub(crate) fn meter(&self) -> Option<Arc<dyn MemoryMeter>> {
        self.meter.clone()
    }

    pub(crate) fn turns(&self) -> &[Turn] {
        &self.turns
    }

    pub(crate) fn latest(&self) -> Option<&Turn> {
        self.turns.last()
    }

    pub(crate) fn push(&mut self, turn: Turn) {
        if let Some(meter) = &self.meter {
            self.kept.push(Kept::new(Some(meter.clone()), own_size(self.turns.last(), &turn)));
        }
        self.turns.push(turn);
    }

    /// Puts a turn in the place of the latest, if there is one.
    pub(crate) fn replace_latest(&mut self, turn: Turn) {
        self.turns.pop();
        self.kept.pop();
        self.push(turn);
    }
}

/// What a turn takes that the one before it does not share. Turns are cumulative, and what they share they share in
/// whole leaves of their vectors: so this takes as long as what is new, and little for what is not.
fn own_size(before: Option<&Turn>, turn: &Turn) -> usize {
    let mut known = before.map(|before| before.blocks.leaves()).into_iter().flatten();
    let blocks = turn.blocks.leaves().map(|leaf| match known.next() {
        Some(shared) if std::ptr::eq(shared, leaf) => 0,
        Some(shared) => new_in(shared, leaf),
        None => new_in(&[], leaf),
    });
    let maps = [&turn.metadata, &turn.data].map(|map| json_size(&**map));
    ENTRY_SIZE + blocks.sum::<usize>() + maps.iter().sum::<usize>()
}

fn new_in(shared: &[Arc<Block>], leaf: &[Arc<Block>]) -> usize {
    let is_shared =
        |at: usize, block: &Arc<Block>| shared.get(at).is_some_and(|known| Arc::ptr_eq(known, block));
    let new = leaf.iter().enumerate().filter(|(at, block)| !is_shared(*at, block));
    new.map(|(_, block)| ENTRY_SIZE + json_size(&block.payload) + json_size(&block.metadata)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl MemoryMeter for Count {
        fn add(&self, bytes: usize) {
            self.0.fetch_add(bytes, Ordering::Relaxed);
        }

        fn remove(&self, bytes: usize) {
            self.0.fetch_sub(bytes, Ordering::Relaxed);
        }
    }

    #[test]
    fn turns_count_what_they_do_not_share_and_give_it_back() {
        let count = Arc::new(Count::default());
        let now = || count.0.load(Ordering::Relaxed);
        let long: Turn = (0..1000).map(|_| Block::user("x".repeat(1000))).collect();
        let meter: Arc<dyn MemoryMeter> = count.clone();
        let mut history = History::new(Vec::new(), Some(meter));
        let empty = now();
        history.push(long.clone());
        let one = now() - empty;
        assert!(one > 1_000_000, "{one}");
        history.push(long.with(Block::user("y")));
        let two = now() - empty;
        assert!(two - one < 2000, "a block more took {}", two - one);
        let mut changed = history.latest().unwrap().clone();
        changed.blocks.set(3, Arc::new(Block::user("z".repeat(500_000))));
        history.replace_latest(changed);
        let three = now() - empty;
        assert!(three > two + 500_000, "{two} {three}");
        drop(history);
        assert_eq!(now(), 0);
    }
}
