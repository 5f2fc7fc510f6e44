//! Blocks.

use super::json::{Decoder, NO_ENTRIES, Read, is_plain, named_map};
use super::names::Names;
use super::{CodecError, each, properties};
use crate::handle;
use crate::vm::Vm;
use geppetto_turns::{Block, BlockId, BlockKind, Map, UnknownName, did_you_mean, fresh_id, short_key};
use rquickjs::{Ctx, Object, Result, Value};
use serde_json::Value as Json;
use std::borrow::Cow;
use std::sync::Arc;

const PROPERTIES: [&str; 5] = ["id", "kind", "role", "payload", "metadata"];
/// What may stand at top level when there is no payload.
const SHORTHAND: [&str; 5] = ["text", "args", "result", "name", "error"];

pub(crate) fn encode<'js>(ctx: &Ctx<'js>, block: &Block) -> Result<Object<'js>> {
    named(ctx, &Vm::of(ctx), block)
}

/// The same, with the state of the VM at hand.
pub(crate) fn named<'js>(ctx: &Ctx<'js>, vm: &Vm<'js>, block: &Block) -> Result<Object<'js>> {
    let (names, words) = (&vm.names, &vm.words);
    let object = Object::new(ctx.clone())?;
    names.define_text(&object, "id", &block.id)?;
    names.define(&object, "kind", words.kind(ctx, block.kind)?)?;
    if let Some(role) = &block.role {
        match words.role(ctx, role)? {
            Some(word) => names.define(&object, "role", word)?,
            None => names.define_text(&object, "role", role)?,
        }
    }
    names.define(&object, "payload", named_map(ctx, names, &block.payload)?.into_value())?;
    if !block.metadata.is_empty() {
        names.define(&object, "metadata", named_keys(ctx, names, &block.metadata)?.into_value())?;
    }
    Ok(object)
}

/// Metadata or data, with the short names of geppetto's own keys.
pub(crate) fn named_keys<'js>(ctx: &Ctx<'js>, names: &Names<'js>, map: &Map) -> Result<Object<'js>> {
    let object = Object::new(ctx.clone())?;
    for (key, value) in map {
        super::json::define(&object, names, short_key(key), value)?;
    }
    Ok(object)
}

/// Reads a block. One that is equal to its original is that.
pub(crate) fn decode<'js>(
    decoder: &mut Decoder<'_, 'js>,
    value: &Value<'js>,
    original: &impl Original,
) -> std::result::Result<Arc<Block>, CodecError> {
    let object = object_of(decoder.vm, value, "a block")?;
    let mut read = ReadBlock::default();
    each(decoder.vm, object, |name, item| {
        if read.id.is_none()
            && matches!(name, "payload" | "metadata")
            && super::names(object)?.iter().any(|name| name == "id")
        {
            // What it was has to be known by now.
            let id: Value<'js> = object.get("id")?;
            if id.is_string() {
                read.identify(decoder, original, &id).map_err(|error| error.in_key("id"))?;
            }
        }
        read.property(decoder, original, (name, item))
    })?;
    if let Some(original) = read.original.filter(|original| read.is(original)) {
        return Ok(original.clone());
    }
    let (original, in_payload) = (read.original, read.payload.is_some());
    let block = read.block()?;
    block.check().map_err(|error| {
        let message = format!("expected {}, got {}", error.expected, error.found);
        let error = CodecError::new(message).in_key(error.key);
        if in_payload { error.in_key("payload") } else { error }
    })?;
    Ok(original.filter(|original| ***original == block).cloned().unwrap_or_else(|| Arc::new(block)))
}

/// What a block may have been when it was handed out.
pub(crate) trait Original {
    /// The one that stood in its place.
    fn here(&self) -> Option<&Arc<Block>>;
    /// The one with this id.
    fn with_id(&self, id: &str) -> Option<&Arc<Block>>;
}

#[derive(Default)]
struct ReadBlock<'a> {
    id: Option<Cow<'a, str>>,
    /// What it was, as soon as its id is read.
    original: Option<&'a Arc<Block>>,
    kind: Option<BlockKind>,
    role: Option<Cow<'a, str>>,
    payload: Option<Read<Map>>,
    metadata: Option<Read<Map>>,
    shorthand: Map,
}

impl<'a> ReadBlock<'a> {
    fn property<'js>(
        &mut self,
        decoder: &mut Decoder<'_, 'js>,
        original: &'a impl Original,
        (name, value): (&str, &Value<'js>),
    ) -> std::result::Result<(), CodecError> {
        let absent = value.is_undefined() || value.is_null();
        match name {
            // A tool may have returned `null`.
            "result" if value.is_null() => drop(self.shorthand.insert(name.to_owned(), Json::Null)),
            name if absent && (PROPERTIES.contains(&name) || SHORTHAND.contains(&name)) => {}
            "id" if self.id.is_none() => self.identify(decoder, original, value)?,
            "id" => {}
            "kind" => {
                let expected = self.original.map_or("", |block| block.kind.as_str());
                let name = word(decoder, value, expected)?;
                let unknown = |error: UnknownName| {
                    CodecError::new(match &*name {
                        "assistant" => format!("{error}; what a model says is llm_text"),
                        "tool" => format!("{error}; what a tool gave is tool_use"),
                        _ => error.to_string(),
                    })
                };
                self.kind = Some(name.parse::<BlockKind>().map_err(unknown)?);
            }
            "role" => {
                let expected = self.original.and_then(|block| block.role.as_deref());
                self.role = Some(word(decoder, value, expected.unwrap_or_default())?);
            }
            "payload" => {
                let expected = self.original.map_or(&*NO_ENTRIES, |block| &block.payload);
                let read = decoder.map(object_of(decoder.vm, value, "an object")?, 2, expected)?;
                self.payload = Some(self.known(read));
            }
            "metadata" => {
                let expected = self.original.map_or(&*NO_ENTRIES, |block| &block.metadata);
                let read = decoder.keys(object_of(decoder.vm, value, "an object")?, expected)?;
                self.metadata = Some(self.known(read));
            }
            name if SHORTHAND.contains(&name) => {
                let value = decoder.value(value, 2)?;
                self.shorthand.insert(name.to_owned(), value);
            }
            _ => {
                let known = PROPERTIES.iter().chain(&SHORTHAND).copied();
                let accepted =
                    format!("{}, or without a payload {}", PROPERTIES.join(", "), SHORTHAND.join(", "));
                return Err(unknown(name, &accepted, known, "block"));
            }
        }
        Ok(())
    }

    fn identify<'js>(
        &mut self,
        decoder: &mut Decoder<'_, 'js>,
        original: &'a impl Original,
        id: &Value<'js>,
    ) -> std::result::Result<(), CodecError> {
        let here = original.here();
        let id = string(decoder, id, here.map_or("", |block| &block.id))?;
        self.original = match &id {
            Cow::Borrowed(_) => here,
            Cow::Owned(id) => original.with_id(id),
        };
        self.id = Some(id);
        Ok(())
    }

    /// The same as in the original, or as nothing when there is none yet: then it is new.
    fn known(&self, read: Read<Map>) -> Read<Map> {
        if self.original.is_some() { read } else { Read::New(read.or(&NO_ENTRIES)) }
    }

    fn is(&self, original: &Block) -> bool {
        self.kind == Some(original.kind)
            && self.role.as_deref().or(original.kind.role()) == original.role.as_deref()
            && self.payload.as_ref().is_some_and(|payload| payload.is(&original.payload))
            && match &self.metadata {
                Some(metadata) => metadata.is(&original.metadata),
                None => original.metadata.is_empty(),
            }
            && self.shorthand.is_empty()
    }

    fn block(self) -> std::result::Result<Block, CodecError> {
        let kind = self.kind.ok_or_else(|| {
            CodecError::new(format!("kind is missing: expected one of {}", BlockKind::NAMES.join(", ")))
        })?;
        let expected =
            |entries: fn(&Block) -> &Map| self.original.map_or(&*NO_ENTRIES, |block| entries(block));
        let (id, payload) = match self.payload {
            None => shorthand(kind, self.id, self.shorthand)?,
            Some(payload) => match self.shorthand.iter().find(|(_, value)| !value.is_null()) {
                None => (self.id, payload.or(expected(|block| &block.payload))),
                Some((name, _)) => {
                    let message = "stands beside a payload; put it into the payload";
                    return Err(CodecError::new(message).in_key(name));
                }
            },
        };
        let id = id.filter(|id| !id.is_empty()).map_or_else(BlockId::fresh, BlockId::from);
        let of_kind = kind.role().filter(|of_kind| self.role.as_ref().is_none_or(|role| role == of_kind));
        let role = match of_kind {
            Some(role) => Some(Cow::Borrowed(role)),
            None => self.role.map(|role| Cow::Owned(role.into_owned())),
        };
        let metadata = self.metadata.map(|metadata| metadata.or(expected(|block| &block.metadata)));
        Ok(Block { id, kind, role, payload, metadata: metadata.unwrap_or_default() })
    }
}

/// The block id and payload of a block without payload. The `id` of a tool call or result is the call's.
fn shorthand(
    kind: BlockKind,
    id: Option<Cow<'_, str>>,
    mut payload: Map,
) -> std::result::Result<(Option<Cow<'_, str>>, Map), CodecError> {
    let failed = payload.get("error").is_some_and(|error| error.as_str() != Some(""));
    if failed {
        // As in the constructor: what has failed has no result.
        payload.shift_remove("result");
    }
    if let Some(result) = payload.get_mut("result").filter(|result| !result.is_string()) {
        *result = Json::String(result.to_string());
    }
    let call_id = id.clone().filter(|id| !id.is_empty());
    match kind {
        BlockKind::ToolCall => {
            payload.insert("id".to_owned(), call_id.map_or_else(fresh_id, Cow::into_owned).into());
        }
        BlockKind::ToolUse => {
            let missing = || CodecError::new("missing; expected the id of the call it answers").in_key("id");
            payload.insert("id".to_owned(), call_id.ok_or_else(missing)?.into());
            payload.entry("error").or_insert_with(|| "".into());
        }
        _ => return Ok((id, payload)),
    }
    Ok((None, payload))
}

/// A string, where `expected` is expected: borrowed if it is that.
pub(crate) fn string<'js, 'e>(
    decoder: &mut Decoder<'_, 'js>,
    value: &Value<'js>,
    expected: &'e str,
) -> std::result::Result<Cow<'e, str>, CodecError> {
    if !value.is_string() {
        return Err(CodecError::new(format!("expected a string, got {}", handle::describe(value))));
    }
    Ok(match decoder.text(value, expected)? {
        Read::Same => Cow::Borrowed(expected),
        Read::New(new) => Cow::Owned(new),
    })
}

/// The same of a kind or role.
fn word<'js, 'e>(
    decoder: &mut Decoder<'_, 'js>,
    value: &Value<'js>,
    expected: &'e str,
) -> std::result::Result<Cow<'e, str>, CodecError> {
    match decoder.vm.words.known(value) {
        Some(word) => Ok(Cow::Borrowed(decoder.known(word)?)),
        None => string(decoder, value, expected),
    }
}

/// The plain object that a value has to be.
pub(crate) fn object_of<'a, 'js>(
    vm: &Vm<'js>,
    value: &'a Value<'js>,
    what: &str,
) -> std::result::Result<&'a Object<'js>, CodecError> {
    let wrong = || CodecError::new(format!("expected {what}, got {}", handle::describe(value)));
    let object = properties::object(value).ok_or_else(wrong)?;
    // Most are plain, and then no handle. Of what kind it is comes first: a Proxy would run its trap.
    if properties::is_like(value, &vm.object_prototype) && is_plain(vm, value) {
        return Ok(object);
    }
    let stands_for_something = value.is_array()
        || value.is_function()
        || value.is_promise()
        || (!value.is_proxy() && handle::is_handle(object));
    if stands_for_something || super::json::stand_in(vm, value)?.is_some() {
        return Err(wrong());
    }
    Ok(object)
}

/// A property that nothing knows.
pub(crate) fn unknown<'a>(
    name: &str,
    accepted: &str,
    known: impl Iterator<Item = &'a str>,
    what: &str,
) -> CodecError {
    let guess = did_you_mean(name, known);
    CodecError::new(format!(
        "unknown property of a {what}: accepted are {accepted}{guess} (application data belongs in metadata)"
    ))
}
