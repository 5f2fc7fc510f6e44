//! The globals beside the module: what scripts expect of any runtime. Those that are made of our own scripts are read when
//! a script first asks for one.

pub(crate) mod abort;
pub(crate) mod console;
pub(crate) mod inspect;
pub(crate) mod timers;
pub(crate) mod web;

use crate::function::{Call, Members};
use crate::vm::Vm;
use rquickjs::object::Property;
use rquickjs::{Ctx, Result, Value};

/// Where a global comes from that is not there before it is asked for.
#[derive(Clone, Copy)]
enum Origin {
    Prelude,
    Console,
    Clone,
    Web,
}

const LAZY: [(&str, Origin); 9] = [
    ("AbortController", Origin::Prelude),
    ("AbortSignal", Origin::Prelude),
    ("queueMicrotask", Origin::Prelude),
    ("console", Origin::Console),
    ("structuredClone", Origin::Clone),
    ("TextDecoder", Origin::Web),
    ("TextEncoder", Origin::Web),
    ("URL", Origin::Web),
    ("URLSearchParams", Origin::Web),
];

/// Defines them.
pub(crate) fn install<'js>(ctx: &Ctx<'js>) -> Result<()> {
    let globals = Members { object: ctx.globals() };
    for (name, origin) in LAZY {
        // From then on it is a property as any other.
        let settle = move |ctx: &Ctx<'js>, value: Value<'js>| {
            ctx.globals().prop(name, Property::from(value).writable().configurable())
        };
        let get = move |call: &Call<'_, 'js>| {
            let value = made(call.ctx(), name, origin)?;
            settle(call.ctx(), value.clone())?;
            Ok(value)
        };
        let set = move |call: &Call<'_, 'js>| {
            settle(call.ctx(), call.at(0))?;
            Ok(call.undefined())
        };
        globals.accessor(name, get, set)?;
    }
    timers::install(ctx)
}

fn made<'js>(ctx: &Ctx<'js>, name: &str, origin: Origin) -> Result<Value<'js>> {
    let vm = Vm::of(ctx);
    let prelude = vm.prelude(ctx)?;
    match origin {
        Origin::Prelude => prelude.all.get(name),
        Origin::Console => prelude.console(ctx),
        Origin::Clone => prelude.structured_clone(ctx),
        Origin::Web => vm.web(ctx)?.get(name),
    }
}
