//! Host functions and classes: one way to define them, with panics and failures caught at their boundary. Native
//! modules of hosts use the same.

use crate::codec::properties::{self, OwnName};
use crate::fault::{Fallible, Fault};
use crate::handle::{self, HandleState};
use geppetto_runner::Local;
use rquickjs::function::{IntoJsFunc, ParamRequirement, Params};
use rquickjs::object::{Accessor, Property};
use rquickjs::{Ctx, Function, IntoJs, Object, Result, Value};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

/// A call of a host function.
pub struct Call<'a, 'js> {
    params: Params<'a, 'js>,
}

impl<'js> Call<'_, 'js> {
    /// The context.
    #[must_use]
    pub fn ctx(&self) -> &Ctx<'js> {
        self.params.ctx()
    }

    /// An argument; `undefined` and `null` count as absent.
    #[must_use]
    pub fn arg(&self, index: usize) -> Option<Value<'js>> {
        self.raw(index).filter(|value| !value.is_undefined() && !value.is_null())
    }

    /// An argument as it is; `None` when it was not passed.
    #[must_use]
    pub fn raw(&self, index: usize) -> Option<Value<'js>> {
        self.params.arg(index)
    }

    /// An argument as it is; `undefined` when it was not passed.
    pub(crate) fn at(&self, index: usize) -> Value<'js> {
        self.raw(index).unwrap_or_else(|| self.undefined())
    }

    /// An argument that must be there.
    ///
    /// # Errors
    /// A `TypeError` when it is absent.
    pub fn required(&self, index: usize, name: &str, what: &str) -> Fallible<Value<'js>> {
        self.arg(index).ok_or_else(|| Fault::type_error(format!("{name}: expected {what}, got nothing")))
    }

    /// All arguments.
    pub fn args(&self) -> impl Iterator<Item = Value<'js>> + '_ {
        (0..self.params.len()).filter_map(|index| self.raw(index))
    }

    pub(crate) fn this_value(&self) -> Value<'js> {
        self.params.this()
    }

    /// The Rust state of `this`.
    pub(crate) fn this<T: HandleState>(&self) -> Fallible<Rc<T>> {
        handle::state(&self.params.this(), "this")
    }

    /// Does what may block, such as a write to a pipe: the time it takes is not counted as the script's.
    pub fn blocking<R>(&self, work: impl FnOnce() -> R) -> R {
        match Local::current() {
            Some(local) => local.blocking(work),
            None => work(),
        }
    }

    /// `undefined`.
    #[must_use]
    pub fn undefined(&self) -> Value<'js> {
        Value::new_undefined(self.ctx().clone())
    }
}

struct HostFunction<F>(F);

/// Only tells the compiler which implementation is meant.
struct ByCall;

impl<'js, F> IntoJsFunc<'js, ByCall> for HostFunction<F>
where
    F: for<'a> Fn(&Call<'a, 'js>) -> Fallible<Value<'js>> + 'js,
{
    fn param_requirements() -> ParamRequirement {
        ParamRequirement::any()
    }

    fn call<'a>(&self, params: Params<'a, 'js>) -> Result<Value<'js>> {
        let call = Call { params };
        if let Some(local) = Local::current() {
            local.check(call.ctx())?;
        }
        // A panic must not unwind through the engine, and a script must not catch it as one of its own errors.
        match catch_unwind(AssertUnwindSafe(|| (self.0)(&call))) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(fault)) => Err(fault.throw(call.ctx())),
            Err(panic) => {
                let text = geppetto_inference::panic_message(&*panic);
                let vm = crate::vm::Vm::of(call.ctx());
                let message = text.to_owned();
                vm.host.report(
                    "host function",
                    geppetto_runner::CallError::Panicked { op: "host function", message },
                );
                Err(Fault::Plain(format!("internal error: a host function panicked: {text}"))
                    .throw(call.ctx()))
            }
        }
    }
}

/// A host function. What it captures must hold no JS value: the engine could not see it, and the VM could not be
/// freed.
///
/// # Errors
/// When the engine has no memory for it.
pub fn function<'js, F>(ctx: &Ctx<'js>, name: &str, length: usize, function: F) -> Result<Function<'js>>
where
    F: for<'a> Fn(&Call<'a, 'js>) -> Fallible<Value<'js>> + 'js,
{
    Function::new(ctx.clone(), HostFunction(function))?.with_name(name)?.with_length(length)
}

/// Defines an own property that is enumerable, writable and configurable: what an assignment to a fresh object does,
/// without running setters of its prototypes.
pub(crate) fn define<'js, V: IntoJs<'js>>(object: &Object<'js>, name: &str, value: V) -> Result<()> {
    let value = value.into_js(object.ctx())?;
    properties::define(object, OwnName::new(object.ctx(), name)?.name(), &value)
}

/// A namespace or prototype that is being filled.
pub struct Members<'js> {
    pub(crate) object: Object<'js>,
}

impl<'js> Members<'js> {
    /// An empty one.
    ///
    /// # Errors
    /// When the engine has no memory for it.
    pub fn new(ctx: &Ctx<'js>) -> Result<Self> {
        Ok(Self { object: Object::new(ctx.clone())? })
    }

    /// Adds a function that is not enumerable.
    pub(crate) fn method<F>(&self, name: &str, length: usize, body: F) -> Result<&Self>
    where
        F: for<'a> Fn(&Call<'a, 'js>) -> Fallible<Value<'js>> + 'js,
    {
        let body = function(self.object.ctx(), name, length, body)?;
        self.object.prop(name, Property::from(body))?;
        Ok(self)
    }

    /// The object.
    #[must_use]
    pub fn into_object(self) -> Object<'js> {
        self.object
    }

    /// Adds a function to a namespace.
    ///
    /// # Errors
    /// When the engine has no memory for it.
    pub fn function<F>(&self, name: &str, length: usize, body: F) -> Result<&Self>
    where
        F: for<'a> Fn(&Call<'a, 'js>) -> Fallible<Value<'js>> + 'js,
    {
        let body = function(self.object.ctx(), name, length, body)?;
        self.object.prop(name, Property::from(body).enumerable())?;
        Ok(self)
    }

    /// Adds an enumerable property that is made when somebody reads it.
    pub(crate) fn lazy<F>(&self, name: &str, body: F) -> Result<&Self>
    where
        F: for<'a> Fn(&Call<'a, 'js>) -> Fallible<Value<'js>> + 'js,
    {
        self.object.prop(name, Accessor::from(HostFunction(body)).enumerable())?;
        Ok(self)
    }

    /// Adds a property that a getter and a setter stand for until one of them replaces it.
    pub(crate) fn accessor<G, S>(&self, name: &str, get: G, set: S) -> Result<&Self>
    where
        G: for<'a> Fn(&Call<'a, 'js>) -> Fallible<Value<'js>> + 'js,
        S: for<'a> Fn(&Call<'a, 'js>) -> Fallible<Value<'js>> + 'js,
    {
        self.object.prop(name, Accessor::new(HostFunction(get), HostFunction(set)).configurable())?;
        Ok(self)
    }

    /// Adds a getter.
    pub(crate) fn getter<F>(&self, name: &str, body: F) -> Result<&Self>
    where
        F: for<'a> Fn(&Call<'a, 'js>) -> Fallible<Value<'js>> + 'js,
    {
        self.object.prop(name, Accessor::from(HostFunction(body)))?;
        Ok(self)
    }
}
