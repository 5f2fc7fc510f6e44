//! What `inspect.js` asks of the engine: what a value is, told without running anything of a script.
#![allow(unsafe_code, reason = "the engine tells the class of an object only unsafely")]

use crate::call::Call;
use crate::codec;
use crate::fault::Fallible;
use crate::function::Members;
use crate::handle::{is_handle, public_fields};
use rquickjs::object::Filter;
use rquickjs::promise::PromiseState;
use rquickjs::{IntoJs, Result, Value, qjs};

/// As many items of an array are shown as Node shows.
const MOST_ITEMS: usize = 100;

/// What `inspect.js` asks.
pub(crate) fn natives(members: &Members<'_>) -> Result<()> {
    members.method("publicFields", 1, public)?;
    is_handle_of(members)?;
    is_proxy_of(members)?;
    // What is behind a Proxy, and behind that: `null` once it is revoked. Anything else is itself.
    members.method("behind", 1, |call| {
        let mut value = call.raw(0).unwrap_or_else(|| call.undefined());
        while value.is_proxy() {
            value = target(&value).unwrap_or_else(|| Value::new_null(call.ctx().clone()));
        }
        Ok(value)
    })?;
    members.method("classOf", 1, |call| match call.raw(0) {
        Some(value) if value.is_proxy() => Ok("Proxy".into_js(call.ctx())?),
        Some(value) if value.as_object().is_some_and(is_handle) => Ok("Handle".into_js(call.ctx())?),
        Some(value) if value.is_object() => Ok(class_name(&value)),
        _ => Ok(call.undefined()),
    })?;
    members.method("promiseState", 1, |call| {
        let promise = call.arg(0).and_then(Value::into_promise);
        let Some(promise) = promise else { return Ok(call.undefined()) };
        let state = match promise.state() {
            PromiseState::Pending => "pending",
            PromiseState::Resolved => "resolved",
            PromiseState::Rejected => "rejected",
        };
        let result =
            promise.result::<Value<'_>>().map(|result| result.unwrap_or_else(|_| call.ctx().catch()));
        let result = result.unwrap_or_else(|| call.undefined());
        Ok(codec::array(call.ctx(), [state.into_js(call.ctx()), Ok(result)])?)
    })?;
    members.method("namesBesideItems", 1, names_beside_items)?;
    Ok(())
}

/// Whether a value is a handle.
pub(crate) fn is_handle_of(members: &Members<'_>) -> Result<()> {
    members.method("isHandle", 1, |call| {
        let object = call.arg(0).and_then(Value::into_object);
        Ok(Value::new_bool(call.ctx().clone(), object.is_some_and(|object| is_handle(&object))))
    })?;
    Ok(())
}

/// Whether a value is a Proxy.
pub(crate) fn is_proxy_of(members: &Members<'_>) -> Result<()> {
    members.method("isProxy", 1, |call| {
        let is_proxy = call.raw(0).is_some_and(|value| value.is_proxy());
        Ok(Value::new_bool(call.ctx().clone(), is_proxy))
    })?;
    Ok(())
}

/// The getters a handle shows and their values; `undefined` when it has none.
fn public<'js>(call: &Call<'_, 'js>) -> Fallible<Value<'js>> {
    let object = call.arg(0).and_then(Value::into_object);
    let Some(object) = object.filter(|object| !public_fields(object).is_empty()) else {
        return Ok(call.undefined());
    };
    let pairs = public_fields(&object)
        .iter()
        .map(|field| codec::array(call.ctx(), [field.into_js(call.ctx()), object.get(*field)]));
    Ok(codec::array(call.ctx(), pairs)?)
}

/// The first indices an array has, and its names that are no indices: text for as many as it has items would be too much.
fn names_beside_items<'js>(call: &Call<'_, 'js>) -> Fallible<Value<'js>> {
    let object = call.arg(0).and_then(Value::into_object);
    let Some(object) = object else { return Ok(call.undefined()) };
    let (mut indices, mut rest) = (Vec::new(), Vec::new());
    let mut keys = object.own_keys::<Value<'_>>(Filter::new().string());
    // Indices come first.
    let mut last = None;
    while let Some(key) = keys.next_back().transpose()? {
        last = index_of(&key);
        if last.is_some() {
            break;
        }
        rest.push(key);
    }
    rest.reverse();
    for key in keys.take(MOST_ITEMS) {
        indices.extend(index_of(&key?));
    }
    indices.extend(last.filter(|_| indices.len() < MOST_ITEMS));
    let indices = indices.into_iter().map(|index| Ok(Value::new_number(call.ctx().clone(), index)));
    let (indices, rest) =
        (codec::array(call.ctx(), indices), codec::array(call.ctx(), rest.into_iter().map(Ok)));
    Ok(codec::array(call.ctx(), [indices, rest])?)
}

fn index_of(key: &Value<'_>) -> Option<f64> {
    let text = key.as_string()?.to_string().ok()?;
    let index: u32 = text.parse().ok().filter(|index| *index < u32::MAX)?;
    (index.to_string() == text).then_some(f64::from(index))
}

/// What is right behind a Proxy, unless that is revoked. The binding's own type for a Proxy leaves out those of functions.
fn target<'js>(proxy: &Value<'js>) -> Option<Value<'js>> {
    let ctx = proxy.ctx();
    // SAFETY: the value is of this context, and what comes back is ours.
    let target = unsafe {
        let target = qjs::JS_GetProxyTarget(ctx.as_raw().as_ptr(), proxy.as_raw());
        (!qjs::JS_IsException(target)).then(|| Value::from_raw(ctx.clone(), target))
    };
    if target.is_none() {
        drop(ctx.catch());
    }
    target
}

/// The class of an object, as the engine names it.
fn class_name<'js>(value: &Value<'js>) -> Value<'js> {
    let ctx = value.ctx();
    // SAFETY: the value is of this context, and the name is an atom of our own that is given back once it was read.
    unsafe {
        let raw = ctx.as_raw().as_ptr();
        let name = qjs::JS_GetClassName(qjs::JS_GetRuntime(raw), qjs::JS_GetClassID(value.as_raw()));
        let text = qjs::JS_AtomToString(raw, name);
        qjs::JS_FreeAtom(raw, name);
        Value::from_raw(ctx.clone(), text)
    }
}
