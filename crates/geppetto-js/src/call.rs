//! A call of a host function, and how the engine makes it: panics and failures are caught at this boundary.
#![allow(
    unsafe_code,
    reason = "a function without state is called by the engine itself, not through an object"
)]

use crate::fault::{Fallible, Fault};
use crate::handle::{self, HandleState};
use crate::vm::Vm;
use geppetto_runner::{CallError, Local};
use rquickjs::function::{IntoJsFunc, ParamRequirement, Params};
use rquickjs::{Ctx, Error, Function, Result, Value, qjs};
use std::ffi::CString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::rc::Rc;

/// A call of a host function.
pub struct Call<'a, 'js> {
    ctx: Ctx<'js>,
    this: qjs::JSValue,
    /// Of this context, and alive while the call is.
    args: &'a [qjs::JSValue],
}

impl<'js> Call<'_, 'js> {
    /// The context.
    #[must_use]
    pub fn ctx(&self) -> &Ctx<'js> {
        &self.ctx
    }

    /// An argument; `undefined` and `null` count as absent.
    #[must_use]
    pub fn arg(&self, index: usize) -> Option<Value<'js>> {
        self.raw(index).filter(|value| !value.is_undefined() && !value.is_null())
    }

    /// An argument as it is; `None` when it was not passed.
    #[must_use]
    pub fn raw(&self, index: usize) -> Option<Value<'js>> {
        self.args.get(index).map(|arg| self.value(*arg))
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
    pub fn args(&self) -> impl ExactSizeIterator<Item = Value<'js>> + '_ {
        self.args.iter().map(|arg| self.value(*arg))
    }

    pub(crate) fn this_value(&self) -> Value<'js> {
        self.value(self.this)
    }

    /// The Rust state of `this`.
    pub(crate) fn this<T: HandleState>(&self) -> Fallible<Rc<T>> {
        handle::state(&self.this_value(), "this")
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
        Value::new_undefined(self.ctx.clone())
    }

    fn value(&self, value: qjs::JSValue) -> Value<'js> {
        // SAFETY: the value is of this context and alive; the reference is one of its own.
        unsafe { Value::from_raw(self.ctx.clone(), qjs::JS_DupValue(self.ctx.as_raw().as_ptr(), value)) }
    }

    /// Calls the function behind it. A panic must not unwind through the engine, and a script must not catch it as one
    /// of its own errors.
    fn make<F>(&self, body: &F) -> Result<Value<'js>>
    where
        F: for<'b> Fn(&Call<'b, 'js>) -> Fallible<Value<'js>>,
    {
        let ctx = &self.ctx;
        let called = catch_unwind(AssertUnwindSafe(|| {
            if let Some(local) = Local::current() {
                local.check(ctx)?;
            }
            body(self).map_err(|fault| fault.throw(ctx))
        }));
        called.unwrap_or_else(|panic| {
            let message = geppetto_inference::panic_message(&*panic).to_owned();
            let fault = Fault::Plain(format!("internal error: a host function panicked: {message}"));
            let op = "host function";
            Vm::of(ctx).host.report(op, CallError::Panicked { op, message });
            Err(fault.throw(ctx))
        })
    }
}

/// A host function with state of its own, which the binding keeps in an object.
struct Stateful<F>(F);

/// Only tells the compiler which implementation is meant.
struct ByCall;

impl<'js, F> IntoJsFunc<'js, ByCall> for Stateful<F>
where
    F: for<'a> Fn(&Call<'a, 'js>) -> Fallible<Value<'js>> + 'js,
{
    fn param_requirements() -> ParamRequirement {
        ParamRequirement::any()
    }

    fn call<'a>(&self, params: Params<'a, 'js>) -> Result<Value<'js>> {
        // Whoever calls keeps what is passed alive meanwhile.
        let args = (0..params.len()).filter_map(|index| params.arg(index)).map(|arg| arg.as_raw());
        let (mut few, many): ([qjs::JSValue; 4], Vec<qjs::JSValue>);
        let args = if params.len() <= 4 {
            few = [qjs::JS_UNDEFINED; 4];
            few.iter_mut().zip(args).for_each(|(place, arg)| *place = arg);
            &few[..params.len()]
        } else {
            many = args.collect();
            &many[..]
        };
        Call { ctx: params.ctx().clone(), this: params.this().as_raw(), args }.make(&self.0)
    }
}

/// A function as the engine calls it.
pub(crate) type EngineFunction =
    unsafe extern "C" fn(*mut qjs::JSContext, qjs::JSValue, qjs::c_int, *mut qjs::JSValue) -> qjs::JSValue;

/// A host function as the engine calls it, where it has no state. `body` is never dropped.
pub(crate) fn stateless<'js, F>(body: &F) -> Option<EngineFunction>
where
    F: for<'a> Fn(&Call<'a, 'js>) -> Fallible<Value<'js>> + 'js,
{
    let _ = body;
    (size_of::<F>() == 0).then_some(call::<'js, F> as EngineFunction)
}

/// # Safety
/// The engine calls it with a live context and so many arguments; `F` has no size, and one of it was there on this
/// thread when the function was made.
unsafe extern "C" fn call<'js, F>(
    ctx: *mut qjs::JSContext,
    this: qjs::JSValue,
    count: qjs::c_int,
    args: *mut qjs::JSValue,
) -> qjs::JSValue
where
    F: for<'a> Fn(&Call<'a, 'js>) -> Fallible<Value<'js>> + 'js,
{
    // SAFETY: the engine is in this very context, on the thread that has it.
    let ctx: Ctx<'js> = unsafe { Ctx::from_raw(NonNull::new_unchecked(ctx)) };
    let args = match usize::try_from(count) {
        // SAFETY: the engine keeps so many values there while it calls.
        Ok(count) if count > 0 => unsafe { std::slice::from_raw_parts(args, count) },
        _ => &[],
    };
    // SAFETY: what has no size is read nowhere.
    let body: &F = unsafe { NonNull::<F>::dangling().as_ref() };
    let call = Call { ctx, this, args };
    match call.make(body) {
        // SAFETY: the reference is the caller's.
        Ok(value) => unsafe { qjs::JS_DupValue(call.ctx.as_raw().as_ptr(), value.as_raw()) },
        Err(error) => {
            if !error.is_exception() {
                let _ = Fault::Js(error).throw(&call.ctx);
            }
            qjs::JS_EXCEPTION
        }
    }
}

/// A host function without a name, which no stack shows: a script cannot get at it by way of `prepareStackTrace`.
pub(crate) fn hidden<'js, F>(ctx: &Ctx<'js>, body: F) -> Result<Function<'js>>
where
    F: for<'a> Fn(&Call<'a, 'js>) -> Fallible<Value<'js>> + 'js,
{
    Function::new(ctx.clone(), Stateful(body))
}

/// A host function. What it captures must hold no JS value: the engine could not see it, and the VM could not be
/// freed.
///
/// # Errors
/// When the engine has no memory for it.
pub fn function<'js, F>(ctx: &Ctx<'js>, name: &str, length: usize, body: F) -> Result<Function<'js>>
where
    F: for<'a> Fn(&Call<'a, 'js>) -> Fallible<Value<'js>> + 'js,
{
    let Some(function) = stateless(&body) else {
        return hidden(ctx, body)?.with_name(name)?.with_length(length);
    };
    std::mem::forget(body);
    let (name, length) = (CString::new(name)?, length.try_into().unwrap_or(qjs::c_int::MAX));
    let generic = qjs::JSCFunctionEnum_JS_CFUNC_generic;
    // SAFETY: the engine copies the name; the function is of the shape that it is told.
    let function = unsafe {
        let raw = ctx.as_raw().as_ptr();
        let function = qjs::JS_NewCFunction2(raw, Some(function), name.as_ptr(), length, generic, 0);
        if qjs::JS_IsException(function) {
            return Err(Error::Exception);
        }
        Value::from_raw(ctx.clone(), function)
    };
    function.into_function().ok_or(Error::Unknown)
}
