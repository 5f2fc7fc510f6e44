//! The typings declare exactly what the running module has: exports, namespaces, methods, constants, event types,
//! contexts, and the options that the strict reader accepts.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn ts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ts").canonicalize().unwrap()
}

/// The JSON that a command prints, laid out anew so that both sides look alike.
fn printed(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().expect("node, and what `npm ci` in ts/ installs");
    let errors = String::from_utf8_lossy(&output.stderr);
    let value: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {errors}"));
    sorted(&value)
}

/// The value with its keys in order, a name a line.
fn sorted(value: &Value) -> String {
    let mut lines = Vec::new();
    collect("", value, &mut lines);
    lines.sort();
    lines.join("\n") + "\n"
}

fn collect(path: &str, value: &Value, lines: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, value)| collect(&format!("{path}{key} "), value, lines));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(path, item, lines)),
        other => lines.push(format!("{path}{}", other.as_str().unwrap_or_default())),
    }
}

#[test]
fn the_typings_declare_what_the_module_has_and_nothing_else() {
    let declared = printed(Command::new("node").arg(ts().join("tests/declared.mjs")));
    let present = printed(
        Command::new(env!("CARGO_BIN_EXE_geppetto"))
            .args(["run", "--timeout", "60s"])
            .arg(ts().join("tests/present.js"))
            .env_remove("GEPPETTO_LOG"),
    );
    let diff = similar::TextDiff::from_lines(&declared, &present);
    let diff = diff.unified_diff().context_radius(0).header("the typings", "the module").to_string();
    assert!(declared == present, "the typings and the module differ:\n{diff}");
    assert!(declared.lines().count() > 300, "hardly anything was compared:\n{declared}");
}
