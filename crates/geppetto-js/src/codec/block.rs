//! Blocks.

use super::json::{Decoder, encode_map, inexact, is_plain, rounded};
use super::{CodecError, each};
use crate::function::define;
use crate::handle;
use crate::vm::Vm;
use geppetto_turns::{Block, BlockId, BlockKind, Map, did_you_mean, fresh_id, long_key, short_key};
use rquickjs::{Ctx, Object, Result, Value};
use serde_json::Value as Json;
use std::borrow::Cow;
use std::sync::Arc;

const PROPERTIES: [&str; 5] = ["id", "kind", "role", "payload", "metadata"];
/// What may stand at top level when there is no payload.
const SHORTHAND: [&str; 5] = ["text", "args", "result", "name", "error"];

pub(crate) fn encode<'js>(ctx: &Ctx<'js>, block: &Block) -> Result<Object<'js>> {
    let object = Object::new(ctx.clone())?;
    let names = &Vm::of(ctx).names;
    names.define(&object, "id", block.id.as_str())?;
    names.define(&object, "kind", block.kind.as_str())?;
    if let Some(role) = &block.role {
        names.define(&object, "role", role.as_ref())?;
    }
    names.define(&object, "payload", encode_map(ctx, &block.payload)?)?;
    if !block.metadata.is_empty() {
        names.define(&object, "metadata", encode_keys(ctx, &block.metadata)?)?;
    }
    Ok(object)
}

/// Metadata or data, with the short names of geppetto's own keys.
pub(crate) fn encode_keys<'js>(ctx: &Ctx<'js>, map: &Map) -> Result<Object<'js>> {
    let object = Object::new(ctx.clone())?;
    for (key, value) in map {
        define(&object, short_key(key), super::json::encode(ctx, value)?)?;
    }
    Ok(object)
}

/// Reads a block. One that is equal to `original` is `original`.
pub(crate) fn decode<'js>(
    decoder: &mut Decoder<'_, 'js>,
    value: &Value<'js>,
    original: impl FnOnce(&str) -> Option<Arc<Block>>,
) -> std::result::Result<Arc<Block>, CodecError> {
    let object = object_of(value, "a block")?;
    let mut read = ReadBlock::default();
    each(object, |name, item| read.property(decoder, name, item))?;
    let in_payload = read.payload.is_some();
    let block = read.block()?;
    block.check().map_err(|error| {
        let message = format!("expected {}, got {}", error.expected, error.found);
        let error = CodecError::new(message).in_key(error.key);
        if in_payload { error.in_key("payload") } else { error }
    })?;
    Ok(match original(&block.id).filter(|original| is_same(original, &block)) {
        Some(original) => original,
        None => Arc::new(block),
    })
}

/// Whether a block is what its original became in JS: one that a script left alone keeps its integers exactly.
fn is_same(original: &Block, block: &Block) -> bool {
    let large = |map: &Map| map.values().any(|value| inexact(value, "").is_some());
    original == block
        || (large(&original.payload) || large(&original.metadata)) && {
            let map = |map: &Map| map.iter().map(|(key, value)| (key.clone(), rounded(value))).collect();
            let (payload, metadata) = (map(&original.payload), map(&original.metadata));
            Block { payload, metadata, ..original.clone() } == *block
        }
}

#[derive(Default)]
struct ReadBlock {
    id: Option<String>,
    kind: Option<BlockKind>,
    role: Option<String>,
    payload: Option<Map>,
    metadata: Map,
    shorthand: Map,
}

impl ReadBlock {
    fn property<'js>(
        &mut self,
        decoder: &mut Decoder<'_, 'js>,
        name: &str,
        value: &Value<'js>,
    ) -> std::result::Result<(), CodecError> {
        let absent = value.is_undefined() || value.is_null();
        match name {
            // A tool may have returned `null`.
            "result" if value.is_null() => drop(self.shorthand.insert(name.to_owned(), Json::Null)),
            name if absent && (PROPERTIES.contains(&name) || SHORTHAND.contains(&name)) => {}
            "id" => self.id = Some(string(decoder, value)?),
            "kind" => {
                let kind = string(decoder, value)?.parse::<BlockKind>();
                self.kind = Some(kind.map_err(|error| CodecError::new(error.to_string()))?);
            }
            "role" => self.role = Some(string(decoder, value)?),
            "payload" => self.payload = Some(decoder.map(object_of(value, "an object")?, 2)?),
            "metadata" => self.metadata = decode_keys(decoder, value)?,
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

    fn block(self) -> std::result::Result<Block, CodecError> {
        let kind = self.kind.ok_or_else(|| {
            CodecError::new(format!("kind is missing: expected one of {}", BlockKind::NAMES.join(", ")))
        })?;
        let (id, payload) = match self.payload {
            None => shorthand(kind, self.id, self.shorthand)?,
            Some(payload) => match self.shorthand.iter().find(|(_, value)| !value.is_null()) {
                None => (self.id, payload),
                Some((name, _)) => {
                    let message = "stands beside a payload; put it into the payload";
                    return Err(CodecError::new(message).in_key(name));
                }
            },
        };
        let id = id.filter(|id| !id.is_empty()).map_or_else(BlockId::fresh, BlockId::from);
        let role = match self.role {
            None => kind.role().map(Cow::Borrowed),
            Some(role) => Some(Cow::Owned(role)),
        };
        Ok(Block { id, kind, role, payload, metadata: self.metadata })
    }
}

/// The block id and payload of a block without payload. The `id` of a tool call or result is the call's.
fn shorthand(
    kind: BlockKind,
    id: Option<String>,
    mut payload: Map,
) -> std::result::Result<(Option<String>, Map), CodecError> {
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
            payload.insert("id".to_owned(), call_id.unwrap_or_else(fresh_id).into());
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

/// Metadata or data, with the long names of all keys.
pub(crate) fn decode_keys<'js>(
    decoder: &mut Decoder<'_, 'js>,
    value: &Value<'js>,
) -> std::result::Result<Map, CodecError> {
    let short = decoder.map(object_of(value, "an object")?, 2)?;
    let mut long = Map::with_capacity(short.len());
    for (key, value) in short {
        let name = long_key(&key).into_owned();
        if long.insert(name.clone(), value).is_some() {
            return Err(CodecError::new(format!("{:?} and {name:?} are the same key", short_key(&name))));
        }
    }
    Ok(long)
}

pub(crate) fn string<'js>(
    decoder: &mut Decoder<'_, 'js>,
    value: &Value<'js>,
) -> std::result::Result<String, CodecError> {
    if !value.is_string() {
        return Err(CodecError::new(format!("expected a string, got {}", handle::describe(value))));
    }
    decoder.text(value)
}

/// The plain object that a value has to be.
pub(crate) fn object_of<'a, 'js>(
    value: &'a Value<'js>,
    what: &str,
) -> std::result::Result<&'a Object<'js>, CodecError> {
    let wrong = || CodecError::new(format!("expected {what}, got {}", handle::describe(value)));
    let object = value.as_object().filter(|_| !value.is_array() && !value.is_function()).ok_or_else(wrong)?;
    // Most are plain, and then no handle.
    if !value.is_proxy() && !value.is_promise() && is_plain(value) {
        return Ok(object);
    }
    let stands_for_something = value.is_promise() || (!value.is_proxy() && handle::is_handle(object));
    if stands_for_something || super::json::stand_in(value)?.is_some() {
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
