//! The built-ins that our own scripts rely on, as they are before any script: whatever one replaces, ours use these.

use crate::codec::properties::{self, OwnName};
use crate::function::define;
use rquickjs::function::{Constructor, This};
use rquickjs::object::Filter;
use rquickjs::{Array, Ctx, Error, Function, IntoJs, Object, Result, Value};
use std::sync::{LazyLock, OnceLock};

/// What is read: of the object on this path from the global one, into this group of ours, these properties. `ours=theirs`
/// where our scripts call one something else.
type Read = (&'static str, &'static str, &'static str);

#[rustfmt::skip]
const PROPERTIES: [Read; 27] = [
    ("", "", "ArrayBuffer DOMException DataView Date Error Map Number Object RangeError RegExp Set String TypeError Uint8Array parseInt parseFloat"),
    ("", "views", "Int8Array Uint8Array Uint8ClampedArray Int16Array Uint16Array Int32Array Uint32Array BigInt64Array BigUint64Array Float16Array Float32Array Float64Array"),
    ("", "errors", "Error EvalError RangeError ReferenceError SyntaxError TypeError URIError"),
    ("", "exotic", "Promise WeakMap WeakSet WeakRef FinalizationRegistry Iterator SharedArrayBuffer"),
    ("Object", "", "freeze keys hasOwn getPrototypeOf setPrototypeOf getOwnPropertyDescriptor getOwnPropertySymbols defineProperty ObjectPrototype=prototype"),
    ("Object.prototype", "", "objectText=toString"),
    ("Function", "", "FunctionPrototype=prototype"),
    ("Function.prototype", "", "functionText=toString bind"),
    ("Reflect", "", "apply ownKeys"),
    ("Array", "", "isArray"),
    ("Array.prototype", "", "sort"),
    ("Error", "", "captureStackTrace isError ErrorPrototype=prototype"),
    ("Symbol", "", "toStringTag asyncIterator iterator toPrimitive symbolFor=for"),
    ("String.prototype", "text", "slice indexOf charCodeAt codePointAt repeat trim toWellFormed"),
    ("Map.prototype", "", "mapEntries=entries mapGet=get mapSet=set mapHas=has"),
    ("Set.prototype", "", "setValues=values setAdd=add"),
    ("Date.prototype", "", "getTime toISOString"),
    ("RegExp.prototype", "", "exec"),
    ("ArrayBuffer", "", "isView"),
    ("ArrayBuffer.prototype", "", "transferBuffer=transfer"),
    ("Uint8Array.prototype", "", "setBytes=set"),
    ("Number.prototype", "", "numberText=toString"),
    ("Number.prototype", "unbox", "Number=valueOf"),
    ("String.prototype", "unbox", "String=valueOf"),
    ("Boolean.prototype", "unbox", "Boolean=valueOf"),
    ("BigInt.prototype", "unbox", "BigInt=valueOf"),
    ("Symbol.prototype", "unbox", "Symbol=valueOf"),
];

/// Accessors whose getters are read.
#[rustfmt::skip]
const GETTERS: [Read; 8] = [
    ("Map.prototype", "", "mapSize=size"),
    ("Set.prototype", "", "setSize=size"),
    ("RegExp.prototype", "", "source"),
    ("RegExp.prototype", "flags", "hasIndices global ignoreCase multiline dotAll unicode unicodeSets sticky"),
    ("ArrayBuffer.prototype", "", "bufferLength=byteLength isDetached=detached"),
    ("DataView.prototype", "", "dataBuffer=buffer dataOffset=byteOffset dataLength=byteLength"),
    (VIEWS, "", "viewBuffer=buffer viewOffset=byteOffset viewBytes=byteLength viewLength=length"),
    ("DOMException.prototype", "", "domName=name domMessage=message"),
];

/// What the prototypes of all typed arrays inherit from: no object has it under a name.
const VIEWS: &str = "%TypedArray%.prototype";

/// Groups that are lists.
const LISTS: [&str; 2] = ["exotic", "flags"];

/// The names of a table's line: ours, and theirs.
fn names(line: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    line.split(' ').map(|name| name.split_once('=').unwrap_or((name, name)))
}

/// What no table tells where to find.
const MORE: &str = "viewName nextEntry nextItem";

/// Groups and names of all that is kept, in its order.
static KEPT: LazyLock<Vec<(&str, &str)>> = LazyLock::new(|| {
    let reads = PROPERTIES.iter().chain(&GETTERS).map(|(_, group, line)| (*group, *line));
    let named = |(group, line)| names(line).map(move |(ours, _)| (group, ours));
    reads.chain([("", MORE)]).flat_map(named).collect()
});

/// The names of the engine's own globals: the same in each VM, and so kept once.
static GLOBAL_NAMES: OnceLock<Vec<String>> = OnceLock::new();

/// The intrinsics of a VM, in the order of [`KEPT`]. They are an object for our scripts once one is read.
pub(crate) struct Intrinsics<'js>(Vec<Value<'js>>);

impl<'js> Intrinsics<'js> {
    /// Reads them. The first thing that happens in a VM.
    pub(crate) fn keep(ctx: &Ctx<'js>) -> Result<Self> {
        let mut intrinsics = Self(Vec::with_capacity(KEPT.len()));
        for (path, _, line) in PROPERTIES {
            let object = at(ctx, path)?;
            for (_, name) in names(line) {
                intrinsics.0.push(property(&object, name)?);
            }
        }
        for (path, _, line) in GETTERS {
            let object = at(ctx, path)?;
            for (_, name) in names(line) {
                intrinsics.0.push(properties::getter(&object, OwnName::new(ctx, name)?.name())?);
            }
        }
        let tag = OwnName::of(intrinsics.get("toStringTag")?)?;
        intrinsics.0.push(properties::getter(&at(ctx, VIEWS)?, tag.name())?);
        for (class, begin) in [("Map", "mapEntries"), ("Set", "setValues")] {
            let collection: Value<'js> = intrinsics.constructor(class)?.construct(())?;
            let iterator: Object<'js> = intrinsics.function(begin)?.call((This(collection),))?;
            intrinsics.0.push(iterator.get("next")?);
        }
        if GLOBAL_NAMES.get().is_none() {
            let names = ctx.globals().own_keys(Filter::new().string()).collect::<Result<_>>()?;
            let _ = GLOBAL_NAMES.set(names);
        }
        Ok(intrinsics)
    }

    /// One that is in no group.
    pub(crate) fn get(&self, name: &str) -> Result<&Value<'js>> {
        let at = KEPT.iter().position(|(group, ours)| group.is_empty() && *ours == name);
        at.and_then(|at| self.0.get(at)).ok_or(Error::Unknown)
    }

    pub(crate) fn function(&self, name: &str) -> Result<Function<'js>> {
        self.get(name)?.as_function().cloned().ok_or(Error::Unknown)
    }

    pub(crate) fn constructor(&self, name: &str) -> Result<Constructor<'js>> {
        self.get(name)?.as_constructor().cloned().ok_or(Error::Unknown)
    }

    /// What our scripts get: an object that inherits nothing. A script may have replaced every built-in by now.
    pub(crate) fn object(&self, ctx: &Ctx<'js>) -> Result<Object<'js>> {
        let all = bare(ctx)?;
        let mut groups: Vec<(&str, Object<'js>)> = Vec::new();
        for ((group, ours), value) in KEPT.iter().zip(&self.0) {
            if group.is_empty() {
                define(&all, ours, value.clone())?;
                continue;
            }
            let known = groups.iter().find(|(name, _)| name == group).map(|(_, object)| object.clone());
            let object = match known {
                Some(known) => known,
                None => {
                    let is_list = LISTS.contains(group);
                    let object = if is_list { Array::new(ctx.clone())?.into_object() } else { bare(ctx)? };
                    define(&all, group, object.clone())?;
                    groups.push((group, object.clone()));
                    object
                }
            };
            match object.as_array().map(|list| u32::try_from(list.len())) {
                Some(length) => properties::define_item(&object, length.unwrap_or(u32::MAX), value)?,
                None => define(&object, ours, value.clone())?,
            }
        }
        define(&all, "global", ctx.globals())?;
        let names = GLOBAL_NAMES.get().into_iter().flatten().map(|name| name.as_str().into_js(ctx));
        define(&all, "globalNames", crate::codec::array(ctx, names)?)?;
        let custom: Value<'js> = self.function("symbolFor")?.call(("nodejs.util.inspect.custom",))?;
        define(&all, "inspectCustom", custom)?;
        Ok(all)
    }
}

/// An object that inherits nothing.
fn bare<'js>(ctx: &Ctx<'js>) -> Result<Object<'js>> {
    let object = Object::new(ctx.clone())?;
    object.set_prototype(None)?;
    Ok(object)
}

/// The object on a path from the global one.
fn at<'js>(ctx: &Ctx<'js>, path: &str) -> Result<Object<'js>> {
    let mut names = path.split('.').filter(|name| !name.is_empty());
    names.try_fold(ctx.globals(), |object, name| {
        let found = match name {
            "%TypedArray%" => property(&object, "Uint8Array")?.as_object().and_then(Object::get_prototype),
            name => property(&object, name)?.into_object(),
        };
        found.ok_or(Error::Unknown)
    })
}

fn property<'js>(object: &Object<'js>, name: &str) -> Result<Value<'js>> {
    properties::get(object, OwnName::new(object.ctx(), name)?.name())
}
