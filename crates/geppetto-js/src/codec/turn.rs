//! Turns: plain objects `{ id, blocks, metadata?, data? }` in JS.

use super::block::{self, decode_keys, encode_keys, object_of, string, unknown};
use super::json::Decoder;
use super::{CodecError, key, length};
use crate::fault::Fallible;
use crate::function::define;
use geppetto_turns::{Block, Map, Turn, TurnId};
use rquickjs::{Array, Atom, Ctx, Filter, Object, Result, Value};
use std::cell::OnceCell;
use std::collections::HashMap;
use std::sync::Arc;

const PROPERTIES: [&str; 4] = ["id", "blocks", "metadata", "data"];

pub(crate) fn encode<'js>(ctx: &Ctx<'js>, turn: &Turn) -> Result<Object<'js>> {
    let object = Object::new(ctx.clone())?;
    define(&object, "id", turn.id.as_str())?;
    let blocks = Array::new(ctx.clone())?.into_object();
    for (index, block) in turn.blocks.iter().enumerate() {
        #[allow(clippy::cast_possible_truncation, reason = "no turn has 2^32 blocks in memory")]
        define(&blocks, index as u32, block::encode(ctx, block)?)?;
    }
    define(&object, "blocks", blocks)?;
    for (name, keys) in [("metadata", &turn.metadata), ("data", &turn.data)] {
        if !keys.is_empty() {
            define(&object, name, encode_keys(ctx, keys)?)?;
        }
    }
    Ok(object)
}

/// Reads a turn. Blocks, metadata and data that are equal to those of `original`, the turn that was handed out, are
/// shared with it.
pub(crate) fn decode<'js>(
    ctx: &Ctx<'js>,
    value: &Value<'js>,
    original: Option<&Turn>,
    place: &str,
) -> Fallible<Turn> {
    read(ctx, value, original).map_err(|error| error.fault(place))
}

fn read<'js>(
    ctx: &Ctx<'js>,
    value: &Value<'js>,
    original: Option<&Turn>,
) -> std::result::Result<Turn, CodecError> {
    let object = object_of(value, "a turn")?;
    let mut decoder = Decoder::new(ctx);
    let mut has_blocks = false;
    let mut turn = Turn { id: TurnId::from(""), ..Turn::new() };
    for atom in object.own_keys::<Atom<'js>>(Filter::default()) {
        let atom = atom?;
        let name = key(ctx, &atom)?;
        let item = object.get::<_, Value<'js>>(atom);
        let item = item.map_err(|error| CodecError::from(error).in_key(&name))?;
        if (item.is_undefined() || item.is_null()) && PROPERTIES.contains(&name.as_str()) {
            continue;
        }
        has_blocks |= name == "blocks";
        property(&mut decoder, &mut turn, original, (&name, &item)).map_err(|error| error.in_key(&name))?;
    }
    if original.is_some() && !has_blocks {
        let message = "blocks is missing; return the turn that was passed, or a copy with its blocks";
        return Err(CodecError::new(message));
    }
    if turn.id.is_empty() {
        turn.id = TurnId::fresh();
    }
    Ok(turn)
}

fn property<'js>(
    decoder: &mut Decoder<'_, 'js>,
    turn: &mut Turn,
    original: Option<&Turn>,
    (name, value): (&str, &Value<'js>),
) -> std::result::Result<(), CodecError> {
    match name {
        "id" => turn.id = TurnId::from(string(decoder, value)?),
        "blocks" => turn.blocks = blocks(decoder, value, original)?.into_iter().collect(),
        "metadata" => {
            turn.metadata = shared(decode_keys(decoder, value)?, original.map(|turn| &turn.metadata));
        }
        "data" => turn.data = shared(decode_keys(decoder, value)?, original.map(|turn| &turn.data)),
        _ => return Err(unknown(name, &PROPERTIES.join(", "), PROPERTIES.into_iter(), "turn")),
    }
    Ok(())
}

fn shared(keys: Map, original: Option<&Arc<Map>>) -> Arc<Map> {
    original.filter(|original| ***original == keys).cloned().unwrap_or_else(|| Arc::new(keys))
}

fn blocks<'js>(
    decoder: &mut Decoder<'_, 'js>,
    value: &Value<'js>,
    original: Option<&Turn>,
) -> std::result::Result<Vec<Arc<Block>>, CodecError> {
    let array = value.as_object().filter(|_| value.is_array());
    let array = array.ok_or_else(|| {
        CodecError::new(format!("expected an array of blocks, got {}", crate::handle::describe(value)))
    })?;
    let length = length(array)?;
    let mut blocks = Vec::with_capacity(length.min(1024));
    let originals = Originals { turn: original, by_id: OnceCell::new() };
    for index in 0..length {
        #[allow(clippy::cast_possible_truncation, reason = "arrays have at most 2^32 - 1 items")]
        let item = array.get::<_, Value<'js>>(index as u32);
        let item = item.map_err(|error| CodecError::from(error).in_index(index))?;
        let known = |id: &str| originals.block(index, id);
        blocks.push(block::decode(decoder, &item, known).map_err(|error| error.in_index(index))?);
    }
    Ok(blocks)
}

/// The blocks of the turn that was handed out: mostly each is where it was.
struct Originals<'a> {
    turn: Option<&'a Turn>,
    /// Made when the first block is somewhere else.
    by_id: OnceCell<HashMap<&'a str, &'a Arc<Block>>>,
}

impl Originals<'_> {
    fn block(&self, index: usize, id: &str) -> Option<Arc<Block>> {
        let blocks = &self.turn?.blocks;
        if let Some(here) = blocks.get(index).filter(|block| &*block.id == id) {
            return Some(here.clone());
        }
        let by_id = self.by_id.get_or_init(|| blocks.iter().map(|block| (&*block.id, block)).collect());
        by_id.get(id).map(|block| Arc::clone(block))
    }
}

/// One block, or an array of them.
pub(crate) fn decode_blocks<'js>(ctx: &Ctx<'js>, value: &Value<'js>, place: &str) -> Fallible<Vec<Block>> {
    let mut decoder = Decoder::new(ctx);
    let read = if value.is_array() {
        blocks(&mut decoder, value, None)
    } else {
        block::decode(&mut decoder, value, |_| None).map(|block| vec![block])
    };
    let blocks = read.map_err(|error| error.fault(place))?;
    Ok(blocks.into_iter().map(Arc::unwrap_or_clone).collect())
}

/// Whether a value looks like a turn rather than a block.
pub(crate) fn looks_like_turn(object: &Object<'_>) -> Result<bool> {
    for atom in object.own_keys::<Atom<'_>>(Filter::default()) {
        if key(object.ctx(), &atom?)? == "kind" {
            return Ok(false);
        }
    }
    Ok(true)
}
