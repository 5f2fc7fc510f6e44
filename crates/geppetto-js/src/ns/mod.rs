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
use crate::function::Members;
use crate::generated::CONSTS;
use crate::vm::Vm;
use rquickjs::object::Property;
use rquickjs::{Ctx, Object, Result};

/// Makes the module's object.
pub(crate) fn module<'js>(ctx: &Ctx<'js>) -> Result<Object<'js>> {
    let vm = Vm::of(ctx);
    let module = Members::new(ctx)?;
    module.text("version", env!("CARGO_PKG_VERSION"))?;
    module.lazy("consts", |call| Ok(Vm::of(call.ctx()).consts(call.ctx())?.clone().into_value()))?;
    module.lazy("RunError", |call| Ok(Vm::of(call.ctx()).prelude(call.ctx())?.all.get("RunError")?))?;
    let args = vm.host.config.args.iter().map(|arg| json::encode(ctx, &arg.as_str().into()));
    let args = crate::codec::array(ctx, args)?;
    vm.freeze.call::<_, ()>((args.clone(),))?;
    module.value("args", args)?;
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
        module.value(name, namespace.frozen()?)?;
    }
    builder::functions(&module)?;
    session::functions(&module)?;
    // For `import gp from "geppetto"` that a compiler has made a `require` of.
    module.object.prop("default", Property::from(module.object.clone()))?;
    module.frozen()
}

pub(crate) fn consts<'js>(ctx: &Ctx<'js>) -> Result<Object<'js>> {
    let consts = Members::new(ctx)?;
    for (group, constants) in CONSTS {
        let members = Members::new(ctx)?;
        for (name, value) in *constants {
            members.text(name, value)?;
        }
        consts.value(group, members.frozen()?)?;
    }
    consts.frozen()
}
