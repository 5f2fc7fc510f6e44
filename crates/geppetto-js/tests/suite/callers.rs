//! Synchronous runs from everywhere: at top level, in jobs, in handlers three deep, and while a host tool calls back
//! into the VM from another thread.

use crate::{read, run};
use async_trait::async_trait;
use geppetto_js::Runtime;
use geppetto_runner::OwnerRef;
use geppetto_toolloop::{Tool, ToolContext, ToolDefinition, ToolError};
use serde_json::{Value, json};
use std::sync::{Arc, OnceLock};

/// A host tool that calls a function of the script from a thread of its own, and waits for what it returns.
struct CallBack {
    definition: ToolDefinition,
    owner: Arc<OnceLock<OwnerRef>>,
}

#[async_trait]
impl Tool for CallBack {
    fn definition(&self) -> &ToolDefinition {
        &self.definition
    }

    async fn call(&self, _args: Value, ctx: &ToolContext) -> Result<Value, ToolError> {
        let owner = self.owner.get().unwrap().clone();
        let scope = ctx.run.as_ref().map(|run| run.scope());
        let (reply, answer) = tokio::sync::oneshot::channel();
        geppetto_runner::io_handle().unwrap().spawn(async move {
            let called =
                owner.call_in(scope, "call back", |ctx| ctx.eval::<i32, _>("++calledBack").unwrap()).await;
            let _ = reply.send(called);
        });
        match answer.await {
            Ok(Ok(count)) => Ok(json!(count)),
            other => Err(ToolError::failed(format!("{other:?}"))),
        }
    }
}

const SCRIPT: &str = r#"
const gp = require("geppetto");
globalThis.calledBack = 0;
globalThis.deep = (depth) => {
  if (depth === 0) return 0;
  const tools = gp.tools.createRegistry()
    .register({ name: "deeper", handler: () => deep(depth - 1) })
    .useHostTools();
  const engine = gp.engines.fromFunction((turn, ctx) => {
    ctx.partial("x");
    const results = turn.blocks.filter((block) => block.kind === "tool_use");
    if (results.length === 0) {
      turn.blocks.push(gp.turns.newToolCallBlock("c1", "deeper"), gp.turns.newToolCallBlock("c2", "callBack"));
    } else {
      turn.blocks.push(gp.turns.newAssistantBlock(results[0].payload.result));
    }
  });
  const session = gp.createSession({
    engine, tools,
    middlewares: [(turn, next) => next(turn)],
    toolHooks: { beforeToolCall() {}, afterToolCall() {}, onToolError() {} },
  });
  return 1 + Number(gp.turns.text(session.run("go")));
};
globalThis.atTopLevel = deep(3);
"#;

#[test]
fn a_synchronous_run_works_everywhere_a_thousand_times() {
    let owner = Arc::new(OnceLock::new());
    let tool = CallBack { definition: ToolDefinition::new("callBack"), owner: owner.clone() };
    let runtime = Runtime::builder().tool(Arc::new(tool)).build().unwrap();
    owner.set(runtime.owner()).unwrap();
    run(&runtime, SCRIPT);
    assert_eq!(read(&runtime, "atTopLevel"), "3");
    for _ in 0..1000 {
        let inside_a_job = runtime.owner().call_blocking("job", |ctx| ctx.eval::<i32, _>("deep(3)").unwrap());
        assert_eq!(inside_a_job, Ok(3));
    }
    assert_eq!(read(&runtime, "calledBack"), (3 * 1001).to_string());
}
