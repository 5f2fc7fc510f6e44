//! The TypeScript declarations of a runtime: its modules and its globals, in one ambient file.

use crate::module::NativeModule;
use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};

/// What `require("geppetto")` gives, as it stands inside `declare module "geppetto" { … }`.
pub(crate) const GEPPETTO: &str = include_str!("typings/geppetto.d.ts");
const GLOBALS: &str = include_str!("typings/globals.d.ts");

/// The declarations of a runtime, written when somebody asks for them.
pub(crate) struct Typings {
    modules: Arc<Vec<Box<dyn NativeModule>>>,
    text: OnceLock<String>,
}

impl Typings {
    pub(crate) fn new(modules: Arc<Vec<Box<dyn NativeModule>>>) -> Self {
        Self { modules, text: OnceLock::new() }
    }

    pub(crate) fn text(&self) -> &str {
        self.text.get_or_init(|| of(&self.modules))
    }
}

/// The declarations of these modules, and of the globals.
fn of(modules: &[Box<dyn NativeModule>]) -> String {
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
