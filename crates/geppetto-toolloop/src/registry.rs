//! The tools of an agent.

use crate::{ArgumentSchema, RegisterError, Tool, ToolContext, ToolDefinition, ToolError};
use futures_util::future::{Either, select};
use geppetto_inference::{Failure, InferenceError, RunToken};
use geppetto_time::Clock;
use geppetto_turns::fresh_id;
use indexmap::IndexMap;
use serde_json::Value;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Tools by name, in the order they were registered. Clones share the tools. A run reads it when it starts.
#[derive(Debug, Clone, Default)]
pub struct ToolRegistry {
    tools: Arc<Mutex<ToolSet>>,
}

/// The tools a run has read.
pub(crate) type ToolSet = IndexMap<String, Registered>;

/// A tool with its schema, ready to check arguments.
#[derive(Debug, Clone)]
pub(crate) struct Registered {
    pub(crate) tool: Arc<dyn Tool>,
    schema: Option<Arc<ArgumentSchema>>,
}

impl Registered {
    /// Checks arguments; without a schema anything fits.
    pub(crate) fn check(&self, args: &Value) -> Result<(), ToolError> {
        let Some(schema) = &self.schema else { return Ok(()) };
        schema.check(args).map_err(|issues| {
            let tool = self.tool.definition().name.clone();
            ToolError::InvalidArguments { tool, issues }
        })
    }
}

impl ToolRegistry {
    /// A registry without tools.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, ToolSet> {
        self.tools.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a tool. Its schema is checked and bounded here.
    ///
    /// # Errors
    /// When the name is taken or not one, or the schema cannot be used.
    pub fn register(&self, tool: Arc<dyn Tool>) -> Result<(), RegisterError> {
        let definition = tool.definition();
        let name = definition.name.clone();
        if name.is_empty() || name.chars().count() > 128 {
            return Err(RegisterError::Name { name });
        }
        let schema = match &definition.parameters {
            None => None,
            Some(parameters) => {
                let compiled = ArgumentSchema::compile(parameters);
                Some(compiled.map_err(|source| RegisterError::Schema { name: name.clone(), source })?)
            }
        };
        let mut tools = self.lock();
        if tools.contains_key(&name) {
            return Err(RegisterError::Duplicate { name });
        }
        tools.insert(name, Registered { tool, schema: schema.map(Arc::new) });
        Ok(())
    }

    /// What models are told about the tools.
    #[must_use]
    pub fn definitions(&self) -> Vec<ToolDefinition> {
        self.lock().values().map(|registered| registered.tool.definition().clone()).collect()
    }

    /// The tool of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Arc<dyn Tool>> {
        self.lock().get(name).map(|registered| registered.tool.clone())
    }

    pub(crate) fn snapshot(&self) -> ToolSet {
        self.lock().clone()
    }

    /// Calls a tool directly, outside any run: arguments are checked and the tool's own timeout holds; hooks, retries and
    /// the loop's settings have no part in it. It ends with `within`, the token of what it is called in.
    ///
    /// # Errors
    /// When there is no such tool, the arguments do not fit, its time is over, the tool fails, or `within` is cancelled.
    pub async fn call(
        &self,
        name: &str,
        args: Value,
        clock: &Arc<dyn Clock>,
        within: &RunToken,
    ) -> Result<Value, ToolError> {
        let registered = self.lock().get(name).cloned();
        let registered = registered.ok_or_else(|| ToolError::NotFound { name: name.to_owned() })?;
        registered.check(&args)?;
        let name: Arc<str> = name.into();
        let timeout = registered.tool.timeout().unwrap_or_default();
        let own = (!timeout.is_zero()).then(|| RunToken::after(clock.clone(), timeout));
        let token = RunToken::child_of(own.iter().chain([within]));
        let ctx = ToolContext {
            run: None,
            token: token.clone(),
            tool_name: name.clone(),
            call_id: fresh_id().into(),
            call_name: name,
            attempt: 1,
        };
        let called = registered.tool.call(args, &ctx);
        let called = pin!(crate::attempt::in_time((&**clock, &token), timeout, called));
        match select(called, pin!(within.cancelled())).await {
            Either::Left((result, _)) => result,
            Either::Right((reason, _)) => {
                let why = InferenceError::from(reason);
                Err(ToolError::Failed(Failure::new(format!("stopped with what it was called in: {why}"))))
            }
        }
    }
}
