//! Turns: plain objects `{ id, blocks, metadata?, data? }` in JS.

use super::block::{self, decode_keys, encode_keys, object_of, string, unknown};
use super::json::Decoder;
use super::{CodecError, each, items};
use crate::fault::Fallible;
use crate::vm::Vm;
use geppetto_turns::{Block, Map, Turn, TurnId};
use rquickjs::{Ctx, Object, Result, Value};
use std::cell::OnceCell;
use std::collections::HashMap;
use std::sync::Arc;

const PROPERTIES: [&str; 4] = ["id", "blocks", "metadata", "data"];

pub(crate) fn encode<'js>(ctx: &Ctx<'js>, turn: &Turn) -> Result<Object<'js>> {
    let object = Object::new(ctx.clone())?;
    let names = &Vm::of(ctx).names;
    names.define(&object, "id", turn.id.as_str())?;
    let blocks = turn.blocks.iter().map(|block| Ok(block::encode(ctx, block)?.into_value()));
    names.define(&object, "blocks", super::array(ctx, blocks)?)?;
    for (name, keys) in [("metadata", &turn.metadata), ("data", &turn.data)] {
        if !keys.is_empty() {
            names.define(&object, name, encode_keys(ctx, keys)?)?;
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
    each(object, |name, item| {
        if (item.is_undefined() || item.is_null()) && PROPERTIES.contains(&name) {
            return Ok(());
        }
        has_blocks |= name == "blocks";
        property(&mut decoder, &mut turn, original, (name, item))
    })?;
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
    let originals = Originals { turn: original, by_id: OnceCell::new() };
    items(array, |index, item| block::decode(decoder, item, |id| originals.block(index, id)))
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
    Ok(!super::names(object)?.iter().any(|name| name == "kind"))
}
