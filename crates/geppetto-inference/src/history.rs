//! The turns of a session, and what they take.

use geppetto_events::{Kept, MemoryMeter, json_size};
use geppetto_turns::{Blocks, Turn};
use std::ops::ControlFlow;
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
    pub(crate) fn new(turns: Vec<Turn>, meter: Option<Arc<dyn MemoryMeter>>, settings: usize) -> Self {
        let session = Kept::new(meter.clone(), SESSION_SIZE + settings);
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

    pub(crate) fn is_metered(&self) -> bool {
        self.meter.is_some()
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

/// What a turn takes that the one before it does not share.
pub(crate) fn own_size(before: Option<&Turn>, turn: &Turn) -> usize {
    let mut size = ENTRY_SIZE + json_size(&*turn.metadata) + json_size(&*turn.data);
    let before = before.map_or_else(Blocks::new, |before| before.blocks.clone());
    let _ = turn.blocks.changes(&before, |_, block| {
        size += ENTRY_SIZE + json_size(&block.payload) + json_size(&block.metadata);
        ControlFlow::Continue(())
    });
    size
}

#[cfg(test)]
mod tests {
    use super::*;
    use geppetto_turns::Block;
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
        let mut history = History::new(Vec::new(), Some(meter), 0);
        let empty = now();
        history.push(long.clone());
        let one = now() - empty;
        assert!(one > 1_000_000, "{one}");
        history.push(long.with(Block::user("y")));
        let two = now() - empty;
        assert!(two - one < 2000, "a block more took {}", two - one);
        let mut changed = history.latest().unwrap().clone();
        changed.blocks.set(3, Block::user("z".repeat(500_000)));
        history.replace_latest(changed);
        let three = now() - empty;
        assert!(three > two + 500_000, "{two} {three}");
        drop(history);
        assert_eq!(now(), 0);
    }
}
