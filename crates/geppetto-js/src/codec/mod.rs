//! Values between JS and Rust, by hand: own properties are read, own properties are defined, and everything is
//! bounded. What one side cannot hold is an error that names its place, never a silent change.
//!
//! | JS | Rust |
//! |---|---|
//! | `undefined` | an absent property; `null` in arrays |
//! | numbers | integers up to 2⁵³ as integers, others as floats; `-0` is `0`; `NaN` and infinities are errors |
//! | strings | UTF-8; a lone surrogate becomes U+FFFD, as in `TextEncoder` |
//! | `Date` | its ISO string |
//! | BigInt, symbols, functions, Promises, `Map`, `Set`, binary data, cycles | errors |

pub(crate) mod block;
pub(crate) mod event;
pub(crate) mod json;
pub(crate) mod turn;

use crate::fault::Fault;
use crate::function::define;
use crate::vm::Vm;
use rquickjs::{Array, Atom, Ctx, Object, Result, Value};

/// A value that cannot cross, and where in it.
#[derive(Debug)]
pub(crate) struct CodecError {
    /// Innermost first.
    path: Vec<String>,
    message: String,
    /// What the script's own code threw while it was being read.
    thrown: Option<rquickjs::Error>,
}

impl CodecError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { path: Vec::new(), message: message.into(), thrown: None }
    }

    pub(crate) fn in_key(mut self, key: &str) -> Self {
        self.path.push(format!(".{key}"));
        self
    }

    pub(crate) fn in_index(mut self, index: usize) -> Self {
        self.path.push(format!("[{index}]"));
        self
    }

    /// As a fault, the path behind `root`.
    pub(crate) fn fault(self, root: &str) -> Fault {
        if let Some(error) = self.thrown {
            return Fault::Js(error);
        }
        let path: String = self.path.into_iter().rev().collect();
        Fault::Type(format!("{root}{path}: {}", self.message))
    }
}

impl From<rquickjs::Error> for CodecError {
    fn from(error: rquickjs::Error) -> Self {
        let message = error.to_string();
        Self { path: Vec::new(), message, thrown: error.is_exception().then_some(error) }
    }
}

/// A JS string as UTF-8; lone surrogates become U+FFFD.
pub(crate) fn text<'js>(ctx: &Ctx<'js>, value: &Value<'js>) -> Result<String> {
    let Some(string) = value.as_string() else {
        return Err(rquickjs::Error::new_from_js(value.type_name(), "string"));
    };
    match string.to_string() {
        Ok(text) => Ok(text),
        Err(_) => {
            let well_formed = Vm::of(ctx).to_well_formed.clone();
            well_formed.call::<_, rquickjs::String<'js>>((value.clone(),))?.to_string()
        }
    }
}

/// A property name as text.
pub(crate) fn key<'js>(ctx: &Ctx<'js>, atom: &Atom<'js>) -> Result<String> {
    text(ctx, atom.to_js_string()?.as_value())
}

/// The length of an array; what an array-like claims is bounded by whoever reads it.
pub(crate) fn length(array: &Object<'_>) -> Result<usize> {
    let length: f64 = array.get("length")?;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "lengths are at most 2^53")]
    Ok(length as usize)
}

/// An array of values.
pub(crate) fn array<'js>(ctx: &Ctx<'js>, items: impl IntoIterator<Item = Value<'js>>) -> Result<Value<'js>> {
    let array = Array::new(ctx.clone())?.into_object();
    for (index, item) in items.into_iter().enumerate() {
        #[allow(clippy::cast_possible_truncation, reason = "no list has 2^32 items in memory")]
        define(&array, index as u32, item)?;
    }
    Ok(array.into_value())
}

/// A value as `console` shows it.
pub(crate) fn inspected<'js>(ctx: &Ctx<'js>, value: Value<'js>) -> Result<String> {
    let shown: Value<'js> = Vm::of(ctx).inspect.call((value,))?;
    text(ctx, &shown)
}
