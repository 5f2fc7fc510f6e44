// Generated from xtask/schema.yaml by `cargo xtask codegen`. Do not edit.

/** What a block is. */
export type BlockKind =
  /** What the person said: `text`, and `images` if there are any. */
  | "user"
  /** What the model said: `text`. */
  | "llm_text"
  /** Instructions for the model: `text`. */
  | "system"
  /** The model asks for a tool: `id`, `name`, `args`. */
  | "tool_call"
  /** The answer to a tool call: `id` of the call, `result` as JSON text, `error` (empty when fine). */
  | "tool_use"
  /** The model's reasoning: `text`, `summary`, `encrypted_content`, `item_id`. */
  | "reasoning"
  /** Anything else an application wants to keep in the conversation. */
  | "other";

/** Why a run failed, in one word. */
export type ErrorCode =
  /** The session already has an active run. */
  | "busy"
  /** There is no turn to start from. */
  | "no_seed"
  /** Somebody cancelled the run. */
  | "cancelled"
  /** A deadline passed. */
  | "timeout"
  /** The tool loop asked the engine too often. */
  | "max_iterations"
  /** The engine failed. */
  | "engine"
  /** A middleware failed. */
  | "middleware"
  /** A tool failed and the policy is `abort`. */
  | "tool_error"
  /** A hook failed outside a call. */
  | "hook"
  /** A script broke a rule of the runtime. */
  | "script"
  /** A limit of the runtime was reached. */
  | "limit"
  /** The runtime was shut down. */
  | "shutdown"
  /** A bug in geppetto or in host code. */
  | "internal";

/** Whether the model may, must not or must call a tool. */
export type ToolChoice =
  /** The model decides. */
  | "auto"
  /** The model must not call a tool. */
  | "none"
  /** The model must call a tool. */
  | "required";

/** What a failed tool call means for the run. */
export type ToolErrorHandling =
  /** The error becomes the call's result; the run goes on. */
  | "continue"
  /** The run ends with code `tool_error`. */
  | "abort"
  /** The call is retried with exponential backoff; then as `continue`. */
  | "retry";

/** What a hook asks for. */
export type HookAction =
  /** Go on; after an error: stop retrying. */
  | "continue"
  /** Try the call again. */
  | "retry"
  /** Refuse the call, or stop retrying. */
  | "abort";

/** How a run ended. */
export type RunStatus =
  /** The run produced a turn. */
  | "completed"
  /** Something went wrong; the event's `code` says what. */
  | "failed"
  /** Somebody cancelled it, or the runtime was shut down. */
  | "cancelled"
  /** Its deadline passed. */
  | "timeout";

/** How much a log line matters. */
export type LogLevel =
  /** For whoever looks for a fault. */
  | "debug"
  /** What goes on. */
  | "info"
  /** Something is odd. */
  | "warn"
  /** Something failed. */
  | "error";

/** A block's payload. It is open; these keys are checked. */
export interface BlockPayload {
  /** The text of a message or of reasoning. */
  text?: string | undefined;
  /** The id of a tool call, or of the call a `tool_use` answers. */
  id?: string | undefined;
  /** The name of the tool that is called. */
  name?: string | undefined;
  /** The arguments of a tool call. */
  args?: any | undefined;
  /** What the tool returned, as JSON text; absent on failure. */
  result?: string | undefined;
  /** Why the tool failed; empty when it did not. */
  error?: string | undefined;
  /** Images that belong to a user's message. */
  images?: JsonValue[] | undefined;
  /** Reasoning that only the provider can read. */
  encrypted_content?: string | undefined;
  /** The provider's summary of the reasoning. */
  summary?: any | undefined;
  /** The provider's id of a reasoning item. */
  item_id?: string | undefined;
  [key: string]: JsonValue | undefined;
}

/** A block's payload as a script may pass it: any plain values; these keys are checked. */
export interface BlockPayloadInput {
  /** The text of a message or of reasoning. */
  text?: string | null | undefined;
  /** The id of a tool call, or of the call a `tool_use` answers. */
  id?: string | null | undefined;
  /** The name of the tool that is called. */
  name?: string | null | undefined;
  /** The arguments of a tool call. */
  args?: unknown | null | undefined;
  /** What the tool returned, as JSON text; absent on failure. */
  result?: string | null | undefined;
  /** Why the tool failed; empty when it did not. */
  error?: string | null | undefined;
  /** Images that belong to a user's message. */
  images?: readonly unknown[] | null | undefined;
  /** Reasoning that only the provider can read. */
  encrypted_content?: string | null | undefined;
  /** The provider's summary of the reasoning. */
  summary?: unknown | null | undefined;
  /** The provider's id of a reasoning item. */
  item_id?: string | null | undefined;
  [key: string]: unknown;
}

/** What is known about a turn, by key: geppetto's own by their short names, any other as it is. */
export type TurnMetadata = {
  /** The provider that answered. */
  provider?: string;
  /** What the host notes about its runtime. */
  runtime?: any;
  /** The session that produced the turn. */
  session_id?: string;
  /** The run that produced the turn. */
  inference_id?: string;
  /** The trace the run belongs to. */
  trace_id?: string;
  /** The tokens that were used. */
  usage?: Usage;
  /** Why the model stopped. */
  stop_reason?: string;
  /** The model that answered. */
  model?: string;
  /** What the engine says about the whole inference. */
  inference_result?: any;
  [key: string]: any;
};

/** Settings for engines and middlewares, by key: geppetto's own by their short names, any other as it is. */
export type TurnData = {
  /** How the model may use tools in this turn. */
  tool_config?: any;
  /** The tools that are offered to the model. */
  tool_definitions?: any;
  /** The JSON Schema the answer must have. */
  structured_output_config?: any;
  /** Model settings for this turn, for every provider. */
  inference_config?: any;
  /** Model settings for this turn, for Claude. */
  claude_inference_config?: any;
  /** Model settings for this turn, for OpenAI. */
  openai_inference_config?: any;
  /** The tools the current agent mode allows. */
  agent_mode_allowed_tools?: any;
  /** The current agent mode. */
  agent_mode?: string;
  /** Tools that the provider runs on its side. */
  responses_server_tools?: any;
  [key: string]: any;
};

/** What is known about a block, by key: geppetto's own by their short names, any other as it is. */
export type BlockMetadata = {
  /** Content in Claude's own form, for replay. */
  claude_original_content?: any;
  /** Tool calls that belong to a text block. */
  tool_calls?: any;
  /** The middleware that added the block. */
  middleware?: string;
  /** Marks a block of the agent-mode middleware. */
  agentmode_tag?: any;
  /** The agent mode a block belongs to. */
  agentmode?: string;
  /** What the engine says about this block. */
  inference_result?: any;
  /** Provider data that is needed to replay the block. */
  native?: any;
  [key: string]: any;
};

/** Anything JSON can hold. */
export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };

/** An object of JSON values. */
export type JsonObject = { [key: string]: JsonValue };

/** What may be passed where JSON is wanted: absent properties are left out, a date becomes its ISO text. */
export type JsonInput = null | undefined | boolean | number | string | Date | readonly JsonInput[] | { readonly [key: string]: JsonInput };

/**
 * A block as a script may pass it. Without a `payload`, `text`, `args`, `result`, `name` and `error` may stand at top level,
 * and the `id` of a tool call or result is the call's; beside a payload they are refused. In plain JavaScript a variable
 * widens `kind`: use `gp.turns.newUserBlock` and its like, or `gp.consts.BlockKind`.
 */
export interface BlockInput {
  id?: string | null | undefined;
  kind: BlockKind;
  role?: string | null | undefined;
  payload?: BlockPayloadInput | null | undefined;
  metadata?: { readonly [key: string]: JsonInput } | null | undefined;
  text?: string | null | undefined;
  args?: unknown;
  result?: unknown;
  name?: string | null | undefined;
  error?: string | null | undefined;
}

/** A turn as a script may pass it. Blocks without an id get one. */
export interface TurnInput {
  id?: string | null | undefined;
  blocks?: readonly BlockInput[] | null | undefined;
  metadata?: { readonly [key: string]: JsonInput } | null | undefined;
  data?: { readonly [key: string]: JsonInput } | null | undefined;
}

/** The tokens an engine used. In JSON: `{"inputTokens":12,"outputTokens":5,"cachedInputTokens":8,"reasoningTokens":2}`, the last two absent when 0. */
export type Usage = {
  /** Tokens of the request, cached ones included. */
  inputTokens: number;
  /** Tokens of the answer, reasoning included. */
  outputTokens: number;
  /** How many of the input tokens came from the provider's cache. */
  cachedInputTokens?: number;
  /** How many of the output tokens were reasoning. */
  reasoningTokens?: number;
};

/** A block as a script receives it: its id and payload are always there. */
export type Block = {
  /** Unique within the conversation. */
  id: string;
  /** What the block is. Its payload depends on it. */
  kind: BlockKind;
  /** Who says it: `user`, `assistant`, `system`; absent for tool calls, results and reasoning. */
  role?: string;
  /** What it says. */
  payload: BlockPayload;
  /** What is known about the block, by key; see `gp.consts.BlockMetadataKeys`. */
  metadata?: BlockMetadata;
};

/** A turn as a script receives it: the conversation so far. It is a plain object: spread it, change it, stringify it. */
export type Turn = {
  /** Unique within the session. */
  id: string;
  /** What was said, oldest first. */
  blocks: Block[];
  /** What is known about the turn, by key; see `gp.consts.TurnMetadataKeys`. */
  metadata?: TurnMetadata;
  /** Settings for engines and middlewares, by key; see `gp.consts.TurnDataKeys`. */
  data?: TurnData;
};

/** The constants of `gp.consts`. */
export interface Consts {
  readonly BlockKind: {
    readonly USER: "user";
    readonly LLM_TEXT: "llm_text";
    readonly SYSTEM: "system";
    readonly TOOL_CALL: "tool_call";
    readonly TOOL_USE: "tool_use";
    readonly REASONING: "reasoning";
    readonly OTHER: "other";
  };
  readonly TurnDataKeys: {
    readonly TOOL_CONFIG: "tool_config";
    readonly TOOL_DEFINITIONS: "tool_definitions";
    readonly STRUCTURED_OUTPUT_CONFIG: "structured_output_config";
    readonly INFERENCE_CONFIG: "inference_config";
    readonly CLAUDE_INFERENCE_CONFIG: "claude_inference_config";
    readonly OPENAI_INFERENCE_CONFIG: "openai_inference_config";
    readonly AGENT_MODE_ALLOWED_TOOLS: "agent_mode_allowed_tools";
    readonly AGENT_MODE: "agent_mode";
    readonly RESPONSES_SERVER_TOOLS: "responses_server_tools";
  };
  readonly TurnMetadataKeys: {
    readonly PROVIDER: "provider";
    readonly RUNTIME: "runtime";
    readonly SESSION_ID: "session_id";
    readonly INFERENCE_ID: "inference_id";
    readonly TRACE_ID: "trace_id";
    readonly USAGE: "usage";
    readonly STOP_REASON: "stop_reason";
    readonly MODEL: "model";
    readonly INFERENCE_RESULT: "inference_result";
  };
  readonly BlockMetadataKeys: {
    readonly CLAUDE_ORIGINAL_CONTENT: "claude_original_content";
    readonly TOOL_CALLS: "tool_calls";
    readonly MIDDLEWARE: "middleware";
    readonly AGENTMODE_TAG: "agentmode_tag";
    readonly AGENTMODE: "agentmode";
    readonly INFERENCE_RESULT: "inference_result";
    readonly NATIVE: "native";
  };
  readonly RunMetadataKeys: {
    readonly TRACE_ID: "trace_id";
  };
  readonly PayloadKeys: {
    readonly TEXT: "text";
    readonly ID: "id";
    readonly NAME: "name";
    readonly ARGS: "args";
    readonly RESULT: "result";
    readonly ERROR: "error";
    readonly IMAGES: "images";
    readonly ENCRYPTED_CONTENT: "encrypted_content";
    readonly SUMMARY: "summary";
    readonly ITEM_ID: "item_id";
  };
  readonly ToolChoice: {
    readonly AUTO: "auto";
    readonly NONE: "none";
    readonly REQUIRED: "required";
  };
  readonly ToolErrorHandling: {
    readonly CONTINUE: "continue";
    readonly ABORT: "abort";
    readonly RETRY: "retry";
  };
  readonly HookAction: {
    readonly CONTINUE: "continue";
    readonly RETRY: "retry";
    readonly ABORT: "abort";
  };
  readonly EventType: {
    readonly RUN_STARTED: "run-started";
    readonly RUN_FINISHED: "run-finished";
    readonly START: "start";
    readonly FINAL: "final";
    readonly PARTIAL: "partial";
    readonly PARTIAL_THINKING: "partial-thinking";
    readonly TOOL_CALL_DELTA: "tool-call-delta";
    readonly TOOL_CALL: "tool-call";
    readonly TOOL_CALL_EXECUTE: "tool-call-execute";
    readonly TOOL_CALL_EXECUTION_RESULT: "tool-call-execution-result";
    readonly TOOL_RESULT: "tool-result";
    readonly LOG: "log";
    readonly INFO: "info";
    readonly CUSTOM: "custom";
    readonly ERROR: "error";
    readonly INTERRUPT: "interrupt";
    readonly DEBUGGER_PAUSE: "debugger.pause";
  };
  readonly ErrorCode: {
    readonly BUSY: "busy";
    readonly NO_SEED: "no_seed";
    readonly CANCELLED: "cancelled";
    readonly TIMEOUT: "timeout";
    readonly MAX_ITERATIONS: "max_iterations";
    readonly ENGINE: "engine";
    readonly MIDDLEWARE: "middleware";
    readonly TOOL_ERROR: "tool_error";
    readonly HOOK: "hook";
    readonly SCRIPT: "script";
    readonly LIMIT: "limit";
    readonly SHUTDOWN: "shutdown";
    readonly INTERNAL: "internal";
  };
}
