//! The context that is current on this thread, and what only its raw pointer can do.
//!
//! rquickjs hands out a context through `Context::with`, which locks the runtime and must not be nested. A script
//! that calls into Rust, which calls the script again, is nested; for that the context of the outermost `with` is
//! remembered here and used again.
#![allow(
    unsafe_code,
    reason = "a context can be entered again, and a script killed, only through raw pointers"
)]

use rquickjs::{Context, Ctx, Value, qjs};
use std::cell::Cell;
use std::ptr::NonNull;

thread_local! {
    /// The context inside whose `Context::with` this thread is, if any.
    static CURRENT: Cell<Option<NonNull<qjs::JSContext>>> = const { Cell::new(None) };
}

/// Forgets the current context, however the outermost call ends.
struct Leave;

impl Drop for Leave {
    fn drop(&mut self) {
        CURRENT.set(None);
    }
}

/// Whether this thread is inside a context.
pub(crate) fn is_inside() -> bool {
    CURRENT.get().is_some()
}

/// Calls `inside` with the current context, or with `context` entered. The thread that calls this must be the one
/// on which `context` lives; there is only one such context on a thread.
pub(crate) fn with<R>(context: &Context, inside: impl for<'js> FnOnce(Ctx<'js>) -> R) -> R {
    match CURRENT.get() {
        Some(current) => {
            debug_assert_eq!(current, context.as_raw());
            // SAFETY: `CURRENT` is set only while this very thread is inside `Context::with` of that context, which
            // holds the runtime's lock and keeps the context alive. The lifetime of the new `Ctx` is a fresh one
            // for each call, because `inside` must accept any; no value can be carried from one to another.
            inside(unsafe { Ctx::from_raw(current) })
        }
        None => context.with(|ctx| {
            CURRENT.set(Some(ctx.as_raw()));
            let _leave = Leave;
            inside(ctx)
        }),
    }
}

/// Whether a value is what the engine throws when it is interrupted. Promises are rejected with it.
pub(crate) fn is_kill(value: &Value<'_>) -> bool {
    // SAFETY: it reads a flag of a value that lives as long as this.
    unsafe { qjs::JS_IsUncatchableError(value.as_raw()) }
}

/// Whether two values are the same one, as `Object.is` has it.
pub(crate) fn is_same(one: &Value<'_>, other: &Value<'_>) -> bool {
    // SAFETY: both are of this context, and live.
    unsafe { qjs::JS_IsSameValue(one.ctx().as_raw().as_ptr(), one.as_raw(), other.as_raw()) }
}

/// Throws an exception that no script can catch: what the engine itself throws when it is interrupted.
pub(crate) fn kill(ctx: &Ctx<'_>) -> rquickjs::Error {
    let thrown = rquickjs::Exception::throw_internal(ctx, "interrupted");
    let error = ctx.catch();
    // SAFETY: the error is a value of this very context.
    unsafe { qjs::JS_SetUncatchableError(ctx.as_raw().as_ptr(), error.as_raw()) };
    let _ = ctx.throw(error);
    thrown
}
