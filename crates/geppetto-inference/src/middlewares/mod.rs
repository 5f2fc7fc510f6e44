//! Ready-made middlewares.

mod reorder_tool_results;
mod system_prompt;

pub use reorder_tool_results::ReorderToolResults;
pub use system_prompt::SystemPrompt;
