//! Does what [`step`](super::step) decides, and waits for it.

use super::LoopConfig;
use super::step::{Progress, Step};
use crate::executor::{Answered, Executor, result_info};
use crate::hooks::ToolHooks;
use crate::registry::ToolSet;
use crate::step_mode::{PausePhase, StepController};
use crate::{ToolErrorHandling, ToolRegistry};
use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::lock::Mutex;
use geppetto_events::EventBody;
use geppetto_inference::{
    EngineChain, InferenceError, InferenceRunner, RunContext, RunnerFactory, SessionBuilder,
};
use geppetto_turns::{Block, PendingCall, Turn, turn_data};
use serde_json::Value;
use std::pin::pin;
use std::sync::Arc;

/// Drives an engine and its tools to the end of a run.
pub struct ToolLoop {
    chain: EngineChain,
    settings: ToolLoopFactory,
    /// What the registry held when the run began.
    tools: ToolSet,
}

/// The tools, settings and hooks of a session that is being built.
#[derive(Clone)]
pub struct ToolLoopFactory {
    registry: ToolRegistry,
    config: LoopConfig,
    hooks: Option<Arc<dyn ToolHooks>>,
    steps: Option<StepController>,
}

impl RunnerFactory for ToolLoopFactory {
    fn runner(self, chain: EngineChain) -> Arc<dyn InferenceRunner> {
        Arc::new(ToolLoop { chain, tools: self.registry.snapshot(), settings: self })
    }
}

/// Adds tools to a session builder.
pub trait SessionTools {
    /// The session runs the tools of `registry` that its model asks for.
    fn tools(self, registry: ToolRegistry, config: LoopConfig) -> SessionBuilder<ToolLoopFactory>;
}

impl<F> SessionTools for SessionBuilder<F> {
    fn tools(self, registry: ToolRegistry, config: LoopConfig) -> SessionBuilder<ToolLoopFactory> {
        self.map_factory(|_| ToolLoopFactory { registry, config, hooks: None, steps: None })
    }
}

/// Adds hooks to a session builder that has tools.
pub trait SessionHooks {
    /// These hooks look at every tool call.
    #[must_use]
    fn hooks(self, hooks: Arc<dyn ToolHooks>) -> Self;
}

impl SessionHooks for SessionBuilder<ToolLoopFactory> {
    fn hooks(self, hooks: Arc<dyn ToolHooks>) -> Self {
        self.map_factory(|factory| ToolLoopFactory { hooks: Some(hooks), ..factory })
    }
}

/// Adds step mode to a session builder that has tools.
pub trait SessionSteps {
    /// The controller pauses the session's runs, once it is enabled for the session.
    #[must_use]
    fn steps(self, controller: StepController) -> Self;
}

impl SessionSteps for SessionBuilder<ToolLoopFactory> {
    fn steps(self, controller: StepController) -> Self {
        self.map_factory(|factory| ToolLoopFactory { steps: Some(controller), ..factory })
    }
}

#[async_trait]
impl InferenceRunner for ToolLoop {
    fn begun(&self) -> Option<Arc<dyn InferenceRunner>> {
        let (chain, settings) = (self.chain.clone(), self.settings.clone());
        Some(Arc::new(Self { chain, tools: settings.registry.snapshot(), settings }))
    }

    async fn run(&self, mut turn: Turn, ctx: &RunContext) -> Result<Turn, InferenceError> {
        let config = &self.settings.config;
        if config.enabled {
            offer(&mut turn, &self.tools, config);
        }
        let mut progress = Progress::default();
        loop {
            ctx.check()?;
            match progress.next(&turn, config) {
                Step::CallEngine => {
                    turn = self.chain.call(turn, ctx).await?;
                    progress.engine_called();
                    ctx.checkpoint(&turn);
                    let pending = turn.pending_calls();
                    if config.enabled && !pending.is_empty() {
                        self.pause(PausePhase::AfterInference, &pending, ctx).await;
                    }
                }
                Step::RunTools(calls) => {
                    let called;
                    (turn, called) = self.run_tools(turn, &calls, ctx).await?;
                    progress.tools_ran(&called, config);
                    self.pause(PausePhase::AfterTools, &calls, ctx).await;
                }
                Step::Complete => return Ok(turn),
                Step::GiveUp => {
                    let max_iterations = progress.iterations;
                    return Err(InferenceError::MaxIterations { max_iterations });
                }
            }
            ctx.sinks_caught_up().await;
        }
    }
}

impl ToolLoop {
    /// Waits for whoever steps through the run, if anybody does.
    async fn pause(&self, phase: PausePhase, calls: &[PendingCall], ctx: &RunContext) {
        if let Some(steps) = &self.settings.steps {
            let names: Vec<&str> = calls.iter().map(|call| call.name.as_str()).collect();
            steps.pause(phase, &names, ctx).await;
        }
    }

    /// Runs the calls and appends their results in the order of the calls. Tells also which tools were called.
    async fn run_tools(
        &self,
        turn: Turn,
        calls: &[PendingCall],
        ctx: &RunContext,
    ) -> Result<(Turn, Vec<String>), InferenceError> {
        let ToolLoopFactory { config, hooks, .. } = &self.settings;
        let tools = &self.tools;
        let executor = Executor { ctx, tools, config, hooks: hooks.as_deref(), hook_turn: Mutex::new(()) };
        let mut results: Vec<Option<Arc<Block>>> = vec![None; calls.len()];
        // The turn with the results that nothing is missing before, and how many they are.
        let (mut turn, mut appended) = (turn, 0);
        let mut all_called = Vec::new();
        let mut answers = pin!(executor.run(calls.to_vec()));
        while let Some(Answered { index, call, called, result }) = answers.next().await {
            all_called.extend(called);
            let tool_result = result_info(&call.id, &call.name, &result);
            let _ = ctx.publish(EventBody::ToolResult { tool_result });
            results[index] = Some(Arc::new(match &result {
                Ok(value) => Block::tool_result(&*call.id, value),
                Err(error) => Block::tool_error(&*call.id, error.to_string()),
            }));
            while let Some(Some(result)) = results.get(appended) {
                turn.blocks.push(result.clone());
                appended += 1;
            }
            // A run that ends before the last answer keeps those it has.
            ctx.checkpoint(&with_results(&turn, &results[appended..]));
            if let (Err(error), ToolErrorHandling::Abort) = (result, config.tool_error_handling) {
                let (tool, call_id) = (call.name.into(), call.id.into());
                return Err(InferenceError::Tool { tool, call_id, failure: error.into_failure() });
            }
        }
        Ok((with_results(&turn, &results[appended..]), all_called))
    }
}

fn with_results(turn: &Turn, results: &[Option<Arc<Block>>]) -> Turn {
    let mut turn = turn.clone();
    turn.blocks.extend(results.iter().flatten().cloned());
    turn
}

/// Tells engines, through the turn's data, which tools there are and how they may be used.
fn offer(turn: &mut Turn, tools: &ToolSet, config: &LoopConfig) {
    let definitions = tools.values().map(|registered| registered.tool.definition());
    let definitions: Vec<Value> = definitions
        .filter(|definition| config.allows(&definition.name))
        .map(|definition| definition.to_json())
        .collect();
    for (key, value) in
        [(turn_data::TOOL_DEFINITIONS, Value::from(definitions)), (turn_data::TOOL_CONFIG, config.to_json())]
    {
        // What is there already stays shared with the turns before.
        if turn.data.get(key.as_str()) != Some(&value) {
            turn.data_mut().insert(key.as_str().to_owned(), value);
        }
    }
}
