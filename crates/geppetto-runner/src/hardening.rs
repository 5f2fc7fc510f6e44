//! What the engine does not survive, kept from scripts before the first of them runs.
//!
//! - The engine calls `next` of its own iterators without looking at the stack. Those of iterator helpers call that of
//!   what they are made of: a long enough chain of them would end the process.
//! - `Error.stackTraceLimit` and `Error.prepareStackTrace` lose count of the objects they are set to, and the engine ends
//!   the process when it is freed with one left.
#![allow(unsafe_code, reason = "functions that stand before the engine's own are made by its own calls")]

use rquickjs::function::This;
use rquickjs::{Ctx, Error, Function, Object, Result, Value, qjs};
use std::ffi::{CStr, c_int};

type Stands = unsafe extern "C" fn(
    *mut qjs::JSContext,
    qjs::JSValue,
    c_int,
    *mut qjs::JSValue,
    c_int,
    *mut qjs::JSValue,
) -> qjs::JSValue;

/// Puts ours before what is dangerous. The first thing that happens in a VM.
pub(crate) fn harden(ctx: &Ctx<'_>) -> Result<()> {
    let iterator: Object<'_> = ctx.globals().get("Iterator")?;
    let any: Object<'_> = Object::new(ctx.clone())?;
    let wrapped: Object<'_> = iterator.get::<_, Function<'_>>("from")?.call((This(iterator.clone()), any))?;
    let drop: Function<'_> = wrapped.get("drop")?;
    let helper: Object<'_> = drop.call((This(wrapped.clone()), 0))?;
    for prototype in [wrapped, helper].iter().filter_map(Object::get_prototype) {
        let next = stand_before(ctx, prototype.get("next")?, (c"next", 0), call)?;
        define(&prototype, c"next", next, None)?;
    }
    let error: Object<'_> = ctx.globals().get("Error")?;
    for (name, set) in
        [(c"stackTraceLimit", set_number as Stands), (c"prepareStackTrace", set_function as Stands)]
    {
        let [getter, setter] = accessors(&error, name)?;
        let setter = stand_before(ctx, setter, (name, 1), set)?;
        define(&error, name, getter, Some(setter))?;
    }
    Ok(())
}

/// A function that is called in the place of another, which it knows. The engine makes up for arguments that are missing to
/// its length: ours find as many there, however a script calls them.
fn stand_before<'js>(
    ctx: &Ctx<'js>,
    other: Value<'js>,
    (name, length): (&CStr, c_int),
    ours: Stands,
) -> Result<Value<'js>> {
    let mut data = [other.as_raw()];
    // SAFETY: the engine copies the name and takes a reference of its own to the other; ours has the shape it is told.
    let made = unsafe {
        qjs::JS_NewCFunctionData2(
            ctx.as_raw().as_ptr(),
            Some(ours),
            name.as_ptr(),
            length,
            0,
            1,
            data.as_mut_ptr(),
        )
    };
    value(ctx, made)
}

fn value<'js>(ctx: &Ctx<'js>, value: qjs::JSValue) -> Result<Value<'js>> {
    // SAFETY: reads the tag of a value.
    if unsafe { qjs::JS_IsException(value) } {
        return Err(Error::Exception);
    }
    // SAFETY: the value is of this context, and its reference ours.
    Ok(unsafe { Value::from_raw(ctx.clone(), value) })
}

/// The getter and setter of an own property.
fn accessors<'js>(object: &Object<'js>, name: &CStr) -> Result<[Value<'js>; 2]> {
    let ctx = object.ctx();
    let mut found = qjs::JSPropertyDescriptor {
        flags: 0,
        value: qjs::JS_UNDEFINED,
        getter: qjs::JS_UNDEFINED,
        setter: qjs::JS_UNDEFINED,
    };
    // SAFETY: object and context are live; what is written to the descriptor is ours.
    unsafe {
        let raw = ctx.as_raw().as_ptr();
        let atom = qjs::JS_NewAtom(raw, name.as_ptr());
        let known = qjs::JS_GetOwnProperty(raw, &mut found, object.as_raw(), atom);
        qjs::JS_FreeAtom(raw, atom);
        if known < 0 {
            return Err(Error::Exception);
        }
        qjs::JS_FreeValue(raw, found.value);
    }
    Ok([value(ctx, found.getter)?, value(ctx, found.setter)?])
}

/// Defines a property as the engine has it: a method, or with a setter an accessor.
fn define<'js>(
    object: &Object<'js>,
    name: &CStr,
    what: Value<'js>,
    setter: Option<Value<'js>>,
) -> Result<()> {
    let ctx = object.ctx().as_raw().as_ptr();
    let flags = (qjs::JS_PROP_CONFIGURABLE | qjs::JS_PROP_WRITABLE) as c_int;
    // SAFETY: object and values are of this context, and live; the engine takes references of its own.
    let defined = unsafe {
        let atom = qjs::JS_NewAtom(ctx, name.as_ptr());
        let what = qjs::JS_DupValue(ctx, what.as_raw());
        let defined = match setter {
            None => qjs::JS_DefinePropertyValue(ctx, object.as_raw(), atom, what, flags),
            Some(setter) => {
                let setter = qjs::JS_DupValue(ctx, setter.as_raw());
                qjs::JS_DefinePropertyGetSet(ctx, object.as_raw(), atom, what, setter, flags)
            }
        };
        qjs::JS_FreeAtom(ctx, atom);
        defined
    };
    if defined < 0 { Err(Error::Exception) } else { Ok(()) }
}

/// # Safety
/// For all three: the engine calls them with a live context, so many arguments, and the function they stand before.
unsafe extern "C" fn call(
    ctx: *mut qjs::JSContext,
    this: qjs::JSValue,
    count: c_int,
    arguments: *mut qjs::JSValue,
    _magic: c_int,
    before: *mut qjs::JSValue,
) -> qjs::JSValue {
    // SAFETY: as above. This way of calling looks at the stack.
    unsafe { qjs::JS_Call(ctx, *before, this, count, arguments) }
}

/// Sets a number: anything else is made one, as the engine does when it reads it.
unsafe extern "C" fn set_number(
    ctx: *mut qjs::JSContext,
    this: qjs::JSValue,
    _count: c_int,
    arguments: *mut qjs::JSValue,
    _magic: c_int,
    before: *mut qjs::JSValue,
) -> qjs::JSValue {
    let mut number = 0.0;
    // SAFETY: as above; it was made with a length of one.
    unsafe {
        if qjs::JS_ToFloat64(ctx, &mut number, *arguments) < 0 {
            return qjs::JS_EXCEPTION;
        }
        let mut number = [qjs::JS_NewFloat64(number)];
        qjs::JS_Call(ctx, *before, this, 1, number.as_mut_ptr())
    }
}

/// Sets a function, or nothing: anything else counts as that.
unsafe extern "C" fn set_function(
    ctx: *mut qjs::JSContext,
    this: qjs::JSValue,
    _count: c_int,
    arguments: *mut qjs::JSValue,
    _magic: c_int,
    before: *mut qjs::JSValue,
) -> qjs::JSValue {
    // SAFETY: as above; it was made with a length of one.
    unsafe {
        let mut function = [if qjs::JS_IsFunction(ctx, *arguments) { *arguments } else { qjs::JS_UNDEFINED }];
        qjs::JS_Call(ctx, *before, this, 1, function.as_mut_ptr())
    }
}
