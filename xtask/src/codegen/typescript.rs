//! TypeScript: `turns.d.ts`, the shapes of turns and blocks and the constants that name their parts.

use super::{BANNER, js};
use crate::schema::Schema;
use std::fmt::Write as _;

const SHAPES: &str = r#"
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
"#;

pub(super) fn turns(schema: &Schema) -> String {
    let mut out = format!("// {BANNER}\n\n");
    out.push_str("/** What a block is. */\nexport type BlockKind =\n");
    for (index, kind) in schema.block_kinds.iter().enumerate() {
        let end = if index + 1 == schema.block_kinds.len() { ";" } else { "" };
        let _ = writeln!(out, "  /** {} */\n  | \"{}\"{end}", kind.doc, kind.name);
    }
    out.push_str(
        "\n/** A block's payload. It is open; these keys are checked. */\nexport interface BlockPayload {\n",
    );
    for key in &schema.payload_keys {
        let ty = match key.ty.as_deref() {
            Some("string") => "string",
            Some("array") => "JsonValue[]",
            _ => "JsonValue",
        };
        let _ = writeln!(out, "  /** {} */\n  {}?: {ty} | undefined;", key.doc, key.name);
    }
    out.push_str("  [key: string]: JsonValue | undefined;\n}\n");
    out.push_str(SHAPES);
    out.push_str("\n/** The constants of `gp.consts`. */\nexport interface Consts {\n");
    for (group, constants) in js::groups(schema) {
        let _ = writeln!(out, "  readonly {group}: {{");
        for (name, value) in constants {
            let _ = writeln!(out, "    readonly {name}: \"{value}\";");
        }
        out.push_str("  };\n");
    }
    out.push_str("}\n");
    out
}
