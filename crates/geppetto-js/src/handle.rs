//! Host objects: instances of one class of the engine whose Rust state scripts can neither see, copy nor forge.
//!
//! What kind of handle it is, is the type of its state; each kind has a frozen prototype of its own.
#![allow(unsafe_code, reason = "the engine wants a marker trait for its classes")]

use crate::codec::properties;
use crate::codec::shapes::Shapes;
use crate::fault::{Fallible, Fault};
use crate::function::Members;
use crate::vm::Vm;
use geppetto_events::Kept;
use geppetto_runner::Local;
use rquickjs::atom::PredefinedAtom;
use rquickjs::class::{JsClass, Readable, Trace, Tracer};
use rquickjs::function::Constructor;
use rquickjs::object::Property;
use rquickjs::{Class, Ctx, JsLifetime, Object, Result, Value};
use std::any::{Any, TypeId};
use std::rc::Rc;

/// The Rust state of a kind of handle. It holds no JS value: the engine could not see it.
pub(crate) trait HandleState: Any {
    /// The class's name, as errors and printing give it.
    const NAME: &'static str;
    /// The getters that printing and `JSON.stringify` show.
    const PUBLIC: &'static [&'static str] = &[];
    /// The orders in which they get own properties.
    const ORDERS: &'static [&'static [&'static str]] = &[&[]];
    /// Fills the prototype.
    fn members(_members: &Members<'_>) -> Result<()> {
        Ok(())
    }
}

/// The class behind all handles.
pub(crate) struct Handle {
    name: &'static str,
    public: &'static [&'static str],
    state: Rc<dyn Any>,
    _kept: Kept,
}

/// About as many bytes as a handle takes beside its state and what the engine has of it.
const HANDLE_SIZE: usize = 96;

// SAFETY: the type has no lifetime and holds no JS value.
unsafe impl JsLifetime<'_> for Handle {
    type Changed<'to> = Handle;
}

impl<'js> Trace<'js> for Handle {
    fn trace<'a>(&self, _tracer: Tracer<'a, 'js>) {}
}

impl<'js> JsClass<'js> for Handle {
    const NAME: &'static str = "Handle";
    type Mutable = Readable;

    fn constructor(_ctx: &Ctx<'js>) -> Result<Option<Constructor<'js>>> {
        Ok(None)
    }
}

/// A new handle, frozen.
pub(crate) fn create<'js, T: HandleState>(ctx: &Ctx<'js>, state: T) -> Result<Object<'js>> {
    let object = create_open(ctx, state)?;
    properties::prevent_extensions(&object)?;
    Ok(object)
}

/// A new handle to which own properties may still be added.
pub(crate) fn create_open<'js, T: HandleState>(ctx: &Ctx<'js>, state: T) -> Result<Object<'js>> {
    if let Some(local) = Local::current() {
        local.collect(ctx);
    }
    let kept = Vm::of(ctx).host.keep(HANDLE_SIZE + size_of::<T>());
    let handle = Handle { name: T::NAME, public: T::PUBLIC, state: Rc::new(state), _kept: kept };
    Ok(Class::instance_proto(handle, prototype::<T>(ctx)?)?.into_inner())
}

/// The prototype of a kind of handle, made when the first is.
fn prototype<'js, T: HandleState>(ctx: &Ctx<'js>) -> Result<Object<'js>> {
    let vm = Vm::of(ctx);
    if let Some((known, _)) = vm.prototypes.borrow().get(&TypeId::of::<T>()) {
        return Ok(known.clone());
    }
    let members = Members::new(ctx)?;
    T::members(&members)?;
    members.object.prop(PredefinedAtom::SymbolToStringTag, T::NAME)?;
    if !T::PUBLIC.is_empty() {
        members.method("toJSON", 0, |call| {
            let this =
                call.this_value().into_object().ok_or_else(|| Fault::type_error("toJSON needs a handle"))?;
            let json = Object::new(call.ctx().clone())?;
            for field in public_fields(&this) {
                let value: Value<'_> = this.get(*field)?;
                json.prop(*field, Property::from(value).writable().enumerable().configurable())?;
            }
            Ok(json.into_value())
        })?;
    }
    let prototype = members.frozen()?;
    let shapes = Shapes::of(&prototype, T::ORDERS)?;
    vm.prototypes.borrow_mut().insert(TypeId::of::<T>(), (prototype.clone(), shapes));
    Ok(prototype)
}

/// The getters of a handle that printing shows; empty for what is no handle.
pub(crate) fn public_fields(object: &Object<'_>) -> &'static [&'static str] {
    Class::<Handle>::from_object(object).map_or(&[], |class| class.borrow().public)
}

pub(crate) fn is_handle(object: &Object<'_>) -> bool {
    object.instance_of::<Handle>()
}

/// The state of a handle that has to be of this kind.
pub(crate) fn state<T: HandleState>(value: &Value<'_>, path: &str) -> Fallible<Rc<T>> {
    try_state(value).ok_or_else(|| wrong(value, path, T::NAME))
}

/// The error for a value that is no handle of this name, whatever it says of itself.
pub(crate) fn wrong(value: &Value<'_>, path: &str, name: &str) -> Fault {
    let expected = format!("{} {name}", article(name));
    let found = describe(value);
    // What says that it is one, and is none, is as plain as any other.
    let is_plain = found == expected || found == PLAIN;
    let found = if is_plain { "a plain object (was it copied with {...}?)" } else { &found };
    Fault::type_error(format!("{path}: expected {expected}, got {found}"))
}

const PLAIN: &str = "a plain object";

/// The state of a handle of this kind, if it is one.
pub(crate) fn try_state<T: HandleState>(value: &Value<'_>) -> Option<Rc<T>> {
    let class = properties::object(value).and_then(Class::<Handle>::from_object)?;
    let state = class.borrow().state.clone();
    state.downcast::<T>().ok()
}

fn article(name: &str) -> &'static str {
    if name.starts_with(['A', 'E', 'I', 'O', 'U']) { "an" } else { "a" }
}

/// What a value is, for error messages.
pub(crate) fn describe(value: &Value<'_>) -> String {
    if let Some(object) = value.as_object() {
        if let Some(handle) = Class::<Handle>::from_object(object) {
            let name = handle.borrow().name;
            return format!("{} {name}", article(name));
        }
        let kind = match value {
            value if value.is_proxy() => "a Proxy",
            value if value.is_promise() => "a Promise (is an await missing?)",
            value if value.is_function() => "a function",
            value if value.is_array() => "an array",
            value if value.is_error() => "an Error",
            _ => match crate::codec::kind_of(value) {
                Some(kind) => return format!("{} {kind}", article(&kind)),
                None => PLAIN,
            },
        };
        return kind.to_owned();
    }
    match value.type_of() {
        rquickjs::Type::Undefined => "undefined".to_owned(),
        rquickjs::Type::Null => "null".to_owned(),
        rquickjs::Type::Bool => "a boolean".to_owned(),
        rquickjs::Type::Int | rquickjs::Type::Float => "a number".to_owned(),
        rquickjs::Type::String => "a string".to_owned(),
        rquickjs::Type::Symbol => "a symbol".to_owned(),
        rquickjs::Type::BigInt => "a BigInt".to_owned(),
        other => other.to_string(),
    }
}
