//! Decides what the loop does next. No I/O, no waiting.

use crate::LoopConfig;
use geppetto_turns::{PendingCall, Turn};

/// What the loop does next.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    CallEngine,
    RunTools(Vec<PendingCall>),
    Complete,
    /// The engine would have to be called more often than it may.
    GiveUp,
}

/// What the loop has done so far.
#[derive(Debug, Default)]
pub(super) struct Progress {
    pub(super) iterations: u32,
    last: Last,
    /// A tool of `stop_at_tools` was called.
    stop: bool,
}

#[derive(Debug, Default, PartialEq)]
enum Last {
    #[default]
    Seed,
    Engine,
    Tools,
}

impl Progress {
    pub(super) fn engine_called(&mut self) {
        self.iterations += 1;
        self.last = Last::Engine;
    }

    /// Calls were answered; these tools were called for it.
    pub(super) fn tools_ran(&mut self, called: &[String], config: &LoopConfig) {
        self.last = Last::Tools;
        self.stop |= called.iter().any(|tool| config.stop_at_tools.contains(tool));
    }

    /// The next step for a turn in this state.
    pub(super) fn next(&self, turn: &Turn, config: &LoopConfig) -> Step {
        if !config.enabled {
            return if self.iterations == 0 { Step::CallEngine } else { Step::Complete };
        }
        let pending = turn.pending_calls();
        if !pending.is_empty() {
            return Step::RunTools(pending);
        }
        if self.stop || self.last == Last::Engine {
            return Step::Complete;
        }
        if self.iterations >= config.max_iterations.max(1) { Step::GiveUp } else { Step::CallEngine }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use geppetto_turns::Block;
    use serde_json::json;

    fn asking() -> Turn {
        Turn::new().with(Block::user("hi")).with(Block::tool_call("a", "add", json!({})))
    }

    #[test]
    fn calls_pending_in_the_seed_run_before_the_engine() {
        let config = LoopConfig::default();
        let progress = Progress::default();
        assert!(matches!(progress.next(&asking(), &config), Step::RunTools(calls) if calls.len() == 1));
        assert_eq!(progress.next(&Turn::new().with(Block::user("hi")), &config), Step::CallEngine);
    }

    #[test]
    fn an_answer_without_calls_completes_the_run() {
        let mut progress = Progress::default();
        progress.engine_called();
        assert_eq!(progress.next(&Turn::new(), &LoopConfig::default()), Step::Complete);
    }

    #[test]
    fn past_the_limit_of_iterations_the_loop_gives_up_with_its_calls_answered() {
        let config = LoopConfig { max_iterations: 1, ..LoopConfig::default() };
        let mut progress = Progress::default();
        progress.engine_called();
        assert!(matches!(progress.next(&asking(), &config), Step::RunTools(_)));
        progress.tools_ran(&["add".to_owned()], &config);
        assert_eq!(progress.next(&Turn::new(), &config), Step::GiveUp);
    }

    #[test]
    fn a_tool_to_stop_at_completes_the_run_once_it_was_called() {
        let config =
            LoopConfig { max_iterations: 1, stop_at_tools: vec!["add".into()], ..LoopConfig::default() };
        let mut progress = Progress::default();
        progress.engine_called();
        progress.tools_ran(&["add".to_owned()], &config);
        assert_eq!(progress.next(&Turn::new(), &config), Step::Complete);
    }

    #[test]
    fn without_tools_the_run_completes_with_its_calls_pending() {
        let config = LoopConfig { enabled: false, ..LoopConfig::default() };
        let mut progress = Progress::default();
        assert_eq!(progress.next(&asking(), &config), Step::CallEngine);
        progress.engine_called();
        assert_eq!(progress.next(&asking(), &config), Step::Complete);
    }
}
