// Generated from xtask/schema.yaml by `cargo xtask codegen`. Do not edit.
import type { Block, BlockInput, Consts, ErrorCode, JsonInput, JsonObject, JsonValue, LogLevel, RunStatus, ToolChoice, ToolErrorHandling, HookAction, Turn, TurnInput, Usage } from "./turns.js";

export type { Block, BlockInput, BlockKind, BlockMetadata, BlockPayload, BlockPayloadInput, Consts, ErrorCode, HookAction, JsonInput, JsonObject, JsonValue, LogLevel, RunStatus, ToolChoice, ToolErrorHandling, Turn, TurnData, TurnInput, TurnMetadata, Usage } from "./turns.js";
// ---- Handles --------------------------------------------------------------------------------------------------------
//
// Engines, middlewares, registries, builders, sessions and run handles are objects of the host: what they are cannot be
// seen, copied or forged. `{ ...engine }` is no engine.

/**
 * What answers turns: a model, or something that stands for one. Made by {@link EnginesNamespace `gp.engines`}.
 *
 * @example
 * const engine = gp.engines.echo({ reply: "Hello!" });
 * console.log(engine.name); // "echo"
 */
declare class Engine {
  #private;
  protected constructor();
  /** `echo`, `scripted`, `jsFunction`, `config` or `profile:<name>`. */
  readonly name: string;
  /** The engine's public fields. */
  toJSON(): { name: string };
}

/**
 * A scripted engine: a test double that tells what it was asked.
 *
 * @example
 * const engine = gp.engines.scripted({ responses: [{ text: "Hi." }] });
 * gp.createSession({ engine }).run("Hello");
 * engine.assertComplete();
 * console.log(engine.calls.length, engine.remaining); // 1 0
 */
interface ScriptedEngine extends Engine {
  /** The turns that it has been asked to answer, oldest first. */
  readonly calls: Turn[];
  /** The turn that it was asked to answer last. */
  readonly lastCall: Turn | undefined;
  /** How many of its responses are left. */
  readonly remaining: number;
  /**
   * Throws unless every response has been used.
   *
   * @example
   * engine.assertComplete(); // at the end of a test
   */
  assertComplete(): void;
}

/**
 * What stands around each engine call. Made by {@link MiddlewaresNamespace `gp.middlewares`}; a bare function counts as one.
 *
 * @example
 * const polite = gp.middlewares.fromJS((turn, next) => next(turn), "polite");
 * console.log(polite.name); // "polite"
 */
declare class Middleware {
  #private;
  protected constructor();
  /** The name that events and errors give it. */
  readonly name: string;
  /** The middleware's public fields. */
  toJSON(): { name: string };
}

/**
 * Tools that a model may call. Sessions read it when a run starts.
 *
 * @example
 * const tools = gp.tools.createRegistry().register({
 *   name: "add",
 *   parameters: { type: "object", properties: { a: { type: "number" }, b: { type: "number" } }, required: ["a", "b"] },
 *   handler: ({ a, b }) => a + b,
 * });
 */
declare class ToolRegistry {
  #private;
  protected constructor();
  /**
   * Registers a tool. The type of the handler's arguments comes from `parameters` when that is a literal.
   *
   * @throws TypeError when the name is taken or `parameters` is not a JSON Schema.
   *
   * @example
   * tools.register({
   *   name: "weather",
   *   description: "The weather in a city.",
   *   parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
   *   handler: async ({ city }, ctx) => ({ city, celsius: 21 }),
   * });
   */
  register<const S extends JsonSchema = JsonSchema>(tool: ToolOptions<S>): this;
  /**
   * Adds the host's tools: those with these names, or all.
   *
   * @example
   * gp.tools.createRegistry().useHostTools(["search"]);
   */
  useHostTools(names?: readonly string[] | null): this;
  /** @deprecated The Go project's name of {@link ToolRegistry.useHostTools}. */
  useGoTools(names?: readonly string[] | null): this;
  /**
   * What a model is told about the tools.
   *
   * @example
   * console.log(tools.list().map((tool) => tool.name));
   */
  list(): ToolDefinition[];
  /**
   * Calls a tool without a run's hooks and retries and waits for it; inside a callback it ends with that. A tool that
   * returns a promise needs `callAsync`.
   *
   * @example
   * console.log(tools.call("add", { a: 1, b: 2 }));
   */
  call(name: string, args?: unknown): any;
  /**
   * Calls a tool without a run's hooks and retries; inside a callback it ends with that.
   *
   * @example
   * console.log(await tools.callAsync("weather", { city: "Rome" }));
   */
  callAsync(name: string, args?: unknown): Promise<any>;
}

/**
 * Sets up sessions, step by step. It can be used again and again: a session has what the builder has when it is built.
 *
 * @example
 * const session = gp.createBuilder().withEngine(gp.engines.echo()).useHostMiddleware("turnLogging").buildSession();
 */
declare class Builder {
  #private;
  protected constructor();
  /**
   * Sets the engine.
   *
   * @example
   * gp.createBuilder().withEngine(gp.engines.echo());
   */
  withEngine(engine: Engine): this;
  /**
   * Adds a middleware inside those that are there.
   *
   * @example
   * builder.useMiddleware((turn, next) => next(turn));
   */
  useMiddleware(middleware: Middleware | MiddlewareFunction): this;
  /**
   * Adds a middleware of the host, or one that is built in.
   *
   * @example
   * builder.useHostMiddleware("systemPrompt", { prompt: "Answer in one sentence." });
   */
  useHostMiddleware<N extends HostMiddlewareName>(name: N, ...options: HostMiddlewareArguments<N>): this;
  /** @deprecated The Go project's name of {@link Builder.useHostMiddleware}. */
  useGoMiddleware<N extends HostMiddlewareName>(name: N, ...options: HostMiddlewareArguments<N>): this;
  /**
   * Sets the tools, and settings of the tool loop; settings that are not there stay as they were.
   *
   * @example
   * builder.withTools(tools, { maxIterations: 3 });
   */
  withTools(tools: ToolRegistry, toolLoop?: ToolLoopOptions | null): this;
  /**
   * Sets settings of the tool loop; what is not there stays as it was.
   *
   * @example
   * builder.withToolLoop({ toolErrorHandling: "retry" });
   */
  withToolLoop(toolLoop?: ToolLoopOptions | null): this;
  /**
   * Sets the hooks, in the place of earlier ones.
   *
   * @example
   * builder.withToolHooks({ beforeToolCall: ({ call }) => console.log(call.name, call.args) });
   */
  withToolHooks(toolHooks?: ToolHooks | null): this;
  /**
   * Builds a session.
   *
   * @example
   * const session = builder.buildSession();
   */
  buildSession(): Session;
}

/**
 * A conversation: the turns so far, and at most one active run.
 *
 * @example
 * const session = gp.createSession({ engine: gp.engines.echo({ reply: "Hello!" }) });
 * const turn = await session.runAsync("Hi");
 * console.log(gp.turns.text(turn), session.turnCount()); // Hello! 1
 */
declare class Session {
  #private;
  protected constructor();
  /** The session's id. */
  readonly id: string;
  /** The session's public fields. */
  toJSON(): { id: string };
  /**
   * Appends a turn to the history, and returns it.
   *
   * @throws {RunError} `busy` while a run is active.
   *
   * @example
   * session.append({ blocks: [{ kind: "user", text: "Hi" }] });
   */
  append(turn: TurnInput): Turn;
  /**
   * The latest turn. What a session returns is a snapshot: changing it changes no history.
   *
   * @example
   * const latest = session.latest();
   * if (latest) console.log(gp.turns.text(latest));
   */
  latest(): Turn | null;
  /**
   * How many turns there are.
   *
   * @example
   * console.log(session.turnCount());
   */
  turnCount(): number;
  /**
   * All turns, oldest first. Turns are cumulative: each holds the conversation up to it.
   *
   * @example
   * for (const turn of session.turns()) console.log(gp.turns.text(turn));
   */
  turns(): Turn[];
  /**
   * The turn at this index, counted from 0.
   *
   * @example
   * console.log(session.getTurn(0)?.blocks.length);
   */
  getTurn(index: number): Turn | null;
  /**
   * The turns from `start` up to but not including `end`; negative ones count from the end, as in `slice`.
   *
   * @example
   * const lastTwo = session.turnsRange(-2);
   */
  turnsRange(start?: number | null, end?: number | null): Turn[];
  /**
   * Whether a run is active.
   *
   * @example
   * if (session.isRunning()) session.cancelActive();
   */
  isRunning(): boolean;
  /**
   * Cancels the active run. Throws when there is none.
   *
   * @example
   * setTimeout(() => session.cancelActive(), 1000);
   */
  cancelActive(): void;
  /**
   * Runs and waits: nothing else happens in the VM meanwhile. Works everywhere, also inside callbacks of other runs,
   * but a callback that returns a promise needs `runAsync`. Without a deadline it may take 600 s.
   *
   * @throws {RunError} what the run failed with.
   *
   * @example
   * const turn = session.run("Who am I?", { timeoutMs: 10_000 });
   */
  run(seed?: Seed | null, options?: RunOptions | null): Turn;
  /**
   * Runs; the promise is rejected with the `RunError` of a run that fails.
   *
   * @example
   * const turn = await session.runAsync("Who am I?", { signal: AbortSignal.timeout(10_000) });
   */
  runAsync(seed?: Seed | null, options?: RunOptions | null): Promise<Turn>;
  /**
   * Starts a run and returns a handle to watch and cancel it.
   *
   * @throws {RunError} `busy` while a run is active.
   * @throws TypeError for wrong options.
   *
   * @example
   * const run = session.start("Tell me a story.", { tags: { app: "stories" } });
   * run.on("partial", ({ delta }) => write(delta));
   */
  start(seed?: Seed | null, options?: RunOptions | null): RunHandle;
  /**
   * Ends an active run, refuses later ones and lets go of engine, middlewares and tools. The history stays.
   *
   * @example
   * session.close();
   */
  close(): void;
}

/**
 * A run that was started: hear its events, await its turn, cancel it. An async iterable of all its events.
 *
 * No event is lost to a listener or iterator, however late it comes: each reads the run's log from the start.
 *
 * @example
 * const run = session.start("Tell me a story.");
 * for await (const event of run) if (event.type === "partial") write(event.delta);
 * const turn = await run.promise;
 */
declare class RunHandle {
  #private;
  protected constructor();
  /** The session's id. */
  readonly sessionId: string;
  /** The run's id. */
  readonly inferenceId: string;
  /** The handle's public fields. */
  toJSON(): { sessionId: string; inferenceId: string };
  /** The run's turn; rejected with the `RunError` of a run that fails. Settles after `run-finished` was heard. */
  readonly promise: Promise<Turn>;
  /**
   * Cancels the run. Works without its `this`: `setTimeout(run.cancel, 1000)`.
   *
   * @example
   * setTimeout(run.cancel, 1000);
   */
  cancel(this: void, reason?: string | null): void;
  /**
   * Calls the listener for each event of a type, those of the past first; `"*"` stands for every type.
   *
   * @example
   * run.on("partial", ({ delta }) => write(delta)).on("run-finished", ({ status }) => console.log(status));
   */
  on<K extends keyof Listenable>(type: K, listener: (event: Listenable[K]) => unknown): this;
  /**
   * The same for the first event only.
   *
   * @example
   * run.once("final", ({ text }) => console.log(text));
   */
  once<K extends keyof Listenable>(type: K, listener: (event: Listenable[K]) => unknown): this;
  /**
   * Removes a listener; without one, all listeners of the type.
   *
   * @example
   * const listener = () => {};
   * run.on("*", listener).off("*", listener);
   */
  off<K extends keyof Listenable>(type: K, listener?: ((event: Listenable[K]) => unknown) | null): this;
  /**
   * All events, from the first. Leaving the loop cancels nothing; a run that fails ends it with its `RunError`.
   *
   * @example
   * for await (const event of run) console.log(event.seq, event.type);
   */
  [Symbol.asyncIterator](): EventIterator;
}

/**
 * Reads the events of a run, one after the other. Made by `for await` and `run[Symbol.asyncIterator]()`.
 *
 * @example
 * const events = run[Symbol.asyncIterator]();
 * const { value, done } = await events.next();
 */
declare class EventIterator {
  #private;
  protected constructor();
  /**
   * The next event, once it has happened.
   *
   * @example
   * const first = await run[Symbol.asyncIterator]().next();
   */
  next(): Promise<IteratorResult<RunEvent, undefined>>;
  /**
   * Leaves: what waits is told that there is nothing more.
   *
   * @example
   * const events = run[Symbol.asyncIterator]();
   * await events.return();
   */
  return(): Promise<IteratorReturnResult<undefined>>;
  /**
   * The iterator itself.
   *
   * @example
   * for await (const event of run[Symbol.asyncIterator]()) console.log(event.type);
   */
  [Symbol.asyncIterator](): this;
}

/**
 * Why a run produced no turn. Wrong options and arguments are `TypeError`s instead.
 *
 * @example
 * try {
 *   await session.runAsync("Hi", { timeoutMs: 1000 });
 * } catch (error) {
 *   if (error instanceof gp.RunError && error.partialTurn) session.append(error.partialTurn);
 * }
 */
export class RunError extends Error {
  private constructor();
  /** What went wrong, in one word; see `gp.consts.ErrorCode`. */
  readonly code: ErrorCode;
  /** The very object that was thrown, when a callback threw it. */
  readonly cause?: unknown;
  /** The session of the run. */
  readonly sessionId: string;
  /** The run; absent when it did not begin. */
  readonly inferenceId?: string;
  /** All that had been completed, every pending call closed by an error: it can be appended and continued. */
  readonly partialTurn?: Turn;
  /** Whether trying again may help, where known. */
  readonly retryable?: boolean;
  /** The HTTP status of a provider, where there was one. */
  readonly status?: number;
}

// ---- JSON Schema ----------------------------------------------------------------------------------------------------

type JsonSchemaType = "string" | "number" | "integer" | "boolean" | "null" | "array" | "object";

/** A JSON Schema (draft 2020-12). References stay inside it: `{ $ref: "#/$defs/item" }`. */
export type JsonSchema = boolean | JsonSchemaObject;

/** The keywords of a JSON Schema; others may stand beside them. */
export interface JsonSchemaObject {
  /** The type, or types, of the value. */
  readonly type?: string | readonly string[] | undefined;
  /** What the value is, for the model. */
  readonly description?: string | undefined;
  /** The properties of an object. */
  readonly properties?: { readonly [name: string]: JsonSchema } | undefined;
  /** The properties that must be there. */
  readonly required?: readonly string[] | undefined;
  /** The schema of all other properties; `false` allows none. */
  readonly additionalProperties?: JsonSchema | undefined;
  /** The schema of the items of an array. */
  readonly items?: JsonSchema | undefined;
  /** The values there are. */
  readonly enum?: readonly JsonValue[] | undefined;
  /** At least one of these fits. */
  readonly anyOf?: readonly JsonSchema[] | undefined;
  /** Exactly one of these fits. */
  readonly oneOf?: readonly JsonSchema[] | undefined;
  /** All of these fit. */
  readonly allOf?: readonly JsonSchema[] | undefined;
  /** Another schema inside this one: `#/$defs/item`. */
  readonly $ref?: string | undefined;
  /** Schemas to refer to. */
  readonly $defs?: { readonly [name: string]: JsonSchema } | undefined;
  /** The only value there is. */
  readonly const?: JsonValue | undefined;
  /** The schemas of properties whose names match a pattern. */
  readonly patternProperties?: { readonly [pattern: string]: JsonSchema } | undefined;
  /** The schemas of the first items, in order. */
  readonly prefixItems?: readonly JsonSchema[] | undefined;
  /** The least number there is. */
  readonly minimum?: number | undefined;
  /** The greatest number there is. */
  readonly maximum?: number | undefined;
  /** Numbers are greater than this. */
  readonly exclusiveMinimum?: number | undefined;
  /** Numbers are less than this. */
  readonly exclusiveMaximum?: number | undefined;
  /** Numbers are multiples of this. */
  readonly multipleOf?: number | undefined;
  /** The length of the shortest text. */
  readonly minLength?: number | undefined;
  /** The length of the longest text. */
  readonly maxLength?: number | undefined;
  /** A regular expression that texts match; matched in linear time. */
  readonly pattern?: string | undefined;
  /** What a text is, such as `date-time`. */
  readonly format?: string | undefined;
  /** How few items there may be. */
  readonly minItems?: number | undefined;
  /** How many items there may be. */
  readonly maxItems?: number | undefined;
  /** Whether no item stands twice. */
  readonly uniqueItems?: boolean | undefined;
  /** This does not fit. */
  readonly not?: JsonSchema | undefined;
  /** Where this fits, `then` does as well; where not, `else`. */
  readonly if?: JsonSchema | undefined;
  /** Fits where `if` does. */
  readonly then?: JsonSchema | undefined;
  /** Fits where `if` does not. */
  readonly else?: JsonSchema | undefined;
  /** Any other keyword. */
  readonly [keyword: string]: unknown;
}

/** The schema itself, unless it has a literal `type` that JSON Schema does not know; one in a widened variable passes. */
export type Checked<S> = [S] extends [Known<S>] ? S : Known<S>;
type Known<S> = S extends { readonly type: unknown } | { readonly [K in OneSchema | Schemas]?: unknown }
  ? { readonly [K in keyof S]: K extends "type" ? KnownType<S[K]> : K extends OneSchema ? Known<S[K]> : K extends Schemas ? KnownIn<S[K]> : S[K] }
  : S;
type OneSchema = "items" | "additionalProperties" | "not" | "if" | "then" | "else" | "contains" | "propertyNames";
type Schemas = "properties" | "$defs" | "patternProperties" | "dependentSchemas" | "anyOf" | "oneOf" | "allOf" | "prefixItems";
type KnownIn<M> = M extends object ? { readonly [P in keyof M]: Known<M[P]> } : M;
type KnownType<T> = T extends readonly unknown[] ? { readonly [I in keyof T]: KnownType<T[I]> } : T extends string ? (string extends T ? T : JsonSchemaType) : T;

/**
 * The type of the values that fit a literal schema; `any` where it says nothing, and behind a `$ref`.
 *
 * @example
 * const schema = { type: "object", properties: { city: { type: "string" } }, required: ["city"] } as const;
 * type Place = FromSchema<typeof schema>; // { city: string }
 */
export type FromSchema<S> =
  S extends { readonly const: infer C } ? C
  : S extends { readonly enum: readonly (infer E)[] } ? E
  : S extends { readonly $ref: string } | { readonly allOf: readonly unknown[] } | { readonly if: unknown } ? any
  : S extends { readonly anyOf: readonly (infer A)[] } | { readonly oneOf: readonly (infer A)[] } ? (S extends { readonly properties: unknown } ? any : FromSchema<A>)
  : S extends { readonly type: infer T } ? FromType<T extends readonly (infer U)[] ? U : T, S>
  : any;
type FromType<T, S> =
  T extends "string" ? string
  : T extends "number" | "integer" ? number
  : T extends "boolean" ? boolean
  : T extends "null" ? null
  : T extends "array" ? FromArray<S>
  : T extends "object" ? FromObject<S>
  : any;
type FromArray<S> = S extends { readonly prefixItems: unknown } ? any[] : S extends { readonly items: infer I } ? FromSchema<I>[] : any[];
type FromObject<S> = S extends { readonly properties: infer P }
  ? ({ -readonly [K in keyof P as K extends RequiredOf<S> ? K : never]: FromSchema<P[K]> } & { -readonly [K in keyof P as K extends RequiredOf<S> ? never : K]?: FromSchema<P[K]> } & Others<S>) extends infer O ? { [K in keyof O]: O[K] } : never
  : S extends { readonly additionalProperties: infer A } ? (A extends object ? { [key: string]: FromSchema<A> } : { [key: string]: any }) : { [key: string]: any };
type Others<S> = S extends { readonly patternProperties: unknown } | { readonly additionalProperties: true | object } ? { [key: string]: any } : {};
type RequiredOf<S> = S extends { readonly required: readonly (infer R)[] } ? R : never;

/** What `gp.schema.check` found. */
export type SchemaCheck<T = any> = { ok: true; value: T } | { ok: false; errors: SchemaIssue[] };

/** One place where a value does not fit a schema. */
export interface SchemaIssue {
  /** A JSON Pointer into the value: `/items/0/name`; empty for the value itself. */
  path: string;
  /** What is wrong there. */
  message: string;
}

// ---- Engines --------------------------------------------------------------------------------------------------------

/** Options of `gp.engines.echo`. */
export interface EchoOptions {
  /** What it answers. Default: `"READY"`. */
  reply?: string | null | undefined;
  /** How long it waits before each word, in milliseconds. Default: 0. */
  delayMs?: number | null | undefined;
}

/** Options of `gp.engines.scripted`. */
export interface ScriptedOptions {
  /** What it answers, one for each engine call. */
  responses: readonly ScriptedResponse[];
}

/** One answer of a scripted engine: any mix of these. */
export interface ScriptedResponse {
  /** The model's text, streamed word by word. */
  text?: string | null | undefined;
  /** The tools it asks for. */
  toolCalls?: readonly ScriptedToolCall[] | null | undefined;
  /** Its reasoning. */
  reasoning?: string | null | undefined;
  /** The tokens it says it has used. */
  usage?: ScriptedUsage | null | undefined;
  /** Why it says it stopped. */
  stopReason?: string | null | undefined;
  /** How long it waits before each word, in milliseconds. */
  delayMs?: number | null | undefined;
  /** It fails with this, after what it has said. */
  error?: string | ScriptedError | null | undefined;
}

/** The tokens that a scripted engine says it has used. */
export interface ScriptedUsage {
  /** Tokens of the request. */
  inputTokens?: number | null | undefined;
  /** Tokens of the answer. */
  outputTokens?: number | null | undefined;
  /** How many of the input tokens came from a cache. */
  cachedInputTokens?: number | null | undefined;
  /** How many of the output tokens were reasoning. */
  reasoningTokens?: number | null | undefined;
}

/** A tool call of a scripted engine. */
export interface ScriptedToolCall {
  /** The call's id; a fresh one otherwise. */
  id?: string | null | undefined;
  /** The tool's name. */
  name: string;
  /** The arguments. Default: `{}`. */
  args?: unknown;
}

/** What a scripted engine fails with. */
export interface ScriptedError {
  /** In words. */
  message: string;
  /** The HTTP status it claims. */
  status?: number | null | undefined;
  /** Whether it says that trying again may help. */
  retryable?: boolean | null | undefined;
  /** An `Error` is no plain object: pass its message. */
  stack?: never;
}

/** Options of a real model, for `gp.engines.fromConfig` and `fromProfile`. */
export interface EngineOptions {
  /** The model's name, such as `gpt-5` or `claude-sonnet-4-5`. */
  model?: string | null | undefined;
  /** The provider's API; else the model's name decides. */
  apiType?: "openai" | "openai-responses" | "claude" | "anthropic" | "gemini" | "ollama" | null | undefined;
  /** Alias of `apiType`. */
  provider?: EngineOptions["apiType"];
  /** The host's profile to start from. */
  profile?: string | null | undefined;
  /** How much chance there is, from 0 up. */
  temperature?: number | null | undefined;
  /** The share of likely words to choose from, from 0 to 1. */
  topP?: number | null | undefined;
  /** How many tokens an answer may have. */
  maxTokens?: number | null | undefined;
  /** Texts that end an answer. */
  stop?: readonly string[] | null | undefined;
  /** Makes answers repeatable, where the provider can. */
  seed?: number | null | undefined;
  /** How hard the model thinks, such as `low` or `high`. */
  reasoningEffort?: string | null | undefined;
  /** How long a call may take, in milliseconds. */
  timeoutMs?: number | null | undefined;
  /** Alias of `timeoutMs`, in seconds. */
  timeoutSeconds?: number | null | undefined;
  /** A key of the script's own. The host's keys are never seen by scripts. */
  apiKey?: string | null | undefined;
  /** Another server with the provider's API. The host's key is not sent there, and the host has to allow it. */
  baseURL?: string | null | undefined;
  /** Further headers. */
  headers?: { readonly [name: string]: string } | null | undefined;
}

/**
 * A script's own model: appends its answer to the turn and returns it, or changes the turn and returns nothing. What it
 * streams with `ctx.partial` and adds in no text block is its answer, too.
 *
 * @example
 * const engine = gp.engines.fromFunction(async (turn, ctx) => {
 *   ctx.partial("Hello!");
 *   return gp.turns.appendBlock(turn, gp.turns.newAssistantBlock("Hello!"));
 * });
 */
export type EngineFunction = (turn: Turn, ctx: EngineContext) => TurnInput | void | null | PromiseLike<TurnInput | void | null>;

/** `gp.engines`: what answers turns. */
export interface EnginesNamespace {
  /**
   * An engine without a network: streams its reply word by word.
   *
   * @example
   * const engine = gp.engines.echo({ reply: "Hello!", delayMs: 20 });
   */
  echo(options?: EchoOptions | null): Engine;
  /**
   * A test double: one response for each engine call. Running out of them is an error that says which call.
   *
   * @example
   * const engine = gp.engines.scripted({ responses: [{ toolCalls: [{ name: "add", args: { a: 1, b: 2 } }] }, { text: "3" }] });
   */
  scripted(options: ScriptedOptions): ScriptedEngine;
  /**
   * A script's own model.
   *
   * @example
   * const shout = gp.engines.fromFunction((turn) => {
   *   turn.blocks.push(gp.turns.newAssistantBlock("HELLO!"));
   * });
   */
  fromFunction(fn: EngineFunction): Engine;
  /**
   * A real model, where the host offers any.
   *
   * @example
   * const engine = gp.engines.fromConfig({ model: "gpt-5", reasoningEffort: "low", timeoutMs: 60_000 });
   */
  fromConfig(options?: EngineOptions | null): Engine;
  /**
   * A real model by the host's profile, or by its own name; without one, the host's default profile.
   *
   * @example
   * const engine = gp.engines.fromProfile("fast", { temperature: 0 });
   */
  fromProfile(profile?: string | null, options?: EngineOptions | null): Engine;
  /**
   * Answers from what `geppetto run --record` wrote: a folder in that of the script. Asked something that was not
   * recorded, it fails and shows the difference; what it was not asked is told when the script ends.
   *
   * @example
   * const engine = gp.engines.replay("recording");
   */
  replay(folder: string): Engine;
}

// ---- Middlewares ----------------------------------------------------------------------------------------------------

/** Options of `next`. */
export interface NextOptions {
  /** Answers instead of the session's engine: a fallback. */
  engine?: Engine | null | undefined;
}

/**
 * A middleware that waits in place. Returning nothing means the last result of `next`; if `next` was not called, it is
 * called with the turn as it was left.
 */
export type MiddlewareFunction = (turn: Turn, next: (turn?: TurnInput | null, options?: NextOptions | null) => Turn, ctx: MiddlewareContext) => TurnInput | void | null;

/** A middleware whose `next` is a promise: for `runAsync` and `start`, and the one to prefer there. */
export type AsyncMiddlewareFunction = (turn: Turn, next: (turn?: TurnInput | null, options?: NextOptions | null) => Promise<Turn>, ctx: MiddlewareContext) => TurnInput | void | null | PromiseLike<TurnInput | void | null>;

/** The middlewares that are built in, with their options. A host's own may be merged into it. */
export interface HostMiddlewares {
  /** Replaces the text of the first system block, or inserts one first. */
  systemPrompt: {
    /** The text. */
    prompt: string;
  };
  /** Puts each group of tool results behind its calls, in order. */
  reorderToolResults: NoOptions;
  /** Writes each turn's size to the host's log. */
  turnLogging: NoOptions;
}
/** Takes no options. */
export type NoOptions = { [option: string]: never };
/** The name of a middleware of the host. */
export type HostMiddlewareName = keyof HostMiddlewares | (string & {});
/** What stands behind the name of a middleware of the host: its options. */
export type HostMiddlewareArguments<N> = N extends keyof HostMiddlewares ? ({} extends HostMiddlewares[N] ? [options?: HostMiddlewares[N] | null] : [options: HostMiddlewares[N]]) : [options?: { readonly [option: string]: JsonInput } | null];

/** `gp.middlewares`: what stands around each engine call. */
export interface MiddlewaresNamespace {
  /**
   * A middleware of a script; `next` waits in place and returns a turn. At most 16 may wait inside each other; `fromAsync`
   * has no such limit.
   *
   * @example
   * const retry = gp.middlewares.fromJS((turn, next) => {
   *   try { return next(turn); } catch (error) { if (error instanceof gp.RunError && error.retryable) return next(turn); throw error; }
   * }, "retry");
   */
  fromJS(fn: MiddlewareFunction, name?: string | null): Middleware;
  /**
   * A middleware of a script; `next` returns a promise of a turn.
   *
   * @example
   * const timed = gp.middlewares.fromAsync(async (turn, next, ctx) => {
   *   const began = performance.now();
   *   const answered = await next(turn);
   *   ctx.log.info("answered", { ms: performance.now() - began });
   *   return answered;
   * });
   */
  fromAsync(fn: AsyncMiddlewareFunction, name?: string | null): Middleware;
  /**
   * A middleware of the host, or one that is built in: `systemPrompt`, `reorderToolResults`, `turnLogging`.
   *
   * @example
   * const middlewares = [gp.middlewares.host("systemPrompt", { prompt: "Answer in one sentence." })];
   */
  host<N extends HostMiddlewareName>(name: N, ...options: HostMiddlewareArguments<N>): Middleware;
  /** @deprecated The Go project's name of {@link MiddlewaresNamespace.host}. */
  go<N extends HostMiddlewareName>(name: N, ...options: HostMiddlewareArguments<N>): Middleware;
}

// ---- Tools and hooks ------------------------------------------------------------------------------------------------

/** A tool, as `register` takes it. A list of tools is one of `ToolOptions<any>[]`. */
export interface ToolOptions<S extends JsonSchema = JsonSchema> {
  /** The name that the model calls it by. */
  name: string;
  /** What it does, for the model. */
  description?: string | null | undefined;
  /** The JSON Schema of its arguments. What does not fit is told to the model; the handler is not called. */
  parameters?: Checked<S> | boolean | null | undefined;
  /**
   * Does what the tool does. What it throws is told to the model; `undefined` becomes `null`.
   *
   * @example
   * const handler = async ({ city }, ctx) => {
   *   ctx.emit("looked-up", { city });
   *   return { city, celsius: 21 };
   * };
   */
  handler: (args: FromSchema<S>, ctx: ToolContext) => unknown;
  /** How long an attempt may take, in milliseconds, instead of the loop's `executionTimeoutMs`; 0: no limit. */
  timeoutMs?: number | null | undefined;
}

/** What a model is told about a tool. */
export interface ToolDefinition {
  /** The name it is called by. */
  name: string;
  /** What it does. */
  description?: string;
  /** The JSON Schema of its arguments. */
  parameters?: JsonValue;
}

/** `gp.tools`: what models may call. */
export interface ToolsNamespace {
  /**
   * An empty registry.
   *
   * @example
   * const tools = gp.tools.createRegistry();
   */
  createRegistry(): ToolRegistry;
}

/** Settings of the tool loop. */
export interface ToolLoopOptions {
  /** Whether tools are offered and run at all. Default: true. */
  enabled?: boolean | null | undefined;
  /** How many engine calls a run may make. Default: 5. */
  maxIterations?: number | null | undefined;
  /** How many calls run at once. Default: 1. */
  maxParallelTools?: number | null | undefined;
  /** How long one attempt may take, in milliseconds; 0: no limit. Default: 30000. */
  executionTimeoutMs?: number | null | undefined;
  /** Whether the model may, must not or must call a tool. Default: `"auto"`. */
  toolChoice?: ToolChoice | null | undefined;
  /** What a failed call means for the run. Default: `"continue"`. */
  toolErrorHandling?: ToolErrorHandling | null | undefined;
  /** How many retries follow the first attempt, when errors are retried. Default: 2. */
  retryMaxRetries?: number | null | undefined;
  /** How long to wait before the first retry, in milliseconds. Default: 1000. */
  retryBackoffMs?: number | null | undefined;
  /** By how much the wait grows with each retry. Default: 2. */
  retryBackoffFactor?: number | null | undefined;
  /** The only tools that may be called; an empty list allows none. Default: all. */
  allowedTools?: readonly string[] | null | undefined;
  /** The run completes once one of these has been called. */
  stopAtTools?: readonly string[] | null | undefined;
  /** Looks at every call. */
  hooks?: ToolHooks | null | undefined;
}

/**
 * Hooks of tool calls. Each may be asynchronous; hooks of parallel calls do not overlap.
 *
 * @example
 * gp.createSession({ engine, tools, toolHooks: {
 *   beforeToolCall: ({ call }) => (call.name === "delete" ? { action: "abort", error: "ask first" } : undefined),
 *   onToolError: ({ attempt }) => ({ retry: attempt < 3, backoffMs: 100 }),
 * } });
 */
export interface ToolHooks {
  /** Before a call: may change its name and arguments, never its id, or refuse it. */
  beforeToolCall?: ((payload: BeforeToolCall, ctx: HookContext) => BeforeToolCallResult | void | null | PromiseLike<BeforeToolCallResult | void | null>) | null | undefined;
  /** After a call: may change its result, or make it an error. */
  afterToolCall?: ((payload: AfterToolCall, ctx: HookContext) => AfterToolCallResult | void | null | PromiseLike<AfterToolCallResult | void | null>) | null | undefined;
  /** After a failed attempt: may ask for another one, or for none. */
  onToolError?: ((payload: OnToolError, ctx: HookContext) => OnToolErrorResult | void | null | PromiseLike<OnToolErrorResult | void | null>) | null | undefined;
  /** How long a hook may take, in milliseconds; 0: as long as its run. Default: 30000. */
  hookTimeoutMs?: number | null | undefined;
  /** How many retries hooks may ask for in one call. Default: 10. */
  maxHookRetries?: number | null | undefined;
  /** What a hook that fails means: `fail-closed` fails its call, `fail-open` is logged and passed over. */
  hookErrorPolicy?: "fail-closed" | "fail-open" | "closed" | "open" | null | undefined;
  /** @deprecated Alias of `hookErrorPolicy`. */
  onHookError?: "fail-closed" | "fail-open" | "closed" | "open" | null | undefined;
  /** @deprecated `true` is `hookErrorPolicy: "fail-open"`. */
  failOpen?: boolean | null | undefined;
}

/** A call as hooks see it. */
export interface HookedCall {
  /** The call's id. */
  readonly id: string;
  /** The tool's name. */
  readonly name: string;
  /** The arguments. A hook changes them by what it returns. */
  readonly args: any;
}

/** What all hooks get. */
export interface HookPayload extends ContextFacts {
  /** The call. */
  readonly call: HookedCall;
}

/** What `beforeToolCall` gets. */
export interface BeforeToolCall extends HookPayload {
  /** Which hook it is. */
  phase: "beforeToolCall";
}

/** What `afterToolCall` gets. */
export interface AfterToolCall extends HookPayload {
  /** Which hook it is. */
  phase: "afterToolCall";
  /** What came of the call: `error` is empty when it went well. */
  readonly result: { readonly value: any; readonly error: string; readonly durationMs: number };
}

/** What `onToolError` gets. */
export interface OnToolError extends HookPayload {
  /** Which hook it is. */
  phase: "onToolError";
  /** Which attempt failed, from 1. */
  attempt: number;
  /** What it failed with. */
  error: string;
  /** Whether the call is retried unless the hook says otherwise. */
  defaultRetry: boolean;
  /** How long is waited before that, in milliseconds. */
  defaultBackoffMs: number;
}

/** What `beforeToolCall` may return. */
export interface BeforeToolCallResult {
  /** Other arguments; they are checked against the schema again. */
  args?: unknown;
  /** @deprecated Alias of `args`. */
  arguments?: unknown;
  /** Another tool. */
  name?: string | null | undefined;
  /** The changed call. */
  call?: { id?: string | undefined; name?: string | undefined; args?: unknown; arguments?: unknown } | null | undefined;
  /** `"abort"` refuses the call. */
  action?: Exclude<HookAction, "retry"> | null | undefined;
  /** `true` refuses the call. */
  abort?: boolean | null | undefined;
  /** What the model is told of a refused call; only together with `action: "abort"`. */
  error?: string | null | undefined;
}

/** What `afterToolCall` may return. */
export interface AfterToolCallResult {
  /** Another result; `null` is one. */
  result?: unknown;
  /** Makes the call an error. */
  error?: string | null | undefined;
  /** `"abort"` makes the call an error. */
  action?: Exclude<HookAction, "retry"> | null | undefined;
  /** `true` makes the call an error. */
  abort?: boolean | null | undefined;
}

/** What `onToolError` may return. */
export interface OnToolErrorResult {
  /** `"retry"` tries again under every policy, the others stop retrying. */
  action?: HookAction | null | undefined;
  /** The same as `action`: `true` to retry, `false` to stop. */
  retry?: boolean | null | undefined;
  /** `true` stops retrying. */
  abort?: boolean | null | undefined;
  /** How long to wait before the retry, in milliseconds. */
  backoffMs?: number | null | undefined;
}

// ---- Contexts -------------------------------------------------------------------------------------------------------

/** An `AbortSignal`: the global one, where the project declares one. */
export type Signal = typeof globalThis extends { AbortSignal: { prototype: infer S } } ? S : AbortSignalLike;

/** An `AbortSignal`, for projects that do not declare one. */
export interface AbortSignalLike {
  /** Whether it has been aborted. */
  readonly aborted: boolean;
  /** Why. */
  readonly reason: any;
  /**
   * Throws the reason once it has been aborted.
   *
   * @example
   * ctx.signal.throwIfAborted();
   */
  throwIfAborted(): void;
  /**
   * Calls the listener when it is aborted.
   *
   * @example
   * ctx.signal.addEventListener("abort", () => console.log("aborted"));
   */
  addEventListener(type: "abort", listener: (event: any) => unknown, options?: any): void;
  /**
   * Removes a listener.
   *
   * @example
   * const listener = () => {};
   * ctx.signal.removeEventListener("abort", listener);
   */
  removeEventListener(type: "abort", listener: (event: any) => unknown): void;
}

/**
 * Your own events: merge their names and data into it, and `emit` and `on("custom")` are typed, in all files of the
 * project.
 *
 * @example
 * declare module "geppetto" {
 *   interface CustomEvents { "looked-up": { city: string } }
 * }
 */
export interface CustomEvents {}
type CustomName = keyof CustomEvents extends never ? string : keyof CustomEvents & string;
type CustomData<N> = N extends keyof CustomEvents ? CustomEvents[N] : unknown;

/** The facts of a run that every callback is told. */
export interface ContextFacts {
  /** The session. */
  readonly sessionId: string;
  /** The run. */
  readonly inferenceId: string;
  /** The turn that the run produces. */
  readonly turnId: string;
  /** The trace that the run belongs to. */
  readonly traceId?: string;
  /** The application's tags. */
  readonly tags?: JsonObject;
  /** Now, in milliseconds since the epoch. */
  readonly timestampMs: number;
  /** When the callback has to have ended, in milliseconds since the epoch: the nearest deadline. */
  readonly deadlineMs?: number;
}

/** What every callback may do. */
export interface CallbackContext {
  /** Aborted when the run is cancelled, runs out of time, or the runtime is shut down. */
  readonly signal: Signal;
  /** The host's log; lines carry the run's ids and appear as `log` events. */
  readonly log: Logger;
  /** Publishes a `custom` event. Throws after the run's end, and outside of a run. */
  readonly emit: <N extends CustomName>(name: N, ...data: undefined extends CustomData<N> ? [data?: CustomData<N>] : [data: CustomData<N>]) => void;
}

/** Writes to the host's log. */
export interface Logger {
  /**
   * For whoever looks for a fault.
   *
   * @example
   * ctx.log.debug("looked up", { city: "Rome" });
   */
  debug(message: string, fields?: object | null): void;
  /**
   * What goes on.
   *
   * @example
   * ctx.log.info("looked up", { city: "Rome" });
   */
  info(message: string, fields?: object | null): void;
  /**
   * Something is odd.
   *
   * @example
   * ctx.log.warn("looked up", { city: "Rome" });
   */
  warn(message: string, fields?: object | null): void;
  /**
   * Something failed.
   *
   * @example
   * ctx.log.error("looked up", { city: "Rome" });
   */
  error(message: string, fields?: object | null): void;
}

/** Streams an answer while it is being made. */
export interface Streaming {
  /** Streams a piece of the answer. Throws after the run's end. */
  readonly partial: (delta: string) => void;
  /** Streams a piece of the reasoning. Throws after the run's end. */
  readonly thinking: (delta: string) => void;
}

/** What an engine's function knows and may do. */
export interface EngineContext extends ContextFacts, CallbackContext, Streaming {}

/** What a middleware's function knows and may do. */
export interface MiddlewareContext extends ContextFacts, CallbackContext, Streaming {
  /** The middleware's name. */
  readonly middlewareName: string;
  /** The name of the engine that will be reached. */
  readonly engineName: string;
}

/** The facts of a tool call. */
export interface ToolFacts {
  /** The tool. */
  readonly toolName: string;
  /** The call's id. */
  readonly callId: string;
  /** The name that the model asked for; a hook may have chosen another tool. */
  readonly callName: string;
  /** Which attempt this is, from 1. */
  readonly attempt: number;
}

/** What a tool's handler knows and may do. Outside of a run (`registry.call`) there are no ids, and `emit` throws. */
export interface ToolContext extends Partial<ContextFacts>, CallbackContext, ToolFacts {}

/** What a hook knows and may do. */
export interface HookContext extends ContextFacts, CallbackContext, ToolFacts {}

// ---- Sessions and runs ----------------------------------------------------------------------------------------------

/** What a run starts from: a turn as it is; or a text, a block or blocks behind the latest turn. */
export type Seed = TurnInput | string | BlockInput | readonly BlockInput[];

/** Options of a session. */
export interface SessionOptions {
  /** What answers. */
  engine: Engine;
  /** What stands around each engine call, the first outermost. */
  middlewares?: readonly (Middleware | MiddlewareFunction)[] | null | undefined;
  /** What the model may call. */
  tools?: ToolRegistry | null | undefined;
  /** Settings of the tool loop. */
  toolLoop?: ToolLoopOptions | null | undefined;
  /** Looks at every tool call. */
  toolHooks?: ToolHooks | null | undefined;
  /** The session's id; a fresh one otherwise. */
  id?: string | null | undefined;
}

/** Options of a builder: those of a session, where the engine may come later. */
export interface BuilderOptions extends Omit<SessionOptions, "engine"> {
  /** What answers. */
  engine?: Engine | null | undefined;
}

/** Options of a run. */
export interface RunOptions {
  /** How long the run may take, in milliseconds; 0: no limit. */
  timeoutMs?: number | null | undefined;
  /** The application's tags: they stand in `run-started` and in every callback's context. */
  tags?: { readonly [key: string]: JsonInput } | null | undefined;
  /** Cancels the run. */
  signal?: Signal | null | undefined;
  /** @deprecated Alias of `signal`. */
  abortSignal?: Signal | null | undefined;
  /** The trace that the run belongs to. */
  traceId?: string | null | undefined;
  /** Commits the partial turn of a run that fails, as a result would be. It throws all the same. Default: false. */
  keepPartial?: boolean | null | undefined;
}

// ---- Events ---------------------------------------------------------------------------------------------------------

/** A complete tool call. `input` is JSON text, as the model wrote it. */
export type ToolCallInfo = {
  /** The call's id. */
  id: string;
  /** The tool's name. */
  name: string;
  /** The arguments as JSON text. */
  input: string;
};

/** A tool's result. `result` is JSON text, absent on failure. */
export type ToolResultInfo = {
  /** The id of the call. */
  id: string;
  /** The tool's name. */
  name: string;
  /** What the tool returned, as JSON text. */
  result?: string;
  /** Why the tool failed. */
  error?: string;
};

/** A piece of a tool call: its id and name as soon as they are known, and a piece of the arguments' JSON text. */
export type ToolCallDelta = {
  /** The call's id, once known. */
  id?: string;
  /** The tool's name, once known. */
  name?: string;
  /** A piece of the arguments. */
  delta: string;
};

/** The callback a custom event came from. */
export type EventOrigin = {
  /** The tool, in a tool handler or hook. */
  toolName?: string;
  /** The call, in a tool handler or hook. */
  callId?: string;
  /** The middleware, in a middleware. */
  middlewareName?: string;
};

/** What an event tells. The variants are the event types; see the table of events in the documentation. */
export type EventBody =
  | { type: "run-started"; tags?: JsonObject; traceId?: string }
  | { type: "run-finished"; status: RunStatus; error?: string; code?: ErrorCode; usage?: Usage; durationMs: number }
  | { type: "start"; engine: string }
  | { type: "final"; text: string; usage?: Usage; stopReason?: string }
  | { type: "partial"; delta: string }
  | { type: "partial-thinking"; delta: string }
  | { type: "tool-call-delta"; toolCall: ToolCallDelta }
  | { type: "tool-call"; toolCall: ToolCallInfo }
  | { type: "tool-call-execute"; toolCall: ToolCallInfo; attempt: number }
  | { type: "tool-call-execution-result"; toolResult: ToolResultInfo; error?: string; attempt: number; durationMs: number }
  | { type: "tool-result"; toolResult: ToolResultInfo }
  | { type: "log"; level: LogLevel; message: string; fields: { [key in string]: JsonValue } }
  | { type: "info"; message: string; data?: JsonValue }
  | { type: "custom"; name: string; data?: JsonValue; origin: EventOrigin }
  | { type: "error"; error: string; code: ErrorCode }
  | { type: "interrupt"; text: string }
  | { type: "debugger.pause"; pauseId: string; phase: string; summary: string; deadlineMs: number };

type BodyOf<K extends EventBody["type"]> = Extract<EventBody, { type: K }>;

/** What every event tells. */
export interface EventBase {
  /** Its place in the run's log: 0, 1, 2, … without gaps. */
  readonly seq: number;
  /** When it happened, in milliseconds since the epoch. */
  readonly timestampMs: number;
  /** The session. */
  readonly sessionId: string;
  /** The run. */
  readonly inferenceId: string;
  /** The turn that the run produces. */
  readonly turnId: string;
}

/** A tool call as events tell it. */
export interface EventToolCall extends ToolCallInfo {
  /** The arguments, parsed when they are read; not part of the JSON. */
  readonly args: any;
}

/** A tool's result as events tell it. */
export interface EventToolResult extends ToolResultInfo {
  /** The result, parsed when it is read; not part of the JSON. */
  readonly value: any;
}

type CustomBody<N, D> = Omit<BodyOf<"custom">, "name" | "data"> & { name: N } & (undefined extends D ? { data?: D } : { data: D });

/** The first event of every run. */
export interface RunStartedEvent extends EventBase, BodyOf<"run-started"> {
}

/** The last event of every run: `status`, `error?`, `code?`, `usage?`, `durationMs`. */
export interface RunFinishedEvent extends EventBase, BodyOf<"run-finished"> {
}

/** An engine begins to answer. */
export interface StartEvent extends EventBase, BodyOf<"start"> {
}

/** An engine has answered: `text`, `usage?`, `stopReason?`. */
export interface FinalEvent extends EventBase, BodyOf<"final"> {
}

/** A piece of the answer: `delta`, and `completion`, the text so far. */
export interface PartialEvent extends EventBase, BodyOf<"partial"> {
  /** The text so far, put together when it is read; not part of the JSON. */
  readonly completion: string;
}

/** A piece of the reasoning. */
export interface PartialThinkingEvent extends EventBase, BodyOf<"partial-thinking"> {
  /** The text so far, put together when it is read; not part of the JSON. */
  readonly completion: string;
}

/** A piece of a tool call that is still being written. */
export interface ToolCallDeltaEvent extends EventBase, BodyOf<"tool-call-delta"> {
}

/** The model asks for a tool; the call is complete. */
export interface ToolCallEvent extends EventBase, Omit<BodyOf<"tool-call">, "toolCall"> {
  /** The call. */
  toolCall: EventToolCall;
}

/** An attempt at a tool call begins. */
export interface ToolCallExecuteEvent extends EventBase, Omit<BodyOf<"tool-call-execute">, "toolCall"> {
  /** The call. */
  toolCall: EventToolCall;
}

/** An attempt at a tool call has ended. */
export interface ToolCallExecutionResultEvent extends EventBase, Omit<BodyOf<"tool-call-execution-result">, "toolResult"> {
  /** What came of it. */
  toolResult: EventToolResult;
}

/** What went into the turn for a tool call. */
export interface ToolResultEvent extends EventBase, Omit<BodyOf<"tool-result">, "toolResult"> {
  /** What came of it. */
  toolResult: EventToolResult;
}

/** A log line of a callback. */
export interface LogEvent extends EventBase, BodyOf<"log"> {
}

/** Something a person may want to know. */
export interface InfoEvent extends EventBase, BodyOf<"info"> {
}

/** An application's own event. */
export type CustomEvent = EventBase & (keyof CustomEvents extends never ? CustomBody<string, any> : { [N in keyof CustomEvents]: CustomBody<N, CustomEvents[N]> }[keyof CustomEvents]);

/** Something failed. */
export interface ErrorEvent extends EventBase, BodyOf<"error"> {
}

/** An engine was stopped; `text` is what it had said. */
export interface InterruptEvent extends EventBase, BodyOf<"interrupt"> {
}

/** The run waits for a debugger. */
export interface DebuggerPauseEvent extends EventBase, BodyOf<"debugger.pause"> {
}

/** The events of a run, by type. */
export interface RunEventMap {
  /** The first event of every run. */
  "run-started": RunStartedEvent;
  /** The last event of every run: `status`, `error?`, `code?`, `usage?`, `durationMs`. */
  "run-finished": RunFinishedEvent;
  /** An engine begins to answer. */
  "start": StartEvent;
  /** An engine has answered: `text`, `usage?`, `stopReason?`. */
  "final": FinalEvent;
  /** A piece of the answer: `delta`, and `completion`, the text so far. */
  "partial": PartialEvent;
  /** A piece of the reasoning. */
  "partial-thinking": PartialThinkingEvent;
  /** A piece of a tool call that is still being written. */
  "tool-call-delta": ToolCallDeltaEvent;
  /** The model asks for a tool; the call is complete. */
  "tool-call": ToolCallEvent;
  /** An attempt at a tool call begins. */
  "tool-call-execute": ToolCallExecuteEvent;
  /** An attempt at a tool call has ended. */
  "tool-call-execution-result": ToolCallExecutionResultEvent;
  /** What went into the turn for a tool call. */
  "tool-result": ToolResultEvent;
  /** A log line of a callback. */
  "log": LogEvent;
  /** Something a person may want to know. */
  "info": InfoEvent;
  /** An application's own event. */
  "custom": CustomEvent;
  /** Something failed. */
  "error": ErrorEvent;
  /** An engine was stopped; `text` is what it had said. */
  "interrupt": InterruptEvent;
  /** The run waits for a debugger. */
  "debugger.pause": DebuggerPauseEvent;
}

/** Any event of a run. `event.type` tells which. */
export type RunEvent = RunEventMap[keyof RunEventMap];

/** What can be listened to: each type of event, and `"*"` for all of them. */
export interface Listenable extends RunEventMap {
  /** Every event. */
  "*": RunEvent;
}

// ---- Turns ----------------------------------------------------------------------------------------------------------

/** `gp.turns`: makes and reads turns and blocks. */
export interface TurnsNamespace {
  /**
   * A turn as scripts receive it: ids filled in, shorthand put into payloads.
   *
   * @throws TypeError for what a turn cannot be, with the path.
   *
   * @example
   * gp.turns.normalize({ blocks: [{ kind: "user", text: "Hi" }] }).blocks[0]?.payload.text; // "Hi"
   */
  normalize(turn: TurnInput): Turn;
  /**
   * A new turn, with these parts.
   *
   * @example
   * const turn = gp.turns.newTurn({ blocks: [gp.turns.newUserBlock("Hi")] });
   */
  newTurn(partial?: TurnInput | null): Turn;
  /**
   * A new turn: this one and a block, or blocks, behind it.
   *
   * @example
   * const longer = gp.turns.appendBlock(turn, { kind: "llm_text", text: "Hello!" });
   */
  appendBlock(turn: TurnInput, block: BlockInput | readonly BlockInput[]): Turn;
  /**
   * What the person says. An image is `{ url, mediaType? }`, or `{ content, mediaType }` with base64.
   *
   * @example
   * gp.turns.newUserBlock("What is this?", [{ url: "https://example.com/cat.png" }]);
   */
  newUserBlock(text: string, images?: readonly object[] | null): Block;
  /**
   * Instructions for the model.
   *
   * @example
   * gp.turns.newSystemBlock("Answer in one sentence.");
   */
  newSystemBlock(text: string): Block;
  /**
   * What the model says.
   *
   * @example
   * gp.turns.newAssistantBlock("Hello!");
   */
  newAssistantBlock(text: string): Block;
  /**
   * The model asks for a tool.
   *
   * @example
   * gp.turns.newToolCallBlock("call-1", "add", { a: 1, b: 2 });
   */
  newToolCallBlock(id: string, name: string, args?: unknown): Block;
  /**
   * The answer to a call. A string is taken as the JSON text, anything else is encoded; with an error there is no result.
   *
   * @example
   * gp.turns.newToolUseBlock("call-1", { sum: 3 });
   * gp.turns.newToolUseBlock("call-2", null, "the service is down");
   */
  newToolUseBlock(id: string, result?: unknown, error?: string | null): Block;
  /**
   * The assistant's last text; empty without one.
   *
   * @example
   * console.log(gp.turns.text(turn));
   */
  text(turn: TurnInput): string;
  /**
   * What a `tool_use` block holds, parsed; `undefined` when the tool failed.
   *
   * @example
   * for (const block of turn.blocks) if (block.kind === "tool_use") console.log(gp.turns.toolResult(block));
   */
  toolResult(block: BlockInput): any;
  /**
   * The blocks that `after` has by id and `before` has not.
   *
   * @example
   * const answered = session.run("Hi");
   * console.log(gp.turns.added(turn, answered).map((block) => block.kind));
   */
  added(before: TurnInput, after: TurnInput): Block[];
}

/** `gp.schema`: JSON Schemas outside of tools. */
export interface SchemaNamespace {
  /**
   * Checks a value.
   *
   * @throws TypeError when the schema is none.
   *
   * @example
   * const checked = gp.schema.check({ type: "number" }, "7");
   * if (!checked.ok) console.log(checked.errors[0]?.message);
   */
  check<const S extends JsonSchema>(schema: Checked<S> | boolean, value: unknown): SchemaCheck<FromSchema<S>>;
}

// ---- The module -----------------------------------------------------------------------------------------------------

/** The module `geppetto`. */
export interface Geppetto {
  /** The version of geppetto. */
  readonly version: string;
  /** The names of kinds, keys, event types and error codes. */
  readonly consts: Consts;
  /** The script's arguments; empty when it is embedded. */
  readonly args: readonly string[];
  /** Why a run produced no turn. */
  readonly RunError: typeof RunError;
  /** Makes and reads turns and blocks. */
  readonly turns: TurnsNamespace;
  /** What answers turns. */
  readonly engines: EnginesNamespace;
  /** What stands around each engine call. */
  readonly middlewares: MiddlewaresNamespace;
  /** What models may call. */
  readonly tools: ToolsNamespace;
  /** JSON Schemas outside of tools. */
  readonly schema: SchemaNamespace;
  /**
   * A session.
   *
   * @example
   * const session = gp.createSession({ engine: gp.engines.echo(), tools, toolLoop: { maxIterations: 3 } });
   */
  createSession(options: SessionOptions): Session;
  /**
   * A builder of sessions, with these options to begin with.
   *
   * @example
   * const builder = gp.createBuilder({ engine: gp.engines.echo() });
   */
  createBuilder(options?: BuilderOptions | null): Builder;
  /**
   * One run without keeping a session; waits in place.
   *
   * @example
   * const turn = gp.runInference(engine, "Hi", { timeoutMs: 10_000 });
   */
  runInference(engine: Engine, seed: Seed, options?: InferenceOptions | null): Turn;
  /**
   * The same, with a promise.
   *
   * @example
   * const turn = await gp.runInferenceAsync(engine, "Hi", { tools });
   */
  runInferenceAsync(engine: Engine, seed: Seed, options?: InferenceOptions | null): Promise<Turn>;
}

/** Options of `gp.runInference`: those of a session but for its engine, and those of a run. */
export interface InferenceOptions extends Omit<SessionOptions, "engine">, RunOptions {}

export const version: Geppetto["version"];
export const consts: Geppetto["consts"];
export const args: Geppetto["args"];
export const turns: Geppetto["turns"];
export const engines: Geppetto["engines"];
export const middlewares: Geppetto["middlewares"];
export const tools: Geppetto["tools"];
export const schema: Geppetto["schema"];
export const createSession: Geppetto["createSession"];
export const createBuilder: Geppetto["createBuilder"];
export const runInference: Geppetto["runInference"];
export const runInferenceAsync: Geppetto["runInferenceAsync"];
declare const geppetto: Geppetto;
export default geppetto;
export {};
export type { Builder, Engine, EventIterator, Middleware, RunHandle, ScriptedEngine, Session, ToolRegistry };
