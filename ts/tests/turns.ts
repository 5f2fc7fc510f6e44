// Lines that must compile: turns and blocks.
import type { Block, BlockInput, Consts, Turn, TurnInput } from "../turns.js";

declare const turn: Turn;
declare const consts: Consts;

const input: TurnInput = { blocks: [{ kind: "user", text: "hi" }, ...turn.blocks] };
const again: TurnInput = { ...turn, id: undefined };
const kind: Block["kind"] = consts.BlockKind.TOOL_CALL;
const key: "session_id" = consts.TurnMetadataKeys.SESSION_ID;
const text: string | undefined = turn.blocks[0]?.payload.text;
const shared: readonly BlockInput[] = Object.freeze([{ kind: "other", payload: { turn, when: new Date() } }]);
const shorthand: BlockInput[] = [{ kind: "tool_use", id: "c", result: null }, { kind: "tool_call", name: "t", args: [1] }];

export { again, input, key, kind, shared, shorthand, text };
