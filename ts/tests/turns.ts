// Lines that must compile, and lines that must not.
import type { Block, BlockInput, Consts, Turn, TurnInput } from "../turns.js";

declare const turn: Turn;
declare const consts: Consts;

const input: TurnInput = { blocks: [{ kind: "user", text: "hi" }, ...turn.blocks] };
const again: TurnInput = { ...turn, id: undefined };
const kind: Block["kind"] = consts.BlockKind.TOOL_CALL;
const key: "session_id" = consts.TurnMetadataKeys.SESSION_ID;
const text: string | undefined = turn.blocks[0]?.payload.text;

// @ts-expect-error a kind that does not exist
const wrongKind: BlockInput = { kind: "usr" };
// @ts-expect-error a property that does not exist
const wrongProperty: BlockInput = { kind: "user", txt: "hi" };
// @ts-expect-error a known payload key of the wrong type
const wrongPayload: BlockInput = { kind: "user", payload: { text: 7 } };
// @ts-expect-error constants cannot be changed
consts.BlockKind.USER = "user";

export { again, input, key, kind, text, wrongKind, wrongPayload, wrongProperty };
