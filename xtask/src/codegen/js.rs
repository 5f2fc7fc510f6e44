//! JavaScript: the table behind `gp.consts`.

use super::{BANNER, upper};
use crate::schema::Schema;
use std::fmt::Write as _;

/// The groups of constants in the order scripts see them, each a list of upper-case names and values.
pub(super) fn groups(schema: &Schema) -> Vec<(String, Vec<(String, String)>)> {
    let pairs = |entries: &[crate::schema::Entry]| {
        entries.iter().map(|entry| (upper(&entry.name), entry.name.clone())).collect::<Vec<_>>()
    };
    let mut groups = vec![
        ("BlockKind".to_owned(), pairs(&schema.block_kinds)),
        ("TurnDataKeys".to_owned(), pairs(schema.family("turn_data"))),
        ("TurnMetadataKeys".to_owned(), pairs(schema.family("turn_metadata"))),
        ("BlockMetadataKeys".to_owned(), pairs(schema.family("block_metadata"))),
        ("RunMetadataKeys".to_owned(), pairs(schema.family("run_metadata"))),
        ("PayloadKeys".to_owned(), pairs(&schema.payload_keys)),
    ];
    groups.extend(schema.enums.iter().filter(|e| e.js).map(|e| (e.name.clone(), pairs(&e.values))));
    groups.push(("EventType".to_owned(), pairs(&schema.event_types)));
    groups.push(("ErrorCode".to_owned(), pairs(&schema.error_codes)));
    groups
}

/// The table as a Rust constant of `geppetto-js`.
pub(super) fn consts(schema: &Schema) -> String {
    let mut out = format!("//! The constants that scripts see as `gp.consts`.\n//!\n//! {BANNER}\n\n");
    out.push_str("/// Groups of constants: a name, and its constants with their values.\n#[rustfmt::skip]\n");
    out.push_str("pub(crate) const CONSTS: &[(&str, &[(&str, &str)])] = &[\n");
    for (group, constants) in groups(schema) {
        let _ = writeln!(out, "    (\"{group}\", &[");
        for (name, value) in constants {
            let _ = writeln!(out, "        (\"{name}\", \"{value}\"),");
        }
        out.push_str("    ]),\n");
    }
    out.push_str("];\n");
    out
}
