//! Our own scripts: compiled ahead, and read when something first asks for them. A VM whose script prints nothing and
//! asks for no `URL` does without.
//!
//! A script may have replaced every built-in by then, so ours use none but the intrinsics that were kept before it began.
#![allow(unsafe_code, reason = "the engine trusts bytecode, and this is our own")]

use crate::function::Members;
use crate::globals::{abort, console, inspect, web};
use crate::vm::Vm;
use rquickjs::module::Declared;
use rquickjs::{Array, Ctx, FromJs, Function, Module, Object, Result, Value};

/// Sources that are read together, each a function that takes what it needs.
struct Group {
    /// Frames of it are left out of stacks by this name.
    name: &'static str,
    sources: &'static [&'static str],
    /// What `cargo xtask codegen` makes of the sources. Without their text: it would be kept for each function.
    compiled: &'static [u8],
}

const PRIMORDIALS: Group = Group {
    name: "geppetto:primordials",
    sources: &[include_str!("globals/primordials.js")],
    compiled: include_bytes!("compiled/primordials.bytecode"),
};

const PRELUDE: Group = Group {
    name: "geppetto:prelude",
    sources: &[include_str!("prelude.js")],
    compiled: include_bytes!("compiled/prelude.bytecode"),
};

const INSPECTION: Group = Group {
    name: "geppetto:inspection",
    sources: &[include_str!("globals/layout.js"), include_str!("globals/inspect.js")],
    compiled: include_bytes!("compiled/inspection.bytecode"),
};

const CONSOLE: Group = Group {
    name: "geppetto:console",
    sources: &[include_str!("globals/console.js")],
    compiled: include_bytes!("compiled/console.bytecode"),
};

const CLONE: Group = Group {
    name: "geppetto:clone",
    sources: &[include_str!("globals/clone.js")],
    compiled: include_bytes!("compiled/clone.bytecode"),
};

const WEB: Group = Group {
    name: "geppetto:web",
    sources: &[include_str!("globals/web.js")],
    compiled: include_bytes!("compiled/web.bytecode"),
};

#[cfg(any(test, feature = "codegen"))]
const GROUPS: [Group; 6] = [PRIMORDIALS, PRELUDE, INSPECTION, CONSOLE, CLONE, WEB];

impl Group {
    /// Its functions: from the bytecode, or from the sources if the engine is of another version than the one it was
    /// made with.
    fn load<'js, const N: usize>(&self, ctx: &Ctx<'js>) -> Result<[Function<'js>; N]> {
        // SAFETY: the bytes are what this engine wrote; it refuses those of another version.
        let module = unsafe { Module::load(ctx.clone(), self.compiled) };
        let module = match module {
            Ok(module) => module,
            Err(_) => {
                drop(ctx.catch());
                self.declare(ctx)?
            }
        };
        let (module, _) = module.eval()?;
        let functions: Array<'js> = module.get("default")?;
        let functions: Result<Vec<_>> = (0..N).map(|at| Function::from_js(ctx, functions.get(at)?)).collect();
        functions?.try_into().map_err(|_| rquickjs::Error::Unknown)
    }

    fn declare<'js>(&self, ctx: &Ctx<'js>) -> Result<Module<'js, Declared>> {
        let source = format!("export default [\n{}];\n", self.sources.join(",\n"));
        Module::declare(ctx.clone(), self.name, source)
    }
}

/// The kept intrinsics as our scripts use them.
pub(crate) fn primordials<'js>(ctx: &Ctx<'js>, intrinsics: &Object<'js>) -> Result<Object<'js>> {
    let [primordials] = PRIMORDIALS.load(ctx)?;
    primordials.call((intrinsics.clone(),))
}

/// Makes `console`.
pub(crate) fn console<'js>(ctx: &Ctx<'js>, kept: &Object<'js>) -> Result<Value<'js>> {
    let native = Members::hidden(ctx)?;
    console::natives(&native)?;
    native.method("inspection", 0, |call| {
        Ok(Vm::of(call.ctx()).inspection(call.ctx())?.all.clone().into_value())
    })?;
    let [console] = CONSOLE.load(ctx)?;
    console.call((native.object, kept.clone()))
}

/// What is easier said in JavaScript: errors, promises, and abort signals.
pub(crate) struct Prelude<'js> {
    /// Its functions and classes by name.
    pub(crate) all: Object<'js>,
    pub(crate) settle: Function<'js>,
    pub(crate) make_next: Function<'js>,
    pub(crate) bind_methods: Function<'js>,
    pub(crate) quiet: Function<'js>,
    pub(crate) plain: Function<'js>,
    pub(crate) to_well_formed: Function<'js>,
    pub(crate) make_run_error: Function<'js>,
    pub(crate) caller_stack: Function<'js>,
    pub(crate) carried: Function<'js>,
    pub(crate) make_signal: Function<'js>,
    pub(crate) token_of: Function<'js>,
    pub(crate) dispatch_abort: Function<'js>,
    pub(crate) kind_of: Function<'js>,
    pub(crate) heed: Function<'js>,
    pub(crate) is_thenable: Function<'js>,
    pub(crate) queue_microtask: Function<'js>,
}

impl<'js> Prelude<'js> {
    pub(crate) fn load(ctx: &Ctx<'js>, kept: &Object<'js>) -> Result<Self> {
        let native = Members::hidden(ctx)?;
        console::reports(&native)?;
        inspect::is_handle_of(&native)?;
        abort::natives(&native)?;
        native.method("shown", 1, |call| {
            let vm = Vm::of(call.ctx());
            Ok(vm.inspection(call.ctx())?.shown.call((call.at(0),))?)
        })?;
        let [prelude] = PRELUDE.load(ctx)?;
        let all: Object<'js> = prelude.call((native.object, kept.clone()))?;
        Ok(Self {
            settle: all.get("settle")?,
            make_next: all.get("makeNext")?,
            bind_methods: all.get("bindMethods")?,
            quiet: all.get("quiet")?,
            plain: all.get("plain")?,
            to_well_formed: all.get("toWellFormed")?,
            make_run_error: all.get("makeRunError")?,
            caller_stack: all.get("callerStack")?,
            carried: all.get("carried")?,
            make_signal: all.get("makeSignal")?,
            token_of: all.get("tokenOf")?,
            dispatch_abort: all.get("dispatchAbort")?,
            kind_of: all.get("kindOf")?,
            heed: all.get("heed")?,
            is_thenable: all.get("isThenable")?,
            queue_microtask: all.get("queueMicrotask")?,
            all,
        })
    }

    /// Makes `structuredClone`.
    pub(crate) fn structured_clone(&self, ctx: &Ctx<'js>, kept: &Object<'js>) -> Result<Function<'js>> {
        let native = Members::hidden(ctx)?;
        inspect::is_handle_of(&native)?;
        inspect::is_proxy_of(&native)?;
        let [clone] = CLONE.load(ctx)?;
        clone.call((native.object, kept.clone(), self.all.clone()))
    }
}

/// How values print.
pub(crate) struct Inspection<'js> {
    all: Object<'js>,
    pub(crate) shown: Function<'js>,
}

impl<'js> Inspection<'js> {
    pub(crate) fn load(ctx: &Ctx<'js>, kept: &Object<'js>, prelude: &Prelude<'js>) -> Result<Self> {
        let native = Members::hidden(ctx)?;
        inspect::natives(&native)?;
        let [layout, inspect] = INSPECTION.load(ctx)?;
        let layout: Object<'js> = layout.call((kept.clone(),))?;
        let all: Object<'js> = inspect.call((native.object, kept.clone(), layout, prelude.all.clone()))?;
        Ok(Self { shown: all.get("shown")?, all })
    }

    /// Makes `URL` and its kin, by name.
    pub(crate) fn web(&self, ctx: &Ctx<'js>, kept: &Object<'js>) -> Result<Object<'js>> {
        let native = Members::hidden(ctx)?;
        web::natives(&native)?;
        let [web] = WEB.load(ctx)?;
        web.call((native.object, kept.clone(), self.all.clone()))
    }
}

/// What `cargo xtask codegen` writes: the bytecode of the group of this name.
///
/// # Errors
/// When a source does not compile, or there is no such group.
#[cfg(any(test, feature = "codegen"))]
pub(crate) fn compiled(name: &str) -> Result<Vec<u8>> {
    let group =
        GROUPS.into_iter().find(|group| group.name.ends_with(name)).ok_or(rquickjs::Error::Unknown)?;
    let runtime = rquickjs::Runtime::new()?;
    let options = rquickjs::WriteOptions { strip_source: true, ..rquickjs::WriteOptions::default() };
    rquickjs::Context::full(&runtime)?.with(|ctx| group.declare(&ctx)?.write(options))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compiled_scripts_are_those_of_their_sources() {
        for group in GROUPS {
            assert!(
                compiled(group.name).unwrap() == group.compiled,
                "{}: run `cargo xtask codegen`",
                group.name
            );
        }
    }
}
