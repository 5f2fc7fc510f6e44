//! Plain values: what JSON can hold.

use super::cost::Cost;
use super::names::Names;
use super::{CodecError, each, items, properties, strings};
use crate::vm::Vm;
use geppetto_turns::{Map, long_key, short_key};
use rquickjs::{Ctx, IntoJs, Object, Result, Type, Value};
use serde_json::{Number, Value as Json};
use std::borrow::Cow;
use std::sync::LazyLock;

const MAX_DEPTH: usize = 100;

/// A Rust value as a JS value.
pub(crate) fn encode<'js>(ctx: &Ctx<'js>, value: &Json) -> Result<Value<'js>> {
    named(ctx, &Vm::of(ctx).names, value)
}

pub(crate) fn encode_map<'js>(ctx: &Ctx<'js>, map: &Map) -> Result<Object<'js>> {
    named_map(ctx, &Vm::of(ctx).names, map)
}

/// The same, with the names at hand.
pub(crate) fn named<'js>(ctx: &Ctx<'js>, names: &Names<'js>, value: &Json) -> Result<Value<'js>> {
    Ok(match value {
        Json::Null => Value::new_null(ctx.clone()),
        Json::Bool(value) => Value::new_bool(ctx.clone(), *value),
        Json::Number(number) => match number.as_i64().and_then(|integer| i32::try_from(integer).ok()) {
            Some(small) => Value::new_int(ctx.clone(), small),
            None => Value::new_number(ctx.clone(), number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(value) => value.as_str().into_js(ctx)?,
        Json::Array(items) => super::array(ctx, items.iter().map(|item| named(ctx, names, item)))?,
        Json::Object(map) => named_map(ctx, names, map)?.into_value(),
    })
}

pub(crate) fn named_map<'js>(ctx: &Ctx<'js>, names: &Names<'js>, map: &Map) -> Result<Object<'js>> {
    let object = Object::new(ctx.clone())?;
    for (key, value) in map {
        define(&object, names, key, value)?;
    }
    Ok(object)
}

/// Defines a property.
pub(super) fn define<'js>(object: &Object<'js>, names: &Names<'js>, key: &str, value: &Json) -> Result<()> {
    match value {
        Json::String(text) => names.define_text(object, key, text),
        _ => names.define(object, key, named(object.ctx(), names, value)?),
    }
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

/// Whether an object inherits from nothing, or from what literals do. Asked of no Proxy: that would run its trap.
pub(crate) fn is_plain<'js>(vm: &Vm<'js>, value: &Value<'js>) -> bool {
    properties::object(value).is_none_or(|object| properties::inherits_only(object, &vm.object_prototype))
}

/// What stands for an object that is not plain: a date's text; `None` for a plain one.
///
/// # Errors
/// For one that nothing stands for: a handle, a `Map`, a Proxy, …
pub(crate) fn stand_in<'js>(
    vm: &Vm<'js>,
    value: &Value<'js>,
) -> std::result::Result<Option<Value<'js>>, CodecError> {
    if value.is_proxy() {
        // Its traps could list more keys than anybody can count, and nothing could stop the engine meanwhile.
        return Err(CodecError::new("a Proxy is not a plain value; pass a copy of what it stands for"));
    }
    if is_plain(vm, value) {
        return Ok(None);
    }
    let stand_in: Value<'js> = vm.prelude(value.ctx())?.plain.call((value.clone(),))?;
    match stand_in.as_object() {
        Some(refused) => Err(CodecError::new(refused.get::<_, String>("refused")?)),
        None => Ok(Some(stand_in).filter(|stand_in| !stand_in.is_undefined())),
    }
}

/// What was read where something was expected: what left is mostly what comes back, and then nothing is made of it.
pub(crate) enum Read<T> {
    /// It is what was expected.
    Same,
    New(T),
}

impl<T: Clone> Read<T> {
    /// What was read.
    pub(crate) fn or(self, expected: &T) -> T {
        match self {
            Self::Same => expected.clone(),
            Self::New(new) => new,
        }
    }
}

impl<T: PartialEq> Read<T> {
    pub(crate) fn is(&self, expected: &T) -> bool {
        match self {
            Self::Same => true,
            Self::New(new) => new == expected,
        }
    }
}

/// Where nothing is expected.
static NULL: Json = Json::Null;
pub(crate) static NO_ENTRIES: LazyLock<Map> = LazyLock::new(Map::new);

/// Reads values and counts what it has read.
pub(crate) struct Decoder<'a, 'js> {
    pub(crate) ctx: &'a Ctx<'js>,
    pub(crate) vm: &'a Vm<'js>,
    cost: Cost,
}

/// A JS value as a Rust value; `undefined` as `null`.
pub(crate) fn decode<'js>(ctx: &Ctx<'js>, value: &Value<'js>) -> std::result::Result<Json, CodecError> {
    Decoder::new(ctx, &Vm::of(ctx)).value(value, 0)
}

impl<'a, 'js> Decoder<'a, 'js> {
    pub(crate) fn new(ctx: &'a Ctx<'js>, vm: &'a Vm<'js>) -> Self {
        Self { ctx, vm, cost: Cost::default() }
    }

    /// A string, where `expected` is expected.
    pub(crate) fn text(
        &mut self,
        value: &Value<'js>,
        expected: &str,
    ) -> std::result::Result<Read<String>, CodecError> {
        let read = strings::read(self.ctx, value, expected)?;
        self.cost.value(self.ctx, if let Read::New(new) = &read { new.len() } else { expected.len() })?;
        Ok(read)
    }

    /// A string that is known.
    pub(crate) fn known<'e>(&mut self, text: &'e str) -> std::result::Result<&'e str, CodecError> {
        self.cost.value(self.ctx, text.len())?;
        Ok(text)
    }

    /// A value.
    pub(crate) fn value(
        &mut self,
        value: &Value<'js>,
        depth: usize,
    ) -> std::result::Result<Json, CodecError> {
        Ok(self.read(value, depth, &NULL)?.or(&NULL))
    }

    fn read(
        &mut self,
        value: &Value<'js>,
        depth: usize,
        expected: &Json,
    ) -> std::result::Result<Read<Json>, CodecError> {
        let scalar = match value.type_of() {
            Type::String => {
                let read = self.text(value, expected.as_str().unwrap_or_default())?;
                return Ok(match read {
                    Read::Same if expected.is_string() => Read::Same,
                    read => Read::New(Json::String(read.or(&String::new()))),
                });
            }
            Type::Undefined | Type::Null | Type::Uninitialized => Json::Null,
            Type::Bool => Json::Bool(value.as_bool().unwrap_or_default()),
            Type::Int | Type::Float => {
                let number = value.as_number().unwrap_or(f64::NAN);
                // An integer that a JS number cannot hold came as the nearest one that it can.
                if expected.as_f64() == Some(number) { expected.clone() } else { self::number(number)? }
            }
            Type::BigInt => {
                return Err(CodecError::new("a BigInt has no JSON form; pass a number or a string"));
            }
            Type::Symbol => return Err(CodecError::new("a symbol has no JSON form")),
            Type::Function | Type::Constructor => return Err(CodecError::new("a function has no JSON form")),
            _ => return self.object(value, depth, expected),
        };
        self.cost.value(self.ctx, if scalar.is_number() { 8 } else { 0 })?;
        Ok(if scalar == *expected { Read::Same } else { Read::New(scalar) })
    }

    fn object(
        &mut self,
        value: &Value<'js>,
        depth: usize,
        expected: &Json,
    ) -> std::result::Result<Read<Json>, CodecError> {
        if depth >= MAX_DEPTH {
            return Err(CodecError::new(format!("too deep: more than {MAX_DEPTH} levels (a cycle?)")));
        }
        let Some(object) = properties::object(value) else {
            return Err(CodecError::new(format!("a {} has no JSON form", value.type_name())));
        };
        if value.is_array() && !value.is_proxy() {
            return Ok(
                match (self.array(object, depth, expected.as_array().map_or(&[], Vec::as_slice))?, expected) {
                    (None, Json::Array(_)) => Read::Same,
                    (items, _) => Read::New(Json::Array(items.unwrap_or_default())),
                },
            );
        }
        if let Some(stand_in) = stand_in(self.vm, value)? {
            return self.read(&stand_in, depth + 1, expected);
        }
        let entries = self.map(object, depth, expected.as_object().unwrap_or(&NO_ENTRIES))?;
        Ok(match entries {
            Read::Same if expected.is_object() => Read::Same,
            entries => Read::New(Json::Object(entries.or(&NO_ENTRIES))),
        })
    }

    /// The items, if they are not the expected ones.
    fn array(
        &mut self,
        array: &Object<'js>,
        depth: usize,
        expected: &[Json],
    ) -> std::result::Result<Option<Vec<Json>>, CodecError> {
        self.cost.value(self.ctx, 0)?;
        // Where items were taken away, none is known by its place.
        let (length, was) = (super::length(array)?, expected.len());
        let expected = if length < was { &[] } else { expected };
        let mut new: Option<Vec<Json>> = (length < was).then(Vec::new);
        items(array, |index, item| {
            let hint = expected.get(index);
            let read = self.read(item, depth + 1, hint.unwrap_or(&NULL))?;
            if new.is_some() || hint.is_none() || matches!(read, Read::New(_)) {
                new.get_or_insert_with(|| expected[..index].to_vec()).push(read.or(hint.unwrap_or(&NULL)));
            }
            Ok(())
        })?;
        Ok(new)
    }

    /// The own enumerable properties of an object; those that are `undefined` are absent.
    pub(crate) fn map(
        &mut self,
        object: &Object<'js>,
        depth: usize,
        expected: &Map,
    ) -> std::result::Result<Read<Map>, CodecError> {
        self.entries(object, depth, expected, |name| Cow::Borrowed(name), |key| key)
    }

    /// Metadata or data, with the long names of all keys.
    pub(crate) fn keys(
        &mut self,
        object: &Object<'js>,
        expected: &Map,
    ) -> std::result::Result<Read<Map>, CodecError> {
        self.entries(object, 2, expected, long_key, short_key)
    }

    fn entries(
        &mut self,
        object: &Object<'js>,
        depth: usize,
        expected: &Map,
        long: fn(&str) -> Cow<'_, str>,
        short: fn(&str) -> &str,
    ) -> std::result::Result<Read<Map>, CodecError> {
        self.cost.map(self.ctx)?;
        let (mut ahead, mut same) = (expected.iter(), 0);
        let mut new: Option<Map> = None;
        each(self.vm, object, |name, item| {
            self.cost.key(name);
            if item.is_undefined() {
                return Ok(());
            }
            let next = ahead.next().filter(|(key, _)| short(key) == name);
            // A key that was handed out as it is stays so.
            let key = match next {
                Some((key, _)) => Cow::Borrowed(key.as_str()),
                None if expected.contains_key(name) => Cow::Borrowed(name),
                None => long(name),
            };
            let hint = next.map(|(_, value)| value).or_else(|| expected.get(&*key));
            let read = self.read(item, depth + 1, hint.unwrap_or(&NULL))?;
            if new.is_none() && next.is_some() && matches!(read, Read::Same) {
                same += 1;
                return Ok(());
            }
            let new = new.get_or_insert_with(|| first(expected, same));
            if new.insert(key.clone().into_owned(), read.or(hint.unwrap_or(&NULL))).is_some() {
                return Err(CodecError::new(match short(&key) {
                    short if short != key => format!("{short:?} and {key:?} are the same key"),
                    _ => "two keys differ only in characters that are not Unicode".to_owned(),
                }));
            }
            Ok(())
        })?;
        let new = new.or_else(|| (same < expected.len()).then(|| first(expected, same)));
        Ok(new.map_or(Read::Same, Read::New))
    }
}

fn first(entries: &Map, count: usize) -> Map {
    entries.iter().take(count).map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn number(number: f64) -> std::result::Result<Json, CodecError> {
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
