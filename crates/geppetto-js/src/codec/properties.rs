//! Objects and their properties, by the engine's own calls: what crosses is mostly properties, and the binding takes twice
//! as long for each.

#![allow(unsafe_code, reason = "the binding's way counts contexts and makes values for every property")]

use rquickjs::{Ctx, Error, Object, Result, Value, qjs};
use std::marker::PhantomData;

/// A name as the engine has it, as long as whoever it is from lives.
#[derive(Clone, Copy)]
pub(crate) struct Name<'a>(qjs::JSAtom, PhantomData<&'a ()>);

impl PartialEq for Name<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

/// A name that is ours.
pub(crate) struct OwnName<'js> {
    atom: qjs::JSAtom,
    ctx: Ctx<'js>,
}

impl<'js> OwnName<'js> {
    pub(crate) fn new(ctx: &Ctx<'js>, name: &str) -> Result<Self> {
        // SAFETY: the engine reads as many bytes as it is told, and keeps none of them.
        let atom = unsafe { qjs::JS_NewAtomLen(raw(ctx), name.as_ptr().cast(), name.len() as _) };
        Self::checked(ctx, atom)
    }

    /// The name that a value stands for, such as a symbol.
    pub(crate) fn of(value: &Value<'js>) -> Result<Self> {
        let ctx = value.ctx();
        // SAFETY: the value is of this context, and live.
        Self::checked(ctx, unsafe { qjs::JS_ValueToAtom(raw(ctx), value.as_raw()) })
    }

    fn checked(ctx: &Ctx<'js>, atom: qjs::JSAtom) -> Result<Self> {
        if atom == qjs::JS_ATOM_NULL { Err(Error::Exception) } else { Ok(Self { atom, ctx: ctx.clone() }) }
    }

    pub(crate) fn name(&self) -> Name<'_> {
        Name(self.atom, PhantomData)
    }
}

impl Name<'_> {
    /// The number that the engine knows it by.
    pub(crate) fn number(self) -> u32 {
        self.0
    }
}

impl Drop for OwnName<'_> {
    fn drop(&mut self) {
        // SAFETY: the atom is of this context, and ours.
        unsafe { qjs::JS_FreeAtom(raw(&self.ctx), self.atom) }
    }
}

pub(super) fn raw(ctx: &Ctx<'_>) -> *mut qjs::JSContext {
    ctx.as_raw().as_ptr()
}

/// What the engine gave, unless it threw.
fn value<'js>(ctx: &Ctx<'js>, value: qjs::JSValue) -> Result<Value<'js>> {
    // SAFETY: reads the tag of a value.
    if unsafe { qjs::JS_IsException(value) } {
        return Err(Error::Exception);
    }
    // SAFETY: the value is of this context, and its reference ours.
    Ok(unsafe { Value::from_raw(ctx.clone(), value) })
}

/// Defines an own property that is enumerable, writable and configurable, as [`define`](crate::function::define) does.
pub(crate) fn define<'js>(object: &Object<'js>, name: Name<'_>, value: &Value<'js>) -> Result<()> {
    define_with(object, name, value, qjs::JS_PROP_C_W_E)
}

/// The same, with a text as its value.
pub(crate) fn define_text(object: &Object<'_>, name: Name<'_>, text: &str) -> Result<()> {
    let ctx = object.ctx();
    // SAFETY: the engine reads as many bytes as it is told, and keeps none of them; the property takes a reference of its own.
    unsafe {
        let text = qjs::JS_NewStringLen(raw(ctx), text.as_ptr().cast(), text.len() as _);
        if qjs::JS_IsException(text) {
            return Err(Error::Exception);
        }
        let defined = define_raw(object, name, text, qjs::JS_PROP_C_W_E);
        qjs::JS_FreeValue(raw(ctx), text);
        defined
    }
}

/// Defines an own property with no flags but these.
pub(crate) fn define_with<'js>(
    object: &Object<'js>,
    name: Name<'_>,
    value: &Value<'js>,
    flags: u32,
) -> Result<()> {
    // SAFETY: the value is of this context, and live.
    unsafe { define_raw(object, name, value.as_raw(), flags) }
}

/// # Safety
/// The value is of the object's context, and live.
unsafe fn define_raw(object: &Object<'_>, name: Name<'_>, value: qjs::JSValue, flags: u32) -> Result<()> {
    const SETS: u32 = qjs::JS_PROP_HAS_VALUE
        | qjs::JS_PROP_HAS_CONFIGURABLE
        | qjs::JS_PROP_HAS_ENUMERABLE
        | qjs::JS_PROP_HAS_WRITABLE
        | qjs::JS_PROP_THROW;
    let (ctx, object, none) = (raw(object.ctx()), object.as_raw(), qjs::JS_UNDEFINED);
    let flags = SETS | flags;
    // SAFETY: object, name and value are of this context, and live; the engine takes references of its own.
    let defined = unsafe { qjs::JS_DefineProperty(ctx, object, name.0, value, none, none, flags as _) };
    if defined < 0 { Err(Error::Exception) } else { Ok(()) }
}

/// Defines an own property that functions stand for, with no flags but these.
pub(crate) fn define_accessor<'js>(
    object: &Object<'js>,
    name: &str,
    get: &Value<'js>,
    set: Option<&Value<'js>>,
    flags: u32,
) -> Result<()> {
    const SETS: u32 = qjs::JS_PROP_HAS_GET
        | qjs::JS_PROP_HAS_SET
        | qjs::JS_PROP_HAS_CONFIGURABLE
        | qjs::JS_PROP_HAS_ENUMERABLE
        | qjs::JS_PROP_THROW;
    let name = OwnName::new(object.ctx(), name)?;
    let (none, flags) = (qjs::JS_UNDEFINED, SETS | flags);
    let (get, set) = (get.as_raw(), set.map_or(none, |set| set.as_raw()));
    let (ctx, object) = (raw(object.ctx()), object.as_raw());
    // SAFETY: object, name and functions are of this context, and live; the engine takes references of its own.
    let defined = unsafe { qjs::JS_DefineProperty(ctx, object, name.atom, none, get, set, flags as _) };
    if defined < 0 { Err(Error::Exception) } else { Ok(()) }
}

/// Whether an object has a property of this name, not inherited.
pub(crate) fn has_own(object: &Object<'_>, name: &str) -> Result<bool> {
    let name = OwnName::new(object.ctx(), name)?;
    // SAFETY: object and name are of this context, and live; no descriptor is asked for.
    let found = unsafe {
        qjs::JS_GetOwnProperty(raw(object.ctx()), std::ptr::null_mut(), object.as_raw(), name.atom)
    };
    if found < 0 { Err(Error::Exception) } else { Ok(found > 0) }
}

/// The getter of an own property; `undefined` where there is none.
pub(crate) fn getter<'js>(object: &Object<'js>, name: Name<'_>) -> Result<Value<'js>> {
    let ctx = object.ctx();
    let mut found = qjs::JSPropertyDescriptor {
        flags: 0,
        value: qjs::JS_UNDEFINED,
        getter: qjs::JS_UNDEFINED,
        setter: qjs::JS_UNDEFINED,
    };
    // SAFETY: object and name are of this context, and live; what is written to the descriptor is ours.
    unsafe {
        if qjs::JS_GetOwnProperty(raw(ctx), &mut found, object.as_raw(), name.0) < 0 {
            return Err(Error::Exception);
        }
        qjs::JS_FreeValue(raw(ctx), found.value);
        qjs::JS_FreeValue(raw(ctx), found.setter);
    }
    value(ctx, found.getter)
}

/// A new object with this prototype.
pub(crate) fn inheriting<'js>(prototype: &Object<'js>) -> Result<Object<'js>> {
    let ctx = prototype.ctx();
    // SAFETY: the prototype is of this context, and live.
    let object = value(ctx, unsafe { qjs::JS_NewObjectProto(raw(ctx), prototype.as_raw()) })?;
    object.into_object().ok_or(Error::Unknown)
}

/// Lets no property be added: with that an object that has none of its own is frozen.
pub(crate) fn prevent_extensions(object: &Object<'_>) -> Result<()> {
    // SAFETY: the object is of this context, and live.
    let prevented = unsafe { qjs::JS_PreventExtensions(raw(object.ctx()), object.as_raw()) };
    if prevented < 0 { Err(Error::Exception) } else { Ok(()) }
}

/// Defines an item of an array.
pub(crate) fn define_item<'js>(array: &Object<'js>, index: u32, value: &Value<'js>) -> Result<()> {
    let ctx = array.ctx();
    // SAFETY: the context is live.
    let name = OwnName::checked(ctx, unsafe { qjs::JS_NewAtomUInt32(raw(ctx), index) })?;
    define(array, name.name(), value)
}

/// Items that an array is made of.
pub(crate) struct Items<'a, 'js> {
    ctx: &'a Ctx<'js>,
    items: Vec<qjs::JSValue>,
}

impl<'a, 'js> Items<'a, 'js> {
    pub(crate) fn with_capacity(ctx: &'a Ctx<'js>, capacity: usize) -> Self {
        Self { ctx, items: Vec::with_capacity(capacity) }
    }

    pub(crate) fn push(&mut self, item: &Value<'js>) {
        // SAFETY: the item is of this context, and live; the reference is ours.
        self.items.push(unsafe { qjs::JS_DupValue(raw(self.ctx), item.as_raw()) });
    }

    /// A new array of them.
    pub(crate) fn into_array(mut self) -> Result<Object<'js>> {
        let count = self.items.len().try_into().map_err(|_| Error::Unknown)?;
        let items = std::mem::take(&mut self.items);
        // SAFETY: each item is of this context; the engine takes over the references to them, also if it fails.
        let array = unsafe { qjs::JS_NewArrayFrom(raw(self.ctx), count, items.as_ptr()) };
        value(self.ctx, array)?.into_object().ok_or(Error::Unknown)
    }
}

impl Drop for Items<'_, '_> {
    fn drop(&mut self) {
        for item in &self.items {
            // SAFETY: the item is of this context, and the reference ours.
            unsafe { qjs::JS_FreeValue(raw(self.ctx), *item) };
        }
    }
}

/// A value as an object, if it is one: the binding asks first which kind of object it is.
pub(crate) fn object<'a, 'js>(value: &'a Value<'js>) -> Option<&'a Object<'js>> {
    // SAFETY: it is an object.
    value.is_object().then(|| unsafe { value.ref_object() })
}

/// Whether a value is an object of the same kind as this one: an array, a function, a Promise, a Proxy are of their own.
pub(crate) fn is_like(value: &Value<'_>, object: &Object<'_>) -> bool {
    // SAFETY: reads the class of an object, and of none that is no object.
    unsafe { qjs::JS_GetClassID(value.as_raw()) == qjs::JS_GetClassID(object.as_raw()) }
}

/// Whether what an object inherits from is this or nothing. Asked of no Proxy: that would run its trap.
pub(crate) fn inherits_only<'js>(object: &Object<'js>, prototype: &Object<'js>) -> bool {
    let ctx = raw(object.ctx());
    // SAFETY: the object is of this context, and live; the reference to what it inherits from is ours.
    unsafe {
        let inherits = qjs::JS_GetPrototype(ctx, object.as_raw());
        let is_same = || qjs::JS_VALUE_GET_PTR(inherits) == qjs::JS_VALUE_GET_PTR(prototype.as_raw());
        let is_only = qjs::JS_IsNull(inherits) || (qjs::JS_IsObject(inherits) && is_same());
        qjs::JS_FreeValue(ctx, inherits);
        is_only
    }
}

/// A property, wherever it is inherited from.
pub(crate) fn get<'js>(object: &Object<'js>, name: Name<'_>) -> Result<Value<'js>> {
    let ctx = object.ctx();
    // SAFETY: object and name are of this context, and live.
    value(ctx, unsafe { qjs::JS_GetProperty(raw(ctx), object.as_raw(), name.0) })
}

/// An item of an array.
pub(crate) fn item<'js>(array: &Object<'js>, index: u32) -> Result<Value<'js>> {
    let ctx = array.ctx();
    // SAFETY: the array is of this context, and live.
    value(ctx, unsafe { qjs::JS_GetPropertyUint32(raw(ctx), array.as_raw(), index) })
}

/// The length of an array, and of nothing else: that of other objects may run script.
pub(crate) fn length(array: &Object<'_>) -> Result<usize> {
    let mut length = 0;
    // SAFETY: the array is of this context, and live.
    let read = unsafe { qjs::JS_GetLength(raw(array.ctx()), array.as_raw(), &mut length) };
    // It is below 2^32.
    if read < 0 { Err(Error::Exception) } else { Ok(usize::try_from(length).unwrap_or_default()) }
}

/// A name as a string of the VM.
pub(crate) fn string<'js>(ctx: &Ctx<'js>, name: Name<'_>) -> Result<Value<'js>> {
    // SAFETY: the name is of this context, and live.
    value(ctx, unsafe { qjs::JS_AtomToString(raw(ctx), name.0) })
}

/// The names of an object's own enumerable properties, but for symbols.
pub(crate) struct OwnNames<'js> {
    ctx: Ctx<'js>,
    table: *mut qjs::JSPropertyEnum,
    count: u32,
}

impl<'js> OwnNames<'js> {
    pub(crate) fn of(object: &Object<'js>) -> Result<Self> {
        let ctx = object.ctx().clone();
        let (mut table, mut count) = (std::ptr::null_mut(), 0);
        let flags = qjs::JS_GPN_STRING_MASK | qjs::JS_GPN_ENUM_ONLY;
        // SAFETY: the object is of this context, and live; the engine writes a table and its length, or fails.
        let listed = unsafe {
            qjs::JS_GetOwnPropertyNames(raw(&ctx), &mut table, &mut count, object.as_raw(), flags as _)
        };
        if listed < 0 { Err(Error::Exception) } else { Ok(Self { ctx, table, count }) }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Name<'_>> {
        // SAFETY: the table has so many entries, until it is freed with this.
        (0..self.count as usize).map(|at| Name(unsafe { (*self.table.add(at)).atom }, PhantomData))
    }
}

impl Drop for OwnNames<'_> {
    fn drop(&mut self) {
        // SAFETY: the table and the references of its names are ours.
        unsafe { qjs::JS_FreePropertyEnum(raw(&self.ctx), self.table, self.count) }
    }
}
