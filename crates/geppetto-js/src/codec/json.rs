//! Plain values: what JSON can hold.

use super::{CodecError, each, items, text};
use crate::vm::Vm;
use geppetto_turns::Map;
use rquickjs::{Ctx, IntoJs, Object, Result, Type, Value};
use serde_json::{Number, Value as Json};

const MAX_DEPTH: usize = 100;
const MAX_NODES: usize = 1_000_000;
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// A Rust value as a JS value.
pub(crate) fn encode<'js>(ctx: &Ctx<'js>, value: &Json) -> Result<Value<'js>> {
    Ok(match value {
        Json::Null => Value::new_null(ctx.clone()),
        Json::Bool(value) => Value::new_bool(ctx.clone(), *value),
        Json::Number(number) => match number.as_i64().and_then(|integer| i32::try_from(integer).ok()) {
            Some(small) => Value::new_int(ctx.clone(), small),
            None => Value::new_number(ctx.clone(), number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(value) => value.as_str().into_js(ctx)?,
        Json::Array(items) => super::array(ctx, items.iter().map(|item| encode(ctx, item)))?,
        Json::Object(map) => encode_map(ctx, map)?.into_value(),
    })
}

/// The path of the first integer that a JS number cannot hold exactly.
pub(crate) fn inexact(value: &Json, path: &str) -> Option<String> {
    const LARGEST: u64 = 1 << 53;
    match value {
        Json::Number(number) => {
            let magnitude = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs))?;
            // Beyond 2^53 every second number is still one of both.
            #[allow(
                clippy::cast_precision_loss,
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "that is what is asked"
            )]
            let exact = magnitude <= LARGEST || (magnitude as f64) as u64 == magnitude;
            (!exact).then(|| path.to_owned())
        }
        Json::Array(items) => {
            items.iter().enumerate().find_map(|(index, item)| inexact(item, &format!("{path}[{index}]")))
        }
        Json::Object(map) => map.iter().find_map(|(key, item)| inexact(item, &format!("{path}.{key}"))),
        _ => None,
    }
}

/// The value as it comes back from JS: integers that a JS number cannot hold are rounded.
pub(crate) fn rounded(value: &Json) -> Json {
    match value {
        Json::Number(number) if inexact(value, "").is_some() =>
        {
            #[allow(
                clippy::cast_possible_truncation,
                reason = "checked: not too large for what it came from"
            )]
            number.as_f64().map_or(Json::Null, |number| Json::from(number as i64))
        }
        Json::Array(items) => items.iter().map(rounded).collect(),
        Json::Object(map) => {
            Json::Object(map.iter().map(|(key, item)| (key.clone(), rounded(item))).collect())
        }
        other => other.clone(),
    }
}

pub(crate) fn encode_map<'js>(ctx: &Ctx<'js>, map: &Map) -> Result<Object<'js>> {
    let object = Object::new(ctx.clone())?;
    let vm = Vm::of(ctx);
    for (key, value) in map {
        vm.names.define(&object, key, encode(ctx, value)?)?;
    }
    Ok(object)
}

/// Whether an object inherits from nothing, or from what literals do. Asked of no Proxy: that would run its trap.
pub(crate) fn is_plain(value: &Value<'_>) -> bool {
    let prototype = value.as_object().and_then(Object::get_prototype);
    prototype.is_none_or(|prototype| prototype == Vm::of(value.ctx()).object_prototype)
}

/// What stands for an object that is not plain: a date's text; `None` for a plain one.
///
/// # Errors
/// For one that nothing stands for: a handle, a `Map`, a Proxy, …
pub(crate) fn stand_in<'js>(value: &Value<'js>) -> std::result::Result<Option<Value<'js>>, CodecError> {
    if value.is_proxy() {
        // Its traps could list more keys than anybody can count, and nothing could stop the engine meanwhile.
        return Err(CodecError::new("a Proxy is not a plain value; pass a copy of what it stands for"));
    }
    let ctx = value.ctx();
    let vm = Vm::of(ctx);
    if is_plain(value) {
        return Ok(None);
    }
    let stand_in: Value<'js> = vm.prelude(ctx)?.plain.call((value.clone(),))?;
    match stand_in.as_object() {
        Some(refused) => Err(CodecError::new(refused.get::<_, String>("refused")?)),
        None => Ok(Some(stand_in).filter(|stand_in| !stand_in.is_undefined())),
    }
}

/// Reads values and counts what it has read.
pub(crate) struct Decoder<'a, 'js> {
    pub(crate) ctx: &'a Ctx<'js>,
    nodes: usize,
    bytes: usize,
}

/// A JS value as a Rust value; `undefined` as `null`.
pub(crate) fn decode<'js>(ctx: &Ctx<'js>, value: &Value<'js>) -> std::result::Result<Json, CodecError> {
    Decoder::new(ctx).value(value, 0)
}

impl<'a, 'js> Decoder<'a, 'js> {
    pub(crate) fn new(ctx: &'a Ctx<'js>) -> Self {
        Self { ctx, nodes: 0, bytes: 0 }
    }

    fn count(&mut self, bytes: usize) -> std::result::Result<(), CodecError> {
        self.nodes += 1;
        self.bytes += bytes;
        if self.nodes > MAX_NODES {
            return Err(CodecError::new(format!("too large: more than {MAX_NODES} values")));
        }
        if self.bytes > MAX_BYTES {
            return Err(CodecError::new(format!("too large: more than {} MiB of text", MAX_BYTES >> 20)));
        }
        Ok(())
    }

    pub(crate) fn text(&mut self, value: &Value<'js>) -> std::result::Result<String, CodecError> {
        let text = text(self.ctx, value)?;
        self.count(text.len())?;
        Ok(text)
    }

    pub(crate) fn value(
        &mut self,
        value: &Value<'js>,
        depth: usize,
    ) -> std::result::Result<Json, CodecError> {
        match value.type_of() {
            Type::String => return self.text(value).map(Json::String),
            Type::Undefined | Type::Null | Type::Uninitialized => {}
            Type::Bool => return Ok(Json::Bool(value.as_bool().unwrap_or_default())),
            Type::Int => {
                self.count(8)?;
                return Ok(Json::from(value.as_int().unwrap_or_default()));
            }
            Type::Float => return self.number(value.as_float().unwrap_or(f64::NAN)),
            Type::BigInt => {
                return Err(CodecError::new("a BigInt has no JSON form; pass a number or a string"));
            }
            Type::Symbol => return Err(CodecError::new("a symbol has no JSON form")),
            Type::Function | Type::Constructor => return Err(CodecError::new("a function has no JSON form")),
            _ => return self.object(value, depth),
        }
        self.count(0)?;
        Ok(Json::Null)
    }

    fn number(&mut self, number: f64) -> std::result::Result<Json, CodecError> {
        self.count(8)?;
        if number.fract() == 0.0 && number.abs() < 9_223_372_036_854_775_808.0 {
            #[allow(
                clippy::cast_possible_truncation,
                reason = "an integer of less than 2^63: nothing is cut off"
            )]
            return Ok(Json::from(number as i64));
        }
        let number = Number::from_f64(number);
        number.map(Json::Number).ok_or_else(|| CodecError::new("NaN and infinities have no JSON form"))
    }

    fn object(&mut self, value: &Value<'js>, depth: usize) -> std::result::Result<Json, CodecError> {
        if depth >= MAX_DEPTH {
            return Err(CodecError::new(format!("too deep: more than {MAX_DEPTH} levels (a cycle?)")));
        }
        let Some(object) = value.as_object() else {
            return Err(CodecError::new(format!("a {} has no JSON form", value.type_name())));
        };
        if value.is_array() && !value.is_proxy() {
            return self.array(object, depth);
        }
        match stand_in(value)? {
            Some(stand_in) => self.value(&stand_in, depth + 1),
            None => self.map(object, depth).map(Json::Object),
        }
    }

    fn array(&mut self, array: &Object<'js>, depth: usize) -> std::result::Result<Json, CodecError> {
        self.count(0)?;
        items(array, |_, item| self.value(item, depth + 1)).map(Json::Array)
    }

    /// The own enumerable properties of an object; those that are `undefined` are absent.
    pub(crate) fn map(&mut self, object: &Object<'js>, depth: usize) -> std::result::Result<Map, CodecError> {
        self.count(0)?;
        let mut map = Map::new();
        each(object, |name, item| {
            self.bytes += name.len();
            if !item.is_undefined() {
                let item = self.value(item, depth + 1)?;
                if map.insert(name.to_owned(), item).is_some() {
                    return Err(CodecError::new("two keys differ only in characters that are not Unicode"));
                }
            }
            Ok(())
        })?;
        Ok(map)
    }
}
