//! The tool loop: pending calls, then the engine, then what it asked for, until nothing is pending.

mod config;
mod driver;
mod step;

pub use config::LoopConfig;
pub use driver::{SessionHooks, SessionSteps, SessionTools, ToolLoop, ToolLoopFactory};
