//! Options, read strictly: one reader for every namespace.
//!
//! A reader is asked for each option by name and type, and at its end it refuses every name it was not asked for. So
//! the accepted names are the ones that are read, and cannot drift apart from a list.

use crate::codec::{self, json};
use crate::fault::{Fallible, Fault};
use crate::handle;
use crate::vm::Vm;
use geppetto_turns::{Map, UnknownName, did_you_mean};
use rquickjs::{Ctx, Object, Value};
use std::borrow::Cow;
use std::cell::RefCell;
use std::str::FromStr;
use std::time::Duration;

/// Reads an object of options.
pub(crate) struct Options<'js> {
    ctx: Ctx<'js>,
    object: Option<Object<'js>>,
    /// The names of the object's own properties: what it inherits is no option.
    names: Vec<String>,
    path: Cow<'static, str>,
    asked: RefCell<Vec<&'static str>>,
}

impl<'js> Options<'js> {
    /// A reader for the argument at `path`; an absent one has no options.
    pub(crate) fn read(
        ctx: &Ctx<'js>,
        value: Option<Value<'js>>,
        path: impl Into<Cow<'static, str>>,
    ) -> Fallible<Self> {
        let path = path.into();
        let value = value.filter(|value| !value.is_undefined() && !value.is_null());
        let object = match value {
            None => None,
            Some(value) => {
                let object = codec::block::object_of(&Vm::of(ctx), &value, "an object")
                    .map_err(|error| error.fault(&path))?;
                Some(object.clone())
            }
        };
        let names = object.as_ref().map_or(Ok(Vec::new()), codec::names)?;
        let asked = RefCell::new(Vec::with_capacity(if names.is_empty() { 0 } else { 16 }));
        Ok(Self { ctx: ctx.clone(), object, names, path, asked })
    }

    pub(crate) fn ctx(&self) -> &Ctx<'js> {
        &self.ctx
    }

    /// The path of an option, for messages.
    pub(crate) fn path_of(&self, name: &str) -> String {
        format!("{}.{name}", self.path)
    }

    /// An option as it is; `undefined` and `null` mean absent. Only own properties count.
    pub(crate) fn value(&self, name: &'static str) -> Fallible<Option<Value<'js>>> {
        Ok(self.raw(name)?.filter(|value| !value.is_null()))
    }

    /// An option as it is; only `undefined` means absent.
    fn raw(&self, name: &'static str) -> Fallible<Option<Value<'js>>> {
        let Some(object) = &self.object else { return Ok(None) };
        self.asked.borrow_mut().push(name);
        if !self.names.iter().any(|own| own == name) {
            return Ok(None);
        }
        let value = object.get::<_, Value<'js>>(name);
        let value = value.map_err(|error| Fault::Read { error, path: self.path_of(name) })?;
        Ok(Some(value).filter(|value| !value.is_undefined()))
    }

    fn wrong(&self, name: &str, expected: &str, value: &Value<'js>) -> Fault {
        if codec::is_error(value) {
            let path = self.path_of(name);
            return Fault::type_error(format!(
                "invalid {path}: expected {expected}, got an Error; pass its message"
            ));
        }
        let shown = codec::inspected(&self.ctx, value.clone()).unwrap_or_else(|_| handle::describe(value));
        let shown: String = shown.chars().take(100).collect();
        Fault::type_error(format!("invalid {} {shown}: expected {expected}", self.path_of(name)))
    }

    pub(crate) fn string(&self, name: &'static str) -> Fallible<Option<String>> {
        let Some(value) = self.value(name)? else { return Ok(None) };
        if !value.is_string() {
            return Err(self.wrong(name, "a string", &value));
        }
        Ok(Some(codec::text(&self.ctx, &value)?))
    }

    /// A string that no error shows.
    pub(crate) fn secret(&self, name: &'static str) -> Fallible<Option<String>> {
        let Some(value) = self.value(name)? else { return Ok(None) };
        if !value.is_string() {
            return Err(self.unshown(name, "a string", &value));
        }
        let secret = codec::text(&self.ctx, &value)?;
        // What a header can say: a key that was read from a file may end with its line.
        if secret.is_empty() || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
            let expected = "visible ASCII characters without spaces or line ends";
            let path = self.path_of(name);
            return Err(Fault::type_error(format!("invalid {path}: expected {expected} (not shown)")));
        }
        Ok(Some(secret))
    }

    /// The error for an option that may hold a secret.
    fn unshown(&self, name: &str, expected: &str, value: &Value<'js>) -> Fault {
        let (path, found) = (self.path_of(name), handle::describe(value));
        Fault::type_error(format!("invalid {path}: expected {expected}, got {found}"))
    }

    pub(crate) fn boolean(&self, name: &'static str) -> Fallible<Option<bool>> {
        let Some(value) = self.value(name)? else { return Ok(None) };
        value.as_bool().map(Some).ok_or_else(|| self.wrong(name, "true or false", &value))
    }

    /// A number that is not negative.
    pub(crate) fn number(&self, name: &'static str) -> Fallible<Option<f64>> {
        let Some(value) = self.value(name)? else { return Ok(None) };
        let number = value.as_number().filter(|number| number.is_finite() && *number >= 0.0);
        let expected = if value.as_number() == Some(f64::INFINITY) {
            "a finite number"
        } else {
            "a number of at least 0"
        };
        number.map(Some).ok_or_else(|| self.wrong(name, expected, &value))
    }

    /// A number from 0 to 1.
    pub(crate) fn share(&self, name: &'static str) -> Fallible<Option<f64>> {
        let Some(value) = self.value(name)? else { return Ok(None) };
        let number = value.as_number().filter(|number| (0.0..=1.0).contains(number));
        number.map(Some).ok_or_else(|| self.wrong(name, "a number from 0 to 1", &value))
    }

    /// An integer from `least` up.
    pub(crate) fn integer(&self, name: &'static str, least: u32) -> Fallible<Option<u32>> {
        let Some(value) = self.value(name)? else { return Ok(None) };
        let number = value.as_number().filter(|number| {
            number.fract() == 0.0 && *number >= f64::from(least) && *number <= f64::from(u32::MAX)
        });
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above")]
        let integer = number.map(|number| number as u32);
        let expected = || match value.as_number() {
            Some(number) if number > f64::from(u32::MAX) => format!("an integer of at most {}", u32::MAX),
            _ => format!("an integer of at least {least}"),
        };
        let wrong = || self.wrong(name, &expected(), &value);
        integer.map(Some).ok_or_else(wrong)
    }

    /// An integer of at least 0 that may be large: a seed, a number of tokens.
    pub(crate) fn count(&self, name: &'static str) -> Fallible<Option<u64>> {
        let Some(value) = self.value(name)? else { return Ok(None) };
        let number = value
            .as_number()
            .filter(|number| number.fract() == 0.0 && (0.0..=9_007_199_254_740_992.0).contains(number));
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above")]
        let integer = number.map(|number| number as u64);
        integer.map(Some).ok_or_else(|| self.wrong(name, "an integer of at least 0", &value))
    }

    /// The status of an HTTP response.
    pub(crate) fn status(&self, name: &'static str) -> Fallible<Option<u16>> {
        let Some(value) = self.value(name)? else { return Ok(None) };
        let status = value.as_int().and_then(|status| u16::try_from(status).ok());
        let status = status.filter(|status| (100..1000).contains(status));
        status.map(Some).ok_or_else(|| self.wrong(name, "an HTTP status", &value))
    }

    /// An object whose values are strings, which no error shows: headers.
    pub(crate) fn secrets(&self, name: &'static str) -> Fallible<Option<Map>> {
        const EXPECTED: &str = "an object of strings";
        let Some(value) = self.value(name)? else { return Ok(None) };
        let object = codec::block::object_of(&Vm::of(&self.ctx), &value, EXPECTED);
        let object = object.map_err(|error| error.fault(&self.path_of(name)))?;
        let map = json::Decoder::new(&self.ctx, &Vm::of(&self.ctx)).map(object, 0, &json::NO_ENTRIES);
        let map = map.map_err(|error| error.fault(&self.path_of(name)))?.or(&json::NO_ENTRIES);
        match map.iter().find(|(_, value)| !value.is_string()) {
            None => Ok(Some(map)),
            Some((key, _)) => {
                let path = self.path_of(name);
                Err(Fault::type_error(format!("invalid {path}.{key}: expected a string")))
            }
        }
    }

    /// A duration in milliseconds.
    pub(crate) fn milliseconds(&self, name: &'static str) -> Fallible<Option<Duration>> {
        let milliseconds = self.number(name)?;
        // Longer than anybody waits counts as that.
        Ok(milliseconds.map(|ms| Duration::try_from_secs_f64(ms / 1000.0).unwrap_or(Duration::MAX)))
    }

    /// One of the names of an enumeration.
    pub(crate) fn one_of<T: FromStr<Err = UnknownName>>(&self, name: &'static str) -> Fallible<Option<T>> {
        let Some(text) = self.string(name)? else { return Ok(None) };
        let unknown = |error: UnknownName| self.unknown_name(name, &text, error.expected);
        text.parse().map(Some).map_err(unknown)
    }

    /// One of these names, each with what it means.
    pub(crate) fn named<T: Copy>(&self, name: &'static str, names: &[(&str, T)]) -> Fallible<Option<T>> {
        let Some(text) = self.string(name)? else { return Ok(None) };
        match names.iter().find(|(known, _)| *known == text) {
            Some((_, value)) => Ok(Some(*value)),
            None => {
                let known: Vec<&str> = names.iter().map(|(known, _)| *known).collect();
                Err(self.unknown_name(name, &text, &known))
            }
        }
    }

    fn unknown_name(&self, name: &str, text: &str, expected: &[&str]) -> Fault {
        let guess = did_you_mean(text, expected.iter().copied());
        let (path, expected) = (self.path_of(name), expected.join(", "));
        Fault::type_error(format!("invalid {path} {text:?}: expected one of {expected}{guess}"))
    }

    /// A list of strings.
    pub(crate) fn strings(&self, name: &'static str) -> Fallible<Option<Vec<String>>> {
        let Some(value) = self.value(name)? else { return Ok(None) };
        let Some(items) = self.list(&value)? else {
            return Err(self.wrong(name, "an array of strings", &value));
        };
        let strings = items.iter().map(|item| {
            if !item.is_string() {
                return Err(self.wrong(name, "an array of strings", &value));
            }
            Ok(codec::text(&self.ctx, item)?)
        });
        strings.collect::<Fallible<_>>().map(Some)
    }

    /// A list of values.
    pub(crate) fn values(&self, name: &'static str) -> Fallible<Option<Vec<Value<'js>>>> {
        let Some(value) = self.value(name)? else { return Ok(None) };
        let items = self.list(&value)?;
        items.map(Some).ok_or_else(|| self.wrong(name, "an array", &value))
    }

    fn list(&self, value: &Value<'js>) -> Fallible<Option<Vec<Value<'js>>>> {
        let Some(array) = value.as_object().filter(|_| value.is_array()) else { return Ok(None) };
        let length = codec::length(array)?;
        if length > 100_000 {
            return Err(Fault::type_error(format!("{}: an array of {length} items is too large", self.path)));
        }
        #[allow(clippy::cast_possible_truncation, reason = "bounded above")]
        let items = (0..length as u32).map(|index| Ok(array.get::<_, Value<'js>>(index)?));
        items.collect::<Fallible<_>>().map(Some)
    }

    /// A plain object.
    pub(crate) fn map(&self, name: &'static str) -> Fallible<Option<Map>> {
        let Some(value) = self.value(name)? else { return Ok(None) };
        match json::decode(&self.ctx, &value).map_err(|error| error.fault(&self.path_of(name)))? {
            serde_json::Value::Object(map) => Ok(Some(map)),
            _ => Err(self.wrong(name, "an object", &value)),
        }
    }

    /// Any plain value.
    pub(crate) fn json(&self, name: &'static str) -> Fallible<Option<serde_json::Value>> {
        Ok(self.json_or_null(name)?.filter(|value| !value.is_null()))
    }

    /// Any plain value, where `null` is one: a result that is replaced by nothing.
    pub(crate) fn json_or_null(&self, name: &'static str) -> Fallible<Option<serde_json::Value>> {
        let Some(value) = self.raw(name)? else { return Ok(None) };
        json::decode(&self.ctx, &value).map(Some).map_err(|error| error.fault(&self.path_of(name)))
    }

    /// A function.
    pub(crate) fn function(&self, name: &'static str) -> Fallible<Option<Value<'js>>> {
        let Some(value) = self.value(name)? else { return Ok(None) };
        if value.is_function() { Ok(Some(value)) } else { Err(self.wrong(name, "a function", &value)) }
    }

    /// Further options under a name.
    pub(crate) fn nested(&self, name: &'static str) -> Fallible<Self> {
        match self.value(name)? {
            // Nothing will be said of what is not there.
            None => Self::read(&self.ctx, None, ""),
            given => Self::read(&self.ctx, given, self.path_of(name)),
        }
    }

    /// Whether there are any options at all.
    pub(crate) fn is_absent(&self) -> bool {
        self.object.is_none()
    }

    /// An option that has to be there. Called once all have been asked for, so that a misspelt one is told as such.
    pub(crate) fn required<T>(&self, name: &str, expected: &str, value: Option<T>) -> Fallible<T> {
        self.finish()?;
        value.ok_or_else(|| {
            Fault::type_error(format!("{} is missing: expected {expected}", self.path_of(name)))
        })
    }

    /// What options say that stand for each other: those that are given have to agree.
    pub(crate) fn agreed<T: PartialEq>(
        &self,
        given: impl IntoIterator<Item = (&'static str, Option<T>)>,
    ) -> Fallible<Option<T>> {
        let mut agreed: Option<(&str, T)> = None;
        for (name, value) in given {
            let Some(value) = value else { continue };
            match &agreed {
                Some((known, other)) if *other != value => {
                    let (known, name) = (self.path_of(known), self.path_of(name));
                    return Err(Fault::type_error(format!(
                        "{known} and {name} stand for each other and differ: leave one out"
                    )));
                }
                _ => agreed = Some((name, value)),
            }
        }
        Ok(agreed.map(|(_, value)| value))
    }

    /// Refuses every option that was not asked for.
    pub(crate) fn finish(&self) -> Fallible<()> {
        let asked = self.asked.borrow();
        let Some(unknown) = self.names.iter().find(|name| !asked.contains(&name.as_str())) else {
            return Ok(());
        };
        let guess = did_you_mean(unknown, asked.iter().copied());
        let accepted = if asked.is_empty() {
            "there are none".to_owned()
        } else {
            format!("accepted are {}", asked.join(", "))
        };
        let path = self.path_of(unknown);
        // `next: options` names a function before the path.
        let (function, path) =
            path.rsplit_once(": ").map_or((String::new(), &*path), |(f, p)| (format!("{f}: "), p));
        Err(Fault::type_error(format!("{function}unknown option {path}: {accepted}{guess}")))
    }
}
