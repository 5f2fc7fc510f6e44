//! `require("geppetto")`: one file per namespace.

mod builder;
mod engines;
mod hooks;
mod js_middleware;
mod middlewares;
mod run_handle;
mod schema;
pub(crate) mod session;
mod tools;
mod turns;

use crate::codec::json;
use crate::function::{Members, define};
use crate::generated::CONSTS;
use crate::vm::Vm;
use rquickjs::object::Property;
use rquickjs::{Ctx, Object, Result, Value};

/// Makes the module's object.
pub(crate) fn module<'js>(ctx: &Ctx<'js>) -> Result<Object<'js>> {
    let vm = Vm::of(ctx);
    let module = Members::new(ctx)?;
    let gp = &module.object;
    define(gp, "version", env!("CARGO_PKG_VERSION"))?;
    define(gp, "consts", consts(ctx)?)?;
    module.lazy("RunError", |call| Ok(Vm::of(call.ctx()).prelude(call.ctx())?.all.get("RunError")?))?;
    let args = vm.host.config.args.iter().map(|arg| json::encode(ctx, &arg.as_str().into()));
    let args = crate::codec::array(ctx, args)?;
    vm.freeze.call::<_, ()>((args.clone(),))?;
    define(gp, "args", args)?;
    type Fill<'js> = fn(&Members<'js>) -> Result<()>;
    let namespaces: [(&str, Fill<'js>); 5] = [
        ("turns", turns::namespace),
        ("engines", engines::namespace),
        ("middlewares", middlewares::namespace),
        ("tools", tools::namespace),
        ("schema", schema::namespace),
    ];
    for (name, fill) in namespaces {
        let namespace = Members::new(ctx)?;
        fill(&namespace)?;
        vm.freeze.call::<_, ()>((namespace.object.clone(),))?;
        define(gp, name, namespace.object)?;
    }
    builder::functions(&module)?;
    session::functions(&module)?;
    // For `import gp from "geppetto"` that a compiler has made a `require` of.
    gp.prop("default", Property::from(gp.clone()))?;
    vm.freeze.call::<_, ()>((gp.clone(),))?;
    Ok(module.object)
}

fn consts<'js>(ctx: &Ctx<'js>) -> Result<Value<'js>> {
    let vm = Vm::of(ctx);
    let consts = Object::new(ctx.clone())?;
    for (group, constants) in CONSTS {
        let object = Object::new(ctx.clone())?;
        for (name, value) in *constants {
            define(&object, name, *value)?;
        }
        vm.freeze.call::<_, ()>((object.clone(),))?;
        define(&consts, group, object)?;
    }
    vm.freeze.call((consts,))
}
