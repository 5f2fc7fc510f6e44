//! Members that the engine makes when something first reads them, as it does with its own built-ins: most scripts use few
//! of those that are there. To a script they are properties as any other.
#![allow(unsafe_code, reason = "the engine wants tables that stay where they are")]

use crate::call::EngineFunction;
use crate::codec::properties;
use rquickjs::{Error, Object, Result, qjs};
use std::collections::HashMap;
use std::ffi::CString;
use std::sync::{LazyLock, Mutex, PoisonError};

/// What is made.
#[derive(Clone, Copy)]
pub(crate) enum Made<'a> {
    /// A function with this many parameters.
    Function(EngineFunction, u8),
    Text(&'a str),
}

/// An entry as the engine reads it: a table of one.
struct Entry(qjs::JSCFunctionListEntry);

// SAFETY: nobody writes to it, and what it points at is never freed.
unsafe impl Sync for Entry {}
// SAFETY: as above.
unsafe impl Send for Entry {}

/// Name, flags, and what is made: a function's address and length, or a text.
type Key = (Box<str>, u8, std::result::Result<(usize, u8), Box<str>>);

/// Those of the process, which all VMs share: as many as there are members with different names.
static ENTRIES: LazyLock<Mutex<HashMap<Key, &'static Entry>>> = LazyLock::new(Mutex::default);

/// Adds a member with no flags but these. Returns whether it could be: not under a name that is taken, or that the engine
/// would read as something else.
pub(crate) fn define(object: &Object<'_>, name: &str, flags: u32, made: Made<'_>) -> Result<bool> {
    if name.starts_with('[') || name.contains('\0') || properties::has_own(object, name)? {
        return Ok(false);
    }
    let Some(entry) = entry(name, (flags & qjs::JS_PROP_C_W_E) as u8, made) else { return Ok(false) };
    // SAFETY: object and context are live; the entry stays, and its name is not taken.
    let defined = unsafe {
        let ctx = object.ctx().as_raw().as_ptr();
        qjs::JS_SetPropertyFunctionList(ctx, object.as_raw(), &entry.0, 1)
    };
    if defined < 0 { Err(Error::Exception) } else { Ok(true) }
}

fn entry(name: &str, flags: u8, made: Made<'_>) -> Option<&'static Entry> {
    let what = match made {
        Made::Function(function, length) => Ok((function as usize, length)),
        Made::Text(text) => Err(text.into()),
    };
    let mut entries = ENTRIES.lock().unwrap_or_else(PoisonError::into_inner);
    let key = (name.into(), flags, what);
    if let Some(known) = entries.get(&key) {
        return Some(known);
    }
    let kept = |text: &str| CString::new(text).ok().map(|text| text.into_raw().cast_const());
    let (def_type, u) = match made {
        Made::Function(function, length) => {
            let func = qjs::JSCFunctionListEntry__bindgen_ty_1__bindgen_ty_1 {
                length,
                cproto: qjs::JSCFunctionEnum_JS_CFUNC_generic as u8,
                cfunc: qjs::JSCFunctionType { generic: Some(function) },
            };
            (qjs::JS_DEF_CFUNC, qjs::JSCFunctionListEntry__bindgen_ty_1 { func })
        }
        Made::Text(text) => {
            (qjs::JS_DEF_PROP_STRING, qjs::JSCFunctionListEntry__bindgen_ty_1 { str_: kept(text)? })
        }
    };
    let entry = qjs::JSCFunctionListEntry {
        name: kept(name)?,
        prop_flags: flags,
        def_type: def_type as u8,
        magic: 0,
        u,
    };
    Some(entries.entry(key).or_insert(Box::leak(Box::new(Entry(entry)))))
}
