//! Ready-made middlewares.

mod reorder_tool_results;
mod system_prompt;
mod turn_logging;

pub use reorder_tool_results::ReorderToolResults;
pub use system_prompt::SystemPrompt;
pub use turn_logging::TurnLogging;
