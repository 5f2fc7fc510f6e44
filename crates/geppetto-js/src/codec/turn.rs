//! Turns: plain objects `{ id, blocks, metadata?, data? }` in JS.

use super::block::{self, Original, named_keys, object_of, string, unknown};
use super::json::{Decoder, NO_ENTRIES, Read};
use super::{CodecError, each, items, properties};
use crate::fault::Fallible;
use crate::vm::Vm;
use geppetto_turns::{Block, Blocks, Map, Turn, TurnId};
use rquickjs::{Ctx, Object, Result, Value};
use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::HashMap;
use std::sync::Arc;

const PROPERTIES: [&str; 4] = ["id", "blocks", "metadata", "data"];

pub(crate) fn encode<'js>(ctx: &Ctx<'js>, turn: &Turn) -> Result<Object<'js>> {
    let vm = Vm::of(ctx);
    vm.keep_shapes(ctx)?;
    let object = Object::new(ctx.clone())?;
    let names = &vm.names;
    names.define_text(&object, "id", &turn.id)?;
    let blocks = turn.blocks.iter().map(|block| Ok(block::named(ctx, &vm, block)?.into_value()));
    names.define(&object, "blocks", super::array(ctx, blocks)?)?;
    for (name, keys) in [("metadata", &turn.metadata), ("data", &turn.data)] {
        if !keys.is_empty() {
            names.define(&object, name, named_keys(ctx, names, keys)?.into_value())?;
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
    let vm = Vm::of(ctx);
    let object = object_of(&vm, value, "a turn")?;
    let mut decoder = Decoder::new(ctx, &vm);
    let (mut id, mut blocks, mut metadata, mut data) = (None, None, None, None);
    each(&vm, object, |name, item| {
        if (item.is_undefined() || item.is_null()) && PROPERTIES.contains(&name) {
            return Ok(());
        }
        match name {
            "id" => {
                id = Some(match string(&mut decoder, item, original.map_or("", |turn| &turn.id))? {
                    Cow::Borrowed(_) => original.map(|turn| turn.id.clone()).unwrap_or_else(TurnId::fresh),
                    Cow::Owned(id) => TurnId::from(id),
                });
            }
            "blocks" => blocks = Some(self::blocks(&mut decoder, item, original.map(|turn| &turn.blocks))?),
            "metadata" => metadata = Some(keys(&mut decoder, item, original.map(|turn| &turn.metadata))?),
            "data" => data = Some(keys(&mut decoder, item, original.map(|turn| &turn.data))?),
            "kind" => {
                return Err(CodecError::new("this is a block: a turn has blocks, as in { blocks: [block] }"));
            }
            "role" | "content" | "payload" | "text" => {
                return Err(CodecError::new(
                    "this is neither a turn nor a block: a turn has blocks, a block has a kind, as in { kind: \"user\", text }",
                ));
            }
            _ => return Err(unknown(name, &PROPERTIES.join(", "), PROPERTIES.into_iter(), "turn")),
        }
        Ok(())
    })?;
    if original.is_some() && blocks.is_none() {
        let message = "blocks is missing; return the turn that was passed, or a copy with its blocks";
        return Err(CodecError::new(message));
    }
    let id = id.filter(|id| !id.is_empty()).unwrap_or_else(TurnId::fresh);
    Ok(Turn {
        id,
        blocks: blocks.unwrap_or_default(),
        metadata: metadata.unwrap_or_default(),
        data: data.unwrap_or_default(),
    })
}

/// Metadata or data.
fn keys<'js>(
    decoder: &mut Decoder<'_, 'js>,
    value: &Value<'js>,
    original: Option<&Arc<Map>>,
) -> std::result::Result<Arc<Map>, CodecError> {
    let expected = original.map_or(&*NO_ENTRIES, |map| map);
    Ok(match (decoder.keys(object_of(decoder.vm, value, "an object")?, expected)?, original) {
        (Read::Same, original) => original.cloned().unwrap_or_default(),
        // In another order.
        (Read::New(keys), Some(original)) if keys == **original => original.clone(),
        (Read::New(keys), _) => Arc::new(keys),
    })
}

fn blocks<'js>(
    decoder: &mut Decoder<'_, 'js>,
    value: &Value<'js>,
    original: Option<&Blocks>,
) -> std::result::Result<Blocks, CodecError> {
    let array = properties::object(value).filter(|_| value.is_array());
    let array = array.ok_or_else(|| {
        CodecError::new(format!("expected an array of blocks, got {}", crate::handle::describe(value)))
    })?;
    let originals = Originals { blocks: original, by_id: OnceCell::new() };
    let read = items(array, |index, item| block::decode(decoder, item, &At(&originals, index)))?;
    let originals = original.into_iter().flatten();
    let same = read.iter().zip(originals).take_while(|(read, original)| Arc::ptr_eq(read, original)).count();
    let mut blocks = original.cloned().unwrap_or_default();
    blocks.split_off(same);
    blocks.extend(read.into_iter().skip(same));
    Ok(blocks)
}

/// The blocks of the turn that was handed out: mostly each is where it was.
struct Originals<'a> {
    blocks: Option<&'a Blocks>,
    /// Made when the first block is somewhere else.
    by_id: OnceCell<HashMap<&'a str, &'a Arc<Block>>>,
}

/// Those of a place.
struct At<'a>(&'a Originals<'a>, usize);

impl Original for At<'_> {
    fn here(&self) -> Option<&Arc<Block>> {
        self.0.blocks?.get(self.1)
    }

    fn with_id(&self, id: &str) -> Option<&Arc<Block>> {
        let blocks = self.0.blocks?;
        let by_id = self.0.by_id.get_or_init(|| blocks.iter().map(|block| (&*block.id, block)).collect());
        by_id.get(id).copied()
    }
}

/// One block, or an array of them.
pub(crate) fn decode_blocks<'js>(ctx: &Ctx<'js>, value: &Value<'js>, place: &str) -> Fallible<Vec<Block>> {
    let vm = Vm::of(ctx);
    let mut decoder = Decoder::new(ctx, &vm);
    let nothing = Originals { blocks: None, by_id: OnceCell::new() };
    let mut read = |index, item: &Value<'js>| block::decode(&mut decoder, item, &At(&nothing, index));
    let array = properties::object(value).filter(|_| value.is_array());
    let read = match array {
        Some(array) => items(array, read),
        None => read(0, value).map(|block| vec![block]),
    };
    let blocks = read.map_err(|error| error.fault(place))?;
    Ok(blocks.into_iter().map(Arc::unwrap_or_clone).collect())
}

/// Whether a value looks like a turn rather than a block.
pub(crate) fn looks_like_turn(object: &Object<'_>) -> Result<bool> {
    Ok(!super::names(object)?.iter().any(|name| name == "kind"))
}
