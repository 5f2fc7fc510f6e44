//! Strings of the VM: what is read of them, and those that every turn has.

#![allow(unsafe_code, reason = "the binding copies every string that it reads")]

use super::json::Read;
use super::properties::{self, OwnName, raw};
use crate::vm::{Vm, loaded};
use geppetto_events::EventType;
use geppetto_turns::BlockKind;
use rquickjs::{Ctx, Error, Result, Value, qjs};
use std::cell::OnceCell;

/// A JS string as UTF-8; lone surrogates become U+FFFD.
pub(crate) fn text<'js>(ctx: &Ctx<'js>, value: &Value<'js>) -> Result<String> {
    Ok(read(ctx, value, "")?.or(&String::new()))
}

/// The same, where `expected` is expected. Most strings are ASCII, and of those nothing is copied to compare them.
pub(crate) fn read<'js>(ctx: &Ctx<'js>, value: &Value<'js>, expected: &str) -> Result<Read<String>> {
    if !value.is_string() {
        return Err(Error::new_from_js(value.type_name(), "string"));
    }
    let mut length = 0;
    // SAFETY: the value is of this context, and live; what the engine gives has as many bytes as it tells, until it is freed.
    let read = unsafe {
        let bytes = qjs::JS_ToCStringLen(raw(ctx), &mut length, value.as_raw());
        if bytes.is_null() {
            return Err(Error::Exception);
        }
        let text = std::slice::from_raw_parts(bytes.cast::<u8>(), length);
        // As bytes: one with lone surrogates is not UTF-8, and equal to no text.
        let read = match text == expected.as_bytes() {
            true => Some(Read::Same),
            false => std::str::from_utf8(text).ok().map(|text| Read::New(text.to_owned())),
        };
        qjs::JS_FreeCString(raw(ctx), bytes);
        read
    };
    match read {
        Some(read) => Ok(read),
        None => {
            let well_formed = Vm::of(ctx).prelude(ctx)?.to_well_formed.clone();
            self::read(ctx, &well_formed.call((value.clone(),))?, expected)
        }
    }
}

/// Kinds come first, then the one role that is no kind, and the types of events.
const ASSISTANT: usize = BlockKind::ALL.len();
const TYPES: usize = ASSISTANT + 1;

/// The kinds and roles of blocks and the types of events, each made when it is first used. There is no room for them in
/// a VM that uses none.
#[derive(Default)]
pub(crate) struct Words<'js>(OnceCell<Box<[OnceCell<Value<'js>>; TYPES + EventType::ALL.len()]>>);

impl<'js> Words<'js> {
    /// A kind as text of the VM.
    pub(crate) fn kind(&self, ctx: &Ctx<'js>, kind: BlockKind) -> Result<&Value<'js>> {
        self.at(ctx, kind as usize, kind.as_str())
    }

    /// A role as text of the VM, if it is one that a kind has.
    pub(crate) fn role(&self, ctx: &Ctx<'js>, role: &str) -> Result<Option<&Value<'js>>> {
        match role {
            "assistant" => self.at(ctx, ASSISTANT, role).map(Some),
            _ => {
                let at = BlockKind::NAMES.iter().position(|name| *name == role);
                at.map(|at| self.at(ctx, at, role)).transpose()
            }
        }
    }

    /// The type of an event as text of the VM.
    pub(crate) fn event_type(&self, ctx: &Ctx<'js>, event_type: EventType) -> Result<&Value<'js>> {
        self.at(ctx, TYPES + event_type as usize, event_type.as_str())
    }

    fn at(&self, ctx: &Ctx<'js>, at: usize, word: &str) -> Result<&Value<'js>> {
        let words = self.0.get_or_init(|| Box::new(std::array::from_fn(|_| OnceCell::new())));
        // As a name: what a script spells out is the same string then.
        loaded(&words[at], || properties::string(ctx, OwnName::new(ctx, word)?.name()))
    }

    /// The kind or role that a string is, if it is the very one that was made here.
    pub(crate) fn known(&self, value: &Value<'js>) -> Option<&'static str> {
        let is_same = |word: &OnceCell<Value<'js>>| word.get().is_some_and(|word| is_same(word, value));
        let at = self.0.get()?[..TYPES].iter().position(is_same)?;
        Some(BlockKind::NAMES.get(at).copied().unwrap_or("assistant"))
    }
}

/// Whether two values are one string, not only equal.
fn is_same(one: &Value<'_>, other: &Value<'_>) -> bool {
    // SAFETY: reads the address of a string, of none that is no string.
    let address = |value: &Value<'_>| unsafe { qjs::JS_VALUE_GET_PTR(value.as_raw()) };
    one.is_string() && other.is_string() && address(one) == address(other)
}
