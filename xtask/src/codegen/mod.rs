//! Writes what is generated from `schema.yaml`, or checks that it was written.

mod js;
mod rust;
mod typescript;

use crate::run::workspace;
use crate::schema::Schema;
use anyhow::{Context, bail};
use std::path::Path;
use std::process::{Command, Stdio};

/// The banner's sentence; each language puts it into a comment of its own.
const BANNER: &str = "Generated from xtask/schema.yaml by `cargo xtask codegen`. Do not edit.";

/// Writes all generated files, or with `check` fails and names those that are stale.
pub(crate) fn run(check: bool) -> anyhow::Result<()> {
    let root = workspace();
    let schema = Schema::read(&root.join("xtask/schema.yaml"))?;
    let mut stale = Vec::new();
    let compiled = [
        ("crates/geppetto-js/src/compiled/primordials.bytecode", printed(&["primordials"])?),
        ("crates/geppetto-js/src/compiled/prelude.bytecode", printed(&["prelude"])?),
        ("crates/geppetto-js/src/compiled/inspection.bytecode", printed(&["inspection"])?),
        ("crates/geppetto-js/src/compiled/console.bytecode", printed(&["console"])?),
        ("crates/geppetto-js/src/compiled/clone.bytecode", printed(&["clone"])?),
        ("crates/geppetto-js/src/compiled/web.bytecode", printed(&["web"])?),
    ];
    let texts = files(&schema)?.into_iter().map(|(path, text)| (path, text.into_bytes()));
    for (path, content) in texts.chain(compiled) {
        if !write_or_check(&root.join(path), &content, check)? {
            stale.push(path);
        }
    }
    if !stale.is_empty() {
        bail!("stale generated file: {}; run `cargo xtask codegen` and commit the result", stale.join(", "));
    }
    Ok(())
}

fn files(schema: &Schema) -> anyhow::Result<Vec<(&'static str, String)>> {
    let shapes = typescript::Shapes::read()?;
    let terminal = workspace().join("crates/geppetto-cli/src/terminal.d.ts");
    let terminal = format!("// {BANNER}\n\n{}", std::fs::read_to_string(terminal)?);
    Ok(vec![
        ("crates/geppetto-turns/src/generated.rs", rust::turns(schema)),
        ("crates/geppetto-events/src/generated.rs", rust::events(schema)),
        ("crates/geppetto-toolloop/src/generated.rs", rust::toolloop(schema)),
        ("crates/geppetto-js/src/generated.rs", js::consts(schema)),
        ("crates/geppetto-js/src/typings/geppetto.d.ts", typescript::module(schema, &shapes, true)?),
        ("crates/geppetto-js/src/typings/globals.d.ts", typescript::globals()?),
        ("ts/turns.d.ts", typescript::turns(schema, &shapes.turns)),
        ("ts/geppetto.d.ts", typescript::module(schema, &shapes, false)?),
        ("ts/globals.d.ts", typescript::globals()?),
        ("ts/terminal.d.ts", terminal),
    ])
}

/// What `geppetto-dts` prints: this crate knows none of the types, and no engine.
fn printed(arguments: &[&str]) -> anyhow::Result<Vec<u8>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let printed = Command::new(cargo)
        .args(["run", "--quiet", "--locked", "--package", "geppetto-dts", "--"])
        .args(arguments)
        .current_dir(workspace())
        .stderr(Stdio::inherit())
        .output()
        .context("could not run geppetto-dts")?;
    if !printed.status.success() {
        bail!("geppetto-dts failed");
    }
    Ok(printed.stdout)
}

/// Makes the file hold `content`; with `check` only says whether it does.
fn write_or_check(path: &Path, content: &[u8], check: bool) -> anyhow::Result<bool> {
    if std::fs::read(path).is_ok_and(|present| present == content) {
        return Ok(true);
    }
    if check {
        return Ok(false);
    }
    std::fs::write(path, content).with_context(|| format!("could not write {}", path.display()))?;
    Ok(true)
}

/// `tool_use` as `ToolUse`.
fn camel(name: &str) -> String {
    name.split(['_', '-', '.'])
        .map(|word| {
            let mut letters = word.chars();
            letters
                .next()
                .map_or(String::new(), |first| first.to_ascii_uppercase().to_string() + letters.as_str())
        })
        .collect()
}

/// `tool-use` as `TOOL_USE`.
fn upper(name: &str) -> String {
    name.replace(['-', '.'], "_").to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_file_is_named_and_left_alone_by_check() {
        let path = std::env::temp_dir().join(format!("geppetto-codegen-{}", std::process::id()));
        assert!(!write_or_check(&path, b"new", true).unwrap());
        assert!(!path.exists());
        assert!(write_or_check(&path, b"new", false).unwrap());
        assert!(write_or_check(&path, b"new", true).unwrap());
        assert!(!write_or_check(&path, b"newer", true).unwrap());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn names_take_the_form_of_their_language() {
        assert_eq!(camel("debugger.pause"), "DebuggerPause");
        assert_eq!(upper("tool-call-delta"), "TOOL_CALL_DELTA");
    }
}
