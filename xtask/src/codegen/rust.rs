//! Rust: the closed enumerations and the typed keys.

use super::{BANNER, camel, upper};
use crate::schema::{Entry, Schema};
use std::fmt::Write as _;

struct Enumeration<'a> {
    name: &'a str,
    what: &'a str,
    doc: &'a str,
    values: &'a [Entry],
}

fn banner(about: &str) -> String {
    format!("//! {about}\n//!\n//! {BANNER}\n\n")
}

fn enumeration(out: &mut String, path: &str, enumeration: &Enumeration<'_>) {
    let Enumeration { name, what, doc, values } = enumeration;
    let _ = writeln!(out, "{path}! {{\n    /// {doc}\n    pub enum {name}: \"{what}\" {{");
    for value in *values {
        let _ =
            writeln!(out, "        /// {}\n        {} = \"{}\",", value.doc, camel(&value.name), value.name);
    }
    out.push_str("    }\n}\n\n");
}

fn finish(mut out: String) -> String {
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// The kinds, payload keys and typed keys of `geppetto-turns`.
pub(super) fn turns(schema: &Schema) -> String {
    let mut out = banner("Block kinds, payload keys and the typed keys of metadata and data.");
    out.push_str("use crate::keys::{BlockMetaKey, RunMetaKey, TurnDataKey, TurnMetaKey};\n");
    out.push_str("use crate::payload::{PayloadKey, PayloadType};\nuse crate::usage::Usage;\nuse serde_json::Value;\n\n");
    let kinds = Enumeration {
        name: "BlockKind",
        what: "block kind",
        doc: "What a block is. Its payload depends on it.",
        values: &schema.block_kinds,
    };
    enumeration(&mut out, "crate::string_enum", &kinds);
    out.push_str("impl BlockKind {\n    /// The role a block of this kind has in a conversation, if any.\n");
    out.push_str(
        "    #[must_use]\n    pub const fn role(self) -> Option<&'static str> {\n        match self {\n",
    );
    for kind in &schema.block_kinds {
        let role = kind.role.as_ref().map_or("None".to_owned(), |role| format!("Some(\"{role}\")"));
        let _ = writeln!(out, "            Self::{} => {role},", camel(&kind.name));
    }
    out.push_str("        }\n    }\n}\n\n");
    out.push_str("/// The payload keys that geppetto knows, and what they must hold.\n");
    let _ = writeln!(out, "pub const PAYLOAD_KEYS: [PayloadKey; {}] = [", schema.payload_keys.len());
    for key in &schema.payload_keys {
        let ty = camel(key.ty.as_deref().unwrap_or("any"));
        let _ = writeln!(out, "    PayloadKey {{ name: \"{}\", ty: PayloadType::{ty} }},", key.name);
    }
    out.push_str("];\n\n");
    for (family, rust, about) in [
        ("turn_data", "TurnDataKey", "Keys of a turn's `data`."),
        ("turn_metadata", "TurnMetaKey", "Keys of a turn's `metadata`."),
        ("block_metadata", "BlockMetaKey", "Keys of a block's `metadata`."),
        ("run_metadata", "RunMetaKey", "Keys of a run's metadata."),
    ] {
        let types = schema.family(family).iter().filter_map(|key| key.ty.as_deref());
        let mut imports: Vec<&str> = types
            .filter_map(|ty| match ty {
                "json" => Some("Value"),
                "usage" => Some("Usage"),
                _ => None,
            })
            .collect();
        imports.sort_unstable();
        imports.dedup();
        imports.insert(0, rust);
        let imports =
            if imports.len() == 1 { rust.to_owned() } else { format!("{{{}}}", imports.join(", ")) };
        let _ = writeln!(out, "/// {about}\npub mod {family} {{\n    use super::{imports};\n");
        for key in schema.family(family) {
            let ty = match key.ty.as_deref() {
                Some("string") => "String",
                Some("usage") => "Usage",
                _ => "Value",
            };
            let _ = writeln!(
                out,
                "    /// {}\n    pub const {}: {rust}<{ty}> = {rust}::new(\"geppetto.{}@v1\");",
                key.doc,
                upper(&key.name),
                key.name
            );
        }
        out.push_str("}\n\n");
    }
    finish(out)
}

/// The event types, error codes and statuses of `geppetto-events`.
pub(super) fn events(schema: &Schema) -> String {
    let mut out = banner("Event types, error codes and run statuses.");
    let types = Enumeration {
        name: "EventType",
        what: "event type",
        doc: "What an event tells.",
        values: &schema.event_types,
    };
    enumeration(&mut out, "geppetto_turns::string_enum", &types);
    let codes = Enumeration {
        name: "ErrorCode",
        what: "error code",
        doc: "Why a run failed, in one word that programs can rely on.",
        values: &schema.error_codes,
    };
    enumeration(&mut out, "geppetto_turns::string_enum", &codes);
    enums_of(&mut out, schema, "events");
    finish(out)
}

/// The enumerations of `geppetto-toolloop`.
pub(super) fn toolloop(schema: &Schema) -> String {
    let mut out = banner("The enumerations of the tool loop's settings and hooks.");
    enums_of(&mut out, schema, "toolloop");
    finish(out)
}

fn enums_of(out: &mut String, schema: &Schema, home: &str) {
    for item in schema.enums.iter().filter(|item| item.home == home) {
        let item = Enumeration { name: &item.name, what: &item.what, doc: &item.doc, values: &item.values };
        enumeration(out, "geppetto_turns::string_enum", &item);
    }
}
