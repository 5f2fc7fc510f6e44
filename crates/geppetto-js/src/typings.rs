//! The TypeScript declarations of a runtime: its modules and its globals, in one ambient file.

use crate::module::NativeModule;
use std::fmt::Write as _;

/// What `require("geppetto")` gives, as it stands inside `declare module "geppetto" { … }`.
pub(crate) const GEPPETTO: &str = include_str!("typings/geppetto.d.ts");
const GLOBALS: &str = include_str!("typings/globals.d.ts");

/// The declarations of these modules, and of the globals.
pub(crate) fn of(modules: &[Box<dyn NativeModule>]) -> String {
    let mut out =
        format!("// What scripts find in this host. Written by geppetto {}.\n", env!("CARGO_PKG_VERSION"));
    for module in modules {
        let _ = write!(out, "\n/** {} */\ndeclare module {:?}", module.docs(), module.name());
        match module.typings() {
            // Anything may be imported from it.
            None => out.push_str(";\n"),
            Some(typings) => {
                out.push_str(" {\n");
                for line in typings.lines().filter(|line| !line.starts_with("//")) {
                    // Everything inside is declared already.
                    let line = line.strip_prefix("declare ").unwrap_or(line);
                    let _ = writeln!(out, "{}{line}", if line.is_empty() { "" } else { "  " });
                }
                out.push_str("}\n");
            }
        }
    }
    out.push('\n');
    for globals in std::iter::once(GLOBALS).chain(modules.iter().filter_map(|module| module.globals())) {
        out.push_str(globals);
    }
    out
}
