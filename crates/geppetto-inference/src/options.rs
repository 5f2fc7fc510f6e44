//! What a run starts from, and how.

use crate::{RunContext, RunToken};
use geppetto_events::EventSink;
use geppetto_turns::{Block, Map, Turn};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What a run starts from.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Seed {
    /// The latest turn of the session; the result replaces it.
    #[default]
    Latest,
    /// This turn as it is; the result joins the history.
    Turn(Turn),
    /// The latest turn plus these blocks, as a new turn; the result joins the history.
    Blocks(Vec<Block>),
}

impl From<Turn> for Seed {
    fn from(turn: Turn) -> Self {
        Self::Turn(turn)
    }
}

impl From<&str> for Seed {
    fn from(text: &str) -> Self {
        Self::Blocks(vec![Block::user(text)])
    }
}

impl From<String> for Seed {
    fn from(text: String) -> Self {
        Self::Blocks(vec![Block::user(text)])
    }
}

impl From<Block> for Seed {
    fn from(block: Block) -> Self {
        Self::Blocks(vec![block])
    }
}

impl From<Vec<Block>> for Seed {
    fn from(blocks: Vec<Block>) -> Self {
        Self::Blocks(blocks)
    }
}

/// How a run goes.
#[derive(Clone, Default)]
pub struct RunOptions {
    /// How long it may take; `None` and zero: as long as it wants.
    pub timeout: Option<Duration>,
    /// The application's tags: they stand in `run-started` and in every callback's context.
    pub tags: Option<Map>,
    /// Cancels the run.
    pub signal: Option<RunToken>,
    /// The trace the run belongs to.
    pub trace_id: Option<String>,
    /// Whether the partial turn of a failed run is committed as a result would be.
    pub keep_partial: bool,
    /// The run, or the part of one, inside which this one runs: its deadline and token hold for this one too.
    pub parent: Option<RunContext>,
    /// Sinks for this run, besides those of its session.
    pub sinks: Vec<Arc<dyn EventSink>>,
}

impl fmt::Debug for RunOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunOptions")
            .field("timeout", &self.timeout)
            .field("tags", &self.tags)
            .field("trace_id", &self.trace_id)
            .field("keep_partial", &self.keep_partial)
            .finish_non_exhaustive()
    }
}
