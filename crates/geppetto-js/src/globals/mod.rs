//! The globals beside the module: what scripts expect of any runtime. Those that are made of our own scripts are read when
//! a script first asks for one.

pub(crate) mod abort;
pub(crate) mod console;
pub(crate) mod inspect;
pub(crate) mod intrinsics;
pub(crate) mod timers;
pub(crate) mod web;

use crate::call::Call;
use crate::fault::Fallible;
use crate::function::Members;
use crate::vm::Vm;
use rquickjs::function::Args;
use rquickjs::object::Property;
use rquickjs::{Ctx, Result, Value};

/// Where a global comes from that is not there before it is asked for.
#[derive(Clone, Copy)]
enum Origin {
    Prelude,
    Console,
    Web,
}

const LAZY: [(&str, Origin); 7] = [
    ("AbortController", Origin::Prelude),
    ("AbortSignal", Origin::Prelude),
    ("console", Origin::Console),
    ("TextDecoder", Origin::Web),
    ("TextEncoder", Origin::Web),
    ("URL", Origin::Web),
    ("URLSearchParams", Origin::Web),
];

/// Defines them.
pub(crate) fn install<'js>(ctx: &Ctx<'js>) -> Result<()> {
    let globals = Members::of(ctx.globals());
    macro_rules! define {
        ($($at:literal)*) => { $(globals.accessor(LAZY[$at].0, get::<$at>, set::<$at>)?;)* };
    }
    define!(0 1 2 3 4 5 6);
    globals.replaceable("queueMicrotask", 1, |call| {
        Ok(Vm::of(call.ctx()).prelude(call.ctx())?.queue_microtask.call((call.at(0),))?)
    })?;
    globals.replaceable("structuredClone", 2, |call| {
        let mut args = Args::new(call.ctx().clone(), call.args().len());
        args.push_args(call.args())?;
        Ok(Vm::of(call.ctx()).structured_clone(call.ctx())?.call_arg(args)?)
    })?;
    timers::install(ctx)
}

fn get<'js, const AT: usize>(call: &Call<'_, 'js>) -> Fallible<Value<'js>> {
    let (name, origin) = LAZY[AT];
    let value = made(call.ctx(), name, origin)?;
    settle(call.ctx(), name, value.clone())?;
    Ok(value)
}

fn set<'js, const AT: usize>(call: &Call<'_, 'js>) -> Fallible<Value<'js>> {
    settle(call.ctx(), LAZY[AT].0, call.at(0))?;
    Ok(call.undefined())
}

/// From then on it is a property as any other.
fn settle<'js>(ctx: &Ctx<'js>, name: &str, value: Value<'js>) -> Result<()> {
    ctx.globals().prop(name, Property::from(value).writable().configurable())
}

fn made<'js>(ctx: &Ctx<'js>, name: &str, origin: Origin) -> Result<Value<'js>> {
    let vm = Vm::of(ctx);
    match origin {
        Origin::Prelude => vm.prelude(ctx)?.all.get(name),
        Origin::Console => vm.console(ctx),
        Origin::Web => vm.web(ctx)?.get(name),
    }
}
