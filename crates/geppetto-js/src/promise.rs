//! Promises between scripts and Rust: those that Rust settles, and those that it waits for.

use crate::call::{Call, function};
use crate::fault::{Fallible, Fault};
use crate::vm::Vm;
use geppetto_runner::{CallError, JsError, JsRef, Local};
use rquickjs::{Ctx, Result, Value};
use std::cell::Cell;
use std::rc::Rc;

/// Keeps a value of the VM of this thread.
///
/// # Errors
/// On a thread that is no owner's.
pub(crate) fn keep(value: Value<'_>) -> Fallible<JsRef> {
    let local =
        Local::current().ok_or_else(|| Fault::Plain("there is no runtime on this thread".to_owned()))?;
    Ok(JsRef::new(&local, value))
}

/// A promise that Rust settles, once.
#[derive(Clone)]
pub(crate) struct Deferred {
    resolve: JsRef,
    reject: JsRef,
}

impl Deferred {
    /// A promise, and what settles it.
    pub(crate) fn new<'js>(ctx: &Ctx<'js>) -> Fallible<(Value<'js>, Self)> {
        let (promise, resolve, reject) = ctx.promise()?;
        let (resolve, reject) = (keep(resolve.into_value())?, keep(reject.into_value())?);
        Ok((promise.into_value(), Self { resolve, reject }))
    }

    /// Settles the promise.
    pub(crate) fn settle<'js>(&self, ctx: &Ctx<'js>, result: Fallible<Value<'js>>) {
        let settled = match result {
            Ok(value) => Ok((&self.resolve, value)),
            // What cannot be shown is told as the error of showing it.
            Err(fault) => fault.into_value(ctx).map(|error| (&self.reject, error)),
        };
        let settled = settled.and_then(|(function, value)| match function.function(ctx) {
            Some(function) => function.call((value,)),
            None => Ok(()),
        });
        if let Err(error) = settled {
            let error = JsError::from_error(ctx, &error);
            Vm::of(ctx).host.report("promise", CallError::Script(error));
        }
    }

    /// Settles the promise from outside any job, with what `encode` makes of the result.
    pub(crate) fn settle_in<T>(
        &self,
        local: &Local,
        result: Fallible<T>,
        encode: impl for<'any> FnOnce(&Ctx<'any>, T) -> Result<Value<'any>>,
    ) {
        let settled = local.enter("promise", |ctx| {
            Vm::of(&ctx).host.clone().watches.tell(&ctx, None);
            self.settle(&ctx, result.and_then(|value| Ok(encode(&ctx, value)?)));
        });
        if let Err(error) = settled {
            local.owner().report("promise", error);
        }
    }
}

/// A promise that is rejected with this fault. What a fault has pending in the VM is taken from it now.
pub(crate) fn rejected<'js>(call: &Call<'_, 'js>, fault: Fault) -> Fallible<Value<'js>> {
    let error = fault.into_value(call.ctx())?;
    let (promise, _, reject) = call.ctx().promise()?;
    reject.call::<_, ()>((error,))?;
    Ok(promise.into_value())
}

/// A promise for a future that is polled on the owner's thread. The VM is not idle until it has settled.
///
/// # Errors
/// When the engine has no memory for it.
pub fn promise_of<'js, T: 'static>(
    call: &Call<'_, 'js>,
    future: impl Future<Output = Fallible<T>> + 'static,
    encode: impl for<'any> FnOnce(&Ctx<'any>, T) -> Result<Value<'any>> + 'static,
) -> Fallible<Value<'js>> {
    let (promise, deferred) = Deferred::new(call.ctx())?;
    let pending = Vm::of(call.ctx()).host.pend();
    if let Some(local) = Local::current() {
        let inside = local.clone();
        // In a box: the future around it would have room for it twice.
        let future = Box::pin(future);
        local.spawn_to_end(async move {
            let result = future.await;
            deferred.settle_in(&inside, result, encode);
            drop(pending);
        });
    }
    Ok(promise)
}

/// Awaits a promise inside the VM and calls `done` with what it was fulfilled with and the fallback, or with what it
/// was rejected with.
pub(crate) fn when_settled<'js, D>(
    ctx: &Ctx<'js>,
    promise: Value<'js>,
    fallback: Value<'js>,
    done: D,
) -> Result<()>
where
    D: for<'any> FnOnce(
            &Ctx<'any>,
            std::result::Result<(Value<'any>, Value<'any>), Value<'any>>,
        ) -> Fallible<()>
        + 'static,
{
    let done = Rc::new(Cell::new(Some(done)));
    let other = done.clone();
    let fulfilled = function(ctx, "fulfilled", 2, move |call| {
        if let Some(done) = done.take() {
            done(call.ctx(), Ok((call.at(0), call.at(1))))?;
        }
        Ok(call.undefined())
    })?;
    let rejected = function(ctx, "rejected", 1, move |call| {
        if let Some(done) = other.take() {
            done(call.ctx(), Err(call.at(0)))?;
        }
        Ok(call.undefined())
    })?;
    Vm::of(ctx)
        .prelude(ctx)?
        .settle
        .clone()
        .call::<_, Value<'js>>((promise, fallback, fulfilled, rejected))
        .map(drop)
}
