//! `gp.middlewares`: what stands around engine calls.

use crate::call::Call;
use crate::callback::function_arg;
use crate::callback_context::{optional_text_arg, text_arg};
use crate::counted::Counted;
use crate::fault::{Fallible, Fault};
use crate::function::Members;
use crate::handle::{self, HandleState};
use crate::ns::js_middleware::js_middleware;
use crate::options::Options;
use crate::vm::Vm;
use geppetto_events::json_size;
use geppetto_inference::Middleware;
use geppetto_inference::middlewares::{ReorderToolResults, SystemPrompt, TurnLogging};
use geppetto_turns::Map;
use rquickjs::{Ctx, IntoJs, Result, Value};
use std::sync::Arc;

/// A middleware as scripts hold it.
pub(crate) struct MiddlewareHandle(Arc<dyn Middleware>);

impl HandleState for MiddlewareHandle {
    const NAME: &'static str = "Middleware";
    const PUBLIC: &'static [&'static str] = &["name"];

    fn members(members: &Members<'_>) -> Result<()> {
        members.getter("name", |call| Ok((&*call.this::<Self>()?.0.name()).into_js(call.ctx())?))?;
        Ok(())
    }
}

pub(super) fn namespace(members: &Members<'_>) -> Result<()> {
    members.function("fromJS", 2, |call| from_function(call, "middlewares.fromJS", false))?;
    members.function("fromAsync", 2, |call| from_function(call, "middlewares.fromAsync", true))?;
    // The name of the Go project for what the host offers.
    for name in ["host", "go"] {
        members.function(name, 2, |call| {
            let name = text_arg(call, 0, "middlewares.host: name")?;
            made(call, host_middleware(call.ctx(), &name, call.arg(1))?)
        })?;
    }
    Ok(())
}

fn made<'js>(call: &Call<'_, 'js>, middleware: Arc<dyn Middleware>) -> Fallible<Value<'js>> {
    Ok(handle::create(call.ctx(), MiddlewareHandle(middleware))?.into_value())
}

fn from_function<'js>(call: &Call<'_, 'js>, place: &str, asynchronous: bool) -> Fallible<Value<'js>> {
    let name = optional_text_arg(call, 1, &format!("{place}: name"))?;
    let function = function_arg(call.arg(0), place)?;
    made(call, js_middleware(call.ctx(), function.into_value(), name, asynchronous)?)
}

/// The middleware that a value stands for: a handle, or a bare function for `fromJS`.
pub(crate) fn middleware_of<'js>(
    ctx: &Ctx<'js>,
    value: &Value<'js>,
    path: &str,
) -> Fallible<Arc<dyn Middleware>> {
    if value.is_function() {
        return js_middleware(ctx, value.clone(), None, false);
    }
    Ok(handle::state::<MiddlewareHandle>(value, path)?.0.clone())
}

/// A middleware of the host, or one that is built in.
pub(crate) fn host_middleware<'js>(
    ctx: &Ctx<'js>,
    name: &str,
    options: Option<Value<'js>>,
) -> Fallible<Arc<dyn Middleware>> {
    let host = Vm::of(ctx).host.clone();
    let counted =
        |inner, size| Arc::new(Counted::<dyn Middleware>::new(inner, host.keep(size))) as Arc<dyn Middleware>;
    let registered = &host.config.middlewares;
    if let Some((_, factory)) = registered.iter().find(|(known, _)| known == name) {
        let options = options.map(|options| crate::codec::json::decode(ctx, &options)).transpose();
        let options = match options.map_err(|error| error.fault("options"))? {
            None => Map::new(),
            Some(serde_json::Value::Object(options)) => options,
            Some(_) => return Err(Fault::type_error("options: expected an object")),
        };
        let size = json_size(&options);
        return match factory(options) {
            Ok(middleware) => Ok(counted(middleware, size)),
            Err(error) => Err(Fault::type_error(format!("middleware {name}: {error}"))),
        };
    }
    let options = Options::read(ctx, options, "options")?;
    let middleware: Arc<dyn Middleware> = match name {
        "systemPrompt" => {
            let prompt = options.string("prompt")?;
            let prompt = options.required("prompt", "a string", prompt)?;
            let size = prompt.len();
            counted(Arc::new(SystemPrompt::new(prompt)), size)
        }
        "reorderToolResults" => Arc::new(ReorderToolResults),
        "turnLogging" => Arc::new(TurnLogging),
        _ => {
            let mut known: Vec<&str> = registered.iter().map(|(known, _)| known.as_str()).collect();
            known.extend(["systemPrompt", "reorderToolResults", "turnLogging"]);
            let guess = geppetto_turns::did_you_mean(name, known.iter().copied());
            let known = known.join(", ");
            return Err(Fault::type_error(format!(
                "unknown host middleware {name:?}: there are {known}{guess}"
            )));
        }
    };
    options.finish()?;
    Ok(middleware)
}
