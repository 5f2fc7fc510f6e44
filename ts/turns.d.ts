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

/** A block's payload. It is open; these keys are checked. */
export interface BlockPayload {
  /** The text of a message or of reasoning. */
  text?: string | undefined;
  /** The id of a tool call, or of the call a `tool_use` answers. */
  id?: string | undefined;
  /** The name of the tool that is called. */
  name?: string | undefined;
  /** The arguments of a tool call. */
  args?: JsonValue | undefined;
  /** What the tool returned, as JSON text; absent on failure. */
  result?: string | undefined;
  /** Why the tool failed; empty when it did not. */
  error?: string | undefined;
  /** Images that belong to a user's message. */
  images?: JsonValue[] | undefined;
  /** Reasoning that only the provider can read. */
  encrypted_content?: string | undefined;
  /** The provider's summary of the reasoning. */
  summary?: JsonValue | undefined;
  /** The provider's id of a reasoning item. */
  item_id?: string | undefined;
  [key: string]: JsonValue | undefined;
}

/** Anything JSON can hold. */
export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };

/** A block as a script receives it: its id and payload are always there. */
export interface Block {
  id: string;
  kind: BlockKind;
  role?: string;
  payload: BlockPayload;
  metadata?: { [key: string]: JsonValue };
}

/** A block as a script may pass it: `text`, `args`, `result`, `id`, `name` and `error` may stand at top level instead of in a payload. */
export interface BlockInput {
  id?: string | undefined;
  kind: BlockKind;
  role?: string | undefined;
  payload?: BlockPayload | undefined;
  metadata?: { [key: string]: JsonValue } | undefined;
  text?: string | undefined;
  args?: JsonValue | undefined;
  result?: string | undefined;
  name?: string | undefined;
  error?: string | undefined;
}

/** A turn as a script receives it. It is a plain object: spread it, change it, stringify it. */
export interface Turn {
  id: string;
  blocks: Block[];
  metadata?: { [key: string]: JsonValue };
  data?: { [key: string]: JsonValue };
}

/** A turn as a script may pass it. */
export interface TurnInput {
  id?: string | undefined;
  blocks?: BlockInput[] | undefined;
  metadata?: { [key: string]: JsonValue } | undefined;
  data?: { [key: string]: JsonValue } | undefined;
}

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
