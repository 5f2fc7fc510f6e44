//! What a script threw, as owned data of bounded size.

use crate::current::is_same;
use rquickjs::{BigInt, Ctx, IntoAtom, Object, Value};
use std::fmt;

/// Longer texts are cut here, in bytes…
const MAX_TEXT: usize = 16 * 1024;
/// … and here those of what is behind an error.
const MAX_TEXT_BEHIND: usize = 2 * 1024;
/// Causes of causes are followed this far.
const MAX_CAUSES: usize = 8;
/// As many errors of an `AggregateError` are kept.
const MAX_ERRORS: u32 = 8;
/// As many items or properties are shown of what is no error…
const MAX_SHOWN: u32 = 8;
/// … and of a text in it so many bytes.
const MAX_TEXT_SHOWN: usize = 200;

/// What a script threw.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JsError {
    /// The error's name, such as `TypeError`; empty when something else than an error was thrown.
    pub name: String,
    /// The error's message, or the thrown value as text.
    pub message: String,
    /// Where it was thrown: lines such as `at f (file.js:3:7)`.
    pub stack: String,
    /// The error's own `code`, if it has one that is a string: what programs tell errors by.
    pub code: Option<String>,
    /// What caused it.
    pub cause: Option<Box<JsError>>,
    /// The first of the errors that an `AggregateError` stands for.
    pub errors: Box<[JsError]>,
}

impl JsError {
    /// Reads a thrown value. Getters of the value may run; what they throw is ignored.
    #[must_use]
    pub fn from_value(value: &Value<'_>) -> Self {
        read(value, MAX_CAUSES)
    }

    /// Takes the exception that is pending in `ctx` and reads it.
    #[must_use]
    pub fn catch(ctx: &Ctx<'_>) -> Self {
        Self::from_value(&ctx.catch())
    }

    /// Turns an engine error into what was thrown, or what the engine's binding says.
    #[must_use]
    pub fn from_error(ctx: &Ctx<'_>, error: &rquickjs::Error) -> Self {
        if error.is_exception() {
            return Self::catch(ctx);
        }
        Self { name: "Error".to_owned(), message: bounded(&error.to_string(), MAX_TEXT), ..Self::default() }
    }

    /// Name and message, the stack, the causes and the errors it stands for: what is printed for an uncaught error.
    #[must_use]
    pub fn full(&self) -> String {
        let mut text = self.to_string();
        for line in self.stack.lines().filter(|line| !line.trim().is_empty()) {
            text.push_str("\n    ");
            text.push_str(line.trim());
        }
        if let Some(cause) = &self.cause {
            text.push_str("\ncaused by: ");
            text.push_str(&cause.full());
        }
        for error in &self.errors {
            text.push_str("\nbecause of: ");
            text.push_str(&error.full());
        }
        text
    }
}

impl fmt::Display for JsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.name.as_str(), self.message.as_str()) {
            ("", message) => f.write_str(message),
            (name, "") => f.write_str(name),
            (name, message) => write!(f, "{name}: {message}"),
        }
    }
}

fn read(value: &Value<'_>, causes: usize) -> JsError {
    let most = if causes == MAX_CAUSES { MAX_TEXT } else { MAX_TEXT_BEHIND };
    // A DOMException is no Error of the engine's, and some libraries throw objects with a message.
    let object = value.as_object().filter(|object| {
        !value.is_function() && (object.is_error() || text(object, "message", most).is_some())
    });
    let Some(error) = object else {
        return JsError { message: describe(value, most), ..JsError::default() };
    };
    let cause = (causes > 0).then(|| get(error, "cause")).flatten().filter(|cause| !cause.is_undefined());
    JsError {
        name: text(error, "name", most)
            .unwrap_or_else(|| if error.is_error() { "Error".to_owned() } else { String::new() }),
        message: text(error, "message", most).unwrap_or_default(),
        stack: text(error, "stack", most).unwrap_or_default(),
        code: text(error, "code", most),
        cause: cause.map(|cause| Box::new(read(&cause, causes - 1))),
        errors: if causes > 0 { inner_errors(error) } else { Box::default() },
    }
}

/// The errors of an `AggregateError`, without what they stand for themselves.
fn inner_errors(error: &Object<'_>) -> Box<[JsError]> {
    let Some(errors) = get(error, "errors").and_then(Value::into_array) else { return Box::default() };
    let most = u32::try_from(errors.len()).unwrap_or(MAX_ERRORS).min(MAX_ERRORS);
    (0..most).filter_map(|index| get(errors.as_object(), index)).map(|error| read(&error, 0)).collect()
}

/// A property, without leaving an exception behind.
fn get<'js>(object: &Object<'js>, key: impl IntoAtom<'js>) -> Option<Value<'js>> {
    object.get::<_, Value>(key).inspect_err(|_| drop(object.ctx().catch())).ok()
}

fn text(object: &Object<'_>, key: &str, most: usize) -> Option<String> {
    get(object, key)?.as_string().map(|text| lossy(text, most))
}

/// A JS string as UTF-8; lone surrogates are replaced.
fn lossy(text: &rquickjs::String<'_>, most: usize) -> String {
    let well_formed = || -> rquickjs::Result<String> {
        let ctx = text.ctx();
        let prototype: Object = ctx.globals().get::<_, Object>("String")?.get("prototype")?;
        let to_well_formed: rquickjs::Function = prototype.get("toWellFormed")?;
        to_well_formed.call((rquickjs::function::This(text.clone()),))
    };
    let text = text.to_string().or_else(|_| well_formed().inspect_err(|_| drop(text.ctx().catch())));
    text.map_or_else(|_| "[text that is not Unicode]".to_owned(), |text| bounded(&text, most))
}

/// A value that is not an error, in a few words: of an object its first properties, but not what the traps of a Proxy say.
fn describe(value: &Value<'_>, most: usize) -> String {
    match value.as_object().filter(|_| !value.is_function() && !value.is_proxy()) {
        None => describe_scalar(value, most),
        Some(object) if value.is_array() => {
            let length = get(object, "length").and_then(|length| length.as_number()).unwrap_or_default();
            let items = (0..MAX_SHOWN).take_while(|index| f64::from(*index) < length);
            let items: Vec<_> =
                items.filter_map(|index| Some(describe_inside(&get(object, index)?))).collect();
            let more = if f64::from(MAX_SHOWN) < length { ", …" } else { "" };
            format!("[{}{more}]", items.join(", "))
        }
        Some(object) => {
            let mut keys = object.keys::<String>().filter_map(Result::ok);
            let shown = keys.by_ref().take(MAX_SHOWN as usize).filter_map(|key| {
                let value = describe_inside(&get(object, &*key)?);
                Some(format!("{}: {value}", bounded(&key, MAX_TEXT_SHOWN)))
            });
            let shown = shown.collect::<Vec<_>>().join(", ");
            let more = if keys.next().is_some() { ", …" } else { "" };
            if shown.is_empty() { "[object]".to_owned() } else { format!("{{ {shown}{more} }}") }
        }
    }
}

fn describe_inside(value: &Value<'_>) -> String {
    let text = describe_scalar(value, MAX_TEXT_SHOWN);
    if value.is_string() { format!("{text:?}") } else { text }
}

/// The same without what it holds.
fn describe_scalar(value: &Value<'_>, most: usize) -> String {
    if let Some(text) = value.as_string() {
        return lossy(text, most);
    }
    if let Some(number) = value.as_number() {
        return number.to_string();
    }
    if let Some(big) = value.as_big_int() {
        return small(big).map_or_else(|| "[BigInt]".to_owned(), |big| format!("{big}n"));
    }
    match value.as_bool() {
        Some(boolean) => boolean.to_string(),
        None if value.is_null() => "null".to_owned(),
        None if value.is_undefined() => "undefined".to_owned(),
        None => format!("[{}]", value.type_name()),
    }
}

/// A BigInt that fits. The engine takes the end of one that does not.
fn small(big: &BigInt<'_>) -> Option<i64> {
    let small = big.clone().to_i64().ok()?;
    let same = BigInt::from_i64(big.ctx().clone(), small).ok()?;
    is_same(&same, big).then_some(small)
}

fn bounded(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    format!("{}… ({} bytes)", &text[..text.floor_char_boundary(most)], text.len())
}
