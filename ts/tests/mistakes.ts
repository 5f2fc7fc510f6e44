// Lines that must not compile: one for each mistake that the contract names. `mistakes.mjs` checks that each of them
// is an error without its marker.
import gp from "geppetto";
import type { BlockInput, Session, TurnInput } from "geppetto";

declare const session: Session;
declare const engine: import("geppetto").Engine;
const tools = gp.tools.createRegistry();

// ---- Turns
// @ts-expect-error a kind that does not exist
const wrongKind: BlockInput = { kind: "usr" };
// @ts-expect-error a property that a block does not have
const wrongProperty: BlockInput = { kind: "user", txt: "hi" };
// @ts-expect-error a property that a turn does not have
const wrongTurn: TurnInput = { blocks: [], blok: 1 };
// @ts-expect-error a known payload key of the wrong type
const wrongPayload: BlockInput = { kind: "user", payload: { text: 7 } };
// @ts-expect-error metadata that is no JSON
gp.turns.newTurn({ metadata: { when: () => 1 } });

// ---- Handles and constants
// @ts-expect-error a copy of an engine is no engine
gp.createSession({ engine: { ...engine } });
// @ts-expect-error a registry is no engine
gp.createSession({ engine: tools });
// @ts-expect-error a session is made by createSession
const forged: Session = { id: "x" };
// @ts-expect-error constants cannot be changed
gp.consts.BlockKind.USER = "user";
// @ts-expect-error a constant that does not exist
gp.consts.EventType.PARTAIL;
// @ts-expect-error handles cannot be changed
engine.name = "mine";

// ---- Options
// @ts-expect-error a value outside its enumeration
gp.createSession({ engine, toolLoop: { toolChoice: "auot" } });
// @ts-expect-error an option that does not exist
gp.createSession({ engine, toolLoop: { maxIteration: 3 } });
// @ts-expect-error an option of the wrong type
gp.createSession({ engine, toolLoop: { maxIterations: "3" } });
// @ts-expect-error the engine is missing
gp.createSession({});
// @ts-expect-error an option of the Go project that is gone
gp.createSession({ engine, eventSinks: [] });
// @ts-expect-error a run has no such option
session.run("hi", { timeout: 5 });
// @ts-expect-error tags are JSON
session.run("hi", { tags: { f: () => 1 } });
// @ts-expect-error an error policy that does not exist
gp.createSession({ engine, toolHooks: { hookErrorPolicy: "ignore" } });
// @ts-expect-error a provider that does not exist
gp.engines.fromConfig({ apiType: "openia" });
// @ts-expect-error echo has no such option
gp.engines.echo({ replay: "x" });
// @ts-expect-error responses are a list
gp.engines.scripted({ responses: { text: "x" } });
// @ts-expect-error systemPrompt needs its prompt
gp.middlewares.host("systemPrompt");
// @ts-expect-error only a scripted engine can be asked for its calls
gp.engines.echo().assertComplete();
// @ts-expect-error turnLogging takes no options
gp.middlewares.host("turnLogging", { level: 1 });
// @ts-expect-error a provider that does not exist, by the alias
gp.engines.fromConfig({ provider: "openia" });
// @ts-expect-error runInference has the engine as its first argument
gp.runInference(engine, "hi", { engine });

// ---- Middleware
// @ts-expect-error fromJS takes no asynchronous function
gp.middlewares.fromJS(async (turn, next) => next(turn));
// @ts-expect-error a forgotten await
gp.middlewares.fromAsync(async (turn, next) => ({ ...turn, blocks: next(turn).blocks }));
// @ts-expect-error next takes an engine, not its name
gp.middlewares.fromJS((turn, next) => next(turn, { engine: "echo" }));
// @ts-expect-error the context of an engine has no engineName
gp.engines.fromFunction((turn, ctx) => void ctx.engineName);

// ---- Tools and hooks
// @ts-expect-error a type that JSON Schema does not have
tools.register({ name: "t", parameters: { type: "strng" }, handler: () => 1 });
// @ts-expect-error the same, deeper
tools.register({ name: "t", parameters: { type: "object", properties: { a: { type: "numbr" } } }, handler: () => 1 });
// @ts-expect-error a keyword of the wrong type
tools.register({ name: "t", parameters: { type: "number", minimum: "0" }, handler: () => 1 });
// @ts-expect-error a type that does not exist, among the first items
tools.register({ name: "t", parameters: { type: "array", prefixItems: [{ type: "strng" }] }, handler: () => 1 });
// @ts-expect-error an argument that may be absent
tools.register({ name: "t", parameters: { type: "object", properties: { a: { type: "string" } } }, handler: (args: { a: string }) => args.a });
// @ts-expect-error an argument that the schema does not have
tools.register({ name: "t", parameters: { type: "object", properties: { city: { type: "string" } } }, handler: ({ town }) => town });
// @ts-expect-error an argument of another type
tools.register({ name: "t", parameters: { type: "object", properties: { n: { type: "number" } }, required: ["n"] }, handler: ({ n }) => n.toUpperCase() });
// @ts-expect-error the handler is missing
tools.register({ name: "t" });
// @ts-expect-error tools cannot stream
tools.register({ name: "t", handler: (args, ctx) => ctx.partial("x") });
// @ts-expect-error an action that does not exist
gp.createSession({ engine, toolHooks: { beforeToolCall: () => ({ action: "explode" }) } });
// @ts-expect-error a hook changes a call by what it returns
gp.createSession({ engine, toolHooks: { beforeToolCall: ({ call }) => void (call.args = {}) } });
// @ts-expect-error retry is for onToolError alone
gp.createSession({ engine, toolHooks: { beforeToolCall: () => ({ action: "retry" }) } });

// ---- Runs and events
// @ts-expect-error a type of event that does not exist
session.start("hi").on("partail", () => {});
// @ts-expect-error a field that a partial does not have
session.start("hi").on("partial", (event) => event.delat);
// @ts-expect-error a field that only some events have
session.start("hi").on("*", (event) => event.delta);
// @ts-expect-error getTurn may give null
session.getTurn(0).blocks;
// @ts-expect-error the turn of runAsync has to be awaited
gp.turns.text(session.runAsync("hi"));
// @ts-expect-error a code that does not exist
if (new Error() instanceof gp.RunError && ({} as InstanceType<typeof gp.RunError>).code === "busyy") session.close();
// @ts-expect-error RunErrors are made by geppetto
new gp.RunError("mine");

export { forged, wrongKind, wrongPayload, wrongProperty, wrongTurn };
