// Lines that must compile: the module, as agents use it.
import gp, { RunError, createSession, turns } from "geppetto";
import type { CustomEvents, Engine, FromSchema, JsonSchema, RunEvent, RunHandle, Session, ToolOptions, Turn } from "geppetto";
import { onInterrupt, readLine, write } from "geppetto/terminal";

declare module "geppetto" {
  interface CustomEvents {
    "looked-up": { city: string };
    done: number;
  }
}
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(yes: Same<A, B>) => yes;

// The arguments of a handler come from a literal schema, in either order of the properties.
const tools = gp.tools
  .createRegistry()
  .register({
    name: "search",
    parameters: {
      type: "object",
      properties: {
        text: { type: "string" },
        most: { type: "integer" },
        order: { enum: ["up", "down"] },
        tags: { type: "array", items: { type: "string" } },
        near: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
        either: { anyOf: [{ type: "number" }, { type: "null" }] },
        fixed: { const: 7 },
        many: { type: ["string", "boolean"] },
        item: { $ref: "#/$defs/item" },
      },
      required: ["text", "near"],
      $defs: { item: { type: "string" } },
    },
    handler(args, ctx) {
      same<string, typeof args.text>(true);
      same<number | undefined, typeof args.most>(true);
      same<"up" | "down" | undefined, typeof args.order>(true);
      same<string[] | undefined, typeof args.tags>(true);
      same<{ city: string }, typeof args.near>(true);
      same<number | null | undefined, typeof args.either>(true);
      same<7 | undefined, typeof args.fixed>(true);
      same<string | boolean | undefined, typeof args.many>(true);
      ctx.emit("looked-up", { city: args.near.city });
      return { deadline: ctx.deadlineMs, session: ctx.sessionId, aborted: ctx.signal.aborted };
    },
  })
  .register({ handler: ({ n }) => n * 2, parameters: { type: "object", properties: { n: { type: "number" } }, required: ["n"] }, name: "double" })
  .register({ name: "loose", handler: (args) => args.anything.goes })
  .useHostTools(["fetch"]);
const widened: { type: string; properties: Record<string, { type: string }> } = { type: "object", properties: {} };
tools.register({ name: "widened", parameters: widened, handler: (args) => args });
const place = { type: "object", properties: { city: { type: "string" } }, required: ["city"] } as const;
same<{ city: string }, FromSchema<typeof place>>(true);

// Schemas from elsewhere, of any type, and what they promise about the arguments.
declare const anySchema: JsonSchema;
tools.register({ name: "any", parameters: anySchema, handler: (args) => args.x });
gp.schema.check(anySchema, 1);
same<any[], FromSchema<{ type: "array"; prefixItems: [{ type: "string" }]; items: { type: "number" } }>>(true);
same<{ [key: string]: number }, FromSchema<{ type: "object"; additionalProperties: { type: "number" } }>>(true);
tools.register({ name: "open", parameters: { type: "object", properties: { id: { type: "number" } }, additionalProperties: true }, handler: (args) => args.other });
const many: ToolOptions<any>[] = [{ name: "a", handler: () => 1 }, { name: "b", parameters: place, handler: ({ city }) => city }];
for (const tool of many) tools.register(tool);

// Interfaces, absent properties and read-only lists are plain values as well.
interface Place { city: string; near?: Place }
declare const there: Place;
declare const user: string | undefined;
tools.call("search", there);
gp.turns.newToolCallBlock("c", "search", there);
const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

// `next` is a turn in fromJS and a promise in fromAsync; a bare function is a fromJS.
const engine = gp.engines.fromFunction(async (turn, ctx) => {
  ctx.partial("Hi");
  turn.blocks.push(turns.newAssistantBlock("Hi"));
});
const middlewares = [
  gp.middlewares.fromJS((turn, next, ctx) => turns.appendBlock(next(turn, { engine }), { kind: "other", payload: { by: ctx.middlewareName } })),
  gp.middlewares.fromAsync(async (turn, next) => {
    const answered = await next(turn);
    return { ...answered, blocks: answered.blocks.filter((block) => block.kind !== "reasoning") };
  }),
  gp.middlewares.host("systemPrompt", { prompt: "Be brief." }),
  gp.middlewares.host("reorderToolResults"),
  gp.middlewares.host("the-hosts-own", { level: 3 }),
];
const session: Session = createSession({
  engine,
  middlewares: [...middlewares, (turn, next) => next(turn)],
  tools,
  toolLoop: { toolChoice: gp.consts.ToolChoice.AUTO, allowedTools: ["search"], maxIterations: undefined },
  toolHooks: {
    beforeToolCall: async ({ call }, ctx) => (call.name === "rm" ? { action: "abort", error: ctx.toolName } : undefined),
    afterToolCall: ({ result }) => ({ result: result.value ?? null }),
    onToolError: ({ attempt, defaultRetry }) => ({ retry: defaultRetry && attempt < 3 }),
    hookErrorPolicy: "fail-open",
  },
});

// Events are told apart by their type, in listeners and in loops.
const run: RunHandle = session.start("Hi", { tags: { app: "test", n: [1, null] }, signal: new AbortController().signal });
run
  .on("partial", (event) => write(event.delta + event.completion.length))
  .once(gp.consts.EventType.RUN_FINISHED, ({ status, usage }) => console.log(status, usage?.inputTokens))
  .on("custom", (event) => {
    if (event.name === "looked-up") write(event.data?.city ?? "");
  })
  .on("*", (event) => {
    if (event.type === "tool-call") write(event.toolCall.name + event.toolCall.args.x);
    if (event.type === "tool-result") write(event.toolResult.value);
  })
  .off("partial");
setTimeout(run.cancel, 10);
async function read(handle: RunHandle): Promise<Turn> {
  for await (const event of handle) {
    const seen: RunEvent = event;
    if (seen.type === "final") write(seen.text);
  }
  return handle.promise;
}

declare const engineOrNone: Engine | undefined;
gp.createBuilder({ engine: engineOrNone }).withToolLoop(undefined).withToolHooks(null);
session.run("x", { tags: { user, list: ["a"] as const, at: new Date() } });
const tokens: number | undefined = session.latest()?.metadata?.usage?.inputTokens;
run.on("run-finished", ({ usage }) => session.run("x", { tags: { usage } }));
const args = session.latest()?.blocks[0]?.payload.args as Place;

// Seeds, results and errors.
const seeds = [session.run(), session.run({ kind: "user", text: "x" }), session.run([{ kind: "user" }]), session.run({ blocks: [] })];
const later = gp.createBuilder().withEngine(gp.engines.echo()).useMiddleware(middlewares[0]!).withToolLoop({ enabled: false }).buildSession();
const builder = gp.createBuilder({ id: "x" }).useHostMiddleware("systemPrompt", { prompt: "p" }).useHostMiddleware("turnLogging");
try {
  gp.runInference(engine, "Hi", { timeoutMs: 5, tools });
} catch (error) {
  if (error instanceof RunError && error.code === "timeout" && error.partialTurn) session.append(error.partialTurn);
  if (error instanceof gp.RunError) console.log(error.status, error.cause);
}
const scripted = gp.engines.scripted({ responses: [{ text: "a", usage: { inputTokens: 1 } }, { error: { message: "no", retryable: true } }] });
const asked: Turn[] = scripted.calls;
const checked = gp.schema.check(place, JSON.parse("{}"));
const city: string = checked.ok ? checked.value.city : checked.errors[0]!.message;
const model = gp.engines.fromConfig({ model: "gpt-5", apiType: "openai-responses", headers: { "x-team": "a" } });
const line: Promise<string | null> = readLine("> ", { signal: AbortSignal.timeout(5) });
onInterrupt(() => run.cancel("enough"));
onInterrupt(null);
const names: keyof CustomEvents = "done";
const versions: [string, readonly string[]] = [gp.version, gp.args];

export { args, asked, builder, city, later, line, model, names, read, pause, seeds, tokens, versions };
