//! TypeScript: the typings of the module, from the schema, the shapes that `geppetto-dts` prints, and one template.

use super::{BANNER, camel, js};
use crate::run::workspace;
use crate::schema::{Entry, Schema};
use anyhow::Context;
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, context};
use std::fmt::Write as _;

/// The shapes of turns and of events, from the Rust types that write them.
pub(super) struct Shapes {
    pub(super) turns: String,
    events: String,
}

impl Shapes {
    /// Asks `geppetto-dts`: this crate knows none of the types.
    pub(super) fn read() -> anyhow::Result<Self> {
        let printed = String::from_utf8(super::printed(&[])?)?;
        let (turns, events) =
            printed.split_once("----\n").context("geppetto-dts printed no shapes of events")?;
        Ok(Self { turns: turns.to_owned(), events: events.trim_end().to_owned() })
    }
}

/// What scripts may pass, beside the shapes of what they receive.
const INPUTS: &str = r#"
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

"#;

/// A union of names, each with its documentation.
fn union(out: &mut String, name: &str, doc: &str, values: &[Entry]) {
    let _ = writeln!(out, "\n/** {doc} */\nexport type {name} =");
    for (index, value) in values.iter().enumerate() {
        let end = if index + 1 == values.len() { ";" } else { "" };
        let _ = writeln!(out, "  /** {} */\n  | \"{}\"{end}", value.doc, value.name);
    }
}

/// What is known of turns alone, without imports: `turns.d.ts`.
pub(super) fn turns(schema: &Schema, shapes: &str) -> String {
    let mut out = format!("// {BANNER}\n");
    union(&mut out, "BlockKind", "What a block is.", &schema.block_kinds);
    union(&mut out, "ErrorCode", "Why a run failed, in one word.", &schema.error_codes);
    for item in &schema.enums {
        union(&mut out, &item.name, &item.doc, &item.values);
    }
    out.push_str(
        "\n/** A block's payload. It is open; these keys are checked. */\nexport interface BlockPayload {\n",
    );
    for key in &schema.payload_keys {
        let ty = match key.ty.as_deref() {
            Some("string") => "string",
            Some("array") => "JsonValue[]",
            // What it is depends on the tool, or on the provider.
            _ => "any",
        };
        let _ = writeln!(out, "  /** {} */\n  {}?: {ty} | undefined;", key.doc, key.name);
    }
    out.push_str("  [key: string]: JsonValue | undefined;\n}\n");
    out.push_str("\n/** A block's payload as a script may pass it: any plain values; these keys are checked. */\nexport interface BlockPayloadInput {\n");
    for key in &schema.payload_keys {
        let ty = match key.ty.as_deref() {
            Some("string") => "string",
            Some("array") => "readonly unknown[]",
            _ => "unknown",
        };
        let _ = writeln!(out, "  /** {} */\n  {}?: {ty} | null | undefined;", key.doc, key.name);
    }
    out.push_str("  [key: string]: unknown;\n}\n");
    for (family, name, what) in [
        ("turn_metadata", "TurnMetadata", "What is known about a turn"),
        ("turn_data", "TurnData", "Settings for engines and middlewares"),
        ("block_metadata", "BlockMetadata", "What is known about a block"),
    ] {
        let _ = writeln!(
            out,
            "\n/** {what}, by key: geppetto's own by their short names, any other as it is. */"
        );
        let _ = writeln!(out, "export type {name} = {{");
        for key in schema.family(family) {
            let ty = match key.ty.as_deref() {
                Some("string") => "string",
                Some("usage") => "Usage",
                _ => "any",
            };
            let _ = writeln!(out, "  /** {} */\n  {}?: {ty};", key.doc, key.name);
        }
        out.push_str("  [key: string]: any;\n};\n");
    }
    out.push_str(INPUTS);
    out.push_str(shapes);
    out.push_str("/** The constants of `gp.consts`. */\nexport interface Consts {\n");
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

/// What events have beside what they write as JSON: fields that are computed when they are read.
fn lazy(event: &str) -> (&'static str, &'static str) {
    match event {
        "partial" | "partial-thinking" => (
            "",
            "/** The text so far, put together when it is read; not part of the JSON. */\n  readonly completion: string;",
        ),
        "tool-call" | "tool-call-execute" => ("toolCall", "/** The call. */\n  toolCall: EventToolCall;"),
        "tool-call-execution-result" | "tool-result" => {
            ("toolResult", "/** What came of it. */\n  toolResult: EventToolResult;")
        }
        _ => ("", ""),
    }
}

/// The whole module. As a file of the npm package it imports `turns.d.ts`; ambient it is what stands inside
/// `declare module "geppetto" { … }`, in one piece.
pub(super) fn module(schema: &Schema, shapes: &Shapes, ambient: bool) -> anyhow::Result<String> {
    let events: Vec<_> = schema
        .event_types
        .iter()
        .map(|event| {
            let (replaced, extra) = lazy(&event.name);
            context! { name => &event.name, doc => &event.doc, ty => format!("{}Event", camel(&event.name)), replaced, extra }
        })
        .collect();
    let turns = if ambient { without_banner(&turns(schema, &shapes.turns)) } else { String::new() };
    render("geppetto.d.ts", context! { ambient, turns, events, event_shapes => &shapes.events })
}

/// The globals of scripts.
pub(super) fn globals() -> anyhow::Result<String> {
    render("globals.d.ts", context! {})
}

fn render(name: &str, context: minijinja::Value) -> anyhow::Result<String> {
    let path = workspace().join("xtask/templates").join(name);
    let template =
        std::fs::read_to_string(&path).with_context(|| format!("could not read {}", path.display()))?;
    let mut environment = Environment::new();
    let syntax =
        SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build();
    environment.set_syntax(syntax?);
    environment.add_template_owned(name.to_owned(), template)?;
    Ok(environment.get_template(name)?.render(context! { banner => BANNER, ..context })?)
}

fn without_banner(text: &str) -> String {
    text.lines().filter(|line| !line.contains(BANNER)).collect::<Vec<_>>().join("\n")
}
