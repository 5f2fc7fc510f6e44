//! Our own scripts, compiled ahead: parsing them would take longer than everything else a VM needs to start.
#![allow(unsafe_code, reason = "the engine trusts bytecode, and this is our own")]

use rquickjs::module::Declared;
use rquickjs::{Array, Ctx, FromJs, Function, Module, Result};

/// Frames of it are left out of stacks by this name.
const NAME: &str = "geppetto:prelude";

/// What `cargo xtask codegen` makes of the sources below. Without their text: it would be kept for each function.
const COMPILED: &[u8] = include_bytes!("prelude.bytecode");

/// In the order in which they are evaluated; each is a function.
const SOURCES: [&str; 7] = [
    include_str!("globals/primordials.js"),
    include_str!("globals/layout.js"),
    include_str!("globals/inspect.js"),
    include_str!("globals/console.js"),
    include_str!("prelude.js"),
    include_str!("globals/clone.js"),
    include_str!("globals/web.js"),
];

/// Our own scripts, each a function that takes what it needs.
pub(crate) struct Prelude<'js> {
    pub(crate) primordials: Function<'js>,
    pub(crate) layout: Function<'js>,
    pub(crate) inspect: Function<'js>,
    pub(crate) console: Function<'js>,
    pub(crate) prelude: Function<'js>,
    pub(crate) clone: Function<'js>,
    pub(crate) web: Function<'js>,
}

impl<'js> Prelude<'js> {
    /// Reads the bytecode, or the sources if the engine is of another version than the one it was made with.
    pub(crate) fn load(ctx: &Ctx<'js>) -> Result<Self> {
        // SAFETY: the bytes are what this engine wrote; it refuses those of another version.
        let module = unsafe { Module::load(ctx.clone(), COMPILED) };
        let module = match module {
            Ok(module) => module,
            Err(_) => {
                drop(ctx.catch());
                declare(ctx)?
            }
        };
        let (module, _) = module.eval()?;
        let functions: Array<'js> = module.get("default")?;
        let at = |index| Function::from_js(ctx, functions.get(index)?);
        Ok(Self {
            primordials: at(0)?,
            layout: at(1)?,
            inspect: at(2)?,
            console: at(3)?,
            prelude: at(4)?,
            clone: at(5)?,
            web: at(6)?,
        })
    }
}

fn declare<'js>(ctx: &Ctx<'js>) -> Result<Module<'js, Declared>> {
    Module::declare(ctx.clone(), NAME, format!("export default [\n{}];\n", SOURCES.join(",\n")))
}

/// What `cargo xtask codegen` writes.
///
/// # Errors
/// When a source does not compile.
#[cfg(any(test, feature = "codegen"))]
pub(crate) fn compiled() -> Result<Vec<u8>> {
    let runtime = rquickjs::Runtime::new()?;
    let options = rquickjs::WriteOptions { strip_source: true, ..rquickjs::WriteOptions::default() };
    rquickjs::Context::full(&runtime)?.with(|ctx| declare(&ctx)?.write(options))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compiled_prelude_is_that_of_its_sources() {
        assert!(compiled().unwrap() == COMPILED, "run `cargo xtask codegen`");
    }
}
