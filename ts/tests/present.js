// Prints the names that the running module has, as JSON, for the parity test: what `declared.mjs` prints of the typings
// must be the same. The names of options come from the strict reader itself: it lists them when it refuses one.
const gp = require("geppetto");

const nameOf = (key) => (typeof key === "symbol" ? `[${key.description.split(".").pop()}]` : key);
const internal = (key) => key === "constructor" || key === Symbol.toStringTag;
const members = (object) => {
  const prototype = Object.getPrototypeOf(object);
  const keys = [...Reflect.ownKeys(object), ...(prototype === Object.prototype ? [] : Reflect.ownKeys(prototype))];
  return [...new Set(keys.filter((key) => !internal(key)).map(nameOf))].sort();
};
const accepted = (attempt) => {
  try { attempt({ __unknown: 1 }); } catch (error) { return names(error.message); }
  throw new Error("an unknown option was accepted: " + attempt);
};
const names = (message) => {
  const list = /accepted are ([^;(]*)/.exec(message)?.[1];
  if (list === undefined) throw new Error("no list of names in: " + message);
  return list.replace("or without a payload ", "").split(", ").map((name) => name.trim()).sort();
};

const engine = gp.engines.echo();
const session = gp.createSession({ engine });
const handle = session.start("hi");
const contexts = {}, results = {};
const note = (name, object) => { contexts[name] = members(object).filter((key) => key !== "toJSON"); };
const registry = gp.tools.createRegistry().register({ name: "t", handler: (args, ctx) => { note("ToolContext", ctx); throw new Error("fails"); } });

/** What a hook may return, from the error of one that returns something else. */
async function hookResult(name) {
  const asks = gp.engines.scripted({ responses: [{ toolCalls: [{ name: "t" }] }, { text: "done" }] });
  const seen = (payload, ctx) => { contexts[payload.phase[0].toUpperCase() + payload.phase.slice(1)] = members(payload); note("HookContext", ctx); return { __unknown: 1 }; };
  const options = { tags: { a: 1 }, traceId: "t", timeoutMs: 60_000 };
  const turn = await gp.createSession({ engine: asks, tools: registry, toolHooks: { [name]: seen } }).runAsync("go", options);
  return names(turn.blocks.find((block) => block.kind === "tool_use").payload.error);
}

(async () => {
  for (const [hook, type] of [["beforeToolCall", "BeforeToolCallResult"], ["afterToolCall", "AfterToolCallResult"], ["onToolError", "OnToolErrorResult"]]) results[type] = await hookResult(hook);
  const options = { tags: { a: 1 }, traceId: "t", timeoutMs: 60_000 };
  const failing = gp.engines.fromFunction((turn, ctx) => { note("EngineContext", ctx); throw Object.assign(new Error("no"), { status: 500, retryable: true }); });
  const next = {};
  const middleware = gp.middlewares.fromJS((turn, call, ctx) => { note("MiddlewareContext", ctx); next.accepted = accepted((unknown) => call(turn, unknown)); return call(turn); });
  const error = await gp.createSession({ engine: failing, middlewares: [middleware] }).runAsync("go", options).catch((error) => error);
  await handle.promise;
  const responses = (response) => gp.engines.scripted({ responses: [response] });
  console.log(JSON.stringify({
    exports: Object.keys(gp).sort(),
    default: Object.keys(gp).sort(),
    namespaces: { TurnsNamespace: members(gp.turns), EnginesNamespace: members(gp.engines), MiddlewaresNamespace: members(gp.middlewares), ToolsNamespace: members(gp.tools), SchemaNamespace: members(gp.schema) },
    handles: {
      Engine: members(engine), Middleware: members(middleware), ToolRegistry: members(registry), Builder: members(gp.createBuilder()), Session: members(session),
      RunHandle: members(handle), EventIterator: members(handle[Symbol.asyncIterator]()),
    },
    consts: Object.fromEntries(Object.entries(gp.consts).map(([name, group]) => [name, Object.keys(group).sort()])),
    events: Object.values(gp.consts.EventType).sort(),
    options: {
      EchoOptions: accepted(gp.engines.echo),
      ScriptedOptions: accepted((unknown) => gp.engines.scripted({ responses: [], ...unknown })),
      ScriptedResponse: accepted(responses),
      ScriptedToolCall: accepted((unknown) => responses({ toolCalls: [{ name: "t", ...unknown }] })),
      ScriptedUsage: accepted((unknown) => responses({ usage: unknown })),
      ScriptedError: accepted((unknown) => responses({ error: { message: "no", ...unknown } })),
      EngineOptions: accepted(gp.engines.fromConfig),
      NextOptions: next.accepted,
      ToolOptions: accepted((unknown) => registry.register({ name: "u", handler() {}, ...unknown })),
      ToolLoopOptions: accepted((toolLoop) => gp.createSession({ engine, toolLoop })),
      ToolHooks: accepted((toolHooks) => gp.createSession({ engine, toolHooks })),
      SessionOptions: accepted((unknown) => gp.createSession({ engine, ...unknown })),
      BuilderOptions: accepted(gp.createBuilder),
      RunOptions: accepted((unknown) => session.run("x", unknown)),
      InferenceOptions: accepted((unknown) => gp.runInference(engine, "x", unknown)),
      ...results,
      TurnInput: accepted((unknown) => gp.turns.newTurn(unknown)),
      BlockInput: accepted((unknown) => gp.turns.newTurn({ blocks: [{ kind: "user", ...unknown }] })),
    },
    contexts,
    errors: Object.getOwnPropertyNames(error).filter((name) => !["message", "name", "stack"].includes(name)).sort(),
  }, null, 1));
})();
